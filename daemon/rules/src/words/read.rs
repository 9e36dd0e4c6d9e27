//! How each word is read from a View. Units and absent values are those of sdk/wit/view.wit.

use super::{Keyed, Row, Scene, Word};
use crate::number::Number;
use crate::value::{Kind, Value};
use decide::policy::{CandidateRow, ClassRow, MoverRow, SetRow, StepRow, WorkloadRow};
use model::disruption::Cause;
use model::group::{Group, GroupKind};
use model::ids::WorkloadKey;
use model::money::UsdPerHour;
use model::node::Node;
use model::offer::Purchase;
use model::pod::{Pod, PodSpec, SpecIx};
use model::selector::Labels;
use model::time::{Instant, Span};
use std::sync::Arc;

/// Words of a kind of row, each with what it is and how it is read from the row.
macro_rules! words {
    ($row:ident: $($name:literal $kind:ident $(($only:expr))? = |$scene:ident, $of:ident| $value:expr;)*) => {
        &[$(Word {
            name: $name,
            kind: Kind::$kind,
            only: words!(@only $($only)?),
            read: |$scene| $row($scene).map_or(Value::Absent, |$of| $value),
        },)*]
    };
    (@only) => { &[] };
    (@only $only:expr) => { $only };
}

/// Kinds of groups, as `set.kind` names them.
const KINDS: &[&str] = &[
    "asg",
    "managed-node-group",
    "kops",
    "fleet",
    "fargate",
    "ecs",
    "kwok",
    "simulated",
];
/// Ways of paying; `mixed` where a set has several.
const PURCHASES: &[&str] = &["on-demand", "spot", "reserved", "mixed"];
/// Why another node should take its place.
const DUES: &[&str] = &["no", "expired", "drifted"];

pub(super) const ANYWHERE: &[Word] = words!(picture:
    "now_ms" Number = |scene, _at| number(scene.view.seen.at.0);
    "now.weekday" Number = |scene, _at| number((days(scene) + 3).rem_euclid(7) + 1);
    "now.hour" Number = |scene, _at| number(minutes(scene).rem_euclid(24 * 60) / 60);
    "now.minute" Number = |scene, _at| number(minutes(scene).rem_euclid(60));
    "cluster" Text = |scene, _at| Value::Text(&scene.view.seen.cluster);
);

pub(super) const CLASS: &[Word] = words!(class:
    "cpu_milli" Number = |_s, class| number(class.requests.cpu_milli.max(0));
    "memory_mib" Number = |_s, class| number(class.requests.memory_mib_up().max(0));
    "pending" Number = |_s, class| number(class.pending.into());
    "to_come" Number = |_s, class| number(class.to_come.into());
    "headroom" Number = |_s, class| number(class.headroom.into());
    "ec2_price" Number = |_s, class| price(class.ec2_price);
    "fargate_price" Number = |_s, class| price(class.fargate_price);
    "priority" Number = |scene, class| number(spec(scene, class.spec).map_or(0, |spec| spec.priority.into()));
    "namespace" Text = |scene, class| Value::Text(spec(scene, class.spec).map_or("", |spec| &spec.namespace));
    "owner_kind" Text = |_s, class| owner(class.workload.as_ref(), |key| &key.kind);
    "owner_name" Text = |_s, class| owner(class.workload.as_ref(), |key| &key.name);
);

pub(super) const SET: &[Word] = words!(set:
    "name" Text = |_s, set| Value::Text(&set.name);
    "group" Text = |scene, set| Value::Text(group(scene, set).map_or("", |group| group.name.as_str()));
    "kind" Text (KINDS) = |_s, set| Value::Text(kind(set.kind));
    "purchase" Text (PURCHASES) = |_s, set| Value::Text(set.purchase.map_or("mixed", Purchase::as_str));
    "arch" Text = |_s, set| Value::Text(set.arch.as_deref().unwrap_or(""));
    "offers" Number = |_s, set| number(set.offers.into());
    "min_price" Number = |_s, set| price(Some(set.min_price));
    "nodes" Number = |_s, set| number(set.nodes.into());
    "cpu_requested" Number = |_s, set| number(set.utilisation.cpu_requested.into());
    "memory_requested" Number = |_s, set| number(set.utilisation.memory_requested.into());
    "cpu_used" Number = |_s, set| perhaps(set.utilisation.cpu_used);
    "memory_used" Number = |_s, set| perhaps(set.utilisation.memory_used);
    "boot_ms" Number = |scene, set| boot_time(scene, set);
);

pub(super) const WORKLOAD: &[Word] = words!(workload:
    "kind" Text = |_s, workload| Value::Text(&workload.key.kind);
    "namespace" Text = |_s, workload| Value::Text(&workload.key.namespace);
    "name" Text = |_s, workload| Value::Text(&workload.key.name);
    "replicas" Number = |_s, workload| number(workload.replicas.into());
    "ready" Number = |_s, workload| number(workload.ready.into());
    "min" Number = |_s, workload| number(workload.min.into());
    "max" Number = |_s, workload| number(workload.max.into());
    "metric" Text = |_s, workload| Value::Text(&workload.metric);
    "target" Number = |_s, workload| Value::Number(Number::of_milli(workload.target_milli.max(0)));
    "value" Number = |_s, workload| milli(workload.value_milli);
    "age_ms" Number = |_s, workload| span(workload.age);
    "pods" Number = |_s, workload| number(workload.pods.into());
    "request" Number = |_s, workload| Value::Number(Number::of_milli(workload.request_milli.max(0)));
    "recent_max" Number = |_s, workload| number(workload.recent_max.into());
);

pub(super) const CANDIDATE: &[Word] = words!(candidate:
    "name" Text = |scene, candidate| Value::Text(node(scene, candidate).map_or("", |node| node.name.as_str()));
    "group" Text = |scene, candidate| {
        let group = node(scene, candidate).and_then(|node| node.group.as_ref());
        Value::Text(group.map_or("", |group| group.as_str()))
    };
    "price" Number = |_s, candidate| price(candidate.price);
    "age_ms" Number = |scene, candidate| age(scene, node(scene, candidate).map(|node| node.created));
    "moves" Number = |_s, candidate| number(candidate.moves.into());
    "cpu_requested" Number = |_s, candidate| number(candidate.cpu_requested.into());
    "memory_requested" Number = |_s, candidate| number(candidate.memory_requested.into());
    "cpu_used" Number = |scene, candidate| used(scene, candidate, |node| {
        Some((node.usage?.cpu_milli, node.allocatable.cpu_milli))
    });
    "memory_used" Number = |scene, candidate| used(scene, candidate, |node| {
        Some((node.usage?.memory_bytes, node.allocatable.memory_bytes))
    });
    "unneeded_ms" Number = |_s, candidate| candidate.unneeded.map_or(Value::Absent, span);
    "due" Text (DUES) = |_s, candidate| Value::Text(due(candidate.due));
);

pub(super) const MOVER: &[Word] = words!(mover:
    "namespace" Text = |scene, mover| Value::Text(pod(scene, mover).map_or("", |pod| &pod.key.namespace));
    "name" Text = |scene, mover| Value::Text(pod(scene, mover).map_or("", |pod| &pod.key.name));
    "owner_kind" Text = |scene, mover| owner(moved(scene, mover).and_then(|spec| spec.owner.as_ref()), |key| &key.kind);
    "owner_name" Text = |scene, mover| owner(moved(scene, mover).and_then(|spec| spec.owner.as_ref()), |key| &key.name);
    "cpu_milli" Number = |scene, mover| number(moved(scene, mover).map_or(0, |spec| spec.requests.cpu_milli.max(0)));
    "memory_mib" Number = |scene, mover| number(moved(scene, mover).map_or(0, |spec| spec.requests.memory_mib_up().max(0)));
    "age_ms" Number = |scene, mover| age(scene, pod(scene, mover).map(|pod| pod.created));
);

pub(super) const STEP: &[Word] = words!(step:
    "kind" Text = |_s, step| Value::Text(step.kind);
    "group" Text = |_s, step| Value::Text(&step.group);
    "namespace" Text = |_s, step| Value::Text(&step.namespace);
    "object" Text = |_s, step| Value::Text(&step.object);
    "from" Number = |_s, step| number(step.from.into());
    "to" Number = |_s, step| number(step.to.into());
    "pods" Number = |_s, step| number(step.pods.into());
    "adds" Number = |_s, step| price(step.adds);
    "saves" Number = |_s, step| price(step.saves);
);

/// What a row is asked for by a key: texts are empty and units zero where there is none, figures are absent.
pub(super) fn keyed<'v>(scene: &Scene<'v>, row: Row, what: Keyed, key: &str) -> Value<'v> {
    let spec = match row {
        Row::Class => class(scene).and_then(|class| spec(scene, class.spec)),
        Row::Workload => workload(scene).and_then(|workload| spec(scene, workload.spec)),
        Row::Mover => mover(scene).and_then(|mover| moved(scene, mover)),
        Row::Set | Row::Candidate | Row::Step => None,
    };
    match (what, row) {
        (Keyed::Label, Row::Set) => {
            let labels = set(scene).and_then(|set| group(scene, set));
            label(labels.map(|group| &group.labels), key)
        }
        (Keyed::Label, Row::Candidate) => {
            let labels = candidate(scene).and_then(|candidate| node(scene, candidate));
            label(labels.map(|node| &node.labels), key)
        }
        (Keyed::Label, _) => label(spec.map(|spec| &spec.labels), key),
        (Keyed::Annotation, _) => label(spec.map(|spec| &spec.annotations), key),
        (Keyed::Extended, _) => number(class(scene).map_or(0, |class| class.requests.amount(key).max(0))),
        (Keyed::Metric, _) => workload(scene).map_or(Value::Absent, |workload| metric(scene, workload, key)),
    }
}

/// What is known of a workload under a name, now.
fn metric<'v>(scene: &Scene<'v>, row: &WorkloadRow, name: &str) -> Value<'v> {
    let all = &scene.view.seen.workloads;
    // A picture is in the order of the keys.
    let place = all.binary_search_by(|workload| workload.key.cmp(&row.key));
    let found = place.ok().and_then(|at| all.get(at));
    let metrics = found.map_or(&[][..], |workload| &workload.metrics);
    milli(
        metrics
            .iter()
            .find(|metric| metric.name == name)
            .map(|metric| metric.milli),
    )
}

/// There always is one: the words of a picture are written as those of a row.
#[expect(
    clippy::unnecessary_wraps,
    reason = "as the rows of every table are looked up"
)]
fn picture(scene: &Scene<'_>) -> Option<Instant> {
    Some(scene.view.seen.at)
}

fn class<'v>(scene: &Scene<'v>) -> Option<&'v ClassRow> {
    scene.view.classes.get(scene.row(Row::Class))
}

fn set<'v>(scene: &Scene<'v>) -> Option<&'v SetRow> {
    scene.view.sets.get(scene.row(Row::Set))
}

fn workload<'v>(scene: &Scene<'v>) -> Option<&'v WorkloadRow> {
    scene.view.workloads.get(scene.row(Row::Workload))
}

fn candidate<'v>(scene: &Scene<'v>) -> Option<&'v CandidateRow> {
    scene.view.candidates.get(scene.row(Row::Candidate))
}

fn mover<'v>(scene: &Scene<'v>) -> Option<&'v MoverRow> {
    scene.view.movers.get(scene.row(Row::Mover))
}

fn step<'v>(scene: &Scene<'v>) -> Option<&'v StepRow> {
    scene.view.steps.get(scene.row(Row::Step))
}

fn spec<'v>(scene: &Scene<'v>, ix: Option<SpecIx>) -> Option<&'v PodSpec> {
    let ix = usize::try_from(ix?).ok()?;
    scene.view.seen.specs.get(ix).map(Arc::as_ref)
}

fn group<'v>(scene: &Scene<'v>, set: &SetRow) -> Option<&'v Group> {
    scene.view.seen.groups.get(usize::try_from(set.group).ok()?)
}

fn node<'v>(scene: &Scene<'v>, candidate: &CandidateRow) -> Option<&'v Node> {
    scene.view.seen.nodes.get(usize::try_from(candidate.node).ok()?)
}

fn pod<'v>(scene: &Scene<'v>, mover: &MoverRow) -> Option<&'v Pod> {
    scene.view.seen.pods.get(usize::try_from(mover.pod).ok()?)
}

fn moved<'v>(scene: &Scene<'v>, mover: &MoverRow) -> Option<&'v PodSpec> {
    spec(scene, Some(pod(scene, mover)?.spec))
}

fn label<'v>(labels: Option<&'v Labels>, key: &str) -> Value<'v> {
    Value::Text(
        labels
            .and_then(|labels| labels.get(key))
            .map_or("", String::as_str),
    )
}

fn owner(key: Option<&WorkloadKey>, of: fn(&WorkloadKey) -> &str) -> Value<'_> {
    Value::Text(key.map_or("", of))
}

const fn number<'v>(count: i64) -> Value<'v> {
    Value::Number(Number::of(count))
}

fn perhaps<'v>(count: Option<u32>) -> Value<'v> {
    count.map_or(Value::Absent, |count| number(count.into()))
}

fn price<'v>(price: Option<UsdPerHour>) -> Value<'v> {
    price.map_or(Value::Absent, |price| {
        Value::Number(Number::of_nano(price.0.max(0)))
    })
}

fn milli<'v>(milli: Option<i64>) -> Value<'v> {
    milli.map_or(Value::Absent, |milli| {
        Value::Number(Number::of_milli(milli.max(0)))
    })
}

fn span<'v>(span: Span) -> Value<'v> {
    number(span.millis())
}

fn age<'v>(scene: &Scene<'v>, since: Option<Instant>) -> Value<'v> {
    since.map_or(Value::Absent, |since| span(scene.view.seen.at.since(since)))
}

/// Share in thousandths; absent where nobody measured, or nothing is there to be used.
fn used<'v>(scene: &Scene<'v>, row: &CandidateRow, of: fn(&Node) -> Option<(i64, i64)>) -> Value<'v> {
    let shares = node(scene, row).and_then(of).filter(|(_, whole)| *whole > 0);
    shares.map_or(Value::Absent, |(part, whole)| {
        number(part.max(0).saturating_mul(1000) / whole)
    })
}

/// Median of the last measured boot times of the set's group.
fn boot_time<'v>(scene: &Scene<'v>, set: &SetRow) -> Value<'v> {
    let group = group(scene, set);
    let times = group.and_then(|group| scene.view.memory.boot_times.get(&group.name));
    let mut times = times.cloned().unwrap_or_default();
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or(Value::Absent, |time| span(*time))
}

fn minutes(scene: &Scene<'_>) -> i64 {
    scene.view.seen.at.0.div_euclid(60_000)
}

/// Since the epoch, which was a Thursday.
fn days(scene: &Scene<'_>) -> i64 {
    minutes(scene).div_euclid(24 * 60)
}

const fn kind(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Asg => "asg",
        GroupKind::ManagedNodeGroup => "managed-node-group",
        GroupKind::KopsInstanceGroup => "kops",
        GroupKind::Fleet => "fleet",
        GroupKind::FargateProfile => "fargate",
        GroupKind::EcsCapacityProvider => "ecs",
        GroupKind::Kwok => "kwok",
        GroupKind::Simulated => "simulated",
    }
}

const fn due(cause: Option<Cause>) -> &'static str {
    match cause {
        None | Some(Cause::Empty | Cause::Underused) => "no",
        Some(Cause::Expired) => "expired",
        Some(Cause::Drifted) => "drifted",
    }
}
