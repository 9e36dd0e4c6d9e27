//! Objects of several files joined into one Snapshot.

use super::ClusterBuilder;
use crate::offers::price_list;
use crate::{PriceList, built_in};
use model::Snapshot;
use model::aims::{Aims, FargateAim};
use model::group::GroupKind;
use model::ids::{GroupName, WorkloadKey};
use model::pod::{PodPhase, PodSpec, Unmodelled};
use model::selector::Labels;
use std::fmt::Write;
use std::sync::Arc;

fn builder(text: &str) -> ClusterBuilder {
    let mut builder = ClusterBuilder::new();
    builder
        .read("c.yaml", text.as_bytes())
        .unwrap_or_else(|problems| panic!("{problems}"));
    builder
}

fn snapshot(text: &str) -> Snapshot {
    builder(text).finish(&built_in(), &Aims::default())
}

fn spec_of(seen: &Snapshot, name: &str) -> Arc<PodSpec> {
    let pod = seen
        .pods
        .iter()
        .find(|pod| &*pod.key.name == name)
        .unwrap_or_else(|| panic!("no pod {name}"));
    seen.spec(pod.spec)
}

const OWNERS: &str = "
kind: ReplicaSet
metadata: {name: api-x, namespace: shop, ownerReferences: [{kind: Rollout, name: api, controller: true}]}
---
kind: Pod
metadata:
  name: a
  namespace: shop
  labels: {pod-template-hash: 6d4cf56db6}
  ownerReferences: [{kind: ReplicaSet, name: cart-6d4cf56db6, controller: true}]
spec: {containers: [{resources: {requests: {cpu: 1}}}]}
---
kind: Pod
metadata: {name: b, namespace: shop, ownerReferences: [{kind: ReplicaSet, name: api-x, controller: true}]}
spec: {containers: [{}]}
---
kind: Pod
metadata: {name: c, namespace: shop, ownerReferences: [{kind: Node, name: n1, controller: true}]}
spec: {containers: [{}]}
";

#[test]
fn owners_are_resolved_through_replica_sets() {
    let seen = snapshot(OWNERS);
    let owner = |name| spec_of(&seen, name).owner.clone();
    assert_eq!(owner("a"), Some(WorkloadKey::new("Deployment", "shop", "cart")));
    assert_eq!(owner("b"), Some(WorkloadKey::new("Rollout", "shop", "api")));
    assert_eq!(owner("c"), None);
}

#[test]
fn missing_replicas_become_waiting_pods_and_scalers_own_them() {
    let seen = snapshot(
        "
kind: Deployment
metadata: {name: cart, namespace: shop, annotations: {plimsoll.io/scale: 'yes', other: x}}
spec: {replicas: 3, selector: {matchLabels: {app: cart}}, template: {metadata: {labels: {app: cart}}, spec: {containers: [{resources: {limits: {memory: 1Gi}}}]}}}
---
kind: Pod
metadata: {name: cart-0, namespace: shop, ownerReferences: [{kind: Deployment, name: cart, controller: true}]}
spec: {containers: [{}]}
---
kind: HorizontalPodAutoscaler
metadata: {name: cart-hpa, namespace: shop}
spec: {scaleTargetRef: {kind: Deployment, name: cart}}
---
kind: Job
metadata: {name: load, namespace: shop}
spec: {parallelism: 4, completions: 2, template: {spec: {containers: [{}]}}}
---
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec: {template: {spec: {containers: [{}]}}}
",
    );
    let names: Vec<String> = seen.pods.iter().map(|pod| pod.key.to_string()).collect();
    assert_eq!(
        names,
        [
            "shop/cart-0",
            "shop/cart-1",
            "shop/cart-2",
            "shop/load-0",
            "shop/load-1"
        ]
    );
    assert!(seen.pods.iter().all(|pod| pod.phase == PodPhase::Pending));
    assert_eq!(spec_of(&seen, "cart-1").requests.memory_bytes, 1 << 30);
    let cart = seen.workloads.iter().find(|w| &*w.key.name == "cart").unwrap();
    assert_eq!(cart.owned_by.as_deref(), Some("HorizontalPodAutoscaler cart-hpa"));
    assert_eq!(cart.annotations.len(), 1);
    let agent = seen.workloads.iter().find(|w| w.is_daemon_set()).unwrap();
    assert_eq!(seen.spec(agent.template.unwrap()).tolerations.len(), 6);
}

#[test]
fn a_job_that_is_over_wants_no_pods() {
    let condition = |name: &str| format!("{{conditions: [{{type: {name}, status: 'True'}}]}}");
    for (spec, status, wanted) in [
        ("parallelism: 4, completions: 9", "{}".to_owned(), 4),
        ("parallelism: 4, completions: 9", "{succeeded: 7}".to_owned(), 2),
        ("parallelism: 4, suspend: true", "{}".to_owned(), 0),
        (
            "parallelism: 4",
            "{completionTime: '2026-01-01T00:00:00Z'}".to_owned(),
            0,
        ),
        ("parallelism: 4, completions: 9", condition("Complete"), 0),
        ("parallelism: 4, completions: 9", condition("Failed"), 0),
        ("parallelism: 4, completions: 9", condition("FailureTarget"), 0),
        ("parallelism: 4, completions: 9", condition("Suspended"), 4),
        (
            "parallelism: 4",
            "{conditions: [{type: Failed, status: 'False'}]}".to_owned(),
            4,
        ),
        // A work queue: without `completions`, one success means that nothing is left to start.
        ("parallelism: 4", "{succeeded: 1, active: 2}".to_owned(), 2),
        ("parallelism: 4", "{succeeded: 1}".to_owned(), 0),
        ("parallelism: 4", "{active: 2}".to_owned(), 4),
        // Another controller's, in another cluster.
        (
            "parallelism: 4, managedBy: kueue.x-k8s.io/multikueue",
            "{}".to_owned(),
            0,
        ),
        (
            "parallelism: 4, managedBy: kubernetes.io/job-controller",
            "{}".to_owned(),
            4,
        ),
    ] {
        let seen = snapshot(&format!(
            "kind: Job\nmetadata: {{name: j}}\nspec: {{{spec}, template: {{spec: {{containers: [{{}}]}}}}}}\nstatus: {status}\n"
        ));
        assert_eq!(seen.workloads[0].replicas, wanted, "{spec}; {status}");
    }
}

#[test]
fn replicas_of_a_stateful_set_are_numbered_from_its_first_ordinal() {
    for (start, replicas, there, wanted) in [
        ("", 2, None, &["db-0", "db-1"][..]),
        ("ordinals: {start: 0}, ", 1, None, &["db-0"]),
        ("ordinals: {start: 5}, ", 2, None, &["db-5", "db-6"]),
        (
            "ordinals: {start: 5}, ",
            3,
            Some("db-6"),
            &["db-5", "db-6", "db-7"],
        ),
    ] {
        let pod = there.map(|name| {
            format!(
                "---\nkind: Pod\nmetadata: {{name: {name}, ownerReferences: [{{kind: StatefulSet, name: db, controller: \
                 true}}]}}\nspec: {{containers: [{{}}]}}\n"
            )
        });
        let seen = snapshot(&format!(
            "kind: StatefulSet\nmetadata: {{name: db}}\nspec: {{{start}replicas: {replicas}, template: {{spec: \
             {{containers: [{{}}]}}}}}}\n{}",
            pod.unwrap_or_default()
        ));
        let names: Vec<&str> = seen.pods.iter().map(|pod| &*pod.key.name).collect();
        assert_eq!(names, wanted, "{start}{replicas}");
    }
}

#[test]
fn two_workloads_of_one_name_share_no_pod_name() {
    let workload = |kind: &str, cpu: u32| {
        format!(
            "---\nkind: {kind}\nmetadata: {{name: db}}\nspec: {{replicas: 2, template: {{spec: {{containers: [{{resources: {{requests: {{cpu: {cpu}}}}}}}]}}}}}}\n"
        )
    };
    let seen = snapshot(&(workload("Deployment", 1) + &workload("StatefulSet", 2)));
    let names: Vec<String> = seen.pods.iter().map(|pod| pod.key.to_string()).collect();
    assert_eq!(
        names,
        ["default/db-0", "default/db-1", "default/db-2", "default/db-3"]
    );
}

const CLAIMS: &str = "
kind: PersistentVolumeClaim
metadata: {name: files}
spec: {volumeName: pv-files}
---
kind: PersistentVolume
metadata: {name: pv-files}
spec: {csi: {driver: efs.csi.aws.com}}
---
kind: PersistentVolumeClaim
metadata: {name: block}
spec: {storageClassName: gp3}
---
kind: StorageClass
metadata: {name: gp3}
provisioner: ebs.csi.aws.com
volumeBindingMode: WaitForFirstConsumer
";

#[test]
fn claims_tie_pods_to_what_is_known_of_them() {
    let pod = |name: &str, claim: &str| {
        format!(
            "---\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{}}], volumes: [{{name: v, persistentVolumeClaim: {{claimName: {claim}}}}}]}}\n"
        )
    };
    let seen = snapshot(&format!(
        "{CLAIMS}{}{}{}",
        pod("f", "files"),
        pod("b", "block"),
        pod("u", "unknown")
    ));
    assert_eq!(spec_of(&seen, "f").unmodelled, []);
    assert_eq!(spec_of(&seen, "b").unmodelled, []);
    assert_eq!(spec_of(&seen, "u").unmodelled, [Unmodelled::ClaimMissing]);
    assert!(
        ["f", "b", "u"]
            .iter()
            .all(|name| spec_of(&seen, name).traits.claims_volume)
    );
}

#[test]
fn budgets_without_status_are_computed() {
    let mut text = String::new();
    for n in 0..4 {
        let phase = if n < 3 { "Running" } else { "Pending" };
        let _ = write!(
            text,
            "---\nkind: Pod\nmetadata: {{name: p{n}, labels: {{app: a}}}}\nspec: {{nodeName: n, containers: [{{}}]}}\nstatus: {{phase: {phase}}}\n"
        );
    }
    for (name, spec) in [
        ("most", "maxUnavailable: 50%"),
        ("least", "minAvailable: 1"),
        ("share", "minAvailable: 60%"),
        ("none", "maxUnavailable: 0"),
    ] {
        let _ = write!(
            text,
            "---\nkind: PodDisruptionBudget\nmetadata: {{name: {name}}}\nspec: {{selector: {{matchLabels: {{app: a}}}}, {spec}}}\n"
        );
    }
    text += "---\nkind: PodDisruptionBudget\nmetadata: {name: told}\nspec: {selector: {}}\nstatus: {disruptionsAllowed: 7}\n";
    text += "---\nkind: PodDisruptionBudget\nmetadata: {name: nothing}\nspec: {minAvailable: 1}\n";
    let seen = snapshot(&text);
    let allowed: Vec<(&str, u32)> = seen
        .budgets
        .iter()
        .map(|b| (b.name.as_str(), b.allowed))
        .collect();
    // Four expected, three healthy: 50 % of 4 may go, so 2 must stay; 60 % of 4 is 3.
    assert_eq!(
        allowed,
        [("least", 2), ("most", 1), ("none", 0), ("share", 0), ("told", 7)]
    );
}

const NODE: &str = "
kind: Node
metadata:
  name: n1
  labels: {eks.amazonaws.com/nodegroup: ng-1, team: a, node.kubernetes.io/instance-type: m5.large,
           topology.kubernetes.io/zone: us-east-1a, topology.k8s.aws/zone-id: use1-az1}
spec: {providerID: 'aws:///us-east-1a/i-0123', taints: [{key: team, value: a, effect: NoSchedule}]}
status: {allocatable: {cpu: 1930m, memory: 7077888Ki, pods: '29'}}
";

const CSV: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h,azs,spot_usd_h_est
m5.large,2,8192,x86_64,0.096,use1-az1 use1-az2,0.04
c5.large,2,4096,x86_64,0.085,use1-az1,
";

fn prices() -> PriceList {
    price_list("o.csv", CSV.as_bytes()).unwrap()
}

#[test]
fn nodes_know_their_group_instance_and_offer() {
    let seen = builder(NODE).finish(&prices(), &Aims::default());
    let node = seen.nodes.first().unwrap();
    assert_eq!(node.group, Some(GroupName::new("ng-1")));
    assert_eq!(
        node.instance.as_ref().map(ToString::to_string),
        Some("i-0123".to_owned())
    );
    assert_eq!(
        node.offer.as_ref().map(ToString::to_string),
        Some("m5.large/us-east-1a/on-demand".to_owned()),
        "the node tells the name of the zone that the file knows by its id"
    );
    assert_eq!(
        (node.allocatable.cpu_milli, node.max_pods, node.ready),
        (1930, 29, true)
    );
    let names: Vec<_> = seen.groups.iter().map(|g| (g.name.as_str(), g.kind)).collect();
    assert_eq!(
        names,
        [("fleet", GroupKind::Fleet), ("ng-1", GroupKind::ManagedNodeGroup)]
    );
    assert!(
        seen.offers
            .iter()
            .all(|offer| seen.groups[offer.group as usize].name.as_str() == "fleet")
    );
    assert_eq!(seen.offers.len(), 3);
}

#[test]
fn a_named_group_buys_what_its_nodes_show() {
    let aims = Aims {
        groups: vec![GroupName::new("ng-1")],
        ..Aims::default()
    };
    let seen = builder(NODE).finish(&prices(), &aims);
    let ids: Vec<&str> = seen.offers.iter().map(|offer| offer.id.as_str()).collect();
    assert_eq!(ids, ["ng-1/m5.large/us-east-1a/on-demand"]);
    assert_eq!(seen.offers[0].labels.get("team").map(String::as_str), Some("a"));
    assert_eq!(seen.groups[0].taints.len(), 1);
}

#[test]
fn fargate_is_offered_only_where_a_profile_is_named() {
    assert!(snapshot(NODE).offers.iter().all(|offer| !offer.is_fargate()));
    let profile = FargateAim {
        profile: "p".into(),
        namespaces: vec!["batch-*".into()],
        labels: Labels::new(),
    };
    let aims = Aims {
        fargate: vec![profile],
        ..Aims::default()
    };
    let seen = builder(NODE).finish(&built_in(), &aims);
    assert_eq!(seen.offers.iter().filter(|offer| offer.is_fargate()).count(), 74);
    let named =
        "kind: ClusterConfig\nmetadata: {name: c}\nfargateProfiles: [{name: q, selectors: [{namespace: x}]}]";
    assert_eq!(snapshot(named).groups.last().unwrap().name.as_str(), "q");
}

#[test]
fn offers_stay_with_their_group_beside_a_node_on_fargate() {
    let on_fargate = "
---
kind: Node
metadata: {name: f1, labels: {eks.amazonaws.com/compute-type: fargate, eks.amazonaws.com/fargate-profile: batch}}
status: {allocatable: {cpu: 2, memory: 8Gi, pods: '1'}}
";
    let aims = Aims {
        groups: vec!["batch".into(), "fleet".into(), "ng-1".into()],
        fargate: vec![FargateAim {
            profile: "batch".into(),
            namespaces: vec!["batch-*".into()],
            labels: Labels::new(),
        }],
        ..Aims::default()
    };
    let seen = builder(&format!("{NODE}{on_fargate}")).finish(&prices(), &aims);
    let names: Vec<_> = seen.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["batch", "fleet", "ng-1"]);
    for offer in &seen.offers {
        let wanted = match offer.id.as_str() {
            id if id.starts_with("batch/") => "batch",
            id if id.starts_with("ng-1/") => "ng-1",
            _ => "fleet",
        };
        assert_eq!(names[offer.group as usize], wanted, "{}", offer.id);
    }
    assert_eq!(seen.groups[0].fargate_selectors.len(), 1);
}

#[test]
fn the_same_object_twice_is_a_mistake() {
    let pod = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{}]}\n";
    let mut builder = builder(pod);
    let problems = builder.read("d.yaml", pod.as_bytes()).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "d.yaml: Pod default/a: metadata.name: stands there twice (first in c.yaml)"
    );
}

#[test]
fn more_replicas_than_any_cluster_runs_are_refused_where_they_stand() {
    let one = |name: &str, replicas: u32| {
        format!(
            "---\nkind: Deployment\nmetadata: {{name: {name}, namespace: n}}\nspec: {{replicas: {replicas}, template: {{spec: {{containers: [{{}}]}}}}}}\n"
        )
    };
    let text = format!("{}{}{}", one("a", 600_000), one("b", 600_000), one("c", 7));
    let mut builder = ClusterBuilder::new();
    let problems = builder.read("c.yaml", text.as_bytes()).unwrap_err().to_string();
    let wanted =
        "c.yaml: Deployment n/b: spec.replicas: 600000: with those before it more than 1000000 in all";
    assert_eq!(problems, wanted);
}
