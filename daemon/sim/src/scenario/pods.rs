//! Reads what has pods in a scenario: DaemonSets, Deployments, Jobs and traces.

use crate::scenario::parts::{
    Arrivals, Budget, Curve, DaemonPlan, Figure, JobPlan, Load, PodPlan, TraceRow, WorkloadPlan,
};
use crate::scenario::read::Fetch;
use crate::scenario::values;
use manifest::At;
use model::pod::{PodTraits, TaintEffect, Toleration};
use model::selector::Labels;
use model::time::Lag;
use model::{PodSpec, Resources, Span, WorkloadKey};

/// More pods than this in one workload or burst is a slip of the keyboard.
const MAX_PODS: u32 = 100_000;
/// Largest request of a pod that makes sense, in millicores.
const MAX_CPU_MILLI: i64 = 1_000_000;
/// Largest request of a pod that makes sense, in bytes.
const MAX_MEMORY_BYTES: i64 = 1 << 45;
/// Largest load of a workload that makes sense, in millicores: what all its pods could ask for.
const MAX_LOAD_MILLI: i64 = 1_000_000_000;
/// Most that a pod can use of its request, in thousandths of it.
const MAX_BURST_PERMILLE: i64 = 1_000_000;

/// Fields that everything with pods has.
const POD_FIELDS: [&str; 14] = [
    "name",
    "namespace",
    "cpu",
    "memory",
    "extended",
    "labels",
    "annotations",
    "node_selector",
    "tolerations",
    "priority",
    "do_not_disrupt",
    "starts",
    "grace",
    "scheduler",
];

/// The list under `daemon_sets`.
pub(super) fn daemon_sets(at: At<'_, '_>) -> Vec<DaemonPlan> {
    let mut seen = Vec::new();
    at.items()
        .filter_map(|item| {
            only(item, &[]);
            let (name, mut pod) = pod(item, "DaemonSet", "kube-system", &mut seen)?;
            if !item.get("tolerations").is_there() {
                pod.spec.tolerations = vec![Toleration {
                    key: None,
                    value: None,
                    effect: None,
                }];
            }
            Some(DaemonPlan { pod, name })
        })
        .collect()
}

/// The list under `deployments`.
pub(super) fn deployments(at: At<'_, '_>) -> Vec<WorkloadPlan> {
    let mut seen = Vec::new();
    at.items()
        .filter_map(|item| {
            only(
                item,
                &["replicas", "sizes", "load", "metrics", "budget", "hpa", "scale"],
            );
            let (name, pod) = pod(item, "Deployment", "default", &mut seen)?;
            let annotations = item.get("scale").text();
            Some(WorkloadPlan {
                replicas: pods_of(item.get("replicas"), 1),
                sizes: sizes(item.get("sizes")),
                load: load(item.get("load")),
                budget: budget(item.get("budget")),
                hpa: item.get("hpa").text().map(str::to_owned),
                annotations: annotations
                    .map(|value| Labels::from([("plimsoll.io/scale".to_owned(), value.to_owned())]))
                    .unwrap_or_default(),
                metrics: figures(item.get("metrics")),
                pod,
                name,
            })
        })
        .collect()
}

/// The list under `jobs`.
pub(super) fn jobs(at: At<'_, '_>) -> Vec<Arrivals> {
    let mut seen = Vec::new();
    at.items()
        .filter_map(|item| {
            only(item, &["pods", "runs", "first", "every", "jitter"]);
            let (name, pod) = pod(item, "Job", "default", &mut seen)?;
            let every = item.get("every");
            let job = JobPlan {
                name,
                pod,
                pods: range(item.get("pods")),
                runs: item.get("runs").lag(Lag::secs(60, 60)),
            };
            Some(Arrivals::Burst {
                job,
                first: item.get("first").span().unwrap_or_default(),
                every: every
                    .is_there()
                    .then(|| values::positive(every, Span::from_secs(3600))),
                jitter: item.get("jitter").span().unwrap_or_default(),
            })
        })
        .collect()
}

/// The list under `traces`: files with the columns `at_s,pods,cpu_milli,memory_mib,runs_s`.
pub(super) fn traces(at: At<'_, '_>, fetch: Fetch<'_>) -> Vec<Arrivals> {
    let mut seen = Vec::new();
    at.items()
        .filter_map(|item| {
            only(item, &["file"]);
            let (name, pod) = pod(item, "Job", "default", &mut seen)?;
            let rows = rows(item.get("file"), fetch);
            Some(Arrivals::Trace { name, pod, rows })
        })
        .collect()
}

fn only(at: At<'_, '_>, own: &[&str]) {
    let known: Vec<&str> = POD_FIELDS.iter().chain(own).copied().collect();
    at.only(&known);
}

/// Name and pods of an owner; `None` without a name, which is noted.
fn pod(
    at: At<'_, '_>,
    kind: &str,
    fallback: &str,
    seen: &mut Vec<(String, String)>,
) -> Option<(String, PodPlan)> {
    let name = at.get("name").name()?.to_owned();
    let namespace = at.get("namespace").text().unwrap_or(fallback).to_owned();
    let key = (namespace.clone(), name.clone());
    if seen.contains(&key) {
        at.get("name").problem("is there twice in this namespace");
    }
    seen.push(key);
    let traced = at.get("file").is_there();
    let mut requests = Resources::new(
        request(at.get("cpu"), values::cpu_milli, traced, MAX_CPU_MILLI),
        request(at.get("memory"), values::bytes, traced, MAX_MEMORY_BYTES),
    );
    for (resource, amount) in at.get("extended").entries() {
        let amount = i64::from(pods_of(amount, 0));
        requests.extended.insert(resource.to_owned(), amount);
    }
    let mut labels = at.get("labels").labels();
    labels.entry("app".to_owned()).or_insert_with(|| name.clone());
    let spec = PodSpec {
        requests,
        labels,
        annotations: at.get("annotations").labels(),
        owner: Some(WorkloadKey::new(kind, &namespace, &name)),
        scheduler: at.get("scheduler").text().unwrap_or_default().to_owned(),
        priority: priority(at.get("priority")),
        node_selector: at.get("node_selector").labels(),
        tolerations: at.get("tolerations").items().filter_map(toleration).collect(),
        traits: PodTraits {
            do_not_disrupt: at.get("do_not_disrupt").flag(),
            ..PodTraits::default()
        },
        namespace,
        ..PodSpec::default()
    };
    let plan = PodPlan {
        spec,
        start: at.get("starts").lag(Lag::secs(5, 15)),
        grace: at.get("grace").lag(Lag::secs(1, 5)),
    };
    Some((name, plan))
}

/// A request above zero; a trace brings its own.
fn request(at: At<'_, '_>, read: fn(At<'_, '_>) -> Option<i64>, traced: bool, most: i64) -> i64 {
    if traced {
        if at.is_there() {
            at.problem("comes from the trace");
        }
        return 0;
    }
    if !at.is_there() {
        at.problem("is missing");
    }
    let value = read(at).unwrap_or(1);
    if value > most {
        at.problem("is more than any machine has");
        return 1;
    }
    value
}

fn priority(at: At<'_, '_>) -> i32 {
    i32::try_from(at.int().unwrap_or(0)).unwrap_or_else(|_| {
        at.problem("must fit 32 bits");
        0
    })
}

/// `{key, value, effect}`; without a key everything is tolerated, without a value any value.
fn toleration(at: At<'_, '_>) -> Option<Toleration> {
    at.only(&["key", "value", "effect"]);
    let text = |key| at.get(key).text().map(str::to_owned);
    Some(Toleration {
        key: text("key"),
        value: text("value"),
        effect: match at.get("effect").text() {
            None => None,
            Some(_) => Some(effect(at.get("effect"))?),
        },
    })
}

/// An effect of a taint.
pub(super) fn effect(at: At<'_, '_>) -> Option<TaintEffect> {
    match at.name()? {
        "NoSchedule" => Some(TaintEffect::NoSchedule),
        "PreferNoSchedule" => Some(TaintEffect::PreferNoSchedule),
        "NoExecute" => Some(TaintEffect::NoExecute),
        _ => {
            at.problem("must be NoSchedule, PreferNoSchedule or NoExecute");
            None
        }
    }
}

fn pods_of(at: At<'_, '_>, fallback: u32) -> u32 {
    let count = at.count().unwrap_or(fallback);
    if count > MAX_PODS {
        at.problem(format_args!("must be at most {MAX_PODS}"));
    }
    count.min(MAX_PODS)
}

/// A number of pods, or `{min, max}`.
fn range(at: At<'_, '_>) -> (u32, u32) {
    if !at.is_there() {
        at.problem("is missing");
        return (1, 1);
    }
    if at
        .tree()
        .is_some_and(|tree| matches!(tree, manifest::Tree::Map(_)))
    {
        at.only(&["min", "max"]);
        let (min, max) = (pods_of(at.get("min"), 1), pods_of(at.get("max"), 1));
        if min > max {
            at.get("max").problem("must not be below min");
        }
        return (min, max);
    }
    let count = pods_of(at, 1);
    (count, count)
}

fn load(at: At<'_, '_>) -> Option<Load> {
    if !at.is_there() {
        return None;
    }
    at.only(&["even", "low", "high", "peak", "points", "noise", "burst"]);
    Some(Load {
        curve: curve(at, "cpu"),
        noise_permille: values::permille(at.get("noise")).unwrap_or(0),
        burst_permille: match values::cpu_milli(at.get("burst")) {
            None => 2000,
            Some(times) => values::at_most(at.get("burst"), times.max(1), MAX_BURST_PERMILLE),
        },
    })
}

/// `{low, high, peak}`, `{even}` or `{points}`, whose values are under this key.
fn curve(at: At<'_, '_>, value: &'static str) -> Curve {
    if at.get("points").is_there() {
        return Curve::Points(points(at.get("points"), value));
    }
    if at.get("even").is_there() {
        return Curve::Even(load_milli(at.get("even")));
    }
    for key in ["low", "high", "peak"] {
        if !at.get(key).is_there() {
            at.get(key).problem("is missing (or give points, or even)");
        }
    }
    Curve::Diurnal {
        low: load_milli(at.get("low")),
        high: load_milli(at.get("high")),
        peak: values::time_of_day(at.get("peak")).unwrap_or_default(),
    }
}

fn figures(at: At<'_, '_>) -> Vec<Figure> {
    let mut read: Vec<Figure> = Vec::new();
    for item in at.items() {
        item.only(&["name", "even", "low", "high", "peak", "points"]);
        let Some(name) = item.get("name").name() else {
            continue;
        };
        if name == "cpu" || name == "memory" {
            item.get("name").problem("is measured of the pods (see load)");
        }
        if read.iter().any(|other| other.name == name) {
            item.get("name").problem("is there twice");
        }
        read.push(Figure {
            name: name.to_owned(),
            curve: curve(item, "value"),
        });
    }
    read
}

fn load_milli(at: At<'_, '_>) -> i64 {
    values::at_most(at, values::cpu_milli(at).unwrap_or(0), MAX_LOAD_MILLI)
}

fn sizes(at: At<'_, '_>) -> Vec<(Span, u32)> {
    let mut read: Vec<(Span, u32)> = Vec::new();
    for item in at.items() {
        item.only(&["at", "replicas"]);
        let when = item.get("at").span().unwrap_or_default();
        if read.last().is_some_and(|(before, _)| *before >= when) {
            item.get("at").problem("must be later than the size before");
        }
        read.push((when, pods_of(item.get("replicas"), 1)));
    }
    read
}

fn points(at: At<'_, '_>, value: &'static str) -> Vec<(Span, i64)> {
    let mut read: Vec<(Span, i64)> = Vec::new();
    for item in at.items() {
        item.only(&["at", value]);
        let when = item.get("at").span().unwrap_or_default();
        if read.last().is_some_and(|(before, _)| *before >= when) {
            item.get("at").problem("must be later than the point before");
        }
        read.push((when, load_milli(item.get(value))));
    }
    read
}

fn budget(at: At<'_, '_>) -> Option<Budget> {
    if !at.is_there() {
        return None;
    }
    at.only(&["min_available", "max_unavailable"]);
    let (min, max) = (at.get("min_available"), at.get("max_unavailable"));
    match (min.is_there(), max.is_there()) {
        (true, false) => values::count_or_share(min).map(Budget::MinAvailable),
        (false, true) => values::count_or_share(max).map(Budget::MaxUnavailable),
        _ => {
            at.problem("must have either min_available or max_unavailable");
            None
        }
    }
}

fn rows(at: At<'_, '_>, fetch: Fetch<'_>) -> Vec<TraceRow> {
    let Some(path) = at.name() else { return Vec::new() };
    let text = match fetch(path).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => {
            at.problem("is not UTF-8 text");
            return Vec::new();
        }
        Err(why) => {
            at.problem(why);
            return Vec::new();
        }
    };
    let mut lines = text.lines().zip(1_u32..);
    let header = lines.next().map(|(line, _)| line.trim());
    if header != Some("at_s,pods,cpu_milli,memory_mib,runs_s") {
        at.problem("line 1: must be at_s,pods,cpu_milli,memory_mib,runs_s");
        return Vec::new();
    }
    let mut rows = Vec::new();
    for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty()) {
        match row(line) {
            Some(row) => rows.push(row),
            None => at.problem(format_args!(
                "line {number}: must be five whole numbers, none negative, of pods that a machine could run"
            )),
        }
    }
    rows.sort_by_key(|row: &TraceRow| row.at);
    rows
}

fn row(line: &str) -> Option<TraceRow> {
    let numbers: Vec<i64> = line
        .split(',')
        .map(|cell| {
            cell.trim()
                .parse::<i64>()
                .ok()
                .filter(|n| (0..=1 << 40).contains(n))
        })
        .collect::<Option<_>>()?;
    let &[at, pods, cpu_milli, memory_mib, runs] = numbers.as_slice() else {
        return None;
    };
    Some(TraceRow {
        at: Span::from_secs(at),
        pods: u32::try_from(pods).ok().filter(|pods| *pods <= MAX_PODS)?,
        cpu_milli: Some(cpu_milli).filter(|cpu| *cpu <= MAX_CPU_MILLI)?,
        memory_bytes: memory_mib
            .checked_mul(1 << 20)
            .filter(|bytes| *bytes <= MAX_MEMORY_BYTES)?,
        runs: Span::from_secs(runs),
    })
}
