//! Experiments run trial after trial: as long as one does, the next trials are demand that can be foreseen. Trials without
//! GPUs have virtual pods; those cannot ask for GPUs, so for trials with GPUs the nodes that they ran on stay.
//!
//! Kept at each hook: a line `MILLIS GPUS PODS CPU MEMORY NAMESPACE/NAME` for each experiment, with when a trial was seen
//! last, whether they ask for GPUs, how many ran at a time at most, and the largest request.

use crate::{EXPERIMENT_RUNS, KeepGpuForMl, MINUTE, NEXT_TRIALS};
use plimsoll_sdk::{Phase, Room, Verdicts, View};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Experiments that are remembered.
const MOST: usize = 200;
/// What the contract allows in one answer.
const MOST_PODS: u32 = 10_000;

#[derive(Clone, Copy, Debug, Default)]
struct Experiment {
    seen: u64,
    gpus: bool,
    /// Trial pods at a time, at most.
    pods: u32,
    cpu_milli: u32,
    memory_mib: u32,
    /// Trial pods in this picture.
    now: u32,
}

/// Room for as many trials as ran at a time, less those that are there.
pub(crate) fn reserve(policy: &KeepGpuForMl, view: &View<'_>) -> Room {
    let mut room = Room::default();
    let mut left = MOST_PODS;
    for experiment in running(policy, view).values() {
        let more = experiment.pods.saturating_sub(experiment.now).min(left);
        let asks = experiment.cpu_milli > 0 || experiment.memory_mib > 0;
        if more > 0 && asks && !experiment.gpus {
            left -= more;
            room.keep(more, experiment.cpu_milli, experiment.memory_mib, NEXT_TRIALS);
        }
    }
    room
}

/// GPU nodes stay while an experiment on GPUs runs.
pub(crate) fn judge(policy: &KeepGpuForMl, view: &View<'_>) -> Verdicts {
    let mut verdicts = Verdicts::default();
    let experiments = running(policy, view);
    let Some((name, _)) = experiments.iter().find(|(_, experiment)| experiment.gpus) else {
        return verdicts;
    };
    let why = format!("experiment {name} runs");
    let gpus: BTreeMap<String, u32> = view
        .nodes()
        .map(|node| (node.name().to_string(), node.extended(&policy.resource)))
        .collect();
    for candidate in view.candidates() {
        if gpus.get(&*candidate.name()).is_some_and(|gpus| *gpus > 0) {
            verdicts.deny_because(candidate, EXPERIMENT_RUNS, &why);
        }
    }
    verdicts
}

/// Experiments that run, by namespace and name; kept for the next cycle.
fn running(policy: &KeepGpuForMl, view: &View<'_>) -> BTreeMap<String, Experiment> {
    let now = view.now_ms();
    let mut all = read(&view.state());
    let pods = view
        .pods()
        .filter(|pod| !matches!(pod.phase(), Phase::Finished | Phase::Terminating));
    for pod in pods {
        let experiment = pod.label(&policy.experiment_label);
        if experiment.is_empty() {
            continue;
        }
        let known = all
            .entry(format!("{}/{experiment}", pod.namespace()))
            .or_default();
        known.seen = now;
        known.gpus |= pod.extended(&policy.resource) > 0;
        known.cpu_milli = known.cpu_milli.max(pod.cpu_milli());
        known.memory_mib = known.memory_mib.max(pod.memory_mib());
        known.now += 1;
        known.pods = known.pods.max(known.now);
    }
    let linger = u64::from(policy.linger_minutes) * MINUTE;
    all.retain(|_, experiment| now.saturating_sub(experiment.seen) <= linger);
    let mut kept = String::new();
    for (name, of) in all.iter().take(MOST) {
        let Experiment {
            seen,
            gpus,
            pods,
            cpu_milli,
            memory_mib,
            ..
        } = of;
        let _ = writeln!(
            kept,
            "{seen} {} {pods} {cpu_milli} {memory_mib} {name}",
            u32::from(*gpus)
        );
    }
    view.keep(kept.as_bytes());
    all
}

/// Lines that are not its own are passed over.
fn read(state: &[u8]) -> BTreeMap<String, Experiment> {
    let text = String::from_utf8_lossy(state);
    let line = |line: &str| {
        let mut words = line.splitn(6, ' ');
        let seen = words.next()?.parse().ok()?;
        let mut number = || words.next()?.parse::<u32>().ok();
        let (gpus, pods, cpu_milli, memory_mib) = (number()?, number()?, number()?, number()?);
        let experiment = Experiment {
            seen,
            gpus: gpus > 0,
            pods,
            cpu_milli,
            memory_mib,
            now: 0,
        };
        Some((words.next()?.to_owned(), experiment))
    };
    text.lines().filter_map(line).collect()
}
