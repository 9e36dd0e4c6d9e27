//! Claims, volumes, storage classes, and what CSI drivers say of themselves and of nodes, object by object.
//!
//! What they come to for a pod is the work of `storage`. A claim without a status was never in a cluster and is
//! believed to be bound where it names its volume.

use crate::meta::{self, Meta};
use crate::selectors::node_terms;
use crate::sheet::At;
use model::selector::{NodeTerm, Operator, Requirement};
use model::time::Instant;
use serde::Serialize;
use std::collections::BTreeMap;

/// CSI driver of EBS.
pub(crate) const EBS: &str = "ebs.csi.aws.com";
/// CSI driver of EFS.
pub(crate) const EFS: &str = "efs.csi.aws.com";
/// Annotation of volumes that a provisioner made.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

/// Volume plugins that Kubernetes once had built in: key in a volume, provisioner, CSI driver that took over
/// (csi-translation-lib).
const MIGRATED: [(&str, &str, &str); 6] = [
    ("awsElasticBlockStore", "kubernetes.io/aws-ebs", EBS),
    (
        "gcePersistentDisk",
        "kubernetes.io/gce-pd",
        "pd.csi.storage.gke.io",
    ),
    ("azureDisk", "kubernetes.io/azure-disk", "disk.csi.azure.com"),
    ("cinder", "kubernetes.io/cinder", "cinder.csi.openstack.org"),
    (
        "vsphereVolume",
        "kubernetes.io/vsphere-volume",
        "csi.vsphere.vmware.com",
    ),
    (
        "portworxVolume",
        "kubernetes.io/portworx-volume",
        "pxd.portworx.com",
    ),
];

/// Volumes of a pod that name a disk: two pods may not have it on one node, or each attaches it (VolumeRestrictions).
const INLINE_DISKS: [&str; 4] = ["awsElasticBlockStore", "gcePersistentDisk", "iscsi", "rbd"];

/// Provisioner of classes whose volumes are made by hand.
pub(crate) const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// Labels of a volume that VolumeZone reads, with the newer name of each.
const ZONE_LABELS: [(&str, &str); 4] = [
    (
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/zone",
    ),
    (
        "failure-domain.beta.kubernetes.io/region",
        "topology.kubernetes.io/region",
    ),
    ("topology.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("topology.kubernetes.io/region", "topology.kubernetes.io/region"),
];

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "conditions that the object tells apart"
)]
pub struct ClaimObject {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Volume it names.
    pub volume: Option<String>,
    /// Whether it is bound to that volume.
    pub bound: bool,
    /// Storage class; empty: none; `None`: the cluster's default.
    pub class: Option<String>,
    /// Its volume is gone.
    pub lost: bool,
    /// Has a deletion timestamp.
    pub deleting: bool,
    /// One pod alone may have it.
    pub exclusive: bool,
    /// Node for which its volume is being made.
    pub selected_node: Option<String>,
}

/// A PersistentVolume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeObject {
    /// Name.
    pub name: String,
    /// Where it can be had: of every list one term must match.
    pub reach: Vec<Vec<NodeTerm>>,
    /// CSI driver that attaches it, where one does.
    pub driver: Option<String>,
    /// A provisioner made it; otherwise somebody wrote it down by hand.
    pub provisioned: bool,
}

/// A StorageClass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassObject {
    /// Name.
    pub name: String,
    /// Who makes its volumes.
    pub provisioner: String,
    /// Volumes are made once the pod has its node.
    pub waits: bool,
    /// `allowedTopologies`; `None`: anywhere.
    pub topologies: Option<Vec<NodeTerm>>,
    /// The cluster's default.
    pub is_default: bool,
    /// When it was created.
    pub created: Instant,
}

/// A CSIDriver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriverObject {
    /// Name.
    pub name: String,
    /// Tells how much storage there is where.
    pub tracks_capacity: bool,
}

/// A CSINode: how many volumes of each driver the node may attach; drivers that tell no limit are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachObject {
    /// Name of the node.
    pub node: String,
    /// By driver.
    pub limits: BTreeMap<String, i64>,
}

/// How a pod names a claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ClaimRef {
    /// By name.
    Named(String),
    /// Made for each pod by a controller, from a template (`volumeClaimTemplates`, `ephemeral`).
    OfPod {
        /// What its name has before the pod's.
        before: String,
        /// What its name has after the pod's.
        after: String,
        /// Storage class of the template, as in [`ClaimObject::class`].
        class: Option<String>,
    },
}

impl ClaimRef {
    /// Its name, where the pod is known or does not matter.
    pub(crate) fn name(&self, pod: Option<&str>) -> Option<String> {
        match self {
            Self::Named(name) => Some(name.clone()),
            Self::OfPod { before, after, .. } => Some(format!("{before}{}{after}", pod?)),
        }
    }
}

/// The CSI driver that a provisioner's volumes are attached by.
pub(crate) fn driver_of(provisioner: &str) -> &str {
    let migrated = MIGRATED.iter().find(|(_, own, _)| *own == provisioner);
    migrated.map_or(provisioner, |(_, _, driver)| driver)
}

pub(crate) fn is_one_of(key: &str, values: Vec<String>) -> Requirement {
    Requirement {
        key: key.to_owned(),
        operator: Operator::In(values),
    }
}

/// How a pod names its claims, sorted.
pub(crate) fn claims(spec: At<'_, '_>) -> Vec<ClaimRef> {
    let mut found = Vec::new();
    for volume in spec.get("volumes").items() {
        let (claim, ephemeral) = (volume.get("persistentVolumeClaim"), volume.get("ephemeral"));
        if claim.is_there() {
            let name = claim.get("claimName").name();
            found.extend(name.map(|name| ClaimRef::Named(name.to_owned())));
        } else if ephemeral.is_there() {
            found.extend(volume.get("name").name().map(|name| ClaimRef::OfPod {
                before: String::new(),
                after: format!("-{name}"),
                class: class_name(ephemeral.get("volumeClaimTemplate")),
            }));
        }
    }
    found.sort();
    found
}

/// Claims that a StatefulSet (`at` is its spec) makes for each of its pods.
pub(crate) fn claim_templates<'s, 't>(at: At<'s, 't>) -> impl Iterator<Item = ClaimRef> + use<'s, 't> {
    let templates = at.get("volumeClaimTemplates").items();
    templates.filter_map(|template| {
        let name = template.at(["metadata", "name"]).name()?;
        Some(ClaimRef::OfPod {
            before: format!("{name}-"),
            after: String::new(),
            class: class_name(template),
        })
    })
}

/// Whether a pod mounts a disk by its id.
pub(crate) fn has_inline_disk(spec: At<'_, '_>) -> bool {
    let inline = |volume: At<'_, '_>| INLINE_DISKS.iter().any(|kind| volume.get(kind).is_there());
    spec.get("volumes").items().any(inline)
}

/// Storage class of a claim or a template of one; the annotation is the older way to say it and goes first.
fn class_name(claim: At<'_, '_>) -> Option<String> {
    let annotations = claim.at(["metadata", "annotations"]);
    let annotated = annotations.get("volume.beta.kubernetes.io/storage-class").text();
    let named = || claim.at(["spec", "storageClassName"]).text();
    annotated.or_else(named).map(str::to_owned)
}

/// Reads a PersistentVolumeClaim.
pub(crate) fn claim(top: At<'_, '_>) -> ClaimObject {
    let Meta {
        namespace,
        name,
        deleting,
        ..
    } = meta::meta(top);
    let annotation = |key| top.at(["metadata", "annotations", key]);
    let phase = top.at(["status", "phase"]).text();
    let exclusive = |mode: At<'_, '_>| mode.text() == Some("ReadWriteOncePod");
    let filled = |text: &&str| !text.is_empty();
    ClaimObject {
        namespace,
        name,
        volume: top
            .at(["spec", "volumeName"])
            .text()
            .filter(filled)
            .map(str::to_owned),
        bound: annotation("pv.kubernetes.io/bind-completed").is_there() || phase.is_none(),
        class: class_name(top),
        lost: phase == Some("Lost"),
        deleting,
        exclusive: top.at(["spec", "accessModes"]).items().any(exclusive),
        selected_node: annotation("volume.kubernetes.io/selected-node")
            .text()
            .map(str::to_owned),
    }
}

/// Reads a PersistentVolume.
pub(crate) fn volume(top: At<'_, '_>) -> VolumeObject {
    let spec = top.get("spec");
    let affinity = node_terms(spec.at(["nodeAffinity", "required"]));
    let labels = top.at(["metadata", "labels"]).labels();
    let mut reach: Vec<Vec<NodeTerm>> = affinity
        .map(|terms| terms.into_iter().filter_map(without_name).collect())
        .into_iter()
        .collect();
    for (key, newer) in ZONE_LABELS {
        let zones = labels.get(key).and_then(|value| zones_of(value));
        reach.extend(zones.map(|zones| in_zones(key, newer, &zones)));
    }
    for terms in &mut reach {
        for term in terms.iter_mut() {
            term.labels.sort();
        }
        terms.sort();
        terms.dedup();
    }
    reach.sort();
    let migrated = MIGRATED.iter().find(|(key, ..)| spec.get(key).is_there());
    let driver = spec.at(["csi", "driver"]).text();
    let provisioned = top.at(["metadata", "annotations", PROVISIONED_BY]);
    VolumeObject {
        name: meta::meta(top).name,
        reach,
        provisioned: provisioned.is_there(),
        driver: driver
            .or_else(|| migrated.map(|(_, _, driver)| *driver))
            .map(str::to_owned),
    }
}

/// A term as kube-scheduler holds it against a node: by labels alone, the node's name being empty.
fn without_name(term: NodeTerm) -> Option<NodeTerm> {
    term.fields.is_empty().then_some(term)
}

/// Zones of a label's value, `a__b`; `None` where one is empty: the label then says nothing.
fn zones_of(value: &str) -> Option<Vec<String>> {
    let zones: Vec<String> = value.split("__").map(|zone| zone.trim().to_owned()).collect();
    zones.iter().all(|zone| !zone.is_empty()).then_some(zones)
}

/// What VolumeZone asks of a node: the label itself, its newer name where the node lacks it, or no such label at all.
fn in_zones(key: &str, newer: &str, zones: &[String]) -> Vec<NodeTerm> {
    let absent = |key: &str| Requirement {
        key: key.to_owned(),
        operator: Operator::DoesNotExist,
    };
    let term = |labels| NodeTerm {
        labels,
        fields: Vec::new(),
    };
    let nowhere = ZONE_LABELS.iter().map(|(key, _)| absent(key)).collect();
    let mut terms = vec![term(vec![is_one_of(key, zones.to_vec())]), term(nowhere)];
    if key != newer {
        terms.push(term(vec![absent(key), is_one_of(newer, zones.to_vec())]));
    }
    terms
}

/// Reads a StorageClass.
pub(crate) fn class(top: At<'_, '_>) -> ClassObject {
    let Meta { name, created, .. } = meta::meta(top);
    let topologies = top.get("allowedTopologies");
    let term = |topology: At<'_, '_>| {
        let expressions = topology.get("matchLabelExpressions").items();
        let expression = |at: At<'_, '_>| {
            let values = at.get("values").items().filter_map(At::text);
            Some(is_one_of(
                at.get("key").name()?,
                values.map(str::to_owned).collect(),
            ))
        };
        let mut labels: Vec<Requirement> = expressions.filter_map(expression).collect();
        labels.sort();
        NodeTerm {
            labels,
            fields: Vec::new(),
        }
    };
    let mut terms: Vec<NodeTerm> = topologies.items().map(term).collect();
    terms.sort();
    let annotations = top.at(["metadata", "annotations"]);
    let default = [
        "storageclass.kubernetes.io/is-default-class",
        "storageclass.beta.kubernetes.io/is-default-class",
    ];
    ClassObject {
        name,
        provisioner: top.get("provisioner").text().unwrap_or_default().to_owned(),
        waits: top.get("volumeBindingMode").text() == Some("WaitForFirstConsumer"),
        topologies: (!terms.is_empty()).then_some(terms),
        is_default: default
            .into_iter()
            .any(|key| annotations.get(key).text() == Some("true")),
        created,
    }
}

/// Reads a CSIDriver.
pub(crate) fn driver(top: At<'_, '_>) -> DriverObject {
    DriverObject {
        name: meta::meta(top).name,
        tracks_capacity: top.at(["spec", "storageCapacity"]).flag(),
    }
}

/// Reads a CSINode.
pub(crate) fn attach(top: At<'_, '_>) -> AttachObject {
    let drivers = top.at(["spec", "drivers"]).items();
    let limit = |driver: At<'_, '_>| {
        let count = driver.at(["allocatable", "count"]).int()?;
        Some((driver.get("name").name()?.to_owned(), count.max(0)))
    };
    AttachObject {
        node: meta::meta(top).name,
        limits: drivers.filter_map(limit).collect(),
    }
}
