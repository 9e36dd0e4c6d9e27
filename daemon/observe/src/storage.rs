//! Volumes as the API server tells of them: claims, volumes, classes, CSI drivers and what they say of nodes.
//!
//! While one of these kinds has never been seen completely, nothing is known of any claim. An object read in part
//! binds its pods to nowhere. Not here: what claims come to for a pod (`manifest::Storage`).

use crate::health::worse;
use crate::specs::Specs;
use crate::table::Table;
use crate::watch::{RHYTHM, Resource, follow};
use kube::Client;
use manifest::{
    AttachObject, ClaimObject, ClaimRef, ClassObject, DriverObject, Needs, Problems, Storage, Tree,
    VolumeObject,
};
use model::ids::PodKey;
use model::pod::PodSpec;
use model::snapshot::Freshness;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// The watched kinds.
pub(crate) struct Kinds {
    pub(crate) claims: Table<ClaimObject>,
    pub(crate) volumes: Table<VolumeObject>,
    pub(crate) classes: Table<ClassObject>,
    pub(crate) drivers: Table<DriverObject>,
    pub(crate) nodes: Table<AttachObject>,
}

/// A table of rows as `manifest` reads them; `in_part` is done to those of which something could not be read.
fn table<R: 'static>(kind: &'static str, read: fn(&Tree) -> (R, Problems), in_part: fn(&mut R)) -> Table<R> {
    let read = move |tree: &Tree| {
        let (mut row, problems) = read(tree);
        if problems.is_empty() {
            return (row, None);
        }
        in_part(&mut row);
        (row, Some(problems.to_string()))
    };
    Table::new(kind, RHYTHM, Box::new(read))
}

impl Kinds {
    /// Tables without rows.
    pub(crate) fn unseen() -> Self {
        Self {
            claims: table("PersistentVolumeClaim", manifest::claim_from, |claim| {
                claim.lost = true;
            }),
            volumes: table("PersistentVolume", manifest::volume_from, |volume| {
                volume.reach.push(Vec::new());
            }),
            classes: table("StorageClass", manifest::class_from, |class| class.waits = false),
            drivers: table("CSIDriver", manifest::driver_from, |driver| {
                driver.tracks_capacity = true;
            }),
            nodes: table("CSINode", manifest::attach_from, |node| {
                node.limits.values_mut().for_each(|limit| *limit = 0);
            }),
        }
    }

    /// Follows every kind until the set is dropped; `of` finds the tables in what is shared.
    pub(crate) fn follow<T: Send + Sync + 'static>(
        all: &Arc<T>,
        of: fn(&T) -> &Self,
        client: &Client,
        tasks: &mut JoinSet<()>,
    ) {
        let required = |path| Resource {
            path,
            optional: false,
        };
        let (to, shared, at) = (
            client.clone(),
            all.clone(),
            required("/api/v1/persistentvolumeclaims"),
        );
        tasks.spawn(async move { follow(to, at, &of(&shared).claims).await });
        let (to, shared, at) = (client.clone(), all.clone(), required("/api/v1/persistentvolumes"));
        tasks.spawn(async move { follow(to, at, &of(&shared).volumes).await });
        let classes = required("/apis/storage.k8s.io/v1/storageclasses");
        let (to, shared) = (client.clone(), all.clone());
        tasks.spawn(async move { follow(to, classes, &of(&shared).classes).await });
        let drivers = required("/apis/storage.k8s.io/v1/csidrivers");
        let (to, shared) = (client.clone(), all.clone());
        tasks.spawn(async move { follow(to, drivers, &of(&shared).drivers).await });
        let nodes = required("/apis/storage.k8s.io/v1/csinodes");
        let (to, shared) = (client.clone(), all.clone());
        tasks.spawn(async move { follow(to, nodes, &of(&shared).nodes).await });
    }

    /// Kinds that have never been seen completely, with what broke them last.
    pub(crate) fn missing(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            (self.claims.name, self.claims.is_complete(), self.claims.trouble()),
            (
                self.volumes.name,
                self.volumes.is_complete(),
                self.volumes.trouble(),
            ),
            (
                self.classes.name,
                self.classes.is_complete(),
                self.classes.trouble(),
            ),
            (
                self.drivers.name,
                self.drivers.is_complete(),
                self.drivers.trouble(),
            ),
            (self.nodes.name, self.nodes.is_complete(), self.nodes.trouble()),
        ]
        .into_iter()
        .filter(|(_, complete, _)| !complete)
        .map(|(name, _, trouble)| (name, trouble))
    }

    /// Its watches by name, with whether nothing has been heard of each for far longer than its rhythm.
    pub(crate) fn pulses(&self, now: Instant) -> [(&'static str, bool); 5] {
        [
            self.claims.pulse(now),
            self.volumes.pulse(now),
            self.classes.pulse(now),
            self.drivers.pulse(now),
            self.nodes.pulse(now),
        ]
    }

    /// Whether every kind has been seen completely once.
    pub(crate) fn is_complete(&self) -> bool {
        self.missing().next().is_none()
    }

    /// How old the oldest kind is; live where nothing is known, because nothing is then believed.
    pub(crate) fn freshness(&self) -> Freshness {
        if !self.is_complete() {
            return Freshness::Live;
        }
        [
            self.claims.freshness(),
            self.volumes.freshness(),
            self.classes.freshness(),
            self.drivers.freshness(),
            self.nodes.freshness(),
        ]
        .into_iter()
        .fold(Freshness::Live, worse)
    }

    /// What is known about storage, without pods; `None` while a kind is missing.
    pub(crate) fn read(&self) -> Option<Storage> {
        if !self.is_complete() {
            return None;
        }
        let mut storage = Storage::default();
        self.claims
            .with(|rows| rows.values().cloned().for_each(|row| storage.add_claim(row)));
        self.volumes
            .with(|rows| rows.values().cloned().for_each(|row| storage.add_volume(row)));
        self.classes
            .with(|rows| rows.values().cloned().for_each(|row| storage.add_class(row)));
        self.drivers
            .with(|rows| rows.values().cloned().for_each(|row| storage.add_driver(row)));
        self.nodes
            .with(|rows| rows.values().cloned().for_each(|row| storage.add_limits(row)));
        Some(storage)
    }
}

/// Specs of pods with claims, each tied once to where its volumes can be had.
pub(crate) struct Tied<'a> {
    storage: Option<&'a Storage>,
    specs: &'a Specs,
    /// By address of the spec that is tied, which is held so that the address stays its own.
    known: BTreeMap<(usize, Needs), (Arc<PodSpec>, Arc<PodSpec>)>,
}

impl<'a> Tied<'a> {
    /// Nothing tied yet; without storage nothing is known of any claim.
    pub(crate) const fn new(storage: Option<&'a Storage>, specs: &'a Specs) -> Self {
        Self {
            storage,
            specs,
            known: BTreeMap::new(),
        }
    }

    /// The spec of a pod with these claims; without a name, of pods to come.
    pub(crate) fn spec(
        &mut self,
        spec: &Arc<PodSpec>,
        (namespace, pod): (&str, Option<&str>),
        claims: &[ClaimRef],
    ) -> Arc<PodSpec> {
        if claims.is_empty() {
            return spec.clone();
        }
        let needs = self
            .storage
            .map_or_else(Needs::unknown, |storage| storage.needs(namespace, pod, claims));
        if needs.is_none() {
            return spec.clone();
        }
        let specs = self.specs;
        let tie = |needs: Needs| {
            let mut tied = PodSpec::clone(spec);
            needs.settle(&mut tied);
            specs.intern(tied)
        };
        let key = (Arc::as_ptr(spec) as usize, needs.clone());
        let (_, tied) = self
            .known
            .entry(key)
            .or_insert_with(|| (spec.clone(), tie(needs)));
        tied.clone()
    }
}

/// Notes the claims of pods before anybody's needs are asked for.
pub(crate) fn note<'p>(
    storage: &mut Storage,
    pods: impl Iterator<Item = (&'p (Arc<str>, Arc<str>), bool, &'p [ClaimRef])>,
) {
    for ((namespace, name), waits, claims) in pods.filter(|(_, _, claims)| !claims.is_empty()) {
        let key = PodKey {
            namespace: namespace.clone(),
            name: name.clone(),
        };
        storage.note(&key, waits, claims);
    }
}
