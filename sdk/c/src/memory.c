// Memory: the bump allocator behind everything, and the four functions that a C compiler calls on its own account.
//
// Nothing is freed. An instance answers one question and is gone; what it allocated goes with it.

#include "plimsoll.h"

enum { PAGE = 65536, GROWTH = 4 };

extern char __heap_base;

/// Where the next allocation begins; 0 before the first one.
static uint64_t next;

/// Grows by `GROWTH` pages at least: growing costs more than memory that is never touched.
static void reach(uint64_t end) {
    uint64_t pages = __builtin_wasm_memory_size(0);
    if (end <= pages * PAGE) return;
    uint64_t missing = (end - pages * PAGE + PAGE - 1) / PAGE;
    uint64_t more = missing > GROWTH ? missing : GROWTH;
    if (pages + more <= PAGE && __builtin_wasm_memory_grow(0, (size_t)more) != SIZE_MAX) return;
    if (pages + missing <= PAGE && __builtin_wasm_memory_grow(0, (size_t)missing) != SIZE_MAX) return;
    __builtin_trap();
}

static void *bump(uint64_t size, size_t align) {
    if (next == 0) next = (uintptr_t)&__heap_base;
    uint64_t begin = (next + align - 1) & ~(uint64_t)(align - 1);
    // 64 bits: neither sum can wrap, whatever was asked for.
    reach(begin + size);
    next = begin + size;
    return (void *)(uintptr_t)begin;
}

void *pl_allocate(size_t count, size_t size, size_t align) {
    uint64_t bytes = (uint64_t)count * size;
    // Not null and in bounds, as the canonical ABI wants it of an empty list, too.
    if (bytes == 0) return (void *)align;
    // Fresh from the host and handed out once: zeroed already.
    return bump(bytes, align);
}

/// Called by the host for what it lays down here. The name and the shape are the canonical ABI's.
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size);

void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    void *new = pl_allocate(size, 1, align);
    memcpy(new, old, old_size < size ? old_size : size);
    return new;
}

// Loops of words and bytes: with -ffreestanding the compiler leaves them that.

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    char *t = to;
    const char *f = from;
    for (; count >= 8; count -= 8, t += 8, f += 8) {
        uint64_t word;
        __builtin_memcpy(&word, f, 8);
        __builtin_memcpy(t, &word, 8);
    }
    for (; count > 0; count--) *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t count) {
    char *t = to;
    const char *f = from;
    if ((uintptr_t)t <= (uintptr_t)f) {
        for (; count > 0; count--) *t++ = *f++;
    } else {
        while (count-- > 0) t[count] = f[count];
    }
    return to;
}

void *memset(void *to, int byte, size_t count) {
    for (char *t = to; count > 0; count--) *t++ = (char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t count) {
    const unsigned char *x = a, *y = b;
    for (; count > 0; count--, x++, y++) {
        if (*x != *y) return *x < *y ? -1 : 1;
    }
    return 0;
}
