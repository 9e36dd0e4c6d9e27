//! State that is lost, damaged or cannot be written: less is done, never more, and it is said.

use super::stage::{Eyes, Hands, Shaky, clock, crowded, desk, parts};
use crate::{Desk, Ends, FileStore, ManualClock, run_cycle};
use guard::LedgerStore;
use logbook::{Reader, Settings, Trouble, Writer};
use model::plan::{Step, StepKind};
use model::{HoldReason, Instant, Memory, Outcome, Span, Verdict};
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn doing() -> Hands {
    Hands::new(|_| Outcome::done())
}

/// One cycle over a Ledger in this folder: a launch is under way.
async fn begun(folder: &Path, clock: &Arc<ManualClock>) -> (Ends<Eyes, Hands>, Desk) {
    let mut ends = crowded(clock, 2, doing());
    let desk = desk(FileStore::new(folder), clock).await;
    run_cycle(&mut ends, &desk).await;
    (ends, desk)
}

fn paused_by(desk: &Desk) -> Option<String> {
    desk.handle().status().paused.map(|pause| pause.by)
}

// The pause used to be gone with the Ledger that held it, and the windows were empty.
#[tokio::test]
async fn a_ledger_that_is_lost_leaves_the_kill_switch_pulled() {
    for beside in ["installation.json", "memory.json"] {
        let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
        let mut ends = crowded(&clock, 2, doing());
        let first = desk(FileStore::new(folder.path()), &clock).await;
        run_cycle(&mut ends, &first).await;
        first.park().await.unwrap();
        assert_eq!(ends.hands.asked().len(), 1);
        drop(first);
        // Either of the two that stand beside it tells that there was one.
        for name in ["ledger.json", "installation.json", "memory.json"] {
            if name != beside {
                fs::remove_file(folder.path().join(name)).unwrap();
            }
        }
        let second = desk(FileStore::new(folder.path()), &clock).await;
        assert_eq!(paused_by(&second).as_deref(), Some("plimsolld"), "{beside}");
        let record = run_cycle(&mut ends, &second).await;
        assert!(record.outcomes.is_empty());
        assert_eq!(ends.hands.asked().len(), 1);
        let alarms = second.handle().status().alarms();
        assert!(
            alarms
                .iter()
                .any(|alarm| alarm.starts_with("the Ledger was lost")),
            "{alarms:?}"
        );
        drop(second);
        // A restart finds it paused as well, and a resume holds over the next.
        let third = desk(FileStore::new(folder.path()), &clock).await;
        assert_eq!(paused_by(&third).as_deref(), Some("plimsolld"));
        third.handle().resume("ada").await.unwrap();
        drop(third);
        let fourth = desk(FileStore::new(folder.path()), &clock).await;
        assert_eq!(paused_by(&fourth), None);
    }
}

// A Ledger that is lost used to take the aims with it that others are held against.
#[tokio::test]
async fn a_ledger_that_is_lost_lifts_no_limit() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let open = async |max_nodes: u32| {
        let mut parts = parts(FileStore::new(folder.path()), &clock);
        parts.aims.limits.max_nodes = max_nodes;
        Desk::open(parts).await
    };
    let first = open(40).await;
    run_cycle(&mut crowded(&clock, 2, doing()), &first).await;
    drop(first);
    // Nor does a pause while it cannot be read.
    fs::write(folder.path().join("ledger.json"), "{").unwrap();
    open(4000)
        .await
        .handle()
        .pause("ada", "looking into it")
        .await
        .unwrap();
    fs::remove_file(folder.path().join("ledger.json")).unwrap();
    let second = open(4000).await;
    assert_eq!(second.handle().aims().limits.max_nodes, 40);
    assert!(second.handle().status().aims_refused.is_some());
}

// A volume with a Ledger that is moved to another cluster of the same name, and an address that leads to another one.
#[tokio::test]
async fn a_ledger_of_another_cluster_is_left_and_a_new_one_is_paused() {
    for restarts in [true, false] {
        let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
        let mut ends = crowded(&clock, 2, doing());
        ends.eyes.seen.cluster_uid = Some("one".to_owned());
        let mut desk_at = desk(FileStore::new(folder.path()), &clock).await;
        let record = run_cycle(&mut ends, &desk_at).await;
        let epoch = record.snapshot.ledger.epoch.clone();
        run_cycle(&mut ends, &desk_at).await;
        if restarts {
            drop(desk_at);
            desk_at = desk(FileStore::new(folder.path()), &clock).await;
        }
        assert_eq!(paused_by(&desk_at), None);
        let asked = ends.hands.asked().len();
        // A launch is under way in the one; the other has not heard of it.
        ends.eyes.seen.cluster_uid = Some("other".to_owned());
        let record = run_cycle(&mut ends, &desk_at).await;
        assert_eq!(paused_by(&desk_at).as_deref(), Some("plimsolld"));
        assert!(record.outcomes.is_empty() && ends.hands.asked().len() == asked);
        let ledger = &record.snapshot.ledger;
        assert!(ledger.intents.is_empty() && ledger.effects.is_empty());
        assert!(ledger.epoch != epoch && ledger.known_since.is_some());
        let why = ledger.paused.as_ref().map(|pause| pause.why.clone()).unwrap();
        assert!(why.contains("another cluster"), "{why}");
        // It stays this one's, over a restart and a resume.
        drop(desk_at);
        let next = desk(FileStore::new(folder.path()), &clock).await;
        assert_eq!(paused_by(&next).as_deref(), Some("plimsolld"));
        next.handle().resume("ada").await.unwrap();
        let record = run_cycle(&mut ends, &next).await;
        assert_eq!(paused_by(&next), None);
        assert_eq!(record.snapshot.ledger.epoch, ledger.epoch);
    }
}

#[tokio::test]
async fn the_first_start_of_all_is_not_paused() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let first = desk(FileStore::new(folder.path().join("new")), &clock).await;
    assert_eq!(paused_by(&first), None);
    assert_eq!(first.handle().status().alarms(), Vec::<String>::new());
}

#[tokio::test]
async fn ids_of_intents_do_not_come_again_with_a_new_ledger() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
        let mut ends = crowded(&clock, 2, doing());
        let desk = desk(FileStore::new(folder.path()), &clock).await;
        run_cycle(&mut ends, &desk).await;
        ids.extend(ends.hands.asked().into_iter().filter_map(|step| step.intent));
    }
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        assert!(id.as_str().ends_with("-1-0") && id.as_str().len() == 12, "{id}");
    }
}

#[tokio::test]
async fn a_pause_stays_where_the_ledger_is_put_back_that_did_not_have_it() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let path = folder.path().join("ledger.json");
    let (_, first) = begun(folder.path(), &clock).await;
    let before = fs::read(&path).unwrap();
    first.handle().pause("ada", "looking into it").await.unwrap();
    drop(first);
    fs::write(&path, before).unwrap();
    let second = desk(FileStore::new(folder.path()), &clock).await;
    assert_eq!(paused_by(&second).as_deref(), Some("ada"));
}

/// Leaves the file beside the Ledger writable while the Ledger itself is not: a folder stands in its place.
fn block(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

#[tokio::test]
async fn a_pause_is_kept_beside_a_ledger_that_cannot_be_written() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let path = folder.path().join("ledger.json");
    let (mut ends, first) = begun(folder.path(), &clock).await;
    let before = fs::read(&path).unwrap();
    block(&path);
    first.handle().pause("ada", "looking into it").await.unwrap();
    run_cycle(&mut ends, &first).await;
    assert_eq!(paused_by(&first).as_deref(), Some("ada"));
    drop(first);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, before).unwrap();
    let second = desk(FileStore::new(folder.path()), &clock).await;
    assert_eq!(paused_by(&second).as_deref(), Some("ada"));
}

// A daemon that could not read its Ledger used to end, and nobody could ask it why.
#[tokio::test]
async fn a_ledger_that_cannot_be_read_holds_everything_until_it_can() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let mut ends = crowded(&clock, 2, doing());
    let first = desk(FileStore::new(folder.path()), &clock).await;
    let mut memory = Memory::default();
    memory.demand_history.push((Instant(1), 7));
    run_cycle(&mut ends, &first).await;
    drop(first);
    let mut store = FileStore::new(folder.path());
    store.save_memory(&memory).await.unwrap();
    let asked = ends.hands.asked().len();
    for name in ["ledger.json", "installation.json"] {
        let path = folder.path().join(name);
        let good = fs::read(&path).unwrap();
        for bad in [&b"{"[..], br#"{"version":99}"#, b""] {
            fs::write(&path, bad).unwrap();
            let kept = fs::read(folder.path().join("memory.json")).unwrap();
            let second = desk(FileStore::new(folder.path()), &clock).await;
            for _ in 0..2 {
                let record = run_cycle(&mut ends, &second).await;
                let why = match &record.trouble {
                    Some(Trouble::LedgerUnread { why }) => why.clone(),
                    other => panic!("{other:?}"),
                };
                assert!(why.contains(name.trim_end_matches(".json")), "{why}");
            }
            assert!(!second.handle().status().ready);
            assert!(second.park().await.is_err());
            assert_eq!(
                fs::read(&path).unwrap(),
                bad,
                "what nobody can read is left as it is"
            );
            assert_eq!(fs::read(folder.path().join("memory.json")).unwrap(), kept);
            // Put right, it goes on without a restart, and with its Memory.
            fs::write(&path, &good).unwrap();
            let record = run_cycle(&mut ends, &second).await;
            assert_eq!(record.trouble, None);
            assert_eq!(record.memory.demand_history.first(), Some(&(Instant(1), 7)));
        }
    }
    assert_eq!(ends.hands.asked().len(), asked, "the launch is under way");
}

fn log_in(folder: &Path) -> Writer {
    let settings = Settings {
        sync: false,
        ..Settings::new(folder)
    };
    Writer::open(settings).unwrap()
}

// With the log's disk full, 24 effects went unrecorded while the daemon was ready.
#[tokio::test]
async fn nothing_is_carried_out_that_cannot_be_written_down() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let at = folder.path().join("log");
    let mut ends = crowded(&clock, 2, doing());
    let mut parts = parts(Shaky::default(), &clock);
    parts.log = Some(log_in(&at));
    let desk = Desk::open(parts).await;
    // No segment can be begun in a folder that is none.
    fs::remove_dir(&at).unwrap();
    fs::write(&at, "").unwrap();
    for _ in 0..2 {
        let record = run_cycle(&mut ends, &desk).await;
        assert_eq!(record.verdicts[0].1, Verdict::Held(HoldReason::RecordNotWritten));
        assert!(matches!(&record.trouble, Some(Trouble::RecordUnwritten { .. })));
        assert!(record.outcomes.is_empty() && ends.hands.asked().is_empty());
        let status = desk.handle().status();
        assert!(!status.ready && status.alarms()[0].starts_with("the last record could not be written"));
        clock.advance(Span::from_secs(10));
    }
    fs::remove_file(&at).unwrap();
    fs::create_dir(&at).unwrap();
    let record = run_cycle(&mut ends, &desk).await;
    assert_eq!((record.trouble.clone(), record.outcomes.len()), (None, 1));
    assert_eq!(
        record.snapshot.ledger.intents,
        [],
        "what could not be written was not opened"
    );
    assert_eq!(desk.handle().status().alarms(), Vec::<String>::new());
    let read: Vec<_> = Reader::open(&at).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, [(*record).clone()]);
}

#[tokio::test]
async fn the_record_is_on_disk_before_the_first_effect() {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let at = folder.path().to_owned();
    let looked = at.clone();
    let hands = Hands::new(move |step| {
        let record = Reader::open(&looked).unwrap().last().unwrap().unwrap();
        assert!(record.plan.steps.contains(step), "the step stands in the log");
        assert!(record.verdicts.contains(&(step.id, Verdict::Cleared)));
        let told: Vec<&Outcome> = record.outcomes.iter().map(|(_, outcome)| outcome).collect();
        assert!(matches!(told[..], [Outcome::Unknown { .. }]), "{told:?}");
        Outcome::done()
    });
    let mut ends = crowded(&clock, 2, hands);
    let mut parts = parts(Shaky::default(), &clock);
    parts.log = Some(log_in(&at));
    let desk = Desk::open(parts).await;
    let records = [
        run_cycle(&mut ends, &desk).await,
        run_cycle(&mut ends, &desk).await,
    ];
    assert_eq!(ends.hands.asked().len(), 1);
    let read: Vec<_> = Reader::open(&at).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, records.map(|record| (*record).clone()));
}

/// What can happen to a file.
#[derive(Clone, Debug)]
enum Damage {
    Deleted,
    /// A folder stands in its place: nobody can read or write it.
    Barred,
    Text(Vec<u8>),
}

impl Damage {
    fn all(of: &[u8]) -> Vec<Self> {
        // Every cut and every flip of the bytes themselves is the codec's own test.
        let cut = (0..of.len()).step_by(40).map(|length| of[..length].to_vec());
        // Flips drawn from one seed (xorshift): the same ones every time.
        let mut draw = 0x9e37_79b9_7f4a_7c15_u64;
        let flips = std::iter::repeat_with(|| {
            draw ^= draw << 13;
            draw ^= draw >> 7;
            draw ^= draw << 17;
            let mut bytes = of.to_vec();
            let bit = usize::try_from(draw).unwrap_or(0) % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        });
        let newer = br#"{"version":3,"sha256":"","value":{}}"#.to_vec();
        let texts = cut.chain(flips.take(20)).chain([newer, b"null".to_vec()]);
        let texts = texts.map(Self::Text);
        [Self::Deleted, Self::Barred].into_iter().chain(texts).collect()
    }

    fn befalls(&self, path: &Path) {
        if self.is_bar() {
            block(path);
        } else if let Self::Text(bytes) = self {
            fs::write(path, bytes).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    const fn is_bar(&self) -> bool {
        matches!(self, Self::Barred)
    }
}

/// Whatever becomes of one file of state, a daemon that was paused carries nothing out, and one that was not does no more
/// than it would have done; where something is lost that counts, it says so.
#[tokio::test]
async fn no_damage_to_a_file_of_state_lets_more_be_done() {
    for paused in [true, false] {
        let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
        let mut ends = crowded(&clock, 2, doing());
        let first = desk(FileStore::new(folder.path()), &clock).await;
        run_cycle(&mut ends, &first).await;
        if paused {
            first.handle().pause("ada", "looking into it").await.unwrap();
        }
        first.park().await.unwrap();
        drop(first);
        // Its launch is under way: nothing more is to be done.
        let asked = ends.hands.asked().len();
        let names = ["ledger.json", "installation.json", "memory.json"];
        let good = names.map(|name| fs::read(folder.path().join(name)).unwrap());
        for (name, bytes) in names.iter().zip(&good) {
            for damage in Damage::all(bytes) {
                let path = folder.path().join(name);
                damage.befalls(&path);
                let desk = desk(FileStore::new(folder.path()), &clock).await;
                let record = run_cycle(&mut ends, &desk).await;
                assert_eq!(ends.hands.asked().len(), asked, "{name}: {damage:?}");
                let status = desk.handle().status();
                let is_said = record.trouble.is_some() || !status.alarms().is_empty();
                let is_lost = *name == "ledger.json" || !matches!(damage, Damage::Deleted);
                assert!(
                    is_said || !is_lost || *name == "memory.json",
                    "{name}: {damage:?}"
                );
                let unpaused = status.paused.is_none() && record.trouble.is_none();
                assert!(!(paused && unpaused), "{name}: {damage:?}");
                drop(desk);
                if damage.is_bar() {
                    fs::remove_dir(&path).unwrap();
                }
                for (name, bytes) in names.iter().zip(&good) {
                    fs::write(folder.path().join(name), bytes).unwrap();
                }
            }
        }
    }
}

// The audit was run on plans that are shown, never on those that were carried out.
#[tokio::test]
async fn a_plan_with_a_flaw_buys_nothing() {
    for twice in [false, true] {
        let clock = clock();
        let mut ends = crowded(&clock, 3, Hands::new(|_| Outcome::done()));
        if twice {
            // A picture that shows a pod twice: the engine gives it two places.
            let again = ends.eyes.seen.pods[0].clone();
            ends.eyes.seen.pods.insert(0, again);
        }
        let desk = Desk::open(parts(Shaky::default(), &clock)).await;
        let record = run_cycle(&mut ends, &desk).await;
        let grows = |step: &Step| matches!(step.kind, StepKind::GrowGroup { .. });
        assert!(record.plan.steps.iter().any(grows), "{twice}");
        assert_eq!(ends.hands.asked().iter().any(grows), !twice);
        let flawed = |verdict: &Verdict| matches!(verdict, Verdict::Held(HoldReason::Flawed { .. }));
        assert_eq!(record.verdicts.iter().any(|(_, verdict)| flawed(verdict)), twice);
    }
}
