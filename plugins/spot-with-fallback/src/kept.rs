//! What is remembered of spot from cycle to cycle, as lines of text: `loss MILLIS GROUP` for every loss within the
//! window, `node NAME GROUP` for every spot node that was there, `barred OFFER` for every spot offer that was barred, and
//! `seen MILLIS`, when all that was.
//!
//! Policies are asked about placement only while something wants a place: a node that is gone since a picture of long
//! ago may have been given up meanwhile, and is not counted. Of very many nodes only the first are remembered; a loss of others is seen only while the provider says so.

use plimsoll_sdk::{Node, Purchase, View};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Room for lines; the host takes 65,536 bytes.
const MOST_KEPT: usize = 60_000;
/// A picture older than this says nothing about how a node went, milliseconds.
const NEIGHBOURS: u64 = 120_000;
/// Losses that are remembered; more change nothing.
const MOST_LOSSES: usize = 500;

/// See the module.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// When, in milliseconds since the epoch, and in which group; oldest first.
    losses: Vec<(u64, String)>,
    /// Group by name of the node. A node whose loss was counted already has none.
    nodes: BTreeMap<String, String>,
    barred: BTreeSet<String>,
    /// When nodes and offers were seen so, in milliseconds since the epoch.
    seen: u64,
}

impl Kept {
    /// Lines that are not its own are passed over.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut kept = Self::default();
        for line in text.lines() {
            let mut words = line.splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("loss"), Some(at), Some(group)) => {
                    let at = at.parse().ok();
                    kept.losses.extend(at.map(|at| (at, group.to_owned())));
                }
                (Some("node"), Some(name), group) => {
                    kept.nodes
                        .insert(name.to_owned(), group.unwrap_or_default().to_owned());
                }
                (Some("seen"), Some(at), _) => kept.seen = at.parse().unwrap_or(0),
                (Some("barred"), Some(offer), _) => {
                    kept.barred.insert(offer.to_owned());
                }
                _ => {}
            }
        }
        kept
    }

    pub(crate) fn written(&self) -> String {
        let mut text = format!("seen {}\n", self.seen);
        for (at, group) in &self.losses {
            let _ = writeln!(text, "loss {at} {group}");
        }
        for offer in &self.barred {
            let _ = writeln!(text, "barred {offer}");
        }
        for (name, group) in &self.nodes {
            if text.len() + name.len() + group.len() > MOST_KEPT {
                break;
            }
            let _ = writeln!(text, "node {name} {group}");
        }
        text
    }

    /// Losses within the window in a group.
    pub(crate) fn losses(&self, group: &str) -> u32 {
        let count = self.losses.iter().filter(|(_, lost)| lost == group).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// What is remembered after this picture, of a window in milliseconds.
    pub(crate) fn next(mut self, view: &View<'_>, window: u64) -> Self {
        let now = view.now_ms();
        self.losses.retain(|(at, _)| now.saturating_sub(*at) <= window);
        let mut seen = BTreeMap::new();
        for node in view.nodes() {
            let name = node.name().to_string();
            let known = self.nodes.remove(&name);
            let Some(group) = spot_group(node) else { continue };
            // Drained by Plimsoll or deleted by somebody: it will be gone, and that is no loss.
            let goes_by_choice = node.state() & (4 | 32) != 0;
            let taken = node.state() & 64 != 0;
            let counted = known.is_some_and(|group| group.is_empty());
            if taken && !counted && !goes_by_choice {
                self.lose(now, group.clone());
            }
            let watched = !taken && !goes_by_choice;
            seen.insert(name, if watched { group } else { String::new() });
        }
        // What is left was there in the last cycle and is gone.
        let fresh = now.saturating_sub(self.seen) <= NEIGHBOURS;
        for (_, group) in std::mem::replace(&mut self.nodes, seen) {
            if fresh && !group.is_empty() {
                self.lose(now, group);
            }
        }
        let offers = view
            .offers()
            .filter(|offer| offer.purchase() == Some(Purchase::Spot) && offer.barred_ms() > 0);
        let mut barred = BTreeSet::new();
        for offer in offers {
            let group = offer.group().name().to_string();
            let key = format!("{group}/{}/{}", offer.instance_type(), offer.zone());
            if !self.barred.contains(&key) {
                self.lose(now, group);
            }
            barred.insert(key);
        }
        self.barred = barred;
        self.seen = now;
        self
    }

    fn lose(&mut self, at: u64, group: String) {
        if self.losses.len() < MOST_LOSSES {
            self.losses.push((at, group));
        }
    }
}

/// The group of a node that was bought as spot.
fn spot_group(node: Node<'_>) -> Option<String> {
    let offer = node.offer()?;
    let group = (offer.purchase() == Some(Purchase::Spot)).then(|| offer.group().name());
    group.map(|name| name.to_string())
}
