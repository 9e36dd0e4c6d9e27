//! What tests/referee found by asking kube-scheduler, as small as it gets.

use super::*;
use model::pod::PodPhase;

fn nobody_goes_to_nodes_that_are_there(cluster: Cluster) {
    let (_, done) = planned(cluster);
    assert!(done.plan.existing.is_empty(), "{:?}", done.plan.existing);
}

#[test]
fn an_empty_term_of_node_affinity_still_matches_nothing() {
    let web = PodSpec {
        node_affinity: Some(vec![NodeTerm::default()]),
        ..app("web", &[near(HOSTNAME, "db", NearRule::Apart)])
    };
    let there = cluster().node("n", "g", "t");
    let there = there.running("db-x", "n", app("db", &[near(HOSTNAME, "web", NearRule::Apart)]));
    let (_, done) = planned(there.node("m", "g", "t").pending("web", 1, web));
    assert_eq!((refused(&done).len(), loads(&done).len()), (1, 0));
}

#[test]
fn a_node_without_the_label_is_in_no_domain_of_a_spread() {
    for key in [HOSTNAME, ZONE] {
        let bare = |node: &mut model::Node| drop(node.labels.remove(key));
        let there = cluster().node("n", "g", "t").last_node(bare);
        nobody_goes_to_nodes_that_are_there(there.pending("web", 1, app("web", &[spread(key, 1)])));
    }
}

#[test]
fn nodes_of_one_hostname_are_one_domain() {
    let same = |node: &mut model::Node| drop(node.labels.insert(HOSTNAME.into(), "same".into()));
    let there = cluster().node("n", "g", "t").last_node(same);
    let there = there.node("m", "g", "t").last_node(same);
    let lonely = app("web", &[near(HOSTNAME, "web", NearRule::Apart)]);
    nobody_goes_to_nodes_that_are_there(
        there
            .running("web-x", "n", lonely.clone())
            .pending("web", 1, lonely),
    );
}

#[test]
fn who_wants_others_away_need_not_be_one_of_them() {
    let rule = near(HOSTNAME, "web", NearRule::Apart);
    let there = cluster().node("n", "g", "t");
    let there = there.running("db-x", "n", app("db", std::slice::from_ref(&rule)));
    nobody_goes_to_nodes_that_are_there(there.pending("web", 1, app("web", &[rule])));
}

#[test]
fn one_pod_must_be_all_that_an_affinity_asks_for() {
    let with = |app| near(ZONE, app, NearRule::Together);
    let there = cluster().node("n", "g", "t").running("db-x", "n", app("db", &[]));
    let there = there.running("cache-x", "n", app("cache", &[]));
    let (_, done) = planned(there.pending("web", 1, app("web", &[with("db"), with("cache")])));
    assert_eq!(refused(&done), [&Misfit::Unmodelled(Unmodelled::PodAffinity)]);
}

#[test]
fn a_spread_does_not_count_pods_on_their_way_out() {
    let web = app("web", &[spread(HOSTNAME, 1)]);
    let there = cluster().node("n", "g", "t").node("m", "g", "t");
    let mut there = there
        .running("stays", "n", web.clone())
        .running("leaves", "m", web.clone());
    for pod in there
        .seen
        .pods
        .iter_mut()
        .filter(|pod| &*pod.key.name == "leaves")
    {
        pod.phase = PodPhase::Terminating;
    }
    let (_, done) = planned(there.pending("web", 1, web));
    let on: Vec<&str> = done.plan.existing.iter().map(|(node, _)| node.as_str()).collect();
    assert_eq!(on, ["m"]);
}

/// Nodes in zones that nothing is sold in.
fn unsold(nodes: &[(&str, &str)]) -> Cluster {
    let mut there = cluster();
    for (name, zone) in nodes {
        there = there.node(name, "g", "t").last_node(|node| {
            node.labels.insert(ZONE.to_owned(), (*zone).to_owned());
        });
    }
    there.seen.offers.clear();
    there
}

fn on_nodes(done: &Deliberation) -> Vec<(&str, usize)> {
    let existing = done.plan.existing.iter();
    existing.map(|(node, pods)| (node.as_str(), pods.len())).collect()
}

#[test]
fn zones_that_nothing_is_sold_in_are_still_different_zones() {
    let everybody = Near {
        selector: LabelSelector::default(),
        ..near(ZONE, "web", NearRule::Apart)
    };
    let there = unsold(&[("n", "y"), ("m", "z")]);
    let (_, done) = planned(there.pending("web", 1, app("web", &[everybody])).pending(
        "job",
        1,
        app("job", &[]),
    ));
    assert_eq!(on_nodes(&done), [("m", 1), ("n", 1)]);
}

#[test]
fn a_zone_is_closed_by_those_who_are_not_of_the_crowd_they_want_away() {
    let rule = near(ZONE, "web", NearRule::Apart);
    let there = unsold(&[("n", "y")]);
    let (_, done) = planned(
        there
            .pending("web", 1, app("web", std::slice::from_ref(&rule)))
            .pending("job", 1, app("job", &[rule])),
    );
    assert_eq!(
        (on_nodes(&done), refused(&done)),
        (vec![("n", 1)], vec![&Misfit::NoZoneLeft])
    );
}

#[test]
fn nobody_follows_those_who_are_refused() {
    let follower = app("web", &[near(ZONE, "cache", NearRule::Together)]);
    let nowhere = app("cache", &[near("rack", "cache", NearRule::Together)]);
    let (_, done) = planned(cluster().pending("cache", 1, nowhere).pending("web", 1, follower));
    assert_eq!(refused(&done).len(), 2, "{:?}", done.plan.refusals);
}

#[test]
fn nobody_follows_those_who_found_no_room() {
    let follower = app("web", &[near(ZONE, "cache", NearRule::Together)]);
    let vast = PodSpec {
        requests: asks(1_000_000, 100).requests,
        ..app("cache", &[])
    };
    let (_, done) = planned(cluster().pending("cache", 1, vast).pending("web", 1, follower));
    assert_eq!(refused(&done).len(), 2, "{:?}", done.plan.refusals);
}

#[test]
fn the_first_of_pods_that_want_company_may_be_any_of_its_kind() {
    let with = |namespaces: &[&str]| Near {
        selector: LabelSelector::default(),
        namespaces: Some(namespaces.iter().map(|name| (*name).to_owned()).collect()),
        ..near(ZONE, "web", NearRule::Together)
    };
    let wide = app("job", &[with(&["default", "lab"])]);
    let there = unsold(&[("n", "y"), ("m", "z")]).pending("web", 1, app("web", &[with(&["default"])]));
    let (_, done) = planned(there.pending("job", 1, wide).pending("old", 3, app("old", &[])));
    assert_eq!(
        on_nodes(&done).iter().map(|(_, pods)| pods).collect::<Vec<_>>(),
        [&5]
    );
}

#[test]
fn nobody_is_refused_for_company_that_others_want() {
    let everybody = Near {
        selector: LabelSelector::default(),
        ..near(ZONE, "web", NearRule::Together)
    };
    let in_zone = |zone: &str| PodSpec {
        node_selector: Labels::from([(ZONE.to_owned(), zone.to_owned())]),
        ..app(zone, &[])
    };
    let there = unsold(&[("n", "y"), ("m", "z")]).pending("web", 1, app("web", &[everybody]));
    let (_, done) = planned(there.pending("a", 1, in_zone("y")).pending("b", 1, in_zone("z")));
    assert_eq!(
        on_nodes(&done),
        [("m", 2), ("n", 1)],
        "it finds one of them where it goes"
    );
    assert!(refused(&done).is_empty());
}

#[test]
fn pods_that_share_one_of_several_host_ports_share_no_new_node() {
    let with = |name: &str, ports: &[u16]| PodSpec {
        host_ports: ports
            .iter()
            .map(|port| HostPort {
                port: *port,
                protocol: "TCP".to_owned(),
                ip: String::new(),
            })
            .collect(),
        ..app(name, &[])
    };
    let both = cluster()
        .pending("a", 1, with("a", &[80]))
        .pending("b", 1, with("b", &[80, 8080]));
    let (_, done) = planned(both);
    assert_eq!(loads(&done), [1, 1]);
}

/// Zone y with a node of fast disks, zone z with one such and one with slow disks, on which three pods run.
fn disks() -> Cluster {
    let mut there = unsold(&[("fast-y", "y"), ("fast-z", "z"), ("slow-z", "z")]);
    for node in &mut there.seen.nodes {
        let (disk, _) = node.name.as_str().split_once('-').unwrap();
        node.labels.insert("disk".to_owned(), disk.to_owned());
    }
    let web = app("web", &[]);
    there
        .running("web-a", "slow-z", web.clone())
        .running("web-b", "slow-z", web.clone())
        .running("web-c", "slow-z", web)
}

fn on_fast_disks(near: Near) -> PodSpec {
    PodSpec {
        node_selector: Labels::from([("disk".to_owned(), "fast".to_owned())]),
        ..app("web", &[near])
    }
}

#[test]
fn a_spread_counts_no_pods_on_nodes_that_its_own_affinity_excludes() {
    let (_, done) = planned(disks().pending("web", 4, on_fast_disks(spread(ZONE, 1))));
    assert_eq!(on_nodes(&done), [("fast-y", 2), ("fast-z", 2)]);
}

#[test]
fn a_spread_counts_them_where_its_policy_says_so() {
    let mut despite = spread(ZONE, 1);
    despite.nodes.despite_affinity = true;
    let (_, done) = planned(disks().pending("web", 3, on_fast_disks(despite)));
    assert_eq!(on_nodes(&done), [("fast-y", 3)]);
}

#[test]
fn a_spread_counts_no_zone_of_which_the_taints_are_not_tolerated_where_its_policy_says_so() {
    let mut tolerated = spread(ZONE, 1);
    tolerated.nodes.only_tolerated = true;
    let mut there = unsold(&[("n", "y"), ("m", "z")]);
    there.seen.nodes[0].taints.push(model::pod::Taint {
        key: "kept".to_owned(),
        value: String::new(),
        effect: model::pod::TaintEffect::NoSchedule,
    });
    let kept = there.seen.nodes[0].name.as_str().to_owned();
    let usual = there.clone().pending("web", 4, app("web", &[spread(ZONE, 1)]));
    assert_eq!(refused(&planned(usual).1).len(), 3, "the other zone stays empty");
    let (_, done) = planned(there.pending("web", 4, app("web", &[tolerated])));
    assert_eq!(on_nodes(&done).len(), 1);
    assert!(done.plan.existing[0].0.as_str() != kept && refused(&done).is_empty());
}

#[test]
fn pods_without_the_rule_may_come_after_those_who_have_it() {
    // Those without a selector may stand on slow disks, which the spread does not count.
    let there = disks().pending("web", 2, on_fast_disks(spread(ZONE, 1)));
    let (_, done) = planned(there.pending("old", 6, app("web", &[])));
    assert!(refused(&done).is_empty(), "{:?}", done.plan.refusals);
}
