//! Replicas: which workloads may be scaled, what policies want, and the built-in default.
//!
//! Only workloads named in the aims or annotated `plimsoll.io/scale` are touched. What an HPA or ScaledObject
//! owns is never written: it is refused, and its likely next step is only counted as demand. The default is
//! the core of the HPA v2 algorithm. What annotations say is read in `annotation`.

mod annotation;
mod past;

pub use annotation::{MAX_ANNOTATION, MIN_ANNOTATION, SCALE_ANNOTATION, SETTLE_ANNOTATION};

use annotation::Target;

use crate::asking::{Answers, Asking};
use crate::number::{narrow, size};
use crate::policy::{Prepared, View, WorkloadRow};
use model::advice::{Advice, Hook, ScaleRow};
use model::aims::{Aims, Mode};
use model::ids::{PolicyName, WorkloadKey};
use model::memory::{Memory, Recommendation};
use model::notes::ScaleNote;
use model::plan::StepKind;
use model::reason::{Reason, Refusal};
use model::snapshot::Snapshot;
use model::standing::ScalerRule;
use model::time::Span;
use model::workload::Workload;
use std::collections::BTreeMap;

/// A fall in replicas waits until every recommendation of this time agrees (HPA's stabilisation window).
const STABILISATION: Span = Span::from_secs(300);
/// The longest that a workload can ask for.
const LONGEST_STABILISATION: Span = Span::from_secs(3600);
/// An older figure is no figure.
const OLDEST_METRIC: Span = Span::from_secs(300);
/// A ratio this near to 1, in thousandths, changes nothing (HPA's tolerance).
const TOLERANCE: i128 = 100;
const RECOMMENDATIONS_KEPT: usize = 64;

/// What came of the stage.
#[derive(Debug, Default)]
pub(crate) struct Scaled {
    pub(crate) steps: Vec<(StepKind, Reason)>,
    pub(crate) notes: Vec<ScaleNote>,
    pub(crate) refusals: Vec<Refusal>,
    /// Replicas to plan nodes for, where they differ from the Snapshot's.
    pub(crate) demand: BTreeMap<WorkloadKey, u32>,
}

/// Asks for replicas and turns the answers into steps, within bounds.
pub(crate) fn decide(seen: &Snapshot, memory: &mut Memory, aims: &Aims, asking: &mut Asking<'_>) -> Scaled {
    let mut scaled = Scaled::default();
    let (owned, rows): (Vec<_>, Vec<_>) = rows(seen, memory, aims, &mut scaled.refusals)
        .into_iter()
        .partition(|(workload, _)| workload.owned_by.is_some());
    for (workload, row) in owned {
        forecast(workload, &row, &mut scaled);
    }
    let rows: Vec<WorkloadRow> = rows.into_iter().map(|(_, row)| row).collect();
    memory
        .recommendations
        .retain(|key, _| place(&rows, key).is_some());
    past::remember(memory, seen, &rows);
    if rows.is_empty() {
        return scaled;
    }
    let view = View {
        hook: Hook::Scaler,
        seen,
        memory: &memory.clone(),
        aims,
        workloads: &rows,
        classes: &[],
        sets: &[],
        candidates: &[],
        movers: &[],
        steps: &[],
        prepared: Prepared::default(),
    };
    let answers = asking.ask(&view, memory);
    let chosen = chosen(&rows, &answers, aims.compose.scaler);
    let mut room = Room::of(seen, aims);
    for (row, best) in rows.iter().zip(chosen) {
        let (asked, reason) = wanted(row, best, &answers);
        let (to, goes) = room.lowered(row.replicas, bounded(row, asked.replicas));
        remember(memory, seen, row, asked.raw);
        let asked = asked.replicas;
        scaled.notes.push(ScaleNote {
            workload: row.key.clone(),
            from: row.replicas,
            asked,
            to,
            forecast: false,
        });
        if to != row.replicas {
            if goes && carried_out(seen, aims, &row.key) {
                scaled.demand.insert(row.key.clone(), to);
            }
            let kind = StepKind::ScaleWorkload {
                workload: row.key.clone(),
                from: row.replicas,
                to,
            };
            scaled.steps.push((kind, reason));
        }
    }
    scaled
}

/// Replicas that may still be taken from workloads in this window; `None`: they are not counted.
struct Room(Option<u32>);

impl Room {
    fn of(seen: &Snapshot, aims: &Aims) -> Self {
        let (limits, ledger) = (&aims.limits, &seen.ledger);
        let left = |limit: u32| {
            let known = !ledger.forgets(seen.at, limits.window);
            known.then(|| limit.saturating_sub(ledger.scaled_down(seen.at, limits.window)))
        };
        Self(
            limits
                .scaled_down_per_window
                .map(|limit| left(limit).unwrap_or(0)),
        )
    }

    /// How far replicas fall now, and whether the window lets them: a long way down takes several windows. Where nothing
    /// is left the whole way is asked for, so that the guard says what it waits for.
    fn lowered(&mut self, from: u32, to: u32) -> (u32, bool) {
        match &mut self.0 {
            Some(0) if to < from => (to, false),
            Some(left) if to < from => {
                let by = (from - to).min(*left);
                *left -= by;
                (from - by, true)
            }
            _ => (to, true),
        }
    }
}

/// Whether the step may happen at all: in a cluster that acts, what is held back for one workload or for the
/// scaler must not buy nodes. In a cluster that only observes, the whole picture is wanted.
fn carried_out(seen: &Snapshot, aims: &Aims, key: &WorkloadKey) -> bool {
    let modes = aims.modes.with(&seen.ledger.modes);
    modes.of_cluster() == Mode::Observe
        || (modes.of_workload(key) == Mode::Act && modes.of_hook(Hook::Scaler) == Mode::Act)
}

fn forecast(workload: &Workload, row: &WorkloadRow, scaled: &mut Scaled) {
    let to = bounded(row, built_in(row).replicas);
    scaled.refusals.push(Refusal::OwnedByHpa {
        workload: row.key.clone(),
        owner: workload.owned_by.clone().unwrap_or_default(),
    });
    scaled.notes.push(ScaleNote {
        workload: row.key.clone(),
        from: row.replicas,
        asked: to,
        to,
        forecast: true,
    });
    if to > row.replicas {
        scaled.demand.insert(row.key.clone(), to);
    }
}

/// A number of replicas, and what it was before it was held against falling too soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    replicas: u32,
    raw: u32,
}

/// Within bounds. A workload at zero that nobody wants more of is paused and stays so (HPA).
fn bounded(row: &WorkloadRow, asked: u32) -> u32 {
    if asked == 0 && row.replicas == 0 {
        0
    } else {
        asked.clamp(row.min, row.max.max(row.min))
    }
}

/// An answer about one workload, and whose it is.
type Answered<'a> = (&'a PolicyName, ScaleRow<'a>);

/// By row: whose answer counts, of those that do.
fn chosen<'a>(rows: &[WorkloadRow], answers: &'a Answers<'_>, rule: ScalerRule) -> Vec<Option<Answered<'a>>> {
    let mut chosen: Vec<Option<Answered<'_>>> = vec![None; rows.len()];
    for (name, advice) in &answers.counted {
        let Advice::Scale(wanted) = &**advice else {
            continue;
        };
        for wanted in wanted.iter() {
            let Some(best) = chosen.get_mut(size(wanted.row)) else {
                continue;
            };
            let better = best.is_none_or(|(_, best)| match rule {
                ScalerRule::Max => wanted.replicas > best.replicas,
                ScalerRule::First => false,
                ScalerRule::Last => true,
            });
            if better {
                *best = Some((name, wanted));
            }
        }
    }
    chosen
}

/// Row of a workload: they are in the order of their keys.
fn place(rows: &[WorkloadRow], key: &WorkloadKey) -> Option<usize> {
    rows.binary_search_by(|row| row.key.cmp(key)).ok()
}

/// The answer that was chosen; the default where nobody counts; on a fault the default too, but then it only raises.
fn wanted(row: &WorkloadRow, best: Option<Answered<'_>>, answers: &Answers<'_>) -> (Asked, Reason) {
    let namespace = &*row.key.namespace;
    let floor = answers.faulted(namespace).then(|| {
        let default = built_in(row);
        Asked {
            replicas: default.replicas.max(row.replicas),
            raw: default.raw,
        }
    });
    // A policy that holds its own answer against falling too soon must not be told that answer as the next
    // reason to hold it: what the figure alone asks for is remembered where it is lower.
    let alone = built_in(row).raw;
    let just = |replicas: u32| Asked {
        replicas,
        raw: replicas.min(alone),
    };
    match (best, floor) {
        (Some((name, advice)), floor) if floor.is_none_or(|floor| advice.replicas >= floor.replicas) => {
            let reason = Reason::Scaled {
                by: name.clone(),
                code: advice.code,
                text: advice.text.to_owned(),
            };
            (just(advice.replicas), reason)
        }
        (_, Some(floor)) => (floor, by_default()),
        (None, None) if answers.enforced(namespace) => (just(row.replicas), by_default()),
        _ => (built_in(row), by_default()),
    }
}

fn by_default() -> Reason {
    Reason::Scaled {
        by: PolicyName::new("built-in"),
        code: 0,
        text: String::new(),
    }
}

/// HPA v2's core rule, stabilised against falling too soon. A missing or old figure keeps the replicas.
fn built_in(row: &WorkloadRow) -> Asked {
    let just = |replicas| Asked {
        replicas,
        raw: replicas,
    };
    if row.replicas == 0 {
        return just(0);
    }
    if row.replicas > row.max || row.replicas < row.min {
        return just(bounded(row, row.replicas));
    }
    let proposed = proposal(row).unwrap_or(row.replicas);
    let raw = proposed.min(row.replicas.saturating_mul(2).max(4));
    let held = raw.max(row.recent_max).min(row.replicas);
    Asked {
        replicas: if raw < row.replicas { held } else { raw },
        raw,
    }
}

/// Replicas by `ceil(ratio × pods)`; `None` where a figure is missing.
fn proposal(row: &WorkloadRow) -> Option<u32> {
    let value = row.value_milli.filter(|_| row.age <= OLDEST_METRIC)?;
    let target = i128::from(row.target_milli);
    if target <= 0 || row.pods == 0 || value < 0 {
        return None;
    }
    if matches!(row.metric.as_str(), "cpu" | "memory") {
        utilisation_proposal(row, i128::from(value), target)
    } else {
        let replicas = i128::from(row.replicas);
        let ratio = i128::from(value) * 1000 / (target * replicas);
        Some(if near(ratio) {
            row.replicas
        } else {
            ceil(i128::from(value), target)
        })
    }
}

/// HPA's two passes: first over the pods with a figure; where some have none, they count against the move
/// (as full when falling, as idle when rising), and a move that turns round is dropped.
fn utilisation_proposal(row: &WorkloadRow, value: i128, target: i128) -> Option<u32> {
    let request = i128::from(row.request_milli);
    if request <= 0 {
        return None;
    }
    // HPA truncates utilisation to whole percent before it compares.
    let permille = |value: i128, pods: i128| value * 100 / (request * pods) * 10;
    let pods = i128::from(row.pods);
    let first = permille(value, pods) * 1000 / target;
    let missing = i128::from(row.ready.saturating_sub(row.pods));
    if near(first) {
        return Some(row.replicas);
    }
    if missing == 0 {
        return Some(ceil(permille(value, pods) * pods, target));
    }
    let filled = if first < 1000 {
        value + missing * request * target.max(1000) / 1000
    } else {
        value
    };
    let all = pods + missing;
    let second = permille(filled, all) * 1000 / target;
    let proposed = ceil(permille(filled, all) * all, target);
    let turned = (second < 1000) != (first < 1000) || (proposed > row.replicas) != (first > 1000);
    Some(if near(second) || turned {
        row.replicas
    } else {
        proposed
    })
}

fn near(ratio: i128) -> bool {
    (1000 - TOLERANCE..=1000 + TOLERANCE).contains(&ratio)
}

fn ceil(value: i128, by: i128) -> u32 {
    u32::try_from((value + by - 1) / by).unwrap_or(u32::MAX)
}

/// Remembers a recommendation. The first one is preceded by the replicas there are, as HPA does: a fall
/// waits a whole window after a restart.
fn remember(memory: &mut Memory, seen: &Snapshot, row: &WorkloadRow, asked: u32) {
    let kept = memory.recommendations.entry(row.key.clone()).or_default();
    if kept.is_empty() {
        kept.push(Recommendation {
            at: seen.at,
            replicas: row.replicas,
        });
    }
    kept.retain(|r| seen.at.since(r.at) <= LONGEST_STABILISATION);
    // Only the highest of a window is ever asked for: what a newer one reaches is not needed any more, so that
    // the window is whole at any rhythm of cycles.
    while kept.last().is_some_and(|last| last.replicas <= asked) {
        kept.pop();
    }
    kept.push(Recommendation {
        at: seen.at,
        replicas: asked,
    });
    let surplus = kept.len().saturating_sub(RECOMMENDATIONS_KEPT);
    kept.drain(..surplus);
}

/// Workloads that may be scaled, in the order of the Snapshot: those of the aims, then annotated ones. What
/// cannot be read is refused and the workload left alone.
fn rows<'a>(
    seen: &'a Snapshot,
    memory: &Memory,
    aims: &Aims,
    refusals: &mut Vec<Refusal>,
) -> Vec<(&'a Workload, WorkloadRow)> {
    let mut rows = Vec::new();
    for workload in &seen.workloads {
        if matches!(&*workload.key.kind, "DaemonSet" | "Job" | "CronJob") {
            continue;
        }
        let named = aims.scale.iter().find(|aim| aim.workload == workload.key);
        match annotation::target(workload, named) {
            Ok(Some(target)) => rows.push((workload, row(seen, memory, workload, target))),
            Ok(None) => {}
            Err(refusal) => refusals.push(*refusal),
        }
    }
    rows
}

fn row(seen: &Snapshot, memory: &Memory, workload: &Workload, target: Target) -> WorkloadRow {
    let figure = workload.metrics.iter().find(|m| m.name == target.metric);
    let spec = workload.template.or_else(|| {
        seen.pods.iter().map(|pod| pod.spec).find(|ix| {
            seen.specs
                .get(*ix as usize)
                .is_some_and(|s| s.owner.as_ref() == Some(&workload.key))
        })
    });
    let requests = spec
        .and_then(|ix| seen.specs.get(ix as usize))
        .map(|spec| &spec.requests);
    let request = match target.metric.as_str() {
        "cpu" => requests.map_or(0, |r| r.cpu_milli),
        "memory" => requests.map_or(0, |r| r.memory_bytes),
        _ => 0,
    };
    let recent = memory.recommendations.get(&workload.key).into_iter().flatten();
    WorkloadRow {
        key: workload.key.clone(),
        spec,
        replicas: workload.replicas,
        ready: workload.ready,
        min: target.min,
        max: target.max,
        metric: target.metric,
        target_milli: target.milli,
        value_milli: figure.map(|f| f.milli),
        age: figure.map_or(Span::ZERO, |f| seen.at.since(f.at)),
        pods: figure.map_or(0, |f| f.pods),
        request_milli: narrow(i128::from(request) * 1000),
        recent_max: recent
            .filter(|r| seen.at.since(r.at) <= target.settle)
            .map(|r| r.replicas)
            .max()
            .unwrap_or(workload.replicas),
    }
}

#[cfg(test)]
mod tests;
