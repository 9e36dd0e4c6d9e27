//! Plays a scenario: the same cycle as everywhere, with the world at both ends and a clock that this file moves.
//!
//! Real time matters for the pace only; what happens does not depend on it.

use crate::bound::Bound;
use crate::scenario::Scenario;
use crate::scorecard::{PolicyUse, Scorecard};
use crate::series::{Decision, Sample, Series};
use crate::world::{Sums, World};
use cycle::{Desk, Ends, InForce, ManualClock, Parts, run_cycle};
use guard::{Fence, StoreError};
use logbook::CycleRecord;
use model::{Outcome, Reason, Span, Step, StepKind};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How fast a scenario plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it goes.
    #[default]
    Free,
    /// Spread evenly over this much real time; longer where the machine needs longer.
    Over(Duration),
}

/// One cycle that has been played.
pub struct Moment<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// How many there will be.
    pub of: u64,
    /// Its record.
    pub record: &'a CycleRecord,
    /// How the world stands after it.
    pub sample: &'a Sample,
}

/// A scenario that has been played to its end.
#[derive(Clone, Debug)]
pub struct Played {
    /// What it came to.
    pub scorecard: Scorecard,
    /// How it went.
    pub series: Series,
}

/// A scenario laid out to be played: a world and the clock that drives it. Whoever serves the same `Desk`
/// meanwhile (gRPC, metrics) opens it with this clock.
#[derive(Clone, Debug)]
pub struct Player {
    scenario: Arc<Scenario>,
    world: World,
    clock: Arc<ManualClock>,
}

/// What `play` is told beside the scenario.
#[derive(Default)]
pub struct Options {
    /// How fast.
    pub pace: Pace,
    /// Where records are written; `None`: nowhere.
    pub log: Option<logbook::Writer>,
}

/// Plays a scenario on a desk of its own, Ledger and Memory kept in memory.
pub async fn play(
    scenario: Scenario,
    policies: InForce,
    options: Options,
    on_cycle: &mut (dyn FnMut(Moment<'_>) + Send),
) -> Result<Played, StoreError> {
    let player = Player::new(scenario);
    let desk = Desk::open(Parts {
        clock: player.clock(),
        policies,
        aims: player.scenario.aims.clone(),
        mode: model::aims::Mode::Observe,
        store: Box::new(cycle::MemoryStore::default()),
        log: options.log,
        library: Box::new(cycle::Fixed),
        fence: Fence::sole(),
        overdue: Span::from_millis(player.scenario.cycle.millis().saturating_mul(4)),
    })
    .await;
    Ok(player.play(&desk, options.pace, on_cycle).await)
}

impl Player {
    /// The world of a scenario at its first instant, with a clock that stands there.
    pub fn new(scenario: Scenario) -> Self {
        let scenario = Arc::new(scenario);
        Self {
            world: World::new(&scenario),
            clock: Arc::new(ManualClock::new(scenario.start)),
            scenario,
        }
    }

    /// The clock of this world, for the Desk that it is played on.
    pub fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }

    /// The world itself: both ends of its cycles.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// What is played.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Plays every cycle on this desk, to the scenario's end. `on_cycle` is called after each.
    pub async fn play(
        &self,
        desk: &Desk,
        pace: Pace,
        on_cycle: &mut (dyn FnMut(Moment<'_>) + Send),
    ) -> Played {
        let mut ends = Ends {
            eyes: self.world.clone(),
            hands: self.world.clone(),
        };
        let mut run = Run::new(&self.scenario);
        let (began, of) = (Instant::now(), self.scenario.cycles());
        for number in 0..of {
            let at = self.scenario.instant_of(number);
            self.world.advance(at);
            self.clock.set(at);
            run.pay(&self.world);
            let record = run_cycle(&mut ends, desk).await;
            let sample = run.note(number, &record, &self.world.sums());
            on_cycle(Moment {
                number: number + 1,
                of,
                record: &record,
                sample: &sample,
            });
            run.series.samples.push(sample);
            keep_pace(pace, began, number + 1, of).await;
        }
        self.world.advance(self.scenario.end());
        self.clock.set(self.scenario.end());
        run.pay(&self.world);
        self.world.audit();
        let card = Scorecard::of(
            &self.world.sums(),
            run.bound.total(),
            self.world.violations(),
            of,
            run.policy,
        );
        Played {
            scorecard: card,
            series: run.series,
        }
    }
}

/// Waits until as much real time has passed as this share of the cycles should take; a yield in any case, so
/// that servers on the same runtime are served.
async fn keep_pace(pace: Pace, began: Instant, done: u64, of: u64) {
    let Pace::Over(whole) = pace else {
        tokio::task::yield_now().await;
        return;
    };
    let share = u32::try_from(done).unwrap_or(u32::MAX);
    let due = whole.saturating_mul(share) / u32::try_from(of.max(1)).unwrap_or(u32::MAX);
    let early = due.saturating_sub(began.elapsed());
    if early.is_zero() {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(early).await;
    }
}

/// What is added up while a scenario plays.
struct Run {
    bound: Bound,
    policy: PolicyUse,
    series: Series,
}

impl Run {
    fn new(scenario: &Scenario) -> Self {
        Self {
            bound: Bound::new(scenario),
            policy: PolicyUse::default(),
            series: Series::default(),
        }
    }

    /// Adds what the demand since the last call costs at least.
    fn pay(&mut self, world: &World) {
        let (demand, now) = world.take_demand();
        self.bound.add(demand, now);
    }

    fn note(&mut self, number: u64, record: &CycleRecord, sums: &Sums) -> Sample {
        for call in record.calls() {
            self.policy.calls += 1;
            self.policy.fuel += call.fuel;
            self.policy.faults += u64::from(call.answer.is_err());
        }
        let mut decisions: BTreeMap<(String, String), u32> = BTreeMap::new();
        for (step, outcome) in carried_out(record) {
            let by = decided_by(&step.reason);
            let kind = step.kind.name();
            *decisions.entry((by.clone(), kind.to_owned())).or_insert(0) += 1;
            if worth_reading(&step.kind) {
                self.series.keep(Decision {
                    at: sums.at,
                    cycle: number,
                    by,
                    kind,
                    step: step.kind.to_string(),
                    reason: step.reason.to_string(),
                    outcome: outcome.to_string(),
                });
            }
        }
        Sample {
            at: sums.at,
            cycle: number,
            rate: sums.rate,
            bound: self.bound.rate(),
            waiting: u32::try_from(sums.waiting.len()).unwrap_or(u32::MAX),
            bound_pods: sums.bound_pods,
            nodes: sums.nodes.clone(),
            decisions,
            cpu_requested_permille: sums.cpu_requested_permille,
        }
    }
}

/// Steps that were cleared, with what came of them.
pub fn carried_out(record: &CycleRecord) -> impl Iterator<Item = (&Step, &Outcome)> {
    record.carried_out()
}

/// The policy behind a step, or `engine`.
pub fn decided_by(reason: &Reason) -> String {
    match reason {
        Reason::Scaled { by, .. } | Reason::FargateCheaper { by: Some(by), .. } => by.to_string(),
        _ => "engine".to_owned(),
    }
}

/// Nominations and evictions are the small change of a plan.
const fn worth_reading(kind: &StepKind) -> bool {
    !matches!(
        kind,
        StepKind::Nominate { .. } | StepKind::Evict { .. } | StepKind::Remake { .. }
    )
}

#[cfg(test)]
mod tests;
