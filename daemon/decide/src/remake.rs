//! Waiting pods that are ended where the aims let them be, so that Fargate takes those made in their place: one of a
//! workload first, the others once Fargate has taken one made since.
//!
//! Admission and EKS are webhooks, and either may be away: a pod may come back as it was. Then its workload rests, twice
//! as long each time. What was tried stands in the Ledger, what came of it is in the picture. Not here: which pods
//! Fargate would take (`missed`).

use crate::bought::Purchase;
use crate::number::size;
use model::aims::Aims;
use model::ids::{NodeName, PodKey, WorkloadKey};
use model::intent::EffectKind;
use model::memory::Memory;
use model::notes::CouldMove;
use model::plan::StepKind;
use model::provisioned::PROFILE_LABEL;
use model::reason::Reason;
use model::snapshot::Snapshot;
use model::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

/// What a plan wants for a class counts at admission from its end on: a pod seen for this long comes back to that.
const SETTLED: Span = Span::from_secs(10);
/// After the first that came back as it was; doubled each time.
const REST: Span = Span::from_secs(60);
/// Doubled up to this, and never longer than the Ledger remembers.
const LONGEST: Span = Span::from_secs(3600);
/// Kubernetes cuts creation times to whole seconds.
const ROUNDING: Span = Span::from_secs(1);

/// What became of the pods of each workload that were made anew of late.
#[derive(Debug, Default)]
pub(crate) struct Tries(BTreeMap<WorkloadKey, Try>);

#[derive(Debug)]
struct Try {
    /// When, oldest first.
    at: Vec<Instant>,
    /// When the newest of its pods was made that Fargate has taken.
    taken: Option<Instant>,
}

impl Tries {
    pub(crate) fn of(seen: &Snapshot) -> Self {
        let mut tries: BTreeMap<WorkloadKey, Try> = BTreeMap::new();
        for effect in &seen.ledger.effects {
            if let EffectKind::Remade { workload, count: 1.. } = &effect.kind {
                let new = || Try {
                    at: Vec::new(),
                    taken: None,
                };
                let known = tries.entry(workload.clone()).or_insert_with(new);
                known.at.push(effect.at);
            }
        }
        if tries.is_empty() {
            return Self(tries);
        }
        for pod in &seen.pods {
            let Some(spec) = seen.specs.get(size(pod.spec)) else {
                continue;
            };
            if let (true, Some(owner)) = (spec.labels.contains_key(PROFILE_LABEL), &spec.owner)
                && let Some(known) = tries.get_mut(owner)
            {
                known.taken = known.taken.max(Some(pod.created + ROUNDING));
            }
        }
        Self(tries)
    }

    /// How often in a row pods of the workload were made anew without Fargate taking one made since.
    pub(crate) fn in_vain(&self, workload: &WorkloadKey) -> u32 {
        let Some(known) = self.0.get(workload) else {
            return 0;
        };
        let vain = known
            .at
            .iter()
            .filter(|at| known.taken.is_none_or(|taken| taken < **at));
        crate::number::count(vain.count())
    }

    /// How many of the workload's pods may be made anew now.
    fn now(&self, workload: &WorkloadKey, at: Instant) -> usize {
        let last = self.0.get(workload).and_then(|known| known.at.last());
        match (last, self.in_vain(workload)) {
            (None, _) => 1,
            (Some(_), 0) => usize::MAX,
            (Some(last), vain) => usize::from(at.since(*last) >= rest(vain)),
        }
    }
}

/// The steps, in the order of the pods' keys. A pod with room on a node, there or bought, stays.
pub(crate) fn decide(
    (seen, memory, aims): (&Snapshot, &Memory, &Aims),
    named: &[CouldMove],
    (existing, purchase): (&[(NodeName, Vec<PodKey>)], &Purchase),
) -> Vec<(StepKind, Reason)> {
    let settled = |pod: &PodKey| {
        let since = memory.waiting_since.get(pod);
        since.is_some_and(|since| seen.at.since(since) >= SETTLED)
    };
    let wanted = |moved: &&CouldMove| {
        moved.remade && aims.moves_to_fargate(&moved.pod.namespace) && settled(&moved.pod)
    };
    let mut wanted = named.iter().filter(wanted).peekable();
    if wanted.peek().is_none() {
        return Vec::new();
    }
    let housed = housed(seen, existing, purchase);
    let tries = Tries::of(seen);
    let mut left: BTreeMap<WorkloadKey, usize> = BTreeMap::new();
    let mut steps = Vec::new();
    for moved in wanted.filter(|moved| !housed.contains(&moved.pod)) {
        let pod = seen.pod(&moved.pod);
        let Some(owner) = pod.and_then(|pod| seen.specs.get(size(pod.spec))?.owner.clone()) else {
            continue;
        };
        let now = tries.now(&owner, seen.at);
        let left = left.entry(owner).or_insert(now);
        if let Some(less) = left.checked_sub(1) {
            *left = less;
            let kind = StepKind::Remake {
                pod: moved.pod.clone(),
                profile: moved.profile.clone(),
            };
            let (price, why) = (moved.price, moved.why);
            steps.push((kind, Reason::TakenAnew { price, why }));
        }
    }
    steps
}

/// Pods that wait for a node they fit on.
fn housed<'p>(
    seen: &Snapshot,
    existing: &'p [(NodeName, Vec<PodKey>)],
    purchase: &'p Purchase,
) -> BTreeSet<&'p PodKey> {
    let on_ec2 = purchase
        .bought
        .iter()
        .filter(|bought| !seen.offers[bought.offer].is_fargate());
    let bought = on_ec2.flat_map(|bought| &bought.node.pods);
    let there = existing.iter().flat_map(|(_, pods)| pods);
    there.chain(bought).collect()
}

fn rest(vain: u32) -> Span {
    let doubled = REST.millis().saturating_mul(1 << vain.saturating_sub(1).min(20));
    Span::from_millis(doubled.min(LONGEST.millis()))
}

#[cfg(test)]
mod tests;
