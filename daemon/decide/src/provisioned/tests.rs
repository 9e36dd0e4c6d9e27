//! What was provisioned counts for the bill and for the next pods; what cannot be read counts for nothing.

use crate::fixture::{Cluster, NOW, asks};
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::fargate::{FargateRates, FargateSize};
use model::memory::Memory;
use model::node::Node;
use model::pod::PodSpec;
use model::provisioned::PROVISIONED;
use model::resources::GIB;
use model::selector::Labels;
use model::{Instant, NodeName, Resources, Snapshot, Span, UsdPerHour};

const fn size(cpu_milli: i64, memory_mib: i64) -> FargateSize {
    FargateSize {
        cpu_milli,
        memory_mib,
    }
}

fn price(cpu_milli: i64, memory_mib: i64) -> UsdPerHour {
    FargateRates::US_EAST_1.of(size(cpu_milli, memory_mib))
}

/// A pod as EKS leaves it on Fargate.
fn taken(spec: PodSpec, said: &str) -> PodSpec {
    let mut spec = spec;
    spec.annotations.insert(PROVISIONED.to_owned(), said.to_owned());
    spec.scheduler = "fargate-scheduler".to_owned();
    spec
}

/// A profile beside nothing else, with a pod on it.
fn on_fargate(name: &str, spec: PodSpec) -> Cluster {
    let mut cluster = Cluster::new().profile("fp", "default");
    let node = format!("fargate-{name}");
    cluster.seen.nodes.push(Node {
        name: NodeName::new(&node),
        group: None,
        instance: None,
        offer: None,
        labels: Labels::new(),
        taints: Vec::new(),
        allocatable: Resources::new(2000, 8 * GIB),
        max_pods: 1,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: true,
        do_not_disrupt: false,
        draining: false,
        annotations: Labels::new(),
        unready: None,
        rate: None,
        created: NOW,
        usage: None,
        leaving: None,
        template: None,
    });
    cluster.running(name, &node, spec)
}

fn think(seen: &Snapshot, memory: &Memory) -> Deliberation {
    let done = deliberate(seen, memory, &PolicySet::default(), &Aims::default());
    let flaws = guard::audit(seen, &Aims::default(), &done.plan, &done.notes);
    assert!(flaws.is_empty(), "{flaws:?}");
    done
}

fn bought(done: &Deliberation) -> Vec<&str> {
    done.plan.nodes.iter().map(|node| node.offer.as_str()).collect()
}

#[test]
fn what_was_provisioned_is_the_bill_and_the_price_of_the_next_pod() {
    // A sidecar was put in after us: the template asks for less than what ran.
    let seen = on_fargate("old", taken(asks(600, 700), "1vCPU 2GB"))
        .workload("Deployment", "web", 2, asks(250, 200))
        .pending("new", 1, asks(250, 200))
        .seen();
    let done = think(&seen, &Memory::default());
    assert_eq!(done.notes.running_rate, price(1000, 2048));
    assert_eq!(bought(&done), ["fp/1000m/2048Mi"]);
    assert_eq!(done.plan.cost.rate, price(1000, 2048));
    assert_eq!(done.notes.classes[0].provisioned, Some(size(1000, 2048)));
    // It is remembered once nothing of it runs any more.
    let later = Cluster::new()
        .profile("fp", "default")
        .pending("new", 1, asks(250, 200))
        .seen();
    assert_eq!(bought(&think(&later, &done.memory)), ["fp/1000m/2048Mi"]);
    // Who asks for something else is priced by what it asks for.
    let other = Cluster::new()
        .profile("fp", "default")
        .pending("new", 1, asks(300, 200))
        .seen();
    assert_eq!(bought(&think(&other, &done.memory)), ["fp/500m/1024Mi"]);
}

#[test]
fn a_smaller_size_that_was_given_is_given_again() {
    let seen = on_fargate("old", taken(asks(500, 1000), "0.25vCPU 1GB"))
        .pending("new", 1, asks(500, 1000))
        .seen();
    let done = think(&seen, &Memory::default());
    assert_eq!(bought(&done), ["fp/250m/1024Mi"]);
    assert_eq!(done.notes.running_rate, price(250, 1024));
}

#[test]
fn what_cannot_be_read_is_ignored() {
    let seen = on_fargate("old", taken(asks(600, 700), "a lot"))
        .pending("new", 1, asks(600, 700))
        .seen();
    let done = think(&seen, &Memory::default());
    assert!(done.memory.provisioned.is_empty());
    assert_eq!(bought(&done), ["fp/1000m/2048Mi"]);
    assert_eq!(done.notes.running_rate, price(1000, 2048), "as computed");
}

#[test]
fn only_pods_on_fargate_tell() {
    let seen = Cluster::new()
        .group("g", 1, 9)
        .offer("g", "large", 8000, 32_000, 400_000_000)
        .node("n", "g", "large")
        .running("web", "n", taken(asks(100, 100), "16vCPU 120GB"))
        .seen();
    let done = think(&seen, &Memory::default());
    assert!(done.memory.provisioned.is_empty());
    assert_eq!(done.notes.running_rate, UsdPerHour(400_000_000));
}

#[test]
fn a_pod_of_an_old_template_says_nothing_of_the_new_one() {
    let running = || on_fargate("old", taken(asks(600, 700), "1vCPU 2GB"));
    let before = running().workload("Deployment", "web", 1, asks(600, 700)).seen();
    let learned = think(&before, &Memory::default()).memory;
    let after = running().workload("Deployment", "web", 2, asks(250, 200)).seen();
    let done = think(&after, &learned);
    assert_eq!(done.memory.provisioned, learned.provisioned);
    assert_eq!(bought(&done), ["fp/250m/512Mi"]);
}

#[test]
fn the_newest_pod_counts() {
    let mut cluster = on_fargate("a", taken(asks(600, 700), "1vCPU 2GB")).running(
        "b",
        "fargate-a",
        taken(asks(600, 700), "2vCPU 4GB"),
    );
    for (pod, minute) in cluster.seen.pods.iter_mut().zip([2, 1]) {
        pod.created = Instant(0) + Span::from_secs(60 * minute);
    }
    let done = think(
        &cluster.pending("new", 1, asks(600, 700)).seen(),
        &Memory::default(),
    );
    assert_eq!(bought(&done), ["fp/1000m/2048Mi"]);
}

#[test]
fn remembered_workloads_are_bounded() {
    let mut memory = Memory::default();
    for number in 0..super::KEPT as u64 {
        let owner = model::WorkloadKey::new("Job", "default", format!("job-{number}"));
        let known = model::provisioned::Provisioned {
            size: size(250, 512),
            asked: Vec::new(),
            at: Instant(i64::try_from(number).unwrap()),
        };
        memory.provisioned.insert(owner, known);
    }
    let seen = on_fargate("old", taken(asks(600, 700), "1vCPU 2GB")).seen();
    let done = think(&seen, &memory);
    assert_eq!(done.memory.provisioned.len(), super::KEPT);
    let oldest = model::WorkloadKey::new("Job", "default", "job-0");
    assert!(!done.memory.provisioned.contains_key(&oldest));
}

/// Ephemeral storage beyond 20 GiB costs on Fargate: in the bill, in the price of a plan, and in the choice.
#[test]
fn storage_counts() {
    let wide = |gib: i64| {
        let mut spec = asks(250, 200);
        spec.requests.ephemeral_bytes = gib * GIB;
        spec
    };
    let storage = FargateRates::US_EAST_1.of_storage(120 * GIB);
    assert_eq!(storage, UsdPerHour(11_100_000));
    let seen = on_fargate("old", wide(120)).pending("new", 1, wide(120)).seen();
    let done = think(&seen, &Memory::default());
    assert_eq!(done.notes.running_rate, price(250, 512) + storage);
    assert_eq!(done.plan.cost.rate, price(250, 512) + storage);
    assert_eq!(done.plan.nodes[0].storage, storage);
    assert_eq!(done.notes.classes[0].fargate, Some(price(250, 512) + storage));
    // An EC2 node between both prices: the storage decides.
    let between = price(250, 512) + UsdPerHour(storage.0 / 2);
    let either = |gib| {
        let shop = Cluster::new().profile("fp", "default").group("g", 0, 9);
        let shop = shop
            .offer("g", "small", 300, 300, between.0)
            .last_offers(|offer| {
                offer.allocatable.ephemeral_bytes = 200 * GIB;
            });
        let done = think(&shop.pending("new", 1, wide(gib)).seen(), &Memory::default());
        bought(&done)[0].starts_with("fp/")
    };
    assert!(either(20), "storage is free, and Fargate is cheaper");
    assert!(!either(120), "storage makes it dearer");
}
