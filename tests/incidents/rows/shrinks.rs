//! Groups made smaller: by number, all at once, below somebody else's bounds, under a pod that has just come.

use crate::cluster::Owner;
use crate::habits::{Cleans, Counts, Down, Grows, Habits, Removes};
use crate::incident::{Event, Incident, workers};
use sim_aws::{FaultKind, NewGroup};

fn by_number(cleans: Cleans) -> Habits {
    Habits {
        grows: Grows::ByNumber,
        counts: Counts::Desired,
        cleans,
        ..Habits::default()
    }
}

pub(crate) fn no_capacity(but: u32) -> FaultKind {
    FaultKind::NoCapacity {
        types: Vec::new(),
        zones: Vec::new(),
        spot: None,
        but,
    }
}

/// Two of five instances come; the others come late, while the controller tidies up after them.
pub(crate) fn ca_10147_cleaning_up_placeholders_takes_healthy_instances(name: &'static str) -> Incident {
    Incident {
        habits: by_number(Cleans::Placeholders {
            after: 120,
            down: Down::ToListed,
        }),
        failed: |r| r.killed >= 1,
        held: |r| r.launched == 5 && r.lost == 0,
        ..Incident::of(name, "kubernetes/autoscaler #5829, #10147")
    }
    .group("workers", (0, 20, 5))
    .owner(Owner::of("web", 10))
    .fault((30, 600), no_capacity(2))
    .at(60, Event::Replicas { owner: "web", to: 20 })
}

/// 76 → 94 asked for, none come; the same 18 are taken off again while a list is a minute old: the original ended at
/// 62, 14 below what there had been.
pub(crate) fn ca_9182_placeholders_counted_twice_take_half_the_group(name: &'static str) -> Incident {
    Incident {
        habits: by_number(Cleans::Placeholders {
            after: 60,
            down: Down::ByMissing,
        }),
        failed: |r| r.killed >= 14,
        held: |r| r.launched == 18 && r.lost == 0,
        ..Incident::of(name, "kubernetes/autoscaler #9182")
    }
    .group("workers", (0, 120, 76))
    .owner(Owner::of("ci", 152))
    .fault((30, 600), no_capacity(0))
    .at(60, Event::Replicas { owner: "ci", to: 188 })
}

/// The group chooses who goes for an instance that never registered: the oldest.
pub(crate) fn ca_5465_an_instance_that_never_registers_costs_a_healthy_one(name: &'static str) -> Incident {
    Incident {
        habits: by_number(Cleans::Unregistered { after: 900 }),
        failed: |r| r.killed >= 1,
        held: |r| r.launched <= 2 && r.lost == 0,
        ..Incident::of(name, "kubernetes/autoscaler #5465")
    }
    .group("workers", (0, 10, 4))
    .owner(Owner::of("web", 8))
    .fault((30, 300), FaultKind::NeverJoins { permille: 1000 })
    .at(60, Event::Replicas { owner: "web", to: 10 })
}

/// The group has replaced them already.
pub(crate) fn ca_6795_nodes_that_are_not_ready_cost_healthy_ones(name: &'static str) -> Incident {
    Incident {
        habits: by_number(Cleans::NotReady),
        failed: |r| r.killed >= 1,
        ..Incident::of(name, "kubernetes/autoscaler #6795")
    }
    .group("workers", (0, 10, 6))
    .owner(Owner::of("web", 12))
    .fault((300, 0), FaultKind::Unhealthy { count: 2 })
}

/// The guard against removing too many was set to all, and all went.
pub(crate) fn openai_95_a_fraction_of_one_deletes_every_node(name: &'static str) -> Incident {
    Incident {
        aims: |aims| {
            aims.limits.removed_per_window_permille = 1000;
            aims.limits.removed_per_long_window_permille = 1000;
        },
        habits: Habits {
            removes: Removes::Empty { after: 600 },
            ..Habits::default()
        },
        lasts: 7200,
        failed: |r| r.removed_in_ten_minutes == 19,
        held: |r| r.removed_in_ten_minutes == 1 && (2..=4).contains(&r.removed),
        ..Incident::of(name, "openai/kubernetes-ec2-autoscaler #95")
    }
    .group("workers", (0, 40, 20))
    .owner(Owner::of("batch", 2))
}

/// The controller gives up the node that it runs on; nobody is there when pods wait.
pub(crate) fn stytch_2023_the_node_of_the_controller_is_removed(name: &'static str) -> Incident {
    Incident {
        lives_in_cluster: true,
        habits: Habits {
            removes: Removes::Empty { after: 60 },
            ..by_number(Cleans::Never)
        },
        failed: |r| r.waiting > 0,
        held: |r| r.removed >= 1 && r.last_waited <= 2700,
        lasts: 4500,
        ..Incident::of(name, "Stytch 2023-02-23")
    }
    .group("workers", (0, 10, 4))
    .owner(Owner::of("web", 2))
    .at(2400, Event::Replicas { owner: "web", to: 12 })
}

/// "0 pods" at the decision, one at the end.
pub(crate) fn karpenter_1167_a_pod_is_bound_between_decision_and_removal(name: &'static str) -> Incident {
    Incident {
        habits: Habits {
            removes: Removes::Empty { after: 60 },
            ..Habits::default()
        },
        failed: |r| r.killed == 1,
        held: |r| r.lost == 0,
        ..Incident::of(name, "kubernetes-sigs/karpenter #1167, #651")
    }
    .group("workers", (0, 10, 3))
    .owner(Owner::of("web", 3))
    .at(0, Event::Race)
}

/// What the group's minimum forbids is tried, and left half done.
pub(crate) fn a_group_at_its_minimum_keeps_cordoned_nodes(name: &'static str) -> Incident {
    Incident {
        habits: Habits {
            removes: Removes::EmptyCordonedFirst { after: 60 },
            ..Habits::default()
        },
        failed: |r| r.cordoned == 2 && r.removed == 0,
        held: |r| r.removed == 0 && r.writes == 1,
        ..Incident::of(name, "a minimum raised by hand (fault A6)")
    }
    .group("workers", (0, 10, 3))
    .owner(Owner::of("web", 2))
    .at(
        30,
        Event::Bounds {
            group: "workers",
            min: 3,
            max: 10,
        },
    )
}

/// Somebody makes room beforehand; the controller takes it back by number.
pub(crate) fn somebody_else_raises_desired_while_zones_are_evened_out(name: &'static str) -> Incident {
    let mut incident = Incident {
        habits: Habits {
            grows: Grows::ToWhatPodsNeed,
            ..Habits::default()
        },
        failed: |r| r.by_number >= 3 && r.killed >= 1 && r.rebalanced >= 1,
        // Nodes that were watched empty go by a share of the fleet a minute.
        held: |r| r.removed >= 1 && r.removed_in_ten_minutes <= 2 && r.rebalanced >= 1,
        ..Incident::of(name, "an outside actor and AZRebalance at once (fault A6)")
    }
    .owner(Owner::of("web", 12))
    .fault(
        (30, 300),
        FaultKind::NoCapacity {
            types: Vec::new(),
            zones: vec!["us-east-1c".to_owned()],
            spot: None,
            but: 0,
        },
    )
    .at(60, Event::Replicas { owner: "web", to: 24 });
    // The group looks at its zones whenever somebody sets its size, be it to what it is.
    for (at, to) in [(360, 12), (400, 15)] {
        incident = incident.at(at, Event::Desired { group: "workers", to });
    }
    incident.account.groups = vec![NewGroup {
        suspended: Vec::new(),
        ..workers("workers", "m5.large").sized(0, 20, 6)
    }];
    incident
}

/// What the new maximum forbids is asked for in every loop.
pub(crate) fn somebody_else_lowers_the_maximum(name: &'static str) -> Incident {
    Incident {
        habits: by_number(Cleans::Never),
        failed: |r| r.writes >= 100,
        held: |r| r.writes <= 6 && r.last_waited <= 2100,
        others_by_number: 2,
        ..Incident::of(name, "a maximum lowered by hand (fault A6)")
    }
    .group("workers", (0, 20, 8))
    .owner(Owner::of("web", 16))
    .at(
        60,
        Event::Bounds {
            group: "workers",
            min: 0,
            max: 6,
        },
    )
    .at(
        1800,
        Event::Bounds {
            group: "workers",
            min: 0,
            max: 20,
        },
    )
}
