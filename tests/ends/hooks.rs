//! Lifecycle hooks: what waits at one goes once its node is drained, by hooks that are ours only.

use crate::facade::{during, with, workers};
use crate::{eyes, facade, hands, is_done, now, remove, settings};
use act::aws::{Heartbeats, Launch};
use model::group::InstanceState;
use model::ids::{GroupName, InstanceId};
use model::node::Leaves;
use model::outcome::Outcome;
use model::time::Span;
use plimsoll_tests::aws;
use sim_aws::faults::ErrorKind;
use sim_aws::{Facade, FaultKind, Gone, Hook, Lifecycle};
use std::time::Duration;

const COMPLETE: &str = "autoscaling:CompleteLifecycleAction";
const HEARTBEAT: &str = "autoscaling:RecordLifecycleActionHeartbeat";

/// A group of two with these termination hooks of so many seconds; one of its instances.
async fn hooked(hooks: &[&str], seconds: i64) -> (Facade, String) {
    let cloud = facade(with(vec![workers(2)])).await;
    let id = cloud.account(|a| {
        for name in hooks {
            let hook = Hook {
                launching: false,
                timeout: Span::from_secs(seconds),
                abandons: false,
            };
            let group = a.groups.get_mut("workers").unwrap();
            group.hooks.insert((*name).to_owned(), hook);
        }
        a.machines.keys().next().cloned().unwrap()
    });
    (cloud, id)
}

fn lifecycle(cloud: &Facade, id: &str) -> Lifecycle {
    cloud.account(|a| a.machines[id].lifecycle)
}

/// How the eyes see the instance: where it stands, and whether it goes.
async fn seen(cloud: &Facade, ours: &[&str], id: &str) -> (InstanceState, Option<Leaves>) {
    let mut own = settings();
    own.complete_hooks = ours.iter().map(|name| (*name).to_owned()).collect();
    let seen = eyes(&cloud.url, own).await.capacity(now(), &[]).await;
    let id = InstanceId::new(id);
    let listed = seen.groups[0].instances.iter().find(|i| i.id == id).unwrap();
    (listed.state, seen.leaving.get(&id).map(|leaving| leaving.why))
}

#[tokio::test]
async fn what_we_end_is_let_go_by_our_hook_once_it_waits() {
    let (cloud, id) = hooked(&["drain"], 3600).await;
    let mut hands = hands(&cloud.url, Launch::Auto)
        .await
        .with_hooks(vec!["drain".to_owned()]);
    let step = remove("workers", "1-0", &id);
    is_done(&hands.remove(&step).await);
    assert_eq!(lifecycle(&cloud, &id), Lifecycle::TerminatingWait);
    assert_eq!(
        seen(&cloud, &["drain"], &id).await,
        (InstanceState::Waiting, Some(Leaves::Ending))
    );
    is_done(&hands.remove(&step).await);
    let (ended, desired) = cloud.account(|a| (a.ended.clone(), a.groups["workers"].desired));
    assert_eq!((ended, desired), (vec![(id, Gone::Named)], 1));
    is_done(&hands.remove(&step).await);
    assert_eq!(cloud.calls()[COMPLETE], 1, "the repeated step completes nothing");
}

#[tokio::test]
async fn what_aws_takes_away_is_drained_and_then_let_go() {
    let (cloud, id) = hooked(&["drain"], 3600).await;
    cloud.account(|a| a.set_unhealthy(&id));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(lifecycle(&cloud, &id), Lifecycle::TerminatingWait);
    assert_eq!(
        seen(&cloud, &["drain"], &id).await,
        (InstanceState::Waiting, Some(Leaves::Ending))
    );
    let mut hands = hands(&cloud.url, Launch::Auto)
        .await
        .with_hooks(vec!["drain".to_owned()]);
    is_done(&hands.remove(&remove("workers", "1-0", &id)).await);
    let (ended, desired) = cloud.account(|a| (a.ended.clone(), a.groups["workers"].desired));
    assert_eq!(ended, [(id, Gone::Unhealthy)]);
    assert_eq!(desired, 2, "the group replaces it: it becomes no smaller");
}

#[tokio::test]
async fn hooks_of_others_are_theirs() {
    let (cloud, id) = hooked(&["audit", "drain"], 3600).await;
    let mut hands = hands(&cloud.url, Launch::Auto)
        .await
        .with_hooks(vec!["drain".to_owned(), "of-another-group".to_owned()]);
    let step = remove("workers", "1-0", &id);
    is_done(&hands.remove(&step).await);
    is_done(&hands.remove(&step).await);
    let waits = cloud.account(|a| a.machines[&id].hooks.keys().cloned().collect::<Vec<_>>());
    assert_eq!(waits, ["audit"]);
    assert_eq!(lifecycle(&cloud, &id), Lifecycle::TerminatingWait);
    let as_going = (InstanceState::Terminating, Some(Leaves::Ending));
    assert_eq!(seen(&cloud, &[], &id).await, as_going);
    assert_eq!(seen(&cloud, &["of-another-group"], &id).await, as_going);
    let calls = cloud.calls();
    let described = calls["autoscaling:DescribeLifecycleHooks"];
    assert_eq!(described, 1, "hooks are read where some are ours: {calls:?}");
}

#[tokio::test]
async fn launch_hooks_are_never_completed() {
    let (cloud, _) = hooked(&[], 0).await;
    cloud.account(|a| {
        let hook = Hook {
            launching: true,
            timeout: Span::from_secs(3600),
            abandons: false,
        };
        let group = a.groups.get_mut("workers").unwrap();
        group.hooks.insert("drain".to_owned(), hook);
    });
    let mut hands = hands(&cloud.url, Launch::Auto)
        .await
        .with_hooks(vec!["drain".to_owned()]);
    let Outcome::Done { instances } = hands.grow(&crate::grow("workers", "1-0", 2, 3)).await else {
        panic!("not done")
    };
    let id = instances[0].to_string();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(
        seen(&cloud, &["drain"], &id).await,
        (InstanceState::Pending, None)
    );
    assert_eq!(lifecycle(&cloud, &id), Lifecycle::PendingWait);
    assert!(!cloud.calls().contains_key(COMPLETE));
}

#[tokio::test]
async fn a_drain_is_given_time_while_it_lasts() {
    let (cloud, id) = hooked(&["drain"], 3).await;
    let mut hands = hands(&cloud.url, Launch::Auto).await;
    is_done(&hands.remove(&remove("workers", "1-0", &id)).await);
    let sdk = aws::sdk(&cloud.url).await;
    let mut heartbeats = Heartbeats::new(&sdk, vec!["drain".to_owned()]);
    let draining = [(GroupName::new("workers"), InstanceId::new(&id))];
    for _ in 0..5 {
        assert_eq!(heartbeats.keep(&draining).await, []);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(
        lifecycle(&cloud, &id),
        Lifecycle::TerminatingWait,
        "five seconds at a hook of three"
    );
    let sent = cloud.calls()[HEARTBEAT];
    assert!(
        (2..=3).contains(&sent),
        "after half of its time, not always: {sent}"
    );
    assert_eq!(heartbeats.keep(&[]).await, []);
    tokio::time::sleep(Duration::from_millis(3200)).await;
    assert_ne!(
        lifecycle(&cloud, &id),
        Lifecycle::TerminatingWait,
        "left to the hook's default"
    );
}

#[tokio::test]
async fn a_denied_completion_is_said_and_undoes_nothing() {
    let (cloud, id) = hooked(&["drain"], 3600).await;
    let denied = during(FaultKind::Errors {
        calls: vec![COMPLETE.to_owned(), HEARTBEAT.to_owned()],
        permille: 1000,
        error: ErrorKind::Denied,
    });
    cloud.account(|a| a.strike(denied));
    let mut hands = hands(&cloud.url, Launch::Auto)
        .await
        .with_hooks(vec!["drain".to_owned()]);
    let step = remove("workers", "1-0", &id);
    is_done(&hands.remove(&step).await);
    let outcome = hands.remove(&step).await;
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    let said = outcome.to_string();
    for wanted in [
        "the role lacks autoscaling:CompleteLifecycleAction",
        "the hook's default acts",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
    let sdk = aws::sdk(&cloud.url).await;
    let mut heartbeats = Heartbeats::new(&sdk, vec!["drain".to_owned()]);
    let draining = [(GroupName::new("workers"), InstanceId::new(&id))];
    let told = heartbeats.keep(&draining).await;
    assert!(
        told[0]
            .to_string()
            .contains("the role lacks autoscaling:RecordLifecycleActionHeartbeat"),
        "{told:?}"
    );
    let unread = during(FaultKind::Errors {
        calls: vec!["autoscaling:DescribeLifecycleHooks".to_owned()],
        permille: 1000,
        error: ErrorKind::Denied,
    });
    cloud.account(|a| a.strike(unread));
    assert_eq!(
        seen(&cloud, &["drain"], &id).await.0,
        InstanceState::Terminating,
        "hooks that cannot be read are nobody's of ours"
    );
}

#[tokio::test]
async fn several_that_wait_are_let_go_together() {
    let (cloud, _) = hooked(&["drain"], 3600).await;
    let ids: Vec<String> = cloud.account(|a| a.machines.keys().cloned().collect());
    let mut hands = hands(&cloud.url, Launch::Auto)
        .await
        .with_hooks(vec!["drain".to_owned()]);
    let steps: Vec<_> = ids
        .iter()
        .map(|id| remove("workers", &format!("1-{id}"), id))
        .collect();
    let steps: Vec<_> = steps.iter().collect();
    for _ in 0..2 {
        for outcome in hands.remove_all(&steps).await {
            is_done(&outcome);
        }
    }
    assert_eq!(cloud.account(|a| a.ended.len()), 2);
    assert_eq!(cloud.calls()[COMPLETE], 2);
}
