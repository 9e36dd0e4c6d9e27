//! What notices claim, until AWS confirms it or its time is over; and what it has confirmed.
//!
//! Anybody who can send to the queue can claim anything of any instance: a claim moves nothing. It waits, and is asked about
//! in every look, the least asked first, so that no flood of claims keeps a true one from being asked about. Kept are
//! the claims of this cluster's instances (one of a kind for each) and a bounded number of others. Not here: the queue
//! (`notices`), asking AWS (`witness`).

use super::witness::{Asked, Said, Word};
use model::ids::InstanceId;
use model::node::{Leaves, Leaving};
use model::notices::Notices;
use model::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Claims of instances that are not known here that are kept: they may be of an instance that is yet to be listed.
const KEPT: usize = 10_000;
/// Instances that one look asks about.
const MOST_ASKED: usize = 1000;
/// Of so many spot nodes, one may be at risk within an hour: nothing confirms a recommendation, so what a forged one
/// can do (its pool is not bought from for three minutes) is kept small.
const AT_RISK_ONE_IN: usize = 10;
const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;

/// What one notice says of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) instance: InstanceId,
    pub(super) leaving: Leaving,
    /// Account and region that the event says it is of.
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
}

/// What is known of this cluster's instances.
#[derive(Clone, Debug, Default)]
pub(super) struct Ours {
    /// All that groups list or nodes run on.
    pub(super) all: BTreeSet<InstanceId>,
    /// Those that groups list.
    pub(super) listed: BTreeSet<InstanceId>,
    /// Those whose nodes say that they are spot.
    pub(super) spot: usize,
    /// The account, where groups tell it, and the region.
    pub(super) account: Option<String>,
    pub(super) region: String,
}

/// A claim that waits.
#[derive(Clone, Copy, Debug)]
struct Waits {
    told: Instant,
    /// When the last notice of it came.
    since: Instant,
    asked: Option<Instant>,
    /// AWS has said otherwise since the last notice of it.
    denied: bool,
}

/// Claims that wait, what is confirmed, and what became of the others.
#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: BTreeMap<(InstanceId, Leaves), Waits>,
    leaving: BTreeMap<InstanceId, Leaving>,
    told: Notices,
    /// Claims that nobody confirmed, by minute.
    lately: BTreeMap<i64, u64>,
}

impl Pending {
    /// Takes in what came. The time of an event is its sender's: it is never later than now.
    pub(super) fn take(&mut self, claims: Vec<Claim>, ours: &Ours, at: Instant) {
        for claim in claims {
            let (why, told) = (claim.leaving.why, claim.leaving.told.min(at));
            let other = |theirs: &Option<String>, own: &str| {
                !own.is_empty() && theirs.as_ref().is_some_and(|theirs| theirs != own)
            };
            if other(&claim.region, &ours.region)
                || other(&claim.account, ours.account.as_deref().unwrap_or_default())
            {
                self.told.elsewhere += 1;
                continue;
            }
            let known = self.leaving.get(&claim.instance);
            if at.since(told) > kept(why) || known.is_some_and(|known| known.why >= why) {
                continue;
            }
            let fresh = Waits {
                told,
                since: at,
                asked: None,
                denied: false,
            };
            let waits = self.waiting.entry((claim.instance, why)).or_insert(fresh);
            if waits.denied {
                self.told.unconfirmed += 1;
                *self.lately.entry(at.0 / MINUTE).or_default() += 1;
            }
            (waits.since, waits.told, waits.denied) = (at, told, false);
        }
        self.bound(ours);
    }

    /// Of what is not known here the oldest are let go of where there are too many.
    fn bound(&mut self, ours: &Ours) {
        let strange = self.waiting.iter().filter(|((id, _), _)| !ours.all.contains(id));
        let mut strange: Vec<_> = strange.map(|(key, waits)| (waits.since, key.clone())).collect();
        let surplus = strange.len().saturating_sub(KEPT);
        if surplus > 0 {
            strange.sort();
            for (_, key) in strange.into_iter().take(surplus) {
                self.waiting.remove(&key);
                self.told.dropped += 1;
            }
        }
    }

    /// Notices that came too fast for the reader.
    pub(super) fn dropped(&mut self, count: u64) {
        self.told.dropped += count;
    }

    /// Whom the queue's policy lets send, where that is anybody.
    pub(super) fn open_to(&mut self, who: Option<String>) {
        self.told.open_to = who;
    }

    /// Whether some instance of a group is said to end that AWS has not confirmed: its group tells.
    pub(super) fn asks_groups(&self, ours: &Ours) -> bool {
        let mut waiting = self.waiting.keys();
        waiting.any(|(id, why)| *why == Leaves::Ending && ours.listed.contains(id))
    }

    /// What to ask AWS about now: this cluster's instances, those that were asked about least lately first.
    pub(super) fn to_ask(&self, ours: &Ours) -> Asked {
        let of_ours = self.waiting.iter().filter(|((id, _), _)| ours.all.contains(id));
        let mut order: BTreeMap<&InstanceId, Option<Instant>> = BTreeMap::new();
        for ((id, _), waits) in of_ours.clone() {
            let asked = order.entry(id).or_insert(waits.asked);
            *asked = (*asked).min(waits.asked);
        }
        let mut order: Vec<_> = order.into_iter().map(|(id, asked)| (asked, id)).collect();
        order.sort();
        let chosen: BTreeSet<&InstanceId> = order.into_iter().take(MOST_ASKED).map(|(_, id)| id).collect();
        let mut asked = Asked::new();
        for ((id, why), _) in of_ours.filter(|((id, _), _)| chosen.contains(id)) {
            asked.entry(id.clone()).or_default().insert(*why);
        }
        asked
    }

    /// Hears what AWS says: of those that were asked about, and of those whose group lists them on their way out.
    pub(super) fn hear(
        &mut self,
        (asked, said): (&Asked, &BTreeMap<InstanceId, Said>),
        going: &BTreeSet<InstanceId>,
        ours: &Ours,
        at: Instant,
    ) {
        let keys: Vec<_> = self.waiting.keys().cloned().collect();
        for (id, claim) in keys {
            let was_asked = asked.get(&id).is_some_and(|claims| claims.contains(&claim));
            let word = if going.contains(&id) {
                Word::Confirmed(Leaves::Ending)
            } else if was_asked {
                said.get(&id).copied().unwrap_or_default().of(claim)
            } else {
                continue;
            };
            let key = (id, claim);
            let Some(waits) = self.waiting.get_mut(&key) else {
                continue;
            };
            waits.asked = Some(at);
            match word {
                Word::Confirmed(why) => {
                    let told = waits.told;
                    self.waiting.remove(&key);
                    self.confirm(key.0, Leaving { why, told }, ours);
                }
                Word::Denied => waits.denied = true,
                Word::Unknown => {}
            }
        }
    }

    fn confirm(&mut self, id: InstanceId, leaving: Leaving, ours: &Ours) {
        if leaving.why == Leaves::AtRisk {
            let at_risk = self.leaving.values().filter(|one| one.why == Leaves::AtRisk);
            if at_risk.count() >= (ours.spot / AT_RISK_ONE_IN).max(1) {
                self.told.limited += 1;
                return;
            }
        }
        self.told.confirmed += 1;
        if self.leaving.get(&id).is_none_or(|known| known.why < leaving.why) {
            tracing::info!(instance = %id, why = %leaving.why, "an instance is going to go");
            self.leaving.insert(id, leaving);
        }
    }

    /// Lets go of what is over: claims that nobody has confirmed in time, and what was confirmed and has not come true.
    pub(super) fn settle(&mut self, trouble: Option<String>, ours: &Ours, at: Instant) {
        let (mut unconfirmed, mut elsewhere) = (0_u64, 0_u64);
        self.waiting.retain(|(id, why), waits| {
            let waits_on = at.since(waits.since) <= lasts(*why);
            // What waits at a hook of a group that is not ours, its group does not tell us.
            let known = ours.listed.contains(id) || *why != Leaves::Ending && ours.all.contains(id);
            unconfirmed += u64::from(!waits_on && known);
            elsewhere += u64::from(!waits_on && !known);
            waits_on
        });
        if unconfirmed > 0 {
            tracing::warn!(
                notices = unconfirmed,
                "nobody at AWS confirmed these notices of instances in time: nothing was moved for them"
            );
            *self.lately.entry(at.0 / MINUTE).or_default() += unconfirmed;
        }
        self.told.unconfirmed += unconfirmed;
        self.told.elsewhere += elsewhere;
        self.leaving
            .retain(|_, leaving| at.since(leaving.told) <= kept(leaving.why));
        let begins = (at.0 - HOUR) / MINUTE;
        self.lately.retain(|minute, _| *minute >= begins);
        self.told.lately = self.lately.values().sum();
        let of_ours = self.waiting.keys().filter(|(id, _)| ours.all.contains(id));
        self.told.waiting = u64::try_from(of_ours.count()).unwrap_or(u64::MAX);
        self.told.trouble = trouble;
    }

    /// Instances that go, as AWS confirms it.
    pub(super) fn leaving(&self) -> BTreeMap<InstanceId, Leaving> {
        self.leaving.clone()
    }

    /// What became of all notices so far.
    pub(super) fn told(&self) -> Notices {
        self.told.clone()
    }
}

/// How long after the last notice of it a claim waits for AWS to say the same.
const fn lasts(why: Leaves) -> Span {
    match why {
        Leaves::Retired => Span::from_secs(600),
        Leaves::Ending | Leaves::Interrupted | Leaves::AtRisk | Leaves::Broken => Span::from_secs(180),
    }
}

/// What was confirmed and has not come true after this is none any more.
const fn kept(why: Leaves) -> Span {
    match why {
        Leaves::Ending | Leaves::Interrupted => Span::from_secs(600),
        Leaves::AtRisk => Span::from_secs(3600),
        // AWS Health tells of retirements two weeks before.
        Leaves::Retired => Span::from_secs(14 * 86_400),
        // No queue tells that.
        Leaves::Broken => Span::ZERO,
    }
}

#[cfg(test)]
mod tests;
