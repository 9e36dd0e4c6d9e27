//! A View as columns, the form in which it crosses into a guest. Units and absent values: sdk/wit/view.wit.
//!
//! Built once for each View and only as far as its policies read: which columns those are was learned from their
//! last evaluations (`evaluate`, `shared`). What a guest may ask, and at what price, is the work of `link`.

mod candidates;
mod cluster;
mod key;
mod metrics;
mod values;

pub(crate) use key::{Amount, Extended, Key, Keyed, Number, Signed, Table, Text};

use crate::dictionary::Dictionary;
use decide::View;
use decide::policy::{ClassRow, SetRow, StepRow, WorkloadRow};
use model::ids::WorkloadKey;
use model::money::UsdPerHour;
use model::pod::PodSpec;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use values::{
    ABSENT, ABSENT_AMOUNT, boot_time, kind_code, known, maybe, number, purchase_code, spec_of, thousandths,
    value,
};

/// Rows of a table.
fn rows(view: &View<'_>, table: Table) -> u32 {
    let rows = match table {
        Table::Classes => view.classes.len(),
        Table::Sets => view.sets.len(),
        Table::Workloads => view.workloads.len(),
        Table::Candidates => view.candidates.len(),
        Table::Movers => view.movers.len(),
        Table::Steps => view.steps.len(),
        Table::Groups => view.seen.groups.len(),
        Table::Offers => view.seen.offers.len(),
        Table::Nodes => view.seen.nodes.len(),
        Table::Pods => view.seen.pods.len(),
        Table::Metrics => metrics::all(view).count(),
        Table::Samples => metrics::samples(view).count(),
        Table::History => view.memory.demand_history.len(),
    };
    number(rows)
}

/// Content of a column.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    Number(Arc<[u32]>),
    Amount(Arc<[f64]>),
    Signed(Arc<[i32]>),
    /// Places in the dictionary.
    Text(Arc<[u32]>),
}

/// The columns of one View that policies are expected to read, and what has no rows.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) now_ms: u64,
    pub(crate) seed: u64,
    /// Place in the dictionary.
    pub(crate) cluster: u32,
    /// Rows, by table.
    pub(crate) rows: [u32; Table::ALL.len()],
    pub(crate) by_key: BTreeMap<Key, Column>,
    pub(crate) dictionary: Dictionary,
}

impl Columns {
    /// Of no View: for `configure`, which is shown none.
    pub(crate) fn nothing() -> Self {
        Self {
            now_ms: 0,
            seed: 0,
            cluster: 0,
            rows: [0; Table::ALL.len()],
            by_key: BTreeMap::new(),
            dictionary: Dictionary::new(),
        }
    }

    /// Of a View, without any column yet.
    pub(crate) fn of(view: &View<'_>) -> Self {
        let mut dictionary = Dictionary::new();
        Self {
            now_ms: u64::try_from(view.seen.at.0).unwrap_or(0),
            seed: view.seen.seed,
            cluster: dictionary.add(&view.seen.cluster),
            rows: std::array::from_fn(|table| {
                Table::ALL.get(table).map_or(0, |(_, table)| rows(view, *table))
            }),
            by_key: BTreeMap::new(),
            dictionary,
        }
    }

    /// Builds those of these columns that are not there yet. The View must be the one it was made of.
    pub(crate) fn add(&mut self, view: &View<'_>, keys: &BTreeSet<Key>) {
        let missing: Vec<&Key> = keys.iter().filter(|key| !self.by_key.contains_key(key)).collect();
        self.by_key.extend(class_numbers(view.classes, &missing));
        for key in missing {
            if !self.by_key.contains_key(key) {
                let column = column(view, key, &mut self.dictionary);
                self.by_key.insert(key.clone(), column);
            }
        }
    }
}

/// The columns of numbers of the class table, all in one pass: its rows are large, and reading them from memory is
/// what costs.
fn class_numbers(classes: &[ClassRow], keys: &[&Key]) -> BTreeMap<Key, Column> {
    const AT_ONCE: usize = 128;
    let mut columns: Vec<(&Key, Fill, Vec<u32>)> = keys
        .iter()
        .filter_map(|key| Some((*key, class_number(key)?, Vec::with_capacity(classes.len()))))
        .collect();
    for rows in classes.chunks(AT_ONCE) {
        for (_, fill, column) in &mut columns {
            fill(rows, column);
        }
    }
    columns
        .into_iter()
        .map(|(key, _, column)| (key.clone(), Column::Number(column.into())))
        .collect()
}

/// How a column of numbers of the class table is filled; `None` for every other column.
fn class_number(key: &Key) -> Option<Fill> {
    use Number as N;
    let Key::Number(which) = key else { return None };
    Some(match which {
        N::ClassCpu => |rows, to| to.extend(rows.iter().map(|row| known(row.requests.cpu_milli))),
        N::ClassMemory => |rows, to| to.extend(rows.iter().map(|row| known(row.requests.memory_mib_up()))),
        N::ClassPending => |rows, to| to.extend(rows.iter().map(|row| row.pending.min(ABSENT - 1))),
        N::ClassToCome => |rows, to| to.extend(rows.iter().map(|row| row.to_come.min(ABSENT - 1))),
        N::ClassHeadroom => |rows, to| to.extend(rows.iter().map(|row| row.headroom.min(ABSENT - 1))),
        _ => return None,
    })
}

/// Adds the values of some rows to a column.
type Fill = fn(&[ClassRow], &mut Vec<u32>);

/// Rows of a View that its fuel is counted by: those of the hook's own tables, and a tenth of what every hook may look
/// at.
pub fn row_count(view: &View<'_>) -> usize {
    let own = [
        view.classes.len(),
        view.sets.len(),
        view.workloads.len(),
        view.candidates.len(),
        view.movers.len(),
        view.steps.len(),
    ];
    let seen = view.seen;
    let (groups, offers) = (seen.groups.len(), seen.offers.len());
    own.iter().sum::<usize>() + (groups + offers + seen.nodes.len() + seen.pods.len()) / 10
}

fn column(view: &View<'_>, key: &Key, words: &mut Dictionary) -> Column {
    match key {
        Key::Number(which) => Column::Number(numbers(view, *which)),
        Key::Amount(which) => Column::Amount(amounts(view, *which)),
        Key::Signed(which) => {
            let priority = |spec: Option<&PodSpec>| spec.map_or(0, |spec| spec.priority);
            Column::Signed(match which {
                Signed::ClassPriority => spec_column(view).map(priority).collect(),
                Signed::PodPriority => cluster::specs(view).map(priority).collect(),
            })
        }
        Key::Extended(which, name) => Column::Number(match which {
            Extended::Class => {
                let asked = view.classes.iter().map(|class| &class.requests);
                asked.map(|asked| known(asked.amount(name))).collect()
            }
            Extended::Offer | Extended::Node | Extended::Pod => cluster::extended(view, *which, name),
        }),
        Key::Text(which) => Column::Text(texts(view, *which, words)),
        Key::Keyed(which, key) => Column::Text(keyed(view, *which, key, words)),
    }
}

fn numbers(view: &View<'_>, which: Number) -> Arc<[u32]> {
    use Number as N;
    let steps = |of: fn(&StepRow) -> u32| view.steps.iter().map(of).collect();
    match which {
        // Filled by `class_numbers`.
        N::ClassCpu | N::ClassMemory | N::ClassPending | N::ClassToCome | N::ClassHeadroom => Arc::default(),
        N::SetKind
        | N::SetPurchase
        | N::SetOffers
        | N::SetNodes
        | N::SetCpuRequested
        | N::SetMemoryRequested
        | N::SetCpuUsed
        | N::SetMemoryUsed
        | N::SetBoot => set_numbers(view, which),
        N::WorkloadReplicas
        | N::WorkloadReady
        | N::WorkloadMin
        | N::WorkloadMax
        | N::WorkloadAge
        | N::WorkloadPods
        | N::WorkloadRecentMax => workload_numbers(view, which),
        N::CandidateAge
        | N::CandidateMoves
        | N::CandidateCpuRequested
        | N::CandidateMemoryRequested
        | N::CandidateCpuUsed
        | N::CandidateMemoryUsed
        | N::CandidateUnneeded
        | N::CandidateDue
        | N::MoverCandidate
        | N::MoverCpu
        | N::MoverMemory
        | N::MoverAge => candidates::numbers(view, which),
        N::StepFrom => steps(|row| row.from.min(ABSENT - 1)),
        N::StepTo => steps(|row| row.to.min(ABSENT - 1)),
        N::StepPods => steps(|row| row.pods.min(ABSENT - 1)),
        N::GroupKind
        | N::GroupMin
        | N::GroupMax
        | N::GroupDesired
        | N::GroupNodes
        | N::GroupForeign
        | N::GroupCpuRequested
        | N::GroupMemoryRequested
        | N::GroupCpuUsed
        | N::GroupMemoryUsed
        | N::GroupBoot
        | N::GroupShort => cluster::group_numbers(view, which),
        N::OfferGroup
        | N::OfferPurchase
        | N::OfferCpu
        | N::OfferMemory
        | N::OfferPods
        | N::OfferConfidence
        | N::OfferInterruptions
        | N::OfferBarred => cluster::offer_numbers(view, which),
        N::NodeGroup
        | N::NodeOffer
        | N::NodeState
        | N::NodeAge
        | N::NodeCpu
        | N::NodeMemory
        | N::NodePods
        | N::NodeCpuUsed
        | N::NodeMemoryUsed => cluster::node_numbers(view, which),
        N::PodNode
        | N::PodPhase
        | N::PodAge
        | N::PodCpu
        | N::PodMemory
        | N::PodCpuUsed
        | N::PodMemoryUsed => cluster::pod_numbers(view, which),
        N::MetricAge | N::MetricPods | N::SampleWorkload | N::SampleAge => metrics::numbers(view, which),
        N::HistoryAge | N::HistoryPending => history_numbers(view, which),
    }
}

/// A column of numbers of the table of past demand; empty for every other.
fn history_numbers(view: &View<'_>, which: Number) -> Arc<[u32]> {
    use Number as N;
    let history = &view.memory.demand_history;
    match which {
        N::HistoryAge => history
            .iter()
            .map(|(at, _)| known(view.seen.at.since(*at).millis()))
            .collect(),
        N::HistoryPending => history
            .iter()
            .map(|(_, waiting)| (*waiting).min(ABSENT - 1))
            .collect(),
        _ => Arc::default(),
    }
}

/// A column of numbers of the set table; empty for every other.
fn set_numbers(view: &View<'_>, which: Number) -> Arc<[u32]> {
    use Number as N;
    let sets = |of: fn(&SetRow) -> u32| view.sets.iter().map(of).collect();
    match which {
        N::SetKind => sets(|row| kind_code(row.kind)),
        N::SetPurchase => sets(|row| row.purchase.map_or(0, purchase_code)),
        N::SetOffers => sets(|row| row.offers.min(ABSENT - 1)),
        N::SetNodes => sets(|row| row.nodes.min(ABSENT - 1)),
        N::SetCpuRequested => sets(|row| row.utilisation.cpu_requested.min(ABSENT - 1)),
        N::SetMemoryRequested => sets(|row| row.utilisation.memory_requested.min(ABSENT - 1)),
        N::SetCpuUsed => sets(|row| maybe(row.utilisation.cpu_used)),
        N::SetMemoryUsed => sets(|row| maybe(row.utilisation.memory_used)),
        N::SetBoot => view
            .sets
            .iter()
            .map(|row| group_of(view, row).map_or(ABSENT, |group| boot_time(view, group)))
            .collect(),
        _ => Arc::default(),
    }
}

/// A column of numbers of the workload table; empty for every other.
fn workload_numbers(view: &View<'_>, which: Number) -> Arc<[u32]> {
    use Number as N;
    let workloads = |of: fn(&WorkloadRow) -> u32| view.workloads.iter().map(of).collect();
    match which {
        N::WorkloadReplicas => workloads(|row| row.replicas.min(ABSENT - 1)),
        N::WorkloadReady => workloads(|row| row.ready.min(ABSENT - 1)),
        N::WorkloadMin => workloads(|row| row.min.min(ABSENT - 1)),
        N::WorkloadMax => workloads(|row| row.max.min(ABSENT - 1)),
        N::WorkloadAge => workloads(|row| known(row.age.millis())),
        N::WorkloadPods => workloads(|row| row.pods.min(ABSENT - 1)),
        N::WorkloadRecentMax => workloads(|row| row.recent_max.min(ABSENT - 1)),
        _ => Arc::default(),
    }
}

fn amounts(view: &View<'_>, which: Amount) -> Arc<[f64]> {
    use Amount as A;
    let price = |price: Option<UsdPerHour>| price.map_or(ABSENT_AMOUNT, |p| p.dollars().max(0.0));
    let workloads = |of: fn(&WorkloadRow) -> f64| view.workloads.iter().map(of).collect();
    match which {
        A::ClassEc2Price => view.classes.iter().map(|row| price(row.ec2_price)).collect(),
        A::ClassFargatePrice => view.classes.iter().map(|row| price(row.fargate_price)).collect(),
        A::SetMinPrice => view.sets.iter().map(|row| price(Some(row.min_price))).collect(),
        A::WorkloadTarget => workloads(|row| thousandths(row.target_milli)),
        A::WorkloadValue => workloads(|row| row.value_milli.map_or(ABSENT_AMOUNT, thousandths)),
        A::WorkloadRequest => workloads(|row| thousandths(row.request_milli)),
        A::StepAdds => view.steps.iter().map(|row| price(row.adds)).collect(),
        A::StepSaves => view.steps.iter().map(|row| price(row.saves)).collect(),
        A::CandidatePrice => view.candidates.iter().map(|row| price(row.price)).collect(),
        A::OfferPrice => view
            .seen
            .offers
            .iter()
            .map(|offer| price(Some(offer.price)))
            .collect(),
        A::NodePrice => {
            let nodes = view.seen.nodes.iter();
            nodes.map(|node| price(view.seen.node_price(node))).collect()
        }
        A::MetricValue | A::SampleValue => metrics::amounts(view, which),
    }
}

fn texts(view: &View<'_>, which: Text, words: &mut Dictionary) -> Arc<[u32]> {
    use Text as T;
    let owner = |of: fn(&WorkloadKey) -> &str| {
        view.classes
            .iter()
            .map(move |row| row.workload.as_ref().map_or("", of))
    };
    match which {
        T::ClassNamespace => {
            words.code(spec_column(view).map(|spec| spec.map_or("", |s| s.namespace.as_str())))
        }
        T::ClassOwnerKind => words.code(owner(|key| &key.kind)),
        T::ClassOwnerName => words.code(owner(|key| &key.name)),
        T::SetName => words.code(view.sets.iter().map(|row| row.name.as_str())),
        T::SetGroup => words.code(
            view.sets
                .iter()
                .map(|row| group_of(view, row).map_or("", |g| g.name.as_str())),
        ),
        T::SetArch => words.code(view.sets.iter().map(|row| row.arch.as_deref().unwrap_or(""))),
        T::WorkloadKind => words.code(view.workloads.iter().map(|row| &*row.key.kind)),
        T::WorkloadNamespace => words.code(view.workloads.iter().map(|row| &*row.key.namespace)),
        T::WorkloadName => words.code(view.workloads.iter().map(|row| &*row.key.name)),
        T::WorkloadMetric => words.code(view.workloads.iter().map(|row| row.metric.as_str())),
        T::StepKind => words.code(view.steps.iter().map(|row| row.kind)),
        T::StepGroup => words.code(view.steps.iter().map(|row| row.group.as_str())),
        T::StepNamespace => words.code(view.steps.iter().map(|row| row.namespace.as_str())),
        T::StepObject => words.code(view.steps.iter().map(|row| row.object.as_str())),
        T::CandidateName
        | T::CandidateGroup
        | T::MoverNamespace
        | T::MoverName
        | T::MoverOwnerKind
        | T::MoverOwnerName => words.code(candidates::texts(view, which)),
        T::GroupName
        | T::OfferType
        | T::OfferZone
        | T::OfferArch
        | T::NodeName
        | T::PodNamespace
        | T::PodName
        | T::PodOwnerKind
        | T::PodOwnerName => words.code(cluster::texts(view, which)),
        T::MetricName | T::MetricKind | T::MetricNamespace | T::MetricWorkload => {
            words.code(metrics::texts(view, which))
        }
    }
}

fn keyed(view: &View<'_>, which: Keyed, key: &str, words: &mut Dictionary) -> Arc<[u32]> {
    match which {
        Keyed::ClassLabel => words.code(spec_column(view).map(|spec| value(spec.map(|s| &s.labels), key))),
        Keyed::ClassAnnotation => {
            words.code(spec_column(view).map(|spec| value(spec.map(|s| &s.annotations), key)))
        }
        Keyed::SetLabel => words.code(
            view.sets
                .iter()
                .map(|row| value(group_of(view, row).map(|g| &g.labels), key)),
        ),
        Keyed::WorkloadLabel => words.code(
            view.workloads
                .iter()
                .map(|row| value(spec_of(view, row.spec).map(|s| &s.labels), key)),
        ),
        Keyed::WorkloadAnnotation => words.code(
            view.workloads
                .iter()
                .map(|row| value(spec_of(view, row.spec).map(|s| &s.annotations), key)),
        ),
        Keyed::CandidateLabel | Keyed::MoverLabel | Keyed::MoverAnnotation => {
            words.code(candidates::labels(view, which).map(|labels| value(labels, key)))
        }
        Keyed::GroupLabel | Keyed::OfferLabel | Keyed::NodeLabel | Keyed::PodLabel | Keyed::PodAnnotation => {
            words.code(cluster::labels(view, which).map(|labels| value(labels, key)))
        }
    }
}

fn spec_column<'a>(view: &'a View<'_>) -> impl Iterator<Item = Option<&'a PodSpec>> {
    view.classes.iter().map(|row| spec_of(view, row.spec))
}

fn group_of<'a>(view: &'a View<'_>, row: &SetRow) -> Option<&'a model::Group> {
    view.seen.groups.get(usize::try_from(row.group).ok()?)
}
