//! Where pods go that are yet to be created: by the last plans, and by the policies where no plan knows them.

use super::stage::{Eyes, Hands, clock, crowded, desk};
use crate::{Answer, Desk, Ends, ManualClock, MemoryStore, Placed, Scope, Why, run_cycle};
use model::aims::Mode;
use model::group::{FargateSelector, Group, GroupKind, GroupOptions, LaunchMode};
use model::offer::{Confidence, Offer, OfferKind};
use model::pod::{PodSpec, PodTraits};
use model::selector::{LabelSelector, Labels};
use model::{Hook, Outcome, Resources, Span, UsdPerHour, WorkloadKey};
use std::sync::Arc;

const CHEAP: UsdPerHour = UsdPerHour(10_000_000);
/// An empty group counts as used by a twentieth: its price is divided by that.
const DEAR: UsdPerHour = UsdPerHour(9_000_000_000);

/// A desk and a cluster with a profile whose only size costs this much; `waiting` pods of `ReplicaSet ns/app` wait.
async fn stage(waiting: usize, price: UsdPerHour) -> (Arc<ManualClock>, Desk, Ends<Eyes, Hands>) {
    let clock = clock();
    let desk = desk(MemoryStore::default(), &clock).await;
    let mut ends = crowded(&clock, waiting, Hands::new(|_| Outcome::Recorded));
    ends.eyes.seen.groups.push(profile());
    ends.eyes.seen.offers.push(size(price));
    ends.eyes.seen.sort();
    (clock, desk, ends)
}

fn profile() -> Group {
    Group {
        name: "serverless".into(),
        uid: None,
        kind: GroupKind::FargateProfile,
        min: 0,
        max: u32::MAX,
        desired: 0,
        launch: LaunchMode::None,
        instances: Vec::new(),
        labels: Labels::new(),
        taints: Vec::new(),
        fargate_selectors: vec![FargateSelector {
            namespace: "ns".to_owned(),
            labels: LabelSelector::default(),
        }],
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    }
}

fn size(price: UsdPerHour) -> Offer {
    Offer {
        id: "serverless/fargate/1000m/2048Mi".into(),
        group: 1,
        kind: OfferKind::Fargate {
            cpu_milli: 1000,
            memory_mib: 2048,
        },
        price,
        interruptions: None,
        confidence: Confidence::BuiltIn,
        allocatable: Resources::new(1000, 1792 << 20),
        max_pods: 1,
        labels: Labels::from([("kubernetes.io/arch".to_owned(), "amd64".to_owned())]),
    }
}

fn spec(kind: &str, name: &str) -> PodSpec {
    PodSpec {
        namespace: "ns".to_owned(),
        requests: Resources::new(1000, 1 << 30),
        owner: Some(WorkloadKey::new(kind, "ns", name)),
        ..PodSpec::default()
    }
}

fn app() -> Arc<PodSpec> {
    Arc::new(spec("ReplicaSet", "app"))
}

fn label() -> Labels {
    Labels::from([("plimsoll.io/placement".to_owned(), "fargate".to_owned())])
}

#[tokio::test]
async fn what_a_plan_wants_counts_for_the_next_pods() {
    let (clock, desk, mut ends) = stage(3, CHEAP).await;
    let handle = desk.handle();
    assert_eq!(
        handle.placement(&app()),
        Answer::Leave(Why::Overdue),
        "no cycle yet"
    );
    run_cycle(&mut ends, &desk).await;
    assert_eq!(handle.placement(&app()), Answer::Label(label()));
    let placed = Placed {
        controller: WorkloadKey::new("ReplicaSet", "ns", "app"),
        profile: "serverless".into(),
        label: label(),
    };
    assert_eq!(handle.placed(), [placed]);

    ends.eyes.seen.pods.clear();
    clock.advance(Span::from_secs(30));
    run_cycle(&mut ends, &desk).await;
    assert_eq!(
        handle.placement(&app()),
        Answer::Label(label()),
        "nobody wants otherwise"
    );
    clock.advance(Span::from_secs(880));
    run_cycle(&mut ends, &desk).await;
    assert_eq!(handle.placement(&app()), Answer::Unseen, "it was wanted long ago");
    assert_eq!(handle.placed(), []);
}

#[tokio::test]
async fn another_plan_takes_it_back() {
    let (clock, desk, mut ends) = stage(3, CHEAP).await;
    run_cycle(&mut ends, &desk).await;
    for offer in ends
        .eyes
        .seen
        .offers
        .iter_mut()
        .filter(|offer| offer.is_fargate())
    {
        offer.price = DEAR;
    }
    clock.advance(Span::from_secs(10));
    run_cycle(&mut ends, &desk).await;
    assert_eq!(desk.handle().placement(&app()), Answer::Leave(Why::Elsewhere));
}

#[tokio::test]
async fn nothing_is_placed_while_nothing_may_be_done() {
    let (clock, desk, mut ends) = stage(3, CHEAP).await;
    let handle = desk.handle();
    run_cycle(&mut ends, &desk).await;
    handle.pause("ops", "wait").await.unwrap();
    assert_eq!(handle.placement(&app()), Answer::Leave(Why::Paused));
    assert_eq!(handle.placed(), []);
    handle.resume("ops").await.unwrap();
    assert_eq!(handle.placement(&app()), Answer::Label(label()));
    clock.advance(Span::from_secs(61));
    assert_eq!(
        handle.placement(&app()),
        Answer::Leave(Why::Overdue),
        "cycles stopped coming"
    );
    assert_eq!(handle.placed(), []);
}

#[tokio::test]
async fn observing_only_says_what_it_would_do() {
    for scope in [
        Scope::Cluster,
        Scope::Hook(Hook::Placement),
        Scope::Group("serverless".into()),
        Scope::Workload(WorkloadKey::new("ReplicaSet", "ns", "app")),
    ] {
        let (_, desk, mut ends) = stage(3, CHEAP).await;
        let handle = desk.handle();
        handle
            .set_mode(scope.clone(), Mode::Observe, "ops")
            .await
            .unwrap();
        run_cycle(&mut ends, &desk).await;
        assert_eq!(handle.placement(&app()), Answer::Would(label()), "{scope:?}");
        assert_eq!(handle.placed(), []);
    }
}

#[tokio::test]
async fn policies_answer_for_pods_of_which_no_plan_knows() {
    let job = Arc::new(spec("Job", "report"));
    // Name, price of Fargate, whether a node has room, mode of the cluster, what is expected.
    let cases = [
        ("cheap", CHEAP, false, Mode::Act, Answer::Label(label())),
        ("observed", CHEAP, false, Mode::Observe, Answer::Would(label())),
        ("dear", DEAR, false, Mode::Act, Answer::Leave(Why::Elsewhere)),
        ("room", CHEAP, true, Mode::Act, Answer::Leave(Why::Elsewhere)),
    ];
    for (name, price, room, mode, expected) in cases {
        let (_, desk, mut ends) = stage(0, price).await;
        let handle = desk.handle();
        if room {
            ends.eyes.seen.nodes[0].allocatable = Resources::new(4000, 64 << 30);
        }
        handle.set_mode(Scope::Cluster, mode, "ops").await.unwrap();
        run_cycle(&mut ends, &desk).await;
        assert_eq!(handle.placement(&job), Answer::Unseen, "{name}");
        assert_eq!(handle.place_unseen(&job), expected, "{name}");
        assert_eq!(
            handle.placement(&job),
            expected,
            "{name}: remembered for its like"
        );
    }
}

#[tokio::test]
async fn a_deployment_keeps_its_place_while_it_asks_for_the_same() {
    let (_, desk, mut ends) = stage(0, CHEAP).await;
    let handle = desk.handle();
    run_cycle(&mut ends, &desk).await;
    let of = |hash: &str, cpu: i64| {
        let mut spec = spec("Deployment", "web");
        spec.labels = Labels::from([("pod-template-hash".to_owned(), hash.to_owned())]);
        spec.requests.cpu_milli = cpu;
        Arc::new(spec)
    };
    assert_eq!(handle.place_unseen(&of("a1", 1000)), Answer::Label(label()));
    assert_eq!(handle.placement(&of("b2", 1000)), Answer::Label(label()));
    assert_eq!(handle.placement(&of("b2", 500)), Answer::Unseen, "another size");
    let controllers: Vec<String> = handle.placed().iter().map(|p| p.controller.to_string()).collect();
    assert_eq!(controllers, ["ReplicaSet ns/web-a1"]);
}

#[tokio::test]
async fn pods_that_are_not_ours_to_place_are_left_alone() {
    let (_, desk, mut ends) = stage(0, CHEAP).await;
    let handle = desk.handle();
    run_cycle(&mut ends, &desk).await;
    let with = |change: fn(&mut PodSpec)| {
        let mut spec = spec("Job", "report");
        change(&mut spec);
        Arc::new(spec)
    };
    let labelled = |key: &str| Labels::from([(key.to_owned(), "ec2".to_owned())]);
    let mut traits = Vec::from([
        with(|spec| spec.owner = Some(WorkloadKey::new("DaemonSet", "ns", "d"))),
        with(|spec| spec.owner = Some(WorkloadKey::new("StatefulSet", "ns", "s"))),
        with(|spec| spec.scheduler = "mine".to_owned()),
        with(|spec| spec.requests.extended.extend([("nvidia.com/gpu".to_owned(), 1)])),
        with(|spec| {
            let arm = ("kubernetes.io/arch".to_owned(), "arm64".to_owned());
            spec.node_selector.extend([arm]);
        }),
    ]);
    let set: [fn(&mut PodTraits); 4] = [
        |t| t.privileged = true,
        |t| t.host_network = true,
        |t| t.host_path = true,
        |t| t.claims_volume = true,
    ];
    for set in set {
        let mut spec = spec("Job", "report");
        set(&mut spec.traits);
        traits.push(Arc::new(spec));
    }
    for spec in traits {
        assert_eq!(handle.placement(&spec), Answer::Leave(Why::Excluded), "{spec:?}");
    }
    for key in ["plimsoll.io/placement", "eks.amazonaws.com/fargate-profile"] {
        let mut spec = spec("Job", "report");
        spec.labels = labelled(key);
        assert_eq!(
            handle.placement(&Arc::new(spec)),
            Answer::Leave(Why::Labelled),
            "{key}"
        );
    }
}
