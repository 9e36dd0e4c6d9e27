//! Where things should go and what that costs: the placement policies' say, and Fargate or EC2 by money.
//!
//! Factors of several policies multiply, addends add, a forbid wins. A Fargate size for one pod is compared
//! with what the pod pays on EC2 under the duals, divided by how full the group's nodes really are. Packing
//! itself is elsewhere; existing free room comes before either.

use crate::market::Market;
use crate::number::{floor, real};
use crate::table::Table;
use model::memory::GroupUse;
use model::money::UsdPerHour;
use packing::duals::Duals;

/// Below this share a group's measured use says more about a fresh cluster than about packing.
const LEAST_USE: f64 = 0.05;

/// What one pod of a row costs on EC2 once idle room is paid for, and the set that this price comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ec2Price {
    /// Per pod.
    pub(crate) price: UsdPerHour,
    /// Offer set.
    pub(crate) set: usize,
}

/// By row: the marginal EC2 price divided by the measured use of the group it comes from.
pub(crate) fn ec2_price(market: &Market<'_>, table: &Table, duals: &Duals, row: usize) -> Option<Ec2Price> {
    let (column, marginal) = duals.cheapest_column(&table.problem, row)?;
    let tariff = table.problem.columns[column].tariff;
    let set = table.sold[column].set;
    let addend = table.problem.addend(Some(tariff), row);
    let used = measured_use(market, set);
    let price = floor(real(marginal.saturating_sub(addend)) / used).saturating_add(addend);
    Some(Ec2Price {
        price: UsdPerHour(price.max(0)),
        set,
    })
}

/// Share of a set's nodes that pods ask for, at least [`LEAST_USE`]; where it has none, that of all groups
/// with nodes; where there are none at all, 1.
fn measured_use(market: &Market<'_>, set: usize) -> f64 {
    let share = |of: &GroupUse| f64::from(of.cpu_requested.max(of.memory_requested)) / 1000.0;
    let own = market.sets.get(set).filter(|row| row.nodes > 0);
    let used = own.map_or_else(
        || {
            let with_nodes: Vec<f64> = market
                .sets
                .iter()
                .filter(|row| row.nodes > 0)
                .map(|row| share(&row.utilisation))
                .collect();
            let total: f64 = with_nodes.iter().sum();
            let count = real(i64::try_from(with_nodes.len()).unwrap_or(i64::MAX));
            if with_nodes.is_empty() { 1.0 } else { total / count }
        },
        |row| share(&row.utilisation),
    );
    used.clamp(LEAST_USE, 1.0)
}

/// Rows whose pods go to Fargate: it is cheaper there, or nothing else runs them.
pub(crate) fn choose(market: &Market<'_>, table: &Table, duals: &Duals, late: &[bool]) -> Vec<bool> {
    (0..table.problem.rows.len())
        .map(|row| match &table.fargate[row] {
            None => false,
            Some((_, fargate)) => match ec2_price(market, table, duals, row) {
                None => true,
                Some(ec2) => !late[row] && UsdPerHour(*fargate) < ec2.price,
            },
        })
        .collect()
}
