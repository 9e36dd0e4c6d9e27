// Memory for one evaluation, in place of the language's runtime `stub`: each block lies behind the one before, and none
// is freed.
//
// What differs: memory grows by what is needed and a little more instead of doubling, because asking the host for more
// than its limit ends the evaluation; and a block has 8 bytes of head instead of 20. The language looks for the last 8.

/** Bytes before a block: the class of the object and its size. */
// @ts-ignore: decorator
@inline const HEAD: usize = 8;
/** Memory grows by so many pages at least. */
// @ts-ignore: decorator
@inline const PAGES: usize = 16;

/** Where the next block begins. */
// @ts-ignore: decorator
@lazy let next: usize = aligned(__heap_base);

function aligned(size: usize): usize {
  return (size + 7) & ~7;
}

/** Sees to it that there is memory up to here. */
function reach(end: usize): void {
  const there = <usize>memory.size() << 16;
  if (end > there && memory.grow(<i32>max((end - there + 0xffff) >>> 16, PAGES)) < 0) unreachable();
}

// @ts-ignore: decorator
@global @unsafe
export function __new(size: usize, id: u32): usize {
  const block = next + HEAD;
  const end = aligned(block + size);
  if (end < block) unreachable();
  reach(end);
  next = end;
  store<u32>(block - 8, id);
  store<u32>(block - 4, <u32>size);
  return block;
}

// @ts-ignore: decorator
@global @unsafe
export function __renew(old: usize, size: usize): usize {
  const room = aligned(<usize>load<u32>(old - 4));
  if (size <= room) {
    store<u32>(old - 4, <u32>size);
    return old;
  }
  if (old + room == next) {
    next = aligned(old + size);
    reach(next);
    store<u32>(old - 4, <u32>size);
    return old;
  }
  const block = __new(size, load<u32>(old - 8));
  memory.copy(block, old, room);
  return block;
}

// @ts-ignore: decorator
@global @unsafe
export function __alloc(size: usize): usize {
  return __new(size, 0);
}

// @ts-ignore: decorator
@global @unsafe
export function __realloc(old: usize, size: usize): usize {
  return __renew(old, size);
}

// What follows is asked for by the language and has nothing to do here.

// @ts-ignore: decorator
@global @unsafe
export function __free(block: usize): void {}

// @ts-ignore: decorator
@global @unsafe
export function __link(parent: usize, child: usize, expectMultiple: bool): void {}

// @ts-ignore: decorator
@global @unsafe
export function __pin(block: usize): usize {
  return block;
}

// @ts-ignore: decorator
@global @unsafe
export function __unpin(block: usize): void {}

// @ts-ignore: decorator
@global @unsafe
export function __visit(block: usize, cookie: u32): void {}

// @ts-ignore: decorator
@global @unsafe
export function __collect(): void {}
