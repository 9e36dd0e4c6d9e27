//! How much of a zone may go within a window, whatever groups its nodes are of.

use super::*;
use crate::ledger;
use crate::stage::{group_of, node};
use model::registration::label;

/// Nodes `a1`, `a2` … in zone `a` and so on, each in a group of its own, so that no group's window is what holds.
fn zoned(zones: &[(&str, u32)], permille: Option<u32>) -> Stage {
    let mut stage = Stage::new();
    (stage.seen.nodes, stage.seen.pods, stage.seen.groups) = (Vec::new(), Vec::new(), Vec::new());
    for (zone, count) in zones {
        for number in 1..=*count {
            let name = format!("{zone}{number}");
            let mut one = node(&name);
            one.group = Some(format!("g-{name}").as_str().into());
            if *zone != "x" {
                one.labels.insert(label::ZONE.to_owned(), (*zone).to_owned());
            }
            let mut group = group_of(&[&name]);
            (group.name, group.min) = (format!("g-{name}").as_str().into(), 0);
            stage.seen.nodes.push(one);
            stage.seen.groups.push(group);
        }
    }
    stage.seen.sort();
    let limits = &mut stage.aims.limits;
    limits.removed_per_long_window_permille = 1000;
    limits.removals_at_once = 100;
    limits.removed_per_zone_permille = permille;
    stage
}

fn leave(names: &[&str]) -> Vec<Step> {
    let steps = names.iter().zip(0..).map(|(name, ordinal)| {
        let kind = StepKind::Cordon {
            node: (*name).into(),
            group: format!("g-{name}").as_str().into(),
            instance: format!("i-{name}").as_str().into(),
            after: Vec::new(),
        };
        step(ordinal, Some(&format!("5-{ordinal}")), kind)
    });
    steps.collect()
}

fn full(zone: &str, limit: u32) -> Verdict {
    held(HoldReason::RemovalsPerZone {
        zone: zone.to_owned(),
        limit,
    })
}

fn count(stage: &Stage, names: &[&str]) -> usize {
    let said = words(stage, leave(names));
    said.iter().filter(|word| **word == Verdict::Cleared).count()
}

// Groups of one node each let a whole zone go at once.
#[test]
fn a_zone_goes_a_share_at_a_time_whatever_its_groups() {
    let pass = || Verdict::Cleared;
    let one = [pass(), full("a", 1), pass(), full("b", 1)];
    let names = ["a1", "a2", "b1", "b2"];
    let two = [("a", 2), ("b", 2)];
    assert_eq!(words(&zoned(&two, Some(100)), leave(&names)), one);
    let none = [pass(), pass(), pass(), pass()];
    assert_eq!(
        words(&zoned(&two, None), leave(&names)),
        none,
        "recorded without it"
    );
    assert_eq!(
        words(&zoned(&two, Some(1000)), leave(&names)),
        none,
        "with the mark"
    );
    let mut unmarked = zoned(&two, Some(1000));
    unmarked.aims.limits.acknowledge_risk = false;
    unmarked.aims.limits.removed_per_long_window_permille = 500;
    assert_eq!(
        words(&unmarked, leave(&names))[1],
        full("a", 1),
        "more than half needs it"
    );
    // Shares are of the zone, and at least one node.
    for (nodes, permille, expected) in [(1, 0, 1), (9, 100, 1), (20, 100, 2), (20, 149, 2), (20, 150, 3)] {
        let stage = zoned(&[("a", nodes), ("b", 30)], Some(permille));
        let names: Vec<String> = (1..=nodes).map(|n| format!("a{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(count(&stage, &names), expected, "{permille} of {nodes}");
    }
    // Nodes that name no zone are one zone together.
    let unknown = zoned(&[("x", 3), ("a", 3)], Some(100));
    let said = words(&unknown, leave(&["x1", "x2", "a1"]));
    assert_eq!(said, [pass(), full("", 1), pass()]);
}

#[test]
fn the_window_of_a_zone_outlives_the_process() {
    let mut stage = zoned(&[("a", 3), ("b", 3), ("x", 3)], Some(100));
    for ordinal in 0..2 {
        let name = ["a1", "x1"][ordinal];
        let lower = leave(&[name]).remove(0);
        let lower = Step {
            intent: Some(format!("4-{ordinal}").as_str().into()),
            ..lower
        };
        let (cleared, seen) = (crate::Cleared::new(lower, &Fence::sole()), stage.seen.clone());
        ledger::open(&mut stage.ledger, &cleared, &seen, &stage.aims);
    }
    let kinds: Vec<_> = stage
        .ledger
        .effects
        .iter()
        .map(|effect| effect.kind.clone())
        .collect();
    let zone = "a".to_owned();
    assert_eq!(kinds, [EffectKind::RemovedFrom { zone }, EffectKind::Removed]);
    let kept = ledger::encode_ledger(&stage.ledger).unwrap();
    stage.ledger = ledger::decode_ledger(&kept).unwrap();
    for (seconds, expected) in [
        (0, [full("a", 1), Verdict::Cleared, full("", 1)]),
        (600, [full("a", 1), Verdict::Cleared, full("", 1)]),
        (601, [Verdict::Cleared, Verdict::Cleared, Verdict::Cleared]),
    ] {
        let mut later = stage.clone();
        later.seen.at = NOW + Span::from_secs(seconds);
        assert_eq!(
            words(&later, leave(&["a2", "b1", "x2"])),
            expected,
            "after {seconds} s"
        );
    }
    // A cordon that certainly did not happen makes room again.
    let mut undone = stage.clone();
    let mut lower = leave(&["a1"]).remove(0);
    lower.intent = Some("4-0".into());
    ledger::settle(&mut undone.ledger, &lower, &model::Outcome::Dropped, &stage.seen);
    assert_eq!(words(&undone, leave(&["a2"])), [Verdict::Cleared]);
}

#[test]
fn instances_without_a_node_count_in_their_zone() {
    let mut stage = zoned(&[("a", 3)], Some(100));
    for (zone, id) in [("a", "i-1"), ("b", "i-2")] {
        let mut alone = instance(id, InstanceState::InService);
        alone.zone = Some(zone.to_owned());
        stage.seen.groups[0].instances.push(alone);
    }
    stage.seen.groups[0].desired = 3;
    let end = |ordinal: u32, id: &str| {
        let group = stage.seen.groups[0].name.clone();
        let instance = id.into();
        step(ordinal, None, StepKind::RemoveInstance { group, instance })
    };
    stage.aims.limits.removed_per_window_permille = 1000;
    let mut steps = leave(&["a2"]);
    steps.extend([end(1, "i-1"), end(2, "i-2")]);
    let said = words(&stage, steps);
    assert_eq!(said, [Verdict::Cleared, full("a", 1), Verdict::Cleared]);
}
