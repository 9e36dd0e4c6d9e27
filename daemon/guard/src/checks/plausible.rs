//! While much of the cluster is not Ready, no removal begins: what is seen then is more likely a fault of the network or of
//! the picture than of so many nodes (I2, I5), and the nodes that are left have to carry what the others do not. What the
//! provider takes away is not kept by it.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::HoldReason;
use model::plan::{Step, StepKind};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let begins = match &step.kind {
        StepKind::Cordon { node, .. } => !case.is_taken(node),
        StepKind::RemoveInstance { .. } => true,
        _ => false,
    };
    if !begins || continues(step, case) {
        return None;
    }
    let doubt = case.repair.is_implausible()?;
    hold(HoldReason::Implausible { doubt })
}
