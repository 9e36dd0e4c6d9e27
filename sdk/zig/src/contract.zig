//! How the contract looks on the inside of a component: names of imports and exports, and lists, as the canonical ABI
//! has them.
//!
//! Functions are imported where they are used, so that a component imports only what its policy reads. Nothing here is
//! for authors.

const version = "0.2.0";

/// Name of an interface of the package.
pub fn interface(comptime name: []const u8) []const u8 {
    return "plimsoll:policy/" ++ name ++ "@" ++ version;
}

fn import(comptime of: []const u8, comptime name: []const u8, comptime Function: type) *const Function {
    return @extern(*const Function, .{ .name = name, .library_name = interface(of) });
}

fn method(comptime name: []const u8, comptime Function: type) *const Function {
    return import("view", "[method]view." ++ name, Function);
}

const Handle = i32;
const Bytes = [*]const u8;

/// A function that counts the rows of a table.
pub fn rows(comptime name: []const u8) *const fn (Handle) callconv(.c) u32 {
    return method(name, fn (Handle) callconv(.c) u32);
}

/// A function that gives a column: from which row, how many.
pub fn column(comptime name: []const u8, comptime T: type) *const fn (Handle, u32, u32, *List(T)) callconv(.c) void {
    return method(name, fn (Handle, u32, u32, *List(T)) callconv(.c) void);
}

/// A function that gives a column by a key.
pub fn columnBy(
    comptime name: []const u8,
    comptime T: type,
) *const fn (Handle, Bytes, usize, u32, u32, *List(T)) callconv(.c) void {
    return method(name, fn (Handle, Bytes, usize, u32, u32, *List(T)) callconv(.c) void);
}

/// So many rows that they are all.
pub const all_rows = 0xffff_ffff;

pub const now_ms = method("now-ms", fn (Handle) callconv(.c) u64);
pub const seed = method("seed", fn (Handle) callconv(.c) u64);
pub const cluster = method("cluster", fn (Handle) callconv(.c) u32);
pub const state = method("state", fn (Handle, *List(u8)) callconv(.c) void);
pub const resolve = method("resolve", fn (Handle, [*]const u32, usize, *List(List(u8))) callconv(.c) void);
pub const intern = method("intern", fn (Handle, Bytes, usize) callconv(.c) u32);
pub const give_back = import("view", "[resource-drop]view", fn (Handle) callconv(.c) void);

pub const log = import("host", "log", fn (u32, Bytes, usize) callconv(.c) void);
pub const explain = import("host", "explain", fn (u32, u32, Bytes, usize) callconv(.c) void);
pub const keep = import("host", "keep", fn (Bytes, usize) callconv(.c) void);

/// A name as the contract writes it.
pub fn kebab(comptime name: []const u8) []const u8 {
    comptime {
        var written: [name.len]u8 = undefined;
        for (name, &written) |from, *to| to.* = if (from == '_') '-' else from;
        const kept = written;
        return &kept;
    }
}

/// Address and length of a list.
pub fn List(comptime T: type) type {
    return extern struct {
        ptr: usize,
        len: usize,

        pub fn of(items: []const T) @This() {
            // An empty list may have any address, so it gets one that is aligned and within memory.
            return .{ .ptr = if (items.len == 0) @alignOf(f64) else @intFromPtr(items.ptr), .len = items.len };
        }

        pub fn slice(list: @This()) []const T {
            if (list.len == 0) return &.{};
            return @as([*]const T, @ptrFromInt(list.ptr))[0..list.len];
        }
    };
}
