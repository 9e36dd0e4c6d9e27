//! Many calls on the buckets of one account: what ends nodes goes before what only looks, and AWS rarely has to throttle.
//!
//! Against the façade, which throttles as AWS does. Not here: the arithmetic (`model::governor`).

use crate::facade::{with, workers};
use crate::{CLUSTER, PATIENCE, facade, now, remove, settings};
use act::aws::Launch;
use model::governor::CallKind;
use model::outcome::Outcome;
use model::snapshot::{Freshness, Source};
use model::time::Span;
use observe::aws::{Governor, Side};
use plimsoll_tests::aws;
use sim_aws::{Facade, NewGroup};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const GROUPS: usize = 100;
const DUE: usize = 50;
/// Who describe without a pause: eyes, and whatever else has a role in the account.
const LOOKERS: usize = 6;

async fn crowded() -> Facade {
    let group = |n: usize| {
        NewGroup::of(&format!("g{n:03}"), "m5.large")
            .sized(0, 50, 50)
            .tagged("plimsoll.io/cluster", CLUSTER)
            .tagged("size", "large")
    };
    facade(with((0..GROUPS).map(group).collect())).await
}

/// Describes group after group, as often as it is let.
async fn look(sdk: aws_config::SdkConfig, from: usize) {
    let client = aws_sdk_autoscaling::Client::new(&sdk);
    for n in from.. {
        let name = format!("g{:03}", n % GROUPS);
        let call = client
            .describe_auto_scaling_groups()
            .auto_scaling_group_names(name);
        let _ = call.send().await;
    }
}

/// What came of the terminates that were due.
#[derive(Debug)]
struct Told {
    done: usize,
    refused: usize,
    took: Duration,
    throttled: u64,
    looks: u64,
}

/// Fifty terminates while everybody looks, each asked for once.
async fn story(cloud: &Facade, governor: Option<&Arc<Governor>>) -> Told {
    let plain = aws::sdk(&cloud.url).await;
    let side = |side| governor.map_or_else(|| plain.clone(), |governor| governor.govern(&plain, side));
    let mut lookers = JoinSet::new();
    for n in 0..LOOKERS {
        lookers.spawn(look(side(Side::Eyes), n * 17));
    }
    // The burst is spent when the terminates come.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let describes = || cloud.calls()["autoscaling:DescribeAutoScalingGroups"];
    let (throttled, looked) = (cloud.throttled(), describes());
    let mut hands = act::aws::Hands::new(
        &side(Side::Hands),
        CLUSTER.to_owned(),
        Launch::Auto,
        Arc::default(),
    );
    let victims: Vec<(String, String)> = cloud.account(|account| {
        let of = |n: usize| {
            let name = format!("g{:03}", n * 2);
            let mut machines = account.machines.values();
            let found = machines.find(|m| m.group.as_deref() == Some(name.as_str()));
            found.map(|m| (name, m.id.clone()))
        };
        (0..DUE).filter_map(of).collect()
    });
    let began = Instant::now();
    let (mut done, mut refused) = (0, 0);
    for (n, (group, id)) in victims.iter().enumerate() {
        let outcome = hands.remove(&remove(group, &format!("1-{n}"), id)).await;
        let throttled = matches!(outcome, Outcome::Refused { .. });
        assert!(
            outcome.is_done() || throttled,
            "throttling is neither lack of capacity nor a failure: {outcome:?}"
        );
        if throttled {
            refused += 1;
        } else {
            done += 1;
        }
    }
    let told = Told {
        done,
        refused,
        took: began.elapsed(),
        throttled: cloud.throttled() - throttled,
        looks: describes() - looked,
    };
    lookers.shutdown().await;
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminates_go_before_looks_and_are_hardly_throttled() {
    let cloud = crowded().await;
    let alone = story(&cloud, None).await;
    let cloud = crowded().await;
    let governor = Arc::new(Governor::default());
    let governed = story(&cloud, Some(&governor)).await;
    println!("{DUE} terminates, {LOOKERS} who look without a pause");
    println!("without the governor: {alone:?}");
    println!("with the governor:    {governed:?}");
    let tallies = governor.tallies();
    for (bucket, kind, tally) in &tallies {
        println!("{bucket} {}: {tally:?}", kind.as_str());
    }
    // The account's clock and ours do not begin together: a call or two may come a moment early.
    assert!(
        governed.done >= DUE - 2 && governed.throttled <= 2,
        "all at the first try: {governed:?}"
    );
    assert!(
        alone.refused > DUE / 2 && alone.throttled > 10 * governed.throttled.max(1),
        "{alone:?} {governed:?}"
    );
    assert!(
        governed.took < PATIENCE,
        "looks keep nobody waiting for ever: {governed:?}"
    );
    assert!(governed.looks > 0, "who looks is served too: {governed:?}");
    // What the governor counts is what came to the account.
    let sent: u64 = tallies.iter().map(|(_, _, tally)| tally.calls).sum();
    let came: u64 = cloud.calls().values().sum();
    assert!(
        came.abs_diff(sent) <= LOOKERS as u64,
        "{sent} were counted, {came} came"
    );
    let held: u64 = tallies
        .iter()
        .filter(|(_, kind, _)| matches!(kind, CallKind::Terminate | CallKind::Check))
        .map(|(_, _, tally)| tally.held_back)
        .sum();
    assert_eq!(held, 0);
}

/// A look for which our own budget has no room is one that failed: the last picture stays, and its age tells.
#[tokio::test]
async fn a_look_that_is_held_back_leaves_the_last_picture_with_its_age() {
    let cloud = facade(with(vec![workers(1)])).await;
    let governor = Arc::new(Governor::default());
    let sdk = governor.govern(&aws::sdk(&cloud.url).await, Side::Eyes);
    let mut eyes = observe::aws::Groups::new(&sdk, settings());
    let began = now();
    assert_eq!(eyes.capacity(began, &[]).await.groups.len(), 1);
    // The hands are busy: all that comes back is theirs.
    let mut busy = JoinSet::new();
    for n in 0..4 {
        let sdk = governor.govern(&aws::sdk(&cloud.url).await, Side::Hands);
        busy.spawn(look(sdk, n));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let age = Span::from_secs(60);
    let seen = eyes.capacity(began + age, &[]).await;
    assert_eq!(seen.groups.len(), 1);
    assert_eq!(seen.sources[&Source::Groups], Freshness::Stale { age });
    let held: u64 = governor
        .tallies()
        .iter()
        .map(|(_, _, tally)| tally.held_back)
        .sum();
    assert!(held > 0, "{:?}", governor.tallies());
}
