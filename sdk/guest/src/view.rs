//! The picture that a policy is shown. Units and absent values are those of sdk/wit/view.wit; the rows (`rows`) make
//! `Option`s of them.
//!
//! A column is fetched when it is first read, and kept: reading a million rows costs one call.

use crate::columns::{Amount, Keyed, Number, Tables, Text};
use crate::rows::{Candidate, Class, Group, Metric, Mover, Node, Offer, Pod, Set, Step, Workload};
use crate::source::{self, Source};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// See the module.
pub struct View<'a> {
    source: Source<'a>,
    tables: OnceCell<Tables>,
    numbers: [OnceCell<Vec<u32>>; Number::COUNT],
    amounts: [OnceCell<Vec<f64>>; Amount::COUNT],
    texts: [OnceCell<Vec<u32>>; Text::COUNT],
    priorities: OnceCell<Vec<i32>>,
    pod_priorities: OnceCell<Vec<i32>>,
    keyed: RefCell<[BTreeMap<String, Rc<[u32]>>; Keyed::COUNT]>,
    words: RefCell<BTreeMap<u32, Word>>,
}

/// A text of the View; compares and prints as `&str`, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word(Rc<str>);

impl Default for Word {
    fn default() -> Self {
        Self(Rc::from(""))
    }
}

impl std::ops::Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Word {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Word {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self)
    }
}

macro_rules! columns {
    ($kind:ident: $content:ty, $field:ident, $fetch:ident { $($(#[$doc:meta])* $name:ident = $variant:ident,)* }) => {
        /// Whole columns, for loops that must be fast. Entry by entry the rows of their table.
        impl View<'_> {
            $($(#[$doc])* pub fn $name(&self) -> &[$content] {
                match self.$field.get($kind::$variant as usize) {
                    Some(cell) => cell.get_or_init(|| source::$fetch(self.source, $kind::$variant)),
                    None => &[],
                }
            })*
        }
    };
}

columns!(Number: u32, numbers, numbers {
    /// Request of one pod of a class, millicores.
    class_cpu = ClassCpu,
    /// Request of one pod of a class, MiB.
    class_memory = ClassMemory,
    /// Pods of a class that wait.
    class_pending = ClassPending,
    /// Replicas of a class that have no pod yet.
    class_to_come = ClassToCome,
    /// Virtual pods of a class.
    class_headroom = ClassHeadroom,
    /// Kind code of a set's group.
    set_kind = SetKind,
    /// Purchase code of a set.
    set_purchase = SetPurchase,
    /// Offers in a set.
    set_offers = SetOffers,
    /// Nodes of a set's group.
    set_nodes = SetNodes,
    /// Requested share of CPU of a set's group, thousandths.
    set_cpu_requested = SetCpuRequested,
    /// Requested share of memory of a set's group, thousandths.
    set_memory_requested = SetMemoryRequested,
    /// Used share of CPU of a set's group, thousandths; `u32::MAX` where not known.
    set_cpu_used = SetCpuUsed,
    /// Used share of memory of a set's group, thousandths; `u32::MAX` where not known.
    set_memory_used = SetMemoryUsed,
    /// Median boot time of a set's group, milliseconds; `u32::MAX` where not known.
    set_boot_ms = SetBoot,
    /// Replicas of a workload.
    workload_replicas = WorkloadReplicas,
    /// Ready pods of a workload.
    workload_ready = WorkloadReady,
    /// Fewest replicas of a workload.
    workload_min = WorkloadMin,
    /// Most replicas of a workload.
    workload_max = WorkloadMax,
    /// Age of a workload's metric, milliseconds.
    workload_age_ms = WorkloadAge,
    /// Pods that contributed to a workload's metric.
    workload_pods = WorkloadPods,
    /// Highest recommendation of the last five minutes for a workload.
    workload_recent_max = WorkloadRecentMax,
    /// Age of a candidate, milliseconds.
    candidate_age_ms = CandidateAge,
    /// Pods that would have to move for a candidate.
    candidate_moves = CandidateMoves,
    /// Requested share of a candidate's CPU, thousandths.
    candidate_cpu_requested = CandidateCpuRequested,
    /// Requested share of a candidate's memory, thousandths.
    candidate_memory_requested = CandidateMemoryRequested,
    /// Used share of a candidate's CPU, thousandths; `u32::MAX` where not known.
    candidate_cpu_used = CandidateCpuUsed,
    /// Used share of a candidate's memory, thousandths; `u32::MAX` where not known.
    candidate_memory_used = CandidateMemoryUsed,
    /// For how long a candidate could have gone, milliseconds; `u32::MAX` where it could not until now.
    candidate_unneeded_ms = CandidateUnneeded,
    /// Why another should take a candidate's place, as a code.
    candidate_due = CandidateDue,
    /// Candidate row of a mover's node; never falls from row to row.
    mover_candidate = MoverCandidate,
    /// Request of a mover, millicores.
    mover_cpu = MoverCpu,
    /// Request of a mover, MiB.
    mover_memory = MoverMemory,
    /// Age of a mover, milliseconds.
    mover_age_ms = MoverAge,
    /// Replicas, size or maximum before a step; 0 where it has none.
    step_from = StepFrom,
    /// The same after.
    step_to = StepTo,
    /// Pods that a step is for, or that would have to move for it.
    step_pods = StepPods,
    /// Age of an entry of the demand history, milliseconds.
    history_age_ms = HistoryAge,
    /// Pods that waited at an entry of the demand history.
    history_pending = HistoryPending,
    /// Kind code of a group.
    group_kind = GroupKind,
    /// Fewest instances of a group.
    group_min = GroupMin,
    /// Most instances of a group.
    group_max = GroupMax,
    /// Instances that a group was asked for.
    group_desired = GroupDesired,
    /// Nodes of a group.
    group_nodes = GroupNodes,
    /// 1 where somebody else owns a group's size.
    group_foreign = GroupForeign,
    /// Requested share of a group's CPU, thousandths.
    group_cpu_requested = GroupCpuRequested,
    /// Requested share of a group's memory, thousandths.
    group_memory_requested = GroupMemoryRequested,
    /// Used share of a group's CPU, thousandths; `u32::MAX` where not known.
    group_cpu_used = GroupCpuUsed,
    /// Used share of a group's memory, thousandths; `u32::MAX` where not known.
    group_memory_used = GroupMemoryUsed,
    /// Median boot time of a group, milliseconds; `u32::MAX` where not known.
    group_boot_ms = GroupBoot,
    /// How long ago the provider said that a group wants for capacity, milliseconds; `u32::MAX` where it does not.
    group_short_ms = GroupShort,
    /// Group row of an offer.
    offer_group = OfferGroup,
    /// Purchase code of an offer.
    offer_purchase = OfferPurchase,
    /// What pods can use of an offer, millicores.
    offer_cpu = OfferCpu,
    /// What pods can use of an offer, MiB.
    offer_memory = OfferMemory,
    /// Most pods on an offer.
    offer_pods = OfferPods,
    /// How far an offer's price can be trusted, as a code.
    offer_confidence = OfferConfidence,
    /// Chance that an offer is taken back within a month, thousandths; `u32::MAX` where not known.
    offer_interruptions = OfferInterruptions,
    /// For how long an offer is not bought, milliseconds.
    offer_barred_ms = OfferBarred,
    /// Group row of a node; `u32::MAX` where it has none.
    node_group = NodeGroup,
    /// Offer row of a node; `u32::MAX` where it has none.
    node_offer = NodeOffer,
    /// State of a node, a sum of codes.
    node_state = NodeState,
    /// Age of a node, milliseconds.
    node_age_ms = NodeAge,
    /// What pods can use of a node, millicores.
    node_cpu = NodeCpu,
    /// What pods can use of a node, MiB.
    node_memory = NodeMemory,
    /// Most pods on a node.
    node_pods = NodePods,
    /// CPU of a node in use, millicores; `u32::MAX` where not known.
    node_cpu_used = NodeCpuUsed,
    /// Memory of a node in use, MiB; `u32::MAX` where not known.
    node_memory_used = NodeMemoryUsed,
    /// Node row of a pod; `u32::MAX` where it has none.
    pod_node = PodNode,
    /// Phase of a pod, as a code.
    pod_phase = PodPhase,
    /// Age of a pod, milliseconds.
    pod_age_ms = PodAge,
    /// Request of a pod, millicores.
    pod_cpu = PodCpu,
    /// Request of a pod, MiB.
    pod_memory = PodMemory,
    /// CPU of a pod in use, millicores; `u32::MAX` where not known.
    pod_cpu_used = PodCpuUsed,
    /// Memory of a pod in use, MiB; `u32::MAX` where not known.
    pod_memory_used = PodMemoryUsed,
    /// Age of a metric, milliseconds.
    metric_age_ms = MetricAge,
    /// Pods that contributed to a metric.
    metric_pods = MetricPods,
    /// Workload row of a past value; never falls from row to row.
    sample_workload = SampleWorkload,
    /// How long ago a past value was measured, milliseconds.
    sample_age_ms = SampleAge,
});

columns!(Amount: f64, amounts, amounts {
    /// EC2 price of one pod of a class, dollars per hour; -1 where none fits.
    class_ec2_price = ClassEc2Price,
    /// Fargate price of one pod of a class, dollars per hour; -1 where it cannot run there.
    class_fargate_price = ClassFargatePrice,
    /// Price of a set's cheapest offer, dollars per hour.
    set_min_price = SetMinPrice,
    /// Target of a workload's metric.
    workload_target = WorkloadTarget,
    /// Value of a workload's metric; -1 where missing.
    workload_value = WorkloadValue,
    /// Request of one pod of a workload in the metric's unit.
    workload_request = WorkloadRequest,
    /// Price of a candidate, dollars per hour; -1 where nobody knows it.
    candidate_price = CandidatePrice,
    /// What a step adds to the bill, dollars per hour; -1 where nobody knows.
    step_adds = StepAdds,
    /// What a step takes off the bill, dollars per hour; -1 where nobody knows.
    step_saves = StepSaves,
    /// Price of an offer, dollars per hour.
    offer_price = OfferPrice,
    /// Price of a node, dollars per hour; -1 where nobody knows it.
    node_price = NodePrice,
    /// Value of a metric.
    metric_value = MetricValue,
    /// A past value.
    sample_value = SampleValue,
});

columns!(Text: u32, texts, texts {
    /// Namespace of a class, as a sym.
    class_namespace = ClassNamespace,
    /// Kind of a class's owner, as a sym.
    class_owner_kind = ClassOwnerKind,
    /// Name of a class's owner, as a sym.
    class_owner_name = ClassOwnerName,
    /// Name of a set, as a sym.
    set_name = SetName,
    /// Group of a set, as a sym.
    set_group = SetGroup,
    /// Architecture of a set, as a sym.
    set_arch = SetArch,
    /// Kind of a workload, as a sym.
    workload_kind = WorkloadKind,
    /// Namespace of a workload, as a sym.
    workload_namespace = WorkloadNamespace,
    /// Name of a workload, as a sym.
    workload_name = WorkloadName,
    /// Metric of a workload, as a sym.
    workload_metric = WorkloadMetric,
    /// Name of a candidate, as a sym.
    candidate_name = CandidateName,
    /// Group of a candidate, as a sym.
    candidate_group = CandidateGroup,
    /// Namespace of a mover, as a sym.
    mover_namespace = MoverNamespace,
    /// Name of a mover, as a sym.
    mover_name = MoverName,
    /// Kind of a mover's owner, as a sym.
    mover_owner_kind = MoverOwnerKind,
    /// Name of a mover's owner, as a sym.
    mover_owner_name = MoverOwnerName,
    /// Kind of a step, as a sym.
    step_kind = StepKind,
    /// Group of a step, as a sym.
    step_group = StepGroup,
    /// Namespace of what a step is about, as a sym.
    step_namespace = StepNamespace,
    /// Name of what a step is about, as a sym.
    step_object = StepObject,
    /// Name of a group, as a sym.
    group_name = GroupName,
    /// Instance type of an offer, as a sym.
    offer_type = OfferType,
    /// Zone of an offer, as a sym.
    offer_zone = OfferZone,
    /// Architecture of an offer, as a sym.
    offer_arch = OfferArch,
    /// Name of a node, as a sym.
    node_name = NodeName,
    /// Namespace of a pod, as a sym.
    pod_namespace = PodNamespace,
    /// Name of a pod, as a sym.
    pod_name = PodName,
    /// Kind of a pod's owner, as a sym.
    pod_owner_kind = PodOwnerKind,
    /// Name of a pod's owner, as a sym.
    pod_owner_name = PodOwnerName,
    /// Name of a metric, as a sym.
    metric_name = MetricName,
    /// Kind of a metric's workload, as a sym.
    metric_kind = MetricKind,
    /// Namespace of a metric's workload, as a sym.
    metric_namespace = MetricNamespace,
    /// Name of a metric's workload, as a sym.
    metric_workload = MetricWorkload,
});

impl<'a> View<'a> {
    pub(crate) fn new(source: Source<'a>) -> Self {
        Self {
            source,
            tables: OnceCell::new(),
            numbers: std::array::from_fn(|_| OnceCell::new()),
            amounts: std::array::from_fn(|_| OnceCell::new()),
            texts: std::array::from_fn(|_| OnceCell::new()),
            priorities: OnceCell::new(),
            pod_priorities: OnceCell::new(),
            keyed: RefCell::default(),
            words: RefCell::default(),
        }
    }

    /// When the picture was taken: milliseconds since the Unix epoch. The only time there is.
    pub fn now_ms(&self) -> u64 {
        source::now_ms(self.source)
    }

    /// Recorded random number of the cycle. The only randomness there is.
    pub fn seed(&self) -> u64 {
        source::seed(self.source)
    }

    /// Name of the cluster.
    pub fn cluster(&self) -> Word {
        self.word(source::cluster(self.source))
    }

    /// Classes of demand: pods that no scheduling rule can tell apart. Empty for scalers.
    pub fn classes(&self) -> impl Iterator<Item = Class<'_>> + Clone {
        (0..self.tables().classes).map(|row| Class { view: self, row })
    }

    /// Offer sets: all offers of a group that are bought alike. Empty for scalers.
    pub fn sets(&self) -> impl Iterator<Item = Set<'_>> + Clone {
        (0..self.tables().sets).map(|row| Set { view: self, row })
    }

    /// Workloads that may be scaled. Empty for every hook but the scaler's.
    pub fn workloads(&self) -> impl Iterator<Item = Workload<'_>> + Clone {
        (0..self.tables().workloads).map(|row| Workload { view: self, row })
    }

    /// Nodes that could be given up. Empty for every hook but disruption.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> + Clone {
        (0..self.tables().candidates).map(|row| Candidate { view: self, row })
    }

    /// Pods that would have to move for all of them, in their order. Empty for every hook but disruption.
    pub fn movers(&self) -> impl Iterator<Item = Mover<'_>> + Clone {
        (0..self.tables().movers).map(|row| Mover { view: self, row })
    }

    /// Steps of the plan that begin something. Empty for every hook but review.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> + Clone {
        (0..self.tables().steps).map(|row| Step { view: self, row })
    }

    /// Groups: whatever capacity is changed in, Fargate profiles among them, by name.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> + Clone {
        (0..self.tables().groups).map(|row| Group { view: self, row })
    }

    /// What can be bought in which group.
    pub fn offers(&self) -> impl Iterator<Item = Offer<'_>> + Clone {
        (0..self.tables().offers).map(|row| Offer { view: self, row })
    }

    /// Nodes of the cluster, by name.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> + Clone {
        (0..self.tables().nodes).map(|row| Node { view: self, row })
    }

    /// Pods of the cluster, by namespace and name.
    pub fn pods(&self) -> impl Iterator<Item = Pod<'_>> + Clone {
        (0..self.tables().pods).map(|row| Pod { view: self, row })
    }

    /// Every figure that is known about a workload, whether or not it is scaled.
    pub fn metrics(&self) -> impl Iterator<Item = Metric<'_>> + Clone {
        (0..self.tables().metrics).map(|row| Metric { view: self, row })
    }

    /// What this policy kept at this hook in the last cycle that had an answer of it; empty where nothing.
    pub fn state(&self) -> Vec<u8> {
        source::state(self.source)
    }

    /// Keeps bytes for the next cycle, at most 65,536; an empty slice forgets what was kept. Without a call it stays.
    pub fn keep(&self, state: &[u8]) {
        source::keep(self.source, state);
    }

    /// Demand of recent cycles, oldest first: how many milliseconds ago, and how many pods waited.
    pub fn history(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let ages = self.history_age_ms().iter().copied();
        ages.zip(self.history_pending().iter().copied())
    }

    /// Number that stands for a text in the columns of this evaluation, to compare labels fast.
    pub fn sym(&self, text: &str) -> u32 {
        source::intern(self.source, text)
    }

    /// Text of a sym.
    pub fn word(&self, sym: u32) -> Word {
        if let Some(word) = self.words.borrow().get(&sym) {
            return word.clone();
        }
        self.fetch_words(&[sym]);
        self.words.borrow().get(&sym).cloned().unwrap_or_default()
    }

    /// `spec.priority` of a class.
    pub fn class_priority(&self) -> &[i32] {
        self.priorities.get_or_init(|| source::priorities(self.source))
    }

    /// `spec.priority` of a pod.
    pub fn pod_priority(&self) -> &[i32] {
        self.pod_priorities
            .get_or_init(|| source::pod_priorities(self.source))
    }

    /// One label of each class, as syms; 0 where absent.
    pub fn class_label(&self, key: &str) -> Rc<[u32]> {
        self.keyed(Keyed::ClassLabel, key)
    }

    /// Text of a row of a text column, all words of which are fetched at once.
    pub(crate) fn text(&self, column: &[u32], row: u32) -> Word {
        let sym = column.get(row as usize).copied().unwrap_or(0);
        if !self.words.borrow().contains_key(&sym) {
            let mut syms = column.to_vec();
            syms.sort_unstable();
            syms.dedup();
            self.fetch_words(&syms);
        }
        self.word(sym)
    }

    pub(crate) fn keyed(&self, which: Keyed, key: &str) -> Rc<[u32]> {
        let mut columns = self.keyed.borrow_mut();
        let by_key = &mut columns[which as usize];
        if let Some(column) = by_key.get(key) {
            return Rc::clone(column);
        }
        let column: Rc<[u32]> = source::keyed(self.source, which, key).into();
        by_key.insert(key.to_owned(), Rc::clone(&column));
        column
    }

    pub(crate) fn class_count(&self) -> u32 {
        self.tables().classes
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn set_count(&self) -> u32 {
        self.tables().sets
    }

    pub(crate) fn workload_count(&self) -> u32 {
        self.tables().workloads
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn candidate_count(&self) -> u32 {
        self.tables().candidates
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn step_count(&self) -> u32 {
        self.tables().steps
    }

    fn tables(&self) -> Tables {
        *self.tables.get_or_init(|| source::tables(self.source))
    }

    fn fetch_words(&self, syms: &[u32]) {
        let texts = source::resolve(self.source, syms);
        let mut words = self.words.borrow_mut();
        for (sym, text) in syms.iter().zip(texts) {
            words.insert(*sym, Word(text.into()));
        }
    }
}
