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
        } = &intent.kind
        else {
            continue;
        };
        let planned_again = plan
            .steps
            .iter()
            .any(|step| step.intent.as_ref() == Some(&intent.id));
        if planned_again || seen.at >= intent.deadline {
            continue;
        }
        let price = seen
            .offers
            .iter()
            .find(|known| known.id == *offer)
            .map(|known| known.price);
        steps.push(Step {
            id: StepId {
                cycle: seen.cycle,
                ordinal,
            },
            intent: Some(intent.id.clone()),
            generation: seen.ledger.generation,
            kind: StepKind::GrowGroup {
                group: group.clone(),
                offer: offer.clone(),
                from: *from,
                to: *to,
                nodes: planned.clone(),
                pods: pods.clone(),
                rate: price.unwrap_or(UsdPerHour::ZERO).times(u64::from(*count)),
            },
            reason: Reason::Continues {
                intent: intent.id.clone(),
            },
        });
        ordinal = ordinal.saturating_add(1);
    }
    steps
}
