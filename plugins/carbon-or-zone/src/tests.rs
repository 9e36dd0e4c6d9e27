//! On made-up pictures of a group in one zone, one in another, and one in both.

use super::*;
use plimsoll_sdk::testing::{Class as MadeClass, Group, Offer, Picture, Set as MadeSet};

fn picture() -> Picture {
    let groups: [(&str, &[&str]); 3] = [
        ("north", &["eu-north-1a"]),
        ("central", &["eu-central-1b"]),
        ("both", &["eu-north-1a", "eu-central-1b", "us-east-1c"]),
    ];
    let mut picture = Picture::new().class(MadeClass {
        cpu_milli: 2000,
        memory_mib: 5120,
        ec2_price: Some(0.1),
        ..MadeClass::default()
    });
    for (row, (name, zones)) in (0..).zip(groups) {
        let name = name.to_owned();
        picture = picture.group(Group {
            name: name.clone(),
            ..Group::default()
        });
        picture = picture.set(MadeSet {
            group: name.clone(),
            name,
            ..MadeSet::default()
        });
        for zone in zones {
            picture = picture.offer(Offer {
                group: row,
                zone: (*zone).to_owned(),
                ..Offer::default()
            });
        }
    }
    picture
}

fn addends(json: &str) -> Vec<Option<f64>> {
    let picture = picture();
    let view = picture.view();
    let prices = CarbonOrZone::configure(json).unwrap().place(&view).unwrap();
    prices.check(&view).unwrap();
    (0..3)
        .map(|set| prices.addend(0, set).map(|(usd, _)| (usd * 1e6).round()))
        .collect()
}

#[test]
fn carbon_is_priced_by_what_pods_ask_for() {
    // 2 cores × 3.5 W + 5 GiB × 0.4 W are 9 W; at 300 g/kWh that is 2.7 g an hour, at 10 cents a kilogram $0.00027.
    let json = r#"{"grams_per_kwh": {"eu-central-1": 300}}"#;
    assert_eq!(addends(json), [None, Some(270.0), Some(90.0)]);
    let more = r#"{"grams_per_kwh": {"eu-central-1": 300, "eu-north-1a": 30}, "usd_per_kg": 1}"#;
    assert_eq!(addends(more), [Some(270.0), Some(2700.0), Some(990.0)]);
}

#[test]
fn weights_are_shares_of_the_price() {
    let json = r#"{"weights": {"eu-north-1a": -0.2, "eu-central-1b": 0.1}}"#;
    assert_eq!(addends(json), [Some(-20_000.0), Some(10_000.0), Some(-3333.0)]);
}

#[test]
fn regions_are_zones_without_their_letter() {
    assert_eq!(
        (region("eu-central-1a"), region("euc1-az1"), region("")),
        ("eu-central-1", "euc1-az1", "")
    );
}

#[test]
fn bad_configuration_names_the_field() {
    for (json, expected) in [
        ("{}", "either grams_per_kwh or weights"),
        (r#"{"weights": {"a": 1}, "grams_per_kwh": {"a": 1}}"#, "either"),
        (r#"{"weights": {"a": -1}}"#, "weights.a"),
        (r#"{"grams_per_kwh": {"a": -1}}"#, "grams_per_kwh.a"),
        (r#"{"grams_per_kwh": {"a": 1}, "usd_per_kg": -1}"#, "usd_per_kg"),
        (r#"{"zones": {}}"#, "zones"),
    ] {
        let refused = CarbonOrZone::configure(json).err().unwrap();
        assert!(refused.contains(expected), "{refused}");
    }
}
