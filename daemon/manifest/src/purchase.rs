//! How the nodes of a cluster were bought, as far as what they cost depends on it.
//!
//! Not here: how offers are sold (`offers`).

use model::offer::Purchase;
use model::registration::purchase_of;
use model::selector::Labels;

/// How a node says it was bought; on demand where it says nothing.
pub(crate) fn purchase(labels: &Labels) -> Purchase {
    match purchase_of(labels) {
        Some(Purchase::Spot) => Purchase::Spot,
        _ => Purchase::OnDemand,
    }
}
