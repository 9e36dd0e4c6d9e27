//! Clusters and groups that are made anew under their names (reliability invariant I21).

use super::*;

fn of_group(stage: &mut Stage, uid: Option<&str>) {
    stage.group_mut().uid = uid.map(str::to_owned);
}

fn of_cluster(stage: &mut Stage, uid: Option<&str>) -> bool {
    stage.seen.cluster_uid = uid.map(str::to_owned);
    is_of_another_cluster(&stage.ledger, &stage.seen)
}

#[test]
fn a_cluster_is_another_one_where_both_uids_are_known_and_differ() {
    let mut stage = Stage::new();
    assert!(!of_cluster(&mut stage, None));
    assert!(!of_cluster(&mut stage, Some("one")), "the first that is seen");
    assert!(note_identity(&mut stage.ledger, &stage.seen));
    assert!(!of_cluster(&mut stage, Some("one")));
    assert!(!note_identity(&mut stage.ledger, &stage.seen), "nothing new");
    assert!(of_cluster(&mut stage, Some("other")));
    assert!(
        !note_identity(&mut stage.ledger, &stage.seen),
        "it stays the one's"
    );
    assert!(of_cluster(&mut stage, Some("other")));
    // What is not known makes nobody forget.
    assert!(!of_cluster(&mut stage, None));
    note_identity(&mut stage.ledger, &stage.seen);
    assert!(of_cluster(&mut stage, Some("other")));
}

/// A launch of two is under way; then the group shows this UID. The size that was asked of one group says nothing of
/// another: asked for once more, it would grow that one.
#[test]
fn a_launch_ends_with_the_very_group_it_was_asked_of() {
    for (before, now, fails) in [
        (Some("one"), Some("one"), false),
        (Some("one"), Some("other"), true),
        (Some("one"), None, false),
        (None, Some("one"), false),
        (None, None, false),
    ] {
        let mut stage = Stage::new();
        of_group(&mut stage, before);
        note_identity(&mut stage.ledger, &stage.seen);
        open_one(&mut stage, &step(0, Some("5-0"), grow(4, 6)));
        arrives(&mut stage, "a", LATER);
        of_group(&mut stage, now);
        let events = read(&mut stage);
        let failed = events.iter().any(|event| {
            matches!(
                event,
                LedgerEvent::LaunchFailed {
                    missing: 2,
                    no_capacity: false,
                    ..
                }
            )
        });
        assert_eq!(failed, fails, "{before:?}, {now:?}: {events:?}");
        assert_eq!(stage.ledger.intents.is_empty(), fails);
        note_identity(&mut stage.ledger, &stage.seen);
        let later = read_later(&mut stage, 30);
        assert!(
            !later
                .iter()
                .any(|event| matches!(event, LedgerEvent::LaunchFailed { .. })),
            "once"
        );
    }
}

#[test]
fn a_group_that_is_away_for_a_while_is_known_by_its_launches() {
    let mut stage = Stage::new();
    of_group(&mut stage, Some("one"));
    note_identity(&mut stage.ledger, &stage.seen);
    open_one(&mut stage, &step(0, Some("5-0"), grow(4, 6)));
    let group = stage.seen.groups.remove(0);
    note_identity(&mut stage.ledger, &stage.seen);
    assert_eq!(stage.ledger.group_uids.len(), 1);
    read(&mut stage);
    stage.seen.groups.push(group);
    of_group(&mut stage, Some("other"));
    assert!(matches!(read(&mut stage)[..], [LedgerEvent::LaunchFailed { .. }]));
    // Without one it is forgotten.
    stage.seen.groups.clear();
    note_identity(&mut stage.ledger, &stage.seen);
    assert!(stage.ledger.group_uids.is_empty());
}
