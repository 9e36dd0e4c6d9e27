//! The Price List service on the wire (awsJson 1.1): on-demand prices of EC2 in the account's region, and what Fargate
//! costs in three regions, each with the short name that AWS gives it in usage types; other regions have no such rows.
//!
//! Source: Price List Query API; rows are JSON texts within JSON. The published figures are those of the regions but for
//! storage outside us-east-1, which stands for itself.

use super::answer::Answer;
use super::call::{Call, unknown};
use crate::account::{Account, Refused};
use serde_json::{Value, json};

/// Rows of a page at most.
const PAGE: usize = 100;
/// Region, its short name in usage types, and dollars per hour of a vCPU, a GB of memory and a GB of storage.
const FARGATE: [(&str, &str, [&str; 3]); 3] = [
    (
        "us-east-1",
        "USE1",
        ["0.0404800000", "0.0044450000", "0.0001110000"],
    ),
    (
        "eu-central-1",
        "EUC1",
        ["0.0465600000", "0.0051100000", "0.0001330000"],
    ),
    (
        "ap-southeast-1",
        "APS1",
        ["0.0505600000", "0.0055300000", "0.0001330000"],
    ),
];
/// Usage types of Fargate on Linux and x86, in the order of the figures above.
const USAGES: [&str; 3] = [
    "Fargate-vCPU-Hours:perCPU",
    "Fargate-GB-Hours",
    "Fargate-EphemeralStorage-GB-Hours",
];
/// What stands beside them under ECS alone: another architecture, and spot.
const BESIDE: [(&str, &str); 3] = [
    ("Fargate-ARM-vCPU-Hours:perCPU", "0.0323800000"),
    ("Fargate-ARM-GB-Hours", "0.0035600000"),
    ("SpotUsage:Fargate-GB-Hours", "0.0013335000"),
];

pub(super) fn answer(account: &Account, call: &Call) -> Result<Answer, Refused> {
    if call.action != "GetProducts" {
        return Err(unknown(call));
    }
    let filter = |field: &str| {
        let filters = call.json["Filters"].as_array()?;
        let of = filters.iter().find(|filter| filter["Field"] == field)?;
        of["Value"].as_str().map(str::to_owned)
    };
    let here = filter("regionCode").is_none_or(|region| region == account.settings.region);
    let rows: Vec<String> = match call.json["ServiceCode"].as_str() {
        Some("AmazonEC2") if here => {
            let wanted = filter("instanceType");
            let types = account
                .settings
                .types
                .iter()
                .filter(|(name, _)| wanted.as_ref().is_none_or(|w| w == *name));
            types
                .map(|(name, info)| {
                    product(
                        &json!({"instanceType": name, "regionCode": account.settings.region}),
                        &dollars(info.on_demand.0),
                    )
                })
                .collect()
        }
        Some(service @ ("AmazonEKS" | "AmazonECS")) => {
            let region = filter("regionCode").unwrap_or_else(|| account.settings.region.clone());
            fargate(service, &region)
        }
        _ => Vec::new(),
    };
    let from: usize = call.json["NextToken"]
        .as_str()
        .and_then(|t| t.parse().ok())
        .unwrap_or(0);
    let page: Vec<&String> = rows.iter().skip(from).take(PAGE).collect();
    let mut value = json!({"FormatVersion": "aws_v1", "PriceList": page});
    if from + PAGE < rows.len() {
        value["NextToken"] = Value::from((from + PAGE).to_string());
    }
    Ok(Answer::json(200, &value))
}

/// Rows of a region; none where it has no figures here.
fn fargate(service: &str, region: &str) -> Vec<String> {
    let Some((_, short, figures)) = FARGATE.iter().find(|(code, ..)| *code == region) else {
        return Vec::new();
    };
    let mut told: Vec<(&str, &str)> = USAGES.into_iter().zip(*figures).collect();
    match service {
        "AmazonEKS" => told.insert(0, ("AmazonEKS-Hours:perCluster", "0.1000000000")),
        _ => told.extend(BESIDE),
    }
    let row = |(usage, price): (&str, &str)| {
        let usage = format!("{short}-{usage}");
        product(
            &json!({"usagetype": usage, "regionCode": region, "operation": ""}),
            price,
        )
    };
    told.into_iter().map(row).collect()
}

fn dollars(nanos: i64) -> String {
    format!("{}.{:09}0", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

fn product(attributes: &Value, price: &str) -> String {
    let dimensions = json!({"D": {"unit": "Hrs", "pricePerUnit": {"USD": price}}});
    json!({
        "product": {"attributes": attributes},
        "terms": {"OnDemand": {"T": {"priceDimensions": dimensions}}},
    })
    .to_string()
}
