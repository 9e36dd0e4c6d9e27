//! What the tags of a group tell: labels, taints and resources of the nodes it will launch, as Cluster Autoscaler reads
//! them for groups without nodes, and how the group is scaled (`k8s.io/cluster-autoscaler/node-template/…`; its AWS README, "Auto-Discovery Setup").
//!
//! A tag that cannot be read says nothing. Not here: what nodes that have lived tell, which is believed before any tag
//! (`lived`).

use aws_sdk_autoscaling::types::TagDescription;
use manifest::quantity;
use model::group::GroupOptions;
use model::pod::{Taint, TaintEffect};
use model::resources::Resources;
use model::selector::Labels;
use std::collections::BTreeMap;

const LABEL: &str = "k8s.io/cluster-autoscaler/node-template/label/";
const TAINT: &str = "k8s.io/cluster-autoscaler/node-template/taint/";
const RESOURCE: &str = "k8s.io/cluster-autoscaler/node-template/resources/";

/// Labels that new nodes will carry.
pub(super) fn labels(tags: &[TagDescription]) -> Labels {
    told(tags, LABEL)
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Taints that they register with: `VALUE:EFFECT`.
pub(super) fn taints(tags: &[TagDescription]) -> Vec<Taint> {
    told(tags, TAINT)
        .filter_map(|(key, value)| taint(key, value))
        .collect()
}

/// How the group is scaled, as its own tags say and, where these say nothing, those of its managed node group.
pub(super) fn options(tags: &[TagDescription], of_node_group: &BTreeMap<String, String>) -> GroupOptions {
    let own = tags
        .iter()
        .filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default())));
    let theirs = of_node_group
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    GroupOptions::of_tags(theirs.chain(own))
}

/// Lays the resources that tags tell over what the type is known to have: `cpu`, `memory`, `ephemeral-storage` as they
/// are allocatable, everything else in units.
pub(super) fn resources(tags: &[TagDescription], known: &mut Resources) {
    for (name, value) in told(tags, RESOURCE) {
        let amount = match name {
            "cpu" => quantity::milli(value),
            _ => quantity::whole(value),
        };
        let Some(amount) = amount.ok().filter(|amount| *amount >= 0) else {
            continue;
        };
        match name {
            "cpu" => known.cpu_milli = amount,
            "memory" => known.memory_bytes = amount,
            "ephemeral-storage" => known.ephemeral_bytes = amount,
            // How many pods a node runs is no resource here.
            "pods" => {}
            _ if amount == 0 => {
                known.extended.remove(name);
            }
            _ => {
                known.extended.insert(name.to_owned(), amount);
            }
        }
    }
}

/// Tags that begin so, the rest of their keys with their values.
fn told<'t>(tags: &'t [TagDescription], begin: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
    tags.iter().filter_map(move |tag| {
        let key = tag.key()?.strip_prefix(begin)?;
        Some((key, tag.value().unwrap_or_default()))
    })
}

fn taint(key: &str, value: &str) -> Option<Taint> {
    let (value, effect) = value.rsplit_once(':')?;
    let effect = match effect {
        "NoSchedule" => TaintEffect::NoSchedule,
        "NoExecute" => TaintEffect::NoExecute,
        "PreferNoSchedule" => TaintEffect::PreferNoSchedule,
        _ => return None,
    };
    Some(Taint {
        key: key.to_owned(),
        value: value.to_owned(),
        effect,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: String, value: &str) -> TagDescription {
        TagDescription::builder().key(key).value(value).build()
    }

    #[test]
    fn taints_come_from_tags() {
        let tags = [
            tag(format!("{TAINT}gpu"), "a:b:NoSchedule"),
            tag(format!("{TAINT}x"), "nonsense"),
        ];
        let found = taints(&tags);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].key.as_str(), found[0].value.as_str(), found[0].effect),
            ("gpu", "a:b", TaintEffect::NoSchedule)
        );
    }

    #[test]
    fn a_groups_own_tags_win_over_those_of_its_node_group() {
        let key = |key: &str| format!("{}{key}", model::group::options::PREFIX);
        let own = [
            tag(key("scaledownunneededtime"), "3m"),
            tag(key("maxnodeprovisiontime"), "25"),
            tag("k8s.io/cluster-autoscaler/enabled".to_owned(), "true"),
        ];
        let theirs = [
            (key("scaledownunneededtime"), "7m".to_owned()),
            (key("scaledownutilizationthreshold"), "0.4".to_owned()),
        ];
        let read = options(&own, &BTreeMap::from(theirs));
        assert_eq!(read.unneeded_for, Some(model::time::Span::from_secs(180)));
        assert_eq!(read.threshold, Some(400_000));
        let ignored: Vec<&str> = read.ignored.iter().map(|tag| tag.key.as_str()).collect();
        assert_eq!(ignored, ["maxnodeprovisiontime"], "what means nothing is told");
        assert!(options(&[], &BTreeMap::new()).is_usual());
    }

    #[test]
    fn resources_of_tags_win_over_the_types_own() {
        let mut known = Resources::new(1930, 7 << 30);
        known.extended.insert("example.com/fpga".to_owned(), 1);
        let of = |name: &str, value: &str| tag(format!("{RESOURCE}{name}"), value);
        let tags = [
            of("ephemeral-storage", "200Gi"),
            of("cpu", "1500m"),
            of("memory", "much"),
            of("nvidia.com/gpu", "2"),
            of("hugepages-2Mi", "-1"),
            of("example.com/fpga", "0"),
        ];
        resources(&tags, &mut known);
        let mut expected = Resources::new(1500, 7 << 30);
        expected.ephemeral_bytes = 200 << 30;
        expected.extended.insert("nvidia.com/gpu".to_owned(), 2);
        assert_eq!(known, expected);
    }
}
