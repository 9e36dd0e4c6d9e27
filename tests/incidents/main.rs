//! What went wrong elsewhere, played again: each incident on the façade's account and a modelled cluster, first with
//! a naive controller in charge, then with Plimsoll.
//!
//! The real loop, eyes and hands through the real SDK; time is virtual. An incident is a row of data (`rows`), played
//! by one driver (`play`). On the same ground, `long_run` is the end-to-end run of `storm` once more, with the limits as
//! they are by default. Not here: a real API server (`e2e`, `storm`), random faults (`sim`).
//!
//! `cargo test -p plimsoll-tests --test incidents -- --nocapture --test-threads 1` prints a table; with
//! `PLIMSOLL_INCIDENTS_TELL=1` also what Plimsoll did.

#![expect(clippy::unwrap_used, reason = "all of this is test code")]
#![expect(clippy::print_stdout, reason = "the figures of the long run")]

mod cluster;
mod ground;
mod habits;
mod incident;
mod long_run;
mod naive;
mod ours;
mod picture;
mod play;
mod referee;
mod rows;
mod scheduler;

/// Name of the cluster.
const CLUSTER: &str = "blue";

/// One test for each row of a file of rows.
macro_rules! replays {
    ($($file:ident { $($row:ident)+ })+) => {
        $($(
            #[tokio::test]
            async fn $row() {
                let incident = rows::$file::$row(stringify!($row));
                let played = play::twice(incident).await;
                println!("{}", played.figures());
                played.judge();
            }
        )+)+
    };
}

replays! {
    shrinks {
        ca_10147_cleaning_up_placeholders_takes_healthy_instances
        ca_9182_placeholders_counted_twice_take_half_the_group
        ca_5465_an_instance_that_never_registers_costs_a_healthy_one
        ca_6795_nodes_that_are_not_ready_cost_healthy_ones
        openai_95_a_fraction_of_one_deletes_every_node
        stytch_2023_the_node_of_the_controller_is_removed
        karpenter_1167_a_pod_is_bound_between_decision_and_removal
        a_group_at_its_minimum_keeps_cordoned_nodes
        somebody_else_raises_desired_while_zones_are_evened_out
        somebody_else_lowers_the_maximum
    }
    launches {
        karpenter_1448_a_crash_between_launch_and_record_launches_twice
        a_crash_before_the_launch_waits_for_ever
        an_answer_of_launch_instances_is_lost
        an_answer_is_lost_while_lists_are_stale
        a_stale_desired_size_takes_nodes_back
        an_answer_of_set_desired_capacity_is_lost
        karpenter_2011_a_new_node_every_loop_for_a_pod_that_never_binds
        launches_never_join_for_hours
        karpenter_1100_launches_that_are_not_listed_yet_are_made_again
        partial_success_is_taken_for_all
        an_answer_of_create_fleet_is_lost
        create_fleet_comes_in_part
        komodor_kubecorp_grows_without_bounds
        us_east_1_2025_launches_fail_for_eight_hours
        karpenter_2579_a_retry_loop_exhausts_a_quota
        one_zone_has_no_capacity
        a_group_asked_by_its_size_finds_no_capacity
        capacity_comes_after_the_launch_was_given_up
        a_spot_storm_takes_a_third
    }
    blind {
        ca_446_the_first_loop_runs_before_pods_are_synced
        reddit_2016_a_picture_read_by_half_empties_the_fleet
        karpenter_1100_a_healthy_node_is_not_found
        karpenter_1121_the_list_is_empty_for_a_while
        slack_2021_load_falls_for_minutes
        keda_1850_the_metric_is_gone
        ca_3877_a_throttle_storm_is_taken_for_missing_capacity
        karpenter_oci_37_a_lost_connection_stalls_it_for_good
        credentials_expire_while_running
        torn_pages_are_taken_for_an_empty_list
        karpenter_9242_instances_that_are_gone_stay_in_the_picture
        karpenter_9226_nodes_of_instances_that_are_gone_stay
        denied_terminations_leave_nodes_cordoned
    }
    restarts {
        ca_5048_a_restart_after_the_taint_forgets_the_node
        sieve_a_stale_list_after_a_restart_launches_again
        ca_7873_a_crash_loop_resets_every_timer
        karpenter_3979_replacements_never_join_and_old_nodes_go
        karpenter_5373_a_new_template_replaces_every_node
        karpenter_1510_drift_that_is_replaced_goes_node_by_node
        karpenter_3979_a_template_that_never_joins_stops_at_the_canary
    }
}
