//! Which waiting pods are named, and why.

use crate::fargate::PLACEMENT_LABEL;
use crate::fixture::{Cluster, NOW, asks};
use crate::{PolicySet, deliberate};
use model::aims::Aims;
use model::memory::Memory;
use model::notes::{CouldMove, Missed};
use model::pod::PodSpec;
use model::provisioned::PROFILE_LABEL;
use model::selector::{LabelSelector, Requirement};
use model::{Snapshot, WorkloadKey};

fn named(seen: &Snapshot) -> Vec<CouldMove> {
    let done = deliberate(seen, &Memory::default(), &PolicySet::default(), &Aims::default());
    done.notes.could_move
}

fn told(seen: &Snapshot) -> Vec<(String, Missed, bool)> {
    let row = |moved: CouldMove| (moved.pod.name.to_string(), moved.why, moved.remade);
    named(seen).into_iter().map(row).collect()
}

/// EC2 that is dearer than Fargate, and a profile that wants our label.
pub(crate) fn shop() -> Cluster {
    let mut shop = Cluster::new()
        .group("g", 0, 9)
        .offer("g", "large", 8000, 32_000, 900_000_000)
        .profile("fp", "default");
    shop.seen.groups[1].fargate_selectors[0].labels = LabelSelector {
        requirements: vec![Requirement::equal(PLACEMENT_LABEL, "fargate")],
    };
    shop
}

pub(crate) fn with(change: impl FnOnce(&mut PodSpec)) -> PodSpec {
    let mut spec = asks(200, 200);
    change(&mut spec);
    spec
}

pub(crate) fn label(spec: &mut PodSpec, key: &str, value: &str) {
    spec.labels.insert(key.to_owned(), value.to_owned());
}

#[test]
fn a_pod_is_named_with_what_keeps_it() {
    let labelled = with(|spec| label(spec, PLACEMENT_LABEL, "fargate"));
    let seen = shop()
        .pending("labelled", 1, labelled)
        .pending("plain", 1, asks(200, 200))
        .seen();
    let rows = [
        ("labelled-0".to_owned(), Missed::Labelled, true),
        ("plain-0".to_owned(), Missed::Unlabelled, true),
    ];
    assert_eq!(told(&seen), rows);
    let first = &named(&seen)[0];
    assert_eq!(first.offer.as_str(), "fp/250m/512Mi");
    assert_eq!(first.price, model::UsdPerHour(12_342_500));
    assert_eq!(
        first.to_string(),
        "Fargate profile fp would take it for $0.0123/h: it carries our label, and EKS' webhook did not see it; \
         deleted, its controller makes it anew there"
    );
}

#[test]
fn a_profile_that_selects_a_pod_would_take_it_whatever_it_costs() {
    let cheap = Cluster::new()
        .group("g", 0, 9)
        .offer("g", "large", 8000, 32_000, 1_000)
        .profile("b", "default")
        .profile("a", "default");
    let seen = cheap.pending("web", 1, asks(200, 200)).seen();
    assert_eq!(told(&seen), [("web-0".to_owned(), Missed::Selected, true)]);
    assert_eq!(
        named(&seen)[0].profile.as_str(),
        "a",
        "the first by name takes it"
    );
}

#[test]
fn a_pod_that_belongs_on_ec2_is_not_named() {
    let owned = |kind: &str| with(|spec| spec.owner = Some(WorkloadKey::new(kind, "default", "w")));
    let cheap = || {
        let mut cheap = shop();
        cheap.seen.offers.iter_mut().for_each(|offer| {
            if !offer.is_fargate() {
                offer.price.0 = 1000;
            }
        });
        cheap
    };
    // EC2 is cheaper, and no profile selects it as it is.
    assert_eq!(told(&cheap().pending("web", 1, asks(200, 200)).seen()), []);
    // EKS has taken it; somebody else schedules it; Fargate cannot run it; a DaemonSet's.
    let taken = with(|spec| {
        label(spec, PLACEMENT_LABEL, "fargate");
        label(spec, PROFILE_LABEL, "fp");
    });
    let elsewhere = with(|spec| "volcano".clone_into(&mut spec.scheduler));
    let privileged = with(|spec| {
        label(spec, PLACEMENT_LABEL, "fargate");
        spec.traits.privileged = true;
    });
    for spec in [taken, elsewhere, privileged, owned("DaemonSet")] {
        assert_eq!(told(&shop().pending("p", 1, spec).seen()), []);
    }
}

#[test]
fn what_nobody_makes_anew_is_said_to_need_a_hand() {
    let marked = |spec: &mut PodSpec| label(spec, PLACEMENT_LABEL, "fargate");
    let bare = with(|spec| {
        marked(spec);
        spec.owner = None;
    });
    let stateful = with(|spec| {
        marked(spec);
        spec.owner = Some(WorkloadKey::new("StatefulSet", "default", "db"));
    });
    let counted = with(|spec| {
        marked(spec);
        spec.owner = Some(WorkloadKey::new("Job", "default", "report"));
    });
    let fixed = with(|spec| {
        marked(spec);
        spec.traits.do_not_disrupt = true;
    });
    for spec in [bare, stateful, counted, fixed] {
        let seen = shop().pending("p", 1, spec).seen();
        assert_eq!(told(&seen), [("p-0".to_owned(), Missed::Labelled, false)]);
    }
}

#[test]
fn a_replica_to_come_is_not_there_to_move() {
    let seen = shop().workload("Deployment", "web", 2, asks(200, 200)).seen();
    assert_eq!(told(&seen), []);
    let mut seen = shop().pending("web", 1, asks(200, 200)).seen();
    seen.pods[0].node = Some("somewhere".into());
    seen.at = NOW;
    assert_eq!(told(&seen), [], "it is bound");
}
