//! A node that would be bought, as it will stand in the cluster: for asking the filters about it.
//!
//! Its labels, taints and amounts are the offer's and its group's, which `model::registration` has made what such nodes
//! register with. DaemonSets' pods are put onto it by whoever asks; what it costs is not told here.

use crate::place::HOSTNAME;
use model::ids::NodeName;
use model::index::size;
use model::node::Node;
use model::selector::Labels;
use model::snapshot::Snapshot;

/// The node of this name that an offer, by its index, would bring.
pub fn node_of(seen: &Snapshot, offer: usize, name: NodeName) -> Node {
    let offer = &seen.offers[offer];
    let group = seen.groups.get(size(offer.group));
    let mut labels = offer.labels.clone();
    labels.insert(HOSTNAME.to_owned(), name.to_string());
    Node {
        group: group.map(|group| group.name.clone()),
        instance: None,
        offer: Some(offer.id.clone()),
        labels,
        taints: group.map_or_else(Vec::new, |group| group.taints.clone()),
        allocatable: offer.allocatable.clone(),
        max_pods: offer.max_pods,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: false,
        do_not_disrupt: false,
        draining: false,
        annotations: Labels::new(),
        unready: None,
        rate: None,
        created: seen.at,
        usage: None,
        leaving: None,
        template: None,
        name,
    }
}
