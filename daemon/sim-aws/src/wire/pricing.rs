//! The Price List service on the wire (awsJson 1.1): on-demand prices of EC2 and the two prices of Fargate.
//!
//! Source: Price List Query API; rows are JSON texts within JSON.

use super::{Answer, Call, unknown};
use crate::account::{Account, Refused};
use serde_json::{Value, json};

/// Rows of a page at most.
const PAGE: usize = 100;
/// Dollars per vCPU-hour and per GB-hour of Fargate, us-east-1.
const FARGATE: [(&str, &str); 2] = [
    ("Fargate-vCPU-Hours:perCPU", "0.0404800000"),
    ("Fargate-GB-Hours", "0.0044450000"),
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
        Some("AmazonEKS" | "AmazonECS") if here => FARGATE
            .iter()
            .map(|(usage, price)| product(&json!({"usagetype": format!("USE1-{usage}")}), price))
            .collect(),
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
