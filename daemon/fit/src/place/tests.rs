//! Tables of the rules.

use super::*;
use crate::fixture::asks;
use model::pod::Toleration;
use model::selector::NodeTerm;

fn taint(key: &str, value: &str, effect: TaintEffect) -> Taint {
    Taint {
        key: key.into(),
        value: value.into(),
        effect,
    }
}

fn term(labels: Vec<Requirement>, fields: Vec<Requirement>) -> Vec<NodeTerm> {
    vec![NodeTerm { labels, fields }]
}

fn with(change: impl FnOnce(&mut PodSpec)) -> PodSpec {
    let mut spec = asks(1, 1);
    change(&mut spec);
    spec
}

fn is_in(key: &str, value: &str) -> Requirement {
    Requirement {
        key: key.into(),
        operator: Operator::In(vec![value.into()]),
    }
}

/// Asserts what objects to the pod on a node named `n1` with the labels `disk=ssd` and `zone=a`.
fn expect(name: &str, spec: &PodSpec, taints: &[Taint], expected: &[Misfit]) {
    let labels = Labels::from([
        ("disk".to_owned(), "ssd".to_owned()),
        ("zone".to_owned(), "a".to_owned()),
    ]);
    let place = Place {
        labels: &labels,
        name: "n1",
        taints,
    };
    assert_eq!(rules(spec, place), expected, "{name}");
    assert_eq!(admits(spec, place), expected.is_empty(), "{name}");
}

#[test]
fn taints_object_one_by_one() {
    let hard = [
        taint("gpu", "yes", TaintEffect::NoSchedule),
        taint("old", "", TaintEffect::NoExecute),
    ];
    let soft = [taint("slow", "", TaintEffect::PreferNoSchedule)];
    let tolerating = |tolerations: &[(&str, Option<&str>, Option<TaintEffect>)]| {
        let one = |(key, value, effect): &(&str, Option<&str>, Option<TaintEffect>)| Toleration {
            key: (!key.is_empty()).then(|| (*key).to_owned()),
            value: value.map(Into::into),
            effect: *effect,
        };
        with(|s| s.tolerations = tolerations.iter().map(one).collect())
    };
    let untolerated = |t: &str| Misfit::UntoleratedTaint { taint: t.into() };
    let (gpu, old) = (untolerated("gpu=yes:NoSchedule"), untolerated("old:NoExecute"));
    expect("soft", &asks(1, 1), &soft, &[]);
    expect("two", &asks(1, 1), &hard, &[gpu.clone(), old.clone()]);
    let by_value = tolerating(&[("gpu", Some("yes"), Some(TaintEffect::NoSchedule))]);
    expect("by value", &by_value, &hard, &[old]);
    let wrong = tolerating(&[("gpu", Some("no"), None), ("old", None, None)]);
    expect("wrong value", &wrong, &hard, &[gpu]);
    expect("everything", &tolerating(&[("", None, None)]), &hard, &[]);
}

#[test]
fn selectors_and_affinity_object_one_by_one() {
    let wants = |w: &str| Misfit::NodeSelector { wants: w.into() };
    let two = with(|s| {
        s.node_selector.insert("arch".into(), "arm64".into());
        s.node_selector.insert("disk".into(), "hdd".into());
    });
    expect(
        "two selectors",
        &two,
        &[],
        &[wants("arch=arm64"), wants("disk=hdd")],
    );
    let cases = [
        ("label", term(vec![is_in("zone", "a")], vec![]), true),
        ("other zone", term(vec![is_in("zone", "b")], vec![]), false),
        ("name", term(vec![], vec![is_in("metadata.name", "n1")]), true),
        (
            "another name",
            term(vec![], vec![is_in("metadata.name", "n2")]),
            false,
        ),
        (
            "an unknown field",
            term(vec![], vec![is_in("spec.x", "n1")]),
            false,
        ),
        ("no terms at all", vec![], false),
        ("an empty term", term(vec![], vec![]), false),
    ];
    for (name, terms, admitted) in cases {
        let objections = if admitted {
            vec![]
        } else {
            vec![Misfit::NodeAffinity]
        };
        expect(name, &with(|s| s.node_affinity = Some(terms)), &[], &objections);
    }
}

#[test]
fn amounts_object_one_by_one() {
    let mut asked = Resources::new(2000, 10);
    asked.ephemeral_bytes = 5;
    asked.extended.insert("nvidia.com/gpu".into(), 2);
    let codes: Vec<&str> = amounts(&asked, &Resources::new(1000, 9), 0)
        .iter()
        .map(Misfit::code)
        .collect();
    let expected = [
        "InsufficientCpu",
        "InsufficientMemory",
        "InsufficientEphemeralStorage",
        "InsufficientExtendedResource",
        "TooManyPods",
    ];
    assert_eq!(codes, expected);
    assert_eq!(amounts(&Resources::new(0, 9), &Resources::new(-1, 9), 1), []);
}

#[test]
fn daemons_ignore_the_taints_of_a_node_s_condition_but_not_those_of_its_group() {
    let labels = Labels::new();
    let booting = [taint("node.kubernetes.io/not-ready", "", TaintEffect::NoSchedule)];
    let dedicated = [taint("team", "ml", TaintEffect::NoSchedule)];
    let spec = asks(1, 1);
    let place = |taints| Place {
        labels: &labels,
        name: "",
        taints,
    };
    assert!(daemon_runs(&spec, place(&booting)));
    assert!(!daemon_runs(&spec, place(&dedicated)));
}

#[test]
fn volumes_object_where_they_cannot_be_had() {
    let here = term(vec![is_in("zone", "a")], Vec::new());
    let there = term(vec![is_in("zone", "b")], Vec::new());
    let either: Vec<NodeTerm> = here.iter().chain(&there).cloned().collect();
    let out = |wants: &str| Misfit::VolumeOutOfReach { wants: wants.into() };
    let of = |reach: &[Vec<NodeTerm>]| with(|s| s.reach = reach.to_vec());
    expect("here", &of(&[here.clone(), either.clone()]), &[], &[]);
    expect(
        "there",
        &of(&[here.clone(), there.clone()]),
        &[],
        &[out("zone is b")],
    );
    expect("nowhere", &of(&[Vec::new()]), &[], &[out("")]);
    let mut two = of(&[there]);
    two.requests
        .extended
        .insert(model::resources::attach_limit("d"), 2);
    let mut room = two.requests.clone();
    assert_eq!(amounts(&two.requests, &room, 1), []);
    room.extended.insert(model::resources::attach_limit("d"), 1);
    let too_many = Misfit::TooManyVolumes {
        driver: "d".into(),
        asked: 2,
        there: 1,
    };
    assert_eq!(amounts(&two.requests, &room, 1), [too_many]);
    assert!(admits_but_for_volumes(
        &two,
        Place {
            labels: &Labels::new(),
            name: "",
            taints: &[],
        }
    ));
}

#[test]
fn preferences_add_up_and_never_object() {
    let liked = |key: &str, value: &str, weight| model::pod::Preference {
        term: term(vec![is_in(key, value)], Vec::new()).remove(0),
        weight,
    };
    let spec = with(|s| {
        s.prefers = vec![
            liked("disk", "ssd", 3),
            liked("zone", "a", 40),
            liked("zone", "b", 100),
        ];
    });
    expect("preferring", &spec, &[], &[]);
    let labels = Labels::from([
        ("disk".to_owned(), "ssd".to_owned()),
        ("zone".to_owned(), "a".to_owned()),
    ]);
    let place = Place {
        labels: &labels,
        name: "n1",
        taints: &[],
    };
    assert_eq!(preference(&spec, place), 43);
    assert_eq!(preference(&asks(1, 1), place), 0);
}
