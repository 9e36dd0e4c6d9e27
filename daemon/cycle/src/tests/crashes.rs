//! Crashes, unknown ends and stores that fail: nothing is done twice, nothing without being written down.

use super::stage::{Hands, Shaky, clock, crowded, desk, drained, draining};
use crate::{Desk, FileStore, ManualClock, Scope, run_cycle};
use logbook::{CycleRecord, Trouble};
use model::aims::Mode;
use model::intent::{IntentKind, LaunchStage, Ledger, RemoveStage};
use model::{HoldReason, Outcome, Reason, Span, Step, StepKind, StrikeReason, Verdict};
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn launches(ledger: &Ledger) -> Vec<(String, LaunchStage)> {
    let launches = ledger.intents.iter().filter_map(|intent| match &intent.kind {
        IntentKind::Launch { stage, .. } => Some((intent.id.to_string(), *stage)),
        IntentKind::Remove { .. } => None,
    });
    launches.collect()
}

#[tokio::test]
async fn without_a_save_there_is_no_effect() {
    let (clock, store) = (clock(), Shaky::default());
    let mut ends = crowded(&clock, 2, Hands::new(|_| Outcome::done()));
    let desk = desk(store.clone(), &clock).await;
    store.broken.store(true, Ordering::SeqCst);
    let record = run_cycle(&mut ends, &desk).await;
    assert!(ends.hands.asked().is_empty() && record.outcomes.is_empty());
    assert_eq!(record.verdicts[0].1, Verdict::Held(HoldReason::LedgerNotSaved));
    assert!(matches!(&record.trouble, Some(Trouble::LedgerUnsaved { why }) if why == "the store is away"));
    store.broken.store(false, Ordering::SeqCst);
    let record = run_cycle(&mut ends, &desk).await;
    assert_eq!(record.trouble, None);
    assert_eq!(ends.hands.asked().len(), 1);
    assert_eq!(
        record.snapshot.ledger.intents,
        [],
        "what could not be saved was not opened"
    );
}

#[tokio::test]
async fn a_kill_between_the_save_and_the_answer_launches_once() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let mut ends = crowded(&clock, 3, Hands::slow(|_| Box::pin(std::future::pending())));
    let first = desk(FileStore::new(folder.path()), &clock).await;
    {
        let mut cycle = Box::pin(run_cycle(&mut ends, &first));
        // As far as the call, and no further: then the process is gone.
        tokio::select! {
            biased;
            _ = &mut cycle => unreachable!("the hands never answer"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(first);
    let sent = ends.hands.asked().remove(0);

    clock.advance(Span::from_secs(30));
    ends.hands = Hands::new(|_| Outcome::done());
    let second = desk(FileStore::new(folder.path()), &clock).await;
    let record = run_cycle(&mut ends, &second).await;
    let again = ends.hands.asked();
    assert_eq!(again.len(), 1, "one call, for the same demand");
    assert_eq!((&again[0].intent, &again[0].kind), (&sent.intent, &sent.kind));
    assert!(matches!(again[0].reason, Reason::Continues { .. }));
    assert_eq!(record.resumed.len(), 1);
    assert!(record.cycle > 32, "cycle numbers do not repeat after a restart");

    // Accepted; the demand is on its way, nothing more is bought.
    let record = run_cycle(&mut ends, &second).await;
    assert_eq!(launches(&record.snapshot.ledger).len(), 1);
    assert_eq!(ends.hands.asked().len(), 1);
    let bought: u32 = again
        .iter()
        .map(|step| match &step.kind {
            StepKind::GrowGroup { from, to, .. } => to - from,
            _ => 0,
        })
        .sum();
    assert_eq!(bought, 2, "3 pods of one core, 2 cores a node");
}

#[tokio::test]
async fn an_effect_that_never_answers_ends_unknown_and_is_tried_again() {
    let clock = Arc::new(ManualClock::leaping(super::stage::START));
    let store = Shaky::default();
    let mut ends = crowded(&clock, 2, Hands::slow(|_| Box::pin(std::future::pending())));
    let desk = desk(store.clone(), &clock).await;
    let record = run_cycle(&mut ends, &desk).await;
    assert!(matches!(&record.outcomes[0].1, Outcome::Unknown { why } if why == "no answer within 10s"));
    let kept = store.kept.lock().unwrap().clone().unwrap().0;
    assert_eq!(launches(&kept)[0].1, LaunchStage::Opened);
    let record = run_cycle(&mut ends, &desk).await;
    assert_eq!(record.resumed.len(), 1);
    let asked = ends.hands.asked();
    assert_eq!((asked.len(), &asked[0].intent), (2, &asked[1].intent));
    // The eyes see that the first call had gone through after all.
    ends.eyes.seen.groups[0].desired = 2;
    let record = run_cycle(&mut ends, &desk).await;
    assert!(record.resumed.is_empty() && record.outcomes.is_empty());
    assert_eq!(launches(&record.snapshot.ledger)[0].1, LaunchStage::Asked);
}

#[tokio::test]
async fn a_second_writer_stops_the_first_until_it_has_read_back() {
    let clock = clock();
    let (mut ends, store) = draining(&clock, Hands::new(|_| Outcome::done()));
    let desk = desk(store.clone(), &clock).await;
    store.kept.lock().unwrap().as_mut().unwrap().0.generation = 50;
    let record = run_cycle(&mut ends, &desk).await;
    assert!(ends.hands.asked().is_empty());
    assert!(matches!(&record.trouble, Some(Trouble::LedgerUnsaved { .. })));
    let record = run_cycle(&mut ends, &desk).await;
    assert!(record.snapshot.ledger.generation >= 50);
    assert_eq!(ends.hands.asked().len(), 3);
}

/// What the hands are asked for when something happens between the judgement and the first effect.
async fn asked_after(meanwhile: impl AsyncFnOnce(&Desk, &Shaky)) -> (Vec<Step>, Arc<CycleRecord>) {
    let clock = clock();
    let (mut ends, store) = draining(&clock, Hands::new(|_| Outcome::done()));
    let desk = desk(store.clone(), &clock).await;
    let mut trip = crate::trip::Trip::begin(&desk).await;
    let seen = trip.look(model::Observe::look(&mut ends.eyes)).await.unwrap();
    trip.read_ledger(seen).await;
    let seen = Arc::clone(&trip.record.snapshot);
    let decided = decide::deliberate(&seen, &trip.record.memory, &trip.policies.set, &trip.aims);
    let proposal = guard::Proposal {
        plan: &decided.plan,
        notes: &decided.notes,
        resumed: &[],
        watch: None,
    };
    let verdicts = guard::judge(&seen, &trip.ledger().await, proposal, &trip.aims, trip.fence());
    assert_eq!(verdicts.cleared.len(), 3);
    meanwhile(&desk, &store).await;
    trip.carry_out(&mut ends.hands, verdicts).await;
    (ends.hands.asked(), trip.close().await)
}

#[tokio::test]
async fn a_mode_set_after_the_judgement_voids_what_was_cleared() {
    let (asked, record) = asked_after(async |desk, _| {
        let handle = desk.handle();
        let set = handle.set_mode(Scope::Cluster, Mode::Observe, "ada");
        set.await.unwrap();
    })
    .await;
    assert!(asked.is_empty() && record.outcomes.is_empty());
    let void = Verdict::Struck(StrikeReason::StaleGeneration);
    assert!(record.verdicts.iter().all(|(_, verdict)| *verdict == void));
    assert_eq!(asked_after(async |_, _| ()).await.0.len(), 3);
}

#[tokio::test]
async fn a_ledger_that_somebody_else_has_saved_gets_no_intents_of_ours() {
    let (asked, record) = asked_after(async |desk, store| {
        {
            let mut kept = store.kept.lock().unwrap();
            let theirs = &mut kept.as_mut().unwrap().0;
            theirs.generation = 50;
            theirs.intents.clear();
        }
        // Whoever tries to save finds out; the book is void from here on.
        let set = desk.handle().set_mode(Scope::Cluster, Mode::Act, "ada").await;
        assert!(set.is_err());
    })
    .await;
    assert!(asked.is_empty());
    assert!(
        record
            .verdicts
            .iter()
            .all(|(_, verdict)| !matches!(verdict, Verdict::Cleared))
    );
}

#[tokio::test]
async fn cycle_numbers_do_not_repeat_after_a_restart_within_the_first_cycles() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let mut ends = crowded(&clock, 0, Hands::new(|_| Outcome::done()));
    let mut last = 0;
    for _ in 0..3 {
        let desk = desk(FileStore::new(folder.path()), &clock).await;
        for _ in 0..2 {
            let record = run_cycle(&mut ends, &desk).await;
            assert!(record.cycle > last, "{} after {last}", record.cycle);
            last = record.cycle;
        }
    }
}

#[tokio::test]
async fn a_pause_while_deciding_voids_the_plan() {
    // The pause is saved between the look and the judgement: the generation has moved on.
    let clock = clock();
    let (mut ends, store) = draining(&clock, Hands::new(|_| Outcome::done()));
    let desk = desk(store, &clock).await;
    let mut trip = crate::trip::Trip::begin(&desk).await;
    let seen = trip.look(model::Observe::look(&mut ends.eyes)).await.unwrap();
    trip.read_ledger(seen).await;
    let seen = Arc::clone(&trip.record.snapshot);
    let decided = decide::deliberate(&seen, &trip.record.memory, &trip.policies.set, &trip.aims);
    assert_eq!(decided.plan.steps.len(), 3);
    desk.handle().pause("ada", "").await.unwrap();
    desk.handle().resume("ada").await.unwrap();
    let proposal = guard::Proposal {
        plan: &decided.plan,
        notes: &decided.notes,
        resumed: &[],
        watch: None,
    };
    let verdicts = guard::judge(&seen, &trip.ledger().await, proposal, &trip.aims, trip.fence());
    assert!(verdicts.cleared.is_empty());
}

/// Stages of the removals in the store, by node.
fn removals(store: &Shaky) -> Vec<(String, RemoveStage)> {
    let kept = store.kept.lock().unwrap().clone().unwrap().0;
    let removals = kept.intents.iter().filter_map(|intent| match &intent.kind {
        IntentKind::Remove { node, stage, .. } => Some((node.to_string(), *stage)),
        IntentKind::Launch { .. } => None,
    });
    removals.collect()
}

#[tokio::test]
async fn removals_from_one_group_go_together_and_each_is_settled_by_itself() {
    for (together, batches) in [(10, vec![3]), (2, vec![2]), (1, vec![])] {
        let clock = clock();
        let hands = Hands::new(|step| match step.kind.node().map(model::NodeName::as_str) {
            Some("n2") => Outcome::Stale { why: String::new() },
            _ => Outcome::done(),
        });
        let (mut ends, store) = drained(&clock, 3, hands);
        ends.hands.together = together;
        let desk = desk(store.clone(), &clock).await;
        let record = run_cycle(&mut ends, &desk).await;
        assert_eq!(*ends.hands.batches.lock().unwrap(), batches);
        // The fourth node is asked to take no pods meanwhile.
        let removals_of = |steps: &[Step]| {
            let removes = |step: &&Step| matches!(step.kind, StepKind::RemoveNode { .. });
            steps.iter().filter(removes).count()
        };
        assert_eq!(removals_of(&ends.hands.asked()), 3);
        assert_eq!(record.outcomes.len(), ends.hands.asked().len());
        let stages = removals(&store);
        let of = |name: &str| stages.iter().find(|(node, _)| node == name).unwrap().1;
        assert_eq!(
            [of("n1"), of("n2"), of("n3")],
            [
                RemoveStage::Terminating,
                RemoveStage::Cordoned,
                RemoveStage::Terminating
            ]
        );
    }
}

#[tokio::test]
async fn removals_that_never_answer_are_unknown_one_and_all() {
    let clock = Arc::new(ManualClock::leaping(super::stage::START));
    let hands = Hands::slow(|_| Box::pin(std::future::pending()));
    let (mut ends, store) = drained(&clock, 3, hands);
    ends.hands.together = 10;
    let desk = desk(store.clone(), &clock).await;
    let record = run_cycle(&mut ends, &desk).await;
    assert!(record.outcomes.len() >= 3, "{:?}", record.outcomes);
    for (_, outcome) in &record.outcomes {
        assert!(matches!(outcome, Outcome::Unknown { why } if why == "no answer within 10s"));
    }
    assert!(
        removals(&store)
            .iter()
            .all(|(_, stage)| *stage == RemoveStage::Cordoned)
    );
}
