//! Application metrics from CloudWatch, as inputs of scaler policies.
//!
//! One GetMetricData per 500 metrics of a period, read page by page; the latest point within ten periods counts,
//! with its own time stamp. A metric without a point is left out: missing is not zero.

use super::sdk::AwsError;
use crate::capacity::WorkloadMetric;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric as CloudMetric, MetricDataQuery, MetricDataResult, MetricStat,
};
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
/// Periods that are looked back.
const PERIODS: i64 = 10;

/// Number of a metric in its call, the time of its latest point, and the value.
type Latest = BTreeMap<usize, (i64, f64)>;

/// The latest value of each metric. Metrics of one period are asked for together: the time that is looked back is
/// theirs.
pub(super) async fn read(
    client: &Client,
    wanted: &[AppMetric],
    now: Instant,
) -> Result<Vec<WorkloadMetric>, AwsError> {
    let mut by_period: BTreeMap<i32, Vec<&AppMetric>> = BTreeMap::new();
    for metric in wanted {
        by_period.entry(metric.period).or_default().push(metric);
    }
    let mut found = Vec::new();
    for (period, metrics) in by_period {
        for chunk in metrics.chunks(QUERIES_PER_CALL) {
            let latest = ask(client, chunk, now, oldest(period, now)).await?;
            let rows = latest
                .into_iter()
                .filter_map(|(ix, (at, value))| row(chunk.get(ix)?, at, value));
            found.extend(rows);
        }
    }
    Ok(found)
}

/// Time of the oldest point that still says something.
fn oldest(period: i32, now: Instant) -> i64 {
    now.0 - i64::from(period) * PERIODS * 1000
}

async fn ask(client: &Client, chunk: &[&AppMetric], now: Instant, oldest: i64) -> Result<Latest, AwsError> {
    let queries = chunk
        .iter()
        .enumerate()
        .map(|(ix, metric)| query(ix, metric))
        .collect();
    let mut pages = client
        .get_metric_data()
        .set_metric_data_queries(Some(queries))
        .start_time(DateTime::from_millis(oldest))
        .end_time(DateTime::from_millis(now.0 + 60_000))
        .into_paginator()
        .send();
    let mut latest = Latest::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of(CALL, &error))?;
        take(&mut latest, page.metric_data_results(), oldest);
    }
    Ok(latest)
}

/// Takes in a page; the points of one metric may stand on several.
fn take(latest: &mut Latest, results: &[MetricDataResult], oldest: i64) {
    for result in results {
        let ix = result.id().and_then(|id| id.strip_prefix('m')?.parse().ok());
        let Some(ix) = ix else { continue };
        let points = result.timestamps().iter().zip(result.values());
        for (at, value) in points.filter_map(|(at, value)| Some((at.to_millis().ok()?, *value))) {
            let newer = latest.get(&ix).is_none_or(|(known, _)| at > *known);
            if at >= oldest && newer {
                latest.insert(ix, (at, value));
            }
        }
    }
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

    #[test]
    fn the_latest_point_of_all_pages_counts_unless_it_is_too_old() {
        let page = |id: &str, points: &[(i64, f64)]| {
            let (times, values): (Vec<i64>, Vec<f64>) = points.iter().copied().unzip();
            let times = times.into_iter().map(DateTime::from_millis).collect();
            MetricDataResult::builder()
                .id(id)
                .set_timestamps(Some(times))
                .set_values(Some(values))
                .build()
        };
        let now = Instant(10_000_000);
        let oldest = oldest(60, now);
        assert_eq!(oldest, 9_400_000, "ten periods");
        let mut latest = Latest::new();
        let first = [
            page("m0", &[(9_500_000, 1.0), (9_600_000, 2.0)]),
            page("m1", &[(9_399_999, 9.0)]),
        ];
        take(&mut latest, &first, oldest);
        take(
            &mut latest,
            &[page("m0", &[(9_700_000, 3.0), (9_450_000, 4.0)]), page("x", &[])],
            oldest,
        );
        assert_eq!(latest, Latest::from([(0, (9_700_000, 3.0))]));
    }
}
