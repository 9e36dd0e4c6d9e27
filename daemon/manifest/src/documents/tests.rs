//! Forms of files, and what hostile ones are answered.

use super::{each_object, objects, single};
use crate::object::Object;
use crate::pod::PodObject;
use model::pod::{NearRule, PodPhase};
use model::selector::Operator;
use proptest::prelude::*;
use std::fmt::Write;

fn pods(file: &str, text: &str) -> Vec<PodObject> {
    let objects = objects(file, text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    objects
        .into_iter()
        .map(|object| match object {
            Object::Pod(pod) => *pod,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn complaint(text: &str) -> String {
    objects("f.yaml", text.as_bytes()).expect_err(text).to_string()
}

#[test]
fn all_forms_of_lists_give_the_same_pods() {
    let bare = r#"{"metadata":{"name":"a"},"spec":{"containers":[{}]}}"#;
    let full = r#"{"kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{}]}}"#;
    let forms = [
        format!("{full}\n"),
        format!(r#"{{"kind":"List","items":[{full}]}}"#),
        format!(r#"{{"items":[{full}],"kind":"List"}}"#),
        format!(r#"{{"kind":"PodList","items":[{bare}]}}"#),
        format!(r#"{{"items":[{bare}],"kind":"PodList"}}"#),
        format!("# comment\n---\n{full}\n---\n"),
        format!("%YAML 1.2\n---\nkind: List\nitems:\n- {full}\n...\n"),
        format!(
            r#"{{"NodeList":[{{"Node":null,"Pods":[{bare}]}}],"TemplateNodes":{{"g":{{"Node":{{}}}}}}}}"#
        ),
        format!(r#"{{"UnscheduledPodsCanBeScheduled":[{bare}],"Error":""}}"#),
    ];
    for form in &forms {
        for file in ["a.yaml", "a.json", "-"] {
            if file == "a.json" && !form.starts_with('{') {
                continue;
            }
            let pods = pods(file, form);
            assert_eq!(pods.len(), 1, "{file}: {form}");
            assert_eq!(pods[0].key.to_string(), "default/a");
        }
    }
    assert_eq!(pods("two.json", &format!("{full}\n{full}")).len(), 2);
    assert_eq!(pods("two.yaml", &format!("---\n{full}\n--- \n{full}")).len(), 2);
    assert_eq!(pods("two.yaml", &format!("{full}\n---\n{full}")).len(), 2);
    assert_eq!(pods("none.json", r#"{"kind":"List","items":[]}"#).len(), 0);
}

#[test]
fn mistakes_name_file_object_and_field() {
    let table = [
        ("", "f.yaml: holds no objects"),
        ("# only a comment\n---\n", "f.yaml: holds no objects"),
        (
            "[1, 2, 3]",
            "f.yaml: invalid type: sequence, expected a Kubernetes object",
        ),
        ("just text", "f.yaml: "),
        ("a: [", "f.yaml:1: "),
        ("kind: Pod\nmetadata: {name: a}\n  x: y", "f.yaml:3: "),
        ("{\"kind\": \"Pod\", ", "f.yaml:1: "),
        ("kind: 7", "f.yaml: kind: must be text, is a number"),
        ("metadata: {name: a}", "f.yaml: metadata"),
        (
            "kind: List\nitems: [1, {kind: Pod, metadata: {name: a}, spec: {}}]",
            "f.yaml: items[0]: not a Kubernetes object but a number",
        ),
        ("kind: List\nitems: {a: b}", "f.yaml:2: "),
        ("kind: Pod\nspec: {}", "f.yaml: Pod: metadata.name: is missing"),
        (
            "kind: Pod\nmetadata: {name: a}",
            "f.yaml: Pod a: spec: is missing",
        ),
        (
            "kind: Pod\nmetadata: {name: a, namespace: n}\nspec: {containers: [{resources: {requests: {cpu: 1x}}}]}",
            "f.yaml: Pod n/a: spec.containers[0].resources.requests.cpu: \"1x\": unknown unit",
        ),
        (
            "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{resources: {requests: {memory: -1Gi}}}]}",
            "f.yaml: Pod a: spec.containers[0].resources.requests.memory: \"-1Gi\": must not be negative",
        ),
        (
            "kind: Pod\nmetadata: {name: a}\nspec: {containers: no}",
            "f.yaml: Pod a: spec.containers: must be a list, is text",
        ),
        (
            "kind: Pod\nmetadata: {name: a}\nspec: {tolerations: [{operator: Maybe, key: k}]}",
            "f.yaml: Pod a: spec.tolerations[0].operator: unknown operator \"Maybe\"",
        ),
    ];
    for (text, wanted) in table {
        let got = complaint(text);
        let wanted = if wanted == "f.yaml: metadata" {
            "f.yaml: "
        } else {
            wanted
        };
        assert!(
            got.starts_with(wanted),
            "{text}\n  wanted {wanted}\n  got    {got}"
        );
        assert!(!got.contains('\u{1b}') && got.lines().count() == 1, "{got}");
    }
}

#[test]
fn all_mistakes_come_at_once() {
    let text = "kind: Pod\nmetadata: {name: a, creationTimestamp: soon}\nspec: {nodeName: 7, containers: [{resources: {requests: {cpu: 1x, memory: -1}}}]}";
    assert_eq!(complaint(text).lines().count(), 4, "{}", complaint(text));
}

#[test]
fn bombs_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = n - 1;
        let _ = writeln!(
            bomb,
            "a{n}: &a{n} [{}]",
            vec![format!("*a{before}"); 10].join(", ")
        );
    }
    assert!(complaint(&bomb).starts_with("f.yaml"), "{}", complaint(&bomb));
    let deep = format!("kind: Pod\nmetadata: {}{}", "{a: ".repeat(5000), "}".repeat(5000));
    assert!(complaint(&deep).starts_with("f.yaml"));
    let deep = format!("{{\"kind\": {}", "[".repeat(100_000));
    assert!(complaint(&deep).starts_with("f.yaml"));
    assert!(
        objects("f.yaml", &[0xff, 0xfe, 0x00])
            .unwrap_err()
            .to_string()
            .contains("not UTF-8")
    );
}

#[test]
fn the_bound_is_for_an_object_and_not_for_each_of_its_fields() {
    let refusal = |text: &str| objects("f.json", text.as_bytes()).unwrap_err().to_string();
    let field = "0,".repeat(150_000);
    let object = format!(r#"{{"kind":"Pod","a":[{field}0],"b":[{field}0],"c":[{field}0]}}"#);
    assert!(refusal(&object).contains("400000 values"), "{}", refusal(&object));
    let fields = format!("{{{}\"kind\":\"Pod\"}}", "\"a\":0,".repeat(500_000));
    assert!(refusal(&fields).contains("400000 values"), "{}", refusal(&fields));
    let item = format!(r#"{{"a":[{}0]}}"#, "0,".repeat(300_000));
    let items = format!(
        r#"{{"items":[{}],"kind":"PodList"}}"#,
        [item.as_str(); 8].join(",")
    );
    assert!(
        refusal(&items).contains("too many items without a kind"),
        "{}",
        refusal(&items)
    );
}

#[test]
fn documents_in_a_row_are_counted_by_line_and_end_in_a_flood() {
    let good = "{\"kind\": \"Namespace\",\n \"metadata\": {\"name\": \"a\"}}\n\n";
    let text = format!("\n{}{{\"kind\":\n ?}}", good.repeat(3));
    let told = objects("f.json", text.as_bytes()).unwrap_err().to_string();
    assert!(told.starts_with("f.json:12: "), "{told}");
    for (file, between) in [("f.json", "\n"), ("f.yaml", "\n---\n")] {
        let bad: Vec<String> = (0..9000)
            .map(|n| format!(r#"{{"kind":"Pod","metadata":{{"name":"p{n}"}}}}"#))
            .collect();
        let told = objects(file, bad.join(between).as_bytes())
            .unwrap_err()
            .to_string();
        assert!(told.ends_with("… and 1002 more"), "{told}");
    }
}

#[test]
fn a_pod_is_read_whole() {
    let text = "
kind: Pod
metadata:
  name: p
  namespace: n
  annotations: {karpenter.sh/do-not-disrupt: 'true', note: x, cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes: 'tmp, x'}
spec:
  hostNetwork: true
  schedulerName: default-scheduler
  priority: 2000001000
  nodeSelector: {disk: ssd}
  overhead: {cpu: 10m}
  tolerations: [{operator: Exists}, {key: a, value: b, effect: NoSchedule}, {key: plimsoll.io/starting, operator: Exists}]
  containers:
  - {resources: {requests: {cpu: 100m, nvidia.com/gpu: 1}, limits: {cpu: 1, memory: 1Gi}}, ports: [{containerPort: 80}]}
  - {resources: {requests: {cpu: 0.2}}, securityContext: {privileged: true}}
  initContainers:
  - {restartPolicy: Always, resources: {requests: {cpu: 50m}}}
  - {resources: {requests: {cpu: 900m}}}
  volumes: [{name: tmp, emptyDir: {}}, {name: mem, emptyDir: {medium: Memory}}, {name: etc, hostPath: {path: /etc}}]
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions: [{key: cores, operator: Gt, values: ['3']}]
          matchFields: [{key: metadata.name, operator: In, values: [n1]}]
      preferredDuringSchedulingIgnoredDuringExecution:
      - {weight: 40, preference: {matchExpressions: [{key: zone, operator: In, values: [a]}]}}
      - {weight: 7, preference: {}}
    podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone}]}
  topologySpreadConstraints:
  - {whenUnsatisfiable: ScheduleAnyway}
  - {whenUnsatisfiable: ScheduleAnyway, topologyKey: topology.kubernetes.io/zone, maxSkew: 2, labelSelector: {matchLabels: {app: a}}}
status: {nominatedNodeName: n2}
";
    let pod = pods("p.yaml", text).remove(0);
    let spec = &pod.spec;
    // 100m + 200m + sidecar 50m = 350m; the second init container needs 900m beside the sidecar: 950m; + 10m.
    assert_eq!(
        (spec.requests.cpu_milli, spec.requests.memory_bytes),
        (960, 1 << 30)
    );
    assert_eq!(spec.requests.amount("nvidia.com/gpu"), 1);
    assert_eq!(
        (spec.priority, spec.scheduler.as_str(), spec.annotations.len()),
        (2_000_001_000, "", 2)
    );
    let traits = spec.traits;
    assert!(
        traits.host_network
            && traits.privileged
            && traits.host_port
            && traits.host_path
            && traits.do_not_disrupt
            && traits.spreads
    );
    assert!(!traits.local_storage && !traits.claims_volume && !traits.mirror);
    assert_eq!(spec.unmodelled, []);
    assert_eq!(
        (spec.near.len(), spec.near[0].key.as_str(), spec.near[0].rule),
        (1, "zone", NearRule::Apart)
    );
    assert!(!spec.near[0].selects(spec), "no selector selects nothing");
    assert_eq!(spec.host_ports.len(), 1);
    let terms = spec.node_affinity.as_ref().unwrap();
    assert_eq!((terms.len(), &terms[0].labels[0].operator), (1, &Operator::Gt(3)));
    assert_eq!(
        spec.tolerations.len(),
        2,
        "being let in through the startup taint tells pods apart for nothing"
    );
    let preferred: Vec<_> = spec
        .prefers
        .iter()
        .map(|liked| (liked.weight, liked.term.labels[0].key.as_str()))
        .collect();
    assert_eq!(preferred, [(40, "zone")], "an empty term prefers nothing");
    let soft: Vec<_> = spec
        .soft_spread
        .iter()
        .map(|near| (near.key.as_str(), near.rule))
        .collect();
    let rule = NearRule::Spread { skew: 2, domains: 1 };
    assert_eq!(
        soft,
        [("topology.kubernetes.io/zone", rule)],
        "one without a key spreads over nothing"
    );
    assert_eq!(
        (pod.phase, pod.nominated.unwrap().as_str()),
        (PodPhase::Pending, "n2")
    );
}

#[test]
fn pod_level_resources_replace_the_sum() {
    let cpu = |resources: &str, container: &str| {
        let text = format!(
            "kind: Pod\nmetadata: {{name: a}}\nspec: {{resources: {resources}, containers: [{{resources: {container}}}]}}"
        );
        pods("p.yaml", &text).remove(0).spec.requests.cpu_milli
    };
    assert_eq!(cpu("{requests: {cpu: 2}}", "{requests: {cpu: 5}}"), 2000);
    assert_eq!(cpu("{limits: {cpu: 2}}", "{requests: {cpu: 1}}"), 1000);
    assert_eq!(cpu("{limits: {cpu: 2}}", "{}"), 2000);
}

#[test]
fn a_huge_request_saturates() {
    let text = "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{resources: {requests: {cpu: 1E, memory: '1e400'}}}, {resources: {requests: {cpu: 1E}}}]}";
    assert_eq!(pods("p.yaml", text).remove(0).spec.requests.cpu_milli, i64::MAX);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = each_object("f", &bytes, &mut |_| {});
        let _ = single("f", &bytes);
    }

    #[test]
    fn no_shape_of_a_pod_panics(key in "[a-zA-Z]{1,12}", value in "(\\[|\\{|[a-z0-9: ,'\"-]){0,20}") {
        for path in ["spec: {", "metadata: {name: a, ", "status: {", "spec: {containers: [{resources: {requests: {", "spec: {affinity: {"] {
            let _ = each_object("f", format!("kind: Pod\n{path}{key}: {value}").as_bytes(), &mut |_| {});
        }
    }
}
