//! Where pods may stand by their rules about nodes, and which nodes a topology spread counts.
//!
//! Source: kube-scheduler's PodTopologySpread, `nodeAffinityPolicy` and `nodeTaintsPolicy`. A spread counts pods on
//! some nodes only, and pods that wait may come to stand on others: by domain, whether they surely count, may count, or
//! never do. Amounts and volumes are not looked at here.

use super::domains::{Domains, Set};
use crate::fit::{self, HOSTNAME, Place};
use crate::number::size;
use model::node::Node;
use model::offer::Offer;
use model::pod::{Near, NearRule, PodSpec, Taint, Toleration};
use model::selector::{Labels, NodeTerm};
use model::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What of a spec decides about nodes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    selector: Labels,
    affinity: Option<Vec<NodeTerm>>,
    /// `None`: taints do not matter.
    tolerations: Option<Vec<Toleration>>,
    /// Labels that a node must have, in rising order.
    keys: Vec<String>,
}

impl Question {
    /// Which nodes this topology spread of the spec counts: such as have the keys of all spreads of the spec
    /// (upstream's `requireAllTopologies`) and that its policies include.
    pub(super) fn counting(body: &PodSpec, near: &Near) -> Self {
        let (selector, affinity) = if near.nodes.despite_affinity {
            (Labels::new(), None)
        } else {
            (body.node_selector.clone(), body.node_affinity.clone())
        };
        Self {
            selector,
            affinity,
            tolerations: near.nodes.only_tolerated.then(|| body.tolerations.clone()),
            keys: keys(body, |rule| matches!(rule, NearRule::Spread { .. })),
        }
    }

    /// Where pods of the spec may come to stand.
    pub(super) fn standing(body: &PodSpec) -> Self {
        Self {
            selector: body.node_selector.clone(),
            affinity: body.node_affinity.clone(),
            tolerations: Some(body.tolerations.clone()),
            keys: keys(body, |rule| rule != NearRule::Apart),
        }
    }

    /// The same as a spec that asks for nothing else.
    fn as_spec(&self) -> PodSpec {
        PodSpec {
            node_selector: self.selector.clone(),
            node_affinity: self.affinity.clone(),
            tolerations: self.tolerations.clone().unwrap_or_default(),
            ..PodSpec::default()
        }
    }
}

fn keys(body: &PodSpec, such: impl Fn(NearRule) -> bool) -> Vec<String> {
    let rules = body.near.iter().filter(|near| such(near.rule));
    let mut keys: Vec<String> = rules.map(|near| near.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Nodes and offers that a question admits.
#[derive(Clone, Debug, Default)]
pub(super) struct Ground {
    /// By node of the Snapshot.
    pub(super) nodes: Vec<bool>,
    /// By offer of the Snapshot: nodes bought by it.
    offers: Vec<bool>,
    /// Domains of these nodes.
    pub(super) there: Set,
    /// Domains of these offers.
    pub(super) sold: Set,
}

/// How pods of a class count in a crowd, by domain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) crowd: u32,
    /// Domains in which they count wherever they stand.
    pub(super) surely: Set,
    /// Domains in which they may count.
    pub(super) possibly: Set,
}

impl Member {
    /// Counts wherever it is.
    pub(super) const fn everywhere(crowd: u32) -> Self {
        Self {
            crowd,
            surely: Set::MAX,
            possibly: Set::MAX,
        }
    }
}

/// A question by its place among all that were asked.
pub(super) type Asked = usize;

/// Answers, each looked for once.
pub(super) struct Grounds<'a> {
    seen: &'a Snapshot,
    /// By node and by offer: its domain as a bit, none where it has none.
    node_domains: Vec<Set>,
    offer_domains: Vec<Set>,
    asked: BTreeMap<Question, Asked>,
    /// By question.
    questions: Vec<Question>,
    counted: Vec<Option<Arc<Ground>>>,
    taking: Vec<Option<Arc<Ground>>>,
    members: BTreeMap<(Asked, Asked), (Set, Set)>,
}

impl<'a> Grounds<'a> {
    pub(super) fn new(seen: &'a Snapshot, domains: &Domains) -> Self {
        Self {
            seen,
            node_domains: seen.nodes.iter().map(|node| domains.of(&node.labels)).collect(),
            offer_domains: seen
                .offers
                .iter()
                .map(|offer| domains.of(&offer.labels))
                .collect(),
            asked: BTreeMap::new(),
            questions: Vec::new(),
            counted: Vec::new(),
            taking: Vec::new(),
            members: BTreeMap::new(),
        }
    }

    /// The domain of a node of the Snapshot.
    pub(super) fn domain_of_node(&self, at: usize) -> Set {
        self.node_domains.get(at).copied().unwrap_or(0)
    }

    /// Notes a question.
    pub(super) fn ask(&mut self, question: &Question) -> Asked {
        if let Some(known) = self.asked.get(question) {
            return *known;
        }
        let asked = self.questions.len();
        self.asked.insert(question.clone(), asked);
        self.questions.push(question.clone());
        self.counted.push(None);
        self.taking.push(None);
        asked
    }

    /// What a spread counts now: of all nodes, whoever may go there.
    pub(super) fn counted(&mut self, asked: Asked) -> Arc<Ground> {
        if let Some(known) = &self.counted[asked] {
            return Arc::clone(known);
        }
        let ground = Arc::new(self.survey(&self.questions[asked], |node| Some(node.taints.clone())));
        self.counted[asked] = Some(Arc::clone(&ground));
        ground
    }

    /// Domains in which pods may come to stand.
    pub(super) fn open_to(&mut self, standing: Asked) -> Set {
        let ground = self.taking(standing);
        ground.there | ground.sold
    }

    /// Of nodes that take pods, as they are when they do.
    fn taking(&mut self, asked: Asked) -> Arc<Ground> {
        if let Some(known) = &self.taking[asked] {
            return Arc::clone(known);
        }
        let ground = Arc::new(self.survey(&self.questions[asked], lasting_taints));
        self.taking[asked] = Some(Arc::clone(&ground));
        ground
    }

    /// How pods that may stand there count for a spread that asks this.
    pub(super) fn member(&mut self, standing: Asked, (crowd, counting): (u32, Asked)) -> Member {
        let key = (standing, counting);
        let (surely, possibly) = if let Some(known) = self.members.get(&key) {
            *known
        } else {
            let (stands, counts) = (self.taking(standing), self.taking(counting));
            let nodes = stands.nodes.iter().zip(&counts.nodes).zip(&self.node_domains);
            let offers = stands.offers.iter().zip(&counts.offers).zip(&self.offer_domains);
            let (mut doubtful, mut possibly) = (0, 0);
            for ((_, counts), domain) in nodes.chain(offers).filter(|((stands, _), _)| **stands) {
                *if *counts { &mut possibly } else { &mut doubtful } |= domain;
            }
            self.members.insert(key, (!doubtful, possibly));
            (!doubtful, possibly)
        };
        Member {
            crowd,
            surely,
            possibly,
        }
    }

    /// `taints` are those of a node that matter, `None` where the node itself does not.
    fn survey(&self, question: &Question, taints: fn(&Node) -> Option<Vec<Taint>>) -> Ground {
        let spec = question.as_spec();
        let admits = |labels: &Labels, name: &str, taints: &[Taint]| {
            let taints = if question.tolerations.is_some() {
                taints
            } else {
                &[]
            };
            fit::admits_but_for_volumes(&spec, Place { labels, name, taints })
        };
        let has_keys = |labels: &Labels| question.keys.iter().all(|key| labels.contains_key(key));
        let node = |node: &Node| {
            has_keys(&node.labels)
                && taints(node).is_some_and(|taints| admits(&node.labels, node.name.as_str(), &taints))
        };
        // A new node has a hostname of its own.
        let hostname = |key: &String| key == HOSTNAME;
        let offer = |offer: &Offer| {
            let group = self.seen.groups.get(size(offer.group));
            let taints = group.map_or(&[][..], |group| &group.taints);
            let mut keys = question.keys.iter();
            !offer.is_fargate()
                && keys.all(|key| hostname(key) || offer.labels.contains_key(key))
                && admits(&offer.labels, "", taints)
        };
        let nodes: Vec<bool> = self.seen.nodes.iter().map(node).collect();
        let offers: Vec<bool> = self.seen.offers.iter().map(offer).collect();
        let all = |such: &[bool], domains: &[Set]| -> Set {
            let such = such.iter().zip(domains).filter(|(such, _)| **such);
            such.fold(0, |set, (_, domain)| set | domain)
        };
        Ground {
            there: all(&nodes, &self.node_domains),
            sold: all(&offers, &self.offer_domains),
            nodes,
            offers,
        }
    }
}

/// Taints of a node that may take pods, without those that it may lose; `None` for a node that takes none.
fn lasting_taints(node: &Node) -> Option<Vec<Taint>> {
    if node.fargate || node.deleting {
        return None;
    }
    if node.takes_pods() {
        return Some(node.taints.clone());
    }
    let passing = |taint: &Taint| {
        taint.key.starts_with("node.kubernetes.io/")
            || taint.key == "node.cloudprovider.kubernetes.io/uninitialized"
            || taint.key == model::node::DRAIN_TAINT
    };
    let lasting = node.taints.iter().filter(|taint| !passing(taint));
    Some(lasting.cloned().collect())
}
