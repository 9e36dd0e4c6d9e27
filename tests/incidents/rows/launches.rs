//! Launches: made twice, made for ever, made in part, made where there is nothing to be had.

use super::shrinks::no_capacity;
use crate::cluster::Owner;
use crate::habits::{Cleans, Counts, Grows, Habits};
use crate::incident::{Event, Incident, Moment, workers};
use model::fleet::Fleet;
use model::launch::Launch;
use model::{Span, UsdPerHour};
use sim_aws::faults::ErrorKind;
use sim_aws::{FaultKind, Lag};

fn launches(counts: Counts) -> Habits {
    Habits {
        grows: Grows::ByLaunch,
        counts,
        ..Habits::default()
    }
}

/// Two nodes full; after a minute there are pods for two more.
fn two_more(incident: Incident) -> Incident {
    incident
        .group("workers", (0, 10, 2))
        .owner(Owner::of("web", 4))
        .at(60, Event::Replicas { owner: "web", to: 8 })
}

/// One claim, two instances.
pub(crate) fn karpenter_1448_a_crash_between_launch_and_record_launches_twice(
    name: &'static str,
) -> Incident {
    two_more(Incident {
        habits: launches(Counts::Given),
        failed: |r| r.launched == 4,
        held: |r| r.launched == 2 && r.last_waited <= 240,
        ..Incident::of(name, "kubernetes-sigs/karpenter #1448")
    })
    .at(
        0,
        Event::Crash {
            step: "GrowGroup",
            moment: Moment::BeforeItIsRecorded,
        },
    )
}

/// What was written down before the call is taken for done.
pub(crate) fn a_crash_before_the_launch_waits_for_ever(name: &'static str) -> Incident {
    two_more(Incident {
        habits: launches(Counts::Asked),
        failed: |r| r.launched == 0 && r.waiting == 4,
        held: |r| r.launched == 2 && r.last_waited <= 240,
        ..Incident::of(name, "Sieve (OSDI '22), intermediate states")
    })
    .at(
        0,
        Event::Crash {
            step: "GrowGroup",
            moment: Moment::BeforeItsEffect,
        },
    )
}

fn lost(call: &str) -> FaultKind {
    FaultKind::AnswerLost {
        calls: vec![call.to_owned()],
        permille: 1000,
    }
}

/// The call went through and nobody heard.
pub(crate) fn an_answer_of_launch_instances_is_lost(name: &'static str) -> Incident {
    two_more(Incident {
        habits: launches(Counts::Given),
        failed: |r| r.launched >= 6,
        held: |r| r.launched == 2 && r.last_waited <= 240,
        ..Incident::of(name, "effect without an answer (fault A2)")
    })
    .fault((30, 120), lost("autoscaling:LaunchInstances"))
}

/// Nobody heard, and every list is from before: only the token of the call tells that it is the same.
pub(crate) fn an_answer_is_lost_while_lists_are_stale(name: &'static str) -> Incident {
    two_more(Incident {
        habits: launches(Counts::Given),
        failed: |r| r.launched >= 6,
        held: |r| r.launched == 2 && r.last_waited <= 420,
        ..Incident::of(name, "effect without an answer, and stale reads (faults A2, A4)")
    })
    .fault((30, 90), lost("autoscaling:LaunchInstances"))
    .fault((65, 240), stale_groups())
}

/// Sizes are from before the last growth: what is set for three pods more is less than what there is.
pub(crate) fn a_stale_desired_size_takes_nodes_back(name: &'static str) -> Incident {
    two_more(Incident {
        launch: Launch::Desired,
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::Nothing,
            ..Habits::default()
        },
        failed: |r| r.killed >= 1,
        held: |r| r.launched == 3 && r.lost == 0 && r.last_waited <= 420 + 120,
        ..Incident::of(
            name,
            "describe, then set: kubernetes/autoscaler #10147 (fault A4)",
        )
    })
    .at(180, Event::Replicas { owner: "web", to: 10 })
    .fault((65, 355), stale_groups())
}

/// Groups are described as they were up to ten minutes ago.
pub(crate) fn stale_groups() -> FaultKind {
    FaultKind::Stale {
        calls: vec!["autoscaling:DescribeAutoScalingGroups".to_owned()],
        by: Span::from_secs(600),
    }
}

/// The same where capacity is asked for by number.
pub(crate) fn an_answer_of_set_desired_capacity_is_lost(name: &'static str) -> Incident {
    two_more(Incident {
        launch: Launch::Desired,
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::Asked,
            ..Habits::default()
        },
        failed: |r| r.launched >= 6,
        held: |r| r.launched == 2 && r.last_waited <= 240,
        ..Incident::of(name, "effect without an answer (fault A2)")
    })
    .fault((30, 120), lost("autoscaling:SetDesiredCapacity"))
}

/// Nodes come with less than their type promises; the pod fits none of them.
pub(crate) fn karpenter_2011_a_new_node_every_loop_for_a_pod_that_never_binds(
    name: &'static str,
) -> Incident {
    let pod = Owner {
        cpu_milli: 1800,
        ..Owner::of("large", 1)
    };
    Incident {
        room_permille: 500,
        habits: launches(Counts::Given),
        failed: |r| r.launched >= 20,
        held: |r| r.launched == 1,
        unservable: 1,
        ..Incident::of(name, "aws/karpenter-provider-aws #2011, #2821")
    }
    .group("workers", (0, 40, 0))
    .owner(pod)
}

/// Nothing that is launched joins, for five hours.
pub(crate) fn launches_never_join_for_hours(name: &'static str) -> Incident {
    Incident {
        every: 30,
        lasts: 23_400,
        habits: launches(Counts::Nothing),
        failed: |r| r.launched >= 40,
        held: |r| r.launched <= 24,
        ..Incident::of(name, "instances that never join (fault A7)")
    }
    .group("workers", (0, 50, 2))
    .owner(Owner::of("web", 4))
    .fault((30, 18_000), FaultKind::NeverJoins { permille: 1000 })
    .at(60, Event::Replicas { owner: "web", to: 8 })
}

/// Lists are two minutes behind.
pub(crate) fn karpenter_1100_launches_that_are_not_listed_yet_are_made_again(name: &'static str) -> Incident {
    let mut incident = two_more(Incident {
        habits: launches(Counts::Listed),
        failed: |r| r.launched >= 6,
        held: |r| r.launched == 2 && r.last_waited <= 240,
        ..Incident::of(
            name,
            "kubernetes-sigs/karpenter #1100 (eventual consistency, fault A4)",
        )
    });
    incident.account.behind = Lag::secs(120, 120);
    incident
}

/// One of three comes.
pub(crate) fn partial_success_is_taken_for_all(name: &'static str) -> Incident {
    two_more(Incident {
        habits: launches(Counts::Asked),
        failed: |r| r.waiting > 0,
        held: |r| r.launched == 3 && r.last_waited <= 900,
        ..Incident::of(name, "partial success (fault A3)")
    })
    .fault((30, 300), no_capacity(1))
    .at(61, Event::Replicas { owner: "web", to: 10 })
}

/// A fleet of Plimsoll's own, cheaper than the group.
fn with_fleet(mut incident: Incident) -> Incident {
    incident.account.templates = vec![workers("plimsoll", "m6a.large")];
    incident.fleets = vec![Fleet {
        name: "fleet".into(),
        template: "plimsoll".to_owned(),
        max: 20,
        types: vec!["m6a.large".to_owned()],
        spot: false,
        subnets: ["us-east-1a", "us-east-1b"]
            .map(|zone| (zone.to_owned(), format!("subnet-{zone}")))
            .into(),
        labels: model::selector::Labels::new(),
        taints: Vec::new(),
    }];
    incident
}

/// The same, of a fleet.
pub(crate) fn an_answer_of_create_fleet_is_lost(name: &'static str) -> Incident {
    with_fleet(two_more(Incident {
        habits: launches(Counts::Given),
        failed: |r| r.launched >= 6,
        held: |r| r.launched == 2 && r.of_fleets == 2 && r.last_waited <= 240,
        ..Incident::of(name, "effect without an answer (fault A2)")
    }))
    .fault((30, 90), lost("autoscaling:LaunchInstances"))
    .fault((30, 90), lost("ec2:CreateFleet"))
}

/// `CreateFleet` gives one of three, and says so.
pub(crate) fn create_fleet_comes_in_part(name: &'static str) -> Incident {
    with_fleet(two_more(Incident {
        habits: launches(Counts::Asked),
        failed: |r| r.waiting > 0,
        held: |r| r.launched == 3 && r.of_fleets >= 1 && r.last_waited <= 900,
        ..Incident::of(name, "partial success (fault A3)")
    }))
    .fault((30, 300), no_capacity(1))
    .at(61, Event::Replicas { owner: "web", to: 10 })
}

/// 400 pods overnight.
pub(crate) fn komodor_kubecorp_grows_without_bounds(name: &'static str) -> Incident {
    Incident {
        aims: |aims| aims.limits.max_rate = UsdPerHour(5_000_000_000),
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::Desired,
            ..Habits::default()
        },
        lasts: 1800,
        failed: |r| r.most >= 200,
        // $5 an hour are 52 nodes of $0.096, of two pods each; four pods have room on those that are there.
        held: |r| r.most == 52,
        unservable: 296,
        ..Incident::of(name, "Komodor, \"KubeCorp\"")
    }
    .group("workers", (0, 300, 5))
    .owner(Owner::of("web", 10))
    .at(
        60,
        Event::Replicas {
            owner: "web",
            to: 400,
        },
    )
}

/// No capacity anywhere for 8 h 11 min.
pub(crate) fn us_east_1_2025_launches_fail_for_eight_hours(name: &'static str) -> Incident {
    two_more(Incident {
        every: 60,
        lasts: 33_000,
        habits: launches(Counts::Given),
        failed: |r| r.writes >= 400,
        held: |r| r.writes <= 80 && r.launched == 2 && r.last_waited <= 29_460 + 2100,
        ..Incident::of(name, "AWS us-east-1, 2025-10-19")
    })
    .fault((30, 29_460), no_capacity(0))
}

/// The group goes on trying by itself; what was given up comes after all.
pub(crate) fn capacity_comes_after_the_launch_was_given_up(name: &'static str) -> Incident {
    two_more(Incident {
        launch: Launch::Desired,
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::Nothing,
            ..Habits::default()
        },
        lasts: 7200,
        failed: |r| r.launched >= 8,
        held: |r| r.launched <= 4,
        ..Incident::of(name, "no capacity, then late success (fault A5)")
    })
    .fault((30, 1470), no_capacity(0))
}

/// What never joins is launched until the account has no more, and others wait.
pub(crate) fn karpenter_2579_a_retry_loop_exhausts_a_quota(name: &'static str) -> Incident {
    let of = |name: &str, replicas| Owner {
        selects: Some(("group".to_owned(), name.to_owned())),
        ..Owner::of(name, replicas)
    };
    let mut incident = Incident {
        lasts: 7200,
        habits: launches(Counts::Nothing),
        failed: |r| r.waiting > 0,
        held: |r| r.launched <= 14,
        ..Incident::of(name, "kubernetes-sigs/karpenter #2579")
    }
    .group("blue", (0, 30, 2))
    .group("green", (0, 30, 1))
    .owner(of("blue", 4))
    .owner(of("green", 2))
    .fault((30, 3000), FaultKind::NeverJoins { permille: 1000 })
    .at(60, Event::Replicas { owner: "blue", to: 8 })
    .at(
        3600,
        Event::Replicas {
            owner: "green",
            to: 6,
        },
    );
    incident.account.quotas.on_demand_vcpus = 40;
    incident
}

/// The first zone has none; the others do.
pub(crate) fn one_zone_has_no_capacity(name: &'static str) -> Incident {
    two_more(Incident {
        habits: launches(Counts::Given),
        failed: |r| r.waiting == 4 && r.writes >= 300,
        held: |r| r.launched == 2 && r.last_waited <= 300 && r.writes <= 6,
        ..Incident::of(name, "one zone without capacity (fault A5)")
    })
    .fault(
        (30, 7200),
        FaultKind::NoCapacity {
            types: Vec::new(),
            zones: vec!["us-east-1a".to_owned()],
            spot: None,
            but: 0,
        },
    )
}

/// The type of one group is not to be had, and the group, asked by its size, answers with the size alone.
pub(crate) fn a_group_asked_by_its_size_finds_no_capacity(name: &'static str) -> Incident {
    let mut incident = two_more(Incident {
        launch: Launch::Desired,
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::Asked,
            ..Habits::default()
        },
        failed: |r| r.waiting == 4 && r.launched == 0,
        held: |r| r.launched == 1 && r.last_waited <= 180,
        ..Incident::of(
            name,
            "no capacity behind an accepted SetDesiredCapacity (fault A5)",
        )
    })
    .fault(
        (30, 7200),
        FaultKind::NoCapacity {
            types: vec!["m5.large".to_owned()],
            zones: Vec::new(),
            spot: None,
            but: 0,
        },
    );
    let others = workers("xlarge", "m6a.2xlarge").sized(0, 10, 0);
    incident.account.groups.push(others);
    incident
}

/// Six nodes of twenty are taken back at once, and the group replaces them by itself.
pub(crate) fn a_spot_storm_takes_a_third(name: &'static str) -> Incident {
    let mut incident = Incident {
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::Desired,
            cleans: Cleans::NotReady,
            ..Habits::default()
        },
        failed: |r| r.killed >= 1,
        held: |r| r.last_waited <= 1200,
        ..Incident::of(name, "a spot storm of 30 % (fault A8)")
    }
    .group("workers", (0, 40, 20))
    .owner(Owner {
        spare: Some(4),
        ..Owner::of("web", 40)
    })
    .fault((300, 0), FaultKind::Interruption { permille: 300 });
    for group in &mut incident.account.groups {
        group.spot = true;
    }
    incident
}

/// Every such call is answered with this error.
pub(crate) fn errors(calls: &[&str], error: ErrorKind) -> FaultKind {
    FaultKind::Errors {
        calls: calls.iter().map(|call| (*call).to_owned()).collect(),
        permille: 1000,
        error,
    }
}
