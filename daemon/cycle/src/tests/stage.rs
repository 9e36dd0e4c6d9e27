//! A small cluster, eyes that show it, hands that do what a test tells them.

use crate::{Desk, Ends, Fixed, InForce, ManualClock, Parts};
use guard::{Act, Cleared, Fence, Kept, LedgerStore, StoreError, Stored};
use model::aims::{Aims, Mode, Modes};
use model::group::{Group, GroupKind, GroupOptions, Instance, InstanceState, LaunchMode};
use model::intent::{Intent, IntentKind, Ledger, RemoveStage};
use model::memory::Memory;
use model::node::Node;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::plan::Step;
use model::pod::{Pod, PodPhase, PodSpec};
use model::selector::Labels;
use model::snapshot::Freshness;
use model::{
    Instant, Observe, ObserveError, Outcome, PodKey, Resources, Snapshot, Source, Span, UsdPerHour,
    WorkloadKey,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) const START: Instant = Instant(100_000_000);

/// Shows the same cluster every time, or nothing.
#[derive(Clone)]
pub(super) struct Eyes {
    pub(super) seen: Snapshot,
    pub(super) clock: Arc<ManualClock>,
    /// How far the wall clock of the eyes is ahead of the cycle's.
    pub(super) ahead: Span,
    pub(super) blind: Option<ObserveError>,
}

impl Observe for Eyes {
    fn look(&mut self) -> impl Future<Output = Result<Snapshot, ObserveError>> + Send {
        let mut seen = self.seen.clone();
        seen.at = crate::Clock::now(&*self.clock) + self.ahead;
        std::future::ready(self.blind.clone().map_or(Ok(seen), Err))
    }
}

type Play = dyn FnMut(&Step) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send;

/// Does what the test says, and remembers what was asked.
pub(super) struct Hands {
    pub(super) asked: Arc<Mutex<Vec<Step>>>,
    /// How many removals go together, and how many did.
    pub(super) together: usize,
    pub(super) batches: Arc<Mutex<Vec<usize>>>,
    play: Box<Play>,
}

impl Hands {
    pub(super) fn new(play: impl FnMut(&Step) -> Outcome + Send + 'static) -> Self {
        let mut play = play;
        Self::slow(move |step| {
            let outcome = play(step);
            Box::pin(std::future::ready(outcome))
        })
    }

    pub(super) fn slow(
        play: impl FnMut(&Step) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + 'static,
    ) -> Self {
        Self {
            asked: Arc::default(),
            together: 1,
            batches: Arc::default(),
            play: Box::new(play),
        }
    }

    pub(super) fn asked(&self) -> Vec<Step> {
        self.asked.lock().unwrap().clone()
    }
}

impl Act for Hands {
    fn carry_out(&mut self, step: Cleared<Step>) -> impl Future<Output = Outcome> + Send {
        let step = step.into_inner();
        self.asked.lock().unwrap().push(step.clone());
        (self.play)(&step)
    }

    fn most_together(&self, _step: &Step) -> usize {
        self.together
    }

    async fn carry_out_together(&mut self, steps: Vec<Cleared<Step>>) -> Vec<Outcome> {
        self.batches.lock().unwrap().push(steps.len());
        let mut outcomes = Vec::new();
        for step in steps {
            outcomes.push(self.carry_out(step).await);
        }
        outcomes
    }
}

/// A store in memory that can be told to fail, and that outlives the desk.
#[derive(Clone, Default)]
pub(super) struct Shaky {
    pub(super) kept: Arc<Mutex<Option<(Ledger, Memory)>>>,
    pub(super) broken: Arc<AtomicBool>,
}

impl LedgerStore for Shaky {
    fn load(&mut self) -> Stored<'_, Kept> {
        let (ledger, memory) = self.kept.lock().unwrap().clone().unzip();
        let kept = Kept {
            ledger,
            memory,
            installation: None,
        };
        Box::pin(std::future::ready(Ok(kept)))
    }

    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Stored<'a, ()> {
        Box::pin(std::future::ready(self.put(ledger)))
    }

    fn save_memory<'a>(&'a mut self, memory: &'a Memory) -> Stored<'a, ()> {
        if let Some(kept) = &mut *self.kept.lock().unwrap() {
            kept.1 = memory.clone();
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Shaky {
    fn put(&self, ledger: &Ledger) -> Result<(), StoreError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the store is away".to_owned()));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let theirs = kept.as_ref().map_or(0, |kept| kept.0.generation);
        if kept.is_some() && theirs >= ledger.generation {
            return Err(StoreError::Conflict {
                theirs,
                ours: ledger.generation,
            });
        }
        let memory = kept.take().map(|kept| kept.1).unwrap_or_default();
        *kept = Some((ledger.clone(), memory));
        Ok(())
    }
}

pub(super) async fn desk(store: impl LedgerStore + 'static, clock: &Arc<ManualClock>) -> Desk {
    Desk::open(parts(store, clock)).await
}

pub(super) fn parts(store: impl LedgerStore + 'static, clock: &Arc<ManualClock>) -> Parts {
    let aims = Aims {
        modes: Modes {
            cluster: Some(Mode::Act),
            ..Modes::default()
        },
        ..Aims::default()
    };
    Parts {
        clock: Arc::clone(clock) as Arc<dyn crate::Clock>,
        policies: InForce::default(),
        aims,
        mode: Mode::Observe,
        store: Box::new(store),
        log: None,
        library: Box::new(Fixed),
        fence: Fence::sole(),
        overdue: Span::from_secs(60),
    }
}

pub(super) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START))
}

/// Ends on a cluster where `waiting` pods fit on no node: the group `web` has to grow.
pub(super) fn crowded(clock: &Arc<ManualClock>, waiting: usize, hands: Hands) -> Ends<Eyes, Hands> {
    let mut seen = cluster(&["n1"]);
    for n in 0..waiting {
        seen.pods.push(pod(&format!("w{n}"), None));
    }
    ends(seen, clock, hands)
}

/// Ends on a cluster where `n1` is being drained, with three pods that fit on `n2`, and the Ledger that says so.
pub(super) fn draining(clock: &Arc<ManualClock>, hands: Hands) -> (Ends<Eyes, Hands>, Shaky) {
    let mut seen = cluster(&["n1", "n2"]);
    for n in 0..3 {
        seen.pods.push(pod(&format!("p{n}"), Some("n1")));
    }
    let n1 = &mut seen.nodes[0];
    (n1.unschedulable, n1.draining) = (true, true);
    let intent = Intent {
        id: "1-0".into(),
        kind: IntentKind::Remove {
            group: "web".into(),
            node: "n1".into(),
            instance: "i-n1".into(),
            stage: RemoveStage::Cordoned,
            after: Vec::new(),
            gone: None,
        },
        opened: START,
        deadline: START + Span::from_secs(1800),
        generation: 1,
    };
    let ledger = Ledger {
        generation: 3,
        cycle: 1,
        intents: vec![intent],
        ..Ledger::default()
    };
    let store = Shaky::default();
    *store.kept.lock().unwrap() = Some((ledger, Memory::default()));
    (ends(seen, clock, hands), store)
}

/// Ends on a cluster whose first `empty` of four nodes are drained, and the Ledger that says so.
pub(super) fn drained(clock: &Arc<ManualClock>, empty: usize, hands: Hands) -> (Ends<Eyes, Hands>, Shaky) {
    let mut seen = cluster(&["n1", "n2", "n3", "n4"]);
    let mut ledger = Ledger {
        generation: 3,
        cycle: 1,
        ..Ledger::default()
    };
    for node in seen.nodes.iter_mut().take(empty) {
        (node.unschedulable, node.draining) = (true, true);
        ledger.intents.push(Intent {
            id: format!("1-{}", node.name).as_str().into(),
            kind: IntentKind::Remove {
                group: "web".into(),
                node: node.name.clone(),
                instance: node.instance.clone().unwrap(),
                stage: RemoveStage::Cordoned,
                after: Vec::new(),
                gone: None,
            },
            opened: START,
            deadline: START + Span::from_secs(1800),
            generation: 1,
        });
    }
    let store = Shaky::default();
    *store.kept.lock().unwrap() = Some((ledger, Memory::default()));
    (ends(seen, clock, hands), store)
}

fn ends(mut seen: Snapshot, clock: &Arc<ManualClock>, hands: Hands) -> Ends<Eyes, Hands> {
    seen.sort();
    let eyes = Eyes {
        seen,
        clock: Arc::clone(clock),
        ahead: Span::ZERO,
        blind: None,
    };
    Ends { eyes, hands }
}

fn cluster(names: &[&str]) -> Snapshot {
    let spec = PodSpec {
        namespace: "ns".to_owned(),
        requests: Resources::new(1000, 1 << 30),
        owner: Some(WorkloadKey::new("ReplicaSet", "ns", "app")),
        ..PodSpec::default()
    };
    let sources = [
        Source::Pods,
        Source::Nodes,
        Source::Workloads,
        Source::Budgets,
        Source::Load,
        Source::Groups,
        Source::Offers,
    ];
    Snapshot {
        at: START,
        cluster: "test".to_owned(),
        sources: sources
            .into_iter()
            .map(|source| (source, Freshness::Live))
            .collect(),
        specs: vec![Arc::new(spec)],
        nodes: names.iter().map(|name| node(name)).collect(),
        groups: vec![group(names)],
        offers: vec![offer()],
        ..Snapshot::default()
    }
}

fn pod(name: &str, node: Option<&str>) -> Pod {
    Pod {
        key: PodKey::new("ns", name),
        spec: 0,
        node: node.map(Into::into),
        phase: if node.is_some() {
            PodPhase::Running
        } else {
            PodPhase::Pending
        },
        created: START,
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }
}

fn node(name: &str) -> Node {
    Node {
        name: name.into(),
        group: Some("web".into()),
        instance: Some(format!("i-{name}").as_str().into()),
        offer: Some("large".into()),
        labels: Labels::new(),
        taints: Vec::new(),
        allocatable: Resources::new(if name == "n1" { 500 } else { 8000 }, 64 << 30),
        max_pods: 100,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: false,
        do_not_disrupt: false,
        draining: false,
        annotations: Labels::new(),
        unready: None,
        rate: None,
        created: Instant(0),
        usage: None,
        leaving: None,
        template: None,
    }
}

fn group(names: &[&str]) -> Group {
    let instance = |name: &&str| Instance {
        id: format!("i-{name}").as_str().into(),
        instance_type: None,
        zone: None,
        state: InstanceState::InService,
        launched: None,
    };
    Group {
        name: "web".into(),
        uid: None,
        kind: GroupKind::Asg,
        min: 0,
        max: 20,
        desired: u32::try_from(names.len()).unwrap(),
        launch: LaunchMode::Desired,
        instances: names.iter().map(instance).collect(),
        labels: Labels::new(),
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    }
}

fn offer() -> Offer {
    Offer {
        id: "large".into(),
        group: 0,
        kind: OfferKind::Ec2 {
            instance_type: "m6a.large".to_owned(),
            zone: "a".to_owned(),
            purchase: Purchase::OnDemand,
            arch: "amd64".to_owned(),
        },
        price: UsdPerHour(100_000_000),
        interruptions: None,
        confidence: Confidence::Listed,
        allocatable: Resources::new(2000, 8 << 30),
        max_pods: 29,
        labels: Labels::new(),
    }
}
