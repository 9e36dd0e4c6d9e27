//! Quotas hold growth, whatever the plan counted; what is expendable is neither proof nor held.

use super::*;
use model::quota::{Measure, Quota, Reached};

fn reached(group: Option<&str>, measure: Measure, limit: i64) -> Verdict {
    held(HoldReason::Quota(Reached {
        group: group.map(Into::into),
        measure,
        limit,
    }))
}

#[test]
fn growth_is_held_beyond_a_quota_of_the_group_or_of_all() {
    let each = Stage::new().seen.offers[0].allocatable.clone();
    let (cpu, memory) = ((each.cpu_milli + 999) / 1000 * 1000, each.memory_bytes);
    let there = Stage::new().seen.nodes[0].allocatable.clone();
    let used = 4 * ((there.cpu_milli + 999) / 1000 * 1000);
    let bytes = 4 * there.memory_bytes;
    let limits = [
        (Measure::Cpu, used + cpu, used + 2 * cpu),
        (Measure::Memory, bytes + memory, bytes + 2 * memory),
        (Measure::Nodes, 5, 6),
    ];
    for (measure, one, two) in limits {
        let quota = |limit: i64| match measure {
            Measure::Cpu => Quota {
                cpu_milli: Some(limit),
                ..Quota::default()
            },
            Measure::Memory => Quota {
                memory_bytes: Some(limit),
                ..Quota::default()
            },
            Measure::Nodes => Quota {
                nodes: u32::try_from(limit).ok(),
                ..Quota::default()
            },
        };
        for group in [None, Some("web")] {
            let under = |limit: i64, to: u32| {
                let set = |stage: &mut Stage| match group {
                    None => stage.aims.quotas.total = quota(limit),
                    Some(name) => drop(stage.aims.quotas.groups.insert(name.into(), quota(limit))),
                };
                word(set, grow(4, to))
            };
            assert_eq!(under(two, 6), Verdict::Cleared, "{measure:?} {group:?}");
            assert_eq!(under(two - 1, 6), reached(group, measure, two - 1));
            assert_eq!(under(one, 5), Verdict::Cleared);
            assert_eq!(under(one, 6), reached(group, measure, one));
            assert_eq!(
                under(0, 5),
                reached(group, measure, 0),
                "there is more than allowed"
            );
        }
    }
    let elsewhere = |stage: &mut Stage| {
        let none = Quota {
            nodes: Some(0),
            ..Quota::default()
        };
        stage.aims.quotas.groups.insert("other".into(), none);
    };
    assert_eq!(word(elsewhere, grow(4, 6)), Verdict::Cleared);
    let removing = |stage: &mut Stage| stage.aims.quotas.total.nodes = Some(0);
    assert_eq!(
        word(removing, cordon("n1")),
        Verdict::Cleared,
        "a quota removes and keeps nothing"
    );
}

#[test]
fn launches_on_their_way_and_steps_before_count() {
    let mut stage = Stage::new();
    stage.aims.quotas.total.nodes = Some(6);
    let steps = |kinds: Vec<StepKind>| {
        let steps = (0..).zip(kinds);
        steps
            .map(|(at, kind)| step(at, None, kind))
            .collect::<Vec<Step>>()
    };
    let two = words(&stage, steps(vec![grow(4, 5), grow(5, 6)]));
    assert_eq!(two, [Verdict::Cleared, Verdict::Cleared]);
    stage.aims.quotas.total.nodes = Some(5);
    let two = words(&stage, steps(vec![grow(4, 5), grow(5, 6)]));
    assert_eq!(two, [Verdict::Cleared, reached(None, Measure::Nodes, 5)]);
    stage.ledger.intents.push(launch("4-0", 4, 5, LaunchStage::Asked));
    stage.group_mut().desired = 5;
    let one = words(&stage, steps(vec![grow(5, 6)]));
    assert_eq!(one, [reached(None, Measure::Nodes, 5)]);
}

#[test]
fn annotations_of_expendable_pods_keep_nothing() {
    let annotated = |priority: i32| {
        move |stage: &mut Stage| {
            stage.respec("p1", |spec| {
                spec.priority = priority;
                spec.traits.do_not_disrupt = true;
                spec.owner = None;
            });
        }
    };
    assert_eq!(
        word(annotated(-10), cordon("n1")),
        struck(StrikeReason::MustNotDisrupt)
    );
    assert_eq!(word(annotated(-11), cordon("n1")), Verdict::Cleared);
    let evicted = |priority| word_draining(RemoveStage::Draining, annotated(priority), evict("p1", "n1"));
    assert_eq!(evicted(-10), struck(StrikeReason::MustNotDisrupt));
    assert_eq!(evicted(-11), Verdict::Cleared);
    let budgeted = |stage: &mut Stage| {
        annotated(-11)(stage);
        stage.seen.budgets[0].allowed = 0;
    };
    assert_eq!(
        word_draining(RemoveStage::Draining, budgeted, evict("p1", "n1")),
        struck(StrikeReason::MustNotDisrupt),
        "the Eviction API would refuse it"
    );
    let there = |stage: &mut Stage| annotated(-11)(stage);
    assert_eq!(
        word_draining(RemoveStage::Draining, there, remove("n1")),
        struck(StrikeReason::NotDrained),
        "it leaves before its node does"
    );
}
