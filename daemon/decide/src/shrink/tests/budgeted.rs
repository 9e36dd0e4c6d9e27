//! Stories of budgets of the aims: what they keep, what they say, and that they open.

use super::{long_unneeded, names, pair, small, stays};
use crate::fixture::{Cluster, NOW, OLD, asks, removal};
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::disruption::{Cause, Closed, NodeBudget, Share};
use model::intent::{Intent, RemoveStage};
use model::memory::Memory;
use model::reason::Stays;
use model::schedule::{Ends, Schedule};
use model::snapshot::Snapshot;
use model::time::{Instant, Span};

/// NOW is 22:13:20 on a Tuesday.
const OPENS: Instant = Instant(NOW.0 - 800_000 + 3_600_000);

fn budget(nodes: u32, causes: &[Cause]) -> Aims {
    let mut aims = Aims::default();
    aims.disruption.budgets.push(NodeBudget {
        name: "evening".to_owned(),
        groups: vec!["g".into()],
        causes: causes.to_vec(),
        nodes: Share::Count(nodes),
        schedule: Some(Schedule {
            starts: "0 17 * * tue".to_owned(),
            ends: Ends::At { hour: 18, minute: 0 },
            zone: "America/New_York".to_owned(),
        }),
    });
    aims
}

fn run(seen: &Snapshot, aims: &Aims) -> Deliberation {
    deliberate(seen, &long_unneeded(), &PolicySet::default(), aims)
}

fn closed(nodes: u32) -> Stays {
    Stays::NodeBudget(Closed {
        budget: "evening".to_owned(),
        nodes,
        until: Some(OPENS),
    })
}

#[test]
fn nothing_is_begun_in_a_freeze_and_all_that_waited_goes_when_it_ends() {
    let mut seen = pair(small()).seen();
    let aims = budget(0, &[]);
    let done = run(&seen, &aims);
    assert_eq!(names(&done), [""; 0]);
    assert_eq!(stays(&done, "n2"), Some(closed(0)));
    assert_eq!(
        done.memory.unneeded_since.get(&"n2".into()),
        Some(&OLD),
        "it does not wait anew"
    );
    assert_eq!(done, run(&seen, &aims), "a replay finds the same");
    seen.at = OPENS;
    assert_eq!(names(&run(&seen, &aims)).len(), 1);
}

#[test]
fn a_budget_holds_what_it_speaks_of_and_nothing_else() {
    let full = pair(small()).seen();
    let empty = Cluster::new()
        .group("g", 2, 9)
        .offer("g", "s", 1000, 1000, 100_000_000)
        .node("n1", "g", "s")
        .last_node(|node| node.do_not_disrupt = true)
        .node("n2", "g", "s")
        .running("big", "n1", asks(500, 500))
        .seen();
    for (causes, goes) in [
        (vec![Cause::Empty], [true, false]),
        (vec![Cause::Underused], [false, true]),
        (vec![Cause::Drifted, Cause::Expired], [true, true]),
        (vec![Cause::Empty, Cause::Underused], [false, false]),
    ] {
        let aims = budget(0, &causes);
        let found = [&full, &empty].map(|seen| !names(&run(seen, &aims)).is_empty());
        assert_eq!(found, goes, "{causes:?}");
    }
}

/// Four empty nodes, all of which could go.
fn four() -> (Snapshot, Memory) {
    let mut cluster = Cluster::new()
        .group("g", 4, 9)
        .offer("g", "s", 1000, 1000, 100_000_000);
    let mut memory = Memory::default();
    for name in ["n1", "n2", "n3", "n4"] {
        cluster = cluster.node(name, "g", "s");
        memory.unneeded_since.insert(name.into(), OLD);
    }
    cluster.seen.groups[0].min = 0;
    (cluster.seen(), memory)
}

#[test]
fn as_many_go_as_a_budget_has_room_for() {
    let (mut seen, memory) = four();
    for (nodes, begun) in [(0, 0), (1, 1), (3, 3), (9, 4)] {
        let mut aims = budget(nodes, &[]);
        aims.shrink.parallel = 10;
        let done = deliberate(&seen, &memory, &PolicySet::default(), &aims);
        assert_eq!(names(&done).len(), begun, "{nodes}");
    }
    seen.ledger.intents.push(removal("n1", RemoveStage::Draining));
    (seen.nodes[0].draining, seen.nodes[0].unschedulable) = (true, true);
    let mut aims = budget(2, &[]);
    aims.shrink.parallel = 10;
    let done = deliberate(&seen, &memory, &PolicySet::default(), &aims);
    let begun = names(&done)
        .iter()
        .filter(|name| name.starts_with("cordon"))
        .count();
    assert_eq!(begun, 1, "one is on its way out: {:?}", names(&done));
}

#[test]
fn pods_of_a_removal_that_has_begun_stay_in_a_freeze_and_leave_after_it() {
    let mut seen = pair(small()).seen();
    (seen.nodes[1].draining, seen.nodes[1].unschedulable) = (true, true);
    seen.ledger.intents.push(Intent {
        deadline: NOW + Span::from_secs(7200),
        ..removal("n2", RemoveStage::Draining)
    });
    let frozen = run(&seen, &budget(0, &[]));
    assert_eq!(names(&frozen), [""; 0]);
    assert_eq!(stays(&frozen, "n2"), Some(closed(0)));
    // A budget of one is no freeze, and one that speaks of some removals only cannot tell whose this is.
    for aims in [budget(1, &[]), budget(0, &[Cause::Expired])] {
        assert_eq!(names(&run(&seen, &aims)), ["evict default/small from n2"]);
    }
    seen.at = OPENS;
    assert_eq!(
        names(&run(&seen, &budget(0, &[]))),
        ["evict default/small from n2"]
    );
}
