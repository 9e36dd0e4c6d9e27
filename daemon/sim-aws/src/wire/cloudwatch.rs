//! CloudWatch on the wire (smithy-rpc-v2-cbor, and awsJson 1.0 for clients that speak no CBOR): points are kept and given
//! back.
//!
//! Both are read into one form and written from it. Not here: statistics other than the average, sum, least and most of a period; expressions.

use super::answer::{Answer, CBOR, JSON_1_0};
use super::call::{Call, unknown};
use crate::account::{Account, MetricPoint, Refused};
use ciborium::Value;
use model::Instant;
use std::collections::BTreeMap;

/// Whether a call came as JSON: those have no CBOR in their body.
fn speaks_json(call: &Call) -> bool {
    !call.json.is_null()
}

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let body: Value = if call.body.is_empty() {
        Value::Map(Vec::new())
    } else if speaks_json(call) {
        from_json(&call.json)
    } else {
        ciborium::from_reader(call.body.as_slice())
            .map_err(|error| Refused::new("SerializationException", error.to_string()))?
    };
    let value = match call.action.as_str() {
        "PutMetricData" => {
            put(account, &body)?;
            Value::Map(Vec::new())
        }
        "GetMetricData" => get(account, &body)?,
        _ => return Err(unknown(call)),
    };
    Ok(if speaks_json(call) {
        Answer {
            kind: JSON_1_0,
            ..Answer::json(200, &to_json(&value))
        }
    } else {
        cbor(200, &value)
    })
}

fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_f64().map(Value::Float))
            .unwrap_or(Value::Null),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(items) => Value::Array(items.iter().map(from_json).collect()),
        serde_json::Value::Object(fields) => Value::Map(
            fields
                .iter()
                .map(|(key, value)| (text(key), from_json(value)))
                .collect(),
        ),
    }
}

/// Timestamps are seconds in JSON too.
fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(flag) => (*flag).into(),
        Value::Integer(number) => i64::try_from(i128::from(*number)).ok().into(),
        Value::Float(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Tag(_, inner) => to_json(inner),
        Value::Array(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => entries
            .iter()
            .filter_map(|(key, value)| Some((key.as_text()?.to_owned(), to_json(value))))
            .collect(),
        _ => serde_json::Value::Null,
    }
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

fn needed(body: &Value, key: &str) -> Result<(), Refused> {
    if at(body, key).is_some() {
        return Ok(());
    }
    let what = format!("The parameter {key} is required.");
    Err(Refused::new("MissingRequiredParameterException", what))
}

fn put(account: &mut Account, body: &Value) -> Result<(), Refused> {
    needed(body, "Namespace")?;
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
    Ok(())
}

fn get(account: &Account, body: &Value) -> Result<Value, Refused> {
    needed(body, "MetricDataQueries")?;
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
    Ok(map([("MetricDataResults", Value::Array(results.collect()))]))
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
