//! Every hostile guest ends as it must: refused, or cut off with a typed fault, the host unharmed.
//!
//! What this costs the daemon is measured in `tests/harm.rs`.

#![expect(clippy::panic, reason = "a test ends where there is no engine")]

use host::{CompileLimits, Compiler, Compiling, Engine};
use std::time::Duration;

fn engine() -> Engine {
    let compiler = Compiler {
        program: env!("CARGO_BIN_EXE_plimsoll-compiler").into(),
        limits: CompileLimits {
            cpu: Duration::from_secs(20),
            ..CompileLimits::default()
        },
    };
    Engine::with(Compiling::Disposable(compiler), None).unwrap_or_else(|why| panic!("{why}"))
}

#[test]
fn every_hostile_guest_ends_as_it_must() {
    let engine = engine();
    let guests = hostile_guests::all();
    let mut wrong = Vec::new();
    for guest in &guests {
        let ended = guest.play(&engine);
        let shown: String = ended.chars().take(300).collect();
        assert!(
            !ended.contains('\u{1b}') && !ended.contains('\u{202e}'),
            "{}",
            guest.name
        );
        if !guest.is_met(&ended) {
            wrong.push(format!("{}: expected {}, got {shown}", guest.name, guest.expect));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n  {}",
        wrong.len(),
        guests.len(),
        wrong.join("\n  ")
    );
    assert!(guests.len() >= 60, "only {} guests", guests.len());
}
