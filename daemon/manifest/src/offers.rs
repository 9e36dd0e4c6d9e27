//! The offers file and the built-in price list, and the fleet that buys from them.
//!
//! What pods can use of a type is computed (`allocatable`) where the file does not tell it. Offers of named groups
//! are the work of `market`.

use crate::allocatable::{max_pods, usual_allocatable};
use crate::problem::{Problem, Problems, of_file, quoted};
use crate::rates::{self, FargateByRegion, Gathered};
use crate::region;
use crate::table::{CellProblem, Columns, Row, csv_problem};
use model::aims::{Aims, Catalogue};
use model::group::{Group, GroupKind, GroupOptions, LaunchMode};
use model::ids::{GroupName, OfferId};
use model::money::UsdPerHour;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::prices::{BUILT_IN_REGION, PriceSource, Prices};
use model::registration::{Bootstrap, OperatingSystem, Registration, Zones};
use model::resources::{MIB, Resources};
use model::selector::Labels;
use std::collections::BTreeSet;

/// Name of the group that buys from an offers file.
pub const FLEET: &str = "fleet";

/// Zone of offers whose file tells none, where nothing else is known.
pub(crate) const ANY_ZONE: &str = "any";

/// What stands for an instance type in rows that tell what Fargate costs in a region.
const FARGATE: &str = "fargate";

/// Extended resource of `gpu_count`.
const GPU: &str = "nvidia.com/gpu";

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

/// Reads an offers file (CSV, unpacked).
pub fn price_list(file: &str, bytes: &[u8]) -> Result<PriceList, Problems> {
    let (mut reader, columns) = Columns::open(file, bytes)?;
    let wanted = ["instance_type", "vcpu", "memory_mib", "arch", "od_usd_h"];
    columns.require(file, &wanted)?;
    let mut reading = Reading::new(file);
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                reading.problems.push(csv_problem(file, &error));
                break;
            }
        };
        let row = Row {
            columns: &columns,
            record: &record,
        };
        if let Err((column, what)) = reading.add(&row) {
            let line = record.position().map(csv::Position::line);
            reading.problems.push(Problem {
                path: column.to_owned(),
                ..of_file(file, line, what)
            });
        }
    }
    reading.finish()
}

/// An offers file that is being read.
struct Reading<'f> {
    file: &'f str,
    list: PriceList,
    seen: BTreeSet<String>,
    fargate: Gathered,
    problems: Problems,
}

impl<'f> Reading<'f> {
    fn new(file: &'f str) -> Self {
        Self {
            file,
            list: PriceList::default(),
            seen: BTreeSet::new(),
            fargate: Gathered::default(),
            problems: Problems::default(),
        }
    }

    fn add(&mut self, row: &Row<'_>) -> Result<(), CellProblem> {
        if row.text("instance_type") == FARGATE {
            return self.fargate.add(self.file, row);
        }
        let named = Some(row.text("region")).filter(|region| !region.is_empty());
        if let Some(named) = named {
            let region = self.list.region.get_or_insert_with(|| named.to_owned());
            if region != named {
                let (named, before) = (quoted(named), quoted(region));
                return Err(("region", format!("{named}: the rows before it are of {before}")));
            }
        }
        let source = rates::source(self.file, row)?;
        let Some(row) = type_row(row, &mut self.list.skipped)? else {
            return Ok(());
        };
        if !self.seen.insert(row.instance_type.clone()) {
            let name = quoted(&row.instance_type);
            return Err(("instance_type", format!("{name} stands there twice")));
        }
        // The oldest day of any row is the list's.
        match &mut self.list.source {
            Some(known) if source.date < known.date && source.date.is_some() => *known = source,
            Some(_) => {}
            none => *none = Some(source),
        }
        self.list.rows.push(row);
        Ok(())
    }

    fn finish(mut self) -> Result<PriceList, Problems> {
        let (fargate, alone) = self.fargate.finish();
        for region in alone {
            self.problems.push(rates::alone(self.file, &region));
        }
        if self.list.rows.is_empty() && self.problems.is_empty() {
            let what = "holds no offers (no row has a type, a shape and a price)";
            self.problems.push(of_file(self.file, None, what));
        }
        self.list.fargate = fargate;
        if self.list.region.is_none() {
            let zones = self.list.rows.iter().flat_map(|row| &row.zones);
            let regions: BTreeSet<String> = zones.filter_map(|zone| region::of_zone(zone)).collect();
            self.list.region = regions.first().filter(|_| regions.len() == 1).cloned();
        }
        self.problems.or(self.list)
    }
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
    let (offers, skipped) = list.fleet(aims, &[], (0, &site));
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
    pub fn fleet(
        &self,
        aims: &Aims,
        zones: &[String],
        (group, site): (u32, &Site<'_>),
    ) -> (Vec<Offer>, Skipped) {
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
                let sold = self.sold(row, zone, (aims, site));
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
        (aims, site): (&Aims, &'a Site<'a>),
    ) -> impl Iterator<Item = Offer> + use<'a> {
        let listed = self.confidence();
        let spot = row.spot.filter(|_| aims.catalogue.spot);
        let spot = spot.map(|price| (Purchase::Spot, price, Confidence::Estimated));
        let on_demand = (Purchase::OnDemand, row.on_demand, listed);
        let sales = std::iter::once(on_demand).chain(spot);
        sales.map(move |sale| offer(row, zone, site, sale))
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

pub(crate) fn offer(
    row: &TypeRow,
    zone: &str,
    site: &Site<'_>,
    sale: (Purchase, UsdPerHour, Confidence),
) -> Offer {
    let (purchase, price, confidence) = sale;
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

/// The type that a row tells; `None` where it is none that can be bought.
fn type_row(cells: &Row<'_>, skipped: &mut Skipped) -> Result<Option<TypeRow>, CellProblem> {
    let instance_type = cells.text("instance_type");
    let (vcpu, memory_mib) = (cells.integer("vcpu")?, cells.integer("memory_mib")?);
    let shape = vcpu
        .zip(memory_mib)
        .filter(|(vcpu, memory)| *vcpu > 0 && *memory > 0);
    let Some((vcpu, memory_mib)) = shape.filter(|_| !instance_type.is_empty()) else {
        skipped.no_shape += 1;
        return Ok(None);
    };
    let arch = match cells.text("arch") {
        "x86_64" | "amd64" => "amd64",
        "arm64" | "aarch64" => "arm64",
        _ => {
            skipped.arch += 1;
            return Ok(None);
        }
    };
    let Some(on_demand) = cells.price("od_usd_h")? else {
        skipped.no_price += 1;
        return Ok(None);
    };
    let max_pods = most_pods(cells)?;
    let mut allocatable = usual_allocatable(vcpu, memory_mib, arch, max_pods);
    if let Some(milli) = cells.integer("alloc_cpu_milli")? {
        allocatable.cpu_milli = milli;
    }
    if let Some(mib) = cells.integer("alloc_mem_mib")? {
        allocatable.memory_bytes = mib.saturating_mul(MIB);
    }
    if let Some(gpus) = cells.integer("gpu_count")?.filter(|gpus| *gpus > 0) {
        allocatable.extended.insert(GPU.to_owned(), gpus);
    }
    let flag = |column| cells.number(column).map(|number| number.is_some_and(|n| n > 0.0));
    Ok(Some(TypeRow {
        vcpu,
        arch: arch.to_owned(),
        on_demand,
        spot: cells.price("spot_usd_h_est")?,
        interruptions: band(cells.text("spot_interrupt_band")),
        max_pods: u32::try_from(max_pods).unwrap_or(u32::MAX),
        zones: cells.text("azs").split_whitespace().map(str::to_owned).collect(),
        bare_metal: flag("bare_metal")? || instance_type.contains(".metal"),
        burstable: flag("burstable")? || is_burstable(instance_type),
        instance_type: instance_type.to_owned(),
        allocatable,
    }))
}

/// The file's own figure, else network interfaces × (addresses − 1) + 2, else kubelet's default.
fn most_pods(cells: &Row<'_>) -> Result<i64, CellProblem> {
    if let Some(pods) = cells.integer("max_pods_eni")?.filter(|pods| *pods > 0) {
        return Ok(pods);
    }
    let cards = cells.integer("eni")?.zip(cells.integer("ipv4_per_eni")?);
    let cards = cards.filter(|(cards, addresses)| *cards > 0 && *addresses > 1);
    Ok(cards.map_or(110, |(cards, addresses)| max_pods(cards, addresses)))
}

/// Middle of a band of AWS' Spot Instance Advisor, in thousandths; a quarter for the open one above 20 %.
fn band(text: &str) -> Option<u32> {
    let bands = [
        ("<5%", 25),
        ("5-10%", 75),
        ("10-15%", 125),
        ("15-20%", 175),
        (">20%", 250),
    ];
    bands
        .iter()
        .find(|(band, _)| *band == text)
        .map(|(_, permille)| *permille)
}

/// Families `t2`, `t3`, `t3a`, `t4g`.
fn is_burstable(instance_type: &str) -> bool {
    matches!(instance_type.as_bytes(), [b't', digit, ..] if digit.is_ascii_digit())
}

#[cfg(test)]
mod tests;
