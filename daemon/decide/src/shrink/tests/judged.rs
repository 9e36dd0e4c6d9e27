//! Stories of nodes about which policies were asked.

use super::{long_unneeded, names, pair, small, stays};
use crate::fixture::{NOW, OLD, asks, policy, set};
use crate::policy::{CandidateRow, MoverRow, PolicyEntry};
use crate::{Deliberation, View, deliberate};
use model::advice::{Advice, Denial, DisruptionAdvice, Hook, PolicyFault, PolicyMode};
use model::aims::{Aims, Mode};
use model::disruption::Cause;
use model::ids::PolicyName;
use model::money::UsdPerHour;
use model::pod::PodPhase;
use model::reason::Stays;
use model::snapshot::Snapshot;
use model::time::Span;
use std::sync::{Arc, Mutex};

/// The pair, whose first node stays whatever is said: the second is the only candidate.
fn one() -> Snapshot {
    let mut seen = pair(small()).seen();
    seen.own_node = Some("n1".into());
    seen
}

type Answers = fn(&View<'_>) -> Result<Advice, PolicyFault>;
type Shown = (Vec<CandidateRow>, Vec<MoverRow>);

fn think(seen: &Snapshot, aims: &Aims, policies: Vec<PolicyEntry>) -> Deliberation {
    deliberate(seen, &long_unneeded(), &set(policies), aims)
}

/// Says the same of the candidate in this row in every cycle.
fn says(name: &str, mode: PolicyMode, row: u32, (deny, nanos): (bool, i64)) -> PolicyEntry {
    let denial = Denial {
        row,
        code: 7,
        text: format!("{name} says so"),
    };
    policy(name, Hook::Disruption, mode, move |_| {
        Ok(Advice::Disruption(DisruptionAdvice {
            denials: deny.then(|| denial.clone()).into_iter().collect(),
            addends: vec![(row, nanos, 8)],
        }))
    })
}

fn denied(by: &str) -> Stays {
    Stays::Denied {
        policy: PolicyName::new(by),
        code: 7,
        text: format!("{by} says so"),
    }
}

#[test]
fn a_denial_keeps_the_node_and_the_first_that_denies_is_named() {
    use PolicyMode::{Enforce, Shadow};
    let seen = one();
    let deny = |name, mode| says(name, mode, 0, (true, 0));
    for (policies, by) in [
        (vec![deny("a", Enforce)], Some("a")),
        (vec![deny("a", Shadow)], None),
        (
            vec![deny("a", Shadow), deny("b", Enforce), deny("c", Enforce)],
            Some("b"),
        ),
        (
            vec![says("a", Enforce, 0, (false, -5_000_000_000)), deny("b", Enforce)],
            Some("b"),
        ),
    ] {
        let done = think(&seen, &Aims::default(), policies);
        assert_eq!(stays(&done, "n2"), by.map(denied), "{by:?}");
        let goes = names(&done).contains(&"cordon n2".to_owned());
        assert_eq!(goes, by.is_none(), "{:?}", names(&done));
    }
    let words = denied("a").to_string();
    assert_eq!(words, "policy a keeps it (code 7): a says so");
}

#[test]
fn an_addend_is_what_it_must_bring_beyond_and_addends_add() {
    use PolicyMode::Enforce;
    // The node costs 0.1 dollars an hour, and one eviction counts next to nothing.
    let seen = one();
    let adds = |name: &str, nanos| says(name, Enforce, 0, (false, nanos));
    let goes = |policies| names(&think(&seen, &Aims::default(), policies)) == ["cordon n2"];
    assert!(goes(vec![adds("a", 50_000_000)]));
    assert!(!goes(vec![adds("a", 101_000_000)]));
    assert!(!goes(vec![adds("a", 60_000_000), adds("b", 60_000_000)]));
    assert!(goes(vec![adds("a", 101_000_000), adds("b", -60_000_000)]));
    let done = think(&seen, &Aims::default(), vec![adds("a", 101_000_000)]);
    let Some(Stays::CostsMore { addend, .. }) = stays(&done, "n2") else {
        panic!("{:?}", done.plan.refusals)
    };
    assert_eq!(addend, UsdPerHour(101_000_000));
}

#[test]
fn an_empty_node_goes_unless_it_costs_less_than_is_wanted_for_it() {
    let seen = one();
    let mut empty = seen.clone();
    empty.pods.retain(|pod| pod.key.name.starts_with("big"));
    let goes = |nanos| {
        let policies = vec![says("a", PolicyMode::Enforce, 0, (false, nanos))];
        names(&think(&empty, &Aims::default(), policies)) == ["cordon n2"]
    };
    assert!(goes(0) && goes(99_000_000) && !goes(101_000_000));
}

#[test]
fn what_has_expired_is_not_replaced_against_a_denial() {
    let mut aims = Aims::default();
    aims.disruption.expire_after = Some(Span::from_secs(1));
    let seen = pair(asks(900, 500)).seen();
    let replaced = names(&think(&seen, &aims, Vec::new()));
    assert!(
        replaced.iter().any(|step| step.starts_with("grow")),
        "{replaced:?}"
    );
    let both = policy("a", Hook::Disruption, PolicyMode::Enforce, |view| {
        let deny = |row| Denial {
            row,
            code: 7,
            text: "a says so".to_owned(),
        };
        let rows = 0..u32::try_from(view.candidates.len()).unwrap();
        Ok(Advice::Disruption(DisruptionAdvice {
            denials: rows.map(deny).collect(),
            addends: Vec::new(),
        }))
    });
    let done = think(&seen, &aims, vec![both]);
    assert!(done.plan.steps.is_empty(), "{:?}", names(&done));
    assert_eq!(
        (stays(&done, "n1"), stays(&done, "n2")),
        (Some(denied("a")), Some(denied("a")))
    );
}

#[test]
fn a_fault_starts_nothing_and_nonsense_is_one() {
    let seen = pair(small()).seen();
    let answers: [Answers; 3] = [
        |_| Err(PolicyFault::Trap("x".into())),
        |_| Ok(Advice::Headroom(Vec::new())),
        |view| {
            Ok(Advice::Disruption(DisruptionAdvice {
                denials: Vec::new(),
                addends: vec![(u32::try_from(view.candidates.len()).unwrap(), 1, 1)],
            }))
        },
    ];
    for answer in answers {
        let faulty = policy("a", Hook::Disruption, PolicyMode::Enforce, answer);
        let done = think(&seen, &Aims::default(), vec![faulty]);
        assert!(done.plan.steps.is_empty(), "{:?}", names(&done));
        assert!(done.notes.calls[0].answer.is_err());
    }
}

#[test]
fn in_a_cluster_that_acts_a_hook_in_observe_is_only_looked_at() {
    let seen = one();
    let mut aims = Aims::default();
    aims.modes.cluster = Some(Mode::Act);
    aims.modes.hooks.insert(Hook::Disruption, Mode::Observe);
    let done = think(&seen, &aims, vec![says("a", PolicyMode::Enforce, 0, (true, 0))]);
    assert_eq!(names(&done), ["cordon n2"]);
    assert_eq!(done.notes.calls[0].mode, PolicyMode::Shadow);
}

#[test]
fn what_it_is_shown() {
    let mut seen = pair(small()).seen();
    seen.nodes[1].created = NOW - Span::from_secs(86_400);
    let mut aims = Aims::default();
    aims.disruption.expire_after = Some(Span::from_secs(30 * 86_400));
    let shown: Arc<Mutex<Vec<Shown>>> = Arc::default();
    let notes = Arc::clone(&shown);
    let looks = policy("a", Hook::Disruption, PolicyMode::Shadow, move |view| {
        notes
            .lock()
            .unwrap()
            .push((view.candidates.to_vec(), view.movers.to_vec()));
        Ok(Advice::Disruption(DisruptionAdvice::default()))
    });
    think(&seen, &aims, vec![looks.clone()]);
    let row = |node, permille, due| CandidateRow {
        node,
        price: Some(UsdPerHour(100_000_000)),
        moves: 1,
        cpu_requested: permille,
        memory_requested: permille,
        unneeded: Some(NOW.since(OLD)),
        due,
    };
    let pod = |candidate| MoverRow {
        candidate,
        pod: candidate,
    };
    let expected = (
        vec![row(0, 500, Some(Cause::Expired)), row(1, 100, None)],
        vec![pod(0), pod(1)],
    );
    assert_eq!(*shown.lock().unwrap(), [expected]);
    // Whom a rule of ours keeps is not asked about, and where nothing may be given up nobody is asked.
    seen.nodes[0].do_not_disrupt = true;
    think(&seen, &aims, vec![looks.clone()]);
    assert_eq!(shown.lock().unwrap()[1].0, [row(1, 100, None)]);
    aims.shrink.enabled = false;
    think(&seen, &aims, vec![looks]);
    assert_eq!(shown.lock().unwrap().len(), 2);
}

/// Regression: `step-pods` of a Cordon counted pods on their way out and a node's own, which `candidate-moves` leaves out.
#[test]
fn reviewers_are_shown_as_many_pods_to_move_as_judges() {
    let mut seen = one();
    let mut ends = seen
        .pods
        .iter()
        .find(|pod| pod.node.as_ref().is_some_and(|node| node.as_str() == "n2"))
        .unwrap()
        .clone();
    ends.key.name = "ends".into();
    ends.phase = PodPhase::Terminating;
    seen.pods.push(ends);
    seen.sort();
    let shown: Arc<Mutex<Vec<(&str, u32)>>> = Arc::default();
    let (judge, review) = (Arc::clone(&shown), Arc::clone(&shown));
    let judges = policy("a", Hook::Disruption, PolicyMode::Enforce, move |view| {
        let moves = view.candidates.iter().map(|row| ("moves", row.moves));
        judge.lock().unwrap().extend(moves);
        Ok(Advice::Disruption(DisruptionAdvice::default()))
    });
    let reviews = policy("b", Hook::Review, PolicyMode::Enforce, move |view| {
        let pods = view.steps.iter().map(|row| (row.kind, row.pods));
        review.lock().unwrap().extend(pods);
        Ok(Advice::Review(Vec::new()))
    });
    think(&seen, &Aims::default(), vec![judges, reviews]);
    assert_eq!(*shown.lock().unwrap(), [("moves", 1), ("Cordon", 1)]);
}
