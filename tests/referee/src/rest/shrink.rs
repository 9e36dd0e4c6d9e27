//! Makes a failing cluster small enough to read: objects go by halves, then one by one, then fields of what waits.

use super::World;
use serde_json::Value;

/// The most attempts: each costs several questions to the scheduler.
const ATTEMPTS: usize = 1500;

/// The smallest cluster found for which `fails` still holds.
pub fn shrink(world: &World, mut fails: impl FnMut(&World) -> bool) -> World {
    let mut best = world.clone();
    let mut left = ATTEMPTS;
    let mut again = true;
    while again && left > 0 {
        again = false;
        for list in LISTS {
            again |= drop_objects(&mut best, list, &mut left, &mut fails);
        }
        again |= drop_rules(&mut best, &mut left, &mut fails);
    }
    best
}

type List = fn(&mut World) -> &mut Vec<Value>;

const LISTS: [List; 7] = [
    |world| &mut world.case.pending,
    |world| &mut world.case.pods,
    |world| &mut world.controllers,
    |world| &mut world.case.nodes,
    |world| &mut world.case.pvcs,
    |world| &mut world.case.pvs,
    |world| &mut world.later,
];

fn drop_objects(
    best: &mut World,
    list: List,
    left: &mut usize,
    fails: &mut impl FnMut(&World) -> bool,
) -> bool {
    let mut smaller = false;
    let mut chunk = list(best).len().max(1);
    loop {
        let mut at = 0;
        while at < list(best).len() && *left > 0 {
            *left -= 1;
            let mut without = best.clone();
            let end = (at + chunk).min(list(best).len());
            list(&mut without).drain(at..end);
            without.case.bind = vec![String::new(); without.case.pending.len()];
            if fails(&without) {
                *best = without;
                smaller = true;
            } else {
                at = end;
            }
        }
        if chunk == 1 {
            return smaller;
        }
        chunk /= 2;
    }
}

/// Parts of pods, templates and nodes that may not be needed.
const PARTS: [&str; 14] = [
    "/spec/topologySpreadConstraints",
    "/spec/affinity/podAffinity",
    "/spec/affinity/podAntiAffinity",
    "/spec/affinity",
    "/spec/tolerations",
    "/spec/nodeSelector",
    "/spec/priorityClassName",
    "/spec/priority",
    "/spec/volumes",
    "/spec/containers/0/ports",
    "/spec/containers/0/resources/requests/memory",
    "/spec/containers/0/resources/requests/cpu",
    "/spec/taints",
    "/spec/unschedulable",
];

fn drop_rules(best: &mut World, left: &mut usize, fails: &mut impl FnMut(&World) -> bool) -> bool {
    let mut smaller = false;
    let templated: Vec<String> = PARTS.iter().map(|part| format!("/spec/template{part}")).collect();
    let parts: Vec<&str> = PARTS
        .iter()
        .copied()
        .chain(templated.iter().map(String::as_str))
        .collect();
    for list in LISTS.iter().take(4) {
        for at in 0..list(best).len() {
            for part in &parts {
                if list(best)[at].pointer(part).is_none_or(Value::is_null) || *left == 0 {
                    continue;
                }
                *left -= 1;
                let mut without = best.clone();
                if let Some((parent, key)) = part.rsplit_once('/')
                    && let Some(Value::Object(map)) = list(&mut without)[at].pointer_mut(parent)
                {
                    map.remove(key);
                }
                if fails(&without) {
                    *best = without;
                    smaller = true;
                }
            }
        }
    }
    smaller
}
