//! Launches that replace nodes: the old node never goes first, whatever dies when.

use super::*;

/// A removal that waits for two launches of which one has been asked for and one has joined.
fn replaced() -> Stage {
    let mut stage = Stage::draining(RemoveStage::Cordoned);
    if let IntentKind::Remove { after, .. } = &mut stage.ledger.intents[0].kind {
        *after = vec!["3-1".into(), "3-2".into()];
    }
    let mut joined = launch("3-2", 5, 6, LaunchStage::Joined);
    if let IntentKind::Launch { joined, .. } = &mut joined.kind {
        joined.push("n4".into());
    }
    let asked = launch("3-1", 4, 5, LaunchStage::Asked);
    stage.ledger.intents.splice(0..0, [asked, joined]);
    stage
}

#[test]
fn launches_that_replace_a_node_stay_listed_until_it_is_gone() {
    let mut stage = replaced();
    arrives(&mut stage, "a", NOW);
    read(&mut stage);
    assert_eq!(stage_of(&stage.ledger, "3-1"), Some(LaunchStage::Joined));
    assert_eq!(stage_of(&stage.ledger, "3-2"), Some(LaunchStage::Joined));
    stage.seen.nodes.retain(|node| node.name.as_str() != "n1");
    stage
        .group_mut()
        .instances
        .retain(|listed| listed.id.as_str() != "i-n1");
    read(&mut stage);
    read_later(&mut stage, 60);
    assert!(stage.ledger.intents.is_empty(), "{:?}", stage.ledger.intents);
}

#[test]
fn a_replacement_that_does_not_come_undoes_the_removal() {
    let undone = |stage: &Stage, events: &[LedgerEvent]| {
        let told = |event: &LedgerEvent| matches!(event, LedgerEvent::RemovalGivenUp { .. });
        assert!(events.iter().any(told), "{events:?}");
        assert_eq!(removal_stage(&stage.ledger, "4-0"), Some(RemoveStage::Undoing));
    };
    let mut stage = replaced();
    stage.seen.at = NOW + Span::from_secs(840);
    let events = read(&mut stage);
    undone(&stage, &events);
    let grow = step(0, Some("3-1"), grow(4, 5));
    let why = || "InsufficientInstanceCapacity".to_owned();
    for outcome in [
        Outcome::NoCapacity { why: why() },
        Outcome::Failed { why: why() },
        Outcome::Partly {
            instances: Vec::new(),
            missing: 1,
            no_capacity: true,
            why: why(),
        },
    ] {
        let mut stage = replaced();
        let events = settle_one(&mut stage, &grow, &outcome);
        undone(&stage, &events);
    }
}

#[test]
fn a_cordon_that_never_was_leaves_nothing_behind_where_its_launch_never_was_either() {
    let mut stage = Stage::new();
    let grow = step(0, Some("5-0"), grow(4, 5));
    let mut cordon = step(1, Some("5-1"), cordon("n2"));
    if let StepKind::Cordon { after, .. } = &mut cordon.kind {
        after.push("5-0".into());
    }
    open_one(&mut stage, &grow);
    open_one(&mut stage, &cordon);
    settle_one(&mut stage, &grow, &Outcome::Recorded);
    settle_one(&mut stage, &cordon, &Outcome::Recorded);
    assert!(stage.ledger.intents.is_empty() && stage.ledger.effects.is_empty());
}

/// What a kill leaves of a replacement of `n1`: how many of the effects of its plan had happened, and how many of
/// them the ledger had heard of.
fn killed(happened: usize, heard: usize) -> Stage {
    let mut stage = Stage::new();
    stage.group_mut().max = 9;
    let mut cordon = step(1, Some("5-1"), cordon("n1"));
    if let StepKind::Cordon { after, .. } = &mut cordon.kind {
        after.push("5-0".into());
    }
    let steps = [step(0, Some("5-0"), grow(4, 5)), cordon];
    for step in &steps {
        open_one(&mut stage, step);
    }
    let mut later = stage.ledger.clone();
    for (at, step) in steps.iter().enumerate().take(happened) {
        let outcome = if at == 0 {
            stage.group_mut().desired = 5;
            Outcome::Done {
                instances: vec!["i-new".into()],
            }
        } else {
            let node = stage.node_mut("n1");
            (node.unschedulable, node.draining) = (true, true);
            Outcome::done()
        };
        if at < heard {
            settle(&mut later, step, &outcome, &stage.seen);
        }
    }
    stage.ledger = decode_ledger(&encode_ledger(&later).unwrap()).unwrap();
    stage.seen.at = LATER;
    stage
}

/// The word on evicting the pod of `n1` and on removing it, once the ledger has been read against what is seen.
fn words_on_the_old_node(stage: &mut Stage) -> Vec<bool> {
    read(stage);
    stage.seen.ledger = stage.ledger.clone();
    let plan = plan(vec![
        step(0, Some("5-1"), evict("p1", "n1")),
        step(1, Some("5-1"), remove("n1")),
    ]);
    let proposal = Proposal {
        plan: &plan,
        notes: &stage.notes,
        resumed: &[],
        watch: None,
    };
    let said = judge(&stage.seen, &stage.ledger, proposal, &stage.aims, &Fence::sole());
    let cleared = said.all.iter().map(|(_, word)| *word == model::Verdict::Cleared);
    cleared.collect()
}

#[test]
fn a_kill_anywhere_in_a_replacement_never_lets_the_old_node_go_first() {
    for (happened, heard) in [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)] {
        let tag = format!("{happened} had happened, {heard} were heard of");
        let mut nothing = killed(happened, heard);
        assert_eq!(words_on_the_old_node(&mut nothing), [false, false], "{tag}");
        let mut booting = killed(happened, heard);
        arrives(&mut booting, "new", LATER);
        booting.node_mut("new").ready = false;
        assert_eq!(
            words_on_the_old_node(&mut booting),
            [false, false],
            "booting: {tag}"
        );
        if happened == 2 {
            let mut there = killed(happened, heard);
            arrives(&mut there, "new", LATER);
            // The pod may go; the node may not, as long as it is there.
            assert_eq!(words_on_the_old_node(&mut there), [true, false], "{tag}");
        }
    }
}

#[test]
fn a_kill_before_the_call_asks_for_the_replacement_again() {
    let mut stage = killed(0, 0);
    read(&mut stage);
    stage.seen.ledger = stage.ledger.clone();
    let again = resume(&stage.ledger, &stage.seen, &Plan::default());
    let ids: Vec<_> = again.iter().map(|step| step.intent.clone()).collect();
    assert_eq!(ids, [Some("5-0".into())]);
    // Nobody asks again before the deadline: the launch fails, and with it the removal, which never began.
    stage.seen.at = LATER + Span::from_secs(100_000);
    read(&mut stage);
    assert!(stage.ledger.intents.is_empty(), "{:?}", stage.ledger.intents);
}
