//! Tables of `plimsoll get`.

use crate::output::{line, table};
use crate::verbs::remote::shown::{self, cpu, instant, memory, percent, plain, rate, text};
use comfy_table::Table;
use model::Counted;
use proto::v1;

pub(crate) fn summary(summary: &v1::Summary) -> anyhow::Result<()> {
    let mut rows = table(&["", ""]);
    let mut row = |name: &str, value: String| {
        rows.add_row([name.to_owned(), value]);
    };
    row("cluster", text(&summary.cluster));
    row(
        "cycle",
        format!("{} at {}", summary.cycle, instant(summary.at_millis)),
    );
    row("mode", shown::mode(summary.mode).to_owned());
    let paused = summary.paused.as_ref();
    row(
        "paused",
        paused.map_or_else(|| "no".to_owned(), |p| plain(&format!("by {}: {}", p.by, p.why))),
    );
    row(
        "nodes",
        format!(
            "{} ({} ready, {} Fargate)",
            summary.nodes, summary.nodes_ready, summary.nodes_fargate
        ),
    );
    row(
        "pods",
        format!(
            "{} running, {} waiting",
            summary.pods_running, summary.pods_pending
        ),
    );
    let unpriced = match summary.unpriced_nodes {
        0 => String::new(),
        n => format!(" and {} without a known price", Counted(n, "node")),
    };
    row("bill", format!("{}{unpriced}", rate(summary.running_rate_nanos)));
    row(
        "last steps",
        format!(
            "{} cleared, {} held, {} struck",
            summary.cleared, summary.held, summary.struck
        ),
    );
    row("policy faults", summary.fault_count.to_string());
    for intent in &summary.intents {
        let what = match intent.node.as_str() {
            "" => format!("{} for {}", Counted(intent.count, "node"), intent.group),
            node => format!("{node} of {}", intent.group),
        };
        row(
            "under way",
            plain(&format!("{} {what}: {}", intent.kind, intent.stage)),
        );
    }
    for source in summary.sources.iter().filter(|source| !source.live) {
        let state = match source.age_millis {
            Some(age) => format!("{} s old", age / 1000),
            None => "missing".to_owned(),
        };
        row(&format!("source {}", source.source), state);
    }
    if !summary.trouble.is_empty() {
        row("trouble", plain(&summary.trouble));
    }
    for alarm in &summary.alarms {
        row("alarm", plain(alarm));
    }
    line(rows)
}

pub(crate) fn ecs(told: &v1::GetEcsResponse) -> anyhow::Result<()> {
    let mut rows = table(&["", ""]);
    rows.add_row(["read".to_owned(), instant(told.at_millis)]);
    for (name, count) in [
        ("clusters", told.clusters),
        ("services", told.services),
        ("tasks", told.tasks),
        ("container instances", told.instances),
    ] {
        rows.add_row([name.to_owned(), count.to_string()]);
    }
    for why in &told.trouble {
        rows.add_row(["trouble".to_owned(), plain(why)]);
    }
    line(rows)
}

pub(crate) fn groups(list: &[v1::Group]) -> Table {
    let mut rows = table(&[
        "group", "kind", "min", "desired", "max", "living", "nodes", "offers", "cpu", "memory", "mode",
        "note",
    ]);
    for group in list {
        let note = match (group.foreign.as_str(), group.backoff_until_millis) {
            ("", Some(until)) => format!("backs off until {}", instant(until)),
            ("", None) => String::new(),
            (owner, _) => format!("size belongs to {owner}"),
        };
        rows.add_row([
            plain(&group.name),
            group.kind.clone(),
            group.min.to_string(),
            group.desired.to_string(),
            group.max.to_string(),
            group.living.to_string(),
            group.nodes.to_string(),
            group.offers.to_string(),
            percent(group.cpu_requested_permille),
            percent(group.memory_requested_permille),
            shown::mode(group.mode).to_owned(),
            plain(&note),
        ]);
    }
    rows
}

pub(crate) fn offers(list: &[v1::Offer]) -> Table {
    let mut rows = table(&[
        "offer", "group", "arch", "cpu", "memory", "pods", "price", "source",
    ]);
    for offer in list {
        let room = offer.allocatable.clone().unwrap_or_default();
        rows.add_row([
            plain(&offer.id),
            plain(&offer.group),
            text(&offer.arch),
            cpu(room.cpu_milli),
            memory(room.memory_bytes),
            offer.max_pods.to_string(),
            rate(offer.rate_nanos),
            offer.confidence.clone(),
        ]);
    }
    rows
}

pub(crate) fn nodes(list: &[v1::Node]) -> Table {
    let mut rows = table(&[
        "node", "group", "offer", "price", "state", "pods", "cpu", "memory", "used",
    ]);
    for node in list {
        let room = node.allocatable.clone().unwrap_or_default();
        let asked = node.requested.clone().unwrap_or_default();
        let state = match node {
            node if node.draining => "draining",
            node if !node.ready => "not ready",
            node if node.unschedulable => "cordoned",
            node if node.fargate => "fargate",
            _ => "ready",
        };
        let used = match (node.cpu_used_milli, node.memory_used_bytes) {
            (Some(milli), Some(bytes)) => format!("{} {}", cpu(milli), memory(bytes)),
            _ => shown::UNKNOWN.to_owned(),
        };
        rows.add_row([
            plain(&node.name),
            text(&node.group),
            text(&node.offer),
            node.rate_nanos.map_or_else(|| shown::UNKNOWN.to_owned(), rate),
            state.to_owned(),
            format!("{}/{}", node.pods, node.max_pods),
            format!("{}/{}", cpu(asked.cpu_milli), cpu(room.cpu_milli)),
            format!("{}/{}", memory(asked.memory_bytes), memory(room.memory_bytes)),
            used,
        ]);
    }
    rows
}

pub(crate) fn pods(list: &[v1::Pod]) -> Table {
    let mut rows = table(&["pod", "phase", "node", "cpu", "memory", "owner"]);
    for pod in list {
        let asked = pod.requests.clone().unwrap_or_default();
        let node = match (pod.node.as_str(), pod.nominated.as_str()) {
            ("", "") => shown::UNKNOWN.to_owned(),
            ("", nominated) => format!("({nominated})"),
            (node, _) => node.to_owned(),
        };
        rows.add_row([
            plain(&format!("{}/{}", pod.namespace, pod.name)),
            pod.phase.clone(),
            plain(&node),
            cpu(asked.cpu_milli),
            memory(asked.memory_bytes),
            shown::workload(pod.owner.as_ref()),
        ]);
    }
    rows
}

pub(crate) fn workloads(list: &[v1::Workload]) -> Table {
    let mut rows = table(&[
        "workload",
        "replicas",
        "ready",
        "waiting",
        "wanted",
        "scaled by",
        "mode",
    ]);
    for workload in list {
        rows.add_row([
            shown::workload(workload.workload.as_ref()),
            workload.replicas.to_string(),
            workload.ready.to_string(),
            workload.pending.to_string(),
            workload
                .wanted
                .map_or_else(|| shown::UNKNOWN.to_owned(), |n| n.to_string()),
            text(&workload.owned_by),
            shown::mode(workload.mode).to_owned(),
        ]);
    }
    rows
}

pub(crate) fn policies(list: &[v1::PolicyState]) -> Table {
    let mut rows = table(&[
        "policy", "mode", "hooks", "calls", "fuel", "faults", "digest", "note",
    ]);
    for policy in list {
        let note = note(policy);
        rows.add_row([
            plain(&policy.name),
            if policy.hooks.is_empty() && !policy.trouble.is_empty() {
                "not loaded".to_owned()
            } else {
                policy.mode.clone()
            },
            policy.hooks.join(","),
            policy.calls.to_string(),
            policy.fuel.to_string(),
            policy.faults.to_string(),
            text(policy.digest.get(..12).unwrap_or(&policy.digest)),
            text(&note),
        ]);
    }
    rows
}

/// What is most worth knowing of it; what keeps it from being the newest stands behind.
fn note(policy: &v1::PolicyState) -> String {
    let note = match (policy.quarantined_since_millis, &policy.trial, &policy.standing) {
        (Some(since), ..) => format!("in quarantine since {}: {}", instant(since), policy.last_fault),
        (None, _, Some(standing)) if standing.refused.contains(&policy.digest) => {
            format!("rolled back by {}: {}", standing.by, standing.why)
        }
        (None, Some(trial), _) if policy.mode != trial.to => on_trial(trial),
        (None, _, Some(standing)) if standing.digest == policy.digest => {
            format!("{} by {}: {}", standing.mode, standing.by, standing.why)
        }
        _ => policy.last_fault.clone(),
    };
    match (note.as_str(), policy.trouble.as_str()) {
        (_, "") => note,
        ("", trouble) => trouble.to_owned(),
        (note, trouble) => format!("{note}; {trouble}"),
    }
}

/// What a policy that is not enforced would change, and how far it is where it may rise.
fn on_trial(trial: &v1::PolicyTrial) -> String {
    let mean = |beyond: String| {
        let mean = trial.mean_nanos;
        mean.map_or_else(String::new, |mean| format!(", {} on average{beyond}", rate(mean)))
    };
    if trial.to.is_empty() {
        let (cycles, differed) = (trial.cycles, trial.differed);
        return format!(
            "would change {differed} of {cycles} cycles{}",
            mean(String::new())
        );
    }
    format!(
        "on trial for {}: {} of {} cycles{}, {} faults",
        trial.to,
        trial.cycles,
        trial.wanted,
        mean(format!(" (up to {})", rate(trial.most_nanos))),
        trial.faults
    )
}

pub(crate) fn cycles(list: &[v1::Cycle]) -> Table {
    let mut rows = table(&[
        "cycle", "at", "nodes", "pods", "waiting", "cleared", "held", "struck", "bill", "buys", "gap",
        "faults", "took",
    ]);
    for cycle in list {
        let cost = cycle.cost.unwrap_or_default();
        rows.add_row([
            cycle.number.to_string(),
            instant(cycle.at_millis),
            cycle.node_count.to_string(),
            cycle.pod_count.to_string(),
            cycle.pending.to_string(),
            cycle.cleared.to_string(),
            cycle.held.to_string(),
            cycle.struck.to_string(),
            rate(cycle.running_rate_nanos),
            rate(cost.rate_nanos),
            format!("{:.1}%", cost.gap_percent),
            cycle.fault_count.to_string(),
            cycle
                .took_millis
                .map_or_else(|| shown::UNKNOWN.to_owned(), |ms| format!("{ms} ms")),
        ]);
    }
    rows
}

/// One cycle in full.
pub(crate) fn cycle(cycle: &v1::Cycle) -> anyhow::Result<()> {
    line(cycles(std::slice::from_ref(cycle)))?;
    for loosening in &cycle.loosened {
        line(plain(&format!("aims     {loosening}")))?;
    }
    for step in &cycle.steps {
        line(shown::step(step))?;
    }
    for refusal in &cycle.refusals {
        line(plain(&format!("refused  {}", refusal.text)))?;
    }
    for call in &cycle.calls {
        let ended = match call.fault.as_str() {
            "" => "answered",
            fault => fault,
        };
        let keeps = call
            .kept_bytes
            .map_or_else(String::new, |bytes| format!("; keeps {bytes} bytes"));
        line(plain(&format!(
            "policy   {} ({}, {}): {ended}; fuel {}{keeps}",
            call.policy, call.hook, call.mode, call.fuel
        )))?;
    }
    shown::aside(&cycle.trouble);
    Ok(())
}
