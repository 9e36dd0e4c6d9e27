//! Nodes that have stopped working: which are given up and replaced, and what keeps the others although they are not
//! Ready.
//!
//! A node is given up on the word of witnesses that do not know of each other, and only while few say so at once:
//!
//! - the API server: its condition Ready has not been True for [`RepairAims::after`], and the node lifecycle controller
//!   has tainted it;
//! - AWS: the instance is in service in its group, so that it is paid for, is the one that the node names, and nobody
//!   replaces it already;
//! - its kubelet, asked by us: where that still answers although the API server calls it silent, the network between the
//!   two is at fault and not the node.
//!
//! Karpenter repairs after 30 minutes of Ready False or Unknown, past budgets and do-not-disrupt of pods (pods of such a
//! node are not running, or nobody can tell), and not where more than 20 % of a NodePool are unhealthy (`pkg/controllers/
//! node/health`); the Cluster Autoscaler counts nodes as unready for 20 minutes before it removes them and stops altogether
//! above 45 % (`--scale-down-unready-time`, `--max-total-unready-percentage`, `--ok-total-unready-count`); the node
//! lifecycle controller stops evicting in a zone of which 55 % are not Ready. All of these hold here. Not here: nodes that
//! boot, and the steps.

mod aims;
mod doubt;

use crate::aims::Aims;
use crate::group::InstanceState;
use crate::ids::GroupName;
use crate::node::{Node, UNREACHABLE_TAINT};
use crate::pod::PodPhase;
use crate::registration::label;
use crate::snapshot::{Snapshot, Source};
use crate::time::{Instant, Span};
pub use aims::RepairAims;
pub use doubt::{Among, Doubt};
use std::collections::BTreeMap;

/// Taint of a node whose condition Ready is False (the node lifecycle controller sets it).
pub const NOT_READY_TAINT: &str = "node.kubernetes.io/not-ready";

/// Clocks of nodes may be off by this much: what a kubelet said so shortly after it fell silent is no contradiction.
const CLOCKS: Span = Span::from_secs(120);

/// A zone of which so much is not Ready, in percent, is cut off rather than broken (`--unhealthy-zone-threshold`).
const ZONE_PERCENT: u64 = 55;
/// As long as more than this many are.
const ZONE_COUNT: u32 = 2;

/// A cluster of which more than this is not Ready, in percent, is not understood (`--max-total-unready-percentage`).
const TOTAL_PERCENT: u64 = 45;
/// As long as more than this many are (`--ok-total-unready-count`).
const TOTAL_COUNT: u32 = 3;

/// What is to be thought of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It works, boots, or has not been out of order for long enough.
    No,
    /// It has been out of order for long enough, and not all say so.
    Doubted(Doubt),
    /// It is given up.
    Yes {
        /// Since when it has not been Ready.
        since: Instant,
    },
}

/// Nodes that are not Ready, and all of them; those that boot are neither.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    broken: u32,
    of: u32,
}

impl Count {
    fn add(&mut self, broken: bool) {
        self.broken += u32::from(broken);
        self.of += 1;
    }

    fn exceeds(self, permille: u32) -> bool {
        let most = (u64::from(self.of) * u64::from(permille)).div_ceil(1000);
        u64::from(self.broken) > most
    }

    fn exceeds_percent(self, percent: u64, count: u32) -> bool {
        self.broken > count && u64::from(self.broken) * 100 >= percent * u64::from(self.of)
    }

    fn too_many(self, among: Among) -> Doubt {
        Doubt::TooMany {
            broken: self.broken,
            of: self.of,
            among,
        }
    }
}

/// Tells which nodes of a picture are broken.
pub struct Repair<'a> {
    seen: &'a Snapshot,
    aims: &'a Aims,
    cluster: Count,
    groups: BTreeMap<&'a GroupName, Count>,
    zones: BTreeMap<&'a str, Count>,
}

impl<'a> Repair<'a> {
    /// For a picture; what the daemon itself has decided of a node says nothing about whether it works.
    pub fn new(seen: &'a Snapshot, aims: &'a Aims) -> Self {
        let mut repair = Self {
            seen,
            aims,
            cluster: Count::default(),
            groups: BTreeMap::new(),
            zones: BTreeMap::new(),
        };
        let within = aims.limits.provision_time;
        let counted = |node: &&Node| !node.fargate && !node.is_booting(seen.at, within);
        for node in seen.nodes.iter().filter(counted) {
            let broken = !node.ready;
            repair.cluster.add(broken);
            if let Some(group) = &node.group {
                repair.groups.entry(group).or_default().add(broken);
            }
            if let Some(zone) = node.labels.get(label::ZONE) {
                repair.zones.entry(zone).or_default().add(broken);
            }
        }
        repair
    }

    /// What is to be thought of a node of the picture.
    pub fn broken(&self, node: &Node) -> Broken {
        let now = self.seen.at;
        let (Some(after), Some(since)) = (self.patience(node), node.unready) else {
            return Broken::No;
        };
        let boots = self.seen.is_booting(node, self.aims);
        if node.ready || node.fargate || node.deleting || boots || now.since(since) < after {
            return Broken::No;
        }
        match self.doubt(node, since) {
            Some(doubt) => Broken::Doubted(doubt),
            None => Broken::Yes { since },
        }
    }

    /// How long a node must not have been Ready: what its group says wins over the aims, which alone say whether at all.
    fn patience(&self, node: &Node) -> Option<Span> {
        let usual = self.aims.disruption.repair.after?;
        let of_group = self.seen.options(node.group.as_ref()).unready_for;
        Some(of_group.unwrap_or(usual))
    }

    /// Whether a node is given up.
    pub fn gives_up(&self, node: &Node) -> bool {
        matches!(self.broken(node), Broken::Yes { .. })
    }

    /// So many of all nodes are not Ready that the cluster is not understood: nothing more is given up of one's own accord
    /// until it is.
    pub fn is_implausible(&self) -> Option<Doubt> {
        let Count { broken, of } = self.cluster;
        let too_many = broken > TOTAL_COUNT && u64::from(broken) * 100 > TOTAL_PERCENT * u64::from(of);
        too_many.then(|| self.cluster.too_many(Among::Cluster))
    }

    fn doubt(&self, node: &Node, since: Instant) -> Option<Doubt> {
        for source in [Source::Nodes, Source::Groups] {
            let heard = self.seen.freshness(source);
            if !heard.within(self.aims.limits.max_snapshot_age) {
                return Some(Doubt::Unheard { source });
            }
        }
        let tainted = |key: &str| node.taints.iter().any(|taint| taint.key == key);
        if !tainted(UNREACHABLE_TAINT) && !tainted(NOT_READY_TAINT) {
            return Some(Doubt::NotTainted);
        }
        let answered = node.usage.map(|usage| usage.at);
        if let Some(at) = answered.filter(|at| is_silent(node) && *at > since + CLOCKS) {
            return Some(Doubt::KubeletAnswers { at });
        }
        let state = self.instance(node);
        if state != Some(InstanceState::InService) {
            return Some(Doubt::NotInService { state });
        }
        self.too_many(node)
    }

    fn instance(&self, node: &Node) -> Option<InstanceState> {
        let group = self.seen.group(node.group.as_ref()?)?;
        let id = node.instance.as_ref()?;
        let listed = group.instances.iter().find(|listed| listed.id == *id)?;
        Some(listed.state)
    }

    fn too_many(&self, node: &Node) -> Option<Doubt> {
        let most = self.aims.disruption.repair.most_permille;
        if self.cluster.exceeds(most) {
            return Some(self.cluster.too_many(Among::Cluster));
        }
        if let Some(group) = &node.group
            && let Some(count) = self.groups.get(group).filter(|count| count.exceeds(most))
        {
            return Some(count.too_many(Among::Group(group.clone())));
        }
        let zone = node.labels.get(label::ZONE)?;
        let count = self.zones.get(zone.as_str())?;
        let cut_off = count.exceeds_percent(ZONE_PERCENT, ZONE_COUNT);
        cut_off.then(|| count.too_many(Among::Zone(zone.clone())))
    }
}

/// For so long pods of a node that is given up are asked to leave; its removal has run out of time after as long again.
pub fn grace(aims: &Aims) -> Span {
    let half = Span::from_millis(aims.shrink.drain_timeout.millis() / 2);
    aims.disruption.repair.grace.min(half)
}

/// Whether pods that are left no longer hold a node that is given up, `asked` after they were asked to leave: nobody is
/// there to end those of a silent kubelet.
pub fn lets_go(node: &Node, (asked, grace): (Span, Span), mut left: impl Iterator<Item = PodPhase>) -> bool {
    let ending = left.all(|phase| phase == PodPhase::Terminating);
    ending && is_silent(node) || asked >= grace
}

/// Whether its kubelet has fallen silent, rather than told that it is not Ready.
fn is_silent(node: &Node) -> bool {
    node.taints.iter().any(|taint| taint.key == UNREACHABLE_TAINT)
}

#[cfg(test)]
mod tests;
