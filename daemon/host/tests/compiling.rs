//! Compiling in a process of its own, and what is kept of it on disk.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where its files cannot be written"
)]

use decide::Policy;
use host::{Cache, CompileLimits, Compiler, Compiling, Engine, Limits, LoadFault, WasmPolicy, sample};
use hostile_guests::guests::placement;
use hostile_guests::heavy;
use model::advice::Hook;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

const OTHER: &str = "(call $drop (local.get 0)) (i32.add (i32.const 1000) (i32.const 24))";
const ROOM: u64 = 64 << 20;

fn compiler(limits: CompileLimits) -> Compiling {
    program(env!("CARGO_BIN_EXE_plimsoll-compiler"), limits)
}

fn program(program: &str, limits: CompileLimits) -> Compiling {
    Compiling::Disposable(Compiler {
        program: program.into(),
        limits,
    })
}

fn engine(compiling: Compiling, cache: Option<Cache>) -> Engine {
    Engine::with(compiling, cache).unwrap_or_else(|why| panic!("{why}"))
}

fn fuel(policy: &WasmPolicy) -> u64 {
    let advised = policy.advise(&sample::rows(3).view(Hook::Placement), &[]);
    assert!(advised.answer.is_ok(), "{:?}", advised.answer);
    advised.fuel
}

fn fault(compiling: Compiling, bytes: &[u8]) -> LoadFault {
    let refused = engine(compiling, None).compile(bytes, &Limits::default());
    refused.err().unwrap()
}

#[test]
fn it_makes_no_difference_where_a_policy_is_compiled() {
    let bytes = placement("", "");
    let limits = Limits::default();
    let here = engine(Compiling::InThisProcess, None)
        .compile(&bytes, &limits)
        .unwrap();
    let there = engine(compiler(CompileLimits::default()), None)
        .compile(&bytes, &limits)
        .unwrap();
    let both = [here, there].map(|compiled| fuel(&compiled.configured("", &limits).unwrap()));
    assert_eq!(both[0], both[1]);
}

#[test]
fn what_compiles_too_dearly_is_cut_off() {
    let bytes = heavy();
    let second = CompileLimits {
        cpu: Duration::from_secs(1),
        ..CompileLimits::default()
    };
    let limit = Duration::from_secs(1);
    assert_eq!(fault(compiler(second), &bytes), LoadFault::CompileTime { limit });
    let limit = Duration::from_millis(200);
    let hurried = CompileLimits {
        wall: limit,
        ..CompileLimits::default()
    };
    assert_eq!(fault(compiler(hurried), &bytes), LoadFault::CompileTime { limit });
    let limit = 300 << 20;
    let narrow = CompileLimits {
        memory_bytes: limit,
        ..CompileLimits::default()
    };
    assert_eq!(
        fault(compiler(narrow), &bytes),
        LoadFault::CompileMemory { limit }
    );
    let small = CompileLimits {
        artefact_bytes: 1000,
        ..CompileLimits::default()
    };
    let refused = fault(compiler(small), &placement("", ""));
    assert!(
        matches!(refused, LoadFault::Excessive { limit: 1000, .. }),
        "{refused}"
    );
}

#[test]
fn what_is_no_compiler_is_told_from_a_policy_that_does_not_compile() {
    let bytes = placement("", "");
    for name in ["/nowhere/plimsoll", "/bin/true", "/bin/false"] {
        let refused = fault(program(name, CompileLimits::default()), &bytes);
        assert!(matches!(refused, LoadFault::NoCompiler(_)), "{name}: {refused}");
    }
    // Writes for ever, and not what a compiler writes.
    let bounded = CompileLimits {
        artefact_bytes: 1 << 20,
        ..CompileLimits::default()
    };
    let refused = fault(program("/usr/bin/yes", bounded), &bytes);
    assert!(
        matches!(refused, LoadFault::CompilerDied(_) | LoadFault::NoCompiler(_)),
        "{refused}"
    );
    let nonsense = wat::parse_str(
        r#"(component (core module (memory 1) (func (result i32)))
          (instance $hook) (export "plimsoll:policy/placement@0.2.0" (instance $hook)))"#,
    )
    .unwrap();
    let refused = fault(compiler(CompileLimits::default()), &nonsense);
    assert!(
        matches!(&refused, LoadFault::Compile(why) if why.contains("type mismatch")),
        "{refused}"
    );
}

#[test]
fn what_is_kept_is_not_compiled_again() {
    let room = tempfile::tempdir().unwrap();
    let cache = || Some(Cache::open(room.path(), ROOM).unwrap());
    let limits = Limits::default();
    let bytes = placement("", "");
    let first = engine(compiler(CompileLimits::default()), cache())
        .compile(&bytes, &limits)
        .unwrap();
    assert_eq!(
        (first.origin().cached, first.origin().complaint.as_deref()),
        (false, None)
    );
    // No compiler: it must come from the cache.
    let nowhere = program("/nowhere/plimsoll", CompileLimits::default());
    let again = engine(nowhere.clone(), cache());
    let second = again.compile(&bytes, &limits).unwrap();
    assert!(second.origin().cached);
    let both = [first, second].map(|compiled| fuel(&compiled.configured("", &limits).unwrap()));
    assert_eq!(both[0], both[1]);
    let refused = again.compile(&placement("", OTHER), &limits);
    assert!(matches!(refused.err(), Some(LoadFault::NoCompiler(_))));
    // Another host's key: nothing of it is believed.
    let elsewhere = tempfile::tempdir().unwrap();
    let theirs = Cache::open(elsewhere.path(), ROOM).unwrap();
    fs::copy(
        kept(room.path()),
        ours(elsewhere.path()).join(kept(room.path()).file_name().unwrap()),
    )
    .unwrap();
    assert!(engine(nowhere, Some(theirs)).compile(&bytes, &limits).is_err());
}

fn ours(room: &Path) -> PathBuf {
    room.join("compiled-policies")
}

/// The one file of code in the cache.
fn kept(room: &Path) -> PathBuf {
    let mut files = code(room);
    assert_eq!(files.len(), 1);
    files.remove(0)
}

fn code(room: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(ours(room))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|ending| ending == "cwasm"))
        .collect()
}

/// What may have become of a file of code.
type Damage = fn(&Path);

const DAMAGES: [(&str, Damage); 9] = [
    ("a bit is another", |file| {
        change(file, |bytes| {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        });
    }),
    ("the seal is another", |file| change(file, |bytes| bytes[0] ^= 1)),
    ("it is cut off", |file| {
        change(file, |bytes| bytes.truncate(bytes.len() / 2));
    }),
    ("nothing is left but the seal", |file| {
        change(file, |bytes| bytes.truncate(32));
    }),
    ("it is empty", |file| change(file, Vec::clear)),
    ("it goes on", |file| change(file, |bytes| bytes.push(0))),
    ("others may write to it", |file| {
        fs::set_permissions(file, fs::Permissions::from_mode(0o666)).unwrap();
    }),
    ("it is a link", |file| {
        let moved = file.with_extension("moved");
        fs::rename(file, &moved).unwrap();
        symlink(&moved, file).unwrap();
    }),
    ("the key is another", |file| {
        let key = file.with_file_name("key");
        change(&key, |bytes| bytes[0] ^= 1);
    }),
];

fn change(file: &Path, how: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    how(&mut bytes);
    fs::write(file, bytes).unwrap();
}

#[test]
fn what_this_host_did_not_write_is_never_run() {
    let limits = Limits::default();
    let bytes = placement("", "");
    for (what, damage) in DAMAGES {
        let room = tempfile::tempdir().unwrap();
        let compile = || {
            let cache = Cache::open(room.path(), ROOM).unwrap();
            let engine = engine(compiler(CompileLimits::default()), Some(cache));
            engine.compile(&bytes, &limits).unwrap().origin().clone()
        };
        assert!(!compile().cached);
        damage(&kept(room.path()));
        let origin = compile();
        assert!(!origin.cached, "{what}");
        let why = origin.complaint.unwrap_or_default();
        assert!(why.contains(".cwasm: "), "{what}: {why}");
        assert_eq!(
            (compile().cached, compile().complaint),
            (true, None),
            "{what}: it was not written anew"
        );
    }
}

#[test]
fn code_of_one_component_is_no_code_of_another() {
    let room = tempfile::tempdir().unwrap();
    let engine = || {
        let cache = Cache::open(room.path(), ROOM).unwrap();
        engine(compiler(CompileLimits::default()), Some(cache))
    };
    let limits = Limits::default();
    let (one, other) = (placement("", ""), placement("", OTHER));
    engine().compile(&one, &limits).unwrap();
    let first = kept(room.path());
    engine().compile(&other, &limits).unwrap();
    let second = code(room.path()).into_iter().find(|file| *file != first).unwrap();
    fs::copy(&first, &second).unwrap();
    let compiled = engine().compile(&other, &limits).unwrap();
    assert!(!compiled.origin().cached && compiled.origin().complaint.is_some());
}

#[test]
fn a_folder_that_others_may_write_to_is_no_cache() {
    let room = tempfile::tempdir().unwrap();
    Cache::open(room.path(), ROOM).unwrap();
    fs::set_permissions(ours(room.path()), fs::Permissions::from_mode(0o777)).unwrap();
    let refused = Cache::open(room.path(), ROOM).err().unwrap();
    assert!(
        refused.contains("compiled-policies: open to other users (mode 0777)"),
        "{refused}"
    );
    let refused = Cache::open(Path::new("/dev/null"), ROOM).err().unwrap();
    assert!(
        refused.starts_with("/dev/null/compiled-policies: cannot be made"),
        "{refused}"
    );
}

#[test]
fn the_longest_unused_makes_room() {
    let room = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let guest = |n: u32| {
        placement(
            "",
            &format!("(drop (i32.const {n})) (call $drop (local.get 0)) (i32.const 1024)"),
        )
    };
    let compile = |most: u64, n: u32| {
        let engine = engine(
            Compiling::InThisProcess,
            Some(Cache::open(room.path(), most).unwrap()),
        );
        engine.compile(&guest(n), &limits).unwrap().origin().clone()
    };
    compile(ROOM, 0);
    let one = fs::metadata(kept(room.path())).unwrap().len();
    let three = one * 3 + one / 2;
    for n in 1..3 {
        std::thread::sleep(Duration::from_millis(20));
        compile(three, n);
    }
    std::thread::sleep(Duration::from_millis(20));
    assert!(compile(three, 0).cached, "used, so it is the youngest");
    std::thread::sleep(Duration::from_millis(20));
    compile(three, 3);
    assert_eq!(code(room.path()).len(), 3);
    assert!(compile(three, 0).cached && compile(three, 2).cached && compile(three, 3).cached);
    let complaint = compile(one / 2, 9).complaint.unwrap();
    assert!(complaint.contains("more than the cache may hold"), "{complaint}");
}
