//! Instances without a node: from when they are counted, when they go, and what keeps them.

use crate::fixture::{Cluster, NOW};
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::group::{GroupKind, Instance, InstanceState};
use model::ids::{InstanceId, IntentId};
use model::intent::{Intent, IntentKind, RemoveStage, nodeless};
use model::memory::Memory;
use model::plan::StepKind;
use model::reason::{Reason, Refusal, Stays};
use model::snapshot::{Freshness, Snapshot, Source};
use model::time::Span;

const LOST: &str = "i-lost";
const PROVISION: Span = Span::from_secs(900);

/// One node, and one instance that has none.
fn seen() -> Snapshot {
    let mut seen = Cluster::new()
        .group("web", 2, 5)
        .offer("web", "m", 2000, 4096, 100_000_000)
        .node("n1", "web", "m")
        .seen();
    seen.groups[0].instances.push(Instance {
        id: InstanceId::new(LOST),
        instance_type: None,
        zone: None,
        state: InstanceState::InService,
        launched: None,
    });
    seen
}

fn waited(span: Span) -> Memory {
    let mut memory = Memory::default();
    memory.nodeless_since.insert(InstanceId::new(LOST), NOW - span);
    memory
}

fn run(seen: &Snapshot, memory: &Memory) -> Deliberation {
    deliberate(seen, memory, &PolicySet::default(), &Aims::default())
}

fn removals(done: &Deliberation) -> Vec<(String, Reason)> {
    let gone = |step: &model::plan::Step| match &step.kind {
        StepKind::RemoveInstance { instance, .. } => Some((instance.to_string(), step.reason.clone())),
        _ => None,
    };
    done.plan.steps.iter().filter_map(gone).collect()
}

#[test]
fn an_instance_without_a_node_goes_after_the_provision_time() {
    let seen = seen();
    let first = run(&seen, &Memory::default());
    assert_eq!(removals(&first), [], "it was never seen before");
    assert_eq!(first.memory.nodeless_since[&InstanceId::new(LOST)], NOW);
    let almost = run(&seen, &waited(Span::from_secs(899)));
    assert_eq!(removals(&almost), []);
    let done = run(&seen, &waited(PROVISION));
    let why = Reason::NeverJoined { waited: PROVISION };
    assert_eq!(removals(&done), [(LOST.to_owned(), why)]);
    let step = done
        .plan
        .steps
        .iter()
        .find(|step| step.kind.name() == "RemoveInstance");
    assert!(
        step.is_some_and(|step| step.intent.is_some()),
        "an intent is opened for it"
    );
}

/// `maxnodeprovisiontime` of the group wins over the aims.
#[test]
fn a_group_has_a_provision_time_of_its_own() {
    for (own, waited_for, goes) in [
        (300, 299, 0),
        (300, 300, 1),
        (1800, 900, 0),
        (1800, 1799, 0),
        (1800, 1800, 1),
    ] {
        let mut seen = seen();
        seen.groups[0].options.provision_time = Some(Span::from_secs(own));
        let done = run(&seen, &waited(Span::from_secs(waited_for)));
        assert_eq!(removals(&done).len(), goes, "{own} {waited_for}");
    }
}

#[test]
fn what_joins_or_goes_is_forgotten() {
    let mut joined = seen();
    let mut node = joined.nodes[0].clone();
    node.name = "late".into();
    node.instance = Some(InstanceId::new(LOST));
    joined.nodes.push(node);
    joined.sort();
    let mut gone = seen();
    gone.groups[0].instances.pop();
    let mut going = seen();
    going.groups[0].instances[1].state = InstanceState::Terminating;
    for seen in [joined, gone, going] {
        let done = run(&seen, &waited(PROVISION));
        assert_eq!(removals(&done), []);
        assert!(done.memory.nodeless_since.is_empty());
    }
}

#[test]
fn what_is_not_known_keeps_it_and_its_time_goes_on() {
    let mut blind = seen();
    blind.sources.insert(Source::Nodes, Freshness::Missing);
    let mut anonymous = seen();
    anonymous.nodes[0].instance = None;
    for seen in [blind, anonymous] {
        let done = run(&seen, &waited(PROVISION));
        assert_eq!(removals(&done), []);
        let since = done.memory.nodeless_since.get(&InstanceId::new(LOST));
        assert_eq!(since, Some(&(NOW - PROVISION)));
    }
}

#[test]
fn a_group_that_is_not_ours_or_at_its_minimum_keeps_it() {
    let mut foreign = seen();
    foreign.groups[0].foreign = Some("somebody's".to_owned());
    assert_eq!(removals(&run(&foreign, &waited(PROVISION))), []);
    let mut profile = seen();
    profile.groups[0].kind = GroupKind::FargateProfile;
    assert_eq!(removals(&run(&profile, &waited(PROVISION))), []);
    let mut rolling = seen();
    rolling.groups[0].rolling = Some("EKS".to_owned());
    let mut least = seen();
    least.groups[0].min = 2;
    for (seen, why) in [(rolling, Stays::Rolling), (least, Stays::GroupAtMinimum)] {
        let done = run(&seen, &waited(PROVISION));
        assert_eq!(removals(&done), []);
        let node = nodeless(&InstanceId::new(LOST));
        assert!(done.plan.refusals.contains(&Refusal::NodeStays { node, why }));
    }
}

#[test]
fn an_open_removal_is_asked_for_again_until_it_is_accepted() {
    let removing = |stage| {
        let mut seen = seen();
        seen.ledger.intents.push(Intent {
            id: IntentId::new("5-0"),
            kind: IntentKind::Remove {
                group: "web".into(),
                node: nodeless(&InstanceId::new(LOST)),
                instance: InstanceId::new(LOST),
                stage,
                after: Vec::new(),
                gone: None,
            },
            opened: NOW,
            deadline: NOW + PROVISION,
            generation: 1,
        });
        removals(&run(&seen, &waited(PROVISION)))
    };
    let again = Reason::Continues {
        intent: IntentId::new("5-0"),
    };
    assert_eq!(removing(RemoveStage::Opened), [(LOST.to_owned(), again)]);
    assert_eq!(removing(RemoveStage::Terminating), []);
    assert_eq!(removing(RemoveStage::Undoing), []);
}
