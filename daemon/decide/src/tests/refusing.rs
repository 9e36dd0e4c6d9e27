//! What is refused and why, and what is remembered.

use super::{plain, shop};
use crate::checker::check;
use crate::fixture::{Cluster, NOW, asks};
use crate::{PolicySet, deliberate};
use model::aims::Aims;
use model::ids::PodKey;
use model::memory::{Backoff, Memory};
use model::offer::Confidence;
use model::pod::Unmodelled;
use model::reason::{GroupBlock, Misfit, Refusal};
use model::resources::MIB;
use model::snapshot::Snapshot;
use model::time::Span;

#[test]
fn refusals_say_what_the_closest_offers_lack() {
    let mut picky = asks(500, 500);
    picky.node_selector.insert("disk".into(), "ssd".into());
    let mut odd = asks(500, 500);
    odd.unmodelled.push(Unmodelled::PodAntiAffinity);
    let mut gpu = asks(500, 500);
    gpu.requests.extended.insert("nvidia.com/gpu".into(), 1);
    let mib = |n: i64| n * MIB;
    let cases = [
        (
            asks(9000, 1),
            Misfit::InsufficientCpu {
                asked: 9000,
                there: 8000,
            },
        ),
        (
            asks(1, 20_000),
            Misfit::InsufficientMemory {
                asked: mib(20_000),
                there: mib(16384),
            },
        ),
        (
            picky,
            Misfit::NodeSelector {
                wants: "disk=ssd".into(),
            },
        ),
        (odd, Misfit::Unmodelled(Unmodelled::PodAntiAffinity)),
        (
            gpu,
            Misfit::InsufficientExtended {
                resource: "nvidia.com/gpu".into(),
                asked: 1,
                there: 0,
            },
        ),
        (
            asks(1_000_000_000_000_000_000, 1),
            Misfit::InsufficientCpu {
                asked: 10_i64.pow(18),
                there: 8000,
            },
        ),
    ];
    for (spec, expected) in cases {
        let done = plain(&shop().pending("p", 1, spec).seen());
        let Some(Refusal::Pod { why, .. }) = done.plan.refusals.first() else {
            panic!("{:?}", done.plan);
        };
        assert_eq!(*why, expected);
    }
    let nothing = plain(&Cluster::new().pending("p", 1, asks(1, 1)).seen());
    assert!(
        matches!(&nothing.plan.refusals[0], Refusal::Pod { why: Misfit::NoOffers, closest, .. } if closest.is_empty())
    );
}

#[test]
fn groups_that_may_not_grow_say_why() {
    let blocked = |change: &dyn Fn(&mut Snapshot, &mut Memory, &mut Aims)| {
        let (mut seen, mut memory, mut aims) = (
            shop().pending("web", 1, asks(500, 500)).seen(),
            Memory::default(),
            Aims::default(),
        );
        change(&mut seen, &mut memory, &mut aims);
        let done = deliberate(&seen, &memory, &PolicySet::default(), &aims);
        check(&seen, &aims, &done);
        done.plan.refusals.iter().find_map(|r| match r {
            Refusal::GroupStays { why, .. } => Some(why.clone()),
            _ => None,
        })
    };
    assert_eq!(blocked(&|_, _, _| ()), None);
    assert_eq!(
        blocked(&|s, _, _| s.groups[0].max = 0),
        Some(GroupBlock::AtMaximum)
    );
    assert_eq!(
        blocked(&|s, _, _| s.groups[0].foreign = Some("karpenter".into())),
        Some(GroupBlock::Foreign)
    );
    assert_eq!(
        blocked(&|_, _, a| a.groups.push("other".into())),
        Some(GroupBlock::NotInAims)
    );
    let back_off = Backoff {
        failures: 3,
        until: NOW + Span::from_secs(60),
    };
    assert_eq!(
        blocked(&|_, m, _| m.backoff = [("g".into(), back_off)].into()),
        Some(GroupBlock::BacksOff)
    );
}

#[test]
fn a_pool_without_capacity_is_passed_over_and_named_where_nothing_else_would_do() {
    let back_off = Backoff {
        failures: 1,
        until: NOW + Span::from_secs(180),
    };
    let seen = Cluster::new()
        .group("g", 0, 9)
        .offer("g", "cheap", 2000, 4096, 100)
        .offer("g", "dear", 2000, 4096, 200)
        .group("h", 0, 9)
        .offer("h", "cheap", 2000, 4096, 100)
        .pending("web", 1, asks(500, 500))
        .seen();
    let bought = |memory: &Memory, at: Span| {
        let mut seen = seen.clone();
        seen.at = NOW + at;
        let done = deliberate(&seen, memory, &PolicySet::default(), &Aims::default());
        let offer = done.plan.nodes.first().map(|node| node.offer.clone());
        let kind = offer.map(|id| seen.offers[seen.offer_ix(&id).unwrap()].kind.clone());
        (kind, done)
    };
    let pools = |kind: &str| {
        let of = seen.offers.iter().filter(|o| o.instance_type() == Some(kind));
        of.map(|o| (o.id.clone(), o.kind.clone())).collect::<Vec<_>>()
    };
    let (cheap, dear) = (pools("cheap"), pools("dear"));
    let mut memory = Memory::default();
    memory.no_capacity.insert(cheap[0].0.clone(), back_off);
    let (now, _) = bought(&memory, Span::ZERO);
    assert_eq!(now, Some(cheap[1].1.clone()), "the other zone");
    memory.no_capacity.insert(cheap[1].0.clone(), back_off);
    let (now, _) = bought(&memory, Span::ZERO);
    assert_eq!(
        now,
        Some(dear[0].1.clone()),
        "the other group buys from the same pools"
    );
    let (later, _) = bought(&memory, Span::from_secs(180));
    assert_eq!(later, Some(cheap[0].1.clone()));
    memory
        .no_capacity
        .extend(dear.iter().map(|(id, _)| (id.clone(), back_off)));
    let (none, done) = bought(&memory, Span::ZERO);
    assert_eq!(none, None);
    let said = format!("{:?}", done.plan.refusals);
    assert!(said.contains("NoCapacity"), "{said}");
}

/// What it was asked for still stands, and would come on top of what it is asked for now.
#[test]
fn a_group_that_looks_for_capacity_by_itself_is_asked_for_no_more() {
    let mut seen = Cluster::new()
        .group("a", 2, 9)
        .group("b", 0, 9)
        .offer("a", "cheap", 2000, 4096, 100)
        .offer("b", "dear", 2000, 4096, 900)
        .pending("web", 1, asks(500, 500))
        .seen();
    let bought = |seen: &Snapshot| {
        let done = deliberate(seen, &Memory::default(), &PolicySet::default(), &Aims::default());
        let group = done.plan.nodes.first().map(|node| node.group.to_string());
        (group, format!("{:?}", done.plan.refusals))
    };
    assert_eq!(bought(&seen).0.as_deref(), Some("a"));
    seen.short.insert("a".into(), NOW);
    assert_eq!(bought(&seen).0.as_deref(), Some("b"));
    seen.short.insert("b".into(), NOW);
    let (none, said) = bought(&seen);
    assert_eq!(none, None);
    assert!(said.contains("NoCapacity"), "{said}");
}

#[test]
fn offers_of_unknown_price_never_win_but_serve_what_nothing_else_runs() {
    let unknown = |cluster: Cluster| cluster.last_offers(|o| o.confidence = Confidence::Unknown);
    let dear = shop()
        .pending("web", 1, asks(500, 500))
        .offer("g", "mystery", 2000, 4096, 1);
    let done = plain(&unknown(dear).seen());
    assert!(!done.plan.nodes[0].offer.as_str().contains("mystery"));
    let large = shop()
        .pending("web", 1, asks(9000, 500))
        .offer("g", "mystery", 16000, 4096, 1);
    let done = plain(&unknown(large).seen());
    assert!(done.plan.nodes[0].offer.as_str().contains("mystery"));
}

#[test]
fn memory_is_bounded_and_follows_the_cluster() {
    let seen = shop()
        .node("n", "g", "small")
        .running("r", "n", asks(1000, 1024))
        .pending("w", 3, asks(9000, 1))
        .seen();
    let mut memory = Memory::default();
    for n in 0..200 {
        let mut now = seen.clone();
        now.at = NOW + Span::from_secs(n);
        memory = deliberate(&now, &memory, &PolicySet::default(), &Aims::default()).memory;
    }
    assert_eq!(memory.demand_history.len(), 128);
    assert_eq!(
        memory.waiting_since.get(&PodKey::new("default", "w-0")),
        Some(NOW)
    );
    let used = memory.utilisation[&"g".into()];
    assert_eq!(
        (used.cpu_requested, used.memory_requested, used.cpu_used),
        (500, 250, None)
    );
    let empty = Cluster::new().seen();
    memory = deliberate(&empty, &memory, &PolicySet::default(), &Aims::default()).memory;
    assert!(memory.waiting_since.is_empty() && memory.utilisation.is_empty());
}
