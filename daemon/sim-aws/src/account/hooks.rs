//! Lifecycle hooks: instances wait at them on their way in and out.
//!
//! Source: EC2 Auto Scaling user guide, "Lifecycle hooks": an instance goes on once every hook of its transition is
//! completed or its time is up; a heartbeat begins the time anew. `ABANDON` at a launch ends the instance, and its group
//! launches another; at a termination it only ends the waiting at every other hook too. Not here: the limit of 48 hours.

use super::groups::invalid;
use super::machine::{Gone, Lifecycle, Machine};
use super::notices::Notice;
use super::{Account, Event, Refused};
use model::Instant;
use std::collections::BTreeMap;

impl Account {
    /// An instance leaves its group: by its termination hooks where there are some.
    pub(super) fn leave_group(&mut self, id: &str, why: Gone) {
        let Some(machine) = self.machines.get(id).filter(|m| m.lifecycle.counts()) else {
            return;
        };
        let group = machine.group.clone().unwrap_or_default();
        if self.wait_at(id, &group, false) {
            self.ended.push((id.to_owned(), why));
        } else {
            self.end(id, why);
        }
    }

    /// An instance that runs comes into service: by its launch hooks where there are some.
    pub(super) fn launch_hook(&mut self, id: &str) {
        let Some(group) = self.machines.get(id).map(|m| m.group.clone().unwrap_or_default()) else {
            return;
        };
        if !self.wait_at(id, &group, true)
            && let Some(machine) = self.machines.get_mut(id)
        {
            machine.lifecycle = Lifecycle::InService;
        }
    }

    /// Lets an instance wait at its group's hooks; false where there is none.
    fn wait_at(&mut self, id: &str, group: &str, launching: bool) -> bool {
        let hooks = self.groups.get(group).map(|group| &group.hooks);
        let of = hooks.into_iter().flatten();
        let deadlines: BTreeMap<String, Instant> = of
            .filter(|(_, hook)| hook.launching == launching)
            .map(|(name, hook)| (name.clone(), self.now + hook.timeout))
            .collect();
        let Some(machine) = self.machines.get_mut(id).filter(|_| !deadlines.is_empty()) else {
            return false;
        };
        machine.lifecycle = if launching {
            Lifecycle::PendingWait
        } else {
            Lifecycle::TerminatingWait
        };
        machine.hooks.clone_from(&deadlines);
        for (hook, deadline) in deadlines {
            self.expect(deadline, Event::Proceed(id.to_owned()));
            self.notify(&Notice::Lifecycle {
                instance: id.to_owned(),
                group: group.to_owned(),
                hook,
                launching,
            });
        }
        true
    }

    /// `CompleteLifecycleAction`, with `CONTINUE` or (`abandons`) `ABANDON`.
    pub(crate) fn complete_hook(
        &mut self,
        group: &str,
        id: &str,
        hook: &str,
        abandons: bool,
    ) -> Result<(), Refused> {
        self.group(group)?;
        let waits_at = self.waiting_at(group, id, hook)?;
        waits_at.remove(hook);
        if abandons {
            self.abandon(id);
        } else if waits_at.is_empty() {
            self.proceed(id);
        }
        Ok(())
    }

    /// An instance is given up at a hook: the others are waited at no longer.
    fn abandon(&mut self, id: &str) {
        let Some(machine) = self.machines.get_mut(id) else {
            return;
        };
        machine.hooks.clear();
        if machine.lifecycle == Lifecycle::PendingWait {
            self.end(id, Gone::Abandoned);
        } else {
            self.proceed(id);
        }
    }

    /// `RecordLifecycleActionHeartbeat`.
    pub(crate) fn extend_hook(&mut self, group: &str, id: &str, hook: &str) -> Result<(), Refused> {
        let timeout = self.group(group)?.hooks.get(hook).map(|hook| hook.timeout);
        let until = self.now + timeout.unwrap_or_default();
        self.waiting_at(group, id, hook)?.insert(hook.to_owned(), until);
        self.expect(until, Event::Proceed(id.to_owned()));
        Ok(())
    }

    /// Hooks that the instance waits at, this one among them.
    fn waiting_at(
        &mut self,
        group: &str,
        id: &str,
        hook: &str,
    ) -> Result<&mut BTreeMap<String, Instant>, Refused> {
        let waits = |m: &&mut Machine| {
            let waiting = matches!(m.lifecycle, Lifecycle::PendingWait | Lifecycle::TerminatingWait);
            waiting && m.group.as_deref() == Some(group) && m.hooks.contains_key(hook)
        };
        let machine = self.machines.get_mut(id).filter(waits);
        machine
            .map(|machine| &mut machine.hooks)
            .ok_or_else(|| invalid(format!("No active Lifecycle Action found with instance ID {id}")))
    }

    /// Hooks whose time is up are no longer waited at.
    pub(super) fn hooks_time_out(&mut self, id: &str) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(id) else {
            return;
        };
        let group = machine.group.as_ref().and_then(|name| self.groups.get(name));
        let abandons = |hook: &String| {
            let hook = group.and_then(|group| group.hooks.get(hook));
            hook.is_some_and(|hook| hook.abandons)
        };
        let gives_up = machine
            .hooks
            .iter()
            .any(|(hook, until)| *until <= now && abandons(hook));
        machine.hooks.retain(|_, until| *until > now);
        if gives_up {
            self.abandon(id);
        } else if machine.hooks.is_empty() {
            self.proceed(id);
        }
    }

    /// Every hook is completed, or its time is up.
    pub(crate) fn proceed(&mut self, id: &str) {
        match self.machines.get_mut(id) {
            Some(machine) if machine.lifecycle == Lifecycle::PendingWait => {
                machine.lifecycle = Lifecycle::InService;
            }
            Some(machine) if machine.lifecycle == Lifecycle::TerminatingWait => {
                // Why it goes was told as it began to leave.
                let told = self.ended.iter().rposition(|(ended, _)| ended == id);
                let why = told.map_or(Gone::Named, |at| self.ended.remove(at).1);
                self.end(id, why);
            }
            _ => {}
        }
    }
}
