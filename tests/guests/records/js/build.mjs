// node build.mjs TOOLS OUT: componentizes policy.js for the world of ../wit with the packages of the JavaScript SDK.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [tools, out] = process.argv.slice(2);
const { componentize } = createRequire(join(tools, "package.json"))("componentize-qjs");
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const jsSource = readFileSync(here("policy.js"), "utf8");
const options = { witPath: here("../wit"), world: "rich", jsSource, sync: true, stubWasi: true, disableGc: true };
writeFileSync(out, (await componentize(options)).component);
