//! The kwok provider's eyes: groups from the configuration, sizes from the Node objects that carry its label.
//!
//! No calls of its own: the nodes of the look are all there is to see. Not here: creating and deleting nodes.

use crate::capacity::Capacity;
use model::group::{Group, GroupKind, Instance, InstanceState, LaunchMode};
use model::ids::{InstanceId, OfferId};
use model::kwok::{GROUP_LABEL, KwokGroup};
use model::node::Node;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::snapshot::{Freshness, Source};
use std::collections::BTreeMap;

/// The groups of the configuration.
#[derive(Clone, Debug)]
pub struct Groups {
    groups: Vec<KwokGroup>,
}

impl Groups {
    /// Groups as configured.
    pub const fn new(groups: Vec<KwokGroup>) -> Self {
        Self { groups }
    }

    /// Groups with the nodes they have now, and one offer each. As fresh as the nodes are: a group whose nodes
    /// were not seen is judged by the age of `Source::Nodes`.
    pub fn capacity(&self, nodes: &[Node]) -> Capacity {
        let mut capacity = Capacity {
            sources: BTreeMap::from([
                (Source::Groups, Freshness::Live),
                (Source::Offers, Freshness::Live),
            ]),
            ..Capacity::default()
        };
        for (template, ix) in self.groups.iter().zip(0..) {
            capacity.groups.push(group(template, nodes));
            capacity.offers.push(offer(template, ix));
        }
        capacity
    }
}

fn group(template: &KwokGroup, nodes: &[Node]) -> Group {
    let instances: Vec<Instance> = nodes
        .iter()
        .filter(|node| node.labels.get(GROUP_LABEL).map(String::as_str) == Some(template.name.as_str()))
        .map(|node| Instance {
            id: node
                .instance
                .clone()
                .unwrap_or_else(|| InstanceId::new(node.name.as_str())),
            instance_type: Some(template.instance_type.clone()),
            zone: Some(template.zone.clone()),
            state: match (node.deleting, node.ready) {
                (true, _) => InstanceState::Terminating,
                (false, true) => InstanceState::InService,
                (false, false) => InstanceState::Pending,
            },
            launched: Some(node.created),
        })
        .collect();
    let mut group = Group {
        name: template.name.clone(),
        kind: GroupKind::Kwok,
        min: template.min,
        max: template.max,
        desired: 0,
        launch: LaunchMode::Direct,
        instances,
        labels: template.node_labels(),
        taints: template.taints.clone(),
        fargate_selectors: Vec::new(),
        foreign: None,
    };
    group.desired = group.living();
    group
}

fn offer(template: &KwokGroup, group: u32) -> Offer {
    Offer {
        id: OfferId::new(format!(
            "{}/{}/{}/on-demand",
            template.name, template.instance_type, template.zone
        )),
        group,
        kind: OfferKind::Ec2 {
            instance_type: template.instance_type.clone(),
            zone: template.zone.clone(),
            purchase: Purchase::OnDemand,
            arch: template.arch.clone(),
        },
        price: template.price,
        confidence: Confidence::Listed,
        allocatable: template.allocatable.clone(),
        max_pods: template.max_pods,
        labels: template.node_labels(),
    }
}
