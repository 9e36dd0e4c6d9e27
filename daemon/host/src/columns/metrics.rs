//! Columns of figures about workloads: what is known of any of them now, and what the scaled ones' were of late.

use super::key::{Amount, Number, Text};
use super::values::{ABSENT, known, number, thousandths};
use decide::View;
use model::time::Instant;
use model::workload::{Metric, Workload};
use std::sync::Arc;

/// Every metric of every workload.
pub(super) fn all<'v>(view: &'v View<'_>) -> impl Iterator<Item = (&'v Workload, &'v Metric)> {
    let workloads = view.seen.workloads.iter();
    workloads.flat_map(|workload| workload.metrics.iter().map(move |metric| (workload, metric)))
}

/// Past values of the workloads shown: workload row, when, thousandths.
pub(super) fn samples(view: &View<'_>) -> impl Iterator<Item = (usize, Instant, i64)> {
    let rows = view.workloads.iter().enumerate();
    let known = rows.filter_map(|(at, row)| {
        let past = view.memory.past_values.get(&row.key)?;
        (past.metric == row.metric).then_some((at, past))
    });
    known.flat_map(|(at, past)| past.values.iter().map(move |(when, milli)| (at, *when, *milli)))
}

/// A column of numbers of either table; empty for every other.
pub(super) fn numbers(view: &View<'_>, which: Number) -> Arc<[u32]> {
    let age = |when: Instant| known(view.seen.at.since(when).millis());
    match which {
        Number::MetricAge => all(view).map(|(_, metric)| age(metric.at)).collect(),
        Number::MetricPods => all(view).map(|(_, metric)| metric.pods.min(ABSENT - 1)).collect(),
        Number::SampleWorkload => samples(view).map(|(at, _, _)| number(at)).collect(),
        Number::SampleAge => samples(view).map(|(_, when, _)| age(when)).collect(),
        _ => Arc::default(),
    }
}

/// A column of amounts of either table; empty for every other.
pub(super) fn amounts(view: &View<'_>, which: Amount) -> Arc<[f64]> {
    match which {
        Amount::MetricValue => all(view).map(|(_, metric)| thousandths(metric.milli)).collect(),
        Amount::SampleValue => samples(view).map(|(_, _, milli)| thousandths(milli)).collect(),
        _ => Arc::default(),
    }
}

/// A column of text of the metric table; empty for every other.
pub(super) fn texts<'v>(view: &'v View<'_>, which: Text) -> Box<dyn Iterator<Item = &'v str> + 'v> {
    let keys = all(view).map(|(workload, _)| &workload.key);
    match which {
        Text::MetricName => Box::new(all(view).map(|(_, metric)| metric.name.as_str())),
        Text::MetricKind => Box::new(keys.map(|key| &*key.kind)),
        Text::MetricNamespace => Box::new(keys.map(|key| &*key.namespace)),
        Text::MetricWorkload => Box::new(keys.map(|key| &*key.name)),
        _ => Box::new(std::iter::empty()),
    }
}
