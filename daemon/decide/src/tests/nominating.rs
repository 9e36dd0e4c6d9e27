//! Who is nominated where, when nominations are given back, and when nodes that start are opened.

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

/// Nominations as `pod node`, and nodes that are opened as `+node`.
fn told(done: &Deliberation) -> Vec<String> {
    let told = done.plan.steps.iter().map(|step| match &step.kind {
        StepKind::Nominate { pod, node } => format!("{} {node}", pod.name),
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
fn a_node_that_starts_is_opened_once_its_pods_are_nominated() {
    let waiting = || {
        shop()
            .node("n", "g", "small")
            .last_node(starting)
            .pending("web", 2, asks(500, 100))
    };
    assert_eq!(told(&plain(&waiting().seen())), ["web-0 n", "web-1 n"]);
    let one = nominated(waiting(), &[(0, "n")]);
    assert_eq!(told(&plain(&one.seen())), ["web-1 n"]);
    let both = nominated(waiting(), &[(0, "n"), (1, "n")]);
    assert_eq!(told(&plain(&both.seen())), ["+n"]);
    let nobody = shop().node("n", "g", "small").last_node(starting);
    assert_eq!(told(&plain(&nobody.seen())), ["+n"], "nobody is to come");
}

#[test]
fn nodes_that_start_are_opened_together_but_not_for_ever_closed() {
    let two = || {
        let two = shop()
            .node("m", "g", "small")
            .last_node(starting)
            .node("n", "g", "small")
            .last_node(starting)
            .pending("web", 2, asks(1500, 100));
        nominated(two, &[(0, "m")])
    };
    assert_eq!(
        told(&plain(&two().seen())),
        ["web-1 n"],
        "m is not opened before n can be"
    );
    let mut late = two();
    late.seen.at = NOW + Span::from_secs(121);
    assert_eq!(told(&plain(&late.seen())), ["web-1 n", "+m", "+n"]);
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
fn pods_of_one_spread_that_keep_each_other_waiting_give_nominations_back() {
    let held = [(0, "in-a"), (1, "in-b"), (2, "in-a"), (3, "in-b")];
    let stuck = nominated(two_zones().pending("web", 4, spread(1)), &held);
    assert_eq!(told(&plain(&stuck.seen())), ["web-2 ", "web-3 "]);
    let wide = nominated(two_zones().pending("web", 4, spread(2)), &held);
    assert!(
        told(&plain(&wide.seen())).is_empty(),
        "the skew lets two come at once"
    );
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
    assert_eq!(told(&plain(&cluster.seen())), ["web-0 new", "web-1 new"]);
}
