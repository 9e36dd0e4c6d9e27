//! Steps, each with its reason, the guard's word and what happened; and the intents behind them.

use super::answer::{Answer, FactKind};
use model::intent::{Intent, IntentKind};
use model::plan::{Step, StepKind};
use model::{Counted, StepId};

/// The step of this id.
pub(super) fn by_id(answer: &mut Answer<'_>, id: StepId) {
    about(answer, |step| step.id == id);
}

/// All steps that something applies to, the resumed ones first.
pub(super) fn about(answer: &mut Answer<'_>, applies: impl Fn(&Step) -> bool) {
    let record = answer.record;
    for step in record
        .resumed
        .iter()
        .chain(&record.plan.steps)
        .filter(|step| applies(step))
    {
        tell(answer, step);
    }
}

/// All open intents that something applies to.
pub(super) fn intents(answer: &mut Answer<'_>, applies: impl Fn(&Intent) -> bool) {
    let ledger = &answer.record.snapshot.ledger;
    for intent in ledger.intents.iter().filter(|intent| applies(intent)) {
        let since = answer.record.at.since(intent.opened);
        match &intent.kind {
            IntentKind::Launch {
                group,
                offer,
                count,
                stage,
                joined,
                ..
            } => answer.saw(
                FactKind::Intent,
                0,
                format_args!(
                    "intent {}: {} of {offer} for {group}, {stage:?} for {since}, {} joined",
                    intent.id,
                    Counted(*count, "node"),
                    joined.len()
                ),
            ),
            IntentKind::Remove {
                group, node, stage, ..
            } => answer.saw(
                FactKind::Intent,
                0,
                format_args!(
                    "intent {}: remove {node} from {group}, {stage:?} for {since}",
                    intent.id
                ),
            ),
        }
    }
}

fn tell(answer: &mut Answer<'_>, step: &Step) {
    let record = answer.record;
    answer.decided(FactKind::Step, 0, format_args!("step {}: {}", step.id, step.kind));
    answer.decided(FactKind::Reason, 1, &step.reason);
    if let StepKind::GrowGroup {
        rate, pods, nodes, ..
    } = &step.kind
    {
        answer.decided(
            FactKind::Price,
            1,
            format_args!(
                "adds {rate} for {} and {}",
                Counted(nodes.len(), "node"),
                Counted(pods.len(), "pod")
            ),
        );
    }
    if let StepKind::PlaceOnFargate { class, label, .. } = &step.kind {
        let labels: Vec<String> = label
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        answer.decided(
            FactKind::Placement,
            1,
            format_args!("class {class}, by the label {} at admission", labels.join(", ")),
        );
    }
    if let Some((_, verdict)) = record.verdicts.iter().find(|(id, _)| *id == step.id) {
        answer.decided(FactKind::Verdict, 1, verdict);
    }
    if let Some((_, outcome)) = record.outcomes.iter().find(|(id, _)| *id == step.id) {
        answer.decided(FactKind::Outcome, 1, outcome);
    }
}
