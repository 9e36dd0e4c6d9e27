//! Plimsoll's own figures go to CloudWatch and can be read back as an application metric.

use crate::{CLUSTER, eyes, is_done, now, settings};
use act::aws::{Figure, Publisher};
use model::ids::WorkloadKey;
use model::snapshot::{Freshness, Source};
use observe::aws::AppMetric;
use plimsoll_tests::aws;
use plimsoll_tests::emulator::Emulator;
use plimsoll_tests::{skip, tools};
use std::collections::BTreeMap;

#[tokio::test]
async fn a_published_figure_is_a_metric_that_policies_can_have() {
    if let Err(why) = tools::emulators() {
        return skip::skip("CloudWatch", &why);
    }
    let ministack = Emulator::ministack().unwrap();
    let publisher = Publisher::new(&aws::sdk(&ministack.url).await, CLUSTER.to_owned());
    let figures = [
        Figure {
            name: "PendingPods",
            value: 12.5,
        },
        Figure {
            name: "Nonsense",
            value: f64::NAN,
        },
    ];
    is_done(&publisher.publish(now(), &figures).await);

    let metric = |name: &str, metric: &str| AppMetric {
        workload: WorkloadKey::new("Deployment", "shop", "worker"),
        name: name.to_owned(),
        namespace: "Plimsoll".to_owned(),
        metric: metric.to_owned(),
        dimensions: BTreeMap::from([("Cluster".to_owned(), CLUSTER.to_owned())]),
        stat: "Average".to_owned(),
        period: 60,
    };
    let mut settings = settings();
    settings.metrics = vec![metric("queue", "PendingPods"), metric("nonsense", "Nonsense")];
    let seen = eyes(&ministack.url, settings).await.capacity(now(), &[]).await;
    let told: Vec<(&str, i64)> = seen
        .metrics
        .iter()
        .map(|row| (row.metric.name.as_str(), row.metric.milli))
        .collect();
    assert_eq!(
        told,
        [("queue", 12_500)],
        "what has no point is left out, not zero"
    );
    assert_eq!(
        seen.metrics[0].workload,
        WorkloadKey::new("Deployment", "shop", "worker")
    );
    let age = now().since(seen.metrics[0].metric.at);
    assert!(age.secs() < 120, "{age}");
    assert_eq!(seen.sources[&Source::Metrics], Freshness::Live);
}
