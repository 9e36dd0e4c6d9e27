//! Ports of the host.

use crate::dice::Dice;
use serde_json::{Value, json};

/// Some containers, init containers and sidecars take ports of the host; some pods are on the host's network.
pub(super) fn ports(dice: &mut Dice, pod: &mut Value) {
    let spec = &mut pod["spec"];
    let on_host = dice.percent(20);
    if on_host {
        spec["hostNetwork"] = json!(true);
    }
    let mut containers = Vec::new();
    let mut taken = Vec::new();
    for n in 0..dice.between(1, 2) {
        let ports = list(dice, on_host, &mut taken);
        containers.push(json!({"name": format!("c{n}"), "image": "x", "ports": ports}));
    }
    spec["containers"] = json!(containers);
    if dice.percent(30) {
        let mut init = json!({"name": "init", "image": "x", "ports": list(dice, on_host, &mut taken)});
        if dice.percent(50) {
            init["restartPolicy"] = json!("Always");
        }
        spec["initContainers"] = json!([init]);
    }
}

/// Up to two ports; the API server takes each number of a protocol once in a pod.
fn list(dice: &mut Dice, on_host: bool, taken: &mut Vec<(Value, Value)>) -> Vec<Value> {
    let mut ports: Vec<Value> = Vec::new();
    for _ in 0..dice.below(3) {
        let number = [80, 443, 8080][dice.below(3)];
        let mut port = json!({"containerPort": number});
        if on_host {
            if dice.percent(50) {
                port["hostPort"] = json!(number);
            }
        } else if dice.percent(75) {
            port["hostPort"] = json!([80, 443, 8080][dice.below(3)]);
        }
        if dice.percent(50) {
            port["protocol"] = json!(dice.pick(&["TCP", "UDP", "SCTP"]));
        }
        if dice.percent(40) {
            port["hostIP"] = json!(dice.pick(&["0.0.0.0", "127.0.0.1", "10.0.0.1", "::", "::1"]));
        }
        let number = if on_host { "containerPort" } else { "hostPort" };
        let protocol = port.get("protocol").cloned().unwrap_or_else(|| json!("TCP"));
        let key = (port[number].clone(), protocol);
        if !taken.contains(&key) {
            taken.push(key);
            ports.push(port);
        }
    }
    ports
}
