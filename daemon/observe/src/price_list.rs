//! Rows of AWS' price list that tell what Fargate costs.
//!
//! Source: Price List Query API, service AmazonEKS, filtered by regionCode: usage types are
//! `Fargate-vCPU-Hours:perCPU`, `Fargate-GB-Hours` and `Fargate-EphemeralStorage-GB-Hours`, most often behind the short
//! name of a region (`EUC1-`), whose spelling follows no rule and is not looked at. Rows of ARM, Windows and Spot have
//! other usage types. A rate that no row tells, or more than one, is an error: nothing is guessed. Not here: the calls.

use model::fargate::FargateRates;
use model::money::UsdPerHour;
use serde_json::Value;

/// Usage types of pods on Linux and x86, without the name of the region.
const CPU: &str = "Fargate-vCPU-Hours:perCPU";
const MEMORY: &str = "Fargate-GB-Hours";
const STORAGE: &str = "Fargate-EphemeralStorage-GB-Hours";

/// The rates among the rows of a region, which are JSON texts; or what is wrong with them.
pub(crate) fn fargate_rates(rows: &[String], region: &str) -> Result<FargateRates, String> {
    let rows: Vec<Value> = rows
        .iter()
        .filter_map(|row| serde_json::from_str(row).ok())
        .collect();
    let rate = |usage: &str| rate(&rows, region, usage).map(|price| price.0);
    Ok(FargateRates {
        cpu: rate(CPU)?,
        memory: rate(MEMORY)?,
        storage: rate(STORAGE)?,
    })
}

fn rate(rows: &[Value], region: &str, usage: &str) -> Result<UsdPerHour, String> {
    let of = |row: &&Value| {
        let told = &row["product"]["attributes"];
        let here = told["regionCode"].as_str().is_none_or(|code| code == region);
        here && told["usagetype"].as_str().is_some_and(|told| is_of(told, usage))
    };
    let found: Vec<&Value> = rows.iter().filter(of).collect();
    match found.as_slice() {
        [row] => {
            on_demand(row).ok_or_else(|| format!("{usage} of {region}: not one price on demand above zero"))
        }
        [] => Err(format!("{usage} of {region}: the price list has no such row")),
        several => Err(format!(
            "{usage} of {region}: the price list has {} rows",
            several.len()
        )),
    }
}

/// Whether it is this usage type, with the short name of a region before it or without.
fn is_of(told: &str, usage: &str) -> bool {
    let named = |prefix: &str| {
        let short = prefix.strip_suffix('-');
        short.is_some_and(|short| {
            let mut bytes = short.bytes();
            !short.is_empty() && bytes.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        })
    };
    told.strip_suffix(usage)
        .is_some_and(|prefix| prefix.is_empty() || named(prefix))
}

/// Dollars of the one dimension of the one term on demand.
fn on_demand(row: &Value) -> Option<UsdPerHour> {
    let term = only(&row["terms"]["OnDemand"])?;
    let dimension = only(&term["priceDimensions"])?;
    dollars(dimension["pricePerUnit"]["USD"].as_str()?)
}

/// The value of a map of one.
fn only(map: &Value) -> Option<&Value> {
    let mut values = map.as_object()?.values();
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// A decimal of dollars; what is no price above zero is none.
pub(crate) fn dollars(text: &str) -> Option<UsdPerHour> {
    let dollars: f64 = text.trim().parse().ok()?;
    UsdPerHour::from_dollars(dollars).filter(|price| price.0 > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(usage: &str, region: &str, usd: &str) -> String {
        let dimensions = json!({"D": {"unit": "hours", "pricePerUnit": {"USD": usd}}});
        json!({
            "product": {"attributes": {"usagetype": usage, "regionCode": region, "operation": ""}},
            "terms": {"OnDemand": {"T": {"priceDimensions": dimensions}}},
        })
        .to_string()
    }

    fn three(prefix: &str, region: &str) -> Vec<String> {
        vec![
            row(&format!("{prefix}{CPU}"), region, "0.0404800000"),
            row(&format!("{prefix}{MEMORY}"), region, "0.0044450000"),
            row(&format!("{prefix}{STORAGE}"), region, "0.0001110000"),
        ]
    }

    #[test]
    fn each_rate_is_told_by_exactly_one_row_whatever_its_prefix() {
        for prefix in ["USE1-", "EU-", "EUC1-", "APS2-", ""] {
            let mut rows = three(prefix, "r");
            // What stands beside them in answers of AmazonEKS and AmazonECS.
            for other in [
                "USE1-AmazonEKS-Hours:perCluster",
                "USE1-Fargate-ARM-vCPU-Hours:perCPU",
                "USE1-Fargate-ARM-GB-Hours",
                "USE1-Fargate-Windows-vCPU-Hours:perCPU",
                "USE1-SpotUsage:Fargate-vCPU-Hours:perCPU",
                "USE1-SpotUsage-Fargate-GB-Hours",
                "xFargate-GB-Hours",
                "-Fargate-GB-Hours",
            ] {
                rows.push(row(other, "r", "9"));
            }
            assert_eq!(
                fargate_rates(&rows, "r"),
                Ok(FargateRates::US_EAST_1),
                "{prefix:?}"
            );
        }
    }

    #[test]
    fn no_row_or_two_is_an_error_and_never_a_guess() {
        for missing in 0..3 {
            let mut rows = three("EUC1-", "eu-central-1");
            rows.remove(missing);
            let said = fargate_rates(&rows, "eu-central-1").unwrap_err();
            assert!(said.contains("no such row"), "{said}");
        }
        for doubled in 0..3 {
            let mut rows = three("EUC1-", "eu-central-1");
            rows.push(rows[doubled].clone());
            let said = fargate_rates(&rows, "eu-central-1").unwrap_err();
            assert!(said.contains("has 2 rows"), "{said}");
        }
        assert!(
            fargate_rates(&three("EUC1-", "eu-central-1"), "eu-west-3").is_err(),
            "another region's rows"
        );
        assert!(fargate_rates(&[], "us-east-1").is_err());
        for usd in ["0", "-1", "NaN", "1e400", "", "free"] {
            let mut rows = three("", "r");
            rows[0] = row(CPU, "r", usd);
            assert!(fargate_rates(&rows, "r").is_err(), "{usd:?}");
        }
        let mut rows = three("", "r");
        rows[0] = rows[0].replace("\"D\":", "\"C\":{\"pricePerUnit\":{\"USD\":\"1\"}},\"D\":");
        assert!(fargate_rates(&rows, "r").is_err(), "two dimensions of one term");
        rows[0] = "{".to_owned();
        assert!(fargate_rates(&rows, "r").is_err(), "no JSON");
    }
}
