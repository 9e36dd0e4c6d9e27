//! What a node is an instance of before anything says so: the cloud provider writes the type only with the update that
//! takes the taint `node.cloudprovider.kubernetes.io/uninitialized` away.
//!
//! Its kubelet tells amounts and architecture from the first moment: the type is the one on the price list whose amounts
//! are nearest, among those that others of its group have where some are. Where two types are as near, nothing is
//! guessed. A node that has been described needs none of this; with an account at hand, AWS tells the type of every
//! instance.

use crate::node::{INSTANCE_TYPE, NodeObject, UNINITIALIZED};
use crate::offers::{PriceList, TypeRow};
use model::ids::GroupName;
use model::node::Node;
use model::registration::{add_aliases, label};
use model::resources::Resources;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Label by which nodeadm's kubelets announce a device that registers later.
const GPU_PRESENT: &str = "nvidia.com/gpu.present";

/// Amounts of one type differ between a list and a node by less than one part in so many.
const NEARLY: i64 = 20;

/// The nodes with the type of those that have not been described, where it can be told.
pub(crate) fn described<'n>(nodes: &'n [NodeObject], prices: &PriceList) -> Cow<'n, [NodeObject]> {
    let waits = |object: &NodeObject| {
        let node = &object.node;
        let tainted = node.taints.iter().any(|taint| taint.key == UNINITIALIZED);
        tainted && !node.labels.contains_key(INSTANCE_TYPE)
    };
    if !nodes.iter().any(waits) {
        return Cow::Borrowed(nodes);
    }
    let mut types: BTreeMap<&GroupName, BTreeSet<&String>> = BTreeMap::new();
    for Node { group, labels, .. } in nodes.iter().map(|object| &object.node) {
        if let (Some(group), Some(kind)) = (group, labels.get(INSTANCE_TYPE)) {
            types.entry(group).or_default().insert(kind);
        }
    }
    let mut all = nodes.to_vec();
    for object in all.iter_mut().filter(|object| waits(object)) {
        let node = &mut object.node;
        let of_group = node.group.as_ref().and_then(|group| types.get(group));
        if let Some(row) = type_of(node, of_group, &prices.rows) {
            node.labels
                .insert(INSTANCE_TYPE.to_owned(), row.instance_type.clone());
            add_aliases(&mut node.labels);
        }
    }
    Cow::Owned(all)
}

/// The type that the node must be an instance of: one that others of its group have, else any; `None` where its amounts do
/// not tell.
fn type_of<'r>(
    node: &Node,
    of_group: Option<&BTreeSet<&String>>,
    rows: &'r [TypeRow],
) -> Option<&'r TypeRow> {
    let known = |row: &TypeRow| of_group.is_some_and(|types| types.contains(&row.instance_type));
    nearest(node, rows.iter().filter(|row| known(row))).or_else(|| nearest(node, rows.iter()))
}

/// The type with the nearest amounts, if it is one.
fn nearest<'r>(node: &Node, rows: impl Iterator<Item = &'r TypeRow>) -> Option<&'r TypeRow> {
    let like = rows.filter(|row| is_like(node, row));
    let mut near: Vec<(i64, &TypeRow)> = like
        .filter_map(|row| Some((distance(&node.allocatable, &row.allocatable)?, row)))
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    let (nearest, row) = *near.first()?;
    let mut others = near.iter().filter(|(distance, _)| *distance == nearest);
    let only = others.all(|(_, other)| other.instance_type == row.instance_type);
    only.then_some(row)
}

/// Same architecture, and devices where its labels announce some.
fn is_like(node: &Node, row: &TypeRow) -> bool {
    let has_gpu = row
        .allocatable
        .extended
        .keys()
        .any(|name| name.starts_with("nvidia.com/"));
    let announces = node.labels.contains_key(GPU_PRESENT) || node.allocatable.amount("nvidia.com/gpu") > 0;
    let arch = node.labels.get(label::ARCH);
    has_gpu == announces && arch.is_none_or(|arch| *arch == row.arch)
}

/// How far amounts are apart, in thousandths; `None` where no node of the type would have these.
fn distance(there: &Resources, listed: &Resources) -> Option<i64> {
    let apart = |a: i64, b: i64| {
        let larger = a.max(b).max(1);
        let gap = (a - b).abs();
        (gap <= larger / NEARLY).then(|| gap.saturating_mul(1000) / larger)
    };
    Some(apart(there.cpu_milli, listed.cpu_milli)? + apart(there.memory_bytes, listed.memory_bytes)?)
}

#[cfg(test)]
mod tests {
    use crate::ClusterBuilder;
    use crate::offers::price_list;
    use model::aims::Aims;

    const CSV: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h,alloc_cpu_milli,alloc_mem_mib,gpu_count,azs\n\
        m5.xlarge,4,16384,x86_64,0.192,3920,14862,0,us-east-1a us-east-1b\n\
        m5.large,2,8192,x86_64,0.096,1930,7031,0,us-east-1a\n\
        c5.large,2,4096,x86_64,0.085,1930,3300,0,us-east-1a\n\
        c5a.large,2,4096,x86_64,0.077,1930,3300,0,us-east-1a\n\
        m6g.large,2,8192,arm64,0.077,1930,7031,0,us-east-1a\n\
        g5.xlarge,4,16384,x86_64,1.006,3920,14862,1,us-east-1a\n";

    /// The type that a node is taken for which tells these labels and amounts.
    fn taken_for(labels: &str, amounts: &str, taint: &str, zone: &str) -> Option<String> {
        let node = format!(
            "kind: Node\nmetadata: {{name: n, creationTimestamp: '2026-11-02T12:00:00Z', labels: {{kubernetes.io/os: linux, {labels}}}}}\n\
             spec: {{providerID: 'aws:///{zone}/i-0123', taints: [{{key: {taint}, effect: NoSchedule}}]}}\n\
             status: {{allocatable: {{{amounts}, pods: '29'}}, conditions: [{{type: Ready, status: 'False'}}]}}\n"
        );
        let mut builder = ClusterBuilder::new();
        builder
            .read("c.yaml", node.as_bytes())
            .unwrap_or_else(|problems| panic!("{problems}"));
        let prices = price_list("o.csv", CSV.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
        let seen = builder.finish(&prices, &Aims::default());
        Some(seen.nodes.first()?.offer.as_ref()?.to_string())
    }

    #[test]
    fn a_node_that_is_not_described_yet_is_what_its_amounts_say() {
        let (amd, arm) = ("kubernetes.io/arch: amd64", "kubernetes.io/arch: arm64");
        let gpu = "kubernetes.io/arch: amd64, nvidia.com/gpu.present: 'true'";
        let (large, xlarge) = ("cpu: 1930m, memory: 7031Mi", "cpu: 3920m, memory: 14862Mi");
        let new = "node.cloudprovider.kubernetes.io/uninitialized";
        for (labels, amounts, taint, zone, wanted) in [
            (
                amd,
                large,
                new,
                "us-east-1a",
                Some("m5.large/us-east-1a/on-demand"),
            ),
            (
                arm,
                large,
                new,
                "us-east-1a",
                Some("m6g.large/us-east-1a/on-demand"),
            ),
            (
                amd,
                xlarge,
                new,
                "us-east-1b",
                Some("m5.xlarge/us-east-1b/on-demand"),
            ),
            (
                gpu,
                xlarge,
                new,
                "us-east-1a",
                Some("g5.xlarge/us-east-1a/on-demand"),
            ),
            (
                amd,
                "cpu: 1920m, memory: 7000Mi",
                new,
                "us-east-1a",
                Some("m5.large/us-east-1a/on-demand"),
            ),
            // Two types as near, none near, and one that is described.
            (amd, "cpu: 1930m, memory: 3300Mi", new, "us-east-1a", None),
            (amd, "cpu: 7910m, memory: 14862Mi", new, "us-east-1a", None),
            (amd, large, "dedicated", "us-east-1a", None),
        ] {
            let known = taken_for(labels, amounts, taint, zone);
            assert_eq!(known.as_deref(), wanted, "{labels} {amounts} {taint} {zone}");
        }
    }
}
