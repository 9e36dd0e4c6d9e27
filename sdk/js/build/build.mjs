// Builds a policy in JavaScript or TypeScript to a component:
//
//     node build.mjs TOOLS POLICY WIT OUT
//
// TOOLS is a folder with the packages of ../package-lock.json installed, POLICY the policy's folder, WIT a folder with
// the contract and its world `policy`, OUT the file to write. Writes nothing else; the policy's folder stays as it is.
//
// Types are checked where the policy is TypeScript, and in JavaScript where it asks for that with `// @ts-check`.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { fit } from "./fit.mjs";

const sdk = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** What is wrong with the policy, in words for its author. */
class Mistake extends Error {}

async function build(tools, policy, wit, out) {
  const require = createRequire(join(tools, "package.json"));
  const source = sourceOf(policy);
  checkTypes(require, source);
  const { code, exports } = await bundle(require("esbuild"), source);
  for (const hook of hooksOf(wit)) {
    if (!exports.includes(hook)) throw new Mistake(`${source}: the hook \`${hook}\` is not exported`);
  }
  const { componentize } = require("componentize-qjs");
  const options = { witPath: wit, world: "policy", jsSource: code, sync: true, disableGc: true };
  const { component } = await componentize(options).catch((why) => {
    throw new Mistake(`${source}: ${why.message.replace(/^: /, "")}`);
  });
  writeFileSync(out, fit(component));
}

function sourceOf(policy) {
  const found = ["policy.ts", "policy.js"].map((file) => join(policy, file)).filter(existsSync);
  if (found.length === 1) return found[0];
  throw new Mistake(`${policy}: there must be a policy.ts or a policy.js${found.length > 1 ? ", not both" : ""}`);
}

function checkTypes(require, source) {
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-js-"));
  try {
    const project = join(folder, "tsconfig.json");
    writeFileSync(project, JSON.stringify({ extends: join(sdk, "tsconfig.json"), files: [source], include: [] }));
    const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
    const call = [tsc, "--project", project, "--pretty", "false"];
    execFileSync(process.execPath, call, { cwd: dirname(source), stdio: "pipe" });
  } catch (why) {
    throw new Mistake(`${why.stdout ?? ""}${why.stderr ?? ""}`.trim() || why.message);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function bundle(esbuild, source) {
  const options = {
    entryPoints: [source],
    absWorkingDir: dirname(source),
    alias: { "plimsoll-sdk": join(sdk, "src", "index.ts") },
    external: ["plimsoll:*"],
    bundle: true,
    write: false,
    outfile: "policy.mjs",
    metafile: true,
    format: "esm",
    platform: "neutral",
    target: "es2023",
    charset: "utf8",
    // Comments of esbuild name files; the component should not.
    minifyWhitespace: true,
    tsconfigRaw: "{}",
    logLevel: "silent",
  };
  const built = await esbuild.build(options).catch(async (why) => {
    throw new Mistake((await esbuild.formatMessages(why.errors ?? [], { kind: "error" })).join("") || why.message);
  });
  return { code: built.outputFiles[0].text, exports: Object.values(built.metafile.outputs)[0].exports };
}

/** What the world `policy` exports. */
function hooksOf(wit) {
  const files = readdirSync(wit).filter((file) => file.endsWith(".wit"));
  const text = files.map((file) => readFileSync(join(wit, file), "utf8")).join("\n");
  const world = text.match(/^\s*world policy \{([^}]*)\}/m)?.[1];
  if (world === undefined) throw new Mistake(`${wit}: there is no world \`policy\``);
  return [...world.matchAll(/export ([a-z]+);/g)].map((found) => found[1]);
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
