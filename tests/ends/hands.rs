//! What the hands do to a group: upward by its desired size, downward by named instances only.

use crate::{CLUSTER, On, grow, hands, is_done, remove};
use act::aws::Launch;
use model::money::UsdPerHour;
use model::outcome::Outcome;
use model::reason::Reason;
use plimsoll_tests::aws::NewGroup;
use plimsoll_tests::proxy::Proxy;
use rstest::rstest;

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn growing_by_desired_happens_once_for_one_step(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS hands: grow").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(0, 10, 1))
        .await
        .unwrap();
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let mut hands = hands(&proxy.url, Launch::Desired).await;
    let step = grow("workers", "1-0", 1, 3);
    is_done(&hands.grow(&step).await);
    assert_eq!(account.desired("workers").await.unwrap(), 3);
    is_done(&hands.grow(&step).await);
    assert_eq!(account.desired("workers").await.unwrap(), 3);
    assert_eq!(
        proxy.count("SetDesiredCapacity"),
        1,
        "the repeated step asks for nothing"
    );
    assert_eq!(account.instances("workers").await.unwrap().len(), 3);
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn a_group_that_somebody_else_changed_is_left_alone(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS hands: stale").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(0, 10, 2))
        .await
        .unwrap();
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let mut hands = hands(&proxy.url, Launch::Desired).await;
    for (from, to) in [(1, 4), (3, 4)] {
        let outcome = hands.grow(&grow("workers", "1-0", from, to)).await;
        assert!(matches!(outcome, Outcome::Stale { .. }), "{outcome:?}");
    }
    let outcome = hands.grow(&grow("nobody", "1-1", 0, 1)).await;
    assert!(matches!(outcome, Outcome::Stale { .. }), "{outcome:?}");
    assert_eq!(account.desired("workers").await.unwrap(), 2);
    assert_eq!(proxy.mutating(), []);
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn a_removal_takes_that_very_instance_and_one_off_desired(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS hands: remove").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(1, 10, 3))
        .await
        .unwrap();
    let mut before: Vec<String> = account
        .instances("workers")
        .await
        .unwrap()
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    before.sort();
    let victim = before.remove(1);
    let mut hands = hands(&moto.url, Launch::Desired).await;
    let step = remove("workers", "1-0", &victim);
    is_done(&hands.remove(&step).await);
    assert_eq!(account.desired("workers").await.unwrap(), 2);
    let left = || async {
        let rows = account.instances("workers").await.unwrap();
        let mut left: Vec<String> = rows.into_iter().map(|(id, _)| id).collect();
        left.sort();
        left
    };
    assert_eq!(
        left().await,
        before,
        "the others are untouched and none has been put in its place"
    );
    let state = account.instance_state(&victim).await.unwrap();
    assert!(
        ["shutting-down", "terminated"].contains(&state.as_str()),
        "{state}"
    );

    is_done(&hands.remove(&step).await);
    assert_eq!(
        account.desired("workers").await.unwrap(),
        2,
        "the repeated step takes nothing more"
    );
    assert_eq!(left().await, before);
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn a_group_never_falls_below_its_minimum(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS hands: minimum").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(2, 10, 2))
        .await
        .unwrap();
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let (victim, _) = account.instances("workers").await.unwrap().remove(0);
    let mut hands = hands(&proxy.url, Launch::Desired).await;
    let outcome = hands.remove(&remove("workers", "1-0", &victim)).await;
    assert!(matches!(outcome, Outcome::Stale { .. }), "{outcome:?}");
    assert_eq!(account.desired("workers").await.unwrap(), 2);
    assert_eq!(account.instance_state(&victim).await.unwrap(), "running");
    assert_eq!(proxy.mutating(), []);
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn a_size_that_somebody_else_reached_is_not_ours(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS hands: reached already").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(0, 10, 3))
        .await
        .unwrap();
    let mut hands = hands(&moto.url, Launch::Desired).await;
    let mut step = grow("workers", "1-0", 1, 3);
    is_done(&hands.grow(&step).await);
    // Nobody asked for this one before.
    step.reason = Reason::Demand {
        pods: 1,
        pending: 1,
        rate: UsdPerHour::ZERO,
    };
    let outcome = hands.grow(&step).await;
    assert!(matches!(outcome, Outcome::Stale { .. }), "{outcome:?}");
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn a_group_never_rises_above_its_maximum(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS hands: maximum").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(0, 2, 1))
        .await
        .unwrap();
    let proxy = Proxy::before(&moto.url).await.unwrap();
    for launch in [Launch::Desired, Launch::Instances] {
        let outcome = hands(&proxy.url, launch)
            .await
            .grow(&grow("workers", "1-0", 1, 3))
            .await;
        assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    }
    assert_eq!(proxy.mutating(), []);
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn an_instance_that_left_its_group_and_lives_on_is_not_removed(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS hands: detached").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(0, 10, 2))
        .await
        .unwrap();
    let (detached, _) = account.instances("workers").await.unwrap().remove(0);
    account.detach("workers", &detached).await.unwrap();
    assert_eq!(account.instance_state(&detached).await.unwrap(), "running");
    let mut hands = hands(&moto.url, Launch::Desired).await;
    let outcome = hands.remove(&remove("workers", "1-0", &detached)).await;
    assert!(matches!(outcome, Outcome::Stale { .. }), "{outcome:?}");
    is_done(
        &hands
            .remove(&remove("workers", "1-1", "i-0123456789abcdef0"))
            .await,
    );
}
