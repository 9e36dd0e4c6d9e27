//! What nodes cost that are there already, also where nothing like them is for sale.
//!
//! The aims say what may be bought; what runs costs money whatever they say. A type of the list has its price there;
//! another is estimated from its family, or from the family of its class whose generation is nearest: AWS' prices grow
//! with the size within a family. A spot node whose spot price nobody told counts the least that its type could cost:
//! too low a price never moves a pod in vain. Where nothing is alike there is no price. Deliberately absent: what can
//! be bought (`offers`), a price for a type that is not told, factors between regions.

use crate::offers::PriceList;
use model::money::UsdPerHour;
use model::node::{Node, Rate};
use model::offer::{Confidence, Purchase};
use model::registration::label::{BETA_INSTANCE_TYPE, INSTANCE_TYPE};
use model::registration::purchase_of;
use model::selector::Labels;
use std::collections::BTreeMap;

/// Classes whose families cost alike for their size: general purpose, compute, memory, burstable. Of others
/// (accelerators, storage) only the family itself tells.
const ALIKE: [&str; 4] = ["c", "m", "r", "t"];

/// The least part of its on-demand price that spot capacity costs, one divided by it (AWS: "up to 90 % off").
const LEAST_SPOT: i64 = 10;

/// On-demand prices of `large` in the region of the built-in list, in nano-dollars: families that clusters run on, sold
/// by that list or not.
const LARGE: [(&str, i64); 36] = [
    ("c4", 100_000_000),
    ("c5", 85_000_000),
    ("c5a", 77_000_000),
    ("c5d", 96_000_000),
    ("c5n", 108_000_000),
    ("c6a", 76_500_000),
    ("c6g", 68_000_000),
    ("c6i", 85_000_000),
    ("c7a", 102_640_000),
    ("c7g", 72_500_000),
    ("c7i", 89_250_000),
    ("m4", 100_000_000),
    ("m5", 96_000_000),
    ("m5a", 86_000_000),
    ("m5d", 113_000_000),
    ("m6a", 86_400_000),
    ("m6g", 77_000_000),
    ("m6i", 96_000_000),
    ("m7a", 115_920_000),
    ("m7g", 81_600_000),
    ("m7i", 100_800_000),
    ("m8g", 89_760_000),
    ("r4", 133_000_000),
    ("r5", 126_000_000),
    ("r5a", 113_000_000),
    ("r5d", 144_000_000),
    ("r6a", 113_400_000),
    ("r6g", 100_800_000),
    ("r6i", 126_000_000),
    ("r7g", 107_100_000),
    ("r7i", 132_300_000),
    ("r8g", 117_820_000),
    ("t2", 92_800_000),
    ("t3", 83_200_000),
    ("t3a", 75_200_000),
    ("t4g", 67_200_000),
];

/// Prices by which nodes are told what they cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tariff {
    on_demand: BTreeMap<String, (UsdPerHour, Confidence)>,
    spot: BTreeMap<String, UsdPerHour>,
    /// The cheapest price of one unit of size in each family.
    families: BTreeMap<String, Unit>,
}

/// A price for so many units of size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unit {
    price: UsdPerHour,
    units: i64,
}

impl Tariff {
    /// What a list tells.
    pub fn of(list: &PriceList) -> Self {
        let confidence = list.confidence();
        let mut tariff = Self::default();
        for row in &list.rows {
            tariff.add(&row.instance_type, row.on_demand, confidence);
            if let Some(price) = row.spot {
                tariff.add_spot(&row.instance_type, price);
            }
        }
        if list.built_in {
            tariff.add_families();
        }
        tariff
    }

    /// Adds what a type costs on demand; what was told before stays. A price of nothing tells nothing.
    pub fn add(&mut self, instance_type: &str, price: UsdPerHour, confidence: Confidence) {
        if price <= UsdPerHour::ZERO || confidence == Confidence::Unknown {
            return;
        }
        self.on_demand
            .entry(instance_type.to_owned())
            .or_insert((price, confidence));
        if let Some((family, units)) = shape(instance_type) {
            self.add_family(family, Unit { price, units });
        }
    }

    /// Adds what a type costs as spot capacity: the least of all that is told.
    pub fn add_spot(&mut self, instance_type: &str, price: UsdPerHour) {
        if price > UsdPerHour::ZERO {
            let least = self.spot.entry(instance_type.to_owned()).or_insert(price);
            *least = price.min(*least);
        }
    }

    /// Adds the families that are built in, for the region of the built-in list.
    pub fn add_families(&mut self) {
        for (family, price) in LARGE {
            let price = UsdPerHour(price);
            self.add_family(
                family,
                Unit {
                    price,
                    units: 4 * QUARTERS,
                },
            );
        }
    }

    fn add_family(&mut self, family: &str, unit: Unit) {
        let least = self.families.entry(family.to_owned()).or_insert(unit);
        if unit.is_cheaper(*least) {
            *least = unit;
        }
    }

    /// What a node of these labels costs; `None` where neither its type nor any like it has a price.
    pub fn rate(&self, labels: &Labels) -> Option<Rate> {
        let instance_type = [INSTANCE_TYPE, BETA_INSTANCE_TYPE]
            .iter()
            .find_map(|key| labels.get(*key))?;
        let (price, confidence) = self.price(instance_type)?;
        if purchase_of(labels) != Some(Purchase::Spot) {
            return Some(Rate { price, confidence });
        }
        let told = self.spot.get(instance_type).copied();
        Some(Rate {
            price: told.unwrap_or_else(|| UsdPerHour(price.0 / LEAST_SPOT).max(UsdPerHour(1))),
            confidence: Confidence::Estimated,
        })
    }

    /// Notes what each node costs that no offer stands for.
    pub fn tell(&self, nodes: &mut [Node]) {
        let untold = |node: &&mut Node| node.offer.is_none() && !node.fargate;
        for node in nodes.iter_mut().filter(untold) {
            node.rate = self.rate(&node.labels);
        }
    }

    fn price(&self, instance_type: &str) -> Option<(UsdPerHour, Confidence)> {
        let listed = self.on_demand.get(instance_type).copied();
        listed.or_else(|| {
            let (family, units) = shape(instance_type)?;
            let unit = self.families.get(family).or_else(|| self.nearest(family))?;
            Some((unit.times(units), Confidence::Estimated))
        })
    }

    /// The family of the same class whose generation is nearest: first those with the same attributes (`a`, `gd`), then
    /// any, the cheapest of equals.
    fn nearest(&self, family: &str) -> Option<&Unit> {
        let own = Family::of(family)?;
        let alike = self.families.iter().filter_map(|(name, unit)| {
            let other = Family::of(name)?;
            let far = (
                other.attributes != own.attributes,
                other.generation.abs_diff(own.generation),
            );
            (other.class == own.class && ALIKE.contains(&own.class)).then_some((far, unit))
        });
        alike
            .min_by(|(far, unit), (others, other)| far.cmp(others).then_with(|| unit.compare(other)))
            .map(|(_, unit)| unit)
    }
}

impl Unit {
    fn compare(self, other: &Self) -> std::cmp::Ordering {
        let product = |price: UsdPerHour, units: i64| i128::from(price.0) * i128::from(units);
        product(self.price, other.units).cmp(&product(other.price, self.units))
    }

    fn is_cheaper(self, other: Self) -> bool {
        self.compare(&other).is_lt()
    }

    fn times(&self, units: i64) -> UsdPerHour {
        let price = i128::from(self.price.0) * i128::from(units) / i128::from(self.units);
        UsdPerHour(i64::try_from(price).unwrap_or(i64::MAX).max(1))
    }
}

/// `m6gd`: class `m`, generation 6, attributes `gd`.
struct Family<'a> {
    class: &'a str,
    generation: u32,
    attributes: &'a str,
}

impl<'a> Family<'a> {
    fn of(name: &'a str) -> Option<Self> {
        let (class, rest) = name.split_at(name.find(|c: char| c.is_ascii_digit())?);
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (generation, attributes) = rest.split_at(end);
        Some(Self {
            class,
            generation: generation.parse().ok()?,
            attributes,
        })
    }
}

/// Sizes are counted in quarters of `small`, so that `nano` is a whole number.
const QUARTERS: i64 = 4;

/// Family and size of a type, the size as AWS' normalization factors count it: `large` is 4 `small`, `xlarge` 8. None
/// where the size tells none (`metal`).
fn shape(instance_type: &str) -> Option<(&str, i64)> {
    let (family, size) = instance_type.split_once('.')?;
    let small = match size {
        "nano" => return Some((family, 1)),
        "micro" => return Some((family, 2)),
        "small" => 1,
        "medium" => 2,
        "large" => 4,
        "xlarge" => 8,
        _ => {
            let size = size.strip_prefix("metal-").unwrap_or(size);
            let times = size.strip_suffix("xlarge").or_else(|| size.strip_suffix("xl"))?;
            8 * times
                .parse::<i64>()
                .ok()
                .filter(|times| (1..=1024).contains(times))?
        }
    };
    Some((family, small * QUARTERS))
}

#[cfg(test)]
mod tests;
