//! A thread that follows all policies of a configuration, each in its own rhythm, so that no cycle waits for a registry.

use crate::error::Fault;
use crate::follow::{Follower, Options, Standing, Verified, Wanted};
use crate::wire::Client;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// See the module. The thread ends when this is dropped.
pub struct Followers {
    shared: Arc<Shared>,
    verified: BTreeMap<String, Verified>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    standings: Mutex<Vec<Standing>>,
    news: Condvar,
}

impl Followers {
    /// Takes up what earlier runs have kept, and begins to ask the registries. A Shelf that reads the folder asks `verified`
    /// first.
    pub fn start(wanted: Vec<Wanted>, options: &Options) -> Result<Self, Fault> {
        let client = Arc::new(Client::new(options.plain_http, options.patience)?);
        let mut followers = Vec::new();
        for (number, wanted) in (0_u64..).zip(wanted) {
            let mut options = options.clone();
            options.seed = options.seed.wrapping_add(number);
            followers.push(Follower::open(wanted, options, Arc::clone(&client))?);
        }
        let verified = followers
            .iter()
            .map(|one| (one.standing().name.clone(), one.verified()));
        let verified = verified.collect();
        let shared = Arc::new(Shared::default());
        *shared.lock() = followers
            .iter()
            .map(|follower| follower.standing().clone())
            .collect();
        let (stop, stopped) = oneshot::channel();
        let theirs = Arc::clone(&shared);
        let system = |why: std::io::Error| Fault::Unreachable {
            what: "the thread that follows registries".to_owned(),
            why: why.to_string(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(system)?;
        let thread = std::thread::Builder::new()
            .name("policy-registry".to_owned())
            .spawn(move || {
                runtime.block_on(run(followers, theirs, stopped));
                runtime.shutdown_background();
            })
            .map_err(system)?;
        Ok(Self {
            shared,
            verified,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// What was verified of a policy; `None` where nobody follows it.
    pub fn verified(&self, name: &str) -> Option<Verified> {
        self.verified.get(name).cloned()
    }

    /// How every policy stands, in the order in which they were given.
    pub fn standings(&self) -> Vec<Standing> {
        self.shared.lock().clone()
    }

    /// Waits until every policy was asked for once, but not longer than this.
    pub fn settle(&self, within: Duration) {
        let waiting = |all: &mut Vec<Standing>| all.iter().any(|standing| standing.rounds == 0);
        let _ = self
            .shared
            .news
            .wait_timeout_while(self.shared.lock(), within, waiting)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Standing>> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, ix: usize, standing: &Standing) {
        if let Some(place) = self.lock().get_mut(ix) {
            standing.clone_into(place);
        }
        self.news.notify_all();
    }
}

async fn run(followers: Vec<Follower>, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let mut tasks = JoinSet::new();
    for (ix, mut follower) in followers.into_iter().enumerate() {
        let shared = Arc::clone(&shared);
        // A task of its own: a defect in one ends none of the others.
        tasks.spawn(async move {
            loop {
                let wait = follower.look().await;
                shared.tell(ix, follower.standing());
                tokio::time::sleep(wait).await;
            }
        });
    }
    // Dropped and stopped are the same.
    let _ = stopped.await;
}
