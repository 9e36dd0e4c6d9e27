//! What the eyes find: groups by either tag, their bounds, instances, and what they can buy.

use crate::{On, PATIENCE, eyes, now, settings};
use model::group::{GroupKind, InstanceState, LaunchMode};
use model::money::UsdPerHour;
use model::offer::{Confidence, OfferKind, Purchase};
use model::pod::TaintEffect;
use model::snapshot::{Freshness, Source};
use model::time::Span;
use plimsoll_tests::aws::NewGroup;
use plimsoll_tests::proxy::Proxy;
use rstest::rstest;

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn groups_are_found_by_either_tag_and_those_of_other_clusters_are_not(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS eyes: discovery").await else {
        return;
    };
    let tagged = |name: &str, key: &str, value: &str| NewGroup {
        tags: vec![(key.to_owned(), value.to_owned())],
        ..NewGroup::of("blue", name)
    };
    for group in [
        tagged("ours", "plimsoll.io/cluster", "blue"),
        tagged("autoscalers", "k8s.io/cluster-autoscaler/blue", "owned"),
        tagged("theirs", "plimsoll.io/cluster", "green"),
        tagged("their-autoscalers", "k8s.io/cluster-autoscaler/green", "owned"),
        tagged("bluer", "plimsoll.io/cluster", "blueish"),
        tagged("enabled-only", "k8s.io/cluster-autoscaler/enabled", "true"),
    ] {
        account.create(&group).await.unwrap();
    }
    let seen = eyes(&moto.url, settings()).await.capacity(now(), &[]).await;
    let names: Vec<&str> = seen.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["autoscalers", "ours"]);
    assert_eq!(seen.sources[&Source::Groups], Freshness::Live);
    assert_eq!(seen.sources[&Source::Offers], Freshness::Live);
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn a_group_is_read_as_it_is_described(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS eyes: groups").await else {
        return;
    };
    let mut group = NewGroup::of("blue", "workers").sized(1, 5, 2);
    for (key, value) in [
        ("k8s.io/cluster-autoscaler/node-template/label/team", "shop"),
        (
            "k8s.io/cluster-autoscaler/node-template/taint/gpu",
            "yes:NoSchedule",
        ),
    ] {
        group.tags.push((key.to_owned(), value.to_owned()));
    }
    account.create(&group).await.unwrap();
    let seen = eyes(&moto.url, settings()).await.capacity(now(), &[]).await;
    let found = &seen.groups[0];
    assert_eq!((found.min, found.max, found.desired), (1, 5, 2));
    assert_eq!(
        (found.kind, found.launch),
        (GroupKind::Asg, LaunchMode::Instances)
    );
    assert_eq!(found.labels.get("team").map(String::as_str), Some("shop"));
    assert_eq!(found.taints.len(), 1);
    assert_eq!(found.taints[0].effect, TaintEffect::NoSchedule);
    assert_eq!(found.foreign, None);
    let mut told = account.instances("workers").await.unwrap();
    told.sort();
    let mut listed: Vec<(String, String)> = found
        .instances
        .iter()
        .map(|i| (i.id.to_string(), i.zone.clone().unwrap_or_default()))
        .collect();
    listed.sort();
    assert_eq!(listed, told);
    assert!(
        found
            .instances
            .iter()
            .all(|i| i.state == InstanceState::InService)
    );
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn offers_come_from_the_launch_template_and_the_price_from_the_table(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS eyes: offers").await else {
        return;
    };
    account.create(&NewGroup::of("blue", "known")).await.unwrap();
    let mut odd = NewGroup::of("blue", "unpriced");
    odd.instance_type = "m5.xlarge".to_owned();
    odd.zones = vec!["us-east-1a".to_owned(), "us-east-1b".to_owned()];
    account.create(&odd).await.unwrap();
    let mut settings = settings();
    settings
        .prices
        .insert("m5.large".to_owned(), UsdPerHour(96_000_000));
    let seen = eyes(&moto.url, settings).await.capacity(now(), &[]).await;
    let of = |name: &str| {
        let ix = seen
            .groups
            .iter()
            .position(|group| group.name.as_str() == name)
            .unwrap();
        seen.offers
            .iter()
            .filter(move |offer| offer.group as usize == ix)
            .collect::<Vec<_>>()
    };
    let known = of("known");
    assert_eq!(known.len(), 1);
    assert_eq!(
        (known[0].price, known[0].confidence),
        (UsdPerHour(96_000_000), Confidence::BuiltIn)
    );
    assert_eq!((known[0].allocatable.cpu_milli, known[0].max_pods), (1930, 29));
    assert!(known[0].allocatable.ephemeral_bytes > 10 << 30, "{known:?}");
    assert_eq!(
        known[0].kind,
        OfferKind::Ec2 {
            instance_type: "m5.large".to_owned(),
            zone: "us-east-1a".to_owned(),
            purchase: Purchase::OnDemand,
            arch: "amd64".to_owned(),
        }
    );
    let mut zones: Vec<&str> = of("unpriced").iter().filter_map(|offer| offer.zone()).collect();
    zones.sort_unstable();
    assert_eq!(
        zones,
        ["us-east-1a", "us-east-1b"],
        "with LaunchInstances the zone can be chosen"
    );
    // The façade has a price list, moto has none.
    let priced = if on == On::Facade {
        Confidence::Listed
    } else {
        Confidence::Unknown
    };
    assert!(of("unpriced").iter().all(|offer| offer.confidence == priced));
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn an_endpoint_that_went_away_leaves_the_last_picture_with_its_age(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS eyes: outage").await else {
        return;
    };
    account
        .create(&NewGroup::of("blue", "workers").sized(0, 5, 1))
        .await
        .unwrap();
    let mut eyes = eyes(&moto.url, settings()).await;
    let began = now();
    let seen = eyes.capacity(began, &[]).await;
    drop(moto);
    let later = began + Span::from_secs(45);
    let looked = std::time::Instant::now();
    let kept = eyes.capacity(later, &[]).await;
    assert!(looked.elapsed() < PATIENCE, "{:?}", looked.elapsed());
    assert_eq!(kept.groups, seen.groups);
    let age = Span::from_secs(45);
    assert_eq!(kept.sources[&Source::Groups], Freshness::Stale { age });
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn a_group_of_an_unknown_type_sells_nothing_and_the_others_do(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS eyes: unknown type").await else {
        return;
    };
    account.create(&NewGroup::of("blue", "good")).await.unwrap();
    let mut odd = NewGroup::of("blue", "odd");
    odd.instance_type = "zz9.large".to_owned();
    account.create(&odd).await.unwrap();
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let mut eyes = eyes(&proxy.url, settings()).await;
    for _ in 0..2 {
        let seen = eyes.capacity(now(), &[]).await;
        assert_eq!(seen.groups.len(), 2);
        let sellers: Vec<&str> = seen
            .offers
            .iter()
            .map(|offer| seen.groups[offer.group as usize].name.as_str())
            .collect();
        assert_eq!(sellers, ["good"]);
        assert_eq!(seen.sources[&Source::Groups], Freshness::Live);
    }
    assert_eq!(proxy.count("DescribeInstanceTypes"), 1, "types are remembered");
}
