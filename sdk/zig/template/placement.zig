//! Placement policy: keeps batch pods off Fargate.

const std = @import("std");
const plimsoll = @import("plimsoll");

pub const hooks = .{ .placement = Policy };

/// Configuration, with its defaults.
const Policy = struct {
    /// Label whose value `batch` marks such pods.
    label: []const u8 = "tier",

    pub fn place(policy: *const Policy, view: *plimsoll.View, answer: *plimsoll.Prices) !void {
        var classes = view.rows(plimsoll.Class);
        while (classes.next()) |class| {
            if (!std.mem.eql(u8, class.by(.label, policy.label), "batch")) continue;
            var sets = view.rows(plimsoll.Set);
            while (sets.next()) |set| {
                if (set.get(.kind) == .fargate) answer.forbid(class, set, 1);
            }
        }
    }
};
