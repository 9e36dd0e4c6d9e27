// Reads the operator's configuration: a JSON object whose fields are named with their presets. Fields that nobody named
// and values of the wrong type are refused, so that a misspelt field is not ignored.
//
// What several fields must be together is the policy's to check, in `configure`.

/** A field of a configuration: its value where the operator gives none, and what a given one must be. */
export interface Field<T> {
  readonly preset: T;
  /** The value as it was given, if it is one; otherwise what it must be. */
  readonly read: (given: unknown) => { value: T } | { wanted: string };
}

/** Fields by name. */
export type Fields = { readonly [name: string]: Field<unknown> };

/** What is read with fields. */
export type Config<F extends Fields> = { readonly [Name in keyof F]: F[Name] extends Field<infer T> ? T : never };

/** Bounds of a number, both included. */
export interface Bounds {
  readonly from?: number;
  readonly to?: number;
}

/** A number. */
export function number(preset: number, bounds: Bounds = {}): Field<number> {
  return field(preset, `a number${within(bounds)}`, (given) => isNumber(given) && inside(given, bounds));
}

/** A whole number, from 0 to 4294967295 where no bounds are given. */
export function whole(preset: number, { from = 0, to = 4294967295 }: Bounds = {}): Field<number> {
  const wanted = `a whole number${within({ from, to })}`;
  return field(preset, wanted, (given) => Number.isInteger(given) && inside(given as number, { from, to }));
}

/** true or false. */
export function flag(preset: boolean): Field<boolean> {
  return field(preset, "true or false", (given) => typeof given === "boolean");
}

/** A text. */
export function text(preset: string): Field<string> {
  return field(preset, "a text", isText);
}

/** A list of texts. */
export function texts(preset: readonly string[]): Field<readonly string[]> {
  return field(preset, "a list of texts", (given) => Array.isArray(given) && given.every(isText));
}

/** Numbers by name: an object of its fields alone, so that `config.usd["constructor"]` is undefined. */
export function numbers(preset: Readonly<Record<string, number>>): Field<Readonly<Record<string, number>>> {
  const alone = (given: object) => Object.assign(Object.create(null), given) as Record<string, number>;
  const fits = (given: unknown): given is object => isObject(given) && Object.values(given).every(isNumber);
  return {
    preset: alone(preset),
    read: (given) => (fits(given) ? { value: alone(given) } : { wanted: "an object of numbers" }),
  };
}

/** Reads a configuration. Throws what is wrong with it. */
export function configuration<F extends Fields>(fields: F, json: string): Config<F> {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch (why) {
    throw new Error(`the configuration is not JSON: ${(why as Error).message}`);
  }
  if (!isObject(given)) throw new Error("the configuration must be an object");
  const config: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) config[name] = fields[name].preset;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(fields, name)) {
      const known = Object.keys(fields).join(", ") || "none";
      throw new Error(`there is no field ${JSON.stringify(name)}; known are: ${known}`);
    }
    const read = fields[name].read(value);
    if ("wanted" in read) throw new Error(`${name} must be ${read.wanted}, not ${shown(value)}`);
    config[name] = read.value;
  }
  return config as Config<F>;
}

function field<T>(preset: T, wanted: string, fits: (given: unknown) => boolean): Field<T> {
  return { preset, read: (given) => (fits(given) ? { value: given as T } : { wanted }) };
}

function within({ from, to }: Bounds): string {
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`;
  if (from !== undefined) return ` from ${from} on`;
  return to !== undefined ? ` up to ${to}` : "";
}

function inside(value: number, { from = -Infinity, to = Infinity }: Bounds): boolean {
  return value >= from && value <= to;
}

function isNumber(given: unknown): given is number {
  return typeof given === "number" && Number.isFinite(given);
}

function isText(given: unknown): given is string {
  return typeof given === "string";
}

function isObject(given: unknown): given is object {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

/** A value as it stood in the JSON. */
function shown(given: unknown): string {
  return typeof given === "number" ? String(given) : JSON.stringify(given);
}
