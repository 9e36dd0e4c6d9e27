//! What hostile guests cost the daemon and the other policies: how late they are cut off, what memory stays with the
//! host, how much slower a good policy answers beside them.
//!
//! Twice: in the cycles of a daemon that has them loaded, beside a daemon that has not; and while another thread asks nothing
//! but them, which no daemon does, beside a thread that only computes: where processors share a core, a busy neighbour
//! of any kind costs, and that is not the guests' doing. What the policy takes with nobody beside it is printed, too.
//!
//! Asserted everywhere: that each guest meets its own fault, and what memory stays. Times depend on what else the machine
//! does; `PLIMSOLL_STRICT=1` (as `make bench` has it) asserts them too. One test, so that nothing runs beside it.

#![expect(clippy::panic, reason = "a test ends where nothing can be measured")]

mod ground;
mod resident;

use cpu_time::ThreadTime;
use decide::{Advised, Policy, PolicyEntry, PolicySet, View};
use host::{CompileLimits, Compiler, Compiling, Engine, Limits, WasmPolicy, sample};
use hostile_guests::Guest;
use hostile_guests::guests::placement;
use model::advice::{Hook, PolicyFault, PolicyMode};
use model::{Aims, Memory, PolicyName, PolicyScope, Span};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often each guest that meets its deadline does so.
const KILLS: usize = 20;
/// Calls of the good policy in a row, and how often such rows are compared.
const CALLS: usize = 5000;
const ROUNDS: usize = 10;
/// Cycles of a daemon, ten seconds each: an hour and a half, and six hours where the clock is asserted.
const CYCLES: usize = 540;
const MORE_CYCLES: usize = 2160;

const LATE: Duration = Duration::from_millis(20);
const GROWTH_KIB: u64 = 16 << 10;
const SLOWER: f64 = 1.10;

#[test]
fn hostile_guests_do_little_harm() {
    let strict = std::env::var_os("PLIMSOLL_STRICT").is_some();
    let compiler = Compiler {
        program: env!("CARGO_BIN_EXE_plimsoll-compiler").into(),
        limits: CompileLimits::default(),
    };
    let engine = Engine::with(Compiling::Disposable(compiler), None).unwrap_or_else(|why| panic!("{why}"));
    let guests = hostile_guests::all();
    let policies: Vec<(&Guest, WasmPolicy)> = guests
        .iter()
        .filter_map(|guest| Some((guest, guest.load(&engine).ok()?)))
        .collect();
    assert!(policies.len() >= 30, "only {} guests load", policies.len());

    let late = kills(&policies);
    println!(
        "cut off after the deadline: p50 {:.1} ms, p99 {:.1} ms on the clock, p99 {:.1} ms of the processor ({} times)",
        millis(late.clock[late.clock.len() / 2]),
        millis(percentile(&late.clock, 99)),
        millis(percentile(&late.processor, 99)),
        late.clock.len()
    );
    let grown = growth(&engine, &guests);
    println!(
        "memory of the host over {} guests: {} KiB more, {} KiB at its peak",
        guests.len(),
        grown.stays,
        grown.peak
    );
    assert!(grown.stays <= GROWTH_KIB, "{} KiB stay", grown.stays);

    let [alone, busy, harmed] = beside(&engine, &policies);
    for (beside, calls) in [
        ("nobody", &alone),
        ("a thread that computes", &busy),
        ("hostile policies", &harmed),
    ] {
        println!(
            "a good policy beside {beside}: p50 {:.1} µs, p99 {:.1} µs, of the processor {:.1} µs",
            micros(percentile(&calls.clock, 50)),
            micros(percentile(&calls.clock, 99)),
            micros(percentile(&calls.processor, 99)),
        );
    }
    let slower = |calls: &Calls| ratio(&harmed, calls);
    println!(
        "its p99 beside hostile policies: {:+.1} % of that beside a thread that computes, {:+.1} % of that beside nobody",
        (slower(&busy) - 1.0) * 100.0,
        (slower(&alone) - 1.0) * 100.0,
    );
    let [without, with] = in_cycles(&engine, policies, if strict { MORE_CYCLES } else { CYCLES });
    for (daemon, calls) in [
        ("with one like it", &without),
        ("with all hostile ones, too", &with),
    ] {
        println!(
            "a good policy in {} cycles of a daemon {daemon}: p50 {:.1} µs, p99 {:.1} µs, of the processor {:.1} µs",
            calls.clock.len(),
            micros(percentile(&calls.clock, 50)),
            micros(percentile(&calls.clock, 99)),
            micros(percentile(&calls.processor, 99)),
        );
    }
    let later = ratio(&with, &without);
    println!(
        "its p99 in a daemon that has hostile policies: {:+.1} % of that in one that has none",
        (later - 1.0) * 100.0
    );
    if strict {
        assert!(percentile(&late.processor, 99) <= LATE, "{:?}", late.processor);
        assert!(
            percentile(&late.clock, 99) <= LATE,
            "cut off too late: {:?}",
            percentile(&late.clock, 99)
        );
        assert!(later <= SLOWER, "a good policy is slower among hostile ones");
        assert!(
            slower(&busy) <= SLOWER,
            "a good policy is slower beside hostile ones"
        );
    }
}

/// Sorted times, on the clock and of the thread.
#[derive(Default)]
struct Calls {
    clock: Vec<Duration>,
    processor: Vec<Duration>,
}

impl Calls {
    fn time<T>(&mut self, less: Duration, call: impl FnOnce() -> T) -> T {
        let (clock, processor) = (Instant::now(), ThreadTime::now());
        let done = call();
        self.processor.push(processor.elapsed().saturating_sub(less));
        self.clock.push(clock.elapsed().saturating_sub(less));
        done
    }

    fn sorted(mut self) -> Self {
        self.clock.sort();
        self.processor.sort();
        self
    }
}

/// Of their p99 on the clock.
fn ratio(calls: &Calls, others: &Calls) -> f64 {
    percentile(&calls.clock, 99).as_secs_f64() / percentile(&others.clock, 99).as_secs_f64()
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// How long after their deadlines guests are cut off that meet them.
fn kills(policies: &[(&Guest, WasmPolicy)]) -> Calls {
    let mut late = Calls::default();
    let rows = sample::rows(3);
    for (guest, policy) in policies
        .iter()
        .filter(|(guest, _)| guest.expect == "run Deadline")
    {
        for _ in 0..KILLS {
            let view = rows.view(guest.hook);
            let advised = late.time(guest.limits.deadline, || policy.advise(&view, &[]));
            assert!(
                matches!(advised.answer, Err(PolicyFault::Deadline { .. })),
                "{}",
                guest.name
            );
        }
    }
    assert!(late.clock.len() >= 5 * KILLS);
    late.sorted()
}

/// KiB of memory that hostile guests leave behind.
struct Grown {
    stays: u64,
    peak: u64,
}

fn growth(engine: &Engine, guests: &[Guest]) -> Grown {
    // Once to fill what is kept ready for any guest: the pool's pages, the allocator's arenas.
    let play = || {
        let mut peak = 0;
        for guest in guests {
            let ended = guest.play(engine);
            assert!(guest.is_met(&ended), "{}: {ended}", guest.name);
            peak = peak.max(resident::kib("VmRSS:"));
        }
        peak
    };
    play();
    let before = resident::kib("VmRSS:");
    let peak = play();
    Grown {
        stays: resident::kib("VmRSS:").saturating_sub(before),
        peak: peak.saturating_sub(before),
    }
}

/// A good policy in the cycles of a daemon with one like it, and of a daemon that has all the hostile ones beside these, asked
/// before it, in turns. They are dealt with as the daemon deals with them: three faults put them in quarantine for half an hour.
fn in_cycles(engine: &Engine, hostile: Vec<(&Guest, WasmPolicy)>, cycles: usize) -> [Calls; 2] {
    let (mut seen, aims) = (ground::cluster(), Aims::default());
    // Deciding is not what is measured.
    seen.pods.truncate(3);
    let peers = || [entry("peer", Arc::new(good(engine)))];
    let hostile = hostile
        .into_iter()
        .map(|(guest, policy)| entry(&guest.name, Arc::new(policy)));
    let mut daemons = [
        (
            Arc::new(Timed::of(good(engine))),
            peers().into_iter().collect::<Vec<_>>(),
        ),
        (
            Arc::new(Timed::of(good(engine))),
            hostile.chain(peers()).collect(),
        ),
    ]
    .map(|(timed, mut entries)| {
        entries.push(entry("good", Arc::clone(&timed) as Arc<dyn Policy>));
        (timed, PolicySet { entries }, Memory::default())
    });
    for cycle in 0..cycles {
        let mut seen = seen.clone();
        seen.at = seen.at + Span::from_secs(10 * i64::try_from(cycle).unwrap_or(0));
        for (_, policies, memory) in &mut daemons {
            *memory = decide::deliberate(&seen, memory, policies, &aims).memory;
        }
    }
    daemons.map(|(timed, ..)| timed.taken())
}

fn entry(name: &str, policy: Arc<dyn Policy>) -> PolicyEntry {
    PolicyEntry {
        name: PolicyName::new(name),
        digest: String::new(),
        mode: PolicyMode::Enforce,
        scope: PolicyScope::default(),
        policy,
    }
}

/// A policy whose calls are timed.
struct Timed {
    policy: WasmPolicy,
    calls: Mutex<Calls>,
}

impl Timed {
    fn of(policy: WasmPolicy) -> Self {
        Self {
            policy,
            calls: Mutex::default(),
        }
    }

    fn taken(&self) -> Calls {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner)).sorted()
    }
}

impl Policy for Timed {
    fn hooks(&self) -> &[Hook] {
        self.policy.hooks()
    }

    fn advise(&self, view: &View<'_>, kept: &[u8]) -> Advised {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.time(Duration::ZERO, || self.policy.advise(view, kept))
    }
}

/// Reads a column and answers nothing.
fn good(engine: &Engine) -> WasmPolicy {
    let body = "(call $class-cpu (local.get 0) (i32.const 0) (i32.const -1) (i32.const 512))
        (call $drop (local.get 0)) (i32.const 1024)";
    let good = engine.load(
        &placement("", body),
        &PolicyName::new("good"),
        "",
        &Limits::default(),
    );
    good.unwrap_or_else(|why| panic!("{why}"))
}

/// A good policy beside nobody, beside a thread that computes, and beside hostile policies, in turns.
fn beside(engine: &Engine, hostile: &[(&Guest, WasmPolicy)]) -> [Calls; 3] {
    let good = good(engine);
    let rows = sample::rows(1000);
    let view = rows.view(Hook::Placement);
    let [mut alone, mut busy, mut harmed] = [Calls::default(), Calls::default(), Calls::default()];
    measure(&good, &view, &mut Calls::default());
    let few = sample::rows(3);
    for _ in 0..ROUNDS {
        measure(&good, &view, &mut alone);
        meanwhile(std::hint::spin_loop, || measure(&good, &view, &mut busy));
        let mut turn = hostile.iter().cycle();
        let harm = || {
            if let Some((guest, policy)) = turn.next() {
                let _ = policy.advise(&few.view(guest.hook), &[]);
            }
        };
        meanwhile(harm, || measure(&good, &view, &mut harmed));
    }
    [alone, busy, harmed].map(Calls::sorted)
}

/// Does one thing while another thread does the other again and again.
fn meanwhile(mut again: impl FnMut() + Send, once: impl FnOnce()) {
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let neighbour = threads.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                again();
            }
        });
        std::thread::sleep(Duration::from_millis(5));
        once();
        over.store(true, Ordering::Relaxed);
        assert!(
            neighbour.join().is_ok(),
            "a hostile guest ended the host's thread"
        );
    });
}

fn measure(good: &WasmPolicy, view: &View<'_>, calls: &mut Calls) {
    for _ in 0..CALLS {
        ask(good, view, calls);
    }
}

fn ask(good: &WasmPolicy, view: &View<'_>, calls: &mut Calls) {
    let advised = calls.time(Duration::ZERO, || good.advise(view, &[]));
    assert!(advised.answer.is_ok(), "{:?}", advised.answer);
}
