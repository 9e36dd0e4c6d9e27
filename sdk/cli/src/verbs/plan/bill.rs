//! `--bill`: what each class of pods pays and what each new node wastes, which together is the bill to the
//! nano-dollar.
//!
//! Pods pay their class's dual price; what a node costs beyond what its pods pay, it wastes. Pods on nodes that are
//! there pay nothing: those nodes are paid for already.

use crate::output::{plain, table};
use comfy_table::{CellAlignment, Table};
use decide::Deliberation;
use model::money::UsdPerHour;
use model::notes::ClassNote;
use model::{NodeName, Snapshot};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Rows of a table before the rest is added up.
const ROWS: usize = 20;

/// The bill, taken apart.
#[derive(Serialize)]
pub(crate) struct BillJson {
    /// What the pods pay.
    #[serde(flatten)]
    total: Total,
    classes: Vec<ClassJson>,
    nodes: Vec<WasteJson>,
}

/// `paid + wasted = bill`, in nano-dollars an hour and in dollars for reading.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the keys of the JSON say their unit")]
struct Total {
    paid_nano_usd_per_hour: i64,
    wasted_nano_usd_per_hour: i64,
    nano_usd_per_hour: i64,
    usd_per_hour: f64,
}

/// What a class of pods pays for its places on new nodes.
#[derive(Serialize)]
struct ClassJson {
    /// One of its pods.
    sample: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<String>,
    /// Pods on new nodes.
    pods: u32,
    /// What each pays.
    each_nano_usd_per_hour: i64,
    each_usd_per_hour: f64,
    /// What they pay together.
    nano_usd_per_hour: i64,
}

/// What a new node costs and wastes.
#[derive(Serialize)]
struct WasteJson {
    node: String,
    offer: String,
    nano_usd_per_hour: i64,
    paid_nano_usd_per_hour: i64,
    wasted_nano_usd_per_hour: i64,
    wasted_usd_per_hour: f64,
}

impl BillJson {
    /// Of a plan.
    pub(crate) fn new(seen: &Snapshot, done: &Deliberation) -> Self {
        let offers: BTreeMap<_, _> = seen.offers.iter().map(|offer| (&offer.id, offer)).collect();
        let wasted: BTreeMap<&NodeName, UsdPerHour> = done
            .notes
            .waste
            .iter()
            .map(|(node, waste)| (node, *waste))
            .collect();
        let nodes = done.plan.nodes.iter().map(|node| {
            let price = offers
                .get(&node.offer)
                .map(|offer| node.price(offer))
                .unwrap_or_default();
            let waste = wasted.get(&node.name).copied().unwrap_or_default();
            WasteJson {
                node: node.name.to_string(),
                offer: node.offer.to_string(),
                nano_usd_per_hour: price.0,
                paid_nano_usd_per_hour: (price - waste).0,
                wasted_nano_usd_per_hour: waste.0,
                wasted_usd_per_hour: waste.dollars(),
            }
        });
        let buying = done.notes.classes.iter().filter(|class| class.bought > 0);
        let mut classes: Vec<ClassJson> = buying.map(class_json).collect();
        classes.sort_by_key(|class| std::cmp::Reverse(class.nano_usd_per_hour));
        let paid: UsdPerHour = classes
            .iter()
            .map(|class| UsdPerHour(class.nano_usd_per_hour))
            .sum();
        let wasted: UsdPerHour = wasted.values().copied().sum();
        let bill: UsdPerHour = paid + wasted;
        Self {
            total: Total {
                paid_nano_usd_per_hour: paid.0,
                wasted_nano_usd_per_hour: wasted.0,
                nano_usd_per_hour: bill.0,
                usd_per_hour: bill.dollars(),
            },
            classes,
            nodes: nodes.collect(),
        }
    }

    /// The bill for people.
    pub(crate) fn text(&self) -> String {
        let total = &self.total;
        if self.nodes.is_empty() {
            return "nothing is bought, so that nobody pays anything".to_owned();
        }
        let mut text = format!("{}\n\n{}\n\n", self.class_table(), self.waste_table());
        let _ = write!(
            text,
            "paid {} + wasted {} = bill {} $/h",
            nanos(total.paid_nano_usd_per_hour),
            nanos(total.wasted_nano_usd_per_hour),
            nanos(total.nano_usd_per_hour),
        );
        text
    }

    fn class_table(&self) -> String {
        let mut rows = numbers(&["class pays", "pods", "each $/h", "together $/h"], 1);
        for class in self.classes.iter().take(ROWS) {
            let name = class.workload.as_ref().unwrap_or(&class.sample);
            rows.add_row([
                plain(name),
                class.pods.to_string(),
                nanos(class.each_nano_usd_per_hour),
                nanos(class.nano_usd_per_hour),
            ]);
        }
        let rest = self.classes.get(ROWS..).unwrap_or_default();
        if !rest.is_empty() {
            let pods: u64 = rest.iter().map(|class| u64::from(class.pods)).sum();
            let together: UsdPerHour = rest.iter().map(|class| UsdPerHour(class.nano_usd_per_hour)).sum();
            rows.add_row([
                format!("… {} more classes", rest.len()),
                pods.to_string(),
                String::new(),
                nanos(together.0),
            ]);
        }
        rows.trim_fmt()
    }

    /// Nodes of one offer together, those that waste most first.
    fn waste_table(&self) -> String {
        let mut offers: BTreeMap<&str, (u32, UsdPerHour, UsdPerHour)> = BTreeMap::new();
        for node in &self.nodes {
            let offer = offers.entry(&node.offer).or_default();
            offer.0 += 1;
            offer.1 += UsdPerHour(node.nano_usd_per_hour);
            offer.2 += UsdPerHour(node.wasted_nano_usd_per_hour);
        }
        let mut offers: Vec<_> = offers.into_iter().collect();
        offers.sort_by(|a, b| b.1.2.cmp(&a.1.2).then(a.0.cmp(b.0)));
        let mut rows = numbers(&["node wastes", "nodes", "price $/h", "wasted $/h", "share"], 1);
        let mut add = |name: String, (count, price, waste): (u32, UsdPerHour, UsdPerHour)| {
            let share = i128::from(waste.0) * 1000 / i128::from(price.0.max(1));
            rows.add_row([
                name,
                count.to_string(),
                nanos(price.0),
                nanos(waste.0),
                format!("{}.{} %", share / 10, share % 10),
            ]);
        };
        for (offer, of) in offers.iter().take(ROWS) {
            add(plain(offer), *of);
        }
        let rest = offers.get(ROWS..).unwrap_or_default();
        if !rest.is_empty() {
            let together = rest
                .iter()
                .fold((0, UsdPerHour::ZERO, UsdPerHour::ZERO), |sum, (_, of)| {
                    (sum.0 + of.0, sum.1 + of.1, sum.2 + of.2)
                });
            add(format!("… {} more offers", rest.len()), together);
        }
        rows.trim_fmt()
    }
}

fn class_json(class: &ClassNote) -> ClassJson {
    ClassJson {
        sample: class.sample.to_string(),
        workload: class.workload.as_ref().map(ToString::to_string),
        pods: class.bought,
        each_nano_usd_per_hour: class.pays.0,
        each_usd_per_hour: class.pays.dollars(),
        nano_usd_per_hour: class.pays.times(u64::from(class.bought)).0,
    }
}

/// A table whose columns from this one on are numbers.
fn numbers(heads: &[&str], from: usize) -> Table {
    let mut rows = table(heads);
    for column in rows.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    rows
}

/// Dollars with all nine places, exactly.
fn nanos(amount: i64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let amount = amount.unsigned_abs();
    format!("{sign}{}.{:09}", amount / 1_000_000_000, amount % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nano_dollars_are_written_whole() {
        assert_eq!(nanos(172_800_000), "0.172800000");
        assert_eq!(nanos(-1), "-0.000000001");
        assert_eq!(nanos(i64::MAX), "9223372036.854775807");
    }
}
