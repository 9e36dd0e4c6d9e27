// Builds a policy in AssemblyScript to a core module, whose imports and exports have the names that the canonical ABI
// gives them for the world `policy`; the world's types still have to be embedded, and the component made:
//
//     node build.mjs TOOLS POLICY WIT OUT
//
// TOOLS is a folder with the packages of ../package-lock.json installed, POLICY the policy's folder, WIT a folder with
// the contract and its world `policy`, OUT the file to write. Writes nothing else; the policy's folder stays as it is.

import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const sources = resolve(dirname(fileURLToPath(import.meta.url)), "..", "src");

/** The question of each hook, and the answer to it. */
const HOOKS = {
  scaler: ["scale", "Replicas"],
  placement: ["place", "Prices"],
  headroom: ["reserve", "Room"],
  disruption: ["judge", "Verdicts"],
  review: ["review", "Holds"],
};

/** What is wrong with the policy, in words for its author. */
class Mistake extends Error {}

async function build(tools, policy, wit, out) {
  if (!existsSync(join(policy, "policy.ts"))) throw new Mistake(`${policy}: there must be a policy.ts`);
  const asc = await import(pathToFileURL(join(tools, "node_modules", "assemblyscript", "dist", "asc.js")));
  const { version, hooks } = worldOf(wit);
  const [said, written] = [[], new Map()];
  const files = {
    // Entry, policy and SDK are one folder to the compiler, so that messages name no folder of this machine.
    readFile: (file, base) => {
      const path = posix.join(base, file);
      return path === "entry.ts" ? entryOf(hooks) : read(policy, path);
    },
    writeFile: (file, content) => void written.set(file, content),
    // A library of one file, in place of one of the language's.
    listFiles: (folder) => (folder === "runtime" ? ["rt/stub.ts"] : []),
  };
  const options = ["entry.ts", "--outFile", "policy.wasm", "-O3", "--runtime", "stub", "--lib", "runtime"];
  const { error } = await asc.main([...options, "--noColors", "--use", "abort=~lib/plimsoll-sdk/host/abort"], {
    ...files,
    stdout: { write: () => {} },
    stderr: { write: (text) => void said.push(text) },
    transforms: [{ afterCompile: (module) => exportCanonically(module, version, hooks) }],
  });
  if (error !== null) throw new Mistake(inWords(said.join("").trim() || error.message));
  const module = written.get("policy.wasm");
  checkImports(module);
  writeFileSync(out, module);
}

/** What the world `policy` exports, and the version of the contract. */
function worldOf(wit) {
  const files = readdirSync(wit).filter((file) => file.endsWith(".wit"));
  const text = files.map((file) => readFileSync(join(wit, file), "utf8")).join("\n");
  const world = text.match(/^\s*world policy \{([^}]*)\}/m)?.[1];
  const version = text.match(/^package plimsoll:policy@([0-9.]+);/m)?.[1];
  if (world === undefined || version === undefined) throw new Mistake(`${wit}: there is no world \`policy\``);
  return { version, hooks: [...world.matchAll(/export ([a-z]+);/g)].map((found) => found[1]) };
}

/** A source that the compiler asks for; null where there is none. */
function read(policy, path) {
  const ours = path === "runtime/rt/stub.ts" ? "runtime.ts" : path.match(/(?:^|\/)plimsoll-sdk\/(.+)$/)?.[1];
  const file = ours === undefined ? join(policy, path) : join(sources, ours);
  return existsSync(file) ? readFileSync(file, "utf8") : null;
}

/** The exported functions: a pair for each hook, made of what the policy exports. */
function entryOf(hooks) {
  const pairs = hooks.map((hook) => {
    const [question, answer] = HOOKS[hook];
    return `
export function ${hook}_configure(pointer: usize, bytes: usize): usize {
  const config = glue.given(pointer, bytes);
  if (isDefined(policy.configure)) policy.configure(config);
  return glue.configured(config);
}
export function ${hook}_${question}(picture: i32): usize {
  const answer: sdk.${answer} = policy.${question}(new sdk.View(picture));
  return glue.answered(answer, picture);
}`;
  });
  return `import * as policy from "./policy";
import * as sdk from "plimsoll-sdk";
import * as glue from "plimsoll-sdk/glue";
export { cabi_realloc } from "plimsoll-sdk/glue";
${pairs.join("\n")}
`;
}

/** What the compiler says; an export that is missing it misses in the entry, which the author never sees. */
function inWords(said) {
  const missing = said.match(/Property '(\w+)' does not exist on type 'entry\/policy'/)?.[1];
  return missing === undefined ? said : `policy.ts: \`${missing}\`, the question of a hook, is not exported`;
}

/** Gives the exports their names; the language has no way to write them. */
function exportCanonically(module, version, hooks) {
  for (const hook of hooks) {
    for (const name of ["configure", HOOKS[hook][0]]) {
      module.removeExport(`${hook}_${name}`);
      module.addFunctionExport(`entry/${hook}_${name}`, `plimsoll:policy/${hook}@${version}#${name}`);
    }
  }
}

/** Parts of the standard library ask the host for what it does not have: time, random numbers, a console. */
function checkImports(module) {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(module));
  const foreign = imports.filter((each) => !each.module.startsWith("plimsoll:policy/"));
  if (foreign.length === 0) return;
  const names = foreign.map((each) => `${each.module}.${each.name}`).join(", ");
  throw new Mistake(`policy.ts: the policy uses what a policy does not have: ${names}`);
}

const given = process.argv.slice(2).map((path) => resolve(path));
if (given.length !== 4) {
  console.error("usage: node build.mjs TOOLS POLICY WIT OUT");
  process.exit(2);
}
try {
  await build(...given);
} catch (why) {
  console.error(why instanceof Mistake ? why.message : (why.stack ?? String(why)));
  process.exit(1);
}
