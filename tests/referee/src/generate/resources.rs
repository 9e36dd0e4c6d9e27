//! What nodes have and pods ask for, such that sums often come out even, or one unit off.

use super::quantity;
use crate::dice::Dice;
use serde_json::{Map, Value, json};

const MIB: i64 = 1 << 20;
const GPU: &str = "nvidia.com/gpu";
const FPGA: &str = "example.com/fpga";
const HUGE: &str = "hugepages-2Mi";

/// Little, so that a few pods fill it.
pub(super) fn allocatable(dice: &mut Dice, node: &mut Value) {
    let mut has = json!({
        "pods": dice.pick(&["1", "2", "4", "5", "110"]),
    });
    let cpu = grid(dice, 500, 16);
    has["cpu"] = quantity::cpu(dice, cpu);
    let memory = grid(dice, 512 * MIB, 12);
    has["memory"] = quantity::bytes(dice, memory);
    if dice.percent(80) {
        let disk = grid(dice, 512 * MIB, 8);
        has["ephemeral-storage"] = quantity::bytes(dice, disk);
    }
    if dice.percent(40) {
        has[GPU] = json!(dice.pick(&["0", "1", "2", "4"]));
    }
    if dice.percent(30) {
        has[FPGA] = json!(dice.pick(&["1", "3", "1k"]));
    }
    if dice.percent(30) {
        has[HUGE] = json!(dice.pick(&["0", "64Mi", "128Mi"]));
    }
    // The kubelet tells both; a hand-written node may tell its capacity only.
    if dice.percent(90) {
        node["status"]["capacity"] = has.clone();
        node["status"]["allocatable"] = has;
    } else {
        node["status"]["capacity"] = has;
        if let Some(status) = node["status"].as_object_mut() {
            status.remove("allocatable");
        }
    }
}

/// A multiple of the step, now and then one unit off.
fn grid(dice: &mut Dice, step: i64, most: usize) -> i64 {
    let steps = i64::try_from(dice.between(1, most)).unwrap_or(1);
    let off = match dice.below(12) {
        0 => -1,
        1 => 1,
        _ => 0,
    };
    steps * step + off
}

/// Containers, sidecars and init containers that ask, overhead, and requests of the pod as a whole.
pub(super) fn requests(dice: &mut Dice, pod: &mut Value) {
    let spec = &mut pod["spec"];
    let pod_level = dice.percent(15);
    let mut containers = Vec::new();
    for n in 0..dice.between(1, 3) {
        containers.push(container(dice, &format!("c{n}"), pod_level));
    }
    spec["containers"] = json!(containers);
    let mut inits = Vec::new();
    for n in 0..dice.below(4) {
        let mut init = container(dice, &format!("i{n}"), pod_level);
        if dice.percent(50) {
            init["restartPolicy"] = json!("Always");
        }
        inits.push(init);
    }
    if !inits.is_empty() {
        spec["initContainers"] = json!(inits);
    }
    if dice.percent(15) {
        spec["overhead"] = json!({"cpu": "125m", "memory": "128Mi"});
    }
    if pod_level {
        whole_pod(dice, spec);
    }
}

fn container(dice: &mut Dice, name: &str, small: bool) -> Value {
    let mut requests = Map::new();
    let mut limits = Map::new();
    let (core, mib) = if small { (25, 8 * MIB) } else { (250, 256 * MIB) };
    if dice.percent(75) {
        let milli = grid(dice, core, 6).max(1);
        // A limit without a request is one.
        let (asks, limited) = (dice.percent(80), dice.percent(30));
        if asks {
            requests.insert("cpu".to_owned(), quantity::cpu(dice, milli));
        }
        if limited || !asks {
            limits.insert("cpu".to_owned(), quantity::cpu(dice, milli * 2));
        }
    }
    if dice.percent(75) {
        let bytes = grid(dice, mib, 6);
        let (asks, limited) = (dice.percent(80), dice.percent(30));
        if asks {
            requests.insert("memory".to_owned(), quantity::bytes(dice, bytes));
        }
        if limited || !asks {
            limits.insert("memory".to_owned(), quantity::bytes(dice, bytes * 2));
        }
    }
    if dice.percent(25) {
        let bytes = grid(dice, 256 * MIB, 4);
        requests.insert("ephemeral-storage".to_owned(), quantity::bytes(dice, bytes));
    }
    let exact: [(&str, &[&str], usize); 3] = [
        (GPU, &["0", "1", "2"], 15),
        (FPGA, &["1", "2"], 10),
        (HUGE, &["2Mi", "64Mi"], 8),
    ];
    for (resource, amounts, percent) in exact {
        if dice.percent(percent) {
            let amount = json!(dice.pick(amounts));
            limits.insert(resource.to_owned(), amount.clone());
            if dice.percent(50) {
                requests.insert(resource.to_owned(), amount);
            }
        }
    }
    if requests.contains_key(HUGE) || limits.contains_key(HUGE) {
        // Huge pages want memory or CPU beside them.
        requests.entry("memory").or_insert(json!("16Mi"));
        limits.remove("memory");
    }
    json!({"name": name, "image": "x", "resources": {"requests": requests, "limits": limits}})
}

/// `spec.resources`, which containers may not exceed.
fn whole_pod(dice: &mut Dice, spec: &mut Value) {
    let mut requests = Map::new();
    let mut limits = Map::new();
    let cpu = grid(dice, 500, 4) + 900;
    let memory = grid(dice, 256 * MIB, 4) + 800 * MIB;
    if dice.percent(60) {
        requests.insert("cpu".to_owned(), quantity::cpu(dice, cpu));
    }
    if dice.percent(50) {
        limits.insert("cpu".to_owned(), quantity::cpu(dice, cpu));
    }
    if dice.percent(60) {
        requests.insert("memory".to_owned(), quantity::bytes(dice, memory));
    }
    if dice.percent(50) {
        limits.insert("memory".to_owned(), quantity::bytes(dice, memory));
    }
    if dice.percent(15) {
        limits.insert(HUGE.to_owned(), json!("512Mi"));
        requests.entry("memory").or_insert(json!("2Gi"));
        limits.remove("memory");
    }
    spec["resources"] = json!({"requests": requests, "limits": limits});
}

/// A running pod whose containers are being made larger or smaller.
pub(super) fn resizing(dice: &mut Dice, pod: &mut Value) {
    let mut told = Vec::new();
    for n in 0..2 {
        let mut status =
            json!({"name": format!("c{n}"), "ready": true, "restartCount": 0, "image": "x", "imageID": ""});
        if dice.percent(80) {
            let milli = grid(dice, 250, 8);
            status["resources"] = json!({"requests": {"cpu": quantity::cpu(dice, milli), "memory": "512Mi"}});
        }
        if dice.percent(60) {
            let milli = grid(dice, 250, 8);
            status["allocatedResources"] = json!({"cpu": quantity::cpu(dice, milli)});
        }
        told.push(status);
    }
    pod["status"]["containerStatuses"] = json!(told);
    if dice.percent(30) {
        let reason = dice.pick(&["Infeasible", "Deferred"]);
        pod["status"]["conditions"] =
            json!([{"type": "PodResizePending", "status": "True", "reason": reason}]);
    }
}
