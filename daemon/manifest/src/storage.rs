//! What the claims of a pod come to: where its volumes can be had, how many are attached, and why there is no place
//! for it at all.
//!
//! Source: kube-scheduler's VolumeBinding, VolumeZone, VolumeRestrictions and NodeVolumeLimits. What those would
//! answer for every node alike is a reason to refuse here. A claim without a class is of the cluster's default
//! class, as the API server writes it down. Not here: volumes that are there and belong to nobody (a claim that
//! waits for its pod is taken to get a new one, as it would where none fits), VolumeAttachments without a pod, and
//! what a node of an offer may attach (`attach`).

use crate::volumes::{
    AttachObject, ClaimObject, ClaimRef, ClassObject, DriverObject, EBS, EFS, NO_PROVISIONER, VolumeObject,
    driver_of, is_one_of,
};
use model::ids::PodKey;
use model::pod::{PodSpec, Unmodelled};
use model::resources::attach_limit;
use model::selector::NodeTerm;
use std::collections::{BTreeMap, BTreeSet};

/// What the claims of a pod come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needs {
    reach: BTreeSet<Vec<NodeTerm>>,
    attach: BTreeMap<String, i64>,
    exclusive: BTreeSet<String>,
    shares: BTreeSet<String>,
    blocked: BTreeSet<Unmodelled>,
    /// There are claims, and all are bound to volumes of EFS made by hand.
    static_efs: bool,
}

impl Needs {
    /// Claims that nobody could look at.
    pub fn unknown() -> Self {
        Self {
            blocked: BTreeSet::from([Unmodelled::VolumeClaim]),
            ..Self::default()
        }
    }

    /// Whether they tie the pod to nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Writes them into the pod's spec.
    pub fn settle(self, spec: &mut PodSpec) {
        spec.reach.extend(self.reach);
        spec.reach.sort();
        spec.reach.dedup();
        for (driver, volumes) in self.attach {
            spec.requests.extended.insert(attach_limit(&driver), volumes);
        }
        spec.traits.static_efs = self.static_efs;
        spec.exclusive.extend(self.exclusive);
        spec.shares.extend(self.shares);
        spec.unmodelled.extend(self.blocked);
        spec.unmodelled.sort();
        spec.unmodelled.dedup();
    }
}

/// What is known about storage.
#[derive(Clone, Debug, Default)]
pub struct Storage {
    claims: BTreeMap<(String, String), ClaimObject>,
    volumes: BTreeMap<String, VolumeObject>,
    classes: BTreeMap<String, ClassObject>,
    capacity_tracked: BTreeSet<String>,
    limits: BTreeMap<String, BTreeMap<String, i64>>,
    /// By claim of one pod alone: the pod that has it, or comes first; those on nodes (`false`) before those that
    /// wait.
    holders: BTreeMap<(String, String), (bool, PodKey)>,
    /// Claims that more than one pod names, or that a template does, and such as one pod does (`false`).
    shared: BTreeMap<(String, String), bool>,
}

impl Storage {
    /// Adds a claim.
    pub fn add_claim(&mut self, claim: ClaimObject) {
        self.claims
            .insert((claim.namespace.clone(), claim.name.clone()), claim);
    }

    /// Adds a volume.
    pub fn add_volume(&mut self, volume: VolumeObject) {
        self.volumes.insert(volume.name.clone(), volume);
    }

    /// Adds a class.
    pub fn add_class(&mut self, class: ClassObject) {
        self.classes.insert(class.name.clone(), class);
    }

    /// Adds a driver.
    pub fn add_driver(&mut self, driver: DriverObject) {
        if driver.tracks_capacity {
            self.capacity_tracked.insert(driver.name);
        }
    }

    /// Adds what a node may attach.
    pub fn add_limits(&mut self, of: AttachObject) {
        self.limits.insert(of.node, of.limits);
    }

    /// By node and driver: how many volumes it may attach.
    pub fn limits(&self) -> &BTreeMap<String, BTreeMap<String, i64>> {
        &self.limits
    }

    /// Takes note of a pod, on a node or waiting, before anybody's needs are asked for.
    pub fn note(&mut self, pod: &PodKey, waits: bool, claims: &[ClaimRef]) {
        for name in claims.iter().filter_map(|claim| claim.name(Some(&pod.name))) {
            let key = (pod.namespace.to_string(), name);
            let known = self.shared.entry(key.clone());
            known.and_modify(|shared| *shared = true).or_insert(false);
            if self.claims.get(&key).is_some_and(|claim| claim.exclusive) {
                let holder = (waits, pod.clone());
                let known = self.holders.entry(key).or_insert_with(|| holder.clone());
                if holder < *known {
                    *known = holder;
                }
            }
        }
    }

    /// Takes note of a template: the claims that it names are those of all its pods.
    pub fn note_template(&mut self, namespace: &str, claims: &[ClaimRef]) {
        for claim in claims {
            if let ClaimRef::Named(name) = claim {
                self.shared.insert((namespace.to_owned(), name.clone()), true);
            }
        }
    }

    /// What the claims of a pod come to. Without a name it stands for pods to come: what is made for each of them
    /// is taken to be made new.
    pub fn needs(&self, namespace: &str, pod: Option<&str>, claims: &[ClaimRef]) -> Needs {
        let mut needs = Needs::default();
        let distinct: BTreeSet<&ClaimRef> = claims.iter().collect();
        let by_hand = |claim: &&ClaimRef| self.is_static_efs(namespace, pod, claim);
        needs.static_efs = !distinct.is_empty() && distinct.iter().all(by_hand);
        for claim in distinct {
            let key = claim.name(pod).map(|name| (namespace.to_owned(), name));
            let found = key.as_ref().and_then(|key| self.claims.get(key));
            match (found, claim) {
                (Some(found), _) => self.claim(found, pod, &mut needs),
                (None, ClaimRef::OfPod { class, .. }) => {
                    self.to_be_made(class.as_deref(), None, &mut needs);
                }
                (None, ClaimRef::Named(_)) => {
                    needs.blocked.insert(Unmodelled::ClaimMissing);
                }
            }
        }
        needs
    }

    /// Whether the claim is bound to a volume of EFS that no provisioner made: the only kind that Fargate mounts.
    fn is_static_efs(&self, namespace: &str, pod: Option<&str>, claim: &ClaimRef) -> bool {
        let name = claim.name(pod).map(|name| (namespace.to_owned(), name));
        let claim = name.and_then(|name| self.claims.get(&name));
        let volume = claim.and_then(|claim| self.volumes.get(claim.volume.as_ref()?));
        volume.is_some_and(|volume| volume.driver.as_deref() == Some(EFS) && !volume.provisioned)
    }

    fn claim(&self, claim: &ClaimObject, pod: Option<&str>, needs: &mut Needs) {
        if claim.deleting {
            needs.blocked.insert(Unmodelled::ClaimMissing);
        }
        if claim.lost {
            needs.blocked.insert(Unmodelled::ClaimLost);
        }
        if claim.exclusive {
            let holder = self.holders.get(&(claim.namespace.clone(), claim.name.clone()));
            if holder.is_some_and(|(_, holder)| Some(&*holder.name) != pod) {
                needs.blocked.insert(Unmodelled::ClaimInUse);
            }
            needs.exclusive.insert(claim.name.clone());
        }
        match &claim.volume {
            None => {
                let driver = self.to_be_made(claim.class.as_deref(), claim.selected_node.as_deref(), needs);
                let key = (claim.namespace.clone(), claim.name.clone());
                // What any zone can mount ties nobody to the first.
                if self.shared.get(&key) == Some(&true)
                    && driver.is_some_and(|driver| self.limits_any(driver))
                {
                    needs.shares.insert(claim.name.clone());
                }
            }
            Some(volume) => self.of_volume(claim, self.volumes.get(volume), needs),
        }
    }

    /// A claim that names a volume. Whoever runs with it has it attached, whether or not it is bound.
    fn of_volume(&self, claim: &ClaimObject, volume: Option<&VolumeObject>, needs: &mut Needs) {
        if !claim.bound {
            needs.blocked.insert(Unmodelled::ClaimUnbound);
        }
        let Some(volume) = volume else {
            needs.blocked.insert(Unmodelled::VolumeMissing);
            let class = claim.class.as_ref().and_then(|name| self.classes.get(name));
            self.attach(class.map(|class| driver_of(&class.provisioner)), needs);
            return;
        };
        if claim.bound {
            needs.reach.extend(volume.reach.iter().cloned());
        }
        self.attach(volume.driver.as_deref(), needs);
    }

    /// A claim whose volume is made when its pod has a node; by which driver.
    fn to_be_made<'s>(
        &'s self,
        class: Option<&str>,
        selected_node: Option<&str>,
        needs: &mut Needs,
    ) -> Option<&'s str> {
        let class = match class {
            // Such a claim binds to what is there, or never.
            Some("") => Err(Unmodelled::ClaimUnbound),
            Some(name) => self.classes.get(name).ok_or(Unmodelled::StorageClass),
            None => self.default_class().ok_or(Unmodelled::ClaimUnbound),
        };
        // Whoever runs with such a claim has it counted, whatever keeps those who wait from it.
        self.attach(class.ok().map(|class| driver_of(&class.provisioner)), needs);
        let class = class.and_then(|class| {
            let by_hand = class.provisioner.is_empty() || class.provisioner == NO_PROVISIONER;
            let by_capacity = self.capacity_tracked.contains(&class.provisioner);
            match () {
                () if !class.waits => Err(Unmodelled::ClaimUnbound),
                () if by_hand => Err(Unmodelled::StorageClass),
                () if by_capacity => Err(Unmodelled::StorageCapacity),
                () => Ok(class),
            }
        });
        match class {
            Err(why) => {
                needs.blocked.insert(why);
                None
            }
            Ok(class) => {
                needs.reach.extend(class.topologies.clone());
                if let Some(node) = selected_node {
                    needs.reach.insert(vec![NodeTerm {
                        labels: Vec::new(),
                        fields: vec![is_one_of("metadata.name", vec![node.to_owned()])],
                    }]);
                }
                Some(driver_of(&class.provisioner))
            }
        }
    }

    /// The newest of the default classes, of equals the first by name (storage `GetDefaultClass`).
    fn default_class(&self) -> Option<&ClassObject> {
        let defaults = self.classes.values().filter(|class| class.is_default);
        defaults.min_by_key(|class| (std::cmp::Reverse(class.created), &class.name))
    }

    /// One more volume, where any node limits its driver. EBS is limited on every node that can be bought.
    fn attach(&self, driver: Option<&str>, needs: &mut Needs) {
        if let Some(driver) = driver.filter(|driver| self.limits_any(driver)) {
            *needs.attach.entry(driver.to_owned()).or_insert(0) += 1;
        }
    }

    /// Whether any node limits how many volumes of the driver it attaches: those are disks of one zone.
    fn limits_any(&self, driver: &str) -> bool {
        driver == EBS || self.limits.values().any(|limits| limits.contains_key(driver))
    }
}

#[cfg(test)]
mod tests;
