//! Instances: told of, ended and tagged.
//!
//! Not here: their status and their spot requests (`standing`).

use super::describe::{PAGE, among, filters, paged};
use super::standing;
use super::tags::{pairs, tags_of};
use crate::account::{Account, Machine, Refused};
use crate::settings::subnet;
use crate::wire::form::Form;
use crate::wire::xml::{Element, el, leaf, list, time};

pub(super) fn instances(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let visible = |id: &String| account.machines.get(id).filter(|m| m.visible <= account.now());
    let named = form.values("InstanceId");
    for id in &named {
        if visible(id).is_none() {
            let what = format!("The instance ID '{id}' does not exist");
            return Err(Refused::new("InvalidInstanceID.NotFound", what));
        }
    }
    if !named.is_empty() && form.text("MaxResults").is_some() {
        let what = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(Refused::new("InvalidParameterCombination", what));
    }
    let known = [
        "instance-state-name",
        "instance-id",
        "instance-type",
        "instance-lifecycle",
        "availability-zone",
        "tag-key",
        "tag:",
    ];
    let filters = filters(form, &known)?;
    let wanted = |m: &&Machine| {
        (named.is_empty() || named.contains(&m.id))
            && m.visible <= account.now()
            && filters.iter().all(|(name, values)| holds(m, name, values))
    };
    let rows = account.machines.values().filter(wanted).map(|m| {
        let row = vec![
            leaf("reservationId", m.id.replacen("i-", "r-", 1)),
            list("instancesSet", "item", [instance(account, m)]),
        ];
        (m.id.clone(), row)
    });
    paged("reservationSet", PAGE, rows.collect(), form)
}

fn holds(machine: &Machine, name: &str, values: &[String]) -> bool {
    let is = |value: &str| among(values, value);
    match name {
        "instance-state-name" => is(machine.state.wire().1),
        "instance-id" => is(&machine.id),
        "instance-type" => is(&machine.instance_type),
        "availability-zone" => is(&machine.zone),
        "instance-lifecycle" => machine.spot && is("spot"),
        "tag-key" => tags_of(machine).keys().any(|key| is(key)),
        other => other
            .strip_prefix("tag:")
            .is_some_and(|key| tags_of(machine).get(key).is_some_and(|v| is(v))),
    }
}

fn instance(account: &Account, machine: &Machine) -> Vec<Element> {
    let (code, state) = machine.state.wire();
    let tags = tags_of(machine);
    let arch = account
        .settings
        .types
        .get(&machine.instance_type)
        .map_or("x86_64", |t| t.arch.as_str());
    let mut row = vec![
        leaf("instanceId", &machine.id),
        leaf("imageId", &machine.image),
        el("instanceState", vec![leaf("code", code), leaf("name", state)]),
        leaf("privateDnsName", &machine.dns),
        leaf("instanceType", &machine.instance_type),
        leaf("launchTime", time(machine.launched)),
        el(
            "placement",
            vec![
                leaf("availabilityZone", &machine.zone),
                leaf("tenancy", "default"),
            ],
        ),
        leaf("subnetId", subnet(&machine.zone)),
        leaf("architecture", arch),
        list(
            "tagSet",
            "item",
            tags.iter().map(|(k, v)| vec![leaf("key", k), leaf("value", v)]),
        ),
    ];
    if machine.spot {
        row.push(leaf("instanceLifecycle", "spot"));
        row.push(leaf("spotInstanceRequestId", standing::request_of(machine)));
    }
    row
}

pub(super) fn terminate(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let ids = form.values("InstanceId");
    let before: Vec<_> = ids
        .iter()
        .map(|id| account.machines.get(id).map(|m| m.state.wire()))
        .collect();
    let done = account.terminate(&ids)?;
    let state =
        |name: &str, (code, state): (u16, &str)| el(name, vec![leaf("code", code), leaf("name", state)]);
    let rows = done.iter().zip(before).filter_map(|(id, before)| {
        let now = account.machines.get(id)?.state.wire();
        Some(vec![
            leaf("instanceId", id),
            state("currentState", now),
            state("previousState", before?),
        ])
    });
    Ok(vec![list("instancesSet", "item", rows)])
}

pub(super) fn create_tags(account: &mut Account, form: &Form) {
    let tags = pairs(&form.items("Tag"));
    for id in form.values("ResourceId") {
        if let Some(machine) = account.machines.get_mut(&id) {
            machine.tags.extend(tags.clone());
        }
    }
}
