//! Turns: in which order pods that were dealt to domains may come, so that each is admitted where it goes.
//!
//! A deal holds once everybody has come. On the way there kube-scheduler looks at one pod after another, and one that
//! comes before its time is kept out of its domain, or finds a place in another. Not here: the deal itself.

use super::counts::Counts;
use super::deal::{Deals, Party};
use super::domains::Set;
use crate::class::Class;
use std::collections::BTreeSet;

/// When pods of a class come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    /// As their rules about domains admit them.
    Ruled,
    /// After those whose rules count them.
    Counted,
    /// At any time: no rule about domains concerns them.
    Any,
}

/// Who may come now: whoever of these is tried first, and whether or not the others have come by then.
pub(crate) struct Turns<'a> {
    deals: &'a Deals,
    /// At least: pods that run. At most: these and those that may come now.
    counts: Counts<'a>,
    /// Crowds that somebody with a rule about them still has to come to.
    awaited: BTreeSet<u32>,
}

impl Deals {
    /// Turns among those that wait, by the class of each.
    pub(crate) fn turns<'c>(&self, waiting: impl Iterator<Item = &'c Class>) -> Turns<'_> {
        let mut turns = Turns {
            deals: self,
            counts: self.running(),
            awaited: BTreeSet::new(),
        };
        for class in waiting {
            if let Some((party, _)) = turns.place_of(class).filter(|(party, _)| party.is_early()) {
                turns.awaited.extend(party.rules.iter().map(|rule| rule.crowd));
            }
        }
        turns
    }
}

impl<'a> Turns<'a> {
    /// In which order to ask.
    pub(crate) fn of(&self, class: &Class) -> Turn {
        match self.place_of(class) {
            Some((party, _)) if party.is_early() => Turn::Ruled,
            Some(_) => Turn::Counted,
            None => Turn::Any,
        }
    }

    /// Whether one of the class may come; it is expected from then on.
    pub(crate) fn takes(&mut self, class: &Class) -> bool {
        let Some((party, slot)) = self.place_of(class) else {
            return true;
        };
        let open = self.counts.admits(party, slot) && self.counts.follows(party, slot);
        let awaited = |crowd: u32| !party.is_early() && self.awaited.contains(&crowd);
        let takes = open && !party.member.iter().any(|member| awaited(member.crowd));
        if takes {
            self.counts.expect(party, slot);
        }
        takes
    }

    fn place_of(&self, class: &Class) -> Option<(&'a Party, Set)> {
        let deals = self.deals;
        deals.place_of(class.deal.as_ref()?)
    }
}
