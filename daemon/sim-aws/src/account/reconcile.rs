//! What Auto Scaling does with a group by itself: fills it up, shrinks it by number, evens out zones, replaces the
//! unhealthy.
//!
//! Source: EC2 Auto Scaling user guide (default termination policy, AZRebalance, suspended processes). It is this
//! that makes shrinking by number dangerous: the group chooses who goes.

use super::machine::{Gone, Machine};
use super::{Account, Event};
use model::Span;
use model::time::Lag;

/// A group whose launches fail is tried again after this, doubled each time, at most sixteen times as long.
const RETRY: i64 = 15;

impl Account {
    /// The group will look at its size after its usual delay.
    pub(super) fn react(&mut self, name: &str) {
        self.after(self.settings.react, Event::Reconcile(name.to_owned()));
    }

    pub(super) fn look_soon(&mut self, name: &str) {
        self.after(Lag::secs(1, 1), Event::Reconcile(name.to_owned()));
    }

    pub(super) fn reconcile(&mut self, name: &str) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let runs = |process: &str| !group.suspended.contains(process);
        let (launch, terminate, replace, rebalance, desired) = (
            runs("Launch"),
            runs("Terminate"),
            runs("ReplaceUnhealthy") && runs("HealthCheck"),
            runs("AZRebalance"),
            group.desired,
        );
        if replace && terminate {
            self.end_unhealthy(name);
        }
        let counted = self.counted(name);
        if counted < desired && launch {
            self.fill(name, desired - counted);
        } else if counted > desired && terminate {
            self.scale_in(name, counted - desired);
        } else if counted == desired && rebalance && launch && terminate {
            self.rebalance(name);
        }
        if launch {
            self.keep_warm(name);
        }
    }

    fn end_unhealthy(&mut self, name: &str) {
        let sick = |m: &&Machine| m.group.as_deref() == Some(name) && !m.healthy && m.lifecycle.counts();
        let sick: Vec<String> = self
            .machines
            .values()
            .filter(sick)
            .map(|m| m.id.clone())
            .collect();
        for id in sick {
            self.leave_group(&id, Gone::Unhealthy);
        }
    }

    fn fill(&mut self, name: &str, missing: u32) {
        for _ in 0..missing {
            let warm = self.leave_warm_pool(name);
            let origin = if warm.is_some() { " from warm pool" } else { "" };
            match warm.map_or_else(|| self.launch_in(name, None), Ok) {
                Ok(id) => {
                    self.note(
                        name,
                        format!("Launching a new EC2 instance{origin}: {id}"),
                        "a difference between desired and actual capacity",
                        None,
                    );
                    if let Some(group) = self.groups.get_mut(name) {
                        group.failing = 0;
                    }
                }
                Err(unfilled) => {
                    let description =
                        "Launching a new EC2 instance.  Status Reason: ".to_owned() + &unfilled.message();
                    self.note(
                        name,
                        description,
                        "a difference between desired and actual capacity",
                        Some(unfilled.message()),
                    );
                    let failing = self.groups.get_mut(name).map_or(0, |group| {
                        group.failing = (group.failing + 1).min(4);
                        group.failing
                    });
                    let again = self.now + Span::from_secs(RETRY << failing);
                    self.expect(again, Event::Reconcile(name.to_owned()));
                    return;
                }
            }
        }
    }

    /// The default termination policy: of the zone with most instances the oldest that is not protected. Whether it
    /// works and what runs on it, nobody asks.
    fn scale_in(&mut self, name: &str, surplus: u32) {
        for _ in 0..surplus {
            let mut zones: Vec<Vec<String>> = self.by_zone(name).into_values().collect();
            zones.sort_by_key(|ids| std::cmp::Reverse(ids.len()));
            let free = |id: &&String| self.machines.get(*id).is_some_and(|m| !m.protected);
            let age = |id: &&String| self.machines.get(*id).map(|m| (m.launched, m.id.clone()));
            let victim = zones
                .iter()
                .find_map(|ids| ids.iter().filter(free).min_by_key(age));
            let Some(victim) = victim.cloned() else { return };
            self.note(
                name,
                format!("Terminating EC2 instance: {victim}"),
                "a difference between desired and actual capacity",
                None,
            );
            self.leave_group(&victim, Gone::ScaledIn);
        }
    }

    /// One more in the emptiest zone, then one less in the fullest: the group is above its desired size for a moment.
    fn rebalance(&mut self, name: &str) {
        let by = self.by_zone(name);
        let (Some(most), Some(least)) = (
            by.iter().max_by_key(|(_, ids)| ids.len()),
            by.iter().min_by_key(|(_, ids)| ids.len()),
        ) else {
            return;
        };
        if most.1.len() < least.1.len() + 2 {
            return;
        }
        let free = |id: &&String| self.machines.get(*id).is_some_and(|m| !m.protected);
        let (victim, zone) = (most.1.iter().find(free).cloned(), least.0.clone());
        let Some(victim) = victim else { return };
        if self.launch_in(name, Some(&zone)).is_ok() {
            self.note(
                name,
                format!("Terminating EC2 instance: {victim}"),
                "an Availability Zone rebalance",
                None,
            );
            self.leave_group(&victim, Gone::Rebalanced);
        }
    }
}
