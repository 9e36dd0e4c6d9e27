//! On made-up pictures of a spot group and one on demand, cycle by cycle.

use super::*;
use plimsoll_sdk::testing::{Class as MadeClass, Group, Node, Offer, Picture, Set as MadeSet};

const NOW: u64 = 1_793_577_600_000;
const SPOT: u32 = 0;
const ON_DEMAND: u32 = 1;

fn picture(at_minute: u64, nodes: &[(&str, u32)], barred_ms: u32) -> Picture {
    let set = |name: &str, purchase| MadeSet {
        name: name.to_owned(),
        group: name.to_owned(),
        purchase,
        ..MadeSet::default()
    };
    let group = |name: &str| Group {
        name: name.to_owned(),
        ..Group::default()
    };
    let offer = Offer {
        purchase: Some(Purchase::Spot),
        barred_ms,
        ..Offer::default()
    };
    let picture = Picture::new()
        .at(NOW + at_minute * MINUTE)
        .set(set("spot", Purchase::Spot))
        .set(set("workers", Purchase::OnDemand))
        .group(group("spot"))
        .group(group("workers"))
        .offer(offer);
    nodes.iter().fold(picture, |picture, (name, state)| {
        picture.node(Node {
            name: (*name).to_owned(),
            state: *state,
            ..Node::default()
        })
    })
}

/// The factor of spot in each of these cycles; what one keeps the next one sees.
fn factors(json: &str, cycles: Vec<Picture>) -> Vec<f64> {
    let policy = SpotWithFallback::configure(json).unwrap();
    let mut state = Vec::new();
    let mut factors = Vec::new();
    for picture in cycles {
        let picture = picture.state(&state);
        let view = picture.view();
        let prices = policy.place(&view).unwrap();
        prices.check(&view).unwrap();
        assert!((prices.factor_of(ON_DEMAND) - 1.0).abs() < 1e-9);
        factors.push(prices.factor_of(SPOT));
        state = picture.kept().unwrap();
    }
    factors
}

#[test]
fn a_loss_counts_once_and_until_it_is_old() {
    let cycles = vec![
        picture(0, &[("a", 1), ("b", 1)], 0),
        // The provider takes a, then it is gone: one loss.
        picture(1, &[("a", 64), ("b", 1)], 0),
        picture(2, &[("b", 1)], 0),
        // b is gone without a word.
        picture(3, &[], 0),
        picture(62, &[], 0),
        picture(64, &[("c", 1)], 0),
        // Nothing wanted a place for ten minutes: c may have been given up.
        picture(74, &[], 0),
    ];
    assert_eq!(factors("{}", cycles), [1.0, 1.1, 1.1, 1.2, 1.1, 1.0, 1.0]);
}

#[test]
fn what_plimsoll_drains_is_no_loss() {
    let cycles = vec![
        picture(0, &[("a", 1)], 0),
        picture(1, &[("a", 1 | 2 | 32)], 0),
        picture(2, &[], 0),
    ];
    assert_eq!(factors("{}", cycles), [1.0, 1.0, 1.0]);
}

#[test]
fn an_offer_that_is_barred_anew_is_a_loss_and_too_many_price_spot_out() {
    let cycles = vec![
        picture(0, &[], 60_000),
        picture(1, &[], 30_000),
        picture(2, &[], 0),
        picture(3, &[], 60_000),
        picture(64, &[], 0),
    ];
    assert_eq!(
        factors(r#"{"give_up_after": 2}"#, cycles),
        [1.1, 1.1, 1.1, 20.0, 1.0]
    );
}

#[test]
fn classes_that_say_so_stay_off_spot() {
    let class = |kind: &str, namespace: &str, spot: &str| MadeClass {
        owner_kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        annotations: [(ANNOTATION.to_owned(), spot.to_owned())].into(),
        ..MadeClass::default()
    };
    let picture = picture(0, &[], 0)
        .class(class("Deployment", "shop", ""))
        .class(class("Deployment", "shop", "never"))
        .class(class("StatefulSet", "shop", ""))
        .class(class("Job", "pay", ""));
    let json = r#"{"never_kinds": ["StatefulSet"], "never_namespaces": ["pay"]}"#;
    let view = picture.view();
    let prices = SpotWithFallback::configure(json).unwrap().place(&view).unwrap();
    let bans: Vec<Option<u16>> = (0..4).map(|class| prices.ban(class, SPOT)).collect();
    assert_eq!(bans, [None, Some(1), Some(1), Some(1)]);
    assert!((0..4).all(|class| prices.ban(class, ON_DEMAND).is_none()));
}

#[test]
fn strange_bytes_are_passed_over() {
    let kept = Kept::read(b"loss x spot\nnode\n\xff\xfe\nloss 5 my spot\nbarred g/t/z\n");
    assert_eq!((kept.losses("spot"), kept.losses("my spot")), (0, 1));
    assert_eq!(kept.written(), "seen 0\nloss 5 my spot\nbarred g/t/z\n");
}

#[test]
fn bad_configuration_names_the_field() {
    for (json, expected) in [
        (r#"{"window_minutes": 0}"#, "window_minutes"),
        (r#"{"dearer_percent": 1001}"#, "dearer_percent"),
        (r#"{"given_up_factor": 0.5}"#, "given_up_factor"),
        (r#"{"never_kinds": [""]}"#, "never_kinds"),
        (r#"{"window": 5}"#, "window"),
    ] {
        let refused = SpotWithFallback::configure(json).err().unwrap();
        assert!(refused.contains(expected), "{refused}");
    }
}
