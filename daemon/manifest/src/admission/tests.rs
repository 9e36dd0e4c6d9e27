//! Templates come to what admission makes of their pods, in whatever order the objects stand.

use crate::{ClusterBuilder, built_in};
use model::aims::Aims;
use model::pod::{NearRule, PodSpec};
use model::selector::Operator;
use rstest::rstest;
use std::sync::Arc;

const KATA: &str = "
kind: RuntimeClass
metadata: {name: kata}
overhead: {podFixed: {cpu: 250m, memory: 160Mi}}
scheduling: {nodeSelector: {sandbox: kata}, tolerations: [{key: kata, operator: Exists}]}
---
";
const RANGE: &str = "
kind: LimitRange
metadata: {name: usual, namespace: shop}
spec:
  limits:
  - {type: Container, default: {cpu: 500m, memory: 512Mi}, defaultRequest: {cpu: 100m}, min: {ephemeral-storage: 1Gi}}
  - {type: Pod, max: {cpu: 4}}
---
";

fn deployment(pod: &str) -> String {
    format!(
        "kind: Deployment\nmetadata: {{name: web, namespace: shop}}\nspec: {{replicas: 2, template: {{metadata: \
         {{labels: {{app: web}}}}, spec: {{{pod}}}}}}}\n---\n"
    )
}

/// The spec of the Deployment's pods, the same whatever stands first.
fn spec_of(parts: &[&str]) -> Arc<PodSpec> {
    let read = |parts: &[&str]| {
        let mut builder = ClusterBuilder::new();
        builder
            .read("c.yaml", parts.concat().as_bytes())
            .unwrap_or_else(|problems| panic!("{problems}"));
        let seen = builder.finish(&built_in(), &Aims::default());
        let waiting = seen.pods.iter().find(|pod| pod.key.name.starts_with("web-"));
        let spec = seen.spec(waiting.map_or(u32::MAX, |pod| pod.spec));
        assert_eq!(spec.namespace, "shop");
        spec
    };
    let reversed: Vec<&str> = parts.iter().rev().copied().collect();
    let spec = read(parts);
    assert_eq!(spec, read(&reversed));
    spec
}

const MI: i64 = 1 << 20;

#[rstest]
#[case::says_nothing("containers: [{}]", (100, 512 * MI, 1024 * MI))]
#[case::two("containers: [{}, {}]", (200, 1024 * MI, 2048 * MI))]
#[case::requests("containers: [{resources: {requests: {cpu: 2}}}]", (2000, 512 * MI, 1024 * MI))]
#[case::limits("containers: [{resources: {limits: {cpu: 2, memory: 1Gi}}}]", (2000, 1024 * MI, 1024 * MI))]
#[case::zero("containers: [{resources: {requests: {cpu: 0, memory: 0, ephemeral-storage: 0}}}]", (0, 0, 0))]
#[case::init("containers: [{}], initContainers: [{resources: {requests: {cpu: 1}}}]", (1000, 512 * MI, 1024 * MI))]
#[case::sidecar("containers: [{}], initContainers: [{restartPolicy: Always}]", (200, 1024 * MI, 2048 * MI))]
fn containers_get_the_defaults_of_their_namespace(#[case] pod: &str, #[case] wanted: (i64, i64, i64)) {
    let own = deployment(pod);
    let asks = &spec_of(&[RANGE, &own]).requests;
    assert_eq!((asks.cpu_milli, asks.memory_bytes, asks.ephemeral_bytes), wanted);
    let elsewhere = RANGE.replace("shop", "lab");
    assert_eq!(spec_of(&[&elsewhere, &own]).requests, spec_of(&[&own]).requests);
}

#[test]
fn a_maximum_is_the_default_where_nothing_else_is() {
    let range = "kind: LimitRange\nmetadata: {name: r, namespace: shop}\nspec: {limits: [{type: Container, max: \
                 {cpu: 2}, min: {cpu: 1, memory: 64Mi}}]}\n---\n";
    let asks = &spec_of(&[range, &deployment("containers: [{}]")]).requests;
    assert_eq!((asks.cpu_milli, asks.memory_bytes), (2000, 64 * MI));
}

#[test]
fn a_runtime_class_adds_its_overhead_and_where_its_pods_may_run() {
    let pod = "runtimeClassName: kata, nodeSelector: {disk: ssd}, tolerations: [{key: team, operator: Exists}], \
               containers: [{resources: {requests: {cpu: 1, memory: 1Gi}}}]";
    let with = spec_of(&[KATA, &deployment(pod)]);
    let asks = &with.requests;
    assert_eq!((asks.cpu_milli, asks.memory_bytes), (1250, 1184 * MI));
    let selector: Vec<_> = with
        .node_selector
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(selector, ["disk=ssd", "sandbox=kata"]);
    let tolerated: Vec<_> = with.tolerations.iter().map(|t| t.key.as_deref()).collect();
    assert_eq!(tolerated, [Some("kata"), Some("team")]);
    assert!(with.traits.runtime_class);

    // Its own overhead stands; another class, or none, changes nothing.
    let own = format!("{pod}, overhead: {{cpu: 1}}");
    assert_eq!(spec_of(&[KATA, &deployment(&own)]).requests.cpu_milli, 2000);
    for other in [
        pod.replace("kata", "gvisor"),
        pod.replace("runtimeClassName: kata, ", ""),
    ] {
        let own = deployment(&other);
        assert_eq!(spec_of(&[KATA, &own]), spec_of(&[&own]));
    }
}

#[test]
fn both_come_together() {
    let asks = spec_of(&[
        KATA,
        RANGE,
        &deployment("runtimeClassName: kata, containers: [{}]"),
    ]);
    let asks = &asks.requests;
    assert_eq!((asks.cpu_milli, asks.memory_bytes), (350, 672 * MI));
}

/// Rules by the hash of the revision mean none of the pods that are there, and each other.
#[rstest]
#[case::spread(
    "topologySpreadConstraints: [{topologyKey: z, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, labelSelector: \
     {matchLabels: {app: web}}, KEYS}]"
)]
#[case::apart(
    "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: z, labelSelector: \
     {matchLabels: {app: web}}, KEYS}]}}"
)]
#[case::together(
    "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: z, labelSelector: \
     {matchLabels: {app: web}}, KEYS}]}}"
)]
fn rules_by_revision_mean_no_pod_of_an_old_one(
    #[case] rule: &str,
    #[values("matchLabelKeys", "mismatchLabelKeys")] keys: &str,
    #[values("pod-template-hash", "team")] key: &str,
) {
    let of = |key: &str| {
        let rule = rule.replace("KEYS", &format!("{keys}: [{key}]"));
        spec_of(&[&deployment(&format!("containers: [{{}}], {rule}"))])
    };
    let new = of(key);
    let near = &new.near[0];
    let mut old = PodSpec::clone(&new);
    old.labels.insert("pod-template-hash".into(), "5d9c".into());
    let hashed = key == "pod-template-hash";
    let mismatch = keys == "mismatchLabelKeys";
    // A key that neither the template nor its controller sets counts for nothing.
    assert_eq!(near.selects(&new), !(hashed && mismatch), "{near:?}");
    assert_eq!(near.selects(&old), !hashed || mismatch, "{near:?}");
    assert_eq!(new.labels.contains_key("pod-template-hash"), hashed);
    let operators = near.selector.requirements.iter().map(|wants| &wants.operator);
    assert!(operators.clone().count() == 1 + usize::from(hashed));
    assert!(
        operators
            .clone()
            .any(|operator| matches!(operator, Operator::In(_)))
    );
    assert!(!matches!(near.rule, NearRule::Spread { skew: 0, .. }));
}

const CLASSES: &str = "
kind: PriorityClass
metadata: {name: high}
value: 1000
---
kind: PriorityClass
metadata: {name: spare}
value: -20
globalDefault: true
---
";

#[rstest]
#[case("priorityClassName: high, containers: [{name: c}]", 1000)]
#[case("priorityClassName: high, priority: 7, containers: [{name: c}]", 7)]
#[case(
    "priorityClassName: system-node-critical, containers: [{name: c}]",
    2_000_001_000
)]
#[case("priorityClassName: nobody-knows, containers: [{name: c}]", 0)]
#[case("containers: [{name: c}]", -20)]
fn a_priority_class_gives_its_priority(#[case] pod: &str, #[case] wanted: i32) {
    let deployment = deployment(pod);
    assert_eq!(spec_of(&[CLASSES, &deployment]).priority, wanted);
    assert_eq!(spec_of(&[&deployment, CLASSES]).priority, wanted);
    let pod = format!("kind: Pod\nmetadata: {{name: p, namespace: shop}}\nspec: {{{pod}}}\n---\n");
    for parts in [[CLASSES, &pod], [&pod, CLASSES]] {
        let mut builder = ClusterBuilder::new();
        builder
            .read("c.yaml", parts.concat().as_bytes())
            .unwrap_or_else(|problems| panic!("{problems}"));
        let seen = builder.finish(&built_in(), &Aims::default());
        assert_eq!(seen.spec(seen.pods[0].spec).priority, wanted, "written by hand");
    }
}
