//! EKS on the wire (rest-json, 2017-11-01).
//!
//! Not here: what calls do (`account::eks`).

use super::answer::Answer;
use super::call::{Call, unknown};
use super::pages::{BadPage, Page, PageSize};
use crate::account::{Account, ConfigUpdate, NodeGroup, Profile, Refused, ScalingConfig};
use crate::settings::{NewProfile, subnet};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// EKS API reference.
const PAGE: PageSize = PageSize {
    usual: 100,
    fewest: 1,
    most: 100,
};

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
        "ListNodegroups" => listed("nodegroups", account.node_groups.keys(), call)?,
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
        "ListFargateProfiles" => listed("fargateProfileNames", account.profiles.keys(), call)?,
        "DescribeFargateProfile" => {
            let what = format!("No Fargate Profile found with name: {name}.");
            let found = account.profiles.get(name).ok_or_else(|| missing(&what))?;
            json!({"fargateProfile": profile(account, found)})
        }
        "CreateFargateProfile" => {
            let made = new_profile(account, &call.json)?;
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

/// Names in a field, a page at a time.
fn listed<'n>(field: &str, names: impl Iterator<Item = &'n String>, call: &Call) -> Result<Value, Refused> {
    let form = &call.form;
    let page = Page::asked(form.text("maxResults"), form.text("nextToken"), PAGE).map_err(|bad| {
        invalid(match bad {
            BadPage::Size { asked, size } => {
                format!(
                    "maxResults must be between {} and {}, is {asked}",
                    size.fewest, size.most
                )
            }
            BadPage::Token(token) => format!("Invalid token: {token}"),
        })
    })?;
    let (names, next) = page.of(names.map(|name| (name.clone(), name.clone())).collect());
    let mut value = json!({field: names});
    if let Some(next) = next {
        value["nextToken"] = Value::from(next);
    }
    Ok(value)
}

fn invalid(what: impl Into<String>) -> Refused {
    Refused::new("InvalidParameterException", what)
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

/// `UpdateNodegroupConfig`: bounds, labels and taints.
fn update(account: &mut Account, name: &str, body: &Value) -> Result<Value, Refused> {
    let size = |key: &str| -> Result<Option<u32>, Refused> {
        match &body["scalingConfig"][key] {
            Value::Null => Ok(None),
            value => {
                let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
                number
                    .map(Some)
                    .ok_or_else(|| invalid(format!("scalingConfig.{key} is invalid: {value}")))
            }
        }
    };
    let change = ConfigUpdate {
        scaling: ScalingConfig {
            min: size("minSize")?,
            max: size("maxSize")?,
            desired: size("desiredSize")?,
        },
        set_labels: labels(&body["labels"]["addOrUpdateLabels"]),
        unset_labels: texts(&body["labels"]["removeLabels"]),
        set_taints: taints(&body["taints"]["addOrUpdateTaints"])?,
        unset_taints: taints(&body["taints"]["removeTaints"])?,
    };
    let id = account.update_node_group(name, change)?;
    Ok(json!({"update": {"id": id, "status": "InProgress", "type": "ConfigUpdate", "errors": []}}))
}

/// Key, value and effect of taints.
fn taints(value: &Value) -> Result<Vec<(String, String, String)>, Refused> {
    let one = |taint: &Value| {
        let effect = text(&taint["effect"]);
        if !["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"].contains(&effect.as_str()) {
            return Err(invalid(format!("Invalid taint effect: {effect}")));
        }
        Ok((text(&taint["key"]), text(&taint["value"]), effect))
    };
    value.as_array().into_iter().flatten().map(one).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), text(value))).collect()
}

fn profile(account: &Account, of: &Profile) -> Value {
    let selectors: Vec<Value> = of
        .made
        .selectors
        .iter()
        .map(|(namespace, labels)| json!({"namespace": namespace, "labels": labels}))
        .collect();
    let subnets: Vec<String> = of.made.zones.iter().map(|zone| subnet(zone)).collect();
    json!({
        "fargateProfileName": of.made.name, "clusterName": account.settings.cluster, "status": of.status,
        "selectors": selectors, "subnets": subnets,
    })
}

fn new_profile(account: &Account, body: &Value) -> Result<NewProfile, Refused> {
    let name = text(&body["fargateProfileName"]);
    if name.is_empty() {
        return Err(invalid("fargateProfileName can't be empty"));
    }
    if account.profiles.contains_key(&name) {
        let what = format!(
            "Fargate Profile already exists with name {name} and cluster name {}",
            account.settings.cluster
        );
        return Err(Refused::new("ResourceInUseException", what));
    }
    let selectors = body["selectors"].as_array().cloned().unwrap_or_default();
    if selectors.is_empty()
        || selectors
            .iter()
            .any(|selector| text(&selector["namespace"]).is_empty())
    {
        return Err(invalid(
            "A Fargate profile needs one to five selectors, each with a namespace",
        ));
    }
    let zones: Vec<String> = texts(&body["subnets"])
        .iter()
        .map(|id| id.trim_start_matches("subnet-").to_owned())
        .collect();
    let known = |zone: &&String| !account.settings.zones.iter().any(|known| known.name == **zone);
    if let Some(zone) = zones.iter().find(known) {
        return Err(invalid(format!("The subnet ID 'subnet-{zone}' does not exist")));
    }
    Ok(NewProfile {
        name,
        selectors: selectors
            .iter()
            .map(|s| (text(&s["namespace"]), labels(&s["labels"])))
            .collect(),
        zones,
    })
}
