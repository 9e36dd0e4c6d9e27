//! Every effect against a scripted API server: preconditions, versions, refusals, repeated calls.

use super::*;
use crate::kwok;
use crate::script::{Script, object, status};
use model::ids::{GroupName, InstanceId, IntentId, NodeName, OfferId, PodKey, StepId, WorkloadKey};
use model::kwok::KwokGroup;
use model::money::UsdPerHour;
use model::reason::Reason;
use model::resources::Resources;
use model::selector::Labels;
use model::time::Span;
use serde_json::{Value, json};

fn hands(script: &Script) -> Hands {
    let pool = KwokGroup {
        name: "pool".into(),
        min: 0,
        max: 5,
        instance_type: "kw.large".to_owned(),
        arch: "amd64".to_owned(),
        zone: "z1".to_owned(),
        allocatable: Resources::new(4000, 1 << 34),
        max_pods: 110,
        labels: Labels::new(),
        taints: Vec::new(),
        price: UsdPerHour(1),
    };
    let capacity = kwok::Hands::new(script.client(), vec![pool]);
    Hands::new(HandsConfig {
        client: script.client(),
        capacity: CapacityHands::Kwok(capacity),
        instance: "plimsolld-0".to_owned(),
        events: false,
    })
}

fn step(kind: StepKind) -> Step {
    Step {
        id: StepId { cycle: 7, ordinal: 0 },
        intent: Some(IntentId::new("7-0")),
        generation: 3,
        kind,
        reason: Reason::Planned,
    }
}

async fn carry(script: &Script, kind: StepKind) -> Outcome {
    hands(script).carry(&step(kind)).await.outcome
}

fn is_stale(outcome: &Outcome, words: &str) {
    match outcome {
        Outcome::Stale { why } => assert!(why.contains(words), "{why}"),
        other => panic!("expected Stale, got {other:?}"),
    }
}

fn scale() -> StepKind {
    StepKind::ScaleWorkload {
        workload: WorkloadKey::new("Deployment", "ns", "web"),
        from: 2,
        to: 4,
    }
}

fn scale_of(replicas: u32) -> Value {
    json!({"metadata": {"name": "web", "namespace": "ns", "resourceVersion": "42", "uid": "u"},
        "spec": {"replicas": replicas}})
}

#[tokio::test]
async fn replicas_are_written_under_the_version_that_was_read() {
    let script = Script::new([object(scale_of(2)), object(scale_of(4))]);
    assert_eq!(carry(&script, scale()).await, Outcome::done());
    let asked = script.asked();
    assert_eq!(
        asked[0].line,
        "GET /apis/apps/v1/namespaces/ns/deployments/web/scale"
    );
    assert_eq!(
        asked[1].line,
        "PUT /apis/apps/v1/namespaces/ns/deployments/web/scale"
    );
    assert_eq!(asked[1].body["metadata"]["resourceVersion"], "42");
    assert_eq!(asked[1].body["spec"]["replicas"], 4);
}

#[tokio::test]
async fn replicas_that_are_not_as_planned_are_left_alone() {
    let script = Script::new([object(scale_of(3))]);
    is_stale(&carry(&script, scale()).await, "has 3 replicas, not 2");
    let script = Script::new([object(scale_of(4))]);
    assert_eq!(
        carry(&script, scale()).await,
        Outcome::done(),
        "the same step twice"
    );
    assert_eq!(script.lines().len(), 1, "nothing was written");
    let script = Script::new([object(scale_of(2)), status(409, "Conflict", "changed")]);
    is_stale(&carry(&script, scale()).await, "changed");
    let script = Script::new([object(scale_of(2)), status(500, "InternalError", "boom")]);
    assert!(matches!(carry(&script, scale()).await, Outcome::Unknown { .. }));
    let script = Script::new([status(503, "ServiceUnavailable", "boom")]);
    let unread = carry(&script, scale()).await;
    assert!(
        matches!(unread, Outcome::Refused { .. }),
        "nothing was sent: {unread:?}"
    );
}

fn pod(node: Option<&str>, annotations: &Value) -> Value {
    json!({"metadata": {"name": "p", "namespace": "ns", "uid": "u1", "annotations": annotations},
        "spec": {"containers": [], "nodeName": node}})
}

fn evict() -> StepKind {
    StepKind::Evict {
        pod: PodKey::new("ns", "p"),
        node: "n1".into(),
    }
}

#[tokio::test]
async fn a_budget_refuses_for_now_and_says_for_how_long() {
    let busy = json!({"kind": "Status", "status": "Failure", "code": 429, "reason": "TooManyRequests",
        "message": "Cannot evict pod", "details": {"retryAfterSeconds": 7}});
    for (answer, after) in [
        ((429, busy), Span::from_secs(7)),
        (
            status(429, "TooManyRequests", "Cannot evict pod"),
            Span::from_secs(10),
        ),
        (
            status(
                500,
                "InternalError",
                "This pod has more than one PodDisruptionBudget",
            ),
            Span::from_secs(10),
        ),
    ] {
        let script = Script::new([object(pod(Some("n1"), &Value::Null)), answer]);
        match carry(&script, evict()).await {
            Outcome::Refused { after: Some(is), .. } => assert_eq!(is, after),
            other => panic!("expected Refused, got {other:?}"),
        }
        let asked = script.asked();
        assert_eq!(asked[1].line, "POST /api/v1/namespaces/ns/pods/p/eviction");
        assert_eq!(asked[1].body["deleteOptions"]["preconditions"]["uid"], "u1");
    }
}

#[tokio::test]
async fn only_this_very_pod_on_this_node_is_evicted() {
    let gone = Script::new([status(404, "NotFound", "pods \"p\" not found")]);
    assert_eq!(carry(&gone, evict()).await, Outcome::done());
    let mut leaving = pod(Some("n1"), &Value::Null);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-11-21T10:00:00Z");
    assert_eq!(
        carry(&Script::new([object(leaving)]), evict()).await,
        Outcome::done()
    );
    for (there, words) in [
        (pod(Some("n2"), &Value::Null), "is on n2, not on n1"),
        (pod(None, &Value::Null), "is on no node"),
        (
            pod(Some("n1"), &json!({"karpenter.sh/do-not-disrupt": "true"})),
            "do-not-disrupt=true",
        ),
    ] {
        let script = Script::new([object(there)]);
        is_stale(&carry(&script, evict()).await, words);
        assert_eq!(script.lines().len(), 1, "nothing was written");
    }
    let replaced = Script::new([
        object(pod(Some("n1"), &Value::Null)),
        status(409, "Conflict", "the UID in the precondition does not match"),
    ]);
    is_stale(&carry(&replaced, evict()).await, "UID");
}

#[tokio::test]
async fn only_a_pod_that_waits_as_it_was_read_is_ended_to_be_made_anew() {
    let remake = || StepKind::Remake {
        pod: PodKey::new("ns", "p"),
        profile: "fp".into(),
    };
    let waits = || {
        let mut waits = pod(None, &Value::Null);
        waits["metadata"]["resourceVersion"] = json!("41");
        waits
    };
    let done = json!({"kind": "Status", "status": "Success", "code": 201});
    let script = Script::new([object(waits()), (201, done)]);
    assert_eq!(carry(&script, remake()).await, Outcome::done());
    let asked = script.asked();
    assert_eq!(asked[1].line, "POST /api/v1/namespaces/ns/pods/p/eviction");
    let only = &asked[1].body["deleteOptions"]["preconditions"];
    assert_eq!(*only, json!({"uid": "u1", "resourceVersion": "41"}));

    let mut taken = waits();
    taken["metadata"]["labels"] = json!({"eks.amazonaws.com/fargate-profile": "fp"});
    let kept = pod(None, &json!({"plimsoll.io/do-not-disrupt": "true"}));
    for (there, words) in [
        (pod(Some("n1"), &Value::Null), "waits no longer"),
        (taken, "was taken by Fargate"),
        (kept, "do-not-disrupt=true"),
    ] {
        let script = Script::new([object(there)]);
        is_stale(&carry(&script, remake()).await, words);
        assert_eq!(script.lines().len(), 1, "nothing was written");
    }
    let bound = Script::new([object(waits()), status(409, "Conflict", "it was changed")]);
    is_stale(&carry(&bound, remake()).await, "changed");
}

fn node(spec: &Value, annotations: Value) -> Value {
    let mut node = json!({"metadata": {"name": "n1", "uid": "u2", "resourceVersion": "9",
        "labels": {"plimsoll.io/group": "pool"}}, "spec": {"providerID": "kwok://pool/n1"}});
    for (key, value) in spec.as_object().into_iter().flatten() {
        node["spec"][key] = value.clone();
    }
    node["metadata"]["annotations"] = annotations;
    node
}

fn cordon(instance: &str) -> StepKind {
    StepKind::Cordon {
        node: "n1".into(),
        group: "pool".into(),
        instance: InstanceId::new(instance),
        after: Vec::new(),
    }
}

const OURS: &str = "plimsoll.io/removing";

#[tokio::test]
async fn cordon_and_taint_are_one_patch_that_keeps_what_others_set() {
    let other = json!({"key": "dedicated", "effect": "NoExecute", "value": "x"});
    let before = node(&json!({ "taints": [other] }), Value::Null);
    let script = Script::new([object(before.clone()), object(before)]);
    assert_eq!(carry(&script, cordon("n1")).await, Outcome::done());
    let asked = script.asked();
    assert_eq!(asked[1].line, "PATCH /api/v1/nodes/n1");
    let body = &asked[1].body;
    assert_eq!(body["metadata"]["resourceVersion"], "9");
    assert_eq!(
        body["metadata"]["annotations"]["plimsoll.io/removed-by"],
        "plimsolld-0 for intent 7-0"
    );
    assert_eq!(
        body["metadata"]["annotations"]["plimsoll.io/was-cordoned"],
        Value::Null
    );
    assert_eq!(body["spec"]["unschedulable"], true);
    assert_eq!(
        body["spec"]["taints"],
        json!([other, {"key": OURS, "effect": "NoSchedule"}])
    );
}

#[tokio::test]
async fn a_node_that_is_another_instance_or_going_is_left_alone() {
    let script = Script::new([object(node(&Value::Null, Value::Null))]);
    is_stale(
        &carry(&script, cordon("i-0abc")).await,
        "is instance n1, not i-0abc",
    );
    let mut going = node(&Value::Null, Value::Null);
    going["metadata"]["deletionTimestamp"] = json!("2026-11-21T10:00:00Z");
    is_stale(
        &carry(&Script::new([object(going)]), cordon("n1")).await,
        "being deleted",
    );
    let done = node(
        &json!({"unschedulable": true, "taints": [{"key": OURS, "effect": "NoSchedule"}]}),
        Value::Null,
    );
    let script = Script::new([object(done)]);
    assert_eq!(carry(&script, cordon("n1")).await, Outcome::done());
    assert_eq!(script.lines().len(), 1, "the same step twice writes once");
}

#[tokio::test]
async fn uncordoning_undoes_what_we_did_and_no_more() {
    let ours = json!([{"key": OURS, "effect": "NoSchedule"}]);
    let uncordon = || StepKind::Uncordon { node: "n1".into() };
    for (annotations, unschedulable) in [
        (Value::Null, Value::Null),
        (json!({"plimsoll.io/was-cordoned": "true"}), json!(true)),
    ] {
        let there = node(&json!({"unschedulable": true, "taints": ours}), annotations);
        let script = Script::new([object(there.clone()), object(there)]);
        assert_eq!(carry(&script, uncordon()).await, Outcome::done());
        let body = &script.asked()[1].body;
        assert_eq!(body["spec"]["unschedulable"], unschedulable);
        assert_eq!(body["spec"]["taints"], json!([]));
    }
    let theirs = node(&json!({"unschedulable": true}), Value::Null);
    let script = Script::new([object(theirs)]);
    assert_eq!(carry(&script, uncordon()).await, Outcome::done());
    assert_eq!(
        script.lines().len(),
        1,
        "an administrator's cordon is not ours to undo"
    );
}

#[tokio::test]
async fn opening_takes_the_startup_taint_and_nothing_else() {
    let uncordon = || StepKind::Uncordon { node: "n1".into() };
    let theirs = json!({"key": "pool", "value": "batch", "effect": "NoSchedule"});
    let taints = json!([{"key": "plimsoll.io/starting", "effect": "NoSchedule"}, theirs]);
    for unschedulable in [Value::Null, json!(true)] {
        let spec = json!({"unschedulable": unschedulable, "taints": taints});
        let there = node(&spec, Value::Null);
        let script = Script::new([object(there.clone()), object(there)]);
        assert_eq!(carry(&script, uncordon()).await, Outcome::done());
        let body = &script.asked()[1].body;
        assert_eq!(
            body["spec"]["unschedulable"], unschedulable,
            "an administrator's cordon stays"
        );
        assert_eq!(body["spec"]["taints"], json!([theirs]));
    }
}

#[tokio::test]
async fn a_node_is_asked_to_run_empty_by_one_taint_and_all_others_stay() {
    let avoid = |on| StepKind::Avoid {
        node: "n1".into(),
        on,
    };
    let theirs = json!({"key": "pool", "value": "batch", "effect": "NoSchedule"});
    let ours = json!({"key": "plimsoll.io/emptying", "effect": "PreferNoSchedule"});
    let (bare, marked) = (json!([theirs]), json!([theirs, ours]));
    for (on, before, after) in [(true, &bare, &marked), (false, &marked, &bare)] {
        let there = node(&json!({ "taints": before }), Value::Null);
        let script = Script::new([object(there.clone()), object(there)]);
        assert_eq!(carry(&script, avoid(on)).await, Outcome::done());
        let body = &script.asked()[1].body;
        assert_eq!(body["metadata"]["resourceVersion"], "9");
        assert_eq!(&body["spec"]["taints"], after);
        let script = Script::new([object(node(&json!({ "taints": after }), Value::Null))]);
        assert_eq!(carry(&script, avoid(on)).await, Outcome::done());
        assert_eq!(script.lines().len(), 1, "the same step twice writes once");
    }
    let gone = || Script::new([status(404, "NotFound", "nodes \"n1\" not found")]);
    is_stale(&carry(&gone(), avoid(true)).await, "is gone");
    assert_eq!(carry(&gone(), avoid(false)).await, Outcome::done());
}

fn remove() -> StepKind {
    StepKind::RemoveNode {
        group: "pool".into(),
        node: "n1".into(),
        instance: "n1".into(),
    }
}

fn drained() -> Value {
    node(
        &json!({"unschedulable": true, "taints": [{"key": OURS, "effect": "NoSchedule"}]}),
        Value::Null,
    )
}

fn pods(items: &Value) -> Value {
    json!({"metadata": {}, "items": items})
}

#[tokio::test]
async fn a_node_is_removed_only_when_nothing_that_matters_is_left_on_it() {
    let of_daemon_set = json!({"metadata": {"name": "ds", "namespace": "ns",
        "ownerReferences": [{"kind": "DaemonSet", "controller": true}]}});
    let is_static = json!({"metadata": {"name": "st", "namespace": "ns",
        "annotations": {"kubernetes.io/config.mirror": "x"}}});
    let finished = json!({"metadata": {"name": "job", "namespace": "ns"}, "status": {"phase": "Succeeded"}});
    let left = pods(&json!([of_daemon_set, is_static, finished]));
    let script = Script::new([
        object(drained()),
        object(left),
        object(drained()),
        object(json!({})),
    ]);
    assert_eq!(carry(&script, remove()).await, Outcome::done());
    let asked = script.asked();
    assert!(
        asked[1].line.contains("fieldSelector=spec.nodeName%3Dn1"),
        "{}",
        asked[1].line
    );
    assert_eq!(asked[3].line, "DELETE /api/v1/nodes/n1");
    assert_eq!(asked[3].body["preconditions"]["uid"], "u2");
}

/// Both are looked at for the last time, and only what may go is given up.
#[tokio::test]
async fn of_nodes_that_go_together_each_is_looked_at() {
    let late = json!({"metadata": {"name": "late", "namespace": "ns"}});
    let script = Script::new([
        object(drained()),
        object(drained()),
        object(pods(&json!([]))),
        object(pods(&json!([late]))),
        object(drained()),
        object(json!({})),
    ]);
    let steps = [step(remove()), step(remove())];
    let carried = hands(&script).carry_together(&steps).await;
    let mut kinds: Vec<&str> = carried
        .iter()
        .map(|carried| match &carried.outcome {
            Outcome::Done { .. } => "done",
            Outcome::Stale { .. } => "stale",
            other => panic!("{other:?}"),
        })
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["done", "stale"]);
    let deleted = script
        .lines()
        .iter()
        .filter(|line| line.starts_with("DELETE"))
        .count();
    assert_eq!(deleted, 1);
    let other = hands(&Script::new([])).carry_together(&[step(scale())]).await;
    assert!(matches!(other[0].outcome, Outcome::Failed { .. }), "{other:?}");
}

/// A node that has stopped working goes with its pods, as long as it still does not work when it is looked at last.
#[tokio::test]
async fn a_node_that_works_again_is_not_removed_for_having_stopped() {
    let taint = |key: &str| json!({"key": key, "effect": "NoExecute"});
    let broken = |status: Option<&str>, key: Option<&str>| {
        let mut node = drained();
        if let Some(key) = key {
            node["spec"]["taints"].as_array_mut().unwrap().push(taint(key));
        }
        if let Some(status) = status {
            node["status"] = json!({"conditions": [{"type": "Ready", "status": status}]});
        }
        node
    };
    let for_it = Step {
        reason: Reason::Broken {
            since: model::Instant(0),
        },
        ..step(remove())
    };
    let (unreachable, not_ready) = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready");
    for (status, key) in [("Unknown", unreachable), ("False", not_ready)] {
        let there = broken(Some(status), Some(key));
        let script = Script::new([object(there.clone()), object(there), object(json!({}))]);
        let carried = hands(&script).carry(&for_it).await;
        assert_eq!(carried.outcome, Outcome::done(), "{status}");
        assert_eq!(
            script.lines().last().map(String::as_str),
            Some("DELETE /api/v1/nodes/n1")
        );
    }
    for (status, key, why) in [
        (Some("True"), Some(unreachable), "Ready again"),
        (Some("Unknown"), None, "no longer tainted"),
        (None, Some(unreachable), "does not tell"),
    ] {
        let script = Script::new([object(broken(status, key))]);
        is_stale(&hands(&script).carry(&for_it).await.outcome, why);
        assert_eq!(script.lines().len(), 1, "nothing was written");
    }
    let mut untainted = broken(Some("Unknown"), Some(unreachable));
    untainted["spec"]["unschedulable"] = json!(false);
    let script = Script::new([object(untainted)]);
    is_stale(
        &hands(&script).carry(&for_it).await.outcome,
        "not cordoned and tainted",
    );
}

fn remove_lost() -> StepKind {
    StepKind::RemoveInstance {
        group: "pool".into(),
        instance: "i-lost".into(),
    }
}

#[tokio::test]
async fn an_instance_that_has_become_a_node_since_the_plan_stays() {
    let page = |ids: &[Option<&str>], next: &str| {
        let node = |id: Option<&str>| json!({"metadata": {"name": "n"}, "spec": {"providerID": id}});
        let items: Vec<Value> = ids.iter().copied().map(node).collect();
        object(json!({"metadata": {"continue": next}, "items": items}))
    };
    let (other, lost) = (Some("aws:///a/i-other"), Some("aws:///b/i-lost"));
    let script = Script::new([page(&[other], "more"), page(&[other, lost], "")]);
    is_stale(&carry(&script, remove_lost()).await, "has become node n");
    assert!(
        script.asked()[1].line.contains("continue=more"),
        "every page is read"
    );
    let script = Script::new([page(&[other, None], "")]);
    is_stale(&carry(&script, remove_lost()).await, "no providerID");
    let script = Script::new([status(500, "InternalError", "boom")]);
    let outcome = carry(&script, remove_lost()).await;
    assert!(!outcome.is_done(), "{outcome:?}");
    // These hands are kwok's, whose instances are nodes: that the provider is asked is what matters.
    let fargate = json!({"metadata": {"name": "f", "labels": {"eks.amazonaws.com/compute-type": "fargate"}}});
    let script = Script::new([object(json!({"metadata": {}, "items": [fargate]}))]);
    let outcome = carry(&script, remove_lost()).await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
}

#[tokio::test]
async fn whatever_changed_since_the_plan_holds_a_removal_back() {
    let bound_since = json!({"metadata": {"name": "late", "namespace": "ns"}});
    let going = json!({"metadata": {"name": "old", "namespace": "ns",
        "deletionTimestamp": "2026-11-21T10:00:00Z"}});
    let script = Script::new([object(drained()), object(pods(&json!([going, bound_since])))]);
    is_stale(&carry(&script, remove()).await, "ns/late");
    assert_eq!(script.lines().len(), 2, "nothing was written");
    let script = Script::new([object(drained()), object(pods(&json!([going])))]);
    assert!(matches!(carry(&script, remove()).await, Outcome::Refused { .. }));
    let untainted = node(&json!({"unschedulable": true}), Value::Null);
    is_stale(
        &carry(&Script::new([object(untainted)]), remove()).await,
        "not cordoned and tainted",
    );
    let unread = Script::new([object(drained()), status(500, "InternalError", "boom")]);
    let outcome = carry(&unread, remove()).await;
    assert!(
        matches!(outcome, Outcome::Refused { .. }),
        "unknown is not empty: {outcome:?}"
    );
}

fn grow(from: u32, to: u32) -> StepKind {
    StepKind::GrowGroup {
        group: GroupName::new("pool"),
        offer: OfferId::new("pool/kw.large/z1/on-demand"),
        from,
        to,
        nodes: vec![NodeName::new("new-1")],
        pods: Vec::new(),
        rate: UsdPerHour(1),
    }
}

#[tokio::test]
async fn growing_twice_for_one_intent_creates_once() {
    let made = |name: &str| {
        json!({"metadata": {"name": name, "annotations": {"plimsoll.io/intent": "7-0"}},
            "status": {"allocatable": {"cpu": "4"}}})
    };
    let both = Outcome::Done {
        instances: vec!["pool-7-0-0".into(), "pool-7-0-1".into()],
    };
    let listed = |names: &[&str]| {
        let row = |name: &&str| {
            let made = if name.starts_with("pool") { "7-0" } else { "1-0" };
            json!({"metadata": {"name": name, "annotations": {"plimsoll.io/intent": made}}})
        };
        let rows: Vec<Value> = names.iter().map(row).collect();
        object(json!({"kind": "PartialObjectMetadataList", "metadata": {}, "items": rows}))
    };
    let first = Script::new([
        listed(&["old-1"]),
        object(made("pool-7-0-0")),
        object(made("pool-7-0-1")),
    ]);
    assert_eq!(carry(&first, grow(1, 3)).await, both);
    assert!(
        first.lines()[0].contains("labelSelector=plimsoll.io%2Fgroup%3Dpool"),
        "{:?}",
        first.lines()
    );
    let body = &first.asked()[1].body;
    assert_eq!(body["metadata"]["name"], "pool-7-0-0");
    assert_eq!(body["metadata"]["labels"]["plimsoll.io/group"], "pool");
    assert_eq!(
        body["metadata"]["labels"]["node.kubernetes.io/instance-type"],
        "kw.large"
    );
    assert_eq!(body["spec"]["providerID"], "kwok://pool/pool-7-0-0");
    assert_eq!(body["status"]["allocatable"]["cpu"], "4000m");
    // The first call was cut off after one node: the same step finds it, and creates the other.
    let again = Script::new([
        listed(&["old-1", "pool-7-0-0"]),
        status(409, "AlreadyExists", "exists"),
        object(made("pool-7-0-0")),
        object(made("pool-7-0-1")),
    ]);
    assert_eq!(carry(&again, grow(1, 3)).await, both);
    let creates = again
        .lines()
        .iter()
        .filter(|line| line.starts_with("POST"))
        .count();
    assert_eq!(creates, 2, "{:?}", again.lines());
    // Somebody else has grown the group meanwhile, or has a node of that name.
    let grown = Script::new([listed(&["old-1", "old-2"])]);
    is_stale(&carry(&grown, grow(1, 3)).await, "has 2 nodes, not 1");
    let mut theirs = made("pool-7-0-0");
    theirs["metadata"]["annotations"] = json!({});
    let taken = Script::new([
        listed(&[]),
        status(409, "AlreadyExists", "exists"),
        object(theirs),
    ]);
    is_stale(&carry(&taken, grow(1, 3)).await, "not of intent 7-0");
}

#[tokio::test]
async fn a_group_is_never_shrunk_by_number_nor_grown_above_its_maximum() {
    for (from, to) in [(3, 1), (3, 3), (3, 6)] {
        let script = Script::default();
        let outcome = carry(&script, grow(from, to)).await;
        assert!(
            matches!(outcome, Outcome::Failed { .. }),
            "{from} -> {to}: {outcome:?}"
        );
        assert!(script.lines().is_empty(), "nothing was asked");
    }
}

#[tokio::test]
async fn a_cluster_that_takes_no_nominations_refuses_and_a_bound_pod_is_stale() {
    let nominate = || StepKind::Nominate {
        pod: PodKey::new("ns", "p"),
        node: "n1".into(),
        starting: false,
    };
    let script = Script::new([object(pod(None, &Value::Null)), status(403, "Forbidden", "no")]);
    assert!(matches!(
        carry(&script, nominate()).await,
        Outcome::Refused { .. }
    ));
    let asked = script.asked();
    assert_eq!(asked[1].line, "PATCH /api/v1/namespaces/ns/pods/p/status");
    assert_eq!(asked[1].body["status"]["nominatedNodeName"], "n1");
    assert_eq!(asked[1].body["metadata"]["uid"], "u1");
    let bound = Script::new([object(pod(Some("n2"), &Value::Null))]);
    is_stale(&carry(&bound, nominate()).await, "is on n2 already");
}

#[tokio::test]
async fn a_pod_is_let_into_a_node_that_starts_once_it_is_nominated() {
    let nominate = || StepKind::Nominate {
        pod: PodKey::new("ns", "p"),
        node: "n1".into(),
        starting: true,
    };
    let theirs = json!({"key": "pool", "operator": "Equal", "value": "batch", "effect": "NoSchedule"});
    let ours = json!({"key": "plimsoll.io/starting", "operator": "Exists", "effect": "NoSchedule"});
    let mut waits = pod(None, &Value::Null);
    waits["spec"]["tolerations"] = json!([theirs]);
    let script = Script::new([
        object(waits.clone()),
        object(waits.clone()),
        object(waits.clone()),
    ]);
    assert_eq!(carry(&script, nominate()).await, Outcome::done());
    let asked = script.asked();
    assert_eq!(asked[1].line, "PATCH /api/v1/namespaces/ns/pods/p/status");
    assert_eq!(asked[2].line, "PATCH /api/v1/namespaces/ns/pods/p");
    assert_eq!(asked[2].body["spec"]["tolerations"], json!([theirs, ours]));
    assert_eq!(asked[2].body["metadata"]["uid"], "u1");

    // kube-scheduler dropped the nomination: it is written again, and nothing else.
    waits["spec"]["tolerations"] = json!([ours]);
    let again = Script::new([object(waits.clone()), object(waits.clone())]);
    assert_eq!(carry(&again, nominate()).await, Outcome::done());
    assert_eq!(again.lines().len(), 2);
    waits["status"]["nominatedNodeName"] = json!("n1");
    let done = Script::new([object(waits)]);
    assert_eq!(carry(&done, nominate()).await, Outcome::done());
    assert_eq!(done.lines().len(), 1, "nothing is missing");
}

#[tokio::test]
async fn placing_on_fargate_is_recorded_and_nothing_is_sent() {
    let script = Script::default();
    let place = StepKind::PlaceOnFargate {
        class: 0,
        workload: None,
        profile: "fp".into(),
        offer: "fargate/250m/512Mi".into(),
        label: Labels::new(),
        pods: Vec::new(),
    };
    assert_eq!(carry(&script, place).await, Outcome::Recorded);
    assert!(script.lines().is_empty());
}
