//! Resuming: launches whose call nobody heard the end of are asked for again, by the same intent, and with it
//! the same client token (reliability invariants I7, I8).

use model::intent::{IntentKind, LaunchStage, Ledger};
use model::plan::{Plan, Step, StepKind};
use model::{Reason, Snapshot, StepId, UsdPerHour};

/// Steps that take up open launches again, numbered after those of the plan. A launch that the plan itself
/// takes up, or whose time has passed, is left out.
pub fn resume(ledger: &Ledger, seen: &Snapshot, plan: &Plan) -> Vec<Step> {
    let mut ordinal = u32::try_from(plan.steps.len()).unwrap_or(u32::MAX);
    let mut steps = Vec::new();
    for intent in &ledger.intents {
        let planned_again = plan
            .steps
            .iter()
            .any(|step| step.intent.as_ref() == Some(&intent.id));
        // Past its deadline `reconcile` gives the launch up; asked for once more it would be bought and waited for by nobody.
        if planned_again || seen.at >= intent.deadline {
            continue;
        }
        let Some(kind) = asked_again(&intent.kind, seen) else {
            continue;
        };
        steps.push(Step {
            id: StepId {
                cycle: seen.cycle,
                ordinal,
            },
            intent: Some(intent.id.clone()),
            generation: seen.ledger.generation,
            kind,
            reason: Reason::Continues {
                intent: intent.id.clone(),
            },
        });
        ordinal = ordinal.saturating_add(1);
    }
    steps
}

/// The call of a launch once more, where nobody heard its end. From the sizes written down, not from those seen: only the
/// same call has the same client token (I8), and a desired size that is set twice is set once.
fn asked_again(kind: &IntentKind, seen: &Snapshot) -> Option<StepKind> {
    let IntentKind::Launch {
        group,
        offer,
        count,
        from,
        to,
        planned,
        pods,
        stage: LaunchStage::Opened,
        ..
    } = kind
    else {
        return None;
    };
    let price = seen
        .offers
        .iter()
        .find(|known| known.id == *offer)
        .map(|known| known.price);
    Some(StepKind::GrowGroup {
        group: group.clone(),
        offer: offer.clone(),
        from: *from,
        to: *to,
        nodes: planned.clone(),
        pods: pods.clone(),
        rate: price.unwrap_or(UsdPerHour::ZERO).times(u64::from(*count)),
    })
}
