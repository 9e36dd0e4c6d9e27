//! Claims in every state, the volumes behind them, and how many a node may attach.

use super::cluster::{HOSTNAME, ZONE};
use crate::case::{Case, name};
use crate::dice::Dice;
use serde_json::{Value, json};

const EBS: &str = "ebs.csi.aws.com";
const NFS: &str = "nfs.csi.k8s.io";
const ZONES: [&str; 3] = ["a", "b", "c"];
const SPACES: [&str; 3] = ["default", "shop", "lab"];

/// Storage classes, claims with volumes, and attach limits, for the nodes that the case has.
pub(super) fn storage(dice: &mut Dice, case: &mut Case) {
    let class = |name: &str, provisioner: &str, waits: bool| {
        let mode = if waits {
            "WaitForFirstConsumer"
        } else {
            "Immediate"
        };
        json!({"metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode})
    };
    let mut zonal = class("zonal", EBS, true);
    zonal["allowedTopologies"] =
        json!([{"matchLabelExpressions": [{"key": ZONE, "values": dice.some(&ZONES, 1)}]}]);
    case.storage_classes = vec![
        class("later", EBS, true),
        class("now", EBS, false),
        class("shared", NFS, true),
        class("by-hand", "kubernetes.io/no-provisioner", true),
        zonal,
    ];
    for n in 0..dice.between(2, 6) {
        claim(dice, case, n);
    }
    let nodes: Vec<String> = case.node_names().map(str::to_owned).collect();
    for node in nodes {
        if dice.percent(70) {
            case.csi_nodes.push(attach(dice, &node));
        }
    }
}

fn attach(dice: &mut Dice, node: &str) -> Value {
    let driver = |driver: &str| json!({"name": driver, "nodeID": node, "topologyKeys": [ZONE]});
    let mut ebs = driver(EBS);
    if dice.percent(75) {
        ebs["allocatable"] = json!({"count": dice.between(0, 3)});
    }
    json!({"metadata": {"name": node}, "spec": {"drivers": [ebs, driver(NFS)]}})
}

fn claim(dice: &mut Dice, case: &mut Case, number: usize) {
    let (claim, volume) = (format!("c{number}"), format!("v{number}"));
    let space = dice.pick(&SPACES);
    let class = dice.pick(&["later", "later", "now", "shared", "by-hand", "zonal", "unknown"]);
    let modes = json!([dice.pick(&[
        "ReadWriteOnce",
        "ReadWriteOnce",
        "ReadWriteMany",
        "ReadWriteOncePod"
    ])]);
    let mut object = json!({
        "metadata": {"name": claim, "namespace": space},
        "spec": {
            "storageClassName": class,
            "accessModes": modes,
            "resources": {"requests": {"storage": "1Gi"}},
        },
        "status": {"phase": "Pending"},
    });
    let state = dice.below(20);
    if state < 11 {
        // Bound, to a volume that may be gone.
        object["spec"]["volumeName"] = json!(volume);
        object["metadata"]["annotations"] = json!({"pv.kubernetes.io/bind-completed": "yes"});
        object["status"]["phase"] = json!(if state == 10 { "Lost" } else { "Bound" });
        if dice.percent(95) {
            let behind = bound(dice, &volume, class, (space, &claim), &modes);
            case.pvs.push(behind);
        }
    }
    if dice.percent(4) {
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    }
    case.pvcs.push(object);
}

/// The volume of a bound claim.
fn bound(dice: &mut Dice, name: &str, class: &str, claim: (&str, &str), modes: &Value) -> Value {
    let driver = if class == "shared" { NFS } else { EBS };
    let mut volume = json!({
        "metadata": {"name": name},
        "spec": {
            "storageClassName": class,
            "capacity": {"storage": "1Gi"},
            "accessModes": modes,
            "csi": {"driver": driver, "volumeHandle": name},
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": claim.0, "name": claim.1},
        },
        "status": {"phase": "Bound"},
    });
    let one_of = |key: &str, values: Vec<&str>| {
        json!({"required": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": key, "operator": "In", "values": values}]}
        ]}})
    };
    match dice.below(10) {
        0..=4 => volume["spec"]["nodeAffinity"] = one_of(ZONE, dice.some(&ZONES, 1)),
        5 => volume["spec"]["nodeAffinity"] = one_of(HOSTNAME, vec![dice.pick(&["n0", "n1", "n2"])]),
        6 => volume["metadata"]["labels"] = json!({ZONE: dice.pick(&["a", "b", "a__b"])}),
        7 => {
            volume["metadata"]["labels"] =
                json!({"failure-domain.beta.kubernetes.io/zone": dice.pick(&["a", "b__c"])});
        }
        _ => {}
    }
    volume
}

/// A pod mounts up to two claims of its namespace, and now and then one that nobody made.
pub(super) fn mounts(dice: &mut Dice, claims: &[Value], pod: &mut Value) {
    if claims.is_empty() {
        return;
    }
    let space = pod["metadata"]["namespace"].clone();
    let mut own: Vec<&str> = claims
        .iter()
        .filter(|claim| claim["metadata"]["namespace"] == space)
        .map(name)
        .collect();
    if dice.percent(4) {
        own.push("missing");
    }
    let mut volumes = Vec::new();
    while volumes.len() < 2 && !own.is_empty() && dice.percent(70) {
        let claim = own.remove(dice.below(own.len()));
        let name = format!("data-{}", volumes.len());
        volumes.push(json!({"name": name, "persistentVolumeClaim": {"claimName": claim}}));
    }
    pod["spec"]["volumes"] = json!(volumes);
}
