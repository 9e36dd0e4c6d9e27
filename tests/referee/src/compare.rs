//! One verdict per pod and node from each side, and where they differ.

use crate::case::{self, Case};
use crate::scheduler::Answer;
use fit::filters::{Filters, Objection};
use model::ids::NodeName;
use model::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::fmt;

/// How two verdicts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// We admit what kube-scheduler rejects: never allowed.
    Admits,
    /// We reject what kube-scheduler admits: costs money, breaks nothing.
    Strict,
    /// Both reject, and name another plugin first.
    OtherPlugin,
}

/// A pod and a node about which the sides differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// How.
    pub kind: Kind,
    /// `namespace/name`.
    pub pod: String,
    /// Node.
    pub node: String,
    /// Our word; empty where we admit.
    pub ours: String,
    /// Theirs; empty where they admit.
    pub theirs: String,
    /// What rejections of this sort have in common, for counting.
    pub sort: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |word: &str| {
            if word.is_empty() {
                "may run there".to_owned()
            } else {
                word.to_owned()
            }
        };
        write!(
            f,
            "{} on {}: we say {}; kube-scheduler says {}",
            self.pod,
            self.node,
            word(&self.ours),
            word(&self.theirs)
        )
    }
}

/// What one case came to.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// Pairs of pod and node.
    pub pairs: u64,
    /// Of them, those that kube-scheduler admits.
    pub admitted: u64,
    /// Plugins that kube-scheduler named first.
    pub plugins: Vec<String>,
    /// Where the sides differ.
    pub differences: Vec<Disagreement>,
}

/// Judges every pending pod on every node, binds it as the case says, and holds each verdict against the answer.
pub fn compare(case: &Case, seen: &Snapshot, answer: &Answer) -> Compared {
    let mut filters = Filters::new(seen);
    let names: BTreeSet<&str> = case.node_names().collect();
    let mut compared = Compared::default();
    for (at, (pod, judged)) in case.pending.iter().zip(&answer.pods).enumerate() {
        let Some(known) = seen.pod(&case::key(pod)) else {
            continue;
        };
        for node in &names {
            let ours = filters.judge(known.spec, &NodeName::new(*node)).err();
            let theirs = judged.rejection(node);
            compared.pairs += 1;
            compared.admitted += u64::from(theirs.is_none());
            compared.plugins.extend(theirs.map(|said| said.plugin.clone()));
            let kind = match (&ours, theirs) {
                (None, Some(_)) => Kind::Admits,
                (Some(_), None) => Kind::Strict,
                (Some(ours), Some(theirs)) if differs(ours, &theirs.plugin, theirs.early) => {
                    Kind::OtherPlugin
                }
                _ => continue,
            };
            let said = theirs.map(|said| format!("{} {:?}", said.plugin, said.reasons));
            compared.differences.push(Disagreement {
                kind,
                pod: judged.pod.clone(),
                node: (*node).to_owned(),
                sort: sort(ours.as_ref(), theirs.map(|said| said.plugin.as_str())),
                ours: ours.map(|objection| objection.to_string()).unwrap_or_default(),
                theirs: said.unwrap_or_default(),
            });
        }
        let bound = case.bind.get(at).filter(|node| names.contains(node.as_str()));
        if let Some(node) = bound {
            filters.put(known.spec, &NodeName::new(node));
        }
    }
    compared
}

/// Whether another plugin is named first. What is not modelled stands in nobody's order, nor does what PreFilter says.
fn differs(ours: &Objection, theirs: &str, early: bool) -> bool {
    let unmodelled = matches!(ours, Objection::Unmodelled(_));
    !early && !unmodelled && ours.plugin().is_none_or(|plugin| plugin.name() != theirs)
}

fn sort(ours: Option<&Objection>, theirs: Option<&str>) -> String {
    let own = match ours {
        Some(Objection::Unmodelled(what)) => format!("Unmodelled::{what:?}"),
        Some(objection) => objection
            .plugin()
            .map_or_else(|| "?".to_owned(), |plugin| plugin.name().to_owned()),
        None => String::new(),
    };
    match theirs {
        None => own,
        Some(theirs) if own.is_empty() => theirs.to_owned(),
        Some(theirs) => format!("{own} / {theirs}"),
    }
}
