//! The rows of an offers file, to a price list.
//!
//! Not here: which of them the aims want, and offers.

use super::{PriceList, Skipped, TypeRow};
use crate::allocatable::{max_pods, usual_allocatable};
use crate::problem::{Problem, Problems, of_file, quoted};
use crate::rates::{self, Gathered};
use crate::region;
use crate::table::{CellProblem, Columns, Row, csv_problem};
use model::resources::MIB;
use std::collections::BTreeSet;

/// What stands for an instance type in rows that tell what Fargate costs in a region.
const FARGATE: &str = "fargate";

/// Extended resource of `gpu_count`.
const GPU: &str = "nvidia.com/gpu";

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
