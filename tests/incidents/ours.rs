//! Plimsoll on the ground: the real loop, the real AWS eyes and hands, and the modelled cluster for everything that
//! Kubernetes would do.
//!
//! A crash drops loop and Desk in the middle of a step, before its effect or between the effect and the record, and
//! begins anew over the same store. Not here: any decision.

use crate::CLUSTER;
use crate::cluster::Cluster;
use crate::ground::Ground;
use crate::incident::{Incident, Moment};
use cycle::{Desk, Ends, Fixed, InForce, ManualClock, MemoryStore, Parts, run_cycle};
use guard::{Act, Cleared, Fence, Kept, LedgerStore, StoreError, Stored};
use logbook::CycleRecord;
use model::aims::{Aims, Mode, Modes};
use model::{Ledger, Memory, Observe, ObserveError, Outcome, Snapshot, Span, Step, StepKind, Verdict};
use observe::aws::Groups;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A store that outlives the process.
#[derive(Clone, Default)]
struct Lasting(Arc<Mutex<MemoryStore>>);

impl LedgerStore for Lasting {
    fn load(&mut self) -> Stored<'_, Kept> {
        let mut kept = lock(&self.0).clone();
        Box::pin(async move { kept.load().await })
    }

    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Stored<'a, ()> {
        Box::pin(async move {
            self.keep(|mut kept| async move { (kept.save(ledger).await, kept) })
                .await
        })
    }

    fn save_memory<'a>(&'a mut self, memory: &'a Memory) -> Stored<'a, ()> {
        Box::pin(async move {
            self.keep(|mut kept| async move { (kept.save_memory(memory).await, kept) })
                .await
        })
    }
}

impl Lasting {
    async fn keep<F>(&self, save: impl FnOnce(MemoryStore) -> F) -> Result<(), StoreError>
    where
        F: Future<Output = (Result<(), StoreError>, MemoryStore)>,
    {
        let before = lock(&self.0).clone();
        let (saved, after) = save(before).await;
        *lock(&self.0) = after;
        saved
    }
}

/// Real eyes on AWS, joined with the modelled cluster.
struct Eyes {
    groups: Groups,
    cluster: Arc<Mutex<Cluster>>,
}

impl Observe for Eyes {
    async fn look(&mut self) -> Result<Snapshot, ObserveError> {
        let (at, mut nodes) = {
            let cluster = lock(&self.cluster);
            (cluster.now, cluster.seen_nodes())
        };
        let capacity = self.groups.capacity(at, &nodes).await;
        observe::membership::assign(&mut nodes, &capacity);
        let mut seen = lock(&self.cluster).picture((capacity.groups, capacity.offers), nodes);
        seen.short = capacity.short;
        for (source, freshness) in capacity.sources {
            seen.sources.insert(source, freshness);
        }
        seen.sort();
        Ok(seen)
    }
}

/// Real hands on AWS; the modelled cluster does what the API server would.
struct Hands {
    aws: act::aws::Hands,
    cluster: Arc<Mutex<Cluster>>,
    race: Arc<Mutex<bool>>,
    doom: Arc<Doom>,
}

/// When the process dies next.
#[derive(Default)]
struct Doom {
    at: Mutex<Option<(&'static str, Moment)>>,
    dead: Notify,
}

impl Hands {
    /// Never returns where the process dies here.
    async fn survive(&self, step: &Step, moment: Moment) {
        let due = *lock(&self.doom.at) == Some((step.kind.name(), moment));
        if due {
            *lock(&self.doom.at) = None;
            self.doom.dead.notify_one();
            std::future::pending::<()>().await;
        }
    }

    async fn carry(&mut self, step: &Step) -> Outcome {
        match &step.kind {
            StepKind::GrowGroup { .. } => self.aws.grow(step).await,
            StepKind::RemoveNode { node, .. } => {
                let may = {
                    let mut cluster = lock(&self.cluster);
                    if std::mem::take(&mut *lock(&self.race)) {
                        cluster.bind_in_flight(node.as_str());
                    }
                    cluster.may_go(node)
                };
                match may {
                    Ok(()) => self.aws.remove(step).await,
                    Err(outcome) => outcome,
                }
            }
            StepKind::RemoveInstance { instance, .. } => {
                let may = lock(&self.cluster).never_joined(instance);
                match may {
                    Ok(()) => self.aws.remove(step).await,
                    Err(outcome) => outcome,
                }
            }
            StepKind::ScaleWorkload { workload, from, to } => lock(&self.cluster).scale(workload, *from, *to),
            StepKind::Nominate { pod, node, .. } => lock(&self.cluster).nominate(pod, node),
            StepKind::Cordon { node, .. } => lock(&self.cluster).cordon(node, true),
            StepKind::Uncordon { node } => lock(&self.cluster).cordon(node, false),
            StepKind::Evict { pod, node } => lock(&self.cluster).evict(pod, node),
            StepKind::SetBounds { .. }
            | StepKind::PlaceOnFargate { .. }
            | StepKind::Remake { .. }
            | StepKind::Yield { .. }
            | StepKind::Avoid { .. } => Outcome::Recorded,
        }
    }
}

impl Act for Hands {
    async fn carry_out(&mut self, step: Cleared<Step>) -> Outcome {
        let step = step.into_inner();
        self.survive(&step, Moment::BeforeItsEffect).await;
        let outcome = self.carry(&step).await;
        self.survive(&step, Moment::BeforeItIsRecorded).await;
        outcome
    }
}

/// See the module.
pub(crate) struct Plimsoll {
    clock: Arc<ManualClock>,
    desk: Desk,
    ends: Ends<Eyes, Hands>,
    store: Lasting,
    aims: Aims,
    settings: observe::aws::Settings,
    doom: Arc<Doom>,
    /// What has been done, a line each, for whoever reads a failed replay.
    pub(crate) told: Vec<String>,
    /// The last cycle that came to its end.
    pub(crate) last: Option<Arc<CycleRecord>>,
}

impl Plimsoll {
    /// A process that begins now.
    pub(crate) async fn begin(ground: &Ground, incident: &Incident) -> Self {
        let mut aims = Aims {
            modes: Modes {
                cluster: Some(Mode::Act),
                ..Modes::default()
            },
            ..Aims::default()
        };
        (incident.aims)(&mut aims);
        let settings = observe::aws::Settings {
            cluster: CLUSTER.to_owned(),
            launch: incident.launch,
            fleets: incident.fleets.clone(),
            ..observe::aws::Settings::default()
        };
        let clock = Arc::new(ManualClock::new(ground.began));
        let (store, doom) = (Lasting::default(), Arc::new(Doom::default()));
        let ends = ends(ground, &settings, &doom);
        let desk = Desk::open(parts(&clock, &store, &aims)).await;
        Self {
            clock,
            desk,
            ends,
            store,
            aims,
            settings,
            doom,
            told: Vec::new(),
            last: None,
        }
    }

    /// One cycle, or as much of it as the process lives for.
    pub(crate) async fn turn(&mut self, ground: &Ground) {
        self.clock.set(ground.cluster().now);
        let doom = Arc::clone(&self.doom);
        let record = tokio::select! {
            biased;
            () = doom.dead.notified() => None,
            record = run_cycle(&mut self.ends, &self.desk) => Some(record),
        };
        if let Some(record) = record {
            self.tell(ground.since(), &record);
            self.last = Some(record);
        } else {
            self.told.push(format!("{} killed", ground.since()));
            self.restart(ground).await;
        }
    }

    /// The process ends, and another begins over the same store.
    pub(crate) async fn restart(&mut self, ground: &Ground) {
        self.ends = ends(ground, &self.settings, &self.doom);
        self.desk = Desk::open(parts(&self.clock, &self.store, &self.aims)).await;
    }

    /// The process dies the next time it carries out a step of this kind.
    pub(crate) fn doom(&self, step: &'static str, moment: Moment) {
        *lock(&self.doom.at) = Some((step, moment));
    }

    fn tell(&mut self, since: Span, record: &CycleRecord) {
        if let Some(trouble) = &record.trouble {
            self.told.push(format!("{since} trouble: {trouble:?}"));
        }
        for (id, verdict) in &record.verdicts {
            let step = record.plan.steps.iter().find(|step| step.id == *id);
            if let (Some(step), false) = (step, *verdict == Verdict::Cleared) {
                self.told.push(format!("{since} {}: {verdict:?}", step.kind));
            }
        }
        for (step, outcome) in record.carried_out() {
            if !matches!(step.kind, StepKind::Nominate { .. }) {
                self.told
                    .push(format!("{since} {}: {outcome} ({})", step.kind, step.reason));
            }
        }
        for event in &record.events {
            self.told.push(format!("{since} {event:?}"));
        }
    }
}

fn ends(ground: &Ground, settings: &observe::aws::Settings, doom: &Arc<Doom>) -> Ends<Eyes, Hands> {
    let groups = Groups::new(&ground.sdk, settings.clone());
    let aws = act::aws::Hands::new(&ground.sdk, CLUSTER.to_owned(), settings.launch, groups.stirred());
    Ends {
        eyes: Eyes {
            groups,
            cluster: Arc::clone(&ground.cluster),
        },
        hands: Hands {
            aws: aws.with_fleets(settings.fleets.clone()),
            cluster: Arc::clone(&ground.cluster),
            race: Arc::clone(&ground.race),
            doom: Arc::clone(doom),
        },
    }
}

fn parts(clock: &Arc<ManualClock>, store: &Lasting, aims: &Aims) -> Parts {
    Parts {
        clock: Arc::clone(clock) as Arc<dyn cycle::Clock>,
        policies: InForce::default(),
        aims: aims.clone(),
        mode: Mode::Observe,
        store: Box::new(store.clone()),
        log: None,
        library: Box::new(Fixed),
        fence: Fence::sole(),
        overdue: Span::from_secs(60),
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
