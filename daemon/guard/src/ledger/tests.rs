//! Stories of intents: what is opened, what an outcome and a Snapshot do to it, and what a crash between any
//! two of these leaves behind.

mod helped;
mod identity;
mod replacing;
mod uncounted;

use super::*;
use crate::cleared::{Counted, Fence};
use crate::judge::judge;
use crate::proposal::Proposal;
use crate::stage::{
    NOW, PRICE, Stage, cordon, evict, grow, instance, launch, node, plan, remake, removal, remove, starting,
    step,
};
use model::group::InstanceState;
use model::intent::{LaunchStage, LedgerEvent, Proof};
use model::limits::Limits;
use model::memory::Memory;
use model::plan::{Plan, Step, StepKind};
use model::snapshot::Freshness;
use model::{OfferId, Outcome, PodKey, Source, Span, UsdPerHour, WorkloadKey};

const LATER: Instant = Instant(NOW.0 + 90_000);

fn open_one(stage: &mut Stage, step: &Step) {
    open_as(&mut stage.ledger, step, Counted::Tight, &stage.seen, &stage.aims);
}

fn settle_one(stage: &mut Stage, step: &Step, outcome: &Outcome) -> Vec<LedgerEvent> {
    settle(&mut stage.ledger, step, outcome, &stage.seen)
}

fn read(stage: &mut Stage) -> Vec<LedgerEvent> {
    reconcile(&mut stage.ledger, &stage.seen, &stage.aims.limits)
}

/// The same, so many seconds later.
fn read_later(stage: &mut Stage, seconds: i64) -> Vec<LedgerEvent> {
    stage.seen.at = stage.seen.at + Span::from_secs(seconds);
    read(stage)
}

fn growing() -> (Stage, Step) {
    (Stage::new(), step(0, Some("5-0"), grow(4, 6)))
}

/// A node of the group that came up at an instant.
fn arrives(stage: &mut Stage, name: &str, at: Instant) {
    let mut new = node(name);
    new.created = at;
    stage.seen.nodes.push(new);
    let listed = instance(&format!("i-{name}"), InstanceState::InService);
    stage.group_mut().instances.push(listed);
    stage.seen.sort();
}

fn stage_of(ledger: &Ledger, id: &str) -> Option<LaunchStage> {
    match &ledger.intent(&id.into())?.kind {
        IntentKind::Launch { stage, .. } => Some(*stage),
        IntentKind::Remove { .. } => None,
    }
}

fn removal_stage(ledger: &Ledger, id: &str) -> Option<RemoveStage> {
    match &ledger.intent(&id.into())?.kind {
        IntentKind::Remove { stage, .. } => Some(*stage),
        IntentKind::Launch { .. } => None,
    }
}

fn unknown() -> Outcome {
    Outcome::Unknown {
        why: "no answer".to_owned(),
    }
}

#[test]
fn a_launch_has_the_time_that_its_group_gives_it() {
    for own in [None, Some(60), Some(3600)] {
        let (mut stage, step) = growing();
        stage.group_mut().options.provision_time = own.map(Span::from_secs);
        open_one(&mut stage, &step);
        let intent = stage.ledger.intents.first().unwrap();
        let usual = stage.aims.limits.provision_time;
        let time = own.map_or(usual, Span::from_secs);
        assert_eq!(intent.deadline, stage.seen.at + time);
    }
}

#[test]
fn a_launch_from_opening_to_joining() {
    let (mut stage, step) = growing();
    open_one(&mut stage, &step);
    assert_eq!(stage_of(&stage.ledger, "5-0"), Some(LaunchStage::Opened));
    let bought = EffectKind::Bought {
        count: 2,
        rate: PRICE.times(2),
        proof: Proof::default(),
    };
    assert_eq!(
        stage
            .ledger
            .effects
            .iter()
            .map(|e| e.kind.clone())
            .collect::<Vec<_>>(),
        [bought]
    );
    let done = Outcome::Done {
        instances: vec!["i-a".into(), "i-b".into()],
    };
    assert_eq!(settle_one(&mut stage, &step, &done), []);
    assert_eq!(stage_of(&stage.ledger, "5-0"), Some(LaunchStage::Asked));
    stage.seen.at = LATER;
    arrives(&mut stage, "a", LATER);
    arrives(&mut stage, "somebody-elses", LATER);
    let joined = |name: &str, took| LedgerEvent::Joined {
        intent: "5-0".into(),
        group: "web".into(),
        node: name.into(),
        took: Span::from_secs(took),
    };
    assert_eq!(read(&mut stage), [joined("a", 90)]);
    assert_eq!(read(&mut stage), [], "a node joins once");
    stage.seen.at = LATER + Span::from_secs(10);
    arrives(&mut stage, "b", LATER);
    let launched = LedgerEvent::Launched {
        intent: "5-0".into(),
        group: "web".into(),
    };
    let events = read(&mut stage);
    assert_eq!(events, [joined("b", 100), launched]);
    assert_eq!(stage.ledger.intents, []);
    let mut memory = Memory::default();
    learn(&mut memory, &events, stage.seen.at, &stage.aims.limits);
    assert_eq!(memory.boot_times[&GroupName::new("web")], [Span::from_secs(100)]);
}

#[test]
fn a_launch_stays_open_while_its_nodes_start_and_its_pods_are_on_their_way() {
    let (mut stage, step) = growing();
    open_one(&mut stage, &step);
    let done = Outcome::Done {
        instances: vec!["i-a".into(), "i-b".into()],
    };
    settle_one(&mut stage, &step, &done);
    stage.seen.at = LATER;
    arrives(&mut stage, "a", LATER);
    arrives(&mut stage, "b", LATER);
    stage.node_mut("b").taints.push(starting());
    assert_eq!(read(&mut stage).len(), 3, "both have joined: that is told once");
    assert_eq!(stage_of(&stage.ledger, "5-0"), Some(LaunchStage::Joined));
    assert_eq!(read(&mut stage), []);
    stage.node_mut("b").taints.clear();
    let pod = PodKey::new("ns", "w1");
    stage.pod_mut("w1").nominated = Some("b".into());
    let expects = |stage: &mut Stage, expected: Vec<PodKey>| {
        if let IntentKind::Launch { pods, .. } = &mut stage.ledger.intents[0].kind {
            *pods = expected;
        }
    };
    expects(&mut stage, vec![pod]);
    read(&mut stage);
    assert_eq!(stage_of(&stage.ledger, "5-0"), Some(LaunchStage::Joined));
    stage.pod_mut("w1").node = Some("b".into());
    read(&mut stage);
    assert_eq!(stage.ledger.intents, []);
}

#[test]
fn a_crash_after_the_save_and_before_the_call() {
    let (mut stage, first) = growing();
    open_one(&mut stage, &first);
    // Restart: the ledger is read back, the size has not changed.
    stage.ledger = decode_ledger(&encode_ledger(&stage.ledger).unwrap()).unwrap();
    stage.seen.at = LATER;
    stage.seen.ledger = stage.ledger.clone();
    assert_eq!(read(&mut stage), []);
    let again = resume(&stage.ledger, &stage.seen, &Plan::default());
    assert_eq!(again.len(), 1);
    assert_eq!((&again[0].intent, &again[0].kind), (&first.intent, &first.kind));
    // The new decision for the same demand waits, the resumed call passes, and nothing is counted twice.
    let new = plan(vec![step(1, None, grow(4, 6))]);
    let proposal = Proposal {
        plan: &new,
        notes: &stage.notes,
        resumed: &again,
        watch: None,
    };
    let verdicts = judge(&stage.seen, &stage.ledger, proposal, &stage.aims, &Fence::sole());
    let cleared: Vec<_> = verdicts.cleared.iter().map(|c| c.get().intent.clone()).collect();
    assert_eq!(cleared, std::slice::from_ref(&first.intent));
    open_one(&mut stage, &again[0]);
    assert_eq!((stage.ledger.intents.len(), stage.ledger.effects.len()), (1, 1));
    // A plan that takes it up itself is not helped.
    let own = plan(vec![step(0, Some("5-0"), grow(4, 6))]);
    assert_eq!(resume(&stage.ledger, &stage.seen, &own), []);
}

#[test]
fn an_unknown_end_that_was_a_success() {
    let (mut stage, step) = growing();
    open_one(&mut stage, &step);
    assert_eq!(settle_one(&mut stage, &step, &unknown()), []);
    assert_eq!(stage_of(&stage.ledger, "5-0"), Some(LaunchStage::Opened));
    stage.group_mut().desired = 6;
    let accepted = LedgerEvent::Accepted { intent: "5-0".into() };
    assert_eq!(read(&mut stage), [accepted]);
    assert_eq!(resume(&stage.ledger, &stage.seen, &Plan::default()), []);
}

#[test]
fn a_launch_that_came_in_part_waits_for_what_came() {
    let (mut stage, step) = growing();
    open_one(&mut stage, &step);
    let partly = |no_capacity| Outcome::Partly {
        instances: vec!["i-a".into()],
        missing: 1,
        no_capacity,
        why: "InsufficientInstanceCapacity".to_owned(),
    };
    let told = LedgerEvent::LaunchFailed {
        intent: "5-0".into(),
        group: "web".into(),
        missing: 1,
        no_capacity: true,
        offer: Some(offer_of(&step)),
        brought: false,
    };
    assert_eq!(settle_one(&mut stage, &step, &partly(true)), [told]);
    assert_eq!(stage_of(&stage.ledger, "5-0"), Some(LaunchStage::Asked));
    let bought = EffectKind::Bought {
        count: 1,
        rate: PRICE,
        proof: Proof::default(),
    };
    assert_eq!(
        stage.ledger.effects[0].kind, bought,
        "what did not come costs nothing"
    );
    stage.seen.at = LATER;
    arrives(&mut stage, "a", LATER);
    read(&mut stage);
    assert_eq!(
        stage.ledger.intents,
        [],
        "nothing is waited for that does not come"
    );
    // More than one call takes is no lack of capacity.
    let (mut stage, step) = growing();
    open_one(&mut stage, &step);
    assert_eq!(settle_one(&mut stage, &step, &partly(false)), []);
}

#[test]
fn what_certainly_did_not_happen_leaves_nothing_behind() {
    let why = || "x".to_owned();
    for outcome in [
        Outcome::Dropped,
        Outcome::Recorded,
        Outcome::Stale { why: why() },
        Outcome::Refused {
            after: None,
            why: why(),
        },
        Outcome::NoCapacity { why: why() },
        Outcome::Failed { why: why() },
    ] {
        let (mut stage, step) = growing();
        open_one(&mut stage, &step);
        let events = settle_one(&mut stage, &step, &outcome);
        assert_eq!(
            (stage.ledger.intents.len(), stage.ledger.effects.len()),
            (0, 0),
            "{outcome}"
        );
        let failed = matches!(outcome, Outcome::NoCapacity { .. } | Outcome::Failed { .. });
        assert_eq!(!events.is_empty(), failed, "{outcome}");
    }
}

#[test]
fn a_retry_that_did_not_begin_does_not_undo_the_first_try() {
    let (mut stage, step) = growing();
    open_one(&mut stage, &step);
    settle_one(&mut stage, &step, &unknown());
    stage.seen.at = LATER;
    open_one(&mut stage, &step);
    settle_one(&mut stage, &step, &Outcome::Dropped);
    assert_eq!(stage_of(&stage.ledger, "5-0"), Some(LaunchStage::Opened));
}

#[test]
fn a_launch_that_never_comes_backs_the_group_off() {
    let (mut stage, step) = growing();
    open_one(&mut stage, &step);
    settle_one(&mut stage, &step, &Outcome::done());
    stage.seen.at = NOW + Span::from_secs(899);
    assert_eq!(read(&mut stage), []);
    stage.seen.at = NOW + Span::from_secs(900);
    let failed = LedgerEvent::LaunchFailed {
        intent: "5-0".into(),
        group: "web".into(),
        missing: 2,
        no_capacity: false,
        offer: None,
        brought: false,
    };
    let events = read(&mut stage);
    assert_eq!(events, [failed]);
    assert_eq!(stage.ledger.intents, []);
    let (mut memory, limits) = (Memory::default(), Limits::default());
    let web = GroupName::new("web");
    let until = |memory: &Memory| memory.backoff[&web].until.since(stage.seen.at).secs();
    for wait in [0, 0, 180, 360, 720, 1440, 1800, 1800] {
        learn(&mut memory, &events, stage.seen.at, &limits);
        assert_eq!(until(&memory), wait);
    }
    let launched = LedgerEvent::Launched {
        intent: "6-0".into(),
        group: web.clone(),
    };
    learn(&mut memory, &[launched], stage.seen.at, &limits);
    assert!(memory.backoff.is_empty());
}

/// Of large launches hardly any is whole where one machine in fifty never joins, and those of one moment fail at one
/// moment: their group is well all the same.
#[test]
fn a_group_whose_nodes_join_does_not_back_off_for_those_that_do_not() {
    let (mut stage, step) = growing();
    open_one(&mut stage, &step);
    arrives(&mut stage, "a", LATER);
    stage.seen.at = LATER;
    let joined = read(&mut stage);
    stage.seen.at = NOW + Span::from_secs(900);
    let failed = read(&mut stage);
    assert!(matches!(
        failed[..],
        [LedgerEvent::LaunchFailed {
            missing: 1,
            brought: true,
            ..
        }]
    ));
    let (mut memory, limits) = (Memory::default(), Limits::default());
    for _ in 0..9 {
        learn(&mut memory, &failed, stage.seen.at, &limits);
    }
    assert!(memory.backoff.is_empty());
    let nothing = LedgerEvent::LaunchFailed {
        intent: "6-0".into(),
        group: "web".into(),
        missing: 2,
        no_capacity: false,
        offer: None,
        brought: false,
    };
    learn(&mut memory, &[nothing], stage.seen.at, &limits);
    assert_eq!(memory.backoff[&GroupName::new("web")].failures, 1);
    learn(&mut memory, &joined, stage.seen.at, &limits);
    assert!(memory.backoff.is_empty(), "a node that joins ends it");
}

#[test]
fn no_capacity_backs_off_at_once() {
    let (mut stage, step) = growing();
    open_one(&mut stage, &step);
    let none = Outcome::NoCapacity {
        why: "ICE".to_owned(),
    };
    let events = settle_one(&mut stage, &step, &none);
    let mut memory = Memory::default();
    learn(&mut memory, &events, NOW, &stage.aims.limits);
    assert!(memory.backoff.is_empty(), "the group has other offers");
    assert_eq!(
        memory.no_capacity[&offer_of(&step)].until,
        NOW + Span::from_secs(180)
    );
    // Again, and after a long while: it begins anew.
    learn(
        &mut memory,
        &events,
        NOW + Span::from_secs(200),
        &stage.aims.limits,
    );
    let until = |memory: &Memory| memory.no_capacity[&offer_of(&step)].until.since(NOW).secs();
    assert_eq!(until(&memory), 200 + 360);
    learn(
        &mut memory,
        &events,
        NOW + Span::from_secs(10_000),
        &stage.aims.limits,
    );
    assert_eq!(until(&memory), 10_000 + 180);
}

#[test]
fn a_group_asked_by_its_size_that_has_no_capacity_is_not_waited_for() {
    let asked = || {
        let (mut stage, step) = growing();
        open_one(&mut stage, &step);
        settle_one(&mut stage, &step, &Outcome::done());
        stage.seen.at = NOW + Span::from_secs(20);
        stage
    };
    let told = |stage: &mut Stage, after: i64| {
        stage
            .seen
            .short
            .insert("web".into(), NOW + Span::from_secs(after));
    };
    let mut before = asked();
    told(&mut before, -2);
    assert_eq!(read(&mut before), [], "that was about an earlier launch");
    let mut coming = asked();
    told(&mut coming, 5);
    coming
        .group_mut()
        .instances
        .push(instance("i-new", InstanceState::Pending));
    assert_eq!(read(&mut coming), [], "one is on its way");
    let mut named = asked();
    told(&mut named, 5);
    if let IntentKind::Launch { instances, .. } = &mut named.ledger.intents[0].kind {
        instances.push("i-new".into());
    }
    assert_eq!(read(&mut named), [], "the provider named what it launched");
    let mut short = asked();
    told(&mut short, 5);
    let events = read(&mut short);
    let [
        LedgerEvent::LaunchFailed {
            missing: 2,
            no_capacity: true,
            offer: Some(offer),
            ..
        },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(short.ledger.intents, []);
    let mut memory = Memory::default();
    learn(&mut memory, &events, short.seen.at, &Limits::default());
    assert!(memory.no_capacity.contains_key(offer) && memory.backoff.is_empty());
}

fn offer_of(step: &Step) -> OfferId {
    match &step.kind {
        StepKind::GrowGroup { offer, .. } => offer.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nodes_are_counted_by_one_launch_only() {
    let mut stage = Stage::new();
    stage.ledger.intents = vec![
        launch("4-0", 4, 5, LaunchStage::Asked),
        launch("4-1", 5, 6, LaunchStage::Asked),
    ];
    arrives(&mut stage, "a", NOW);
    let events = read(&mut stage);
    assert!(
        matches!(&events[..], [LedgerEvent::Joined { .. }, LedgerEvent::Launched { intent, .. }] if intent.as_str() == "4-0")
    );
    // The first stays on the books: only it tells that the node is not the second's.
    assert_eq!(stage_of(&stage.ledger, "4-0"), Some(LaunchStage::Joined));
    stage.seen.at = LATER;
    assert_eq!(read(&mut stage), []);
    arrives(&mut stage, "b", LATER);
    assert_eq!(read(&mut stage).len(), 2);
    assert_eq!(stage.ledger.intents, []);
}

#[test]
fn a_removal_from_cordon_to_gone() {
    let mut stage = Stage::new();
    let cordon = step(0, Some("5-0"), cordon("n1"));
    open_one(&mut stage, &cordon);
    assert_eq!(stage.ledger.effects[0].kind, EffectKind::Removed);
    settle_one(&mut stage, &cordon, &Outcome::done());
    assert_eq!(removal_stage(&stage.ledger, "5-0"), Some(RemoveStage::Cordoned));
    let evict = step(0, Some("5-0"), evict("p1", "n1"));
    for _ in 0..3 {
        open_one(&mut stage, &evict);
    }
    assert_eq!(removal_stage(&stage.ledger, "5-0"), Some(RemoveStage::Draining));
    assert_eq!(stage.ledger.effects[1].kind, EffectKind::Evicted { count: 3 });
    let refused = Outcome::Refused {
        after: None,
        why: "429".to_owned(),
    };
    settle_one(&mut stage, &evict, &refused);
    assert_eq!(stage.ledger.effects[1].kind, EffectKind::Evicted { count: 2 });
    let remove = step(0, Some("5-0"), remove("n1"));
    settle_one(&mut stage, &remove, &unknown());
    assert_eq!(removal_stage(&stage.ledger, "5-0"), Some(RemoveStage::Draining));
    settle_one(&mut stage, &remove, &Outcome::done());
    assert_eq!(
        removal_stage(&stage.ledger, "5-0"),
        Some(RemoveStage::Terminating)
    );
    // One witness is not enough.
    stage.seen.nodes.retain(|node| node.name.as_str() != "n1");
    assert_eq!(read(&mut stage), []);
    stage.group_mut().instances[0].state = InstanceState::Terminated;
    // Neither is one that has not been asked lately.
    stage.seen.sources.insert(Source::Groups, Freshness::Missing);
    assert_eq!(read(&mut stage), []);
    stage.seen.sources.insert(Source::Groups, Freshness::Live);
    let gone = LedgerEvent::Removed {
        intent: "5-0".into(),
        node: "n1".into(),
    };
    assert_eq!(read(&mut stage), [], "both have to say it twice");
    assert_eq!(read_later(&mut stage, 60), [gone]);
    assert_eq!(stage.ledger.intents, []);
}

/// Reliability invariant I4: what the two witnesses say in a row of cycles, each at so many seconds, as of so many seconds
/// before; and whether the instance is gone for good then.
#[test]
fn gone_is_what_both_witnesses_call_so_twice_a_minute_apart() {
    use Says::{Gone, Nothing, There};
    let rows: [(&[(i64, Says)], bool); 10] = [
        (&[(0, Gone(0))], false),
        (&[(0, Gone(0)), (59, Gone(0))], false),
        (&[(0, Gone(0)), (60, Gone(0))], true),
        (&[(0, Gone(0)), (30, There), (60, Gone(0))], false),
        (&[(0, Gone(0)), (30, There), (60, Gone(0)), (119, Gone(0))], false),
        (&[(0, Gone(0)), (30, There), (60, Gone(0)), (120, Gone(0))], true),
        (&[(0, Gone(0)), (30, Nothing), (60, Gone(0))], true),
        (&[(0, Gone(0)), (60, Nothing)], false),
        // What is told again is what was told before.
        (&[(0, Gone(0)), (60, Gone(20))], false),
        (&[(0, Gone(20)), (40, Gone(0))], true),
    ];
    for (row, closes) in rows {
        let mut stage = Stage::draining(RemoveStage::Terminating);
        stage.node_mut("n1").ready = false;
        let listed = stage.group_mut().instances.remove(0);
        for (second, says) in row {
            stage.seen.at = NOW + Span::from_secs(*second);
            stage.group_mut().instances.retain(|one| one.id != listed.id);
            let freshness = match says {
                Gone(0) | There => Freshness::Live,
                Gone(age) => Freshness::Stale {
                    age: Span::from_secs(*age),
                },
                Nothing => Freshness::Missing,
            };
            if matches!(says, There) {
                stage.group_mut().instances.push(listed.clone());
            }
            stage.seen.sources.insert(Source::Groups, freshness);
            read(&mut stage);
        }
        assert_eq!(stage.ledger.intents.is_empty(), closes, "{row:?}");
    }
}

#[derive(Debug)]
enum Says {
    Gone(i64),
    There,
    Nothing,
}

#[test]
fn pods_made_anew_are_written_down_by_workload() {
    let mut stage = Stage::new();
    stage.seen.pods.push(crate::stage::pod("w2", None));
    stage.seen.pods.push(crate::stage::pod("w3", None));
    stage.respec("w3", |spec| {
        spec.owner = Some(WorkloadKey::new("ReplicaSet", "ns", "other"));
    });
    let steps = ["w1", "w2", "w3"].map(|pod| step(0, None, remake(pod)));
    for step in &steps {
        open_one(&mut stage, step);
    }
    let count = |stage: &Stage| {
        let effects = stage.ledger.effects.iter();
        let counts = effects.map(|effect| match &effect.kind {
            EffectKind::Remade { workload, count } => (workload.name.to_string(), *count),
            other => panic!("{other:?}"),
        });
        counts.collect::<Vec<_>>()
    };
    let row = |name: &str, count| (name.to_owned(), count);
    assert_eq!(count(&stage), [row("app", 2), row("other", 1)]);
    settle_one(&mut stage, &steps[0], &Outcome::done());
    settle_one(&mut stage, &steps[1], &unknown());
    let bound = Outcome::Stale {
        why: "it is bound".to_owned(),
    };
    settle_one(&mut stage, &steps[2], &bound);
    assert_eq!(count(&stage), [row("app", 2), row("other", 0)]);
}

#[test]
fn a_node_that_is_not_ready_is_no_second_witness_for_a_living_instance() {
    let mut stage = Stage::draining(RemoveStage::Terminating);
    stage.node_mut("n1").ready = false;
    assert_eq!(read(&mut stage), []);
    stage.group_mut().instances.remove(0);
    assert_eq!(read(&mut stage), []);
    assert!(matches!(
        &read_later(&mut stage, 60)[..],
        [LedgerEvent::Removed { .. }]
    ));
}

#[test]
fn a_drain_past_its_deadline_is_undone() {
    let mut stage = Stage::draining(RemoveStage::Draining);
    stage.seen.at = NOW + Span::from_secs(1800);
    assert!(matches!(
        &read(&mut stage)[..],
        [LedgerEvent::RemovalGivenUp { .. }]
    ));
    assert_eq!(removal_stage(&stage.ledger, "4-0"), Some(RemoveStage::Undoing));
    assert_eq!(read(&mut stage), [], "once");
    stage.node_mut("n1").draining = false;
    stage.node_mut("n1").unschedulable = false;
    assert!(matches!(&read(&mut stage)[..], [LedgerEvent::Undone { .. }]));
    assert_eq!(stage.ledger.intents, []);
}

#[test]
fn a_removal_whose_node_somebody_deleted_is_released() {
    for at in [RemoveStage::Undoing, RemoveStage::Terminating] {
        let mut stage = Stage::draining(at);
        stage.seen.at = NOW + Span::from_secs(1800);
        stage.seen.nodes.retain(|node| node.name.as_str() != "n1");
        stage.seen.sources.insert(Source::Nodes, Freshness::Missing);
        assert_eq!(read(&mut stage), [], "{at:?}: nobody knows");
        stage.seen.sources.insert(Source::Nodes, Freshness::Live);
        assert!(
            matches!(&read(&mut stage)[..], [LedgerEvent::Undone { .. }]),
            "{at:?}"
        );
        assert_eq!(stage.ledger.intents, []);
    }
    // Before its deadline a termination is under way, node or not.
    let mut stage = Stage::draining(RemoveStage::Terminating);
    stage.seen.nodes.retain(|node| node.name.as_str() != "n1");
    assert_eq!(read(&mut stage), []);
}

#[test]
fn a_group_that_is_gone_lists_nothing() {
    let mut stage = Stage::draining(RemoveStage::Draining);
    stage.seen.groups.clear();
    assert_eq!(read(&mut stage), [], "its node is Ready");
    stage.seen.nodes.retain(|node| node.name.as_str() != "n1");
    stage.seen.sources.insert(Source::Groups, Freshness::Missing);
    assert_eq!(read(&mut stage), [], "nobody asked the cloud");
    stage.seen.sources.insert(Source::Groups, Freshness::Live);
    assert_eq!(read(&mut stage), []);
    assert!(matches!(
        &read_later(&mut stage, 60)[..],
        [LedgerEvent::Removed { .. }]
    ));
}

#[test]
fn windows_count_what_the_guard_counted() {
    let mut stage = Stage::new();
    stage.seen.offers[0].confidence = model::offer::Confidence::Unknown;
    let mut sibling = stage.seen.offers[0].clone();
    sibling.id = "m6a.xlarge/a/on-demand".into();
    sibling.price = PRICE.times(3);
    sibling.confidence = model::offer::Confidence::Listed;
    stage.seen.offers.push(sibling);
    for (ordinal, said) in [(0, UsdPerHour::ZERO), (1, UsdPerHour(-9)), (2, PRICE.times(9))] {
        let mut kind = grow(4, 5);
        if let StepKind::GrowGroup { rate, .. } = &mut kind {
            *rate = said;
        }
        let plan = plan(vec![step(ordinal, None, kind)]);
        let proposal = Proposal {
            plan: &plan,
            notes: &stage.notes,
            resumed: &[],
            watch: None,
        };
        let verdicts = judge(&stage.seen, &stage.ledger, proposal, &stage.aims, &Fence::sole());
        let cleared = &verdicts.cleared[0];
        let mut ledger = stage.ledger.clone();
        open(&mut ledger, cleared, &stage.seen, &stage.aims);
        let rate = PRICE.times(3).max(said);
        assert_eq!(
            ledger.effects[0].kind,
            EffectKind::Bought {
                count: 1,
                rate,
                proof: Proof::default()
            },
            "{said}"
        );
        settle(&mut ledger, cleared.get(), &Outcome::Dropped, &stage.seen);
        assert_eq!(ledger.effects, []);
    }
}

#[test]
fn of_two_launches_the_one_that_failed_is_uncounted() {
    let mut stage = Stage::new();
    let at = |ordinal: u32, rate: UsdPerHour| {
        let mut kind = grow(4, 5);
        if let StepKind::GrowGroup { rate: said, .. } = &mut kind {
            *said = rate;
        }
        step(ordinal, Some(&format!("5-{ordinal}")), kind)
    };
    let (cheap, dear) = (at(0, PRICE), at(1, PRICE.times(9)));
    open_one(&mut stage, &cheap);
    open_one(&mut stage, &dear);
    settle_one(&mut stage, &cheap, &Outcome::Dropped);
    let left: Vec<_> = stage
        .ledger
        .effects
        .iter()
        .map(|effect| effect.kind.clone())
        .collect();
    let rate = PRICE.times(9);
    assert_eq!(
        left,
        [EffectKind::Bought {
            count: 1,
            rate,
            proof: Proof::default()
        }]
    );
}

#[test]
fn a_cordon_whose_end_nobody_heard_is_seen_on_the_node() {
    let mut stage = Stage::draining(RemoveStage::Opened);
    read(&mut stage);
    assert_eq!(removal_stage(&stage.ledger, "4-0"), Some(RemoveStage::Cordoned));
}

#[test]
fn a_refused_cordon_leaves_nothing_behind_and_a_failed_termination_is_undone() {
    let mut stage = Stage::new();
    let cordon = step(0, Some("5-0"), cordon("n1"));
    open_one(&mut stage, &cordon);
    let stale = Outcome::Stale { why: "x".to_owned() };
    assert!(matches!(
        &settle_one(&mut stage, &cordon, &stale)[..],
        [LedgerEvent::Undone { .. }]
    ));
    assert_eq!((stage.ledger.intents.len(), stage.ledger.effects.len()), (0, 0));
    let mut stage = Stage::draining(RemoveStage::Draining);
    let remove = step(0, Some("4-0"), remove("n1"));
    let failed = Outcome::Failed { why: "x".to_owned() };
    assert!(matches!(
        &settle_one(&mut stage, &remove, &failed)[..],
        [LedgerEvent::RemovalGivenUp { .. }]
    ));
    assert_eq!(removal_stage(&stage.ledger, "4-0"), Some(RemoveStage::Undoing));
}

#[test]
fn effects_leave_with_the_longest_window() {
    let mut stage = Stage::new();
    for seconds in [3600, 3601] {
        stage.ledger.effects.push(Effect {
            at: NOW - Span::from_secs(seconds),
            group: "web".into(),
            kind: EffectKind::Removed,
        });
    }
    read(&mut stage);
    assert_eq!(stage.ledger.effects.len(), 1);
}

#[test]
fn intents_stay_in_order() {
    let mut stage = Stage::new();
    stage.ledger.intents = vec![removal("4-0", "x", RemoveStage::Draining)];
    open_one(&mut stage, &step(0, Some("5-1"), cordon("n2")));
    open_one(&mut stage, &step(0, Some("3-9"), cordon("n3")));
    open_one(&mut stage, &step(0, Some("3-9"), cordon("n3")));
    let ids: Vec<&str> = stage.ledger.intents.iter().map(|i| i.id.as_str()).collect();
    assert_eq!(ids, ["3-9", "4-0", "5-1"]);
}
