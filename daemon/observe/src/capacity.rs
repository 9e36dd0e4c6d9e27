//! The seam to a provider of capacity: asked once per look for its groups, offers and figures.
//!
//! A provider answers from what it has read; an answer that failed is marked stale or missing in `sources`,
//! with the last good rows kept beside it. Not here: what belongs to whom (`membership`), any provider itself.

use crate::kwok;
use manifest::Tariff;
use model::group::Group;
use model::ids::{GroupName, InstanceId, WorkloadKey};
use model::node::{Leaving, Node, Template};
use model::notices::Notices;
use model::offer::Offer;
use model::prices::Prices;
use model::snapshot::{Freshness, Source};
use model::time::Instant;
use model::workload::Metric;
use std::collections::BTreeMap;

/// What a provider knows at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Groups, in any order.
    pub groups: Vec<Group>,
    /// Offers of these groups; `Offer::group` is an index into `groups` above.
    pub offers: Vec<Offer>,
    /// Ages of `Source::Groups`, `Source::Offers`, and `Source::Metrics` where it reads any.
    pub sources: BTreeMap<Source, Freshness>,
    /// Instances that the provider takes away.
    pub leaving: BTreeMap<InstanceId, Leaving>,
    /// What became of the notices that told of such; `None` where none are read.
    pub notices: Option<Notices>,
    /// The region, and whose prices these are.
    pub prices: Prices,
    /// What nodes cost that none of the offers stands for.
    pub tariff: Tariff,
    /// Groups of which the provider has said that a launch found no capacity, and when it said so last.
    pub short: BTreeMap<GroupName, Instant>,
    /// What instances were made with, and would be made with today, as far as both is told.
    pub templates: BTreeMap<InstanceId, Template>,
    /// Figures about workloads (application metrics), by the name the aims give them.
    pub metrics: Vec<WorkloadMetric>,
}

/// One figure about one workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadMetric {
    /// Which workload.
    pub workload: WorkloadKey,
    /// The figure, with the time it was measured at.
    pub metric: Metric,
}

/// What a test does while it is asked.
#[cfg(test)]
pub type Script = Box<dyn FnMut(&[Node]) -> Capacity + Send>;

/// Where capacity comes from; chosen once, by the configuration.
pub enum Provider {
    /// Nowhere: groups and offers are known to be none, nothing can be bought.
    Nowhere,
    /// Node objects in the API server itself.
    Kwok(kwok::Groups),
    /// Amazon Web Services.
    #[cfg(feature = "aws")]
    Aws(Box<crate::aws::Groups>),
    /// Whatever a test does meanwhile.
    #[cfg(test)]
    Scripted(Script),
}

impl Provider {
    /// Reads groups and offers for a look at `at`. `nodes` are the nodes of the same look, sorted by name; their
    /// `group` and `offer` are not filled in yet. Never fails: what could not be read is marked.
    pub async fn capacity(&mut self, at: Instant, nodes: &[Node]) -> Capacity {
        #[cfg(not(feature = "aws"))]
        let _ = at;
        match self {
            Self::Nowhere => Capacity {
                sources: BTreeMap::from([
                    (Source::Groups, Freshness::Live),
                    (Source::Offers, Freshness::Live),
                ]),
                ..Capacity::default()
            },
            Self::Kwok(groups) => std::future::ready(groups.capacity(nodes)).await,
            #[cfg(feature = "aws")]
            Self::Aws(groups) => groups.capacity(at, nodes).await,
            #[cfg(test)]
            Self::Scripted(answer) => answer(nodes),
        }
    }
}
