//! Tables: one small change to a healthy cluster, one step, one word.

mod bundles;
mod critical;
mod holds;
mod node_budgets;
mod nodeless;
mod quotas;
mod renewal;
mod repair;
mod scaled_down;
mod strikes;
mod taken;
mod windows;
mod zones;

use crate::cleared::Fence;
use crate::judge::judge;
use crate::proposal::Proposal;
use crate::stage::{
    NOW, PRICE, Stage, cordon, evict, grow, instance, key, launch, plan, remake, removal, remove, scale,
    starting, step,
};
use model::advice::PolicyMode;
use model::aims::{BoundsAim, Mode};
use model::group::{Bounds, GroupKind, InstanceState};
use model::intent::{Effect, EffectKind, IntentKind, LaunchStage, Pause, RemoveStage};
use model::offer::Confidence;
use model::plan::{Step, StepKind};
use model::pod::deletion_cost;
use model::provisioned::PROFILE_LABEL;
use model::snapshot::Freshness;
use model::{
    HoldReason, Hook, Instant, PodKey, Source, Span, StepId, StrikeReason, UsdPerHour, Verdict, WorkloadKey,
};
use std::sync::Arc;

fn words(stage: &Stage, steps: Vec<Step>) -> Vec<Verdict> {
    words_under(stage, steps, &Fence::sole())
}

fn words_under(stage: &Stage, steps: Vec<Step>, fence: &Fence) -> Vec<Verdict> {
    let mut plan = plan(steps);
    plan.holds.clone_from(&stage.holds);
    let proposal = Proposal {
        plan: &plan,
        notes: &stage.notes,
        resumed: &[],
        watch: None,
    };
    let verdicts = judge(&stage.seen, &stage.ledger, proposal, &stage.aims, fence);
    let cleared: Vec<StepId> = verdicts.cleared.iter().map(|cleared| cleared.get().id).collect();
    let said: Vec<StepId> = verdicts
        .all
        .iter()
        .filter(|(_, verdict)| *verdict == Verdict::Cleared)
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(cleared, said, "the word and the proof go together");
    verdicts.all.into_iter().map(|(_, verdict)| verdict).collect()
}

fn word(edit: impl FnOnce(&mut Stage), kind: StepKind) -> Verdict {
    let mut stage = Stage::new();
    edit(&mut stage);
    words(&stage, vec![step(0, None, kind)]).remove(0)
}

/// The same on a cluster where `n1` is being drained by intent `4-0`.
fn word_draining(at: RemoveStage, edit: impl FnOnce(&mut Stage), kind: StepKind) -> Verdict {
    let mut stage = Stage::draining(at);
    edit(&mut stage);
    words(&stage, vec![step(0, Some("4-0"), kind)]).remove(0)
}

fn held(why: HoldReason) -> Verdict {
    Verdict::Held(why)
}

fn struck(why: StrikeReason) -> Verdict {
    Verdict::Struck(why)
}

fn stale(source: Source, age: Option<i64>, limit: i64) -> Verdict {
    held(HoldReason::StaleSource {
        source,
        age: age.map(Span::from_secs),
        limit: Span::from_secs(limit),
    })
}

fn uncordon(node: &str) -> StepKind {
    StepKind::Uncordon { node: node.into() }
}

fn nominate() -> StepKind {
    StepKind::Nominate {
        pod: PodKey::new("ns", "w1"),
        node: "n2".into(),
        starting: false,
    }
}

#[test]
fn what_is_in_order_passes() {
    for kind in [grow(4, 6), cordon("n1"), scale(4, 9), scale(4, 1), nominate()] {
        assert_eq!(word(|_| (), kind.clone()), Verdict::Cleared, "{kind}");
    }
    for at in [RemoveStage::Cordoned, RemoveStage::Draining] {
        assert_eq!(word_draining(at, |_| (), evict("p1", "n1")), Verdict::Cleared);
        assert_eq!(word_draining(at, |_| (), uncordon("n1")), Verdict::Cleared);
        let empty = |stage: &mut Stage| stage.seen.pods.retain(|pod| &*pod.key.name != "p1");
        assert_eq!(word_draining(at, empty, remove("n1")), Verdict::Cleared);
    }
    // A cordon whose call ended unknown is asked for again, on the same intent.
    assert_eq!(
        word_draining(RemoveStage::Opened, |_| (), cordon("n1")),
        Verdict::Cleared
    );
}
