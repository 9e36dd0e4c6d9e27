//! The table of labels that a new node registers with, by how it is bought and who bootstraps it.
//!
//! One table for every room that makes a node that is not there yet: offers of manifests and of AWS, nodes of kwok
//! groups and of the simulator. Sources: kubelet `pkg/kubelet/kubelet_node_status.go` (host name, os, arch and their
//! `beta` aliases, `windows-build`), cloud-provider `controllers/node/node_controller.go` (zone, region and instance
//! type, stable and beta), cloud-provider-aws `well_known_labels.go` (zone id), aws-ebs-csi-driver `driver.go` (its own
//! zone key), the EKS user guide on managed node groups, kops `pkg/nodelabels/builder.go`. Not here: the host name,
//! which is unique to each node and is made where the node is; taints and amounts (`startup`); labels that an operator
//! gives a group, which are the caller's and win over this table.

use crate::offer::Purchase;
use crate::selector::Labels;
use std::collections::BTreeMap;

/// Names of the labels.
pub mod label {
    /// The node's own name (kubelet).
    pub const HOSTNAME: &str = "kubernetes.io/hostname";
    /// Operating system (kubelet).
    pub const OS: &str = "kubernetes.io/os";
    /// Alias of [`OS`] that kubelets still write.
    pub const BETA_OS: &str = "beta.kubernetes.io/os";
    /// Architecture (kubelet).
    pub const ARCH: &str = "kubernetes.io/arch";
    /// Alias of [`ARCH`] that kubelets still write.
    pub const BETA_ARCH: &str = "beta.kubernetes.io/arch";
    /// Build of Windows (kubelet on Windows).
    pub const WINDOWS_BUILD: &str = "node.kubernetes.io/windows-build";
    /// Instance type (cloud provider).
    pub const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
    /// Alias of [`INSTANCE_TYPE`] that cloud providers still write.
    pub const BETA_INSTANCE_TYPE: &str = "beta.kubernetes.io/instance-type";
    /// Zone (cloud provider).
    pub const ZONE: &str = "topology.kubernetes.io/zone";
    /// Alias of [`ZONE`] that cloud providers still write.
    pub const BETA_ZONE: &str = "failure-domain.beta.kubernetes.io/zone";
    /// Region (cloud provider).
    pub const REGION: &str = "topology.kubernetes.io/region";
    /// Alias of [`REGION`] that cloud providers still write.
    pub const BETA_REGION: &str = "failure-domain.beta.kubernetes.io/region";
    /// Zone id, the same in every account (cloud-provider-aws).
    pub const ZONE_ID: &str = "topology.k8s.aws/zone-id";
    /// Zone as the EBS CSI driver names it; volumes that it made ask for it.
    pub const EBS_ZONE: &str = "topology.ebs.csi.aws.com/zone";
    /// Name of the managed node group (EKS).
    pub const EKS_NODE_GROUP: &str = "eks.amazonaws.com/nodegroup";
    /// Purchase option of a managed node group's node (EKS): `ON_DEMAND`, `SPOT`.
    pub const EKS_CAPACITY_TYPE: &str = "eks.amazonaws.com/capacityType";
    /// Purchase option (Karpenter, EKS Auto Mode): `on-demand`, `spot`, `reserved`.
    pub const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
    /// Role of a kops node that runs workloads.
    pub const KOPS_NODE: &str = "node-role.kubernetes.io/node";
    /// Set by kops on spot nodes alone.
    pub const KOPS_SPOT: &str = "node-role.kubernetes.io/spot-worker";
}

/// Stable labels, each with the alias that nodes carry beside it, with the same value.
pub const ALIASES: [(&str, &str); 5] = [
    (label::OS, label::BETA_OS),
    (label::ARCH, label::BETA_ARCH),
    (label::INSTANCE_TYPE, label::BETA_INSTANCE_TYPE),
    (label::ZONE, label::BETA_ZONE),
    (label::REGION, label::BETA_REGION),
];

/// Labels that belong to one node or to the offer that it was bought by, never to its group.
const OF_NODE: [&str; 24] = [
    label::HOSTNAME,
    label::INSTANCE_TYPE,
    label::BETA_INSTANCE_TYPE,
    label::ZONE,
    label::BETA_ZONE,
    label::REGION,
    label::BETA_REGION,
    label::ZONE_ID,
    label::EBS_ZONE,
    label::ARCH,
    label::BETA_ARCH,
    label::OS,
    label::BETA_OS,
    label::WINDOWS_BUILD,
    label::KOPS_SPOT,
    "k8s.io/cloud-provider-aws",
    "eks.amazonaws.com/nodegroup-image",
    "karpenter.sh/registered",
    "karpenter.sh/initialized",
    "nvidia.com/gfd.timestamp",
    "node.kubernetes.io/exclude-from-external-load-balancers",
    "nvidia.com/gpu-driver-upgrade-state",
    "alpha.eksctl.io/instance-id",
    "karpenter.k8s.aws/capacity-reservation-id",
];

/// The same, by how their names begin.
const OF_NODE_PREFIXES: [&str; 5] = [
    "topology.k8s.aws/network-node-layer-",
    "eks.amazonaws.com/sourceLaunchTemplate",
    "aws-node-termination-handler/",
    "nvidia.com/cuda.",
    "feature.node.kubernetes.io/kernel-version",
];

/// Whether a label belongs to one node or its offer, so that nodes of one group may differ in it.
pub fn is_of_node(key: &str) -> bool {
    OF_NODE.contains(&key) || OF_NODE_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// Who bootstraps a node: what it carries beyond what kubelet and cloud provider write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bootstrap<'a> {
    /// The operator's own user data (self-managed Auto Scaling group, fleet): what the group's labels say.
    Own,
    /// An EKS managed node group of this name.
    Eks(&'a str),
    /// kops, of the instance group of this name.
    Kops(&'a str),
    /// Karpenter, or a plan for what Karpenter would buy.
    Karpenter,
}

/// The operating system that a node runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OperatingSystem {
    /// Linux.
    #[default]
    Linux,
    /// Windows, with the build (`10.0.20348`) where it is known.
    Windows(Option<String>),
}

/// Label values of Windows' builds, by what AMI types of managed node groups and images call the release
/// (Karpenter `pkg/apis/v1/labels.go`).
const WINDOWS_BUILDS: [(&str, &str); 3] = [
    ("2019", "10.0.17763"),
    ("2022", "10.0.20348"),
    ("2025", "10.0.26100"),
];

impl OperatingSystem {
    /// As nodes of a group tell it, or tags and settings that say what they will carry; Linux where nothing is said.
    pub fn of_labels(labels: &Labels) -> Self {
        let told = labels.get(label::OS).or_else(|| labels.get(label::BETA_OS));
        if told.is_some_and(|os| os == "windows") {
            Self::Windows(labels.get(label::WINDOWS_BUILD).cloned())
        } else {
            Self::Linux
        }
    }

    /// By the AMI type of a managed node group (`WINDOWS_CORE_2022_x86_64`; EKS API, `Nodegroup.amiType`). `None` where
    /// it says nothing (`CUSTOM`).
    pub fn of_ami_type(ami_type: &str) -> Option<Self> {
        if ami_type.starts_with("WINDOWS_") {
            let release = WINDOWS_BUILDS
                .iter()
                .find(|(year, _)| ami_type.split('_').any(|part| part == *year));
            return Some(Self::Windows(release.map(|(_, build)| (*build).to_owned())));
        }
        let is_linux = ["AL2", "BOTTLEROCKET"]
            .iter()
            .any(|linux| ami_type.starts_with(linux));
        is_linux.then_some(Self::Linux)
    }

    /// Value of [`label::OS`].
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows(_) => "windows",
        }
    }
}

/// Labels by which nodes tell how they were bought, the most telling first: ours, Karpenter's, EKS', and two that
/// self-managed groups' user data commonly sets.
const PURCHASE_LABELS: [&str; 5] = [
    "plimsoll.io/purchase",
    label::CAPACITY_TYPE,
    label::EKS_CAPACITY_TYPE,
    "node-lifecycle",
    "node.kubernetes.io/lifecycle",
];

/// Whether a label tells how a node was bought.
pub fn is_purchase(key: &str) -> bool {
    PURCHASE_LABELS.contains(&key) || key == label::KOPS_SPOT
}

/// How a node says it was bought; `None` where it says nothing that is known.
pub fn purchase_of(labels: &Labels) -> Option<Purchase> {
    if labels.get(label::KOPS_SPOT).is_some_and(|told| told == "true") {
        return Some(Purchase::Spot);
    }
    let told = PURCHASE_LABELS.iter().filter_map(|key| labels.get(*key));
    told.map(|value| value.to_ascii_lowercase().replace('_', "-"))
        .find_map(|value| match value.as_str() {
            "spot" => Some(Purchase::Spot),
            "on-demand" | "normal" => Some(Purchase::OnDemand),
            "reserved" => Some(Purchase::Reserved),
            _ => None,
        })
}

/// A zone as far as it is known. Offers may name it by id alone (`use1-az4`); its name and region are then known only
/// where something maps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// `us-east-1a`; where only the id is known, that stands in, so that zones are told apart.
    pub name: String,
    /// `use1-az4`.
    pub id: Option<String>,
    /// `us-east-1`.
    pub region: Option<String>,
}

/// What a cluster's zones are called: ids and names, and the region they are all in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones {
    names: BTreeMap<String, String>,
    ids: BTreeMap<String, String>,
    region: Option<String>,
}

impl Zones {
    /// From a map of ids to names, as the aims have it.
    pub fn new(names: &BTreeMap<String, String>) -> Self {
        let ids = names.iter().map(|(id, name)| (name.clone(), id.clone()));
        Self {
            ids: ids.collect(),
            names: names.clone(),
            region: names.values().find_map(|name| region_of(name)).map(str::to_owned),
        }
    }

    /// Learns from the labels of a node that has them. What was told before stays.
    pub fn learn(&mut self, labels: &Labels) {
        let [zone, id, region] = [label::ZONE, label::ZONE_ID, label::REGION].map(|key| labels.get(key));
        if let (Some(zone), Some(id)) = (zone, id) {
            self.names.entry(id.clone()).or_insert_with(|| zone.clone());
            self.ids.entry(zone.clone()).or_insert_with(|| id.clone());
        }
        if self.region.is_none() {
            let by_name = || zone.and_then(|zone| region_of(zone)).map(str::to_owned);
            self.region = region.cloned().or_else(by_name);
        }
    }

    /// The zone that is told so, by name or by id.
    pub fn zone(&self, told: &str) -> Zone {
        let name = self.names.get(told).map_or(told, String::as_str);
        let id = if name != told || is_zone_id(told) {
            Some(told.to_owned())
        } else {
            self.ids.get(told).cloned()
        };
        Zone {
            name: name.to_owned(),
            id,
            region: region_of(name).map(str::to_owned).or_else(|| self.region.clone()),
        }
    }
}

/// `use1-az4` is a zone id, `us-east-1a` a zone name.
pub fn is_zone_id(zone: &str) -> bool {
    zone.rsplit_once("-az")
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Region of a zone by its name: `us-east-1a` is in `us-east-1`, the local zone `us-west-2-lax-1a` in `us-west-2`, the
/// Wavelength zone `us-east-1-wl1-bos-wlz-1` in `us-east-1`. `None` where the name tells none, as zone ids do not
/// (csi-translation-lib `plugins/aws_ebs.go` reads the same forms).
pub fn region_of(zone: &str) -> Option<&str> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
    let mut end = 0;
    for (number, part) in zone.split('-').enumerate() {
        let from = end + usize::from(number > 0);
        end = from + part.len();
        if number >= 2 {
            if is_number(part) {
                // A region alone is no zone: something follows.
                return zone.get(..end).filter(|region| region.len() < zone.len());
            }
            let digits = part.trim_end_matches(|c: char| c.is_ascii_lowercase());
            if is_number(digits) {
                let is_last = end == zone.len() && part.len() == digits.len() + 1;
                return zone.get(..from + digits.len()).filter(|_| is_last);
            }
        }
        if !is_word(part) {
            return None;
        }
    }
    None
}

/// A node that could be bought, as far as its labels depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// Instance type; `None` where the provider chooses among several.
    pub instance_type: Option<&'a str>,
    /// Zone; `None` where the provider chooses.
    pub zone: Option<&'a Zone>,
    /// `amd64` or `arm64`.
    pub arch: &'a str,
    /// Operating system.
    pub os: &'a OperatingSystem,
    /// How it is paid for.
    pub purchase: Purchase,
    /// Who bootstraps it.
    pub bootstrap: Bootstrap<'a>,
}

impl Registration<'_> {
    /// The labels, those of its group excepted.
    pub fn labels(&self) -> Labels {
        let mut labels = Labels::new();
        let mut set = |key: &str, value: &str| {
            if !value.is_empty() {
                labels.insert(key.to_owned(), value.to_owned());
            }
        };
        set(label::OS, self.os.name());
        set(label::ARCH, self.arch);
        if let OperatingSystem::Windows(Some(build)) = self.os {
            set(label::WINDOWS_BUILD, build);
        }
        set(label::INSTANCE_TYPE, self.instance_type.unwrap_or_default());
        if let Some(zone) = self.zone {
            set(label::ZONE, &zone.name);
            set(label::EBS_ZONE, &zone.name);
            set(label::ZONE_ID, zone.id.as_deref().unwrap_or_default());
            set(label::REGION, zone.region.as_deref().unwrap_or_default());
        }
        let spot = self.purchase == Purchase::Spot;
        match self.bootstrap {
            Bootstrap::Own => {}
            Bootstrap::Eks(name) => {
                set(label::EKS_NODE_GROUP, name);
                set(label::EKS_CAPACITY_TYPE, if spot { "SPOT" } else { "ON_DEMAND" });
            }
            Bootstrap::Kops(name) => {
                set(crate::group::KOPS_GROUP_TAG, name);
                if spot {
                    set(label::KOPS_SPOT, "true");
                }
                labels.insert(label::KOPS_NODE.to_owned(), String::new());
            }
            Bootstrap::Karpenter => set(label::CAPACITY_TYPE, self.purchase.as_str()),
        }
        add_aliases(&mut labels);
        labels
    }

    /// The labels, with those of its group: what belongs to the group its operator or its nodes know best, what belongs
    /// to the node (zone, type, architecture) is this table's.
    pub fn labels_with(&self, own: &Labels) -> Labels {
        let mut labels = own.clone();
        for (key, value) in self.labels() {
            if is_of_node(&key) || !labels.contains_key(&key) {
                labels.insert(key, value);
            }
        }
        add_aliases(&mut labels);
        labels
    }
}

/// Adds the alias of every stable label that is there, and of every alias the stable one.
pub fn add_aliases(labels: &mut Labels) {
    for (stable, beta) in ALIASES {
        for (from, to) in [(stable, beta), (beta, stable)] {
            if let Some(value) = labels.get(from).filter(|_| !labels.contains_key(to)).cloned() {
                labels.insert(to.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
