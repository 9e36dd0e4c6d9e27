//! Which aims are in force: after a change, after a restart, after another replica had its say, and with none left.

use super::stage::{Hands, Shaky, clock, crowded, parts};
use crate::{Desk, FileStore, Handle, MemoryStore, Unacknowledged, run_cycle};
use model::aims::{BoundsAim, Mode, Modes};
use model::cluster_size::SizedLimit;
use model::disruption::{NodeBudget, Share};
use model::ids::GroupName;
use model::{Aims, Outcome};

fn act(edit: impl FnOnce(&mut Aims)) -> Aims {
    let mut aims = Aims {
        modes: Modes {
            cluster: Some(Mode::Act),
            ..Modes::default()
        },
        ..Aims::default()
    };
    edit(&mut aims);
    aims
}

fn nodes(most: u32, acknowledge: &[&str]) -> Aims {
    act(|aims| {
        aims.limits.max_nodes = most;
        aims.acknowledge = acknowledge.iter().map(ToString::to_string).collect();
    })
}

/// A daemon that begins with these aims over what the store holds.
async fn begun(store: &Shaky, aims: Aims) -> Desk {
    let parts = crate::Parts {
        aims,
        ..parts(store.clone(), &clock())
    };
    Desk::open(parts).await
}

fn in_force(handle: &Handle) -> u32 {
    handle.aims().limits.max_nodes
}

fn said(refused: Result<(), Unacknowledged>) -> Vec<String> {
    let found = refused.err().map(|refused| refused.0).unwrap_or_default();
    found.iter().map(ToString::to_string).collect()
}

async fn cycle(desk: &Desk) -> std::sync::Arc<logbook::CycleRecord> {
    run_cycle(&mut crowded(&clock(), 1, Hands::new(|_| Outcome::done())), desk).await
}

#[tokio::test]
async fn looser_aims_need_to_be_acknowledged_with_both_values() {
    let desk = begun(&Shaky::default(), nodes(10, &[])).await;
    let handle = desk.handle();
    assert_eq!(
        said(handle.offer_aims(nodes(20, &[])).await),
        ["limits.max_nodes from 10 to 20"]
    );
    assert_eq!(in_force(&handle), 10);
    assert!(handle.status().aims_refused.is_some() && handle.status().alarms().len() == 1);
    // What was acknowledged once is no leave for more.
    let mark = "limits.max_nodes from 10 to 20";
    assert_eq!(said(handle.offer_aims(nodes(30, &[mark])).await).len(), 1);
    assert_eq!(said(handle.offer_aims(nodes(20, &[mark])).await).len(), 0);
    assert_eq!(in_force(&handle), 20);
    assert!(handle.status().alarms().is_empty());
    assert_eq!(
        said(handle.offer_aims(nodes(5, &[])).await).len(),
        0,
        "stricter needs no word"
    );
    let record = cycle(&desk).await;
    let loosened: Vec<String> = record.loosened.iter().map(ToString::to_string).collect();
    assert_eq!(loosened, [mark], "the record has the old and the new value");
    assert!(cycle(&desk).await.loosened.is_empty());
}

/// A namespace may want any number of replicas, and the container has the memory that it has.
#[tokio::test]
async fn a_cycle_looks_at_no_more_pods_than_there_is_memory_for() {
    let desk = begun(&Shaky::default(), nodes(10, &[])).await;
    let usual = Aims::default().search.pods;
    assert_eq!(cycle(&desk).await.aims.search.pods, usual);
    let desk = desk.with_pods_at_most(7);
    let record = cycle(&desk).await;
    assert_eq!(record.aims.search.pods, 7, "and a replay knows");
    let desk = desk.with_pods_at_most(usual + 1);
    assert_eq!(cycle(&desk).await.aims.search.pods, usual);
}

#[tokio::test]
async fn limits_that_nobody_named_follow_the_size_of_the_cluster() {
    let named = |most: u32, acknowledge: &[&str]| {
        let mut aims = nodes(most, acknowledge);
        aims.limits.by_size.remove(&SizedLimit::MaxNodes);
        aims
    };
    let folder = tempfile::tempdir().unwrap();
    let lasting = async || Desk::open(parts(FileStore::new(folder.path()), &clock())).await;
    let desk = lasting().await;
    let record = cycle(&desk).await;
    let limits = &record.aims.limits;
    assert_eq!((limits.max_nodes, limits.bought_per_window), (40, 5));
    assert!(
        record.snapshot.ledger.size.is_none(),
        "no record needs a week of sizes"
    );
    desk.park().await.unwrap();
    let desk = lasting().await;
    let handle = desk.handle();
    assert_eq!(
        in_force(&handle),
        40,
        "a restart knows the size before it has seen anything"
    );
    let mark = "limits.max_nodes from the default for this cluster to 60";
    assert_eq!(said(handle.offer_aims(named(60, &[])).await), [mark]);
    assert_eq!(
        said(handle.offer_aims(named(40, &[])).await).len(),
        0,
        "no looser"
    );
    assert_eq!(
        said(handle.offer_aims(named(60, &[])).await),
        ["limits.max_nodes from 40 to 60"]
    );
    // Larger than a default ever is: the same word for every cluster.
    assert_eq!(
        said(handle.offer_aims(act(|_| ())).await),
        ["limits.max_nodes from 40 to 1000"]
    );
    assert_eq!(said(handle.offer_aims(named(5, &[])).await).len(), 0);
    assert_eq!(cycle(&desk).await.aims.limits.max_nodes, 5);
    // Growth that a default holds is said; what somebody has named holds without a word.
    let tight = |by_size: bool| {
        let mut aims = named(5, &[]);
        aims.limits.max_nodes = 1;
        if by_size {
            aims.limits.by_size.insert(SizedLimit::MaxNodes);
        }
        aims
    };
    for (by_size, said) in [(true, 1), (false, 0)] {
        let desk = begun(&Shaky::default(), tight(by_size)).await;
        cycle(&desk).await;
        let alarms = desk.handle().status().alarms();
        assert_eq!(alarms.len(), said, "{alarms:?}");
        assert!(alarms.iter().all(|alarm| alarm.contains("limits.max_nodes")));
    }
    // A Ledger that ends with its world cannot tell how large a cluster is as a rule.
    let desk = Desk::open(parts(MemoryStore::default(), &clock())).await;
    assert_eq!(cycle(&desk).await.aims.limits.max_nodes, 1000);
}

#[tokio::test]
async fn emptied_aims_are_refused_even_where_the_defaults_are_stricter() {
    let strict = act(|aims| aims.limits.max_nodes = 10_000);
    let desk = begun(&Shaky::default(), strict).await;
    let handle = desk.handle();
    assert_eq!(said(handle.offer_aims(Aims::default()).await), ["aims removed"]);
    assert_eq!(in_force(&handle), 10_000);
    let meant = Aims {
        acknowledge: vec!["aims removed".to_owned()],
        ..Aims::default()
    };
    assert_eq!(said(handle.offer_aims(meant).await).len(), 0);
    assert_eq!(in_force(&handle), 1000);
    assert_eq!(handle.status().modes.of_cluster(), Mode::Observe);
}

#[tokio::test]
async fn a_restart_knows_the_aims_that_were_in_force() {
    let store = Shaky::default();
    let desk = begun(&store, nodes(10, &[])).await;
    cycle(&desk).await;
    desk.park().await.unwrap();
    for looser in [Aims::default(), nodes(20, &[])] {
        let again = begun(&store, looser).await;
        assert!(again.handle().status().aims_refused.is_some());
        assert_eq!(in_force(&again.handle()), 10);
        let record = cycle(&again).await;
        assert_eq!(record.aims.limits.max_nodes, 10);
        assert_eq!(record.aims.modes.of_cluster(), Mode::Act);
        assert!(again.handle().status().aims_refused.is_some(), "still refused");
    }
    let again = begun(&store, nodes(20, &["limits.max_nodes from 10 to 20"])).await;
    assert_eq!(in_force(&again.handle()), 20);
    assert_eq!(cycle(&again).await.loosened.len(), 1);
    // The file is left as it is: nothing is looser by now, and nothing is told again.
    let again = begun(&store, nodes(20, &["limits.max_nodes from 10 to 20"])).await;
    assert!(cycle(&again).await.loosened.is_empty());
}

/// The mode of the configuration counts where the aims name none, on both sides.
#[tokio::test]
async fn aims_that_lose_their_mode_are_looser_where_the_configuration_acts() {
    let store = Shaky::default();
    let parts = |aims: Aims, mode: Mode| crate::Parts {
        aims,
        mode,
        ..parts(store.clone(), &clock())
    };
    let observing = Aims {
        modes: Modes {
            cluster: Some(Mode::Observe),
            ..Modes::default()
        },
        startup_taints: vec!["a".to_owned()],
        ..Aims::default()
    };
    let silent = Aims {
        modes: Modes::default(),
        ..observing.clone()
    };
    let desk = Desk::open(parts(observing, Mode::Act)).await;
    let taken = desk.handle().offer_aims(silent.clone()).await;
    assert_eq!(said(taken), ["mode from observe to act"]);
    assert_eq!(desk.handle().status().modes.of_cluster(), Mode::Observe);
    // Whoever changes the configuration and begins anew has said so.
    let store = Shaky::default();
    let parts = |mode: Mode| crate::Parts {
        aims: silent.clone(),
        mode,
        ..super::stage::parts(store.clone(), &clock())
    };
    let desk = Desk::open(parts(Mode::Observe)).await;
    cycle(&desk).await;
    let desk = Desk::open(parts(Mode::Act)).await;
    assert!(desk.handle().status().aims_refused.is_none());
    assert_eq!(desk.handle().status().modes.of_cluster(), Mode::Act);
}

/// A mark that stands in the file for good is leave for the change that it names, both ways to write it again included.
#[tokio::test]
async fn no_mark_covers_another_change_of_the_same_field() {
    let budget = |nodes: u32, groups: &[&str]| NodeBudget {
        name: "night".to_owned(),
        groups: groups.iter().map(|group| GroupName::new(*group)).collect(),
        causes: Vec::new(),
        nodes: Share::Count(nodes),
        schedule: None,
    };
    let with = |budgets: Vec<NodeBudget>, max: Option<u32>, marks: &[String]| {
        act(|aims| {
            aims.disruption.budgets = budgets;
            if let Some(max) = max {
                let bounds = BoundsAim {
                    min: None,
                    max: Some(max),
                };
                aims.bounds.insert(GroupName::new("web"), bounds);
            }
            aims.acknowledge = marks.to_vec();
        })
    };
    // Two budgets of one name are as they were: nothing is looser.
    let twins = vec![budget(0, &[]), budget(1, &["web"])];
    let handle = begun(&Shaky::default(), with(twins.clone(), None, &[]))
        .await
        .handle();
    let unchanged = act(|aims| {
        aims.disruption.budgets = twins;
        aims.limits.max_nodes = 9;
    });
    assert_eq!(said(handle.offer_aims(unchanged).await).len(), 0);

    // Whoever has no name is called by its place: one put in front renames the others.
    let called = |name: &str, nodes: u32| NodeBudget {
        name: name.to_owned(),
        ..budget(nodes, &[])
    };
    let placed = with(vec![called("#1", 2), called("#2", 0)], None, &[]);
    let handle = begun(&Shaky::default(), placed).await.handle();
    let in_front = vec![called("#1", 1), called("#2", 2), called("#3", 0)];
    assert_eq!(said(handle.offer_aims(with(in_front, None, &[])).await).len(), 0);

    let handle = begun(&Shaky::default(), with(vec![budget(0, &[])], None, &[]))
        .await
        .handle();
    let narrow = with(vec![budget(0, &["web"])], Some(4), &[]);
    let marks = said(handle.offer_aims(narrow).await);
    assert_eq!(marks.len(), 2, "{marks:?}");
    let narrow = with(vec![budget(0, &["web"])], Some(4), &marks);
    assert_eq!(said(handle.offer_aims(narrow).await).len(), 0);
    let other = with(vec![budget(0, &["batch"])], Some(4), &marks);
    assert_eq!(said(handle.offer_aims(other).await).len(), 1);
    let none = with(vec![budget(0, &["web"])], None, &marks);
    assert_eq!(said(handle.offer_aims(none).await).len(), 0);
    let more = with(vec![budget(0, &["web"])], Some(400), &marks);
    assert_eq!(
        said(handle.offer_aims(more).await),
        ["bounds.web.max from the group's own to 400"]
    );
}

#[tokio::test]
async fn a_flood_of_looser_fields_is_told_in_few_words() {
    let many = act(|aims| aims.move_to_fargate = (0..10_000).map(|n| format!("team-{n}")).collect());
    let handle = begun(
        &Shaky::default(),
        nodes(10, &["limits.max_nodes from 10 to 1000"]),
    )
    .await
    .handle();
    assert_eq!(said(handle.offer_aims(many).await).len(), 10_001);
    let alarm = handle.status().alarms().remove(0);
    assert!(alarm.len() < 600 && alarm.ends_with(" and 9991 more"), "{alarm}");
}
