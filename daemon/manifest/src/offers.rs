//! The offers file and the built-in price list, and the fleet that buys from them.
//!
//! What pods can use of a type is computed (`allocatable`) where the file does not tell it. Offers of named groups
//! are the work of `market`.

mod reading;

use crate::problem::Problems;
use crate::rates::{self, FargateByRegion};
use model::aims::{Aims, Catalogue};
use model::group::{Group, GroupKind, GroupOptions, LaunchMode};
use model::ids::{GroupName, OfferId};
use model::money::UsdPerHour;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::prices::{BUILT_IN_REGION, PriceSource, Prices};
use model::registration::{Bootstrap, OperatingSystem, Registration, Zones};
use model::resources::Resources;
use model::selector::Labels;
pub use reading::price_list;

/// Name of the group that buys from an offers file.
pub const FLEET: &str = "fleet";

/// Zone of offers whose file tells none, where nothing else is known.
pub(crate) const ANY_ZONE: &str = "any";

/// One instance type for sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeRow {
    /// `m6a.xlarge`.
    pub instance_type: String,
    /// vCPUs.
    pub vcpu: i64,
    /// `amd64` or `arm64`.
    pub arch: String,
    /// On-demand price.
    pub on_demand: UsdPerHour,
    /// Estimated spot price.
    pub spot: Option<UsdPerHour>,
    /// Chance that a spot instance is interrupted within a month, in thousandths.
    pub interruptions: Option<u32>,
    /// What pods can use.
    pub allocatable: Resources,
    /// Most pods.
    pub max_pods: u32,
    /// Zones, as the file names them; empty: not told.
    pub zones: Vec<String>,
    /// Bare metal.
    pub bare_metal: bool,
    /// Burstable.
    pub burstable: bool,
}

/// Instance types with prices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceList {
    /// Types, in the order of the file.
    pub rows: Vec<TypeRow>,
    /// Rows left out while reading.
    pub skipped: Skipped,
    /// Prices come from the built-in table.
    pub built_in: bool,
    /// Region whose prices these are, as the column `region` or the zones tell it; `None`: told by neither.
    pub region: Option<String>,
    /// Region that the operator says the cluster is in, whatever its nodes say.
    pub said: Option<String>,
    /// Where the prices come from.
    pub source: Option<PriceSource>,
    /// What Fargate costs, by region, as files tell it.
    pub fargate: FargateByRegion,
}

/// Rows that were left out, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Without a price.
    pub no_price: u32,
    /// Without CPU or memory.
    pub no_shape: u32,
    /// Neither amd64 nor arm64.
    pub arch: u32,
    /// Not wanted by the aims (bare metal, burstable, Mac, too large, other families).
    pub unwanted: u32,
}

/// Reads an offers file and gives the fleet's offers; what the aims do not want is counted.
pub fn offers(file: &str, bytes: &[u8], aims: &Aims) -> Result<(Vec<Offer>, Group, Skipped), Problems> {
    let list = price_list(file, bytes)?;
    let zones = Zones::new(&aims.zones);
    let site = Site {
        zones: &zones,
        os: &OperatingSystem::Linux,
        bootstrap: Bootstrap::Karpenter,
        labels: &Labels::new(),
    };
    let (offers, skipped) = list.fleet(aims, &[], 0, &site);
    Ok((offers, fleet_group(), skipped))
}

/// The group that buys any offer of the file.
pub fn fleet_group() -> Group {
    Group {
        name: GroupName::new(FLEET),
        uid: None,
        kind: GroupKind::Fleet,
        min: 0,
        max: u32::MAX,
        desired: 0,
        launch: LaunchMode::Direct,
        instances: Vec::new(),
        labels: Labels::new(),
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    }
}

impl PriceList {
    /// The prices of a cluster whose nodes tell this region, or none. Where nobody tells any, the list's own region
    /// counts, and failing that the one whose prices are built in.
    pub fn prices(&self, nodes_tell: Option<&str>) -> Prices {
        let told = self.said.as_deref().or(nodes_tell).or(self.region.as_deref());
        // The built-in list says whose prices it holds, not where the cluster is.
        let assumed = told.is_none() || (self.built_in && self.said.is_none() && nodes_tell.is_none());
        let region = told.unwrap_or(BUILT_IN_REGION);
        Prices {
            region: region.to_owned(),
            assumed,
            ec2: self.source.clone().filter(|_| self.sells_in(region)),
            fargate: rates::fargate_prices(&self.fargate, region),
        }
    }

    /// Whether these are prices of the region: a list that tells another one's sells nothing there.
    pub fn sells_in(&self, region: &str) -> bool {
        self.region.as_deref().is_none_or(|own| own == region)
    }

    /// How far its on-demand prices can be trusted.
    pub(crate) const fn confidence(&self) -> Confidence {
        if self.built_in {
            Confidence::BuiltIn
        } else {
            Confidence::Listed
        }
    }

    /// Every wanted type × zone × purchase, for the group at this index, whose nodes register so. Rows that tell no
    /// zones are offered in the zones of the aims, else in `zones`, else in one zone named `any`.
    pub fn fleet(&self, aims: &Aims, zones: &[String], group: u32, site: &Site<'_>) -> (Vec<Offer>, Skipped) {
        let mut skipped = self.skipped;
        let mut offers = Vec::new();
        let from_aims: Vec<String> = aims.zones.keys().cloned().collect();
        let any = [ANY_ZONE.to_owned()];
        let known = [&from_aims[..], zones, &any]
            .into_iter()
            .find(|zones| !zones.is_empty())
            .unwrap_or_default();
        for row in &self.rows {
            if !wanted(row, &aims.catalogue) {
                skipped.unwanted += 1;
                continue;
            }
            let zones = if row.zones.is_empty() { known } else { &row.zones };
            for zone in zones {
                let sold = self.sold(row, zone, aims, site);
                offers.extend(sold.map(|offer| Offer { group, ..offer }));
            }
        }
        (offers, skipped)
    }

    /// One type in one zone, by every purchase that the aims want.
    pub(crate) fn sold<'a>(
        &self,
        row: &'a TypeRow,
        zone: &'a str,
        aims: &Aims,
        site: &'a Site<'a>,
    ) -> impl Iterator<Item = Offer> + use<'a> {
        let listed = self.confidence();
        let spot = row.spot.filter(|_| aims.catalogue.spot);
        let spot = spot.map(|price| Sale {
            purchase: Purchase::Spot,
            price,
            confidence: Confidence::Estimated,
        });
        let on_demand = Sale {
            purchase: Purchase::OnDemand,
            price: row.on_demand,
            confidence: listed,
        };
        let sales = std::iter::once(on_demand).chain(spot);
        sales.map(move |sale| sale.of(row, zone, site))
    }
}

/// Where and how new nodes of a group register.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// What zones are called.
    pub zones: &'a Zones,
    /// What the nodes run.
    pub os: &'a OperatingSystem,
    /// Who bootstraps them.
    pub bootstrap: Bootstrap<'a>,
    /// Labels of the group.
    pub labels: &'a Labels,
}

/// How a type is sold, and for how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sale {
    pub(crate) purchase: Purchase,
    /// Per hour.
    pub(crate) price: UsdPerHour,
    pub(crate) confidence: Confidence,
}

impl Sale {
    /// The offer of a type in a zone, of the group at index 0.
    pub(crate) fn of(self, row: &TypeRow, zone: &str, site: &Site<'_>) -> Offer {
        let Self {
            purchase,
            price,
            confidence,
        } = self;
        let zone = site.zones.zone(zone);
        let registration = Registration {
            instance_type: Some(&row.instance_type),
            zone: Some(&zone),
            arch: &row.arch,
            os: site.os,
            purchase,
            bootstrap: site.bootstrap,
        };
        Offer {
            id: OfferId::new(format!(
                "{}/{}/{}",
                row.instance_type,
                zone.name,
                purchase.as_str()
            )),
            group: 0,
            labels: registration.labels_with(site.labels),
            kind: OfferKind::Ec2 {
                instance_type: row.instance_type.clone(),
                zone: zone.name,
                purchase,
                arch: row.arch.clone(),
            },
            price,
            interruptions: row.interruptions.filter(|_| purchase == Purchase::Spot),
            confidence,
            allocatable: row.allocatable.clone(),
            max_pods: row.max_pods,
        }
    }
}

fn wanted(row: &TypeRow, catalogue: &Catalogue) -> bool {
    let family = row.instance_type.split('.').next().unwrap_or_default();
    let mac = family.starts_with("mac");
    (catalogue.bare_metal || !row.bare_metal || mac)
        && (catalogue.burstable || !row.burstable)
        && (catalogue.mac || !mac)
        && catalogue.max_vcpu.is_none_or(|most| row.vcpu <= i64::from(most))
        && (catalogue.types.is_empty()
            || catalogue
                .types
                .iter()
                .any(|t| *t == row.instance_type || t == family))
        && (catalogue.arch.is_empty() || catalogue.arch.contains(&row.arch))
}

#[cfg(test)]
mod tests;
