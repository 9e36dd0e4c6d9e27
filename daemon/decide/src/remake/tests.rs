//! Stories of waiting pods that are made anew: which, how many at a time, and when it is tried again.

use crate::fargate::PLACEMENT_LABEL;
use crate::fixture::{Cluster, NOW, asks};
use crate::missed::tests::{label, shop, with};
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::intent::{Effect, EffectKind};
use model::memory::{Memory, WaitingSince};
use model::notes::Missed;
use model::plan::StepKind;
use model::pod::PodSpec;
use model::provisioned::PROFILE_LABEL;
use model::reason::Reason;
use model::snapshot::Snapshot;
use model::time::{Instant, Span};

fn ago(seconds: i64) -> Instant {
    NOW - Span::from_secs(seconds)
}

fn labelled() -> PodSpec {
    with(|spec| label(spec, PLACEMENT_LABEL, "fargate"))
}

/// As aims that let all pods go and a memory that has known them for so long have it.
fn run(seen: &Snapshot, known: i64, namespaces: &[&str]) -> Deliberation {
    let since = seen.pods.iter().filter(|pod| pod.node.is_none());
    let since: Vec<_> = since.map(|pod| (pod.key.clone(), ago(known))).collect();
    let memory = Memory {
        waiting_since: WaitingSince::from(since),
        ..Memory::default()
    };
    let aims = Aims {
        move_to_fargate: namespaces.iter().map(ToString::to_string).collect(),
        ..Aims::default()
    };
    deliberate(seen, &memory, &PolicySet::default(), &aims)
}

fn remade(seen: &Snapshot) -> Vec<String> {
    names(&run(seen, 30, &["def*"]))
}

fn names(done: &Deliberation) -> Vec<String> {
    let steps = done.plan.steps.iter();
    steps
        .filter_map(|step| match &step.kind {
            StepKind::Remake { pod, profile } => {
                assert_eq!(profile.as_str(), "fp");
                Some(pod.name.to_string())
            }
            _ => None,
        })
        .collect()
}

/// So many of the workload's pods were made anew so many seconds ago.
fn tried(seen: &mut Snapshot, seconds: i64, count: u32) {
    let workload = seen.specs[0].owner.clone().unwrap();
    seen.ledger.effects.push(Effect {
        at: ago(seconds),
        group: "fp".into(),
        kind: EffectKind::Remade { workload, count },
    });
}

/// Fargate took a pod of the workload that was made so many seconds ago.
fn took(cluster: Cluster, seconds: i64) -> Cluster {
    let mut spec = labelled();
    label(&mut spec, PROFILE_LABEL, "fp");
    let mut cluster = cluster.running("taken", "fargate-1", spec);
    cluster.seen.pods.last_mut().unwrap().created = ago(seconds);
    cluster
}

#[test]
fn one_goes_first_where_the_aims_let_it() {
    let seen = shop().pending("web", 3, labelled()).seen();
    let done = run(&seen, 30, &["other", "def*"]);
    assert_eq!(names(&done), ["web-0"]);
    let step = done.plan.steps.iter().find(|step| step.kind.name() == "Remake");
    let Reason::TakenAnew { price, why } = &step.unwrap().reason else {
        panic!("{step:?}")
    };
    assert_eq!((price.0, *why), (12_342_500, Missed::Labelled));
    assert_eq!(names(&run(&seen, 30, &[])), [""; 0]);
    assert_eq!(names(&run(&seen, 30, &["kube-*"])), [""; 0]);
    assert_eq!(
        names(&run(&seen, 9, &["*"])),
        [""; 0],
        "admission may not know of the plan yet"
    );
}

#[test]
fn pods_created_before_the_plan_wanted_them_there_go_while_it_wants_them() {
    let seen = shop().pending("web", 2, asks(200, 200)).seen();
    assert_eq!(remade(&seen), ["web-0"]);
    // Past admission: their class is planned onto EC2 from now on.
    assert_eq!(names(&run(&seen, 301, &["*"])), [""; 0]);
}

#[test]
fn a_pod_with_room_on_a_node_stays() {
    let there = shop().node("n1", "g", "large").pending("web", 1, labelled());
    let seen = there.seen();
    assert_eq!(seen.nodes.len(), 1);
    assert_eq!(remade(&seen), [""; 0]);
    let mut bought = shop();
    bought.seen.offers.iter_mut().for_each(|offer| {
        if !offer.is_fargate() {
            offer.price.0 = 1000;
        }
    });
    let done = run(&bought.pending("web", 1, labelled()).seen(), 30, &["*"]);
    assert_eq!(done.notes.could_move.len(), 1, "named all the same");
    assert_eq!(names(&done), [""; 0]);
}

#[test]
fn the_others_follow_once_fargate_has_taken_one() {
    let mut seen = took(shop().pending("web", 3, labelled()), 20).seen();
    tried(&mut seen, 25, 1);
    assert_eq!(remade(&seen), ["web-0", "web-1", "web-2"]);
    let mut before = took(shop().pending("web", 3, labelled()), 40).seen();
    tried(&mut before, 25, 1);
    assert_eq!(remade(&before), [""; 0], "it was taken before");
}

#[test]
fn a_workload_whose_pods_come_back_as_they_were_rests_twice_as_long_each_time() {
    let after = |tries: &[i64]| {
        let mut seen = shop().pending("web", 3, labelled()).seen();
        for at in tries {
            tried(&mut seen, *at, 1);
        }
        let done = run(&seen, 30, &["*"]);
        let told = done.notes.could_move[0].tried;
        (names(&done).len(), told)
    };
    assert_eq!(after(&[59]), (0, 1));
    assert_eq!(after(&[60]), (1, 1));
    assert_eq!(after(&[200, 119]), (0, 2));
    assert_eq!(after(&[200, 120]), (1, 2));
    assert_eq!(after(&[2000, 1500, 1000, 479]), (0, 4));
    assert_eq!(after(&[2000, 1500, 1000, 480]), (1, 4));
}

#[test]
fn what_was_refused_was_not_tried() {
    let mut seen = shop().pending("web", 3, labelled()).seen();
    tried(&mut seen, 5, 0);
    assert_eq!(remade(&seen), ["web-0"]);
}

#[test]
fn each_workload_has_its_own() {
    let other = with(|spec| {
        label(spec, PLACEMENT_LABEL, "fargate");
        spec.owner = Some(model::WorkloadKey::new("Deployment", "default", "other"));
    });
    let mut seen = shop().pending("a", 2, labelled()).pending("b", 2, other).seen();
    assert_eq!(remade(&seen), ["a-0", "b-0"]);
    tried(&mut seen, 5, 1);
    assert_eq!(remade(&seen), ["b-0"]);
}
