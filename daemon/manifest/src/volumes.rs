//! Claims, volumes and storage classes: whether a claim ties its pod to a place.
//!
//! A claim counts as free only where that is proven: network file storage without node affinity. Block storage
//! is tied to a zone and to the attach limit of a node, which the engine does not model.

use crate::meta;
use crate::selectors::node_terms;
use crate::sheet::At;
use std::collections::BTreeMap;

/// Drivers of file storage that mounts anywhere, any number of times.
const NETWORK_DRIVERS: [&str; 5] = [
    "efs.csi.aws.com",
    "nfs.csi.k8s.io",
    "smb.csi.k8s.io",
    "cephfs.csi.ceph.com",
    "kubernetes.io/nfs",
];

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimObject {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Bound volume.
    pub volume: Option<String>,
    /// Storage class; `None` means the cluster's default.
    pub class: Option<String>,
}

/// A PersistentVolume or a StorageClass: whether what comes of it mounts anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageObject {
    /// Name.
    pub name: String,
    /// Mounts on any node, any number of times.
    pub anywhere: bool,
}

/// What is known about storage, and what follows for a claim.
#[derive(Clone, Debug, Default)]
pub struct Storage {
    claims: BTreeMap<(String, String), ClaimObject>,
    volumes: BTreeMap<String, bool>,
    classes: BTreeMap<String, bool>,
}

impl Storage {
    /// Adds a claim.
    pub fn add_claim(&mut self, claim: ClaimObject) {
        self.claims
            .insert((claim.namespace.clone(), claim.name.clone()), claim);
    }

    /// Adds a volume.
    pub fn add_volume(&mut self, volume: StorageObject) {
        self.volumes.insert(volume.name, volume.anywhere);
    }

    /// Adds a class.
    pub fn add_class(&mut self, class: StorageObject) {
        self.classes.insert(class.name, class.anywhere);
    }

    /// Whether it is proven that the claim ties its pod to no place.
    pub fn is_free(&self, namespace: &str, claim: &str) -> bool {
        let key = (namespace.to_owned(), claim.to_owned());
        let Some(claim) = self.claims.get(&key) else {
            return false;
        };
        match (&claim.volume, &claim.class) {
            (Some(volume), _) => self.volumes.get(volume).copied().unwrap_or(false),
            (None, Some(class)) => self.classes.get(class).copied().unwrap_or(false),
            (None, None) => false,
        }
    }
}

/// Reads a PersistentVolumeClaim.
pub(crate) fn claim(top: At<'_, '_>) -> ClaimObject {
    let meta = meta::meta(top);
    let text = |key| {
        top.at(["spec", key])
            .text()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    ClaimObject {
        namespace: meta.namespace,
        name: meta.name,
        volume: text("volumeName"),
        class: text("storageClassName"),
    }
}

/// Reads a PersistentVolume.
pub(crate) fn volume(top: At<'_, '_>) -> StorageObject {
    let spec = top.get("spec");
    let tied = node_terms(spec.at(["nodeAffinity", "required"])).is_some();
    let driver = spec.at(["csi", "driver"]).text().unwrap_or_default();
    let network = spec.get("nfs").is_there() || NETWORK_DRIVERS.contains(&driver);
    StorageObject {
        name: meta::meta(top).name,
        anywhere: network && !tied,
    }
}

/// Reads a StorageClass.
pub(crate) fn class(top: At<'_, '_>) -> StorageObject {
    let provisioner = top.get("provisioner").text().unwrap_or_default();
    let waits = top.get("volumeBindingMode").text() == Some("WaitForFirstConsumer");
    let tied = top.get("allowedTopologies").items().count() > 0;
    StorageObject {
        name: meta::meta(top).name,
        anywhere: waits && !tied && NETWORK_DRIVERS.contains(&provisioner),
    }
}
