//! What the daemon may be allowed to do in AWS: every action it calls, whose statement grants it, and what is
//! switched off where it is denied.
//!
//! The one table behind the policies of `deploy/iam`, `plimsoll iam` and what `observe` and `act` say of a denied
//! call. How a statement reads in IAM's language, with its resources and conditions, is the command line's work.

/// An action of AWS that the daemon calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// `service:Action`, as IAM names it.
    pub action: &'static str,
    /// Whose statement grants it.
    pub statement: Statement,
    /// What the daemon no longer does where it is denied.
    pub without: &'static str,
}

/// Permissions that stand in one statement, because they share resources and conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statement {
    /// Describing what cannot be confined: enough, with `ReadCluster`, for a dry run.
    Read,
    /// Describing this EKS cluster.
    ReadCluster,
    /// Reading the parameters by which launch templates name images.
    Images,
    /// Growing and shrinking groups that carry the cluster's tag.
    Scale,
    /// Publishing metrics under one namespace.
    Publish,
    /// Buying and terminating instances of Plimsoll's own fleet.
    Fleet,
    /// Reading one queue of interruption notices.
    Queue,
    /// Changing the bounds of groups.
    Bounds,
    /// Reading ECS of the account.
    Ecs,
}

/// The permission for an action, where it is in the table.
pub fn permission(action: &str) -> Option<&'static Permission> {
    PERMISSIONS.iter().find(|permission| permission.action == action)
}

/// What to say of a call that was answered with this code: the permission that is missing and what is switched off
/// without it; nothing where the code denies nothing.
pub fn lacking(call: &str, code: &str) -> String {
    let denied = ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"].contains(&code);
    match permission(call).filter(|_| denied) {
        Some(missing) => format!("the role lacks {}: {}; ", missing.action, missing.without),
        None => String::new(),
    }
}

const fn of(statement: Statement, action: &'static str, without: &'static str) -> Permission {
    Permission {
        action,
        statement,
        without,
    }
}

use Statement::{Bounds, Ecs, Fleet, Images, Publish, Queue, Read, ReadCluster, Scale};

const UNSEEN: &str = "groups are not seen: nothing is bought and no node is removed";
const NO_GROWTH: &str = "groups are not grown: pods wait";
const NO_FLEET: &str = "the fleet buys nothing; groups still grow";
const NO_NOTICES: &str =
    "interruption notices are not read: pods of spot nodes move only once these are gone or not ready";
const UNCONFIRMED_SPOT: &str =
    "spot interruptions are not confirmed: pods of spot nodes move only once these are gone or not ready";
const UNCONFIRMED_EVENTS: &str =
    "scheduled retirements are not confirmed: pods move only once their nodes are stopping";
const NOT_MANAGED: &str = "managed node groups are taken for plain groups: their updates in progress are not seen, so none of them shrinks";
const NO_ECS: &str = "ECS is not read: `plimsoll get ecs` has no answer";
const NO_PROFILES: &str = "Fargate profiles are known only from the aims";

/// All of them, by statement and name.
pub const PERMISSIONS: [Permission; 43] = [
    of(Read, "autoscaling:DescribeAutoScalingGroups", UNSEEN),
    of(
        Read,
        "autoscaling:DescribeLifecycleHooks",
        "lifecycle hooks are not completed: instances wait until their hooks time out",
    ),
    of(
        Read,
        "autoscaling:DescribeScalingActivities",
        "where groups are asked by their desired size, launches without capacity are noticed by their time only",
    ),
    of(
        Read,
        "cloudwatch:GetMetricData",
        "metrics of CloudWatch are missing: workloads that scale by them keep their replicas",
    ),
    of(Read, "ec2:DescribeInstanceStatus", UNCONFIRMED_EVENTS),
    of(
        Read,
        "ec2:DescribeInstanceTypes",
        "types without a living node are not known: their groups sell nothing",
    ),
    of(
        Read,
        "ec2:DescribeInstances",
        "there is no second witness: no instance counts as gone, and nothing is bought in its place",
    ),
    of(
        Read,
        "ec2:DescribeLaunchTemplateVersions",
        "what a launch template starts is not known: empty groups sell nothing",
    ),
    of(
        Read,
        "ec2:DescribeLaunchTemplates",
        "each launch template named by `$Latest` or `$Default` costs a call every five minutes",
    ),
    of(Read, "ec2:DescribeSpotInstanceRequests", UNCONFIRMED_SPOT),
    of(
        Read,
        "ec2:DescribeSpotPriceHistory",
        "spot is priced by the built-in estimate",
    ),
    of(
        Read,
        "pricing:GetProducts",
        "prices come from the built-in table, and their drift is not reported",
    ),
    of(ReadCluster, "eks:DescribeFargateProfile", NO_PROFILES),
    of(ReadCluster, "eks:DescribeNodegroup", NOT_MANAGED),
    of(ReadCluster, "eks:ListFargateProfiles", NO_PROFILES),
    of(
        Images,
        "ssm:GetParameters",
        "where launch templates name images by a parameter, nodes of older images are not told apart",
    ),
    of(
        Scale,
        "autoscaling:CompleteLifecycleAction",
        "lifecycle hooks are not completed: instances wait until their hooks time out",
    ),
    of(
        Scale,
        "autoscaling:LaunchInstances",
        "groups grow by desired capacity only: ids and capacity errors come later",
    ),
    of(
        Scale,
        "autoscaling:RecordLifecycleActionHeartbeat",
        "drains that take longer than a lifecycle hook waits are cut short",
    ),
    of(Scale, "autoscaling:SetDesiredCapacity", NO_GROWTH),
    of(
        Scale,
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        "drained nodes are not removed and go on costing",
    ),
    of(
        Publish,
        "cloudwatch:PutMetricData",
        "nothing is published to CloudWatch",
    ),
    of(Fleet, "ec2:CreateFleet", NO_FLEET),
    of(Fleet, "ec2:CreateTags", NO_FLEET),
    of(Fleet, "ec2:RunInstances", NO_FLEET),
    of(
        Fleet,
        "ec2:TerminateInstances",
        "drained nodes of the fleet are not removed and go on costing",
    ),
    of(Fleet, "iam:PassRole", NO_FLEET),
    of(Queue, "sqs:DeleteMessage", NO_NOTICES),
    of(
        Queue,
        "sqs:GetQueueAttributes",
        "whether anybody may send notices is not checked",
    ),
    of(Queue, "sqs:GetQueueUrl", NO_NOTICES),
    of(Queue, "sqs:ReceiveMessage", NO_NOTICES),
    of(
        Bounds,
        "autoscaling:UpdateAutoScalingGroup",
        "bounds of plain groups stay as they are",
    ),
    of(
        Bounds,
        "eks:UpdateNodegroupConfig",
        "bounds of managed node groups stay as they are",
    ),
    of(Ecs, "ecs:DescribeCapacityProviders", NO_ECS),
    of(Ecs, "ecs:DescribeClusters", NO_ECS),
    of(Ecs, "ecs:DescribeContainerInstances", NO_ECS),
    of(Ecs, "ecs:DescribeServices", NO_ECS),
    of(Ecs, "ecs:DescribeTaskDefinition", NO_ECS),
    of(Ecs, "ecs:DescribeTasks", NO_ECS),
    of(
        Ecs,
        "ecs:ListClusters",
        "only clusters of ECS that the configuration names are read",
    ),
    of(Ecs, "ecs:ListContainerInstances", NO_ECS),
    of(Ecs, "ecs:ListServices", NO_ECS),
    of(Ecs, "ecs:ListTasks", NO_ECS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_no_action_twice() {
        let keys: Vec<_> = PERMISSIONS.iter().map(|p| (p.statement, p.action)).collect();
        assert!(keys.is_sorted());
        for own in &PERMISSIONS {
            assert_eq!(permission(own.action), Some(own));
        }
    }

    #[test]
    fn a_denied_call_names_what_is_missing() {
        let said = lacking("eks:DescribeNodegroup", "AccessDeniedException");
        assert!(
            said.contains("the role lacks eks:DescribeNodegroup") && said.contains(NOT_MANAGED),
            "{said}"
        );
        assert_eq!(lacking("eks:DescribeNodegroup", "ThrottlingException"), "");
        assert_eq!(lacking("eks:Nonsense", "AccessDenied"), "");
    }
}
