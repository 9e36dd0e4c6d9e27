//! What EKS alone tells: labels, taints and updates of managed node groups, and Fargate profiles.
//!
//! Asked rarely: a node group when its Auto Scaling group looks different and now and then, a profile once, since
//! profiles never change. A cluster that EKS does not know (kops) has none. Not here: sizes, which are the Auto
//! Scaling group's.

use super::node_template;
use super::sdk::AwsError;
use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_eks::Client;
use aws_sdk_eks::operation::list_fargate_profiles::ListFargateProfilesError;
use aws_sdk_eks::types::{FargateProfile, Nodegroup, NodegroupStatus, TaintEffect as EksEffect};
use model::group::{EKS_NODE_GROUP_TAG, FargateSelector, Group, options};
use model::pod::{Taint, TaintEffect};
use model::registration::{OperatingSystem, label};
use model::selector::{LabelSelector, Requirement};
use model::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Labels that EKS gives the nodes of a group itself.
const NAME_LABEL: &str = "eks.amazonaws.com/nodegroup";
const CAPACITY_LABEL: &str = "eks.amazonaws.com/capacityType";
/// A node group that stands still is asked about again after this.
const STILL: Span = Span::from_secs(900);
/// One that is being updated.
const MOVING: Span = Span::from_secs(30);
/// After a call that failed; also how long a refusal is not repeated.
const AGAIN: Span = Span::from_secs(300);

/// What is known of one node group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeGroup {
    labels: BTreeMap<String, String>,
    taints: Vec<Taint>,
    rolling: Option<String>,
    /// Those of its tags that say how it is scaled: EKS does not hand them on to the Auto Scaling group.
    tags: BTreeMap<String, String>,
}

/// A profile of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) selectors: Vec<FargateSelector>,
}

/// What EKS has told so far.
#[derive(Debug, Default)]
pub(super) struct Eks {
    node_groups: BTreeMap<String, Known>,
    profiles: BTreeMap<String, Profile>,
    profiles_due: Option<Instant>,
}

#[derive(Debug)]
struct Known {
    last: Option<NodeGroup>,
    /// How its Auto Scaling group looked.
    looked: String,
    due: Instant,
}

impl Eks {
    /// Asks what is due. Never fails: what could not be read keeps its last answer.
    pub(super) async fn learn(
        &mut self,
        client: &Client,
        cluster: &str,
        groups: &[AutoScalingGroup],
        at: Instant,
    ) {
        for (name, looks) in groups.iter().filter_map(managed) {
            let due = |known: &Known| at >= known.due || known.looked != looks;
            if self.node_groups.get(&name).is_some_and(|known| !due(known)) {
                continue;
            }
            let told = describe(client, cluster, &name).await;
            self.take(name, looks, told, at);
        }
        if self.profiles_due.is_none_or(|due| at >= due) {
            self.learn_profiles(client, cluster, at).await;
        }
    }

    fn take(&mut self, name: String, looked: String, told: Result<NodeGroup, AwsError>, at: Instant) {
        let before = self.node_groups.remove(&name).and_then(|known| known.last);
        let (last, wait) = match told {
            Ok(found) => {
                let wait = if found.rolling.is_some() { MOVING } else { STILL };
                (Some(found), wait)
            }
            Err(error) => {
                tracing::warn!(node_group = %name, %error, "a node group cannot be read: its labels, taints and updates are not known");
                (before, AGAIN)
            }
        };
        let due = at + wait;
        self.node_groups.insert(name, Known { last, looked, due });
    }

    async fn learn_profiles(&mut self, client: &Client, cluster: &str, at: Instant) {
        self.profiles_due = Some(at + STILL);
        let names = match list_profiles(client, cluster).await {
            Ok(names) => names,
            Err(error) => {
                tracing::warn!(%error, "Fargate profiles cannot be read: those that the aims name count");
                self.profiles_due = Some(at + AGAIN);
                return;
            }
        };
        self.profiles.retain(|name, _| names.contains(name));
        for name in names {
            if self.profiles.contains_key(&name) {
                continue;
            }
            match describe_profile(client, cluster, &name).await {
                Ok(Some(profile)) => {
                    self.profiles.insert(name, profile);
                }
                // It is being made or unmade: soon again.
                Ok(None) => self.profiles_due = Some(at + MOVING),
                Err(error) => tracing::warn!(profile = %name, %error, "a Fargate profile cannot be read"),
            }
        }
    }

    /// Profiles that take pods now, by name.
    pub(super) fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.values()
    }

    /// Adds what EKS tells of a managed group.
    pub(super) fn complete(&self, row: &AutoScalingGroup, group: &mut Group) {
        let Some((name, _)) = managed(row) else { return };
        group.labels.insert(NAME_LABEL.to_owned(), name.clone());
        let Some(told) = self.node_groups.get(&name).and_then(|known| known.last.as_ref()) else {
            // Two who drain at once break budgets that each alone would keep.
            group.rolling = Some("EKS does not tell whether it is updating it".to_owned());
            return;
        };
        group.labels.extend(told.labels.clone());
        for taint in &told.taints {
            if !group.taints.contains(taint) {
                group.taints.push(taint.clone());
            }
        }
        group.options = node_template::options(row.tags(), &told.tags);
        group.rolling.clone_from(&told.rolling);
    }
}

/// Name of the node group behind an Auto Scaling group, and how that looks: when it looks different, EKS may have
/// changed it.
fn managed(row: &AutoScalingGroup) -> Option<(String, String)> {
    let name = row
        .tags()
        .iter()
        .find(|tag| tag.key() == Some(EKS_NODE_GROUP_TAG))?
        .value()?;
    let version = || {
        let mixed = row.mixed_instances_policy().and_then(|m| m.launch_template());
        let template = row
            .launch_template()
            .or_else(|| mixed.and_then(|l| l.launch_template_specification()));
        template.and_then(|t| t.version()).unwrap_or_default()
    };
    let looks = format!("{:?}/{:?}/{}", row.min_size(), row.max_size(), version());
    Some((name.to_owned(), looks))
}

async fn describe(client: &Client, cluster: &str, name: &str) -> Result<NodeGroup, AwsError> {
    let sent = client
        .describe_nodegroup()
        .cluster_name(cluster)
        .nodegroup_name(name)
        .send()
        .await;
    let answer = sent.map_err(|error| AwsError::of("eks:DescribeNodegroup", &error))?;
    let missing = || AwsError {
        call: "eks:DescribeNodegroup",
        why: "the answer has no nodegroup".to_owned(),
        answered: true,
        held: None,
    };
    answer.nodegroup().map(node_group).ok_or_else(missing)
}

fn node_group(told: &Nodegroup) -> NodeGroup {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let os = told
        .ami_type()
        .and_then(|ami| OperatingSystem::of_ami_type(ami.as_str()));
    if let Some(OperatingSystem::Windows(build)) = os {
        labels.insert(label::OS.to_owned(), "windows".to_owned());
        labels.extend(build.map(|build| (label::WINDOWS_BUILD.to_owned(), build)));
    }
    if let Some(capacity) = told.capacity_type() {
        labels.insert(CAPACITY_LABEL.to_owned(), capacity.as_str().to_owned());
    }
    labels.extend(
        told.labels()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    let rolling = match told.status() {
        Some(NodegroupStatus::Updating) => Some("EKS is updating it".to_owned()),
        Some(NodegroupStatus::Deleting) => Some("EKS is deleting it".to_owned()),
        _ => None,
    };
    NodeGroup {
        labels,
        taints: told.taints().iter().filter_map(taint).collect(),
        rolling,
        tags: told
            .tags()
            .into_iter()
            .flatten()
            .filter(|(key, _)| key.starts_with(options::PREFIX))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    }
}

/// An effect that nobody knows yet keeps pods away that do not tolerate it: the strictest reading.
fn taint(told: &aws_sdk_eks::types::Taint) -> Option<Taint> {
    let effect = match told.effect()? {
        EksEffect::NoExecute => TaintEffect::NoExecute,
        EksEffect::PreferNoSchedule => TaintEffect::PreferNoSchedule,
        _ => TaintEffect::NoSchedule,
    };
    Some(Taint {
        key: told.key()?.to_owned(),
        value: told.value().unwrap_or_default().to_owned(),
        effect,
    })
}

/// Names of the profiles; none where EKS does not know the cluster.
async fn list_profiles(client: &Client, cluster: &str) -> Result<BTreeSet<String>, AwsError> {
    let mut pages = client
        .list_fargate_profiles()
        .cluster_name(cluster)
        .into_paginator()
        .send();
    let mut names = BTreeSet::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => names.extend(page.fargate_profile_names().iter().cloned()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(ListFargateProfilesError::is_resource_not_found_exception) =>
            {
                break;
            }
            Err(error) => return Err(AwsError::of("eks:ListFargateProfiles", &error)),
        }
    }
    Ok(names)
}

/// A profile; `None` while it takes no pods.
async fn describe_profile(client: &Client, cluster: &str, name: &str) -> Result<Option<Profile>, AwsError> {
    let sent = client
        .describe_fargate_profile()
        .cluster_name(cluster)
        .fargate_profile_name(name)
        .send()
        .await;
    let answer = sent.map_err(|error| AwsError::of("eks:DescribeFargateProfile", &error))?;
    let active = |told: &&FargateProfile| told.status().is_some_and(|status| status.as_str() == "ACTIVE");
    let profile = |told: &FargateProfile| Profile {
        name: name.to_owned(),
        selectors: told.selectors().iter().filter_map(selector).collect(),
    };
    Ok(answer.fargate_profile().filter(active).map(profile))
}

fn selector(told: &aws_sdk_eks::types::FargateProfileSelector) -> Option<FargateSelector> {
    let equal = |(key, value): (&String, &String)| Requirement::equal(key, value);
    let mut requirements: Vec<Requirement> = told.labels().into_iter().flatten().map(equal).collect();
    requirements.sort_by(|a, b| a.key.cmp(&b.key));
    Some(FargateSelector {
        namespace: told.namespace()?.to_owned(),
        labels: LabelSelector { requirements },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_group_is_read_as_eks_tells_it() {
        let odd = aws_sdk_eks::types::Taint::builder()
            .key("gpu")
            .effect(EksEffect::from("NO_ADMIT"))
            .build();
        let told = Nodegroup::builder()
            .status(NodegroupStatus::Updating)
            .capacity_type(aws_sdk_eks::types::CapacityTypes::Spot)
            .labels("team", "a")
            .tags("team", "a")
            .tags(format!("{}scaledownunneededtime", options::PREFIX), "7m")
            .taints(odd)
            .build();
        let read = node_group(&told);
        assert_eq!(read.tags.len(), 1, "{:?}", read.tags);
        assert_eq!(read.labels[CAPACITY_LABEL], "SPOT");
        assert_eq!(read.labels["team"], "a");
        assert_eq!(
            read.taints[0].effect,
            TaintEffect::NoSchedule,
            "an unknown effect is the strictest"
        );
        assert!(read.rolling.is_some());
    }

    #[test]
    fn a_group_that_looks_different_is_asked_about_again() {
        let at = Instant(0);
        let mut eks = Eks::default();
        let good = || {
            Ok(NodeGroup {
                rolling: Some("now".to_owned()),
                ..NodeGroup::default()
            })
        };
        eks.take("ng".to_owned(), "1".to_owned(), good(), at);
        assert_eq!(eks.node_groups["ng"].due, at + MOVING);
        let bad = AwsError {
            call: "eks:DescribeNodegroup",
            why: "Denied".to_owned(),
            answered: true,
            held: None,
        };
        eks.take("ng".to_owned(), "2".to_owned(), Err(bad), at);
        assert!(eks.node_groups["ng"].last.is_some(), "the last answer is kept");
        assert_eq!(eks.node_groups["ng"].due, at + AGAIN);
    }
}
