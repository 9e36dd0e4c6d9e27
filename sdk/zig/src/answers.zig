//! Answers, put together row by row, and how they lie in memory when they are handed to the host.
//!
//! What makes an answer nonsense (a row twice, a number out of range) is written in sdk/wit/hooks.wit; the host checks
//! it.

const std = @import("std");
const contract = @import("contract.zig");
const memory = @import("memory.zig");
const tables = @import("tables.zig");

/// Parallel lists, in the order of the contract.
fn Lists(comptime Entry: type) type {
    return struct {
        lists: std.MultiArrayList(Entry) = .empty,

        fn add(self: *@This(), entry: Entry) void {
            self.lists.append(memory.allocator, entry) catch |e| memory.exhausted(e);
        }
    };
}

/// Answer of a scaler.
pub const Replicas = struct {
    answers: Lists(struct { workload: u32, replicas: u32, code: u16 }) = .{},

    /// So many replicas for this workload, with a reason code of your own (0: none). Once for each workload.
    pub fn set(self: *Replicas, workload: tables.Workload, replicas: u32, code: u16) void {
        self.answers.add(.{ .workload = workload.row, .replicas = replicas, .code = code });
    }

    /// Answers for workloads 0 to `count` - 1 at once, code 0, for loops that must be fast. Returns where to write
    /// their replicas: 0 until then. Before any other answer.
    pub fn ofFirst(self: *Replicas, count: usize) []u32 {
        std.debug.assert(self.answers.lists.len == 0);
        self.answers.lists.resize(memory.allocator, count) catch |e| memory.exhausted(e);
        const lists = self.answers.lists.slice();
        for (lists.items(.workload), 0..) |*workload, row| workload.* = @intCast(row);
        @memset(lists.items(.replicas), 0);
        @memset(lists.items(.code), 0);
        return lists.items(.replicas);
    }
};

/// Answer of a placement policy.
pub const Prices = struct {
    factors: Lists(struct { set: u32, factor: f64 }) = .{},
    bans: Lists(struct { class: u32, set: u32, code: u16 }) = .{},
    addends: Lists(struct { class: u32, set: u32, usd: f64, code: u16 }) = .{},

    /// Multiplies the prices of a set: 1.1 makes it 10 % dearer. 0.001 to 1000, once for each set.
    pub fn factor(self: *Prices, set: tables.Set, by: f64) void {
        self.factors.add(.{ .set = set.row, .factor = by });
    }

    /// Never this class in this set. Once for each pair.
    pub fn forbid(self: *Prices, class: tables.Class, set: tables.Set, code: u16) void {
        self.bans.add(.{ .class = class.row, .set = set.row, .code = code });
    }

    /// Never any of the classes 0 to `count` - 1 in this set, for loops that must be fast. Returns where to write their
    /// codes: 0 until then. Before any other ban.
    pub fn forbidFirst(self: *Prices, set: tables.Set, count: usize) []u16 {
        std.debug.assert(self.bans.lists.len == 0);
        self.bans.lists.resize(memory.allocator, count) catch |e| memory.exhausted(e);
        const lists = self.bans.lists.slice();
        for (lists.items(.class), 0..) |*class, row| class.* = @intCast(row);
        @memset(lists.items(.set), set.row);
        @memset(lists.items(.code), 0);
        return lists.items(.code);
    }

    /// Adds dollars per hour and pod: positive avoids, negative prefers. Once for each pair.
    pub fn add(self: *Prices, class: tables.Class, set: tables.Set, usd_per_hour: f64, code: u16) void {
        self.addends.add(.{ .class = class.row, .set = set.row, .usd = usd_per_hour, .code = code });
    }
};

/// Answer of a headroom policy.
pub const Room = struct {
    kinds: Lists(struct { pods: u32, cpu_milli: u32, memory_mib: u32, code: u16 }) = .{},

    /// Keeps room for so many pods of this size.
    pub fn keep(self: *Room, pods: u32, cpu_milli: u32, memory_mib: u32, code: u16) void {
        self.kinds.add(.{ .pods = pods, .cpu_milli = cpu_milli, .memory_mib = memory_mib, .code = code });
    }
};

/// Answer of a disruption policy; a candidate that it does not name may go as it is.
pub const Verdicts = struct {
    denials: Lists(struct { candidate: u32, code: u16 }) = .{},
    addends: Lists(struct { candidate: u32, usd: f64, code: u16 }) = .{},

    /// The node stays. Once for each candidate.
    pub fn deny(self: *Verdicts, candidate: tables.Candidate, code: u16) void {
        self.denials.add(.{ .candidate = candidate.row, .code = code });
    }

    /// Giving the node up must bring so many dollars per hour more; less, where negative. Once for each candidate.
    pub fn add(self: *Verdicts, candidate: tables.Candidate, usd_per_hour: f64, code: u16) void {
        self.addends.add(.{ .candidate = candidate.row, .usd = usd_per_hour, .code = code });
    }
};

/// Answer of a review policy; a step that it does not name is begun.
pub const Holds = struct {
    steps: Lists(struct { step: u32, code: u16 }) = .{},

    /// The step waits for a later cycle. Once for each step.
    pub fn hold(self: *Holds, step: tables.Step, code: u16) void {
        self.steps.add(.{ .step = step.row, .code = code });
    }
};

/// A result as the host reads it: whether it is an error, then the lists of the answer, or the message.
pub const Result = extern struct {
    declined: u32,
    lists: [9]contract.List(u8) = undefined,
};

var result: Result = undefined;

/// Where the host finds an error.
pub fn declined(why: []const u8) *const Result {
    result.declined = 1;
    result.lists[0] = .of(why);
    return &result;
}

/// Where the host finds an answer: all lists of all groups, in the order of their declaration.
pub fn given(answer: anytype) *const Result {
    result.declined = 0;
    comptime var at = 0;
    inline for (@typeInfo(@TypeOf(answer)).@"struct".field_names) |group| {
        const lists = @field(answer, group).lists;
        const Entry = @TypeOf(lists.get(0));
        inline for (@typeInfo(Entry).@"struct".field_names, @typeInfo(Entry).@"struct".field_types) |field, T| {
            const list: contract.List(T) = .of(lists.items(@field(std.meta.FieldEnum(Entry), field)));
            result.lists[at] = .{ .ptr = list.ptr, .len = list.len };
            at += 1;
        }
    }
    return &result;
}
