//! `plimsoll limits --explain`: how each bound follows from the limits, and what the usual limits come to for clusters of
//! several sizes. Not here: the bounds themselves (`guard::exposure`).

use super::{USUAL_NODE, described_as_json, policy_as_json, sized};
use crate::output::table;
use guard::{Exposure, exposure};
use model::limits::Limits;
use model::{ClusterSize, Span};
use serde_json::{Value, json};

/// Sizes that are told beside each other.
const SIZES: [u32; 3] = [10, 100, 1000];

/// A bound: its name, its value, and what it follows from.
type Bound = (&'static str, String, String);

/// How the bounds follow.
pub(super) fn bounds(limits: &Limits, bound: &Exposure) -> String {
    let mut rows = table(&["bound", "at most", "follows from"]);
    for (name, value, from) in followed(limits, bound) {
        rows.add_row([name.to_owned(), value, from]);
    }
    format!("\nHow the bounds follow:\n{rows}")
}

pub(super) fn bounds_as_json(limits: &Limits, bound: &Exposure) -> Value {
    let bounds = followed(limits, bound).into_iter();
    bounds
        .map(|(name, value, from)| json!({"bound": name, "at_most": value, "follows_from": from}))
        .collect()
}

fn followed(limits: &Limits, bound: &Exposure) -> Vec<Bound> {
    let short = format!("windows of {}, whose ends count to both", limits.window);
    let emptied = format!("the cluster of max_nodes, every {}", limits.emptied_window);
    let taken = |most: Option<u32>| most.map_or_else(|| "no limit".to_owned(), |most| most.to_string());
    vec![
        ("nodes, ever", bound.max_nodes.to_string(), "max_nodes".to_owned()),
        ("dollars, ever", bound.max_rate.to_string(), "max_rate".to_owned()),
        (
            "dollars a day, whatever waits",
            bound.max_rate.over(DAY).to_string(),
            "max_rate for 24 hours".to_owned(),
        ),
        (
            "dollars a month",
            limits
                .max_per_month
                .map_or_else(|| "no limit".to_owned(), |limit| limit.to_string()),
            "max_per_month: nothing is bought that would bring the month above it".to_owned(),
        ),
        (
            "nodes an hour that nothing proves",
            bound.nodes_bought.to_string(),
            format!("bought_per_window × {short}"),
        ),
        (
            "dollars a day for these",
            bound.day.to_string(),
            "added_per_window with every window of the day, until max_rate is reached".to_owned(),
        ),
        (
            "nodes an hour that pods stand on",
            bound.nodes_removed.to_string(),
            format!(
                "removed_per_long_window of the cluster of max_nodes, in windows of {}",
                limits.long_window
            ),
        ),
        (
            "nodes an hour that were watched empty",
            bound.nodes_emptied.to_string(),
            format!("emptied_per_window of {emptied}"),
        ),
        (
            "nodes an hour that owners explain",
            bound.nodes_explained.to_string(),
            format!("explained_per_window of {emptied}; no more pods than these have let go of"),
        ),
        (
            "evictions an hour",
            bound.evictions.to_string(),
            format!("evictions_per_window × {short}"),
        ),
        (
            "replicas an hour taken from workloads",
            taken(bound.replicas_taken),
            format!("scaled_down_per_window × {short}"),
        ),
    ]
}

/// What the limits come to for clusters of several sizes.
pub(super) fn sizes(named: &Limits) -> String {
    let mut rows = table(&["for a cluster of", "10 nodes", "100 nodes", "1,000 nodes"]);
    let columns = SIZES.map(|nodes| figures(named, nodes));
    for (at, (name, _)) in columns[0].iter().enumerate() {
        let row = columns.iter().map(|column| column[at].1.clone());
        rows.add_row(std::iter::once((*name).to_owned()).chain(row));
    }
    format!("\nBy the size of the cluster, a node at {USUAL_NODE}:\n{rows}")
}

pub(super) fn sizes_as_json(named: &Limits) -> Value {
    let of = |nodes: u32| {
        let limits = named.of_size(of_nodes(nodes));
        json!({
            "cluster": sized(of_nodes(nodes)),
            "limits": described_as_json(&limits),
            "malicious_policy": policy_as_json(&exposure(&limits)),
        })
    };
    SIZES.into_iter().map(of).collect()
}

const DAY: Span = Span::from_secs(86_400);

fn of_nodes(nodes: u32) -> ClusterSize {
    let rate = USUAL_NODE.times(u64::from(nodes));
    ClusterSize { nodes, rate }
}

/// Limits that follow the size, then the bounds that follow from them.
fn figures(named: &Limits, nodes: u32) -> Vec<(&'static str, String)> {
    let size = of_nodes(nodes);
    let limits = named.of_size(size);
    let bound = exposure(&limits);
    let replicas = limits.scaled_down_per_window;
    vec![
        ("what it costs", size.rate.to_string()),
        ("max_nodes", limits.max_nodes.to_string()),
        ("max_rate", limits.max_rate.to_string()),
        ("bought_per_window", limits.bought_per_window.to_string()),
        ("added_per_window", limits.added_per_window.to_string()),
        ("removals_at_once", limits.removals_at_once.to_string()),
        ("evictions_per_window", limits.evictions_per_window.to_string()),
        (
            "scaled_down_per_window",
            replicas.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string()),
        ),
        (
            "dollars a day, whatever waits",
            bound.max_rate.over(DAY).to_string(),
        ),
        (
            "nodes an hour that nothing proves",
            bound.nodes_bought.to_string(),
        ),
        ("dollars a day for these", bound.day.to_string()),
        (
            "nodes an hour that pods stand on",
            bound.nodes_removed.to_string(),
        ),
        ("evictions an hour", bound.evictions.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What somebody signs who takes the defaults.
    #[test]
    fn defaults_follow_the_size_of_the_cluster() {
        let told = |nodes, name| {
            let figures = figures(&Limits::default(), nodes);
            let found = figures.into_iter().find(|(figure, _)| *figure == name);
            found.map(|(_, value)| value)
        };
        for (name, expected) in [
            ("max_nodes", ["40", "400", "1000"]),
            (
                "dollars a day, whatever waits",
                ["$480.00", "$1920.00", "$12000.00"],
            ),
            ("nodes an hour that nothing proves", ["30", "60", "600"]),
            ("nodes an hour that pods stand on", ["4", "40", "100"]),
        ] {
            let told = SIZES.map(|nodes| told(nodes, name));
            assert_eq!(told, expected.map(|value| Some(value.to_owned())), "{name}");
        }
    }

    #[test]
    fn every_bound_says_what_it_follows_from() {
        let limits = Limits {
            scaled_down_per_window: None,
            ..Limits::default()
        };
        let followed = followed(&limits, &exposure(&limits));
        assert_eq!(followed.len(), 11);
        assert!(
            followed
                .iter()
                .all(|(_, _, from)| from.contains("max_") || from.contains("_per_"))
        );
        assert_eq!(followed[10].1, "no limit");
    }
}
