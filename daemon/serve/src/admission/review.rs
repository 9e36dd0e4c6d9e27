//! AdmissionReview of `admission.k8s.io/v1`: what is read of it, and the answer (Kubernetes, "Dynamic Admission
//! Control").
//!
//! An answer always allows. Its patch only ever adds labels that are not there.

use super::count::Outcome;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use manifest::Tree;
use model::pod::PodSpec;
use serde::Deserialize;
use serde_json::{Value, json};

/// What is asked.
pub(super) struct Asked {
    pub(super) uid: String,
    pub(super) namespace: String,
    /// `None`: nothing that could be read as a pod that is created.
    pub(super) pod: Option<AskedPod>,
}

/// The pod as it would be created.
pub(super) struct AskedPod {
    pub(super) spec: PodSpec,
    pub(super) labels: Labels,
}

/// Whether the pod carries labels at all: what a patch has to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Labels {
    /// It has some.
    #[default]
    Some,
    /// There is no mapping of labels yet.
    None,
}

/// It is no review.
#[derive(Debug)]
pub(super) struct Unreadable;

#[derive(Deserialize)]
struct Review {
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    uid: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    operation: String,
    #[serde(default, rename = "subResource")]
    sub_resource: String,
    #[serde(default)]
    object: Option<Tree>,
}

#[derive(Deserialize)]
struct Bare {
    request: Uid,
}

#[derive(Deserialize)]
struct Uid {
    uid: String,
}

/// The uid alone; `None` where there is none that could be answered.
pub(super) fn uid(bytes: &[u8]) -> Option<String> {
    let bare: Bare = serde_json::from_slice(bytes).ok()?;
    Some(bare.request.uid).filter(|uid| is_uid(uid))
}

/// The review.
pub(super) fn read(bytes: &[u8]) -> Result<Asked, Unreadable> {
    let Review { request } = serde_json::from_slice(bytes).map_err(|_| Unreadable)?;
    if !is_uid(&request.uid) {
        return Err(Unreadable);
    }
    let created = request.operation == "CREATE" && request.sub_resource.is_empty();
    let pod = request
        .object
        .filter(|_| created)
        .and_then(|object| pod(object, &request.namespace));
    Ok(Asked {
        uid: request.uid,
        namespace: request.namespace,
        pod,
    })
}

/// Text that can stand in an answer: the API server makes UUIDs.
fn is_uid(uid: &str) -> bool {
    !uid.is_empty() && uid.len() <= 128
}

/// The pod, named and placed in its namespace as the API server is about to do.
fn pod(mut object: Tree, namespace: &str) -> Option<AskedPod> {
    let Tree::Map(entries) = &mut object else {
        return None;
    };
    let Tree::Map(meta) = &mut entries.iter_mut().rfind(|(key, _)| key == "metadata")?.1 else {
        return None;
    };
    let labels = match meta.iter().rfind(|(key, _)| key == "labels") {
        Some((_, Tree::Map(_))) => Labels::Some,
        None | Some((_, Tree::Null)) => Labels::None,
        Some(_) => return None,
    };
    for (key, value) in [("name", "asked"), ("namespace", namespace)] {
        if !meta
            .iter()
            .any(|(known, value)| known == key && *value != Tree::Null)
        {
            meta.push((key.to_owned(), Tree::Text(value.to_owned())));
        }
    }
    let (read, problems) = manifest::pod_from(&object);
    (problems.is_empty() && read.node.is_none()).then_some(AskedPod {
        spec: read.spec,
        labels,
    })
}

/// The answer, as JSON.
pub(super) fn answer(uid: &str, outcome: &Outcome) -> String {
    let mut response = json!({"uid": uid, "allowed": true});
    if let Outcome::Placed(label, own) = outcome {
        response["patchType"] = json!("JSONPatch");
        response["patch"] = json!(STANDARD.encode(patch(label, *own).to_string()));
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).to_string()
}

/// A JSON patch (RFC 6902) that adds the labels.
fn patch(label: &model::selector::Labels, own: Labels) -> Value {
    match own {
        Labels::None => json!([{"op": "add", "path": "/metadata/labels", "value": label}]),
        Labels::Some => label
            .iter()
            .map(|(key, value)| {
                let key = key.replace('~', "~0").replace('/', "~1");
                json!({"op": "add", "path": format!("/metadata/labels/{key}"), "value": value})
            })
            .collect(),
    }
}
