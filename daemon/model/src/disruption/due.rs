//! Which nodes are to be replaced for their age or because they have drifted, and when.
//!
//! Not here: whether a budget lets them go.

use super::{Cause, DisruptionAims, DriftMode};
use crate::fnv::fnv1a;
use crate::group::Group;
use crate::node::Node;
use crate::snapshot::Snapshot;
use crate::time::{Instant, Span};

impl DisruptionAims {
    /// When a node expires, where it ever does.
    pub fn expires(&self, node: &Node) -> Option<Instant> {
        let own = node.group.as_ref().and_then(|group| self.groups.get(group));
        let after = own.and_then(|own| own.expire_after).or(self.expire_after)?;
        if after <= Span::ZERO {
            return None;
        }
        let spread = i128::from(self.expire_spread_permille.min(1000));
        let sooner =
            i128::from(after.millis()) * spread * i128::from(draw(node)) / (1000 * i128::from(DRAWS));
        let sooner = i64::try_from(sooner).unwrap_or(0);
        Some(node.created + after - Span::from_millis(sooner))
    }

    /// Whether a node has expired, or has drifted where that is to be replaced and is ours to replace.
    pub fn due(&self, node: &Node, seen: &Snapshot) -> Option<Cause> {
        let replaced =
            |group: &Group| group.renews_drifted() && self.drift_of(&group.name) == DriftMode::Replace;
        let home = node.group.as_ref().filter(|_| node.is_drifted());
        if home.and_then(|home| seen.group(home)).is_some_and(replaced) {
            return Some(Cause::Drifted);
        }
        let expires = self.expires(node)?;
        (expires <= seen.at).then_some(Cause::Expired)
    }
}

/// Different draws there are.
const DRAWS: u32 = 10_000;

/// A number below [`DRAWS`] that is the node's own and never changes (FNV-1a over its name and instance).
fn draw(node: &Node) -> u32 {
    let instance = node.instance.as_ref().map_or("", |id| id.as_str());
    let bytes = node.name.as_str().bytes().chain([0]).chain(instance.bytes());
    u32::try_from((fnv1a(bytes) >> 16) % u64::from(DRAWS)).unwrap_or(0)
}
