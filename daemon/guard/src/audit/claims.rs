//! Claims that are for one pod alone, held against everybody who has a place or would get one (VolumeRestrictions).

use super::{Audit, Flaw, is_headroom};
use model::ids::{NodeName, PodKey};
use model::plan::Plan;
use std::collections::BTreeMap;

impl<'a> Audit<'a> {
    pub(super) fn claims_of_one(&mut self, plan: &'a Plan) {
        let mut holders: BTreeMap<(&str, &str), &PodKey> = BTreeMap::new();
        for pod in self.seen.pods.iter().filter(|pod| pod.holds_resources()) {
            if let Some(spec) = self.seen.specs.get(pod.spec as usize) {
                for claim in &spec.exclusive {
                    holders.insert((&spec.namespace, claim), &pod.key);
                }
            }
        }
        let new = plan.nodes.iter().map(|node| (&node.name, &node.pods));
        let there = plan.existing.iter().map(|(name, pods)| (name, pods));
        let placed: Vec<(&NodeName, &PodKey)> = new
            .chain(there)
            .flat_map(|(node, pods)| pods.iter().map(move |pod| (node, pod)))
            .filter(|(_, pod)| !is_headroom(pod))
            .collect();
        for (node, pod) in placed {
            let Some(spec) = self.specs.get(pod).copied().flatten() else {
                continue;
            };
            for claim in &spec.exclusive {
                let holder = *holders.entry((&spec.namespace, claim)).or_insert(pod);
                if holder != pod {
                    let why = format!("{holder} has claim {claim} for itself");
                    self.flaws.push(Flaw::Forbidden(pod.clone(), node.clone(), why));
                }
            }
        }
    }
}
