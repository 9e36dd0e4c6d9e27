//! Configuration: a strict reader of JSON into a struct of the policy's.
//!
//! Field by field, by their types: bool, integers, floats, texts, lists, structs, optionals (null) and maps from texts
//! (`std.StringHashMapUnmanaged`). A field that is unknown, there twice, missing without a default, of another type or
//! out of its limits is refused by its name.

const std = @import("std");
const memory = @import("memory.zig");
const hooks = @import("hooks.zig");

const Declined = hooks.Declined;
const Scanner = std.json.Scanner;

/// Reads a configuration. `T` may have `pub const limits = .{ .field = .{ least, most } };` for its numbers.
pub fn config(comptime T: type, json: []const u8) Declined!T {
    var scanner: Scanner = .initCompleteInput(memory.allocator, json);
    const read = try value(T, &scanner, "the configuration", null);
    if (try next(&scanner, "the configuration") != .end_of_document) unreachable;
    return read;
}

fn next(scanner: *Scanner, comptime path: []const u8) Declined!std.json.Token {
    return scanner.nextAlloc(memory.allocator, .alloc_if_needed) catch |why| switch (why) {
        error.OutOfMemory => |e| memory.exhausted(e),
        else => hooks.decline("{s}: not JSON at byte {d}", .{ path, scanner.cursor }),
    };
}

fn value(comptime T: type, scanner: *Scanner, comptime path: []const u8, comptime limits: ?[2]f64) Declined!T {
    if (comptime isMap(T)) return map(T, scanner, path, limits);
    return switch (@typeInfo(T)) {
        .@"struct" => object(T, scanner, path),
        .optional => |optional| blk: {
            const token = scanner.peekNextTokenType() catch .end_of_document;
            if (token != .null) break :blk try value(optional.child, scanner, path, limits);
            _ = try next(scanner, path);
            break :blk null;
        },
        .pointer => |pointer| if (pointer.child == u8)
            text(scanner, path)
        else
            list(pointer.child, scanner, path, limits),
        .bool => switch (try next(scanner, path)) {
            .true => true,
            .false => false,
            else => hooks.decline(path ++ " must be true or false", .{}),
        },
        .int, .float => number(T, scanner, path, limits),
        else => @compileError(path ++ ": a configuration cannot hold " ++ @typeName(T)),
    };
}

fn isMap(comptime T: type) bool {
    return @typeInfo(T) == .@"struct" and @hasDecl(T, "KV") and @hasDecl(T, "getOrPut");
}

fn number(comptime T: type, scanner: *Scanner, comptime path: []const u8, comptime limits: ?[2]f64) Declined!T {
    const whole = @typeInfo(T) == .int;
    const least, const most = comptime limits orelse if (whole)
        [2]f64{ @floatFromInt(std.math.minInt(T)), @floatFromInt(std.math.maxInt(T)) }
    else
        [2]f64{ -std.math.floatMax(T), std.math.floatMax(T) };
    const kind = if (whole) " must be a whole number" else " must be a number";
    const bounded = whole or limits != null;
    const range = if (bounded) std.fmt.comptimePrint(" from {d} to {d}", .{ least, most }) else "";
    const digits = switch (try next(scanner, path)) {
        .number, .allocated_number => |digits| digits,
        else => "",
    };
    // The scanner has seen that it is a number of JSON's; a whole one has neither point nor exponent.
    const read = if (whole) std.fmt.parseInt(T, digits, 10) catch null else std.fmt.parseFloat(T, digits) catch null;
    if (read) |found| {
        const amount: f64 = if (whole) @floatFromInt(found) else found;
        if (amount >= least and amount <= most) return found;
    }
    return hooks.decline(path ++ kind ++ range, .{});
}

fn text(scanner: *Scanner, comptime path: []const u8) Declined![]const u8 {
    return switch (try next(scanner, path)) {
        .string, .allocated_string => |read| read,
        else => hooks.decline(path ++ " must be a text", .{}),
    };
}

fn list(comptime T: type, scanner: *Scanner, comptime path: []const u8, comptime limits: ?[2]f64) Declined![]const T {
    if (try next(scanner, path) != .array_begin) return hooks.decline(path ++ " must be a list", .{});
    var items: std.ArrayList(T) = .empty;
    while (!try ends(scanner, .array_end, path)) {
        const item = try value(T, scanner, "an entry of " ++ path, limits);
        items.append(memory.allocator, item) catch |e| memory.exhausted(e);
    }
    return items.items;
}

fn map(comptime T: type, scanner: *Scanner, comptime path: []const u8, comptime limits: ?[2]f64) Declined!T {
    if (try next(scanner, path) != .object_begin) return hooks.decline(path ++ " must be an object", .{});
    var members: T = .empty;
    while (!try ends(scanner, .object_end, path)) {
        const name = try text(scanner, path);
        const member = members.getOrPut(memory.allocator, name) catch |e| memory.exhausted(e);
        if (member.found_existing) return hooks.decline(path ++ ": `{s}` is there twice", .{name});
        member.value_ptr.* = try value(@FieldType(T.KV, "value"), scanner, "an entry of " ++ path, limits);
    }
    return members;
}

fn object(comptime T: type, scanner: *Scanner, comptime path: []const u8) Declined!T {
    if (try next(scanner, path) != .object_begin) return hooks.decline(path ++ " must be an object", .{});
    const info = @typeInfo(T).@"struct";
    const names = info.field_names;
    var read: T = undefined;
    var seen: [names.len]bool = @splat(false);
    while (!try ends(scanner, .object_end, path)) {
        const name = try text(scanner, path);
        inline for (names, 0..) |field, i| {
            if (std.mem.eql(u8, name, field)) {
                if (seen[i]) return hooks.decline("field `" ++ field ++ "` is there twice", .{});
                seen[i] = true;
                @field(read, field) = try value(@FieldType(T, field), scanner, field, comptime limitsOf(T, field));
                break;
            }
        } else return hooks.decline("unknown field `{s}`", .{name});
    }
    inline for (names, 0..) |field, i| {
        if (!seen[i]) {
            const default = comptime info.field_attrs[i].defaultValue(@FieldType(T, field));
            @field(read, field) = default orelse return hooks.decline("field `" ++ field ++ "` is missing", .{});
        }
    }
    return read;
}

fn limitsOf(comptime T: type, comptime field: []const u8) ?[2]f64 {
    return if (@hasDecl(T, "limits") and @hasField(@TypeOf(T.limits), field)) @field(T.limits, field) else null;
}

/// Whether a list or an object ends here; if so, steps over its end.
fn ends(scanner: *Scanner, end: std.json.TokenType, comptime path: []const u8) Declined!bool {
    const token = scanner.peekNextTokenType() catch .end_of_document;
    if (token == end or token == .end_of_document) _ = try next(scanner, path);
    return token == end;
}
