//! Placement policy: places are preferred by a table of the operator's, of zones or regions: grams of CO2 for each kWh, priced
//! by the kilogram, or plain weights.
//!
//! What a policy can price is an offer set, all offers of a group that are bought alike. A set of several zones gets the
//! mean of its offers; to choose between zones, let each have a group of its own. Places that the table does not name cost
//! nothing more.

use plimsoll_sdk::{Class, Placement, Prices, Purchase, Set, View, config, export_placement};
use std::collections::BTreeMap;

/// The carbon of running there.
pub const CARBON: u16 = 1;
/// The weight of the place.
pub const WEIGHT: u16 = 2;

/// Configuration.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarbonOrZone {
    /// Grams of CO2 for each kWh, by zone or region.
    #[serde(default)]
    grams_per_kwh: BTreeMap<String, f64>,
    /// What a kilogram of CO2 counts, dollars.
    #[serde(default = "price_of_carbon")]
    usd_per_kg: f64,
    /// Power of one core that is requested, watts.
    #[serde(default = "watts_of_core")]
    watts_per_core: f64,
    /// Power of one GiB that is requested, watts.
    #[serde(default = "watts_of_gib")]
    watts_per_gib: f64,
    /// Share of their price by which places are dearer (0.1) or cheaper (-0.1), by zone or region.
    #[serde(default)]
    weights: BTreeMap<String, f64>,
}

fn price_of_carbon() -> f64 {
    0.1
}

fn watts_of_core() -> f64 {
    3.5
}

fn watts_of_gib() -> f64 {
    0.4
}

impl Placement for CarbonOrZone {
    fn configure(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        if policy.grams_per_kwh.is_empty() == policy.weights.is_empty() {
            return Err("either grams_per_kwh or weights must name places".to_owned());
        }
        for (field, table, range) in [
            ("grams_per_kwh", &policy.grams_per_kwh, 0.0..=10_000.0),
            ("weights", &policy.weights, -0.9..=100.0),
        ] {
            let odd = table.iter().find(|(_, value)| !range.contains(*value));
            if let Some((place, _)) = odd {
                return Err(format!(
                    "{field}.{place}: {} to {} is meant",
                    range.start(),
                    range.end()
                ));
            }
        }
        let amounts = [
            ("usd_per_kg", policy.usd_per_kg),
            ("watts_per_core", policy.watts_per_core),
            ("watts_per_gib", policy.watts_per_gib),
        ];
        match amounts
            .into_iter()
            .find(|(_, amount)| !(0.0..=1000.0).contains(amount))
        {
            Some((field, _)) => Err(format!("{field}: 0 to 1000 is meant")),
            None => Ok(policy),
        }
    }

    fn place(&self, view: &View<'_>) -> Result<Prices, String> {
        let (table, code) = if self.weights.is_empty() {
            (&self.grams_per_kwh, CARBON)
        } else {
            (&self.weights, WEIGHT)
        };
        let mut prices = Prices::default();
        for set in view.sets() {
            let Some(value) = mean(view, set, table) else {
                continue;
            };
            for class in view.classes() {
                let usd = match code {
                    CARBON => value * self.usd_per_gram_of_kwh(class),
                    _ => value * class.ec2_price().unwrap_or(0.0),
                };
                if usd != 0.0 {
                    prices.add(class, set, usd.clamp(-1e6, 1e6), code);
                }
            }
        }
        Ok(prices)
    }
}

impl CarbonOrZone {
    /// Dollars per hour that one pod costs for each gram in a kWh.
    fn usd_per_gram_of_kwh(&self, class: Class<'_>) -> f64 {
        let cores = f64::from(class.cpu_milli()) / 1000.0;
        let gib = f64::from(class.memory_mib()) / 1024.0;
        let kilowatts = (cores * self.watts_per_core + gib * self.watts_per_gib) / 1000.0;
        kilowatts / 1000.0 * self.usd_per_kg
    }
}

/// The mean of what the table says of a set's offers; `None` where it says nothing of any.
fn mean(view: &View<'_>, set: Set<'_>, table: &BTreeMap<String, f64>) -> Option<f64> {
    let (name, arch) = (set.group(), set.arch());
    let mine = view.offers().filter(|offer| {
        let paid = offer.purchase();
        offer.group().name() == name
            && (arch.is_empty() || offer.arch() == arch)
            && (set.purchase() == Purchase::Mixed || paid.is_none() || paid == Some(set.purchase()))
    });
    let (mut sum, mut offers, mut named) = (0.0, 0.0, false);
    for offer in mine {
        let zone = offer.zone();
        let known = table.get(&*zone).or_else(|| table.get(region(&zone)));
        sum += known.copied().unwrap_or(0.0);
        offers += 1.0;
        named |= known.is_some();
    }
    named.then(|| sum / offers)
}

/// `eu-central-1a` is in `eu-central-1`.
fn region(zone: &str) -> &str {
    zone.trim_end_matches(|letter: char| letter.is_ascii_lowercase())
}

export_placement!(CarbonOrZone);

#[cfg(test)]
mod tests;
