//! Who is nominated where, who is let into nodes that start and when, and when these are opened.

use super::{plain, shop};
use crate::Deliberation;
use crate::constraints::ZONE;
use crate::fixture::{Cluster, NOW, asks};
use model::ids::{IntentId, NodeName, PodKey};
use model::intent::{Intent, IntentKind, LaunchStage};
use model::node::{Node, STARTING_TAINT};
use model::plan::StepKind;
use model::pod::{Near, NearRule, PodSpec, Taint, TaintEffect};
use model::selector::{LabelSelector, Labels, Operator, Requirement};
use model::time::Span;

fn tainted(node: &mut Node, key: &str) {
    node.taints.push(Taint {
        key: key.into(),
        value: String::new(),
        effect: TaintEffect::NoSchedule,
    });
}

/// A node that has just come up.
fn starting(node: &mut Node) {
    node.created = NOW;
    tainted(node, STARTING_TAINT);
}

/// Nominations as `pod node`, `pod >node` where it is let in, and nodes that are opened as `+node`.
fn told(done: &Deliberation) -> Vec<String> {
    let told = done.plan.steps.iter().map(|step| match &step.kind {
        StepKind::Nominate { pod, node, starting } => {
            format!("{} {}{node}", pod.name, if *starting { ">" } else { "" })
        }
        StepKind::Uncordon { node } => format!("+{node}"),
        other => other.to_string(),
    });
    told.collect()
}

fn nominated(mut cluster: Cluster, pods: &[(usize, &str)]) -> Cluster {
    for (pod, node) in pods {
        cluster.seen.pods[*pod].nominated = Some(NodeName::new(*node));
    }
    cluster
}

#[test]
fn a_node_that_starts_lets_in_whom_it_was_bought_for_and_is_opened_then() {
    let there = || shop().node("n", "g", "small").last_node(starting);
    let waiting = || there().pending("web", 2, asks(500, 100));
    assert_eq!(told(&plain(&waiting().seen())), ["web-0 >n", "web-1 >n"]);
    let one = nominated(waiting(), &[(0, "n")]);
    assert_eq!(
        told(&plain(&one.seen())),
        ["web-1 >n", "web-0 >n"],
        "who was told and has not come is told again, last"
    );
    let come = || there().running("web-0", "n", asks(500, 100));
    let last = come().pending("other", 1, asks(500, 100));
    assert_eq!(told(&plain(&last.seen())), ["other-0 >n"], "one has not come");
    let beside = come().node("m", "g", "small").last_node(starting);
    let beside = beside.pending("other", 1, asks(1900, 100));
    assert_eq!(
        told(&plain(&beside.seen())),
        ["other-0 >m"],
        "nodes open together"
    );
    assert_eq!(told(&plain(&come().seen())), ["+n"]);
    assert_eq!(told(&plain(&there().seen())), ["+n"], "nobody is to come");
}

#[test]
fn a_node_does_not_stay_closed_for_ever() {
    let mut late = shop()
        .node("n", "g", "small")
        .last_node(starting)
        .pending("web", 1, asks(500, 100));
    late.seen.at = NOW + Span::from_secs(301);
    assert_eq!(told(&plain(&late.seen())), ["web-0 >n", "+n"]);
    // While Kubernetes itself keeps it closed, nobody is housed there; that says nothing of who is to come.
    let boots = shop()
        .node("n", "g", "small")
        .last_node(starting)
        .last_node(|node| tainted(node, "node.kubernetes.io/not-ready"));
    assert!(told(&plain(&boots.seen())).is_empty());
}

fn spread(skew: u32) -> PodSpec {
    let mine = Requirement {
        key: "app".to_owned(),
        operator: Operator::In(vec!["web".to_owned()]),
    };
    let selector = LabelSelector {
        requirements: vec![mine],
    };
    let rule = NearRule::Spread { skew, domains: 1 };
    let near = Near::new(ZONE.to_owned(), selector, Some(vec!["default".to_owned()]), rule);
    PodSpec {
        labels: Labels::from([("app".to_owned(), "web".to_owned())]),
        near: vec![near],
        ..asks(500, 100)
    }
}

/// A node in each zone.
fn two_zones() -> Cluster {
    shop()
        .node("in-a", "g", "small")
        .node("in-b", "g", "small")
        .last_node(|node| {
            node.labels.insert(ZONE.to_owned(), "b".to_owned());
        })
}

#[test]
fn pods_of_a_spread_come_as_far_as_their_skew_lets_each_of_them_be_first() {
    let told = |cluster: Cluster| told(&plain(&cluster.seen()));
    let four = |skew| two_zones().pending("web", 4, spread(skew));
    assert_eq!(told(four(1)), ["web-0 in-a", "web-1 in-b"]);
    let wide = told(four(2));
    assert_eq!(wide.len(), 4, "{wide:?}");
    let ahead = two_zones()
        .running("web-r", "in-a", spread(1))
        .pending("web", 3, spread(1));
    assert_eq!(told(ahead), ["web-0 in-b"], "zone b has to catch up");
    let held = [(0, "in-a"), (1, "in-b")];
    assert!(told(nominated(four(1), &held)).is_empty(), "two are on their way");
}

#[test]
fn who_is_counted_comes_after_those_whose_rules_count_them() {
    let counted = PodSpec {
        near: Vec::new(),
        ..spread(1)
    };
    let both = || two_zones().pending("also", 2, counted.clone());
    let told = |cluster: Cluster| told(&plain(&cluster.seen()));
    let first = told(both().pending("web", 2, spread(1)));
    assert_eq!(first, ["web-0 in-a", "web-1 in-b"]);
    assert_eq!(told(both()).len(), 2, "nobody is to come before them");
}

#[test]
fn zones_are_dealt_as_pods_are_nominated() {
    let crossed = nominated(
        two_zones().pending("web", 2, spread(1)),
        &[(0, "in-b"), (1, "in-a")],
    );
    let done = plain(&crossed.seen());
    let there: Vec<(&str, &str)> = done
        .plan
        .existing
        .iter()
        .flat_map(|(node, pods)| pods.iter().map(|pod| (&*pod.name, node.as_str())))
        .collect();
    assert_eq!(there, [("web-1", "in-a"), ("web-0", "in-b")]);
    assert!(told(&done).is_empty());
}

#[test]
fn pods_of_a_launch_go_to_its_nodes_once_these_have_joined() {
    let mut cluster = shop()
        .node("new", "g", "small")
        .last_node(starting)
        .node("old", "g", "small")
        .running("there", "old", asks(1000, 100))
        .pending("web", 2, asks(500, 100));
    let launch = IntentKind::Launch {
        group: "g".into(),
        offer: "g:small/a/on-demand".into(),
        count: 1,
        from: 1,
        to: 2,
        planned: vec![NodeName::new("new-6-1")],
        pods: vec![PodKey::new("default", "web-0"), PodKey::new("default", "web-1")],
        stage: LaunchStage::Joined,
        instances: Vec::new(),
        joined: vec![NodeName::new("new")],
    };
    cluster.seen.ledger.intents.push(Intent {
        id: IntentId::new("6-0"),
        kind: launch,
        opened: NOW,
        deadline: NOW + Span::from_secs(900),
        generation: 0,
    });
    // Without the launch the fuller node would be filled first.
    assert_eq!(told(&plain(&cluster.seen())), ["web-0 >new", "web-1 >new"]);
}
