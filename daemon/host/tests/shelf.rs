//! Policies as files: replaced, broken, gone and back.

#![expect(clippy::unwrap_used, reason = "a test ends where its files cannot be written")]

use decide::policy::PolicySet;
use host::{Engine, Kind, Limits, LoadFault, Loaded, Shelf, Source, Vouch, Watch, sample};
use hostile_guests::guests::placement;
use model::advice::{Hook, PolicyFault, PolicyMode};
use model::ids::PolicyName;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const GOOD: &str = "(call $drop (local.get 0)) (i32.const 1024)";
const OTHER: &str = "(call $drop (local.get 0)) (i32.add (i32.const 1000) (i32.const 24))";
const ENDLESS: &str = "(loop $for-ever (br $for-ever)) (i32.const 1024)";

fn source(folder: &Path) -> Source {
    Source {
        name: PolicyName::new("mine"),
        path: folder.to_owned(),
        text: None,
        mode: PolicyMode::Enforce,
        config: String::new(),
        scope: model::PolicyScope::default(),
        limits: None,
        before: None,
        vouch: None,
    }
}

fn write(folder: &Path, bytes: &[u8]) {
    let new = folder.join("new");
    fs::write(&new, bytes).unwrap();
    fs::rename(new, folder.join("mine.wasm")).unwrap();
}

fn ask(set: &PolicySet) -> Result<(), PolicyFault> {
    let advised = set.entries[0]
        .policy
        .advise(&sample::rows(3).view(Hook::Placement), &[]);
    advised.answer.map(|_| ())
}

#[test]
fn the_last_good_one_stays_until_a_better_comes() {
    let room = tempfile::tempdir().unwrap();
    let folder = room.path();
    let mut shelf = Shelf::new(Engine::new().unwrap(), Limits::default(), vec![source(folder)]);
    assert!(shelf.refresh());
    assert!(shelf.set().entries.is_empty());
    assert!(matches!(&shelf.status()[0].error, Some(why) if matches!(why.fault, LoadFault::Io(_))));
    assert!(!shelf.refresh(), "the same refusal is news once");

    write(folder, &placement("", GOOD));
    assert!(shelf.refresh() && !shelf.refresh());
    let good = shelf.set();
    assert_eq!((ask(&good), good.entries[0].digest.len()), (Ok(()), 64));
    assert_eq!(shelf.status()[0].error, None);

    write(folder, b"rubbish");
    assert!(shelf.refresh() && !shelf.refresh());
    let kept = shelf.set();
    assert_eq!(
        (ask(&kept), &kept.entries[0].digest),
        (Ok(()), &good.entries[0].digest)
    );
    let why = shelf.status()[0].error.clone().unwrap();
    assert_eq!(why.fault, LoadFault::NotWasm);
    assert!(why.to_string().contains("mine.wasm"), "{why}");

    // One that loads but loops is in force: its faults are the cycle's to see.
    write(folder, &placement("", ENDLESS));
    assert!(shelf.refresh());
    assert!(matches!(ask(&shelf.set()), Err(PolicyFault::Fuel { .. })));
    assert_ne!(shelf.set().entries[0].digest, good.entries[0].digest);

    write(folder, &placement("", OTHER));
    assert!(shelf.refresh());
    assert_eq!((ask(&shelf.set()), ask(&good)), (Ok(()), Ok(())));
    assert_eq!(shelf.set().entries[0].mode, PolicyMode::Enforce);

    fs::remove_file(folder.join("mine.wasm")).unwrap();
    assert!(shelf.refresh());
    assert_eq!(ask(&shelf.set()), Ok(()));
    assert!(shelf.status()[0].error.is_some());
}

/// One-line rules, as the daemon has them.
struct Rules;

impl Kind for Rules {
    fn takes(&self, file: &Path) -> bool {
        rules::is_rules(file)
    }

    fn load(&self, bytes: &[u8], config_json: &str) -> Result<Loaded, String> {
        let rules = rules::read(bytes, config_json).map_err(|why| why.to_string())?;
        Ok(Loaded {
            digest: rules.digest().to_owned(),
            policy: Arc::new(rules),
        })
    }
}

#[test]
fn files_of_another_kind_are_watched_and_kept_alike() {
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("mine.rules");
    let put = |text: &str| {
        let new = room.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, &file).unwrap();
    };
    put("placement: forbid fargate");
    let stands_there = Source {
        name: PolicyName::new("here"),
        path: "here.rules".into(),
        text: Some("review: hold".to_owned()),
        ..source(room.path())
    };
    let sources = vec![source(&file), stands_there];
    let mut shelf = Shelf::new(Engine::new().unwrap(), Limits::default(), sources).with(Box::new(Rules));
    assert!(shelf.refresh() && !shelf.refresh());
    let first = shelf.set();
    let hooks: Vec<&[Hook]> = first.entries.iter().map(|entry| entry.policy.hooks()).collect();
    assert_eq!(hooks, [&[Hook::Placement][..], &[Hook::Review]]);
    assert_eq!(ask(&first), Ok(()));

    put("# said in other words\nplacement: forbid fargate");
    assert!(!shelf.refresh(), "a comment is no other policy");
    put("placement: forbid fargat");
    assert!(shelf.refresh());
    let why = shelf.status()[0].error.clone().unwrap().to_string();
    assert!(why.ends_with("mine.rules: line 1, column 19: a place was expected: fargate, ec2, spot, on-demand, reserved, any, group, set, arch; did you mean fargate?"), "{why}");
    assert_eq!(shelf.set().entries[0].digest, first.entries[0].digest);
    put("placement: forbid spot");
    assert!(shelf.refresh());
    assert_ne!(shelf.set().entries[0].digest, first.entries[0].digest);
    assert_eq!(shelf.status()[0].error, None);
    assert_eq!(shelf.set().entries[1].digest, first.entries[1].digest);
}

#[test]
fn a_watch_brings_a_replaced_file_into_force_by_itself() {
    let room = tempfile::tempdir().unwrap();
    let folder = room.path();
    write(folder, &placement("", GOOD));
    let sources = vec![source(folder)];
    let mut shelf = Shelf::new(Engine::new().unwrap(), Limits::default(), sources);
    shelf.refresh();
    let watch = Watch::start(shelf, Duration::from_millis(10)).unwrap();
    let first = watch.current().entries[0].digest.clone();
    write(folder, &placement("", OTHER));
    let started = Instant::now();
    while watch.current().entries[0].digest == first {
        assert!(started.elapsed() < Duration::from_mins(1), "{:?}", watch.status());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(ask(&watch.current()), Ok(()));
}

#[test]
fn a_file_changed_in_place_under_its_old_date_is_noticed() {
    let room = tempfile::tempdir().unwrap();
    let folder = room.path();
    let good = placement("", GOOD);
    write(folder, &good);
    let sources = vec![source(folder)];
    let mut shelf = Shelf::new(Engine::new().unwrap(), Limits::default(), sources);
    assert!(shelf.refresh() && !shelf.refresh());
    let file = fs::File::options()
        .write(true)
        .open(folder.join("mine.wasm"))
        .unwrap();
    let dated = file.metadata().unwrap().modified().unwrap();
    // Longer than a tick of the clock by which the file system dates.
    std::thread::sleep(Duration::from_millis(50));
    fs::write(folder.join("mine.wasm"), vec![b'x'; good.len()]).unwrap();
    file.set_modified(dated).unwrap();
    assert!(shelf.refresh());
    assert_eq!(shelf.status()[0].error.clone().unwrap().fault, LoadFault::NotWasm);
}

#[test]
fn a_file_that_comes_back_as_it_was_is_in_force_without_a_complaint() {
    let room = tempfile::tempdir().unwrap();
    let (file, link) = (room.path().join("kept"), room.path().join("mine.wasm"));
    fs::write(&file, placement("", GOOD)).unwrap();
    let point_to = |target: &Path| {
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(target, &link).unwrap();
    };
    point_to(&file);
    let sources = vec![source(room.path())];
    let mut shelf = Shelf::new(Engine::new().unwrap(), Limits::default(), sources);
    assert!(shelf.refresh());
    point_to(Path::new("/dev/null"));
    assert!(shelf.refresh());
    assert!(shelf.status()[0].error.is_some());
    point_to(&file);
    assert!(shelf.refresh());
    assert_eq!(shelf.status()[0].error, None);
}

#[test]
fn no_special_files_and_no_giants() {
    let room = tempfile::tempdir().unwrap();
    let folder = room.path();
    let limits = Limits {
        wasm_bytes: 100,
        ..Limits::default()
    };
    write(folder, &[0; 101]);
    let engine = Engine::new().unwrap();
    let mut shelf = Shelf::new(engine.clone(), limits, vec![source(folder)]);
    shelf.refresh();
    let fault = shelf.status()[0].error.clone().unwrap().fault;
    assert_eq!(
        fault,
        LoadFault::TooLarge {
            bytes: 101,
            limit: 100
        }
    );
    let mut device = source(folder);
    device.path = "/dev/zero".into();
    let mut shelf = Shelf::new(engine, Limits::default(), vec![device]);
    shelf.refresh();
    let fault = shelf.status()[0].error.clone().unwrap().fault;
    assert_eq!(fault, LoadFault::Io("not a regular file".to_owned()));
}

#[test]
fn a_component_that_is_rejected_makes_way_for_the_one_before_and_does_not_come_back() {
    let room = tempfile::tempdir().unwrap();
    let folder = room.path();
    let (good, bad) = (placement("", GOOD), placement("", OTHER));
    let digest = |shelf: &Shelf| shelf.set().entries[0].digest.clone();
    let (of_good, of_bad) = (host::sha256(&good), host::sha256(&bad));
    write(folder, &good);
    let sources = vec![source(folder)];
    let mut shelf = Shelf::new(Engine::new().unwrap(), Limits::default(), sources);
    assert!(shelf.refresh());
    let mine = PolicyName::new("mine");
    assert!(!shelf.reject(&"other".into(), &of_good), "nobody of this name");
    write(folder, &bad);
    assert!(shelf.refresh() && digest(&shelf) == of_bad);
    assert!(shelf.reject(&mine, &of_bad) && digest(&shelf) == of_good);
    assert!(!shelf.refresh(), "the same file is not looked at again");
    write(folder, &bad);
    assert!(
        !shelf.refresh() && digest(&shelf) == of_good,
        "the same bytes anew"
    );
    let better = placement(
        "",
        "(call $drop (local.get 0)) (drop (i32.const 3)) (i32.const 1024)",
    );
    write(folder, &better);
    assert!(shelf.refresh() && digest(&shelf) == host::sha256(&better));
    // Where nothing else is known it stays: whoever rejected it leaves it in shadow.
    let (engine, limits) = (Engine::new().unwrap(), Limits::default());
    let mut alone = Shelf::new(engine.clone(), limits.clone(), vec![source(folder)]);
    alone.refresh();
    assert!(!alone.reject(&mine, &host::sha256(&better)) && digest(&alone) == host::sha256(&better));
    // One that was loaded elsewhere stands beside the others, and takes the place of its like.
    let handed = |bytes: &[u8]| Loaded {
        digest: host::sha256(bytes),
        policy: Arc::new(engine.load(bytes, &"handed".into(), "", &limits).unwrap()),
    };
    let mut behind = source(Path::new(""));
    behind.name = "handed".into();
    alone.put(behind.clone(), handed(&good));
    alone.put(behind, handed(&bad));
    assert!(!alone.refresh(), "no file is behind it");
    let digests: Vec<String> = alone
        .set()
        .entries
        .iter()
        .map(|entry| entry.digest.clone())
        .collect();
    assert_eq!(digests, [host::sha256(&better), of_bad]);
}

/// A roll-back is in the Ledger and the bad file still there when a daemon starts again.
#[test]
fn a_roll_back_after_a_restart_finds_the_one_before() {
    let room = tempfile::tempdir().unwrap();
    let (folder, past) = (room.path(), room.path().join("past"));
    let (good, bad) = (placement("", GOOD), placement("", OTHER));
    let (of_good, of_bad) = (host::sha256(&good), host::sha256(&bad));
    let engine = Engine::new().unwrap();
    let started = |source: Source| {
        let mut shelf = Shelf::new(engine.clone(), Limits::default(), vec![source]);
        shelf.keep_in(&past).unwrap();
        shelf.refresh();
        shelf
    };
    let digest = |shelf: &Shelf| shelf.set().entries[0].digest.clone();
    let (mine, usual) = (PolicyName::new("mine"), source(folder));
    write(folder, &good);
    let mut shelf = started(usual.clone());
    write(folder, &bad);
    assert!(shelf.refresh() && digest(&shelf) == of_bad);
    drop(shelf);
    for _ in 0..2 {
        let mut again = started(usual.clone());
        assert_eq!(digest(&again), of_bad);
        assert!(again.reject(&mine, &of_bad) && digest(&again) == of_good);
        assert_eq!(ask(&again.set()), Ok(()));
        assert!(
            !again.refresh() && !again.reject(&mine, &of_good),
            "nothing is before it"
        );
    }
    // What a registry brought lies where it was verified, and nowhere else.
    let before = folder.join("mine.before");
    let fetched = Source {
        before: Some(before.clone()),
        ..usual
    };
    assert!(!started(fetched.clone()).reject(&mine, &of_bad));
    fs::write(&before, &good).unwrap();
    let mut again = started(fetched);
    assert!(again.reject(&mine, &of_bad) && digest(&again) == of_good);
}

// Whatever lay in a folder of state used to be loaded, in the mode of the policy that had been put there.
#[test]
fn a_file_that_is_not_what_was_put_there_is_not_loaded_and_is_told() {
    let room = tempfile::tempdir().unwrap();
    let folder = room.path();
    let (good, bad) = (placement("", GOOD), placement("", OTHER));
    let vouched = Source {
        vouch: Some(Vouch::only(&host::sha256(&good))),
        before: Some(folder.join("mine.before")),
        ..source(folder)
    };
    let mut shelf = Shelf::new(Engine::new().unwrap(), Limits::default(), vec![vouched]);
    let fault = |shelf: &Shelf| shelf.status()[0].error.clone().map(|error| error.fault);
    write(folder, &bad);
    assert!(shelf.refresh() && shelf.set().entries.is_empty());
    let found = host::sha256(&bad);
    assert_eq!(fault(&shelf), Some(LoadFault::NotMeant { found }));
    write(folder, &good);
    assert!(shelf.refresh() && fault(&shelf).is_none());
    write(folder, &bad);
    assert!(shelf.refresh() && fault(&shelf).is_some());
    assert_eq!(shelf.set().entries[0].digest, host::sha256(&good));
    // Nor is it gone back to.
    fs::write(folder.join("mine.before"), &bad).unwrap();
    assert!(!shelf.reject(&PolicyName::new("mine"), &host::sha256(&good)));
}
