//! The fewest evictions that save as much: every set of nodes that may go and whose pods fit on the others, by a search
//! under `fit::filters`, the best of them confirmed by kube-scheduler.
//!
//! For small clusters from which nodes only go; where a plan also buys some there is no answer.

use super::carried::cordon;
use super::movable;
use crate::case;
use crate::rest::world::World;
use crate::scheduler::Scheduler;
use anyhow::Result;
use fit::filters::Filters;
use model::ids::NodeName;
use model::pod::SpecIx;
use model::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;

/// Nodes with pods, at most: all of their sets are looked at.
const NODES: usize = 14;
/// Sets that are tried, at most.
const SETS: usize = 400;
/// Placements that are tried for each, at most.
const STATES: usize = 4000;

/// A node that may go.
struct Candidate {
    name: String,
    price: i64,
    movers: Vec<Value>,
}

/// The fewest evictions that save at least this much, where that is fewer than `most`; `None` where the cluster is too
/// large.
pub(super) fn fewest(
    world: &World,
    seen: &Snapshot,
    (saved, most): (i64, usize),
    scheduler: &mut Scheduler,
) -> Result<Option<usize>> {
    let free = |node: &&Value| movable::kept(world, seen, node).is_none();
    let candidates = world.case.nodes.iter().filter(free).map(|node| {
        let name = case::name(node).to_owned();
        let known = seen.node(&NodeName::new(&name));
        Candidate {
            price: known
                .and_then(|node| seen.node_price(node))
                .map_or(0, |price| price.0),
            movers: movable::movers(world, &name),
            name,
        }
    });
    let (empty, full): (Vec<Candidate>, Vec<Candidate>) =
        candidates.partition(|candidate| candidate.movers.is_empty());
    if full.len() > NODES {
        return Ok(None);
    }
    let given: i64 = empty.iter().map(|candidate| candidate.price).sum();
    let mut sets: Vec<(usize, Vec<&Candidate>)> = Vec::new();
    for bits in 0..1_usize << full.len() {
        let set: Vec<&Candidate> = (0..full.len())
            .filter(|at| bits & (1 << at) != 0)
            .map(|at| &full[at])
            .collect();
        let saves: i64 = set.iter().map(|candidate| candidate.price).sum();
        let moves: usize = set.iter().map(|candidate| candidate.movers.len()).sum();
        if saves + given >= saved && moves < most {
            sets.push((moves, set));
        }
    }
    sets.sort_by_key(|(moves, set)| (*moves, set.len()));
    let empty: Vec<&str> = empty.iter().map(|candidate| candidate.name.as_str()).collect();
    for (moves, set) in sets.into_iter().take(SETS) {
        if works(world, (&empty, &set), scheduler)? {
            return Ok(Some(moves));
        }
    }
    Ok(Some(most))
}

/// Whether these nodes can all be emptied.
fn works(world: &World, (empty, set): (&[&str], &[&Candidate]), scheduler: &mut Scheduler) -> Result<bool> {
    let mut cordoned = world.clone();
    for node in &mut cordoned.case.nodes {
        let name = case::name(node);
        if empty.contains(&name) || set.iter().any(|candidate| candidate.name == name) {
            cordon(node);
        }
    }
    let movers: Vec<&Value> = set.iter().flat_map(|candidate| &candidate.movers).collect();
    let owned: Vec<Value> = movers.iter().map(|pod| (*pod).clone()).collect();
    let one_by_one = !movable::at_once(world, &owned);
    let seen = cordoned.snapshot()?;
    let mut search = Search::new(&seen, &movers, one_by_one);
    if !search.descend() {
        return Ok(false);
    }
    let order: Vec<(usize, String)> = search.placed.clone();
    confirmed(&cordoned, &movers, (&order, one_by_one), scheduler)
}

struct Search<'a> {
    filters: Filters<'a>,
    /// Nodes that may take pods.
    open: Vec<&'a NodeName>,
    /// Spec and node of each pod.
    pods: Vec<(SpecIx, &'a NodeName)>,
    one_by_one: bool,
    left: Vec<usize>,
    placed: Vec<(usize, String)>,
    known: BTreeSet<Vec<(SpecIx, String)>>,
    states: usize,
}

impl<'a> Search<'a> {
    fn new(seen: &'a Snapshot, movers: &[&Value], one_by_one: bool) -> Self {
        let mut filters = Filters::new(seen);
        let of = |pod: &&&Value| {
            let known = seen.pod(&case::key(pod))?;
            Some((known.spec, known.node.as_ref()?))
        };
        let pods: Vec<(SpecIx, &NodeName)> = movers.iter().filter_map(|pod| of(&pod)).collect();
        if !one_by_one {
            for (spec, node) in &pods {
                filters.take(*spec, node);
            }
        }
        let open = seen.nodes.iter().filter(|node| !node.unschedulable);
        Self {
            filters,
            open: open.map(|node| &node.name).collect(),
            left: (0..pods.len()).collect(),
            pods,
            one_by_one,
            placed: Vec::new(),
            known: BTreeSet::new(),
            states: 0,
        }
    }

    fn descend(&mut self) -> bool {
        if self.left.is_empty() {
            return true;
        }
        let placed = self.placed.iter();
        let mut state: Vec<(SpecIx, String)> = placed
            .map(|(at, node)| (self.pods[*at].0, node.clone()))
            .collect();
        state.sort();
        if self.states >= STATES || !self.known.insert(state) {
            return false;
        }
        self.states += 1;
        for at in self.left.clone() {
            let (spec, from) = self.pods[at];
            if self.one_by_one {
                self.filters.take(spec, from);
            }
            for to in self.open.clone() {
                if self.filters.judge(spec, to).is_err() {
                    continue;
                }
                self.filters.put(spec, to);
                self.left.retain(|other| *other != at);
                self.placed.push((at, to.to_string()));
                if self.descend() {
                    return true;
                }
                self.placed.pop();
                self.left.push(at);
                self.left.sort_unstable();
                self.filters.take(spec, to);
            }
            if self.one_by_one {
                self.filters.put(spec, from);
            }
        }
        false
    }
}

/// Whether kube-scheduler admits the pods in this order.
fn confirmed(
    world: &World,
    movers: &[&Value],
    (order, one_by_one): (&[(usize, String)], bool),
    scheduler: &mut Scheduler,
) -> Result<bool> {
    let first = if one_by_one { 1 } else { order.len() };
    for turn in first..=order.len() {
        let mut case = world.case.clone();
        let lifted: Vec<_> = order[..turn]
            .iter()
            .map(|(at, _)| case::key(movers[*at]))
            .collect();
        case.pods.retain(|pod| !lifted.contains(&case::key(pod)));
        case.pending = order[..turn].iter().map(|(at, _)| unbound(movers[*at])).collect();
        case.bind = order[..turn].iter().map(|(_, node)| node.clone()).collect();
        let answer = scheduler.ask(&case)?;
        let mut judged = answer.pods.iter().zip(&case.bind);
        if answer.pods.len() != turn || !judged.all(|(judged, node)| judged.feasible.contains(node)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn unbound(pod: &Value) -> Value {
    let mut pod = pod.clone();
    if let Some(spec) = pod["spec"].as_object_mut() {
        spec.remove("nodeName");
    }
    pod["status"] = serde_json::json!({"phase": "Pending"});
    pod
}
