//! Scaler policy: replicas in proportion to the depth of a queue, none once it has been empty for a while.
//!
//! Keeps since when each queue is empty. Workloads that are scaled on `cpu` or `memory` are not its business.

const std = @import("std");
const plimsoll = @import("plimsoll");
const Workload = plimsoll.Workload;

pub const hooks = .{ .scaler = QueueDepth };

const grows = 1;
const shrinks = 2;
const stays = 3;

const most_kept = 65_536;

const QueueDepth = struct {
    /// Values older than this are not believed.
    max_age_seconds: u32 = 120,
    /// After so long with an empty queue the last replica goes.
    idle_seconds: u32 = 300,
    /// So much of the replicas may go at once.
    most_down_percent: u32 = 50,

    pub const limits = .{
        .max_age_seconds = .{ 0, 86400 },
        .idle_seconds = .{ 0, 86400 },
        .most_down_percent = .{ 0, 100 },
    };

    pub fn scale(policy: *const QueueDepth, view: *plimsoll.View, answer: *plimsoll.Replicas) !void {
        const now = view.nowMs();
        var idle = try Idle.read(view);
        const cpu = view.intern("cpu");
        const memory = view.intern("memory");
        var workloads = view.rows(Workload);
        while (workloads.next()) |workload| {
            const metric = workload.sym(.metric);
            if (metric == cpu or metric == memory) continue;
            const depth = policy.believed(workload) orelse {
                // What is not known now says nothing about how long the queue has been empty.
                try idle.carryOver(workload);
                continue;
            };
            const replicas = workload.get(.replicas);
            const unhurried = if (depth > 0)
                wantedFor(depth, workload.get(.target))
            else
                policy.wantedWhenEmpty(try idle.since(workload, now), now);
            const wanted = policy.notTooFast(unhurried, replicas);
            const code: u16 = if (wanted > replicas) grows else if (wanted < replicas) shrinks else stays;
            answer.set(workload, wanted, code);
            if (code != stays) {
                const shown: u32 = if (depth < std.math.maxInt(u32)) @trunc(depth) else std.math.maxInt(u32);
                const values = .{ workload.get(.name), shown, replicas, wanted };
                plimsoll.explain(workload.row, code, "{s}: {d} waiting, {d} to {d}", values);
            }
        }
        plimsoll.keep(whatFits(idle.new.written()));
    }

    /// The first lines of a state, as many as may be kept. A queue that is not remembered is never idle for long.
    fn whatFits(state: []const u8) []const u8 {
        if (state.len <= most_kept) return state;
        const end = std.mem.lastIndexOfScalar(u8, state[0..most_kept], '\n') orelse return "";
        return state[0 .. end + 1];
    }

    /// The depth of the queue, if it can be reckoned with.
    fn believed(policy: *const QueueDepth, workload: Workload) ?f64 {
        if (workload.get(.age_ms) > policy.max_age_seconds * 1000 or workload.get(.target) <= 0) return null;
        return workload.get(.value);
    }

    fn wantedWhenEmpty(policy: *const QueueDepth, since: u64, now: u64) u32 {
        return if (now >= since and now - since >= @as(u64, policy.idle_seconds) * 1000) 0 else 1;
    }

    fn wantedFor(depth: f64, target: f64) u32 {
        return @trunc(std.math.clamp(@ceil(depth / target), 1, 1e6));
    }

    /// No further down than a share of the replicas, rounded up; to zero at once.
    fn notTooFast(policy: *const QueueDepth, wanted: u32, replicas: u32) u32 {
        if (wanted == 0 or wanted >= replicas) return wanted;
        const least = (@as(u64, replicas) * (100 - policy.most_down_percent) + 99) / 100;
        return @intCast(@max(wanted, least));
    }
};

/// Since when queues are empty: what was kept, and what will be. A line `KIND/NAMESPACE/NAME SINCE` for each.
const Idle = struct {
    const Line = struct { text: []const u8, since: u64 };

    old: std.StringHashMapUnmanaged(Line) = .empty,
    new: std.Io.Writer.Allocating = .init(plimsoll.allocator),
    key: std.Io.Writer.Allocating = .init(plimsoll.allocator),

    fn read(view: *plimsoll.View) !Idle {
        var idle: Idle = .{};
        var lines = std.mem.splitScalar(u8, view.state(), '\n');
        while (lines.next()) |text| {
            const key, const digits = std.mem.cutScalarLast(u8, text, ' ') orelse continue;
            const begun = wholeNumber(digits) orelse continue;
            try idle.old.put(plimsoll.allocator, key, .{ .text = text, .since = begun });
        }
        return idle;
    }

    fn wholeNumber(digits: []const u8) ?u64 {
        for (digits) |digit| if (!std.ascii.isDigit(digit)) return null;
        return std.fmt.parseInt(u64, digits, 10) catch null;
    }

    fn keyOf(idle: *Idle, workload: Workload) ![]const u8 {
        idle.key.clearRetainingCapacity();
        const names = .{ workload.get(.kind), workload.get(.namespace), workload.get(.name) };
        try idle.key.writer.print("{s}/{s}/{s}", names);
        return idle.key.written();
    }

    /// Since when the queue of a workload is empty: since now, if nothing was kept. Keeps it.
    fn since(idle: *Idle, workload: Workload, now: u64) !u64 {
        const key = try idle.keyOf(workload);
        const begun = if (idle.old.get(key)) |line| line.since else now;
        try idle.new.writer.print("{s} {d}\n", .{ key, begun });
        return begun;
    }

    /// Keeps what was kept.
    fn carryOver(idle: *Idle, workload: Workload) !void {
        const line = idle.old.get(try idle.keyOf(workload)) orelse return;
        try idle.new.writer.print("{s}\n", .{line.text});
    }
};
