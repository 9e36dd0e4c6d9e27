//! Made-up pictures for the tests of a policy, and its answers by name.
//!
//! ```
//! use plimsoll_sdk::testing::{Class, Picture, Set};
//! use plimsoll_sdk::GroupKind;
//!
//! let picture = Picture::new()
//!     .class(Class { owner_kind: "Job".into(), cpu_milli: 500, ..Class::default() })
//!     .set(Set { name: "workers".into(), nodes: 3, ..Set::default() })
//!     .set(Set { name: "fargate".into(), kind: GroupKind::Fargate, ..Set::default() });
//! let view = picture.view();
//! assert_eq!(view.classes().next().unwrap().cpu_milli(), 500);
//! ```

mod cluster;

pub use cluster::{Group, Metric, Node, Offer, Pod};

use crate::{Due, GroupKind, Holds, Prices, Purchase, Replicas, Room, Verdicts, View};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Labels, annotations.
pub type Labels = BTreeMap<String, String>;

/// What a View shows.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// See `View::now_ms`.
    pub now_ms: u64,
    /// See `View::seed`.
    pub seed: u64,
    /// Rows of classes.
    pub classes: Vec<Class>,
    /// Rows of sets.
    pub sets: Vec<Set>,
    /// Rows of workloads.
    pub workloads: Vec<Workload>,
    /// Rows of candidates, each with its movers.
    pub candidates: Vec<Candidate>,
    /// Rows of steps.
    pub steps: Vec<Step>,
    /// Rows of groups.
    pub groups: Vec<Group>,
    /// Rows of offers.
    pub offers: Vec<Offer>,
    /// Rows of nodes.
    pub nodes: Vec<Node>,
    /// Rows of pods.
    pub pods: Vec<Pod>,
    /// Rows of metrics.
    pub metrics: Vec<Metric>,
    /// Demand history: milliseconds ago, pods waiting; oldest first.
    pub history: Vec<(u32, u32)>,
    /// What the policy kept in the cycle before.
    pub state: Vec<u8>,
    kept: RefCell<Option<Vec<u8>>>,
    words: RefCell<Vec<String>>,
}

/// A class of demand; by default one pod that waits, of 250m and 512 MiB, at prices like those of AWS.
#[derive(Clone, Debug)]
pub struct Class {
    /// Request of one pod, millicores.
    pub cpu_milli: u32,
    /// Request of one pod, MiB.
    pub memory_mib: u32,
    /// Pods that wait.
    pub pending: u32,
    /// Replicas that have no pod yet.
    pub to_come: u32,
    /// Virtual pods.
    pub headroom: u32,
    /// EC2 price at full utilisation.
    pub ec2_price: Option<f64>,
    /// Fargate price.
    pub fargate_price: Option<f64>,
    /// `spec.priority`.
    pub priority: i32,
    /// Namespace.
    pub namespace: String,
    /// Kind of the owner.
    pub owner_kind: String,
    /// Name of the owner.
    pub owner_name: String,
    /// Labels of its pods.
    pub labels: Labels,
    /// Annotations of its pods.
    pub annotations: Labels,
    /// Extended resources of one pod.
    pub extended: BTreeMap<String, u32>,
}

impl Default for Class {
    fn default() -> Self {
        Self {
            cpu_milli: 250,
            memory_mib: 512,
            pending: 1,
            to_come: 0,
            headroom: 0,
            ec2_price: Some(0.009),
            fargate_price: Some(0.0123),
            priority: 0,
            namespace: "default".to_owned(),
            owner_kind: "Deployment".to_owned(),
            owner_name: "app".to_owned(),
            labels: Labels::new(),
            annotations: Labels::new(),
            extended: BTreeMap::new(),
        }
    }
}

/// An offer set; by default a managed node group with ten nodes, half requested.
#[derive(Clone, Debug)]
pub struct Set {
    /// Name.
    pub name: String,
    /// Group.
    pub group: String,
    /// Kind of the group.
    pub kind: GroupKind,
    /// Architecture.
    pub arch: String,
    /// Purchase.
    pub purchase: Purchase,
    /// Price of the cheapest offer.
    pub min_price: f64,
    /// Nodes of the group.
    pub nodes: u32,
    /// Requested share of CPU, thousandths.
    pub cpu_requested: u32,
    /// Requested share of memory, thousandths.
    pub memory_requested: u32,
    /// Used share of CPU, thousandths.
    pub cpu_used: Option<u32>,
    /// Used share of memory, thousandths.
    pub memory_used: Option<u32>,
    /// Median boot time.
    pub boot_ms: Option<u32>,
    /// Labels of its nodes.
    pub labels: Labels,
}

impl Default for Set {
    fn default() -> Self {
        Self {
            name: "workers".to_owned(),
            group: "workers".to_owned(),
            kind: GroupKind::ManagedNodeGroup,
            arch: "amd64".to_owned(),
            purchase: Purchase::OnDemand,
            min_price: 0.1,
            nodes: 10,
            cpu_requested: 500,
            memory_requested: 500,
            cpu_used: None,
            memory_used: None,
            boot_ms: None,
            labels: Labels::new(),
        }
    }
}

/// A workload; by default three ready replicas of a Deployment at 60 % of the CPU they request.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Replicas now.
    pub replicas: u32,
    /// Ready pods.
    pub ready: u32,
    /// Fewest replicas.
    pub min: u32,
    /// Most replicas.
    pub max: u32,
    /// Metric.
    pub metric: String,
    /// Target.
    pub target: f64,
    /// Value, summed over `pods`.
    pub value: Option<f64>,
    /// Age of the value.
    pub age_ms: u32,
    /// Pods that contributed.
    pub pods: u32,
    /// Request of one pod.
    pub request: f64,
    /// Highest recent recommendation.
    pub recent_max: u32,
    /// Past values: milliseconds ago, value; oldest first.
    pub past: Vec<(u32, f64)>,
    /// Labels of its pods.
    pub labels: Labels,
    /// Annotations of its pods.
    pub annotations: Labels,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            kind: "Deployment".to_owned(),
            namespace: "default".to_owned(),
            name: "app".to_owned(),
            replicas: 3,
            ready: 3,
            min: 1,
            max: 10,
            metric: "cpu".to_owned(),
            target: 0.6,
            value: Some(450.0),
            age_ms: 15_000,
            pods: 3,
            request: 250.0,
            recent_max: 3,
            past: Vec::new(),
            labels: Labels::new(),
            annotations: Labels::new(),
        }
    }
}

/// A node that could be given up; by default a day old, half requested, and without pods that would have to move.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Name.
    pub name: String,
    /// Group.
    pub group: String,
    /// Price.
    pub price: Option<f64>,
    /// Age.
    pub age_ms: u32,
    /// Requested share of CPU, thousandths.
    pub cpu_requested: u32,
    /// Requested share of memory, thousandths.
    pub memory_requested: u32,
    /// Used share of CPU, thousandths.
    pub cpu_used: Option<u32>,
    /// Used share of memory, thousandths.
    pub memory_used: Option<u32>,
    /// For how long it could have gone.
    pub unneeded_ms: Option<u32>,
    /// Why another should take its place.
    pub due: Due,
    /// Labels of the node.
    pub labels: Labels,
    /// Pods that would have to move.
    pub movers: Vec<Mover>,
}

impl Default for Candidate {
    fn default() -> Self {
        Self {
            name: "node".to_owned(),
            group: "workers".to_owned(),
            price: Some(0.1),
            age_ms: 86_400_000,
            cpu_requested: 500,
            memory_requested: 500,
            cpu_used: None,
            memory_used: None,
            unneeded_ms: None,
            due: Due::No,
            labels: Labels::new(),
            movers: Vec::new(),
        }
    }
}

/// A pod that would have to move; by default an hour old, of a Deployment.
#[derive(Clone, Debug)]
pub struct Mover {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Kind of the owner.
    pub owner_kind: String,
    /// Name of the owner.
    pub owner_name: String,
    /// Request, millicores.
    pub cpu_milli: u32,
    /// Request, MiB.
    pub memory_mib: u32,
    /// Age.
    pub age_ms: u32,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
}

impl Default for Mover {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            name: "app-0".to_owned(),
            owner_kind: "Deployment".to_owned(),
            owner_name: "app".to_owned(),
            cpu_milli: 250,
            memory_mib: 512,
            age_ms: 3_600_000,
            labels: Labels::new(),
            annotations: Labels::new(),
        }
    }
}

/// A step of the plan that begins something; by default a node more for a group, for two pods that wait.
#[derive(Clone, Debug)]
pub struct Step {
    /// Kind.
    pub kind: String,
    /// Group.
    pub group: String,
    /// Namespace of what it is about.
    pub namespace: String,
    /// Name of what it is about.
    pub object: String,
    /// Replicas, size or maximum before.
    pub from: u32,
    /// The same after.
    pub to: u32,
    /// Pods that it is for, or that would have to move.
    pub pods: u32,
    /// What it adds to the bill.
    pub adds: Option<f64>,
    /// What it takes off the bill.
    pub saves: Option<f64>,
}

impl Default for Step {
    fn default() -> Self {
        Self {
            kind: "GrowGroup".to_owned(),
            group: "workers".to_owned(),
            namespace: String::new(),
            object: String::new(),
            from: 3,
            to: 4,
            pods: 2,
            adds: Some(0.1),
            saves: Some(0.0),
        }
    }
}

impl Picture {
    /// An empty picture.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time.
    #[must_use]
    pub fn at(mut self, now_ms: u64) -> Self {
        self.now_ms = now_ms;
        self
    }

    /// Adds a class.
    #[must_use]
    pub fn class(mut self, class: Class) -> Self {
        self.classes.push(class);
        self
    }

    /// Adds a set.
    #[must_use]
    pub fn set(mut self, set: Set) -> Self {
        self.sets.push(set);
        self
    }

    /// Adds a workload.
    #[must_use]
    pub fn workload(mut self, workload: Workload) -> Self {
        self.workloads.push(workload);
        self
    }

    /// Adds a candidate.
    #[must_use]
    pub fn candidate(mut self, candidate: Candidate) -> Self {
        self.candidates.push(candidate);
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Sets what the policy kept in the cycle before.
    #[must_use]
    pub fn state(mut self, state: &[u8]) -> Self {
        self.state = state.to_vec();
        self
    }

    /// What the policy keeps for the next cycle; `None` where it did not say.
    pub fn kept(&self) -> Option<Vec<u8>> {
        self.kept.borrow().clone()
    }

    pub(crate) fn keep(&self, state: &[u8]) {
        *self.kept.borrow_mut() = Some(state.to_vec());
    }

    /// All past values, with the row of their workload.
    pub(crate) fn samples(&self) -> impl Iterator<Item = (u32, u32, f64)> {
        let workloads = (0..).zip(&self.workloads);
        workloads.flat_map(|(at, workload)| workload.past.iter().map(move |(age, value)| (at, *age, *value)))
    }

    /// All movers, with the row of their candidate.
    pub(crate) fn movers(&self) -> impl Iterator<Item = (u32, &Mover)> {
        let candidates = (0..).zip(&self.candidates);
        candidates.flat_map(|(at, candidate)| candidate.movers.iter().map(move |mover| (at, mover)))
    }

    /// The View that a policy is shown.
    pub fn view(&self) -> View<'_> {
        View::new(self)
    }

    pub(crate) fn sym(&self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let mut words = self.words.borrow_mut();
        let ix = words.iter().position(|word| word == text).unwrap_or_else(|| {
            words.push(text.to_owned());
            words.len() - 1
        });
        u32::try_from(ix + 1).unwrap_or(0)
    }

    pub(crate) fn word(&self, sym: u32) -> String {
        let ix = (sym as usize).checked_sub(1);
        ix.and_then(|ix| self.words.borrow().get(ix).cloned())
            .unwrap_or_default()
    }
}

impl GroupKind {
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Asg => 1,
            Self::ManagedNodeGroup => 2,
            Self::Kops => 3,
            Self::Fleet => 4,
            Self::Fargate => 5,
            Self::Ecs => 6,
            Self::Kwok => 7,
            Self::Simulated => 8,
            Self::Other => u32::MAX - 1,
        }
    }
}

impl Purchase {
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Mixed => 0,
            Self::OnDemand => 1,
            Self::Spot => 2,
            Self::Reserved => 3,
        }
    }
}

impl Candidate {
    pub(crate) fn due_code(&self) -> u32 {
        match self.due {
            Due::No => 0,
            Due::Expired => 1,
            Due::Drifted => 2,
            Due::Other => u32::MAX - 1,
        }
    }
}

impl Replicas {
    /// Answers for a workload row: replicas and code.
    pub fn get(&self, row: u32) -> Option<(u32, u16)> {
        let mut whole = self.clone();
        whole.spell_out();
        let at = whole.rows.iter().position(|r| *r == row)?;
        Some((whole.wanted[at], whole.codes[at]))
    }
}

impl Prices {
    /// Factor of a set row; 1 where none was given.
    pub fn factor_of(&self, set: u32) -> f64 {
        let at = self.factor_sets.iter().position(|s| *s == set);
        at.map_or(1.0, |at| self.factors[at])
    }

    /// Code of the ban of a class row from a set row.
    pub fn ban(&self, class: u32, set: u32) -> Option<u16> {
        let mut whole = self.clone();
        whole.spell_out();
        let mut pairs = whole.ban_classes.iter().zip(&whole.ban_sets);
        let at = pairs.position(|pair| pair == (&class, &set))?;
        Some(whole.ban_codes[at])
    }

    /// Addend of a class row in a set row: dollars per hour and code.
    pub fn addend(&self, class: u32, set: u32) -> Option<(f64, u16)> {
        let mut pairs = self.add_classes.iter().zip(&self.add_sets);
        let at = pairs.position(|pair| pair == (&class, &set))?;
        Some((self.add_usd[at], self.add_codes[at]))
    }
}

impl Room {
    /// What is kept: count, millicores, MiB, code.
    pub fn kept(&self) -> Vec<(u32, u32, u32, u16)> {
        (0..self.counts.len())
            .map(|at| (self.counts[at], self.cpus[at], self.memories[at], self.codes[at]))
            .collect()
    }
}

impl Verdicts {
    /// Code of the denial of a candidate row.
    pub fn denial(&self, candidate: u32) -> Option<u16> {
        let at = self.denied.iter().position(|row| *row == candidate)?;
        Some(self.denial_codes[at])
    }

    /// Addend of a candidate row: dollars per hour and code.
    pub fn addend(&self, candidate: u32) -> Option<(f64, u16)> {
        let at = self.add_candidates.iter().position(|row| *row == candidate)?;
        Some((self.add_usd[at], self.add_codes[at]))
    }
}

impl Holds {
    /// Code of the hold of a step row.
    pub fn held(&self, step: u32) -> Option<u16> {
        let at = self.rows.iter().position(|row| *row == step)?;
        Some(self.codes[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn movers_belong_to_their_candidates() {
        let of = |names: &[&str]| Candidate {
            movers: names
                .iter()
                .map(|name| Mover {
                    name: (*name).to_owned(),
                    ..Mover::default()
                })
                .collect(),
            ..Candidate::default()
        };
        let picture = [of(&["a", "b"]), of(&[]), of(&["c"])]
            .into_iter()
            .fold(Picture::new(), Picture::candidate);
        let view = picture.view();
        let names: Vec<Vec<String>> = view
            .candidates()
            .map(|candidate| candidate.movers().map(|mover| mover.name().to_string()).collect())
            .collect();
        assert_eq!(names, [vec!["a", "b"], vec![], vec!["c"]]);
        let moves: Vec<u32> = view.candidates().map(crate::Candidate::moves).collect();
        assert_eq!((moves, view.movers().count()), (vec![2, 0, 1], 3));
    }

    #[test]
    fn rows_of_what_is_there_point_to_each_other() {
        let picture = Picture::new()
            .group(Group::default())
            .offer(Offer {
                extended: BTreeMap::from([("nvidia.com/gpu".to_owned(), 4)]),
                ..Offer::default()
            })
            .node(Node {
                state: 1 | 32,
                ..Node::default()
            })
            .pod(Pod::default())
            .pod(Pod {
                node: None,
                phase: crate::Phase::Pending,
                ..Pod::default()
            })
            .metric(Metric::default())
            .workload(Workload::default())
            .workload(Workload {
                past: vec![(120_000, 5.0), (60_000, 7.0)],
                ..Workload::default()
            })
            .state(b"before");
        let view = picture.view();
        let homes: Vec<Option<String>> = view
            .pods()
            .map(|pod| Some(pod.node()?.group()?.name().to_string()))
            .collect();
        assert_eq!(homes, [Some("workers".to_owned()), None]);
        let node = view.nodes().next().unwrap();
        assert!(node.goes() && node.is_ready() && !node.is_fargate());
        assert_eq!(node.offer().unwrap().extended("nvidia.com/gpu"), 4);
        assert_eq!(view.groups().map(crate::Group::nodes).collect::<Vec<_>>(), [1]);
        assert!((view.metrics().next().unwrap().value() - 100.0).abs() < 1e-9);
        let past: Vec<Vec<(u32, f64)>> = view
            .workloads()
            .map(|workload| workload.past().collect())
            .collect();
        assert_eq!(past, [vec![], vec![(120_000, 5.0), (60_000, 7.0)]]);
        assert_eq!((view.state(), picture.kept()), (b"before".to_vec(), None));
        view.keep(b"after");
        assert_eq!(picture.kept(), Some(b"after".to_vec()));
    }

    #[test]
    fn rows_read_their_columns() {
        let picture = Picture::new()
            .class(Class {
                fargate_price: None,
                labels: Labels::from([("tier".to_owned(), "batch".to_owned())]),
                extended: BTreeMap::from([("nvidia.com/gpu".to_owned(), 2)]),
                ..Class::default()
            })
            .class(Class::default())
            .set(Set {
                cpu_used: Some(0),
                kind: GroupKind::Fargate,
                ..Set::default()
            });
        let view = picture.view();
        let first = view.classes().next().unwrap();
        assert!(first.label("tier") == "batch" && first.owner_kind() == "Deployment");
        assert_eq!(
            (first.fargate_price(), first.extended("nvidia.com/gpu")),
            (None, 2)
        );
        let second = view.classes().nth(1).unwrap();
        assert!(second.label("tier").is_empty() && second.extended("nvidia.com/gpu") == 0);
        let set = view.sets().next().unwrap();
        assert_eq!((set.cpu_used(), set.memory_used()), (Some(0), None));
        assert!(set.is_fargate());
        assert_eq!(&*view.class_label("tier"), [view.sym("batch"), 0]);
        assert_eq!(view.workloads().count(), 0);
    }

    #[test]
    fn a_misspelt_field_is_refused_with_its_name() {
        #[derive(serde::Deserialize, Debug)]
        #[serde(deny_unknown_fields)]
        struct Config {
            #[serde(default)]
            _percent: u32,
        }
        let refused = crate::config::<Config>(r#"{"per_cent": 5}"#).unwrap_err();
        assert!(
            refused.contains("per_cent") && refused.contains("line 1"),
            "{refused}"
        );
    }
}
