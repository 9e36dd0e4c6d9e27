//! Review policy: lets a plan add so many dollars per hour at once and holds what goes beyond, later steps first.

const std = @import("std");
const plimsoll = @import("plimsoll");

pub const hooks = .{ .review = Policy };

const too_dear = 1;

/// Configuration, with its defaults.
const Policy = struct {
    /// What the steps of one plan may add together, dollars per hour.
    usd_per_hour: f64 = 10,
    /// Groups and Fargate profiles that do not count.
    except: []const []const u8 = &.{},

    pub fn review(policy: *const Policy, view: *plimsoll.View, answer: *plimsoll.Holds) !void {
        var sum: f64 = 0;
        var steps = view.rows(plimsoll.Step);
        while (steps.next()) |step| {
            // What nobody knows the price of is not what this policy is about.
            const adds = step.get(.adds) orelse continue;
            if (adds <= 0 or policy.isExcepted(step.get(.group))) continue;
            if (sum + adds > policy.usd_per_hour) {
                const amounts = .{ adds, sum, policy.usd_per_hour };
                plimsoll.explain(step.row, too_dear, "adds {d:.2}, {d:.2} of {d:.2} are taken", amounts);
                answer.hold(step, too_dear);
            } else {
                sum += adds;
            }
        }
    }

    fn isExcepted(policy: *const Policy, group: []const u8) bool {
        for (policy.except) |name| {
            if (std.mem.eql(u8, name, group)) return true;
        }
        return false;
    }
};
