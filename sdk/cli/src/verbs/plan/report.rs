//! The plan for people: what it costs, what is bought, what is refused, what would be done.

use super::document::{NodeJson, OfferJson, PlanJson, RefusalJson};
use super::limits;
use crate::output::{plain, table};
use comfy_table::Table;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Steps shown before the rest is counted.
const STEPS: usize = 20;

/// The whole plan.
pub(crate) fn whole(plan: &PlanJson) -> String {
    let mut text = head(plan);
    let fargate = plan
        .nodes
        .iter()
        .any(|node| matches!(node.offer, OfferJson::Fargate { .. }));
    let _ = writeln!(
        text,
        "prices {}",
        plan.prices.text(fargate || !plan.could_move.is_empty())
    );
    if !plan.nodes.is_empty() {
        let _ = write!(text, "\n{}\n", nodes(&plan.nodes));
    }
    if !plan.existing.is_empty() {
        let mut rows = table(&["existing node", "pods"]);
        for node in &plan.existing {
            row(&mut rows, [node.node.clone(), node.pods.len().to_string()]);
        }
        let _ = write!(text, "\n{}\n", rows.trim_fmt());
    }
    if !plan.refusals.is_empty() {
        let _ = write!(text, "\n{}\n", refusals(&plan.refusals));
    }
    if !plan.could_move.is_empty() {
        let mut rows = table(&["waits", "Fargate $/h", "could be there"]);
        for moved in plan.could_move.iter().take(STEPS) {
            let price = format!("{:.4}", moved.usd_per_hour);
            row(&mut rows, [moved.pod.clone(), price, moved.message.clone()]);
        }
        let _ = write!(text, "\n{}\n", rows.trim_fmt());
        if plan.could_move.len() > STEPS {
            let _ = writeln!(text, "… and {} more pods", plan.could_move.len() - STEPS);
        }
    }
    if let Some(limits) = limits::text(&plan.limits) {
        let _ = write!(text, "\n{limits}\n");
    }
    for refusal in &plan.other_refusals {
        let _ = write!(text, "\n{}", plain(refusal));
    }
    if !plan.steps.is_empty() {
        let mut rows = table(&["step", "why"]);
        for step in plan.steps.iter().take(STEPS) {
            let held = step.held.as_ref().map(|held| format!("; held: {held}"));
            let why = step.reason.clone() + &held.unwrap_or_default();
            row(&mut rows, [step.text.clone(), why]);
        }
        let _ = write!(text, "\n{}\n", rows.trim_fmt());
        if plan.steps.len() > STEPS {
            let _ = writeln!(text, "… and {} more steps", plan.steps.len() - STEPS);
        }
    }
    if let Some(bill) = &plan.bill {
        let _ = writeln!(text, "\n{}", bill.text());
    }
    match plan.flaws.as_deref() {
        None => {}
        Some([]) => text
            .push_str("\nverified: every pod once, nothing over-committed, every rule kept, prices add up"),
        Some(flaws) => {
            for flaw in flaws {
                let _ = write!(text, "\n{}", plain(&format!("flaw: {flaw}")));
            }
        }
    }
    for fault in &plan.policy_faults {
        let line = format!(
            "policy {} failed at {}: {}; the default answered",
            fault.policy, fault.hook, fault.message
        );
        let _ = write!(text, "\n{}", plain(&line));
    }
    text.trim_end().to_owned()
}

/// Adds a row; names in it come from the input and may be hostile.
fn row<const N: usize>(rows: &mut Table, cells: [String; N]) {
    rows.add_row(cells.map(|cell| plain(&cell)));
}

fn head(plan: &PlanJson) -> String {
    let pods = &plan.pods;
    let existing: usize = plan.existing.iter().map(|node| node.pods.len()).sum();
    let cost = &plan.cost;
    let mut text = format!(
        "pods   {} waiting: {} on {} new nodes, {existing} on nodes that are there, {} refused\n",
        pods.pending,
        pods.placed - existing,
        plan.nodes.len(),
        pods.refused,
    );
    let gap = format!("(gap {:.2} %)", cost.gap_percent);
    let counted = cost.policy_usd_per_hour.to_bits() != cost.usd_per_hour.to_bits();
    let _ = writeln!(
        text,
        "cost   ${:.4}/h; no plan costs less than ${:.4}/h {}",
        cost.usd_per_hour,
        cost.lower_bound_usd_per_hour,
        if counted { "" } else { &gap },
    );
    if counted {
        let _ = writeln!(
            text,
            "       as policies and aims count it: ${:.4}/h, at least ${:.4}/h {gap}",
            cost.policy_usd_per_hour, cost.policy_lower_bound_usd_per_hour,
        );
    }
    text
}

#[derive(Default)]
struct Bought {
    count: u32,
    pods: usize,
    dollars: f64,
    cpu: (i64, i64),
    memory: (i64, i64),
}

fn nodes(nodes: &[NodeJson]) -> String {
    let mut by_offer: BTreeMap<(String, String), Bought> = BTreeMap::new();
    for node in nodes {
        let bought = by_offer
            .entry((node.group.clone(), offer_name(&node.offer)))
            .or_default();
        bought.count += 1;
        bought.pods += node.pods.len();
        bought.dollars += match node.offer {
            OfferJson::Ec2 { usd_per_hour, .. } | OfferJson::Fargate { usd_per_hour, .. } => usd_per_hour,
        };
        bought.cpu.0 = bought.cpu.0.saturating_add(node.requested.cpu_milli);
        bought.cpu.1 = bought.cpu.1.saturating_add(node.allocatable.cpu_milli);
        bought.memory.0 = bought.memory.0.saturating_add(node.requested.memory_mib);
        bought.memory.1 = bought.memory.1.saturating_add(node.allocatable.memory_mib);
    }
    let mut rows = table(&["group", "offer", "nodes", "pods", "cpu", "memory", "$/h"]);
    for ((group, offer), bought) in by_offer {
        row(
            &mut rows,
            [
                group,
                offer,
                bought.count.to_string(),
                bought.pods.to_string(),
                percent(bought.cpu),
                percent(bought.memory),
                format!("{:.4}", bought.dollars),
            ],
        );
    }
    rows.trim_fmt()
}

fn percent((part, of): (i64, i64)) -> String {
    let percent = i128::from(part) * 100 / i128::from(of.max(1));
    format!("{percent} %")
}

/// How an offer is called in one line.
pub(crate) fn offer_name(offer: &OfferJson) -> String {
    match offer {
        OfferJson::Ec2 {
            instance_type,
            zone,
            purchase,
            ..
        } => format!("{instance_type} {zone} {purchase}"),
        OfferJson::Fargate {
            cpu_milli,
            memory_mib,
            ..
        } => format!("fargate {cpu_milli}m {memory_mib}Mi"),
    }
}

fn refusals(refusals: &[RefusalJson]) -> String {
    let mut by_reason: BTreeMap<&str, (usize, &RefusalJson)> = BTreeMap::new();
    for refusal in refusals {
        by_reason.entry(refusal.reason).or_insert((0, refusal)).0 += 1;
    }
    let mut rows = table(&["refused for", "pods", "for example"]);
    for (reason, (count, example)) in by_reason {
        row(
            &mut rows,
            [
                reason.to_owned(),
                count.to_string(),
                format!("{}: {}", example.pod, example.message),
            ],
        );
    }
    rows.trim_fmt()
}
