//! Clusters and pods from a seed, each mix about one group of plugins.
//!
//! Small on purpose: few nodes, few labels, few values, so that rules meet and amounts come out even. What is generated
//! is meant to be what the API server takes; where it does not, the case is not counted.

mod cluster;
mod near;
mod ports;
mod quantity;
mod resources;
mod rules;
mod volumes;

use crate::case::Case;
use crate::dice::Dice;
use anyhow::Result;
use manifest::PriceList;
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Amounts: containers of all sorts, overhead, pod-level and extended resources, quantities as people write them.
    Resources,
    /// Taints, tolerations and cordons.
    Taints,
    /// Node selectors and node affinity.
    NodeAffinity,
    /// Ports of the host.
    Ports,
    /// Affinity and anti-affinity between pods.
    PodAffinity,
    /// Topology spread.
    Spread,
    /// Claims, volumes, storage classes and attach limits.
    Volumes,
    /// All of these at once.
    Everything,
}

impl Mix {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Resources,
        Self::Taints,
        Self::NodeAffinity,
        Self::Ports,
        Self::PodAffinity,
        Self::Spread,
        Self::Volumes,
        Self::Everything,
    ];

    /// Name for the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resources => "resources",
            Self::Taints => "taints",
            Self::NodeAffinity => "node-affinity",
            Self::Ports => "ports",
            Self::PodAffinity => "pod-affinity",
            Self::Spread => "spread",
            Self::Volumes => "volumes",
            Self::Everything => "everything",
        }
    }

    /// How likely, in a hundred, a pod or node gets what the other mix is about.
    fn share(self, of: Self) -> usize {
        match self {
            mix if mix == of => 100,
            Self::Everything => 35,
            // A spread asks which nodes count.
            Self::Spread if matches!(of, Self::Taints | Self::NodeAffinity) => 25,
            _ => 0,
        }
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = Self::ALL.iter().map(|mix| mix.name()).collect();
        let found = Self::ALL.into_iter().find(|mix| mix.name() == text);
        found.ok_or_else(|| format!("no mix {text}: {}", names.join(", ")))
    }
}

/// How many of everything a case has at most.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Nodes, at least 1.
    pub nodes: usize,
    /// Pods that are there.
    pub pods: usize,
    /// Pods that wait, at least 1.
    pub pending: usize,
}

/// What the differential runs use.
pub const SMALL: Size = Size {
    nodes: 8,
    pods: 20,
    pending: 4,
};

/// Few nodes that are there, many pods that wait: for plans that buy.
pub const SOME_TO_BUY: Size = Size {
    nodes: 4,
    pods: 10,
    pending: 24,
};

/// Types that plans may buy, in zones of the cases' nodes and in one besides.
const FOR_SALE: &str = "instance_type,vcpu,memory_mib,arch,od_usd_h,azs
m5.large,2,8192,x86_64,0.096,a b c
c5.xlarge,4,8192,x86_64,0.17,a b
r5.2xlarge,8,65536,x86_64,0.504,c
m6g.large,2,8192,arm64,0.077,b d
";

/// What can be bought.
pub fn for_sale() -> Result<PriceList> {
    manifest::price_list("for-sale.csv", FOR_SALE.as_bytes())
        .map_err(|problems| anyhow::anyhow!("{problems}"))
}

/// The case of this number.
pub fn case(mix: Mix, size: Size, seed: u64, number: u64) -> Case {
    let mut dice = Dice::of(seed, number);
    let dice = &mut dice;
    let mut case = Case {
        id: format!("{mix}-{seed}-{number}"),
        namespaces: cluster::namespaces(dice),
        ..Case::default()
    };
    for n in 0..dice.between(1, size.nodes) {
        case.nodes.push(node(dice, mix, n));
    }
    if dice.percent(mix.share(Mix::Volumes)) {
        volumes::storage(dice, &mut case);
    }
    let names: Vec<String> = case.node_names().map(str::to_owned).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for n in 0..dice.between(0, size.pods) {
        let mut pod = pod(dice, mix, &format!("there-{n}"));
        volumes::mounts(dice, &case.pvcs, &mut pod);
        cluster::run(dice, &mut pod, &names);
        if dice.percent(mix.share(Mix::Resources) / 5) {
            resources::resizing(dice, &mut pod);
        }
        case.pods.push(pod);
    }
    for n in 0..dice.between(1, size.pending) {
        let mut pod = pod(dice, mix, &format!("waits-{n}"));
        volumes::mounts(dice, &case.pvcs, &mut pod);
        case.pending.push(pod);
        let bind = if dice.percent(70) { dice.pick(&names) } else { "" };
        case.bind.push(bind.to_owned());
    }
    case
}

fn node(dice: &mut Dice, mix: Mix, number: usize) -> Value {
    let mut node = cluster::node(dice, number);
    if dice.percent(mix.share(Mix::Resources)) {
        resources::allocatable(dice, &mut node);
    }
    if dice.percent(mix.share(Mix::Taints)) {
        rules::taints(dice, &mut node);
    }
    node
}

fn pod(dice: &mut Dice, mix: Mix, name: &str) -> Value {
    let mut pod = cluster::pod(dice, name);
    if dice.percent(mix.share(Mix::Resources)) {
        resources::requests(dice, &mut pod);
    }
    if dice.percent(mix.share(Mix::Taints)) {
        rules::tolerations(dice, &mut pod);
    }
    if dice.percent(mix.share(Mix::NodeAffinity)) {
        rules::node_affinity(dice, &mut pod);
    }
    if dice.percent(mix.share(Mix::Ports)) {
        ports::ports(dice, &mut pod);
    }
    if dice.percent(mix.share(Mix::PodAffinity)) {
        near::affinity(dice, &mut pod);
    }
    if dice.percent(mix.share(Mix::Spread)) {
        near::spread(dice, &mut pod);
    }
    pod
}
