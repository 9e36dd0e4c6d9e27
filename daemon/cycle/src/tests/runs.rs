//! Whole runs: rhythm, shutdown, what handles see, and that a log decides the same again.

use super::stage::{Hands, Shaky, clock, crowded, desk, draining, parts};
use crate::replay::{decide_again, policies_of};
use crate::{Desk, InForce, ManualClock, Runner, Stopped, WhatIfError, run_cycle, what_if};
use decide::{Advised, Policy, PolicyEntry, PolicySet, View};
use logbook::{Reader, Settings, Trouble, Writer};
use model::advice::{Advice, HeadroomAdvice, Hook, PolicyFault, PolicyMode};
use model::intent::{Effect, EffectKind};
use model::{ObserveError, Outcome, Resources, Span};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, oneshot};

/// Lets everything that can go on go on: `join!` does not say who is first.
async fn others_run() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

/// Wants room for one pod of half a core more with every call; faults at the third.
#[derive(Default)]
struct Moody(AtomicU64);

impl Policy for Moody {
    fn hooks(&self) -> &[Hook] {
        &[Hook::Headroom]
    }

    fn advise(&self, _: &View<'_>, _: &[u8]) -> Advised {
        let calls = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let answer = if calls == 3 {
            Err(PolicyFault::Deadline {
                limit: Span::from_millis(50),
            })
        } else {
            Ok(Advice::Headroom(vec![HeadroomAdvice {
                count: u32::try_from(calls).unwrap(),
                requests: Resources::new(500, 1 << 20),
                code: 7,
            }]))
        };
        Advised {
            answer,
            fuel: 10,
            log: Vec::new(),
            kept: None,
        }
    }
}

fn moody() -> InForce {
    InForce::from(PolicySet {
        entries: vec![PolicyEntry {
            name: "moody".into(),
            digest: "ab".repeat(32),
            mode: PolicyMode::Enforce,
            scope: model::PolicyScope::default(),
            policy: Arc::new(Moody::default()),
        }],
    })
}

#[tokio::test]
async fn a_log_decides_the_same_again() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let mut ends = crowded(&clock, 3, Hands::new(|_| Outcome::done()));
    let mut parts = parts(Shaky::default(), &clock);
    parts.policies = moody();
    parts.log = Some(Writer::open(Settings::new(folder.path())).unwrap());
    let desk = Desk::open(parts).await;
    for _ in 0..5 {
        run_cycle(&mut ends, &desk).await;
        clock.advance(Span::from_secs(10));
    }
    let status = desk.handle().status();
    assert_eq!(
        (
            status.policies[0].calls,
            status.policies[0].fuel,
            status.policies[0].faults
        ),
        (5, 50, 1)
    );
    assert!(matches!(
        status.policies[0].last_fault,
        Some((_, PolicyFault::Deadline { .. }))
    ));
    assert_eq!(status.log_trouble, None);
    let records: Vec<_> = Reader::open(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(records.len(), 5);
    assert!(records.iter().any(|record| !record.plan.steps.is_empty()));
    for record in &records {
        let policies = policies_of(record, &mut |_| None);
        assert_eq!(decide_again(record, &policies), Ok(()), "cycle {}", record.cycle);
    }
    // A component at hand answers for itself, but not where the clock had cut it off.
    let cut_off = policies_of(&records[2], &mut |_| Some(Arc::new(Moody::default())));
    assert_eq!(decide_again(&records[2], &cut_off), Ok(()));
    // Without its policy the first record is decided differently, and that is told.
    assert!(decide_again(&records[0], &PolicySet::default()).is_err());
}

// Liveness used to be a constant: a loop that was stuck was never begun anew.
#[tokio::test]
async fn a_loop_of_which_nothing_is_heard_is_stuck() {
    let clock = clock();
    let mut ends = crowded(&clock, 2, Hands::new(|_| Outcome::done()));
    let desk = desk(Shaky::default(), &clock).await;
    let stuck = || desk.handle().status().stuck;
    clock.advance(Span::from_secs(3600));
    assert_eq!(stuck(), None, "the first cycle waits for the cluster");
    // Blind eyes and a store that is away are nothing that a restart mends.
    for blind in [false, true] {
        ends.eyes.blind = blind.then(|| ObserveError::Unreachable {
            source_name: "pods".to_owned(),
            why: "away".to_owned(),
        });
        run_cycle(&mut ends, &desk).await;
        clock.advance(Span::from_secs(600));
        assert_eq!(stuck(), None);
        clock.advance(Span::from_secs(1));
        assert_eq!(stuck(), Some(Span::from_secs(601)));
    }
    ends.hands = Hands::new(|_| Outcome::done());
    ends.eyes.blind = Some(ObserveError::Ended);
    run_cycle(&mut ends, &desk).await;
    clock.advance(Span::from_secs(3600));
    assert_eq!(stuck(), None, "it has come to its end");
}

#[tokio::test]
async fn blind_eyes_leave_a_record_and_no_plan() {
    let clock = clock();
    let mut ends = crowded(&clock, 2, Hands::new(|_| Outcome::done()));
    ends.eyes.blind = Some(ObserveError::Unreachable {
        source_name: "pods".to_owned(),
        why: "refused".to_owned(),
    });
    let desk = desk(Shaky::default(), &clock).await;
    let handle = desk.handle();
    let record = run_cycle(&mut ends, &desk).await;
    assert_eq!(
        record.trouble,
        Some(Trouble::Unseen {
            why: "pods: refused".to_owned()
        })
    );
    assert!(record.plan.steps.is_empty() && !handle.status().ready);
    let nothing = what_if::Change::default();
    assert_eq!(handle.what_if(&nothing), Err(WhatIfError::NothingSeen));
    ends.eyes.blind = None;
    run_cycle(&mut ends, &desk).await;
    assert!(handle.status().ready);
    assert!(!handle.what_if(&nothing).unwrap().plan.nodes.is_empty());
    clock.advance(Span::from_secs(40));
    ends.eyes.blind = Some(ObserveError::Unreachable {
        source_name: "pods".to_owned(),
        why: "refused".to_owned(),
    });
    run_cycle(&mut ends, &desk).await;
    assert!(handle.status().ready);
    clock.advance(Span::from_secs(21));
    run_cycle(&mut ends, &desk).await;
    assert!(
        !handle.status().ready,
        "cycles that see nothing keep nobody ready"
    );
}

#[tokio::test]
async fn eyes_that_never_answer_are_given_up() {
    let clock = Arc::new(ManualClock::leaping(super::stage::START));
    let desk = desk(Shaky::default(), &clock).await;
    let mut ends = crate::Ends {
        eyes: Asleep,
        hands: guard::Nobody,
    };
    let record = run_cycle(&mut ends, &desk).await;
    assert!(matches!(&record.trouble, Some(Trouble::Unseen { why }) if why == "eyes: no picture within 60s"));
}

#[tokio::test]
async fn a_jump_of_the_wall_clock_neither_empties_a_window_nor_ends_a_deadline() {
    let clock = clock();
    let (mut ends, store) = draining(&clock, Hands::new(|_| Outcome::done()));
    let removed = Effect {
        at: super::stage::START,
        group: "web".into(),
        kind: EffectKind::Removed,
    };
    let kept = || store.kept.lock().unwrap().clone().unwrap().0;
    store
        .kept
        .lock()
        .unwrap()
        .as_mut()
        .unwrap()
        .0
        .effects
        .push(removed.clone());
    let desk = desk(store.clone(), &clock).await;
    for ahead in [0, 7200] {
        ends.eyes.ahead = Span::from_secs(ahead);
        for pod in &mut ends.eyes.seen.pods {
            pod.created = super::stage::START + ends.eyes.ahead;
        }
        clock.advance(Span::from_secs(10));
        let record = run_cycle(&mut ends, &desk).await;
        assert_eq!(record.at, crate::Clock::now(&*clock));
        assert_eq!(record.events, [], "{ahead}: the drain has half an hour");
        assert!(
            kept().effects.contains(&removed),
            "{ahead}: the window is ten minutes and more"
        );
        let age = record.at.since(record.snapshot.pods[0].created);
        assert_eq!(age, clock_age(&clock), "{ahead}: what was seen keeps its age");
        assert!(desk.handle().status().ready);
    }
}

fn clock_age(clock: &Arc<ManualClock>) -> Span {
    crate::Clock::now(&**clock).since(super::stage::START)
}

/// Eyes that never open.
struct Asleep;

impl model::Observe for Asleep {
    fn look(&mut self) -> impl Future<Output = Result<model::Snapshot, ObserveError>> + Send {
        std::future::pending()
    }
}

#[tokio::test]
async fn a_runner_told_to_stop_does_not_wait_for_the_eyes() {
    let clock = clock();
    let desk = desk(Shaky::default(), &clock).await;
    let mut ends = crate::Ends {
        eyes: Asleep,
        hands: guard::Nobody,
    };
    let runner = Runner::default();
    let run = runner.run(&mut ends, &desk, others_run());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(10), run).await;
    assert_eq!(ended, Ok(Ok(Stopped::Asked)));
}

#[tokio::test]
async fn handles_see_every_record() {
    let clock = clock();
    let mut ends = crowded(&clock, 1, Hands::new(|_| Outcome::done()));
    let desk = desk(Shaky::default(), &clock).await;
    let handle = desk.handle();
    let mut watcher = handle.watch();
    for cycle in 1..=3 {
        let record = run_cycle(&mut ends, &desk).await;
        assert_eq!(record.cycle, cycle);
        assert_eq!(watcher.recv().await.unwrap().cycle, cycle);
    }
    let kept: Vec<u64> = handle.records().iter().map(|record| record.cycle).collect();
    assert_eq!(kept, [3, 2, 1]);
    assert_eq!(handle.record(2).map(|record| record.cycle), Some(2));
    assert_eq!(handle.status().cycles, 3);
}

#[tokio::test]
async fn new_policies_take_over_between_cycles() {
    let clock = clock();
    let mut ends = crowded(&clock, 1, Hands::new(|_| Outcome::done()));
    let mut parts = parts(Shaky::default(), &clock);
    let next: Arc<Mutex<Option<InForce>>> = Arc::default();
    let library = Arc::clone(&next);
    parts.library = Box::new(move || library.lock().unwrap().take());
    let desk = Desk::open(parts).await;
    assert!(run_cycle(&mut ends, &desk).await.policies.is_empty());
    *next.lock().unwrap() = Some(moody());
    let record = run_cycle(&mut ends, &desk).await;
    assert_eq!(record.policies[0].name.as_str(), "moody");
    assert_eq!(record.notes.calls.len(), 1);
}

#[tokio::test]
async fn a_runner_finishes_what_is_under_way_and_parks() {
    let clock = clock();
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (began, gone) = (Arc::clone(&begun), Arc::clone(&go));
    let hands = Hands::slow(move |_| {
        let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
        Box::pin(async move {
            begun.notify_one();
            go.notified().await;
            Outcome::done()
        })
    });
    let (mut ends, store) = draining(&clock, hands);
    let desk = desk(store.clone(), &clock).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let runner = Runner::default();
    let run = runner.run(&mut ends, &desk, async {
        let _ = stopped.await;
    });
    let outside = async {
        began.notified().await;
        stop.send(()).unwrap();
        others_run().await;
        gone.notify_one();
    };
    let (ended, ()) = tokio::join!(run, outside);
    assert_eq!(ended, Ok(Stopped::Asked));
    let record = desk.handle().latest().unwrap();
    let outcomes: Vec<&Outcome> = record.outcomes.iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, [&Outcome::done(), &Outcome::Dropped, &Outcome::Dropped]);
    assert!(store.kept.lock().unwrap().as_ref().unwrap().0.generation > 3);
}

#[tokio::test]
async fn a_runner_keeps_its_rhythm_and_wakes_early() {
    let clock = clock();
    let mut ends = crowded(&clock, 0, Hands::new(|_| Outcome::done()));
    let desk = desk(Shaky::default(), &clock).await;
    let handle = desk.handle();
    let (stop, stopped) = oneshot::channel::<()>();
    let runner = Runner::default();
    let mut records = handle.watch();
    let run = runner.run(&mut ends, &desk, async {
        let _ = stopped.await;
    });
    let outside = async {
        let mut at = Vec::new();
        at.push(records.recv().await.unwrap().at);
        others_run().await;
        clock.advance(Span::from_secs(10));
        at.push(records.recv().await.unwrap().at);
        handle.wake();
        handle.wake();
        others_run().await;
        clock.advance(Span::from_secs(1));
        at.push(records.recv().await.unwrap().at);
        stop.send(()).unwrap();
        at
    };
    let (ended, at) = tokio::join!(run, outside);
    assert_eq!(ended, Ok(Stopped::Asked));
    assert_eq!(at[1].since(at[0]), Span::from_secs(10));
    assert_eq!(at[2].since(at[1]), Span::from_secs(1));
}

/// Found beside Karpenter: with one stage of a removal per interval, a node that could go at once took half a minute.
#[tokio::test]
async fn a_removal_is_carried_on_after_the_gap() {
    let clock = clock();
    let (mut ends, store) = draining(&clock, Hands::new(|_| Outcome::done()));
    let desk = desk(store, &clock).await;
    let mut records = desk.handle().watch();
    let (stop, stopped) = oneshot::channel::<()>();
    let runner = Runner::default();
    let run = runner.run(&mut ends, &desk, async {
        let _ = stopped.await;
    });
    let outside = async {
        let first = records.recv().await.unwrap();
        assert!(first.outcomes.iter().all(|(_, outcome)| outcome.is_done()));
        others_run().await;
        clock.advance(Span::from_secs(1));
        let second = records.recv().await.unwrap();
        stop.send(()).unwrap();
        second.at.since(first.at)
    };
    let (ended, after) = tokio::join!(run, outside);
    assert_eq!((ended, after), (Ok(Stopped::Asked), Span::from_secs(1)));
}

#[tokio::test]
async fn a_runner_ends_with_its_recording() {
    let clock = Arc::new(ManualClock::leaping(super::stage::START));
    let mut ends = crowded(&clock, 0, Hands::new(|_| Outcome::done()));
    ends.eyes.blind = Some(ObserveError::Ended);
    let desk = desk(Shaky::default(), &clock).await;
    let ended = Runner::default()
        .run(&mut ends, &desk, std::future::pending())
        .await;
    assert_eq!(ended, Ok(Stopped::Ended));
}

#[tokio::test]
async fn doubtful_notices_are_an_alarm_until_a_picture_tells_otherwise() {
    let clock = clock();
    let mut ends = crowded(&clock, 0, Hands::new(|_| Outcome::done()));
    let desk = desk(Shaky::default(), &clock).await;
    let told = |lately| {
        Some(model::Notices {
            lately,
            ..model::Notices::default()
        })
    };
    ends.eyes.seen.notices = told(3);
    run_cycle(&mut ends, &desk).await;
    assert_eq!(desk.handle().status().alarms().len(), 1);
    ends.eyes.blind = Some(ObserveError::Unreachable {
        source_name: "eyes".to_owned(),
        why: "gone".to_owned(),
    });
    run_cycle(&mut ends, &desk).await;
    assert_eq!(desk.handle().status().alarms().len(), 1, "unseen is not over");
    (ends.eyes.blind, ends.eyes.seen.notices) = (None, told(0));
    run_cycle(&mut ends, &desk).await;
    assert_eq!(desk.handle().status().alarms(), Vec::<String>::new());
}
