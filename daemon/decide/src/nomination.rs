//! Nominations: which waiting pods get `status.nominatedNodeName`, in which order pods come to nodes that have just
//! started, and when these are opened.
//!
//! kube-scheduler (1.36) tries the nominated node first and keeps a nominated pod's room for it. Where it finds no node
//! for a pod it drops the nomination, and whatever it tries before everybody is nominated takes what room there is. So
//! nodes register closed, by the startup taint; pods are let in one by one, each when the place it was bought for would
//! admit it; nodes open once all have come. Not here: where pods go.

use crate::class::Class;
use crate::constraints::{Deals, Turn};
use crate::rooms::{Housed, Room, Stand};
use crate::steps::Steps;
use model::ids::NodeName;
use model::node::Node;
use model::plan::StepKind;
use model::pod::Pod;
use model::reason::Reason;
use model::time::Span;
use std::collections::BTreeMap;

/// Nominations in one plan: each is a few calls of some milliseconds, and the next cycle continues.
const AT_MOST: usize = 500;

/// A node opens after this time whoever has not come.
const STARTING_TIME: Span = Span::from_secs(300);

/// A pod that waits for a node that is Ready.
struct Waits<'a> {
    pod: &'a Pod,
    class: &'a Class,
    node: &'a NodeName,
}

impl Waits<'_> {
    fn is_nominated(&self) -> bool {
        self.pod.nominated.as_ref() == Some(self.node)
    }
}

impl<'a> Steps<'a> {
    /// Nominations of waiting pods to nodes that are Ready, as long as nobody whose turn it is not comes before its time;
    /// and the nodes that are opened.
    pub(crate) fn nominate(
        &mut self,
        rooms: &'a [Room],
        housed: &'a Housed,
        (classes, deals): (&'a [Class], &Deals),
    ) {
        let starting: BTreeMap<&NodeName, &Node> = rooms
            .iter()
            .filter(|room| room.stand == Stand::Ready)
            .filter_map(|room| self.seen.node(&room.name))
            .filter(|node| node.is_starting())
            .map(|node| (&node.name, node))
            .collect();
        let mut waiting = self.waiting(rooms, housed, classes);
        // All open together: whoever is not let in yet finds nothing open and stays with the plan.
        let all_came = !waiting.iter().any(|waits| starting.contains_key(waits.node));
        let mut turns = deals.turns(waiting.iter().map(|waits| waits.class));
        // Who has a turn already keeps it; where there are no turns, who was not told yet comes first.
        waiting.sort_by_key(|waits| {
            let turn = turns.of(waits.class);
            (turn, waits.is_nominated() == (turn == Turn::Any))
        });
        // Who is admitted only after others is told once they have come: a nomination that does not hold yet is dropped.
        let now = waiting
            .into_iter()
            .filter(|waits| !housed.after_others.contains(&waits.pod.key) && turns.takes(waits.class));
        // Whoever still waits for a node that starts may not have been let in: that is tried again.
        let told = |waits: &Waits<'_>| waits.is_nominated() && !starting.contains_key(waits.node);
        for waits in now.filter(|waits| !told(waits)).take(AT_MOST) {
            let kind = StepKind::Nominate {
                pod: waits.pod.key.clone(),
                node: waits.node.clone(),
                starting: starting.contains_key(waits.node),
            };
            self.add(kind, Reason::Planned, None);
        }
        for (name, node) in starting {
            let overdue = self.seen.at.since(node.created) > STARTING_TIME;
            if overdue || all_came && !has_boot_taints(node) {
                let node = name.clone();
                self.add(StepKind::Uncordon { node }, Reason::Planned, None);
            }
        }
    }

    fn waiting(&self, rooms: &'a [Room], housed: &'a Housed, classes: &'a [Class]) -> Vec<Waits<'a>> {
        let mut waiting = Vec::new();
        for room in rooms.iter().filter(|room| room.stand == Stand::Ready) {
            for (class, key) in housed.pods.get(&room.name).into_iter().flatten() {
                if let (Some(pod), Some(class)) = (self.seen.pod(key), classes.get(*class)) {
                    let node = &room.name;
                    waiting.push(Waits { pod, class, node });
                }
            }
        }
        waiting
    }
}

/// Whether Kubernetes itself still keeps pods away: nobody is housed there yet, so nobody is missing either.
fn has_boot_taints(node: &Node) -> bool {
    let boots = |key: &str| {
        key.starts_with("node.kubernetes.io/") || key == "node.cloudprovider.kubernetes.io/uninitialized"
    };
    node.taints.iter().any(|taint| boots(&taint.key))
}
