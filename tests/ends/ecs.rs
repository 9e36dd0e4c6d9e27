//! ECS as the daemon reads it beside the cluster: what moto's account holds, with how many calls, and what it comes to.

use crate::{On, now};
use manifest::ClusterBuilder;
use model::beside::{EcsClusters, EcsPicture};
use model::pod::PodPhase;
use model::resources::MIB;
use model::time::Span;
use model::{Aims, Snapshot};
use observe::aws::ecs::Ecs;
use plimsoll_tests::aws;
use plimsoll_tests::proxy::{Fault, Proxy};
use serde_json::json;

async fn eyes(url: &str, clusters: EcsClusters) -> Ecs {
    Ecs::new(&aws::sdk(url).await, clusters)
}

/// As `--cluster` reads it.
fn planned(picture: &EcsPicture) -> Snapshot {
    let mut builder = ClusterBuilder::new();
    let read = builder.read("ecs.json", picture.documents.join("\n").as_bytes());
    assert!(read.is_ok(), "{read:?}");
    assert!(builder.missing().is_empty(), "{:?}", builder.missing());
    builder.finish(&manifest::built_in(), &Aims::default())
}

/// Calls so far, by name, and forgets them.
fn called(proxy: &Proxy) -> Vec<String> {
    let calls = proxy.calls().into_iter().map(|call| call.action).collect();
    assert!(proxy.mutating().is_empty(), "{:?}", proxy.mutating());
    proxy.forget();
    calls
}

#[tokio::test]
async fn an_account_is_read_with_few_calls_and_planned_as_from_files() {
    let Some((moto, account)) = On::Moto.ground("AWS eyes: ECS").await else {
        return;
    };
    let placed = account.network().await.unwrap();
    let placed = json!({"awsvpcConfiguration": placed});
    let web = json!({"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "512", "memory": "1024", "containerDefinitions":
        [{"name": "c", "image": "i", "memory": 512, "environment": [{"name": "TOKEN", "value": "hunter2"}]}]});
    let service = json!({"cluster": "shop", "serviceName": "web", "taskDefinition": "web", "desiredCount": 3,
        "launchType": "FARGATE", "networkConfiguration": placed});
    let task = json!({"cluster": "shop", "taskDefinition": "web", "launchType": "FARGATE", "count": 2,
        "networkConfiguration": placed});
    for (call, body) in [
        (
            "CreateCluster",
            json!({"clusterName": "shop", "capacityProviders": ["FARGATE"]}),
        ),
        ("CreateCluster", json!({"clusterName": "other"})),
        ("RegisterTaskDefinition", web),
        ("CreateService", service),
        ("RunTask", task.clone()),
    ] {
        account.ecs(call, &body).await.unwrap();
    }
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let named = EcsClusters::Named(vec!["shop".to_owned()]);
    let mut eyes = eyes(&proxy.url, named).await;
    let at = now();
    let picture = eyes.read(at).await;
    assert_eq!(picture.trouble, Vec::<String>::new());
    let counts = (
        picture.clusters,
        picture.services,
        picture.tasks,
        picture.instances,
    );
    assert_eq!(counts, (1, 1, 2, 0));
    assert!(!picture.documents.join("\n").contains("hunter2"));
    assert_eq!(
        called(&proxy),
        [
            "DescribeClusters",
            "ListServices",
            "DescribeServices",
            "ListTasks",
            "DescribeTasks",
            "ListContainerInstances",
            "DescribeTaskDefinition"
        ]
    );
    let seen = planned(&picture);
    assert_eq!(seen.workloads[0].key.to_string(), "EcsService shop/web");
    assert_eq!(seen.workloads[0].replicas, 3);
    let spec = seen.spec(seen.workloads[0].template.unwrap());
    assert_eq!(
        (spec.requests.cpu_milli, spec.requests.memory_bytes),
        (500, 1024 * MIB)
    );
    let of_service = seen.pods.iter().filter(|pod| seen.spec(pod.spec).owner.is_some());
    assert_eq!(of_service.count(), 3, "its replicas are to come");
    assert_eq!(seen.pods.iter().filter(|pod| pod.node.is_some()).count(), 2);
    assert!(seen.pods.iter().all(|pod| pod.phase != PodPhase::Finished));
    assert!(seen.offers.iter().any(model::Offer::is_fargate));

    // Nothing moves: the counts are all that is asked for.
    let minute = |number: i64| at + Span::from_secs(60 * number);
    for number in 1..10 {
        assert_eq!(eyes.read(minute(number)).await.documents, picture.documents);
        assert_eq!(called(&proxy), ["DescribeClusters"]);
    }
    // Something does: what is new is described, and what is known is not.
    account.ecs("RunTask", &task).await.unwrap();
    let after = eyes.read(minute(10)).await;
    assert_eq!(after.tasks, 4);
    assert!(!called(&proxy).contains(&"DescribeTaskDefinition".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_keeps_its_rows() {
    let Some((moto, account)) = On::Moto.ground("AWS eyes: ECS in trouble").await else {
        return;
    };
    for name in ["a", "b"] {
        let body = json!({ "clusterName": name });
        account.ecs("CreateCluster", &body).await.unwrap();
    }
    let proxy = Proxy::before(&moto.url).await.unwrap();
    let mut all = eyes(&proxy.url, EcsClusters::All).await;
    let at = now();
    assert_eq!(all.read(at).await.clusters, 2);
    // As often as the SDK tries.
    for _ in 0..3 {
        proxy.fault("DescribeClusters", Fault::Refuse);
    }
    let picture = all.read(at + Span::from_secs(60)).await;
    assert_eq!(picture.clusters, 2, "the last rows stay");
    assert!(
        picture.trouble[0].starts_with("ecs:DescribeClusters: "),
        "{picture:?}"
    );
    let named = EcsClusters::Named(vec!["a".to_owned(), "nowhere".to_owned()]);
    let picture = eyes(&proxy.url, named).await.read(at).await;
    assert_eq!(picture.clusters, 1);
    let told = picture.trouble.join("; ");
    assert!(told.contains("cluster/nowhere: MISSING"), "{told}");
}
