//! A fully malicious policy, and a tenant with every right in one namespace, against the judge with a moving clock: a
//! search for the worst that they can do, which is never more than `exposure` and `tenant` print.
//!
//! A strategy is a few phases of small numbers (`strategy`); one run plays it in a small cluster for some cycles (`world`).
//! What is counted is what was carried out, pod by pod and node by node, with none of the guard's tallies (`deeds`). For
//! every objective the strategies that came furthest are kept, varied and crossed. Calls fail as well: no policy can make
//! them, but what it asked for then must not count as undone in place of something else.
//! `PLIMSOLL_ADVERSARY_RUNS` sets how many runs are tried in all; the same number always tries the same runs.

mod deeds;
mod strategy;
mod world;

use super::*;
use deeds::{Figures, OBJECTIVES, bounds};
use strategy::{Dice, Strategy};
use world::{limits, play};

/// Runs of the usual test.
const RUNS: u64 = 700;
/// Strategies that are kept for every objective.
const KEPT: usize = 4;
/// Percent of the bound that a search must reach: a bound that nobody comes near proves little. Nothing is printed for the
/// pods moved as explained; some are.
const REACHED: [u64; OBJECTIVES.len()] = [50, 30, 8, 75, 60, 60, 0, 60, 50, 90, 90, 40];

/// The best of every objective, the best first.
struct Search {
    dice: Dice,
    kept: Vec<Vec<(u64, Strategy)>>,
}

impl Search {
    /// One that is new, or that varies one that came far for an objective.
    fn next(&mut self, run: u64) -> Strategy {
        let best = &self.kept[usize::try_from(run).unwrap_or(0) % OBJECTIVES.len()];
        if best.is_empty() || self.dice.chance(15) {
            return Strategy::drawn(&mut self.dice);
        }
        let parent = &best[self.dice.index(best.len())].1;
        if self.dice.chance(20) {
            let others = &self.kept[self.dice.index(OBJECTIVES.len())];
            if !others.is_empty() {
                let other = &others[self.dice.index(others.len())].1;
                return parent.crossed(other, &mut self.dice);
            }
        }
        parent.mutated(&mut self.dice)
    }

    fn keep(&mut self, strategy: &Strategy, figures: &Figures) {
        for (kept, figure) in self.kept.iter_mut().zip(figures) {
            // As good as the others is enough: that is how a search leaves a plain.
            let place = kept.partition_point(|(best, _)| best > figure);
            if place < KEPT {
                kept.insert(place, (*figure, strategy.clone()));
                kept.truncate(KEPT);
            }
        }
    }
}

#[test]
fn the_worst_that_a_search_finds_is_no_more_than_is_printed() {
    let wanted = std::env::var("PLIMSOLL_ADVERSARY_RUNS").ok();
    let runs = wanted.and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    let mut search = Search {
        dice: Dice(1),
        kept: vec![Vec::new(); OBJECTIVES.len()],
    };
    for run in 0..runs {
        let strategy = search.next(run);
        let figures = play(&strategy);
        search.keep(&strategy, &figures);
    }
    let limits = limits();
    let most = bounds(&exposure(&limits), &tenant(&limits, None));
    println!("{runs} runs");
    println!("{:<58} {:>10} {:>10} {:>4}", "most of", "found", "bound", "%");
    let mut wrong = Vec::new();
    for (at, name) in OBJECTIVES.into_iter().enumerate() {
        let worst = search.kept[at].first().map_or(0, |best| best.0);
        let percent = worst.saturating_mul(100) / most[at].max(1);
        let bound = match most[at] {
            u64::MAX => "-".to_owned(),
            bound => bound.to_string(),
        };
        println!("{name:<58} {worst:>10} {bound:>10} {percent:>4}");
        if worst > most[at] || worst == 0 || percent < REACHED[at] {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "above the bound, or far below it: {wrong:?}");
}

#[test]
fn the_usual_bounds_are_these() {
    let bound = exposure(&Limits::default());
    assert_eq!(
        (bound.nodes_bought, bound.added),
        (600, UsdPerHour(300_000_000_000))
    );
    assert_eq!((bound.nodes_removed, bound.evictions), (100, 6000));
    assert_eq!(
        (bound.max_nodes, bound.max_rate),
        (1000, UsdPerHour(500_000_000_000))
    );
    // In ten windows it is at the ceiling.
    assert_eq!(bound.day, Usd(11_708_333_333_330));
    let tight = Limits {
        emptied_per_window_permille: 0,
        ..Limits::default()
    };
    assert_eq!(
        (bound.nodes_emptied, exposure(&tight).nodes_emptied),
        (200 * 60, 0)
    );
    let tight = Limits {
        explained_per_window_permille: 0,
        ..Limits::default()
    };
    assert_eq!(
        (bound.nodes_explained, exposure(&tight).nodes_explained),
        (200 * 60, 0)
    );
    let slow = Limits {
        window: Span::from_secs(3600),
        ..Limits::default()
    };
    assert_eq!(exposure(&slow).nodes_bought, 100);
}
