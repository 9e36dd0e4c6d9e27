//! What is read of reviews and what is answered; what comes out for whole pods is told in `cycle` and
//! `tests/admission`.

use super::count::Outcome;
use super::review::{self, Labels};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::selector;
use serde_json::{Value, json};

fn label() -> selector::Labels {
    selector::Labels::from([("plimsoll.io/placement".to_owned(), "fargate".to_owned())])
}

fn review(request: &Value) -> Vec<u8> {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
        .to_string()
        .into_bytes()
}

fn pod(metadata: &Value) -> Value {
    json!({"uid": "u-1", "namespace": "shop", "operation": "CREATE",
        "object": {"metadata": metadata, "spec": {"containers": [{"name": "main"}]}}})
}

fn decoded(answer: &str) -> (Value, Option<Value>) {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let patch = answer["response"]["patch"].as_str().map(|patch| {
        assert_eq!(answer["response"]["patchType"], "JSONPatch");
        serde_json::from_slice(&STANDARD.decode(patch).unwrap()).unwrap()
    });
    (answer, patch)
}

#[test]
fn a_pod_is_read_as_it_will_be() {
    let asked = review::read(&review(&pod(&json!({"generateName": "web-"})))).unwrap();
    let pod = asked.pod.unwrap();
    assert_eq!((asked.uid.as_str(), pod.labels), ("u-1", Labels::None));
    assert_eq!(pod.spec.namespace, "shop");
}

#[test]
fn the_patch_adds_labels_and_nothing_else() {
    for (own, expected) in [
        (
            Labels::Some,
            json!([{"op": "add", "path": "/metadata/labels/plimsoll.io~1placement", "value": "fargate"}]),
        ),
        (
            Labels::None,
            json!([{"op": "add", "path": "/metadata/labels", "value": {"plimsoll.io/placement": "fargate"}}]),
        ),
    ] {
        let (answer, patch) = decoded(&review::answer("u-1", &Outcome::Placed(label(), own)));
        assert_eq!(answer["response"]["uid"], "u-1");
        assert_eq!(answer["response"]["allowed"], true);
        assert_eq!(patch, Some(expected));
    }
    let (answer, patch) = decoded(&review::answer("u-1", &Outcome::Shed));
    assert_eq!(
        (answer["response"]["allowed"].clone(), patch),
        (json!(true), None)
    );
}

#[test]
fn what_is_no_pod_being_created_is_answered_all_the_same() {
    for request in [
        json!({"uid": "u-1"}),
        json!({"uid": "u-1", "operation": "DELETE", "object": null}),
        json!({"uid": "u-1", "operation": "CREATE", "object": []}),
        json!({"uid": "u-1", "operation": "CREATE", "object": {"metadata": 7}}),
        json!({"uid": "u-1", "operation": "CREATE", "subResource": "binding", "object": pod(&json!({}))["object"]}),
        json!({"uid": "u-1", "operation": "CREATE", "object": {"metadata": {"labels": [1]}, "spec": {}}}),
        json!({"uid": "u-1", "operation": "CREATE", "object": {"metadata": {}, "spec": {"containers": "no"}}}),
        json!({"uid": "u-1", "operation": "CREATE", "object": {"metadata": {}, "spec": {"nodeName": "n"}}}),
    ] {
        let asked = review::read(&review(&request)).unwrap();
        assert!(asked.uid == "u-1" && asked.pod.is_none(), "{request}");
    }
    // Fields of other types than theirs.
    let odd = review(&json!({"uid": "u-2", "operation": 3, "object": true}));
    assert!(review::read(&odd).is_err());
    assert_eq!(review::uid(&odd).as_deref(), Some("u-2"));
}

#[test]
fn without_a_uid_there_is_no_answer() {
    let deep = format!("{{\"request\":{{\"uid\":\"u\",\"object\":{}", "[".repeat(100_000));
    for bytes in [
        b"".to_vec(),
        b"null".to_vec(),
        b"{}".to_vec(),
        b"{\"request\":{\"uid\":\"\"}}".to_vec(),
        b"{\"request\":{\"uid\":7}}".to_vec(),
        b"\xff\xfe".to_vec(),
        deep.into_bytes(),
        review(&json!({"uid": "x".repeat(1000)})),
    ] {
        assert_eq!(review::uid(&bytes), None);
        assert!(review::read(&bytes).is_err());
    }
}
