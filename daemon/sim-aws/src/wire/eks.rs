//! EKS on the wire (rest-json, 2017-11-01).
//!
//! Not here: what calls do (`account::eks`).

use super::{Answer, Call, unknown};
use crate::account::{Account, NodeGroup, Profile, Refused};
use crate::settings::NewProfile;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Action of a method and path, with the names that the path has.
pub(super) fn action(method: &str, path: &[String]) -> Option<(String, Vec<String>)> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let (action, names): (&str, Vec<&str>) = match (method, parts.as_slice()) {
        ("GET", ["clusters", cluster]) => ("DescribeCluster", vec![cluster]),
        ("GET", ["clusters", cluster, "node-groups"]) => ("ListNodegroups", vec![cluster]),
        ("GET", ["clusters", cluster, "node-groups", name]) => ("DescribeNodegroup", vec![cluster, name]),
        ("POST", ["clusters", cluster, "node-groups", name, "update-config"]) => {
            ("UpdateNodegroupConfig", vec![cluster, name])
        }
        ("GET", ["clusters", cluster, "updates", id]) => ("DescribeUpdate", vec![cluster, id]),
        ("GET", ["clusters", cluster, "fargate-profiles"]) => ("ListFargateProfiles", vec![cluster]),
        ("POST", ["clusters", cluster, "fargate-profiles"]) => ("CreateFargateProfile", vec![cluster]),
        ("GET", ["clusters", cluster, "fargate-profiles", name]) => {
            ("DescribeFargateProfile", vec![cluster, name])
        }
        _ => return None,
    };
    Some((action.to_owned(), names.into_iter().map(str::to_owned).collect()))
}

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let cluster = account.settings.cluster.clone();
    if call.path.first() != Some(&cluster) {
        let asked = call.path.first().map(String::as_str).unwrap_or_default();
        return Err(missing(&format!("No cluster found for name: {asked}.")));
    }
    let name = call.path.get(1).map(String::as_str).unwrap_or_default();
    let value = match call.action.as_str() {
        "DescribeCluster" => cluster_of(account),
        "ListNodegroups" => json!({"nodegroups": account.node_groups.keys().collect::<Vec<_>>()}),
        "DescribeNodegroup" => json!({"nodegroup": node_group(account, account.node_group(name)?)}),
        "UpdateNodegroupConfig" => update(account, name, &call.json)?,
        "DescribeUpdate" => {
            let update = account
                .updates
                .get(name)
                .ok_or_else(|| missing("No update found"))?;
            let status = if update.done { "Successful" } else { "InProgress" };
            json!({"update": {"id": name, "status": status, "type": "ConfigUpdate"}})
        }
        "ListFargateProfiles" => json!({"fargateProfileNames": account.profiles.keys().collect::<Vec<_>>()}),
        "DescribeFargateProfile" => {
            let what = format!("No Fargate Profile found with name: {name}.");
            let found = account.profiles.get(name).ok_or_else(|| missing(&what))?;
            json!({"fargateProfile": profile(account, found)})
        }
        "CreateFargateProfile" => {
            let made = new_profile(&call.json);
            let name = made.name.clone();
            account.begin_profile(made)?;
            let found = account
                .profiles
                .get(&name)
                .ok_or_else(|| missing("gone at once"))?;
            json!({"fargateProfile": profile(account, found)})
        }
        _ => return Err(unknown(call)),
    };
    Ok(Answer::json(200, &value))
}

fn missing(what: &str) -> Refused {
    Refused::new("ResourceNotFoundException", what)
}

fn cluster_of(account: &Account) -> Value {
    let settings = &account.settings;
    json!({"cluster": {
        "name": settings.cluster, "status": "ACTIVE", "version": settings.version,
        "arn": format!("arn:aws:eks:{}:{}:cluster/{}", settings.region, settings.account, settings.cluster),
    }})
}

fn node_group(account: &Account, of: &NodeGroup) -> Value {
    let group = account.groups.get(&of.group);
    let size = group.map_or((0, 0, 0), |g| (g.min, g.max, g.desired));
    let taints: Vec<Value> = of
        .taints
        .iter()
        .map(|(key, value, effect)| json!({"key": key, "value": value, "effect": effect}))
        .collect();
    json!({
        "nodegroupName": of.name, "clusterName": account.settings.cluster, "status": of.status,
        "version": account.settings.version, "capacityType": if of.spot { "SPOT" } else { "ON_DEMAND" },
        "scalingConfig": {"minSize": size.0, "maxSize": size.1, "desiredSize": size.2},
        "instanceTypes": of.types, "amiType": "AL2023_x86_64_STANDARD", "labels": of.labels, "taints": taints,
        "resources": {"autoScalingGroups": [{"name": of.group}]},
    })
}

fn update(account: &mut Account, name: &str, body: &Value) -> Result<Value, Refused> {
    let size = |key: &str| {
        body["scalingConfig"][key]
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
    };
    let id = account.update_node_group(name, (size("minSize"), size("maxSize"), size("desiredSize")))?;
    Ok(json!({"update": {"id": id, "status": "InProgress", "type": "ConfigUpdate"}}))
}

fn profile(account: &Account, of: &Profile) -> Value {
    let selectors: Vec<Value> = of
        .made
        .selectors
        .iter()
        .map(|(namespace, labels)| json!({"namespace": namespace, "labels": labels}))
        .collect();
    let subnets: Vec<String> = of
        .made
        .zones
        .iter()
        .map(|zone| super::autoscaling::subnet(zone))
        .collect();
    json!({
        "fargateProfileName": of.made.name, "clusterName": account.settings.cluster, "status": of.status,
        "selectors": selectors, "subnets": subnets,
    })
}

fn new_profile(body: &Value) -> NewProfile {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let labels = |value: &Value| -> BTreeMap<String, String> {
        value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), text(value)))
            .collect()
    };
    let selectors = list(&body["selectors"]);
    let subnets = list(&body["subnets"]);
    NewProfile {
        name: text(&body["fargateProfileName"]),
        selectors: selectors
            .iter()
            .map(|s| (text(&s["namespace"]), labels(&s["labels"])))
            .collect(),
        zones: subnets
            .iter()
            .map(|s| text(s).trim_start_matches("subnet-").to_owned())
            .collect(),
    }
}
