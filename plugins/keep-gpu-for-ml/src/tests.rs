//! On made-up pictures of a group of nodes with four GPUs each.

use super::*;
use plimsoll_sdk::Phase;
use plimsoll_sdk::testing::{
    Candidate, Class, Group, Labels, Node, Offer as MadeOffer, Picture, Pod, Set as MadeSet, Step, Workload,
};
use std::collections::BTreeMap;

const NOW: u64 = 1_793_577_600_000;
const GPU: &str = "nvidia.com/gpu";

fn gpus(count: u32) -> BTreeMap<String, u32> {
    [(GPU.to_owned(), count)].into()
}

fn labels(key: &str, value: &str) -> Labels {
    [(key.to_owned(), value.to_owned())].into()
}

fn policy(json: &str) -> KeepGpuForMl {
    KeepGpuForMl::read(json).unwrap()
}

/// Groups `gpu` and `workers`, the first with so many nodes and as many asked for.
fn cluster(nodes: u32, desired: u32) -> Picture {
    let group = |name: &str| Group {
        name: name.to_owned(),
        desired,
        ..Group::default()
    };
    let picture = Picture::new()
        .at(NOW)
        .group(group("gpu"))
        .group(group("workers"))
        .offer(MadeOffer {
            extended: gpus(4),
            ..MadeOffer::default()
        })
        .offer(MadeOffer {
            group: 1,
            ..MadeOffer::default()
        });
    (0..nodes).fold(picture, |picture, n| {
        picture.node(Node {
            name: format!("gpu-{n}"),
            extended: gpus(4),
            ..Node::default()
        })
    })
}

fn member(gang: &str, n: u32, gpus_of_it: u32, node: Option<u32>) -> Pod {
    Pod {
        name: format!("{gang}-{n}"),
        node,
        phase: if node.is_some() {
            Phase::Running
        } else {
            Phase::Pending
        },
        extended: gpus(gpus_of_it),
        labels: labels("training.kubeflow.org/job-name", gang),
        ..Pod::default()
    }
}

#[test]
fn gpu_sets_are_for_pods_that_ask_for_gpus() {
    let set = |name: &str| MadeSet {
        name: name.to_owned(),
        group: name.to_owned(),
        ..MadeSet::default()
    };
    let picture = cluster(0, 0)
        .set(set("gpu"))
        .set(set("workers"))
        .class(Class::default())
        .class(Class {
            extended: gpus(1),
            ..Class::default()
        });
    let view = picture.view();
    let prices = policy("{}").place(&view).unwrap();
    prices.check(&view).unwrap();
    let bans = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(class, set)| prices.ban(class, set));
    assert_eq!(bans, [Some(NOT_FOR_OTHERS), None, None, None]);
}

#[test]
fn a_notebook_that_nobody_uses_goes_to_zero() {
    let mut state = Vec::new();
    for (minute, value, wanted) in [
        (0, Some(5.0), None),
        (59, Some(5.0), None),
        (60, None, None),
        (61, Some(5.0), None),
        (121, Some(5.0), Some((0, NOTEBOOK_IDLE))),
        (122, Some(50.0), None),
        (123, Some(5.0), None),
    ] {
        let notebook = |name: &str, label: &str| Workload {
            name: name.to_owned(),
            replicas: 1,
            pods: 1,
            value,
            labels: labels(label, name),
            ..Workload::default()
        };
        let picture = Picture::new()
            .at(NOW + minute * MINUTE)
            .workload(notebook("mine", "notebook-name"))
            .workload(notebook("shop", "app"))
            .state(&state);
        let view = picture.view();
        let replicas = policy("{}").scale(&view).unwrap();
        replicas.check(&view).unwrap();
        assert_eq!(
            (replicas.get(0), replicas.get(1)),
            (wanted, None),
            "minute {minute}"
        );
        state = picture.kept().unwrap();
    }
}

fn trials(minute: u64, pods: u32, each: u32, state: &[u8]) -> Picture {
    let mut picture = cluster(1, 1).at(NOW + minute * MINUTE).state(state);
    for n in 0..pods {
        picture = picture.pod(Pod {
            name: format!("trial-{n}"),
            cpu_milli: 2000,
            memory_mib: 4096,
            extended: gpus(each),
            labels: labels("katib.kubeflow.org/experiment", "sweep"),
            ..Pod::default()
        });
    }
    picture.candidate(Candidate {
        name: "gpu-0".to_owned(),
        ..Candidate::default()
    })
}

#[test]
fn the_next_trials_find_room_while_the_experiment_runs() {
    let mut state = Vec::new();
    for (minute, pods, room) in [(0, 3, 0), (1, 1, 2), (2, 0, 3), (11, 0, 3), (12, 0, 0)] {
        let picture = trials(minute, pods, 0, &state);
        let kept = policy("{}").reserve(&picture.view()).unwrap();
        kept.check().unwrap();
        let expected: &[_] = if room > 0 {
            &[(room, 2000, 4096, NEXT_TRIALS)]
        } else {
            &[]
        };
        assert_eq!(kept.kept(), expected, "minute {minute}");
        state = picture.kept().unwrap();
    }
}

#[test]
fn gpu_nodes_stay_while_the_experiment_runs() {
    let mut state = Vec::new();
    for (minute, pods, denied) in [(0, 1, true), (5, 0, true), (11, 0, false)] {
        let picture = trials(minute, pods, 1, &state);
        let view = picture.view();
        let verdicts = policy("{}").judge(&view).unwrap();
        verdicts.check(&view).unwrap();
        assert_eq!(verdicts.denial(0).is_some(), denied, "minute {minute}");
        assert!(policy("{}").reserve(&view).unwrap().kept().is_empty());
        state = picture.kept().unwrap();
    }
    let without = trials(0, 1, 0, &[]);
    assert_eq!(policy("{}").judge(&without.view()).unwrap(), Verdicts::default());
}

#[test]
fn a_part_of_a_gang_is_bought_nothing() {
    let grow = |to: u32| Step {
        group: "gpu".to_owned(),
        from: 0,
        to,
        ..Step::default()
    };
    let held = |picture: Picture| {
        let picture = picture.step(Step::default());
        let view = picture.view();
        let holds = policy("{}").review(&view).unwrap();
        holds.check(&view).unwrap();
        assert_eq!(holds.held(1), None, "other groups grow");
        holds.held(0).is_some()
    };
    let gang = |picture: Picture, members: u32| {
        (0..members).fold(picture, |picture, n| picture.pod(member("train", n, 4, None)))
    };
    // Three members of four GPUs each: three nodes, however they come.
    assert!(held(gang(cluster(0, 0), 3).step(grow(2))));
    assert!(!held(gang(cluster(0, 0), 3).step(grow(3))));
    assert!(!held(gang(cluster(1, 1), 3).step(grow(2))), "one is free");
    assert!(!held(gang(cluster(0, 1), 3).step(grow(2))), "one is on its way");
    let taken = cluster(1, 1).pod(member("other", 0, 2, Some(0)));
    assert!(held(gang(taken, 3).step(grow(2))), "one is taken in part");
    // The fourth has not been made yet.
    let mut said = gang(cluster(0, 0), 3).step(grow(3));
    said.pods[0].annotations = labels("plimsoll.io/gang-size", "4");
    assert!(held(said));
    // Somebody else waits for a GPU: what is bought may be for that.
    let single = Pod {
        labels: Labels::new(),
        ..member("single", 9, 1, None)
    };
    assert!(!held(gang(cluster(0, 0), 3).pod(single).step(grow(2))));
    // The smaller one of two gangs would be whole.
    let two = gang(cluster(0, 0), 3).pod(member("small", 0, 4, None));
    assert!(!held(two.step(grow(1))));
}

#[test]
fn bad_configuration_names_the_field() {
    for (json, expected) in [
        (r#"{"resource": ""}"#, "resource"),
        (r#"{"linger_minutes": 0}"#, "linger_minutes"),
        (r#"{"idle_minutes": 10081}"#, "idle_minutes"),
        (r#"{"gpu": 1}"#, "gpu"),
    ] {
        let refused = KeepGpuForMl::read(json).err().unwrap();
        assert!(refused.contains(expected), "{refused}");
    }
}
