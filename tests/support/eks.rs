//! What EKS does to pods that a Fargate profile selects: its own mutating webhook, as it was seen in an audit log
//! (reference: 0500-amazon-eks-fargate-mutation.amazonaws.com, failure policy Ignore, reinvocation Never).
//!
//! Only what placing rests on: the scheduler and the label of the profile. Not here: priorities, the nodes of Fargate.

use crate::Result;
use crate::cluster::Api;
use crate::https::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Name of its registration.
pub const REGISTRATION: &str = "0500-amazon-eks-fargate-mutation.amazonaws.com";
/// Label that it sets.
pub const PROFILE: &str = "eks.amazonaws.com/fargate-profile";
/// Scheduler that it sets.
pub const SCHEDULER: &str = "fargate-scheduler";

const PATH: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

/// The webhook of a cluster with one profile; its registration stays until `leave`.
pub struct Eks {
    _server: Server,
    api: Api,
}

impl Eks {
    /// Registers it: pods of these namespaces that carry the label belong to the profile.
    pub async fn with_profile(
        api: &Api,
        profile: &str,
        namespace: &str,
        label: (&str, &str),
    ) -> Result<Self> {
        let (profile, namespace) = (profile.to_owned(), namespace.to_owned());
        let label = (label.0.to_owned(), label.1.to_owned());
        let server = Server::start(move |body| mutate(body, &profile, &namespace, &label)).await?;
        let webhook = json!({
            "name": REGISTRATION,
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Ignore",
            "reinvocationPolicy": "Never",
            "timeoutSeconds": 5,
            "clientConfig": {
                "url": format!("https://{}/mutate", server.address),
                "caBundle": STANDARD.encode(&server.certificate),
            },
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        });
        api.create(
            PATH,
            json!({"metadata": {"name": REGISTRATION}, "webhooks": [webhook]}),
        )
        .await?;
        Ok(Self {
            _server: server,
            api: api.clone(),
        })
    }

    /// Takes the registration away.
    pub async fn leave(self) -> Result<()> {
        self.api.delete(&format!("{PATH}/{REGISTRATION}")).await
    }
}

fn mutate(body: &[u8], profile: &str, namespace: &str, label: &(String, String)) -> Vec<u8> {
    let review: Value = serde_json::from_slice(body).unwrap_or_default();
    let request = &review["request"];
    let selected = request["namespace"] == namespace
        && request["object"]["metadata"]["labels"][&label.0] == label.1.as_str();
    let mut response = json!({"uid": request["uid"], "allowed": true});
    if selected {
        let patch = json!([
            {"op": "add", "path": "/spec/schedulerName", "value": SCHEDULER},
            {"op": "add", "path": "/metadata/labels/eks.amazonaws.com~1fargate-profile", "value": profile},
        ]);
        response["patchType"] = json!("JSONPatch");
        response["patch"] = json!(STANDARD.encode(patch.to_string()));
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
        .to_string()
        .into_bytes()
}
