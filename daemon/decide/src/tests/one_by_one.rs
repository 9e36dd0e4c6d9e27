//! Pods with rules that hold in one order only: who comes after others finds a place all the same.

use crate::Deliberation;
use crate::checker::check;
use crate::constraints::ZONE;
use crate::fit::HOSTNAME;
use crate::fixture::{Cluster, asks};
use crate::number::size;
use model::aims::Aims;
use model::ids::IntentId;
use model::intent::{Intent, IntentKind, LaunchStage};
use model::plan::{Step, StepKind};
use model::pod::{HostPort, Near, NearRule, PodSpec, Toleration};
use model::reason::Refusal;
use model::selector::{LabelSelector, Labels, Operator, Requirement};
use model::snapshot::Snapshot;
use model::time::Span;

fn near(key: &str, app: &str, rule: NearRule) -> Near {
    let requirements = vec![Requirement {
        key: "app".to_owned(),
        operator: Operator::In(vec![app.to_owned()]),
    }];
    let namespaces = Some(vec!["default".to_owned()]);
    Near::new(key.to_owned(), LabelSelector { requirements }, namespaces, rule)
}

fn app(name: &str, milli: i64, near: &[Near]) -> PodSpec {
    PodSpec {
        namespace: "default".to_owned(),
        labels: Labels::from([("app".to_owned(), name.to_owned())]),
        near: near.to_vec(),
        ..asks(milli, 100)
    }
}

/// Two sizes in zones a and b: room for four or for sixteen pods of 500 millicores.
fn shop() -> Cluster {
    Cluster::new()
        .group("g", 0, 40)
        .offer("g", "small", 2000, 4096, 50_000_000)
        .offer("g", "large", 8000, 16384, 180_000_000)
}

fn planned(cluster: Cluster) -> (Snapshot, Deliberation) {
    let (seen, done) = cluster.deliberate();
    check(&seen, &Aims::default(), &done);
    (seen, done)
}

fn refused(done: &Deliberation) -> usize {
    let pods = done.plan.refusals.iter();
    pods.filter(|refusal| matches!(refusal, Refusal::Pod { .. }))
        .count()
}

/// Pods of the new nodes, in falling order.
fn loads(done: &Deliberation) -> Vec<usize> {
    let mut loads: Vec<usize> = done.plan.nodes.iter().map(|node| node.pods.len()).collect();
    loads.sort_unstable_by(|a, b| b.cmp(a));
    loads
}

/// Pods by node that is there.
fn there(done: &Deliberation) -> Vec<(&str, usize)> {
    let nodes = done.plan.existing.iter();
    nodes.map(|(node, pods)| (node.as_str(), pods.len())).collect()
}

#[test]
fn company_on_one_node_gets_a_node_that_holds_most_of_it() {
    let together = near(HOSTNAME, "web", NearRule::Together);
    for (pods, wanted) in [(1, 1), (4, 4), (5, 5), (16, 16)] {
        let (seen, done) =
            planned(shop().pending("web", pods, app("web", 500, std::slice::from_ref(&together))));
        assert_eq!((loads(&done), refused(&done)), (vec![wanted], 0), "{pods} pods");
        let kind = done.plan.nodes[0].offer.as_str();
        assert_eq!(
            kind.contains("large"),
            pods > 4,
            "{kind} for {pods} of {}",
            seen.pods.len()
        );
    }
    let (_, done) = planned(shop().pending("web", 20, app("web", 500, &[together])));
    assert_eq!(
        (loads(&done), refused(&done)),
        (vec![16], 4),
        "no node holds more"
    );
}

#[test]
fn who_follows_those_who_wait_comes_after_them() {
    for key in [HOSTNAME, ZONE] {
        let after = |whom| near(key, whom, NearRule::Together);
        let chain = shop()
            .pending("cache", 1, app("cache", 200, &[after("web")]))
            .pending("web", 1, app("web", 200, &[after("db")]))
            .pending("db", 1, app("db", 200, &[]));
        let (_, done) = planned(chain);
        assert_eq!((loads(&done), refused(&done)), (vec![3], 0), "over {key}");
    }
}

/// Two more fit on each of three nodes, which have one each.
#[test]
fn nodes_that_are_there_rise_together() {
    let spread = near(HOSTNAME, "web", NearRule::Spread { skew: 1, domains: 1 });
    let web = app("web", 500, &[spread]);
    let mut three = shop();
    for node in ["n1", "n2", "n3"] {
        three = three
            .node(node, "g", "small")
            .running(&format!("web-{node}"), node, web.clone());
    }
    let (_, done) = planned(three.clone().pending("web-w", 9, web.clone()));
    assert_eq!(there(&done), [("n1", 3), ("n2", 3), ("n3", 3)]);
    assert_eq!((done.plan.nodes.len(), refused(&done)), (0, 0));
    // Once one is full, the others stop a pod above it.
    let full = three.running("other", "n2", app("other", 1500, &[]));
    let (_, done) = planned(full.pending("web-w", 9, web));
    assert_eq!(there(&done), [("n1", 1), ("n3", 1)]);
    assert_eq!(refused(&done), 0);
}

/// Whom kube-scheduler admits only once others have come is not nominated yet: it would drop that again.
#[test]
fn who_comes_after_others_is_nominated_after_them() {
    let spread = near(HOSTNAME, "web", NearRule::Spread { skew: 1, domains: 1 });
    let two = shop().node("n1", "g", "small").node("n2", "g", "small");
    let (_, done) = planned(two.pending("web", 6, app("web", 500, &[spread])));
    assert_eq!(there(&done), [("n1", 3), ("n2", 3)]);
    let told = done.plan.steps.iter();
    let told = told
        .filter(|step| matches!(step.kind, StepKind::Nominate { .. }))
        .count();
    assert_eq!(told, 2, "one on each: the next may come when both are there");
}

/// The only node could rise by itself: no bound is above what two more nodes' pods cost there.
#[test]
fn a_bound_counts_nodes_that_rise_together() {
    let spread = near(HOSTNAME, "web", NearRule::Spread { skew: 1, domains: 1 });
    let web = app("web", 500, &[spread]);
    let one = shop()
        .node("n1", "g", "small")
        .running("web-0", "n1", web.clone());
    let (seen, done) = planned(one.pending("web-w", 7, web));
    let small = seen.offers.iter().map(|offer| offer.price).min();
    assert_eq!(there(&done), [("n1", 3)]);
    assert!(
        Some(done.plan.cost.bound) <= small,
        "four pods fit one small node: {:?}",
        done.plan.cost
    );
}

#[test]
fn a_shared_claim_ends_in_one_zone() {
    let with_claim = PodSpec {
        shares: vec!["data".to_owned()],
        ..app("web", 500, &[near(HOSTNAME, "web", NearRule::Apart)])
    };
    let (seen, done) = planned(shop().pending("web", 4, with_claim));
    let zone = |node: &model::plan::PlannedNode| {
        let offer = seen.offers.iter().find(|offer| offer.id == node.offer);
        offer.and_then(|offer| offer.zone()).map(str::to_owned)
    };
    let mut zones: Vec<Option<String>> = done.plan.nodes.iter().map(zone).collect();
    zones.dedup();
    assert_eq!((zones.len(), refused(&done)), (1, 0), "{zones:?}");
}

#[test]
fn a_cordoned_node_takes_pods_that_tolerate_a_cordon() {
    let cordoned = shop()
        .node("n1", "g", "small")
        .last_node(|node| node.unschedulable = true);
    let everything = Toleration {
        key: None,
        value: None,
        effect: None,
    };
    let tolerant = PodSpec {
        tolerations: vec![everything],
        ..app("web", 500, &[])
    };
    let (_, done) = planned(cordoned.clone().pending("web", 2, tolerant));
    assert_eq!((there(&done), done.plan.nodes.len()), (vec![("n1", 2)], 0));
    let (_, done) = planned(cordoned.pending("web", 2, app("web", 500, &[])));
    assert_eq!((there(&done), done.plan.nodes.len()), (vec![], 1));
}

/// Filling node after node leaves one over; with one pod on the other node, everybody has a place.
#[test]
fn one_that_was_seated_goes_elsewhere_for_one_that_was_not() {
    let port = |number| HostPort {
        port: number,
        protocol: "TCP".to_owned(),
        ip: String::new(),
    };
    for order in [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]] {
        let mut cluster = shop().node("n1", "g", "small").node("n2", "g", "small");
        for name in order {
            let (milli, ports) = match name {
                "a" => (1500, vec![port(80)]),
                "b" => (500, vec![port(80)]),
                _ => (1500, Vec::new()),
            };
            let spec = PodSpec {
                host_ports: ports,
                ..app(name, milli, &[])
            };
            cluster = cluster.pending(name, 1, spec);
        }
        let (_, done) = planned(cluster);
        assert_eq!(
            (done.plan.nodes.len(), refused(&done)),
            (0, 0),
            "{order:?}: {:?}",
            there(&done)
        );
    }
}

/// The launches of a plan, written down.
fn launched(seen: &Snapshot, done: &Deliberation) -> Vec<Intent> {
    let launch = |step: &Step| {
        let StepKind::GrowGroup {
            group,
            offer,
            from,
            to,
            nodes,
            pods,
            ..
        } = &step.kind
        else {
            return None;
        };
        Some(Intent {
            id: IntentId::new(format!("7-{from}")),
            opened: seen.at,
            deadline: seen.at + Span::from_secs(600),
            generation: 0,
            kind: IntentKind::Launch {
                group: group.clone(),
                offer: offer.clone(),
                count: to - from,
                from: *from,
                to: *to,
                planned: nodes.clone(),
                pods: pods.clone(),
                instances: Vec::new(),
                joined: Vec::new(),
                stage: LaunchStage::Asked,
            },
        })
    };
    done.plan.steps.iter().filter_map(launch).collect()
}

/// While its node is on the way, others who wait do not take the room of whom no node admits yet.
#[test]
fn a_launch_keeps_room_for_company_that_comes_later() {
    let together = near(HOSTNAME, "web", NearRule::Together);
    let cluster = shop().pending("web", 4, app("web", 500, &[together]));
    let (mut seen, done) = planned(cluster);
    let launches = launched(&seen, &done);
    seen.ledger.intents.extend(launches);
    seen.cycle += 1;
    let job = Cluster { seen: seen.clone() }.pending("job", 3, app("job", 500, &[]));
    let (_, done) = planned(job);
    let bought = done.plan.nodes.iter().flat_map(|node| &node.pods);
    assert!(
        bought.clone().all(|pod| pod.name.starts_with("job")),
        "{:?}",
        done.plan.nodes
    );
    assert_eq!((bought.count(), refused(&done)), (3, 0));
}

/// Found by `referee rest`: who comes later and wants a domain without such pods was dealt that of a launch, and the pods
/// that it was made for bought nodes elsewhere.
#[test]
fn who_comes_later_does_not_shut_the_zone_of_a_launch() {
    let spread = near(ZONE, "web", NearRule::Spread { skew: 1, domains: 1 });
    let (mut seen, done) = planned(shop().pending("web", 2, app("web", 500, &[spread])));
    let launches = launched(&seen, &done);
    assert_eq!(launches.len(), 2, "one in each zone");
    seen.ledger.intents.extend(launches);
    seen.cycle += 1;
    let apart = near(ZONE, "web", NearRule::Apart);
    for pods in [1, 3] {
        let later = Cluster { seen: seen.clone() };
        let (_, done) = planned(later.pending("lone", pods, app("lone", 500, std::slice::from_ref(&apart))));
        assert!(done.plan.nodes.is_empty(), "{:?}", done.plan.nodes);
        let on_their_way = done.plan.existing.iter().flat_map(|(_, pods)| pods);
        assert!(on_their_way.clone().all(|pod| pod.name.starts_with("web")));
        assert_eq!((on_their_way.count(), refused(&done)), (2, size(pods)));
    }
}

/// Found by `referee rest`: company that has room nowhere called those whom it wants to be with from zone to zone, and in the
/// next cycle away from the nodes that had been bought for them.
#[test]
fn who_has_room_nowhere_calls_nobody_away() {
    let web = app("web", 1500, &[]);
    let to_web = near(ZONE, "web", NearRule::Together);
    let cache = app("cache", 64_000, &[to_web]);
    let both = |cluster: Cluster| {
        let cluster = cluster.pending("web", 3, web.clone());
        cluster.pending("cache", 2, cache.clone())
    };
    let (mut seen, done) = planned(both(shop()));
    let bought = done.plan.nodes.iter().flat_map(|node| &node.pods).count();
    assert_eq!((bought, refused(&done)), (3, 2), "{:?}", done.plan);
    let launches = launched(&seen, &done);
    seen.ledger.intents.extend(launches);
    seen.cycle += 1;
    let (_, done) = planned(Cluster { seen });
    assert!(done.plan.nodes.is_empty(), "{:?}", done.plan.nodes);
    assert_eq!(refused(&done), 2);
}
