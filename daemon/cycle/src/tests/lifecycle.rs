//! Policies from shadow to enforce and back: by rule, by hand, by quarantine, by a guard metric, across restarts.

use super::stage::{Eyes, Hands, Shaky, clock, crowded, parts};
use crate::{
    Desk, Ends, GuardMetric, InForce, Library, ManualClock, PolicyError, Promotion, Rules, run_cycle,
};
use decide::{Advised, Policy, PolicyEntry, PolicySet, View};
use model::advice::{Advice, HeadroomAdvice, Hook, PolicyFault, PolicyMode};
use model::workload::{Metric, Workload};
use model::{Outcome, PolicyName, PolicyScope, Resources, Span, UsdPerHour, WorkloadKey};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Wants room for so many pods of two cores; faults while it is told to.
struct Roomy {
    pods: u32,
    faulty: Arc<AtomicBool>,
}

impl Policy for Roomy {
    fn hooks(&self) -> &[Hook] {
        &[Hook::Headroom]
    }

    fn advise(&self, _: &View<'_>, _: &[u8]) -> Advised {
        let answer = if self.faulty.load(Ordering::SeqCst) {
            Err(PolicyFault::Trap("unreachable".to_owned()))
        } else {
            Ok(Advice::Headroom(vec![HeadroomAdvice {
                count: self.pods,
                requests: Resources::new(1500, 1 << 20),
                code: 7,
            }]))
        };
        Advised {
            answer,
            fuel: 10,
            log: Vec::new(),
            kept: None,
        }
    }
}

fn roomy(digest: &str, pods: u32, mode: PolicyMode) -> (PolicyEntry, Arc<AtomicBool>) {
    let faulty = Arc::new(AtomicBool::new(false));
    let policy = Roomy {
        pods,
        faulty: Arc::clone(&faulty),
    };
    let entry = PolicyEntry {
        name: name(),
        digest: digest.to_owned(),
        mode,
        scope: PolicyScope::default(),
        policy: Arc::new(policy),
    };
    (entry, faulty)
}

fn name() -> PolicyName {
    PolicyName::new("roomy")
}

fn rules(cycles: u32, most: i64) -> Rules {
    Rules {
        promotion: Some(Promotion {
            to: PolicyMode::Enforce,
            cycles,
            most: UsdPerHour(most),
        }),
        guards: Vec::new(),
        first_only: false,
    }
}

fn in_force(entry: PolicyEntry, rules: Rules) -> InForce {
    InForce {
        rules: [(name(), rules)].into(),
        ..InForce::from(PolicySet { entries: vec![entry] })
    }
}

/// Gives what is laid into it, once; notes what it is told to reject.
#[derive(Clone, Default)]
struct Shelf {
    next: Arc<Mutex<Option<InForce>>>,
    rejected: Arc<Mutex<Vec<String>>>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Library for Shelf {
    fn refresh(&mut self) -> Option<InForce> {
        self.next.lock().unwrap().take()
    }

    fn reject(&mut self, policy: &PolicyName, digest: &str) {
        self.rejected.lock().unwrap().push(format!("{policy} {digest}"));
    }

    fn troubles(&self) -> BTreeMap<PolicyName, String> {
        let trouble = self.trouble.lock().unwrap().clone();
        let names = ["roomy", "missing"].map(PolicyName::new);
        names
            .into_iter()
            .filter_map(|name| Some((name, trouble.clone()?)))
            .collect()
    }
}

struct Run {
    clock: Arc<ManualClock>,
    desk: Desk,
    ends: Ends<Eyes, Hands>,
    shelf: Shelf,
}

impl Run {
    async fn of(policies: InForce, store: Shaky) -> Self {
        let (clock, shelf) = (clock(), Shelf::default());
        let mut parts = parts(store, &clock);
        parts.policies = policies;
        parts.library = Box::new(shelf.clone());
        let desk = Desk::open(parts).await;
        let ends = crowded(&clock, 1, Hands::new(|_| Outcome::done()));
        Self {
            clock,
            desk,
            ends,
            shelf,
        }
    }

    /// The modes in force in each of the next cycles.
    async fn modes(&mut self, cycles: usize) -> Vec<&'static str> {
        let mut modes = Vec::new();
        for _ in 0..cycles {
            let record = run_cycle(&mut self.ends, &self.desk).await;
            modes.push(record.policies[0].mode.as_str());
            self.clock.advance(Span::from_secs(10));
        }
        modes
    }
}

#[tokio::test]
async fn a_rule_moves_a_policy_up_stage_by_stage_and_a_restart_keeps_it_there() {
    let (mut entry, _) = roomy("d1", 0, PolicyMode::Enforce);
    entry.scope.groups.push("web".into());
    let store = Shaky::default();
    let mut run = Run::of(in_force(entry.clone(), rules(3, 0)), store.clone()).await;
    let expected = [
        "shadow", "shadow", "shadow", "canary", "canary", "canary", "enforce",
    ];
    assert_eq!(run.modes(7).await, expected);
    let status = run.desk.handle().status().policies.remove(0);
    let standing = status.standing.unwrap();
    assert_eq!(standing.by, "rule of the configuration");
    assert!(
        standing.why.starts_with("3 cycles without a fault"),
        "{}",
        standing.why
    );
    let mut again = Run::of(in_force(entry, rules(3, 0)), store.clone()).await;
    assert_eq!(again.modes(1).await, ["enforce"]);
    let (other, _) = roomy("d2", 0, PolicyMode::Enforce);
    let mut new = Run::of(in_force(other, rules(3, 0)), store).await;
    assert_eq!(new.modes(1).await, ["shadow"], "a new component begins in shadow");
}

#[tokio::test]
async fn what_costs_too_much_or_faults_is_not_promoted() {
    let (dear, _) = roomy("d1", 9, PolicyMode::Enforce);
    let mut run = Run::of(in_force(dear.clone(), rules(2, 0)), Shaky::default()).await;
    assert_eq!(run.modes(6).await, ["shadow"; 6]);
    let last = run.desk.handle().status().policies.remove(0).trial.unwrap();
    assert_eq!(
        last.cycles, 0,
        "the second of two was dear again: it is counted anew"
    );
    let costs = last.last.unwrap();
    assert!(costs.differs && costs.delta() > UsdPerHour::ZERO && costs.with.bought > costs.without.bought);

    let mut run = Run::of(in_force(dear, rules(2, i64::MAX)), Shaky::default()).await;
    assert_eq!(
        run.modes(3).await,
        ["shadow", "shadow", "enforce"],
        "it may cost that"
    );

    let (entry, faulty) = roomy("d1", 0, PolicyMode::Enforce);
    let mut run = Run::of(in_force(entry, rules(3, 0)), Shaky::default()).await;
    run.modes(2).await;
    faulty.store(true, Ordering::SeqCst);
    run.modes(1).await;
    faulty.store(false, Ordering::SeqCst);
    assert_eq!(
        run.modes(4).await,
        ["shadow", "shadow", "shadow", "enforce"],
        "counted anew"
    );
}

#[tokio::test]
async fn quarantine_takes_back_what_counts() {
    let (entry, faulty) = roomy("d1", 1, PolicyMode::Enforce);
    let mut run = Run::of(in_force(entry, Rules::default()), Shaky::default()).await;
    faulty.store(true, Ordering::SeqCst);
    assert_eq!(
        run.modes(5).await,
        ["enforce", "enforce", "enforce", "shadow", "shadow"]
    );
    assert_eq!(*run.shelf.rejected.lock().unwrap(), ["roomy d1"], "once");
    let (better, _) = roomy("d0", 1, PolicyMode::Enforce);
    *run.shelf.next.lock().unwrap() = Some(in_force(better, Rules::default()));
    assert_eq!(
        run.modes(1).await,
        ["enforce"],
        "the one before runs as configured"
    );
}

/// Invariant I13: whoever may write a policy's file does not decide by that alone, not even with a restart.
#[tokio::test]
async fn a_component_in_the_place_of_another_begins_in_shadow_over_restarts() {
    let first_only = || Rules {
        first_only: true,
        ..Rules::default()
    };
    let offer = |digest: &str, mode| in_force(roomy(digest, 1, mode).0, first_only());
    let enforced = |digest: &str| offer(digest, PolicyMode::Enforce);
    let store = Shaky::default();
    let mut run = Run::of(enforced("d1"), store.clone()).await;
    assert_eq!(
        run.modes(1).await,
        ["enforce"],
        "the configuration means this one"
    );
    *run.shelf.next.lock().unwrap() = Some(enforced("d2"));
    assert_eq!(run.modes(2).await, ["shadow", "shadow"]);
    let said = |run: &Run| run.desk.handle().status().policies.remove(0).trouble;
    assert!(said(&run).unwrap().contains("was replaced by d2"));
    *run.shelf.next.lock().unwrap() = Some(enforced("d1"));
    assert_eq!(run.modes(1).await, ["enforce"], "the one that was meant is back");
    assert_eq!(said(&run), None);
    run.desk.park().await.unwrap();
    let mut again = Run::of(enforced("d2"), store.clone()).await;
    assert_eq!(
        again.modes(2).await,
        ["shadow", "shadow"],
        "a restart means no other one"
    );
    let handle = again.desk.handle();
    let (name, word) = (name(), ("ada", "looked at it"));
    let set = handle.set_policy_mode(&name, "", PolicyMode::Enforce, word);
    set.await.unwrap();
    assert_eq!(again.modes(2).await, ["enforce", "enforce"], "somebody has a say");
    assert_eq!(said(&again), None);
    again.desk.park().await.unwrap();
    // A configuration that says that every one counts, or none, means nothing by it: later it means what is there then.
    let all_count = in_force(roomy("d3", 1, PolicyMode::Enforce).0, Rules::default());
    for (next, expected) in [
        (enforced("d3"), "shadow"),
        (all_count, "enforce"),
        (enforced("d3"), "enforce"),
        (enforced("d4"), "shadow"),
        (offer("d4", PolicyMode::Shadow), "shadow"),
        (enforced("d4"), "enforce"),
    ] {
        let mut run = Run::of(next, store.clone()).await;
        assert_eq!(run.modes(1).await, [expected]);
        run.desk.park().await.unwrap();
    }
}

/// Both files of a policy that was handed in used to be deleted without a word.
#[tokio::test]
async fn a_policy_that_had_a_say_and_is_gone_is_told_until_nobody_misses_it() {
    let store = Shaky::default();
    let offered = |mode| in_force(roomy("d1", 1, mode).0, Rules::default());
    let mut run = Run::of(offered(PolicyMode::Shadow), store.clone()).await;
    run.modes(1).await;
    let (name, word) = (name(), ("ada", "looked at it"));
    let set = |run: &Run, mode| {
        let (handle, name) = (run.desk.handle(), name.clone());
        async move { handle.set_policy_mode(&name, "", mode, word).await }
    };
    set(&run, PolicyMode::Enforce).await.unwrap();
    run.modes(1).await;
    run.desk.park().await.unwrap();
    let mut again = Run::of(InForce::default(), store.clone()).await;
    run_cycle(&mut again.ends, &again.desk).await;
    let told = again.desk.handle().status().policies.remove(0);
    assert!(told.trouble.unwrap().contains("was in mode enforce"));
    let refused = set(&again, PolicyMode::Enforce).await;
    assert_eq!(refused, Err(PolicyError::Unknown(name.clone())));
    set(&again, PolicyMode::Shadow).await.unwrap();
    run_cycle(&mut again.ends, &again.desk).await;
    assert!(again.desk.handle().status().policies.is_empty());
    again.desk.park().await.unwrap();
    let mut back = Run::of(offered(PolicyMode::Enforce), store).await;
    assert_eq!(back.modes(1).await, ["shadow"], "handed in again, it begins anew");
}

#[tokio::test]
async fn a_breached_guard_metric_takes_back_what_counts_and_an_unknown_one_does_not() {
    let cart = WorkloadKey::new("Deployment", "shop", "cart");
    for (value, age, expected) in [
        (None, 0, "enforce"),
        (Some(900), 0, "enforce"),
        (Some(1001), 0, "shadow"),
        (Some(1001), 600, "enforce"),
    ] {
        let (entry, _) = roomy("d1", 1, PolicyMode::Enforce);
        let guards = vec![GuardMetric {
            workload: cart.clone(),
            metric: "burn".to_owned(),
            above_milli: 1000,
        }];
        let guarded = Rules {
            guards,
            ..Rules::default()
        };
        let mut run = Run::of(in_force(entry, guarded), Shaky::default()).await;
        let now = crate::Clock::now(&*run.clock);
        let metrics = value.map(|milli| Metric {
            name: "burn".to_owned(),
            milli,
            at: model::Instant(now.0 - age * 1000),
            pods: 1,
        });
        run.ends.eyes.seen.workloads.push(Workload {
            key: cart.clone(),
            replicas: 1,
            ready: 1,
            template: None,
            owned_by: None,
            annotations: model::selector::Labels::new(),
            generation: 1,
            selector: model::selector::LabelSelector::default(),
            metrics: metrics.into_iter().collect(),
        });
        assert_eq!(run.modes(2).await, ["enforce", expected], "{value:?} {age}");
    }
}

#[tokio::test]
async fn modes_set_by_hand_are_for_one_component_and_a_roll_back_ends_them() {
    let store = Shaky::default();
    let (entry, _) = roomy("d1", 1, PolicyMode::Shadow);
    let mut run = Run::of(in_force(entry.clone(), Rules::default()), store.clone()).await;
    let handle = run.desk.handle();
    let by = ("ada", "looks good");
    let roomy = name();
    let set = |digest: &'static str, mode| handle.set_policy_mode(&roomy, digest, mode, by);
    assert!(matches!(
        set("d9", PolicyMode::Enforce).await,
        Err(PolicyError::OtherDigest { .. })
    ));
    assert!(matches!(
        set("", PolicyMode::Canary).await,
        Err(PolicyError::NoScope(_))
    ));
    let unknown = handle
        .set_policy_mode(&"other".into(), "", PolicyMode::Enforce, by)
        .await;
    assert!(matches!(unknown, Err(PolicyError::Unknown(_))));
    set("d1", PolicyMode::Enforce).await.unwrap();
    assert_eq!(run.modes(1).await, ["enforce"]);
    let mut again = Run::of(in_force(entry, Rules::default()), store).await;
    assert_eq!(again.modes(1).await, ["enforce"], "a restart keeps it");
    let handle = again.desk.handle();
    assert_eq!(handle.roll_back(&name(), "", by).await.unwrap(), "d1");
    assert_eq!(again.modes(1).await, ["shadow"]);
    assert_eq!(*again.shelf.rejected.lock().unwrap(), ["roomy d1"]);
    let standing = handle.status().policies.remove(0).standing.unwrap();
    assert_eq!(
        (standing.refused, standing.by.as_str()),
        (vec!["d1".to_owned()], "ada")
    );
}

#[tokio::test]
async fn the_last_cycles_with_and_without_a_policy() {
    let (entry, _) = roomy("d1", 4, PolicyMode::Shadow);
    let mut run = Run::of(in_force(entry, Rules::default()), Shaky::default()).await;
    run.modes(3).await;
    let handle = run.desk.handle();
    let compared = handle.compare(&name(), 2).unwrap();
    assert_eq!(compared.iter().map(|c| c.cycle).collect::<Vec<_>>(), [3, 2]);
    assert!(compared.iter().all(|c| c.differs && c.delta() > UsdPerHour::ZERO));
    assert!(handle.compare(&"other".into(), 2).is_err());
}

/// What was rolled back is on disk under its old name: a daemon that starts again must not take it up.
#[tokio::test]
async fn a_restart_asks_for_the_one_before_what_was_rolled_back() {
    let store = Shaky::default();
    let (bad, _) = roomy("d2", 1, PolicyMode::Enforce);
    let mut run = Run::of(in_force(bad.clone(), Rules::default()), store.clone()).await;
    let by = ("ada", "too dear");
    run.desk.handle().roll_back(&name(), "", by).await.unwrap();
    run.modes(1).await;
    let mut again = Run::of(in_force(bad.clone(), Rules::default()), store).await;
    let (good, _) = roomy("d1", 0, PolicyMode::Enforce);
    assert_eq!(again.modes(1).await, ["shadow"], "until the one before is there");
    assert_eq!(*again.shelf.rejected.lock().unwrap(), ["roomy d2"]);
    *again.shelf.next.lock().unwrap() = Some(in_force(good, Rules::default()));
    assert_eq!(again.modes(2).await, ["enforce", "enforce"]);
    assert_eq!(again.shelf.rejected.lock().unwrap().len(), 1);
    // Somebody puts it back where it was.
    *again.shelf.next.lock().unwrap() = Some(in_force(bad, Rules::default()));
    assert_eq!(again.modes(1).await, ["shadow"]);
    assert_eq!(*again.shelf.rejected.lock().unwrap(), ["roomy d2", "roomy d2"]);
}

#[tokio::test]
async fn a_status_says_why_the_newest_is_not_in_force() {
    let (entry, _) = roomy("d1", 0, PolicyMode::Enforce);
    let mut run = Run::of(in_force(entry, Rules::default()), Shaky::default()).await;
    *run.shelf.trouble.lock().unwrap() = Some("the registry is away".to_owned());
    run.modes(1).await;
    let shown = |run: &Run| -> Vec<(String, String, Option<String>)> {
        let policies = run.desk.handle().status().policies.into_iter();
        policies
            .map(|policy| (policy.name.to_string(), policy.digest, policy.trouble))
            .collect()
    };
    let away = Some("the registry is away".to_owned());
    let expected = [
        ("roomy".to_owned(), "d1".to_owned(), away.clone()),
        ("missing".to_owned(), String::new(), away),
    ];
    assert_eq!(shown(&run), expected);
    let alarms = ["roomy", "missing"].map(|name| format!("policy {name}: the registry is away"));
    assert_eq!(run.desk.handle().status().alarms(), alarms);
    *run.shelf.trouble.lock().unwrap() = None;
    run.modes(1).await;
    assert_eq!(shown(&run), [("roomy".to_owned(), "d1".to_owned(), None)]);
    assert_eq!(run.desk.handle().status().alarms(), Vec::<String>::new());
}
