//! Objects of many files to one Snapshot.
//!
//! Joins what single objects cannot know: owners of ReplicaSets, claims and their volumes, who scales what,
//! budgets without a status, replicas that have no pod yet. What the cluster costs and can buy is `market`'s
//! work. Deliberately absent: load, history, anything about the past.

mod budget;
mod identity;

use crate::admission::Admission;
use crate::autoscalers::{Sign, autoscalers};
use crate::documents::each_object;
use crate::ecs::{Ecs, EcsObject};
use crate::intern::Specs;
use crate::meta::Controller;
use crate::namespaces::Namespaces;
use crate::node::NodeObject;
use crate::node_group::NodeGroupObject;
use crate::object::Object;
use crate::offers::PriceList;
use crate::pod::PodObject;
use crate::problem::{Problem, Problems};
use crate::profile::ProfileObject;
use crate::storage::{Needs, Storage};
use crate::volumes::ClaimRef;
use crate::workload::{BudgetObject, ScalerObject, WorkloadObject};
use crate::{attach, market, replicas};
use budget::budget;
use identity::{Identity, identity};
use model::aims::Aims;
use model::ids::WorkloadKey;
use model::pod::{Pod, PodPhase, PodSpec, SpecIx};
use model::snapshot::{Freshness, Snapshot, Source};
use model::time::Instant;
use model::workload::Workload;
use std::collections::{BTreeMap, BTreeSet};

/// Collects objects and makes a Snapshot of them.
#[derive(Default)]
pub struct ClusterBuilder {
    specs: Specs,
    pods: Vec<PodRow>,
    pub(crate) nodes: Vec<NodeObject>,
    workloads: Vec<WorkloadObject>,
    /// Of all workloads.
    replicas: u32,
    /// Number of the first pod, of workloads that do not count from 0.
    first: BTreeMap<WorkloadKey, u32>,
    budgets: Vec<BudgetObject>,
    scalers: BTreeMap<WorkloadKey, String>,
    storage: Storage,
    namespaces: Namespaces,
    admission: Admission,
    pub(crate) profiles: Vec<ProfileObject>,
    pub(crate) node_groups: Vec<NodeGroupObject>,
    ecs: Ecs,
    replica_sets: BTreeMap<(String, String), Controller>,
    seen: BTreeMap<(&'static str, String, String), String>,
    skipped: BTreeMap<String, u32>,
    used: u32,
    /// Regions that objects tell.
    regions: BTreeSet<String>,
    /// Of other autoscalers.
    signs: Vec<Sign>,
}

/// A pod that still waits for what other objects tell about it.
struct PodRow {
    pod: Pod,
    claims: Vec<ClaimRef>,
    replica_set: Option<String>,
    priority_class: Option<String>,
}

/// Claims that the pods of a workload mount, by workload.
type ClaimsOf = BTreeMap<WorkloadKey, Vec<ClaimRef>>;

impl ClusterBuilder {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a file; all its mistakes come back at once. An object that stands twice is a mistake.
    pub fn read(&mut self, file: &str, bytes: &[u8]) -> Result<(), Problems> {
        let mut doubles = Problems::default();
        let read = each_object(file, bytes, &mut |object| {
            if let Err(problem) = self.add(file, object) {
                doubles.push(problem);
            }
        });
        match read {
            Ok(()) => doubles.or(()),
            Err(mut problems) => {
                problems.extend(doubles);
                Err(problems)
            }
        }
    }

    /// Adds one object.
    pub fn add(&mut self, file: &str, object: Object) -> Result<(), Problem> {
        self.once(file, &object)?;
        self.possible(file, &object)?;
        if !matches!(object, Object::Unknown(_) | Object::Region(_)) {
            self.used += 1;
        }
        match object {
            Object::Pod(pod) => self.add_pod(*pod),
            Object::Node(node) => {
                self.regions.extend(node.region.clone());
                self.nodes.push(*node);
            }
            Object::Region(region) => drop(self.regions.insert(region)),
            Object::Workload(workload) => self.add_workload(*workload),
            Object::Budget(budget) => self.budgets.push(budget),
            Object::Scaler(ScalerObject { target, by }) => {
                self.scalers.insert(target, by);
            }
            Object::Claim(claim) => self.storage.add_claim(claim),
            Object::Volume(volume) => self.storage.add_volume(volume),
            Object::Class(class) => self.storage.add_class(class),
            Object::Driver(driver) => self.storage.add_driver(driver),
            Object::Attach(limits) => self.storage.add_limits(limits),
            Object::Profile(profile) => self.profiles.push(profile),
            Object::NodeGroup(group) => self.node_groups.push(group),
            Object::Namespace(namespace) => self.namespaces.add(namespace),
            Object::RuntimeClass(class) => self.admission.add_class(class),
            Object::LimitRange(range) => self.admission.add_range(range),
            Object::Sign(sign) => self.signs.push(sign),
            Object::PriorityClass(class) => self.admission.add_priority(class),
            Object::Ecs(object) => {
                self.regions.extend(object.region());
                self.ecs.add(*object);
            }
            Object::Ignored(_) => {}
            Object::Unknown(kind) => *self.skipped.entry(kind).or_insert(0) += 1,
        }
        Ok(())
    }

    /// Kinds that nothing was read from, with how many of each.
    pub fn skipped(&self) -> &BTreeMap<String, u32> {
        &self.skipped
    }

    /// Task definitions of ECS that services or tasks name and nothing described, one line each.
    pub fn missing(&self) -> Vec<String> {
        self.ecs.missing()
    }

    /// How many objects were of a known kind.
    pub fn used(&self) -> u32 {
        self.used
    }

    /// All regions that objects tell, where they are several.
    pub fn several_regions(&self) -> Option<String> {
        self.region().filter(|_| self.regions.len() > 1)
    }

    /// The region that nodes, task definitions of ECS and cluster configurations tell; where they tell several, all of
    /// them in one name, which is that of no price list.
    pub fn region(&self) -> Option<String> {
        let all: Vec<&str> = self.regions.iter().map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join(" and "))
    }

    /// The Snapshot, with what `prices` offers under these aims.
    pub fn finish(mut self, prices: &PriceList, aims: &Aims) -> Snapshot {
        self.join_ecs();
        let (pods, mut claims) = self.resolved_pods();
        let (workloads, claims_of) = self.resolved_workloads();
        let mut seen = Snapshot {
            cycle: 1,
            sources: [
                Source::Pods,
                Source::Nodes,
                Source::Workloads,
                Source::Budgets,
                Source::Groups,
                Source::Offers,
            ]
            .into_iter()
            .map(|source| (source, Freshness::Live))
            .collect(),
            pods,
            workloads,
            autoscalers: autoscalers(std::mem::take(&mut self.signs)),
            ..Snapshot::default()
        };
        replicas::add_missing(&mut seen.pods, &seen.workloads, &self.first, &self.specs);
        for pod in seen.pods.iter().skip(claims.len()) {
            let owner = self.specs.get(pod.spec).owner.clone();
            let of_owner = owner.and_then(|owner| claims_of.get(&owner).cloned());
            claims.push(of_owner.unwrap_or_default());
        }
        self.tie(&mut seen, &claims, &claims_of);
        seen.at = self.newest(&seen.pods);
        seen.budgets = self
            .budgets
            .iter()
            .filter_map(|b| budget(b, &seen.pods, &self.specs))
            .collect();
        market::join(&mut seen, &self, prices, aims);
        seen.specs = self.specs.into_list();
        attach::limit_volumes(&mut seen, self.storage.limits());
        self.namespaces.resolve(&mut seen.specs);
        seen.sort();
        seen
    }

    fn once(&mut self, file: &str, object: &Object) -> Result<(), Problem> {
        let Some(Identity {
            kind,
            namespace,
            name,
        }) = identity(object)
        else {
            return Ok(());
        };
        let key = (kind, namespace.to_owned(), name.to_owned());
        if let Some(first) = self.seen.get(&key) {
            let slash = if namespace.is_empty() { "" } else { "/" };
            return Err(Problem {
                file: file.to_owned(),
                line: None,
                object: format!("{kind} {namespace}{slash}{name}"),
                path: "metadata.name".to_owned(),
                what: format!("stands there twice (first in {first})"),
            });
        }
        self.seen.insert(key, file.to_owned());
        Ok(())
    }

    /// Whether the replicas of all workloads together are ones that a cluster could run.
    fn possible(&mut self, file: &str, object: &Object) -> Result<(), Problem> {
        let (count, name, path) = match object {
            Object::Workload(workload) => {
                let of = &workload.workload;
                let path = match &*of.key.kind {
                    "Job" => "spec.parallelism",
                    _ => "spec.replicas",
                };
                (of.replicas, of.key.to_string(), path)
            }
            Object::Ecs(object) => match &**object {
                EcsObject::Service(of) => (
                    of.desired,
                    format!("service {}/{}", of.cluster, of.name),
                    "desiredCount",
                ),
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        let all = self.replicas.saturating_add(count);
        if all <= replicas::MOST {
            self.replicas = all;
            return Ok(());
        }
        let most = replicas::MOST;
        Err(Problem {
            file: file.to_owned(),
            line: None,
            object: name,
            path: path.to_owned(),
            what: format!("{count}: with those before it more than {most} in all"),
        })
    }

    fn add_pod(&mut self, object: PodObject) {
        let pod = Pod {
            key: object.key,
            spec: self.specs.add(object.spec),
            node: object.node,
            phase: object.phase,
            created: object.created,
            usage: None,
            nominated: object.nominated,
            deletion_cost: object.deletion_cost,
            started: object.started,
        };
        self.pods.push(PodRow {
            pod,
            claims: object.claims,
            replica_set: object.replica_set,
            priority_class: object.priority_class,
        });
    }

    /// What ECS described joins what manifests did.
    fn join_ecs(&mut self) {
        let joined = std::mem::take(&mut self.ecs).join();
        joined.pods.into_iter().for_each(|pod| self.add_pod(pod));
        joined
            .workloads
            .into_iter()
            .for_each(|own| self.add_workload(own));
        self.nodes.extend(joined.nodes);
        self.profiles.extend(joined.profile);
    }

    fn add_workload(&mut self, object: WorkloadObject) {
        let key = &object.workload.key;
        if let (true, Some(controller)) = (&*key.kind == "ReplicaSet", &object.controller) {
            let id = (key.namespace.to_string(), key.name.to_string());
            self.replica_sets.insert(id, controller.clone());
        } else {
            if object.first > 0 {
                self.first.insert(key.clone(), object.first);
            }
            self.workloads.push(object);
        }
    }

    /// Pods with their real owners, and the claims of each.
    fn resolved_pods(&mut self) -> (Vec<Pod>, Vec<Vec<ClaimRef>>) {
        let mut known: BTreeMap<(SpecIx, Option<WorkloadKey>, Option<i32>), SpecIx> = BTreeMap::new();
        let rows = std::mem::take(&mut self.pods);
        let mut pods = Vec::with_capacity(rows.len());
        let mut all_claims = Vec::with_capacity(rows.len());
        for PodRow {
            mut pod,
            claims,
            replica_set,
            priority_class,
        } in rows
        {
            let namespace = &pod.key.namespace;
            let owner = replica_set.and_then(|name| {
                let controller = self.replica_sets.get(&(namespace.to_string(), name))?;
                Some(WorkloadKey::new(&controller.kind, namespace, &controller.name))
            });
            let priority = priority_class.and_then(|class| self.admission.priority(&class));
            if owner.is_some() || priority.is_some() {
                let key = (pod.spec, owner, priority);
                pod.spec = if let Some(ix) = known.get(&key) {
                    *ix
                } else {
                    let mut spec = PodSpec::clone(&self.specs.get(pod.spec));
                    spec.owner = key.1.clone().or(spec.owner);
                    spec.priority = priority.unwrap_or(spec.priority);
                    let ix = self.specs.add(spec);
                    known.insert(key, ix);
                    ix
                };
            }
            pods.push(pod);
            all_claims.push(claims);
        }
        (pods, all_claims)
    }

    /// Ties pods and templates to where their volumes can be had.
    fn tie(&mut self, seen: &mut Snapshot, claims: &[Vec<ClaimRef>], claims_of: &ClaimsOf) {
        for (pod, claims) in seen.pods.iter().zip(claims) {
            if pod.phase != PodPhase::Finished {
                self.storage.note(&pod.key, pod.node.is_none(), claims);
            }
        }
        for (workload, claims) in claims_of {
            self.storage.note_template(&workload.namespace, claims);
        }
        let mut known: BTreeMap<(SpecIx, Needs), SpecIx> = BTreeMap::new();
        let mut tied = |specs: &mut Specs, ix: SpecIx, needs: Needs| {
            if needs.is_none() {
                return ix;
            }
            *known.entry((ix, needs)).or_insert_with_key(|(ix, needs)| {
                let mut spec = PodSpec::clone(&specs.get(*ix));
                needs.clone().settle(&mut spec);
                specs.add(spec)
            })
        };
        for (pod, claims) in seen.pods.iter_mut().zip(claims) {
            let needs = self
                .storage
                .needs(&pod.key.namespace, Some(&pod.key.name), claims);
            pod.spec = tied(&mut self.specs, pod.spec, needs);
        }
        for workload in &mut seen.workloads {
            let claims = claims_of.get(&workload.key).map_or(&[][..], Vec::as_slice);
            let needs = self.storage.needs(&workload.key.namespace, None, claims);
            workload.template = workload.template.map(|ix| tied(&mut self.specs, ix, needs));
        }
    }

    /// Workloads with their templates, and the claims of their pods.
    fn resolved_workloads(&mut self) -> (Vec<Workload>, ClaimsOf) {
        let mut claims_of = ClaimsOf::new();
        let mut objects = std::mem::take(&mut self.workloads);
        let deployments: BTreeSet<WorkloadKey> = objects.iter().map(|o| o.workload.key.clone()).collect();
        objects.retain(|object| !is_revision(&object.workload.key, &deployments));
        let mut workloads = Vec::with_capacity(objects.len());
        for WorkloadObject {
            mut workload,
            mut template,
            written,
            claims,
            ..
        } in objects
        {
            if let Some((spec, written)) = template.as_mut().zip(written.as_ref()) {
                self.admission.admit(spec, written);
            }
            workload.template = template.map(|spec| self.specs.add(spec));
            if !claims.is_empty() {
                claims_of.insert(workload.key.clone(), claims);
            }
            workload.owned_by = self.scalers.get(&workload.key).cloned();
            workloads.push(workload);
        }
        (workloads, claims_of)
    }

    /// The newest time in the input stands for now: nobody here reads a clock.
    fn newest(&self, pods: &[Pod]) -> Instant {
        let nodes = self.nodes.iter().map(|node| node.node.created);
        pods.iter()
            .map(|pod| pod.created)
            .chain(nodes)
            .max()
            .unwrap_or_default()
    }
}

/// A ReplicaSet without an owner that is named as a revision of a listed Deployment (`<deployment>-<hash>`).
fn is_revision(key: &WorkloadKey, listed: &BTreeSet<WorkloadKey>) -> bool {
    let name = if &*key.kind == "ReplicaSet" {
        key.name.rsplit_once('-')
    } else {
        None
    };
    name.is_some_and(|(name, _)| listed.contains(&WorkloadKey::new("Deployment", &key.namespace, name)))
}

#[cfg(test)]
mod tests;
