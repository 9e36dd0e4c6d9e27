//! How instances stand beyond their state: their spot requests, and the events that are scheduled for them.
//!
//! Source: EC2 user guide, "Spot request status codes" and "Scheduled events for your instances". Not here: checks of
//! an instance's health.

use super::describe::{PAGE, among, filters, invalid, paged};
use crate::account::{Account, Machine, Refused};
use crate::wire::form::Form;
use crate::wire::xml::{Element, el, leaf, list};

/// Most instances that a call for their status may name.
const NAMED: usize = 100;

/// The spot request of an instance.
pub(super) fn request_of(machine: &Machine) -> String {
    machine.id.replacen("i-", "sir-", 1)
}

pub(super) fn spot_requests(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let filters = filters(form, &["instance-id", "spot-instance-request-id", "status-code"])?;
    let named = form.values("SpotInstanceRequestId");
    let machines = account.machines.values();
    let spot = machines.filter(|machine| machine.spot && machine.visible <= account.now());
    let wanted = |machine: &&Machine| {
        (named.is_empty() || named.contains(&request_of(machine)))
            && filters.iter().all(|(name, values)| match name.as_str() {
                "instance-id" => among(values, &machine.id),
                "spot-instance-request-id" => among(values, &request_of(machine)),
                _ => among(values, status_of(machine)),
            })
    };
    let rows = spot.filter(wanted).map(|machine| {
        let code = status_of(machine);
        let state = if machine.lives() { "active" } else { "closed" };
        let row = vec![
            leaf("spotInstanceRequestId", request_of(machine)),
            leaf("type", "one-time"),
            leaf("state", state),
            el("status", vec![leaf("code", code), leaf("message", code)]),
            leaf("instanceId", &machine.id),
        ];
        (request_of(machine), row)
    });
    paged("spotInstanceRequestSet", PAGE, rows.collect(), form)
}

/// Two minutes before its end a request is marked.
const fn status_of(machine: &Machine) -> &'static str {
    match (machine.lives(), machine.noticed) {
        (true, true) => "marked-for-termination",
        (true, false) => "fulfilled",
        (false, true) => "instance-terminated-no-capacity",
        (false, false) => "instance-terminated-by-user",
    }
}

pub(super) fn statuses(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let named = form.values("InstanceId");
    account.there(&named)?;
    if named.len() > NAMED {
        return Err(invalid(format!("at most {NAMED} instances may be named")));
    }
    let all = form
        .text("IncludeAllInstances")
        .is_some_and(|value| value == "true");
    let wanted = |machine: &&Machine| {
        (named.is_empty() || named.contains(&machine.id)) && (all || machine.state.wire().1 == "running")
    };
    let rows = account.machines.values().filter(wanted).map(|machine| {
        let (code, state) = machine.state.wire();
        let event = |(code, text): &(String, String)| vec![leaf("code", code), leaf("description", text)];
        let row = vec![
            leaf("instanceId", &machine.id),
            leaf("availabilityZone", &machine.zone),
            el("instanceState", vec![leaf("code", code), leaf("name", state)]),
            list("eventsSet", "item", machine.scheduled.iter().map(event)),
        ];
        (machine.id.clone(), row)
    });
    paged("instanceStatusSet", PAGE, rows.collect(), form)
}
