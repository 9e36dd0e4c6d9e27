//! What decisions remember from cycle to cycle; a bounded value, recorded, replayed and persisted.
//!
//! Losing it makes the daemon less active: no node is unneeded long enough, no policy is trusted sooner.

use crate::advice::{Hook, State};
use crate::fargate::FargateSize;
use crate::ids::{GroupName, InstanceId, NodeName, OfferId, PodKey, PolicyName, WorkloadKey};
use crate::pod::PodSpec;
use crate::provisioned::Provisioned;
use crate::resources::Resources;
use crate::time::{Instant, Span};
use crate::watch::Watch;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A pod that has waited longer than this is past admission: Fargate is no longer an answer for it.
const ADMISSION_GRACE: Span = Span::from_secs(300);

/// Version that this build writes; it reads this one and the one before.
pub const MEMORY_VERSION: u32 = 2;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Format version.
    pub version: u32,
    /// Since when each node could have been given up, or has wasted much of its price (`shrink`).
    pub unneeded_since: BTreeMap<NodeName, Instant>,
    /// Recent replica recommendations per workload, oldest first, at most 64 each.
    #[serde(with = "crate::memory::pairs")]
    pub recommendations: BTreeMap<WorkloadKey, Vec<Recommendation>>,
    /// Last measured boot times per group, at most 16 each.
    pub boot_times: BTreeMap<GroupName, Vec<Span>>,
    /// Launch failures per group; a group in back-off is not grown.
    pub backoff: BTreeMap<GroupName, Backoff>,
    /// Launches per group that brought nodes and helped nobody, in a row; such a group is not grown either.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unhelpful: BTreeMap<GroupName, Backoff>,
    /// Offers that the provider had no capacity for: they, and what else is of the same type, zone and purchase,
    /// are not bought for a while. At most 1,000.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub no_capacity: BTreeMap<OfferId, Backoff>,
    /// Recent faults per policy, oldest first, at most 8 each.
    pub faults: BTreeMap<PolicyName, Vec<Instant>>,
    /// Policies in quarantine, since when.
    pub quarantine: BTreeMap<PolicyName, Instant>,
    /// Demand of recent cycles (pods waiting), oldest first, at most 128.
    pub demand_history: Vec<(Instant, u32)>,
    /// Measured utilisation per group: exponentially smoothed CPU and memory share in thousandths.
    pub utilisation: BTreeMap<GroupName, GroupUse>,
    /// Since when each pod has been waiting, as first seen.
    pub waiting_since: WaitingSince,
    /// Waiting pods that are nominated (`status.nominatedNodeName`) to a node where others end: to which, and since
    /// when, as first seen; at most 5,000.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        with = "crate::memory::pairs"
    )]
    pub nominated_since: BTreeMap<PodKey, Nominated>,
    /// Since when each instance of a group has been seen without a node, at most 2,000.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nodeless_since: BTreeMap<InstanceId, Instant>,
    /// What Fargate provisioned last for the pods of each workload, at most 1,000, those of the newest pods.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        with = "crate::memory::pairs"
    )]
    pub provisioned: BTreeMap<WorkloadKey, Provisioned>,
    /// By group whose drifted nodes are replaced: how its first new node fares. Of no more groups than there are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub canaries: BTreeMap<GroupName, Canary>,
    /// Groups of which nodes were to go and did not, although pods had been moved for it. Of no more groups than there
    /// are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub in_vain: BTreeMap<GroupName, InVain>,
    /// What policies keep, by policy and hook; of loaded policies only, at most `State::MOST_OF_ALL` in all.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        with = "crate::memory::pairs"
    )]
    pub kept: BTreeMap<(PolicyName, Hook), Kept>,
    /// What the metrics of scaled workloads were, of at most 200 workloads.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        with = "crate::memory::pairs"
    )]
    pub past_values: BTreeMap<WorkloadKey, PastValues>,
    /// What the last plan would buy, at most 2,000 kinds of nodes: where the next one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_purchase: Vec<LastNodes>,
    /// What the guard has watched for itself.
    #[serde(default, skip_serializing_if = "Watch::is_nothing")]
    pub watch: Watch,
}

impl Memory {
    /// The back-off of a group that is not grown now: of those that brought no nodes and those that helped nobody, the one
    /// that lasts longer.
    pub fn backs_off(&self, group: &GroupName, at: Instant) -> Option<&Backoff> {
        let kinds = [&self.backoff, &self.unhelpful];
        let lasting = kinds.into_iter().filter_map(|kind| kind.get(group));
        lasting
            .filter(|backoff| backoff.until > at)
            .max_by_key(|backoff| backoff.until)
    }

    /// Whether a pod has waited so long that it is past admission: it is of another class than its like.
    pub fn waits_late(&self, pod: &PodKey, at: Instant) -> bool {
        let since = self.waiting_since.get(pod);
        since.is_some_and(|since| is_late(since, at))
    }

    /// What Fargate provisioned last for pods of this spec's workload, while they ask for the same.
    pub fn provisioned_for(&self, spec: &PodSpec) -> Option<FargateSize> {
        let known = self.provisioned.get(spec.owner.as_ref()?)?;
        known.asked.contains(&spec.requests).then_some(known.size)
    }

    /// The pods that have waited so long, in the order of their keys.
    pub fn late(&self, at: Instant) -> impl Iterator<Item = &PodKey> {
        let late = self
            .waiting_since
            .iter()
            .filter(move |(_, since)| is_late(*since, at));
        late.map(|(pod, _)| pod)
    }
}

fn is_late(since: Instant, at: Instant) -> bool {
    at.since(since) > ADMISSION_GRACE
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            version: MEMORY_VERSION,
            unneeded_since: BTreeMap::new(),
            recommendations: BTreeMap::new(),
            boot_times: BTreeMap::new(),
            backoff: BTreeMap::new(),
            unhelpful: BTreeMap::new(),
            no_capacity: BTreeMap::new(),
            faults: BTreeMap::new(),
            quarantine: BTreeMap::new(),
            demand_history: Vec::new(),
            utilisation: BTreeMap::new(),
            waiting_since: WaitingSince::default(),
            nominated_since: BTreeMap::new(),
            nodeless_since: BTreeMap::new(),
            provisioned: BTreeMap::new(),
            canaries: BTreeMap::new(),
            in_vain: BTreeMap::new(),
            kept: BTreeMap::new(),
            past_values: BTreeMap::new(),
            last_purchase: Vec::new(),
            watch: Watch::default(),
        }
    }
}

/// A nomination of a pod that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nominated {
    /// The node.
    pub node: NodeName,
    /// When it was first seen.
    pub at: Instant,
}

/// What one policy keeps at one hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Digest of the component that kept it: another one begins with nothing.
    pub digest: String,
    /// The bytes.
    pub state: State,
}

/// Past values of the metric by which a workload is scaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastValues {
    /// Which metric.
    pub metric: String,
    /// When it was measured and its thousandths, oldest first, at most 32, a minute apart or more.
    pub values: Vec<(Instant, i64)>,
}

/// How the first node fares that was made as its group would make it today. Losing it means another first node, and
/// waiting anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// What the group makes nodes with.
    pub wanted: String,
    /// How far it is.
    pub stage: CanaryStage,
}

/// Stages of a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CanaryStage {
    /// It was asked for, or is not Ready any more, since then.
    Awaited(Instant),
    /// A node made so has been Ready since then.
    Ready(Instant),
    /// None became Ready in time: nothing more is replaced for it.
    Failed(Instant),
}

/// Since when each pod has been waiting, in the order of their keys: a list, because it is made anew in every cycle
/// from pods that come in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(PodKey, Instant)>")]
pub struct WaitingSince(Vec<(PodKey, Instant)>);

impl WaitingSince {
    /// Since when the pod waits; `None` where that was never seen.
    pub fn get(&self, pod: &PodKey) -> Option<Instant> {
        let at = self.0.binary_search_by(|(known, _)| known.cmp(pod)).ok()?;
        self.0.get(at).map(|(_, since)| *since)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &(PodKey, Instant)> {
        self.0.iter()
    }

    /// Nobody waits.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<(PodKey, Instant)>> for WaitingSince {
    /// In any order; of several times for one pod the first listed counts.
    fn from(mut since: Vec<(PodKey, Instant)>) -> Self {
        if !since.is_sorted_by(|a, b| a.0 < b.0) {
            since.sort_by(|a, b| a.0.cmp(&b.0));
            since.dedup_by(|later, first| later.0 == first.0);
        }
        Self(since)
    }
}

/// Equal nodes of the last purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastNodes {
    /// What was bought.
    pub offer: OfferId,
    /// How many.
    pub copies: u32,
    /// Pods of one node: their owner, what each asks for, how many.
    pub pods: Vec<(Option<WorkloadKey>, Resources, u32)>,
}

/// One recommendation of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendation {
    /// When.
    pub at: Instant,
    /// Replicas.
    pub replicas: u32,
}

/// Back-off of a group whose launches failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Failures in a row.
    pub failures: u32,
    /// Not grown before.
    pub until: Instant,
}

/// Removals that were given up after pods had been moved: no node with pods is given up in their group for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InVain {
    /// How often in a row; removals that were begun together count once.
    pub failures: u32,
    /// When the last of them was begun.
    pub begun: Instant,
    /// Nothing is begun before.
    pub until: Instant,
}

/// Share of a group's allocatable that is requested and used, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupUse {
    /// Requested CPU.
    pub cpu_requested: u32,
    /// Requested memory.
    pub memory_requested: u32,
    /// Used CPU, where load is known.
    pub cpu_used: Option<u32>,
    /// Used memory, where load is known.
    pub memory_used: Option<u32>,
}

/// Maps whose keys are structures are stored as lists of pairs (JSON has text keys only).
pub(crate) mod pairs {
    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map.iter())
    }

    pub(crate) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: DeserializeOwned + Ord,
        V: DeserializeOwned,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
