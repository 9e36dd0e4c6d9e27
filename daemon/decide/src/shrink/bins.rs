//! One node as the fleet keeps it: whose pods are there, what it costs, whether it takes more.
//!
//! What is free on it is in `fleet`, with that of all others.

use crate::space::Vector;
use model::ids::NodeName;
use model::money::UsdPerHour;
use model::node::Node;
use model::snapshot::Snapshot;

/// A node.
#[derive(Clone, Debug)]
pub(super) struct Bin {
    pub(super) name: NodeName,
    /// Index into the offers, of a node that is still to come.
    pub(super) planned: Option<usize>,
    /// Pods that hold room and do not belong to the node itself; indices into the Snapshot.
    pub(super) pods: Vec<u32>,
    /// Those of them that are not on their way out already: kinds, and how many of each.
    pub(super) load: Vec<(u32, u32)>,
    /// How many more are there that are expendable: they are asked to leave, and nowhere is looked for a place for them.
    pub(super) expendable: u32,
    /// It takes pods now, and is not to go.
    pub(super) receives: bool,
    /// Index of its group.
    pub(super) group: Option<usize>,
    /// Pods are to come that count on it, or a launch has just brought it.
    pub(super) awaited: bool,
    /// Headroom that was placed on it.
    pub(super) headroom: Vec<Vector>,
    /// Nano-dollars per hour.
    pub(super) price: i64,
    /// Somebody knows the price.
    pub(super) priced: bool,
    /// What giving it up must bring beyond its price, as policies want it: nano-dollars per hour.
    pub(super) addend: i64,
    /// The same for pods on it that were moved once already (`explained`).
    pub(super) again: i64,
}

impl Bin {
    pub(super) fn of(seen: &Snapshot, node: &Node) -> Self {
        let leaving = seen.ledger.removal_of(&node.name).is_some();
        let price = seen.node_price(node);
        Self {
            name: node.name.clone(),
            planned: None,
            pods: Vec::new(),
            load: Vec::new(),
            expendable: 0,
            receives: node.takes_pods() && !leaving,
            group: node
                .group
                .as_ref()
                .and_then(|name| seen.groups.binary_search_by(|group| group.name.cmp(name)).ok()),
            awaited: false,
            headroom: Vec::new(),
            price: price.unwrap_or(UsdPerHour::ZERO).0,
            priced: price.is_some(),
            addend: 0,
            again: 0,
        }
    }

    pub(super) fn planned(name: &NodeName, offer: usize, price: UsdPerHour) -> Self {
        Self {
            name: name.clone(),
            planned: Some(offer),
            pods: Vec::new(),
            load: Vec::new(),
            expendable: 0,
            receives: false,
            group: None,
            awaited: true,
            headroom: Vec::new(),
            price: price.0,
            priced: true,
            addend: 0,
            again: 0,
        }
    }

    /// Nobody would have to leave it.
    pub(super) fn is_bare(&self) -> bool {
        self.moves() == 0 && self.expendable == 0
    }

    /// Pods that would have to move.
    pub(super) fn moves(&self) -> u32 {
        self.load.iter().map(|(_, copies)| copies).sum()
    }
}
