//! What Fargate bills for pods that run there: the size that EKS says it provisioned, else the one computed from what
//! they ask for.
//!
//! Source: EKS user guide, "Fargate Pod configuration": the annotation [`PROVISIONED`] "represents the enforced Pod
//! capacity and it determines the cost". It is written within seconds, after every webhook has had its say, so that it
//! counts sidecars which nobody saw before. An annotation that cannot be read is ignored and told. Not here: what is
//! learned of it for pods to come (`decide`).

use crate::fargate::FargateSize;
use crate::group::Group;
use crate::ids::GroupName;
use crate::money::UsdPerHour;
use crate::offer::{Confidence, Offer, OfferKind};
use crate::pod::{Pod, PodSpec};
use crate::resources::Resources;
use crate::snapshot::Snapshot;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Annotation that EKS sets on pods it runs on Fargate: `0.25vCPU 0.5GB`.
pub const PROVISIONED: &str = "CapacityProvisioned";
/// Label that EKS sets on pods it takes for Fargate: the profile.
pub const PROFILE_LABEL: &str = "eks.amazonaws.com/fargate-profile";
/// Label of nodes that tells the architecture.
const ARCH: &str = "kubernetes.io/arch";
/// More than anything that is sold, in millicores and MiB: larger numbers are no size.
const MOST: i64 = 16 * 1024 * 1024;

impl FargateSize {
    /// Reads [`PROVISIONED`]; `None` where it says no size.
    pub fn provisioned(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let cpu_milli = thousandths(words.next()?.strip_suffix("vCPU")?)?;
        let gb = thousandths(words.next()?.strip_suffix("GB")?)?;
        let memory_mib = gb.checked_mul(1024).filter(|mib| mib % 1000 == 0)? / 1000;
        let whole = words.next().is_none() && cpu_milli > 0 && memory_mib > 0;
        (whole && cpu_milli <= MOST && memory_mib <= MOST).then_some(Self {
            cpu_milli,
            memory_mib,
        })
    }
}

/// A decimal number without a sign, with at most three places behind the point.
fn thousandths(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 3 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{part:0<3}").parse().ok()?;
    whole.checked_mul(1000)?.checked_add(part)
}

/// What Fargate provisioned last for the pods of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisioned {
    /// As what.
    pub size: FargateSize,
    /// What its pods asked for then: by their template, and as they ran, sidecars included. Pods that ask for anything
    /// else are not priced by it.
    pub asked: Vec<Resources>,
    /// When the pod was created that it was learned from.
    pub at: Instant,
}

/// What the annotation of a pod says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// There is none.
    Nothing,
    /// This size.
    Size(FargateSize),
    /// Something that is no size.
    Unreadable(&'a str),
}

impl<'a> Said<'a> {
    /// Reads it off a spec.
    pub fn of(spec: &'a PodSpec) -> Self {
        spec.annotations.get(PROVISIONED).map_or(Self::Nothing, |text| {
            FargateSize::provisioned(text).map_or(Self::Unreadable(text), Self::Size)
        })
    }
}

/// What Fargate bills for one pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billed {
    /// Computed from what the pod asks for; `None` where there is no such size.
    pub computed: Option<FargateSize>,
    /// What EKS says.
    pub provisioned: Option<FargateSize>,
    /// Price, ephemeral storage included; `None` where neither size is known, or nobody has told what it costs.
    pub price: Option<UsdPerHour>,
    /// The dearer one, of the provisioned size and the computed one: annotations are anybody's to write.
    pub at_most: Option<UsdPerHour>,
    /// What of the price is for ephemeral storage.
    pub storage: UsdPerHour,
}

impl Billed {
    /// The size that is billed.
    pub fn size(&self) -> Option<FargateSize> {
        self.provisioned.or(self.computed)
    }

    /// The computed size and the provisioned one, where they are not the same.
    pub fn differs(&self) -> Option<(Option<FargateSize>, FargateSize)> {
        let provisioned = self.provisioned?;
        (self.computed != Some(provisioned)).then_some((self.computed, provisioned))
    }
}

/// Bills of the pods that run on Fargate.
pub struct FargateBills<'a> {
    seen: &'a Snapshot,
    /// Sizes for sale that have a price, cheapest first.
    sold: Vec<&'a Offer>,
}

impl<'a> FargateBills<'a> {
    /// At the prices of a Snapshot's offers; of sizes that it does not sell at the rates it tells.
    pub fn new(seen: &'a Snapshot) -> Self {
        let priced = |offer: &&Offer| {
            offer.is_fargate() && offer.confidence != Confidence::Unknown && offer.price.0 >= 0
        };
        let mut sold: Vec<&Offer> = seen.offers.iter().filter(priced).collect();
        sold.sort_by_key(|offer| offer.price);
        Self { seen, sold }
    }

    /// Every pod on a node of Fargate's, finished ones included: they are billed until they are deleted.
    pub fn all(&self) -> impl Iterator<Item = (&'a Pod, Billed)> {
        self.seen.pods.iter().filter_map(|pod| Some((pod, self.of(pod)?)))
    }

    /// The bill of a pod; `None` where it does not run on Fargate.
    pub fn of(&self, pod: &Pod) -> Option<Billed> {
        let node = self.seen.node(pod.node.as_ref()?).filter(|node| node.fargate)?;
        let spec = self.seen.specs.get(pod.spec as usize)?;
        let profile = spec.labels.get(PROFILE_LABEL).map(String::as_str);
        let profile = profile.or_else(|| node.group.as_ref().map(GroupName::as_str));
        let bought = node.offer.as_ref().and_then(|id| self.seen.offer_ix(id));
        let bought = bought.and_then(|ix| self.seen.offers.get(ix));
        let fits = |offer: &&&Offer| self.is_of(offer, profile) && holds(offer, spec);
        let cheapest = bought.or_else(|| self.sold.iter().find(fits).copied());
        let computed = cheapest
            .and_then(size_of)
            .or_else(|| FargateSize::billed(&spec.requests).ok());
        let provisioned = match Said::of(spec) {
            Said::Size(size) => Some(size),
            Said::Nothing | Said::Unreadable(_) => None,
        };
        let prices = &self.seen.prices;
        let storage = prices.fargate_storage(spec.requests.ephemeral_bytes);
        let price = |size: FargateSize| {
            let sold = cheapest.filter(|offer| size_of(offer) == Some(size));
            let same = |offer: &&&Offer| self.is_of(offer, profile) && size_of(offer) == Some(size);
            let sold = sold.or_else(|| self.sold.iter().find(same).copied());
            let alone = sold.map(|offer| offer.price);
            Some(alone.or_else(|| prices.fargate_size(size))? + storage?)
        };
        let of_computed = computed.and_then(price);
        let price = provisioned.map_or(of_computed, price);
        Some(Billed {
            computed,
            provisioned,
            price,
            at_most: price.map(|price| price.max(of_computed.unwrap_or(price))),
            storage: storage.unwrap_or_default(),
        })
    }

    /// Whether the profile sells it; where no profile is known, every one might.
    fn is_of(&self, offer: &Offer, profile: Option<&str>) -> bool {
        let of = |group: &Group| Some(group.name.as_str()) == profile;
        profile.is_none() || self.seen.groups.get(offer.group as usize).is_some_and(of)
    }
}

/// The size that an offer sells.
pub const fn size_of(offer: &Offer) -> Option<FargateSize> {
    match offer.kind {
        OfferKind::Fargate {
            cpu_milli,
            memory_mib,
        } => Some(FargateSize {
            cpu_milli,
            memory_mib,
        }),
        OfferKind::Ec2 { .. } => None,
    }
}

/// Whether the pod runs in it: ECS sells sizes of two architectures.
fn holds(offer: &Offer, spec: &PodSpec) -> bool {
    let (there, asked) = (&offer.allocatable, &spec.requests);
    let arch = spec.node_selector.get(ARCH).zip(offer.labels.get(ARCH));
    arch.is_none_or(|(wanted, sold)| wanted == sold)
        && asked.cpu_milli <= there.cpu_milli
        && asked.memory_bytes <= there.memory_bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_eks_writes_is_read_and_nothing_else() {
        let read = |text| FargateSize::provisioned(text).map(|size| (size.cpu_milli, size.memory_mib));
        assert_eq!(read("0.25vCPU 0.5GB"), Some((250, 512)));
        assert_eq!(read("1vCPU 3GB"), Some((1000, 3072)));
        assert_eq!(read("16vCPU 120GB"), Some((16_000, 122_880)));
        for text in [
            "",
            "0.25vCPU",
            "0.25 vCPU 0.5 GB",
            "0.25vCPU 0.5GB more",
            "-1vCPU 1GB",
            "1vCPU -1GB",
            "0vCPU 1GB",
            "1vCPU 0.3GB",
            "1e3vCPU 1GB",
            ".5vCPU 1GB",
            "1.vCPU 1GB",
            "0.2500vCPU 1GB",
            "99999999999999999999vCPU 1GB",
            "9223372036854775807vCPU 1GB",
            "1vCPU 9007199254740993GB",
            "1GB 1vCPU",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_size_is_read_as_it_is_written() {
        for size in FargateSize::all() {
            let written = size.to_string().replace(" vCPU", "vCPU").replace(" GB", "GB");
            assert_eq!(FargateSize::provisioned(&written), Some(size), "{written}");
        }
    }
}
