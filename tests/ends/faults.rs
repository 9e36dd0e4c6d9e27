//! What the hands make of answers that are wrong, late or lost: nothing is done twice, no mode is switched.

use crate::{CLUSTER, On, PATIENCE, grow, hands, is_done, moto, remove};
use act::aws::Launch;
use model::outcome::Outcome;
use plimsoll_tests::aws::NewGroup;
use plimsoll_tests::proxy::{Fault, Proxy};
use rstest::rstest;
use std::time::Instant;

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_told_and_not_waited_for() {
    // Nothing listens on the port that was just given back.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut hands = hands(&format!("http://127.0.0.1:{port}"), Launch::Desired).await;
    let began = Instant::now();
    for outcome in [
        hands.grow(&grow("g", "1-0", 0, 1)).await,
        hands.remove(&remove("g", "1-1", "i-1")).await,
    ] {
        // The group could not even be read: nothing was sent, so nothing is unknown.
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    }
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn a_call_that_is_never_answered_is_unknown(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS hands: no answer").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(0, 10, 1))
        .await
        .unwrap();
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let mut hands = hands(&proxy.url, Launch::Desired).await;
    proxy.fault("SetDesiredCapacity", Fault::Hang);
    let began = Instant::now();
    let outcome = hands.grow(&grow("workers", "1-0", 1, 2)).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    assert_eq!(
        proxy.count("SetDesiredCapacity"),
        1,
        "retries of a write are the next cycle's"
    );
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn a_refused_call_is_asked_again_in_the_same_way(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS hands: 500").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(0, 10, 1))
        .await
        .unwrap();
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let mut hands = hands(&proxy.url, Launch::Desired).await;
    proxy.fault("SetDesiredCapacity", Fault::Refuse);
    let step = grow("workers", "1-0", 1, 3);
    let outcome = hands.grow(&step).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(account.desired("workers").await.unwrap(), 1);
    is_done(&hands.grow(&step).await);
    assert_eq!(account.desired("workers").await.unwrap(), 3);
    let actions: Vec<String> = proxy.mutating().into_iter().map(|call| call.action).collect();
    assert_eq!(actions, ["SetDesiredCapacity", "SetDesiredCapacity"]);
}

#[rstest]
#[case(On::Moto)]
#[case(On::Facade)]
#[tokio::test]
async fn a_lost_answer_buys_nothing_twice(#[case] on: On) {
    let Some((moto, account)) = on.ground("AWS hands: lost answer").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(0, 10, 1))
        .await
        .unwrap();
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let mut hands = hands(&proxy.url, Launch::Desired).await;
    proxy.fault("SetDesiredCapacity", Fault::LoseAnswer);
    let step = grow("workers", "1-0", 1, 3);
    let outcome = hands.grow(&step).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(account.desired("workers").await.unwrap(), 3, "it took effect");
    is_done(&hands.grow(&step).await);
    assert_eq!(account.desired("workers").await.unwrap(), 3);
    assert_eq!(proxy.count("SetDesiredCapacity"), 1);

    let (victim, _) = account.instances("workers").await.unwrap().remove(0);
    proxy.fault("TerminateInstanceInAutoScalingGroup", Fault::LoseAnswer);
    let step = remove("workers", "1-1", &victim);
    let outcome = hands.remove(&step).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    is_done(&hands.remove(&step).await);
    assert_eq!(account.desired("workers").await.unwrap(), 2, "one instance, once");
    assert_eq!(proxy.count("TerminateInstanceInAutoScalingGroup"), 1);
}

/// moto has no LaunchInstances and answers HTTP 500: whether it took effect is then unknown, and nothing else
/// may be tried in its place. A repetition bears the same client token.
#[tokio::test]
async fn launching_instances_is_never_switched_to_desired() {
    let Some((moto, account)) = moto("AWS hands: LaunchInstances").await else {
        return;
    };
    account
        .create(&NewGroup::of(CLUSTER, "workers").sized(0, 10, 1))
        .await
        .unwrap();
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let mut hands = hands(&proxy.url, Launch::Auto).await;
    let step = grow("workers", "7-0", 1, 2);
    for _ in 0..2 {
        let outcome = hands.grow(&step).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    }
    assert_eq!(account.desired("workers").await.unwrap(), 1);
    let calls = proxy.mutating();
    assert!(
        calls.iter().all(|call| call.action == "LaunchInstances"),
        "{calls:?}"
    );
    let token = |body: &str| {
        body.split('&')
            .find(|pair| pair.starts_with("ClientToken="))
            .map(str::to_owned)
    };
    let tokens: Vec<_> = calls.iter().map(|call| token(&call.body)).collect();
    assert_eq!(tokens.len(), 2);
    assert!(tokens[0].is_some() && tokens[0] == tokens[1], "{tokens:?}");
    let other = hands.grow(&grow("workers", "8-0", 1, 2)).await;
    assert!(matches!(other, Outcome::Unknown { .. }), "{other:?}");
    let last = proxy.mutating().pop().unwrap();
    assert_ne!(token(&last.body), tokens[0], "another intent is another purchase");
}
