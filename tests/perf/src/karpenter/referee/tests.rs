//! The referee lets a placement pass that is right by construction, and none of the seeded corruptions of it.

use super::*;
use crate::data;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// Every pod on a node of its own, of the smallest type that holds it; whoever has one label with one value is dealt
/// over the zones in turn, whoever wants company goes where its first like went.
fn apart(input: &Input) -> Vec<Bought> {
    let zones = ["test-zone-1", "test-zone-2", "test-zone-3"];
    let mut dealt: BTreeMap<&BTreeMap<String, String>, usize> = BTreeMap::new();
    let node = |pod: &RawPod, zone: usize| {
        let room = |of: &&RawType| {
            of.allocatable.cpu_milli >= pod.requests.cpu_milli
                && of.allocatable.memory_bytes >= pod.requests.memory_bytes
        };
        Bought {
            of: input.instance_types.iter().find(room).unwrap().name.clone(),
            zone: zones[zone].to_owned(),
            pods: vec![pod.name.clone()],
        }
    };
    let mut place = |pod| {
        let of: &RawPod = pod;
        let turn = dealt.entry(&of.labels).or_insert(0);
        if of.affinity.pod_affinity.required.is_empty() {
            *turn += 1;
        }
        node(of, *turn % 3)
    };
    input.pods.iter().map(&mut place).collect()
}

fn input() -> Option<(Input, Vec<Bought>)> {
    let there = data::folder()
        .join("peers/karpenter-bench-input-1000.json.gz")
        .exists();
    if !there {
        eprintln!(
            "skipped: Karpenter's input is not at {}",
            data::folder().display()
        );
        return None;
    }
    let input = Input::read(1000).unwrap();
    let nodes = apart(&input);
    Some((input, nodes))
}

/// A node that carries such a pod, by chance.
fn with(input: &Input, nodes: &[Bought], random: &mut Pcg64, such: impl Fn(&RawPod) -> bool) -> usize {
    let carries = |node: &Bought| {
        let mut pods = input.pods.iter();
        node.pods
            .first()
            .is_some_and(|name| such(pods.find(|pod| pod.name == *name).unwrap()))
    };
    let all: Vec<usize> = (0..nodes.len()).filter(|at| carries(&nodes[*at])).collect();
    *all.choose(random).unwrap()
}

fn spreads(pod: &RawPod, key: &str) -> bool {
    pod.spread.iter().any(|spread| spread.topology_key == key)
}

/// Moves everybody on one node onto another, of the largest type.
fn merge(nodes: &mut Vec<Bought>, from: usize, to: usize) {
    let moved = std::mem::take(&mut nodes[from].pods);
    nodes[to].pods.extend(moved);
    nodes[to].of = "fake-it-399".to_owned();
    nodes.remove(from);
}

#[test]
fn what_is_right_passes() {
    let Some((input, nodes)) = input() else { return };
    let verdict = judge(&input, &nodes).unwrap();
    assert_eq!((verdict.placed, verdict.rules), (1000, 800));
    let priced = |node: &Bought| input.instance_types.iter().find(|of| of.name == node.of).unwrap();
    let dollars: f64 = nodes.iter().map(|node| priced(node).offerings[0].price).sum();
    assert!((verdict.dollars - dollars).abs() < 1e-6);
}

#[test]
fn whoever_has_no_place_is_not_counted() {
    let Some((input, mut nodes)) = input() else { return };
    let plain = nodes
        .iter()
        .rposition(|node| node.pods[0] == input.pods[999].name)
        .unwrap();
    nodes.remove(plain);
    // The rest may have lost its balance; the count of places is what is looked at.
    if let Ok(verdict) = judge(&input, &nodes) {
        assert_eq!(verdict.placed, 999);
    }
}

#[test]
fn seeded_corruptions_are_caught() {
    let Some((input, nodes)) = input() else { return };
    for seed in 0..20 {
        let random = &mut Pcg64::seed_from_u64(seed);
        let caught = |nodes: &[Bought], what: &str, by: &str| {
            let error = judge(&input, nodes).expect_err(what).to_string();
            assert!(error.contains(by), "{what}, seed {seed}: {error}");
        };
        let such = |random: &mut Pcg64, kind: fn(&RawPod) -> bool| with(&input, &nodes, random, kind);

        let mut two = nodes.clone();
        let at = such(random, |pod| !pod.affinity.pod_affinity.required.is_empty());
        two[at].zone = two[at].zone.replace(['1', '2', '3'], "9");
        caught(&two, "a zone nobody sells in", "is not sold in");

        let mut two = nodes.clone();
        let other = if two[at].zone.ends_with('1') {
            "test-zone-2"
        } else {
            "test-zone-1"
        };
        two[at].zone = other.to_owned();
        caught(&two, "one apart from its like", "wants to be together");

        let mut two = nodes.clone();
        let at = such(random, |pod| pod.labels.contains_key("my-label"));
        let label = |name: &str| {
            let pod = input.pods.iter().find(|pod| pod.name == name).unwrap();
            pod.labels.get("my-label").cloned()
        };
        let (zone, of) = (two[at].zone.clone(), label(&two[at].pods[0]));
        let mut moved = 0;
        for node in two
            .iter_mut()
            .filter(|node| node.zone != zone && label(&node.pods[0]) == of)
            .take(2)
        {
            node.zone.clone_from(&zone);
            moved += 1;
        }
        assert_eq!(moved, 2);
        caught(&two, "zones out of balance", "apart, at most 1");

        let mut two = nodes.clone();
        let at = such(random, RawPod::wants_own_node);
        let like = (0..two.len())
            .find(|to| {
                *to != at
                    && label(&two[*to].pods[0]).is_none()
                    && two[*to].zone == two[at].zone
                    && input
                        .pods
                        .iter()
                        .any(|pod| pod.name == two[*to].pods[0] && pod.wants_own_node())
            })
            .unwrap();
        merge(&mut two, at, like);
        caught(&two, "two that want each other away", "wants away");

        let mut two = nodes.clone();
        let at = such(random, |pod| spreads(pod, HOSTNAME));
        let pod = input.pods.iter().find(|pod| pod.name == two[at].pods[0]).unwrap();
        let counted = |name: &str| {
            let pod_of = input.pods.iter().find(|pod| pod.name == name).unwrap();
            selects(&pod.spread[0].label_selector, pod_of)
        };
        let mut beside: Vec<usize> = (0..two.len())
            .filter(|to| *to != at && two[*to].zone == two[at].zone && counted(&two[*to].pods[0]))
            .collect();
        beside.truncate(2);
        for from in beside.iter().rev() {
            let moved = std::mem::take(&mut two[*from].pods);
            two[at].pods.extend(moved);
        }
        two[at].of = "fake-it-399".to_owned();
        two.retain(|node| !node.pods.is_empty());
        caught(&two, "too many beside one that spreads", "beside it, at most 1");

        let mut two = nodes.clone();
        let at = random.random_range(0..two.len());
        let twin = two[at].clone();
        two.push(twin);
        caught(&two, "a pod with two places", "has two places");

        let mut two = nodes.clone();
        let large = such(random, |pod| pod.requests.cpu_milli > 900);
        two[large].of = "fake-it-0".to_owned();
        caught(&two, "a type that is too small", "over-committed");

        let mut two = nodes.clone();
        two[at].pods[0].push('x');
        caught(&two, "a pod that is not there", "nobody is called");
    }
}
