//! Fargate sizes and prices.
//!
//! Source: EKS user guide, "Fargate Pod configuration", and the public us-east-1 prices for Linux on x86. Every
//! size keeps 256 MB for itself; ephemeral storage above 20 GiB is not priced.

use crate::node::{ARCH, OS};
use model::group::{FargateSelector, Group, GroupKind, LaunchMode};
use model::ids::{GroupName, OfferId};
use model::money::UsdPerHour;
use model::offer::{Confidence, Offer, OfferKind};
use model::resources::{MIB, Resources};
use model::selector::Labels;

/// Nano-dollars per vCPU and hour.
const CPU_NANOS: i64 = 40_480_000;
/// Nano-dollars per GB and hour.
const MEMORY_NANOS: i64 = 4_445_000;
/// Kept for kubelet, kube-proxy and containerd.
const OWN_MIB: i64 = 256;
/// Most ephemeral storage a pod may ask for.
const EPHEMERAL_BYTES: i64 = 175 << 30;

/// Millicores, then memory from, to, and in steps of, in MiB.
const SIZES: [(i64, i64, i64, i64); 8] = [
    (250, 512, 512, 512),
    (250, 1024, 2048, 1024),
    (500, 1024, 4096, 1024),
    (1000, 2048, 8192, 1024),
    (2000, 4096, 16384, 1024),
    (4000, 8192, 30720, 1024),
    (8000, 16384, 61440, 4096),
    (16000, 32768, 122_880, 8192),
];

/// The group of a profile.
pub fn profile_group(name: &str, selectors: Vec<FargateSelector>) -> Group {
    Group {
        name: GroupName::new(name),
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
    }
}

/// All sizes, for the profile at this index of the groups.
pub fn fargate_offers(profile: &str, group: u32) -> Vec<Offer> {
    let sizes = SIZES.iter().flat_map(|&(cpu, from, to, step)| {
        (0..=(to - from) / step).map(move |count| (cpu, from + count * step))
    });
    sizes
        .map(|(cpu, memory)| size(profile, group, cpu, memory))
        .collect()
}

fn size(profile: &str, group: u32, cpu_milli: i64, memory_mib: i64) -> Offer {
    let labels = [
        (ARCH, "amd64"),
        (OS, "linux"),
        ("eks.amazonaws.com/compute-type", "fargate"),
    ];
    Offer {
        id: OfferId::new(format!("{profile}/fargate/{cpu_milli}m/{memory_mib}Mi")),
        group,
        kind: OfferKind::Fargate {
            cpu_milli,
            memory_mib,
        },
        price: UsdPerHour(CPU_NANOS * cpu_milli / 1000 + MEMORY_NANOS * memory_mib / 1024),
        interruptions: None,
        confidence: Confidence::BuiltIn,
        allocatable: Resources {
            cpu_milli,
            memory_bytes: (memory_mib - OWN_MIB) * MIB,
            ephemeral_bytes: EPHEMERAL_BYTES,
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
        let offers = fargate_offers("p", 0);
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
