// How values cross to the host and back: what the canonical ABI of the component model asks for.
//
// What the host hands over lies in blocks that it asks `cabi_realloc` for. They are made as objects of the language, so
// that a column is there without being copied. Nothing is freed: an instance lives for one evaluation.

/** Where the host puts the pointer and the length of a list. */
export const OUT: usize = memory.data(8, 4);

/** Memory for the host to write to. */
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  // A pointer to nothing must be aligned and in bounds all the same.
  if (size == 0) return align;
  const block = changetype<usize>(__new(size, idof<StaticArray<u8>>()));
  if (old != 0) memory.copy(block, old, min(oldSize, size));
  return block;
}

/** The list that the host put there. */
export function listAt<T>(out: usize): StaticArray<T> {
  return load<u32>(out, 4) == 0 ? [] : changetype<StaticArray<T>>(load<usize>(out));
}

let room: usize = 0;
let roomBytes: usize = 0;

/** How many bytes the last text made. */
export let written: usize = 0;

/** Bytes of a text, good until the next one. The host takes no halves of surrogate pairs. */
export function bytesOf(text: string): usize {
  // No code unit makes more than three.
  const most: usize = <usize>text.length * 3;
  if (most > roomBytes) {
    roomBytes = max(most, roomBytes * 2);
    room = __new(roomBytes, idof<ArrayBuffer>());
  }
  const mode = String.UTF8.ErrorMode.REPLACE;
  written = String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, room, false, mode);
  return room;
}

/** Text of bytes that are text. */
export function textAt(pointer: usize, bytes: usize): string {
  return bytes == 0 ? "" : String.UTF8.decodeUnsafe(pointer, bytes);
}

/** Text of bytes that may be none: what is not UTF-8 becomes U+FFFD. */
export function textOf(bytes: StaticArray<u8>): string {
  const units: u16[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first: u32 = bytes[at++];
    const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
    let point = more == 0 ? first : first & (0x3f >> more);
    let read = 0;
    while (read < more && at < bytes.length && (bytes[at] & 0xc0) == 0x80) {
      point = (point << 6) | (bytes[at++] & 63);
      read++;
    }
    const least: u32 = more == 0 ? 0 : more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    const most: u32 = more == 0 ? 0x7f : 0x10ffff;
    if (read < more || point < least || point > most || (point & ~0x7ff) == 0xd800) point = 0xfffd;
    if (point >= 0x10000) {
      units.push(<u16>(0xd7c0 + (point >> 10)));
      point = 0xdc00 | (point & 0x3ff);
    }
    units.push(<u16>point);
  }
  return String.UTF16.decodeUnsafe(units.dataStart, 2 * units.length);
}
