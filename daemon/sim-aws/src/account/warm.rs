//! Warm pools: instances that were set up beforehand and wait beside their group until it grows.
//!
//! Source: EC2 Auto Scaling user guide, "Warm pools": the pool fills up to what is prepared less the desired size; a
//! group that grows takes from it first. Nobody lists what waits but `DescribeWarmPool`. Not here: reuse on scale-in,
//! hibernation, hooks on the way into the pool; kubelets do not register while they are set up, as EKS' images see to.

use super::groups::invalid;
use super::machine::{Gone, Lifecycle, Machine, MachineState};
use super::{Account, Event, Refused};
use crate::settings::WarmPool;
use model::time::Lag;

impl Account {
    /// `PutWarmPool`; a group that buys spot has none.
    pub(crate) fn put_warm_pool(&mut self, name: &str, pool: WarmPool) -> Result<(), Refused> {
        let group = self.group_mut(name)?;
        if group.made.spot {
            return Err(invalid(
                "You can't add a warm pool to an Auto Scaling group that requests Spot Instances.".to_owned(),
            ));
        }
        group.made.warm_pool = Some(pool);
        self.look_soon(name);
        Ok(())
    }

    /// `DeleteWarmPool` with `ForceDelete`.
    pub(crate) fn delete_warm_pool(&mut self, name: &str) -> Result<(), Refused> {
        self.group_mut(name)?.made.warm_pool = None;
        for id in self.warmed(name) {
            self.end(&id, Gone::ScaledIn);
        }
        Ok(())
    }

    /// What waits in a group's pool or is on its way into it, oldest first.
    pub(crate) fn warmed(&self, name: &str) -> Vec<String> {
        let own =
            |machine: &&Machine| machine.group.as_deref() == Some(name) && machine.lifecycle.is_warmed();
        let mut warmed: Vec<&Machine> = self.machines.values().filter(own).collect();
        warmed.sort_by_key(|machine| (machine.launched, &machine.id));
        warmed.iter().map(|machine| machine.id.clone()).collect()
    }

    /// Brings the pool to its size.
    pub(super) fn keep_warm(&mut self, name: &str) {
        let Some((group, pool)) = self
            .groups
            .get(name)
            .and_then(|group| Some((group, group.made.warm_pool?)))
        else {
            return;
        };
        let prepared = pool.prepared.unwrap_or(group.max);
        let wanted = prepared.saturating_sub(group.desired).max(pool.min) as usize;
        let there = self.warmed(name);
        for id in there.iter().skip(wanted) {
            self.end(id, Gone::ScaledIn);
        }
        for _ in there.len()..wanted {
            let Ok(id) = self.launch_in(name, None) else {
                return;
            };
            if let Some(machine) = self.machines.get_mut(&id) {
                machine.lifecycle = Lifecycle::WarmedPending;
            }
        }
    }

    /// An instance is set up: it waits, stopped as a rule.
    pub(super) fn rests(&mut self, id: &str, running: bool) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(id) else {
            return;
        };
        machine.lifecycle = Lifecycle::Warmed { running };
        if !running {
            machine.state = MachineState::Stopped;
            machine.ended = Some(now);
            self.closed_nanos += machine.cost_nanos(now);
        }
    }

    /// Takes the oldest that waits into the group; it starts in no more than the shortest boot.
    pub(super) fn leave_warm_pool(&mut self, name: &str) -> Option<String> {
        let rests = |id: &String| {
            let machine = self.machines.get(id)?;
            matches!(machine.lifecycle, Lifecycle::Warmed { .. }).then_some(())
        };
        let id = self.warmed(name).into_iter().find(|id| rests(id).is_some())?;
        let machine = self.machines.get_mut(&id)?;
        let stopped = machine.state == MachineState::Stopped;
        machine.lifecycle = Lifecycle::Pending;
        machine.state = MachineState::Pending;
        if stopped {
            (machine.launched, machine.ended) = (self.now, None);
        }
        let start = if stopped {
            self.settings.boot.min
        } else {
            model::Span::ZERO
        };
        let lag = Lag {
            min: start,
            max: start,
        };
        self.after(lag, Event::Running(id.clone()));
        Some(id)
    }
}
