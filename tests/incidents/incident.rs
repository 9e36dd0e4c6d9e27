//! An incident as data: what there is, what happens, what the naive controller does about it, and what is a failure.
//!
//! Not here: playing it (`play`), the incidents themselves (`rows`).

use crate::cluster::{Cover, Owner};
use crate::habits::Habits;
use crate::referee::Report;
use model::fleet::Fleet;
use model::launch::Launch;
use model::{Aims, Span};
use sim_aws::{Fault, FaultKind, NewGroup, Settings};

/// One incident.
pub(crate) struct Incident {
    /// The test's name.
    pub(crate) name: &'static str,
    /// Where it is told.
    pub(crate) source: &'static str,
    /// The account.
    pub(crate) account: Settings,
    /// Plimsoll's own fleets.
    pub(crate) fleets: Vec<Fleet>,
    /// How Plimsoll asks groups for capacity.
    pub(crate) launch: Launch,
    /// Who owns pods.
    pub(crate) owners: Vec<Owner>,
    /// CPU of new nodes, in thousandths of the type's usual.
    pub(crate) room_permille: i64,
    /// The controller runs on the last node of the cluster.
    pub(crate) lives_in_cluster: bool,
    /// Changes of the aims; default limits hold but for them.
    pub(crate) aims: fn(&mut Aims),
    /// What happens, in seconds since the beginning.
    pub(crate) events: Vec<(i64, Event)>,
    /// From one cycle to the next, seconds.
    pub(crate) every: i64,
    /// How long it lasts, seconds.
    pub(crate) lasts: i64,
    /// What the naive controller does.
    pub(crate) habits: Habits,
    /// What of the naive controller's run is the failure that was reported.
    pub(crate) failed: fn(&Report) -> bool,
    /// What Plimsoll's run must be, beside safe.
    pub(crate) held: fn(&Report) -> bool,
    /// Pods that nothing in the account can serve in the time given.
    pub(crate) unservable: usize,
    /// Machines chosen by a group that somebody else has made smaller.
    pub(crate) others_by_number: usize,
}

/// Something that is nobody's doing here.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// An owner wants so many pods.
    Replicas { owner: &'static str, to: u32 },
    /// An owner's pods use so much CPU together, millicores.
    Work { owner: &'static str, milli: i64 },
    /// Controllers do not see all.
    Cover(Cover),
    /// They do again.
    Uncover,
    /// A pod binds to the node that is removed next, between decision and removal.
    Race,
    /// Somebody sets a group's desired size.
    Desired { group: &'static str, to: i32 },
    /// Somebody sets a group's bounds.
    Bounds { group: &'static str, min: i32, max: i32 },
    /// Somebody ends the newest instances of a group by hand, and lowers its size by as many.
    End { group: &'static str, count: usize },
    /// From now on a finalizer keeps the Nodes of instances that are gone.
    KeepNodes,
    /// Lists leave out so many living instances for so long.
    Unlisted { count: usize, seconds: i64 },
    /// A group loses a tag.
    Untag { group: &'static str, tag: &'static str },
    /// And has it again.
    Tag { group: &'static str, tag: &'static str },
    /// A group's launch template has a new version.
    NewTemplate { group: &'static str },
    /// The controller's process is replaced.
    Restart,
    /// The controller's process dies the next time it carries out such a step.
    Crash { step: &'static str, moment: Moment },
}

/// Where in a step a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The call has not been made.
    BeforeItsEffect,
    /// It has been made and answered; nobody has written that down.
    BeforeItIsRecorded,
}

impl Incident {
    /// One without anything but its name, of an hour, on default limits.
    pub(crate) fn of(name: &'static str, source: &'static str) -> Self {
        Self {
            name,
            source,
            account: Settings::default(),
            fleets: Vec::new(),
            launch: Launch::Auto,
            owners: Vec::new(),
            room_permille: 1000,
            lives_in_cluster: false,
            aims: |_| (),
            events: Vec::new(),
            every: 10,
            lasts: 3600,
            habits: Habits::default(),
            failed: |_| false,
            held: |_| true,
            unservable: 0,
            others_by_number: 0,
        }
    }

    /// With a group of m5.large: fewest, most, to begin with.
    pub(crate) fn group(mut self, name: &str, (min, max, desired): (u32, u32, u32)) -> Self {
        self.account
            .groups
            .push(workers(name, "m5.large").sized(min, max, desired));
        self
    }

    /// With an owner of pods.
    pub(crate) fn owner(mut self, owner: Owner) -> Self {
        self.owners.push(owner);
        self
    }

    /// With something that happens.
    pub(crate) fn at(mut self, seconds: i64, event: Event) -> Self {
        self.events.push((seconds, event));
        self
    }

    /// With a fault of the account from then on, for so long. What is there at the beginning is made before, so that a
    /// fault of launches begins later.
    pub(crate) fn fault(mut self, (at, lasts): (i64, i64), kind: FaultKind) -> Self {
        self.account.faults.push(Fault {
            at: Span::from_secs(at),
            lasts: Span::from_secs(lasts),
            kind,
        });
        self
    }
}

/// A group of this cluster whose nodes bear its name, and whose zones nobody evens out.
pub(crate) fn workers(name: &str, instance_type: &str) -> NewGroup {
    let group = NewGroup {
        suspended: vec!["AZRebalance".to_owned()],
        ..NewGroup::of(name, instance_type)
    };
    group
        .tagged("plimsoll.io/cluster", crate::CLUSTER)
        .tagged("k8s.io/cluster-autoscaler/node-template/label/group", name)
}
