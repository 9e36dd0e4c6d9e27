// Reads and writes the binary format of WebAssembly modules and components, as far as fit.mjs needs it: sections,
// numbers, names, and functions that are added to a module. Checks nothing: what comes out wrong does not load.

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Steps through bytes. */
export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  byte() {
    return this.bytes[this.at++];
  }

  number() {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  name() {
    return decoder.decode(this.take(this.number()));
  }

  /** What was read since a position. */
  since(start) {
    return this.bytes.subarray(start, this.at);
  }

  rest() {
    return this.bytes.subarray(this.at);
  }
}

/** A whole number from 0 on, as LEB128; the same bytes mean it where a signed one is expected. */
export function number(value) {
  const bytes = [];
  while (value > 63) {
    bytes.push((value % 128) | 128);
    value = Math.floor(value / 128);
  }
  return [...bytes, value];
}

export function name(text) {
  const bytes = encoder.encode(text);
  return [...number(bytes.length), ...bytes];
}

/** The sections of a module or component. */
export function sections(bytes) {
  const reader = new Reader(bytes);
  reader.take(8);
  const found = [];
  while (reader.at < bytes.length) found.push({ id: reader.byte(), body: reader.take(reader.number()) });
  return found;
}

export function section(id, body) {
  return Buffer.concat([Buffer.from([id, ...number(body.length)]), Buffer.from(body)]);
}

/** Sections, or parts of them, behind the head of the file that they are from. */
export function file(original, parts) {
  return Buffer.concat([original.subarray(0, 8), ...parts]);
}

/** Sections of a module that say what it takes and gives. */
export const [TYPES, IMPORTS, FUNCTIONS, EXPORTS, CODE] = [1, 2, 3, 7, 10];

/** What a module takes and gives: function types as hex, imports, exported functions by name. */
export function outline(module) {
  const seen = { types: [], imports: [], exports: new Map(), functions: 0 };
  for (const { id, body } of sections(module)) {
    const reader = new Reader(body);
    const count = () => reader.number();
    if (id === TYPES) for (let left = count(); left > 0; left--) seen.types.push(functionType(reader));
    if (id === IMPORTS) for (let left = count(); left > 0; left--) seen.imports.push(importOf(reader, seen.types));
    if (id === FUNCTIONS) seen.functions = count();
    if (id === EXPORTS) {
      for (let left = count(); left > 0; left--) {
        const [key, kind, index] = [reader.name(), reader.byte(), reader.number()];
        if (kind === 0) seen.exports.set(key, index);
      }
    }
  }
  return seen;
}

function functionType(reader) {
  if (reader.byte() !== 0x60) throw new Error("a type that is no function");
  const start = reader.at;
  reader.take(reader.number());
  reader.take(reader.number());
  return Buffer.from(reader.since(start)).toString("hex");
}

/** An import; `type` only where it is a function. */
function importOf(reader, types) {
  const found = { module: reader.name(), name: reader.name(), type: undefined };
  const limits = () => {
    const flags = reader.number();
    reader.number();
    if (flags & 1) reader.number();
  };
  switch (reader.byte()) {
    case 0:
      found.type = types[reader.number()];
      break;
    case 1:
      reader.byte();
      limits();
      break;
    case 2:
      limits();
      break;
    case 3:
      reader.take(2);
      break;
    default:
      throw new Error("an import of an unknown kind");
  }
  return found;
}

/**
 * A module with more functions: `name` to export it by, `type` as hex, `body` that makes the instructions. Where the
 * module exports the name already, the new function takes its place and `body` gets the index of the old one.
 */
export function withFunctions(module, added) {
  const { types, imports, exports, functions } = outline(module);
  const first = imports.filter((taken) => taken.type !== undefined).length + functions;
  const replaced = new Map(added.map((each, at) => [each.name, first + at]).filter(([key]) => exports.has(key)));
  const more = (body, items) => {
    const reader = new Reader(body);
    return [...number(reader.number() + items.length), ...reader.rest(), ...items.flat()];
  };
  const grown = sections(module).map(({ id, body }) => {
    switch (id) {
      case TYPES:
        return section(id, more(body, added.map((each) => [0x60, ...Buffer.from(each.type, "hex")])));
      case FUNCTIONS:
        return section(id, more(body, added.map((_, at) => number(types.length + at))));
      case EXPORTS: {
        const entries = added.map((each, at) => [...name(each.name), 0, ...number(first + at)]);
        return section(id, more(redirected(body, replaced), entries.filter((_, at) => !exports.has(added[at].name))));
      }
      case CODE:
        return section(id, more(body, added.map((each) => code(each.body(exports.get(each.name))))));
      default:
        return section(id, body);
    }
  });
  return file(module, grown);
}

function redirected(body, replaced) {
  const reader = new Reader(body);
  const count = reader.number();
  const entries = [];
  for (let left = count; left > 0; left--) {
    const [key, kind, index] = [reader.name(), reader.byte(), reader.number()];
    entries.push(...name(key), kind, ...number(replaced.get(key) ?? index));
  }
  return Buffer.from([...number(count), ...entries]);
}

/** A function body without local variables. */
function code(instructions) {
  return [...number(instructions.length + 2), 0, ...instructions, 0x0b];
}
