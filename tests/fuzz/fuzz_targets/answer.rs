//! The reader of answers: a guest that hands over any bytes as its answer gets them checked; the host does not panic, and
//! what it believes is within the View.
//!
//! The bytes reach the guest as the state it kept, so that nothing here stands in for the engine: they are read out of
//! the guest's memory as every answer is. The first byte chooses the hook.

#![no_main]

use decide::Policy;
use host::{Engine, Limits, WasmPolicy, sample};
use libfuzzer_sys::fuzz_target;
use model::advice::{Advice, Hook};
use model::ids::PolicyName;
use std::sync::LazyLock;

static GUESTS: LazyLock<Vec<(Hook, WasmPolicy)>> = LazyLock::new(|| {
    let engine = Engine::new().ok();
    let load = |hook: Hook| {
        let bytes = plimsoll_fuzz::guest_that_answers(hook.as_str());
        let loaded = engine
            .as_ref()?
            .load(&bytes, &PolicyName::new("fuzz"), "", &Limits::default());
        Some((hook, loaded.ok()?))
    };
    let guests: Vec<_> = Hook::ALL.into_iter().filter_map(load).collect();
    assert_eq!(guests.len(), Hook::ALL.len(), "the guests do not load");
    guests
});

fuzz_target!(|data: &[u8]| {
    let Some((first, answer)) = data.split_first() else {
        return;
    };
    let Some((hook, guest)) = GUESTS.get(usize::from(*first) % GUESTS.len()) else {
        return;
    };
    let rows = sample::rows(3);
    let view = rows.view(*hook);
    let Ok(advice) = guest.advise(&view, answer).answer else {
        return;
    };
    match advice {
        Advice::Scale(wanted) => assert!(wanted.in_order() && wanted.len() <= view.workloads.len()),
        Advice::Placement(prices) => {
            assert!(prices.factors.iter().all(|(set, factor)| {
                (*set as usize) < view.sets.len() && (1..=1_000_000).contains(factor)
            }));
            assert!(prices.forbids.iter().all(|(class, set, _)| {
                (*class as usize) < view.classes.len() && (*set as usize) < view.sets.len()
            }));
        }
        Advice::Headroom(kinds) => assert!(kinds.len() <= 256),
        Advice::Disruption(verdicts) => assert!(verdicts.denials.len() <= view.candidates.len()),
        Advice::Review(holds) => assert!(holds.len() <= view.steps.len()),
    }
});
