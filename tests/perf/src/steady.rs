//! Clusters that run what our own plan put on them: a cycle after some pods came and went, and a look at everything
//! that finds nothing to gain.

use crate::catalogue::{self, Catalogue};
use crate::karpenter;
use crate::measure;
use crate::running;
use crate::snapshot;
use crate::suite::{self, Figures, Part, Peer, Row, Seeds, Try, Wanted};
use crate::workload::Source;
use anyhow::{Context, Result};
use model::{Aims, Memory, Snapshot, Span, StepKind};

/// Karpenter's consolidation pass that finds nothing at 761 nodes and 20,000 pods: seconds of its multi-node and its
/// single-node search.
const KARPENTER_LOOKS: f64 = 0.96 + 76.8;

/// The rows.
pub fn rows() -> Vec<Row> {
    let look = |pods: usize, wanted, peer| Row {
        name: format!("a look that finds nothing, k8smix (synthetic) {pods} ≤16"),
        part: Part::Running,
        wanted,
        run: Box::new(move |seeds| look(pods, seeds, peer)),
    };
    let cycle = |pods: usize, wanted| Row {
        name: format!("a cycle with 1 % churn, k8smix (synthetic) {pods} ≤16"),
        part: Part::Running,
        wanted,
        run: Box::new(move |seeds| cycle(pods, seeds)),
    };
    let steady = Wanted {
        mib: Some(150.0),
        ..Wanted::within(200.0)
    };
    vec![
        cycle(30_000, Wanted::nothing()),
        cycle(150_000, steady),
        look(20_000, Wanted::within(500.0), Some(KARPENTER_LOOKS)),
        look(28_000, Wanted::nothing(), None),
        look(140_000, Wanted::nothing(), None),
    ]
}

/// A cluster that runs what one plan bought for so many pods.
fn settled(pods: usize, seed: u64) -> Result<Snapshot> {
    let offers = Catalogue::up_to(16).offers(&catalogue::prices()?);
    let seen = snapshot::waiting(&Source::K8smix.draw(pods, seed)?, offers);
    let done = suite::decide(&seen, &Aims::default());
    Ok(running::carried_out(seen, &done.plan))
}

fn first(seeds: Seeds) -> Result<u64> {
    seeds.each().next().context("no seed")
}

fn cycle(pods: usize, seeds: Seeds) -> Result<Figures> {
    let seed = first(seeds)?;
    let aims = Aims::default();
    let before = settled(pods, seed)?;
    let memory = suite::decide(&before, &aims).memory;
    let nodes = before.nodes.len();
    let seen = running::churned(before, 100, seed);
    figures(&seen, &aims, &memory, nodes, None)
}

fn look(pods: usize, seeds: Seeds, peer: Option<f64>) -> Result<Figures> {
    let seen = settled(pods, first(seeds)?)?;
    figures(&seen, &eager(), &Memory::default(), seen.nodes.len(), peer)
}

/// Whatever pays is done at once: nothing found means that there was nothing.
fn eager() -> Aims {
    let mut aims = Aims::default();
    aims.shrink.unneeded_for = Span::from_secs(0);
    aims.shrink.min_age = Span::from_secs(0);
    aims
}

/// The cluster with one pod in three of what was planned for it, so that there is something to find.
#[cfg(test)]
fn emptied(pods: usize) -> Result<Snapshot> {
    let mut seen = settled(pods, 41)?;
    let mut ix = 0;
    seen.pods.retain(|_| {
        ix += 1;
        ix % 3 == 0
    });
    Ok(seen)
}

fn figures(
    seen: &Snapshot,
    aims: &Aims,
    memory: &Memory,
    nodes: usize,
    peer: Option<f64>,
) -> Result<Figures> {
    let policies = decide::PolicySet::default();
    let (taken, done) = measure::best(|| decide::deliberate(seen, memory, &policies, aims));
    let removals = done.plan.steps.iter();
    let removals = removals
        .filter(|step| matches!(step.kind, StepKind::Cordon { .. }))
        .count();
    Ok(Figures {
        tries: vec![Try::of(taken, seen, aims, &done)?],
        peer: peer.map(|seconds| Peer {
            name: "Karpenter".to_owned(),
            faster: karpenter::times(seconds, &taken),
            cheaper: None,
        }),
        beside: vec![
            format!("{nodes} nodes and {} pods there", seen.pods.len()),
            format!("{removals} removals begun"),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn a_look_finds_what_there_is() {
        if !data::folder().join("ec2_us-east-1.csv.gz").exists() {
            eprintln!("skipped: no outside data at {}", data::folder().display());
            return;
        }
        let found = |seen: &Snapshot, aims: &Aims| {
            let figures = figures(seen, aims, &Memory::default(), seen.nodes.len(), None).unwrap();
            !figures.beside.contains(&"0 removals begun".to_owned())
        };
        assert!(found(&emptied(2_000).unwrap(), &eager()));
        // A plan is not the cheapest there is: only where moving pods costs more than that is nothing found.
        let mut dear = eager();
        dear.shrink.eviction_cost_nanos = 1_000_000_000;
        assert!(!found(&settled(2_000, 41).unwrap(), &dear));
    }
}
