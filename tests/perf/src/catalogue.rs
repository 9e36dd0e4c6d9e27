//! What can be bought in a benchmark: on-demand types of the price list, by size and architecture.

use crate::data;
use anyhow::Result;
use manifest::{PriceList, Site, TypeRow};
use model::registration::{Bootstrap, OperatingSystem, Zones};
use model::selector::Labels;
use model::{Aims, Offer};

/// Which part of the price list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Types with at most so many vCPUs.
    pub vcpu: i64,
    /// arm64 beside amd64.
    pub both: bool,
}

impl Catalogue {
    /// amd64 up to so many vCPUs.
    pub const fn up_to(vcpu: i64) -> Self {
        Self { vcpu, both: false }
    }

    /// Every size of amd64.
    pub const fn all() -> Self {
        Self::up_to(i64::MAX)
    }

    /// How tables name it.
    pub fn name(self) -> String {
        match (self.vcpu, self.both) {
            (i64::MAX, false) => "all".to_owned(),
            (i64::MAX, true) => "both".to_owned(),
            (vcpu, false) => format!("≤{vcpu}"),
            (vcpu, true) => format!("both ≤{vcpu}"),
        }
    }

    /// Its offers, in one zone, of the group at index 0.
    pub fn offers(self, prices: &PriceList) -> Vec<Offer> {
        let rows = prices.rows.iter().filter(|row| self.has(row)).cloned().collect();
        let list = PriceList {
            rows,
            ..PriceList::default()
        };
        sold(&list)
    }

    fn has(self, row: &TypeRow) -> bool {
        let arch = row.arch == "amd64" || self.both && row.arch == "arm64";
        arch && row.vcpu <= self.vcpu && !row.bare_metal && general(&row.instance_type)
    }
}

/// Compute, general and memory types from the fifth generation on.
fn general(instance_type: &str) -> bool {
    let mut letters = instance_type.chars();
    let family = letters.next().is_some_and(|c| matches!(c, 'c' | 'm' | 'r'));
    family
        && letters
            .next()
            .and_then(|c| c.to_digit(10))
            .is_some_and(|generation| generation >= 5)
}

/// All of a list, in one zone, to a fleet of Linux nodes.
fn sold(list: &PriceList) -> Vec<Offer> {
    let (zones, labels) = (Zones::default(), Labels::new());
    let site = Site {
        zones: &zones,
        os: &OperatingSystem::Linux,
        bootstrap: Bootstrap::Own,
        labels: &labels,
    };
    list.fleet(&Aims::default(), &[], 0, &site).0
}

/// Every type of both architectures that is no bare metal, in one zone.
pub fn every(prices: &PriceList) -> Vec<Offer> {
    let rows = prices.rows.iter().filter(|row| !row.bare_metal).cloned();
    let list = PriceList {
        rows: rows.collect(),
        ..PriceList::default()
    };
    sold(&list)
}

/// The price list of the outside data, every type in one zone.
pub fn prices() -> Result<PriceList> {
    let bytes = data::read("ec2_us-east-1.csv.gz")?;
    let mut list =
        manifest::price_list("ec2_us-east-1.csv.gz", &bytes).map_err(|p| anyhow::anyhow!("{p}"))?;
    for row in &mut list.rows {
        row.zones = vec!["use1-az1".to_owned()];
    }
    Ok(list)
}
