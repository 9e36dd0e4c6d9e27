//! What pods can use of an instance that nobody has seen live: amounts, and how many pods.
//!
//! Source: kube-reserved and maximum pods of nodeadm (AL2023) and Bottlerocket, kubelet's eviction threshold on EKS,
//! and Karpenter's 7.5 % of memory for kernel and hypervisor. kops reserves otherwise, by its own specification. A
//! node that has lived tells better.

use model::resources::{MIB, Resources};

/// Ephemeral storage of a node with the usual 20 GiB root volume: less 10 % eviction threshold and 1 GiB.
const EPHEMERAL_BYTES: i64 = 17 << 30;
/// Memory at which kubelet begins to evict, in MiB.
const EVICTION_MIB: i64 = 100;
/// Memory that arm64 has less of from the beginning, in MiB.
const ARM_MIB: i64 = 64;

/// What pods can use on a type: millicores and bytes, from vCPUs and advertised MiB; `arch` as Kubernetes or EC2
/// (`arm64_mac`) calls it. `max_pods` is what the network interfaces allow, even where kubelet is told another
/// number: that is what the reservation goes by.
pub fn usual_allocatable(vcpu: i64, memory_mib: i64, arch: &str, max_pods: i64) -> Resources {
    let physical = memory_mib.saturating_sub(if arch.starts_with("arm64") { ARM_MIB } else { 0 });
    let kernel = physical.saturating_mul(75).saturating_add(999) / 1000;
    let kube = max_pods.saturating_mul(11).saturating_add(255);
    let memory_mib = physical
        .saturating_sub(kernel)
        .saturating_sub(kube)
        .saturating_sub(EVICTION_MIB)
        .max(0);
    Resources {
        cpu_milli: vcpu.saturating_mul(1000) - reserved_cpu(vcpu),
        memory_bytes: memory_mib.saturating_mul(MIB),
        ephemeral_bytes: EPHEMERAL_BYTES,
        ..Resources::default()
    }
}

/// Millicores that kubelet keeps: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of others.
fn reserved_cpu(vcpu: i64) -> i64 {
    // Hundredths of a millicore, so that the quarter per cent of the later cores adds up.
    let hundredths: i64 = (0..vcpu.min(4096))
        .map(|core| match core {
            0 => 6000,
            1 => 1000,
            2 | 3 => 500,
            _ => 250,
        })
        .sum();
    hundredths / 100
}

/// Most pods by network interfaces of the default card and IPv4 addresses of each; each keeps one for itself, and two
/// pods are on the host's network.
pub fn max_pods(interfaces: i64, addresses: i64) -> i64 {
    interfaces
        .saturating_mul(addresses.saturating_sub(1))
        .saturating_add(2)
}

/// The same where interfaces hand out prefixes of 16 addresses; EKS advises no more than 110, or 250 from 30 vCPUs up.
pub fn max_pods_with_prefixes(interfaces: i64, addresses: i64, vcpu: i64) -> i64 {
    let most = if vcpu < 30 { 110 } else { 250 };
    max_pods(
        interfaces,
        addresses.saturating_sub(1).saturating_mul(16).saturating_add(1),
    )
    .min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_known_types() {
        // Type, vCPUs, MiB, architecture, interfaces, addresses: millicores, MiB, pods.
        let table = [
            ("m5.large", 2, 8192, "amd64", (3, 10), (1930, 6903, 29)),
            ("c6g.large", 2, 4096, "arm64", (3, 10), (1930, 3055, 29)),
            ("a1.metal", 16, 32768, "arm64", (8, 30), (15890, 27322, 234)),
            (
                "m5.24xlarge",
                96,
                393_216,
                "amd64",
                (15, 50),
                (95690, 355_262, 737),
            ),
        ];
        for (name, vcpu, mib, arch, (interfaces, addresses), expected) in table {
            let pods = max_pods(interfaces, addresses);
            let own = usual_allocatable(vcpu, mib, arch, pods);
            assert_eq!((own.cpu_milli, own.memory_mib_down(), pods), expected, "{name}");
        }
    }

    #[test]
    fn prefixes_are_capped() {
        assert_eq!(max_pods_with_prefixes(3, 10, 2), 110);
        assert_eq!(max_pods_with_prefixes(2, 4, 2), 98);
        assert_eq!(max_pods_with_prefixes(15, 50, 96), 250);
    }

    #[test]
    fn hostile_shapes_saturate() {
        let own = usual_allocatable(i64::MAX, i64::MAX, "arm64", i64::MAX);
        assert!(own.memory_bytes >= 0);
        assert_eq!(usual_allocatable(1, 64, "arm64", 110).memory_bytes, 0);
    }
}
