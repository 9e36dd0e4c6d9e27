//! A node and what stands on it: amounts, ports of the host, pods by kind.

use super::objection::Objection;
use crate::place::{self, Place};
use model::node::Node;
use model::pod::{HostPort, PodSpec, SpecIx, Taint, TaintEffect};
use model::reason::Misfit;
use model::resources::Resources;
use std::collections::BTreeMap;

/// Taint that tolerates a cordon where it is tolerated itself (NodeUnschedulable).
const CORDON: &str = "node.kubernetes.io/unschedulable";

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Standing<'a> {
    pub(super) node: &'a Node,
    /// What is left; negative where over-committed.
    free: Resources,
    pods: i64,
    ports: BTreeMap<&'a HostPort, u32>,
    /// Pods by kind: those that stay, and those that are terminating.
    pub(super) kinds: BTreeMap<SpecIx, Count>,
}

/// Pods of one kind on one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) staying: u32,
    pub(super) leaving: u32,
}

impl Count {
    pub(super) const fn all(self) -> u32 {
        self.staying + self.leaving
    }
}

impl<'a> Standing<'a> {
    pub(super) fn new(node: &'a Node) -> Self {
        Self {
            node,
            free: node.allocatable.clone(),
            pods: 0,
            ports: BTreeMap::new(),
            kinds: BTreeMap::new(),
        }
    }

    pub(super) fn place(&self) -> Place<'a> {
        Place::of_node(self.node)
    }

    pub(super) fn label(&self, key: &str) -> Option<&'a str> {
        self.node.labels.get(key).map(String::as_str)
    }

    pub(super) fn put(&mut self, spec: &'a PodSpec) {
        self.free.sub(&spec.requests);
        self.pods += 1;
        for port in &spec.host_ports {
            *self.ports.entry(port).or_insert(0) += 1;
        }
    }

    pub(super) fn take(&mut self, spec: &PodSpec) {
        self.free.add(&spec.requests);
        self.pods -= 1;
        for port in &spec.host_ports {
            if let Some(count) = self.ports.get_mut(port) {
                *count -= 1;
                if *count == 0 {
                    self.ports.remove(port);
                }
            }
        }
    }

    /// NodeUnschedulable.
    pub(super) fn cordon(&self, spec: &PodSpec) -> Result<(), Objection> {
        let cordon = || Taint {
            key: CORDON.to_owned(),
            value: String::new(),
            effect: TaintEffect::NoSchedule,
        };
        if self.node.unschedulable && !spec.tolerations.iter().any(|t| t.tolerates(&cordon())) {
            return Err(Objection::Unschedulable);
        }
        Ok(())
    }

    /// TaintToleration and NodeAffinity, of which the former is asked first.
    pub(super) fn rules(&self, spec: &PodSpec) -> Result<(), Objection> {
        if place::admits_but_for_volumes(spec, self.place()) {
            return Ok(());
        }
        first(place::rules(spec, self.place()), |misfit| !is_volume(misfit))
    }

    /// VolumeBinding and VolumeZone.
    pub(super) fn reach(&self, spec: &PodSpec) -> Result<(), Objection> {
        if spec.reach.is_empty() {
            return Ok(());
        }
        first(place::rules(spec, self.place()), is_volume)
    }

    /// NodePorts.
    pub(super) fn ports(&self, spec: &PodSpec) -> Result<(), Objection> {
        let taken = |port: &&HostPort| self.ports.keys().any(|other| port.conflicts(other));
        match spec.host_ports.iter().find(taken) {
            Some(port) => Err(Objection::HostPort(port.clone())),
            None => Ok(()),
        }
    }

    /// NodeResourcesFit.
    pub(super) fn amounts(&self, spec: &PodSpec) -> Result<(), Objection> {
        if self.has_room(spec) {
            return Ok(());
        }
        first(self.lacks(spec), |misfit| !is_volume(misfit))
    }

    /// NodeVolumeLimits.
    pub(super) fn attachments(&self, spec: &PodSpec) -> Result<(), Objection> {
        if self.has_room(spec) {
            return Ok(());
        }
        first(self.lacks(spec), is_volume)
    }

    fn has_room(&self, spec: &PodSpec) -> bool {
        self.pods_left() >= 1 && spec.requests.fits(&self.free)
    }

    fn lacks(&self, spec: &PodSpec) -> Vec<Misfit> {
        place::amounts(&spec.requests, &self.free, self.pods_left())
    }

    fn pods_left(&self) -> i64 {
        i64::from(self.node.max_pods) - self.pods
    }
}

/// Whether it is about volumes: attach limits are counted among amounts, and where volumes are among rules.
const fn is_volume(misfit: &Misfit) -> bool {
    matches!(
        misfit,
        Misfit::VolumeOutOfReach { .. } | Misfit::TooManyVolumes { .. }
    )
}

fn first(misfits: Vec<Misfit>, such: impl Fn(&Misfit) -> bool) -> Result<(), Objection> {
    match misfits.into_iter().find(such) {
        Some(misfit) => Err(Objection::Misfit(misfit)),
        None => Ok(()),
    }
}
