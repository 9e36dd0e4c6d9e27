//! The JSON of `plan -o json`: a public contract, only ever added to.
//!
//! Money is in dollars per hour, memory in bytes and MiB (requests rounded up, allocatable down).

use super::bill::BillJson;
use super::limits::LimitJson;
use super::prices::PricesJson;
use decide::Deliberation;
use decide::demand::{HEADROOM_NAMESPACE, free_names};
use model::notes::CouldMove;
use model::offer::{Offer, OfferKind};
use model::plan::{Plan, PlannedNode, Step, StepKind};
use model::reason::Refusal;
use model::selector::Labels;
use model::{HoldReason, PodKey, Resources, Snapshot, UsdPerHour};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The whole document.
#[derive(Serialize)]
pub(crate) struct PlanJson {
    pub(crate) version: &'static str,
    pub(crate) pods: PodsJson,
    pub(crate) nodes: Vec<NodeJson>,
    pub(crate) existing: Vec<ExistingJson>,
    pub(crate) refusals: Vec<RefusalJson>,
    /// Refusals that are not about a waiting pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) other_refusals: Vec<String>,
    /// Pods that wait although Fargate would take them, were they made anew.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) could_move: Vec<CouldMoveJson>,
    pub(crate) cost: CostJson,
    /// Limits in force, and how much of each is used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) limits: Vec<LimitJson>,
    /// Whose prices these are, and of what day.
    pub(crate) prices: PricesJson,
    pub(crate) steps: Vec<StepJson>,
    pub(crate) policy_faults: Vec<FaultJson>,
    /// With `--verify`: what the audit found; empty when the plan holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flaws: Option<Vec<String>>,
    /// With `--bill`: who pays what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bill: Option<BillJson>,
    pub(crate) engine: EngineJson,
}

impl StepJson {
    /// Whether the step is about this pod.
    pub(crate) fn is_about(&self, pod: &str) -> bool {
        let listed = self
            .pods
            .as_deref()
            .is_some_and(|pods| pods.iter().any(|other| other == pod));
        listed || self.pod.as_deref() == Some(pod)
    }
}

/// How many pods wait, and what became of them.
#[derive(Serialize)]
pub(crate) struct PodsJson {
    pub(crate) pending: usize,
    pub(crate) placed: usize,
    pub(crate) refused: usize,
}

/// A node to buy.
#[derive(Serialize)]
pub(crate) struct NodeJson {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) offer: OfferJson,
    pub(crate) pods: Vec<String>,
    /// Virtual pods that room is kept for; counted nowhere else.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) headroom_pods: usize,
    pub(crate) requested: AmountJson,
    pub(crate) allocatable: AmountJson,
}

/// What is bought.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum OfferJson {
    Ec2 {
        id: String,
        #[serde(rename = "type")]
        instance_type: String,
        zone: String,
        purchase: &'static str,
        arch: String,
        usd_per_hour: f64,
    },
    Fargate {
        id: String,
        cpu_milli: i64,
        memory_mib: i64,
        usd_per_hour: f64,
    },
}

/// Resources; `pods` only where it is a node's limit.
#[derive(Serialize)]
pub(crate) struct AmountJson {
    pub(crate) cpu_milli: i64,
    pub(crate) memory_mib: i64,
    pub(crate) memory_bytes: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pods: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) extended: BTreeMap<String, i64>,
}

/// Waiting pods that fit on a node that is there.
#[derive(Serialize)]
pub(crate) struct ExistingJson {
    pub(crate) node: String,
    pub(crate) pods: Vec<String>,
}

/// A pod without a place.
#[derive(Serialize)]
pub(crate) struct RefusalJson {
    pub(crate) pod: String,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) closest: Vec<ClosestJson>,
}

/// An offer that comes close, and what it lacks.
#[derive(Serialize)]
pub(crate) struct ClosestJson {
    pub(crate) offer: String,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// Where an amount is short: by how much, in millicores, bytes or units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) short: Option<i64>,
}

/// A pod that Fargate would take.
#[derive(Serialize)]
pub(crate) struct CouldMoveJson {
    pub(crate) pod: String,
    profile: String,
    offer: String,
    pub(crate) usd_per_hour: f64,
    reason: &'static str,
    /// Deleted, it is made anew by its controller.
    remade: bool,
    pub(crate) message: String,
}

/// The purchase's price beside its lower bound.
#[derive(Serialize)]
pub(crate) struct CostJson {
    pub(crate) scope: &'static str,
    pub(crate) usd_per_hour: f64,
    pub(crate) lower_bound_usd_per_hour: f64,
    pub(crate) policy_usd_per_hour: f64,
    pub(crate) policy_lower_bound_usd_per_hour: f64,
    pub(crate) gap_percent: f64,
}

/// A step; which fields there are depends on its kind.
#[derive(Default, Serialize)]
pub(crate) struct StepJson {
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pods: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<Labels>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usd_per_hour: Option<f64>,
    /// One line for people.
    pub(crate) text: String,
    pub(crate) reason: String,
    /// Why policies let it wait, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<String>,
}

/// A policy that failed; the built-in default answered for it.
#[derive(Serialize)]
pub(crate) struct FaultJson {
    pub(crate) policy: String,
    pub(crate) hook: &'static str,
    pub(crate) fault: &'static str,
    pub(crate) message: String,
}

/// How it was done; the only part that differs from run to run.
#[derive(Serialize)]
pub(crate) struct EngineJson {
    pub(crate) decide_seconds: f64,
    pub(crate) classes: usize,
    pub(crate) version: &'static str,
}

impl PlanJson {
    /// The same with what an audit found, where there was one.
    pub(crate) fn verified(mut self, flaws: Option<&[guard::Flaw]>) -> Self {
        self.flaws = flaws.map(|flaws| flaws.iter().map(ToString::to_string).collect());
        self
    }

    /// The document of a plan.
    pub(crate) fn new(seen: &Snapshot, done: &Deliberation, decide_seconds: f64) -> Self {
        let plan = &done.plan;
        let offers: BTreeMap<&str, &Offer> = seen
            .offers
            .iter()
            .map(|offer| (offer.id.as_str(), offer))
            .collect();
        let requests = requests(seen, done);
        let nodes = plan.nodes.iter();
        let nodes: Vec<NodeJson> = nodes
            .filter_map(|node| Some(node_json(node, offers.get(node.offer.as_str())?, &requests)))
            .collect();
        let (mut refusals, mut other_refusals) = (Vec::new(), Vec::new());
        for refusal in &plan.refusals {
            match pod_refusal(refusal) {
                Some(refusal) => refusals.push(refusal),
                None => other_refusals.push(refusal.to_string()),
            }
        }
        other_refusals.extend(done.notes.overdue.iter().map(ToString::to_string));
        other_refusals.extend(done.notes.rivals.iter().map(ToString::to_string));
        let existing = plan.existing.iter().map(|(node, pods)| ExistingJson {
            node: node.to_string(),
            pods: texts(pods),
        });
        let existing: Vec<ExistingJson> = existing.collect();
        let placed = nodes.iter().map(|node| node.pods.len()).sum::<usize>()
            + existing.iter().map(|node| node.pods.len()).sum::<usize>();
        Self {
            version: "plimsoll.plan/v1",
            pods: PodsJson {
                pending: placed + refusals.len(),
                placed,
                refused: refusals.len(),
            },
            nodes,
            existing,
            refusals,
            other_refusals,
            could_move: done.notes.could_move.iter().map(could_move).collect(),
            cost: CostJson {
                scope: "purchase",
                usd_per_hour: plan.cost.rate.dollars(),
                lower_bound_usd_per_hour: plan.cost.bound.dollars(),
                policy_usd_per_hour: plan.cost.policy_rate.dollars(),
                policy_lower_bound_usd_per_hour: plan.cost.policy_bound.dollars(),
                gap_percent: plan.cost.gap_percent(),
            },
            limits: Vec::new(),
            prices: PricesJson::new(seen),
            steps: steps_json(plan),
            policy_faults: faults(done),
            flaws: None,
            bill: None,
            engine: EngineJson {
                decide_seconds,
                classes: done.notes.classes.len(),
                version: env!("CARGO_PKG_VERSION"),
            },
        }
    }
}

/// Requests of every pod a plan can name: those that are there, and replicas to come, under the names that the
/// engine gave them.
fn requests<'a>(seen: &'a Snapshot, done: &'a Deliberation) -> impl Fn(&PodKey) -> Resources + 'a {
    let mut classes: Vec<_> = done
        .notes
        .classes
        .iter()
        .filter_map(|class| Some((class.workload.as_ref()?, class.to_come, class.spec?)))
        .collect();
    classes.sort();
    let (mut taken, mut to_come) = (BTreeSet::new(), BTreeMap::new());
    for (workload, count, spec) in classes {
        let names = free_names(seen, &mut taken, workload, count);
        to_come.extend(names.into_iter().map(|name| (name, spec)));
    }
    move |key| {
        let known = seen.pod(key).map(|pod| pod.spec);
        known
            .or_else(|| to_come.get(key).copied())
            .map(|ix| seen.spec(ix).requests.clone())
            .unwrap_or_default()
    }
}

fn node_json(node: &PlannedNode, offer: &Offer, requests: &impl Fn(&PodKey) -> Resources) -> NodeJson {
    let mut asked = Resources::default();
    for pod in &node.pods {
        asked.add(&requests(pod));
    }
    let there = &offer.allocatable;
    let (headroom, pods): (Vec<&PodKey>, Vec<&PodKey>) = node
        .pods
        .iter()
        .partition(|pod| *pod.namespace == *HEADROOM_NAMESPACE);
    NodeJson {
        name: node.name.to_string(),
        group: node.group.to_string(),
        offer: offer_json(offer, node.price(offer)),
        pods: pods.into_iter().map(ToString::to_string).collect(),
        headroom_pods: headroom.len(),
        requested: AmountJson {
            cpu_milli: asked.cpu_milli,
            memory_mib: asked.memory_mib_up(),
            memory_bytes: asked.memory_bytes,
            pods: None,
            extended: asked.extended,
        },
        allocatable: AmountJson {
            cpu_milli: there.cpu_milli,
            memory_mib: there.memory_mib_down(),
            memory_bytes: there.memory_bytes,
            pods: Some(offer.max_pods),
            extended: there.extended.clone(),
        },
    }
}

fn offer_json(offer: &Offer, price: UsdPerHour) -> OfferJson {
    let (id, usd_per_hour) = (offer.id.to_string(), price.dollars());
    match &offer.kind {
        OfferKind::Ec2 {
            instance_type,
            zone,
            purchase,
            arch,
        } => OfferJson::Ec2 {
            id,
            instance_type: instance_type.clone(),
            zone: zone.clone(),
            purchase: purchase.as_str(),
            arch: arch.clone(),
            usd_per_hour,
        },
        OfferKind::Fargate {
            cpu_milli,
            memory_mib,
        } => OfferJson::Fargate {
            id,
            cpu_milli: *cpu_milli,
            memory_mib: *memory_mib,
            usd_per_hour,
        },
    }
}

fn could_move(moved: &CouldMove) -> CouldMoveJson {
    CouldMoveJson {
        pod: moved.pod.to_string(),
        profile: moved.profile.to_string(),
        offer: moved.offer.to_string(),
        usd_per_hour: moved.price.dollars(),
        reason: moved.why.code(),
        remade: moved.remade,
        message: moved.to_string(),
    }
}

fn pod_refusal(refusal: &Refusal) -> Option<RefusalJson> {
    let Refusal::Pod { pod, why, closest } = refusal else {
        return None;
    };
    let closest = closest.iter().map(|(offer, why)| ClosestJson {
        offer: offer.to_string(),
        reason: why.code(),
        message: why.to_string(),
        short: why.shortfall(),
    });
    Some(RefusalJson {
        pod: pod.to_string(),
        reason: why.code(),
        message: why.to_string(),
        closest: closest.collect(),
    })
}

fn steps_json(plan: &Plan) -> Vec<StepJson> {
    let held = |step: &Step| {
        let hold = plan.holds.iter().find(|hold| hold.step == step.id)?;
        Some(HoldReason::from(hold).to_string())
    };
    let steps = plan.steps.iter();
    steps
        .map(|step| StepJson {
            held: held(step),
            ..step_json(step)
        })
        .collect()
}

fn step_json(step: &Step) -> StepJson {
    let base = StepJson {
        kind: step.kind.name(),
        group: step.kind.group().map(ToString::to_string),
        node: step.kind.node().map(ToString::to_string),
        text: step.kind.to_string(),
        reason: step.reason.to_string(),
        ..StepJson::default()
    };
    match &step.kind {
        StepKind::ScaleWorkload { workload, from, to } => StepJson {
            workload: Some(workload.to_string()),
            from: Some(*from),
            to: Some(*to),
            ..base
        },
        StepKind::GrowGroup {
            offer,
            from,
            to,
            nodes,
            pods,
            rate,
            ..
        } => StepJson {
            offer: Some(offer.to_string()),
            from: Some(*from),
            to: Some(*to),
            nodes: Some(nodes.iter().map(ToString::to_string).collect()),
            pods: Some(texts(pods)),
            usd_per_hour: Some(rate.dollars()),
            ..base
        },
        StepKind::PlaceOnFargate {
            workload,
            offer,
            label,
            pods,
            ..
        } => StepJson {
            workload: workload.as_ref().map(ToString::to_string),
            offer: Some(offer.to_string()),
            label: Some(label.clone()),
            pods: Some(texts(pods)),
            ..base
        },
        StepKind::Nominate { pod, .. }
        | StepKind::Yield { pod, .. }
        | StepKind::Evict { pod, .. }
        | StepKind::Remake { pod, .. } => StepJson {
            pod: Some(pod.to_string()),
            ..base
        },
        StepKind::Cordon { instance, .. }
        | StepKind::RemoveNode { instance, .. }
        | StepKind::RemoveInstance { instance, .. } => StepJson {
            instance: Some(instance.to_string()),
            ..base
        },
        StepKind::SetBounds { .. } | StepKind::Avoid { .. } | StepKind::Uncordon { .. } => base,
    }
}

fn faults(done: &Deliberation) -> Vec<FaultJson> {
    let calls = done.notes.calls.iter();
    let faults = calls.filter_map(|call| Some((call, call.answer.as_ref().err()?)));
    faults
        .map(|(call, fault)| FaultJson {
            policy: call.policy.to_string(),
            hook: call.hook.as_str(),
            fault: fault.kind(),
            message: fault.to_string(),
        })
        .collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn texts(pods: &[PodKey]) -> Vec<String> {
    pods.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Aims, Memory};

    /// Replicas to come have no pod to look at: their requests are those of their own workload, also where another
    /// one of the same name is to grow as well.
    #[test]
    fn replicas_to_come_ask_for_what_their_own_workload_asks_for() {
        let workload = |kind: &str, cpu: u32| {
            format!(
                "---\nkind: {kind}\nmetadata: {{name: db}}\nspec: {{replicas: 2, template: {{spec: {{containers: [{{resources: {{requests: {{cpu: {cpu}}}}}}}]}}}}}}\n"
            )
        };
        let text = workload("Deployment", 1) + &workload("StatefulSet", 2);
        let mut builder = manifest::ClusterBuilder::new();
        builder.read("c.yaml", text.as_bytes()).unwrap();
        let aims = Aims::default();
        let mut seen = builder.finish(&manifest::built_in(), &aims);
        seen.pods.clear();
        let done = decide::deliberate(&seen, &Memory::default(), &decide::PolicySet::default(), &aims);
        let asked = requests(&seen, &done);
        let cpu = |n: u32| asked(&PodKey::new("default", format!("db-{n}"))).cpu_milli;
        assert_eq!([0, 1, 2, 3].map(cpu), [1000, 1000, 2000, 2000]);
        let bought: i64 = PlanJson::new(&seen, &done, 0.0)
            .nodes
            .iter()
            .map(|node| node.requested.cpu_milli)
            .sum();
        assert_eq!(bought, 6000);
    }
}
