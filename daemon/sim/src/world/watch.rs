//! The referee's eye on whoever acts: no removal on a picture that is old or incomplete, no more per window
//! than the aims allow.
//!
//! Counted from what this world was really made to do, not from what the guard or the Ledger say of it.

use crate::referee::{Violation, ViolationKind};
use crate::scenario::FaultKind;
use crate::world::state::State;
use model::limits::{Limits, MOST_UNACKNOWLEDGED_PERMILLE};
use model::pod::PodPhase;
use model::{GroupKind, GroupName, Instant, NodeName, PodKey, Source, Span, Step, StepKind, UsdPerHour};

/// What a removal rests on.
const RESTS_ON: [Source; 5] = [
    Source::Pods,
    Source::Nodes,
    Source::Workloads,
    Source::Budgets,
    Source::Groups,
];

/// One thing done to this world.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    at: Instant,
    group: GroupName,
    what: What,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Nodes launched, and what they add to the bill.
    Bought {
        count: u32,
        rate: UsdPerHour,
        /// Of the nodes: those that pods wait for.
        needed: u32,
    },
    /// A node with pods cordoned to be removed.
    Begun,
    /// A node without pods that would have to move cordoned to be removed.
    Emptied,
    /// A node removed.
    Removed,
    /// A pod evicted.
    Evicted,
    /// Somebody has lowered replicas by so many.
    LetGo(u32),
}

impl State {
    /// Notes a removal that rests on a picture nobody may remove by.
    pub(crate) fn watch(&mut self, step: &Step) {
        let removes = matches!(
            step.kind,
            StepKind::Cordon { .. }
                | StepKind::Evict { .. }
                | StepKind::Remake { .. }
                | StepKind::RemoveNode { .. }
                | StepKind::RemoveInstance { .. }
        );
        if removes && let Some(why) = self.blind() {
            let message = format!("{} on a picture that {why}", step.kind);
            self.breach(Violation {
                at: self.now,
                kind: ViolationKind::ActedBlind,
                message,
            });
        }
    }

    /// Why nobody may remove anything by the picture that is shown now.
    fn blind(&self) -> Option<String> {
        let most = self.scenario.aims.limits.max_snapshot_age;
        if let Some(age) = self.frozen.as_ref().map(|taken| self.now.since(taken.at))
            && age > most
        {
            return Some(format!("is {age} old"));
        }
        self.scenario
            .faults
            .iter()
            .filter(|fault| fault.holds(self.scenario.start, self.now))
            .find_map(|fault| match &fault.kind {
                FaultKind::Missing { sources } => sources.iter().find(|source| RESTS_ON.contains(*source)),
                _ => None,
            })
            .map(|source| format!("has no {source:?}"))
    }

    /// Counts something done, and holds the windows it falls into against the aims.
    pub(crate) fn did(&mut self, group: &GroupName, what: What) {
        let now = self.now;
        let limits = self.scenario.aims.limits.clone();
        let longest = limits.window.max(limits.long_window);
        self.deeds.retain(|deed| now.since(deed.at) <= longest);
        self.deeds.push(Deed {
            at: now,
            group: group.clone(),
            what,
        });
        let over = match what {
            What::Bought { .. } => self.bought_too_much(&limits),
            What::Begun => self.removed_too_much(group, &limits),
            What::Emptied => self.emptied_too_much(&limits),
            What::Evicted => {
                let evicted = self.within(limits.window, |deed| deed.what == What::Evicted);
                (evicted > limits.evictions_per_window).then(|| format!("{evicted} evictions"))
            }
            What::Removed | What::LetGo(_) => None,
        };
        if let Some(over) = over {
            self.breach(Violation {
                at: now,
                kind: ViolationKind::OverLimit,
                message: format!("{over} within a window, which is more than the aims allow"),
            });
        }
    }

    fn bought_too_much(&self, limits: &Limits) -> Option<String> {
        let (mut nodes, mut added) = (0_u32, UsdPerHour::ZERO);
        for deed in self
            .deeds
            .iter()
            .filter(|deed| self.now.since(deed.at) <= limits.window)
        {
            if let What::Bought { count, rate, needed } = deed.what {
                let spare = count - if limits.growth_by_evidence { needed } else { 0 };
                nodes = nodes.saturating_add(spare);
                let part = i128::from(rate.0) * i128::from(spare) / i128::from(count.max(1));
                added += UsdPerHour(i64::try_from(part).unwrap_or(i64::MAX));
            }
        }
        (nodes > limits.bought_per_window || added > limits.added_per_window)
            .then(|| format!("{nodes} nodes bought for {added} that no pod waits for"))
    }

    /// Nodes of an offer that waiting pods need, full to half or more.
    pub(crate) fn needed_for(&self, pods: &[PodKey], sold: usize) -> u32 {
        let Some(offer) = self.scenario.offers.get(sold) else {
            return 0;
        };
        let share = |pod: &PodKey| {
            let pod = self.pods.get(pod).filter(|pod| pod.waits() && !pod.daemon)?;
            let asked = &self.specs.get(pod.spec as usize)?.requests;
            let has = &offer.allocatable;
            let extended = asked
                .extended
                .iter()
                .map(|(name, amount)| (*amount, has.amount(name)));
            let amounts = [
                (asked.cpu_milli, has.cpu_milli),
                (asked.memory_bytes, has.memory_bytes),
                (asked.ephemeral_bytes, has.ephemeral_bytes),
                (1, i64::from(offer.max_pods)),
            ];
            let parts = amounts
                .into_iter()
                .chain(extended)
                .filter(|(asked, _)| *asked > 0);
            parts
                .map(|(asked, has)| i128::from(asked) * 1_000_000 / i128::from(has.max(1)))
                .max()
        };
        let share: i128 = pods
            .iter()
            .filter_map(share)
            .map(|share| share.min(1_000_000))
            .sum();
        if share == 0 {
            return 0;
        }
        u32::try_from(share * 2 / 1_000_000 + 1).unwrap_or(u32::MAX)
    }

    /// Whether no pod on the node would have to move.
    pub(crate) fn is_empty(&self, name: &NodeName) -> bool {
        let mut on_it = self.pods.values().filter(|pod| pod.node.as_ref() == Some(name));
        !on_it.any(|pod| !pod.daemon && pod.phase != PodPhase::Finished)
    }

    /// Empty nodes go by a window of their own, beside what the window of all others lets go.
    fn emptied_too_much(&self, limits: &Limits) -> Option<String> {
        let begun = self.within(limits.emptied_window, |deed| deed.what == What::Emptied);
        let removed = self.within(limits.emptied_window, |deed| deed.what == What::Removed);
        let groups = self.scenario.groups.iter();
        let nodes = groups.filter(|group| group.kind != GroupKind::FargateProfile);
        let size = nodes.map(|group| self.living(&group.name)).sum::<u32>() + removed;
        let explained = match limits.explained_per_window_permille {
            0 => 0,
            permille => share(size, permille, 200, limits),
        };
        let allowed = share(size, limits.emptied_per_window_permille, 200, limits)
            + share(size, limits.removed_per_window_permille, 50, limits)
            + explained.min(self.let_go(limits.long_window));
        (begun > allowed).then(|| format!("{begun} empty nodes removed, {allowed} allowed,"))
    }

    fn removed_too_much(&self, group: &GroupName, limits: &Limits) -> Option<String> {
        let of_group = |what: What| move |deed: &Deed| deed.what == what && deed.group == *group;
        let begun = self.within(limits.window, of_group(What::Begun));
        let size = self.living(group) + self.within(limits.window, of_group(What::Removed));
        let short = share(size, limits.removed_per_window_permille, 50, limits);
        let begun_long = self.within(limits.long_window, |deed| deed.what == What::Begun);
        let removed_long = self.within(limits.long_window, |deed| deed.what == What::Removed);
        let nodes = self
            .scenario
            .groups
            .iter()
            .filter(|g| g.kind != GroupKind::FargateProfile);
        let size_long = nodes.map(|g| self.living(&g.name)).sum::<u32>() + removed_long;
        let long = share(size_long, limits.removed_per_long_window_permille, 100, limits);
        // Beside these, where somebody let go of pods: a node for each of them, and a share of the fleet in each of the
        // windows that the time has.
        let explained = |window: Span| match limits.explained_per_window_permille {
            0 => 0,
            permille => {
                let windows = window.millis() / limits.emptied_window.millis().max(1) + 1;
                let share = share(size_long, permille, 200, limits);
                share.saturating_mul(u32::try_from(windows).unwrap_or(u32::MAX))
            }
        };
        let let_go = self.let_go(limits.long_window);
        let short = short.saturating_add(explained(limits.window).min(let_go));
        let long = long.saturating_add(explained(limits.long_window).min(let_go));
        if begun > short {
            return Some(format!("{begun} removals in group {group}, {short} allowed,"));
        }
        (begun_long > long).then(|| format!("{begun_long} removals, {long} allowed,"))
    }

    /// Notes that somebody has lowered replicas by so many.
    pub(crate) fn lets_go(&mut self, pods: u32) {
        self.deeds.push(Deed {
            at: self.now,
            group: GroupName::new(""),
            what: What::LetGo(pods),
        });
    }

    fn let_go(&self, window: Span) -> u32 {
        let deeds = self.deeds.iter().filter(|deed| self.now.since(deed.at) <= window);
        let pods = deeds.map(|deed| match deed.what {
            What::LetGo(pods) => pods,
            _ => 0,
        });
        pods.fold(0, u32::saturating_add)
    }

    fn within(&self, window: Span, is: impl Fn(&Deed) -> bool) -> u32 {
        let deeds = self.deeds.iter().filter(|deed| self.now.since(deed.at) <= window);
        u32::try_from(deeds.filter(|deed| is(deed)).count()).unwrap_or(u32::MAX)
    }
}

/// The share of a size, at least one; more than half of it only where the risk is acknowledged.
fn share(size: u32, permille: u32, usual: u32, limits: &Limits) -> u32 {
    let permille = if permille > MOST_UNACKNOWLEDGED_PERMILLE && !limits.acknowledge_risk {
        usual
    } else {
        permille
    };
    let share = u64::from(size) * u64::from(permille) / 1000;
    u32::try_from(share).unwrap_or(u32::MAX).max(1)
}
