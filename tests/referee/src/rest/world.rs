//! A cluster as `kubectl get -o json` prints it, and what the cloud would make of an order for another node of it.

use crate::case::Case;
use anyhow::Result;
use manifest::PriceList;
use model::aims::Aims;
use model::ids::GroupName;
use model::snapshot::Snapshot;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Everything there is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct World {
    /// Nodes, pods and storage, as kube-scheduler sees them too.
    pub case: Case,
    /// DaemonSets, other workloads and PodDisruptionBudgets, which kube-scheduler never looks at.
    pub controllers: Vec<Value>,
    /// Nodes that have not finished starting, as they are once they have.
    pub later: Vec<Value>,
    /// Where nodes come from.
    pub groups: Vec<NodeGroup>,
    /// Groups that may grow; without any, the fleet buys from the price list.
    pub grows: Vec<String>,
    /// The offers file.
    pub prices: String,
    /// Whether spot capacity is wanted.
    pub spot: bool,
}

/// A group as its launch template has it, whatever its nodes show just now.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NodeGroup {
    /// Name.
    pub name: String,
    /// Labels that its nodes register with.
    pub labels: BTreeMap<String, String>,
    /// Labels that a controller sets once the node is there (kops-controller).
    pub late_labels: BTreeMap<String, String>,
    /// Taints that stay.
    pub taints: Vec<Value>,
    /// Taints that an agent takes away.
    pub startup: Vec<Value>,
    /// Instance types.
    pub types: Vec<String>,
    /// Zones.
    pub zones: Vec<String>,
    /// Runs Windows.
    pub windows: bool,
    /// Bought at the spot price.
    pub spot: bool,
}

impl World {
    /// What `manifest` makes of it.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let prices = self.price_list()?;
        self.case.snapshot_with(&self.controllers, &prices, &self.aims())
    }

    /// The offers file, read.
    pub fn price_list(&self) -> Result<PriceList> {
        manifest::price_list("offers.csv", self.prices.as_bytes())
            .map_err(|problems| anyhow::anyhow!("{problems}"))
    }

    /// The aims that a user would write for it.
    pub fn aims(&self) -> Aims {
        let mut aims = Aims {
            groups: self.grows.iter().map(GroupName::new).collect(),
            ..Aims::default()
        };
        aims.catalogue.spot = self.spot;
        aims
    }

    /// How nodes of the fleet register: Karpenter, which makes them where there are nodes of its own or none at all, sets a
    /// label that kubelets of nobody else do.
    pub fn fleet(&self) -> NodeGroup {
        let told = |node: &Value| !node["metadata"]["labels"]["karpenter.sh/capacity-type"].is_null();
        let mut fleet = NodeGroup::default();
        if self.case.nodes.is_empty() || self.case.nodes.iter().any(told) {
            let (key, value) = ("karpenter.sh/capacity-type", "on-demand");
            fleet.labels.insert(key.to_owned(), value.to_owned());
        }
        fleet
    }

    /// The group of this name; the fleet's nodes have none.
    pub fn group(&self, name: &str) -> Option<&NodeGroup> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// DaemonSets.
    pub fn daemon_sets(&self) -> impl Iterator<Item = &Value> {
        self.controllers
            .iter()
            .filter(|object| object["kind"] == "DaemonSet")
    }

    /// As a person can try it: the objects, the offers and the aims.
    pub fn shown(&self) -> Value {
        json!({
            "cluster": self.case.list(&self.controllers),
            "offers": self.prices,
            "aims": {"groups": self.grows, "catalogue": {"spot": self.spot}},
            "starting": self.later,
            "groups": self.groups,
        })
    }
}
