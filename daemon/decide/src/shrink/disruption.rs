//! The hook `disruption`: what policies say of nodes that could be given up, before any of them is.
//!
//! Asked once in a cycle about every node that no rule of ours keeps, whether or not it pays to give it up now, so that
//! what is answered does not hang on the search. A denial keeps a node from consolidation and from renewal; an addend
//! is what giving it up must bring beyond what it must bring anyway, and counts in consolidation alone. Of several
//! policies a denial wins, and addends add. Nobody is asked about what the provider takes, nor about removals that are
//! under way.

use super::candidates::keeps;
use super::fleet::Fleet;
use super::shrinking::Shrinking;
use crate::asking::{Asking, Counted};
use crate::number::{count, permille, size};
use crate::policy::{CandidateRow, MoverRow, Prepared, View};
use crate::tenants::Tenants;
use model::advice::{Advice, Hook};
use model::aims::Aims;
use model::ids::NodeName;
use model::memory::Memory;
use model::money::UsdPerHour;
use model::pod::PodPhase;
use model::reason::Stays;
use model::resources::Resources;
use std::collections::BTreeMap;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Says {
    denied: BTreeMap<NodeName, Stays>,
    addends: BTreeMap<NodeName, i64>,
}

impl Says {
    pub(super) fn denied(&self, node: &NodeName) -> Option<Stays> {
        self.denied.get(node).cloned()
    }

    /// Nano-dollars per hour.
    pub(super) fn addend(&self, node: &NodeName) -> i64 {
        self.addends.get(node).copied().unwrap_or(0)
    }

    fn add(&mut self, names: &[&NodeName], (policy, advice): &Counted<'_>) {
        let Advice::Disruption(advice) = &**advice else {
            return;
        };
        for denial in &advice.denials {
            if let Some(name) = names.get(size(denial.row)) {
                let denied = Stays::Denied {
                    policy: (*policy).clone(),
                    code: denial.code,
                    text: denial.text.clone(),
                };
                self.denied.entry((*name).clone()).or_insert(denied);
            }
        }
        for (row, nanos, _) in &advice.addends {
            if let Some(name) = names.get(size(*row)) {
                let sum = self.addends.entry((*name).clone()).or_default();
                *sum = sum.saturating_add(*nanos);
            }
        }
    }
}

/// Asks the policies of the hook, where there is anything to ask about.
pub(crate) fn ask(
    (shrinking, tenants): (&Shrinking<'_>, &Tenants),
    memory: &mut Memory,
    aims: &Aims,
    asking: &mut Asking<'_>,
) -> Says {
    let mut says = Says::default();
    if !aims.shrink.enabled || !asking.anybody(Hook::Disruption) {
        return says;
    }
    let fleet = &shrinking.fleet;
    let (candidates, movers) = rows(fleet, tenants, (memory, aims));
    if candidates.is_empty() {
        return says;
    }
    let view = View {
        hook: Hook::Disruption,
        seen: fleet.seen,
        memory: &memory.clone(),
        aims,
        workloads: &[],
        classes: &[],
        sets: &[],
        candidates: &candidates,
        movers: &movers,
        steps: &[],
        prepared: Prepared::default(),
    };
    let answers = asking.ask(&view, memory);
    let nodes = candidates
        .iter()
        .map(|row| &fleet.seen.nodes[size(row.node)].name);
    let names: Vec<&NodeName> = nodes.collect();
    for answer in &answers.counted {
        says.add(&names, answer);
    }
    says
}

fn rows(
    fleet: &Fleet<'_>,
    tenants: &Tenants,
    (memory, aims): (&Memory, &Aims),
) -> (Vec<CandidateRow>, Vec<MoverRow>) {
    let seen = fleet.seen;
    let (mut candidates, mut movers) = (Vec::new(), Vec::new());
    for ((at, node), tenants) in seen.nodes.iter().enumerate().zip(tenants.by_node()) {
        let bin = &fleet.bins[at];
        if !bin.receives || keeps(seen, aims, node).is_some() {
            continue;
        }
        let requested = tenants.iter().filter_map(|pod| {
            let spec = seen.pods.get(size(*pod))?.spec;
            seen.specs.get(size(spec))
        });
        let mut asked = Resources::default();
        requested.for_each(|spec| asked.add(&spec.requests));
        let row = count(candidates.len());
        candidates.push(CandidateRow {
            node: count(at),
            price: bin.priced.then_some(UsdPerHour(bin.price)),
            moves: bin.moves(),
            cpu_requested: permille(asked.cpu_milli, node.allocatable.cpu_milli),
            memory_requested: permille(asked.memory_bytes, node.allocatable.memory_bytes),
            unneeded: memory.unneeded_since.get(&node.name).map(|at| seen.at.since(*at)),
            due: aims.disruption.due(node, seen),
        });
        let moves = |pod: &&u32| {
            let pod = &seen.pods[size(**pod)];
            pod.phase != PodPhase::Terminating && !fleet.kinds[size(pod.spec)].expendable
        };
        movers.extend(bin.pods.iter().filter(moves).map(|pod| MoverRow {
            candidate: row,
            pod: *pod,
        }));
    }
    (candidates, movers)
}
