//! How many volumes a node may attach: as its CSINode says, and for a node that could be bought as the CSINode of
//! such a node would.
//!
//! Source for EBS: "Amazon EBS volume limits" of the EC2 user guide and the table of the EBS CSI driver, less what
//! the driver sets aside (the root volume) and, where interfaces share the limit, one interface more than the
//! first, which the VPC CNI attaches early. Where types of a family differ, the figure is at most theirs: a plan
//! then buys too many nodes rather than too few. Not here: which volumes a pod has (`volumes`).

use crate::node::INSTANCE_TYPE;
use crate::volumes::EBS;
use model::offer::Offer;
use model::resources::{ANY_VOLUMES, attach_driver, attach_limit};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// What the EBS CSI driver sets aside: the root volume.
const ROOT: i64 = 1;
/// Slots of a Nitro instance that interfaces, disks and volumes share, less the first interface.
const NITRO: i64 = 27;
/// The fewest of those that disks and accelerators of the instance leave (but for `FEW`).
const NITRO_WITH_DISKS: i64 = 21;
/// An interface beside the first.
const INTERFACE: i64 = 1;
/// Volumes of instances older than Nitro.
const BEFORE_NITRO: i64 = 39;

/// Families older than Nitro.
const OLD_FAMILIES: [&str; 27] = [
    "c1", "c3", "c4", "cc2", "cr1", "d2", "f1", "g2", "g3", "g3s", "h1", "hs1", "i2", "i3", "m1", "m2", "m3",
    "m4", "p2", "p3", "r3", "r4", "t1", "t2", "x1", "x1e", "hi1",
];

/// Types whose own disks and accelerators leave fewer slots than `NITRO_WITH_DISKS`.
const FEW: [(&str, i64); 12] = [
    ("d3.4xlarge", 15),
    ("d3.8xlarge", 3),
    ("d3en.12xlarge", 3),
    ("d3en.4xlarge", 19),
    ("d3en.6xlarge", 15),
    ("d3en.8xlarge", 11),
    ("dl2q.24xlarge", 19),
    ("g5.48xlarge", 9),
    ("i3en.24xlarge", 19),
    ("i4i.32xlarge", 19),
    ("inf1.24xlarge", 11),
    ("p3dn.24xlarge", 17),
];

/// Writes down for every node and offer how many volumes it may attach of the drivers that pods count. `told` is by node
/// and driver.
pub fn limit_volumes(seen: &mut Snapshot, told: &BTreeMap<String, BTreeMap<String, i64>>) {
    let asked: BTreeSet<String> = seen
        .specs
        .iter()
        .flat_map(|spec| spec.requests.extended.keys())
        .filter_map(|resource| attach_driver(resource).map(str::to_owned))
        .collect();
    for driver in &asked {
        let mut of_type: BTreeMap<String, i64> = BTreeMap::new();
        for node in &mut seen.nodes {
            let own = told.get(node.name.as_str()).and_then(|limits| limits.get(driver));
            if let (Some(limit), Some(kind)) = (own, node.labels.get(INSTANCE_TYPE)) {
                let known = of_type.entry(kind.clone()).or_insert(*limit);
                *known = (*known).min(*limit);
            }
            let limit = own.copied().unwrap_or(ANY_VOLUMES);
            node.allocatable.extended.insert(attach_limit(driver), limit);
        }
        for offer in seen.offers.iter_mut().filter(|offer| !offer.is_fargate()) {
            let limit = of_offer(offer, driver, &of_type);
            offer.allocatable.extended.insert(attach_limit(driver), limit);
        }
    }
}

/// What nodes of this type say, else what is known of the type; other drivers than EBS tell no limit.
fn of_offer(offer: &Offer, driver: &str, of_type: &BTreeMap<String, i64>) -> i64 {
    let kind = offer.instance_type().unwrap_or_default();
    match of_type.get(kind) {
        Some(seen) => *seen,
        None if driver == EBS => ebs_volumes(kind),
        None => ANY_VOLUMES,
    }
}

/// EBS volumes that pods may attach to an instance of this type.
pub fn ebs_volumes(instance_type: &str) -> i64 {
    let (family, size) = instance_type.split_once('.').unwrap_or((instance_type, ""));
    if let Some((_, slots)) = FEW.iter().find(|(few, _)| *few == instance_type) {
        return (slots - ROOT - INTERFACE).max(1);
    }
    if OLD_FAMILIES.contains(&family) {
        return BEFORE_NITRO - ROOT;
    }
    if is_dedicated(family) {
        return dedicated(family, size) - ROOT;
    }
    let slots = if family.starts_with("mac") {
        10
    } else if is_plain(family) {
        NITRO
    } else {
        NITRO_WITH_DISKS
    };
    slots - ROOT - INTERFACE
}

/// Number in a family's name: 7 in `m7i-flex`.
fn generation(family: &str) -> u32 {
    let digits = family.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end).and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Families in which volumes have a limit of their own: the seventh generation but for Graviton's, all later ones,
/// and some accelerators'.
fn is_dedicated(family: &str) -> bool {
    let kind = family.split('-').next().unwrap_or(family);
    let class: String = kind.chars().take_while(|c| !c.is_ascii_digit()).collect();
    let graviton = kind
        .trim_start_matches(|c: char| !c.is_ascii_digit())
        .contains('g');
    match (class.as_str(), generation(kind)) {
        ("c" | "m" | "r", 7) => !graviton,
        ("i" | "u", 7) | ("f" | "trn", 2) | ("g" | "gr", 6 | 7) | ("p", 5 | 6) => true,
        ("c" | "m" | "r" | "x" | "i" | "t", generation) => generation >= 8,
        _ => false,
    }
}

/// By size; at most what any type of the size has.
fn dedicated(family: &str, size: &str) -> i64 {
    if size.starts_with("metal") {
        return 39;
    }
    let times: u32 = size
        .strip_suffix("xlarge")
        .and_then(|n| n.parse().ok())
        .unwrap_or(1);
    match times {
        0..16 => 32,
        16..24 => 48,
        // Network and accelerator types stop here.
        24..48 => 64,
        _ if family.ends_with("gn") || family.starts_with(['p', 't']) => 64,
        _ => 128,
    }
}

/// General families without disks of their own.
fn is_plain(family: &str) -> bool {
    let tail: String = family
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .skip_while(char::is_ascii_digit)
        .collect();
    family.starts_with(['a', 'c', 'm', 'r', 't']) && !family.starts_with("trn") && !tail.contains('d')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_driver_or_fewer() {
        // The driver's table: shared slots or own volumes, before anything is set aside.
        for (name, table, shared) in [
            ("m5.large", 27, true),
            ("t3.medium", 27, true),
            ("c6gn.16xlarge", 27, true),
            ("m7g.large", 27, true),
            ("c7gd.12xlarge", 25, true),
            ("m5d.24xlarge", 23, true),
            ("g4dn.12xlarge", 22, true),
            ("i4i.24xlarge", 21, true),
            ("d3.8xlarge", 3, true),
            ("g5.48xlarge", 9, true),
            ("m5.metal", 31, true),
            ("mac2.metal", 10, true),
            ("trn1.2xlarge", 25, true),
            ("hpc7a.96xlarge", 27, false),
            ("m4.large", 39, false),
            ("t2.micro", 39, false),
            ("m7i.large", 32, false),
            ("m7i-flex.16xlarge", 48, false),
            ("r7a.48xlarge", 128, false),
            ("c8gn.48xlarge", 64, false),
            ("c8g.metal-24xl", 39, false),
            ("r7iz.32xlarge", 88, false),
            ("u7i-12tb.224xlarge", 128, false),
            ("p5.48xlarge", 64, false),
            ("g6.xlarge", 32, false),
        ] {
            let most = table - ROOT - if shared { INTERFACE } else { 0 };
            let ours = ebs_volumes(name);
            assert!((1..=most).contains(&ours), "{name}: {ours} of {most}");
        }
        assert_eq!(ebs_volumes("m5.large"), 25);
        assert_eq!(ebs_volumes("m7i.large"), 31);
        assert_eq!(ebs_volumes("nonsense"), 19);
    }
}
