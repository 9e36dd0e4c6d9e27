//! What happens when the process ends while it compiles: by a signal that nobody can catch, or in good order. And that it
//! compiles one component at a time.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where its files cannot be written"
)]

use host::{Cache, CompileLimits, Compiler, Compiling, Engine, Limits, LoadFault, Shelf, Source, Turns};
use hostile_guests::guests::placement;
use hostile_guests::heavy;
use model::PolicyName;
use model::advice::PolicyMode;
use model::standing::PolicyScope;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Tells the process that is to die where its cache is.
const ROOM: &str = "PLIMSOLL_TEST_ROOM";
const PATIENCE: Duration = Duration::from_mins(2);
const NONE: [PathBuf; 0] = [];
/// Far less than `heavy` takes.
const SECOND: Duration = Duration::from_secs(1);

fn compiler(cpu: Duration) -> Compiling {
    Compiling::Disposable(Compiler {
        program: env!("CARGO_BIN_EXE_plimsoll-compiler").into(),
        limits: CompileLimits {
            cpu,
            ..CompileLimits::default()
        },
    })
}

fn cache(room: &Path) -> Cache {
    Cache::open(room, 64 << 20).unwrap().with_marks()
}

fn engine(room: &Path, cpu: Duration, turns: &Turns) -> Engine {
    Engine::in_turns(compiler(cpu), Some(cache(room)), turns.clone()).unwrap_or_else(|why| panic!("{why}"))
}

fn marks(room: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(room.join("compiled-policies")).into_iter().flatten();
    let paths = files.flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "compiling"))
        .collect()
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The process that is killed while it compiles; nothing where nobody has started it for that.
#[test]
fn a_process_that_dies() {
    let Some(room) = std::env::var_os(ROOM) else {
        return;
    };
    let engine = engine(Path::new(&room), Duration::from_mins(1), &Turns::default());
    let _ = engine.compile(&heavy(), &Limits::default());
}

/// Ends with the test, however that ends.
struct Doomed(Child);

impl Drop for Doomed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder in which a process died of compiling `heavy`.
fn died_in() -> tempfile::TempDir {
    let room = tempfile::tempdir().unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "a_process_that_dies"]);
    let doomed = Doomed(process.env(ROOM, room.path()).spawn().unwrap());
    until("nothing is marked", || !marks(room.path()).is_empty());
    drop(doomed);
    room
}

#[test]
fn what_a_process_died_of_is_not_compiled_again_until_told() {
    let room = died_in();
    let engine = engine(room.path(), SECOND, &Turns::default());
    let compile = |engine: &Engine| engine.compile(&heavy(), &Limits::default()).err();
    let mark = marks(room.path()).remove(0);
    let died = LoadFault::DiedCompiling { mark: mark.clone() };
    assert_eq!(compile(&engine).as_ref(), Some(&died));
    assert_eq!(compile(&engine).as_ref(), Some(&died), "it is remembered");
    let said = died.to_string();
    assert!(said.contains(&format!("remove {}", mark.display())), "{said}");
    // Others are compiled, and their room is made without forgetting it.
    assert_eq!(engine.compile(&placement("", ""), &Limits::default()).err(), None);
    assert_eq!(marks(room.path()), [mark.as_path()]);
    // Told, it is tried, and what comes of it this time is forgotten with its mark.
    let slow = Some(LoadFault::CompileTime { limit: SECOND });
    assert_eq!(compile(&engine.told()), slow);
    assert_eq!(marks(room.path()), NONE);
    assert_eq!(compile(&engine), slow);
}

#[test]
fn only_a_process_that_died_leaves_a_mark() {
    let room = tempfile::tempdir().unwrap();
    let nonsense = wat::parse_str(
        r#"(component (core module (memory 1) (func (result i32)))
          (instance $hook) (export "plimsoll:policy/placement@0.2.0" (instance $hook)))"#,
    );
    let engine = engine(room.path(), SECOND, &Turns::default());
    for (what, bytes, compiles) in [
        ("what compiles", placement("", ""), true),
        ("what does not", nonsense.unwrap(), false),
        ("what takes too long", heavy(), false),
    ] {
        let compiled = engine.compile(&bytes, &Limits::default());
        assert_eq!(compiled.is_ok(), compiles, "{what}");
        assert_eq!(marks(room.path()), NONE, "{what}");
    }
}

#[test]
fn a_process_that_ends_in_good_order_ends_its_compiler_and_blames_nothing() {
    let room = tempfile::tempdir().unwrap();
    let turns = Turns::default();
    let engine = engine(room.path(), Duration::from_mins(1), &turns);
    std::thread::scope(|threads| {
        let compiling = threads.spawn(|| engine.compile(&heavy(), &Limits::default()).err());
        until("nothing is marked", || !marks(room.path()).is_empty());
        let begun = Instant::now();
        turns.end();
        assert_eq!(marks(room.path()), NONE);
        assert_eq!(compiling.join().unwrap(), Some(LoadFault::Ending));
        assert!(begun.elapsed() < Duration::from_secs(10), "it went on compiling");
    });
    let after = engine.compile(&placement("", ""), &Limits::default()).err();
    assert_eq!(after, Some(LoadFault::Ending));
}

#[test]
fn one_component_is_compiled_at_a_time() {
    let room = tempfile::tempdir().unwrap();
    let turns = Turns::default();
    let most = std::thread::scope(|threads| {
        let guests = (0..3).map(|n| {
            placement(
                "",
                &format!("(drop (i32.const {n})) (call $drop (local.get 0)) (i32.const 1024)"),
            )
        });
        let compiling: Vec<_> = guests
            .map(|guest| {
                let engine = engine(room.path(), Duration::from_mins(1), &turns);
                threads.spawn(move || engine.compile(&guest, &Limits::default()).err())
            })
            .collect();
        let mut most = 0;
        until("they are not compiled", || {
            most = most.max(marks(room.path()).len());
            compiling.iter().all(std::thread::ScopedJoinHandle::is_finished)
        });
        for compiled in compiling {
            assert_eq!(compiled.join().unwrap(), None);
        }
        most
    });
    assert!(most <= 1, "{most} at a time");
}

#[test]
fn a_policy_of_the_shelf_is_tried_again_once_its_mark_is_gone() {
    let room = tempfile::tempdir().unwrap();
    let (file, bytes) = (room.path().join("a.wasm"), placement("", ""));
    fs::write(&file, &bytes).unwrap();
    let engine = engine(room.path(), Duration::from_mins(1), &Turns::default());
    let mark = room
        .path()
        .join("compiled-policies")
        .join(format!("{}.compiling", host::sha256(&bytes)));
    fs::write(&mark, "of a process that died").unwrap();
    let source = Source {
        name: PolicyName::new("a"),
        path: file,
        text: None,
        mode: PolicyMode::Enforce,
        config: String::new(),
        scope: PolicyScope::default(),
        limits: None,
        before: None,
        vouch: None,
    };
    let mut shelf = Shelf::new(engine, Limits::default(), vec![source]);
    assert!(shelf.refresh());
    let fault = shelf.status()[0].error.clone().map(|error| error.fault);
    assert_eq!(fault, Some(LoadFault::DiedCompiling { mark: mark.clone() }));
    assert!(!shelf.refresh(), "it is not tried again");
    fs::remove_file(&mark).unwrap();
    assert!(shelf.refresh());
    assert_eq!(shelf.status()[0].error, None);
    assert_eq!(shelf.set().entries.len(), 1);
}
