//! A naive controller: what the originals did, through the same SDK on the same ground.
//!
//! A caricature on purpose: it has the habits that were reported, and none of what keeps them from doing harm. Not
//! here: what habits there are (`habits`), and which an incident is about.

use crate::cluster::{Cluster, ModelNode};
use crate::ground::Ground;
use crate::habits::{Cleans, Counts, Down, Grows, Habits, OnError, Removes, Replaces, Scales};
use crate::incident::Moment;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::AutoScalingGroup;
use model::{Instant, NodeName, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Placeholders are counted in a list of this age at most.
const LIST_EVERY: Span = Span::from_secs(60);

/// What it remembers; a restart forgets it.
#[derive(Default)]
struct Mind {
    missing: BTreeMap<String, Instant>,
    unregistered: BTreeMap<String, Instant>,
    empty: BTreeMap<String, Instant>,
    leaving: Vec<String>,
    counted_out: BTreeSet<String>,
    listed: Option<(Instant, Vec<AutoScalingGroup>)>,
    ever_listed: BTreeMap<String, BTreeSet<String>>,
    given: usize,
    asked: usize,
    nodes_before: Option<usize>,
    away_until: Option<Instant>,
}

/// See the module.
pub(crate) struct Naive {
    habits: Habits,
    client: Client,
    mind: Mind,
    stalled: bool,
    doomed: Option<(&'static str, Moment)>,
    tokens: u32,
}

impl Naive {
    /// One that begins now.
    pub(crate) fn begin(ground: &Ground, habits: &Habits) -> Self {
        Self {
            habits: habits.clone(),
            client: Client::new(&ground.sdk),
            mind: Mind::default(),
            stalled: false,
            doomed: None,
            tokens: 0,
        }
    }

    /// It forgets everything.
    pub(crate) fn restart(&mut self) {
        self.mind = Mind {
            asked: self.mind.asked,
            nodes_before: self.mind.nodes_before.filter(|_| self.mind.asked > 0),
            ..Mind::default()
        };
        self.stalled = false;
    }

    /// It dies the next time it does such a thing.
    pub(crate) const fn doom(&mut self, step: &'static str, moment: Moment) {
        self.doomed = Some((step, moment));
    }

    /// One loop.
    pub(crate) async fn turn(&mut self, ground: &Ground) {
        let now = ground.cluster().now;
        if self.stalled || self.mind.away_until.is_some_and(|until| now < until) {
            return;
        }
        let before = ground.cluster().nodes.len();
        self.mind.nodes_before.get_or_insert(before);
        self.scale(ground);
        let described = self.client.describe_auto_scaling_groups().send().await;
        let groups = match (described, self.habits.on_error) {
            (Ok(answer), _) => answer
                .auto_scaling_groups()
                .iter()
                .filter(|g| is_ours(g))
                .cloned()
                .collect(),
            (Err(_), OnError::TakesForNothing) => Vec::new(),
            (Err(_), OnError::Skips) => return,
            (Err(_), OnError::Stalls) => {
                self.stalled = true;
                return;
            }
            (Err(_), OnError::BacksOff { seconds }) => {
                self.mind.away_until = Some(now + Span::from_secs(seconds));
                return;
            }
        };
        self.clean(ground, &groups, now).await;
        self.replace(ground, &groups).await;
        self.remove(ground, now).await;
        for group in &groups {
            self.grow(ground, group).await;
        }
    }

    fn scale(&self, ground: &Ground) {
        let mut cluster = ground.cluster();
        let unknown = cluster.cover.metrics_gone;
        for owner in &mut cluster.owners {
            let wanted = match self.habits.scales {
                Scales::Never => None,
                Scales::ByWork => owner.work.map(|work| up(work, owner.cpu_milli / 2)),
                Scales::ByQueue { each } => {
                    owner.queue.map(|queue| up(if unknown { 0 } else { queue }, each))
                }
            };
            owner.replicas = wanted
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(owner.replicas);
        }
        cluster.settle();
    }

    async fn grow(&mut self, ground: &Ground, group: &AutoScalingGroup) {
        let name = group.auto_scaling_group_name().unwrap_or_default();
        let (wanted, coming) = {
            let cluster = ground.cluster();
            let all = self.habits.grows == Grows::ToWhatPodsNeed;
            (nodes_for(&cluster, name, all), self.coming(&cluster, group))
        };
        let desired = group.desired_capacity().unwrap_or(0);
        let more = i32::try_from(wanted.saturating_sub(coming)).unwrap_or(0);
        match self.habits.grows {
            Grows::Never => {}
            Grows::ToWhatPodsNeed => {
                let to = i32::try_from(wanted).unwrap_or(0);
                if to != desired {
                    self.set_desired(name, to).await;
                }
            }
            Grows::ByNumber if more > 0 => {
                if self.set_desired(name, desired + more).await {
                    self.mind.asked += wanted - coming;
                }
            }
            Grows::ByLaunch if more > 0 => self.launch(name, more).await,
            Grows::ByNumber | Grows::ByLaunch => {}
        }
    }

    /// Nodes that it takes to be on the way.
    fn coming(&mut self, cluster: &Cluster, group: &AutoScalingGroup) -> usize {
        let name = group.auto_scaling_group_name().unwrap_or_default();
        let ids = group.instances().iter().filter_map(|i| i.instance_id());
        let ever_listed = self.mind.ever_listed.entry(name.to_owned()).or_default();
        ever_listed.extend(ids.map(str::to_owned));
        let desired = usize::try_from(group.desired_capacity().unwrap_or(0)).unwrap_or(0);
        let of_group = |node: &&ModelNode| node.group() == name;
        let ready = cluster
            .nodes
            .values()
            .filter(of_group)
            .filter(|node| cluster.is_ready(node))
            .count();
        let joined = cluster
            .nodes
            .len()
            .saturating_sub(self.mind.nodes_before.unwrap_or(0));
        match self.habits.counts {
            Counts::Nothing => 0,
            Counts::Desired => desired.saturating_sub(ready),
            Counts::Listed => group.instances().len().saturating_sub(ready),
            Counts::EverListed => ever_listed.len().saturating_sub(ready),
            Counts::NotReady => desired.max(cluster.nodes.values().filter(of_group).count()) - ready,
            Counts::Given => self.mind.given.saturating_sub(joined),
            Counts::Asked => self.mind.asked.saturating_sub(joined),
        }
    }

    async fn launch(&mut self, group: &str, count: i32) {
        if self.habits.counts == Counts::Asked {
            self.mind.asked += usize::try_from(count).unwrap_or(0);
        }
        if self.dies("GrowGroup", Moment::BeforeItsEffect) {
            return;
        }
        self.tokens += 1;
        let call = self
            .client
            .launch_instances()
            .auto_scaling_group_name(group)
            .requested_capacity(count);
        let answer = call.client_token(format!("naive-{}", self.tokens)).send().await;
        if self.dies("GrowGroup", Moment::BeforeItIsRecorded) {
            return;
        }
        if let Ok(answer) = answer {
            self.mind.given += answer
                .instances()
                .iter()
                .map(|c| c.instance_ids().len())
                .sum::<usize>();
        }
    }

    async fn set_desired(&self, group: &str, to: i32) -> bool {
        let call = self
            .client
            .set_desired_capacity()
            .auto_scaling_group_name(group)
            .desired_capacity(to.max(0));
        call.send().await.is_ok()
    }

    async fn clean(&mut self, ground: &Ground, groups: &[AutoScalingGroup], now: Instant) {
        match self.habits.cleans {
            Cleans::Never => {}
            Cleans::Placeholders { after, down } => self.clean_placeholders(groups, now, (after, down)).await,
            Cleans::Unregistered { after } => self.clean_unregistered(ground, groups, (now, after)).await,
            Cleans::NotReady => self.clean_not_ready(ground, groups).await,
            Cleans::Unlisted => self.clean_unlisted(ground, groups).await,
        }
    }

    async fn clean_placeholders(
        &mut self,
        groups: &[AutoScalingGroup],
        now: Instant,
        (after, down): (i64, Down),
    ) {
        let fresh = self
            .mind
            .listed
            .as_ref()
            .is_some_and(|(at, _)| now.since(*at) < LIST_EVERY);
        if !fresh {
            self.mind.listed = Some((now, groups.to_vec()));
        }
        let listed = self.mind.listed.clone().map(|(_, rows)| rows).unwrap_or_default();
        for (group, listed) in groups.iter().zip(&listed) {
            let name = group.auto_scaling_group_name().unwrap_or_default();
            let there = i32::try_from(listed.instances().len()).unwrap_or(i32::MAX);
            let missing = listed.desired_capacity().unwrap_or(0) - there;
            if missing <= 0 {
                self.mind.missing.remove(name);
                continue;
            }
            let since = *self.mind.missing.entry(name.to_owned()).or_insert(now);
            if now.since(since) >= Span::from_secs(after) {
                let to = match down {
                    Down::ToListed => there,
                    Down::ByMissing => group.desired_capacity().unwrap_or(0) - missing,
                };
                self.set_desired(name, to).await;
            }
        }
    }

    async fn clean_unregistered(
        &mut self,
        ground: &Ground,
        groups: &[AutoScalingGroup],
        (now, after): (Instant, i64),
    ) {
        let known: BTreeSet<String> = ground
            .cluster()
            .nodes
            .values()
            .map(|n| n.instance.clone())
            .collect();
        for group in groups {
            let name = group.auto_scaling_group_name().unwrap_or_default();
            let mut gone = 0;
            for id in group.instances().iter().filter_map(|i| i.instance_id()) {
                if known.contains(id) {
                    self.mind.unregistered.remove(id);
                    continue;
                }
                let since = *self.mind.unregistered.entry(id.to_owned()).or_insert(now);
                let overdue = now.since(since) >= Span::from_secs(after);
                gone += i32::from(overdue && self.mind.counted_out.insert(id.to_owned()));
            }
            if gone > 0 {
                self.set_desired(name, group.desired_capacity().unwrap_or(0) - gone)
                    .await;
            }
        }
    }

    async fn clean_not_ready(&mut self, ground: &Ground, groups: &[AutoScalingGroup]) {
        for group in groups {
            let name = group.auto_scaling_group_name().unwrap_or_default();
            let gone: Vec<String> = {
                let cluster = ground.cluster();
                let of = cluster
                    .nodes
                    .iter()
                    .filter(|(_, node)| node.group() == name && !cluster.is_ready(node));
                of.map(|(name, _)| name.clone()).collect()
            };
            let new = gone
                .into_iter()
                .filter(|node| self.mind.counted_out.insert(node.clone()))
                .count();
            if new > 0 {
                let less = i32::try_from(new).unwrap_or(0);
                self.set_desired(name, group.desired_capacity().unwrap_or(0) - less)
                    .await;
            }
        }
    }

    async fn clean_unlisted(&self, ground: &Ground, groups: &[AutoScalingGroup]) {
        let listed: BTreeSet<&str> = groups
            .iter()
            .flat_map(AutoScalingGroup::instances)
            .filter_map(|i| i.instance_id())
            .collect();
        let unlisted: Vec<(String, String)> = {
            let cluster = ground.cluster();
            let nodes = cluster
                .nodes
                .iter()
                .filter(|(_, node)| !listed.contains(node.instance.as_str()));
            nodes
                .map(|(name, node)| (name.clone(), node.instance.clone()))
                .collect()
        };
        for (name, instance) in unlisted {
            if !self.end(&instance).await {
                ground.cluster().delete_node(&name);
            }
        }
    }

    async fn replace(&self, ground: &Ground, groups: &[AutoScalingGroup]) {
        match self.habits.replaces {
            Replaces::Never => {}
            Replaces::Outdated => {
                for group in groups {
                    let newest = group
                        .launch_template()
                        .and_then(|t| t.version())
                        .and_then(|v| v.parse().ok());
                    let old = of_nodes(ground, |node| {
                        node.group() == group.auto_scaling_group_name().unwrap_or_default()
                            && newest.is_some_and(|newest: usize| node.version < newest)
                    });
                    for (_, instance) in old {
                        let call = self
                            .client
                            .terminate_instance_in_auto_scaling_group()
                            .instance_id(instance);
                        // What fails is tried again in the next loop.
                        let _ = call.should_decrement_desired_capacity(false).send().await;
                    }
                }
            }
            Replaces::Onto { from, to } => {
                let Some((_, instance)) = of_nodes(ground, |node| node.group() == from).pop() else {
                    return;
                };
                let call = self
                    .client
                    .launch_instances()
                    .auto_scaling_group_name(to)
                    .requested_capacity(1);
                if call.client_token(&instance).send().await.is_ok() {
                    self.end(&instance).await;
                }
            }
        }
    }

    async fn remove(&mut self, ground: &Ground, now: Instant) {
        let (after, cordons) = match self.habits.removes {
            Removes::Never => return,
            Removes::Empty { after } => (after, false),
            Removes::EmptyCordonedFirst { after } => (after, true),
        };
        for name in std::mem::take(&mut self.mind.leaving) {
            let instance = ground
                .cluster()
                .nodes
                .get(&name)
                .map(|node| node.instance.clone());
            if let Some(instance) = instance {
                self.end(&instance).await;
            }
        }
        let empty = {
            let cluster = ground.cluster();
            let taken: BTreeSet<&String> = cluster
                .shown()
                .iter()
                .filter_map(|(_, pod)| pod.node.as_ref())
                .collect();
            let idle = |(name, node): &(&String, &ModelNode)| !taken.contains(name) && !node.cordoned;
            cluster
                .nodes
                .iter()
                .filter(idle)
                .map(|(name, node)| (name.clone(), node.instance.clone()))
                .collect::<Vec<_>>()
        };
        self.mind
            .empty
            .retain(|name, _| empty.iter().any(|(other, _)| other == name));
        for (name, instance) in empty {
            let since = *self.mind.empty.entry(name.clone()).or_insert(now);
            if now.since(since) < Span::from_secs(after) {
                continue;
            }
            if cordons {
                ground.cluster().cordon(&NodeName::new(&name), true);
                if self.dies("Cordon", Moment::BeforeItIsRecorded) {
                    return;
                }
                self.mind.leaving.push(name);
                continue;
            }
            if std::mem::take(&mut *ground.race.lock().unwrap()) {
                ground.cluster().bind_in_flight(&name);
            }
            self.end(&instance).await;
        }
    }

    /// Ends an instance; what fails is not looked at again.
    async fn end(&self, instance: &str) -> bool {
        let call = self
            .client
            .terminate_instance_in_auto_scaling_group()
            .instance_id(instance);
        call.should_decrement_desired_capacity(true).send().await.is_ok()
    }

    /// Whether the process dies here; another begins at once and knows nothing.
    fn dies(&mut self, step: &'static str, moment: Moment) -> bool {
        let dies = self.doomed == Some((step, moment));
        if dies {
            self.doomed = None;
            self.restart();
        }
        dies
    }
}

fn of_nodes(ground: &Ground, is: impl Fn(&ModelNode) -> bool) -> Vec<(String, String)> {
    let cluster = ground.cluster();
    let found = cluster.nodes.iter().filter(|(_, node)| is(node));
    found
        .map(|(name, node)| (name.clone(), node.instance.clone()))
        .collect()
}

fn is_ours(group: &AutoScalingGroup) -> bool {
    group
        .tags()
        .iter()
        .any(|tag| tag.key() == Some("plimsoll.io/cluster"))
}

/// Nodes that pods of this group need, two to a node: those that wait, or all.
fn nodes_for(cluster: &Cluster, group: &str, all: bool) -> usize {
    let first = cluster.owners.iter().all(|owner| owner.selects.is_none());
    let pods = cluster.shown().into_iter().filter(|(_, pod)| {
        let selects = &cluster.owners[pod.owner].selects;
        (all || pod.node.is_none()) && selects.as_ref().map_or(first, |(_, value)| value == group)
    });
    pods.count().div_ceil(2)
}

fn up(amount: i64, each: i64) -> i64 {
    (amount + each - 1) / each.max(1)
}
