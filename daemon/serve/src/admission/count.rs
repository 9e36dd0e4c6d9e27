//! What became of reviews, and how they are counted.

use super::review::Labels;
use logbook::fargate::{self, Doubt, Sizing};
use model::notes::Missed;
use model::{Notes, Snapshot};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// What became of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The labels to set, and how the pod carries its own.
    Placed(model::selector::Labels, Labels),
    /// It would have been placed, if its modes were `act`.
    Would,
    /// It carries a placement already.
    Labelled,
    /// It is not ours to place, or Fargate cannot run it.
    Excluded,
    /// The plan wants it elsewhere.
    Elsewhere,
    /// The kill switch is pulled.
    Paused,
    /// Cycles have stopped coming.
    Overdue,
    /// No plan knows it, and the policies did not answer in time.
    Late,
    /// Too many reviews at once.
    Shed,
    /// The pod in it could not be read.
    Unreadable,
    /// No review.
    Malformed,
    /// Too many bytes.
    TooLarge,
    /// The bytes came too slowly.
    TooSlow,
}

impl Outcome {
    /// How the pod carries its own labels, where it is placed.
    pub(super) fn with(self, own: Labels) -> Self {
        match self {
            Self::Placed(label, _) => Self::Placed(label, own),
            other => other,
        }
    }

    const fn as_str(&self) -> &'static str {
        match self {
            Self::Placed(..) => "placed",
            Self::Would => "would_place",
            Self::Labelled => "labelled",
            Self::Excluded => "excluded",
            Self::Elsewhere => "elsewhere",
            Self::Paused => "paused",
            Self::Overdue => "overdue",
            Self::Late => "late",
            Self::Shed => "shed",
            Self::Unreadable => "unreadable",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
        }
    }
}

/// The webhook's series; cheap to clone.
#[derive(Clone)]
pub(crate) struct Counts {
    reviews: Family<OutcomeLabels, Counter>,
    seconds: Histogram,
    doubts: Family<DoubtLabels, Gauge>,
    sizings: Family<SizingLabels, Gauge>,
    could_move: Family<MissedLabels, Gauge>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct MissedLabels {
    why: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SizingLabels {
    size: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DoubtLabels {
    doubt: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            reviews: Family::default(),
            // 0.1 ms to 1.6 s
            seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 15)),
            doubts: Family::default(),
            sizings: Family::default(),
            could_move: Family::default(),
        }
    }
}

impl Counts {
    /// Counts a review and the time it took once its bytes began to come.
    pub(crate) fn count(&self, outcome: &Outcome, took: Duration) {
        let outcome = outcome.as_str();
        self.reviews.get_or_create(&OutcomeLabels { outcome }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Shows which pods EKS did not take as they were placed, how it sized those on Fargate, and which wait that could be
    /// there.
    pub(crate) fn show(&self, seen: &Snapshot, notes: &Notes) {
        let doubts = fargate::doubts(seen);
        for kind in Doubt::ALL {
            let pods = doubts.iter().filter(|(_, doubt)| *doubt == kind).count();
            let doubt = kind.code();
            self.doubts
                .get_or_create(&DoubtLabels { doubt })
                .set(i64::try_from(pods).unwrap_or(i64::MAX));
        }
        for kind in Missed::ALL {
            let pods = notes.could_move.iter().filter(|pod| pod.why == kind).count();
            let why = kind.code();
            self.could_move
                .get_or_create(&MissedLabels { why })
                .set(i64::try_from(pods).unwrap_or(i64::MAX));
        }
        let sizings = fargate::sizings(seen);
        for kind in Sizing::ALL {
            let pods = sizings.iter().filter(|(_, sizing)| *sizing == kind).count();
            let size = kind.code();
            self.sizings
                .get_or_create(&SizingLabels { size })
                .set(i64::try_from(pods).unwrap_or(i64::MAX));
        }
    }

    /// Shows them.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "admission_reviews",
            "Pods that were asked about when they were created, by what became of them",
            self.reviews.clone(),
        );
        registry.register_with_unit(
            "admission",
            "Time from the head of a review to its answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "admission_doubts",
            "Pods that were placed on Fargate and that EKS treats otherwise, by how",
            self.doubts.clone(),
        );
        registry.register(
            "fargate_pods",
            "Pods that run on Fargate, by how the size that EKS provisioned stands to what they ask for",
            self.sizings.clone(),
        );
        registry.register(
            "fargate_could_move",
            "Pods that wait for a node and that Fargate would take, were they made anew, by why it has not",
            self.could_move.clone(),
        );
    }
}
