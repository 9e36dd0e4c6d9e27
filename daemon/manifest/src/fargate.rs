//! Fargate profiles as groups, and what they sell.
//!
//! Sizes are those of `model::fargate`, prices those of the region. An offer costs what its CPU and memory cost: ephemeral storage
//! above 20 GiB is a pod's own affair and in no offer.

use crate::node::{ARCH, OS};
use model::fargate::{FargateRates, FargateSize, MOST_EPHEMERAL, OWN_MEMORY};
use model::group::{FargateSelector, Group, GroupKind, GroupOptions, LaunchMode};
use model::ids::{GroupName, OfferId};
use model::offer::{Confidence, Offer, OfferKind};
use model::prices::{FargatePrices, PriceOrigin, PriceSource};
use model::resources::{MIB, Resources};
use model::selector::Labels;

/// The group of a profile.
pub fn profile_group(name: &str, selectors: Vec<FargateSelector>) -> Group {
    Group {
        name: GroupName::new(name),
        uid: None,
        kind: GroupKind::FargateProfile,
        min: 0,
        max: u32::MAX,
        desired: 0,
        launch: LaunchMode::None,
        instances: Vec::new(),
        labels: Labels::new(),
        taints: Vec::new(),
        fargate_selectors: selectors,
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    }
}

/// All sizes, for the profile at this index of the groups. Where nobody has told what Fargate costs there is nothing
/// to offer.
pub fn fargate_offers(profile: &str, group: u32, prices: Option<&FargatePrices>) -> Vec<Offer> {
    let sold = |prices: &FargatePrices| -> Vec<Offer> {
        FargateSize::all()
            .map(|of| size(profile, group, of, prices.rates, &prices.source))
            .collect()
    };
    prices.map(sold).unwrap_or_default()
}

/// All sizes of ECS, for x86 and, where its rates are told, for ARM: a task has its size to itself.
pub(crate) fn ecs_fargate_offers(group: &str, ix: u32, prices: Option<&FargatePrices>) -> Vec<Offer> {
    let Some(FargatePrices { rates, arm, source }) = prices else {
        return Vec::new();
    };
    let of_arch = |(arch, rates): (&'static str, FargateRates)| {
        FargateSize::all().map(move |of| {
            let offer = size(group, ix, of, rates, source);
            let labels = [(ARCH, arch), (OS, "linux")];
            Offer {
                id: OfferId::new(format!("{}/{arch}", offer.id)),
                allocatable: Resources {
                    memory_bytes: of.memory_mib * MIB,
                    ..offer.allocatable
                },
                labels: labels
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
                ..offer
            }
        })
    };
    let both = [Some(("amd64", *rates)), arm.map(|rates| ("arm64", rates))];
    both.into_iter().flatten().flat_map(of_arch).collect()
}

fn size(profile: &str, group: u32, of: FargateSize, rates: FargateRates, source: &PriceSource) -> Offer {
    let labels = [
        (ARCH, "amd64"),
        (OS, "linux"),
        ("eks.amazonaws.com/compute-type", "fargate"),
    ];
    let FargateSize {
        cpu_milli,
        memory_mib,
    } = of;
    Offer {
        id: OfferId::new(format!("{profile}/fargate/{cpu_milli}m/{memory_mib}Mi")),
        group,
        kind: OfferKind::Fargate {
            cpu_milli,
            memory_mib,
        },
        price: rates.of(of),
        interruptions: None,
        confidence: match source.origin {
            PriceOrigin::BuiltIn => Confidence::BuiltIn,
            PriceOrigin::File { .. } | PriceOrigin::PriceList => Confidence::Listed,
        },
        allocatable: Resources {
            cpu_milli,
            memory_bytes: memory_mib * MIB - OWN_MEMORY,
            ephemeral_bytes: MOST_EPHEMERAL,
            ..Resources::default()
        },
        max_pods: 1,
        labels: labels
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_74_sizes_at_the_published_prices() {
        let offers = fargate_offers("p", 0, Some(&FargatePrices::built_in()));
        assert!(fargate_offers("p", 0, None).is_empty(), "no price, no offer");
        assert_eq!(offers.len(), 74);
        let price = |id: &str| {
            offers
                .iter()
                .find(|o| o.id.as_str() == id)
                .unwrap()
                .price
                .dollars()
        };
        assert!((price("p/fargate/250m/512Mi") - 0.012_343).abs() < 1e-6);
        assert!((price("p/fargate/16000m/122880Mi") - 1.181_08).abs() < 1e-6);
    }
}
