//! Auto Scaling groups of this cluster: found by tags, read as they are described.
//!
//! Tags: Plimsoll's own, the Cluster Autoscaler's, EKS' and eksctl's, kops' (`model::discovery`), so that a cluster is
//! found without re-tagging. Filters are applied again here, since not every endpoint
//! applies them. Not here: what the groups can buy, what EKS alone tells (`eks`).

use super::sdk::AwsError;
use super::{Settings, node_template};
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{AutoScalingGroup, Filter, LifecycleState};
use model::discovery::ways;
use model::group::{EKS_NODE_GROUP_TAG, Group, GroupKind, Instance, InstanceState, KOPS_GROUP_TAG};
use model::ids::{GroupName, InstanceId};
use model::launch::{Described, Share};
use model::node::Node;
use std::collections::BTreeMap;

/// Roles of kops groups that hold no workloads (kops `CloudTagsForInstanceGroup`).
const KOPS_ROLES: [&str; 4] = [
    "k8s.io/role/control-plane",
    "k8s.io/role/master",
    "k8s.io/role/apiserver",
    "k8s.io/role/bastion",
];
/// The Cluster Autoscaler's switch; `false` says that nobody's autoscaler changes the size.
const ENABLED_TAG: &str = "k8s.io/cluster-autoscaler/enabled";
/// ECS scales the group itself (managed scaling of a capacity provider).
const ECS_TAG: &str = "AmazonECSManaged";
/// What kops puts on nodes that its rolling update is going to replace.
const KOPS_UPDATE_TAINT: &str = "kops.k8s.io/scheduled-for-update";
const CALL: &str = "autoscaling:DescribeAutoScalingGroups";

/// Every group of the cluster, by name.
/// With their instances or, which is a much shorter answer, without.
pub(super) async fn discover(
    client: &Client,
    cluster: &str,
    instances: bool,
) -> Result<Vec<AutoScalingGroup>, AwsError> {
    // The values of one filter are alternatives, so that one sweep finds all; several would spend more of a bucket
    // that all callers of the account share.
    let telling = ways(cluster)
        .into_iter()
        .filter_map(|way| way.tags.into_iter().next());
    let by_tag = Filter::builder()
        .name("tag-key")
        .set_values(Some(telling.map(|(key, _)| key).collect()))
        .build();
    let mut pages = client
        .describe_auto_scaling_groups()
        .filters(by_tag)
        .include_instances(instances)
        .max_records(100)
        .into_paginator()
        .send();
    let mut found = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of(CALL, &error))?;
        for group in page.auto_scaling_groups() {
            let name = whole(group)?;
            if belongs(group, cluster) {
                found.insert(name.to_owned(), group.clone());
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Its name, where nothing is missing of which a group has exactly one. A bound that was not told is not zero: an answer
/// that lacks one is no answer.
fn whole(group: &AutoScalingGroup) -> Result<&str, AwsError> {
    let name = group.auto_scaling_group_name().filter(|name| !name.is_empty());
    let numbers = [
        ("MinSize", group.min_size()),
        ("MaxSize", group.max_size()),
        ("DesiredCapacity", group.desired_capacity()),
    ];
    let lacks = numbers.iter().find(|(_, number)| number.is_none_or(|n| n < 0));
    let why = match (name, lacks) {
        (Some(name), None) => return Ok(name),
        (None, _) => "a group without a name".to_owned(),
        (Some(name), Some((field, _))) => format!("group {name} without a {field}"),
    };
    Err(AwsError {
        call: CALL,
        why: format!("an answer with {why}"),
        answered: true,
        held: None,
    })
}

fn belongs(group: &AutoScalingGroup, cluster: &str) -> bool {
    let value = |key: &str| {
        let of = group.tags().iter().find(|tag| tag.key() == Some(key));
        of.map(|tag| tag.value().unwrap_or_default())
    };
    if KOPS_ROLES.iter().any(|role| value(role).is_some()) {
        return false;
    }
    ways(cluster).iter().any(|way| way.holds(value))
}

/// What tells whether a group is as it was: everything but its instances.
pub(super) fn outline(row: &AutoScalingGroup) -> AutoScalingGroup {
    let mut outline = row.clone();
    outline.instances = None;
    outline
}

/// Whether a group has as many instances as it should have, all of them in service.
pub(super) fn settled(row: &AutoScalingGroup) -> bool {
    let serves =
        |i: &aws_sdk_autoscaling::types::Instance| i.lifecycle_state() == Some(&LifecycleState::InService);
    size(row.desired_capacity()) as usize == row.instances().len() && row.instances().iter().all(serves)
}

/// Whether kops is replacing nodes of this group.
pub(super) fn rolled_by_kops(living: &[&Node]) -> Option<String> {
    let marked = |node: &&&Node| node.taints.iter().any(|taint| taint.key == KOPS_UPDATE_TAINT);
    living
        .iter()
        .find(marked)
        .map(|_| "kops is updating it".to_owned())
}

/// A described group as a noun.
pub(super) fn group(row: &AutoScalingGroup, settings: &Settings) -> Group {
    Group {
        name: GroupName::new(row.auto_scaling_group_name().unwrap_or_default()),
        uid: uid(row),
        kind: kind(row),
        min: size(row.min_size()),
        max: size(row.max_size()),
        desired: size(row.desired_capacity()),
        launch: settings.launch.mode(described(row)),
        instances: row.instances().iter().filter_map(instance).collect(),
        labels: node_template::labels(row.tags()),
        taints: node_template::taints(row.tags()),
        fargate_selectors: Vec::new(),
        foreign: foreign(row),
        rolling: None,
        options: node_template::options(row.tags(), &BTreeMap::new()),
    }
}

/// What its ARN has between `autoScalingGroup:` and its name: a group that is made again under its name has another one.
fn uid(row: &AutoScalingGroup) -> Option<String> {
    let uid = row.auto_scaling_group_arn()?.split(':').nth(6)?;
    (!uid.is_empty()).then(|| uid.to_owned())
}

fn size(number: Option<i32>) -> u32 {
    number.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}

fn kind(row: &AutoScalingGroup) -> GroupKind {
    let has = |key: &str| row.tags().iter().any(|tag| tag.key() == Some(key));
    if has(EKS_NODE_GROUP_TAG) {
        GroupKind::ManagedNodeGroup
    } else if has(KOPS_GROUP_TAG) {
        GroupKind::KopsInstanceGroup
    } else {
        GroupKind::Asg
    }
}

/// Somebody else's group: an operator is named, ECS scales it, its tags switch autoscaling off, the processes that
/// a size change needs are suspended, or it is being deleted (a group has a status only then).
fn foreign(row: &AutoScalingGroup) -> Option<String> {
    let status = row.status().filter(|status| !status.is_empty());
    let operator = row
        .operator()
        .and_then(|o| o.principal())
        .map(|p| format!("operated by {p}"));
    let suspended = row
        .suspended_processes()
        .iter()
        .filter_map(|p| p.process_name())
        .find(|name| ["Launch", "Terminate"].contains(name))
        .map(|name| format!("process {name} is suspended"));
    let tag = |key: &str| row.tags().iter().find(|tag| tag.key() == Some(key));
    let ecs = tag(ECS_TAG).map(|_| "scaled by ECS".to_owned());
    let off = tag(ENABLED_TAG).filter(|tag| tag.value() == Some("false"));
    let off = off.map(|_| format!("switched off by its tag {ENABLED_TAG}"));
    status
        .map(str::to_owned)
        .or(operator)
        .or(ecs)
        .or(off)
        .or(suspended)
}

fn described(row: &AutoScalingGroup) -> Described {
    Described {
        templated: row.launch_template().is_some() || row.mixed_instances_policy().is_some(),
        share: share(row),
        warm_pool: row.warm_pool_configuration().is_some(),
    }
}

/// How the group pays.
pub(super) fn share(row: &AutoScalingGroup) -> Share {
    let rules = row
        .mixed_instances_policy()
        .and_then(|m| m.instances_distribution());
    rules.map_or(Share::OnDemand, |rules| {
        let above = rules.on_demand_percentage_above_base_capacity();
        Share::of(rules.on_demand_base_capacity().unwrap_or(0), above.unwrap_or(100))
    })
}

fn instance(row: &aws_sdk_autoscaling::types::Instance) -> Option<Instance> {
    Some(Instance {
        id: InstanceId::new(row.instance_id()?),
        instance_type: row.instance_type().map(str::to_owned),
        zone: row.availability_zone().map(str::to_owned),
        state: state(row.lifecycle_state()),
        launched: None,
    })
}

fn state(state: Option<&LifecycleState>) -> InstanceState {
    match state {
        Some(LifecycleState::Pending | LifecycleState::PendingWait | LifecycleState::PendingProceed) => {
            InstanceState::Pending
        }
        Some(LifecycleState::InService) => InstanceState::InService,
        Some(
            LifecycleState::Terminating
            | LifecycleState::TerminatingWait
            | LifecycleState::TerminatingProceed,
        ) => InstanceState::Terminating,
        Some(LifecycleState::Terminated) => InstanceState::Terminated,
        _ => InstanceState::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::fleet::CLUSTER_TAG;
    use model::group::EKS_CLUSTER_TAG;

    const KOPS_CLUSTER_TAG: &str = "KubernetesCluster";
    use aws_sdk_autoscaling::types::{
        InstancesDistribution, MixedInstancesPolicy, SuspendedProcess, TagDescription,
    };

    fn tagged(key: &str, value: &str) -> AutoScalingGroup {
        let tag = TagDescription::builder().key(key).value(value).build();
        AutoScalingGroup::builder()
            .auto_scaling_group_name("g")
            .tags(tag)
            .build()
    }

    #[test]
    fn a_cluster_is_found_by_either_tag_and_no_other() {
        assert!(belongs(&tagged(CLUSTER_TAG, "blue"), "blue"));
        assert!(!belongs(&tagged(CLUSTER_TAG, "green"), "blue"));
        assert!(belongs(
            &tagged("k8s.io/cluster-autoscaler/blue", "owned"),
            "blue"
        ));
        assert!(!belongs(
            &tagged("k8s.io/cluster-autoscaler/enabled", "true"),
            "blue"
        ));
        assert!(belongs(&tagged("kubernetes.io/cluster/blue", "owned"), "blue"));
        assert!(!belongs(&tagged("kubernetes.io/cluster/blue", "shared"), "blue"));
        assert!(belongs(&tagged(EKS_CLUSTER_TAG, "blue"), "blue"));
        assert!(!belongs(&tagged(EKS_CLUSTER_TAG, "green"), "blue"));
    }

    fn of_kops(cluster: &str, role: &str) -> AutoScalingGroup {
        let tags = [
            (KOPS_CLUSTER_TAG, cluster),
            (KOPS_GROUP_TAG, "nodes-a"),
            (role, "1"),
        ];
        let tag = |(key, value): (&str, &str)| TagDescription::builder().key(key).value(value).build();
        AutoScalingGroup::builder()
            .set_tags(Some(tags.map(tag).to_vec()))
            .build()
    }

    #[test]
    fn of_a_kops_cluster_only_groups_of_nodes_are_found() {
        assert!(belongs(&of_kops("blue", "k8s.io/role/node"), "blue"));
        assert!(!belongs(&of_kops("green", "k8s.io/role/node"), "blue"));
        for role in KOPS_ROLES {
            assert!(!belongs(&of_kops("blue", role), "blue"), "{role}");
        }
    }

    #[test]
    fn groups_that_others_scale_are_foreign() {
        assert_eq!(foreign(&tagged(ECS_TAG, "")).as_deref(), Some("scaled by ECS"));
        assert!(foreign(&tagged(ENABLED_TAG, "false")).is_some());
        assert_eq!(foreign(&tagged(ENABLED_TAG, "true")), None);
    }

    #[test]
    fn a_description_tells_how_a_group_can_be_asked() {
        let plain = AutoScalingGroup::builder()
            .launch_template(aws_sdk_autoscaling::types::LaunchTemplateSpecification::builder().build())
            .build();
        let with_template = Described {
            templated: true,
            share: Share::OnDemand,
            warm_pool: false,
        };
        assert_eq!(described(&plain), with_template);
        let rules = InstancesDistribution::builder()
            .on_demand_base_capacity(1)
            .on_demand_percentage_above_base_capacity(0)
            .build();
        let policy = MixedInstancesPolicy::builder()
            .instances_distribution(rules)
            .build();
        let mixed = AutoScalingGroup::builder().mixed_instances_policy(policy).build();
        let share = Share::Mixed;
        assert_eq!(
            described(&mixed),
            Described {
                share,
                ..with_template
            }
        );
        let old = AutoScalingGroup::builder()
            .launch_configuration_name("lc")
            .build();
        let templated = false;
        assert_eq!(
            described(&old),
            Described {
                templated,
                ..with_template
            }
        );
    }

    #[test]
    fn a_group_that_is_being_deleted_is_foreign() {
        let leaving = AutoScalingGroup::builder().status("Delete in progress").build();
        assert_eq!(foreign(&leaving).as_deref(), Some("Delete in progress"));
        assert_eq!(foreign(&AutoScalingGroup::builder().status("").build()), None);
    }

    #[test]
    fn suspended_terminate_makes_a_group_foreign() {
        let process = SuspendedProcess::builder().process_name("Terminate").build();
        let group = AutoScalingGroup::builder().suspended_processes(process).build();
        assert_eq!(foreign(&group).as_deref(), Some("process Terminate is suspended"));
        let process = SuspendedProcess::builder().process_name("AZRebalance").build();
        assert_eq!(
            foreign(&AutoScalingGroup::builder().suspended_processes(process).build()),
            None
        );
    }
}
