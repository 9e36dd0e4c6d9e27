//! Several nodes of one group given up in one call, each with its own outcome.

use crate::facade::{buy, during, own_fleet, with, workers};
use crate::{CLUSTER, On, at_once, facade, hands, is_done, remove};
use act::aws::{Hands, Launch};
use model::outcome::Outcome;
use model::plan::Step;
use plimsoll_tests::aws::NewGroup as MotoGroup;
use plimsoll_tests::proxy::Proxy;
use sim_aws::faults::ErrorKind;
use sim_aws::{Facade, FaultKind, NewGroup, Settings};

const TERMINATE: &str = "autoscaling:TerminateInstanceInAutoScalingGroup";

fn ids(cloud: &Facade) -> Vec<String> {
    cloud.account(|a| a.machines.keys().cloned().collect())
}

/// Gives up these instances of a group together.
async fn together(hands: &mut Hands, group: &str, ids: &[String]) -> Vec<Outcome> {
    let steps: Vec<Step> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| remove(group, &format!("1-{n}"), id))
        .collect();
    hands.remove_all(&steps.iter().collect::<Vec<_>>()).await
}

fn kinds(outcomes: &[Outcome]) -> Vec<&'static str> {
    let kind = |outcome: &Outcome| match outcome {
        Outcome::Done { .. } => "done",
        Outcome::Stale { .. } => "stale",
        Outcome::Refused { .. } => "refused",
        Outcome::Unknown { .. } => "unknown",
        _ => "other",
    };
    outcomes.iter().map(kind).collect()
}

#[tokio::test]
async fn several_nodes_of_a_group_go_in_one_call_and_each_says_how() {
    let cloud = facade(with(vec![NewGroup { min: 1, ..workers(6) }])).await;
    let ids = ids(&cloud);
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    is_done(&hands.remove(&remove("workers", "0-0", &ids[0])).await);
    cloud.forget_calls();
    let mut asked = ids[..4].to_vec();
    asked.push("i-0123456789abcdef0".to_owned());
    let outcomes = together(&mut hands, "workers", &asked).await;
    assert_eq!(kinds(&outcomes), ["done"; 5], "going, three, and gone already");
    assert_eq!(outcomes[1].instances()[0].as_str(), ids[1]);
    let calls = cloud.calls();
    assert_eq!(calls[TERMINATE], 1, "{calls:?}");
    assert_eq!(calls["autoscaling:DescribeAutoScalingGroups"], 1, "{calls:?}");
    let (desired, ended) = cloud.account(|a| (a.groups["workers"].desired, a.ended.len()));
    assert_eq!((desired, ended), (2, 4));
    // Again: nothing more goes.
    let outcomes = together(&mut hands, "workers", &asked).await;
    assert_eq!(kinds(&outcomes), ["done"; 5]);
    assert_eq!(cloud.account(|a| a.groups["workers"].desired), 2);
}

#[tokio::test]
async fn what_the_minimum_has_no_room_for_stays() {
    let cloud = facade(with(vec![NewGroup { min: 3, ..workers(5) }])).await;
    let ids = ids(&cloud);
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    let outcomes = together(&mut hands, "workers", &ids).await;
    assert_eq!(kinds(&outcomes), ["done", "done", "stale", "stale", "stale"]);
    let (desired, ended) = cloud.account(|a| (a.groups["workers"].desired, a.ended.len()));
    assert_eq!((desired, ended), (3, 2));
}

#[tokio::test]
async fn a_service_that_takes_no_batches_is_asked_one_by_one_from_then_on() {
    let cloud = facade(Settings {
        batches: false,
        ..with(vec![workers(6)])
    })
    .await;
    let ids = ids(&cloud);
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    let outcomes = together(&mut hands, "workers", &ids[..2]).await;
    assert_eq!(kinds(&outcomes), ["done", "done"]);
    assert_eq!(cloud.calls()[TERMINATE], 3, "once together, twice one by one");
    let outcomes = together(&mut hands, "workers", &ids[2..4]).await;
    assert_eq!(kinds(&outcomes), ["done", "done"]);
    assert_eq!(cloud.calls()[TERMINATE], 5);
}

/// moto answers a batch with HTTP 500: its end is unknown, and no other is tried.
#[tokio::test]
async fn an_endpoint_that_knows_no_batches_loses_nothing() {
    let Some((moto, account)) = On::Moto.ground("AWS hands: batch").await else {
        return;
    };
    account
        .create(&MotoGroup::of(CLUSTER, "workers").sized(0, 10, 3))
        .await
        .unwrap();
    let rows = account.instances("workers").await.unwrap();
    let ids: Vec<String> = rows.into_iter().map(|(id, _)| id).take(2).collect();
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let mut hands = hands(&proxy.url, Launch::Desired).await;
    let outcomes = together(&mut hands, "workers", &ids).await;
    if kinds(&outcomes) == ["unknown", "unknown"] {
        let outcomes = together(&mut hands, "workers", &ids).await;
        assert_eq!(kinds(&outcomes), ["done", "done"]);
        assert_eq!(proxy.count("TerminateInstanceInAutoScalingGroup"), 3);
    }
    assert_eq!(account.desired("workers").await.unwrap(), 1);
    assert_eq!(account.instances("workers").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_takes_nothing_twice_and_throttling_takes_nothing() {
    for (kind, first, left) in [
        (
            FaultKind::AnswerLost {
                calls: vec![TERMINATE.to_owned()],
                permille: 1000,
            },
            "unknown",
            3,
        ),
        (
            FaultKind::Errors {
                calls: vec![TERMINATE.to_owned()],
                permille: 1000,
                error: ErrorKind::Throttled,
            },
            "refused",
            5,
        ),
    ] {
        let cloud = facade(with(vec![workers(5)])).await;
        cloud.account(|a| a.strike(during(kind)));
        let ids = ids(&cloud);
        let mut hands = hands(&cloud.url, Launch::Auto).await;
        let outcomes = together(&mut hands, "workers", &ids[..2]).await;
        assert_eq!(kinds(&outcomes), [first; 2]);
        let outcomes = together(&mut hands, "workers", &ids[..2]).await;
        let again = if first == "unknown" { "done" } else { "refused" };
        assert_eq!(kinds(&outcomes), [again; 2]);
        assert_eq!(cloud.account(|a| a.groups["workers"].desired), left);
    }
}

#[tokio::test]
async fn a_fleets_instances_go_in_one_call_and_others_are_left_alone() {
    let cloud = facade(Settings {
        templates: vec![NewGroup::of("plimsoll", "m5.large")],
        ..with(vec![workers(1)])
    })
    .await;
    let others = ids(&cloud);
    let mut hands = hands(&cloud.url, Launch::Auto)
        .await
        .with_fleets(vec![own_fleet()]);
    let bought = hands
        .grow(&buy("fleet/m5.large/us-east-1a/on-demand", "1-0", 4))
        .await;
    let mut asked: Vec<String> = bought
        .instances()
        .iter()
        .take(3)
        .map(ToString::to_string)
        .collect();
    asked.push(others[0].clone());
    let outcomes = together(&mut hands, "fleet", &asked).await;
    assert_eq!(kinds(&outcomes), ["done", "done", "done", "stale"]);
    assert_eq!(cloud.calls()["ec2:TerminateInstances"], 1);
    assert_eq!(cloud.account(|a| a.ended.len()), 3);
    let alone = facade(at_once()).await;
    let mut hands = crate::hands(&alone.url, Launch::Auto)
        .await
        .with_fleets(vec![own_fleet()]);
    let outcomes = together(&mut hands, "fleet", &asked[..2]).await;
    assert_eq!(kinds(&outcomes), ["done", "done"], "nobody knows them any more");
    assert!(!alone.calls().contains_key("ec2:TerminateInstances"));
}
