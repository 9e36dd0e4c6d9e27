//! How long calls of policies take, for metrics: measured around them and told to whoever asks. Nothing that is decided
//! knows of it.

use decide::policy::Advised;
use decide::{Policy, View};
use model::advice::Hook;
use model::ids::PolicyName;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls remembered while nobody asks; then the oldest are forgotten.
const MOST: usize = 16_384;

/// Calls since the last time somebody asked; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Timings(Arc<Mutex<VecDeque<(PolicyName, Hook, Duration)>>>);

impl Timings {
    /// Takes them, oldest first.
    pub fn take(&self) -> Vec<(PolicyName, Hook, Duration)> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.drain(..).collect()
    }

    /// The policy, timed under this name.
    pub(crate) fn timed(&self, name: &PolicyName, policy: Arc<dyn Policy>) -> Arc<dyn Policy> {
        Arc::new(Timed {
            name: name.clone(),
            policy,
            timings: self.clone(),
        })
    }

    fn note(&self, name: &PolicyName, hook: Hook, took: Duration) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() >= MOST {
            calls.pop_front();
        }
        calls.push_back((name.clone(), hook, took));
    }
}

struct Timed {
    name: PolicyName,
    policy: Arc<dyn Policy>,
    timings: Timings,
}

impl Policy for Timed {
    fn hooks(&self) -> &[Hook] {
        self.policy.hooks()
    }

    fn advise(&self, view: &View<'_>, kept: &[u8]) -> Advised {
        let began = Instant::now();
        let advised = self.policy.advise(view, kept);
        self.timings.note(&self.name, view.hook, began.elapsed());
        advised
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use model::advice::{Advice, PlacementAdvice};

    struct Slow;

    impl Policy for Slow {
        fn hooks(&self) -> &[Hook] {
            &[Hook::Placement]
        }

        fn advise(&self, _: &View<'_>, kept: &[u8]) -> Advised {
            std::thread::sleep(Duration::from_millis(u64::from(kept[0])));
            Advised {
                answer: Ok(Advice::Placement(PlacementAdvice::default())),
                fuel: 3,
                log: Vec::new(),
                kept: None,
            }
        }
    }

    #[test]
    fn calls_are_timed_and_told_once() {
        let timings = Timings::default();
        let policy = timings.timed(&PolicyName::new("slow"), Arc::new(Slow));
        let rows = sample::rows(1);
        let view = rows.view(Hook::Placement);
        assert_eq!(
            policy.advise(&view, &[2]),
            Slow.advise(&view, &[0]),
            "nothing else changes"
        );
        let told = timings.take();
        let [(name, Hook::Placement, took)] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert!(name.as_str() == "slow" && *took >= Duration::from_millis(2));
        assert!(timings.take().is_empty());
        for _ in 0..=MOST {
            timings.note(name, Hook::Placement, *took);
        }
        assert_eq!(timings.take().len(), MOST);
    }
}
