//! Rules about pods near each other, held against where the plan would have everybody: anti-affinity both ways,
//! affinity, topology spread and host ports.
//!
//! Skew is measured when all is placed. Fewest are counted among the domains of nodes that are there and that the pod
//! accepts, whatever their taints are (as kube-scheduler does), and of new nodes that could take it.

use super::{Audit, Flaw, is_headroom, rules};
use model::ids::{NodeName, PodKey};
use model::plan::Plan;
use model::pod::{Near, NearRule, PodPhase, PodSpec, Taint};
use model::selector::Labels;
use std::collections::{BTreeMap, BTreeSet};

const HOSTNAME: &str = "kubernetes.io/hostname";

/// A node with everybody who would be on it.
struct Stand<'a> {
    labels: &'a Labels,
    /// Taints, for a new node.
    taints: &'a [Taint],
    /// Who runs there now.
    there: Vec<&'a PodSpec>,
    /// Of those, who is not on its way out: a spread counts nobody else.
    staying: Vec<&'a PodSpec>,
    /// Who is planned onto it.
    planned: Vec<(&'a PodKey, &'a PodSpec)>,
}

impl<'a> Audit<'a> {
    pub(super) fn neighbours(&mut self, plan: &'a Plan) {
        let ruled = |spec: &&PodSpec| !spec.near.is_empty() || !spec.host_ports.is_empty();
        let planned = self.specs.values().copied().flatten();
        if !planned
            .chain(self.seen.specs.iter().map(|spec| &**spec))
            .any(|spec| ruled(&spec))
        {
            return;
        }
        let stands = self.stands(plan);
        let mut flaws = Vec::new();
        for (node, stand) in &stands {
            for (pod, spec) in &stand.planned {
                if let Some(why) = objection(&stands, node, (pod, spec)) {
                    flaws.push(Flaw::Forbidden((*pod).clone(), (*node).clone(), why));
                }
            }
        }
        self.flaws.extend(flaws);
    }

    fn stands(&self, plan: &'a Plan) -> BTreeMap<&'a NodeName, Stand<'a>> {
        let mut stands: BTreeMap<&NodeName, Stand<'_>> = BTreeMap::new();
        for node in self.seen.nodes.iter().filter(|node| !node.fargate) {
            let stand = Stand {
                labels: &node.labels,
                taints: &[],
                there: Vec::new(),
                staying: Vec::new(),
                planned: Vec::new(),
            };
            stands.insert(&node.name, stand);
        }
        for pod in self.seen.pods.iter().filter(|pod| pod.holds_resources()) {
            let stand = pod.node.as_ref().and_then(|node| stands.get_mut(node));
            if let (Some(stand), Some(spec)) = (stand, self.seen.specs.get(pod.spec as usize)) {
                stand.there.push(spec);
                if pod.phase != PodPhase::Terminating {
                    stand.staying.push(spec);
                }
            }
        }
        let offers: BTreeMap<_, _> = self.seen.offers.iter().map(|offer| (&offer.id, offer)).collect();
        for node in &plan.nodes {
            if let Some(offer) = offers.get(&node.offer).filter(|offer| !offer.is_fargate()) {
                let group = self.seen.groups.get(offer.group as usize);
                let stand = Stand {
                    labels: &offer.labels,
                    taints: group.map_or(&[][..], |group| &group.taints),
                    there: Vec::new(),
                    staying: Vec::new(),
                    planned: self.known(&node.pods),
                };
                stands.insert(&node.name, stand);
            }
        }
        for (name, pods) in &plan.existing {
            if let Some(stand) = stands.get_mut(name) {
                stand.planned = self.known(pods);
            }
        }
        stands
    }

    fn known(&self, pods: &'a [PodKey]) -> Vec<(&'a PodKey, &'a PodSpec)> {
        pods.iter()
            .filter(|pod| !is_headroom(pod))
            .filter_map(|pod| Some((pod, self.specs.get(pod).copied().flatten()?)))
            .collect()
    }
}

type Stands<'a> = BTreeMap<&'a NodeName, Stand<'a>>;

/// The value that makes the domain of a node.
fn domain<'s>(name: &'s NodeName, stand: &'s Stand<'_>, key: &str) -> Option<&'s str> {
    if key == HOSTNAME {
        return Some(name.as_str());
    }
    stand.labels.get(key).map(String::as_str)
}

fn objection(stands: &Stands<'_>, node: &NodeName, (pod, spec): (&PodKey, &PodSpec)) -> Option<String> {
    let own = stands.get(node)?;
    for other in own.there.iter().copied().chain(others(own, pod)) {
        let clash = spec
            .host_ports
            .iter()
            .find(|port| other.host_ports.iter().any(|o| o.conflicts(port)));
        if let Some(port) = clash {
            return Some(format!("port {} of the host is taken", port.port));
        }
    }
    for near in &spec.near {
        let Some(value) = domain(node, own, &near.key) else {
            return Some(format!("the node has no label {}", near.key));
        };
        let count = in_domain(stands, near, value, pod);
        match near.rule {
            NearRule::Apart if count > 0 => {
                return Some(format!("{count} pods it must be apart from are near"));
            }
            NearRule::Together if count == 0 && !alone(stands, near, (pod, spec)) => {
                return Some("no pod that it must be with is near".to_owned());
            }
            NearRule::Spread { skew, .. } if too_many(stands, near, (node, spec), skew) => {
                return Some(format!("{} has more than {skew} above the fewest", near.key));
            }
            _ => {}
        }
    }
    stands.iter().find_map(|(name, stand)| {
        let owners = stand.there.iter().copied().chain(others(stand, pod));
        let wants_away = |near: &&Near| {
            near.rule == NearRule::Apart
                && near.selects(spec)
                && domain(name, stand, &near.key)
                    .is_some_and(|value| domain(node, own, &near.key) == Some(value))
        };
        let near = owners.flat_map(|owner| &owner.near).find(wants_away)?;
        Some(format!("a pod on {name} wants it away ({})", near.key))
    })
}

/// Planned onto the node, but for this pod.
fn others<'s>(stand: &'s Stand<'_>, pod: &'s PodKey) -> impl Iterator<Item = &'s PodSpec> {
    stand
        .planned
        .iter()
        .filter(move |(key, _)| *key != pod)
        .map(|(_, spec)| *spec)
}

/// Pods that a rule means in a domain, but for this one.
fn in_domain(stands: &Stands<'_>, near: &Near, value: &str, pod: &PodKey) -> usize {
    let of_domain = stands
        .iter()
        .filter(|(name, stand)| domain(name, stand, &near.key) == Some(value));
    of_domain
        .map(|(_, stand)| {
            let all = stand.there.iter().copied().chain(others(stand, pod));
            all.filter(|spec| near.selects(spec)).count()
        })
        .sum()
}

/// Whether a pod that wants company is the only one of its kind anywhere: kube-scheduler then lets it be the first.
fn alone(stands: &Stands<'_>, near: &Near, (pod, spec): (&PodKey, &PodSpec)) -> bool {
    near.selects(spec)
        && stands.values().all(|stand| {
            let mut all = stand.there.iter().copied().chain(others(stand, pod));
            !all.any(|other| near.selects(other))
        })
}

fn too_many(stands: &Stands<'_>, near: &Near, (node, spec): (&NodeName, &PodSpec), skew: u32) -> bool {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut new: BTreeSet<&str> = BTreeSet::new();
    for (name, stand) in stands {
        let Some(value) = domain(name, stand, &near.key) else {
            continue;
        };
        if rules::objection(&bare(spec), stand.labels, stand.taints, name.as_str()).is_some() {
            continue;
        }
        let planned = stand.planned.iter().map(|(_, spec)| *spec);
        let all = stand.staying.iter().copied().chain(planned);
        *counts.entry(value).or_insert(0) += all.filter(|other| near.selects(other)).count();
        if stand.there.is_empty() && near.key == HOSTNAME {
            new.insert(value);
        }
    }
    let Some(value) = stands.get(node).and_then(|stand| domain(node, stand, &near.key)) else {
        return false;
    };
    // Nodes that are there are filled before new ones come; a new one is held against an empty one.
    let fewest = if new.contains(value) {
        0
    } else {
        let old = counts.iter().filter(|(value, _)| !new.contains(*value));
        old.map(|(_, count)| *count).min().unwrap_or(0)
    };
    counts
        .get(value)
        .is_some_and(|count| *count > fewest + skew as usize)
}

/// What of a spec decides whether a node counts: its node selector, affinity and tolerations.
fn bare(spec: &PodSpec) -> PodSpec {
    PodSpec {
        node_selector: spec.node_selector.clone(),
        node_affinity: spec.node_affinity.clone(),
        tolerations: spec.tolerations.clone(),
        ..PodSpec::default()
    }
}
