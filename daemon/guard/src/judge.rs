//! `judge`: the guard's word on every step of a plan, in order, the first objection wins.

use crate::bundle::Bundles;
use crate::case::Case;
use crate::checks::word;
use crate::cleared::{Cleared, Fence};
use crate::proposal::Proposal;
use crate::step_effect::purchase;
use crate::tally::Tally;
use model::aims::Aims;
use model::intent::Ledger;
use model::plan::{Step, StepKind};
use model::{Snapshot, StepId, Verdict};

/// The guard's word on a whole plan.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Steps that may be carried out now, in order: what is taken up again, then the plan. A step that starts
    /// long work names its intent: the one it had, or one made from its own id. One that buys says what it was
    /// counted at, which is never below what the plan says.
    pub cleared: Vec<Cleared<Step>>,
    /// The word on every step, in the same order.
    pub all: Vec<(StepId, Verdict)>,
}

/// Judges every step of a plan against the Snapshot, the Ledger and the aims. What a cleared step uses up of
/// a window is counted before the next one is looked at.
pub fn judge(
    seen: &Snapshot,
    ledger: &Ledger,
    proposal: Proposal<'_>,
    aims: &Aims,
    fence: &Fence,
) -> Verdicts {
    let case = Case::new(seen, ledger, &proposal, aims, fence);
    let mut tally = Tally::before(&case);
    let mut verdicts = Verdicts::default();
    let all = proposal.resumed.iter().chain(&proposal.plan.steps);
    let steps: Vec<Step> = all.map(|step| with_intent(step, ledger)).collect();
    let mut bundles = Bundles::of(&steps);
    for (at, step) in steps.iter().enumerate() {
        let verdict = bundles.word(at, &steps, &case, &mut tally).unwrap_or_else(|| {
            let verdict = word(step, &case, &tally);
            if verdict == Verdict::Cleared {
                tally.count(step, &case);
            }
            verdict
        });
        verdicts.all.push((step.id, verdict.clone()));
        if verdict == Verdict::Cleared {
            let step = at_counted_rate(step.clone(), &case);
            let counted = tally.counted.remove(&step.id).unwrap_or_default();
            verdicts.cleared.push(Cleared::new(step, fence).counting(counted));
        }
    }
    verdicts
}

/// A step that buys, at the rate that the guard counts: the windows of later cycles are counted from it.
fn at_counted_rate(mut step: Step, case: &Case<'_>) -> Step {
    let (_, counted) = purchase(&step.kind, case);
    if let StepKind::GrowGroup { rate, .. } = &mut step.kind {
        *rate = counted;
    }
    step
}

/// Names the intent of a step that starts or moves long work, where the plan did not.
fn with_intent(step: &Step, ledger: &Ledger) -> Step {
    let mut step = step.clone();
    if step.intent.is_none() {
        step.intent = match &step.kind {
            StepKind::GrowGroup { .. } | StepKind::Cordon { .. } | StepKind::RemoveInstance { .. } => {
                Some(ledger.intent_of(step.id))
            }
            StepKind::Evict { node, .. }
            | StepKind::RemoveNode { node, .. }
            | StepKind::Uncordon { node } => ledger.removal_of(node).map(|intent| intent.id.clone()),
            StepKind::ScaleWorkload { .. }
            | StepKind::SetBounds { .. }
            | StepKind::PlaceOnFargate { .. }
            | StepKind::Remake { .. }
            | StepKind::Nominate { .. }
            | StepKind::Yield { .. }
            | StepKind::Avoid { .. } => None,
        };
    }
    step
}
