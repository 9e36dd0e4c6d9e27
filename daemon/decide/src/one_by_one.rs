//! Pods that were left over although they have rules about others: each tried as kube-scheduler would try it, one after
//! another, once everybody else stands where the plan has them.
//!
//! Dealing and packing keep rules that hold in whatever order pods come, and leave to this stage what holds in one order
//! only: company on one node that nobody keeps yet, chains of affinity, spreads over nodes that rise together. The
//! filters judge every place, so that what is planned here is what kube-scheduler admits after the others. It goes to
//! nodes that are there first, then to those that are bought, then to a fresh node of the offer that costs least for
//! each of its pods. Who was placed before stays. Work is counted: a search that grows too long leaves the rest refused.

mod played;
mod search;

use crate::adjust::Adjust;
use crate::bought::{Bought, Purchase};
use crate::class::Class;
use crate::joining;
use crate::market::Market;
use crate::number::size;
use crate::quotas;
use crate::rooms::{self, Housed, Room, Stand};
use crate::spread;
use crate::table::Table;
use crate::tenants::Tenants;
use model::aims::Aims;
use model::ids::{NodeName, PodKey};
use model::intent::IntentKind;
use model::node::Node;
use model::pod::PodSpec;
use model::snapshot::Snapshot;
pub(crate) use played::{Refused, refused};
use search::OneByOne;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Nodes that are bought here, at most.
const NEW_NODES: usize = 512;

/// What packing left, and what it made of the rest.
pub(crate) struct Leftover<'p> {
    pub(crate) market: &'p Market<'p>,
    pub(crate) classes: &'p [Class],
    pub(crate) tenants: &'p Tenants,
    pub(crate) table: &'p Table,
    pub(crate) adjust: Option<&'p Adjust>,
    pub(crate) rooms: &'p [Room],
}

/// A pod with a place that it was not packed into.
pub(crate) struct Seated {
    pub(crate) class: usize,
    pub(crate) pod: PodKey,
    pub(crate) on: On,
}

/// Where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// A node that is there or on its way. `now`: kube-scheduler admits it there whoever of the others has come.
    There { node: NodeName, now: bool },
    /// A node that is bought, by its place among those that were, and then among [`Seats::bought`].
    Bought(usize),
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Seats {
    pub(crate) seated: Vec<Seated>,
    /// More nodes: offer and pods.
    pub(crate) bought: Vec<Bought>,
    /// What quotas leave after that.
    pub(crate) left: quotas::Left,
}

/// What filters borrow: made before they are.
struct Pool {
    bodies: BTreeMap<usize, Arc<PodSpec>>,
    /// Nodes of launches that no Snapshot shows yet, then those that packing bought.
    named: Vec<Node>,
    /// By offer: a node to try it by.
    tried: Vec<OnceCell<Node>>,
    fresh: Vec<OnceCell<Node>>,
}

/// By class: pods without a place.
pub(crate) type Left = BTreeMap<usize, Vec<PodKey>>;

/// Finds places for what is left, if anything that has rules is.
pub(crate) fn seat(of: &Leftover<'_>, aims: &Aims, (housed, purchase): (&Housed, &Purchase)) -> Seats {
    let left = left(of.classes, of.market.seen, &purchase.unplaced);
    if left.is_empty() {
        return Seats::default();
    }
    let picture = picture(of.market.seen, of.rooms);
    let pool = Pool::new(of, aims, (&left, &purchase.bought));
    OneByOne::new(of, &pool, (&picture, housed, purchase)).anywhere(left)
}

/// The same on nodes that are there alone, before anything is bought, and each only where it was dealt.
pub(crate) fn seat_there(of: &Leftover<'_>, aims: &Aims, (left, housed): (Left, &Housed)) -> Vec<Seated> {
    let picture = picture(of.market.seen, of.rooms);
    let pool = Pool::new(of, aims, (&left, &[]));
    OneByOne::new(of, &pool, (&picture, housed, &Purchase::default())).where_dealt(left)
}

/// By class: pods with rules that found no place.
fn left(classes: &[Class], seen: &Snapshot, unplaced: &[(usize, PodKey)]) -> Left {
    let ruled = |class: &Class| {
        let own = class.spec.and_then(|ix| seen.specs.get(size(ix)));
        own.is_some_and(|own| {
            let rules = !own.near.is_empty() || !own.host_ports.is_empty() || !own.shares.is_empty();
            own.unmodelled.is_empty() && (rules || class.deal.is_some())
        })
    };
    let mut left = Left::new();
    for (class, pod) in unplaced.iter().filter(|(class, _)| ruled(&classes[*class])) {
        left.entry(*class).or_default().push(pod.clone());
    }
    left
}

/// The Snapshot with nodes that boot as they will be: without the taints that they lose.
fn picture<'s>(seen: &'s Snapshot, rooms: &[Room]) -> Cow<'s, Snapshot> {
    let coming = rooms.iter().filter(|room| room.stand == Stand::Coming);
    let coming: BTreeSet<&NodeName> = coming.map(|room| &room.name).collect();
    let boots = |node: &Node| coming.contains(&node.name) && !node.taints.is_empty();
    if !seen.nodes.iter().any(boots) {
        return Cow::Borrowed(seen);
    }
    let mut picture = seen.clone();
    for node in &mut picture.nodes {
        if coming.contains(&node.name) {
            node.taints.retain(|taint| rooms::counts(Stand::Coming, taint));
        }
    }
    Cow::Owned(picture)
}

impl Pool {
    fn new(of: &Leftover<'_>, aims: &Aims, (left, bought): (&Left, &[Bought])) -> Self {
        let seen = of.market.seen;
        let body = |class: &usize| {
            let spec = of.classes[*class].spec.and_then(|ix| seen.specs.get(size(ix)));
            spec.map(|spec| (*class, spread::with_defaults(seen, aims, spec)))
        };
        let packed = bought.iter().map(|bought| (bought.offer, &bought.node.name));
        let named = launched(seen, of.rooms).into_iter().chain(packed);
        Self {
            bodies: left.keys().filter_map(body).collect(),
            named: named
                .map(|(offer, name)| joining::node_of(seen, offer, name.clone()))
                .collect(),
            tried: seen.offers.iter().map(|_| OnceCell::new()).collect(),
            fresh: (0..NEW_NODES).map(|_| OnceCell::new()).collect(),
        }
    }
}

/// Offers and names of nodes that launches still have to bring.
fn launched<'s>(seen: &'s Snapshot, rooms: &'s [Room]) -> Vec<(usize, &'s NodeName)> {
    let absent = rooms.iter().filter(|room| seen.node(&room.name).is_none());
    let offer_of = |name: &NodeName| {
        seen.ledger.intents.iter().find_map(|intent| match &intent.kind {
            IntentKind::Launch { offer, planned, .. } if planned.contains(name) => seen.offer_ix(offer),
            _ => None,
        })
    };
    absent
        .filter_map(|room| Some((offer_of(&room.name)?, &room.name)))
        .collect()
}
