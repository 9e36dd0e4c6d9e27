//! Makes a failing case smaller, so that a person can read it: objects go, then fields, as long as it still fails.

use crate::case::Case;
use serde_json::Value;

/// The smallest case found for which `fails` still holds.
pub fn shrink(case: &Case, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut best = case.clone();
    loop {
        let before = weight(&best);
        for list in LISTS {
            drop_objects(&mut best, list, &mut fails);
        }
        for list in LISTS {
            drop_fields(&mut best, list, &mut fails);
        }
        if weight(&best) >= before {
            return best;
        }
    }
}

type List = fn(&mut Case) -> &mut Vec<Value>;

const LISTS: [List; 8] = [
    |case| &mut case.pending,
    |case| &mut case.pods,
    |case| &mut case.nodes,
    |case| &mut case.namespaces,
    |case| &mut case.pvcs,
    |case| &mut case.pvs,
    |case| &mut case.storage_classes,
    |case| &mut case.csi_nodes,
];

fn weight(case: &Case) -> usize {
    serde_json::to_string(case).map_or(usize::MAX, |text| text.len())
}

fn drop_objects(best: &mut Case, list: List, fails: &mut impl FnMut(&Case) -> bool) {
    let mut at = list(best).len();
    while at > 0 {
        at -= 1;
        let mut without = best.clone();
        if list(&mut without).len() == without.bind.len() && is_pending(best, list) {
            without.bind.remove(at);
        }
        list(&mut without).remove(at);
        if fails(&without) {
            *best = without;
        }
    }
}

/// Whether the list is the one that `bind` belongs to.
fn is_pending(best: &Case, list: List) -> bool {
    let mut probe = best.clone();
    let before = probe.pending.len();
    list(&mut probe).clear();
    probe.pending.is_empty() && before > 0
}

fn drop_fields(best: &mut Case, list: List, fails: &mut impl FnMut(&Case) -> bool) {
    for at in 0..list(best).len() {
        let mut paths = Vec::new();
        collect(&list(best)[at], &mut String::new(), &mut paths);
        // A node without a limit of pods takes none: that would become the failure that is left.
        let keeps_limit = |path: &String| {
            let holds = ["/status", "/status/allocatable", "/status/capacity"];
            !holds.contains(&path.as_str()) && !path.ends_with("/pods")
        };
        paths.retain(keeps_limit);
        // A whole subtree goes before its leaves.
        for path in paths {
            let mut without = best.clone();
            if remove(&mut list(&mut without)[at], &path) && fails(&without) {
                *best = without;
            }
        }
    }
}

fn collect(value: &Value, path: &mut String, paths: &mut Vec<String>) {
    let mut step = |key: &str, value: &Value| {
        let length = path.len();
        path.push('/');
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        paths.push(path.clone());
        collect(value, path, paths);
        path.truncate(length);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| step(key, value)),
        Value::Array(list) => {
            // From the end, so that removing one leaves the places of the others.
            list.iter()
                .enumerate()
                .rev()
                .for_each(|(at, value)| step(&at.to_string(), value));
        }
        _ => {}
    }
}

fn remove(object: &mut Value, path: &str) -> bool {
    let Some((parent, last)) = path.rsplit_once('/') else {
        return false;
    };
    let key = last.replace("~1", "/").replace("~0", "~");
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => map.remove(&key).is_some(),
        Some(Value::Array(list)) => {
            let at = key.parse::<usize>().ok().filter(|at| *at < list.len());
            at.map(|at| list.remove(at)).is_some()
        }
        _ => false,
    }
}
