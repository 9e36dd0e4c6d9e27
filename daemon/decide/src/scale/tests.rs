//! The default rule, how answers combine, and who is left alone.

use super::*;
use crate::fixture::{Cluster, NOW, asks, policy, set};
use crate::{PolicySet, deliberate};
use model::advice::{PolicyFault, PolicyMode, ScaleAdvice};
use model::aims::ScaleAim;
use model::time::Instant;
use model::workload::Metric;

fn plain() -> WorkloadRow {
    WorkloadRow {
        key: WorkloadKey::new("Deployment", "default", "web"),
        spec: None,
        replicas: 4,
        ready: 4,
        min: 1,
        max: 20,
        metric: "cpu".into(),
        target_milli: 500,
        value_milli: None,
        age: Span::ZERO,
        pods: 4,
        request_milli: 1_000_000,
        recent_max: 0,
    }
}

#[test]
fn the_default_is_the_rule_of_hpa() {
    // Four pods that ask for a core each, held at 50 %.
    let at = |value: i64| WorkloadRow {
        value_milli: Some(value * 1000),
        ..plain()
    };
    let cases = [
        ("no figure", plain(), 4),
        ("on target", at(2000), 4),
        ("within tolerance", at(2199), 4),
        ("above: 75 %", at(3000), 6),
        ("above, more than twice", at(40_000), 8),
        ("below: 25 %", at(1000), 2),
        (
            "below, but higher within five minutes",
            WorkloadRow {
                recent_max: 3,
                ..at(1000)
            },
            3,
        ),
        (
            "an old figure is none",
            WorkloadRow {
                age: Span::from_secs(301),
                ..at(1000)
            },
            4,
        ),
        (
            "paused",
            WorkloadRow {
                replicas: 0,
                ..at(3000)
            },
            0,
        ),
        (
            "above its bound",
            WorkloadRow {
                replicas: 30,
                ..at(2000)
            },
            20,
        ),
        (
            "no request",
            WorkloadRow {
                request_milli: 0,
                ..at(3000)
            },
            4,
        ),
        // Three of four measured at 100 %: rising counts the missing one as idle, 75 % × 4 ÷ 50 %.
        ("missing pods damp a rise", WorkloadRow { pods: 3, ..at(3000) }, 6),
        // Three of four measured at 20 %: falling counts the missing one as full, 40 % × 4 ÷ 50 %.
        ("missing pods damp a fall", WorkloadRow { pods: 3, ..at(600) }, 4),
    ];
    for (name, row, expected) in cases {
        assert_eq!(built_in(&row).replicas, expected, "{name}");
    }
    let per_replica = |value: i64| WorkloadRow {
        metric: "queue".into(),
        target_milli: 10_000,
        value_milli: Some(value * 1000),
        ..plain()
    };
    assert_eq!(built_in(&per_replica(61)).replicas, 7);
    assert_eq!(built_in(&per_replica(43)).replicas, 4, "within tolerance");
}

fn cluster(milli: i64) -> Cluster {
    Cluster::new()
        .workload("Deployment", "web", 4, asks(1000, 1))
        .last_workload(|w| {
            w.annotations.insert(SCALE_ANNOTATION.into(), "cpu=50%".into());
            w.metrics.push(Metric {
                name: "cpu".into(),
                milli,
                at: NOW,
                pods: 4,
            });
        })
}

fn says(replicas: u32) -> impl Fn(&View<'_>) -> Result<Advice, PolicyFault> + Send + Sync {
    move |view| {
        let mut wanted = ScaleAdvice::default();
        for (row, _) in (0..).zip(view.workloads) {
            wanted.push(ScaleRow {
                row,
                replicas,
                code: 3,
                text: "because",
            });
        }
        Ok(Advice::Scale(wanted))
    }
}

fn traps(_: &View<'_>) -> Result<Advice, PolicyFault> {
    Err(PolicyFault::Trap("unreachable".into()))
}

/// Replicas that the plan sets, and by whom.
fn scaled(seen: &Snapshot, policies: &PolicySet) -> Option<(u32, String)> {
    let done = deliberate(seen, &Memory::default(), policies, &Aims::default());
    done.plan
        .steps
        .iter()
        .find_map(|step| match (&step.kind, &step.reason) {
            (StepKind::ScaleWorkload { to, .. }, Reason::Scaled { by, .. }) => Some((*to, by.to_string())),
            _ => None,
        })
}

#[test]
fn answers_combine_by_the_highest_and_shadows_do_not_count() {
    use PolicyMode::{Enforce, Shadow};
    let entry = |name, mode, replicas| policy(name, Hook::Scaler, mode, says(replicas));
    let idle = cluster(500_000).seen();
    let cases = [
        (
            vec![entry("a", Enforce, 6), entry("b", Enforce, 9)],
            Some((9, "b")),
        ),
        (
            vec![entry("a", Enforce, 6), entry("b", Shadow, 9)],
            Some((6, "a")),
        ),
        (vec![entry("a", Enforce, 2)], Some((2, "a"))),
        (vec![entry("a", Enforce, 500)], Some((100, "a"))),
        (
            vec![policy("a", Hook::Scaler, Enforce, |_| {
                Ok(Advice::Scale(ScaleAdvice::default()))
            })],
            None,
        ),
        // A fault: the default answers for it, and nothing falls in this cycle.
        (
            vec![entry("a", Enforce, 2), policy("b", Hook::Scaler, Enforce, traps)],
            None,
        ),
        (
            vec![entry("a", Enforce, 6), policy("b", Hook::Scaler, Enforce, traps)],
            Some((6, "a")),
        ),
        (
            vec![entry("a", Enforce, 2), policy("b", Hook::Scaler, Shadow, traps)],
            Some((2, "a")),
        ),
    ];
    for (n, (entries, expected)) in cases.into_iter().enumerate() {
        let expected = expected.map(|(to, by)| (to, by.to_owned()));
        assert_eq!(scaled(&idle, &set(entries)), expected, "case {n}");
    }
    let busy = cluster(3_000_000).seen();
    let faulty = set(vec![policy("b", Hook::Scaler, Enforce, traps)]);
    assert_eq!(scaled(&busy, &faulty), Some((6, "built-in".to_owned())));
}

#[test]
fn a_fall_waits_until_five_minutes_agree() {
    let (mut memory, mut steps) = (Memory::default(), Vec::new());
    for minute in 0..7 {
        let mut seen = cluster(500_000).seen();
        seen.at = Instant(NOW.0 + minute * 60_000);
        seen.workloads[0].metrics[0].at = seen.at;
        let done = deliberate(&seen, &memory, &PolicySet::default(), &Aims::default());
        memory = done.memory;
        steps.push(
            done.plan
                .steps
                .iter()
                .any(|s| matches!(s.kind, StepKind::ScaleWorkload { .. })),
        );
    }
    assert_eq!(steps, [false, false, false, false, false, false, true]);
}

#[test]
fn what_an_hpa_owns_is_refused_and_only_forecast() {
    let seen = cluster(3_000_000)
        .last_workload(|w| w.owned_by = Some("hpa-web".into()))
        .seen();
    let done = deliberate(&seen, &Memory::default(), &PolicySet::default(), &Aims::default());
    assert!(
        !done
            .plan
            .steps
            .iter()
            .any(|s| matches!(s.kind, StepKind::ScaleWorkload { .. }))
    );
    assert!(done.plan.refusals.contains(&Refusal::OwnedByHpa {
        workload: seen.workloads[0].key.clone(),
        owner: "hpa-web".into(),
    }));
    assert!(done.notes.scale[0].forecast);
    assert_eq!(
        (done.notes.scale[0].to, done.plan.pending),
        (6, 6),
        "the two to come count as demand"
    );
}

#[test]
fn the_aims_name_bounds_and_target() {
    let seen = cluster(3_000_000).last_workload(|w| w.annotations.clear()).seen();
    assert_eq!(scaled(&seen, &PolicySet::default()), None, "nobody named it");
    let aims = Aims {
        scale: vec![ScaleAim {
            workload: seen.workloads[0].key.clone(),
            min: 1,
            max: 5,
            target_milli: 500,
            metric: "cpu".into(),
        }],
        ..Aims::default()
    };
    let done = deliberate(&seen, &Memory::default(), &PolicySet::default(), &aims);
    assert_eq!((done.notes.scale[0].asked, done.notes.scale[0].to), (6, 5));
}

#[test]
fn an_annotation_nobody_can_read_is_refused_in_the_plan() {
    let broken = |w: &mut Workload| drop(w.annotations.insert(SCALE_ANNOTATION.into(), "cpu=lots".into()));
    let seen = cluster(4_000_000).last_workload(broken).seen();
    let done = deliberate(&seen, &Memory::default(), &PolicySet::default(), &Aims::default());
    assert!(done.plan.steps.is_empty());
    assert_eq!(
        done.plan.refusals.last().map(ToString::to_string).as_deref(),
        Some(
            "Deployment default/web is left alone: nobody can read its annotation plimsoll.io/scale: \"cpu=lots\""
        )
    );
}

#[test]
fn replicas_fall_once_every_recommendation_of_the_time_agrees() {
    for (annotation, seconds) in [(None, 300), (Some("60"), 60)] {
        let annotate = |w: &mut Workload| {
            if let Some(text) = annotation {
                w.annotations.insert(SETTLE_ANNOTATION.into(), text.into());
            }
        };
        // A quarter of the target: two replicas are enough.
        let mut seen = cluster(1_000_000).last_workload(annotate).seen();
        let mut memory = Memory::default();
        let mut fell = None;
        for at in (0..=400).step_by(10) {
            seen.at = NOW + Span::from_secs(at);
            seen.workloads[0].metrics[0].at = seen.at;
            let done = deliberate(&seen, &memory, &PolicySet::default(), &Aims::default());
            memory = done.memory;
            if fell.is_none() && !done.plan.steps.is_empty() {
                fell = Some(at);
            }
        }
        assert_eq!(fell, Some(seconds + 10), "{annotation:?}");
    }
}

#[test]
fn a_long_way_down_takes_several_windows() {
    use model::intent::{Effect, EffectKind};
    // Of four replicas the policy wants two.
    let of = |limit: Option<u32>, used: u32, seconds: i64, known: Option<i64>| {
        let mut seen = cluster(1_000_000).seen();
        seen.ledger.effects.push(Effect {
            at: NOW - Span::from_secs(seconds),
            group: "".into(),
            kind: EffectKind::ScaledDown { count: used },
        });
        seen.ledger.known_since = known.map(|seconds| NOW - Span::from_secs(seconds));
        let mut aims = Aims::default();
        aims.limits.scaled_down_per_window = limit;
        let two = policy("a", Hook::Scaler, PolicyMode::Enforce, says(2));
        let done = deliberate(&seen, &Memory::default(), &set(vec![two]), &aims);
        done.plan.steps.iter().find_map(|step| match step.kind {
            StepKind::ScaleWorkload { to, .. } => Some(to),
            _ => None,
        })
    };
    let table = [
        ("as recorded before there was a limit", (None, 9, 0, None), 2),
        ("there is room", (Some(1000), 0, 0, None), 2),
        ("just enough room", (Some(5), 3, 0, None), 2),
        ("room for one of two", (Some(5), 4, 0, None), 3),
        ("no room: the guard says so", (Some(5), 5, 0, None), 2),
        ("none is ever allowed", (Some(0), 0, 0, None), 2),
        ("still within the window", (Some(5), 4, 600, None), 3),
        ("past the window", (Some(5), 5, 601, None), 2),
        ("nobody knows what went before", (Some(1), 0, 0, Some(600)), 2),
        ("what went before no longer counts", (Some(1), 0, 0, Some(601)), 3),
    ];
    for (what, (limit, used, seconds, known), to) in table {
        assert_eq!(of(limit, used, seconds, known), Some(to), "{what}");
    }
}
