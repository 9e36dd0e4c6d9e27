//! A thread that keeps a Shelf up to date, so that a cycle never waits for a compiler.

use crate::kind::Loaded;
use crate::shelf::{Shelf, Source, Status};
use decide::PolicySet;
use model::ids::PolicyName;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// See the module. The thread ends when this is dropped.
pub struct Watch {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    closing: Condvar,
}

#[derive(Default)]
struct Seen {
    set: PolicySet,
    status: Vec<Status>,
    /// What the shelf is to do before it looks at files again.
    orders: Vec<Order>,
    closed: bool,
}

enum Order {
    Reject(PolicyName, String),
    Put(Box<Source>, Loaded),
}

impl Watch {
    /// Takes the shelf over and refreshes it at this rhythm. Refresh it once before, to begin with its policies.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub fn start(shelf: Shelf, every: Duration) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        shared.publish(&shelf);
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("policy-shelf".to_owned())
            .spawn(move || theirs.run(shelf, every))?;
        Ok(Self { shared })
    }

    /// The policies in force now: to be taken at the boundary of a cycle.
    pub fn current(&self) -> PolicySet {
        self.shared.lock().set.clone()
    }

    /// Goes back from this component of a policy to the one before it, soon; see `Shelf::reject`. Never blocks.
    pub fn reject(&self, policy: &PolicyName, digest: &str) {
        self.order(Order::Reject(policy.clone(), digest.to_owned()));
    }

    /// Puts a policy on the shelf that was loaded elsewhere, soon; see `Shelf::put`. Never blocks.
    pub fn put(&self, source: Source, policy: Loaded) {
        self.order(Order::Put(Box::new(source), policy));
    }

    fn order(&self, order: Order) {
        self.shared.lock().orders.push(order);
        self.shared.closing.notify_all();
    }

    /// How every policy stands.
    pub fn status(&self) -> Vec<Status> {
        self.shared.lock().status.clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.closing.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, shelf: &Shelf) {
        let mut seen = self.lock();
        seen.set = shelf.set();
        seen.status = shelf.status();
    }

    fn run(&self, mut shelf: Shelf, every: Duration) {
        loop {
            let seen = self.lock();
            let (mut seen, _) = self
                .closing
                .wait_timeout_while(seen, every, |seen| !seen.closed && seen.orders.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            if seen.closed {
                return;
            }
            let orders = std::mem::take(&mut seen.orders);
            drop(seen);
            let ordered = !orders.is_empty();
            for order in orders {
                match order {
                    Order::Reject(policy, digest) => {
                        shelf.reject(&policy, &digest);
                    }
                    Order::Put(source, policy) => shelf.put(*source, policy),
                }
            }
            if survived(|| shelf.refresh()) || ordered {
                self.publish(&shelf);
            }
        }
    }
}

/// Whether there is news. A defect in one refresh must not end all later ones: what it left is shown as it stands.
fn survived(refresh: impl FnOnce() -> bool) -> bool {
    catch_unwind(AssertUnwindSafe(refresh)).unwrap_or_else(|_| {
        tracing::error!("refreshing the policies failed; it is tried again");
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_that_panics_is_not_the_last() {
        assert!(survived(|| panic!("a defect")));
        assert!(!survived(|| false));
    }
}
