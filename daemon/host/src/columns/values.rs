//! Values as columns show them: absent ones, codes, and amounts within the range of the contract (sdk/wit/view.wit).
//!
//! Not here: which values a column has.

use decide::View;
use model::group::GroupKind;
use model::offer::Purchase;
use model::pod::{PodSpec, SpecIx};
use model::selector::Labels;
use model::time::Span;
use std::sync::Arc;

/// "Not known", in columns of whole numbers that can lack values.
pub(super) const ABSENT: u32 = u32::MAX;
pub(super) const ABSENT_AMOUNT: f64 = -1.0;

pub(super) fn value<'a>(labels: Option<&'a Labels>, key: &str) -> &'a str {
    labels
        .and_then(|labels| labels.get(key))
        .map_or("", String::as_str)
}

pub(super) fn spec_of<'a>(view: &'a View<'_>, ix: Option<SpecIx>) -> Option<&'a PodSpec> {
    let ix = usize::try_from(ix?).ok()?;
    view.seen.specs.get(ix).map(Arc::as_ref)
}

/// Median of the last measured boot times of a group.
pub(super) fn boot_time(view: &View<'_>, group: &model::Group) -> u32 {
    let mut times: Vec<Span> = view
        .memory
        .boot_times
        .get(&group.name)
        .cloned()
        .unwrap_or_default();
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or(ABSENT, |span| known(span.millis()))
}

/// The codes of `set-kind`.
pub(super) fn kind_code(kind: GroupKind) -> u32 {
    match kind {
        GroupKind::Asg => 1,
        GroupKind::ManagedNodeGroup => 2,
        GroupKind::KopsInstanceGroup => 3,
        GroupKind::Fleet => 4,
        GroupKind::FargateProfile => 5,
        GroupKind::EcsCapacityProvider => 6,
        GroupKind::Kwok => 7,
        GroupKind::Simulated => 8,
    }
}

/// The codes of `set-purchase`.
pub(super) fn purchase_code(purchase: Purchase) -> u32 {
    match purchase {
        Purchase::OnDemand => 1,
        Purchase::Spot => 2,
        Purchase::Reserved => 3,
    }
}

pub(super) fn known(amount: i64) -> u32 {
    u32::try_from(amount.max(0)).unwrap_or(ABSENT).min(ABSENT - 1)
}

/// A number that may be absent.
pub(super) fn maybe(number: Option<u32>) -> u32 {
    number.map_or(ABSENT, |number| number.min(ABSENT - 1))
}

#[expect(clippy::cast_precision_loss, reason = "the contract shows amounts as f64")]
pub(super) fn thousandths(milli: i64) -> f64 {
    milli.max(0) as f64 / 1000.0
}

pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(ABSENT - 1)
}

/// A place that may be absent.
pub(super) fn perhaps(place: Option<usize>) -> u32 {
    place.map_or(ABSENT, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_stay_in_the_range_of_the_contract() {
        for (amount, shown) in [
            (-1, 0),
            (0, 0),
            (7, 7),
            (i64::from(u32::MAX), ABSENT - 1),
            (i64::MAX, ABSENT - 1),
        ] {
            assert_eq!(known(amount), shown);
        }
        assert!(thousandths(i64::MIN) >= 0.0 && thousandths(i64::MAX).is_finite());
    }
}
