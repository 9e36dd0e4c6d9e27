//! Plimsoll's own figures in CloudWatch (namespace `Plimsoll`); off unless the configuration says otherwise.
//!
//! One PutMetricData per call, never more than 25 figures: custom metrics are billed by the month. A figure that
//! could not be sent is dropped: Prometheus has them all.

use super::sdk;
use crate::answer::cut;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit};
use model::outcome::Outcome;
use model::time::Instant;

const NAMESPACE: &str = "Plimsoll";
const MOST: usize = 25;

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// `PendingPods`, `HourlyCostUSD`, …
    pub name: &'static str,
    /// Value; what is no number is dropped.
    pub value: f64,
}

/// Publishes figures of one cluster.
pub struct Publisher {
    client: Client,
    cluster: String,
}

impl Publisher {
    /// A publisher over an SDK configuration; no call is made yet.
    pub fn new(sdk: &aws_config::SdkConfig, cluster: String) -> Self {
        Self {
            client: sdk::cloudwatch(sdk),
            cluster,
        }
    }

    /// Sends up to 25 figures measured at `at`.
    pub async fn publish(&self, at: Instant, figures: &[Figure]) -> Outcome {
        let usable = figures.iter().filter(|f| f.value.is_finite()).take(MOST);
        let data: Vec<MetricDatum> = usable.map(|figure| self.datum(at, figure)).collect();
        if data.is_empty() {
            return Outcome::done();
        }
        let sent = self
            .client
            .put_metric_data()
            .namespace(NAMESPACE)
            .set_metric_data(Some(data))
            .send()
            .await;
        match sent {
            Ok(_) => Outcome::done(),
            Err(error) => sdk::outcome("cloudwatch:PutMetricData", &error),
        }
    }

    fn datum(&self, at: Instant, figure: &Figure) -> MetricDatum {
        MetricDatum::builder()
            .metric_name(figure.name)
            .dimensions(
                Dimension::builder()
                    .name("Cluster")
                    .value(cut(&self.cluster))
                    .build(),
            )
            .timestamp(DateTime::from_millis(at.0))
            .value(figure.value)
            .unit(StandardUnit::None)
            .build()
    }
}
