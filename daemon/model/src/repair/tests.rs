//! Which nodes are given up: how long, on whose word, and how many at once.

use super::*;
use crate::group::{Group, GroupKind, GroupOptions, Instance, LaunchMode};
use crate::pod::{Taint, TaintEffect, Usage};
use crate::resources::Resources;
use crate::selector::Labels;
use crate::snapshot::Freshness;

const NOW: Instant = Instant(100_000_000);
const LONG: Span = Span::from_secs(1800);

fn taint(key: &str) -> Taint {
    Taint {
        key: key.to_owned(),
        value: String::new(),
        effect: TaintEffect::NoExecute,
    }
}

fn node(number: usize, zone: &str) -> Node {
    let name = format!("n{number:03}");
    Node {
        name: name.as_str().into(),
        group: Some("g".into()),
        instance: Some(format!("i-{name}").as_str().into()),
        offer: None,
        labels: Labels::from([(label::ZONE.to_owned(), zone.to_owned())]),
        taints: Vec::new(),
        allocatable: Resources::new(1000, 1 << 30),
        max_pods: 10,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: false,
        do_not_disrupt: false,
        draining: false,
        annotations: Labels::new(),
        unready: None,
        rate: None,
        created: Instant(0),
        usage: None,
        leaving: None,
        template: None,
    }
}

fn break_down(node: &mut Node, ago: Span) {
    (node.ready, node.unready) = (false, Some(NOW - ago));
    node.taints.push(taint(UNREACHABLE_TAINT));
}

/// So many nodes of one group, dealt over zones.
fn fleet(count: usize, zones: &[&str]) -> Snapshot {
    let nodes: Vec<Node> = (0..count)
        .map(|number| node(number, zones[number % zones.len()]))
        .collect();
    let instances = nodes.iter().map(|node| Instance {
        id: node.instance.clone().unwrap(),
        instance_type: None,
        zone: None,
        state: InstanceState::InService,
        launched: None,
    });
    Snapshot {
        at: NOW,
        sources: [Source::Nodes, Source::Groups]
            .map(|source| (source, Freshness::Live))
            .into(),
        groups: vec![Group {
            name: "g".into(),
            uid: None,
            kind: GroupKind::Asg,
            min: 0,
            max: 99,
            desired: 9,
            launch: LaunchMode::Desired,
            instances: instances.collect(),
            labels: Labels::new(),
            taints: Vec::new(),
            fargate_selectors: Vec::new(),
            foreign: None,
            rolling: None,
            options: GroupOptions::default(),
        }],
        nodes,
        ..Snapshot::default()
    }
}

fn thought(seen: &Snapshot) -> Broken {
    let aims = Aims::default();
    Repair::new(seen, &aims).broken(&seen.nodes[0])
}

/// Ten nodes of which the first has been silent for so long, changed once more.
fn one_broken(ago: Span, change: impl FnOnce(&mut Snapshot)) -> Broken {
    let mut seen = fleet(10, &["a", "b"]);
    break_down(&mut seen.nodes[0], ago);
    change(&mut seen);
    thought(&seen)
}

#[test]
fn a_node_is_given_up_once_it_has_not_been_ready_for_long() {
    for seconds in [0, 40, 1200, 1799, 1800, 1801, 86_400] {
        let ago = Span::from_secs(seconds);
        let wanted = if ago >= LONG {
            Broken::Yes { since: NOW - ago }
        } else {
            Broken::No
        };
        assert_eq!(one_broken(ago, |_| ()), wanted, "{ago}");
    }
    let future = |seen: &mut Snapshot| seen.nodes[0].unready = Some(NOW + LONG);
    assert_eq!(one_broken(LONG, future), Broken::No, "clocks that disagree");
}

/// The tag of its group (Cluster Autoscaler's `scaledownunreadytime`) wins over the aims.
#[test]
fn a_group_may_say_how_long() {
    for (of_group, ago, given_up) in [
        (600, 601, true),
        (600, 599, false),
        (7200, 3600, false),
        (0, 1, true),
    ] {
        let slow = |seen: &mut Snapshot| seen.groups[0].options.unready_for = Some(Span::from_secs(of_group));
        let thought = one_broken(Span::from_secs(ago), slow);
        assert_eq!(
            matches!(thought, Broken::Yes { .. }),
            given_up,
            "{of_group} {ago}: {thought:?}"
        );
    }
}

type Change = fn(&mut Snapshot);

#[test]
fn without_one_of_the_witnesses_it_stays() {
    let instance = |state| Broken::Doubted(Doubt::NotInService { state });
    let unheard = |source| Broken::Doubted(Doubt::Unheard { source });
    let cases: [(Change, Broken); 14] = [
        (|s| s.nodes[0].ready = true, Broken::No),
        (|s| s.nodes[0].unready = None, Broken::No),
        (|s| s.nodes[0].fargate = true, Broken::No),
        (|s| s.nodes[0].deleting = true, Broken::No),
        (|s| s.nodes[0].taints.clear(), Broken::Doubted(Doubt::NotTainted)),
        (
            |s| s.nodes[0].taints[0].key = "node.kubernetes.io/memory-pressure".to_owned(),
            Broken::Doubted(Doubt::NotTainted),
        ),
        (|s| s.groups.clear(), instance(None)),
        (|s| s.groups[0].instances.clear(), instance(None)),
        (|s| s.nodes[0].instance = None, instance(None)),
        (|s| s.nodes[0].instance = Some("i-other".into()), instance(None)),
        (
            |s| s.groups[0].instances[0].state = InstanceState::Other,
            instance(Some(InstanceState::Other)),
        ),
        (
            |s| s.groups[0].instances[0].state = InstanceState::Terminating,
            instance(Some(InstanceState::Terminating)),
        ),
        (
            |s| s.sources.retain(|source, _| *source != Source::Groups),
            unheard(Source::Groups),
        ),
        (
            |s| {
                let age = Span::from_secs(31);
                s.sources.insert(Source::Nodes, Freshness::Stale { age });
            },
            unheard(Source::Nodes),
        ),
    ];
    for (number, (change, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(one_broken(LONG, change), wanted, "case {number}");
    }
    let told_unready = |s: &mut Snapshot| s.nodes[0].taints[0] = taint(NOT_READY_TAINT);
    assert_eq!(one_broken(LONG, told_unready), Broken::Yes { since: NOW - LONG });
}

#[test]
fn a_kubelet_that_answers_although_it_is_called_silent_keeps_its_node() {
    for (key, contradicts) in [(UNREACHABLE_TAINT, true), (NOT_READY_TAINT, false)] {
        for after in [-600, 0, 60, 120, 121, 600, 1790] {
            let at = NOW - LONG + Span::from_secs(after);
            let thought = one_broken(LONG, |seen| {
                seen.nodes[0].taints[0] = taint(key);
                seen.nodes[0].usage = Some(Usage {
                    cpu_milli: 1,
                    memory_bytes: 1,
                    at,
                });
            });
            let wanted = if contradicts && after > 120 {
                Broken::Doubted(Doubt::KubeletAnswers { at })
            } else {
                Broken::Yes { since: NOW - LONG }
            };
            assert_eq!(thought, wanted, "{key} {after}");
        }
    }
}

/// For every size of a fleet and every number of broken nodes: what is given up, by a count of the test's own.
#[test]
fn where_many_are_not_ready_at_once_none_is_given_up() {
    for zones in [&["a"][..], &["a", "b"], &["a", "b", "c"]] {
        for count in 1..=25 {
            for broken in 1..=count {
                let mut seen = fleet(count, zones);
                for node in &mut seen.nodes[..broken] {
                    break_down(node, LONG);
                }
                let fifth = count.div_ceil(5);
                let in_zone = |nodes: &[Node]| {
                    let zone = |node: &&Node| node.labels[label::ZONE] == "a";
                    nodes.iter().filter(zone).count()
                };
                let (cut, of) = (in_zone(&seen.nodes[..broken]), in_zone(&seen.nodes));
                let cut_off = cut > 2 && cut * 20 >= of * 11;
                let wanted = broken <= fifth && !cut_off;
                let thought = thought(&seen);
                assert_eq!(
                    thought == Broken::Yes { since: NOW - LONG },
                    wanted,
                    "{broken} of {count} in {zones:?}: {thought:?}"
                );
                let aims = Aims::default();
                let held = Repair::new(&seen, &aims).is_implausible();
                assert_eq!(held.is_some(), broken > 3 && broken * 20 > count * 9);
            }
        }
    }
}

#[test]
fn nodes_that_boot_neither_excuse_nor_accuse() {
    let mut seen = fleet(40, &["a", "b"]);
    for node in &mut seen.nodes[10..] {
        (node.created, node.ready) = (NOW, false);
    }
    for node in &mut seen.nodes[..2] {
        break_down(node, LONG);
    }
    assert_eq!(thought(&seen), Broken::Yes { since: NOW - LONG });
    break_down(&mut seen.nodes[2], Span::ZERO);
    let Broken::Doubted(doubt) = thought(&seen) else {
        panic!("3 of 10 are too many");
    };
    assert_eq!(
        doubt.to_string(),
        "3 of 10 nodes of the cluster are not Ready, which is more likely a fault of the network or of what is seen: none \
         is removed for it"
    );
}

#[test]
fn a_group_or_a_zone_that_fails_as_a_whole_is_not_given_up() {
    // Four of a hundred, and all of their group.
    let mut seen = fleet(100, &["a", "b"]);
    for node in &mut seen.nodes[..4] {
        node.group = Some("small".into());
        break_down(node, LONG);
    }
    let mut small = seen.groups[0].clone();
    small.name = "small".into();
    seen.groups.push(small);
    let among = |thought: Broken| match thought {
        Broken::Doubted(Doubt::TooMany { among, .. }) => Some(among),
        _ => None,
    };
    assert_eq!(among(thought(&seen)), Some(Among::Group("small".into())));
    // And where they are of the large one, but all of their zone.
    for node in &mut seen.nodes[..4] {
        node.group = Some("g".into());
        node.labels.insert(label::ZONE.to_owned(), "far".to_owned());
    }
    assert_eq!(among(thought(&seen)), Some(Among::Zone("far".to_owned())));
}

#[test]
fn the_aims_say_after_how_long_and_among_how_many() {
    let mut seen = fleet(10, &["a", "b"]);
    break_down(&mut seen.nodes[0], Span::from_secs(700));
    let mut aims = Aims::default();
    let mut thought = |after: Option<Span>, most| {
        (aims.disruption.repair.after, aims.disruption.repair.most_permille) = (after, most);
        Repair::new(&seen, &aims).gives_up(&seen.nodes[0])
    };
    assert!(thought(Some(Span::from_secs(600)), 200));
    assert!(!thought(Some(Span::from_secs(701)), 200));
    assert!(!thought(Some(Span::from_secs(600)), 0));
    assert!(!thought(None, 200), "never");
}

#[test]
fn pods_that_nobody_can_end_hold_a_silent_node_no_longer() {
    use PodPhase::{Running, Terminating};
    let grace = grace(&Aims::default());
    assert_eq!(grace, Span::from_secs(300));
    let mut silent = node(0, "a");
    silent.taints.push(taint(UNREACHABLE_TAINT));
    let mut told = node(0, "a");
    told.taints.push(taint(NOT_READY_TAINT));
    for (asked, node, left, goes) in [
        (0, &silent, vec![], true),
        (0, &silent, vec![Terminating, Terminating], true),
        (0, &silent, vec![Terminating, Running], false),
        (0, &told, vec![Terminating], false),
        (299, &told, vec![Terminating], false),
        (300, &told, vec![Terminating], true),
        (300, &silent, vec![Running], true),
    ] {
        let asked = Span::from_secs(asked);
        assert_eq!(
            lets_go(node, (asked, grace), left.iter().copied()),
            goes,
            "{left:?}"
        );
    }
    let mut aims = Aims::default();
    aims.shrink.drain_timeout = Span::from_secs(120);
    assert_eq!(super::grace(&aims), Span::from_secs(60), "a removal ends in time");
}
