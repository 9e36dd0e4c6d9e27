//! Headroom policy: keeps room for as many pods as waited at most in the last cycles.

const plimsoll = @import("plimsoll");

pub const hooks = .{ .headroom = Policy };

/// Configuration, with its defaults.
const Policy = struct {
    /// How far back to look.
    minutes: u32 = 30,
    /// Request of a virtual pod.
    cpu_milli: u32 = 250,
    memory_mib: u32 = 512,

    pub const limits = .{ .minutes = .{ 1, 1440 }, .cpu_milli = .{ 1, 1_000_000 } };

    pub fn reserve(policy: *const Policy, view: *plimsoll.View, answer: *plimsoll.Room) !void {
        var most: u32 = 0;
        var history = view.rows(plimsoll.History);
        while (history.next()) |cycle| {
            if (cycle.get(.age_ms) / 60_000 <= policy.minutes) most = @max(most, cycle.get(.pending));
        }
        if (most > 0) answer.keep(@min(most, 100), policy.cpu_milli, policy.memory_mib, 1);
    }
};
