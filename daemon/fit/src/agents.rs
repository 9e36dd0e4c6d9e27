//! Agents: the pods of DaemonSets, which every node that a DaemonSet runs on carries before any other pod.
//!
//! A node that is bought or has just joined has them as surely as one where they run: their amounts, their ports of
//! the host, their labels, their own anti-affinity. Source: Kubernetes, "DaemonSet" (one pod for every node that its
//! template's node selector, node affinity and tolerations admit), and kube-scheduler's NodePorts and
//! InterPodAffinity. `updateStrategy` is not looked at: an agent that is being replaced keeps its place. Of agents that
//! keep each other off a node all are counted: which of them comes first nobody can tell.

use crate::place::{self, HOSTNAME, Place};
use crate::tenants::Tenants;
use model::ids::WorkloadKey;
use model::index::size;
use model::node::DRAIN_TAINT;
use model::offer::Offer;
use model::pod::{HostPort, NearRule, PodSpec, SpecIx, Taint};
use model::reason::Misfit;
use model::selector::Labels;
use model::snapshot::Snapshot;

/// A DaemonSet with the spec of its pods.
#[derive(Clone, Copy, Debug)]
pub struct Agent<'a> {
    /// Its name.
    pub key: &'a WorkloadKey,
    /// Index of its pods' spec in the Snapshot.
    pub ix: SpecIx,
    /// The spec of its pods.
    pub spec: &'a PodSpec,
}

/// All DaemonSets of which a template is known.
#[derive(Clone, Debug, Default)]
pub struct Agents<'a> {
    /// In the order of the Snapshot's workloads.
    pub list: Vec<Agent<'a>>,
}

/// What keeps a pod off every node that an agent runs on, or off those that have a label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clash {
    /// Index into [`Agents::list`].
    agent: usize,
    why: Misfit,
}

impl Clash {
    /// Whether it holds in a place with these labels: who is on one node is in one domain by every label that it has.
    fn holds(&self, labels: &Labels) -> bool {
        self.key().is_none_or(|key| labels.contains_key(key))
    }

    /// The label that the place must have; `None` where it holds in all.
    pub fn key(&self) -> Option<&str> {
        match &self.why {
            Misfit::ApartFromDaemonSet { key, .. } if key != HOSTNAME => Some(key),
            _ => None,
        }
    }
}

impl<'a> Agents<'a> {
    /// The DaemonSets of the Snapshot.
    pub fn of(seen: &'a Snapshot) -> Self {
        let daemons = seen.workloads.iter().filter(|workload| workload.is_daemon_set());
        let list = daemons.filter_map(|daemon| {
            let ix = daemon.template?;
            let spec = seen.specs.get(size(ix))?.as_ref();
            let key = &daemon.key;
            Some(Agent { key, ix, spec })
        });
        Self { list: list.collect() }
    }

    /// Those that run in a place, by their index.
    pub fn on<'s>(&'s self, place: Place<'s>) -> impl Iterator<Item = (usize, Agent<'a>)> + 's {
        let all = self.list.iter().copied().enumerate();
        all.filter(move |(_, agent)| place::daemon_runs(agent.spec, place))
    }

    /// Those that every new node of an offer carries, by their index.
    pub fn on_offer(&self, seen: &Snapshot, offer: &Offer) -> Vec<usize> {
        let mut labels = offer.labels.clone();
        // It will have a name, which nobody knows yet.
        labels.entry(HOSTNAME.to_owned()).or_default();
        let taints = seen
            .groups
            .get(size(offer.group))
            .map_or(&[][..], |group| &group.taints);
        let place = Place {
            labels: &labels,
            name: "",
            taints,
        };
        self.on(place).map(|(ix, _)| ix).collect()
    }

    /// By node of the Snapshot: agents whose pods are not there yet and will be. One whose port of the host somebody
    /// has, or that asks for more than the whole node, does not come.
    pub fn coming(&self, seen: &Snapshot, tenants: &Tenants) -> Vec<Vec<usize>> {
        if self.list.is_empty() {
            return vec![Vec::new(); seen.nodes.len()];
        }
        let agent_of = |spec: &PodSpec| {
            let owner = spec.owner.as_ref().filter(|owner| &*owner.kind == "DaemonSet")?;
            self.list.iter().position(|agent| agent.key == owner)
        };
        let of_spec: Vec<Option<usize>> = seen.specs.iter().map(|spec| agent_of(spec)).collect();
        let mut there = vec![false; self.list.len()];
        let mut coming = Vec::with_capacity(seen.nodes.len());
        for (node, pods) in seen.nodes.iter().zip(tenants.by_node()) {
            if node.fargate {
                coming.push(Vec::new());
                continue;
            }
            there.fill(false);
            let taints: Vec<Taint> = node
                .taints
                .iter()
                .filter(|taint| !passes(taint))
                .cloned()
                .collect();
            let place = Place {
                taints: &taints,
                ..Place::of_node(node)
            };
            let specs = || pods.iter().map(|pod| size(seen.pods[size(*pod)].spec));
            for agent in specs().filter_map(|spec| *of_spec.get(spec)?) {
                there[agent] = true;
            }
            let tenants = || specs().filter_map(|spec| seen.specs.get(spec));
            let comes = |agent: usize| {
                let spec = self.list[agent].spec;
                let port = |port: &HostPort| {
                    tenants().any(|other| other.host_ports.iter().any(|taken| taken.conflicts(port)))
                };
                !there[agent]
                    && spec.requests.fits(&node.allocatable)
                    && place::daemon_runs(spec, place)
                    && !spec.host_ports.iter().any(port)
            };
            coming.push((0..self.list.len()).filter(|agent| comes(*agent)).collect());
        }
        coming
    }

    /// What keeps the pod off nodes that agents run on.
    pub fn clashes(&self, spec: &PodSpec) -> Vec<Clash> {
        let apart = |of: &PodSpec, from: &PodSpec| -> Vec<String> {
            let terms = of.near.iter().filter(|near| near.rule == NearRule::Apart);
            let meant = terms.filter(|near| near.selects(from));
            meant.map(|near| near.key.clone()).collect()
        };
        let mut clashes = Vec::new();
        for (agent, daemon) in self.list.iter().enumerate() {
            let by = || daemon.key.clone();
            let taken = |port: &&HostPort| {
                let others = daemon.spec.host_ports.iter();
                others.into_iter().any(|other| other.conflicts(port))
            };
            if let Some(port) = spec.host_ports.iter().find(taken) {
                let why = Misfit::HostPortTaken {
                    port: port.port,
                    protocol: port.protocol.clone(),
                    by: by(),
                };
                clashes.push(Clash { agent, why });
            }
            let keys = apart(spec, daemon.spec)
                .into_iter()
                .chain(apart(daemon.spec, spec));
            clashes.extend(keys.map(|key| Clash {
                agent,
                why: Misfit::ApartFromDaemonSet { by: by(), key },
            }));
        }
        clashes.sort();
        clashes.dedup();
        clashes
    }

    /// The first clash with an agent that is in the place, by the index of those that are.
    pub fn clash<'c>(clashes: &'c [Clash], there: &[usize], labels: &Labels) -> Option<&'c Misfit> {
        let holds = |clash: &&Clash| there.contains(&clash.agent) && clash.holds(labels);
        clashes.iter().find(holds).map(|clash| &clash.why)
    }
}

/// Taints that a node loses before anything is placed there, or when it is kept.
fn passes(taint: &Taint) -> bool {
    taint.key == DRAIN_TAINT || taint.key == "node.cloudprovider.kubernetes.io/uninitialized"
}
