//! The hooks: what a policy exports for each, and what it says to the host beside its answer.
//!
//! A policy is a struct. Its fields are its configuration, which `configure` reads where it has one; its functions
//! answer.

const std = @import("std");
const answers = @import("answers.zig");
const contract = @import("contract.zig");
const config = @import("config.zig");
const memory = @import("memory.zig");
const View = @import("view.zig").View;

/// The only error there is: no answer, or a configuration that is refused. `decline` says why.
pub const Declined = error{Declined};

/// The hooks of the contract: interface, question, answer.
const all = .{
    .scaler = .{ "scale", answers.Replicas },
    .placement = .{ "place", answers.Prices },
    .headroom = .{ "reserve", answers.Room },
    .disruption = .{ "judge", answers.Verdicts },
    .review = .{ "review", answers.Holds },
};

/// Exports each hook of `.{ .placement = Policy, … }`.
pub fn exportAll(comptime hooks: anytype) void {
    for (@typeInfo(@TypeOf(hooks)).@"struct".field_names) |name| {
        if (!@hasField(@TypeOf(all), name)) @compileError("there is no hook " ++ name);
        const question, const Answer = @field(all, name);
        const Exported = Hook(@field(hooks, name), question, Answer);
        @export(&Exported.configure, .{ .name = contract.interface(name) ++ "#configure" });
        @export(&Exported.answer, .{ .name = contract.interface(name) ++ "#" ++ question });
    }
}

fn Hook(comptime Policy: type, comptime question: []const u8, comptime Answer: type) type {
    return struct {
        var policy: ?Policy = null;

        fn configure(json: [*]const u8, len: usize) callconv(.c) *const answers.Result {
            const read = if (@hasDecl(Policy, "configure")) Policy.configure else reader(Policy);
            policy = read(json[0..len]) catch |why| return refused(why);
            return answers.given(.{});
        }

        fn answer(picture: i32) callconv(.c) *const answers.Result {
            var view: View = .{ .handle = picture };
            // Must be given back before the question is answered.
            defer contract.give_back(picture);
            var given: Answer = .{};
            const configured = if (policy) |*one| one else return answers.declined("not configured");
            @field(Policy, question)(configured, &view, &given) catch |why| return refused(why);
            return answers.given(given);
        }
    };
}

fn reader(comptime T: type) fn ([]const u8) Declined!T {
    return struct {
        fn read(json: []const u8) Declined!T {
            return config.config(T, json);
        }
    }.read;
}

fn refused(why: anyerror) *const answers.Result {
    return answers.declined(if (why == error.Declined) reason else @errorName(why));
}

var reason: []const u8 = "";

/// Says no, in words for the operator: `return plimsoll.decline("{s} is no zone", .{zone});`.
pub fn decline(comptime format: []const u8, values: anytype) Declined {
    // What is known at compile time needs no formatting in the component.
    reason = if (values.len == 0)
        std.fmt.comptimePrint(format, .{})
    else
        std.fmt.allocPrint(memory.allocator, format, values) catch |e| memory.exhausted(e);
    return error.Declined;
}

/// How much a log line matters.
pub const Level = enum(u32) { debug, info, warning, @"error" };

/// Written anew for each line: a policy may say many.
var line: std.Io.Writer.Allocating = .init(memory.allocator);

fn written(comptime format: []const u8, values: anytype) []const u8 {
    line.clearRetainingCapacity();
    line.writer.print(format, values) catch @trap();
    return line.written();
}

/// A line for the record of the cycle.
pub fn log(level: Level, comptime format: []const u8, values: anytype) void {
    const text = written(format, values);
    contract.log(@backingInt(level), text.ptr, text.len);
}

/// Words for the answer about one row, beside its reason code. The last one for a row counts.
pub fn explain(row: u32, code: u16, comptime format: []const u8, values: anytype) void {
    const text = written(format, values);
    contract.explain(row, code, text.ptr, text.len);
}

/// Keeps bytes for the next cycle (`View.state`): at most 65536, the last call counts, none forgets.
pub fn keep(state: []const u8) void {
    contract.keep(state.ptr, state.len);
}
