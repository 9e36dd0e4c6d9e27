//! What is not seen, not told, or told wrongly, and taken for zero.

use super::launches::errors;
use crate::cluster::{Cover, Owner};
use crate::habits::{Cleans, Counts, Grows, Habits, OnError, Removes, Scales};
use crate::incident::{Event, Incident};
use model::WorkloadKey;
use model::aims::ScaleAim;
use sim_aws::faults::ErrorKind;

fn empty_at_once() -> Habits {
    Habits {
        removes: Removes::Empty { after: 0 },
        ..Habits::default()
    }
}

fn unlisted() -> Habits {
    Habits {
        cleans: Cleans::Unlisted,
        on_error: OnError::TakesForNothing,
        ..Habits::default()
    }
}

/// Four full nodes.
fn four(incident: Incident) -> Incident {
    incident.group("workers", (0, 10, 4)).owner(Owner::of("web", 8))
}

/// Every node looks empty.
pub(crate) fn ca_446_the_first_loop_runs_before_pods_are_synced(name: &'static str) -> Incident {
    let cover = Cover {
        pods_hidden_permille: 1000,
        admitted: true,
        metrics_gone: false,
    };
    four(Incident {
        habits: empty_at_once(),
        failed: |r| r.killed == 4,
        held: |r| r.removed == 0 && r.launched == 0 && r.lost == 0,
        ..Incident::of(name, "kubernetes/autoscaler #446")
    })
    .at(0, Event::Cover(cover))
    .at(1500, Event::Uncover)
}

/// The store is half migrated and says that it is whole.
pub(crate) fn reddit_2016_a_picture_read_by_half_empties_the_fleet(name: &'static str) -> Incident {
    let cover = Cover {
        pods_hidden_permille: 500,
        admitted: false,
        metrics_gone: false,
    };
    Incident {
        lasts: 7200,
        habits: empty_at_once(),
        failed: |r| r.killed >= 14 && r.removed_in_ten_minutes >= 14,
        held: |r| r.removed == 0 && r.lost == 0,
        ..Incident::of(name, "Reddit 2016-08-11")
    }
    .group("workers", (0, 60, 30))
    .owner(Owner::of("web", 60))
    .at(300, Event::Cover(cover))
    .at(2100, Event::Uncover)
}

/// The cloud says "not found" of an instance that is well.
pub(crate) fn karpenter_1100_a_healthy_node_is_not_found(name: &'static str) -> Incident {
    four(Incident {
        habits: unlisted(),
        failed: |r| r.killed == 2,
        held: |r| r.removed == 0 && r.launched == 0 && r.lost == 0,
        ..Incident::of(name, "kubernetes-sigs/karpenter #1100")
    })
    .at(
        300,
        Event::Unlisted {
            count: 2,
            seconds: 300,
        },
    )
}

/// A restart finds no groups, for ten minutes.
pub(crate) fn karpenter_1121_the_list_is_empty_for_a_while(name: &'static str) -> Incident {
    let (group, tag) = ("workers", "plimsoll.io/cluster");
    four(Incident {
        habits: unlisted(),
        failed: |r| r.killed == 4,
        held: |r| r.removed == 0 && r.launched == 0 && r.lost == 0,
        ..Incident::of(name, "kubernetes-sigs/karpenter #1121")
    })
    .at(300, Event::Untag { group, tag })
    .at(300, Event::Restart)
    .at(900, Event::Tag { group, tag })
}

fn scaled(aims: &mut model::Aims, metric: &str, target_milli: i64) {
    aims.scale = vec![ScaleAim {
        workload: WorkloadKey::new("Deployment", "default", "web"),
        min: 0,
        max: 200,
        target_milli,
        metric: metric.to_owned(),
    }];
}

/// Packets are lost, load falls, capacity goes; then all of the load is back, and more.
pub(crate) fn slack_2021_load_falls_for_minutes(name: &'static str) -> Incident {
    let web = Owner {
        work: Some(9000),
        ..Owner::of("web", 20)
    };
    Incident {
        aims: |aims| scaled(aims, "cpu", 500),
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::Desired,
            scales: Scales::ByWork,
            ..empty_at_once()
        },
        lasts: 2400,
        failed: |r| r.removed_in_ten_minutes >= 8 && r.launched >= 18,
        held: |r| r.removed == 0 && r.launched <= 11,
        ..Incident::of(name, "Slack 2021-01-04")
    }
    .group("workers", (0, 200, 10))
    .owner(web)
    .at(
        300,
        Event::Work {
            owner: "web",
            milli: 900,
        },
    )
    .at(
        780,
        Event::Work {
            owner: "web",
            milli: 18_000,
        },
    )
}

/// What is not known is not zero.
pub(crate) fn keda_1850_the_metric_is_gone(name: &'static str) -> Incident {
    let web = Owner {
        queue: Some(100),
        ..Owner::of("web", 10)
    };
    let cover = Cover {
        pods_hidden_permille: 0,
        admitted: false,
        metrics_gone: true,
    };
    Incident {
        aims: |aims| scaled(aims, "queue", 10_000),
        habits: Habits {
            scales: Scales::ByQueue { each: 10 },
            ..Habits::default()
        },
        failed: |r| r.fewest_served == 0,
        held: |r| r.fewest_served == 10 && r.removed == 0,
        ..Incident::of(name, "kedacore/keda #1850")
    }
    .group("workers", (0, 10, 5))
    .owner(web)
    .at(300, Event::Cover(cover))
    .at(1500, Event::Uncover)
}

/// Throttled for ten minutes; every group is said to have failed, for an hour.
pub(crate) fn ca_3877_a_throttle_storm_is_taken_for_missing_capacity(name: &'static str) -> Incident {
    four(Incident {
        lasts: 1800,
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::Desired,
            on_error: OnError::BacksOff { seconds: 3600 },
            ..Habits::default()
        },
        failed: |r| r.waiting == 4,
        held: |r| r.launched == 2 && r.last_waited <= 660 + 180,
        ..Incident::of(name, "kubernetes/autoscaler #3877, #252")
    })
    .fault((60, 600), errors(&["autoscaling:*"], ErrorKind::Throttled))
    .at(90, Event::Replicas { owner: "web", to: 12 })
}

/// It runs, and does nothing until somebody restarts it.
pub(crate) fn karpenter_oci_37_a_lost_connection_stalls_it_for_good(name: &'static str) -> Incident {
    four(Incident {
        lasts: 1800,
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::Desired,
            on_error: OnError::Stalls,
            ..Habits::default()
        },
        failed: |r| r.waiting == 4,
        held: |r| r.launched == 2 && r.last_waited <= 360 + 180,
        ..Incident::of(name, "karpenter-provider-oci #37")
    })
    .fault(
        (60, 300),
        errors(&["autoscaling:*", "ec2:*"], ErrorKind::Internal),
    )
    .at(90, Event::Replicas { owner: "web", to: 12 })
}

/// Half an hour without valid credentials.
pub(crate) fn credentials_expire_while_running(name: &'static str) -> Incident {
    four(Incident {
        habits: unlisted(),
        failed: |r| r.lost >= 8,
        held: |r| r.lost == 0 && r.launched == 2 && r.last_waited <= 2100 + 180,
        ..Incident::of(name, "credentials that expire (fault A9)")
    })
    .fault((300, 1800), errors(&[], ErrorKind::Expired))
    .at(900, Event::Replicas { owner: "web", to: 12 })
}

/// Pages cut in the middle.
pub(crate) fn torn_pages_are_taken_for_an_empty_list(name: &'static str) -> Incident {
    four(Incident {
        habits: unlisted(),
        failed: |r| r.killed == 4,
        held: |r| r.removed == 0 && r.launched == 0 && r.lost == 0,
        ..Incident::of(name, "partial bodies (fault K7)")
    })
    .fault(
        (300, 600),
        errors(&["autoscaling:DescribeAutoScalingGroups"], ErrorKind::Torn),
    )
}

/// Instances end by hand; in a cache without expiry they live on, and are taken to be on their way.
pub(crate) fn karpenter_9242_instances_that_are_gone_stay_in_the_picture(name: &'static str) -> Incident {
    let (group, count) = ("workers", 2);
    four(Incident {
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::EverListed,
            ..Habits::default()
        },
        failed: |r| r.waiting == 4 && r.launched == 0,
        held: |r| r.removed == 0 && r.launched == 2 && r.last_waited <= 300 + 90 + 180,
        ..Incident::of(name, "karpenter-provider-aws #9242, #9226")
    })
    .at(300, Event::End { group, count })
}

/// Their Nodes stay as well, behind a finalizer: one with pods that never end, and two young ones that look like nodes
/// that boot.
pub(crate) fn karpenter_9226_nodes_of_instances_that_are_gone_stay(name: &'static str) -> Incident {
    let (group, count, owner) = ("workers", 3, "web");
    four(Incident {
        habits: Habits {
            grows: Grows::ByNumber,
            counts: Counts::NotReady,
            ..Habits::default()
        },
        failed: |r| r.waiting == 6 && r.launched == 2,
        held: |r| r.removed == 0 && r.launched == 5 && r.last_waited <= 310 + 340 + 180,
        ..Incident::of(name, "karpenter-provider-aws #9226, #9479")
    })
    .at(0, Event::KeepNodes)
    .at(30, Event::Replicas { owner, to: 12 })
    .at(300, Event::Replicas { owner, to: 8 })
    .at(310, Event::End { group, count })
    .at(370, Event::Replicas { owner, to: 12 })
}

/// The role may not end instances.
pub(crate) fn denied_terminations_leave_nodes_cordoned(name: &'static str) -> Incident {
    Incident {
        lasts: 7140,
        habits: Habits {
            removes: Removes::EmptyCordonedFirst { after: 600 },
            ..Habits::default()
        },
        failed: |r| r.cordoned == 2,
        held: |r| r.removed == 0 && r.writes <= 14,
        ..Incident::of(name, "a call that is denied (fault K8)")
    }
    .group("workers", (0, 10, 4))
    .owner(Owner::of("web", 4))
    .fault(
        (30, 9000),
        errors(
            &["autoscaling:TerminateInstanceInAutoScalingGroup"],
            ErrorKind::Denied,
        ),
    )
}
