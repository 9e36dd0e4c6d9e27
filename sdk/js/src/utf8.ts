// Text to bytes and back, as UTF-8: the engine has neither TextEncoder nor TextDecoder.
//
// What is no text becomes U+FFFD.

/** Bytes of a text. */
export function encoded(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    let point = character.codePointAt(0)!;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) bytes.push(point);
    else {
      if (point < 0x800) bytes.push(0xc0 | (point >> 6));
      else {
        if (point < 0x10000) bytes.push(0xe0 | (point >> 12));
        else bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63));
        bytes.push(0x80 | ((point >> 6) & 63));
      }
      bytes.push(0x80 | (point & 63));
    }
  }
  return Uint8Array.from(bytes);
}

/** Text of bytes. */
export function decoded(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++];
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
    let point = first & (0x3f >> more);
    let read = 0;
    for (; read < more && (bytes[at] & 0xc0) === 0x80; read++) point = (point << 6) | (bytes[at++] & 63);
    const least = [0, 0x80, 0x800, 0x10000][more];
    const whole = more > 0 && read === more && point >= least && point < 0x110000 && (point & ~0x7ff) !== 0xd800;
    text += whole ? String.fromCodePoint(point) : "\ufffd";
  }
  return text;
}
