//! The usual limits neither hurt nor stall: much that is wanted at once is asked for at once, and what a batch leaves
//! behind is given back soon. In the time of the simulated world, never of the machine.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]

use cycle::InForce;
use logbook::CycleRecord;
use model::{HoldReason, Instant, Span, StepKind, UsdPerHour, Verdict};
use sim::{Options, Played, Sample, Scenario};
use std::collections::BTreeMap;

const RUSH: &[u8] = include_bytes!("../scenarios/rush.yaml");
const BATCH: &[u8] = include_bytes!("../scenarios/batch.yaml");

async fn play(name: &str, bytes: &[u8], on_cycle: &mut (dyn FnMut(&CycleRecord, &Sample) + Send)) -> Played {
    let fetch = |name: &str| Err(format!("{name}: the scenario names no other file"));
    let scenario = Scenario::read(name, bytes, &fetch).unwrap();
    let each = &mut |moment: sim::Moment<'_>| on_cycle(moment.record, moment.sample);
    sim::play(scenario, InForce::default(), Options::default(), each)
        .await
        .unwrap()
}

/// Whether one of our own limits on how much may change holds a step that grows.
const fn is_limit(why: &HoldReason) -> bool {
    matches!(
        why,
        HoldReason::PurchasesPerWindow { .. }
            | HoldReason::RatePerWindow { .. }
            | HoldReason::MaxNodes { .. }
            | HoldReason::MaxRate { .. }
            | HoldReason::TooManyIntents { .. }
            | HoldReason::IntentOpen
            | HoldReason::FollowsHeld
    )
}

#[tokio::test]
async fn three_hundred_nodes_are_asked_for_within_a_cycle_of_being_wanted() {
    let mut asked: BTreeMap<Instant, u32> = BTreeMap::new();
    let (mut first, mut held) = (None, Vec::new());
    let played = play("rush.yaml", RUSH, &mut |record, sample| {
        if sample.waiting > 0 {
            first.get_or_insert(record.at);
        }
        let steps: BTreeMap<_, _> = record.plan.steps.iter().map(|step| (step.id, step)).collect();
        for (id, verdict) in &record.verdicts {
            let Some(StepKind::GrowGroup { from, to, .. }) = steps.get(id).map(|step| &step.kind) else {
                continue;
            };
            match verdict {
                Verdict::Cleared => *asked.entry(record.at).or_default() += to - from,
                Verdict::Held(why) if is_limit(why) => held.push((record.at, why.clone())),
                _ => {}
            }
        }
    })
    .await;
    let first = first.unwrap();
    let soon: u32 = asked
        .range(..=first + Span::from_secs(15))
        .map(|(_, count)| count)
        .sum();
    let all: u32 = asked.values().sum();
    assert_eq!(held, []);
    assert!(
        soon == all && all >= 299,
        "{soon} of {all} nodes within 15 s: {asked:?}"
    );
    assert_eq!(played.scorecard.violations, []);
    assert!(
        played.scorecard.pending_p99_ms <= 120_000,
        "{:?}",
        played.scorecard
    );
}

#[tokio::test]
async fn ninety_percent_of_what_a_batch_leaves_idle_stops_within_twenty_minutes() {
    let mut rates: Vec<(Instant, UsdPerHour, u32)> = Vec::new();
    let played = play("batch.yaml", BATCH, &mut |record, sample| {
        rates.push((record.at, sample.rate, sample.bound_pods));
    })
    .await;
    let busy = rates.iter().position(|(_, _, bound)| *bound >= 110).unwrap();
    let (ended, peak, _) = *rates[busy..].iter().find(|(_, _, bound)| *bound <= 10).unwrap();
    let last = rates.last().unwrap().1;
    let idle = peak - last;
    let soon = ended + Span::from_secs(20 * 60);
    let left = rates.iter().find(|(at, _, _)| *at >= soon).unwrap().1 - last;
    assert!(idle > UsdPerHour(10_000_000_000), "{idle}");
    assert!(
        left.0 * 10 <= idle.0,
        "{left} of {idle} an hour still idle after 20 minutes"
    );
    assert_eq!(played.scorecard.violations, []);
    // Of the shop's 10 pods each moves at most twice: into room beside the batch, and once that has ended.
    assert!(played.scorecard.evictions <= 20, "{}", played.scorecard.evictions);
}
