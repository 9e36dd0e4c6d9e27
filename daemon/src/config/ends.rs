//! Where the daemon looks and acts: the provider of capacity, and the Kubernetes API.

use super::values;
use manifest::At;
use model::beside::EcsClusters;
use model::fleet::Fleet;
use model::ids::WorkloadKey;
use model::kwok::KwokGroup;
use model::pod::{Taint, TaintEffect};
use model::{GroupName, Resources, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Whose capacity is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    /// A world of our own: no cluster, no account.
    Simulated(Simulated),
    /// Node objects in a real API server.
    Kwok(Vec<KwokGroup>),
    /// Amazon Web Services.
    Aws(Aws),
    /// Nobody's: replicas are set, nodes are not bought.
    None,
}

/// A simulated world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Simulated {
    /// Scenario file.
    pub(crate) scenario: PathBuf,
    /// How long the whole scenario should take on the wall clock; zero: as fast as it goes.
    pub(crate) pace: Span,
    /// Keep serving after the end.
    pub(crate) keep: bool,
    /// Report to write at the end.
    pub(crate) report: Option<PathBuf>,
    /// Scorecard to write at the end, JSON.
    pub(crate) scorecard: Option<PathBuf>,
}

/// Amazon Web Services; the endpoint comes from `AWS_ENDPOINT_URL`, credentials from the usual chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Aws {
    /// Region; `None`: from the environment.
    pub(crate) region: Option<String>,
    /// How groups are asked for capacity.
    pub(crate) launch: AwsLaunch,
    /// CloudWatch metrics to read.
    pub(crate) metrics: Vec<AwsMetric>,
    /// Prices, a CSV of offers; `None`: the price list, else the built-in table in its region.
    pub(crate) offers: Option<PathBuf>,
    /// What Fargate costs, a CSV; `None`: likewise.
    pub(crate) fargate_rates: Option<PathBuf>,
    /// Publish the daemon's own figures to CloudWatch.
    pub(crate) publish: bool,
    /// Fleets of Plimsoll's own.
    pub(crate) fleets: Vec<Fleet>,
    /// Name or URL of the SQS queue of notices.
    pub(crate) queue: Option<String>,
    /// Clusters of ECS to read beside the cluster; `None`: none.
    pub(crate) ecs: Option<EcsClusters>,
    /// Names of the termination hooks that are ours to complete.
    pub(crate) complete_hooks: Vec<String>,
}

/// How groups are asked for capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AwsLaunch {
    /// By each group's description.
    Auto,
    /// `LaunchInstances`.
    Instances,
    /// `SetDesiredCapacity`.
    Desired,
}

/// A CloudWatch metric as the input of a scaler policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsMetric {
    /// Whose.
    pub(crate) workload: WorkloadKey,
    /// Name in the aims.
    pub(crate) name: String,
    /// CloudWatch namespace.
    pub(crate) namespace: String,
    /// CloudWatch metric.
    pub(crate) metric: String,
    /// Dimensions.
    pub(crate) dimensions: BTreeMap<String, String>,
    /// Statistic.
    pub(crate) stat: String,
    /// Period, seconds.
    pub(crate) period: i32,
}

/// How the Kubernetes API is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kubernetes {
    /// Kubeconfig; `None`: the service account of the pod.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Where load is read.
    pub(crate) load: LoadFrom,
    /// Write Kubernetes Events about what is carried out.
    pub(crate) events: bool,
}

/// Where load is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadFrom {
    /// Kubelets, then `metrics.k8s.io`.
    Kubelet,
    /// `metrics.k8s.io` only.
    MetricsServer,
    /// Nowhere: load is unknown.
    Nowhere,
}

/// Exactly one provider.
pub(crate) fn provider(at: At<'_, '_>) -> Provider {
    const KINDS: [&str; 4] = ["simulated", "kwok", "aws", "none"];
    at.only(&KINDS);
    let named: Vec<&str> = at
        .entries()
        .map(|(name, _)| name)
        .filter(|name| KINDS.contains(name))
        .collect();
    match named.as_slice() {
        ["simulated"] => Provider::Simulated(simulated(at.get("simulated"))),
        ["kwok"] => Provider::Kwok(kwok(at.get("kwok"))),
        ["aws"] => Provider::Aws(aws(at.get("aws"))),
        ["none"] => Provider::None,
        [] => {
            at.problem(format_args!("one of {} is wanted", KINDS.join(", ")));
            Provider::None
        }
        several => {
            at.problem(format_args!("one of {} is wanted, not all", several.join(", ")));
            Provider::None
        }
    }
}

fn simulated(at: At<'_, '_>) -> Simulated {
    at.only(&["scenario", "pace", "keep", "report", "scorecard"]);
    Simulated {
        scenario: at.get("scenario").name().unwrap_or_default().into(),
        pace: values::span(at.get("pace"), Span::ZERO, Span::ZERO),
        keep: at.get("keep").flag(),
        report: values::path(at.get("report")),
        scorecard: values::path(at.get("scorecard")),
    }
}

fn kwok(at: At<'_, '_>) -> Vec<KwokGroup> {
    at.only(&["groups"]);
    let mut names = BTreeSet::new();
    let mut groups = Vec::new();
    for at in at.get("groups").items() {
        let group = kwok_group(at);
        if !group.name.as_str().is_empty() && !names.insert(group.name.clone()) {
            at.get("name").problem(format_args!(
                "{:?} is the name of another group already",
                group.name.as_str()
            ));
        }
        groups.push(group);
    }
    if groups.is_empty() {
        at.get("groups").problem("at least one group is wanted");
    }
    groups
}

fn kwok_group(at: At<'_, '_>) -> KwokGroup {
    at.only(&[
        "name",
        "min",
        "max",
        "instance_type",
        "arch",
        "zone",
        "cpu",
        "memory",
        "ephemeral_storage",
        "extended",
        "pods",
        "labels",
        "taints",
        "usd_per_hour",
    ]);
    let word = |key: &'static str, default: &str| at.get(key).text().unwrap_or(default).to_owned();
    let min = values::count(at.get("min"), 0, 0, 100_000);
    let max = values::count(at.get("max"), 10, 0, 100_000);
    if min > max {
        at.get("min")
            .problem(format_args!("is {min}, above max, which is {max}"));
    }
    let arches = [("amd64", "amd64"), ("arm64", "arm64")];
    KwokGroup {
        name: GroupName::new(at.get("name").name().unwrap_or_default()),
        min,
        max,
        instance_type: word("instance_type", "kwok"),
        arch: values::word(at.get("arch"), &arches, "amd64").to_owned(),
        zone: word("zone", "local"),
        allocatable: Resources {
            cpu_milli: amount(at.get("cpu"), manifest::quantity::milli),
            memory_bytes: amount(at.get("memory"), manifest::quantity::whole),
            ephemeral_bytes: if at.get("ephemeral_storage").is_there() {
                amount(at.get("ephemeral_storage"), manifest::quantity::whole)
            } else {
                0
            },
            extended: at
                .get("extended")
                .entries()
                .map(|(name, at)| (name.to_owned(), amount(at, manifest::quantity::whole)))
                .collect(),
        },
        max_pods: values::count(at.get("pods"), 110, 1, 100_000),
        labels: at.get("labels").labels(),
        taints: at.get("taints").items().map(taint).collect(),
        price: values::rate(at.get("usd_per_hour")),
    }
}

fn taint(at: At<'_, '_>) -> Taint {
    at.only(&["key", "value", "effect"]);
    let effects = [
        ("NoSchedule", TaintEffect::NoSchedule),
        ("PreferNoSchedule", TaintEffect::PreferNoSchedule),
        ("NoExecute", TaintEffect::NoExecute),
    ];
    Taint {
        key: at.get("key").name().unwrap_or_default().to_owned(),
        value: at.get("value").text().unwrap_or_default().to_owned(),
        effect: values::word(at.get("effect"), &effects, TaintEffect::NoSchedule),
    }
}

/// A Kubernetes quantity that must be there and not be negative.
fn amount(at: At<'_, '_>, read: fn(&str) -> Result<i64, String>) -> i64 {
    let text = match at.tree() {
        Some(manifest::Tree::Int(number)) => number.to_string(),
        Some(manifest::Tree::Float(number)) => number.to_string(),
        _ => at.name().unwrap_or_default().to_owned(),
    };
    if text.is_empty() {
        return 0;
    }
    match read(&text) {
        Ok(i64::MAX) => {
            at.problem(format_args!("{text:?}: is beyond what can be counted"));
            0
        }
        Ok(amount) if amount >= 0 => amount,
        Ok(_) => {
            at.problem(format_args!("{text:?}: must not be negative"));
            0
        }
        Err(why) => {
            at.problem(why);
            0
        }
    }
}

fn aws(at: At<'_, '_>) -> Aws {
    at.only(&[
        "region",
        "launch",
        "metrics",
        "offers",
        "fargate_rates",
        "publish",
        "fleets",
        "queue",
        "complete_hooks",
        "ecs",
    ]);
    let hooks = at.get("complete_hooks").items();
    let launches = [
        ("auto", AwsLaunch::Auto),
        ("instances", AwsLaunch::Instances),
        ("desired", AwsLaunch::Desired),
    ];
    Aws {
        region: at.get("region").text().map(str::to_owned),
        launch: values::word(at.get("launch"), &launches, AwsLaunch::Auto),
        metrics: at.get("metrics").items().map(aws_metric).collect(),
        offers: values::path(at.get("offers")),
        fargate_rates: values::path(at.get("fargate_rates")),
        publish: at.get("publish").flag(),
        fleets: at.get("fleets").items().map(fleet).collect(),
        queue: at.get("queue").text().map(str::to_owned),
        ecs: ecs(at.get("ecs")),
        complete_hooks: hooks.filter_map(At::name).map(str::to_owned).collect(),
    }
}

/// `clusters: all`, or a list of names; nothing where it is not there.
fn ecs(at: At<'_, '_>) -> Option<EcsClusters> {
    if !at.is_there() {
        return None;
    }
    at.only(&["clusters"]);
    let clusters = at.get("clusters");
    if matches!(clusters.tree(), Some(manifest::Tree::Text(text)) if text == "all") {
        return Some(EcsClusters::All);
    }
    let names: Vec<String> = clusters.items().filter_map(At::name).map(str::to_owned).collect();
    if names.is_empty() {
        clusters.problem("`all`, or a list with at least one name, is wanted");
    }
    Some(EcsClusters::Named(names))
}

fn fleet(at: At<'_, '_>) -> Fleet {
    at.only(&[
        "name",
        "launch_template",
        "max",
        "types",
        "spot",
        "subnets",
        "labels",
        "taints",
    ]);
    let texts = at.get("types").items().filter_map(At::name);
    let types = texts.map(str::to_owned).collect();
    let subnets = at.get("subnets").labels();
    if subnets.is_empty() {
        at.get("subnets")
            .problem("at least one zone with its subnet is wanted");
    }
    Fleet {
        name: GroupName::new(at.get("name").name().unwrap_or_default()),
        template: at.get("launch_template").name().unwrap_or_default().to_owned(),
        max: values::count(at.get("max"), 10, 0, 100_000),
        types,
        spot: at.get("spot").flag(),
        subnets: subnets.into(),
        labels: at.get("labels").labels(),
        taints: at.get("taints").items().map(taint).collect(),
    }
}

fn aws_metric(at: At<'_, '_>) -> AwsMetric {
    at.only(&[
        "workload",
        "name",
        "namespace",
        "metric",
        "dimensions",
        "stat",
        "period",
    ]);
    let whose = at.get("workload");
    whose.only(&["kind", "namespace", "name"]);
    let needed = |at: At<'_, '_>| at.name().unwrap_or_default().to_owned();
    let period = values::count(at.get("period"), 60, 1, 86_400);
    if ![1, 5, 10, 30].contains(&period) && !period.is_multiple_of(60) {
        at.get("period").problem(format_args!(
            "must be 1, 5, 10, 30 or a multiple of 60, is {period}"
        ));
    }
    AwsMetric {
        workload: WorkloadKey::new(
            whose.get("kind").text().unwrap_or("Deployment"),
            needed(whose.get("namespace")),
            needed(whose.get("name")),
        ),
        name: needed(at.get("name")),
        namespace: needed(at.get("namespace")),
        metric: needed(at.get("metric")),
        dimensions: at.get("dimensions").labels().into(),
        stat: at.get("stat").text().unwrap_or("Average").to_owned(),
        period: i32::try_from(period).unwrap_or(60),
    }
}

/// How the Kubernetes API is reached.
pub(crate) fn kubernetes(at: At<'_, '_>) -> Kubernetes {
    at.only(&["kubeconfig", "load", "events"]);
    let loads = [
        ("kubelet", LoadFrom::Kubelet),
        ("metrics-server", LoadFrom::MetricsServer),
        ("none", LoadFrom::Nowhere),
    ];
    Kubernetes {
        kubeconfig: values::path(at.get("kubeconfig")),
        load: values::word(at.get("load"), &loads, LoadFrom::Kubelet),
        events: !at.get("events").is_there() || at.get("events").flag(),
    }
}
