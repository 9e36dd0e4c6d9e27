//! The referee: what came of a run, read from the façade's account and the model cluster alone.
//!
//! What a controller says of itself counts for nothing. Not here: which of it is a failure; that is the incident's.

use crate::cluster::Cluster;
use model::{Instant, Span};
use sim_aws::{Account, Gone, Machine};
use std::collections::{BTreeMap, BTreeSet};

/// A machine that has not joined after this is one that nobody will use.
const NEVER: Span = Span::from_secs(1800);

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Healthy machines ended with pods on them, by name or by number.
    pub(crate) killed: usize,
    /// Machines that their group chose because it was to shrink by number.
    pub(crate) by_number: usize,
    /// Machines that their group replaced to even out zones.
    pub(crate) rebalanced: usize,
    /// Pods that were on machines as they ended, whyever those did.
    pub(crate) lost: u32,
    /// Machines launched since the beginning.
    pub(crate) launched: usize,
    /// Of those that live at the end, machines of a fleet of Plimsoll's own.
    pub(crate) of_fleets: usize,
    /// Machines ended by name.
    pub(crate) removed: usize,
    /// Most of them within ten minutes.
    pub(crate) removed_in_ten_minutes: usize,
    /// Most machines at once.
    pub(crate) most: usize,
    /// Machines that live and are in no group and no fleet.
    pub(crate) orphans: usize,
    /// Machines that live, long since launched, and never joined.
    pub(crate) idle: usize,
    /// Pods that wait at the end.
    pub(crate) waiting: usize,
    /// When one last waited, in seconds since the beginning.
    pub(crate) last_waited: i64,
    /// Fewest pods served at once.
    pub(crate) fewest_served: usize,
    /// Nodes cordoned at the end.
    pub(crate) cordoned: usize,
    /// Evictions.
    pub(crate) evictions: u32,
    /// Calls that change something, sent to AWS.
    pub(crate) writes: u64,
    /// Cents that the machines cost.
    pub(crate) cents: i128,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Referee {
    began: Instant,
    initial: BTreeSet<String>,
    seen: BTreeSet<String>,
    excused: BTreeSet<String>,
    ended: usize,
    removals: Vec<Span>,
    report: Report,
}

impl Referee {
    /// Knows the machines that are there at the beginning.
    pub(crate) fn new(began: Instant, machines: &BTreeMap<String, Machine>) -> Self {
        Self {
            began,
            initial: machines.keys().cloned().collect(),
            seen: BTreeSet::new(),
            excused: BTreeSet::new(),
            ended: 0,
            removals: Vec::new(),
            report: Report {
                fewest_served: usize::MAX,
                ..Report::default()
            },
        }
    }

    /// Lays this machine's end to nobody's charge: somebody else ends it.
    pub(crate) fn excuse(&mut self, id: &str) {
        self.excused.insert(id.to_owned());
    }

    /// Looks at what the account has done since the last time, before the cluster learns of it.
    pub(crate) fn watch(&mut self, account: &Account, cluster: &mut Cluster) {
        self.seen.extend(account.machines.keys().cloned());
        let since = account.now().since(self.began);
        for (id, gone) in &account.ended[self.ended..] {
            let Some(machine) = account.machines.get(id) else {
                continue;
            };
            let pods = cluster.pods_on(&machine.dns).len();
            cluster.lost += u32::try_from(pods).unwrap_or(u32::MAX);
            if self.excused.contains(id) {
                continue;
            }
            let healthy = machine.joined && machine.healthy && !machine.noticed;
            let chosen = matches!(gone, Gone::Named | Gone::ScaledIn);
            self.report.killed += usize::from(chosen && healthy && pods > 0);
            self.report.by_number += usize::from(*gone == Gone::ScaledIn);
            self.report.rebalanced += usize::from(*gone == Gone::Rebalanced);
            if *gone == Gone::Named {
                self.removals.push(since);
                self.report.removed += 1;
            }
        }
        self.ended = account.ended.len();
        let lives = account.machines.values().filter(|m| m.lives()).count();
        self.report.most = self.report.most.max(lives);
    }

    /// Looks at the cluster once it has followed.
    pub(crate) fn count(&mut self, cluster: &Cluster) {
        if cluster.waiting() > 0 {
            self.report.last_waited = cluster.now.since(self.began).secs();
        }
        self.report.fewest_served = self.report.fewest_served.min(cluster.served());
    }

    /// What came of it.
    pub(crate) fn report(
        &self,
        account: &Account,
        cluster: &Cluster,
        calls: &BTreeMap<String, u64>,
    ) -> Report {
        let lives = || account.machines.values().filter(|m| m.lives());
        let of_fleet = |m: &&Machine| m.tags.contains_key("plimsoll.io/fleet");
        let owned = |m: &&Machine| m.group.is_some() || of_fleet(m);
        let within = |from: &Span| {
            let until = *from + Span::from_secs(600);
            self.removals
                .iter()
                .filter(|at| *at >= from && **at < until)
                .count()
        };
        let writes = calls.iter().filter(|(name, _)| {
            let verb = name.split(':').nth(1).unwrap_or_default();
            !["Describe", "Get", "List"]
                .iter()
                .any(|read| verb.starts_with(read))
        });
        Report {
            lost: cluster.lost,
            launched: self.seen.difference(&self.initial).count(),
            removed_in_ten_minutes: self.removals.iter().map(within).max().unwrap_or(0),
            of_fleets: lives().filter(of_fleet).count(),
            orphans: lives().filter(|m| !owned(m)).count(),
            idle: lives()
                .filter(|m| !m.joined && account.now().since(m.launched) > NEVER)
                .count(),
            waiting: cluster.waiting(),
            cordoned: cluster.nodes.values().filter(|node| node.cordoned).count(),
            evictions: cluster.evictions,
            writes: writes.map(|(_, count)| count).sum(),
            cents: account.cost_nanos() / 10_000_000,
            ..self.report.clone()
        }
    }
}
