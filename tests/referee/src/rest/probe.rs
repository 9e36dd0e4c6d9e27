//! Whether kube-scheduler would have a refused pod: on a node that is there once the plan is done, or on a fresh node of
//! anything that is for sale, with the agents that such a node runs.

use super::daemons;
use super::realise::attach_everywhere;
use super::registered::{self, Launch};
use super::world::World;
use crate::case::{self, Case};
use crate::scheduler::{Answer, Scheduler};
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// When the fresh node joins.
const FRESH: &str = "2026-11-02T12:02:00Z";

/// For each of the pods where it could have gone; `None` for nowhere. `before` is the cluster that was planned for: what
/// its nodes show is what its groups sell.
pub fn homes(
    before: &World,
    done: &World,
    pods: &[Value],
    scheduler: &mut Scheduler,
) -> Result<Vec<Option<String>>> {
    let mut homes = vec![None; pods.len()];
    if pods.is_empty() {
        return Ok(homes);
    }
    let mut asked = done.case.clone();
    asked.pending = pods.to_vec();
    asked.bind = vec![String::new(); pods.len()];
    note(&scheduler.ask(&asked)?, &mut homes, None);
    for (group, kind, zone) in for_sale(before)? {
        if homes.iter().all(Option::is_some) {
            break;
        }
        let (case, name) = with_fresh((before, done), &asked, (&group, &kind, &zone));
        let what = format!(
            "{}{kind} in {zone}",
            if group.is_empty() {
                String::new()
            } else {
                format!("{group}: ")
            }
        );
        note(&scheduler.ask(&case)?, &mut homes, Some((&name, &what)));
    }
    Ok(homes)
}

fn note(answer: &Answer, homes: &mut [Option<String>], fresh: Option<(&str, &str)>) {
    for (judged, home) in answer.pods.iter().zip(homes) {
        let found = match fresh {
            None => judged.feasible.first().map(|node| format!("node {node}")),
            Some((name, what)) => judged
                .feasible
                .iter()
                .any(|node| node == name)
                .then(|| format!("a new {what}")),
        };
        if home.is_none() {
            *home = found;
        }
    }
}

fn with_fresh(
    (before, done): (&World, &World),
    asked: &Case,
    (group, kind, zone): (&str, &str, &str),
) -> (Case, String) {
    let fleet = before.fleet();
    let name = "ip-fresh".to_owned();
    let node = registered::usable(Launch {
        name: &name,
        group: before.group(group).or(Some(&fleet)),
        kind: registered::type_of(kind),
        zone,
        created: FRESH,
    });
    let mut case = asked.clone();
    let agents = done.daemon_sets().filter_map(|set| daemons::pod(set, &node));
    case.pods.extend(agents);
    case.nodes.push(node);
    attach_everywhere(&mut case);
    (case, name)
}

/// Group (empty: the fleet), type and zone of everything that may be bought.
pub fn for_sale(world: &World) -> Result<BTreeSet<(String, String, String)>> {
    let list = world.price_list()?;
    let mut sold = BTreeSet::new();
    for row in &list.rows {
        for zone in &row.zones {
            sold.insert((String::new(), row.instance_type.clone(), zone.clone()));
        }
    }
    if world.grows.is_empty() {
        return Ok(sold);
    }
    let mut shown = BTreeSet::new();
    for node in &world.case.nodes {
        let labels = &node["metadata"]["labels"];
        let label = |key: &str| {
            labels
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let kind = label("node.kubernetes.io/instance-type");
        let zone = label("topology.kubernetes.io/zone");
        let is_sold = sold.contains(&(String::new(), kind.clone(), zone.clone()));
        for name in world.grows.iter().filter(|_| is_sold) {
            let group = world.group(name);
            let mine = group.is_some_and(|group| {
                let mut own = group.labels.iter().chain(&group.late_labels);
                own.any(|(key, value)| value == name && labels.get(key) == Some(&json!(name)))
            });
            if mine {
                shown.insert((name.clone(), kind.clone(), zone.clone()));
            }
        }
    }
    Ok(shown)
}

/// One pod of each kind, and all that are like it.
pub fn kinds(pods: &[Value]) -> Vec<(Value, Vec<String>)> {
    let mut kinds: Vec<(String, Value, Vec<String>)> = Vec::new();
    for pod in pods {
        let like = format!("{}{}", pod["metadata"]["labels"], pod["spec"]);
        let name = case::key(pod).to_string();
        match kinds.iter_mut().find(|(known, ..)| *known == like) {
            Some((_, _, names)) => names.push(name),
            None => kinds.push((like, pod.clone(), vec![name])),
        }
    }
    kinds.into_iter().map(|(_, pod, names)| (pod, names)).collect()
}
