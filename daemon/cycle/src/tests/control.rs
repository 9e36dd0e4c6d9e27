//! The kill switch and the modes.

use super::stage::{Hands, clock, crowded, desk, draining};
use crate::{FileStore, Handle, Scope, run_cycle};
use model::aims::Mode;
use model::intent::RemoveStage;
use model::{HoldReason, IntentKind, Outcome, Verdict};
use std::sync::{Arc, Mutex};

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
