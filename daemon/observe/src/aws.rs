//! AWS eyes: Auto Scaling groups with their instances, what they can buy, notices of what goes, and application metrics.
//!
//! Describe, Get and List calls only, and what a queue of notices takes (`notices`); paged, each with its own time-out.
//! Groups are read in one sweep: at every look while something moves, else four times a minute without their instances
//! and once with them; a sweep that fails leaves the last good rows in place, marked with their age. Templates, types,
//! node groups, profiles and prices are kept, metrics read now and then. Not here: any call that changes something
//! (`act::aws`), when an instance was launched (nothing asks: a node's own age counts).

mod activities;
mod catalogue;
pub mod ecs;
mod eks;
mod fleet;
mod governor;
mod groups;
mod hooks;
mod images;
mod launch_templates;
mod lived;
mod metrics;
mod node_template;
mod notices;
mod offers;
mod pending;
mod prices;
mod queue_policy;
mod sdk;
mod templates;
mod witness;

pub use governor::{Governor, Side};
pub use metrics::AppMetric;
pub use model::launch::Launch;
pub use sdk::{AwsError, config};

use crate::capacity::{Capacity, WorkloadMetric};
use aws_sdk_autoscaling::types::AutoScalingGroup;
use manifest::{FargateByRegion, INSTANCE_TYPE, Tariff};
use model::fleet::Fleet;
use model::group::{Group, Instance, InstanceState};
use model::ids::InstanceId;
use model::money::UsdPerHour;
use model::node::Node;
use model::offer::Purchase;
use model::prices::{BUILT_IN_REGION, PriceSource, Prices};
use model::registration::{Zones, purchase_of};
use model::snapshot::{Freshness, Source};
use model::startup::Startup;
use model::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Where the operator's prices come from.
    pub source: Option<PriceSource>,
    /// What Fargate costs by region, as the operator's files tell it.
    pub fargate: FargateByRegion,
    /// Plimsoll's own fleets.
    pub fleets: Vec<Fleet>,
    /// Name or URL of the SQS queue of notices; none: nobody tells.
    pub queue: Option<String>,
    /// Names of termination hooks that are ours to complete.
    pub complete_hooks: Vec<String>,
    /// Keys of taints that the operator's own agents take away (`Aims::startup_taints`).
    pub startup_taints: Vec<String>,
}

/// Groups, offers and metrics of one account and region.
pub struct Groups {
    settings: Settings,
    autoscaling: aws_sdk_autoscaling::Client,
    ec2: aws_sdk_ec2::Client,
    eks: aws_sdk_eks::Client,
    pricing: aws_sdk_pricing::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    region: String,
    /// Prices are those of the built-in table.
    built_in: bool,
    catalogue: catalogue::Catalogue,
    images: images::Images,
    activities: activities::Activities,
    lived: lived::Lived,
    managed: eks::Eks,
    prices: prices::Prices,
    hooks: hooks::Hooks,
    notices: Option<notices::Notices>,
    rows: Rows,
    stirred: Arc<AtomicBool>,
    capacity: Reading<Capacity>,
    metrics: Reading<Vec<WorkloadMetric>>,
}

/// Something read, with when it was last read well.
#[derive(Debug, Default)]
struct Reading<T> {
    last: T,
    at: Option<Instant>,
}

/// Groups as they were last read.
#[derive(Debug, Default)]
struct Rows {
    last: Arc<[AutoScalingGroup]>,
    fleets: fleet::Members,
    /// What instances of fleets were made with.
    made: fleet::Made,
    /// When they were last read at all, and with their instances.
    at: Option<Instant>,
    whole: Option<Instant>,
}

/// Where nothing moves, groups are read again after this, without instances: their sizes tell whether anything does.
const GLANCE: Span = Span::from_secs(15);
/// And with instances after this.
const WHOLE: Span = Span::from_secs(60);
/// A reading younger than this is Live.
const LIVE: Span = Span::from_secs(20);
/// CloudWatch is billed by the metric: not asked more often than this.
const METRICS_EVERY: Span = Span::from_secs(30);

impl Groups {
    /// Eyes over an SDK configuration (`config`); no call is made yet.
    pub fn new(sdk: &aws_config::SdkConfig, mut settings: Settings) -> Self {
        let built_in = settings.prices.is_empty();
        if built_in {
            let list = manifest::built_in();
            let rows = list.rows.into_iter();
            settings.prices = rows.map(|row| (row.instance_type, row.on_demand)).collect();
            settings.source = list.source;
        }
        let queue = settings.queue.clone();
        Self {
            notices: queue.map(|queue| notices::Notices::new(sdk::sqs(sdk), queue)),
            settings,
            autoscaling: sdk::autoscaling(sdk),
            ec2: sdk::ec2(sdk),
            eks: sdk::eks(sdk),
            pricing: sdk::pricing(sdk),
            cloudwatch: sdk::cloudwatch(sdk),
            region: sdk.region().map(ToString::to_string).unwrap_or_default(),
            built_in,
            catalogue: catalogue::Catalogue::default(),
            images: images::Images::default(),
            activities: activities::Activities::default(),
            lived: lived::Lived::default(),
            managed: eks::Eks::default(),
            prices: prices::Prices::default(),
            hooks: hooks::Hooks::default(),
            rows: Rows::default(),
            stirred: Arc::default(),
            capacity: Reading::default(),
            metrics: Reading::default(),
        }
    }

    /// Set by whoever changes something in the account: the next look reads all of it.
    pub fn stirred(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stirred)
    }

    /// Reads groups and offers. `nodes` are those of the same look: a node that has lived says better what its
    /// type can carry than the formula. Never fails: what could not be read keeps its last rows and its age.
    pub async fn capacity(&mut self, at: Instant, nodes: &[Node]) -> Capacity {
        let ours = self.ours(nodes);
        if let Some(notices) = &mut self.notices
            && notices.take(&ours, at)
        {
            // The groups tell whether it is true, and are not due.
            self.stirred.store(true, Ordering::SeqCst);
        }
        // Boxed: whoever awaits a look would hold all of them.
        match Box::pin(self.read_capacity(at, nodes)).await {
            // Rows that were not due to be read again are as old as they are.
            Ok(capacity) => self.capacity.renew(capacity, self.rows.at.unwrap_or(at)),
            Err(error) => tracing::warn!(%error, "groups could not be read; the last picture stays in force"),
        }
        self.read_metrics(at).await;
        let mut capacity = self.capacity.last.clone();
        let ours = self.ours(nodes);
        if let Some(notices) = &mut self.notices {
            let going = self.hooks.leaving().map(|(id, _)| id).collect();
            Box::pin(notices.confirm(&self.ec2, &going, &ours, at)).await;
            capacity.leaving = notices.leaving();
            capacity.notices = Some(notices.outcomes());
        }
        // What a group lists as going is as certain as can be, whatever was told before.
        capacity.leaving.extend(self.hooks.leaving());
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

    /// Whose notices are for us; nothing where none are read.
    fn ours(&self, nodes: &[Node]) -> pending::Ours {
        if self.notices.is_none() {
            return pending::Ours::default();
        }
        let rows = self.rows.last.iter().flat_map(AutoScalingGroup::instances);
        let listed = rows.filter_map(|row| row.instance_id().map(InstanceId::new));
        let members = self.rows.fleets.values().flatten().map(|row| row.id.clone());
        let listed: BTreeSet<InstanceId> = listed.chain(members).collect();
        let run = nodes.iter().filter_map(|node| node.instance.clone());
        let is_spot = |node: &&Node| purchase_of(&node.labels) == Some(Purchase::Spot);
        let account =
            |row: &AutoScalingGroup| Some(row.auto_scaling_group_arn()?.split(':').nth(4)?.to_owned());
        pending::Ours {
            all: run.chain(listed.iter().cloned()).collect(),
            listed,
            spot: nodes.iter().filter(is_spot).count(),
            account: self.rows.last.iter().find_map(account),
            region: self.region.clone(),
        }
    }

    async fn read_capacity(&mut self, at: Instant, nodes: &[Node]) -> Result<Capacity, AwsError> {
        self.sweep(at, nodes).await?;
        // Shared, not taken: a look that is given up half-way leaves the rows where they are.
        let rows = Arc::clone(&self.rows.last);
        self.learn(&rows, nodes, at).await;
        let mut capacity = Capacity::default();
        let own = self.settings.startup_taints.clone();
        let startup = Startup::new(nodes, at, &own);
        let mut zones = Zones::default();
        for node in nodes {
            zones.learn(&node.labels);
        }
        for (row, ix) in rows.iter().zip(0..) {
            let mut group = self.group(row, (nodes, &startup), at);
            self.hooks.mark(&self.settings.complete_hooks, row, &mut group);
            let site = offers::Site {
                zones: &zones,
                learnt: self.lived.of(&group.name),
            };
            let sold = offers::offers(&self.catalogue, row, (&group, ix), &self.tariffs(), site);
            capacity.offers.extend(sold);
            capacity.groups.push(group);
            let told = templates::told((&self.catalogue, &self.images), row);
            capacity.templates.extend(told);
        }
        capacity.short = self.activities.short();
        capacity.prices = self.known_prices();
        capacity.tariff = self.tariff();
        self.add_fleets(&mut capacity, (nodes, &startup, &zones), at);
        self.add_profiles(&mut capacity);
        Ok(capacity)
    }

    /// Reads the groups as far as it is time to.
    async fn sweep(&mut self, at: Instant, nodes: &[Node]) -> Result<(), AwsError> {
        let due = |last: Option<Instant>, every: Span| last.is_none_or(|last| at.since(last) >= every);
        let known: BTreeSet<&str> = nodes
            .iter()
            .filter_map(|n| n.instance.as_ref())
            .map(InstanceId::as_str)
            .collect();
        let joined = |row: &AutoScalingGroup| {
            let mut ids = row
                .instances()
                .iter()
                .filter_map(aws_sdk_autoscaling::types::Instance::instance_id);
            ids.all(|id| known.contains(id))
        };
        let serves = |i: &Instance| i.state == InstanceState::InService && known.contains(i.id.as_str());
        let still = self
            .rows
            .last
            .iter()
            .all(|row| groups::settled(row) && joined(row))
            && self.rows.fleets.values().flatten().all(serves);
        let whole = !still || due(self.rows.whole, WHOLE) || self.stirred.load(Ordering::SeqCst);
        if !whole && !due(self.rows.at, GLANCE) {
            return Ok(());
        }
        if !whole {
            let seen = groups::discover(&self.autoscaling, &self.settings.cluster, false).await?;
            let before = self.rows.last.iter().map(groups::outline);
            if before.eq(seen.iter().map(groups::outline)) {
                self.rows.at = Some(at);
                return Ok(());
            }
        }
        let rows = groups::discover(&self.autoscaling, &self.settings.cluster, true).await?;
        if !self.settings.fleets.is_empty() {
            let fleets = &self.settings.fleets;
            let (members, made) = fleet::members(&self.ec2, &self.settings.cluster, fleets).await?;
            (self.rows.fleets, self.rows.made) = (members, made);
        }
        self.rows.last = rows.into();
        (self.rows.at, self.rows.whole) = (Some(at), Some(at));
        // Not before: what was stirred is still to be read where the sweep fails.
        self.stirred.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Learns what the groups need and is due.
    async fn learn(&mut self, rows: &[AutoScalingGroup], nodes: &[Node], at: Instant) {
        self.hooks
            .learn(&self.autoscaling, &self.settings.complete_hooks, rows, at)
            .await;
        let by_size = |row: &&AutoScalingGroup| {
            groups::group(row, &self.settings).launch == model::group::LaunchMode::Desired
        };
        let by_size = rows.iter().filter(by_size);
        self.activities.learn(&self.autoscaling, by_size, at).await;
        let fleets = fleet::highest(&self.settings.fleets, (&self.rows.fleets, &self.rows.made));
        self.catalogue.learn(&self.ec2, rows, fleets, at).await;
        let theirs = (
            self.settings.fleets.as_slice(),
            &self.rows.fleets,
            &self.rows.made,
        );
        self.images
            .learn((&self.ec2, &self.catalogue), rows, theirs, at)
            .await;
        self.managed
            .learn(&self.eks, &self.settings.cluster, rows, at)
            .await;
        let bought = fleet::types(&self.settings.fleets, &self.settings.prices);
        self.catalogue.learn_types(&self.ec2, &bought, at).await;
        let of = |row: &AutoScalingGroup| self.catalogue.types_of(row).unwrap_or_default();
        let spot = rows
            .iter()
            .filter(|row| groups::share(row) == model::launch::Share::Spot);
        let mut spot: BTreeSet<String> = spot.flat_map(of).collect();
        if self.settings.fleets.iter().any(|fleet| fleet.spot) {
            spot.extend(bought.iter().cloned());
        }
        self.prices.learn_spot(&self.ec2, &spot, at).await;
        let operators = |name: &String| !self.built_in && self.settings.prices.contains_key(name);
        // What runs costs money also where no group buys it any more.
        let run = nodes
            .iter()
            .filter_map(|node| node.labels.get(INSTANCE_TYPE).cloned());
        let named = rows.iter().flat_map(of).chain(bought).chain(run);
        let types: BTreeSet<String> = named.filter(|name| !operators(name)).collect();
        self.prices
            .learn_listed(&self.pricing, (&self.region, &types), &self.settings.prices, at)
            .await;
        if !self.settings.fargate.contains_key(&self.region) {
            self.prices.learn_fargate(&self.pricing, &self.region, at).await;
        }
    }

    fn group(
        &mut self,
        row: &AutoScalingGroup,
        (nodes, startup): (&[Node], &Startup<'_>),
        at: Instant,
    ) -> Group {
        let mut group = groups::group(row, &self.settings);
        self.managed.complete(row, &mut group);
        let types = self.catalogue.types_of(row).unwrap_or_default();
        let only = types.first().filter(|_| types.len() == 1).map(String::as_str);
        self.lived.learn(
            &group,
            (catalogue::made_of(row), only),
            (nodes, startup, &self.catalogue),
            at,
        );
        for taint in self.lived.of(&group.name).map_or(&[][..], lived::Learnt::taints) {
            if !group.taints.contains(taint) {
                group.taints.push(taint.clone());
            }
        }
        if group.rolling.is_none() {
            group.rolling = groups::rolled_by_kops(&lived::nodes_of(&group, nodes));
        }
        group
    }

    fn add_fleets(
        &mut self,
        capacity: &mut Capacity,
        (nodes, startup, zones): (&[Node], &Startup<'_>, &Zones),
        at: Instant,
    ) {
        let types = fleet::types(&self.settings.fleets, &self.settings.prices);
        for fleet in &self.settings.fleets {
            let Ok(ix) = u32::try_from(capacity.groups.len()) else {
                return;
            };
            let group = fleet::group(fleet, &self.rows.fleets);
            self.lived.learn(
                &group,
                (fleet.template.clone(), None),
                (nodes, startup, &self.catalogue),
                at,
            );
            let tariffs = offers::Tariffs {
                table: &self.settings.prices,
                built_in: self.built_in,
                here: self.is_built_in_here(),
                told: &self.prices,
            };
            let site = offers::Site {
                zones,
                learnt: self.lived.of(&group.name),
            };
            let sold = fleet::offers(fleet, ix, (&self.catalogue, &types), &tariffs, site);
            capacity.offers.extend(sold);
            capacity.groups.push(group);
            let told = (&self.rows.fleets, &self.rows.made);
            capacity
                .templates
                .extend(fleet::templates(fleet, told, (&self.catalogue, &self.images)));
        }
    }

    fn tariffs(&self) -> offers::Tariffs<'_> {
        offers::Tariffs {
            table: &self.settings.prices,
            built_in: self.built_in,
            here: self.is_built_in_here(),
            told: &self.prices,
        }
    }

    /// What nodes cost that no group sells.
    fn tariff(&self) -> Tariff {
        let tariffs = self.tariffs();
        let mut tariff = Tariff::default();
        for name in self.settings.prices.keys().chain(self.prices.types()) {
            if let Some((price, confidence)) = tariffs.on_demand(name) {
                tariff.add(name, price, confidence);
            }
        }
        for (name, price) in self.prices.spots() {
            tariff.add_spot(name, price);
        }
        if self.built_in && self.is_built_in_here() {
            tariff.add_families();
        }
        tariff
    }

    /// Whether built-in prices are those of this region.
    fn is_built_in_here(&self) -> bool {
        self.region.is_empty() || self.region == BUILT_IN_REGION
    }

    /// What Fargate costs: the operator's file wins over the price list, and it over the built-in rates of their region.
    fn known_prices(&self) -> Prices {
        if self.region.is_empty() {
            return Prices::default();
        }
        let operators = self.settings.fargate.get(&self.region);
        let told = operators.or_else(|| self.prices.fargate()).cloned();
        let usable = !self.built_in || self.is_built_in_here();
        Prices {
            region: self.region.clone(),
            assumed: false,
            ec2: self.settings.source.clone().filter(|_| usable),
            fargate: told.or_else(|| manifest::fargate_prices(&FargateByRegion::new(), &self.region)),
        }
    }

    /// Profiles that EKS tells; those that the aims name are laid over the picture of every provider.
    fn add_profiles(&self, capacity: &mut Capacity) {
        for (profile, ix) in self.managed.profiles().zip(capacity.groups.len()..) {
            let Ok(ix) = u32::try_from(ix) else { break };
            let group = manifest::profile_group(&profile.name, profile.selectors.clone());
            capacity.groups.push(group);
            let prices = capacity.prices.fargate.as_ref();
            let sold = manifest::fargate_offers(&profile.name, ix, prices);
            capacity.offers.extend(sold);
        }
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
