//! Scaler policy: one replica for so much of the metric, at least as many as are allowed.

const std = @import("std");
const plimsoll = @import("plimsoll");

pub const hooks = .{ .scaler = Policy };

/// Configuration, with its defaults.
const Policy = struct {
    /// Values older than this are not believed.
    max_age_seconds: u32 = 120,

    pub fn scale(policy: *const Policy, view: *plimsoll.View, answer: *plimsoll.Replicas) !void {
        var workloads = view.rows(plimsoll.Workload);
        while (workloads.next()) |workload| {
            if (workload.get(.age_ms) / 1000 > policy.max_age_seconds) continue;
            // A missing value never means zero: without one, the workload keeps what it has.
            const value = workload.get(.value) orelse continue;
            const share = if (workload.get(.request) > 0) workload.get(.request) else 1;
            const per_replica = workload.get(.target) * share;
            if (per_replica <= 0) continue;
            const wanted: u32 = @trunc(std.math.clamp(@ceil(value / per_replica), 0, 1e6));
            answer.set(workload, @max(wanted, workload.get(.min)), 1);
        }
    }
};
