//! Guest of the bench: reads three `u32` columns and answers one row for each class. The same as ../src/lib.rs.

const plimsoll = @import("plimsoll");
const Class = plimsoll.Class;

pub const hooks = .{ .placement = Columns };

const Columns = struct {
    pub fn place(_: *const Columns, view: *plimsoll.View, answer: *plimsoll.Prices) !void {
        if (view.count(plimsoll.Set) == 0) return;
        const cpu = view.column(Class, .cpu);
        const memory = view.column(Class, .memory);
        const pending = view.column(Class, .pending);
        const codes = answer.forbidFirst(view.at(plimsoll.Set, 0), cpu.len);
        for (cpu, memory, pending, codes) |c, m, p, *code| code.* = @truncate((c +% m +% p) & 1);
    }
};
