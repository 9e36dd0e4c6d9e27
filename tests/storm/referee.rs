//! Watches that no budget is broken while nothing is taken back by AWS, and says in the end whether anything was
//! done that must not be.
//!
//! A budget that pods short of the top or a storm have emptied is nobody's breach: it counts from the first moment at
//! which it is met again. Evictions themselves are the Eviction API's to grant; that the daemon uses nothing else is
//! read in the API server's audit log.

use crate::demand::SHOP;
use crate::world::{DAEMON, World};
use plimsoll_tests::Result;
use plimsoll_tests::cluster::Api;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

#[derive(Debug, Default)]
struct Watched {
    /// Whether breaches count now.
    on: bool,
    /// Budgets that were met since they count.
    met: BTreeSet<String>,
    breaches: BTreeMap<String, String>,
    looks: usize,
}

/// The watch over budgets; it ends when dropped.
pub(crate) struct Referee {
    watched: Arc<Mutex<Watched>>,
    task: JoinHandle<()>,
}

impl Referee {
    pub(crate) fn watch(api: Api) -> Self {
        let watched = Arc::new(Mutex::new(Watched::default()));
        let shared = Arc::clone(&watched);
        let path = format!("/apis/policy/v1/namespaces/{SHOP}/poddisruptionbudgets");
        let task = tokio::spawn(async move {
            loop {
                if let Ok(budgets) = api.list(&path).await {
                    let mut watched = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    watched.looks += 1;
                    for budget in &budgets {
                        look(&mut watched, budget);
                    }
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        Self { watched, task }
    }

    /// From now on breaches count, or not.
    pub(crate) fn watch_budgets(&self, on: bool) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.on = on;
        watched.met.clear();
    }

    /// Prints what was seen; an error tells what must not have been.
    pub(crate) fn verdict(&self, world: &World) -> Result<()> {
        let seen = world.seen();
        let rows = world.cluster.audit(DAEMON)?;
        let asked = |resource: &str, code: u64| {
            rows.iter()
                .filter(|row| row.resource == resource && row.code == code && row.is_mutating())
                .count()
        };
        let deleted = rows
            .iter()
            .filter(|row| row.resource == "pods" && row.verb.starts_with("delete"))
            .count();
        let (breaches, looks) = {
            let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            (watched.breaches.clone(), watched.looks)
        };
        println!(
            "storm: {} machines joined, {} given back empty, {} never joined and given back, {} taken by AWS, {} pods on Fargate",
            seen.joined, seen.drained, seen.nodeless, seen.reclaimed, seen.on_fargate
        );
        println!(
            "storm: evictions granted {}, refused {}; pods deleted {deleted}; budgets broken {} in {looks} looks",
            asked("pods/eviction", 201),
            asked("pods/eviction", 429),
            breaches.len()
        );
        println!("storm: {}", world.told());
        let mut wrong = seen.wrong.clone();
        wrong.extend(breaches.into_values());
        if deleted > 0 {
            wrong.push(format!("{deleted} pods were deleted past the Eviction API"));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(wrong.join("; ").into())
    }
}

impl Drop for Referee {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn look(watched: &mut Watched, budget: &serde_json::Value) {
    let name = budget["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let count = |key: &str| budget["status"][key].as_i64().unwrap_or(0);
    let (there, wanted) = (count("currentHealthy"), count("desiredHealthy"));
    if !watched.on {
        return;
    }
    if there >= wanted {
        watched.met.insert(name);
    } else if watched.met.contains(&name) {
        let what = format!("budget {name} had {there} of {wanted} pods");
        watched.breaches.entry(name).or_insert(what);
    }
}
