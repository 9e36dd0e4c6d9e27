//! Disruption policy: nodes with young pods of Jobs stay, and moving a pod of a namespace that is named costs extra.

const std = @import("std");
const plimsoll = @import("plimsoll");

pub const hooks = .{ .disruption = Policy };

const young_job = 1;
const dear_namespace = 2;

/// Configuration, with its defaults.
const Policy = struct {
    /// Pods of Jobs are young for so many minutes.
    minutes: u32 = 30,
    /// Dollars per hour that a pod of a namespace counts beyond what every eviction counts.
    usd_per_hour: std.StringHashMapUnmanaged(f64) = .empty,

    pub fn judge(policy: *const Policy, view: *plimsoll.View, answer: *plimsoll.Verdicts) !void {
        var candidates = view.rows(plimsoll.Candidate);
        while (candidates.next()) |candidate| {
            var denied = false;
            var sum: f64 = 0;
            var movers = view.moversOf(candidate);
            while (movers.next()) |pod| {
                sum += policy.usd_per_hour.get(pod.get(.namespace)) orelse 0;
                if (denied or !policy.isYoungJob(pod)) continue;
                const words = .{pod.get(.owner_name)};
                plimsoll.explain(candidate.row, young_job, "Job {s} has just begun", words);
                answer.deny(candidate, young_job);
                denied = true;
            }
            if (sum != 0) answer.add(candidate, sum, dear_namespace);
        }
    }

    fn isYoungJob(policy: *const Policy, pod: plimsoll.Mover) bool {
        return std.mem.eql(u8, pod.get(.owner_kind), "Job") and pod.get(.age_ms) / 60_000 < policy.minutes;
    }
};
