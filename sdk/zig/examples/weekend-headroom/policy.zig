//! Headroom policy: keeps room for so many pods on weekdays and so many at weekends, and for a share of a recent peak.
//!
//! The time is the picture's; daylight saving is not known.

const std = @import("std");
const plimsoll = @import("plimsoll");

pub const hooks = .{ .headroom = WeekendHeadroom };

const weekday = 1;
const weekend = 2;
const peak = 3;
const most_pods = 10_000;

const WeekendHeadroom = struct {
    /// Local time minus UTC.
    utc_offset_minutes: i32 = 0,
    /// Request of a virtual pod.
    cpu_milli: u32 = 500,
    memory_mib: u32 = 1024,
    weekday_pods: u32 = 10,
    weekend_pods: u32 = 2,
    /// Keeps so much of the most pods that waited in so many minutes, where that is more.
    peak_percent: u32 = 0,
    peak_minutes: u32 = 60,

    pub const limits = .{
        .utc_offset_minutes = .{ -1440, 1440 },
        .weekday_pods = .{ 0, most_pods },
        .weekend_pods = .{ 0, most_pods },
        .peak_percent = .{ 0, 1000 },
        .peak_minutes = .{ 1, 1440 },
    };

    pub fn configure(json: []const u8) !WeekendHeadroom {
        const policy = try plimsoll.config(WeekendHeadroom, json);
        if (policy.cpu_milli == 0 and policy.memory_mib == 0) {
            return plimsoll.decline("cpu_milli and memory_mib must not both be 0", .{});
        }
        return policy;
    }

    pub fn reserve(policy: *const WeekendHeadroom, view: *plimsoll.View, answer: *plimsoll.Room) !void {
        var code: u16 = if (policy.isWeekend(view.nowMs())) weekend else weekday;
        var pods: u64 = if (code == weekend) policy.weekend_pods else policy.weekday_pods;
        const follow = (policy.recentPeak(view) * policy.peak_percent + 99) / 100;
        if (policy.peak_percent > 0 and follow > pods) {
            pods = follow;
            code = peak;
        }
        pods = @min(pods, most_pods);
        if (pods > 0) answer.keep(@intCast(pods), policy.cpu_milli, policy.memory_mib, code);
    }

    fn isWeekend(policy: *const WeekendHeadroom, now_ms: u64) bool {
        const minutes = @as(i64, @intCast(now_ms / 60_000)) + policy.utc_offset_minutes;
        // 1970-01-01 was a Thursday.
        return @mod(@divFloor(minutes, 1440) + 3, 7) >= 5;
    }

    /// The most pods that waited recently.
    fn recentPeak(policy: *const WeekendHeadroom, view: *plimsoll.View) u64 {
        var most: u64 = 0;
        var history = view.rows(plimsoll.History);
        while (history.next()) |cycle| {
            if (cycle.get(.age_ms) <= policy.peak_minutes * 60_000) most = @max(most, cycle.get(.pending));
        }
        return most;
    }
};
