//! Placement policy: every class of pods is on the side, EC2 or Fargate, that is cheaper at the utilisation that the EC2
//! groups have measured, and changes sides only when that is clear and has been so for a while.
//!
//! A pod on EC2 really costs its price on a full node divided by how full nodes get. Break-even is the utilisation of
//! (EC2 price ÷ Fargate price). A class goes to Fargate where utilisation is below it by the band, back where it is above it
//! by the band, and stays for the dwelling time. Keeps the side of each class: a line `SIDE MILLIS CLASS` for each.

use plimsoll_sdk::{Class, Placement, Prices, View, config, export_placement};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Cheaper on Fargate at this utilisation.
pub const ON_FARGATE: u16 = 1;
/// Cheaper on EC2 at this utilisation.
pub const ON_EC2: u16 = 2;

/// Room for lines; the host takes 65,536 bytes.
const MOST_KEPT: usize = 60_000;

/// Configuration, with its defaults.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FargateBreakEven {
    /// How far beyond break-even utilisation must be before a class changes sides, percent points.
    band_percent: f64,
    /// A class stays at least so long on a side.
    dwell_minutes: u32,
    /// Kinds of owners that are asked about; empty: all.
    kinds: Vec<String>,
}

impl Default for FargateBreakEven {
    fn default() -> Self {
        Self {
            band_percent: 5.0,
            dwell_minutes: 30,
            kinds: Vec::new(),
        }
    }
}

/// Where a class is, and since when, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Side {
    fargate: bool,
    since: u64,
}

impl Placement for FargateBreakEven {
    fn configure(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        if !(0.0..=50.0).contains(&policy.band_percent) {
            return Err("band_percent: 0 to 50".to_owned());
        }
        if policy.dwell_minutes > 1440 {
            return Err("dwell_minutes: 0 to 1440".to_owned());
        }
        Ok(policy)
    }

    fn place(&self, view: &View<'_>) -> Result<Prices, String> {
        let mut sides = read(&view.state());
        let mut prices = Prices::default();
        let use_of = Utilisation::of(view);
        let now = view.now_ms();
        let asked = |class: &Class<'_>| {
            let kind = class.owner_kind();
            self.kinds.is_empty() || self.kinds.iter().any(|asked| kind == asked.as_str())
        };
        for class in view.classes().filter(asked) {
            let (Some(ec2), Some(fargate)) = (class.ec2_price(), class.fargate_price()) else {
                continue;
            };
            let Some(utilisation) = use_of.as_ref().map(|of| of.for_class(class)) else {
                continue;
            };
            let key = key(class);
            let side = self.side(sides.get(&key).copied(), utilisation - ec2 / fargate, now);
            sides.insert(key, side);
            for set in view.sets().filter(|set| set.is_fargate()) {
                if side.fargate {
                    // Priced a hair below a node used to the full: wins against any node that would be bought.
                    prices.add(class, set, ec2 * 0.999 - fargate, ON_FARGATE);
                } else {
                    prices.forbid(class, set, ON_EC2);
                }
            }
        }
        view.keep(written(&sides).as_bytes());
        Ok(prices)
    }
}

impl FargateBreakEven {
    /// The side of a class whose utilisation is so far above break-even.
    fn side(&self, before: Option<Side>, above: f64, now: u64) -> Side {
        let Some(before) = before else {
            return Side {
                fargate: above < 0.0,
                since: now,
            };
        };
        let band = self.band_percent / 100.0;
        let rested = now.saturating_sub(before.since) >= u64::from(self.dwell_minutes) * 60_000;
        let changes = if before.fargate {
            above > band
        } else {
            above < -band
        };
        if rested && changes {
            Side {
                fargate: !before.fargate,
                since: now,
            }
        } else {
            before
        }
    }
}

/// Requested shares of all EC2 groups, weighted by nodes, as the engine smooths them over cycles.
struct Utilisation {
    cpu: f64,
    memory: f64,
}

impl Utilisation {
    /// `None` while there are no nodes to measure.
    fn of(view: &View<'_>) -> Option<Self> {
        let (mut nodes, mut cpu, mut memory) = (0.0, 0.0, 0.0);
        for group in view
            .groups()
            .filter(|group| group.kind() != plimsoll_sdk::GroupKind::Fargate)
        {
            let weight = f64::from(group.nodes());
            nodes += weight;
            cpu += weight * f64::from(group.cpu_requested()) / 1000.0;
            memory += weight * f64::from(group.memory_requested()) / 1000.0;
        }
        (nodes > 0.0).then(|| Self {
            cpu: cpu / nodes,
            memory: memory / nodes,
        })
    }

    /// The scarcer resource is what keeps another pod out, whatever the class asks for.
    fn for_class(&self, class: Class<'_>) -> f64 {
        match (class.cpu_milli(), class.memory_mib()) {
            (0, _) => self.memory,
            (_, 0) => self.cpu,
            _ => self.cpu.max(self.memory),
        }
    }
}

/// What a class is remembered by. Not the owner's name: Jobs have a new one every time.
fn key(class: Class<'_>) -> String {
    let (kind, namespace) = (class.owner_kind(), class.namespace());
    format!(
        "{kind}/{namespace} {}m {}Mi",
        class.cpu_milli(),
        class.memory_mib()
    )
}

/// Lines that are not its own are passed over.
fn read(kept: &[u8]) -> BTreeMap<String, Side> {
    let text = String::from_utf8_lossy(kept);
    let line = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let fargate = match words.next()? {
            "fargate" => true,
            "ec2" => false,
            _ => return None,
        };
        let since = words.next()?.parse().ok()?;
        Some((words.next()?.to_owned(), Side { fargate, since }))
    };
    text.lines().filter_map(line).collect()
}

/// Where there are very many, those that changed last are remembered.
fn written(sides: &BTreeMap<String, Side>) -> String {
    let mut rows: Vec<_> = sides.iter().collect();
    rows.sort_by_key(|(_, side)| std::cmp::Reverse(side.since));
    let mut text = String::new();
    for (key, side) in rows {
        let name = if side.fargate { "fargate" } else { "ec2" };
        if text.len() + key.len() + 32 > MOST_KEPT {
            break;
        }
        let _ = writeln!(text, "{name} {} {key}", side.since);
    }
    text
}

export_placement!(FargateBreakEven);

#[cfg(test)]
mod tests;
