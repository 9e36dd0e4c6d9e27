//! What an account does by itself, on a virtual clock.

use super::*;
use crate::faults::Fault;
use crate::settings::{NewNodeGroup, Quotas, WarmPool};

fn account(groups: Vec<NewGroup>) -> Account {
    Account::new(
        Settings {
            groups,
            ..Settings::default()
        },
        Instant(0),
    )
}

fn wait(account: &mut Account, seconds: i64) {
    let to = account.now() + Span::from_secs(seconds);
    account.advance(to);
}

fn alive(account: &Account) -> Vec<&Machine> {
    account.machines.values().filter(|m| m.lives()).collect()
}

fn during(kind: FaultKind) -> Fault {
    Fault {
        at: Span::ZERO,
        lasts: Span::from_secs(86_400),
        kind,
    }
}

fn no_capacity(zones: &[&str], but: u32) -> Fault {
    let zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
    during(FaultKind::NoCapacity {
        types: Vec::new(),
        zones,
        spot: None,
        but,
    })
}

#[test]
fn a_group_grows_over_its_zones_and_joins() {
    let mut account = account(vec![NewGroup::of("g", "m5.large").sized(0, 10, 0)]);
    account.set_desired("g", 6).unwrap();
    assert!(alive(&account).is_empty(), "nothing comes at once");
    wait(&mut account, 10);
    assert_eq!(account.counted("g"), 6);
    assert!(
        account.by_zone("g").values().all(|ids| ids.len() == 2),
        "{:?}",
        account.by_zone("g")
    );
    wait(&mut account, 60);
    assert!(
        alive(&account)
            .iter()
            .all(|m| m.joined && m.lifecycle == Lifecycle::InService)
    );
}

#[test]
fn bounds_are_kept_as_aws_keeps_them() {
    let mut account = account(vec![NewGroup::of("g", "m5.large").sized(1, 3, 2)]);
    assert_eq!(account.set_desired("g", 4).unwrap_err().code, "ValidationError");
    assert_eq!(account.set_desired("g", 0).unwrap_err().code, "ValidationError");
    assert_eq!(
        account.launch_instances("g", 2, None, None).unwrap_err().code,
        "ValidationError"
    );
    let ids: Vec<String> = account.machines.keys().cloned().collect();
    let refused = account.terminate_in_group(&ids, true).unwrap_err();
    assert!(refused.message.contains("minSize"), "{refused}");
    account.terminate_in_group(&ids[..1], true).unwrap();
    assert_eq!((account.groups["g"].desired, account.counted("g")), (1, 1));
}

/// The group chooses: of the fullest zone the oldest, whatever runs there. This is what kills healthy nodes where
/// desired is lowered to be rid of instances that never came (autoscaler#5829, #9182, #10147).
#[test]
fn shrinking_by_number_takes_healthy_instances() {
    let mut account = account(vec![NewGroup::of("g", "m5.large").sized(0, 20, 6)]);
    account.strike(no_capacity(&[], 0));
    account.set_desired("g", 10).unwrap();
    wait(&mut account, 120);
    assert_eq!(account.counted("g"), 6, "none came");
    let activities = &account.groups["g"].activities;
    assert!(activities.iter().any(|a| {
        a.message
            .as_ref()
            .is_some_and(|m| m.contains("sufficient m5.large capacity"))
    }));
    account.set_desired("g", 4).unwrap();
    wait(&mut account, 30);
    assert_eq!(
        account
            .ended
            .iter()
            .filter(|(_, why)| *why == Gone::ScaledIn)
            .count(),
        2
    );
}

#[test]
fn launching_by_name_tells_ids_and_errors_at_once() {
    let mut account = account(vec![NewGroup::of("g", "m5.large").sized(0, 20, 0)]);
    account.strike(no_capacity(&["us-east-1b"], 2));
    let b = Some("us-east-1b");
    let launched = account.launch_instances("g", 5, b, Some("t")).unwrap();
    assert_eq!((launched.instances.len(), launched.errors.len()), (2, 1));
    assert_eq!(launched.errors[0].code, "InsufficientInstanceCapacity");
    assert_eq!(account.groups["g"].desired, 2);
    assert_eq!(
        account.launch_instances("g", 5, b, Some("t")).unwrap(),
        launched,
        "the token is the call"
    );
    assert_eq!(
        account.launch_instances("g", 4, b, Some("t")).unwrap_err().code,
        "IdempotentParameterMismatch"
    );
    assert_eq!(alive(&account).len(), 2);
    let other = account
        .launch_instances("g", 3, Some("us-east-1a"), Some("u"))
        .unwrap();
    assert_eq!((other.instances.len(), account.groups["g"].desired), (3, 5));
}

#[test]
fn zones_are_evened_out_unless_suspended() {
    for suspended in [false, true] {
        let mut group = NewGroup::of("g", "m5.large").sized(0, 20, 6);
        if suspended {
            group.suspended.push("AZRebalance".to_owned());
        }
        let mut account = account(vec![group]);
        let a: Vec<String> = account.by_zone("g")["us-east-1a"].clone();
        account.terminate_in_group(&a, true).unwrap();
        wait(&mut account, 300);
        let rebalanced = account
            .ended
            .iter()
            .filter(|(_, why)| *why == Gone::Rebalanced)
            .count();
        assert_eq!(rebalanced > 0, !suspended, "{:?}", account.ended);
        assert_eq!(account.counted("g"), 4);
    }
}

#[test]
fn hooks_hold_instances_until_they_are_completed() {
    let mut account = account(vec![NewGroup::of("g", "m5.large").sized(0, 5, 1)]);
    let hook = Hook {
        launching: false,
        timeout: Span::from_secs(600),
        abandons: false,
    };
    account
        .group_mut("g")
        .unwrap()
        .hooks
        .insert("drain".to_owned(), hook);
    let id = alive(&account)[0].id.clone();
    account
        .terminate_in_group(std::slice::from_ref(&id), true)
        .unwrap();
    wait(&mut account, 60);
    assert_eq!(account.machines[&id].lifecycle, Lifecycle::TerminatingWait);
    assert_eq!(account.queued(), 1);
    account.proceed(&id);
    assert!(!account.machines[&id].lives());
    assert_eq!(account.ended, [(id, Gone::Named)]);
}

#[test]
fn a_heartbeat_begins_a_hooks_time_anew_and_every_hook_is_waited_for() {
    let mut account = account(vec![NewGroup::of("g", "m5.large").sized(0, 5, 1)]);
    for name in ["drain", "audit"] {
        let hook = Hook {
            launching: false,
            timeout: Span::from_secs(60),
            abandons: false,
        };
        let group = account.group_mut("g").unwrap();
        group.hooks.insert(name.to_owned(), hook);
    }
    let id = alive(&account)[0].id.clone();
    let refused = account.complete_hook("g", &id, "drain", false).unwrap_err();
    assert!(
        refused.message.contains("No active Lifecycle Action"),
        "{refused}"
    );
    account
        .terminate_in_group(std::slice::from_ref(&id), true)
        .unwrap();
    wait(&mut account, 50);
    account.complete_hook("g", &id, "audit", false).unwrap();
    assert!(
        account.complete_hook("g", &id, "audit", false).is_err(),
        "once only"
    );
    account.extend_hook("g", &id, "drain").unwrap();
    wait(&mut account, 50);
    assert_eq!(account.machines[&id].lifecycle, Lifecycle::TerminatingWait);
    wait(&mut account, 11);
    assert!(!account.machines[&id].lives(), "its time is up");
    assert_eq!(account.ended, [(id, Gone::Named)]);
}

#[test]
fn spot_is_taken_back_two_minutes_after_its_notice() {
    let group = NewGroup {
        spot: true,
        ..NewGroup::of("g", "m5.large").sized(0, 10, 10)
    };
    let mut account = account(vec![group]);
    account.strike(Fault {
        at: Span::from_secs(60),
        lasts: Span::ZERO,
        kind: FaultKind::Interruption { permille: 300 },
    });
    wait(&mut account, 61);
    assert_eq!((account.queued(), alive(&account).len()), (3, 10));
    wait(&mut account, 121);
    assert_eq!(
        account
            .ended
            .iter()
            .filter(|(_, why)| *why == Gone::Reclaimed)
            .count(),
        3
    );
    wait(&mut account, 60);
    assert_eq!(account.counted("g"), 10, "the group fills up again");
}

#[test]
fn quotas_and_unsold_types_stop_launches() {
    let mut account = account(vec![NewGroup::of("g", "m5.large").sized(0, 50, 0)]);
    account.settings.quotas = Quotas {
        on_demand_vcpus: 7,
        spot_vcpus: 0,
    };
    let launched = account.launch_instances("g", 10, None, None).unwrap();
    assert_eq!(
        (launched.instances.len(), launched.errors[0].code.as_str()),
        (3, "VcpuLimitExceeded")
    );
}

#[test]
fn a_fleet_takes_the_cheapest_pool_that_gives() {
    let mut account = Account::new(
        Settings {
            templates: vec![NewGroup::of("fleet", "m5.large")],
            ..Settings::default()
        },
        Instant(0),
    );
    account.strike(no_capacity(&["us-east-1a"], 0));
    let pool = |t: &str, zone: &str| Pool {
        template: "fleet".to_owned(),
        instance_type: t.to_owned(),
        zone: zone.to_owned(),
    };
    let fleet = Fleet {
        token: Some("t".to_owned()),
        pools: vec![
            pool("m6a.xlarge", "us-east-1b"),
            pool("m5.large", "us-east-1a"),
            pool("m6a.large", "us-east-1b"),
        ],
        on_demand: 2,
        ..Fleet::default()
    };
    let launched = account.create_fleet(&fleet).unwrap();
    assert!(launched.errors.iter().all(|e| e.zone == "us-east-1a"));
    assert!(
        launched
            .instances
            .iter()
            .all(|id| account.machines[id].instance_type == "m6a.large")
    );
    assert_eq!(account.create_fleet(&fleet).unwrap(), launched);
    assert_eq!(alive(&account).len(), 2);
    let other = Fleet {
        on_demand: 3,
        ..fleet
    };
    assert_eq!(
        account.create_fleet(&other).unwrap_err().code,
        "IdempotentParameterMismatch"
    );
}

#[test]
fn a_node_group_is_busy_while_it_is_updated() {
    let group = NewNodeGroup {
        group: NewGroup::of("ng", "m5.large").sized(0, 5, 1),
        labels: BTreeMap::new(),
        taints: Vec::new(),
    };
    let mut account = Account::new(
        Settings {
            node_groups: vec![group],
            ..Settings::default()
        },
        Instant(0),
    );
    let most = |max| ConfigUpdate {
        scaling: ScalingConfig {
            max: Some(max),
            ..ScalingConfig::default()
        },
        ..ConfigUpdate::default()
    };
    account.update_node_group("ng", most(9)).unwrap();
    assert_eq!(
        account.update_node_group("ng", most(8)).unwrap_err().code,
        "ResourceInUseException"
    );
    wait(&mut account, 120);
    let behind = account.node_groups["ng"].group.clone();
    assert_eq!(
        (account.groups[&behind].max, account.node_groups["ng"].status),
        (9, "ACTIVE")
    );
}

#[test]
fn the_bill_is_by_the_second_with_a_minute_at_least() {
    let mut account = account(vec![NewGroup::of("g", "m5.large").sized(0, 5, 1)]);
    wait(&mut account, 3600);
    assert_eq!(account.cost_nanos(), 96_000_000);
    let id = alive(&account)[0].id.clone();
    account.terminate(&[id]).unwrap();
    account
        .groups
        .get_mut("g")
        .unwrap()
        .suspended
        .insert("Launch".to_owned());
    wait(&mut account, 3600);
    assert_eq!(account.cost_nanos(), 96_000_000);
    account.launch_one_now("m5.large");
    let short = account.machines.values().find(|m| m.lives()).unwrap().id.clone();
    wait(&mut account, 1);
    account.end(&short, Gone::Named);
    assert_eq!(account.cost_nanos(), 96_000_000 + 1_600_000);
}

#[test]
fn the_same_seed_makes_the_same_account() {
    let run = |seed| {
        let groups = vec![NewGroup::of("g", "m5.large").sized(0, 30, 9)];
        let mut account = Account::new(
            Settings {
                seed,
                groups,
                ..Settings::default()
            },
            Instant(0),
        );
        account.strike(during(FaultKind::NeverJoins { permille: 300 }));
        account.set_desired("g", 25).unwrap();
        wait(&mut account, 600);
        let row = |m: &Machine| (m.id.clone(), m.zone.clone(), m.joined);
        account.machines.values().map(row).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

impl Account {
    fn launch_one_now(&mut self, instance_type: &str) {
        let template = NewGroup::of("t", instance_type);
        let order = instances::Order {
            instance_type,
            zone: "us-east-1a",
            spot: false,
            group: None,
            template: (&template, 1),
        };
        self.launch_one(&order).unwrap();
    }
}

fn prepared(most: u32, running: bool) -> NewGroup {
    NewGroup {
        warm_pool: Some(WarmPool {
            min: 0,
            prepared: Some(most),
            running,
        }),
        ..NewGroup::of("g", "m5.large").sized(0, 10, 1)
    }
}

/// What waits is no part of the group, is not billed, and comes first when the group grows; then the pool fills up anew.
#[test]
fn a_group_grows_from_its_warm_pool() {
    let mut account = account(vec![prepared(3, false)]);
    wait(&mut account, 60);
    let warmed = account.warmed("g");
    let state = |account: &Account, id: &String| {
        let machine = &account.machines[id];
        (machine.lifecycle.wire(), machine.state.wire().1, machine.joined)
    };
    assert_eq!((warmed.len(), account.counted("g")), (2, 1));
    for id in &warmed {
        assert_eq!(state(&account, id), ("Warmed:Stopped", "stopped", false));
    }
    let one = account.machines.values().find(|m| m.lives()).unwrap().clone();
    let (before, hour) = (
        account.cost_nanos(),
        one.cost_nanos(account.now() + Span::from_secs(3600)) - one.cost_nanos(account.now()),
    );
    wait(&mut account, 3600);
    assert_eq!(account.cost_nanos() - before, hour, "one instance is billed");
    let refused = account.launch_instances("g", 1, None, None).unwrap_err();
    assert_eq!(refused.code, "UnsupportedOperation");
    assert!(account.terminate_in_group(&warmed[..1], true).is_err());

    account.set_desired("g", 2).unwrap();
    wait(&mut account, 8 + 8);
    assert_eq!(
        state(&account, &warmed[0]).0,
        "InService",
        "the oldest, in the shortest boot"
    );
    wait(&mut account, 60);
    assert!(account.machines[&warmed[0]].joined);
    assert_eq!(
        (account.warmed("g"), account.counted("g")),
        (warmed[1..].to_vec(), 2)
    );
    account.set_desired("g", 1).unwrap();
    wait(&mut account, 60);
    assert_eq!((account.warmed("g").len(), account.counted("g")), (2, 1));
    account.delete_warm_pool("g").unwrap();
    wait(&mut account, 60);
    assert_eq!((account.warmed("g").len(), alive(&account).len()), (0, 1));
}

#[test]
fn a_warm_pool_may_wait_running_and_is_billed_then() {
    let mut account = account(vec![prepared(2, true)]);
    wait(&mut account, 3600);
    assert_eq!(alive(&account).len(), 2);
    let price = account.machines.values().next().unwrap().price.0;
    assert_eq!(account.cost_nanos(), 2 * i128::from(price));
    account.set_desired("g", 2).unwrap();
    wait(&mut account, 60);
    assert!(account.machines.values().all(|m| m.joined));
    let spot = NewGroup {
        spot: true,
        ..NewGroup::of("s", "m5.large")
    };
    account.create_group(spot);
    let refused = account.put_warm_pool("s", WarmPool::default()).unwrap_err();
    assert!(refused.message.contains("Spot"), "{refused}");
}
