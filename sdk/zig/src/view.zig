//! The picture that a policy is shown: rows over cached columns, texts of syms.
//!
//! A column is fetched when it is first read, once and whole; each has its own import, made at compile time from the
//! struct of its table (`tables.zig`), so that a component imports only what its policy reads.

const std = @import("std");
const contract = @import("contract.zig");
const memory = @import("memory.zig");
const tables = @import("tables.zig");

/// Number of a text in the dictionary of this evaluation; 0 is the empty text. Not to be kept.
pub const Sym = u32;

/// In whole columns of numbers that can be absent: not known. In columns of amounts it is -1.
pub const not_known = std.math.maxInt(u32);

/// Marks a column of a table that is asked for by a key.
pub fn By(comptime T: type) type {
    return struct {
        pub const Asked = T;
    };
}

/// What a row gives of a column: the type of its field, or the type within `By`.
fn Given(comptime T: type) type {
    return if (isStruct(T) and @hasDecl(T, "Asked")) T.Asked else T;
}

/// What a whole column is made of, for the type that a row gives.
fn Entry(comptime T: type) type {
    return switch (T) {
        f64, ?f64 => f64,
        i32 => i32,
        else => u32,
    };
}

fn isStruct(comptime T: type) bool {
    return @typeInfo(T) == .@"struct";
}

fn isRow(comptime T: type) bool {
    return isStruct(T) and @hasDecl(T, "table");
}

/// A row of a table: `Shape` has a field for each column, whose name in the contract begins with `prefix`.
pub fn Row(comptime prefix: []const u8, comptime table_name: []const u8, comptime Shape: type) type {
    return struct {
        view: *View,
        row: u32,

        const Self = @This();
        /// The columns of the table.
        pub const Column = std.meta.FieldEnum(Shape);
        pub const table = table_name;

        pub fn Value(comptime which: Column) type {
            return Given(@FieldType(Shape, @tagName(which)));
        }

        /// Value of a column. Beyond the table it reads as 0, as the empty text, or as absent.
        pub fn get(self: Self, comptime which: Column) Value(which) {
            return self.view.shown(Value(which), columnOf(self.view, which), self.row);
        }

        /// Value of a column that is asked for by a key.
        pub fn by(self: Self, comptime which: Column, key: []const u8) Value(which) {
            return self.view.shown(Value(which), columnBy(self.view, which, key), self.row);
        }

        /// Sym of a text, to compare many rows fast.
        pub fn sym(self: Self, comptime which: Column) Sym {
            comptime std.debug.assert(Value(which) == []const u8);
            return entryAt(Sym, columnOf(self.view, which), self.row) orelse 0;
        }

        fn columnOf(view: *View, comptime which: Column) []const Entry(Value(which)) {
            if (comptime isKeyed(which)) @compileError(@tagName(which) ++ " is asked for by a key");
            return Fetched(contractName(which), Entry(Value(which))).whole(view);
        }

        fn columnBy(view: *View, comptime which: Column, key: []const u8) []const Entry(Value(which)) {
            if (comptime !isKeyed(which)) @compileError(@tagName(which) ++ " is not asked for by a key");
            return FetchedBy(contractName(which), Entry(Value(which))).whole(view, key);
        }

        fn isKeyed(comptime which: Column) bool {
            return Value(which) != @FieldType(Shape, @tagName(which));
        }

        fn contractName(comptime which: Column) []const u8 {
            return contract.kebab(prefix ++ "_" ++ @tagName(which));
        }
    };
}

/// The rows of a table, asked for once.
fn Counted(comptime table: []const u8) type {
    return struct {
        var counted: ?u32 = null;

        fn rows(view: *const View) u32 {
            if (counted == null) counted = contract.rows(table)(view.handle);
            return counted.?;
        }
    };
}

/// A column that is fetched once.
fn Fetched(comptime name: []const u8, comptime T: type) type {
    return struct {
        var column: ?[]const T = null;

        fn whole(view: *View) []const T {
            return column orelse fetch(view);
        }

        fn fetch(view: *View) []const T {
            @branchHint(.cold);
            var list: contract.List(T) = undefined;
            contract.column(name, T)(view.handle, 0, contract.all_rows, &list);
            column = list.slice();
            return list.slice();
        }
    };
}

/// Columns by key that are fetched once each.
fn FetchedBy(comptime name: []const u8, comptime T: type) type {
    return struct {
        var columns: std.StringHashMapUnmanaged([]const T) = .empty;

        fn whole(view: *View, key: []const u8) []const T {
            if (columns.get(key)) |column| return column;
            var list: contract.List(T) = undefined;
            contract.columnBy(name, T)(view.handle, key.ptr, key.len, 0, contract.all_rows, &list);
            // A copy: the author may write the next key into the same memory.
            const own = memory.allocator.dupe(u8, key) catch |e| memory.exhausted(e);
            columns.put(memory.allocator, own, list.slice()) catch |e| memory.exhausted(e);
            return list.slice();
        }
    };
}

/// Rows of a table, one after the other.
pub fn Rows(comptime T: type) type {
    return struct {
        view: *View,
        row: u32,
        end: u32,

        pub fn next(self: *@This()) ?T {
            if (self.row >= self.end) return null;
            defer self.row += 1;
            return .{ .view = self.view, .row = self.row };
        }
    };
}

/// The picture. One for each evaluation.
pub const View = struct {
    handle: i32,
    words: std.AutoHashMapUnmanaged(Sym, []const u8) = .empty,

    /// When the picture was taken: milliseconds since the Unix epoch. The only time there is.
    pub fn nowMs(view: *const View) u64 {
        return contract.now_ms(view.handle);
    }

    /// Recorded random number of the cycle. The only randomness there is.
    pub fn seed(view: *const View) u64 {
        return contract.seed(view.handle);
    }

    /// Name of the cluster.
    pub fn cluster(view: *View) []const u8 {
        return view.resolve(contract.cluster(view.handle));
    }

    /// What this policy kept at the same hook (`plimsoll.keep`); empty where nothing was.
    pub fn state(view: *const View) []const u8 {
        var list: contract.List(u8) = undefined;
        contract.state(view.handle, &list);
        return list.slice();
    }

    /// Rows of a table: `var classes = view.rows(Class); while (classes.next()) |class| …`.
    pub fn rows(view: *View, comptime T: type) Rows(T) {
        return .{ .view = view, .row = 0, .end = view.count(T) };
    }

    /// How many rows a table has.
    pub fn count(view: *const View, comptime T: type) u32 {
        return Counted(T.table).rows(view);
    }

    /// A row of a table by its number.
    pub fn at(view: *View, comptime T: type, row: u32) T {
        return .{ .view = view, .row = row };
    }

    /// A whole column as the contract has it, for loops that must be fast: syms, codes, `not_known` and -1.
    pub fn column(view: *View, comptime T: type, comptime which: T.Column) []const Entry(T.Value(which)) {
        return T.columnOf(view, which);
    }

    /// A whole column by key.
    pub fn columnBy(
        view: *View,
        comptime T: type,
        comptime which: T.Column,
        key: []const u8,
    ) []const Entry(T.Value(which)) {
        return T.columnBy(view, which, key);
    }

    /// Pods that would have to move for a candidate.
    pub fn moversOf(view: *View, candidate: tables.Candidate) Rows(tables.Mover) {
        return view.rowsOf(tables.Mover, view.column(tables.Mover, .candidate), candidate.row);
    }

    /// Past values of a workload, oldest first.
    pub fn samplesOf(view: *View, workload: tables.Workload) Rows(tables.Sample) {
        return view.rowsOf(tables.Sample, view.column(tables.Sample, .workload), workload.row);
    }

    fn rowsOf(view: *View, comptime T: type, owners: []const u32, owner: u32) Rows(T) {
        const begin, const end = std.sort.equalRange(u32, owners, owner, order);
        return .{ .view = view, .row = @intCast(begin), .end = @intCast(end) };
    }

    fn order(a: u32, b: u32) std.math.Order {
        return std.math.order(a, b);
    }

    /// Sym of a text, so that columns of text can be compared as numbers.
    pub fn intern(view: *const View, text: []const u8) Sym {
        return contract.intern(view.handle, text.ptr, text.len);
    }

    /// Text of a sym.
    pub fn resolve(view: *View, sym: Sym) []const u8 {
        return view.textOf(sym, &.{sym});
    }

    /// What a row gives for an entry of its column.
    fn shown(view: *View, comptime T: type, entries: []const Entry(T), row: u32) T {
        const entry: ?Entry(T) = entryAt(Entry(T), entries, row);
        return switch (@typeInfo(T)) {
            .optional => |optional| if (entry) |value| known(view, optional.child, value) else null,
            .pointer => view.textOf(entry orelse 0, entries),
            else => of(view, T, entry orelse 0),
        };
    }

    fn known(view: *View, comptime T: type, entry: Entry(T)) ?T {
        const absent = if (T == f64) !(entry >= 0) else entry == not_known;
        return if (absent) null else of(view, T, entry);
    }

    fn of(view: *View, comptime T: type, entry: Entry(T)) T {
        if (comptime isRow(T)) return .{ .view = view, .row = entry };
        return switch (@typeInfo(T)) {
            .@"enum" => @fromBackingInt(entry),
            .@"struct" => @bitCast(entry),
            .bool => entry != 0,
            else => entry,
        };
    }

    /// The text of a sym, fetched together with those of a column that it stands in.
    fn textOf(view: *View, sym: Sym, entries: []const Sym) []const u8 {
        if (sym == 0) return "";
        if (view.words.get(sym)) |word| return word;
        view.resolveAll(entries);
        return view.words.get(sym) orelse "";
    }

    /// Resolves all syms of a column that have not been met, so many in one call.
    fn resolveAll(view: *View, entries: []const Sym) void {
        const Batch = struct {
            var missing: [4096]Sym = undefined;
        };
        var len: usize = 0;
        for (entries) |sym| {
            if (sym == 0) continue;
            const word = view.words.getOrPut(memory.allocator, sym) catch |e| memory.exhausted(e);
            if (word.found_existing) continue;
            word.value_ptr.* = "";
            Batch.missing[len] = sym;
            len += 1;
            if (len == Batch.missing.len) {
                view.resolveBatch(&Batch.missing);
                len = 0;
            }
        }
        view.resolveBatch(Batch.missing[0..len]);
    }

    fn resolveBatch(view: *View, syms: []const Sym) void {
        if (syms.len == 0) return;
        var texts: contract.List(contract.List(u8)) = undefined;
        contract.resolve(view.handle, syms.ptr, syms.len, &texts);
        for (syms, texts.slice()) |sym, text| view.words.putAssumeCapacity(sym, text.slice());
    }
};

fn entryAt(comptime T: type, entries: []const T, row: u32) ?T {
    return if (row < entries.len) entries[row] else null;
}
