//! Memory: a bump allocator behind everything, and the function by which the host lays things down here.
//!
//! Nothing is freed. An instance answers one question and is gone; what it allocated goes with it. Memory that cannot
//! be had ends the evaluation.

const std = @import("std");

const page = 65536;
/// Pages that memory grows by at least: growing costs more than memory that is never touched.
const growth = 4;

extern var __heap_base: u8;

/// Where the next allocation begins; 0 before the first one.
var next: u64 = 0;

/// For collections of the standard library.
pub const allocator: std.mem.Allocator = .{ .ptr = undefined, .vtable = &.{
    .alloc = alloc,
    .resize = resize,
    .remap = remap,
    .free = free,
} };

/// What to do with an error of an allocation: nothing is left to be done.
pub fn exhausted(_: error{OutOfMemory}) noreturn {
    @trap();
}

/// 64 bits throughout: no sum can wrap, whatever was asked for.
fn reach(end: u64) bool {
    const pages: u64 = @wasmMemorySize(0);
    if (end <= pages * page) return true;
    const missing = (end - pages * page + page - 1) / page;
    for ([2]u64{ @max(missing, growth), missing }) |more| {
        if (pages + more <= page and @wasmMemoryGrow(0, @intCast(more)) >= 0) return true;
    }
    return false;
}

fn alloc(_: *anyopaque, len: usize, alignment: std.mem.Alignment, _: usize) ?[*]u8 {
    if (next == 0) next = @intFromPtr(&__heap_base);
    const begin = std.mem.alignForward(u64, next, alignment.toByteUnits());
    const end = begin + len;
    if (!reach(end)) return null;
    next = end;
    return @ptrFromInt(@as(usize, @intCast(begin)));
}

/// The last allocation can grow where it is.
fn resize(_: *anyopaque, memory: []u8, _: std.mem.Alignment, new_len: usize, _: usize) bool {
    if (new_len <= memory.len) return true;
    const begin: u64 = @intFromPtr(memory.ptr);
    if (begin + memory.len != next or !reach(begin + new_len)) return false;
    next = begin + new_len;
    return true;
}

fn remap(context: *anyopaque, memory: []u8, alignment: std.mem.Alignment, new_len: usize, from: usize) ?[*]u8 {
    return if (resize(context, memory, alignment, new_len, from)) memory.ptr else null;
}

fn free(_: *anyopaque, _: []u8, _: std.mem.Alignment, _: usize) void {}

/// The canonical ABI's. A size of 0 wants an aligned address within memory, too.
pub fn cabiRealloc(old: ?[*]const u8, old_size: usize, alignment: usize, size: usize) callconv(.c) usize {
    if (size == 0) return alignment;
    const new = alloc(undefined, size, .fromByteUnits(alignment), 0) orelse @trap();
    if (old) |from| {
        const kept = @min(old_size, size);
        @memcpy(new[0..kept], from[0..kept]);
    }
    return @intFromPtr(new);
}
