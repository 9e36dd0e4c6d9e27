//! Instances from birth to removal.
//!
//! Not here: why one is launched or ended (`groups`, `reconcile`, `fleet`).

use super::{Account, Event, LISTED, Notice};
use crate::faults::FaultKind;
use crate::settings::NewGroup;
use model::{Instant, Span, UsdPerHour};
use std::collections::BTreeMap;

/// From terminated to gone.
const SHUTTING_DOWN: Span = Span::from_secs(10);
/// Least billed time.
const LEAST_BILLED: i64 = 60_000;
const MILLIS_PER_HOUR: i128 = 3_600_000;

/// State of an instance as EC2 tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineState {
    /// Asked for.
    Pending,
    /// Running.
    Running,
    /// On its way out.
    ShuttingDown,
    /// Gone, still listed.
    Terminated,
    /// Stopped: it waits in a warm pool.
    Stopped,
}

impl MachineState {
    /// Code and name on the wire.
    pub const fn wire(self) -> (u16, &'static str) {
        match self {
            Self::Pending => (0, "pending"),
            Self::Running => (16, "running"),
            Self::ShuttingDown => (32, "shutting-down"),
            Self::Terminated => (48, "terminated"),
            Self::Stopped => (80, "stopped"),
        }
    }
}

/// Place of an instance in its group's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Launched.
    Pending,
    /// Waits for its launch hook.
    PendingWait,
    /// Counts.
    InService,
    /// Waits for its termination hook.
    TerminatingWait,
    /// Being ended.
    Terminating,
    /// Being set up for the warm pool.
    WarmedPending,
    /// It waits in the warm pool.
    Warmed {
        /// Running, not stopped.
        running: bool,
    },
}

impl Lifecycle {
    /// As Auto Scaling writes it.
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::PendingWait => "Pending:Wait",
            Self::InService => "InService",
            Self::TerminatingWait => "Terminating:Wait",
            Self::Terminating => "Terminating",
            Self::WarmedPending => "Warmed:Pending",
            Self::Warmed { running: true } => "Warmed:Running",
            Self::Warmed { running: false } => "Warmed:Stopped",
        }
    }

    /// Whether it is in the group's warm pool.
    pub const fn is_warmed(self) -> bool {
        matches!(self, Self::WarmedPending | Self::Warmed { .. })
    }

    /// Whether it counts towards the group's size.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Pending | Self::PendingWait | Self::InService)
    }
}

/// Why an instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Named in a call.
    Named,
    /// Chosen by its group as it shrank by number.
    ScaledIn,
    /// Chosen by its group to even out zones.
    Rebalanced,
    /// It failed its health check.
    Unhealthy,
    /// Spot, taken back.
    Reclaimed,
    /// Given up at a launch hook (`ABANDON`, or its time was up).
    Abandoned,
}

/// One instance.
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that hold or do not, each by itself"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Id.
    pub id: String,
    /// Type.
    pub instance_type: String,
    /// Name of its zone.
    pub zone: String,
    /// Bought as spot.
    pub spot: bool,
    /// Auto Scaling group, while it is in one.
    pub group: Option<String>,
    /// Place in the group's life.
    pub lifecycle: Lifecycle,
    /// Lifecycle hooks that it waits at, and until when.
    pub hooks: BTreeMap<String, Instant>,
    /// State as EC2 tells it.
    pub state: MachineState,
    /// Protected from scale-in.
    pub protected: bool,
    /// Passes its health check.
    pub healthy: bool,
    /// When it was launched.
    pub launched: Instant,
    /// From when on lists tell of it.
    pub visible: Instant,
    /// The kubelet has registered.
    pub joined: bool,
    /// The kubelet will never register.
    pub never_joins: bool,
    /// A spot notice has gone out.
    pub noticed: bool,
    /// The event that is scheduled for it (`instance-retirement`, …), and how it is described.
    pub scheduled: Option<(String, String)>,
    /// When it ended, for the bill.
    pub ended: Option<Instant>,
    /// Price of an hour.
    pub price: UsdPerHour,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Launch template and version.
    pub template: (String, usize),
    /// The image that it was started from.
    pub image: String,
    /// Private DNS name.
    pub dns: String,
}

impl Machine {
    /// Whether it is or will be there.
    pub const fn lives(&self) -> bool {
        matches!(self.state, MachineState::Pending | MachineState::Running)
    }

    pub(super) fn cost_nanos(&self, now: Instant) -> i128 {
        let billed = self.ended.unwrap_or(now).since(self.launched).millis();
        i128::from(self.price.0) * i128::from(billed.max(LEAST_BILLED)) / MILLIS_PER_HOUR
    }
}

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
        let Some(info) = self.settings.types.get(order.instance_type).cloned() else {
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
        let Some(price) = price else {
            return Err("UnfulfillableCapacity");
        };
        self.within_quota(order.spot, info.vcpu)?;
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
