//! Instances as they stand: their states, their place in a group, and what they have cost.
//!
//! Not here: what launches them and changes them (`instances`).

use model::{Instant, UsdPerHour};
use std::collections::BTreeMap;

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
