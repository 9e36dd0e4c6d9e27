//! What controllers do: Deployments and Jobs get their pods, DaemonSets one on every node they match.

use crate::scenario::{Arrivals, PodPlan, TraceRow};
use crate::world::queue::Event;
use crate::world::scheduler;
use crate::world::state::{Owner, OwnerKind, SimPod, State};
use model::fnv::fnv1a;
use model::pod::PodPhase;
use model::selector::{Labels, glob};
use model::{GroupKind, GroupName, NodeName, PodKey, PodSpec, Resources, Span, WorkloadKey};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What EKS writes into pods that a Fargate profile selects.
const FARGATE_SCHEDULER: &str = "fargate-scheduler";

impl State {
    /// Every owner gets the pods that it wants.
    pub(crate) fn reconcile(&mut self) {
        let mut there: BTreeMap<WorkloadKey, u32> = BTreeMap::new();
        for pod in self.pods.values().filter(|p| p.stays() && !p.daemon) {
            *there.entry(pod.owner.clone()).or_insert(0) += 1;
        }
        let keys: Vec<WorkloadKey> = self.owners.keys().cloned().collect();
        for key in keys {
            let have = there.get(&key).copied().unwrap_or(0);
            let Some(owner) = self.owners.get_mut(&key) else {
                continue;
            };
            match &mut owner.kind {
                OwnerKind::Deployment { replicas, .. } => {
                    let wanted = *replicas;
                    for _ in have..wanted {
                        self.create_pod(&key, None);
                    }
                    self.delete_surplus(&key, have.saturating_sub(wanted));
                }
                OwnerKind::Job { waiting } => {
                    let runs = std::mem::take(waiting);
                    if runs.is_empty() && have == 0 {
                        self.owners.remove(&key);
                    }
                    for run in runs {
                        self.create_pod(&key, Some(run));
                    }
                }
                OwnerKind::Daemon => {}
            }
        }
    }

    /// A new pod passes admission and waits for a node.
    fn create_pod(&mut self, owner: &WorkloadKey, runs: Option<Span>) -> Option<PodKey> {
        let now = self.now;
        let maker = self.owners.get_mut(owner)?;
        maker.next += 1;
        let key = PodKey::new(&owner.namespace, format!("{}-{:05}", owner.name, maker.next));
        let label = maker.placement.as_ref().filter(|p| p.until > now);
        let plain = maker.spec;
        let mut spec = maker.pod.spec.clone();
        spec.labels.extend(label.iter().flat_map(|p| p.label.clone()));
        let profile = self.selecting_profile(&spec);
        let spec = match &profile {
            Some(_) => {
                let admitted = PodSpec {
                    scheduler: FARGATE_SCHEDULER.to_owned(),
                    ..spec
                };
                self.intern(&admitted)
            }
            None => plain,
        };
        if profile.is_some() {
            let lag = self.rng.lag(self.scenario.fargate_start);
            self.queue.push(now + lag, Event::FargateReady(key.clone()));
        }
        self.pods.insert(
            key.clone(),
            SimPod {
                spec,
                owner: owner.clone(),
                node: None,
                phase: PodPhase::Pending,
                created: now,
                since: now,
                bound: None,
                nominated: None,
                let_in: false,
                deletion_cost: 0,
                runs,
                profile,
                daemon: false,
            },
        );
        self.dirty = true;
        Some(key)
    }

    /// A waiting pod is deleted and made anew by its owner, so that admission sees it again; it keeps counting
    /// its wait from when it was first asked for.
    pub(crate) fn readmit(&mut self, key: &PodKey) {
        let Some(old) = self.pods.get(key).filter(|p| p.waits() && p.profile.is_none()) else {
            return;
        };
        let (owner, runs, since) = (old.owner.clone(), old.runs, old.since);
        self.pods.remove(key);
        if let Some(pod) = self
            .create_pod(&owner, runs)
            .and_then(|new| self.pods.get_mut(&new))
        {
            pod.since = since;
        }
    }

    /// The first profile, by name, that selects a pod (EKS picks one; its order is not documented).
    fn selecting_profile(&self, spec: &PodSpec) -> Option<GroupName> {
        let scenario = &self.scenario;
        let profiles = scenario
            .groups
            .iter()
            .filter(|g| g.kind == GroupKind::FargateProfile);
        profiles
            .filter(|g| {
                g.selects
                    .iter()
                    .any(|s| glob(&s.namespace, &spec.namespace) && within(&s.labels, &spec.labels))
            })
            .map(|g| g.name.clone())
            .next()
    }

    /// Somebody else sets replicas, as the scenario says.
    pub(crate) fn resize(&mut self, plan: usize, ix: usize) {
        let scenario = Arc::clone(&self.scenario);
        let Some(workload) = scenario.workloads.get(plan) else {
            return;
        };
        let key = WorkloadKey::new("Deployment", &workload.pod.spec.namespace, &workload.name);
        let owner = self.owners.get_mut(&key).map(|owner| &mut owner.kind);
        if let (
            Some(OwnerKind::Deployment {
                replicas, generation, ..
            }),
            Some((_, size)),
        ) = (owner, workload.sizes.get(ix))
        {
            let let_go = replicas.saturating_sub(*size);
            *replicas = *size;
            *generation += 1;
            self.dirty = true;
            if let_go > 0 && workload.hpa.is_none() {
                self.lets_go(let_go);
            }
        }
    }

    /// A ReplicaSet's order of giving up (kubernetes `ActivePodsWithRanks`): waiting pods, starting ones, those of
    /// lower deletion cost, those that share their node with most siblings, then those that are Ready for the shortest time, in powers of
    /// two; by chance among equals (upstream by their random UID).
    fn delete_surplus(&mut self, owner: &WorkloadKey, surplus: u32) {
        if surplus == 0 {
            return;
        }
        let mine = || self.pods.iter().filter(|(_, p)| p.owner == *owner && p.stays());
        let mut on: BTreeMap<&NodeName, usize> = BTreeMap::new();
        for node in mine().filter_map(|(_, p)| p.node.as_ref()) {
            *on.entry(node).or_insert(0) += 1;
        }
        let mut pods: Vec<(PodPhase, i32, Reverse<usize>, u32, u64, PodKey)> = mine()
            .map(|(key, p)| {
                let siblings = p.node.as_ref().and_then(|node| on.get(node)).copied();
                let ready = self.now.since(p.bound.unwrap_or(self.now)).secs().unsigned_abs();
                let chance = chance(self.scenario.seed, key);
                let power = ready.checked_ilog2().map_or(0, |log| log + 1);
                (
                    p.phase,
                    p.deletion_cost,
                    Reverse(siblings.unwrap_or(0)),
                    power,
                    chance,
                    key.clone(),
                )
            })
            .collect();
        pods.sort();
        for (.., key) in pods.into_iter().take(surplus as usize) {
            self.delete_pod(&key);
        }
    }

    /// Deletes a pod: a waiting one at once, any other after its grace.
    pub(crate) fn delete_pod(&mut self, key: &PodKey) {
        let Some(pod) = self.pods.get_mut(key) else { return };
        self.dirty = true;
        if pod.node.is_none() {
            let waited = self.now.since(pod.since);
            self.pods.remove(key);
            self.tally.gave_up(waited);
            return;
        }
        pod.phase = PodPhase::Terminating;
        let node = pod.node.as_ref().and_then(|name| self.nodes.get(name));
        // Nobody is there to end it.
        if node.is_some_and(|node| node.silent.is_some()) {
            return;
        }
        let grace = self.owners.get(&pod.owner).map(|o| o.pod.grace);
        let lag = grace.map_or(Span::ZERO, |grace| self.rng.lag(grace));
        self.queue.push(self.now + lag, Event::Gone(key.clone()));
    }

    /// The owner of a pod that was moved or lost starts it again.
    pub(crate) fn owe_again(&mut self, owner: &WorkloadKey, runs: Option<Span>) {
        if let (Some(owner), Some(run)) = (self.owners.get_mut(owner), runs)
            && let OwnerKind::Job { waiting } = &mut owner.kind
        {
            waiting.push(run);
        }
        self.dirty = true;
    }

    /// DaemonSet pods of a node that has just joined; bound at once, as their controller pins them.
    pub(crate) fn add_daemons(&mut self, name: &NodeName) {
        let scenario = Arc::clone(&self.scenario);
        for set in &scenario.daemon_sets {
            let owner = WorkloadKey::new("DaemonSet", &set.pod.spec.namespace, &set.name);
            let fits = self
                .nodes
                .get(name)
                .is_some_and(|node| scheduler::allows(&set.pod.spec, node, name, false));
            let Some(spec) = self.owners.get(&owner).map(|o| o.spec).filter(|_| fits) else {
                continue;
            };
            let key = PodKey::new(&set.pod.spec.namespace, format!("{}-{name}", set.name));
            let pod = SimPod {
                spec,
                owner,
                node: Some(name.clone()),
                phase: PodPhase::Starting,
                created: self.now,
                since: self.now,
                bound: Some(self.now),
                nominated: None,
                let_in: false,
                deletion_cost: 0,
                runs: None,
                profile: None,
                daemon: true,
            };
            self.occupy(name, spec);
            let started = self.now + self.rng.lag(set.pod.start);
            self.queue.push(started, Event::Started(key.clone()));
            self.pods.insert(key, pod);
        }
    }

    /// A burst, or a row of a trace, becomes a Job.
    pub(crate) fn arrive(&mut self, ix: usize, number: u64) {
        let scenario = Arc::clone(&self.scenario);
        match scenario.arrivals.get(ix) {
            Some(Arrivals::Burst {
                job,
                first,
                every,
                jitter,
            }) => {
                if let Some(every) = every {
                    let ordinal = i64::try_from(number).unwrap_or(i64::MAX).saturating_add(1);
                    let after = Span::from_millis(every.millis().saturating_mul(ordinal));
                    let late = Span::from_millis(self.rng.between(0, jitter.millis()));
                    let next = scenario.start + *first + after + late;
                    self.queue
                        .push(next.max(self.now), Event::Arrives(ix, number + 1));
                }
                let pods = self.rng.between(i64::from(job.pods.0), i64::from(job.pods.1));
                let runs = (0..pods).map(|_| self.rng.lag(job.runs)).collect();
                self.add_job(&format!("{}-{:03}", job.name, number + 1), &job.pod, runs);
            }
            Some(Arrivals::Trace { name, pod, rows }) => {
                let row = usize::try_from(number).ok().and_then(|row| rows.get(row));
                if let Some(row) = row {
                    let pod = of_row(pod, row);
                    let runs = vec![row.runs; row.pods as usize];
                    self.add_job(&format!("{name}-{:05}", number + 1), &pod, runs);
                }
            }
            None => {}
        }
    }

    fn add_job(&mut self, name: &str, pod: &PodPlan, waiting: Vec<Span>) {
        let key = WorkloadKey::new("Job", &pod.spec.namespace, name);
        let mut pod = pod.clone();
        pod.spec.owner = Some(key.clone());
        let spec = self.intern(&pod.spec);
        let owner = Owner {
            kind: OwnerKind::Job { waiting },
            pod,
            spec,
            next: 0,
            placement: None,
        };
        self.owners.insert(key, owner);
        self.dirty = true;
    }
}

/// The random part of a pod's identity (FNV-1a).
fn chance(seed: u64, key: &PodKey) -> u64 {
    let name = key.namespace.bytes().chain(key.name.bytes());
    fnv1a(name.chain(seed.to_le_bytes()))
}

fn of_row(pod: &PodPlan, row: &TraceRow) -> PodPlan {
    let mut pod = pod.clone();
    pod.spec.requests = Resources::new(row.cpu_milli, row.memory_bytes);
    pod
}

/// Whether every wanted label is there.
pub(crate) fn within(wanted: &Labels, there: &Labels) -> bool {
    wanted.iter().all(|(key, value)| there.get(key) == Some(value))
}
