// Fits what componentize-qjs makes to Plimsoll's host. It wraps the policy's component in another one that imports
// WASI; the host takes no WASI, and no component whose parts have several memories. And it lets go of a lent resource
// only after the call has returned, which is too late. So here:
//
// - the policy's component is taken out of its wrapper, and every import but the contract's stands for traps;
// - the picture is handed to JavaScript as if it were given, so that the SDK can let go of it in time;
// - columns of numbers reach JavaScript as their bytes, in one piece, instead of number by number.
//
// Indexes stay what they were: whatever goes is replaced by something of its sort. Made for the version of
// componentize-qjs in package.json; with another one that differs, this stops or the component does not load.

import { Reader, file, name, number, outline, section, sections, withFunctions } from "./wasm.mjs";

const OURS = "plimsoll:policy/";
const HOST = `${OURS}host@`;

/** Sections of a component. */
const [MODULE, CORE_INSTANCE, COMPONENT, INSTANCE, ALIAS, TYPE, CANON, IMPORT, EXPORT] = [1, 2, 4, 5, 6, 7, 8, 10, 11];
/** Sorts of what is aliased or exported. */
const [CORE, FUNCTION, KIND_OF_TYPE, KIND_OF_INSTANCE] = [0, 1, 3, 5];

/** The component that the host takes. */
export function fit(wrapped) {
  const component = policyComponent(wrapped);
  const modules = sections(component).filter(({ id }) => id === MODULE).map(({ body }) => body);
  const outlines = modules.map(outline);
  const bindings = outlines.findIndex(({ imports }) => imports.some((each) => each.name === "[resource-drop]view"));
  const runtime = outlines.findIndex(({ exports }) => exports.has("wit_dylib_push_list"));
  const holder = heldBy(component);
  const signatures = signaturesOf(outlines);
  const traps = [...new Set(signatures.values())].map((type) => ({ name: trapOf(type), type, body: () => [0x00] }));
  const changed = new Map([
    [holder, withFunctions(modules[holder], traps)],
    [runtime, withFunctions(modules[runtime], [columnsAsBytes(listsOf(modules[bindings]))])],
  ]);
  return new Fitting(component, signatures, changed).done();
}

/** The nested component that asks for the contract. */
function policyComponent(wrapped) {
  const asks = ({ body }) =>
    sections(body).some((each) => each.id === IMPORT && Buffer.from(each.body).includes(HOST));
  const found = sections(wrapped).find((each) => each.id === COMPONENT && asks(each));
  if (found === undefined) throw new Error("componentize-qjs made no component as expected");
  return Buffer.from(found.body);
}

/** Index of the module that the first core instance is made of: it is there before any trap is needed. */
function heldBy(component) {
  const reader = new Reader(sections(component).find(({ id }) => id === CORE_INSTANCE).body);
  reader.number();
  reader.byte();
  return reader.number();
}

/** Core type of every function of an interface that goes, by `interface#function`, as the modules import it. */
function signaturesOf(outlines) {
  const imports = outlines.flatMap((each) => each.imports);
  const gone = imports.filter(({ module, type }) => /^(wasi|local):/.test(module) && type !== undefined);
  return new Map(gone.map((each) => [`${unversioned(each.module)}#${each.name}`, each.type]));
}

function unversioned(wanted) {
  return wanted.replace(/@.*/, "");
}

function trapOf(type) {
  return `trap ${type}`;
}

/** Writes the component anew, entry by entry. */
class Fitting {
  #parts = [];
  #instances = 0;
  #functions = 0;
  #modules = 0;
  /** Index of the instance of the contract's interface `host`. */
  #host;
  /** Instances that went, with their names, and functions of them. */
  #gone = new Map();
  #goneFunctions = new Map();

  constructor(component, signatures, changed) {
    this.component = component;
    this.signatures = signatures;
    this.changed = changed;
  }

  done() {
    const all = sections(this.component);
    all.forEach(({ id, body }, at) => {
      const reader = new Reader(body);
      switch (id) {
        case MODULE:
          this.#parts.push(section(id, this.changed.get(this.#modules++) ?? body));
          break;
        case TYPE:
          // The type of an instance that goes would name types that go with it.
          if (isGoing(all[at + 1])) this.#one(TYPE, [0x7f]);
          else this.#parts.push(section(id, body));
          break;
        case IMPORT:
          this.#each(reader, () => this.#import(reader));
          break;
        case INSTANCE:
          this.#instances += reader.number();
          this.#parts.push(section(id, body));
          break;
        case ALIAS:
          this.#each(reader, () => this.#alias(reader));
          break;
        case CANON:
          this.#each(reader, () => this.#canon(reader));
          break;
        case EXPORT:
          this.#each(reader, () => this.#export(reader));
          break;
        case 0:
          break;
        default:
          this.#parts.push(section(id, body));
      }
    });
    return file(this.component, this.#parts);
  }

  #each(reader, entry) {
    for (let left = reader.number(); left > 0; left--) entry();
  }

  #one(id, entry) {
    this.#parts.push(section(id, [1, ...entry]));
  }

  /** Stands for a component function that is never called. */
  #placeholder() {
    this.#one(ALIAS, [FUNCTION, 0, ...number(this.#host), ...name("log")]);
  }

  #import(reader) {
    const start = reader.at;
    const wanted = importName(reader);
    if (reader.byte() !== KIND_OF_INSTANCE) throw new Error(`an import that is no interface: ${wanted}`);
    reader.number();
    if (wanted.startsWith(OURS)) {
      if (wanted.startsWith(HOST)) this.#host = this.#instances;
      this.#one(IMPORT, reader.since(start));
    } else {
      this.#gone.set(this.#instances, unversioned(wanted));
      this.#one(INSTANCE, [1, 0]);
    }
    this.#instances++;
  }

  #alias(reader) {
    const start = reader.at;
    const sort = reader.byte();
    if (sort === CORE) reader.byte();
    const target = reader.byte();
    const of = reader.number();
    if (target === 2) reader.number();
    const wanted = target === 2 ? "" : reader.name();
    const gone = target === 0 ? this.#gone.get(of) : undefined;
    if (gone !== undefined && sort === KIND_OF_TYPE) {
      // A resource of the component's own, of which there never is one.
      this.#one(TYPE, [0x3f, 0x7f, 0]);
    } else if (gone !== undefined) {
      this.#goneFunctions.set(this.#functions, `${gone}#${wanted}`);
      this.#placeholder();
    } else if (wanted === "wit_dylib_push_borrow") {
      // JavaScript may dispose of what it owns; what it borrows, the engine keeps until it is too late.
      this.#one(ALIAS, [sort, 0, target, ...number(of), ...name("wit_dylib_push_own")]);
    } else {
      this.#one(ALIAS, reader.since(start));
    }
    if (sort === FUNCTION) this.#functions++;
    if (sort === KIND_OF_INSTANCE) this.#instances++;
  }

  #canon(reader) {
    const start = reader.at;
    const kind = reader.byte();
    if (kind <= 1) reader.byte();
    const of = reader.number();
    if (kind <= 1) canonOptions(reader);
    if (kind === 0) {
      reader.number();
      this.#functions++;
    }
    const gone = kind === 1 ? this.#goneFunctions.get(of) : undefined;
    if (gone === undefined) this.#one(CANON, reader.since(start));
    else {
      const type = this.signatures.get(gone);
      if (type === undefined) throw new Error(`componentize-qjs asks for ${gone}, which nothing imports`);
      this.#one(ALIAS, [CORE, 0, 1, 0, ...name(trapOf(type))]);
    }
  }

  #export(reader) {
    const start = reader.at;
    const given = importName(reader);
    const sort = reader.byte();
    reader.number();
    if (reader.byte() !== 0) throw new Error(`an export with a type of its own: ${given}`);
    // `init` is how componentize-qjs handed the sources over; it has been called.
    if (given.startsWith(OURS)) this.#one(EXPORT, reader.since(start));
    else if (sort === FUNCTION) this.#placeholder();
    else throw new Error(`an export that is not of the contract: ${given}`);
    if (sort === FUNCTION) this.#functions++;
    if (sort === KIND_OF_INSTANCE) this.#instances++;
  }
}

function isGoing(next) {
  if (next?.id !== IMPORT) return false;
  const reader = new Reader(next.body);
  reader.number();
  return !importName(reader).startsWith(OURS);
}

function importName(reader) {
  reader.byte();
  return reader.name();
}

/** Steps over options: an encoding has no operand, a memory or function has one. */
function canonOptions(reader) {
  for (let left = reader.number(); left > 0; left--) {
    const option = reader.byte();
    if (option > 5) throw new Error("an option of a canonical function that is not known");
    if (option > 2) reader.number();
  }
}

/**
 * What the lists that the contract answers with hold, by the numbers that the bindings give to types of lists. Asks the
 * bindings themselves: each of their functions is called between made-up neighbours, gets a list of one entry as the
 * host's answer, and hands that on entry by entry.
 */
function listsOf(bindings) {
  const held = new Map();
  let current;
  const memory = new WebAssembly.Memory({ initial: 2 });
  const words = new Uint32Array(memory.buffer);
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 4096 });
  const neighbours = {
    memory,
    __indirect_function_table: table,
    __memory_base: new WebAssembly.Global({ value: "i32" }, 0),
    __table_base: new WebAssembly.Global({ value: "i32" }, 0),
    __stack_pointer: new WebAssembly.Global({ value: "i32", mutable: true }, 65536),
  };
  const module = new WebAssembly.Module(bindings);
  const imports = {};
  for (const wanted of WebAssembly.Module.imports(module)) {
    const pushed = wanted.name.match(/^wit_dylib_push_(.*)$/)?.[1];
    let neighbour = neighbours[wanted.name] ?? (() => 0);
    if (wanted.name.startsWith("[method]view.")) {
      // The host's answer: one entry at the end of the memory, which is all zeros.
      neighbour = (...given) => void words.set([65536, 1], given[given.length - 1] / 4);
    } else if (pushed === "list") {
      neighbour = (_, list) => {
        current = list;
        return 0;
      };
    } else if (pushed !== undefined) {
      neighbour = () => {
        if (current !== undefined) held.set(current, pushed);
      };
    }
    (imports[wanted.module] ??= {})[wanted.name] = neighbour;
  }
  new WebAssembly.Instance(module, imports);
  for (let at = 0; table.get(at) !== null; at++) {
    current = undefined;
    try {
      table.get(at)(0);
    } catch {
      // A function whose answer is a 64-bit number; it has no list.
    }
  }
  return held;
}

/** Hands lists of numbers to JavaScript as lists of bytes. */
function columnsAsBytes(held) {
  const bytes = [...held].find(([, entry]) => entry === "u8")?.[0];
  if (bytes === undefined) throw new Error("the bindings know no list of bytes");
  const shifts = { u32: 2, s32: 2, f64: 3 };
  // Parameters: context, type of the list, pointer, entries.
  const [context, list, pointer, entries] = [0, 1, 2, 3].map((local) => [0x20, local]);
  const constant = (value) => [0x41, ...number(value)];
  const body = (push) => {
    const call = [0x10, ...number(push)];
    const cases = [...held].filter(([, entry]) => entry in shifts).flatMap(([type, entry]) => [
      ...[...list, ...constant(type), 0x46, 0x04, 0x40],
      ...[...context, ...constant(bytes), ...pointer, ...entries, ...constant(shifts[entry]), 0x74, ...call, 0x0f],
      0x0b,
    ]);
    return [...cases, ...context, ...list, ...pointer, ...entries, ...call];
  };
  return { name: "wit_dylib_push_list", type: "047f7f7f7f017f", body };
}
