//! Our own façade of AWS through the real SDK: what moto leaves out.

use crate::{CLUSTER, at_once, eyes, facade, grow, hands, is_done, now, remove, settings};
use act::aws::Launch;
use model::group::{GroupKind, LaunchMode};
use model::outcome::Outcome;
use model::snapshot::{Freshness, Source};
use model::time::Span;
use sim_aws::{Fault, FaultKind, Gone, NewGroup, NewNodeGroup, Settings};
use std::collections::BTreeMap;

const TAG: &str = "plimsoll.io/cluster";

fn with(groups: Vec<NewGroup>) -> Settings {
    Settings { groups, ..at_once() }
}

fn during(kind: FaultKind) -> Fault {
    let (at, lasts) = (Span::ZERO, Span::from_secs(3600));
    Fault { at, lasts, kind }
}

fn workers(desired: u32) -> NewGroup {
    let group = NewGroup::of("workers", "m5.large").sized(0, 10, desired);
    NewGroup {
        zones: vec!["us-east-1a".to_owned()],
        ..group.tagged(TAG, CLUSTER)
    }
}

#[tokio::test]
async fn a_launch_by_name_is_one_launch_however_often_it_is_asked_for() {
    let cloud = facade(with(vec![workers(1)])).await;
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    let step = grow("workers", "1-0", 1, 4);
    let Outcome::Done { instances } = hands.grow(&step).await else {
        panic!("not done")
    };
    assert_eq!(instances.len(), 3);
    is_done(&hands.grow(&step).await);
    let (desired, alive) = cloud.account(|a| {
        let alive = a.machines.values().filter(|m| m.lives()).count();
        (a.groups["workers"].desired, alive)
    });
    assert_eq!((desired, alive), (4, 4));
}

#[tokio::test]
async fn a_lost_answer_of_a_launch_is_found_again_by_its_token() {
    let cloud = facade(with(vec![workers(0)])).await;
    cloud.account(|a| {
        a.strike(during(FaultKind::AnswerLost {
            calls: vec!["autoscaling:LaunchInstances".to_owned()],
            permille: 1000,
        }));
    });
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    let step = grow("workers", "1-0", 0, 2);
    let outcome = hands.grow(&step).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    is_done(&hands.grow(&step).await);
    assert_eq!(cloud.account(|a| a.machines.len()), 2);
}

#[tokio::test]
async fn lack_of_capacity_is_told_with_what_came() {
    let cloud = facade(with(vec![workers(0)])).await;
    let none = |but| {
        during(FaultKind::NoCapacity {
            types: Vec::new(),
            zones: vec!["us-east-1a".to_owned()],
            spot: None,
            but,
        })
    };
    cloud.account(|a| a.strike(none(2)));
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    let outcome = hands.grow(&grow("workers", "1-0", 0, 5)).await;
    let Outcome::Partly {
        instances,
        missing,
        no_capacity,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((instances.len(), missing, no_capacity), (2, 3, true));
    let outcome = hands.grow(&grow("workers", "2-0", 2, 5)).await;
    assert!(matches!(outcome, Outcome::NoCapacity { .. }), "{outcome:?}");
}

#[tokio::test]
async fn throttling_and_denied_calls_are_neither_lack_of_capacity_nor_done() {
    use sim_aws::faults::ErrorKind;
    for (error, refused) in [
        (ErrorKind::Throttled, true),
        (ErrorKind::Denied, false),
        (ErrorKind::Expired, false),
    ] {
        let cloud = facade(with(vec![workers(1)])).await;
        cloud.account(|a| {
            a.strike(during(FaultKind::Errors {
                calls: vec![
                    "autoscaling:LaunchInstances".to_owned(),
                    "autoscaling:Terminate*".to_owned(),
                ],
                permille: 1000,
                error,
            }));
        });
        let id = cloud.account(|a| a.machines.keys().next().cloned()).unwrap();
        let mut hands = hands(&cloud.url, Launch::Auto).await;
        for outcome in [
            hands.grow(&grow("workers", "1-0", 1, 2)).await,
            hands.remove(&remove("workers", "1-1", &id)).await,
        ] {
            let is = match &outcome {
                Outcome::Refused { .. } => refused,
                Outcome::Failed { .. } => !refused,
                _ => false,
            };
            assert!(is, "{error:?}: {outcome:?}");
        }
        assert_eq!(cloud.account(|a| a.ended.len()), 0);
    }
}

#[tokio::test]
async fn a_removal_ends_that_instance_and_no_other() {
    let cloud = facade(with(vec![workers(5)])).await;
    let ids: Vec<String> = cloud.account(|a| a.machines.keys().cloned().collect());
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    is_done(&hands.remove(&remove("workers", "1-0", &ids[3])).await);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let (ended, desired) = cloud.account(|a| (a.ended.clone(), a.groups["workers"].desired));
    assert_eq!((ended, desired), (vec![(ids[3].clone(), Gone::Named)], 4));
}

#[tokio::test]
async fn a_hundred_and_thirty_groups_are_found_page_by_page() {
    let groups = (0..130).map(|n| NewGroup::of(&format!("g{n:03}"), "m5.large").tagged(TAG, CLUSTER));
    let cloud = facade(with(groups.collect())).await;
    let seen = eyes(&cloud.url, settings()).await.capacity(now(), &[]).await;
    assert_eq!(seen.groups.len(), 130);
    assert_eq!(seen.sources[&Source::Groups], Freshness::Live);
    assert_eq!(cloud.calls()["autoscaling:DescribeAutoScalingGroups"], 2);
    assert_eq!(seen.offers.len(), 390, "one for each zone of each group");
}

#[tokio::test]
async fn spot_mixed_and_managed_groups_are_told_apart() {
    let spot = NewGroup {
        spot: true,
        ..NewGroup::of("spot", "m5.large").tagged(TAG, CLUSTER)
    };
    let mut several = NewGroup::of("several", "m5.large").tagged(TAG, CLUSTER);
    several.types.push("m6a.large".to_owned());
    let kops = NewGroup::of("nodes.blue", "m5.large")
        .tagged(TAG, CLUSTER)
        .tagged("kops.k8s.io/instancegroup", "nodes");
    let managed = NewNodeGroup {
        group: NewGroup::of("ng", "m5.large"),
        labels: BTreeMap::new(),
        taints: Vec::new(),
    };
    let settings_of = Settings {
        node_groups: vec![managed],
        ..with(vec![spot, several, kops])
    };
    let cloud = facade(settings_of).await;
    let seen = eyes(&cloud.url, settings()).await.capacity(now(), &[]).await;
    let kinds: Vec<(String, GroupKind, LaunchMode)> = seen
        .groups
        .iter()
        .map(|g| {
            (
                g.name.as_str().split('-').next().unwrap().to_owned(),
                g.kind,
                g.launch,
            )
        })
        .collect();
    let by_name = LaunchMode::Instances;
    assert_eq!(
        kinds,
        [
            ("eks".to_owned(), GroupKind::ManagedNodeGroup, by_name),
            ("nodes.blue".to_owned(), GroupKind::KopsInstanceGroup, by_name),
            ("several".to_owned(), GroupKind::Asg, by_name),
            ("spot".to_owned(), GroupKind::Asg, by_name),
        ]
    );
}
