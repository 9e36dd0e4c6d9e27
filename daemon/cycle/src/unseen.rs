//! A pod of which no plan knows yet: the policies are asked about it alone, on the last picture.
//!
//! The picture is made small beforehand: of the pods on each node only what they ask for together, no other pod that
//! waits, nothing to shrink or scale. What comes out goes through the guard like every step. Not here: how long a
//! caller waits for it.

use crate::placements::{Answer, Place, Placements, Why};
use crate::policies::InForce;
use guard::{Fence, Proposal};
use logbook::CycleRecord;
use model::plan::{Plan, StepKind};
use model::pod::{Pod, PodPhase, PodSpec, SpecIx};
use model::snapshot::Freshness;
use model::{Aims, Instant, Memory, NodeName, PodKey, Resources, Snapshot, Source};
use std::collections::BTreeMap;
use std::sync::Arc;

/// With more nodes than this the room on them is not counted: EC2 is then taken to be as full as can be, which is what
/// it costs least at.
const NODES: usize = 500;
/// Namespace of the pods that stand for all others; no namespace of Kubernetes ends like this.
const STAND_IN: &str = "plimsoll-";

/// The last picture, made small.
#[derive(Default)]
pub(crate) struct Ground {
    cycle: Option<u64>,
    seen: Snapshot,
    memory: Memory,
    aims: Aims,
}

impl Ground {
    /// Makes the picture of a cycle small, unless it is that one already.
    pub(crate) fn lay(&mut self, record: &CycleRecord, aims: &Aims) {
        if self.cycle == Some(record.cycle) {
            return;
        }
        self.aims = Aims::clone(aims);
        self.aims.scale.clear();
        self.aims.shrink.enabled = false;
        self.aims.shrink.yields = false;
        self.aims.search.work_percent = 0;
        self.memory = Memory {
            utilisation: record.memory.utilisation.clone(),
            backoff: record.memory.backoff.clone(),
            unhelpful: record.memory.unhelpful.clone(),
            no_capacity: record.memory.no_capacity.clone(),
            quarantine: record.memory.quarantine.clone(),
            provisioned: record.memory.provisioned.clone(),
            ..Memory::default()
        };
        self.seen = small(&record.snapshot);
        self.cycle = Some(record.cycle);
    }

    /// Where one pod of this spec should go.
    pub(crate) fn place(&mut self, spec: &Arc<PodSpec>, policies: &InForce, fence: &Fence) -> Option<Place> {
        let key = PodKey::new(&spec.namespace, "asked");
        let at = self.seen.pods.partition_point(|pod| pod.key < key);
        let ix = SpecIx::try_from(self.seen.specs.len()).unwrap_or(SpecIx::MAX);
        self.seen.specs.push(Arc::clone(spec));
        let created = self.seen.at;
        self.seen.pods.insert(at, pod(key.clone(), ix, None, created));
        let decided = decide::deliberate(&self.seen, &self.memory, &policies.set, &self.aims);
        let about =
            |kind: &StepKind| matches!(kind, StepKind::PlaceOnFargate { pods, .. } if pods.contains(&key));
        let steps: Vec<_> = decided
            .plan
            .steps
            .into_iter()
            .filter(|step| about(&step.kind))
            .collect();
        let plan = Plan {
            steps,
            ..Plan::default()
        };
        let proposal = Proposal {
            plan: &plan,
            notes: &decided.notes,
            resumed: &[],
            watch: None,
        };
        let verdicts = guard::judge(&self.seen, &self.seen.ledger, proposal, &self.aims, fence);
        let mut judged = plan.steps.iter().zip(&verdicts.all);
        let place = judged.find_map(|(step, (_, verdict))| Place::of(step, Some(verdict)));
        self.seen.pods.remove(at);
        self.seen.specs.pop();
        place
    }
}

/// Asks about the spec, and puts the word into the table.
pub(crate) fn answer(
    place: Option<&Place>,
    spec: &Arc<PodSpec>,
    placements: &mut Placements,
    now: Instant,
) -> Answer {
    placements.put(spec, place, now);
    match placements.answer(spec, now) {
        Answer::Unseen => Answer::Leave(Why::Elsewhere),
        known => known,
    }
}

/// The picture with one pod on each node in place of all that are there.
fn small(seen: &Snapshot) -> Snapshot {
    let mut small = Snapshot {
        at: seen.at,
        cycle: seen.cycle,
        seed: seen.seed,
        cluster: seen.cluster.clone(),
        sources: seen.sources.clone(),
        specs: seen.specs.clone(),
        groups: seen.groups.clone(),
        offers: seen.offers.clone(),
        ledger: seen.ledger.clone(),
        own_node: seen.own_node.clone(),
        ..Snapshot::default()
    };
    let daemons = seen.workloads.iter().filter(|w| &*w.key.kind == "DaemonSet");
    small.workloads = daemons.cloned().collect();
    if seen.nodes.len() > NODES {
        small.sources.insert(Source::Nodes, Freshness::Missing);
        return small;
    }
    small.nodes.clone_from(&seen.nodes);
    let mut taken: BTreeMap<&NodeName, (Resources, u32)> = BTreeMap::new();
    for pod in seen.pods.iter().filter(|pod| pod.holds_resources()) {
        if let Some(node) = &pod.node {
            let (asked, pods) = taken.entry(node).or_default();
            asked.add(&seen.spec(pod.spec).requests);
            *pods += 1;
        }
    }
    for node in &mut small.nodes {
        if let Some((asked, pods)) = taken.remove(&node.name) {
            node.max_pods = node.max_pods.saturating_sub(pods - 1);
            let spec = PodSpec {
                namespace: STAND_IN.to_owned(),
                requests: asked,
                ..PodSpec::default()
            };
            let ix = SpecIx::try_from(small.specs.len()).unwrap_or(SpecIx::MAX);
            small.specs.push(Arc::new(spec));
            let key = PodKey::new(STAND_IN, node.name.as_str());
            small.pods.push(pod(key, ix, Some(node.name.clone()), seen.at));
        }
    }
    small.pods.sort_by(|a, b| a.key.cmp(&b.key));
    small
}

fn pod(key: PodKey, spec: SpecIx, node: Option<NodeName>, created: Instant) -> Pod {
    Pod {
        key,
        spec,
        phase: if node.is_some() {
            PodPhase::Running
        } else {
            PodPhase::Pending
        },
        node,
        created,
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }
}
