//! Rows of all kinds put together into one picture.

use super::*;
use crate::allowance::BYTES;
use model::pod::Unmodelled;
use model::selector::Labels;
use serde_json::{Value, json};

fn fill<R>(table: &crate::table::Table<R>, objects: &[Value]) {
    table.begin();
    for object in objects {
        table.listed(&serde_json::from_value(object.clone()).unwrap());
    }
    table.completed();
}

fn pod(name: &str, set: &str, phase: &str, labels: &Value) -> Value {
    json!({
        "metadata": {"namespace": "ns", "name": name, "labels": labels,
            "ownerReferences": [{"kind": "ReplicaSet", "name": set, "controller": true}]},
        "spec": {"nodeName": "n1", "containers": [{"resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// Workload tables are in the order Deployment, StatefulSet, ReplicaSet, DaemonSet, Job.
fn cluster() -> Cluster {
    let cluster = Cluster::unseen(BYTES);
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{}]}});
    let deployment = json!({"metadata": {"namespace": "ns", "name": "web", "generation": 3},
        "spec": {"replicas": 4, "template": template}, "status": {"readyReplicas": 2}});
    let owned = json!({"metadata": {"namespace": "ns", "name": "odd-name",
        "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": true}]},
        "spec": {"replicas": 4, "template": template}});
    let alone = json!({"metadata": {"namespace": "ns", "name": "alone"}, "spec": {"replicas": 1}});
    fill(&cluster.workloads[0], &[deployment]);
    fill(&cluster.workloads[2], &[owned, alone]);
    let hpa = json!({"metadata": {"namespace": "ns", "name": "hpa"},
        "spec": {"scaleTargetRef": {"kind": "ReplicaSet", "name": "alone"}}});
    fill(&cluster.scalers[0], &[hpa]);
    let labels = json!({"app": "web"});
    fill(
        &cluster.pods,
        &[
            pod("a", "odd-name", "Running", &labels),
            pod("b", "odd-name", "Running", &labels),
            pod("c", "odd-name", "Running", &labels),
            pod("d", "alone", "Running", &labels),
            pod("e", "odd-name", "Succeeded", &labels),
        ],
    );
    cluster
}

fn usage(cpu_milli: i64, at: i64) -> Usage {
    Usage {
        cpu_milli,
        memory_bytes: 10,
        at: Instant(at),
    }
}

#[test]
fn pods_of_a_replica_set_are_the_deployments_and_its_load_is_summed() {
    let cluster = cluster();
    let load = BTreeMap::from([
        (PodKey::new("ns", "a"), usage(200, 70)),
        (PodKey::new("ns", "b"), usage(300, 50)),
        (PodKey::new("ns", "e"), usage(900, 90)),
    ]);
    cluster.settle_owners();
    let mut numbering = Numbering::default();
    let pods = pods(
        &cluster,
        &load,
        (&mut numbering, &mut Tied::new(None, &cluster.specs)),
    );
    let owner = |ix: usize| numbering.get(pods[ix].spec).unwrap().owner.clone().unwrap();
    let web = WorkloadKey::new("Deployment", "ns", "web");
    assert_eq!(
        (owner(0), owner(3)),
        (web.clone(), WorkloadKey::new("ReplicaSet", "ns", "alone"))
    );
    assert_eq!(pods[0].spec, pods[1].spec, "equal pods share their spec");
    let sums = sums(&pods, &numbering);
    let mut workloads = workloads(&cluster, (&mut numbering, &mut Tied::new(None, &cluster.specs)));
    attach(&mut workloads, sums, Vec::new());
    let found = workloads.iter().find(|w| w.key == web).unwrap();
    let cpu = &found.metrics[0];
    // c has no value and e has finished: neither counts, and neither counts as zero.
    assert_eq!(
        (cpu.name.as_str(), cpu.milli, cpu.at, cpu.pods),
        ("cpu", 500_000, Instant(50), 2)
    );
    assert_eq!((found.replicas, found.ready, found.generation), (4, 2, 3));
    assert_eq!(found.owned_by, None);
    assert_eq!(numbering.get(found.template.unwrap()).unwrap().owner, Some(web));
    let keys: Vec<&str> = workloads.iter().map(|w| &*w.key.name).collect();
    assert_eq!(
        keys,
        ["web", "alone"],
        "a Deployment's ReplicaSet is no workload of its own"
    );
    assert_eq!(
        workloads[1].owned_by.as_deref(),
        Some("HorizontalPodAutoscaler hpa")
    );
    assert!(workloads[1].metrics.is_empty(), "no load is no metric, not zero");
}

#[test]
fn a_source_of_application_metrics_adds_to_what_pods_tell() {
    let cluster = cluster();
    let mut workloads = workloads(
        &cluster,
        (&mut Numbering::default(), &mut Tied::new(None, &cluster.specs)),
    );
    let queue = Metric {
        name: "queue".to_owned(),
        milli: 7000,
        at: Instant(5),
        pods: 0,
    };
    let told = WorkloadMetric {
        workload: WorkloadKey::new("Deployment", "ns", "web"),
        metric: queue.clone(),
    };
    attach(&mut workloads, BTreeMap::new(), vec![told]);
    assert_eq!(workloads[0].metrics, [queue]);
}

#[test]
fn a_budget_without_status_allows_nothing_and_one_without_selector_covers_nothing() {
    let cluster = Cluster::unseen(BYTES);
    let named =
        |name: &str, spec: Value| json!({"metadata": {"namespace": "ns", "name": name}, "spec": spec});
    let counted = json!({"metadata": {"namespace": "ns", "name": "counted"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}}, "status": {"disruptionsAllowed": 2}});
    fill(
        &cluster.budgets,
        &[
            counted,
            named("fresh", json!({"selector": {}})),
            named("void", json!({})),
        ],
    );
    let rows: Vec<_> = cluster
        .budgets
        .with(|rows| rows.values().filter_map(|row| row.budget.clone()).collect());
    let allowed: Vec<(&str, u32)> = rows.iter().map(|b| (b.name.as_str(), b.allowed)).collect();
    assert_eq!(allowed, [("counted", 2), ("fresh", 0)]);
    assert!(
        rows[1].selector.matches(&Labels::new()),
        "an empty selector covers every pod"
    );
}

#[test]
fn workloads_are_missing_while_nobody_knows_who_scales_them() {
    let cluster = cluster();
    for table in [1, 3, 4] {
        fill(&cluster.workloads[table], &[]);
    }
    assert_eq!(cluster.workloads_freshness(), Freshness::Missing);
    cluster.scalers[1].absent();
    assert_eq!(cluster.workloads_freshness(), Freshness::Live);
}

/// A quantity that no quantity is: nobody knows what the pod takes.
fn unreadable(mut object: Value) -> Value {
    object["spec"]["containers"] = json!([{"resources": {"requests": {"cpu": "many"}}}]);
    object
}

fn node(name: &str) -> Value {
    json!({"metadata": {"name": name}, "status": {"allocatable": {"cpu": "4"},
        "conditions": [{"type": "Ready", "status": "True"}]}})
}

#[test]
fn an_unreadable_pod_holds_its_own_node_and_nothing_else() {
    let cluster = cluster();
    fill(&cluster.nodes, &[node("n1"), node("n2")]);
    let there = pod("bad", "set", "Running", &json!({}));
    let mut waiting = there.clone();
    waiting["metadata"]["name"] = json!("waits");
    waiting["spec"]["nodeName"] = Value::Null;
    fill(&cluster.pods, &[unreadable(there), unreadable(waiting)]);
    assert_eq!(
        cluster.pods.freshness(),
        Freshness::Live,
        "one pod ages no source"
    );
    let rows = nodes(&cluster, &BTreeMap::new());
    let alone: Vec<bool> = rows.iter().map(|n| n.do_not_disrupt && !n.takes_pods()).collect();
    assert_eq!(alone, [true, false]);
    let mut numbering = Numbering::default();
    let pods = pods(
        &cluster,
        &BTreeMap::new(),
        (&mut numbering, &mut Tied::new(None, &cluster.specs)),
    );
    assert_eq!(
        pods.iter().map(|pod| pod.phase).collect::<Vec<_>>(),
        [PodPhase::Running, PodPhase::Pending]
    );
    for pod in &pods {
        let spec = numbering.get(pod.spec).unwrap();
        assert!(spec.traits.do_not_disrupt, "{pod:?}");
        assert_eq!(spec.unmodelled, [Unmodelled::Unreadable]);
    }
}

#[test]
fn an_unreadable_workload_node_or_budget_is_left_alone() {
    let cluster = cluster();
    let bad = json!({"metadata": {"namespace": "ns", "name": "bad"}, "spec": {"replicas": -1,
        "template": {"spec": {"containers": [{}]}}}});
    fill(&cluster.workloads[0], &[bad]);
    let mut numbering = Numbering::default();
    let rows = workloads(&cluster, (&mut numbering, &mut Tied::new(None, &cluster.specs)));
    let found = rows.iter().find(|w| &*w.key.name == "bad").unwrap();
    assert!(found.owned_by.is_some(), "its replicas are not ours to set");
    let template = numbering.get(found.template.unwrap()).unwrap();
    assert_eq!(template.unmodelled, [Unmodelled::Unreadable]);

    let mut odd = node("n1");
    odd["status"]["allocatable"]["cpu"] = json!("many");
    fill(&cluster.nodes, &[odd, node("n2")]);
    let alone: Vec<bool> = nodes(&cluster, &BTreeMap::new())
        .iter()
        .map(|n| n.do_not_disrupt && !n.takes_pods())
        .collect();
    assert_eq!(alone, [true, false], "a node that cannot be read is still there");

    let selector = json!({"matchExpressions": [{"key": "a", "operator": "Like", "values": ["b"]}]});
    let budget = json!({"metadata": {"namespace": "ns", "name": "b"}, "spec": {"selector": selector},
        "status": {"disruptionsAllowed": 5}});
    fill(&cluster.budgets, &[budget]);
    let covered = cluster.budgets.with(|rows| {
        let budget = rows.values().find_map(|row| row.budget.as_ref()).unwrap();
        (budget.selector.matches(&Labels::new()), budget.allowed)
    });
    assert_eq!(covered, (true, 0), "it may cover anything and allows nothing");
}

/// Every pod's constraints that are not modelled, and how many EBS volumes it attaches.
fn claimed(cluster: &Cluster) -> Vec<(Vec<Unmodelled>, i64)> {
    let storage = known_storage(cluster);
    let (mut tied, mut numbering) = (Tied::new(storage.as_ref(), &cluster.specs), Numbering::default());
    let pods = pods(cluster, &BTreeMap::new(), (&mut numbering, &mut tied));
    let spec = |pod: &Pod| numbering.get(pod.spec).unwrap();
    let ebs = model::resources::attach_limit("ebs.csi.aws.com");
    pods.iter()
        .map(|pod| (spec(pod).unmodelled.clone(), spec(pod).requests.amount(&ebs)))
        .collect()
}

#[test]
fn claims_are_known_once_every_kind_of_storage_has_been_seen() {
    let cluster = Cluster::unseen(BYTES);
    let mounting = |name: &str, claim: &str| {
        let mut pod = pod(name, "set", "Running", &json!({}));
        pod["spec"]["volumes"] = json!([{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]);
        pod
    };
    fill(
        &cluster.pods,
        &[
            mounting("a", "data"),
            mounting("b", "gone"),
            mounting("c", "data"),
        ],
    );
    let bound = json!({"metadata": {"namespace": "ns", "name": "data",
        "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"volumeName": "pv"}, "status": {"phase": "Bound"}});
    let volume = json!({"metadata": {"name": "pv"}, "spec": {"csi": {"driver": "ebs.csi.aws.com"}}});
    fill(&cluster.storage.claims, &[bound]);
    fill(&cluster.storage.volumes, &[volume]);
    fill(&cluster.storage.classes, &[]);
    fill(&cluster.storage.drivers, &[]);
    let unknown = (vec![Unmodelled::VolumeClaim], 0);
    assert_eq!(claimed(&cluster), [unknown.clone(), unknown.clone(), unknown]);
    assert_eq!(
        cluster.storage.freshness(),
        Freshness::Live,
        "nothing is believed yet"
    );
    fill(&cluster.storage.nodes, &[]);
    let there = (Vec::new(), 1);
    assert_eq!(
        claimed(&cluster),
        [there.clone(), (vec![Unmodelled::ClaimMissing], 0), there]
    );
    cluster.storage.claims.broke("reset");
    assert!(matches!(cluster.storage.freshness(), Freshness::Stale { .. }));
}

#[tokio::test]
async fn rows_are_read_after_the_provider_has_answered() {
    let cluster = Arc::new(cluster());
    fill(&cluster.nodes, &[node("n1"), node("n2")]);
    let meanwhile = cluster.clone();
    let provider = Provider::Scripted(Box::new(move |nodes: &[Node]| {
        assert_eq!(nodes.len(), 2);
        let gone = serde_json::from_value(node("n1")).unwrap();
        meanwhile.nodes.gone(&gone);
        meanwhile.nodes.broke("reset");
        Capacity::default()
    }));
    let mut eyes = Eyes {
        cluster,
        load: Arc::new(Load::new(LOAD_INTERVAL)),
        others: Arc::default(),
        identity: Arc::default(),
        provider,
        name: "blue".to_owned(),
        own_pod: None,
        own_node: None,
        _tasks: JoinSet::new(),
    };
    let seen = eyes.look().await.unwrap();
    let names: Vec<&str> = seen.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(
        names,
        ["n2"],
        "what left while the cloud was asked is not in the picture"
    );
    assert!(matches!(seen.sources[&Source::Nodes], Freshness::Stale { .. }));
}

/// Each kind of object that a tenant writes, with more rules than there is room for: too many in one object, or too many
/// in all. It is a row that is left alone, and says nothing of what it asked for.
#[test]
fn what_there_is_no_room_for_is_left_alone() {
    let texts = |count: usize| -> Value {
        let pairs = (0..count).map(|n| (format!("plimsoll.io/key-{n}"), json!("v".repeat(63))));
        Value::Object(pairs.collect())
    };
    // 200 of them are more than one object may have, 50 more than there is here.
    for (bytes, count) in [(BYTES, 200), (4 << 10, 50)] {
        let cluster = Cluster::unseen(bytes);
        let object = json!({"metadata": {"namespace": "ns", "name": "web", "annotations": texts(count)},
            "spec": {"replicas": 3, "template": {"metadata": {"labels": texts(count)}, "spec": {"containers": [{}]}}}});
        fill(&cluster.workloads[0], &[object]);
        let selector = json!({"matchLabels": texts(count)});
        let budget = json!({"metadata": {"namespace": "ns", "name": "web"}, "spec": {"selector": selector},
            "status": {"disruptionsAllowed": 5}});
        fill(&cluster.budgets, &[budget]);
        let claims: Vec<Value> = (0..count)
            .map(|n| json!({"name": format!("v-{n}"), "persistentVolumeClaim": {"claimName": format!("{n:0253}")}}))
            .collect();
        let mut mounting = pod("a", "set", "Running", &json!({}));
        mounting["spec"]["volumes"] = json!(claims);
        fill(
            &cluster.pods,
            &[mounting, pod("b", "set", "Running", &texts(count))],
        );
        fill(&cluster.nodes, &[node("n1")]);

        let mut numbering = Numbering::default();
        let mut tied = Tied::new(None, &cluster.specs);
        let rows = workloads(&cluster, (&mut numbering, &mut tied));
        assert!(rows[0].owned_by.is_some(), "its replicas are not ours to set");
        assert!(rows[0].annotations.is_empty());
        let pods = pods(&cluster, &BTreeMap::new(), (&mut numbering, &mut tied));
        let template = rows[0].template.unwrap();
        for spec in pods.iter().map(|pod| pod.spec).chain([template]) {
            let spec = numbering.get(spec).unwrap();
            assert_eq!(spec.unmodelled, [Unmodelled::TooLarge], "{bytes} {count}");
            assert!(spec.labels.is_empty());
        }
        assert!(
            cluster
                .pods
                .with(|rows| rows.values().all(|row| row.claims.is_empty()))
        );
        assert!(nodes(&cluster, &BTreeMap::new())[0].do_not_disrupt);
        let covered = cluster.budgets.with(|rows| {
            let budget = rows.values().find_map(|row| row.budget.as_ref()).unwrap();
            (budget.selector.matches(&Labels::new()), budget.allowed)
        });
        assert_eq!(covered, (true, 0));
    }
}

/// A ReplicaSet is found, lost and found again by its pods, whatever comes first.
#[test]
fn pods_belong_to_the_deployment_as_long_as_their_replica_set_does() {
    let cluster = Cluster::unseen(BYTES);
    let owners = || {
        cluster.settle_owners();
        let mut numbering = Numbering::default();
        let pods = pods(
            &cluster,
            &BTreeMap::new(),
            (&mut numbering, &mut Tied::new(None, &cluster.specs)),
        );
        let owner = |pod: &Pod| {
            numbering
                .get(pod.spec)
                .unwrap()
                .owner
                .clone()
                .unwrap()
                .to_string()
        };
        pods.iter().map(owner).collect::<Vec<_>>()
    };
    let set =
        |owners: Value| json!({"metadata": {"namespace": "ns", "name": "set", "ownerReferences": owners}});
    fill(
        &cluster.pods,
        &[
            pod("a", "set", "Running", &json!({})),
            pod("b", "set", "Pending", &json!({})),
        ],
    );
    assert_eq!(owners(), ["ReplicaSet ns/set"; 2], "nothing is known of it yet");
    fill(
        &cluster.workloads[2],
        &[set(
            json!([{"kind": "Deployment", "name": "web", "controller": true}]),
        )],
    );
    assert_eq!(owners(), ["Deployment ns/web"; 2]);
    assert_eq!(owners(), ["Deployment ns/web"; 2]);
    fill(&cluster.workloads[2], &[set(json!([]))]);
    assert_eq!(owners(), ["ReplicaSet ns/set"; 2], "it was left an orphan");
    fill(
        &cluster.workloads[2],
        &[set(
            json!([{"kind": "Rollout", "name": "web", "controller": true}]),
        )],
    );
    assert_eq!(owners(), ["Rollout ns/web"; 2]);
}

/// A pod that is like others that are kept takes nothing, whatever else its namespace has written.
#[test]
fn a_pod_like_others_needs_no_room() {
    let cluster = Cluster::unseen(16 << 10);
    let labels = |n: usize| json!({"app": format!("{n:063}")});
    let pods: Vec<Value> = (0..200)
        .map(|n| pod(&format!("p-{n:03}"), "set", "Running", &labels(n)))
        .collect();
    fill(&cluster.pods, &pods);
    let like_the_first = pod("z", "set", "Running", &labels(0));
    cluster
        .pods
        .changed(&serde_json::from_value(like_the_first).unwrap());
    let in_part = cluster
        .pods
        .with(|rows| rows.values().map(|row| row.in_part).collect::<Vec<_>>());
    assert_eq!((in_part[0], in_part[199], in_part[200]), (false, true, false));
}
