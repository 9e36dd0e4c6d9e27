//! Scaler policy: every workload keeps its replicas, within its bounds.
//!
//! Decides nothing; it shows the fastest way over whole columns, and speed is measured with it.

const plimsoll = @import("plimsoll");
const Workload = plimsoll.Workload;

pub const hooks = .{ .scaler = WithinBounds };

const most_replicas = 1_000_000;

const WithinBounds = struct {
    pub fn scale(_: *const WithinBounds, view: *plimsoll.View, answer: *plimsoll.Replicas) !void {
        const replicas = view.column(Workload, .replicas);
        const least = view.column(Workload, .min);
        const most = view.column(Workload, .max);
        for (replicas, least, most, answer.ofFirst(replicas.len)) |now, low, high, *wanted| {
            wanted.* = @min(@max(now, low), high, most_replicas);
        }
    }
};
