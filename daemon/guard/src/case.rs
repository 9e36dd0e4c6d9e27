//! The Case: what every check looks at, laid out once per judgement.

use crate::cleared::Fence;
use crate::evidence::Evidence;
use crate::fleet::{self, number};
use crate::proposal::Proposal;
use model::aims::{Aims, Modes};
use model::critical::Critical;
use model::group::Group;
use model::intent::{IntentKind, Ledger, RemoveStage};
use model::limits::Limits;
use model::node::{Leaves, Leaving, Node, Rate};
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::plan::Hold;
use model::pod::{Pod, PodPhase, PodSpec};
use model::provisioned::FargateBills;
use model::registration::{label, purchase_of};
use model::repair::Repair;
use model::watch::Watch;
use model::workload::DisruptionBudget;
use model::{GroupName, Hook, InstanceId, NodeName, OfferId, PodKey, Snapshot, StepId, UsdPerHour};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything a check may look at.
pub(crate) struct Case<'a> {
    pub(crate) seen: &'a Snapshot,
    pub(crate) ledger: &'a Ledger,
    pub(crate) aims: &'a Aims,
    pub(crate) fence: &'a Fence,
    /// The aims' modes with the overrides of the Ledger on top.
    pub(crate) modes: Modes,
    /// Hook of the first fault of an enforced policy in this cycle.
    pub(crate) fault: Option<Hook>,
    /// Steps that policies of the hook `review` do not want begun.
    pub(crate) holds: BTreeMap<StepId, &'a Hold>,
    /// What the guard has watched, where it has.
    pub(crate) watch: Option<&'a Watch>,
    /// What can prove a purchase.
    pub(crate) evidence: Evidence<'a>,
    /// What the cluster cannot do without.
    pub(crate) critical: Critical<'a>,
    /// Which nodes have stopped working.
    pub(crate) repair: Repair<'a>,
    offers: BTreeMap<&'a OfferId, &'a Offer>,
    pods: BTreeMap<&'a NodeName, Vec<&'a Pod>>,
    families: BTreeMap<&'a str, UsdPerHour>,
    /// The dearest instance and the dearest Fargate size.
    dearest: [UsdPerHour; 2],
}

impl<'a> Case<'a> {
    pub(crate) fn new(
        seen: &'a Snapshot,
        ledger: &'a Ledger,
        proposal: &Proposal<'a>,
        aims: &'a Aims,
        fence: &'a Fence,
    ) -> Self {
        let mut pods: BTreeMap<&NodeName, Vec<&Pod>> = BTreeMap::new();
        for pod in &seen.pods {
            if let Some(node) = &pod.node {
                pods.entry(node).or_default().push(pod);
            }
        }
        let mut families = BTreeMap::new();
        let (mut instance, mut fargate) = (UsdPerHour::ZERO, UsdPerHour::ZERO);
        for offer in &seen.offers {
            let kind = if offer.is_fargate() {
                &mut fargate
            } else {
                &mut instance
            };
            *kind = (*kind).max(offer.price);
            if let Some(family) = offer.instance_type().map(family) {
                let dearest = families.entry(family).or_insert(offer.price);
                *dearest = (*dearest).max(offer.price);
            }
        }
        Self {
            seen,
            ledger,
            aims,
            fence,
            modes: aims.modes.with(&ledger.modes),
            fault: proposal
                .notes
                .calls
                .iter()
                .find(|call| call.mode.counts() && call.answer.is_err())
                .map(|call| call.hook),
            holds: proposal.plan.holds.iter().map(|hold| (hold.step, hold)).collect(),
            watch: proposal.watch,
            evidence: Evidence::new(seen, ledger, aims),
            critical: Critical::of(seen, ledger),
            repair: Repair::new(seen, aims),
            offers: seen.offers.iter().map(|offer| (&offer.id, offer)).collect(),
            pods,
            families,
            dearest: [instance, fargate],
        }
    }

    pub(crate) const fn limits(&self) -> &'a Limits {
        &self.aims.limits
    }

    pub(crate) fn offer(&self, id: &OfferId) -> Option<&'a Offer> {
        self.offers.get(id).copied()
    }

    /// Pods that may vanish unexplained within a long window: as many as nodes may be removed within a short one.
    pub(crate) fn unexplained_allowed(&self) -> u32 {
        fleet::share_of_window(fleet::size(self.seen), self.limits())
    }

    /// Pods bound to a node.
    pub(crate) fn pods_on(&self, node: &NodeName) -> &[&'a Pod] {
        self.pods.get(node).map_or(&[], Vec::as_slice)
    }

    /// Budgets that cover a pod, by their place in the Snapshot.
    pub(crate) fn budgets_of(&self, pod: &PodKey) -> impl Iterator<Item = usize> + use<'a> {
        let namespace = pod.namespace.clone();
        let seen = self.seen;
        let spec = seen.pod(pod).map(|pod| seen.spec(pod.spec));
        let covers = move |budget: &DisruptionBudget| {
            let selects = |spec: &Arc<PodSpec>| budget.selector.matches(&spec.labels);
            *budget.namespace == *namespace && spec.as_ref().is_some_and(selects)
        };
        let budgets = seen.budgets.iter().enumerate();
        budgets
            .filter(move |(_, budget)| covers(budget))
            .map(|(ix, _)| ix)
    }

    /// Whether the provider takes the node away within minutes: what keeps removals slow would only keep its pods there
    /// until it is gone. Spot alone is interrupted: a node that was bought otherwise, as its own labels say, is not.
    pub(crate) fn is_taken(&self, node: &NodeName) -> bool {
        let other = |node: &Node| purchase_of(&node.labels).is_some_and(|bought| bought != Purchase::Spot);
        let told = |leaving: Leaving, node: &Node| leaving.why != Leaves::Interrupted || !other(node);
        let node = self.seen.node(node).filter(|node| node.goes_soon());
        node.is_some_and(|node| node.leaving.is_some_and(|leaving| told(leaving, node)))
    }

    /// Whether all witnesses say that the node has stopped working: neither budgets of pods nor pods that must not be
    /// moved keep it, nor the budgets of the aims that do not freeze everything.
    pub(crate) fn is_given_up(&self, node: &NodeName) -> bool {
        let node = self.seen.node(node);
        node.is_some_and(|node| self.repair.gives_up(node))
    }

    /// Pods on a node that have to move before it goes: neither finished, nor static, nor a DaemonSet's.
    pub(crate) fn movable_on(&self, node: &NodeName) -> impl Iterator<Item = (&'a Pod, Arc<PodSpec>)> {
        self.pods_on(node)
            .iter()
            .filter(|pod| pod.phase != PodPhase::Finished)
            .map(|pod| (*pod, self.seen.spec(pod.spec)))
            .filter(|(_, spec)| {
                !spec.traits.mirror
                    && spec
                        .owner
                        .as_ref()
                        .is_none_or(|owner| &*owner.kind != "DaemonSet")
            })
    }

    /// What one of these costs at least: the offer's own price; where that is unknown or nonsense, the
    /// dearest of its family, and failing that of all offers (reliability invariant I23).
    pub(crate) fn price(&self, offer: &Offer) -> UsdPerHour {
        let family = match &offer.kind {
            OfferKind::Ec2 { instance_type, .. } => self.families.get(family(instance_type)).copied(),
            OfferKind::Fargate { .. } => None,
        };
        let trusted = offer.confidence != Confidence::Unknown && offer.price > UsdPerHour::ZERO;
        if trusted {
            offer.price
        } else {
            family
                .unwrap_or_default()
                .max(offer.price)
                .max(self.dearest(offer.is_fargate()))
        }
    }

    /// What a running node costs at most: by its offer, else by the price of its type, else as much as the dearest. An
    /// estimate is no limit from above, nor is what Linux pays where Windows runs: its licence is in the price.
    fn price_of(&self, node: &Node) -> UsdPerHour {
        if let Some(offer) = node.offer.as_ref().and_then(|id| self.offer(id)) {
            return self.price(offer);
        }
        let told = |rate: &Rate| matches!(rate.confidence, Confidence::Listed | Confidence::BuiltIn);
        let windows = node.labels.get(label::OS).is_some_and(|os| os == "windows");
        if let Some(rate) = node.rate.filter(told).filter(|_| !windows) {
            return rate.price;
        }
        let kind = node.labels.get("node.kubernetes.io/instance-type");
        kind.and_then(|kind| self.families.get(family(kind)).copied())
            .unwrap_or_else(|| self.dearest(node.fargate))
    }

    /// What all nodes that are there cost at most.
    pub(crate) fn running_rate(&self) -> UsdPerHour {
        let bills = FargateBills::new(self.seen);
        let billed = |pod: &&Pod| bills.of(pod).and_then(|bill| bill.at_most);
        let price = |node: &Node| {
            let known = || {
                self.pods_on(&node.name)
                    .iter()
                    .map(billed)
                    .collect::<Option<Vec<_>>>()
            };
            let known = node
                .fargate
                .then(known)
                .flatten()
                .filter(|known| !known.is_empty());
            known.map_or_else(|| self.price_of(node), |known| known.into_iter().sum())
        };
        self.seen.nodes.iter().map(price).sum()
    }

    /// What the ephemeral storage of a waiting pod costs on Fargate; of a replica to come nobody knows yet.
    pub(crate) fn storage(&self, pod: &PodKey) -> UsdPerHour {
        let asked = self.seen.pod(pod).map(|pod| self.seen.spec(pod.spec));
        let price = |spec: Arc<PodSpec>| self.seen.prices.fargate_storage(spec.requests.ephemeral_bytes);
        asked.and_then(price).unwrap_or_default()
    }

    /// What an instance of a group costs at most.
    pub(crate) fn dearest_of(&self, group: &Group) -> UsdPerHour {
        let sold = self.seen.offers.iter().filter(|offer| {
            let seller = self.seen.groups.get(offer.group as usize);
            seller.is_some_and(|seller| seller.name == group.name)
        });
        sold.map(|offer| self.price(offer))
            .max()
            .unwrap_or_else(|| self.dearest(false))
    }

    /// Nodes of a group.
    pub(crate) fn nodes_of(&self, of: &GroupName) -> u32 {
        let nodes = self
            .seen
            .nodes
            .iter()
            .filter(|node| node.group.as_ref() == Some(of));
        number(nodes.count())
    }

    /// The size a group has or is about to have: what is desired, what lives, what open launches ask for.
    pub(crate) fn size(&self, group: &Group) -> u32 {
        let asked = self
            .ledger
            .intents
            .iter()
            .filter_map(|intent| match &intent.kind {
                IntentKind::Launch {
                    group: theirs, to, ..
                } if *theirs == group.name => Some(*to),
                _ => None,
            });
        asked
            .chain([group.desired, group.living(), self.nodes_of(&group.name)])
            .max()
            .unwrap_or(0)
    }

    const fn dearest(&self, is_fargate: bool) -> UsdPerHour {
        let [instance, fargate] = self.dearest;
        if is_fargate { fargate } else { instance }
    }

    /// Open removals of a group's nodes that are still there, those being undone excepted: an instance that
    /// goes away is none of the group's living any more.
    pub(crate) fn leaving(&self, of: &GroupName) -> u32 {
        let listed = self.seen.group(of).map_or(&[][..], |group| &group.instances);
        let lives = |id: &InstanceId| {
            listed.is_empty()
                || listed
                    .iter()
                    .any(|instance| instance.id == *id && instance.is_capacity())
        };
        let open = self.ledger.intents.iter().filter(|intent| match &intent.kind {
            IntentKind::Remove {
                group,
                stage,
                instance,
                ..
            } => {
                group == of
                    && *stage != RemoveStage::Undoing
                    && (*stage != RemoveStage::Terminating || lives(instance))
            }
            IntentKind::Launch { .. } => false,
        });
        number(open.count())
    }
}

/// `m6a` of `m6a.xlarge`.
fn family(instance_type: &str) -> &str {
    instance_type
        .split_once('.')
        .map_or(instance_type, |(family, _)| family)
}
