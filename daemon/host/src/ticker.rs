//! Moves the engine's epoch on while evaluations run, so that their deadlines pass. Asleep otherwise.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Time between two steps of the epoch: the precision of a deadline.
pub(crate) const TICK: Duration = Duration::from_millis(5);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    running: u32,
    closed: bool,
}

/// The thread that ticks; it ends when its Ticker is dropped.
pub(crate) struct Ticker(Arc<Shared>);

/// While one of these is alive, the epoch moves.
pub(crate) struct Ticking<'a>(&'a Shared);

impl Ticker {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub(crate) fn start(engine: wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("policy-epoch".to_owned())
            .spawn(move || theirs.run(&engine))?;
        Ok(Self(shared))
    }

    /// Keeps the epoch moving until the answer is dropped.
    pub(crate) fn tick(&self) -> Ticking<'_> {
        let mut state = self.0.lock();
        state.running = state.running.saturating_add(1);
        if state.running == 1 {
            self.0.woken.notify_all();
        }
        Ticking(&self.0)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.woken.notify_all();
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.running = state.running.saturating_sub(1);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, engine: &wasmtime::Engine) {
        loop {
            let mut state = self.lock();
            while state.running == 0 && !state.closed {
                state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.closed {
                return;
            }
            drop(state);
            std::thread::sleep(TICK);
            engine.increment_epoch();
        }
    }
}
