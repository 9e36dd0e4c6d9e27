//! AWS eyes: Auto Scaling groups with their instances, what they can buy, and application metrics.
//!
//! Describe and Get calls only, paged, each with its own time-out. Groups are read anew at every look, in one
//! sweep; a sweep that fails leaves the last good rows in place, marked with their age. Templates and types are
//! kept, metrics read now and then. Not here: any call that changes something (`act::aws`), Fargate profiles read
//! from EKS (the aims name them), prices read from AWS (the table and the operator's file serve), when an instance
//! was launched (nothing asks: a node's own age counts).

mod catalogue;
mod groups;
mod lived;
mod metrics;
mod offers;
mod sdk;

pub use metrics::AppMetric;
pub use model::launch::Launch;
pub use sdk::{AwsError, config};

use crate::capacity::{Capacity, WorkloadMetric};
use model::aims::FargateAim;
use model::group::FargateSelector;
use model::money::UsdPerHour;
use model::node::Node;
use model::selector::{LabelSelector, Operator, Requirement};
use model::snapshot::{Freshness, Source};
use model::time::{Instant, Span};
use std::collections::BTreeMap;

/// What the AWS eyes look for.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Name of the cluster, as in the tags `plimsoll.io/cluster` and `k8s.io/cluster-autoscaler/NAME`.
    pub cluster: String,
    /// How groups are to be asked for capacity.
    pub launch: Launch,
    /// Application metrics to read.
    pub metrics: Vec<AppMetric>,
    /// On-demand prices by instance type: the operator's; none: the built-in ones.
    pub prices: BTreeMap<String, UsdPerHour>,
    /// Fargate profiles that the aims name.
    pub fargate: Vec<FargateAim>,
}

/// Groups, offers and metrics of one account and region.
pub struct Groups {
    settings: Settings,
    autoscaling: aws_sdk_autoscaling::Client,
    ec2: aws_sdk_ec2::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    catalogue: catalogue::Catalogue,
    capacity: Reading<Capacity>,
    metrics: Reading<Vec<WorkloadMetric>>,
}

/// Something read, with when it was last read well.
#[derive(Debug, Default)]
struct Reading<T> {
    last: T,
    at: Option<Instant>,
}

/// A reading younger than this is Live.
const LIVE: Span = Span::from_secs(20);
/// CloudWatch is billed by the metric: not asked more often than this.
const METRICS_EVERY: Span = Span::from_secs(30);

impl Groups {
    /// Eyes over an SDK configuration (`config`); no call is made yet.
    pub fn new(sdk: &aws_config::SdkConfig, mut settings: Settings) -> Self {
        if settings.prices.is_empty() {
            let rows = manifest::built_in().rows.into_iter();
            settings.prices = rows.map(|row| (row.instance_type, row.on_demand)).collect();
        }
        Self {
            settings,
            autoscaling: sdk::autoscaling(sdk),
            ec2: sdk::ec2(sdk),
            cloudwatch: sdk::cloudwatch(sdk),
            catalogue: catalogue::Catalogue::default(),
            capacity: Reading::default(),
            metrics: Reading::default(),
        }
    }

    /// Reads groups and offers. `nodes` are those of the same look: a node that has lived says better what its
    /// type can carry than the formula. Never fails: what could not be read keeps its last rows and its age.
    pub async fn capacity(&mut self, at: Instant, nodes: &[Node]) -> Capacity {
        match self.read_capacity(at, nodes).await {
            Ok(capacity) => self.capacity.renew(capacity, at),
            Err(error) => tracing::warn!(%error, "groups could not be read; the last picture stays in force"),
        }
        self.read_metrics(at).await;
        let mut capacity = self.capacity.last.clone();
        let age = self.capacity.freshness(at, LIVE);
        capacity.sources.insert(Source::Groups, age);
        capacity.sources.insert(Source::Offers, age);
        if !self.settings.metrics.is_empty() {
            capacity
                .sources
                .insert(Source::Metrics, self.metrics.freshness(at, METRICS_EVERY + LIVE));
            capacity.metrics.clone_from(&self.metrics.last);
        }
        capacity
    }

    async fn read_capacity(&mut self, at: Instant, nodes: &[Node]) -> Result<Capacity, AwsError> {
        let found = groups::discover(&self.autoscaling, &self.settings.cluster).await?;
        self.catalogue.learn(&self.ec2, &found, at).await;
        let mut capacity = Capacity::default();
        for (row, ix) in found.iter().zip(0..) {
            let mut group = groups::group(row, &self.settings);
            for taint in lived::shared_taints(&lived::nodes_of(&group, nodes)) {
                if !group.taints.contains(&taint) {
                    group.taints.push(taint);
                }
            }
            let sold = offers::offers(&self.catalogue, row, (&group, ix), &self.settings, nodes);
            capacity.offers.extend(sold);
            capacity.groups.push(group);
        }
        for (profile, ix) in self.settings.fargate.iter().zip(capacity.groups.len()..) {
            let Ok(ix) = u32::try_from(ix) else { break };
            let selectors = selectors(profile);
            capacity
                .groups
                .push(manifest::profile_group(&profile.profile, selectors));
            capacity
                .offers
                .extend(manifest::fargate_offers(&profile.profile, ix));
        }
        Ok(capacity)
    }

    async fn read_metrics(&mut self, at: Instant) {
        let due = self.metrics.at.is_none_or(|last| at.since(last) >= METRICS_EVERY);
        if self.settings.metrics.is_empty() || !due {
            return;
        }
        match metrics::read(&self.cloudwatch, &self.settings.metrics, at).await {
            Ok(metrics) => self.metrics.renew(metrics, at),
            Err(error) => tracing::warn!(%error, "metrics could not be read; their age tells"),
        }
    }
}

/// One selector for each namespace of the profile.
fn selectors(profile: &FargateAim) -> Vec<FargateSelector> {
    let equal = |(key, value): (&String, &String)| Requirement {
        key: key.clone(),
        operator: Operator::In(vec![value.clone()]),
    };
    let labels = LabelSelector {
        requirements: profile.labels.iter().map(equal).collect(),
    };
    let of = |namespace: &String| FargateSelector {
        namespace: namespace.clone(),
        labels: labels.clone(),
    };
    profile.namespaces.iter().map(of).collect()
}

impl<T> Reading<T> {
    fn renew(&mut self, last: T, at: Instant) {
        self.last = last;
        self.at = Some(at);
    }

    fn freshness(&self, now: Instant, live: Span) -> Freshness {
        match self.at.map(|at| now.since(at)) {
            None => Freshness::Missing,
            Some(age) if age <= live => Freshness::Live,
            Some(age) => Freshness::Stale { age },
        }
    }
}
