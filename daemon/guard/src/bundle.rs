//! Steps that make sense only together: growth that replaces nodes, and the cordons that wait for it.
//!
//! A bundle is cleared whole or not at all: nodes bought for a removal that is held would only cost more.

use crate::case::Case;
use crate::checks::word;
use crate::tally::Tally;
use model::plan::{Step, StepKind};
use model::{HoldReason, IntentId, Verdict};
use std::collections::BTreeMap;

/// The bundles of a plan.
pub(crate) struct Bundles {
    /// By step: the first step of its bundle, where it is in one.
    first: Vec<Option<usize>>,
    /// By step: words that have been found.
    words: Vec<Option<Verdict>>,
}

impl Bundles {
    pub(crate) fn of(steps: &[Step]) -> Self {
        let launches: BTreeMap<&IntentId, usize> = steps
            .iter()
            .enumerate()
            .filter(|(_, step)| matches!(step.kind, StepKind::GrowGroup { .. }))
            .filter_map(|(at, step)| Some((step.intent.as_ref()?, at)))
            .collect();
        let mut first: Vec<Option<usize>> = vec![None; steps.len()];
        for (at, step) in steps.iter().enumerate() {
            let StepKind::Cordon { after, .. } = &step.kind else {
                continue;
            };
            let awaited = after.iter().filter_map(|id| launches.get(id).copied());
            let members: Vec<usize> = awaited.chain([at]).collect();
            if members.len() > 1 {
                join(&mut first, &members);
            }
        }
        Self {
            words: vec![None; steps.len()],
            first,
        }
    }

    /// The word on a step of a bundle; `None` for all others. The first step of a bundle that is asked about decides
    /// on all of it, and what is cleared of it is counted then.
    pub(crate) fn word(
        &mut self,
        at: usize,
        steps: &[Step],
        case: &Case<'_>,
        tally: &mut Tally,
    ) -> Option<Verdict> {
        let bundle = (*self.first.get(at)?)?;
        if let Some(known) = self.words.get(at)?.clone() {
            return Some(known);
        }
        let mut trial = tally.clone();
        let mut objected = false;
        for (member, step) in steps.iter().enumerate() {
            if self.first.get(member) != Some(&Some(bundle)) {
                continue;
            }
            let verdict = word(step, case, &trial);
            if verdict == Verdict::Cleared {
                trial.count(step, case);
            } else {
                objected = true;
            }
            if let Some(word) = self.words.get_mut(member) {
                *word = Some(verdict);
            }
        }
        if objected {
            self.hold_the_rest(bundle);
        } else {
            *tally = trial;
        }
        self.words.get(at)?.clone()
    }

    fn hold_the_rest(&mut self, bundle: usize) {
        for (word, first) in self.words.iter_mut().zip(&self.first) {
            if *first == Some(bundle) && *word == Some(Verdict::Cleared) {
                *word = Some(Verdict::Held(HoldReason::FollowsHeld));
            }
        }
    }
}

/// Puts steps, and all that are in a bundle with one of them, into one bundle.
fn join(first: &mut [Option<usize>], members: &[usize]) {
    let of = |at: &usize| first.get(*at).copied().flatten().unwrap_or(*at);
    let roots: Vec<usize> = members.iter().map(of).collect();
    let Some(least) = roots.iter().copied().min() else {
        return;
    };
    for (at, bundle) in first.iter_mut().enumerate() {
        let same = bundle.is_some_and(|root| roots.contains(&root));
        if same || members.contains(&at) {
            *bundle = Some(least);
        }
    }
}
