//! What a policy may try, and what comes of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends where a guest cannot be made"
)]

use decide::Policy;
use decide::policy::Advised;
use host::{Engine, Limits, LoadFault, WasmPolicy, sample};
use hostile_guests::guests::{
    self, disruption, everything_imported, foreign, old_placement, placement, review, scaler,
};
use model::advice::{Advice, Hook, PlacementAdvice, PolicyFault, ScaleRow};
use model::ids::PolicyName;
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The answer at 1024: Ok with empty lists.
const EMPTY: &str = "(call $drop (local.get 0)) (i32.const 1024)";
const ENDLESS: &str = "(loop $for-ever (br $for-ever)) (i32.const 1024)";

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap())
}

fn load(bytes: &[u8], limits: &Limits) -> Result<WasmPolicy, LoadFault> {
    let loaded = engine().load(bytes, &PolicyName::new("hostile"), "", limits);
    loaded.map_err(|why| why.fault)
}

fn place(declarations: &str, body: &str) -> Advised {
    let policy = load(&placement(declarations, body), &Limits::default()).unwrap();
    policy.advise(&sample::rows(3).view(Hook::Placement), &[])
}

fn fault(declarations: &str, body: &str) -> PolicyFault {
    place(declarations, body).answer.unwrap_err()
}

/// Bytes as text of a data segment.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\{byte:02x}").expect("writing to a String");
        text
    })
}

#[test]
fn a_harmless_one_runs_and_always_alike() {
    let policy = load(&placement("", EMPTY), &Limits::default()).unwrap();
    let sample = sample::rows(3);
    let first = policy.advise(&sample.view(Hook::Placement), &[]);
    assert_eq!(first.answer, Ok(Advice::Placement(PlacementAdvice::default())));
    assert!(first.fuel > 0 && first.fuel < 1000);
    for _ in 0..100 {
        assert_eq!(policy.advise(&sample.view(Hook::Placement), &[]), first);
    }
}

#[test]
fn nothing_is_remembered() {
    // Marks every page it has, and says so where one is marked already.
    let body = "(local $at i32)
        (loop $again
          (if (i32.load (i32.add (local.get $at) (i32.const 16)))
            (then (call $log (i32.const 3) (i32.const 0) (i32.const 4))))
          (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const 1))
          (local.set $at (i32.add (local.get $at) (i32.const 4096)))
          (br_if $again (i32.lt_u (local.get $at) (i32.const 2000000))))
        (call $drop (local.get 0)) (i32.const 1024)";
    let grown = format!("(drop (memory.grow (i32.const 40))) {body}").replacen("(local $at i32)", "", 1);
    let policy = load(
        &placement("", &format!("(local $at i32) {grown}")),
        &Limits::default(),
    )
    .unwrap();
    let sample = sample::rows(3);
    for _ in 0..200 {
        let advised = policy.advise(&sample.view(Hook::Placement), &[]);
        assert!(advised.answer.is_ok());
        assert_eq!(
            advised.log,
            Vec::<String>::new(),
            "memory of an earlier evaluation"
        );
    }
}

#[test]
fn every_function_of_the_contract_is_linked() {
    // Its `configure` traps, which is how one knows that it was instantiated.
    for version in [guests::NOW, "0.1.0"] {
        let refused = load(&everything_imported(version), &Limits::default())
            .err()
            .unwrap();
        assert!(
            matches!(&refused, LoadFault::Config { fault: PolicyFault::Trap(why), .. } if why.contains("unreachable")),
            "{version}: {refused}"
        );
    }
}

#[test]
fn a_policy_of_an_older_version_answers_as_before() {
    let policy = load(&old_placement("0.1.0", EMPTY), &Limits::default()).unwrap();
    let advised = policy.advise(&sample::rows(5).view(Hook::Placement), &[]);
    assert_eq!(advised.answer, Ok(Advice::Placement(PlacementAdvice::default())));
    let now = load(&placement("", EMPTY), &Limits::default()).unwrap();
    let now = now.advise(&sample::rows(5).view(Hook::Placement), &[]);
    assert_eq!((now.answer, now.fuel), (advised.answer, advised.fuel));
}

/// An answer of `judge`: Ok, one denial of a row with a code, one addend for a row.
fn verdict(denied: u32, codes: u32, addend: f64) -> Vec<u8> {
    let text = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "\\{byte:02x}");
            text
        })
    };
    let data = format!(
        r#"(data (i32.const 4096) "{}") (data (i32.const 4104) "\07\00") (data (i32.const 4112) "{}")"#,
        text(&denied.to_le_bytes()),
        text(&addend.to_le_bytes()),
    );
    let lists = [(4096, 1), (4104, codes), (4096, 1), (4112, 1), (4104, 1)];
    let stores = lists
        .iter()
        .enumerate()
        .fold(String::new(), |mut code, (at, (from, len))| {
            let at = 3076 + at * 8;
            let _ = write!(
                code,
                "(i32.store (i32.const {at}) (i32.const {from}))(i32.store (i32.const {}) (i32.const {len}))",
                at + 4
            );
            code
        });
    disruption(
        &data,
        &format!(
            "(call $explain (i32.const 1) (i32.const 7) (i32.const 4096) (i32.const 0)) {stores} (call $drop (local.get 0)) (i32.const 3072)"
        ),
    )
}

#[test]
fn verdicts_are_believed_only_where_they_can_be_meant() {
    let judged = |guest: Vec<u8>| {
        let policy = load(&guest, &Limits::default()).unwrap();
        policy.advise(&sample::rows(2).view(Hook::Disruption), &[]).answer
    };
    let Ok(Advice::Disruption(verdicts)) = judged(verdict(1, 1, 0.5)) else {
        panic!("{:?}", judged(verdict(1, 1, 0.5)))
    };
    assert_eq!(verdicts.addends, [(1, 500_000_000, 7)]);
    assert_eq!((verdicts.denials[0].row, verdicts.denials[0].code), (1, 7));
    for (guest, why) in [
        (verdict(2, 1, 0.5), "candidate row 2; there are 2"),
        (
            verdict(1, 0, 0.5),
            "the lists of denials have different lengths: [1, 0]",
        ),
        (verdict(1, 1, f64::NAN), "an addend of NaN dollars per hour"),
        (verdict(1, 1, 1e7), "an addend of 10000000 dollars per hour"),
    ] {
        assert_eq!(judged(guest), Err(PolicyFault::Nonsense(why.to_owned())));
    }
}

#[test]
fn what_is_kept_comes_back_and_is_bounded() {
    // Keeps what it was given and one byte more, so many at least.
    let keeps = |at_least: u32| {
        let body = format!(
            "(call $state (local.get 0) (i32.const 4096))
             (call $keep (i32.load (i32.const 4096))
               (i32.add (i32.const {at_least}) (i32.load (i32.const 4100))))
             (call $drop (local.get 0)) (i32.const 1024)"
        );
        load(&placement("", &body), &Limits::default()).unwrap()
    };
    let (policy, sample) = (keeps(1), sample::rows(2));
    let kept = |kept: &[u8]| policy.advise(&sample.view(Hook::Placement), kept);
    assert_eq!(kept(&[]).kept.unwrap().0.len(), 1);
    assert_eq!(kept(b"ab").kept.unwrap().0[..2], *b"ab");
    assert!(kept(b"ab").fuel > kept(b"").fuel, "reading is not free");
    assert_eq!(kept(&vec![7; 65_535]).kept.unwrap().0.len(), 65_536);
    let too_much = kept(&vec![7; 65_536]);
    let fault = PolicyFault::Resource {
        what: "bytes of state".to_owned(),
    };
    assert_eq!((too_much.answer, too_much.kept), (Err(fault), None));
}

#[test]
fn holds_are_believed_only_where_they_can_be_meant() {
    // Two rows at 4096, two codes at 4104; how many of each are handed over is the test's.
    let holds = |rows: [u8; 2], counts: [u32; 2]| {
        let data = format!(
            r#"(data (i32.const 4096) "\{:02x}\00\00\00\{:02x}\00\00\00") (data (i32.const 4104) "\05\00\06\00")"#,
            rows[0], rows[1]
        );
        let body = format!(
            "(i32.store (i32.const 3076) (i32.const 4096))(i32.store (i32.const 3080) (i32.const {}))
             (i32.store (i32.const 3084) (i32.const 4104))(i32.store (i32.const 3088) (i32.const {}))
             (call $drop (local.get 0)) (i32.const 3072)",
            counts[0], counts[1]
        );
        let policy = load(&review(&data, &body), &Limits::default()).unwrap();
        policy.advise(&sample::rows(2).view(Hook::Review), &[]).answer
    };
    let Ok(Advice::Review(held)) = holds([1, 0], [2, 2]) else {
        panic!("{:?}", holds([1, 0], [2, 2]))
    };
    let held: Vec<(u32, u16)> = held.iter().map(|hold| (hold.step.ordinal, hold.code)).collect();
    assert_eq!(held, [(1, 5), (0, 6)]);
    // Short forms: one code for all rows, no rows for every one.
    for (counts, expected) in [([2, 1], [(0, 5), (1, 5)]), ([0, 2], [(0, 5), (1, 6)])] {
        let Ok(Advice::Review(held)) = holds([0, 1], counts) else {
            panic!("{:?}", holds([0, 1], counts))
        };
        let held: Vec<(u32, u16)> = held.iter().map(|hold| (hold.step.ordinal, hold.code)).collect();
        assert_eq!(held, expected);
    }
    for (answer, why) in [
        (holds([1, 1], [2, 2]), "hold of step row 1 twice"),
        (holds([0, 2], [2, 2]), "step row 2; there are 2"),
        (
            holds([0, 1], [2, 0]),
            "the lists of holds have different lengths: [2, 0]",
        ),
        (
            holds([0, 1], [0, 1]),
            "the lists of holds have different lengths: [0, 1]",
        ),
    ] {
        assert_eq!(answer, Err(PolicyFault::Nonsense(why.to_owned())));
    }
}

#[test]
fn an_endless_loop_runs_out_of_fuel_first() {
    // Three classes and two sets; groups, offers, nodes and pods by tenths.
    let limit = Limits::default().budget(5 + 1);
    let advised = place("", ENDLESS);
    assert_eq!(advised.answer, Err(PolicyFault::Fuel { limit }));
    assert_eq!(advised.fuel, limit);
}

#[test]
fn with_fuel_without_end_the_deadline_cuts_it_off() {
    let limits = Limits {
        fuel: u64::MAX / 2,
        deadline: Duration::from_millis(100),
        ..Limits::default()
    };
    let policy = load(&placement("", ENDLESS), &limits).unwrap();
    let advised = policy.advise(&sample::rows(3).view(Hook::Placement), &[]);
    assert!(matches!(advised.answer, Err(PolicyFault::Deadline { limit }) if limit.millis() == 100));
}

#[test]
fn a_deadline_is_no_matter_of_who_else_runs() {
    let slow = Limits {
        fuel: u64::MAX / 2,
        deadline: Duration::from_millis(200),
        ..Limits::default()
    };
    let endless = load(&placement("", ENDLESS), &slow).unwrap();
    let quick = load(&placement("", EMPTY), &Limits::default()).unwrap();
    let sample = sample::rows(3);
    std::thread::scope(|threads| {
        let looping = threads.spawn(|| endless.advise(&sample.view(Hook::Placement), &[]));
        while !looping.is_finished() {
            assert!(quick.advise(&sample.view(Hook::Placement), &[]).answer.is_ok());
        }
        assert!(matches!(
            looping.join().unwrap().answer,
            Err(PolicyFault::Deadline { .. })
        ));
    });
}

#[test]
fn traps_and_stack_bombs() {
    assert!(matches!(fault("", "unreachable"), PolicyFault::Trap(why) if why.contains("unreachable")));
    assert!(matches!(
        fault("", "(i32.div_u (i32.const 1) (i32.const 0))"),
        PolicyFault::Trap(_)
    ));
    let recursion =
        "(func $down (param i32) (result i32) (i32.add (call $down (local.get 0)) (i32.const 1)))";
    assert!(
        matches!(fault(recursion, "(call $down (i32.const 0))"), PolicyFault::Trap(why) if why.contains("stack"))
    );
}

#[test]
fn memory_and_tables_are_bounded() {
    let grow = "(drop (memory.grow (i32.const 2000)))";
    let what = |resource: &str| PolicyFault::Resource {
        what: resource.to_owned(),
    };
    assert_eq!(fault("", &format!("{grow}{EMPTY}")), what("memory"));
    let table = "(table $t 0 funcref)";
    let grow = "(drop (table.grow $t (ref.null func) (i32.const 100001)))";
    assert_eq!(fault(table, &format!("{grow}{EMPTY}")), what("table elements"));
}

#[test]
fn answers_are_not_believed() {
    // At 3072 an answer: Ok, then for each list its address and length.
    let answer = |lists: [u32; 9]| {
        let mut bytes = vec![0_u8; 4];
        for length in lists {
            bytes.extend(8192_u32.to_le_bytes());
            bytes.extend(length.to_le_bytes());
        }
        let text: String = escaped(&bytes);
        format!("(data (i32.const 3072) \"{text}\")")
    };
    let nonsense = |lists: [u32; 9], data: &str| {
        let declarations = format!("{}(data (i32.const 8192) \"{data}\")", answer(lists));
        match fault(&declarations, "(call $drop (local.get 0)) (i32.const 3072)") {
            PolicyFault::Nonsense(why) => why,
            other => panic!("{other}"),
        }
    };
    // All lists lie at the same place: rows, factors and codes are the same bytes.
    assert!(nonsense([1, 0, 0, 0, 0, 0, 0, 0, 0], "").contains("different lengths"));
    assert!(nonsense([0, 0, 1, 2, 3, 0, 0, 0, 0], "").contains("different lengths"));
    assert!(nonsense([0, 0, 0, 1, 2, 0, 0, 0, 0], "").contains("different lengths"));
    assert!(nonsense([1, 1, 0, 0, 0, 0, 0, 0, 0], "").contains("a factor of 0"));
    assert!(nonsense([1, 1, 0, 0, 0, 0, 0, 0, 0], "\\09").contains("set row 9; there are 2"));
    assert!(nonsense([0, 0, 1, 1, 1, 0, 0, 0, 0], "\\03").contains("class row 3; there are 3"));
    assert!(nonsense([0, 0, 2, 2, 2, 0, 0, 0, 0], "").contains("twice"));
    assert!(nonsense([0, 0, 0, 0, 0, 1, 1, 1, 1], "\\00\\00\\00\\00\\00\\00\\f8\\7f").contains("NaN"));
}

#[test]
fn lists_that_do_not_fit_into_memory_are_a_fault_and_no_panic() {
    let mut bytes = vec![0_u8; 4];
    bytes.extend([0xff; 72]);
    let text: String = escaped(&bytes);
    let declarations = format!("(data (i32.const 3072) \"{text}\")");
    let body = "(call $drop (local.get 0)) (i32.const 3072)";
    assert!(matches!(
        fault(&declarations, body),
        PolicyFault::Trap(_) | PolicyFault::Resource { .. }
    ));
    // 1.2 M rows of four bytes four times over are more than may pass.
    let mut bytes = vec![0_u8; 4];
    for length in [1_200_000_u32, 0, 1_200_000, 1_200_000, 1_200_000, 0, 0, 0, 0] {
        bytes.extend(65536_u32.to_le_bytes());
        bytes.extend(length.to_le_bytes());
    }
    let text: String = escaped(&bytes);
    let declarations = format!("(data (i32.const 3072) \"{text}\")");
    let body = "(drop (memory.grow (i32.const 200))) (call $drop (local.get 0)) (i32.const 3072)";
    let few = Limits {
        hostcall_bytes: 1 << 20,
        ..Limits::default()
    };
    let policy = load(&placement(&declarations, body), &few).unwrap();
    let advised = policy.advise(&sample::rows(3).view(Hook::Placement), &[]);
    let what = "data from guest to host".to_owned();
    assert_eq!(advised.answer, Err(PolicyFault::Resource { what }));
}

#[test]
fn handles_are_settled_by_the_guest() {
    // It keeps the borrowed view.
    assert!(matches!(fault("", "(i32.const 1024)"), PolicyFault::Trap(_)));
}

#[test]
fn what_it_says_is_tamed_and_counted() {
    let words = r#"(data (i32.const 4096) "\1b[31mred\0a")"#;
    let body = "(local $n i32)
        (loop $again
          (call $log (i32.const 2) (i32.const 4096) (i32.const 9))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))
        (call $drop (local.get 0)) (i32.const 1024)";
    let advised = place(words, body);
    assert!(advised.answer.is_ok());
    assert_eq!(advised.log[0], "warning: \\u{1b}[31mred\\n");
    assert_eq!(advised.log.len(), 65);
    assert_eq!(advised.log[64], "warning: 936 more lines were dropped (quota)");
    // 1000 calls at 109 units.
    assert!(advised.fuel > 109_000);
}

#[test]
fn work_of_the_host_is_paid_for() {
    let body = "(loop $again (call $class-cpu (local.get 0) (i32.const 0) (i32.const -1) (i32.const 512)) (br $again))
        (i32.const 1024)";
    assert!(matches!(fault("", body), PolicyFault::Fuel { .. }));
}

#[test]
fn every_call_is_paid_for() {
    for call in ["$now-ms", "$seed", "$cluster", "$classes"] {
        let body = format!(
            "(local $n i32)
            (loop $again
              (drop (call {call} (local.get 0)))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))
            {EMPTY}"
        );
        let advised = place("", &body);
        assert!(advised.answer.is_ok(), "{call}: {:?}", advised.answer);
        // 1000 calls at 100 units.
        assert!(advised.fuel > 100_000, "{call}: {}", advised.fuel);
    }
}

/// Sixty columns by key, and some work before each. Were it begun anew for each column, it would do thirty times that
/// work in the same time.
#[test]
fn a_cold_view_ends_as_a_warm_one_does() {
    let body = "(local $n i32) (local $work i32)
        (loop $again
          (local.set $work (i32.const 400000))
          (loop $spin
            (local.set $work (i32.sub (local.get $work) (i32.const 1)))
            (br_if $spin (local.get $work)))
          (i32.store8 (i32.const 4096) (i32.add (i32.const 48) (local.get $n)))
          (call $class-label (local.get 0) (i32.const 4096) (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 512))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $n) (i32.const 60))))
        (call $drop (local.get 0)) (i32.const 1024)";
    let limits = Limits {
        fuel: u64::MAX / 2,
        deadline: Duration::from_mins(1),
        ..Limits::default()
    };
    let bytes = placement("", body);
    let sample = sample::rows(3);
    let patient = load(&bytes, &limits).unwrap();
    patient.advise(&sample.view(Hook::Placement), &[]);
    let started = Instant::now();
    let warm = patient.advise(&sample.view(Hook::Placement), &[]);
    let limits = Limits {
        deadline: started.elapsed() * 8,
        ..limits
    };
    let cold = load(&bytes, &limits)
        .unwrap()
        .advise(&sample.view(Hook::Placement), &[]);
    assert_eq!(cold, warm);
    assert!(warm.answer.is_ok(), "{warm:?}");
}

#[test]
fn the_dictionary_cannot_be_filled() {
    let body = "(local $n i32)
        (loop $again
          (i32.store (i32.const 4096) (local.get $n))
          (drop (call $intern (local.get 0) (i32.const 4096) (i32.const 4)))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (i32.store8 (i32.const 4096) (i32.and (local.get $n) (i32.const 127)))
          (local.set $n (i32.and (local.get $n) (i32.const 0x7f7f7f7f)))
          (br $again))
        (i32.const 1024)";
    let few = Limits {
        interned_bytes: 1000,
        ..Limits::default()
    };
    let policy = load(&placement("", body), &few).unwrap();
    let advised = policy.advise(&sample::rows(3).view(Hook::Placement), &[]);
    let what = "text in the dictionary".to_owned();
    assert_eq!(advised.answer, Err(PolicyFault::Resource { what }));
}

#[test]
fn it_can_decline() {
    let body = "(call $drop (local.get 0)) (i32.const 2048)";
    assert_eq!(fault("", body), PolicyFault::Declined(String::new()));
}

#[test]
fn a_scaler_explains_its_rows() {
    // One row: workload 2, 258 replicas, code 2 — all lists lie at the same place but for the rows.
    let answer = r#"(data (i32.const 3072) "\00\00\00\00\00\20\00\00\01\00\00\00\04\20\00\00\01\00\00\00\00\20\00\00\01\00\00\00")
        (data (i32.const 8192) "\02\00\00\00\02\01\00\00") (data (i32.const 4096) "because")"#;
    let body = "(call $explain (i32.const 2) (i32.const 2) (i32.const 4096) (i32.const 7))
        (call $drop (local.get 0)) (i32.const 3072)";
    let policy = load(&scaler(answer, body), &Limits::default()).unwrap();
    let advised = policy.advise(&sample::rows(3).view(Hook::Scaler), &[]);
    let Ok(Advice::Scale(wanted)) = advised.answer else {
        panic!("{advised:?}")
    };
    let rows: Vec<ScaleRow<'_>> = wanted.iter().collect();
    let row = ScaleRow {
        row: 2,
        replicas: 258,
        code: 2,
        text: "because",
    };
    assert_eq!(rows, [row]);
}

#[test]
fn what_is_not_ours_is_refused_at_load() {
    let wasi = "package wasi:cli@0.2.0;
        interface stdout { write: func(); }
        world command { import stdout; }";
    let refused = load(&foreign(wasi, "command"), &Limits::default()).err();
    assert_eq!(
        refused,
        Some(LoadFault::Import {
            import: "wasi:cli/stdout@0.2.0".to_owned()
        })
    );
    let other = "package a:b@1.0.0; interface i { f: func(); } world w { export i; }";
    let refused = load(&foreign(other, "w"), &Limits::default()).err();
    assert_eq!(
        refused,
        Some(LoadFault::NoHook {
            exports: vec!["a:b/i@1.0.0".to_owned()]
        })
    );
    let shape = "package plimsoll:policy@0.1.0;
        interface scaler { configure: func(config-json: string) -> result<_, string>; scale: func() -> u32; }
        world w { export scaler; }";
    let refused = load(&foreign(shape, "w"), &Limits::default()).err();
    assert!(matches!(refused, Some(LoadFault::Mismatch(_))), "{refused:?}");
    let newer = "package plimsoll:policy@0.1.9;
        interface view { resource view { moon-phase: func() -> u32; } }
        interface scaler { use view.{view}; configure: func(config-json: string) -> result<_, string>;
          scale: func(v: borrow<view>) -> result<tuple<list<u32>, list<u32>, list<u16>>, string>; }
        world w { import view; export scaler; }";
    let refused = load(&foreign(newer, "w"), &Limits::default()).err();
    assert!(
        matches!(&refused, Some(LoadFault::Mismatch(why)) if why.contains("moon-phase")),
        "{refused:?}"
    );
}

#[test]
fn oversized_functions_are_refused_before_the_compiler_sees_them() {
    // Each of them is three bytes.
    let too_many = Limits::default().function_bytes / 3 + 1;
    let large = format!("(func {})", "(drop (i32.const 1))".repeat(too_many));
    let refused = load(&placement(&large, EMPTY), &Limits::default()).err();
    assert!(
        matches!(
            refused,
            Some(LoadFault::Excessive {
                what: "bytes of one function",
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn damaged_files_are_refused() {
    let whole = placement("", EMPTY);
    for cut in [8, 9, 40, whole.len() / 2, whole.len() - 1] {
        assert!(load(&whole[..cut], &Limits::default()).is_err(), "cut at {cut}");
    }
    for at in (8..whole.len()).step_by(97) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        // Some bytes do not matter (names); none may bring the host down.
        if let Ok(policy) = load(&flipped, &Limits::default()) {
            let _ = policy.advise(&sample::rows(3).view(Hook::Placement), &[]);
        }
    }
}

#[test]
fn configuration_is_json_within_its_size() {
    let bytes = placement("", EMPTY);
    for (config, expected) in [
        ("[1]", "not a JSON object"),
        ("{", "EOF"),
        (
            &format!("{{\"a\":\"{}\"}}", "x".repeat(300_000)),
            "bytes are more than",
        ),
    ] {
        let refused = engine().load(&bytes, &PolicyName::new("p"), config, &Limits::default());
        let why = refused.err().unwrap().to_string();
        assert!(
            why.starts_with("policy p: configuration: ") && why.contains(expected),
            "{why}"
        );
    }
}
