//! Application metrics from CloudWatch, as inputs of scaler policies.
//!
//! One GetMetricData per 500 metrics; the latest point within ten periods counts, with its own time stamp. A
//! metric without a point is left out: missing is not zero.

use super::sdk::AwsError;
use crate::capacity::WorkloadMetric;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric as CloudMetric, MetricDataQuery, MetricStat};
use model::ids::WorkloadKey;
use model::time::Instant;
use model::workload::Metric;
use std::collections::BTreeMap;

/// A CloudWatch metric that belongs to a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppMetric {
    /// Whose figure it is.
    pub workload: WorkloadKey,
    /// Name under which aims and policies know it.
    pub name: String,
    /// CloudWatch namespace, `AWS/SQS`.
    pub namespace: String,
    /// CloudWatch metric, `ApproximateNumberOfMessagesVisible`.
    pub metric: String,
    /// Dimensions.
    pub dimensions: BTreeMap<String, String>,
    /// Statistic: `Average`, `Sum`, `Maximum`, `p90`, …
    pub stat: String,
    /// Period in seconds: a multiple of 60, or 1, 5, 10, 30 for high resolution.
    pub period: i32,
}

const CALL: &str = "cloudwatch:GetMetricData";
const QUERIES_PER_CALL: usize = 500;

/// The latest value of each metric.
pub(super) async fn read(
    client: &Client,
    wanted: &[AppMetric],
    now: Instant,
) -> Result<Vec<WorkloadMetric>, AwsError> {
    let mut found = Vec::new();
    for chunk in wanted.chunks(QUERIES_PER_CALL) {
        let longest = chunk.iter().map(|m| i64::from(m.period)).max().unwrap_or(60);
        let queries = chunk
            .iter()
            .enumerate()
            .map(|(ix, metric)| query(ix, metric))
            .collect();
        let answer = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries))
            .start_time(DateTime::from_millis(now.0 - longest * 10_000))
            .end_time(DateTime::from_millis(now.0 + 60_000))
            .send()
            .await
            .map_err(|error| AwsError::of(CALL, &error))?;
        for result in answer.metric_data_results() {
            let ix = result
                .id()
                .and_then(|id| id.strip_prefix('m'))
                .and_then(|ix| ix.parse::<usize>().ok());
            let Some(metric) = ix.and_then(|ix| chunk.get(ix)) else {
                continue;
            };
            let points = result.timestamps().iter().zip(result.values());
            let latest = points
                .filter_map(|(at, value)| Some((at.to_millis().ok()?, *value)))
                .max_by_key(|(at, _)| *at);
            found.extend(latest.and_then(|(at, value)| row(metric, at, value)));
        }
    }
    Ok(found)
}

fn query(ix: usize, metric: &AppMetric) -> MetricDataQuery {
    let dimensions = metric
        .dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let source = CloudMetric::builder()
        .namespace(&metric.namespace)
        .metric_name(&metric.metric)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let stat = MetricStat::builder()
        .metric(source)
        .period(metric.period)
        .stat(&metric.stat)
        .build();
    MetricDataQuery::builder()
        .id(format!("m{ix}"))
        .metric_stat(stat)
        .return_data(true)
        .build()
}

/// A value as a row; values that are no number or beyond i64 are left out.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the range is checked first"
)]
fn row(metric: &AppMetric, at: i64, value: f64) -> Option<WorkloadMetric> {
    let milli = value * 1000.0;
    (milli.is_finite() && milli.abs() < i64::MAX as f64).then(|| WorkloadMetric {
        workload: metric.workload.clone(),
        metric: Metric {
            name: metric.name.clone(),
            milli: milli.round() as i64,
            at: Instant(at),
            pods: 0,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_thousandths_and_nonsense_becomes_nothing() {
        let metric = AppMetric {
            workload: WorkloadKey::new("Deployment", "shop", "worker"),
            name: "queue".into(),
            namespace: "AWS/SQS".into(),
            metric: "ApproximateNumberOfMessagesVisible".into(),
            dimensions: BTreeMap::new(),
            stat: "Average".into(),
            period: 60,
        };
        assert_eq!(row(&metric, 5, 12.5).unwrap().metric.milli, 12_500);
        assert_eq!(row(&metric, 5, f64::NAN), None);
        assert_eq!(row(&metric, 5, 1e300), None);
    }
}
