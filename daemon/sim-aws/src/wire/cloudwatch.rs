//! CloudWatch on the wire (smithy-rpc-v2-cbor): points are kept and given back.
//!
//! Not here: statistics other than the average, sum, least and most of a period; expressions.

use super::{Answer, CBOR, Call, unknown};
use crate::account::{Account, MetricPoint, Refused};
use ciborium::Value;
use model::Instant;
use std::collections::BTreeMap;

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let body: Value = if call.body.is_empty() {
        Value::Map(Vec::new())
    } else {
        ciborium::from_reader(call.body.as_slice())
            .map_err(|error| Refused::new("SerializationException", error.to_string()))?
    };
    let value = match call.action.as_str() {
        "PutMetricData" => {
            put(account, &body);
            Value::Map(Vec::new())
        }
        "GetMetricData" => get(account, &body),
        _ => return Err(unknown(call)),
    };
    Ok(cbor(200, &value))
}

/// An error in CBOR.
pub(super) fn refuse(refused: &Refused, status: u16) -> Answer {
    let value = map([
        ("__type", text(&refused.code)),
        ("message", text(&refused.message)),
    ]);
    cbor(status, &value)
}

fn cbor(status: u16, value: &Value) -> Answer {
    let mut body = Vec::new();
    // Writing into memory does not fail.
    let _ = ciborium::into_writer(value, &mut body);
    Answer {
        status,
        kind: CBOR,
        body,
        error: None,
    }
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(key, value)| (text(key), value))
            .collect(),
    )
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn at<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    let entries = value.as_map()?;
    entries
        .iter()
        .find(|(name, _)| name.as_text() == Some(key))
        .map(|(_, value)| value)
}

fn words(value: &Value, key: &str) -> String {
    at(value, key)
        .and_then(Value::as_text)
        .unwrap_or_default()
        .to_owned()
}

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    at(value, key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Float(number) => Some(*number),
        Value::Integer(number) => i32::try_from(i128::from(*number)).ok().map(f64::from),
        _ => None,
    }
}

fn dimensions(of: &Value) -> BTreeMap<String, String> {
    items(of, "Dimensions")
        .iter()
        .map(|d| (words(d, "Name"), words(d, "Value")))
        .collect()
}

fn put(account: &mut Account, body: &Value) {
    let now = account.now();
    for datum in items(body, "MetricData") {
        let Some(value) = number(at(datum, "Value")) else {
            continue;
        };
        account.metrics.push(MetricPoint {
            namespace: words(body, "Namespace"),
            name: words(datum, "MetricName"),
            dimensions: dimensions(datum),
            value,
            at: now,
        });
    }
}

fn get(account: &Account, body: &Value) -> Value {
    let results = items(body, "MetricDataQueries").iter().map(|query| {
        let stat = at(query, "MetricStat").cloned().unwrap_or(Value::Null);
        let metric = at(&stat, "Metric").cloned().unwrap_or(Value::Null);
        let period = number(at(&stat, "Period")).unwrap_or(60.0);
        let points = periods(account, &metric, period);
        let stamps = points
            .keys()
            .rev()
            .map(|at| Value::Tag(1, Box::new(Value::Float(seconds(*at)))));
        let values = points
            .values()
            .rev()
            .map(|values| Value::Float(statistic(&words(&stat, "Stat"), values)));
        map([
            ("Id", text(&words(query, "Id"))),
            ("StatusCode", text("Complete")),
            ("Timestamps", Value::Array(stamps.collect())),
            ("Values", Value::Array(values.collect())),
        ])
    });
    map([("MetricDataResults", Value::Array(results.collect()))])
}

/// Values by the beginning of their period.
fn periods(account: &Account, metric: &Value, period: f64) -> BTreeMap<Instant, Vec<f64>> {
    let (namespace, name, dimensions) = (
        words(metric, "Namespace"),
        words(metric, "MetricName"),
        dimensions(metric),
    );
    let mut by: BTreeMap<Instant, Vec<f64>> = BTreeMap::new();
    for point in &account.metrics {
        if point.namespace == namespace && point.name == name && point.dimensions == dimensions {
            let begin = (seconds(point.at) / period).floor() * period;
            by.entry(instant(begin)).or_default().push(point.value);
        }
    }
    by
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this century are exact"
)]
fn seconds(at: Instant) -> f64 {
    at.0 as f64 / 1000.0
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of this century fit")]
fn instant(seconds: f64) -> Instant {
    Instant((seconds * 1000.0) as i64)
}

fn statistic(stat: &str, values: &[f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    match stat {
        "Sum" => sum,
        "Maximum" => values.iter().copied().fold(f64::MIN, f64::max),
        "Minimum" => values.iter().copied().fold(f64::MAX, f64::min),
        _ => {
            values
                .iter()
                .fold((0.0, 0.0), |(mean, n), v| {
                    (mean + (v - mean) / (n + 1.0), n + 1.0)
                })
                .0
        }
    }
}
