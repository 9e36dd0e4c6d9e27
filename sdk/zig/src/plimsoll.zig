//! What the author of a Plimsoll policy in Zig imports, and the root of what is built: it exports the hooks that
//! `policy`, the author's file, names.
//!
//! Holds no code of its own but what happens on a panic.

const std = @import("std");
const answers = @import("answers.zig");
const hooks = @import("hooks.zig");
const memory = @import("memory.zig");
const tables = @import("tables.zig");
const view = @import("view.zig");

pub const View = view.View;
pub const Rows = view.Rows;
pub const Sym = view.Sym;
pub const not_known = view.not_known;

pub const Class = tables.Class;
pub const Set = tables.Set;
pub const Workload = tables.Workload;
pub const Candidate = tables.Candidate;
pub const Mover = tables.Mover;
pub const Step = tables.Step;
pub const Group = tables.Group;
pub const Offer = tables.Offer;
pub const Node = tables.Node;
pub const Pod = tables.Pod;
pub const Metric = tables.Metric;
pub const Sample = tables.Sample;
pub const History = tables.History;

pub const GroupKind = tables.GroupKind;
pub const Purchase = tables.Purchase;
pub const Due = tables.Due;
pub const Confidence = tables.Confidence;
pub const Phase = tables.Phase;
pub const NodeState = tables.NodeState;

pub const Replicas = answers.Replicas;
pub const Prices = answers.Prices;
pub const Room = answers.Room;
pub const Verdicts = answers.Verdicts;
pub const Holds = answers.Holds;

pub const Declined = hooks.Declined;
pub const decline = hooks.decline;
pub const Level = hooks.Level;
pub const log = hooks.log;
pub const explain = hooks.explain;
pub const keep = hooks.keep;
pub const config = @import("config.zig").config;

pub const allocator = memory.allocator;

/// A panic is logged, since a trap alone says little; then the evaluation ends.
pub const panic = std.debug.FullPanic(struct {
    fn call(message: []const u8, _: ?usize) noreturn {
        hooks.log(.@"error", "{s}", .{message});
        @trap();
    }
}.call);

comptime {
    @export(&memory.cabiRealloc, .{ .name = "cabi_realloc" });
    hooks.exportAll(@import("policy").hooks);
}
