//! EKS: managed node groups, their updates, Fargate profiles.
//!
//! Source: EKS API reference and user guide: a node group's bounds change by an update that takes its time, one at
//! a time; profiles never change, and one at a time is made or deleted.

use super::eks_state::{ConfigUpdate, NodeGroup, Profile, Update};
use super::group_state::{GroupState, ScalingConfig};
use super::{Account, Event, Refused};
use crate::settings::{NewNodeGroup, NewProfile};
use model::time::Lag;

impl Account {
    /// Makes a node group and the Auto Scaling group behind it, tagged as EKS does.
    pub fn create_node_group(&mut self, new: NewNodeGroup) {
        let name = new.group.name.clone();
        let cluster = self.settings.cluster.clone();
        let mut group = new.group.clone();
        group.name = format!("eks-{name}-{}", &super::fleet::template_id(&name)[4..12]);
        let tags = [
            ("eks:cluster-name".to_owned(), cluster.clone()),
            ("eks:nodegroup-name".to_owned(), name.clone()),
            (format!("kubernetes.io/cluster/{cluster}"), "owned".to_owned()),
            (format!("k8s.io/cluster-autoscaler/{cluster}"), "owned".to_owned()),
            ("k8s.io/cluster-autoscaler/enabled".to_owned(), "true".to_owned()),
        ];
        group.tags.extend(tags);
        let made = NodeGroup {
            name: name.clone(),
            group: group.name.clone(),
            status: "ACTIVE",
            labels: new.labels,
            taints: new.taints,
            types: group.types.clone(),
            spot: group.spot,
        };
        self.create_group(group);
        self.node_groups.insert(name, made);
    }

    /// Makes a profile that is active already.
    pub fn create_profile(&mut self, made: NewProfile) {
        let status = "ACTIVE";
        self.profiles.insert(made.name.clone(), Profile { made, status });
    }

    pub(crate) fn node_group(&self, name: &str) -> Result<&NodeGroup, Refused> {
        let missing = || {
            Refused::new(
                "ResourceNotFoundException",
                format!("No node group found for name: {name}."),
            )
        };
        self.node_groups.get(name).ok_or_else(missing)
    }

    /// `UpdateNodegroupConfig`: id of the update.
    pub(crate) fn update_node_group(&mut self, name: &str, change: ConfigUpdate) -> Result<String, Refused> {
        let node_group = self.node_group(name)?;
        if node_group.status != "ACTIVE" {
            let what = format!("Nodegroup cannot be updated as it is currently not in Active State: {name}");
            return Err(Refused::new("ResourceInUseException", what));
        }
        check_scaling(self.group(&node_group.group)?, change.scaling)?;
        if let Some(key) = change
            .unset_labels
            .iter()
            .find(|key| !node_group.labels.contains_key(*key))
        {
            return Err(invalid(format!("Label {key} is not on the nodegroup {name}")));
        }
        let id = self.id("update-");
        self.begin_update(name, &id, change);
        Ok(id)
    }

    /// A version update, as somebody begins it in the console: the group is busy for a while.
    pub fn begin_version_update(&mut self, name: &str) {
        let id = self.id("update-");
        self.begin_update(name, &id, ConfigUpdate::default());
    }

    fn begin_update(&mut self, name: &str, id: &str, change: ConfigUpdate) {
        if let Some(node_group) = self.node_groups.get_mut(name) {
            node_group.status = "UPDATING";
        }
        let update = Update {
            node_group: name.to_owned(),
            done: false,
            change,
        };
        self.updates.insert(id.to_owned(), update);
        self.after(self.settings.update, Event::Updated(id.to_owned()));
    }

    pub(super) fn updated(&mut self, id: &str) {
        let Some(update) = self.updates.get_mut(id) else {
            return;
        };
        update.done = true;
        let (name, change) = (update.node_group.clone(), update.change.clone());
        let Some(node_group) = self.node_groups.get_mut(&name) else {
            return;
        };
        node_group.status = "ACTIVE";
        node_group
            .labels
            .retain(|key, _| !change.unset_labels.contains(key));
        node_group.labels.extend(change.set_labels);
        let same = |a: &(String, String, String), b: &(String, String, String)| (&a.0, &a.2) == (&b.0, &b.2);
        let goes = [&change.unset_taints, &change.set_taints];
        node_group
            .taints
            .retain(|taint| !goes.iter().any(|of| of.iter().any(|other| same(taint, other))));
        node_group.taints.extend(change.set_taints);
        let (group, scaling) = (node_group.group.clone(), change.scaling);
        // Bounds were checked as the update began; the group may be gone by now.
        let _ = self.update_sizes(&group, scaling);
    }

    /// `CreateFargateProfile`: one at a time.
    pub(crate) fn begin_profile(&mut self, made: NewProfile) -> Result<(), Refused> {
        if self.profiles.values().any(|profile| profile.status == "CREATING") {
            let what = "Cannot create Fargate Profile because cluster currently has a profile being created";
            return Err(Refused::new("ResourceInUseException", what));
        }
        let status = "CREATING";
        let name = made.name.clone();
        self.profiles.insert(name.clone(), Profile { made, status });
        self.after(Lag::secs(240, 270), Event::ProfileSettled(name));
        Ok(())
    }

    pub(super) fn profile_settled(&mut self, name: &str) {
        if let Some(profile) = self.profiles.get_mut(name) {
            profile.status = "ACTIVE";
        }
    }
}

/// What EKS asks of the sizes of a node group, in the order in which it complains.
fn check_scaling(group: &GroupState, given: ScalingConfig) -> Result<(), Refused> {
    let (min, max) = (given.min.unwrap_or(group.min), given.max.unwrap_or(group.max));
    let desired = given.desired.unwrap_or(group.desired);
    if min > max {
        return Err(invalid(format!(
            "Minimum capacity {min} can't be greater than maximum size {max}"
        )));
    }
    if max == 0 {
        return Err(invalid("Maximum size must be at least 1"));
    }
    if min > desired {
        return Err(invalid(format!(
            "Minimum capacity {min} can't be greater than desired size {desired}"
        )));
    }
    if desired > max {
        return Err(invalid(format!(
            "Desired capacity {desired} can't be greater than max size {max}"
        )));
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Refused {
    Refused::new("InvalidParameterException", message)
}
