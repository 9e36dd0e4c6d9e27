//! The kill switch and the modes.

use super::stage::{Hands, Shaky, clock, crowded, desk, draining};
use crate::{FileStore, Handle, Scope, run_cycle};
use guard::{Kept, LedgerStore, Stored};
use model::aims::Mode;
use model::intent::{Ledger, Pause, RemoveStage};
use model::{HoldReason, IntentKind, Memory, Outcome, Verdict};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// Hands that pull the kill switch while their first effect is under way.
fn pulling(handle: &Arc<Mutex<Option<Handle>>>) -> Hands {
    let handle = Arc::clone(handle);
    Hands::slow(move |_| {
        let handle = handle.lock().unwrap().take();
        Box::pin(async move {
            if let Some(handle) = handle {
                // It answers while the effect is still being carried out.
                handle.pause("ada", "stop the drain").await.unwrap();
                assert!(handle.status().paused.is_some());
            }
            Outcome::done()
        })
    })
}

#[tokio::test]
async fn a_pause_in_the_middle_of_a_drain_stops_the_next_effect() {
    let (clock, slot) = (clock(), Arc::new(Mutex::new(None)));
    let (mut ends, store) = draining(&clock, pulling(&slot));
    let desk = desk(store.clone(), &clock).await;
    let handle = desk.handle();
    *slot.lock().unwrap() = Some(handle.clone());
    let record = run_cycle(&mut ends, &desk).await;
    assert_eq!(ends.hands.asked().len(), 1);
    let outcomes: Vec<&Outcome> = record.outcomes.iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, [&Outcome::done(), &Outcome::Dropped, &Outcome::Dropped]);

    // Everything is held while it is pulled, and the drain goes on when it is released.
    let record = run_cycle(&mut ends, &desk).await;
    let paused = Verdict::Held(HoldReason::Paused { by: "ada".to_owned() });
    assert_eq!(record.verdicts.len(), 3);
    assert!(
        record.verdicts.iter().all(|(_, verdict)| *verdict == paused),
        "{:?}",
        record.verdicts
    );
    let was = handle.resume("ada").await.unwrap();
    assert_eq!(was.map(|pause| pause.why), Some("stop the drain".to_owned()));
    let record = run_cycle(&mut ends, &desk).await;
    assert_eq!(record.outcomes.len(), 3);
    assert!(record.outcomes.iter().all(|(_, outcome)| outcome.is_done()));
    let (ledger, _) = store.kept.lock().unwrap().clone().unwrap();
    let stage = ledger.intents.iter().find_map(|intent| match intent.kind {
        IntentKind::Remove { stage, .. } => Some(stage),
        IntentKind::Launch { .. } => None,
    });
    assert_eq!(stage, Some(RemoveStage::Draining));
}

#[tokio::test]
async fn a_mode_set_while_effects_are_under_way_stops_the_next() {
    let (clock, slot) = (clock(), Arc::new(Mutex::new(None::<Handle>)));
    let taken = Arc::clone(&slot);
    let hands = Hands::slow(move |_| {
        let handle = taken.lock().unwrap().take();
        Box::pin(async move {
            if let Some(handle) = handle {
                let set = handle.set_mode(Scope::Cluster, Mode::Observe, "ada");
                set.await.unwrap();
            }
            Outcome::done()
        })
    });
    let (mut ends, store) = draining(&clock, hands);
    let desk = desk(store, &clock).await;
    *slot.lock().unwrap() = Some(desk.handle());
    let record = run_cycle(&mut ends, &desk).await;
    assert_eq!(ends.hands.asked().len(), 1);
    let outcomes: Vec<&Outcome> = record.outcomes.iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, [&Outcome::done(), &Outcome::Dropped, &Outcome::Dropped]);
}

/// A store that lets saves through only while it is open.
#[derive(Clone)]
struct Gated {
    inner: Shaky,
    gate: Arc<Semaphore>,
}

impl LedgerStore for Gated {
    fn load(&mut self) -> Stored<'_, Kept> {
        self.inner.load()
    }

    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Stored<'a, ()> {
        Box::pin(async move {
            let _passed = self.gate.acquire().await;
            self.inner.save(ledger).await
        })
    }

    fn save_memory<'a>(&'a mut self, memory: &'a Memory) -> Stored<'a, ()> {
        self.inner.save_memory(memory)
    }
}

#[tokio::test]
async fn a_resume_under_way_does_not_release_the_pause_after_it() {
    let (clock, gate) = (clock(), Arc::new(Semaphore::new(0)));
    let store = Gated {
        inner: Shaky::default(),
        gate: Arc::clone(&gate),
    };
    let desk = desk(store, &clock).await;
    let handle = desk.handle();
    let resume = async {
        handle.resume("bob").await.unwrap();
        // The pause has begun by now, though it is not saved yet.
        assert!(!desk.shared.may_act());
    };
    let later = async {
        tokio::task::yield_now().await;
        let pause = handle.pause("ada", "no");
        let opened = async {
            tokio::task::yield_now().await;
            gate.add_permits(9);
        };
        tokio::join!(pause, opened).0.unwrap();
    };
    tokio::join!(resume, later);
    assert!(!desk.shared.may_act(), "the pause was saved and answered");
    assert_eq!(
        handle.status().paused.map(|pause| pause.by),
        Some("ada".to_owned())
    );
    handle.resume("ada").await.unwrap();
    assert!(desk.shared.may_act());
}

#[tokio::test]
async fn what_somebody_else_has_saved_is_taken_over() {
    let clock = clock();
    let (mut ends, store) = draining(&clock, Hands::new(|_| Outcome::done()));
    let desk = desk(store.clone(), &clock).await;
    let foreign = |paused: bool, generation: u64| {
        let mut kept = store.kept.lock().unwrap();
        let ledger = &mut kept.as_mut().unwrap().0;
        ledger.generation = generation;
        ledger.paused = paused.then(|| Pause {
            by: "bob".to_owned(),
            why: String::new(),
            at: super::stage::START,
        });
    };
    foreign(true, 50);
    // The first cycle finds out, the second has read back.
    for _ in 0..2 {
        run_cycle(&mut ends, &desk).await;
    }
    assert!(desk.handle().status().paused.is_some() && !desk.shared.may_act());
    assert!(ends.hands.asked().is_empty());
    foreign(false, 90);
    let set = desk.handle().set_mode(Scope::Cluster, Mode::Act, "ada").await;
    assert!(set.is_err(), "{set:?}");
    run_cycle(&mut ends, &desk).await;
    assert_eq!(desk.handle().status().paused, None);
    assert_eq!(ends.hands.asked().len(), 3);
}

#[tokio::test]
async fn a_pause_survives_a_restart() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let mut ends = crowded(&clock, 2, Hands::new(|_| Outcome::done()));
    let first = desk(FileStore::new(folder.path()), &clock).await;
    let long = "ä".repeat(1000);
    first.handle().pause("ada", &long).await.unwrap();
    drop(first);
    let second = desk(FileStore::new(folder.path()), &clock).await;
    let paused = second.handle().status().paused.unwrap();
    assert_eq!((paused.by.as_str(), paused.why.len()), ("ada", 256));
    let record = run_cycle(&mut ends, &second).await;
    assert!(!record.plan.steps.is_empty());
    assert!(record.outcomes.is_empty() && ends.hands.asked().is_empty());
    second.handle().resume("ada").await.unwrap();
    drop(second);
    let third = desk(FileStore::new(folder.path()), &clock).await;
    assert_eq!(third.handle().status().paused, None);
    run_cycle(&mut ends, &third).await;
    assert_eq!(ends.hands.asked().len(), 1);
}

#[tokio::test]
async fn a_pause_that_cannot_be_saved_still_holds() {
    let clock = clock();
    let (mut ends, store) = draining(&clock, Hands::new(|_| Outcome::done()));
    let desk = desk(store.clone(), &clock).await;
    store.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let said = desk.handle().pause("ada", "").await.unwrap_err().to_string();
    assert_eq!(said, "paused, but a restart would forget it: the store is away");
    run_cycle(&mut ends, &desk).await;
    assert!(ends.hands.asked().is_empty());
    // It becomes durable as soon as the store is back.
    store.broken.store(false, std::sync::atomic::Ordering::SeqCst);
    run_cycle(&mut ends, &desk).await;
    let kept = store.kept.lock().unwrap().clone().unwrap().0;
    assert_eq!(kept.paused.map(|pause| pause.by), Some("ada".to_owned()));
    assert!(ends.hands.asked().is_empty());
}

#[tokio::test]
async fn modes_are_set_at_run_time_and_kept() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let mut ends = crowded(&clock, 2, Hands::new(|_| Outcome::done()));
    let first = desk(FileStore::new(folder.path()), &clock).await;
    let scope = Scope::Group("web".into());
    first
        .handle()
        .set_mode(scope, Mode::Observe, "ada")
        .await
        .unwrap();
    drop(first);
    let second = desk(FileStore::new(folder.path()), &clock).await;
    assert_eq!(
        second.handle().status().modes.of_group(&"web".into()),
        Mode::Observe
    );
    let record = run_cycle(&mut ends, &second).await;
    let only = Verdict::Held(HoldReason::ObserveOnly {
        scope: "group web".to_owned(),
    });
    assert_eq!(
        record
            .verdicts
            .iter()
            .map(|(_, verdict)| verdict)
            .collect::<Vec<_>>(),
        [&only]
    );
    second
        .handle()
        .set_mode(Scope::Group("web".into()), Mode::Act, "ada")
        .await
        .unwrap();
    run_cycle(&mut ends, &second).await;
    assert_eq!(ends.hands.asked().len(), 1);
}
