//! Groups as manifests tell them beside their nodes: eksctl's `ClusterConfig`, kops' `InstanceGroup`, the AWS controllers'
//! `Nodegroup`. What is read is what their tags say of how they are scaled (`model::group::options`).
//!
//! Not here: bounds and types, which are the nodes' and the aims' to tell (`market`).

use crate::meta;
use crate::sheet::At;
use model::group::GroupOptions;
use model::group::options::PREFIX;
use model::ids::GroupName;

/// A group that a manifest names, with what its tags say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeGroupObject {
    /// Its name, as the labels of its nodes have it.
    pub name: GroupName,
    /// What its tags say.
    pub options: GroupOptions,
}

/// Reads the groups of an eksctl `ClusterConfig` whose tags say something.
pub(crate) fn cluster_config(top: At<'_, '_>) -> Vec<NodeGroupObject> {
    let lists = ["managedNodeGroups", "nodeGroups"].into_iter();
    let groups = lists.flat_map(|list| top.get(list).items());
    let told = groups.filter_map(|at| {
        let options = options(at.get("tags"));
        let says = !options.is_usual();
        says.then(|| at.get("name").name().map(|name| of(name, options)))
            .flatten()
    });
    told.collect()
}

/// Reads an `InstanceGroup` of kops.k8s.io: its cloud labels become tags of its Auto Scaling group.
pub(crate) fn instance_group(top: At<'_, '_>) -> NodeGroupObject {
    of(&meta::meta(top).name, options(top.at(["spec", "cloudLabels"])))
}

/// Reads a `Nodegroup` of eks.services.k8s.aws.
pub(crate) fn nodegroup(top: At<'_, '_>) -> NodeGroupObject {
    let spec = top.get("spec");
    let name = spec.get("name").text();
    let name = name.map_or_else(|| meta::meta(top).name, str::to_owned);
    of(&name, options(spec.get("tags")))
}

fn of(name: &str, options: GroupOptions) -> NodeGroupObject {
    NodeGroupObject {
        name: GroupName::new(name),
        options,
    }
}

fn options(tags: At<'_, '_>) -> GroupOptions {
    let told = tags.labels_where(|key| key.starts_with(PREFIX));
    GroupOptions::of_tags(told.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}
