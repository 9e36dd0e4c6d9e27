//! Nodes that join and help nobody are a failure of their group, as nodes that never come are.

use super::*;
use model::memory::Backoff;
use model::pod::PodPhase;
use model::{GroupName, NodeName};

const PROVISION: Span = Span::from_secs(900);

/// A launch of one node for the waiting `w1` that has joined at once, read back from its bytes; the picture is this much
/// later.
fn joined(id: &str, node: &str) -> Stage {
    let mut stage = Stage::new();
    bring(&mut stage, id, node);
    stage
}

/// A node comes of a launch for `w1`.
fn bring(stage: &mut Stage, id: &str, node: &str) -> Vec<LedgerEvent> {
    let mut intent = launch(id, 4, 5, LaunchStage::Asked);
    (intent.opened, intent.deadline) = (stage.seen.at, stage.seen.at + PROVISION);
    if let IntentKind::Launch { pods, .. } = &mut intent.kind {
        pods.push(PodKey::new("ns", "w1"));
    }
    stage.ledger.intents.push(intent);
    let at = stage.seen.at;
    arrives(stage, node, at);
    read(stage)
}

/// What is told of launches that help nobody, or somebody, when so much time has passed and the Ledger is read back from
/// its bytes.
fn told(stage: &mut Stage, seconds: i64) -> Vec<&'static str> {
    stage.ledger = decode_ledger(&encode_ledger(&stage.ledger).unwrap()).unwrap();
    stage.seen.at = NOW + Span::from_secs(seconds);
    words(&read(stage))
}

fn words(events: &[LedgerEvent]) -> Vec<&'static str> {
    let word = |event: &LedgerEvent| match event {
        LedgerEvent::Unhelpful { .. } => Some("unhelpful"),
        LedgerEvent::Helped { .. } => Some("helped"),
        _ => None,
    };
    events.iter().filter_map(word).collect()
}

fn place(stage: &mut Stage, pod: &str, node: &str) {
    let pod = stage.pod_mut(pod);
    (pod.node, pod.phase) = (Some(NodeName::new(node)), PodPhase::Running);
}

// Only nodes that never came used to count.
#[test]
fn a_node_that_joins_and_helps_nobody_is_told_once_it_should_have_helped() {
    type Edit = fn(&mut Stage);
    let daemon: Edit = |s| {
        s.seen.pods.push(crate::stage::pod("agent", Some("n5")));
        s.seen.sort();
        s.respec("agent", |spec| {
            spec.owner = Some(WorkloadKey::new("DaemonSet", "ns", "agent"));
        });
    };
    let other: Edit = |s| place(s, "p1", "n5");
    let gone: Edit = |s| s.seen.nodes.retain(|node| node.name.as_str() != "n5");
    let deleted: Edit = |s| s.seen.pods.retain(|pod| &*pod.key.name != "w1");
    let late: Edit = |s| {
        s.seen.sources.insert(Source::Pods, Freshness::Missing);
    };
    let unhelpful = &["unhelpful"][..];
    let table: [(&str, Edit, i64, &[&str]); 9] = [
        ("before its time", |_| (), 899, &[]),
        ("in its time", |_| (), 900, unhelpful),
        ("long after", |_| (), 3500, unhelpful),
        ("only what belongs to the node is there", daemon, 900, unhelpful),
        ("the node is gone again", gone, 900, unhelpful),
        ("another pod stands there", other, 900, &[]),
        ("the pod has a place", |s| place(s, "w1", "n5"), 900, &[]),
        ("nobody waits any more", deleted, 900, &[]),
        ("nobody knows who waits", late, 900, &[]),
    ];
    for (what, edit, seconds, expected) in table {
        let mut stage = joined("4-0", "n5");
        edit(&mut stage);
        assert_eq!(told(&mut stage, seconds), expected, "{what}");
        if seconds >= 900 {
            let twice = told(&mut stage, seconds + 60);
            assert_eq!(twice, [""; 0], "{what}: said once");
        }
    }
}

#[test]
fn a_pod_that_finds_a_place_after_all_ends_it() {
    let mut stage = joined("4-0", "n5");
    assert_eq!(told(&mut stage, 900), ["unhelpful"]);
    place(&mut stage, "w1", "n5");
    assert_eq!(told(&mut stage, 960), ["helped"]);
    assert_eq!(told(&mut stage, 1020), [""; 0]);
}

#[test]
fn a_launch_that_helps_ends_what_others_of_its_group_did_not() {
    let mut stage = joined("4-0", "n5");
    assert_eq!(told(&mut stage, 900), ["unhelpful"]);
    // Another pod waits, and the next launch is for it.
    let mut other = crate::stage::pod("w2", None);
    other.created = stage.seen.at;
    stage.seen.pods.push(other);
    stage.seen.sort();
    let mut intent = launch("4-1", 5, 6, LaunchStage::Asked);
    (intent.opened, intent.deadline) = (stage.seen.at, stage.seen.at + PROVISION);
    if let IntentKind::Launch { pods, .. } = &mut intent.kind {
        pods.push(PodKey::new("ns", "w2"));
    }
    stage.ledger.intents.push(intent);
    let at = stage.seen.at;
    arrives(&mut stage, "n6", at);
    place(&mut stage, "w2", "n6");
    assert_eq!(words(&read(&mut stage)), ["helped"]);
}

#[test]
fn three_in_a_row_let_the_group_rest_for_longer_and_longer() {
    let limits = Limits::default();
    let group = GroupName::new("web");
    let unhelpful = [LedgerEvent::Unhelpful {
        intent: "4-0".into(),
        group: group.clone(),
    }];
    let comes = [LedgerEvent::Joined {
        intent: "4-0".into(),
        group: group.clone(),
        node: "n5".into(),
        took: Span::from_secs(60),
    }];
    let mut memory = Memory::default();
    let rests =
        |memory: &Memory, at: Instant| memory.backs_off(&group, at).map(|known| known.until.since(at));
    let mut rested = Vec::new();
    for turn in 0..8 {
        let at = NOW + Span::from_secs(600 * turn);
        // That nodes come ends nothing.
        learn(&mut memory, &comes, at, &limits);
        learn(&mut memory, &unhelpful, at, &limits);
        learn(&mut memory, &comes, at, &limits);
        rested.push(rests(&memory, at).map_or(0, |span| span.millis() / 1000));
    }
    assert_eq!(rested, [0, 0, 180, 360, 720, 1440, 1800, 1800]);
    let helped = [LedgerEvent::Helped {
        intent: "4-0".into(),
        group: group.clone(),
    }];
    learn(&mut memory, &helped, LATER, &limits);
    assert_eq!(memory.unhelpful.len(), 0);
    // Failures that are further apart than a long window are not in a row.
    for turn in 0..4 {
        let at = NOW + Span::from_secs(3601 * turn);
        learn(&mut memory, &unhelpful, at, &limits);
        assert_eq!(rests(&memory, at), None);
    }
    // Of both kinds the longer one counts.
    for (bring, help) in [(99, 9), (9, 99), (99, 0)] {
        let backoff = |seconds: i64| Backoff {
            failures: 3,
            until: NOW + Span::from_secs(seconds),
        };
        let mut memory = Memory::default();
        memory.backoff.insert(group.clone(), backoff(bring));
        memory.unhelpful.insert(group.clone(), backoff(help));
        assert_eq!(rests(&memory, NOW), Some(Span::from_secs(99)));
    }
}
