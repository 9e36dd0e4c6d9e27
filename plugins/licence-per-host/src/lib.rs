//! Placement, disruption and review policy: software that is licensed by the host stays on few, marked hosts.
//!
//! Licensed pods go to marked groups only, and others may be kept off them. A marked host is given up only where the
//! licensed pods on it fit on the other marked hosts, and then its licence counts as saved, too. Growth beyond the hosts
//! that are licensed is held. How pods are packed on a host is the engine's business; that it buys few large hosts rather
//! than many small ones can only be had by what the marked group sells.

mod hosts;

use hosts::Hosts;
use plimsoll_sdk::{
    Disruption, Holds, Placement, Prices, Review, Verdicts, View, config, export_disruption,
    export_placement, export_review,
};

/// Its software is licensed for other hosts.
pub const NOT_LICENSED: u16 = 1;
/// These hosts are for licensed software.
pub const KEPT_FREE: u16 = 2;
/// Its licensed pods fit on no other licensed host: one more would be needed.
pub const WOULD_WIDEN: u16 = 3;
/// A licence is saved.
pub const SAVES_LICENCE: u16 = 4;
/// No more hosts are licensed.
pub const ALL_USED: u16 = 5;

/// Configuration.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicencePerHost {
    licences: Vec<Licence>,
}

/// One kind of licence.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Licence {
    /// Label of licensed pods, `key=value`.
    pods: String,
    /// Label of the groups and nodes that they may run on, `key=value`.
    hosts: String,
    /// Hosts that are licensed; 0: as many as are wanted.
    #[serde(default)]
    most_hosts: u32,
    /// What a host's licence costs, dollars per hour.
    #[serde(default)]
    usd_per_host_hour: f64,
    /// Whether other pods are kept off these hosts.
    #[serde(default)]
    keep_others_off: bool,
}

impl LicencePerHost {
    fn read(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        if policy.licences.is_empty() {
            return Err("licences: names none".to_owned());
        }
        for (n, licence) in policy.licences.iter().enumerate() {
            for (field, text) in [("pods", &licence.pods), ("hosts", &licence.hosts)] {
                if label(text).is_none() {
                    return Err(format!("licences[{n}].{field}: `key=value` is meant"));
                }
            }
            if !(0.0..=10_000.0).contains(&licence.usd_per_host_hour) {
                return Err(format!("licences[{n}].usd_per_host_hour: 0 to 10000 is meant"));
            }
        }
        Ok(policy)
    }
}

impl Licence {
    pub(crate) fn of_pods(&self) -> (&str, &str) {
        label(&self.pods).unwrap_or_default()
    }

    pub(crate) fn of_hosts(&self) -> (&str, &str) {
        label(&self.hosts).unwrap_or_default()
    }
}

fn label(text: &str) -> Option<(&str, &str)> {
    text.split_once('=')
        .filter(|(key, value)| !key.is_empty() && !value.is_empty())
}

impl Placement for LicencePerHost {
    fn configure(json: &str) -> Result<Self, String> {
        Self::read(json)
    }

    fn place(&self, view: &View<'_>) -> Result<Prices, String> {
        let mut prices = Prices::default();
        for set in view.sets() {
            for class in view.classes() {
                let ban = self.licences.iter().find_map(|licence| {
                    let ((pods, of_pods), (hosts, of_hosts)) = (licence.of_pods(), licence.of_hosts());
                    match (class.label(pods) == of_pods, set.label(hosts) == of_hosts) {
                        (true, false) => Some(NOT_LICENSED),
                        (false, true) if licence.keep_others_off => Some(KEPT_FREE),
                        _ => None,
                    }
                });
                if let Some(code) = ban {
                    prices.forbid(class, set, code);
                }
            }
        }
        Ok(prices)
    }
}

impl Disruption for LicencePerHost {
    fn configure(json: &str) -> Result<Self, String> {
        Self::read(json)
    }

    fn judge(&self, view: &View<'_>) -> Result<Verdicts, String> {
        let all: Vec<Hosts> = self
            .licences
            .iter()
            .map(|licence| Hosts::of(view, licence))
            .collect();
        let mut verdicts = Verdicts::default();
        for candidate in view.candidates() {
            let name = candidate.name();
            let mine = self
                .licences
                .iter()
                .zip(&all)
                .filter(|(_, hosts)| hosts.has(&name));
            let (mut saved, mut wider) = (0.0, None);
            for (licence, hosts) in mine {
                let (key, value) = licence.of_pods();
                let licensed = candidate.movers().filter(|pod| pod.label(key) == value);
                let asked: Vec<(u32, u32)> =
                    licensed.map(|pod| (pod.cpu_milli(), pod.memory_mib())).collect();
                if hosts.hold_without(&name, asked.clone()) {
                    saved += licence.usd_per_host_hour;
                } else {
                    wider = Some(format!(
                        "{} pods of {value} fit on none of the other {} licensed hosts",
                        asked.len(),
                        hosts.count().saturating_sub(1)
                    ));
                }
            }
            if let Some(why) = wider {
                verdicts.deny_because(candidate, WOULD_WIDEN, &why);
            } else if saved > 0.0 {
                verdicts.add(candidate, -saved, SAVES_LICENCE);
            }
        }
        Ok(verdicts)
    }
}

impl Review for LicencePerHost {
    fn configure(json: &str) -> Result<Self, String> {
        Self::read(json)
    }

    fn review(&self, view: &View<'_>) -> Result<Holds, String> {
        let mut holds = Holds::default();
        let mut used: Vec<u32> = self
            .licences
            .iter()
            .map(|licence| hosts::asked_for(view, licence))
            .collect();
        for step in view.steps().filter(|step| step.kind() == "GrowGroup") {
            let name = step.group();
            let Some(group) = view.groups().find(|group| group.name() == name) else {
                continue;
            };
            let more = step.to().saturating_sub(step.from());
            for (licence, used) in self.licences.iter().zip(&mut used) {
                let (key, value) = licence.of_hosts();
                if licence.most_hosts == 0 || group.label(key) != value {
                    continue;
                }
                if used.saturating_add(more) > licence.most_hosts {
                    let most = licence.most_hosts;
                    let why = format!(
                        "{used} of {most} licensed hosts of {value} are used, {more} more are asked for"
                    );
                    holds.hold_because(step, ALL_USED, &why);
                    break;
                }
                *used += more;
            }
        }
        Ok(holds)
    }
}

export_placement!(LicencePerHost);
export_disruption!(LicencePerHost);
export_review!(LicencePerHost);

#[cfg(test)]
mod tests;
