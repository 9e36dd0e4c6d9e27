//! Prices as AWS tells them: spot by type and zone, on-demand by type, and what Fargate costs in the region.
//!
//! Spot prices of the types that spot groups name are read every few minutes. On-demand prices of the types that
//! groups name, and the rates of Fargate, come from the price list where it can be reached, twice a day; the operator's
//! file wins over it, and it over the built-in tables, which are those of one region. Not here: what a group sells
//! (`offers`), which row tells a rate (`price_list`).

use super::sdk::AwsError;
use crate::price_list::{dollars, fargate_rates};
use aws_sdk_ec2::types::InstanceType;
use aws_sdk_pricing::types::{Filter, FilterType};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use model::fargate::FargateRates;
use model::money::UsdPerHour;
use model::prices::{FargatePrices, PriceOrigin, PriceSource};
use model::time::{Instant, Span};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Spot prices are read again after this.
const SPOT_EVERY: Span = Span::from_secs(300);
/// On-demand prices.
const LIST_EVERY: Span = Span::from_secs(12 * 3600);
/// After a call that failed.
const AGAIN: Span = Span::from_secs(900);
/// Types asked for in one look, one call each: the price list has no filter for several.
const AT_ONCE: usize = 4;
/// Pages of the price list that are read of a region's Fargate: it has a few dozen rows.
const MOST_PAGES: usize = 20;
/// A listed price that differs this much from the one in use is told, per cent.
const DRIFT: i64 = 5;

/// What AWS has told of prices.
#[derive(Debug, Default)]
pub(super) struct Prices {
    spot: BTreeMap<(String, String), UsdPerHour>,
    spot_due: Option<Instant>,
    spot_of: BTreeSet<String>,
    listed: BTreeMap<String, Listed>,
    fargate: Option<FargatePrices>,
    fargate_due: Option<Instant>,
}

#[derive(Debug)]
struct Listed {
    price: Option<UsdPerHour>,
    due: Instant,
}

impl Prices {
    /// Present spot price of a type in a zone.
    pub(super) fn spot(&self, instance_type: &str, zone: &str) -> Option<UsdPerHour> {
        self.spot
            .get(&(instance_type.to_owned(), zone.to_owned()))
            .copied()
    }

    /// On-demand price in the list.
    pub(super) fn listed(&self, instance_type: &str) -> Option<UsdPerHour> {
        self.listed.get(instance_type).and_then(|listed| listed.price)
    }

    /// Types of which the list was asked.
    pub(super) fn types(&self) -> impl Iterator<Item = &String> {
        self.listed.keys()
    }

    /// Spot prices by type, one for each zone.
    pub(super) fn spots(&self) -> impl Iterator<Item = (&String, UsdPerHour)> {
        self.spot.iter().map(|((name, _), price)| (name, *price))
    }

    /// What Fargate costs by the list.
    pub(super) const fn fargate(&self) -> Option<&FargatePrices> {
        self.fargate.as_ref()
    }

    /// Reads what Fargate costs in the region where it is due. Where the list cannot be read, or does not tell each rate
    /// once, the last ones stay, with their day.
    pub(super) async fn learn_fargate(
        &mut self,
        client: &aws_sdk_pricing::Client,
        region: &str,
        at: Instant,
    ) {
        if region.is_empty() || self.fargate_due.is_some_and(|due| at < due) {
            return;
        }
        self.fargate_due = Some(at + AGAIN);
        let rows = match fargate_rows(client, region).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%region, %error, "the price list cannot be read: what Fargate costs is not learned");
                return;
            }
        };
        match fargate_rates(&rows, region) {
            Ok(rates) => {
                self.fargate = Some(listed_on(rates, at));
                self.fargate_due = Some(at + LIST_EVERY);
            }
            Err(what) => tracing::warn!(%region, %what, "the price list does not tell what Fargate costs"),
        }
    }

    /// Reads spot prices of these types where they are due.
    pub(super) async fn learn_spot(
        &mut self,
        client: &aws_sdk_ec2::Client,
        types: &BTreeSet<String>,
        at: Instant,
    ) {
        let due = self.spot_due.is_none_or(|due| at >= due) || !types.is_subset(&self.spot_of);
        if types.is_empty() || !due {
            return;
        }
        self.spot_of.clone_from(types);
        match spot_prices(client, types, at).await {
            Ok(read) => {
                self.spot = read;
                self.spot_due = Some(at + SPOT_EVERY);
            }
            Err(error) => {
                tracing::warn!(%error, "spot prices cannot be read; the last ones count");
                self.spot_due = Some(at + AGAIN);
            }
        }
    }

    /// Reads on-demand prices of these types where they are due; `known` are the prices in use.
    pub(super) async fn learn_listed(
        &mut self,
        client: &aws_sdk_pricing::Client,
        (region, types): (&str, &BTreeSet<String>),
        known: &BTreeMap<String, UsdPerHour>,
        at: Instant,
    ) {
        let due = |name: &&String| self.listed.get(*name).is_none_or(|listed| at >= listed.due);
        let due: Vec<String> = types.iter().filter(due).take(AT_ONCE).cloned().collect();
        for name in due {
            let before = self.listed.remove(&name).and_then(|listed| listed.price);
            let (price, wait) = match list_price(client, region, &name).await {
                Ok(price) => (price, LIST_EVERY),
                Err(error) => {
                    tracing::warn!(%name, %error, "the price list cannot be read; the table counts");
                    // What one type is refused, all are: the others need not ask now.
                    for other in types {
                        let known = self.listed.remove(other).and_then(|listed| listed.price);
                        self.listed.insert(
                            other.clone(),
                            Listed {
                                price: known,
                                due: at + AGAIN,
                            },
                        );
                    }
                    self.listed.insert(
                        name,
                        Listed {
                            price: before,
                            due: at + AGAIN,
                        },
                    );
                    return;
                }
            };
            if let (Some(price), Some(used)) = (price, known.get(&name))
                && drifts(price, *used)
            {
                tracing::warn!(%name, listed = %price, used = %used, "the list price is another than the one in use");
            }
            self.listed.insert(
                name,
                Listed {
                    price,
                    due: at + wait,
                },
            );
        }
    }
}

fn drifts(listed: UsdPerHour, used: UsdPerHour) -> bool {
    (listed.0 - used.0).abs().saturating_mul(100) > used.0.saturating_mul(DRIFT)
}

async fn spot_prices(
    client: &aws_sdk_ec2::Client,
    types: &BTreeSet<String>,
    at: Instant,
) -> Result<BTreeMap<(String, String), UsdPerHour>, AwsError> {
    let mut pages = client
        .describe_spot_price_history()
        .set_instance_types(Some(
            types
                .iter()
                .map(|name| InstanceType::from(name.as_str()))
                .collect(),
        ))
        .product_descriptions("Linux/UNIX")
        .product_descriptions("Linux/UNIX (Amazon VPC)")
        .start_time(DateTime::from_millis(at.0))
        .into_paginator()
        .page_size(1000)
        .send();
    let mut prices = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of("ec2:DescribeSpotPriceHistory", &error))?;
        for row in page.spot_price_history() {
            let named = row
                .instance_type()
                .map(|t| t.as_str().to_owned())
                .zip(row.availability_zone().map(str::to_owned));
            if let (Some(key), Some(price)) = (named, row.spot_price().and_then(dollars)) {
                prices.insert(key, price);
            }
        }
    }
    Ok(prices)
}

fn listed_on(rates: FargateRates, at: Instant) -> FargatePrices {
    let day = DateTime::from_millis(at.0).fmt(Format::DateTime);
    FargatePrices {
        rates,
        // Pods on EKS do not run on ARM there.
        arm: None,
        source: PriceSource {
            origin: PriceOrigin::PriceList,
            date: day.ok().and_then(|day| Some(day.split_once('T')?.0.to_owned())),
        },
    }
}

/// All products of EKS in the region: there is nothing else to filter Fargate by.
async fn fargate_rows(client: &aws_sdk_pricing::Client, region: &str) -> Result<Vec<String>, AwsError> {
    let mut pages = client
        .get_products()
        .service_code("AmazonEKS")
        .set_filters(Some(term_match(&[("regionCode", region)])))
        .into_paginator()
        .page_size(100)
        .send();
    let mut rows = Vec::new();
    for _ in 0..MOST_PAGES {
        let Some(page) = pages.next().await else { break };
        let page = page.map_err(|error| AwsError::of("pricing:GetProducts", &error))?;
        rows.extend_from_slice(page.price_list());
    }
    Ok(rows)
}

fn term_match(fields: &[(&str, &str)]) -> Vec<Filter> {
    let filter = |(field, value): &(&str, &str)| {
        let built = Filter::builder()
            .r#type(FilterType::TermMatch)
            .field(*field)
            .value(*value)
            .build();
        built.ok()
    };
    fields.iter().filter_map(filter).collect()
}

async fn list_price(
    client: &aws_sdk_pricing::Client,
    region: &str,
    instance_type: &str,
) -> Result<Option<UsdPerHour>, AwsError> {
    let filters = [
        ("regionCode", region),
        ("instanceType", instance_type),
        ("operatingSystem", "Linux"),
        ("preInstalledSw", "NA"),
        ("capacitystatus", "Used"),
        ("tenancy", "Shared"),
        ("marketoption", "OnDemand"),
    ];
    let sent = client
        .get_products()
        .service_code("AmazonEC2")
        .set_filters(Some(term_match(&filters)))
        .max_results(10)
        .send()
        .await;
    let answer = sent.map_err(|error| AwsError::of("pricing:GetProducts", &error))?;
    Ok(answer
        .price_list()
        .iter()
        .find_map(|row| price_of(row, instance_type)))
}

/// Dollars of the first price dimension of a product of this type.
fn price_of(row: &str, instance_type: &str) -> Option<UsdPerHour> {
    let row: Value = serde_json::from_str(row).ok()?;
    if row["product"]["attributes"]["instanceType"] != instance_type {
        return None;
    }
    let terms = row["terms"]["OnDemand"].as_object()?;
    let dimensions = terms
        .values()
        .filter_map(|term| term["priceDimensions"].as_object());
    dimensions
        .flat_map(|d| d.values())
        .find_map(|d| dollars(d["pricePerUnit"]["USD"].as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_price_list_is_read_and_nonsense_is_no_price() {
        let row = |price: &str| {
            format!(
                r#"{{"product":{{"attributes":{{"instanceType":"m5.large"}}}},
                "terms":{{"OnDemand":{{"T":{{"priceDimensions":{{"D":{{"pricePerUnit":{{"USD":"{price}"}}}}}}}}}}}}}}"#
            )
        };
        assert_eq!(
            price_of(&row("0.0960000000"), "m5.large"),
            Some(UsdPerHour(96_000_000))
        );
        assert_eq!(price_of(&row("0.096"), "m5.xlarge"), None);
        for nonsense in ["0", "-1", "NaN", "1e400", "", "free"] {
            assert_eq!(price_of(&row(nonsense), "m5.large"), None, "{nonsense}");
        }
        assert_eq!(price_of("{", "m5.large"), None);
    }

    #[test]
    fn a_twentieth_is_drift() {
        assert!(!drifts(UsdPerHour(105), UsdPerHour(100)));
        assert!(drifts(UsdPerHour(106), UsdPerHour(100)));
        assert!(drifts(UsdPerHour(94), UsdPerHour(100)));
    }
}
