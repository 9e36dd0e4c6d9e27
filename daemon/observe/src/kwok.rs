//! The kwok provider's eyes: groups from the configuration, sizes from the Node objects that carry its label.
//!
//! No calls of its own: the nodes of the look are all there is to see. Not here: creating and deleting nodes.

use crate::capacity::Capacity;
use model::group::{Group, GroupKind, GroupOptions, Instance, InstanceState, LaunchMode};
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
        uid: None,
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
        rolling: None,
        options: GroupOptions::default(),
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
        interruptions: None,
        confidence: Confidence::Listed,
        allocatable: template.allocatable.clone(),
        max_pods: template.max_pods,
        labels: template.node_labels(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::GroupName;
    use model::money::UsdPerHour;
    use model::resources::Resources;
    use model::selector::Labels;
    use serde_json::json;

    fn node(name: &str, labels: &serde_json::Value, more: &serde_json::Value) -> Node {
        let mut object = json!({"metadata": {"name": name, "labels": labels},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        for (key, value) in more.as_object().into_iter().flatten() {
            object["metadata"][key] = value.clone();
        }
        manifest::node_from(&serde_json::from_value(object).unwrap())
            .0
            .node
    }

    #[test]
    fn a_group_is_as_large_as_the_nodes_that_carry_its_label_and_are_not_going() {
        let template = KwokGroup {
            name: GroupName::new("pool"),
            min: 0,
            max: 5,
            instance_type: "kw.large".to_owned(),
            arch: "amd64".to_owned(),
            zone: "z1".to_owned(),
            allocatable: Resources::new(4000, 1 << 34),
            max_pods: 110,
            labels: Labels::new(),
            taints: Vec::new(),
            price: UsdPerHour(7),
        };
        let ours = json!({"plimsoll.io/group": "pool"});
        let going = json!({"deletionTimestamp": "2026-11-21T10:00:00Z", "finalizers": ["x"]});
        let nodes = [
            node("a", &ours, &json!({})),
            node("b", &ours, &going),
            node("c", &json!({"plimsoll.io/group": "other"}), &json!({})),
        ];
        let capacity = Groups::new(vec![template]).capacity(&nodes);
        let group = &capacity.groups[0];
        assert_eq!((group.desired, group.instances.len()), (1, 2));
        assert_eq!(group.instances[1].state, InstanceState::Terminating);
        let offer = &capacity.offers[0];
        assert_eq!((offer.group, offer.price), (0, UsdPerHour(7)));
        assert_eq!(
            offer.labels.get("plimsoll.io/group").map(String::as_str),
            Some("pool")
        );
    }
}
