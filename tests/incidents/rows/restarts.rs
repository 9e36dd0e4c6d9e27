//! What is under way when a process ends, and what is replaced before its replacement is there.

use super::launches::stale_groups;
use crate::cluster::Owner;
use crate::habits::{Counts, Grows, Habits, Removes, Replaces};
use crate::incident::{Event, Incident, Moment, workers};
use model::disruption::DriftMode;
use sim_aws::FaultKind;

/// Cordoned by one process, known to none.
pub(crate) fn ca_5048_a_restart_after_the_taint_forgets_the_node(name: &'static str) -> Incident {
    Incident {
        habits: Habits {
            removes: Removes::EmptyCordonedFirst { after: 600 },
            ..Habits::default()
        },
        failed: |r| r.cordoned == 1 && r.removed == 0,
        held: |r| r.removed == 1,
        ..Incident::of(name, "kubernetes/autoscaler #5048")
    }
    .group("workers", (0, 10, 3))
    .owner(Owner::of("web", 4))
    .at(
        0,
        Event::Crash {
            step: "Cordon",
            moment: Moment::BeforeItIsRecorded,
        },
    )
}

/// A process every five minutes; what must be unneeded for ten never is.
pub(crate) fn ca_7873_a_crash_loop_resets_every_timer(name: &'static str) -> Incident {
    let mut incident = Incident {
        lasts: 7200,
        habits: Habits {
            removes: Removes::Empty { after: 600 },
            ..Habits::default()
        },
        failed: |r| r.removed == 0,
        held: |r| r.removed == 2,
        ..Incident::of(name, "kubernetes/autoscaler #7873")
    }
    .group("workers", (0, 10, 4))
    .owner(Owner::of("web", 4));
    for restart in 1..24 {
        incident = incident.at(300 * restart, Event::Restart);
    }
    incident
}

/// A new process reads lists from before its predecessor's launch, for four minutes.
pub(crate) fn sieve_a_stale_list_after_a_restart_launches_again(name: &'static str) -> Incident {
    Incident {
        habits: Habits {
            grows: Grows::ByLaunch,
            counts: Counts::Desired,
            ..Habits::default()
        },
        failed: |r| r.launched >= 6,
        held: |r| r.launched == 2 && r.last_waited <= 420,
        ..Incident::of(name, "Sieve (OSDI '22), stale states (fault K4)")
    }
    .group("workers", (0, 10, 2))
    .owner(Owner::of("web", 4))
    .at(60, Event::Replicas { owner: "web", to: 8 })
    .at(70, Event::Restart)
    .fault((65, 240), stale_groups())
}

/// The new image boots and never joins.
pub(crate) fn karpenter_3979_replacements_never_join_and_old_nodes_go(name: &'static str) -> Incident {
    let mut incident = Incident {
        lasts: 10_800,
        habits: Habits {
            replaces: Replaces::Onto {
                from: "old",
                to: "new",
            },
            ..Habits::default()
        },
        failed: |r| r.killed == 4 && r.waiting >= 3,
        held: |r| r.fewest_served == 4 && r.lost == 0,
        ..Incident::of(name, "aws/karpenter-provider-aws #3979")
    }
    .owner(Owner {
        cpu_milli: 3000,
        ..Owner::of("web", 4)
    })
    .fault((30, 10_800), FaultKind::NeverJoins { permille: 1000 });
    incident.account.groups = vec![
        workers("old", "m5.xlarge").sized(0, 10, 4),
        workers("new", "c6a.xlarge").sized(0, 10, 0),
    ];
    incident
}

/// A new version of the launch template, and every node is of the old one.
pub(crate) fn karpenter_5373_a_new_template_replaces_every_node(name: &'static str) -> Incident {
    Incident {
        habits: Habits {
            replaces: Replaces::Outdated,
            ..Habits::default()
        },
        failed: |r| r.killed == 6 && r.fewest_served == 0,
        held: |r| r.removed == 0 && r.launched == 0 && r.lost == 0,
        ..Incident::of(
            name,
            "aws/karpenter-provider-aws #5373, kubernetes-sigs/karpenter #1510",
        )
    }
    .group("workers", (0, 10, 6))
    .owner(Owner::of("web", 12))
    .at(300, Event::NewTemplate { group: "workers" })
}

/// The same where the operator has drift replaced: one node first, the others after it, never faster than the limits.
pub(crate) fn karpenter_1510_drift_that_is_replaced_goes_node_by_node(name: &'static str) -> Incident {
    Incident {
        lasts: 4 * 3600,
        aims: |aims| aims.disruption.drift = DriftMode::Replace,
        held: |r| r.removed >= 2 && r.removed_in_ten_minutes <= 1 && r.fewest_served >= 10 && r.lost == 0,
        ..karpenter_5373_a_new_template_replaces_every_node(name)
    }
}

/// And where the new template starts nothing that joins: the canary is all that it costs.
pub(crate) fn karpenter_3979_a_template_that_never_joins_stops_at_the_canary(name: &'static str) -> Incident {
    Incident {
        held: |r| r.launched == 1 && r.fewest_served == 12 && r.lost == 0,
        ..karpenter_1510_drift_that_is_replaced_goes_node_by_node(name)
    }
    .fault((290, 4 * 3600), FaultKind::NeverJoins { permille: 1000 })
}
