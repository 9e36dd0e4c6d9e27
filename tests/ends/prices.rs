//! What Fargate costs by region, from the price list through the real SDK, and what is offered where the list is silent.

use crate::facade::during;
use crate::{at_once, facade, now, settings};
use model::offer::Confidence;
use model::prices::PriceOrigin;
use plimsoll_tests::aws;
use sim_aws::faults::ErrorKind;
use sim_aws::{Facade, FaultKind, NewProfile, Settings};
use std::collections::BTreeMap;

/// An account in a region, with a Fargate profile.
async fn account(region: &str) -> Facade {
    let profile = NewProfile {
        name: "batch".to_owned(),
        selectors: vec![("batch-*".to_owned(), BTreeMap::new())],
        zones: vec![format!("{region}a")],
    };
    facade(Settings {
        region: region.to_owned(),
        profiles: vec![profile],
        ..at_once()
    })
    .await
}

async fn seen(cloud: &Facade, region: &str, own: observe::aws::Settings) -> observe::Capacity {
    let sdk = aws::sdk_in(&cloud.url, region).await;
    observe::aws::Groups::new(&sdk, own).capacity(now(), &[]).await
}

#[tokio::test]
async fn fargate_costs_what_the_price_list_says_of_the_region() {
    for (region, figures) in [
        ("us-east-1", Some((40_480_000, 4_445_000, 111_000))),
        ("eu-central-1", Some((46_560_000, 5_110_000, 133_000))),
        ("eu-west-3", None),
    ] {
        let cloud = account(region).await;
        let seen = seen(&cloud, region, settings()).await;
        assert_eq!(seen.prices.region, region);
        let told = seen.prices.fargate.as_ref();
        let rates = told.map(|told| (told.rates.cpu, told.rates.memory, told.rates.storage));
        assert_eq!(rates, figures, "{region}");
        let sold = seen.offers.iter().filter(|offer| offer.is_fargate()).count();
        assert_eq!(sold, if figures.is_some() { 74 } else { 0 }, "{region}");
        if let Some(told) = told {
            assert_eq!(told.source.origin, PriceOrigin::PriceList);
            assert!(told.source.date.is_some());
        }
        assert!(
            seen.offers
                .iter()
                .all(|offer| offer.confidence == Confidence::Listed)
        );
    }
}

/// Where the list cannot be read, the operator's file counts, and in us-east-1 the built-in rates; nowhere else those.
#[tokio::test]
async fn without_the_price_list_files_count_and_the_built_in_rates_at_home() {
    let rates = b"region,vcpu_usd_h,gb_usd_h,storage_gb_usd_h\neu-west-3,0.05,0.006,0.0001\n";
    for (region, brought, cpu) in [
        ("us-east-1", false, Some(40_480_000)),
        ("eu-central-1", false, None),
        ("eu-west-3", true, Some(50_000_000)),
    ] {
        let cloud = account(region).await;
        cloud.account(|account| {
            account.strike(during(FaultKind::Errors {
                calls: vec!["pricing:*".to_owned()],
                permille: 1000,
                error: ErrorKind::Denied,
            }));
        });
        let mut own = settings();
        if brought {
            own.fargate = manifest::fargate_rates("rates.csv", rates).unwrap();
        }
        let seen = seen(&cloud, region, own).await;
        let told = seen.prices.fargate.map(|told| told.rates.cpu);
        assert_eq!(told, cpu, "{region}");
        // The built-in list of EC2 is told as a source at home alone.
        assert_eq!(seen.prices.ec2.is_some(), region == "us-east-1", "{region}");
    }
}
