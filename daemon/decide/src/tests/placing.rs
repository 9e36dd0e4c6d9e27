//! Buying, free room, launches under way, Fargate.

use super::{plain, shop};
use crate::PolicySet;
use crate::fixture::{Cluster, NOW, asks};
use crate::number::size;
use model::aims::Aims;
use model::ids::{IntentId, NodeName, PodKey};
use model::intent::{Intent, IntentKind, LaunchStage};
use model::memory::Memory;
use model::money::{Usd, UsdPerHour};
use model::node::UNREACHABLE_TAINT;
use model::plan::StepKind;
use model::pod::{PodSpec, Taint, TaintEffect};
use model::reason::{Reason, Refusal};
use model::spending::Spending;
use model::time::Span;

#[test]
fn pods_that_wait_get_the_cheapest_nodes() {
    let done = plain(&shop().pending("web", 16, asks(500, 1024)).seen());
    assert_eq!(done.plan.cost.rate.0, 180_000_000);
    assert!(done.plan.cost.gap_percent() < 0.01);
    let step = &done.plan.steps[0];
    assert!(matches!(&step.kind, StepKind::GrowGroup { from: 0, to: 1, pods, .. } if pods.len() == 16));
    assert!(matches!(
        step.reason,
        Reason::Demand {
            pods: 16,
            pending: 16,
            ..
        }
    ));
    assert_eq!(step.intent, Some(IntentId::new("7-0")));
}

#[test]
fn equal_nodes_are_dealt_over_the_zones() {
    let done = plain(&shop().pending("web", 4, asks(8000, 1024)).seen());
    let in_zone = |zone: &str| {
        done.plan
            .nodes
            .iter()
            .filter(|n| n.offer.as_str().contains(zone))
            .count()
    };
    assert_eq!((in_zone("/a/"), in_zone("/b/")), (2, 2));
    let grown: Vec<(u32, u32)> = done
        .plan
        .steps
        .iter()
        .filter_map(|s| match s.kind {
            StepKind::GrowGroup { from, to, .. } => Some((from, to)),
            _ => None,
        })
        .collect();
    assert_eq!(
        grown,
        [(0, 2), (2, 4)],
        "the second step starts where the first ends"
    );
}

/// Regression: a purchase above what a window lets in was one step, which the guard held for ever.
#[test]
fn a_purchase_that_no_window_has_room_for_is_asked_for_in_parts() {
    let mut spec = asks(8000, 1024);
    spec.node_selector
        .insert("topology.kubernetes.io/zone".into(), "b".into());
    let seen = shop().pending("web", 9, spec).seen();
    let grown = |change: fn(&mut model::Limits)| {
        let mut aims = Aims::default();
        aims.limits.growth_by_evidence = false;
        change(&mut aims.limits);
        let done = crate::deliberate(&seen, &Memory::default(), &PolicySet::default(), &aims);
        let steps = done.plan.steps.iter().filter_map(|s| match &s.kind {
            StepKind::GrowGroup {
                from,
                to,
                nodes,
                pods,
                ..
            } => {
                assert_eq!((nodes.len(), pods.len()), (size(to - from), size(to - from)));
                Some((*from, *to))
            }
            _ => None,
        });
        steps.collect::<Vec<_>>()
    };
    assert_eq!(grown(|_| ()), [(0, 9)]);
    // A tenth of what a limit lets in, but a few where it lets all of them in.
    let parts = [(0, 5), (5, 9)];
    assert_eq!(grown(|limits| limits.bought_per_window = 40), parts);
    assert_eq!(grown(|limits| limits.max_nodes = 49), parts);
    // What pods wait for is asked for within the ceilings, whatever the windows let in.
    let proven =
        |limits: &mut model::Limits| (limits.growth_by_evidence, limits.bought_per_window) = (true, 40);
    assert_eq!(grown(proven), [(0, 9)]);
    // Nodes of $0.18 an hour: $8 let in 44.
    assert_eq!(grown(|limits| limits.max_rate = UsdPerHour(8_000_000_000)), parts);
    assert_eq!(
        grown(|limits| limits.added_per_window = UsdPerHour(8_000_000_000)),
        parts
    );
    assert_eq!(
        grown(|limits| limits.bought_per_window = 5).len(),
        9,
        "one at a time where it does not let all of them in"
    );
    assert_eq!(grown(|limits| limits.bought_per_window = 9), parts);
}

/// Regression: a ceiling that has room for less than a tenth of itself, and a month whose budget has room for little, held
/// everything.
#[test]
fn what_a_ceiling_still_has_room_for_is_asked_for() {
    let mut spec = asks(8000, 1024);
    spec.node_selector
        .insert("topology.kubernetes.io/zone".into(), "b".into());
    let seen = shop().pending("web", 9, spec).seen();
    let first = |aims: &Aims| {
        let done = crate::deliberate(&seen, &Memory::default(), &PolicySet::default(), aims);
        let sizes = done.plan.steps.iter().filter_map(|step| match &step.kind {
            StepKind::GrowGroup { from, to, rate, .. } => Some((to - from, *rate)),
            _ => None,
        });
        sizes.collect::<Vec<_>>()
    };
    let mut aims = Aims::default();
    let (nodes, rate) = first(&aims)[0];
    assert_eq!(nodes, 9);
    let each = UsdPerHour(rate.0 / 9);
    let mut with_rate = aims.clone();
    with_rate.limits.max_rate = each.times(8);
    assert_eq!(first(&with_rate).len(), 9, "one at a time, of so small a ceiling");
    // A month with room for three nodes and a half until it ends.
    let left = Spending::most(None, seen.at, (UsdPerHour(0), Usd(1_000_000_000_000)));
    let budget = i128::from(each.0) * 7 / 2 * 1_000_000_000_000 / i128::from(left.0);
    aims.limits.max_per_month = Some(Usd(i64::try_from(budget).unwrap()));
    let parts: Vec<u32> = first(&aims).into_iter().map(|(nodes, _)| nodes).collect();
    assert_eq!(parts, [3, 3, 3]);
}

#[test]
fn a_zone_that_is_asked_for_is_bought_in() {
    let mut spec = asks(500, 500);
    spec.node_selector
        .insert("topology.kubernetes.io/zone".into(), "b".into());
    let done = plain(&shop().pending("web", 3, spec).seen());
    assert!(done.plan.nodes.iter().all(|n| n.offer.as_str().contains("/b/")));
}

#[test]
fn new_nodes_carry_their_daemon_pods_first() {
    let daemon = PodSpec {
        owner: None,
        ..asks(300, 300)
    };
    let picky = PodSpec {
        node_selector: [("group".to_owned(), "other".to_owned())].into(),
        ..asks(8000, 1)
    };
    let seen = shop()
        .workload("DaemonSet", "agent", 0, daemon)
        .workload("DaemonSet", "elsewhere", 0, picky)
        .pending("web", 4, asks(500, 100))
        .seen();
    let done = plain(&seen);
    // 2,000 − 300 hold three; the fourth needs a second small node, still cheaper than one large.
    assert_eq!(done.plan.nodes.len(), 2);
}

#[test]
fn daemon_pods_that_are_not_there_yet_keep_their_room() {
    let seen = shop()
        .node("n", "g", "small")
        .workload("DaemonSet", "agent", 1, asks(300, 300))
        .pending("web", 4, asks(500, 100))
        .seen();
    let done = plain(&seen);
    assert_eq!(done.plan.existing[0].1.len(), 3);
}

#[test]
fn free_room_comes_first_and_pods_are_nominated_to_it() {
    let mut cluster = shop().node("n", "g", "small").pending("web", 3, asks(500, 100));
    cluster.seen.pods[1].nominated = Some(NodeName::new("n"));
    let done = plain(&cluster.seen());
    assert!(done.plan.nodes.is_empty());
    assert_eq!(
        (done.plan.cost.rate, done.plan.cost.bound),
        (UsdPerHour::ZERO, UsdPerHour::ZERO)
    );
    let nominated = done
        .plan
        .steps
        .iter()
        .filter(|s| matches!(s.kind, StepKind::Nominate { .. }))
        .count();
    assert_eq!(nominated, 2, "one is nominated already");
}

fn launch(count: u32, pods: &[&str]) -> Intent {
    Intent {
        id: IntentId::new("6-0"),
        kind: IntentKind::Launch {
            group: "g".into(),
            offer: "g:small/a/on-demand".into(),
            count,
            from: 0,
            to: count,
            planned: (1..=count).map(|n| NodeName::new(format!("new-6-{n}"))).collect(),
            pods: pods.iter().map(|p| PodKey::new("default", p)).collect(),
            stage: LaunchStage::Asked,
            instances: Vec::new(),
            joined: Vec::new(),
        },
        opened: NOW,
        deadline: NOW + Span::from_secs(900),
        generation: 0,
    }
}

#[test]
fn what_a_launch_is_bringing_is_not_bought_again() {
    let waiting = || shop().pending("web", 8, asks(500, 1024));
    let bought = plain(&waiting().seen());
    assert_eq!(bought.plan.nodes.len(), 2);
    for stage in [LaunchStage::Opened, LaunchStage::Asked] {
        let mut seen = waiting().seen();
        let mut intent = launch(
            2,
            &[
                "web-0", "web-1", "web-2", "web-3", "web-4", "web-5", "web-6", "web-7",
            ],
        );
        if let IntentKind::Launch { stage: at, .. } = &mut intent.kind {
            *at = stage;
        }
        seen.ledger.intents.push(intent);
        let done = plain(&seen);
        assert!(
            done.plan.nodes.is_empty() && done.plan.steps.is_empty(),
            "{stage:?}: {:?}",
            done.plan
        );
        assert_eq!(done.plan.existing.len(), 2, "on the two nodes on their way");
    }
    // A node has joined under its own name, not Ready yet: it and the one still missing count, no third.
    let mut joined = waiting().node("ip-10", "g", "small").last_node(|n| {
        n.created = NOW + Span::from_secs(5);
        n.ready = false;
        n.taints.push(Taint {
            key: "node.kubernetes.io/not-ready".into(),
            value: String::new(),
            effect: TaintEffect::NoSchedule,
        });
    });
    joined.seen.at = NOW + Span::from_secs(10);
    joined.seen.ledger.intents.push(launch(2, &[]));
    let done = plain(&joined.clone().seen());
    assert!(done.plan.nodes.is_empty(), "{:?}", done.plan);
    // One that has fallen silent before its time is not: its instance may be gone.
    let silent = joined
        .clone()
        .last_node(|n| n.taints[0].key = UNREACHABLE_TAINT.into());
    let done = plain(&silent.seen());
    assert_eq!(done.plan.nodes.len(), 1, "{:?}", done.plan);
    // Past its deadline nothing is on its way any more.
    joined.seen.at = NOW + Span::from_secs(901);
    assert!(!plain(&joined.seen()).plan.nodes.is_empty());
}

#[test]
fn an_open_launch_takes_its_share_of_the_maximum() {
    let mut cluster = shop().pending("web", 3, asks(8000, 1024));
    cluster.seen.groups[0].max = 3;
    cluster.seen.ledger.intents.push(launch(2, &[]));
    let done = plain(&cluster.seen());
    assert_eq!(done.plan.nodes.len(), 1);
    let refused: Vec<_> = done
        .plan
        .refusals
        .iter()
        .filter(|r| matches!(r, Refusal::Pod { .. }))
        .collect();
    assert_eq!(refused.len(), 2);
}

#[test]
fn fargate_takes_what_it_runs_for_less() {
    let done = plain(
        &shop()
            .profile("fp", "default")
            .pending("job", 1, asks(200, 200))
            .seen(),
    );
    // One pod: a quarter vCPU costs less than the smallest node.
    assert_eq!(done.plan.nodes[0].group.as_str(), "fp");
    let StepKind::PlaceOnFargate {
        label, offer, pods, ..
    } = &done.plan.steps[0].kind
    else {
        panic!("{:?}", done.plan.steps);
    };
    assert_eq!((offer.as_str(), pods.len()), ("fp/250m/512Mi", 1));
    assert_eq!(
        label.get("plimsoll.io/placement").map(String::as_str),
        Some("fargate")
    );
    assert!(matches!(
        done.plan.steps[0].reason,
        Reason::FargateCheaper { ec2: Some(_), .. }
    ));
    // Many pods fill nodes, which is cheaper.
    let done = plain(
        &shop()
            .profile("fp", "default")
            .pending("job", 16, asks(500, 1024))
            .seen(),
    );
    assert!(done.plan.nodes.iter().all(|n| n.group.as_str() == "g"));
}

#[test]
fn idle_groups_make_fargate_the_cheaper_one() {
    // The same pods, but the group's nodes are measured to be nearly empty and reserved for others.
    let mut cluster = shop()
        .profile("fp", "default")
        .node("n", "g", "small")
        .last_node(|n| n.unschedulable = true)
        .pending("job", 16, asks(200, 250));
    cluster.seen.nodes[0].ready = true;
    let seen = cluster.seen();
    let done = plain(&seen);
    assert!(
        done.plan.nodes.iter().all(|n| n.group.as_str() == "fp"),
        "{:?}",
        done.notes.classes
    );
}

#[test]
fn what_is_paid_for_is_filled_first_and_the_bound_knows_where_it_ends() {
    for (others, most) in [(u32::MAX, 7), (60, 7), (60, 0)] {
        let (_, done) = Cluster::new()
            .group("fleet", 0, others)
            .offer("fleet", "m", 4000, 16_000, 200_000_000)
            .offer("fleet", "c", 4000, 8000, 170_000_000)
            .group("reserved", 0, most)
            .offer("reserved", "m", 4000, 16_000, 0)
            .pending("a", 40, asks(900, 1500))
            .pending("b", 60, asks(300, 2500))
            .pending("c", 30, asks(1700, 1000))
            .deliberate();
        let reserved = done
            .plan
            .nodes
            .iter()
            .filter(|node| node.group.as_str() == "reserved");
        assert_eq!(reserved.count(), size(most));
        let cost = &done.plan.cost;
        assert!(cost.rate.0 > 2_000_000_000, "{cost:?}");
        assert!(cost.gap_percent() < 6.0, "{cost:?}");
    }
}
