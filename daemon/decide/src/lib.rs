//! What should be done, and why: one pure function from a Snapshot to a Plan.
//!
//! No I/O, no clock, no randomness but the Snapshot's seed, no hash-ordered iteration: same bytes in, same
//! bytes out. What may be done *now* is the guard's question, not this room's.

mod adjust;
mod asking;
mod bought;
mod canary;
mod class;
mod constraints;
pub mod demand;
mod fair_share;
pub mod fargate;
mod fill;
mod group_bounds;
mod headroom;
mod market;
mod missed;
mod namespace_quotas;
mod nodeless;
mod nomination;
mod number;
mod one_by_one;
mod placement;
pub mod policy;
mod provisioned;
mod purchase;
mod queue;
mod quotas;
mod rationing;
mod refuse;
mod remake;
mod remember;
mod review;
mod rooms;
mod rounds;
mod scale;
mod scope;
mod seating;
mod shrink;
mod similar;
mod space;
mod spot;
mod stage;
mod steps;
mod table;
mod tariffs;
mod undealt;
mod warm;
pub mod what_if;
pub mod why;

pub use asking::faults_name;
pub use policy::{Advised, Policy, PolicyEntry, PolicySet, Prepared, View};
pub use scale::{MAX_ANNOTATION, MIN_ANNOTATION, SCALE_ANNOTATION, SETTLE_ANNOTATION};

use ::fit::{self, agents, filters, joining, naming, preemption, selecting, spread, tenants};
use asking::Asking;
use model::{Aims, Memory, Notes, Plan, PodKey, Snapshot, autoscaler, startup};
use rooms::Demand;
use stage::Placed;
use steps::Steps;
use tenants::Tenants;

/// Result of one deliberation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliberation {
    /// What should be done.
    pub plan: Plan,
    /// How it came about.
    pub notes: Notes,
    /// What to remember for the next cycle.
    pub memory: Memory,
}

/// Decides what should be done: scale, demand, place, shrink, in this order.
///
/// `plan.pending` counts waiting pods and replicas to come; headroom is listed in `plan.nodes` under
/// [`demand::HEADROOM_NAMESPACE`] but counted nowhere, and where it fits on nodes that are there it is not
/// listed at all. The memory of the result replaces the one that came in.
pub fn deliberate(seen: &Snapshot, memory: &Memory, policies: &PolicySet, aims: &Aims) -> Deliberation {
    think(seen, memory, (policies, aims), |_, _| ()).0
}

/// The same deliberation, with the reasons for one pod's place; `None` where the plan is not about the pod.
pub fn deliberate_and_explain(
    seen: &Snapshot,
    memory: &Memory,
    (policies, aims): (&PolicySet, &Aims),
    pod: &PodKey,
) -> (Deliberation, Option<why::Why>) {
    think(seen, memory, (policies, aims), |demand, placed| {
        why::of(demand, placed, pod)
    })
}

/// What the picture adds to memory before anything is decided.
fn learn(seen: &Snapshot, memory: &mut Memory, aims: &Aims, tenants: &Tenants) {
    remember::waiting(seen, memory, aims);
    remember::nominated(seen, memory);
    remember::taken_back(seen, memory);
    provisioned::learn(seen, memory);
    canary::follow(seen, memory, aims);
    remember::utilisation(seen, tenants, memory);
}

/// Deliberates, and tells what `tell` makes of the stage "place".
fn think<T>(
    seen: &Snapshot,
    memory: &Memory,
    (policies, aims): (&PolicySet, &Aims),
    tell: impl FnOnce(&Demand<'_>, &Placed) -> T,
) -> (Deliberation, T) {
    let picture = shrink::as_going(seen, startup::as_coming(seen, aims), aims);
    let seen = &*picture;
    let mut memory = memory.clone();
    let mut asking = Asking::new(seen, policies);
    asking::forget(&mut memory, policies, seen.at);
    let tenants = Tenants::of(seen);
    learn(seen, &mut memory, aims, &tenants);

    let scaled = scale::decide(seen, &mut memory, aims, &mut asking);
    let classes = demand::classes(seen, &memory, aims, &scaled.demand);
    let all: u32 = classes.iter().map(|class| class.pending).sum();
    let (classes, put_off) = fair_share::of_a_cycle(seen, aims, classes);
    let not_looked_at = number::count(put_off.len());
    let looked_at = (!put_off.is_empty()).then(|| fair_share::without(seen, &put_off));
    let seen = looked_at.as_ref().unwrap_or(seen);
    let tenants = looked_at.as_ref().map_or(tenants, Tenants::of);
    let classes = stage::with_headroom(seen, &mut memory, aims, &mut asking, classes);
    let settled = constraints::settle(seen, classes);
    let shrinking = shrink::Shrinking::new((seen, &tenants), &memory, aims);
    let (placed, market, classes) = stage::place(seen, settled, &mut memory, (aims, &shrinking), &mut asking);
    memory.last_purchase = warm::remembered(&classes, &placed.purchase.bought, &market);
    let demand = Demand {
        market: &market,
        classes: &classes,
    };
    let told = tell(&demand, &placed);
    let says = shrink::ask((&shrinking, &tenants), &mut memory, aims, &mut asking);
    let calm = !asking.faulted;
    let bought = placed.purchase.bought.iter();
    let before = shrink::Before {
        housed: &placed.housed,
        bought: &bought.map(|b| (b.offer, b.node.name.clone())).collect::<Vec<_>>(),
        start: calm,
        priced: asking.anybody(model::Hook::Placement),
        says: &says,
    };
    let mut shrunk = shrink::decide(shrinking, &mut memory, aims, before);
    shrunk.give_up(nodeless::decide(seen, &mut memory, aims, calm));

    let (mut steps, waiting_bounds) = first_steps(seen, aims, scaled.steps, calm);
    steps.grow(&placed.purchase, &classes, aims);
    steps.replace(&mut shrunk);
    steps.place_on_fargate(&market, &classes, placed.adjust.as_ref(), &placed.purchase);
    steps.nominate(&placed.rooms, &placed.housed, (&classes, &placed.deals));
    let mut refusals = refuse::pods(
        &market,
        &classes,
        placed.adjust.as_ref(),
        (&placed.purchase, aims),
    );
    refusals.extend(put_off);
    refusals.extend(scaled.refusals);
    refusals.extend(waiting_bounds);
    refusals.append(&mut shrunk.refusals);
    let moves = std::mem::take(&mut shrunk.moves);
    let replacements = shrunk.replacements();
    let could_move = missed::pods(&demand, &placed.purchase);
    let existing = placed.existing();
    if calm {
        let housed = (existing.as_slice(), &placed.purchase);
        for (kind, reason) in remake::decide((seen, &memory, aims), &could_move, housed) {
            steps.add(kind, reason, None);
        }
    }
    steps.shrink(shrunk);

    let pending = stage::pending(&classes) + not_looked_at;
    let steps = steps.finish();
    let holds = review::ask(seen, &steps, &mut memory, aims, &mut asking);
    remember::demand(seen, &mut memory, all);
    let notes = Notes {
        calls: asking.calls,
        scale: scaled.notes,
        could_move,
        overdue: startup::overdue(seen, aims),
        rivals: autoscaler::rivals(seen, aims),
        ..placed.notes(&demand)
    };
    let plan = Plan {
        steps,
        holds,
        existing,
        refusals,
        cost: placed.cost,
        pending,
        replacements,
        moves,
        nodes: placed.purchase.bought.into_iter().map(|b| b.node).collect(),
    };
    (Deliberation { plan, notes, memory }, told)
}

/// Steps that nothing of the stages after "scale" changes, and the bounds of groups that wait for their sizes.
fn first_steps<'a>(
    seen: &'a Snapshot,
    aims: &Aims,
    scaled: Vec<(model::plan::StepKind, model::Reason)>,
    calm: bool,
) -> (Steps<'a>, Vec<model::Refusal>) {
    let mut steps = Steps::new(seen);
    for (kind, reason) in scaled {
        if calm || !stage::scales_in(&kind) {
            steps.add(kind, reason, None);
        }
    }
    let (bounds, waiting) = group_bounds::decide(seen, aims);
    for (kind, reason) in bounds {
        steps.add(kind, reason, None);
    }
    (steps, waiting)
}

#[cfg(test)]
mod checker;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
