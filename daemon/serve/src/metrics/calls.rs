//! Calls to AWS as their governor tallies them, for Prometheus.
//!
//! The governor counts, this only shows. Not here: what is governed, and how (`model::governor`).

use model::governor::{Bucket, CallKind, Tally};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What became of the calls so far, by bucket and kind.
pub type CallTallies = Vec<(Bucket, CallKind, Tally)>;

type Source = Box<dyn Fn() -> CallTallies + Send + Sync>;
type Seconds = Counter<f64, AtomicU64>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    bucket: &'static str,
    kind: &'static str,
}

/// The series of calls; cheap to clone. Without a source there is none of them.
#[derive(Clone, Default)]
pub(super) struct Calls {
    source: Arc<Mutex<Option<Source>>>,
    sent: Family<CallLabels, Counter>,
    throttled: Family<CallLabels, Counter>,
    waited: Family<CallLabels, Counter>,
    seconds: Family<CallLabels, Seconds>,
    held_back: Family<CallLabels, Counter>,
}

impl Calls {
    pub(super) fn read_from(&self, source: Source) {
        *self.source.lock().unwrap_or_else(PoisonError::into_inner) = Some(source);
    }

    /// Takes over what the source tells now.
    pub(super) fn refresh(&self) {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let told = source.as_ref().map(|tallies| tallies()).unwrap_or_default();
        for (bucket, kind, tally) in told {
            let labels = CallLabels {
                bucket: bucket.as_str(),
                kind: kind.as_str(),
            };
            for (family, value) in [
                (&self.sent, tally.calls),
                (&self.throttled, tally.throttled),
                (&self.waited, tally.waited),
                (&self.held_back, tally.held_back),
            ] {
                let counter = family.get_or_create(&labels);
                counter.inner().store(value, Ordering::Relaxed);
            }
            let seconds = std::time::Duration::from_millis(tally.waited_ms).as_secs_f64();
            let counter = self.seconds.get_or_create(&labels);
            counter.inner().store(seconds.to_bits(), Ordering::Relaxed);
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "aws_calls",
            "Calls sent to AWS, by the bucket they draw on and what they are for",
            self.sent.clone(),
        );
        registry.register(
            "aws_calls_throttled",
            "Calls that AWS throttled",
            self.throttled.clone(),
        );
        registry.register(
            "aws_calls_waited",
            "Calls that waited for our own budget",
            self.waited.clone(),
        );
        registry.register_with_unit(
            "aws_calls_wait",
            "How long they waited",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "aws_calls_held_back",
            "Calls that were not sent: our own budget had no room in time",
            self.held_back.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn what_the_governor_tallies_is_shown_as_it_is() {
        let metrics = Metrics::new();
        assert!(!metrics.text().unwrap().contains("plimsoll_aws_calls_total{"));
        let tally = Tally {
            calls: 7,
            throttled: 2,
            waited: 3,
            waited_ms: 1500,
            held_back: 1,
        };
        metrics.calls_from(move || vec![(Bucket::AutoScaling, CallKind::Terminate, tally)]);
        for _ in 0..2 {
            let text = metrics.text().unwrap();
            let of = "{bucket=\"autoscaling\",kind=\"terminate\"}";
            for wanted in [
                format!("plimsoll_aws_calls_total{of} 7"),
                format!("plimsoll_aws_calls_throttled_total{of} 2"),
                format!("plimsoll_aws_calls_waited_total{of} 3"),
                format!("plimsoll_aws_calls_wait_seconds_total{of} 1.5"),
                format!("plimsoll_aws_calls_held_back_total{of} 1"),
            ] {
                assert!(text.contains(&wanted), "{wanted} is missing in\n{text}");
            }
        }
    }
}
