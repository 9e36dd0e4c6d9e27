//! Placement policy: jobs and bursts go to Fargate while the EC2 groups run below break-even utilisation.
//!
//! Says nothing about pods that only one of the two can run. The README tells the reasoning.

const std = @import("std");
const plimsoll = @import("plimsoll");
const Class = plimsoll.Class;
const Set = plimsoll.Set;
const View = plimsoll.View;

pub const hooks = .{ .placement = FargateOrEc2 };

const cheaper_on_fargate = 1;
const stays_on_ec2 = 2;
const labelled_for_ec2 = 3;

const FargateOrEc2 = struct {
    /// Kinds of owners whose pods come and go.
    job_kinds: []const []const u8 = &.{"Job"},
    /// From this many pods without a place in one class on, they are a burst; 0: never.
    burst_pods: u32 = 20,
    /// Utilisation to reckon with while there are no EC2 nodes to measure.
    assumed_utilisation_percent: f64 = 65,
    /// Whether everything else is kept off Fargate, or left to the price.
    others_stay_on_ec2: bool = true,
    /// Pods with this label, `key=value`, are kept off Fargate.
    ec2_label: []const u8 = "",

    pub const limits = .{ .assumed_utilisation_percent = .{ 1, 100 } };

    pub fn configure(json: []const u8) !FargateOrEc2 {
        const policy = try plimsoll.config(FargateOrEc2, json);
        if (policy.ec2_label.len > 0) {
            const key, _ = policy.label() orelse .{ "", "" };
            if (key.len == 0) return plimsoll.decline("ec2_label must be empty or key=value", .{});
        }
        return policy;
    }

    pub fn place(policy: *const FargateOrEc2, view: *View, answer: *plimsoll.Prices) !void {
        const utilised = try policy.utilisation(view);
        var classes = view.rows(Class);
        while (classes.next()) |class| {
            const ec2 = class.get(.ec2_price) orelse continue;
            const fargate = class.get(.fargate_price) orelse continue;
            const labelled = policy.isLabelled(class);
            const passing = policy.comesAndGoes(class);
            var sets = view.rows(Set);
            while (sets.next()) |set| {
                if (set.get(.kind) != .fargate) continue;
                if (labelled) {
                    answer.forbid(class, set, labelled_for_ec2);
                } else if (passing and utilised < ec2 / fargate) {
                    // Priced a hair below a node used to the full: wins against any node that would be bought.
                    answer.add(class, set, ec2 * 0.999 - fargate, cheaper_on_fargate);
                } else if (!passing and policy.others_stay_on_ec2) {
                    answer.forbid(class, set, stays_on_ec2);
                }
            }
        }
    }

    fn label(policy: *const FargateOrEc2) ?struct { []const u8, []const u8 } {
        return std.mem.cutScalar(u8, policy.ec2_label, '=');
    }

    fn isLabelled(policy: *const FargateOrEc2, class: Class) bool {
        const key, const value = policy.label() orelse return false;
        return std.mem.eql(u8, class.by(.label, key), value);
    }

    fn comesAndGoes(policy: *const FargateOrEc2, class: Class) bool {
        const kind = class.get(.owner_kind);
        for (policy.job_kinds) |job| {
            if (std.mem.eql(u8, kind, job)) return true;
        }
        const waiting = class.get(.pending) +| class.get(.to_come);
        return policy.burst_pods > 0 and waiting >= policy.burst_pods;
    }

    /// Share of the EC2 groups that is requested, by their scarcer resource, weighted by nodes. Nodes and shares are
    /// the group's: of a group with several sets (a fleet) the first one tells them.
    fn utilisation(policy: *const FargateOrEc2, view: *View) !f64 {
        var counted: std.StringHashMapUnmanaged(void) = .empty;
        var nodes: f64 = 0;
        var used: f64 = 0;
        var sets = view.rows(Set);
        while (sets.next()) |set| {
            if (set.get(.kind) == .fargate) continue;
            const group = try counted.getOrPut(plimsoll.allocator, set.get(.group));
            if (group.found_existing) continue;
            const requested: f64 = @floatFromInt(@max(set.get(.cpu_requested), set.get(.memory_requested)));
            const weight: f64 = @floatFromInt(set.get(.nodes));
            nodes += weight;
            used += weight * (requested / 1000);
        }
        return if (nodes > 0) used / nodes else policy.assumed_utilisation_percent / 100;
    }
};
