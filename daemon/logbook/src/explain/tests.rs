//! One record, and what it says about everything in it.

use super::{Explanation, FactKind, Subject, explain};
use crate::fargate::{Sizing, sizings};
use crate::record::CycleRecord;
use model::advice::{Advice, Hook, PlacementAdvice, PolicyCall, PolicyMode, ScaleAdvice, ScaleRow};
use model::intent::{Intent, IntentKind, RemoveStage};
use model::notes::{ClassNote, ScaleNote, SetNote};
use model::plan::{PlannedNode, Step, StepKind};
use model::pod::{Pod, PodPhase, PodSpec};
use model::reason::Misfit;
use model::{
    Aims, HoldReason, Instant, Notes, Outcome, Plan, PodKey, Reason, Refusal, Resources, Snapshot, Span,
    StepId, UsdPerHour, Verdict, WorkloadKey,
};
use std::sync::Arc;

fn pod(name: &str) -> Pod {
    Pod {
        key: PodKey::new("ns", name),
        spec: 0,
        node: None,
        phase: PodPhase::Pending,
        created: Instant(40_000),
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }
}

fn step(ordinal: u32, kind: StepKind, reason: Reason) -> Step {
    Step {
        id: StepId { cycle: 9, ordinal },
        intent: None,
        generation: 0,
        kind,
        reason,
    }
}

fn workload() -> WorkloadKey {
    WorkloadKey::new("Deployment", "ns", "app")
}

fn record() -> CycleRecord {
    let spec = PodSpec {
        requests: Resources::new(500, 1 << 30),
        ..PodSpec::default()
    };
    let mut seen = Snapshot {
        at: Instant(100_000),
        cycle: 9,
        specs: vec![Arc::new(spec)],
        pods: vec![pod("fits"), pod("waits")],
        ..Snapshot::default()
    };
    seen.ledger.intents.push(Intent {
        id: "8-1".into(),
        kind: IntentKind::Remove {
            group: "web".into(),
            node: "n1".into(),
            instance: "i-1".into(),
            stage: RemoveStage::Draining,
            after: Vec::new(),
            gone: None,
        },
        opened: Instant(10_000),
        deadline: Instant(1_000_000),
        generation: 0,
    });
    let grow = StepKind::GrowGroup {
        group: "web".into(),
        offer: "large".into(),
        from: 1,
        to: 2,
        nodes: vec!["new-1".into()],
        pods: vec![PodKey::new("ns", "fits")],
        rate: UsdPerHour(100_000_000),
    };
    let demand = Reason::Demand {
        pods: 1,
        pending: 1,
        rate: UsdPerHour(100_000_000),
    };
    let scale = StepKind::ScaleWorkload {
        workload: workload(),
        from: 2,
        to: 3,
    };
    let scaled = Reason::Scaled {
        by: "busy".into(),
        code: 3,
        text: "at 91 of 70".to_owned(),
    };
    let plan = Plan {
        steps: vec![step(0, scale, scaled), step(1, grow, demand)],
        nodes: vec![PlannedNode {
            storage: UsdPerHour::ZERO,
            name: "new-1".into(),
            group: "web".into(),
            offer: "large".into(),
            pods: vec![PodKey::new("ns", "fits")],
        }],
        refusals: vec![Refusal::Pod {
            pod: PodKey::new("ns", "waits"),
            why: Misfit::NodeAffinity,
            closest: vec![("huge".into(), Misfit::TooManyPods)],
        }],
        ..Plan::default()
    };
    CycleRecord {
        cycle: 9,
        at: Instant(100_000),
        snapshot: Arc::new(seen),
        notes: notes(),
        plan,
        verdicts: vec![
            (
                StepId { cycle: 9, ordinal: 0 },
                Verdict::Held(HoldReason::MaxNodes { limit: 4 }),
            ),
            (StepId { cycle: 9, ordinal: 1 }, Verdict::Cleared),
        ],
        outcomes: vec![(StepId { cycle: 9, ordinal: 1 }, Outcome::done())],
        ..CycleRecord::default()
    }
}

/// An answer about the first workload that scalers are asked about.
fn wants(replicas: u32, code: u16, text: &str) -> Advice {
    let mut wanted = ScaleAdvice::default();
    wanted.push(ScaleRow {
        row: 0,
        replicas,
        code,
        text,
    });
    Advice::Scale(wanted)
}

fn notes() -> Notes {
    Notes {
        calls: vec![PolicyCall {
            policy: "busy".into(),
            digest: String::new(),
            hook: Hook::Scaler,
            mode: PolicyMode::Enforce,
            fuel: 1,
            answer: Ok(wants(3, 3, "at 91 of 70")),
            log: Vec::new(),
            kept: None,
        }],
        // Nobody is asked about what somebody else scales: it has no row.
        scale: vec![
            ScaleNote {
                workload: WorkloadKey::new("Deployment", "ns", "aside"),
                from: 1,
                asked: 1,
                to: 1,
                forecast: true,
            },
            ScaleNote {
                workload: workload(),
                from: 2,
                asked: 3,
                to: 3,
                forecast: false,
            },
        ],
        classes: vec![ClassNote {
            provisioned: None,
            spec: Some(0),
            workload: Some(workload()),
            pending: 2,
            to_come: 1,
            headroom: 0,
            pays: UsdPerHour(50_000_000),
            fargate: Some(UsdPerHour(70_000_000)),
            ec2: None,
            sample: PodKey::new("ns", "fits"),
            late: false,
            bought: 0,
        }],
        ..Notes::default()
    }
}

fn told(subject: &Subject) -> Explanation {
    explain(&record(), subject).unwrap()
}

fn lines(subject: &Subject) -> Vec<String> {
    told(subject)
        .facts
        .iter()
        .map(|fact| {
            format!(
                "{}{} {}",
                "  ".repeat(fact.depth as usize),
                fact.kind.as_str(),
                fact.text
            )
        })
        .collect()
}

#[test]
fn a_pod_that_is_placed() {
    assert_eq!(
        lines(&Subject::Pod(PodKey::new("ns", "fits"))),
        [
            "state waiting for 60s",
            "  state asks for 500m CPU, 1024 MiB",
            "placement planned onto new node new-1 of web: large, shared by 1 pod",
            "step step 9.1: grow web 1 -> 2 (large)",
            "  reason room for 1 pod (1 waiting now), cheapest found at $0.1000/h",
            "  price adds $0.1000/h for 1 node and 1 pod",
            "  verdict cleared",
            "  outcome done",
            "price one such pod pays $0.0500/h",
            "price Fargate: $0.0700/h; EC2: no offer can run it",
        ]
    );
}

#[test]
fn a_pod_pays_the_price_of_its_own_class() {
    let mut record = record();
    let waiting = PodKey::new("ns", "waits");
    let class = record.notes.classes[0].clone();
    record.notes.classes.push(ClassNote {
        provisioned: None,
        pays: UsdPerHour(90_000_000),
        late: true,
        bought: 0,
        sample: waiting.clone(),
        ..class
    });
    record.memory = Arc::new(model::Memory {
        waiting_since: vec![(waiting.clone(), Instant(-900_000))].into(),
        ..model::Memory::default()
    });
    let pays = |pod: PodKey| {
        let facts = explain(&record, &Subject::Pod(pod)).unwrap().facts;
        let price = facts.into_iter().rfind(|fact| fact.text.starts_with("one such"));
        price.map(|fact| (fact.text, fact.depth))
    };
    assert_eq!(pays(waiting), Some(("one such pod pays $0.0900/h".to_owned(), 0)));
    let fits = PodKey::new("ns", "fits");
    assert_eq!(pays(fits), Some(("one such pod pays $0.0500/h".to_owned(), 0)));
}

#[test]
fn a_pod_that_is_refused() {
    let lines = lines(&Subject::Pod(PodKey::new("ns", "waits")));
    let place = lines.iter().position(|line| line.starts_with("refusal")).unwrap();
    assert_eq!(
        lines[place..=place + 1],
        [
            "refusal pod ns/waits has no place: no term of its required node affinity matches",
            "  refusal huge: the node's pod count is used up",
        ]
    );
}

#[test]
fn a_workload_with_what_its_policy_said() {
    let lines = lines(&Subject::Workload(workload()));
    assert_eq!(
        lines[..5],
        [
            "policy busy (enforce) wants 3 replicas, code 3: at 91 of 70",
            "placement 2 replicas now, 3 asked for, 3 after bounds",
            "step step 9.0: scale Deployment ns/app 2 -> 3",
            "  reason policy busy: at 91 of 70",
            "  verdict held: at most 4 nodes in the cluster (limits.max_nodes)",
        ]
    );
}

/// Three policies of each of two hooks; the one in shadow is told and counts for nothing.
#[test]
fn what_several_policies_said_and_what_it_comes_to() {
    use PolicyMode::{Canary, Enforce, Shadow};
    let mut record = record();
    let call = |policy: &str, mode: PolicyMode, hook: Hook, answer: Advice| PolicyCall {
        policy: policy.into(),
        mode,
        hook,
        answer: Ok(answer),
        ..notes().calls[0].clone()
    };
    let wants = |replicas: u32| wants(replicas, 1, "");
    let places = |factors: &[(u32, u32)], forbids: &[(u32, u32, u16)], addends: &[(u32, u32, i64, u16)]| {
        Advice::Placement(PlacementAdvice {
            factors: factors.to_vec(),
            forbids: forbids.to_vec(),
            addends: addends.to_vec(),
        })
    };
    record.notes.calls = vec![
        call("a", Enforce, Hook::Scaler, wants(3)),
        call("b", Canary, Hook::Scaler, wants(5)),
        call("c", Shadow, Hook::Scaler, wants(9)),
        call(
            "d",
            Enforce,
            Hook::Placement,
            places(&[(0, 1500), (1, 1000)], &[(0, 1, 4)], &[(1, 0, 5, 1)]),
        ),
        call(
            "e",
            Enforce,
            Hook::Placement,
            places(&[(0, 1200)], &[], &[(0, 0, 2_000_000, 7), (0, 1, 1, 1)]),
        ),
        call("f", Shadow, Hook::Placement, places(&[], &[(0, 0, 2)], &[])),
    ];
    let set = |name: &str| SetNote {
        name: name.to_owned(),
        group: "web".into(),
        offers: 1,
        factor: 1000,
    };
    record.notes.sets = vec![set("web/amd64/spot"), set("fargate")];
    let of = |record: &CycleRecord, subject: &Subject| -> Vec<String> {
        let facts = explain(record, subject).unwrap().facts;
        let said = facts.into_iter().filter(|fact| fact.kind == FactKind::Policy);
        said.map(|fact| format!("{}{}", "  ".repeat(fact.depth as usize), fact.text))
            .collect()
    };
    assert_eq!(
        of(&record, &Subject::Workload(workload())),
        [
            "a (enforce) wants 3 replicas, code 1",
            "b (canary) wants 5 replicas, code 1",
            "c (shadow) wants 9 replicas, code 1",
            "  the highest of them counts",
            "  web/amd64/spot:",
            "    d (enforce) multiplies its price by 1.500",
            "    e (enforce) multiplies its price by 1.200",
            "    e (enforce) adds $0.0020/h a pod, code 7",
            "    f (shadow) forbids it, code 2",
            "    together: its price times 1.800, and $0.0020/h a pod",
            "  fargate:",
            "    d (enforce) forbids it, code 4",
            "    e (enforce) adds $0.0000/h a pod, code 1",
            "    together: forbidden, one is enough",
        ]
    );
    let mut aims = Aims::default();
    aims.compose.scaler = model::standing::ScalerRule::First;
    record.aims = Arc::new(aims);
    let told = of(&record, &Subject::Workload(workload()));
    assert_eq!(told[3], "  the first of them counts (aims: compose.scaler)");
    let told = of(&record, &Subject::Pod(PodKey::new("ns", "fits")));
    assert_eq!(told[0], "web/amd64/spot:");
}

#[test]
fn steps_and_planned_nodes_and_open_intents() {
    let step = told(&Subject::Step(StepId { cycle: 9, ordinal: 1 }));
    assert!(step.decided && step.facts.len() == 5 && step.subject == "step 9.1");
    assert!(lines(&Subject::Node("new-1".into()))[0].starts_with("placement to be bought in web"));
    let removed = told(&Subject::Node("n1".into()));
    assert!(!removed.decided, "this cycle only saw it");
    let since = Span::from_secs(90);
    assert_eq!(
        removed.facts[0].text,
        format!("intent 8-1: remove n1 from web, Draining for {since}")
    );
}

#[test]
fn what_a_record_does_not_know() {
    for subject in [
        Subject::Pod(PodKey::new("ns", "none")),
        Subject::Node("none".into()),
        Subject::Group("none".into()),
        Subject::Step(StepId { cycle: 8, ordinal: 1 }),
    ] {
        assert_eq!(explain(&record(), &subject), None, "{subject}");
    }
}

#[test]
fn a_group_that_another_autoscaler_grows_as_well_says_so() {
    let mut record = record();
    let mut seen = (*record.snapshot).clone();
    for name in ["db", "web"] {
        seen.groups.push(model::Group {
            name: name.into(),
            uid: None,
            kind: model::GroupKind::Asg,
            min: 0,
            max: 9,
            desired: 1,
            launch: model::group::LaunchMode::Desired,
            instances: Vec::new(),
            labels: model::selector::Labels::new(),
            taints: Vec::new(),
            fargate_selectors: Vec::new(),
            foreign: None,
            rolling: None,
            options: model::group::GroupOptions::default(),
        });
    }
    record.snapshot = Arc::new(seen);
    record.notes.rivals.push(model::autoscaler::Rival {
        kind: model::autoscaler::AutoscalerKind::ClusterAutoscaler,
        holder: "ca-0".to_owned(),
        alive: Instant(99_000),
        groups: vec!["web".into()],
        untold: false,
        pools: Vec::new(),
    });
    let says = |name: &str| {
        let told = explain(&record, &Subject::Group(name.into())).unwrap();
        let wanted = "the Cluster Autoscaler (ca-0) grows and shrinks it as well: leave it to one of both";
        told.facts.iter().any(|fact| fact.text == wanted)
    };
    assert_eq!((says("web"), says("db")), (true, false));
}

/// A pod on a node of Fargate's, with what EKS says of its size.
fn on_fargate(said: &str) -> CycleRecord {
    let mut record = record();
    let mut seen = (*record.snapshot).clone();
    let mut spec = PodSpec::clone(&seen.specs[0]);
    spec.annotations
        .insert(model::provisioned::PROVISIONED.to_owned(), said.to_owned());
    spec.labels
        .insert(model::provisioned::PROFILE_LABEL.to_owned(), "fp".to_owned());
    spec.requests.ephemeral_bytes = 120 << 30;
    seen.specs.push(Arc::new(spec));
    let mut there = pod("there");
    (there.spec, there.node, there.phase) = (1, Some("f".into()), PodPhase::Running);
    seen.pods.push(there);
    seen.nodes.push(model::Node {
        name: "f".into(),
        group: None,
        instance: None,
        offer: None,
        labels: model::selector::Labels::new(),
        taints: Vec::new(),
        allocatable: Resources::default(),
        max_pods: 1,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: true,
        do_not_disrupt: false,
        draining: false,
        annotations: model::selector::Labels::new(),
        unready: None,
        rate: None,
        created: Instant(0),
        usage: None,
        leaving: None,
        template: None,
    });
    seen.sort();
    record.snapshot = Arc::new(seen);
    record
}

#[test]
fn a_pod_on_fargate_is_billed_as_what_was_provisioned() {
    let texts = |said: &str| -> Vec<String> {
        let record = on_fargate(said);
        let told = explain(&record, &Subject::Pod(PodKey::new("ns", "there"))).unwrap();
        told.facts.into_iter().map(|fact| fact.text).collect()
    };
    let told = texts("1vCPU 3GB");
    let storage = ", $0.0111/h of it for ephemeral storage";
    for wanted in [
        "in Fargate profile fp: 1vCPU 3GB".to_owned(),
        format!("billed as 1 vCPU 3 GB: $0.0649/h{storage}"),
        "Fargate provisioned 1 vCPU 3 GB, where what it asks for comes to 0.5 vCPU 2 GB".to_owned(),
    ] {
        assert!(told.contains(&wanted), "{wanted}: {told:?}");
    }
    let told = texts("0.5vCPU 2GB");
    assert!(
        !told.iter().any(|text| text.contains("where what it asks for")),
        "{told:?}"
    );
    let told = texts("plenty");
    let ignored = "pod ns/there: annotation CapacityProvisioned: \"plenty\" is no size; it is ignored";
    assert!(told.iter().any(|text| text == ignored), "{told:?}");
    let billed = format!("billed as 0.5 vCPU 2 GB: $0.0402/h{storage}");
    assert!(told.contains(&billed), "{told:?}");
    for (said, wanted) in [
        ("1vCPU 3GB", Sizing::Differs),
        ("0.5vCPU 2GB", Sizing::AsComputed),
        ("plenty", Sizing::Unreadable),
    ] {
        let record = on_fargate(said);
        let found: Vec<Sizing> = sizings(&record.snapshot)
            .into_iter()
            .map(|(_, sizing)| sizing)
            .collect();
        assert_eq!(found, [wanted]);
    }
}

#[test]
fn a_pod_that_could_be_on_fargate_is_told() {
    let mut record = record();
    record.notes.could_move.push(model::notes::CouldMove {
        pod: PodKey::new("ns", "waits"),
        profile: "fp".into(),
        offer: "fp/250m/512Mi".into(),
        price: UsdPerHour(12_342_500),
        why: model::notes::Missed::Labelled,
        remade: false,
        tried: 0,
    });
    let told = explain(&record, &Subject::Pod(PodKey::new("ns", "waits"))).unwrap();
    let text = "Fargate profile fp would take it for $0.0123/h: it carries our label, and EKS' webhook did not see it; \
                it has to be made anew by hand";
    assert!(
        told.decided && told.facts.iter().any(|fact| fact.text == text),
        "{told:?}"
    );
}

#[test]
fn what_the_tags_of_a_group_say_is_told() {
    use model::group::options::PREFIX;
    use model::group::{Group, GroupKind, GroupOptions, LaunchMode};
    let tags = [
        (format!("{PREFIX}scaledownunneededtime"), "5m"),
        (format!("{PREFIX}scaledownutilizationthreshold"), "half"),
    ];
    let mut record = record();
    let mut seen = Snapshot::clone(&record.snapshot);
    seen.groups = vec![Group {
        name: "web".into(),
        uid: None,
        kind: GroupKind::Asg,
        min: 1,
        max: 9,
        desired: 1,
        launch: LaunchMode::Desired,
        instances: Vec::new(),
        labels: model::selector::Labels::new(),
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::of_tags(tags.iter().map(|(key, value)| (key.as_str(), *value))),
    }];
    record.snapshot = Arc::new(seen);
    let told = explain(&record, &Subject::Group("web".into())).unwrap();
    for line in [
        "its tag scaledownunneededtime says that a node must have been unneeded for 5m0s",
        "its tag scaledownutilizationthreshold: \"half\" is ignored, a number such as 0.5 is read",
    ] {
        assert!(
            told.facts.iter().any(|fact| fact.text == line),
            "{line}: {told:?}"
        );
    }
}
