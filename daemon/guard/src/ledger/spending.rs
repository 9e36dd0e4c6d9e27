//! What the cluster has cost this month, in the Ledger: noted where the aims have a budget for it.

use super::size::size_of;
use model::intent::Ledger;
use model::spending::Spending;
use model::{Aims, Snapshot, Source};

/// Notes what the cluster costs, where it is time to; tells whether the Ledger has changed. On a picture that is too old
/// for growth nothing is noted: the time until the next one counts as that one has it.
pub fn note_spending(ledger: &mut Ledger, seen: &Snapshot, aims: &Aims) -> bool {
    if aims.limits.max_per_month.is_none() {
        return ledger.spending.take().is_some();
    }
    let known = [Source::Nodes, Source::Groups];
    let fresh = |source: &Source| seen.freshness(*source).within(aims.limits.max_growth_age);
    let due = Spending::is_due(ledger.spending, seen.at) && known.iter().all(fresh);
    if due {
        let rate = size_of(seen, ledger, aims).rate;
        ledger.spending = Some(Spending::noted(ledger.spending, seen.at, rate));
    }
    due
}
