//! `--why`: one pod's place in a plan, with what it pays, who shares the node, what else would run it, and which
//! rules leave it less choice; or what it lacks, and what would help.
//!
//! Only what the plan, its notes and `decide`'s account say; nothing is worked out anew.

use super::document::{NodeJson, PlanJson, RefusalJson, StepJson};
use super::prices::PricesJson;
use super::report::offer_name;
use crate::output::{plain, table};
use decide::Deliberation;
use decide::why::{Alternative, Why};
use model::fargate::FargateBill;
use model::money::UsdPerHour;
use model::offer::Offer;
use model::pod::PodPhase;
use model::reason::{Misfit, Refusal};
use model::resources::is_huge_pages;
use model::{OfferId, Pod, PodKey, Snapshot};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Alternatives shown in the table.
const SHOWN: usize = 6;
/// Alternatives in the document.
const LISTED: usize = 50;
/// Names of pods on one line.
const NAMES: usize = 3;

/// What the plan says about one pod.
#[derive(Serialize)]
pub(crate) struct PodJson<'a> {
    version: &'static str,
    pod: String,
    /// `new`, `existing`, `refused`, or `not waiting`.
    place: &'static str,
    /// In one line.
    message: String,
    node: Option<&'a NodeJson>,
    existing: Option<&'a str>,
    refusal: Option<&'a RefusalJson>,
    steps: Vec<&'a StepJson>,
    /// Whose prices these are, and of what day.
    prices: &'a PricesJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<WhyJson>,
}

/// The account of a pod that waits.
#[derive(Serialize)]
struct WhyJson {
    cpu_milli: i64,
    memory_bytes: i64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extended: BTreeMap<String, i64>,
    /// Pods that no rule can tell from it, itself included.
    alike: u32,
    /// What it pays; nothing where it is on a node that is there, or has no place.
    pays_usd_per_hour: f64,
    /// Price and waste of its new node.
    #[serde(skip_serializing_if = "Option::is_none")]
    node_usd_per_hour: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_wastes_usd_per_hour: Option<f64>,
    /// Planned pods on the same node.
    shares_with: Vec<String>,
    /// Offers that run it, the least per pod first.
    alternatives: Vec<AlternativeJson>,
    /// How many kinds of nodes run it, listed or not.
    alternatives_in_all: usize,
    /// Offers that do not, counted by their first objection.
    ruled_out: BTreeMap<&'static str, u32>,
    fargate: FargateJson,
    /// Rules that leave it less choice, in words.
    bound_by: Vec<String>,
    /// What would help, where it has no place.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'static str>,
}

#[derive(Serialize)]
struct AlternativeJson {
    offer: String,
    #[serde(rename = "type")]
    name: String,
    /// Equal offers, most often of other zones.
    offers: usize,
    usd_per_hour: f64,
    /// What one such pod would pay of it, by what CPU, memory and places for pods are worth there.
    usd_per_hour_per_pod: f64,
    /// Pods like it that an empty node holds.
    holds: u32,
    chosen: bool,
    /// The plan uses up what the group may still grow by.
    used_up: bool,
}

#[derive(Serialize)]
struct FargateJson {
    offered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usd_per_hour: Option<f64>,
    /// What the pod would cost on EC2 with idle room paid for.
    #[serde(skip_serializing_if = "Option::is_none")]
    ec2_usd_per_hour: Option<f64>,
    /// What keeps it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// A little less to ask for, and what it would save there.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// Everything that is known about the pod and its plan.
pub(crate) struct Case<'a> {
    pub(crate) seen: &'a Snapshot,
    pub(crate) done: &'a Deliberation,
    pub(crate) plan: &'a PlanJson,
    pub(crate) why: Option<&'a Why>,
    pub(crate) pod: &'a PodKey,
}

impl<'a> Case<'a> {
    /// For tools.
    pub(crate) fn document(&self) -> PodJson<'a> {
        let name = self.pod.to_string();
        let has = |pods: &[String]| pods.contains(&name);
        let plan = self.plan;
        let node = plan.nodes.iter().find(|node| has(&node.pods));
        let existing = plan.existing.iter().find(|node| has(&node.pods));
        let refusal = plan.refusals.iter().find(|refusal| refusal.pod == name);
        let (place, message) = match (node, existing, refusal) {
            (Some(node), ..) => (
                "new",
                format!("goes to {}, to be bought: {}", node.name, offer_name(&node.offer)),
            ),
            (None, Some(there), _) => ("existing", format!("fits on {}, which is there", there.node)),
            (None, None, Some(refusal)) => ("refused", format!("has no place: {}", refusal.message)),
            (None, None, None) => ("not waiting", self.does_not_wait()),
        };
        let about = |step: &&StepJson| step.is_about(&name);
        PodJson {
            version: plan.version,
            place,
            message: format!("{name} {message}"),
            node,
            existing: existing.map(|there| there.node.as_str()),
            refusal,
            steps: plan.steps.iter().filter(about).collect(),
            prices: &plan.prices,
            why: self.why.map(|why| self.account(why, node)),
            pod: name,
        }
    }

    /// Why a pod that is there is not in the plan.
    fn does_not_wait(&self) -> String {
        let Some(pod) = self.seen.pod(self.pod) else {
            return "is not in the plan".to_owned();
        };
        let spec = self.seen.spec(pod.spec);
        let owner = spec.owner.as_ref().map_or("", |owner| &*owner.kind);
        let why = match (pod, &pod.node) {
            (
                Pod {
                    phase: PodPhase::Finished,
                    ..
                },
                _,
            ) => "it has finished".to_owned(),
            (
                Pod {
                    phase: PodPhase::Terminating,
                    ..
                },
                _,
            ) => "it is being deleted".to_owned(),
            (_, Some(node)) => format!("it is on {node}"),
            (
                Pod {
                    phase: PodPhase::Gated,
                    ..
                },
                _,
            ) => "scheduling gates hold it back".to_owned(),
            _ if owner == "DaemonSet" => "its DaemonSet brings it to every node that it matches".to_owned(),
            _ if !spec.scheduler.is_empty() => {
                format!(
                    "scheduler {} places it, which the aims do not name",
                    spec.scheduler
                )
            }
            _ => "it is not Pending".to_owned(),
        };
        format!("does not wait for a node: {why}")
    }

    fn account(&self, why: &Why, node: Option<&NodeJson>) -> WhyJson {
        let chosen = node.and_then(|node| self.done.plan.nodes.iter().find(|n| n.name.as_str() == node.name));
        let offers: BTreeMap<&OfferId, &Offer> = self.seen.offers.iter().map(|o| (&o.id, o)).collect();
        let price = chosen.and_then(|node| Some(node.price(offers.get(&node.offer)?)));
        let waste = chosen.and_then(|node| {
            let mut waste = self.done.notes.waste.iter();
            Some(waste.find(|(name, _)| *name == node.name)?.1)
        });
        let name = self.pod.to_string();
        let on = node.map(|node| &node.pods).or_else(|| {
            let mut existing = self.plan.existing.iter();
            Some(&existing.find(|there| there.pods.contains(&name))?.pods)
        });
        let is_chosen = |other: &Alternative| chosen.is_some_and(|node| other.offers.contains(&node.offer));
        let place = why.alternatives.iter().position(&is_chosen);
        let mut alternatives: Vec<AlternativeJson> = Vec::new();
        for (at, other) in why.alternatives.iter().enumerate() {
            if at < LISTED || place == Some(at) {
                alternatives.extend(alternative(other, &offers, place == Some(at)));
            }
        }
        WhyJson {
            cpu_milli: why.requests.cpu_milli,
            memory_bytes: why.requests.memory_bytes,
            extended: why.requests.extended.clone(),
            alike: why.alike,
            pays_usd_per_hour: if node.is_some() { why.pays.dollars() } else { 0.0 },
            node_usd_per_hour: price.map(UsdPerHour::dollars),
            node_wastes_usd_per_hour: waste.map(UsdPerHour::dollars),
            shares_with: on
                .into_iter()
                .flatten()
                .filter(|pod| **pod != name)
                .cloned()
                .collect(),
            alternatives,
            alternatives_in_all: why.alternatives.len(),
            ruled_out: why.ruled_out.clone(),
            fargate: self.fargate(why),
            bound_by: bound_by(why),
            next: self.misfit().map(Misfit::remedy),
        }
    }

    fn fargate(&self, why: &Why) -> FargateJson {
        let known = why.fargate.as_ref();
        let late = known.filter(|fargate| fargate.late);
        let late = late.map(|_| "it has waited too long: Fargate is chosen when a pod is created".to_owned());
        let rates = self.seen.prices.fargate.as_ref().map(|fargate| fargate.rates);
        let bill = rates.and_then(|rates| FargateBill::of(&why.requests, rates).ok());
        // Tasks of ECS have their size to themselves.
        let sold = known.and_then(|known| self.seen.offers.iter().find(|offer| offer.id == known.offer));
        let of_eks = sold.is_some_and(|offer| offer.labels.contains_key("eks.amazonaws.com/compute-type"));
        let trim = bill.filter(|_| of_eks).and_then(|bill| bill.trim);
        FargateJson {
            advice: trim.map(|trim| trim.to_string()),
            offered: self.seen.offers.iter().any(Offer::is_fargate),
            offer: known.map(|fargate| fargate.offer.to_string()),
            usd_per_hour: known.map(|fargate| fargate.fargate.dollars()),
            ec2_usd_per_hour: known.and_then(|fargate| Some(fargate.ec2?.dollars())),
            message: why
                .not_on_fargate
                .as_ref()
                .map(ToString::to_string)
                .or(late)
                .or_else(|| self.plan.prices.fargate_missing.clone()),
        }
    }

    /// Why the pod is refused.
    fn misfit(&self) -> Option<&'a Misfit> {
        self.done.plan.refusals.iter().find_map(|refusal| match refusal {
            Refusal::Pod { pod, why, .. } if pod == self.pod => Some(why),
            _ => None,
        })
    }
}

fn alternative(
    other: &Alternative,
    offers: &BTreeMap<&OfferId, &Offer>,
    chosen: bool,
) -> Option<AlternativeJson> {
    let id = other.offers.first()?;
    let name = offers
        .get(id)
        .and_then(|offer| offer.instance_type())
        .unwrap_or(id.as_str());
    Some(AlternativeJson {
        offer: id.to_string(),
        name: name.to_owned(),
        offers: other.offers.len(),
        usd_per_hour: other.price.dollars(),
        usd_per_hour_per_pod: other.per_pod.dollars(),
        holds: other.holds,
        chosen,
        used_up: other.used_up,
    })
}

fn bound_by(why: &Why) -> Vec<String> {
    let mut rules = Vec::new();
    match &why.zone {
        Some(Some(zone)) => rules.push(format!("its like are dealt over zones; this one got {zone}")),
        Some(None) => rules.push("its like are dealt over zones, and no zone was left for it".to_owned()),
        None => {}
    }
    match why.per_node {
        Some(1) => rules.push("a new node holds only one of its like".to_owned()),
        Some(most) => rules.push(format!("a new node holds only {most} of its like")),
        None => {}
    }
    for (group, block) in &why.blocked_groups {
        rules.push(format!("group {group} would run it, but {block}"));
    }
    rules
}

impl PodJson<'_> {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = plain(&self.message);
        if let Some(why) = &self.why {
            text.push_str("\n\n");
            why.facts(self.place, &mut text);
            let _ = writeln!(
                text,
                "{:<13}{}",
                "prices",
                self.prices.text(why.fargate.usd_per_hour.is_some())
            );
            let closest = self.refusal.iter().flat_map(|refusal| &refusal.closest);
            let mut closest = closest.peekable();
            if closest.peek().is_some() {
                text.push_str("\nthe closest offers\n");
                for offer in closest {
                    let _ = writeln!(
                        text,
                        "{}",
                        plain(&format!("  {}: {}", offer.offer, offer.message))
                    );
                }
            } else {
                why.choice(&mut text);
            }
            if let Some(next) = why.next {
                let _ = write!(text, "\nwhat would help: {next}");
            }
        }
        for step in &self.steps {
            let line = format!("step: {}: {}", step.text, step.reason);
            let _ = write!(text, "\n{}", plain(&line));
        }
        text.trim_end().to_owned()
    }
}

impl WhyJson {
    fn facts(&self, place: &str, text: &mut String) {
        let mut fact = |head: &str, body: &str| {
            let _ = writeln!(text, "{head:<13}{}", plain(body));
        };
        let mut asks = format!(
            "{}m CPU, {}",
            self.cpu_milli,
            mebibytes(self.memory_bytes, "memory")
        );
        for (name, amount) in &self.extended {
            // Huge pages are bytes; other extended resources are counted.
            let _ = if is_huge_pages(name) {
                write!(asks, ", {}", mebibytes(*amount, name))
            } else {
                write!(asks, ", {amount} {name}")
            };
        }
        if self.alike > 1 {
            let _ = write!(asks, "; {} pods are alike", self.alike);
        }
        fact("asks for", &asks);
        match (self.node_usd_per_hour, self.node_wastes_usd_per_hour) {
            (Some(price), Some(waste)) => {
                let pays = self.pays_usd_per_hour;
                fact(
                    "pays",
                    &format!("${pays:.4}/h of the node's ${price:.4}/h, of which ${waste:.4}/h is wasted"),
                );
            }
            _ if place == "existing" => fact("pays", "nothing: the node is there already"),
            _ => {}
        }
        if !self.shares_with.is_empty() {
            fact("shares with", &listed(&self.shares_with));
        } else if place == "new" {
            fact("shares with", "nobody");
        }
        for (at, rule) in self.bound_by.iter().enumerate() {
            fact(if at == 0 { "bound by" } else { "" }, rule);
        }
        fact("Fargate", &self.fargate.text());
    }

    /// What runs it and what does not.
    fn choice(&self, text: &mut String) {
        if !self.alternatives.is_empty() {
            let mut rows = table(&["runs it", "$/h", "its share $/h", "holds", ""]);
            let mut shown = 0;
            for (at, other) in self.alternatives.iter().enumerate() {
                if at >= SHOWN && !other.chosen {
                    continue;
                }
                shown += 1;
                let name = match other.offers {
                    1 => other.name.clone(),
                    many => format!("{} ({many} offers)", other.name),
                };
                let mark = match (other.chosen, other.used_up) {
                    (true, _) => "chosen",
                    (false, true) => "its group cannot grow further",
                    (false, false) => "",
                };
                let dollars = |amount: f64| format!("{amount:.4}");
                rows.add_row([
                    plain(&name),
                    dollars(other.usd_per_hour),
                    dollars(other.usd_per_hour_per_pod),
                    other.holds.to_string(),
                    mark.to_owned(),
                ]);
            }
            let _ = writeln!(text, "\n{}", rows.trim_fmt());
            if self.alternatives_in_all > shown {
                let _ = writeln!(text, "… and {} dearer ones", self.alternatives_in_all - shown);
            }
        }
        if !self.ruled_out.is_empty() {
            let parts = self
                .ruled_out
                .iter()
                .map(|(code, count)| format!("{count} {code}"));
            let all: u32 = self.ruled_out.values().sum();
            let _ = writeln!(
                text,
                "{all} offers do not run it: {}",
                parts.collect::<Vec<_>>().join(", ")
            );
        }
    }
}

impl FargateJson {
    fn text(&self) -> String {
        match &self.advice {
            Some(advice) => format!("{}; {advice}", self.price()),
            None => self.price(),
        }
    }

    fn price(&self) -> String {
        match (self.usd_per_hour, self.ec2_usd_per_hour, &self.message) {
            (.., Some(message)) if !self.offered => message.clone(),
            _ if !self.offered => "is not offered".to_owned(),
            (Some(price), _, Some(message)) => format!("${price:.4}/h, but {message}"),
            (None, _, Some(message)) => message.clone(),
            (Some(price), Some(ec2), None) => format!("${price:.4}/h against ${ec2:.4}/h on EC2"),
            (Some(price), None, None) => format!("${price:.4}/h; no EC2 offer runs it"),
            (None, ..) => "has no size for it".to_owned(),
        }
    }
}

fn mebibytes(bytes: i64, of: &str) -> String {
    if bytes % (1 << 20) == 0 {
        format!("{}Mi {of}", bytes >> 20)
    } else {
        format!("{bytes} bytes of {of}")
    }
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
