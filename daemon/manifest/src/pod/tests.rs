//! Pods as kube-scheduler reads them: named regressions of what tests/referee found, and what it could not reach.

use crate::{ClusterBuilder, PriceList};
use model::aims::Aims;
use model::pod::{NearRule, PodSpec, Unmodelled};
use model::selector::Operator;
use rstest::rstest;
use std::sync::Arc;

/// The spec of pod `p` among these objects.
fn spec(objects: &str) -> Arc<PodSpec> {
    let mut builder = ClusterBuilder::new();
    builder
        .read("c.yaml", objects.as_bytes())
        .unwrap_or_else(|problems| panic!("{problems}"));
    let seen = builder.finish(&PriceList::default(), &Aims::default());
    let pod = seen.pods.iter().find(|pod| &*pod.key.name == "p").unwrap();
    seen.spec(pod.spec)
}

/// A pod with this `spec` and `status`.
fn pod(spec_and_status: &str) -> Arc<PodSpec> {
    spec(&format!(
        "{{kind: Pod, metadata: {{name: p, labels: {{app: web, rev: '1'}}}}, {spec_and_status}}}"
    ))
}

#[test]
fn fractions_are_added_before_they_are_rounded() {
    let asks = "{resources: {requests: {memory: 400m, cpu: 1500u}}}";
    let requests = &pod(&format!("spec: {{containers: [{asks}, {asks}]}}")).requests;
    // The API server keeps thousandths: 2 m + 2 m of CPU, 0.4 + 0.4 of a byte.
    assert_eq!((requests.cpu_milli, requests.memory_bytes), (4, 1));
}

#[test]
fn a_pod_level_limit_of_huge_pages_is_the_request() {
    let container = "{resources: {limits: {hugepages-2Mi: 4Mi, cpu: 1}}}";
    let requests = &pod(&format!(
        "spec: {{containers: [{container}], resources: {{limits: {{hugepages-2Mi: 64Mi, cpu: 4}}}}}}"
    ))
    .requests;
    // Of CPU, what the container asks for stays.
    assert_eq!(
        (requests.amount("hugepages-2Mi"), requests.cpu_milli),
        (64 << 20, 1000)
    );
}

#[rstest]
#[case::grows("{resources: {requests: {cpu: 500m}}}", "", 2000)]
#[case::shrinks("{resources: {requests: {cpu: 3}}}", "", 3000)]
#[case::allocated("{resources: {requests: {cpu: 1}}, allocatedResources: {cpu: 4}}", "", 4000)]
#[case::not_told("{allocatedResources: {cpu: 4}}", "", 2000)]
#[case::infeasible(
    "{resources: {requests: {cpu: 500m}}}",
    "{type: PodResizePending, reason: Infeasible}",
    500
)]
fn while_a_pod_is_resized_the_larger_amount_counts(
    #[case] told: &str,
    #[case] condition: &str,
    #[case] milli: i64,
) {
    let status = told.replacen('{', "{name: c, ", 1);
    let read = pod(&format!(
        "spec: {{nodeName: n, containers: [{{name: c, resources: {{requests: {{cpu: 2}}}}}}]}}, \
         status: {{containerStatuses: [{status}], conditions: [{condition}]}}"
    ));
    assert_eq!(read.requests.cpu_milli, milli);
}

#[test]
fn only_init_containers_that_stay_keep_a_port() {
    let port = |number| format!("ports: [{{containerPort: {number}, hostPort: {number}}}]");
    let read = pod(&format!(
        "spec: {{containers: [{{}}], initContainers: [{{{}}}, {{restartPolicy: Always, {}}}]}}",
        port(80),
        port(443)
    ));
    let ports: Vec<u16> = read.host_ports.iter().map(|port| port.port).collect();
    assert_eq!(ports, [443]);
}

/// A rule of this kind with these further fields.
fn affinity(kind: &str, fields: &str) -> String {
    format!(
        "spec: {{containers: [{{}}], affinity: {{{kind}: {{requiredDuringSchedulingIgnoredDuringExecution: \
         [{{topologyKey: z, labelSelector: {{}}, {fields}}}]}}}}}}"
    )
}

#[test]
fn label_keys_select_by_the_pods_own_values() {
    let read = pod(&affinity(
        "podAntiAffinity",
        "matchLabelKeys: [app, none], mismatchLabelKeys: [rev]",
    ));
    let operators: Vec<&Operator> = read.near[0]
        .selector
        .requirements
        .iter()
        .map(|r| &r.operator)
        .collect();
    let (web, one) = (vec!["web".to_owned()], vec!["1".to_owned()]);
    assert_eq!(operators, [&Operator::In(web), &Operator::NotIn(one)]);
    assert!(read.unmodelled.is_empty());
}

#[test]
fn a_spread_says_which_nodes_it_counts() {
    let read = pod(
        "spec: {containers: [{}], topologySpreadConstraints: [{topologyKey: z, maxSkew: 2, minDomains: 3, \
         whenUnsatisfiable: DoNotSchedule, nodeAffinityPolicy: Ignore, nodeTaintsPolicy: Honor}]}",
    );
    let near = &read.near[0];
    assert_eq!(near.rule, NearRule::Spread { skew: 2, domains: 3 });
    assert!(near.nodes.despite_affinity && near.nodes.only_tolerated && read.unmodelled.is_empty());
}

const NAMESPACES: &str = "
kind: Namespace
metadata: {name: default}
---
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
kind: Namespace
metadata: {name: lab, labels: {team: b}}
---
";

#[rstest]
#[case::by_label("namespaceSelector: {matchLabels: {team: a}}", Some(vec!["shop"]))]
#[case::by_name("namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: lab}}", Some(vec!["lab"]))]
#[case::beside_the_named("namespaces: [x], namespaceSelector: {matchLabels: {team: a}}", Some(vec!["shop", "x"]))]
#[case::nobody("namespaceSelector: {matchLabels: {team: c}}", Some(vec![]))]
#[case::all("namespaceSelector: {}", None)]
#[case::own("", Some(vec!["default"]))]
#[case::what_no_label_satisfies_means_all(
    "namespaceSelector: {matchExpressions: [{key: team, operator: DoesNotExist}]}",
    None
)]
fn namespaces_are_selected_by_their_labels(#[case] fields: &str, #[case] names: Option<Vec<&str>>) {
    let pod = format!(
        "{{kind: Pod, metadata: {{name: p}}, {}}}",
        affinity("podAffinity", fields)
    );
    let read = spec(&format!("{NAMESPACES}{pod}"));
    let names = names.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(read.near[0].namespaces, names);
    assert!(read.unmodelled.is_empty());
}

#[test]
fn a_selector_of_namespaces_that_nobody_described_is_not_modelled() {
    let by_team = "namespaceSelector: {matchLabels: {team: a}}";
    let together = pod(&affinity("podAffinity", by_team));
    assert_eq!(together.unmodelled, [Unmodelled::PodAffinity]);
    let apart = pod(&affinity("podAntiAffinity", by_team));
    assert_eq!(apart.unmodelled, [Unmodelled::PodAntiAffinity]);
    // A running pod that wants others away wants them away everywhere then.
    assert_eq!(apart.near[0].namespaces, None);
    // Their names are enough where only those are asked for.
    let by_name = "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}";
    assert!(pod(&affinity("podAffinity", by_name)).unmodelled.is_empty());
}

#[rstest]
#[case("'-5'", -5)]
#[case("'2147483647'", i32::MAX)]
// kube-controller-manager goes by 0 where it is no number of 32 bits.
#[case("'2147483648'", 0)]
#[case("'cheap'", 0)]
#[case("''", 0)]
fn a_deletion_cost_is_a_number_or_none(#[case] text: &str, #[case] cost: i32) {
    let mut builder = ClusterBuilder::new();
    let annotations = format!("{{controller.kubernetes.io/pod-deletion-cost: {text}}}");
    let object = format!(
        "{{kind: Pod, metadata: {{name: p, annotations: {annotations}}}, spec: {{containers: [{{}}]}}}}"
    );
    builder.read("c.yaml", object.as_bytes()).unwrap();
    let seen = builder.finish(&PriceList::default(), &Aims::default());
    assert_eq!(seen.pods[0].deletion_cost, cost);
}
