//! Fargate: the sizes that are billed, what they cost, and what keeps a pod off it.
//!
//! Source: EKS user guide, "Fargate Pod configuration" and "Fargate considerations"; public prices of us-east-1,
//! Linux. Which prices hold in a cluster's region is told by `prices`. GB there are GiB. What Fargate provisions beyond the ephemeral storage that is asked for is told
//! by one example only (100 GiB become 115) and is not counted. Whether a pod meets one of the obstacles is for
//! `decide` to say.

use crate::money::UsdPerHour;
use crate::resources::{GIB, MIB, Resources};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Memory that Fargate takes of a size for kubelet, kube-proxy and containerd, in bytes.
pub const OWN_MEMORY: i64 = 256 * MIB;
/// Most ephemeral storage a pod may ask for, in bytes.
pub const MOST_EPHEMERAL: i64 = 175 * GIB;
/// Ephemeral storage that costs nothing, in bytes.
pub const FREE_EPHEMERAL: i64 = 20 * GIB;

/// Millicores, then memory from, to, and in steps of, in MiB; sorted by both.
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

/// A size that Fargate bills: never anything between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FargateSize {
    /// Millicores.
    pub cpu_milli: i64,
    /// MiB, Fargate's own share included.
    pub memory_mib: i64,
}

impl FargateSize {
    /// All 74, by CPU, then by memory.
    pub fn all() -> impl Iterator<Item = Self> {
        let row = |&(cpu_milli, from, to, step): &(i64, i64, i64, i64)| {
            (0..=(to - from) / step).map(move |count| Self {
                cpu_milli,
                memory_mib: from + count * step,
            })
        };
        SIZES.iter().flat_map(row)
    }

    /// The size billed for the effective request of a pod (largest init container against the sum of the others, as
    /// kube `PodRequests`), or why there is none. Of all sizes that hold it one is least in CPU and in memory at
    /// once, and the cheapest therefore at any price.
    pub fn billed(requests: &Resources) -> Result<Self, FargateBlock> {
        if requests.ephemeral_bytes > MOST_EPHEMERAL {
            return Err(FargateBlock::TooMuchEphemeral);
        }
        let mut sizes = Self::all();
        let found = sizes.find(|size| size.holds(requests));
        found.ok_or(if requests.cpu_milli > Self::LARGEST.cpu_milli {
            FargateBlock::TooMuchCpu
        } else {
            FargateBlock::TooMuchMemory
        })
    }

    /// The largest.
    pub const LARGEST: Self = Self {
        cpu_milli: 16_000,
        memory_mib: 122_880,
    };

    /// Whether a pod that asks for this much CPU and memory runs in it, beside what Fargate takes.
    pub const fn holds(self, requests: &Resources) -> bool {
        requests.cpu_milli <= self.cpu_milli && needed_memory(requests) <= self.memory_bytes()
    }

    const fn memory_bytes(self) -> i64 {
        self.memory_mib.saturating_mul(MIB)
    }
}

/// Bytes, Fargate's own share included.
const fn needed_memory(requests: &Resources) -> i64 {
    let own = if requests.memory_bytes > 0 {
        requests.memory_bytes
    } else {
        0
    };
    own.saturating_add(OWN_MEMORY)
}

impl fmt::Display for FargateSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimal = |whole: i64, part: i64| {
            let text = format!("{whole}.{part:03}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        let cpu = decimal(self.cpu_milli / 1000, self.cpu_milli % 1000);
        let memory = decimal(self.memory_mib / 1024, self.memory_mib % 1024 * 1000 / 1024);
        write!(f, "{cpu} vCPU {memory} GB")
    }
}

/// What Fargate costs in a region, in nano-dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FargateRates {
    /// Per vCPU and hour.
    pub cpu: i64,
    /// Per GB of memory and hour.
    pub memory: i64,
    /// Per GB of ephemeral storage above [`FREE_EPHEMERAL`] and hour.
    pub storage: i64,
}

impl FargateRates {
    /// us-east-1, Linux on x86: the table that is built in, for that region alone.
    pub const US_EAST_1: Self = Self {
        cpu: 40_480_000,
        memory: 4_445_000,
        storage: 111_000,
    };

    /// us-east-1, Linux on ARM, which only ECS sells.
    pub const US_EAST_1_ARM: Self = Self {
        cpu: 32_380_000,
        memory: 3_560_000,
        ..Self::US_EAST_1
    };

    /// Price of a size.
    pub const fn of(self, size: FargateSize) -> UsdPerHour {
        self.of_amounts(size.cpu_milli, size.memory_bytes())
    }

    /// Price of ephemeral storage that a pod asks for.
    pub const fn of_storage(self, ephemeral_bytes: i64) -> UsdPerHour {
        let above = ephemeral_bytes.saturating_sub(FREE_EPHEMERAL);
        UsdPerHour(if above > 0 {
            share(self.storage, above, GIB)
        } else {
            0
        })
    }

    const fn of_amounts(self, cpu_milli: i64, memory_bytes: i64) -> UsdPerHour {
        let cpu = share(self.cpu, cpu_milli, 1000);
        UsdPerHour(cpu.saturating_add(share(self.memory, memory_bytes, GIB)))
    }
}

/// `rate` × `amount` ÷ `unit`, rounded up: a bill is never told too low.
#[expect(clippy::cast_possible_truncation, reason = "clamped to i64 first")]
const fn share(rate: i64, amount: i64, unit: i64) -> i64 {
    let exact = rate as i128 * amount as i128;
    let up = (exact + unit as i128 - 1) / unit as i128;
    if up > i64::MAX as i128 {
        i64::MAX
    } else {
        up as i64
    }
}

/// What Fargate bills for one pod, and what of that it did not ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FargateBill {
    /// The size.
    pub size: FargateSize,
    /// Price, ephemeral storage included.
    pub price: UsdPerHour,
    /// Millicores billed beyond the request.
    pub spare_cpu_milli: i64,
    /// Bytes of memory billed beyond the request; Fargate's own share is among them.
    pub spare_memory_bytes: i64,
    /// What the spare amounts cost.
    pub wastes: UsdPerHour,
    /// A little less that would cost a tier less.
    pub trim: Option<Trim>,
}

/// Less to ask for, and what it would bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trim {
    /// Millicores to give up.
    pub cpu_milli: i64,
    /// Bytes of memory to give up.
    pub memory_bytes: i64,
    /// The size that would be billed.
    pub to: FargateSize,
    /// By how much it is cheaper.
    pub saves: UsdPerHour,
}

/// A request is not to be trimmed by more than one part in so many …
const TRIM_PART: i64 = 4;
/// … or this much memory, if that is more: what Fargate takes for itself is what often costs a tier.
const TRIM_MEMORY: i64 = 256 * MIB;

impl FargateBill {
    /// For the effective request of a pod, at these rates; or why Fargate has no size for it.
    pub fn of(requests: &Resources, rates: FargateRates) -> Result<Self, FargateBlock> {
        let size = FargateSize::billed(requests)?;
        let spare_cpu_milli = size.cpu_milli - requests.cpu_milli.max(0);
        let spare_memory_bytes = size.memory_bytes() - requests.memory_bytes.max(0);
        Ok(Self {
            size,
            price: rates.of(size) + rates.of_storage(requests.ephemeral_bytes),
            spare_cpu_milli,
            spare_memory_bytes,
            wastes: rates.of_amounts(spare_cpu_milli, spare_memory_bytes),
            trim: Trim::of(requests, size, rates),
        })
    }
}

impl Trim {
    /// The step down that saves most, of those that trim either CPU or memory and little of it; of equal ones the
    /// smallest.
    fn of(requests: &Resources, billed: FargateSize, rates: FargateRates) -> Option<Self> {
        let trim = |to: FargateSize| Self {
            cpu_milli: (requests.cpu_milli - to.cpu_milli).max(0),
            memory_bytes: (needed_memory(requests) - to.memory_bytes()).max(0),
            to,
            saves: rates.of(billed) - rates.of(to),
        };
        let little = |trim: &Self| {
            let memory = (requests.memory_bytes / TRIM_PART).max(TRIM_MEMORY.min(requests.memory_bytes - 1));
            (trim.cpu_milli == 0 || trim.memory_bytes == 0)
                && trim.cpu_milli <= requests.cpu_milli / TRIM_PART
                && trim.memory_bytes <= memory
        };
        let saving = |trim: &Self| trim.saves > UsdPerHour::ZERO;
        let steps = FargateSize::all().map(trim).filter(saving).filter(little);
        steps.max_by_key(|trim| {
            let given_up = (trim.cpu_milli, trim.memory_bytes);
            (trim.saves, std::cmp::Reverse(given_up))
        })
    }
}

impl fmt::Display for Trim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, amount) = if self.cpu_milli > 0 {
            ("CPU", format!("{}m", self.cpu_milli))
        } else {
            // Rounded up: a byte less would not do.
            let mib = self.memory_bytes.saturating_add(MIB - 1) / MIB;
            ("memory", format!("{mib}Mi"))
        };
        let (to, saves) = (self.to, self.saves);
        write!(f, "trim {amount} of {what} and save a tier: {to}, {saves} less")
    }
}

/// What keeps a pod off Fargate (EKS user guide, "Fargate considerations").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FargateBlock {
    /// Belongs to a DaemonSet.
    DaemonSet,
    /// Belongs to a StatefulSet and has volumes.
    StatefulVolume,
    /// Privileged container.
    Privileged,
    /// Host network.
    HostNetwork,
    /// Host PID namespace.
    HostPid,
    /// Host IPC namespace.
    HostIpc,
    /// Host port.
    HostPort,
    /// hostPath volume.
    HostPath,
    /// Extended resources (GPU, Neuron) or devices by claim.
    ExtendedResources,
    /// A volume claim that is not bound to a volume of EFS made by hand.
    Volume,
    /// A disk by its id, or a volume that a CSI driver's DaemonSet mounts.
    InlineVolume,
    /// A runtime class.
    RuntimeClass,
    /// A scheduler of its own.
    OtherScheduler,
    /// Needs another architecture than amd64.
    Architecture,
    /// Needs another system than Linux.
    OperatingSystem,
    /// Needs an instance type or family.
    InstanceType,
    /// Needs another node label that Fargate does not have.
    NodeLabels,
    /// Asks for more than 16 vCPU.
    TooMuchCpu,
    /// Asks for more than 120 GB of memory less 256 MB.
    TooMuchMemory,
    /// Asks for more than 175 GiB of ephemeral storage.
    TooMuchEphemeral,
    /// Has rules about zones, which Fargate would ignore and a plan keeps.
    ZoneRules,
    /// This size is too small for it.
    TooLarge,
    /// Already bound: Fargate is chosen at admission.
    AlreadyAdmitted,
}

impl FargateBlock {
    /// Short code for tools.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DaemonSet => "DaemonSet",
            Self::StatefulVolume => "StatefulVolume",
            Self::Privileged => "Privileged",
            Self::HostNetwork => "HostNetwork",
            Self::HostPid => "HostPid",
            Self::HostIpc => "HostIpc",
            Self::HostPort => "HostPort",
            Self::HostPath => "HostPath",
            Self::ExtendedResources => "ExtendedResources",
            Self::Volume => "Volume",
            Self::InlineVolume => "InlineVolume",
            Self::RuntimeClass => "RuntimeClass",
            Self::OtherScheduler => "OtherScheduler",
            Self::Architecture => "Architecture",
            Self::OperatingSystem => "OperatingSystem",
            Self::InstanceType => "InstanceType",
            Self::NodeLabels => "NodeLabels",
            Self::TooMuchCpu => "TooMuchCpu",
            Self::TooMuchMemory => "TooMuchMemory",
            Self::TooMuchEphemeral => "TooMuchEphemeral",
            Self::ZoneRules => "ZoneRules",
            Self::TooLarge => "TooLarge",
            Self::AlreadyAdmitted => "AlreadyAdmitted",
        }
    }
}

impl fmt::Display for FargateBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DaemonSet => "DaemonSet pods do not run there",
            Self::StatefulVolume => "StatefulSets with volumes are left on EC2",
            Self::Privileged => "privileged containers do not run there",
            Self::HostNetwork => "the host's network does not exist there",
            Self::HostPid => "the host's PID namespace does not exist there",
            Self::HostIpc => "the host's IPC namespace does not exist there",
            Self::HostPort => "host ports do not exist there",
            Self::HostPath => "hostPath volumes do not exist there",
            Self::ExtendedResources => "extended resources (GPUs, Neuron, devices) do not exist there",
            Self::Volume => "of volume claims only those of EFS volumes made by hand work there",
            Self::InlineVolume => {
                "disks by id and volumes mounted by a CSI driver's DaemonSet do not work there"
            }
            Self::RuntimeClass => "runtime classes do not exist there",
            Self::OtherScheduler => "it names a scheduler of its own",
            Self::Architecture => "it needs another architecture than amd64",
            Self::OperatingSystem => "it needs another system than Linux",
            Self::InstanceType => "it asks for an instance type or family",
            Self::NodeLabels => "asks for node labels that do not exist there",
            Self::TooMuchCpu => "it asks for more than 16 vCPU",
            Self::TooMuchMemory => {
                "it asks for more than 120 GB of memory less the 256 MB that Fargate takes"
            }
            Self::TooMuchEphemeral => "it asks for more than 175 GiB of ephemeral storage",
            Self::ZoneRules => "it would ignore the pod's rules about zones",
            Self::TooLarge => "larger than this size",
            Self::AlreadyAdmitted => "placement is chosen at admission, and this pod is past it",
        })
    }
}

/// What a pod should know about Fargate that does not keep it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FargateCaution {
    /// Its `topologySpreadConstraints` with `DoNotSchedule` are ignored.
    SpreadIgnored,
    /// Its required affinity to, or by zone from, other pods is ignored.
    AffinityIgnored,
    /// A pod of a Job is billed until it is deleted, finished or not.
    BilledUntilDeleted,
}

impl FargateCaution {
    /// Short code for tools.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SpreadIgnored => "SpreadIgnored",
            Self::AffinityIgnored => "AffinityIgnored",
            Self::BilledUntilDeleted => "BilledUntilDeleted",
        }
    }
}

impl fmt::Display for FargateCaution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SpreadIgnored => "Fargate ignores its topology spread: one profile per subnet spreads it",
            Self::AffinityIgnored => "Fargate ignores its required affinity to or from other pods",
            Self::BilledUntilDeleted => {
                "Fargate bills finished pods until they are deleted: set ttlSecondsAfterFinished"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bill(cpu: i64, mib: i64) -> FargateBill {
        FargateBill::of(&Resources::new(cpu, mib * MIB), FargateRates::US_EAST_1).unwrap()
    }

    fn trimmed(cpu: i64, mib: i64) -> Option<String> {
        bill(cpu, mib).trim.map(|trim| trim.to_string())
    }

    #[test]
    fn what_is_not_asked_for_is_wasted() {
        let own = bill(1000, 2048);
        assert_eq!(own.size.to_string(), "1 vCPU 3 GB");
        assert_eq!((own.spare_cpu_milli, own.spare_memory_bytes), (0, GIB));
        assert_eq!(own.wastes, UsdPerHour(4_445_000));
        assert_eq!(own.price, UsdPerHour(53_815_000));
    }

    #[test]
    fn storage_costs_above_twenty_gibibytes() {
        let rates = FargateRates::US_EAST_1;
        assert_eq!(rates.of_storage(20 * GIB), UsdPerHour::ZERO);
        assert_eq!(rates.of_storage(21 * GIB), UsdPerHour(111_000));
        assert_eq!(rates.of_storage(20 * GIB + 1), UsdPerHour(1));
        let mut asked = Resources::new(250, 0);
        asked.ephemeral_bytes = 120 * GIB;
        assert_eq!(
            FargateBill::of(&asked, rates).unwrap().price,
            UsdPerHour(12_342_500 + 11_100_000)
        );
    }

    #[test]
    fn a_little_less_saves_a_tier() {
        let of_memory = "trim 256Mi of memory and save a tier: 1 vCPU 2 GB, $0.0044/h less";
        assert_eq!(trimmed(1000, 2048).as_deref(), Some(of_memory));
        let of_cpu = "trim 100m of CPU and save a tier: 1 vCPU 2 GB, $0.0494/h less";
        assert_eq!(trimmed(1100, 1024).as_deref(), Some(of_cpu));
        assert_eq!(trimmed(250, 256), None, "there is no lower tier");
        assert_eq!(trimmed(1000, 1700), None, "it is the lowest tier of its CPU");
        assert_eq!(trimmed(1000, 2800), None, "too much would have to go");
    }

    #[test]
    fn hostile_requests_have_no_size() {
        let of = |cpu, bytes| FargateSize::billed(&Resources::new(cpu, bytes));
        assert_eq!(of(i64::MAX, i64::MAX), Err(FargateBlock::TooMuchCpu));
        assert_eq!(of(0, i64::MAX), Err(FargateBlock::TooMuchMemory));
        assert_eq!(of(i64::MIN, i64::MIN).map(|size| size.memory_mib), Ok(512));
    }
}
