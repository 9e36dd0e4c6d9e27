//! Fair shares: which of what waits one cycle looks at, where that is more than it has work for.
//!
//! Work is counted, never timed: classes by what following their rules takes, and pods. It is shared out between
//! namespaces by max-min fairness: who wants less than an even share has all of it, and the others share the rest evenly.
//! So nobody's pods wait for those of somebody who has a thousand kinds of them. Within a namespace pods of higher
//! priority go first, and among equals the turn moves on with time: classes for which there is no place keep the others
//! waiting for some turns, not for ever. Not here: what a namespace may cost (`namespace_quotas`).

use crate::class::Class;
use crate::number::size;
use model::aims::Aims;
use model::ids::PodKey;
use model::pod::{NearRule, PodSpec};
use model::reason::{Misfit, Refusal};
use model::snapshot::Snapshot;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long a turn is: longer than nodes take to come, so that who was bought for has gone when it ends.
const TURN_MILLIS: i64 = 300_000;
/// What a class counts at most, and what parts of its rules count, found by measuring cycles of ten thousand such classes
/// (`perf hostile`): a plain one counts 1.
const MOST: u64 = 64;
const NODE_RULE: u64 = 2;
const APART_OR_SPREAD: u64 = 3;
const TOGETHER: u64 = 15;
const TERMS_PER_UNIT: usize = 32;

/// Amounts by namespace.
pub(crate) type Shares<'n> = BTreeMap<&'n str, u64>;

/// Max-min fair shares of a total between namespaces that want so much; several wants of one are added up.
pub(crate) fn between<'n>(wants: impl Iterator<Item = (&'n str, u64)>, total: u64) -> Shares<'n> {
    let mut shares: Shares<'n> = BTreeMap::new();
    for (namespace, want) in wants {
        let sum = shares.entry(namespace).or_default();
        *sum = sum.saturating_add(want);
    }
    let mut order: Vec<(u64, &str)> = shares
        .iter()
        .map(|(namespace, want)| (*want, *namespace))
        .collect();
    order.sort_unstable();
    let (mut left, mut many) = (total, order.len() as u64);
    for (want, namespace) in order {
        let share = want.min(left / many);
        shares.insert(namespace, share);
        (left, many) = (left - share, many - 1);
    }
    shares
}

/// Takes at most so many of a namespace's share.
pub(crate) fn take(shares: &mut Shares<'_>, namespace: &str, wanted: u32) -> u32 {
    let Some(left) = shares.get_mut(namespace) else {
        return 0;
    };
    let taken = u64::from(wanted).min(*left);
    *left -= taken;
    u32::try_from(taken).unwrap_or(wanted)
}

/// The classes that this cycle looks at, in their order, and a refusal for every waiting pod of the others.
pub(crate) fn of_a_cycle(seen: &Snapshot, aims: &Aims, classes: Vec<Class>) -> (Vec<Class>, Vec<Refusal>) {
    let (kinds, pods) = (u64::from(aims.search.kinds), u64::from(aims.search.pods));
    let works: Vec<u64> = classes.iter().map(|class| work_of(&class.body)).collect();
    let every = classes.iter().map(|class| u64::from(class.count()));
    if works.iter().sum::<u64>() <= kinds && every.sum::<u64>() <= pods {
        return (classes, Vec::new());
    }
    let namespaces = || classes.iter().map(|class| class.body.namespace.as_str());
    let mut work_left = between(namespaces().zip(works.iter().copied()), kinds);
    let counts = classes.iter().map(|class| u64::from(class.count()));
    let mut pods_left = between(namespaces().zip(counts), pods);
    let mut of_namespace: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, namespace) in namespaces().enumerate() {
        of_namespace.entry(namespace).or_default().push(at);
    }
    // By class: pods that are looked at.
    let mut looked_at = vec![0_u32; classes.len()];
    for (namespace, mut members) in of_namespace {
        members.sort_by_key(|at| Reverse(classes[*at].rank()));
        let work = work_left.get_mut(namespace);
        let mut left = work.map_or(0, |left| *left);
        let mut first = true;
        for at in in_turn(seen, (&classes, &works), &members, left) {
            // One at least: a share may be less than the dearest of kinds.
            if (works[at] <= left || first) && pods_left.get(namespace).is_some_and(|left| *left > 0) {
                left = left.saturating_sub(works[at]);
                looked_at[at] = take(&mut pods_left, namespace, classes[at].count());
                first = false;
            }
        }
    }
    split(classes, &looked_at)
}

/// What looking at a class counts.
fn work_of(spec: &PodSpec) -> u64 {
    let near = spec.near.iter().map(|near| match near.rule {
        NearRule::Together => TOGETHER,
        NearRule::Apart | NearRule::Spread { .. } => APART_OR_SPREAD,
    });
    let of_node = !spec.node_selector.is_empty() || spec.node_affinity.is_some();
    let affinity = spec.node_affinity.iter().flatten();
    let terms = affinity.chain(spec.reach.iter().flatten());
    let requirements: usize = terms.map(|term| term.labels.len() + term.fields.len()).sum();
    let small = requirements + spec.tolerations.len() + spec.prefers.len() + spec.host_ports.len();
    let small = small + spec.soft_spread.len() + spec.node_selector.len();
    let work = 1 + near.sum::<u64>() + u64::from(of_node) * NODE_RULE + (small / TERMS_PER_UNIT) as u64;
    work.min(MOST)
}

/// The members by falling rank; those of the first rank for which a share does not do begin where the turn has come to.
fn in_turn(
    seen: &Snapshot,
    (classes, works): (&[Class], &[u64]),
    members: &[usize],
    share: u64,
) -> Vec<usize> {
    let turn = u64::try_from(seen.at.0.max(0) / TURN_MILLIS).unwrap_or(0);
    let mut order: Vec<usize> = Vec::with_capacity(members.len());
    let mut left = share;
    for same in members.chunk_by(|a, b| classes[*a].rank() == classes[*b].rank()) {
        let wanted: u64 = same.iter().map(|at| works[*at]).sum();
        let begins = if wanted <= left {
            0
        } else {
            // As far as the shares of the turns before have come.
            let through = (turn % wanted).saturating_mul(left.max(1)) % wanted;
            let mut sum = 0;
            let passed = same.iter().take_while(|at| {
                sum += works[**at];
                sum <= through
            });
            passed.count()
        };
        order.extend(&same[begins..]);
        order.extend(&same[..begins]);
        left = left.saturating_sub(wanted);
    }
    order
}

/// Classes with as many of their first pods as are looked at; the waiting ones of the rest are put off.
fn split(classes: Vec<Class>, looked_at: &[u32]) -> (Vec<Class>, Vec<Refusal>) {
    let mut kept = Vec::new();
    let mut put_off = Vec::new();
    for (class, now) in classes.into_iter().zip(looked_at.iter().map(|now| size(*now))) {
        let waiting = class.pods.iter().take(size(class.pending)).skip(now);
        put_off.extend(waiting.map(|pod| Refusal::Pod {
            pod: pod.clone(),
            why: Misfit::PutOff,
            closest: Vec::new(),
        }));
        if now == class.pods.len() {
            kept.push(class);
        } else if now > 0 {
            kept.push(class.part(&(0..now).collect::<Vec<_>>()));
        }
    }
    (kept, put_off)
}

/// The picture without the pods that are put off, for everything that comes after: rules that only they have are held
/// against nobody.
pub(crate) fn without(seen: &Snapshot, put_off: &[Refusal]) -> Snapshot {
    let mut picture = seen.clone();
    let gone: BTreeSet<&PodKey> = put_off
        .iter()
        .filter_map(|refusal| match refusal {
            Refusal::Pod { pod, .. } => Some(pod),
            _ => None,
        })
        .collect();
    picture.pods.retain(|pod| !gone.contains(&pod.key));
    let mut used = vec![false; picture.specs.len()];
    let templates = picture.workloads.iter().filter_map(|workload| workload.template);
    for spec in picture.pods.iter().map(|pod| pod.spec).chain(templates) {
        if let Some(used) = used.get_mut(size(spec)) {
            *used = true;
        }
    }
    let nothing: Arc<PodSpec> = Arc::default();
    for (spec, used) in picture.specs.iter_mut().zip(used) {
        if !used {
            // Its place stays: others are found by theirs.
            *spec = Arc::clone(&nothing);
        }
    }
    picture
}

#[cfg(test)]
mod tests;
