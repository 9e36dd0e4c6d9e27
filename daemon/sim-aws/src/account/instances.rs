//! Launches instances, and carries them from there to their end.
//!
//! Not here: why one is launched or ended (`groups`, `reconcile`, `fleet`).

use super::machine::{Gone, Lifecycle, Machine, MachineState};
use super::notices::Notice;
use super::{Account, Event, LISTED};
use crate::faults::FaultKind;
use crate::settings::NewGroup;
use model::{Span, UsdPerHour};
use std::collections::BTreeMap;

/// From terminated to gone.
const SHUTTING_DOWN: Span = Span::from_secs(10);

/// What to launch, and where.
#[derive(Clone, Debug)]
pub(super) struct Order<'a> {
    pub(super) instance_type: &'a str,
    pub(super) zone: &'a str,
    pub(super) spot: bool,
    pub(super) group: Option<&'a str>,
    pub(super) template: (&'a NewGroup, usize),
}

impl Account {
    /// Launches one; the code of what is in its way otherwise.
    pub(super) fn launch_one(&mut self, order: &Order<'_>) -> Result<String, &'static str> {
        let (price, vcpu) = self.sold(order)?;
        self.within_quota(order.spot, vcpu)?;
        self.within_capacity(order)?;
        let id = self.id("i-");
        let never_joins = self.never_joins();
        let behind = self.drawn(self.settings.behind);
        let machine = Machine {
            id: id.clone(),
            instance_type: order.instance_type.to_owned(),
            zone: order.zone.to_owned(),
            spot: order.spot,
            group: order.group.map(str::to_owned),
            lifecycle: Lifecycle::Pending,
            hooks: BTreeMap::new(),
            state: MachineState::Pending,
            protected: false,
            healthy: true,
            launched: self.now,
            visible: self.now + behind,
            joined: false,
            never_joins,
            noticed: false,
            scheduled: None,
            ended: None,
            price,
            tags: order.template.0.tags.clone(),
            template: (order.template.0.name.clone(), order.template.1),
            image: self.image(order.template.0),
            dns: dns(&id, &self.settings.region),
        };
        self.machines.insert(id.clone(), machine);
        self.after(self.settings.boot, Event::Running(id.clone()));
        Ok(id)
    }

    /// Price of an hour and vCPUs of what is ordered, where it is sold there and so.
    fn sold(&self, order: &Order<'_>) -> Result<(UsdPerHour, u32), &'static str> {
        let Some(info) = self.settings.types.get(order.instance_type) else {
            return Err("InvalidInstanceType");
        };
        let zone = self.settings.zones.iter().find(|zone| zone.name == order.zone);
        let sold = zone.is_some_and(|zone| info.zones.is_empty() || info.zones.contains(&zone.id));
        if !sold {
            return Err("Unsupported");
        }
        let price = if order.spot {
            info.spot
        } else {
            Some(info.on_demand)
        };
        let price = price.ok_or("UnfulfillableCapacity")?;
        Ok((price, info.vcpu))
    }

    fn within_quota(&self, spot: bool, vcpu: u32) -> Result<(), &'static str> {
        let same = self.machines.values().filter(|m| m.lives() && m.spot == spot);
        let of = |machine: &Machine| {
            self.settings
                .types
                .get(&machine.instance_type)
                .map_or(0, |t| t.vcpu)
        };
        let used: u32 = same.map(of).sum();
        let (most, code) = if spot {
            (self.settings.quotas.spot_vcpus, "MaxSpotInstanceCountExceeded")
        } else {
            (self.settings.quotas.on_demand_vcpus, "VcpuLimitExceeded")
        };
        if used.saturating_add(vcpu) > most {
            Err(code)
        } else {
            Ok(())
        }
    }

    fn within_capacity(&mut self, order: &Order<'_>) -> Result<(), &'static str> {
        let listed = |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
        let hit = self.in_force().find_map(|(ix, kind)| match kind {
            FaultKind::NoCapacity {
                types,
                zones,
                spot,
                but,
            } => {
                let here = listed(types, order.instance_type)
                    && listed(zones, order.zone)
                    && spot.is_none_or(|spot| spot == order.spot);
                here.then_some((ix, *but))
            }
            _ => None,
        });
        let Some((ix, but)) = hit else { return Ok(()) };
        let left = self.no_capacity_left.entry(ix).or_insert(but);
        if *left == 0 {
            return Err("InsufficientInstanceCapacity");
        }
        *left -= 1;
        Ok(())
    }

    fn never_joins(&mut self) -> bool {
        let share = self.in_force().find_map(|(_, kind)| match kind {
            FaultKind::NeverJoins { permille } => Some(*permille),
            _ => None,
        });
        share.is_some_and(|permille| self.chance(permille))
    }

    pub(super) fn becomes_running(&mut self, id: &str) {
        let Some(machine) = self
            .machines
            .get_mut(id)
            .filter(|m| m.state == MachineState::Pending)
        else {
            return;
        };
        machine.state = MachineState::Running;
        if machine.lifecycle == Lifecycle::WarmedPending {
            let pool = machine
                .group
                .as_ref()
                .and_then(|name| self.groups.get(name)?.made.warm_pool);
            self.rests(id, pool.is_some_and(|pool| pool.running));
            return;
        }
        let never = machine.never_joins;
        if machine.group.is_some() {
            self.launch_hook(id);
        }
        if !never {
            self.after(self.settings.join, Event::Joined(id.to_owned()));
        }
    }

    pub(super) fn joins(&mut self, id: &str) {
        if let Some(machine) = self
            .machines
            .get_mut(id)
            .filter(|m| m.state == MachineState::Running)
        {
            machine.joined = true;
        }
    }

    /// The instance ends now; the bill stops.
    pub(super) fn end(&mut self, id: &str, why: Gone) {
        let now = self.now;
        let is_there = |m: &&mut Machine| m.lives() || m.state == MachineState::Stopped;
        let Some(machine) = self.machines.get_mut(id).filter(is_there) else {
            return;
        };
        machine.state = MachineState::ShuttingDown;
        machine.lifecycle = Lifecycle::Terminating;
        // What was stopped has been billed.
        if machine.ended.is_none() {
            machine.ended = Some(now);
            self.closed_nanos += machine.cost_nanos(now);
        }
        let group = machine.group.clone();
        self.ended.push((id.to_owned(), why));
        self.expect(now + SHUTTING_DOWN, Event::Gone(id.to_owned()));
        self.notify(&Notice::StateChange {
            instance: id.to_owned(),
            state: "shutting-down".to_owned(),
        });
        if let Some(group) = group {
            self.look_soon(&group);
        }
    }

    pub(super) fn is_gone(&mut self, id: &str) {
        let forgotten = self.now + LISTED;
        let Some(machine) = self.machines.get_mut(id) else {
            return;
        };
        machine.state = MachineState::Terminated;
        machine.group = None;
        machine.joined = false;
        self.expect(forgotten, Event::Forgotten(id.to_owned()));
    }

    /// A spot instance gets its notice.
    pub fn interrupt(&mut self, id: &str) {
        let at = self.now + self.settings.spot_notice;
        let Some(machine) = self.machines.get_mut(id).filter(|m| m.lives() && !m.noticed) else {
            return;
        };
        machine.noticed = true;
        self.expect(at, Event::Reclaimed(id.to_owned()));
        self.notify(&Notice::Interruption {
            instance: id.to_owned(),
        });
    }

    /// An event is scheduled for the instance, and AWS Health tells of it.
    pub fn schedule(&mut self, id: &str, code: &str) {
        let Some(machine) = self.machines.get_mut(id).filter(|m| m.lives()) else {
            return;
        };
        let text = "The instance is running on degraded hardware".to_owned();
        machine.scheduled = Some((code.to_owned(), text));
        let health = format!(
            "AWS_EC2_{}_SCHEDULED",
            code.replace('-', "_").to_ascii_uppercase()
        );
        self.notify(&Notice::Health {
            instance: id.to_owned(),
            code: health,
        });
    }

    pub(super) fn recommend_rebalance(&mut self, id: &str) {
        self.notify(&Notice::Rebalance {
            instance: id.to_owned(),
        });
    }

    /// The instance fails its health check; its group replaces it where it may.
    pub fn set_unhealthy(&mut self, id: &str) {
        let Some(machine) = self.machines.get_mut(id).filter(|m| m.lives()) else {
            return;
        };
        machine.healthy = false;
        if let Some(group) = machine.group.clone() {
            self.look_soon(&group);
        }
    }
}

/// As EC2 names instances by their address.
fn dns(id: &str, region: &str) -> String {
    let tail = id.as_bytes().iter().rev().take(3);
    let parts: Vec<String> = tail.map(u8::to_string).collect();
    let suffix = if region == "us-east-1" {
        "ec2.internal".to_owned()
    } else {
        format!("{region}.compute.internal")
    };
    format!(
        "ip-10-{}-{}.{suffix}",
        parts.join("-"),
        id.trim_start_matches("i-")
    )
}
