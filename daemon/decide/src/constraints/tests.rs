//! Rules about pods near each other, as whole plans: what goes where, and what is refused.

use super::*;
use crate::Deliberation;
use crate::fixture::{Cluster, asks};
use model::aims::Aims;
use model::pod::HostPort;
use model::reason::{Misfit, Refusal, Tie};
use model::selector::{LabelSelector, Labels};

fn near(key: &str, app: &str, rule: NearRule) -> Near {
    let requirements = vec![Requirement {
        key: "app".to_owned(),
        operator: Operator::In(vec![app.to_owned()]),
    }];
    let namespaces = Some(vec!["default".to_owned()]);
    Near::new(key.to_owned(), LabelSelector { requirements }, namespaces, rule)
}

/// Pods of an app, 100 millicores each, with these rules.
fn app(name: &str, near: &[Near]) -> PodSpec {
    PodSpec {
        namespace: "default".to_owned(),
        labels: Labels::from([("app".to_owned(), name.to_owned())]),
        near: near.to_vec(),
        ..asks(100, 100)
    }
}

/// Room for thirty of them on a node, in zones a and b.
fn cluster() -> Cluster {
    Cluster::new()
        .group("g", 0, 100)
        .offer("g", "t", 3000, 3000, 100_000_000)
}

fn spread(key: &str, skew: u32) -> Near {
    near(key, "web", NearRule::Spread { skew, domains: 1 })
}

fn planned(cluster: Cluster) -> (Snapshot, Deliberation) {
    let (seen, done) = cluster.deliberate();
    crate::checker::check(&seen, &Aims::default(), &done);
    (seen, done)
}

/// Pods on each new node, in falling order.
fn loads(done: &Deliberation) -> Vec<usize> {
    let mut loads: Vec<usize> = done.plan.nodes.iter().map(|node| node.pods.len()).collect();
    loads.sort_unstable_by(|a, b| b.cmp(a));
    loads
}

fn refused(done: &Deliberation) -> Vec<&Misfit> {
    let pods = done.plan.refusals.iter().filter_map(|refusal| match refusal {
        Refusal::Pod { why, .. } => Some(unnamed(why)),
        _ => None,
    });
    pods.collect()
}

/// The kind of refusal, without the rule that it names (`words` looks at that).
fn unnamed(why: &Misfit) -> &Misfit {
    match why {
        Misfit::NoDomainLeft { .. } => &Misfit::NoZoneLeft,
        Misfit::NobodyToJoin { .. } => &Misfit::Unmodelled(Unmodelled::PodAffinity),
        Misfit::NotModelled { tie } => match tie {
            Tie::Affinity { .. } => &Misfit::Unmodelled(Unmodelled::PodAffinity),
            Tie::Spread { .. } => &Misfit::Unmodelled(Unmodelled::TopologySpread),
            _ => &Misfit::Unmodelled(Unmodelled::PodAntiAffinity),
        },
        why => why,
    }
}

fn in_zone(seen: &Snapshot, done: &Deliberation, zone: &str) -> usize {
    let there = |node: &&model::plan::PlannedNode| {
        let offer = seen.offers.iter().find(|offer| offer.id == node.offer);
        offer.and_then(|offer| offer.zone()) == Some(zone)
    };
    done.plan
        .nodes
        .iter()
        .filter(there)
        .map(|node| node.pods.len())
        .sum()
}

#[test]
fn pods_that_want_to_be_apart_get_a_node_each() {
    let rule = near(HOSTNAME, "web", NearRule::Apart);
    let (_, done) = planned(cluster().pending("web", 5, app("web", &[rule])));
    assert_eq!(loads(&done), [1, 1, 1, 1, 1]);
}

#[test]
fn others_fill_the_nodes_of_pods_that_are_apart() {
    let rule = near(HOSTNAME, "web", NearRule::Apart);
    let both = cluster()
        .pending("web", 2, app("web", &[rule]))
        .pending("job", 50, app("job", &[]));
    let (_, done) = planned(both);
    assert_eq!(loads(&done).iter().sum::<usize>(), 52);
    assert_eq!(done.plan.nodes.len(), 2);
}

#[test]
fn a_node_takes_no_more_of_a_spread_than_its_skew() {
    let (_, done) = planned(cluster().pending("web", 7, app("web", &[spread(HOSTNAME, 2)])));
    assert_eq!(loads(&done), [2, 2, 2, 1]);
}

#[test]
fn zones_are_dealt_evenly_and_count_what_runs() {
    let web = app("web", &[spread(ZONE, 1)]);
    let (seen, done) = planned(cluster().pending("web", 9, web.clone()));
    assert_eq!((in_zone(&seen, &done, "a"), in_zone(&seen, &done, "b")), (5, 4));
    let running = cluster()
        .node("n", "g", "t")
        .last_node(|node| node.unschedulable = true)
        .running("web-x", "n", web.clone())
        .running("web-y", "n", web.clone())
        .running("web-z", "n", web.clone());
    let (seen, done) = planned(running.pending("web", 5, web));
    assert_eq!((in_zone(&seen, &done, "a"), in_zone(&seen, &done, "b")), (1, 4));
}

#[test]
fn running_pods_keep_their_own_kind_away() {
    let web = app("web", &[near(HOSTNAME, "web", NearRule::Apart)]);
    let there = cluster().node("n", "g", "t").running("web-x", "n", web.clone());
    let (_, done) = planned(there.pending("web", 1, web));
    assert!(done.plan.existing.is_empty(), "{:?}", done.plan.existing);
    assert_eq!(loads(&done), [1]);
}

#[test]
fn running_pods_keep_others_away_that_have_no_rule_themselves() {
    let lonely = app("db", &[near(HOSTNAME, "web", NearRule::Apart)]);
    let there = cluster().node("n", "g", "t").running("db-x", "n", lonely);
    let (_, done) = planned(there.pending("web", 1, app("web", &[])));
    assert!(done.plan.existing.is_empty(), "{:?}", done.plan.existing);
    assert_eq!(loads(&done), [1]);
}

#[test]
fn pods_go_where_those_run_that_they_want_to_be_with() {
    let cache = app("cache", &[]);
    let there = cluster().node("n", "g", "t").running("cache-x", "n", cache);
    let with = |key| app("web", &[near(key, "cache", NearRule::Together)]);
    let (seen, done) = planned(there.clone().last_node(|n| n.unschedulable = true).pending(
        "web",
        3,
        with(ZONE),
    ));
    assert_eq!(in_zone(&seen, &done, "a"), 3);
    let (_, done) = planned(there.pending("web", 3, with(HOSTNAME)));
    assert_eq!(
        done.plan
            .existing
            .iter()
            .map(|(_, pods)| pods.len())
            .sum::<usize>(),
        3
    );
}

#[test]
fn the_first_of_pods_that_want_to_be_together_chooses_the_zone() {
    let rule = near(ZONE, "web", NearRule::Together);
    let (seen, done) = planned(cluster().pending("web", 70, app("web", &[rule])));
    assert_eq!((in_zone(&seen, &done, "a"), in_zone(&seen, &done, "b")), (70, 0));
}

#[test]
fn host_ports_are_had_once_a_node() {
    let port = |number: u16| HostPort {
        port: number,
        protocol: "TCP".to_owned(),
        ip: String::new(),
    };
    let with = |name: &str, number: u16| PodSpec {
        host_ports: vec![port(number)],
        ..app(name, &[])
    };
    let there = cluster().node("n", "g", "t").running("a-x", "n", with("a", 80));
    let (_, done) = planned(
        there
            .pending("b", 2, with("b", 80))
            .pending("c", 1, with("c", 81)),
    );
    assert_eq!(loads(&done), [1, 1]);
    assert_eq!(done.plan.existing.len(), 1, "port 81 is free on the node");
}

#[test]
fn waiting_pods_of_other_kinds_are_kept_apart_both_ways() {
    let rule = near(HOSTNAME, "db", NearRule::Apart);
    let both = cluster()
        .pending("web", 20, app("web", &[rule]))
        .pending("db", 20, app("db", &[]));
    let (_, done) = planned(both);
    // No node has both, which the checker holds; thirty fit on one.
    assert!(done.plan.nodes.len() <= 3, "{:?}", loads(&done));
    assert_eq!(loads(&done).iter().sum::<usize>(), 40);
}

#[test]
fn waiting_pods_of_other_kinds_count_in_a_spread_over_nodes() {
    // Both are `web` to the rule, but only the first kind has it.
    let ruled = app("web", &[spread(HOSTNAME, 1)]);
    let plain = PodSpec {
        requests: asks(200, 200).requests,
        ..app("web", &[])
    };
    let both = cluster().pending("web", 3, ruled).pending("old", 9, plain);
    let (_, done) = planned(both);
    assert_eq!(loads(&done), [9, 1, 1, 1], "what has no rule shares a node");
}

#[test]
fn zones_are_dealt_for_all_kinds_that_one_rule_counts() {
    let ruled = app("web", &[spread(ZONE, 1)]);
    let plain = PodSpec {
        requests: asks(200, 200).requests,
        ..app("web", &[])
    };
    let (seen, done) = planned(cluster().pending("web", 5, ruled).pending("old", 4, plain));
    assert_eq!((in_zone(&seen, &done, "a"), in_zone(&seen, &done, "b")), (5, 4));
}

#[test]
fn pods_follow_those_who_wait_that_they_want_to_be_with() {
    let leader = app("cache", &[near(ZONE, "cache", NearRule::Apart)]);
    let follower = app("web", &[near(ZONE, "cache", NearRule::Together)]);
    let (seen, done) = planned(cluster().pending("cache", 1, leader).pending("web", 7, follower));
    let zones = (in_zone(&seen, &done, "a"), in_zone(&seen, &done, "b"));
    assert!(zones == (8, 0) || zones == (0, 8), "{zones:?}");
}

#[test]
fn company_that_cannot_be_is_refused() {
    let nobody = app("web", &[near(ZONE, "cache", NearRule::Together)]);
    let (_, done) = planned(cluster().pending("web", 1, nobody));
    assert_eq!(refused(&done), [&Misfit::Unmodelled(Unmodelled::PodAffinity)]);
    let both = app(
        "web",
        &[
            near(ZONE, "cache", NearRule::Together),
            near(ZONE, "cache", NearRule::Apart),
        ],
    );
    let (_, done) = planned(
        cluster()
            .pending("web", 1, both)
            .pending("cache", 1, app("cache", &[])),
    );
    assert_eq!(refused(&done).len(), 1);
}

#[test]
fn one_pod_a_zone_leaves_the_rest_waiting() {
    let rule = near(ZONE, "web", NearRule::Apart);
    let (_, done) = planned(cluster().pending("web", 3, app("web", &[rule])));
    assert_eq!(loads(&done), [1, 1]);
    assert_eq!(refused(&done), [&Misfit::NoZoneLeft]);
}

#[test]
fn equal_prices_are_bought_where_pods_like_it() {
    let mut spec = app("web", &[]);
    spec.prefers.push(model::pod::Preference {
        weight: 7,
        term: NodeTerm {
            labels: vec![Requirement {
                key: ZONE.to_owned(),
                operator: Operator::In(vec!["b".to_owned()]),
            }],
            ..NodeTerm::default()
        },
    });
    let (seen, done) = planned(cluster().pending("web", 70, spec));
    assert_eq!((in_zone(&seen, &done, "a"), in_zone(&seen, &done, "b")), (0, 70));
}

mod dealing;
mod regressions;
