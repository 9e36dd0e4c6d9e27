//! Other autoscalers, asked for by name: their leases, the Cluster Autoscaler's status, Karpenter's node pools.
//!
//! A few small reads every now and then, none of which must succeed: what is not there (404), no kind of this cluster, or
//! not ours to read (403) is no sign. While the API server does not answer, what was read last stays, and its leases run
//! out by themselves. Not here: what the signs mean (`manifest::autoscalers`, `model::autoscaler`).

use kube::{Client, Error};
use manifest::{Sign, Tree, sign_from};
use model::autoscaler::{Autoscaler, LEASES, NAMESPACES, STATUS};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// From one round to the next: a leader renews its lease every 2 s for 15 s, and nothing hurries here.
const EVERY: Duration = Duration::from_secs(10);
/// One answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Node pools are a handful; no more are read of them.
const POOLS: &str = "/apis/karpenter.sh/v1/nodepools?limit=100";

/// What was read last.
#[derive(Default)]
pub(crate) struct Others {
    known: Mutex<Vec<Autoscaler>>,
}

impl Others {
    /// Other autoscalers, those that have stopped included.
    pub(crate) fn known(&self) -> Vec<Autoscaler> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn(&self, found: Vec<Autoscaler>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }
}

/// Asks again and again, until the task is dropped.
pub(crate) async fn follow(client: Client, others: &Others) {
    loop {
        if let Ok(signs) = look(&client).await {
            others.learn(manifest::autoscalers(signs));
        }
        sleep(EVERY).await;
    }
}

/// One round; an error where the API server gave no answer to one of the questions.
async fn look(client: &Client) -> Result<Vec<Sign>, String> {
    let mut signs = Vec::new();
    for namespace in NAMESPACES {
        for (_, name) in LEASES {
            let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}");
            let lease = get(client, &path).await?;
            signs.extend(lease.and_then(|tree| sign_from("Lease", &tree)));
        }
    }
    let status = format!("/api/v1/namespaces/kube-system/configmaps/{STATUS}");
    let status = get(client, &status).await?;
    signs.extend(status.and_then(|tree| sign_from("ConfigMap", &tree)));
    let pools = get(client, POOLS).await?;
    if let Some(Tree::List(items)) = pools.as_ref().and_then(|list| list.get("items")) {
        let names = items
            .iter()
            .filter_map(|item| item.get("metadata")?.get("name")?.text());
        signs.extend(names.map(|name| Sign::Pool(name.to_owned())));
    }
    Ok(signs)
}

/// The object, or nothing where there is none for us.
async fn get(client: &Client, path: &str) -> Result<Option<Tree>, String> {
    let request = http::Request::get(path)
        .body(Vec::new())
        .map_err(|error| error.to_string())?;
    match timeout(ANSWER, client.request::<Tree>(request)).await {
        Ok(Ok(tree)) => Ok(Some(tree)),
        Ok(Err(Error::Api(status))) if matches!(status.code, 403 | 404) => Ok(None),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("{path}: no answer within {}s", ANSWER.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Answer, Script, status};
    use model::autoscaler::AutoscalerKind;
    use serde_json::json;

    fn lease(name: &str) -> Answer {
        let lease = json!({"metadata": {"namespace": "kube-system", "name": name},
            "spec": {"holderIdentity": "pod-0", "leaseDurationSeconds": 15,
                "renewTime": "2026-01-01T00:00:00.000000Z"}});
        (200, lease.to_string())
    }

    #[tokio::test]
    async fn what_is_not_there_or_not_ours_to_read_is_no_fault() {
        for (code, reason) in [(404, "NotFound"), (403, "Forbidden")] {
            let script = Script::new((0..6).map(|_| status(code, reason)));
            assert_eq!(look(&script.client()).await, Ok(Vec::new()));
            assert_eq!(
                script.lines().len(),
                6,
                "six small reads, whatever the cluster's size"
            );
        }
        let script = Script::new([status(503, "ServiceUnavailable")]);
        assert!(look(&script.client()).await.is_err(), "no answer is no news");
    }

    #[tokio::test]
    async fn leases_status_and_node_pools_are_found() {
        let none = || status(404, "NotFound");
        let text = "nodeGroups: [{name: web}]";
        let told =
            json!({"metadata": {"namespace": "kube-system", "name": STATUS}, "data": {"status": text}});
        let pools = json!({"items": [{"metadata": {"name": "gpu"}}, {"metadata": {"name": "general"}}]});
        let script = Script::new([
            lease("cluster-autoscaler"),
            lease("karpenter-leader-election"),
            none(),
            none(),
            (200, told.to_string()),
            (200, pools.to_string()),
        ]);
        let found = manifest::autoscalers(look(&script.client()).await.unwrap());
        let kinds: Vec<AutoscalerKind> = found.iter().map(|other| other.kind).collect();
        assert_eq!(
            kinds,
            [AutoscalerKind::ClusterAutoscaler, AutoscalerKind::Karpenter]
        );
        assert_eq!(
            (&*found[0].groups, &*found[1].pools),
            (
                &["web".to_owned()][..],
                &["general".to_owned(), "gpu".to_owned()][..]
            )
        );
        assert_eq!(
            script.lines()[0],
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/cluster-autoscaler"
        );
    }
}
