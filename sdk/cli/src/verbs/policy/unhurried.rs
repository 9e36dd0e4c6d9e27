//! What a policy answers where the machine is busy with other things.
//!
//! A deadline is on the clock, so that a busy machine can cut off a policy that has done nothing wrong, once here and not
//! there. Whoever asks whether it answers alike asks again then: who is in time once has the time it needs. What is cut off
//! each time is too slow, and that is its answer. Not for the daemon, where an answer that is late is of no use.

use decide::{Advised, Policy, View};
use host::{Compiled, Limits, LoadFault, WasmPolicy};
use model::advice::{Hook, PolicyFault};

/// How often it is asked at most.
const TRIES: usize = 5;

/// A policy that is asked again when the clock cuts it off.
pub(super) struct Unhurried<P>(pub(super) P);

impl<P: Policy> Policy for Unhurried<P> {
    fn hooks(&self) -> &[Hook] {
        self.0.hooks()
    }

    fn advise(&self, view: &View<'_>, kept: &[u8]) -> Advised {
        again(|| self.0.advise(view, kept), is_late)
    }
}

/// A policy of a component, given the time to read its configuration.
pub(super) fn configured(
    component: &Compiled,
    config: &str,
    limits: &Limits,
) -> Result<WasmPolicy, LoadFault> {
    let late = |configured: &Result<WasmPolicy, LoadFault>| {
        let fault = configured.as_ref().err();
        matches!(
            fault,
            Some(LoadFault::Config {
                fault: PolicyFault::Deadline { .. },
                ..
            })
        )
    };
    again(|| component.configured(config, limits), late)
}

/// Whether the clock cut it off.
pub(super) const fn is_late(advised: &Advised) -> bool {
    matches!(advised.answer, Err(PolicyFault::Deadline { .. }))
}

/// Whether both are the same answer at the same cost. How far it came until the clock cut it off is not its own doing.
pub(super) fn alike(first: &Advised, second: &Advised) -> bool {
    first == second || is_late(first) && is_late(second)
}

/// What comes of it, and where it was late, what comes of it the next time.
pub(super) fn again<T>(ask: impl Fn() -> T, late: impl Fn(&T) -> bool) -> T {
    for _ in 1..TRIES {
        let asked = ask();
        if !late(&asked) {
            return asked;
        }
    }
    ask()
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::sample;
    use model::Span;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Is late so many times, and says so in its fuel.
    struct Late(usize, AtomicUsize);

    impl Policy for Late {
        fn hooks(&self) -> &[Hook] {
            &[Hook::Scaler]
        }

        fn advise(&self, _: &View<'_>, _: &[u8]) -> Advised {
            let asked = self.1.fetch_add(1, Ordering::Relaxed);
            let limit = Span::from_secs(1);
            Advised {
                answer: Err(if asked < self.0 {
                    PolicyFault::Deadline { limit }
                } else {
                    PolicyFault::Declined("it has no wishes".to_owned())
                }),
                fuel: 7,
                log: Vec::new(),
                kept: None,
            }
        }
    }

    #[test]
    fn a_policy_that_a_busy_machine_cuts_off_once_answers_alike() {
        let rows = sample::rows(1);
        let view = rows.view(Hook::Scaler);
        let policy = Unhurried(Late(2, AtomicUsize::default()));
        let first = policy.advise(&view, &[]);
        assert!(!is_late(&first));
        assert_eq!(policy.advise(&view, &[]), first);
        let slow = Unhurried(Late(usize::MAX, AtomicUsize::default()));
        let late = slow.advise(&view, &[]);
        assert!(is_late(&late), "it is late whenever it is asked");
        let further = Advised {
            fuel: 9,
            ..late.clone()
        };
        assert!(alike(&late, &further) && !alike(&late, &first));
    }
}
