//! What Fargate costs by region: the rates file (`--fargate-rates`), and the same figures in an offers file.
//!
//! The rates file is a CSV with the columns `region`, `vcpu_usd_h`, `gb_usd_h` and `storage_gb_usd_h`, and where they
//! are known `arch` (`x86_64`, else `arm64` for ECS), `source` and `date` (`2026-07-01`). Nothing is converted from one
//! region to another.

use crate::problem::{Problem, Problems, of_file, quoted};
use crate::table::{CellProblem, Columns, Row, csv_problem};
use model::fargate::FargateRates;
use model::prices::{BUILT_IN_REGION, FargatePrices, PriceOrigin, PriceSource};
use std::collections::BTreeMap;

/// Prices of Fargate by region.
pub type FargateByRegion = BTreeMap<String, FargatePrices>;

/// Rates by region and architecture, while a file is read.
#[derive(Default)]
pub(crate) struct Gathered(BTreeMap<(String, bool), (FargateRates, PriceSource)>);

/// What Fargate costs in a region: what a file told, else the built-in rates, which are those of one region alone.
pub fn fargate_prices(told: &FargateByRegion, region: &str) -> Option<FargatePrices> {
    let built_in = || (region == BUILT_IN_REGION).then(FargatePrices::built_in);
    told.get(region).cloned().or_else(built_in)
}

/// Reads a rates file (CSV, unpacked).
pub fn fargate_rates(file: &str, bytes: &[u8]) -> Result<FargateByRegion, Problems> {
    let (mut reader, columns) = Columns::open(file, bytes)?;
    let wanted = ["region", "vcpu_usd_h", "gb_usd_h", "storage_gb_usd_h"];
    columns.require(file, &wanted)?;
    let mut gathered = Gathered::default();
    let mut problems = Problems::default();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                problems.push(csv_problem(file, &error));
                break;
            }
        };
        let line = record.position().map(csv::Position::line);
        let row = Row {
            columns: &columns,
            record: &record,
        };
        if let Err((column, what)) = gathered.add(file, &row) {
            problems.push(Problem {
                path: column.to_owned(),
                ..of_file(file, line, what)
            });
        }
    }
    if gathered.0.is_empty() && problems.is_empty() {
        problems.push(of_file(file, None, "holds no rates"));
    }
    let (by_region, arm_alone) = gathered.finish();
    for region in arm_alone {
        problems.push(alone(file, &region));
    }
    problems.or(by_region)
}

impl Gathered {
    /// Takes the rates of a row.
    pub(crate) fn add(&mut self, file: &str, row: &Row<'_>) -> Result<(), CellProblem> {
        let region = row.text("region");
        if region.is_empty() {
            return Err(("region", "is missing".to_owned()));
        }
        let arm = match row.text("arch") {
            "" | "x86_64" | "amd64" => false,
            "arm64" | "aarch64" => true,
            other => return Err(("arch", format!("{}: x86_64 or arm64 is meant", quoted(other)))),
        };
        let rate = |column| match row.price(column) {
            Ok(Some(price)) => Ok(price.0),
            Ok(None) => Err((column, "a price above zero is wanted".to_owned())),
            Err(problem) => Err(problem),
        };
        let rates = FargateRates {
            cpu: rate("vcpu_usd_h")?,
            memory: rate("gb_usd_h")?,
            storage: rate("storage_gb_usd_h")?,
        };
        let source = source(file, row)?;
        let before = self.0.insert((region.to_owned(), arm), (rates, source));
        match before {
            None => Ok(()),
            Some(_) => Err(("region", format!("{} stands there twice", quoted(region)))),
        }
    }

    /// By region; and the regions of which only ARM was told.
    pub(crate) fn finish(mut self) -> (FargateByRegion, Vec<String>) {
        let arm: BTreeMap<String, FargateRates> = self
            .0
            .iter()
            .filter(|((_, arm), _)| *arm)
            .map(|((region, _), (rates, _))| (region.clone(), *rates))
            .collect();
        self.0.retain(|(_, arm), _| !*arm);
        let mut by_region = FargateByRegion::new();
        for ((region, _), (rates, source)) in self.0 {
            let arm = arm.get(&region).copied();
            by_region.insert(region, FargatePrices { rates, arm, source });
        }
        let alone = arm.into_keys().filter(|region| !by_region.contains_key(region));
        let alone = alone.collect();
        (by_region, alone)
    }
}

/// Only the rates of ARM are told for a region.
pub(crate) fn alone(file: &str, region: &str) -> Problem {
    let what = format_args!(
        "{}: tells ARM alone; the row of x86_64 is missing",
        quoted(region)
    );
    of_file(file, None, what)
}

/// Where the figures of a row come from: the file, with what it says itself.
pub(crate) fn source(file: &str, row: &Row<'_>) -> Result<PriceSource, CellProblem> {
    let says = Some(row.text("source")).filter(|says| !says.is_empty());
    let date = Some(row.text("date")).filter(|date| !date.is_empty());
    if let Some(date) = date
        && (date.len() != 10 || date.parse::<jiff::civil::Date>().is_err())
    {
        let what = format!("{}: no day such as 2026-07-01", quoted(date));
        return Err(("date", what));
    }
    Ok(PriceSource {
        origin: PriceOrigin::File {
            name: file.to_owned(),
            says: says.map(|says| quoted(says).trim_matches('"').to_owned()),
        },
        date: date.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "region,vcpu_usd_h,gb_usd_h,storage_gb_usd_h";

    #[test]
    fn rates_are_read_by_region_with_their_source_and_day() {
        let csv = "region,arch,vcpu_usd_h,gb_usd_h,storage_gb_usd_h,source,date\n\
            eu-central-1,,0.04656,0.00511,0.000133,AWS pricing page,2026-07-07\n\
            eu-central-1,arm64,0.03725,0.00409,0.000133,,\n\
            ap-southeast-1,x86_64,0.05056,0.00553,0.000133,,\n";
        let told = fargate_rates("r.csv", csv.as_bytes()).unwrap();
        assert_eq!(told.len(), 2);
        let here = fargate_prices(&told, "eu-central-1").unwrap();
        assert_eq!(
            (here.rates.cpu, here.rates.memory, here.rates.storage),
            (46_560_000, 5_110_000, 133_000)
        );
        assert_eq!(here.arm.map(|rates| rates.cpu), Some(37_250_000));
        assert_eq!(here.source.origin.to_string(), "r.csv (AWS pricing page)");
        assert_eq!(here.source.date.as_deref(), Some("2026-07-07"));
        assert_eq!(told["ap-southeast-1"].source.origin.to_string(), "r.csv");
        // Built in is one region alone, and a file's figures win over it.
        let there = fargate_prices(&told, "us-east-1").unwrap();
        assert_eq!(there, FargatePrices::built_in());
        assert_eq!(fargate_prices(&told, "eu-west-3"), None);
        let own = fargate_rates("r.csv", format!("{HEAD}\nus-east-1,1,1,1\n").as_bytes()).unwrap();
        assert_eq!(
            fargate_prices(&own, "us-east-1").unwrap().rates.cpu,
            1_000_000_000
        );
    }

    #[test]
    fn mistakes_name_file_line_and_column() {
        for (csv, wanted) in [
            ("region,vcpu_usd_h\n", "r.csv:1: column gb_usd_h is missing"),
            (&format!("{HEAD}\n"), "r.csv: holds no rates"),
            (&format!("{HEAD}\n,1,1,1\n"), "r.csv:2: region: is missing"),
            (
                &format!("{HEAD}\nr,x,1,1\n"),
                "r.csv:2: vcpu_usd_h: \"x\": not a number",
            ),
            (
                &format!("{HEAD}\nr,1,1,\n"),
                "r.csv:2: storage_gb_usd_h: a price above zero is wanted",
            ),
            (
                &format!("{HEAD}\nr,1,-1,1\n"),
                "r.csv:2: gb_usd_h: \"-1\": out of range",
            ),
            (
                &format!("{HEAD}\nr,1,0,1\n"),
                "r.csv:2: gb_usd_h: a price above zero is wanted",
            ),
            (
                &format!("{HEAD}\nr,1,1,1\nr,1,1,1\n"),
                "r.csv:3: region: \"r\" stands there twice",
            ),
            (
                &format!("{HEAD},arch\nr,1,1,1,mips\n"),
                "r.csv:2: arch: \"mips\": x86_64 or arm64 is meant",
            ),
            (
                &format!("{HEAD},arch\nr,1,1,1,arm64\n"),
                "r.csv: \"r\": tells ARM alone",
            ),
            (
                &format!("{HEAD},date\nr,1,1,1,July\n"),
                "r.csv:2: date: \"July\": no day such as 2026-07-01",
            ),
            (
                &format!("{HEAD},date\nr,1,1,1,2026-02-30\n"),
                "r.csv:2: date: \"2026-02-30\": no day",
            ),
        ] {
            let got = fargate_rates("r.csv", csv.as_bytes()).expect_err(csv).to_string();
            assert!(got.contains(wanted), "wanted {wanted}\ngot {got}");
        }
        assert!(fargate_rates("r.csv", b"\xff\xfe,\n").is_err());
    }
}
