//! Whose turn it is to compile: one component at a time in this process, and none any more once it ends.
//!
//! The limit on a compiler's memory is meant for one of them. Who waits does so for a bounded time, and few wait: each holds a
//! component. Not here: what compiling costs at most (`compiler`).

use crate::error::LoadFault;
use crate::mark::Mark;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many may wait for their turn.
const WAITING: usize = 4;

/// See the module. Clones share one turn.
#[derive(Clone, Default)]
pub struct Turns(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    taken: bool,
    waiting: usize,
    ended: bool,
    /// Of what is being compiled.
    mark: Option<Mark>,
}

/// Somebody's turn, until it is dropped.
pub(crate) struct Turn<'t> {
    shared: &'t Shared,
    /// Somebody else's turn came before.
    pub(crate) waited: bool,
}

impl Turns {
    /// Ends what is being compiled, and lets nothing begin: for a process that ends in good order. What is cut off by it is
    /// not held against the component.
    pub fn end(&self) {
        let mut state = self.0.lock();
        state.ended = true;
        state.mark = None;
        self.0.moved.notify_all();
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.0.lock().ended
    }

    /// Waits for the turn, but no longer than this.
    pub(crate) fn take(&self, most: Duration) -> Result<Turn<'_>, LoadFault> {
        let begun = Instant::now();
        let mut state = self.0.lock();
        let waited = state.taken;
        if waited {
            if state.waiting >= WAITING {
                return Err(LoadFault::CompilerBusy {
                    waited: Duration::ZERO,
                });
            }
            state.waiting += 1;
            let (after, _) = self
                .0
                .moved
                .wait_timeout_while(state, most, |state| state.taken && !state.ended)
                .unwrap_or_else(PoisonError::into_inner);
            state = after;
            state.waiting -= 1;
        }
        if state.ended {
            return Err(LoadFault::Ending);
        }
        if state.taken {
            let waited = begun.elapsed();
            return Err(LoadFault::CompilerBusy { waited });
        }
        state.taken = true;
        Ok(Turn {
            shared: &self.0,
            waited,
        })
    }
}

impl Turn<'_> {
    /// Keeps the mark until the turn is over or the process ends in good order.
    pub(crate) fn keep(&self, mark: Mark) {
        let mut state = self.shared.lock();
        if !state.ended {
            state.mark = Some(mark);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.taken = false;
        state.mark = None;
        self.shared.moved.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const LONG: Duration = Duration::from_mins(5);

    #[test]
    fn one_at_a_time_and_the_next_when_it_is_over() {
        let turns = Turns::default();
        let first = turns.take(LONG).unwrap();
        assert!(!first.waited);
        let refused = turns.take(Duration::from_millis(20)).err();
        assert!(
            matches!(refused, Some(LoadFault::CompilerBusy { waited }) if waited >= Duration::from_millis(20)),
            "{refused:?}"
        );
        thread::scope(|threads| {
            let second = threads.spawn(|| turns.take(LONG).map(|turn| turn.waited));
            await_waiting(&turns, 1);
            drop(first);
            assert_eq!(second.join().unwrap(), Ok(true));
        });
        assert!(turns.take(Duration::ZERO).is_ok());
    }

    #[test]
    fn few_wait_and_none_once_the_process_ends() {
        let turns = Turns::default();
        let first = turns.take(LONG).unwrap();
        thread::scope(|threads| {
            let waiting: Vec<_> = (0..WAITING)
                .map(|_| threads.spawn(|| turns.take(LONG).err()))
                .collect();
            await_waiting(&turns, WAITING);
            assert!(matches!(
                turns.take(LONG).err(),
                Some(LoadFault::CompilerBusy { .. })
            ));
            turns.end();
            for waiting in waiting {
                assert_eq!(waiting.join().unwrap(), Some(LoadFault::Ending));
            }
        });
        drop(first);
        assert_eq!(turns.take(LONG).err(), Some(LoadFault::Ending));
        assert!(turns.is_ended());
    }

    fn await_waiting(turns: &Turns, many: usize) {
        while turns.0.lock().waiting < many {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
