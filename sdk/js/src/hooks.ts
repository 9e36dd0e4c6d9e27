// Makes of a policy what the host calls: for each hook, a function that reads the configuration and one that answers
// the question.
//
// What a policy throws: `Decline` says that it cannot answer this time; anything else is a mistake in it, is logged and
// counts as a fault. What `configure` throws refuses the configuration.

import { Holds, Prices, Replicas, Room, Verdicts } from "./answers";
import { configuration, type Config, type Fields } from "./config";
import { log } from "./host";
import { View } from "./view";

/** Thrown where a policy cannot answer: the built-in default answers instead, and the reason stands in the record. */
export class Decline extends Error {}

/** What every policy has. `Settings` is what its question gets: the configuration, or what `configure` makes of it. */
interface Configured<F extends Fields, Settings> {
  /** Fields of the configuration, with their presets. */
  readonly config?: F;
  /** Checks the configuration (an Error refuses it) and makes of it what the question needs. */
  configure?(config: Config<F>): Settings;
}

/** A policy for the hook scaler. */
export interface Scaler<F extends Fields, Settings> extends Configured<F, Settings> {
  /** How many replicas does each workload need? */
  scale(view: View, settings: Settings): Replicas;
}

/** A policy for the hook placement. */
export interface Placement<F extends Fields, Settings> extends Configured<F, Settings> {
  /** What do places cost? */
  place(view: View, settings: Settings): Prices;
}

/** A policy for the hook headroom. */
export interface Headroom<F extends Fields, Settings> extends Configured<F, Settings> {
  /** How much room should be kept free? */
  reserve(view: View, settings: Settings): Room;
}

/** A policy for the hook disruption. */
export interface Disruption<F extends Fields, Settings> extends Configured<F, Settings> {
  /** Which nodes may be given up, and for how much? */
  judge(view: View, settings: Settings): Verdicts;
}

/** A policy for the hook review. */
export interface Review<F extends Fields, Settings> extends Configured<F, Settings> {
  /** Which steps of the finished plan wait? */
  review(view: View, settings: Settings): Holds;
}

/** What a policy exports: `export const scaler = defineScaler({…})`. */
export function defineScaler<F extends Fields = {}, S = Config<F>>(policy: Scaler<F, S>) {
  const { configure, ask } = asked<F, S>(policy, Replicas, (view, settings) => policy.scale(view, settings));
  return { configure, scale: ask };
}

/** What a policy exports: `export const placement = definePlacement({…})`. */
export function definePlacement<F extends Fields = {}, S = Config<F>>(policy: Placement<F, S>) {
  const { configure, ask } = asked<F, S>(policy, Prices, (view, settings) => policy.place(view, settings));
  return { configure, place: ask };
}

/** What a policy exports: `export const headroom = defineHeadroom({…})`. */
export function defineHeadroom<F extends Fields = {}, S = Config<F>>(policy: Headroom<F, S>) {
  const { configure, ask } = asked<F, S>(policy, Room, (view, settings) => policy.reserve(view, settings));
  return { configure, reserve: ask };
}

/** What a policy exports: `export const disruption = defineDisruption({…})`. */
export function defineDisruption<F extends Fields = {}, S = Config<F>>(policy: Disruption<F, S>) {
  const { configure, ask } = asked<F, S>(policy, Verdicts, (view, settings) => policy.judge(view, settings));
  return { configure, judge: ask };
}

/** What a policy exports: `export const review = defineReview({…})`. */
export function defineReview<F extends Fields = {}, S = Config<F>>(policy: Review<F, S>) {
  const { configure, ask } = asked<F, S>(policy, Holds, (view, settings) => policy.review(view, settings));
  return { configure, review: ask };
}

interface Answer {
  lists(): unknown[];
}

function asked<F extends Fields, S>(
  policy: Configured<F, S>,
  kind: new () => Answer,
  question: (view: View, settings: S) => Answer,
) {
  let settings: S;
  const configure = (json: string): void => {
    try {
      const config = configuration(policy.config ?? ({} as F), json);
      settings = policy.configure === undefined ? (config as S) : policy.configure(config);
    } catch (why) {
      throw words(why);
    }
  };
  const ask = (picture: Picture): unknown[] | undefined => {
    try {
      const answer = question(new View(picture), settings);
      if (!(answer instanceof kind)) throw new TypeError(`the answer must be ${kind.name}`);
      return answer.lists();
    } catch (why) {
      if (why instanceof Decline) throw why.message;
      log.error(words(why) + where(why));
      // No answer at all: the engine stops, which the host counts as a fault.
      return undefined;
    } finally {
      // What is lent must be let go of before the call returns.
      picture[Symbol.dispose]();
    }
  };
  return { configure, ask };
}

function words(why: unknown): string {
  if (!(why instanceof Error)) return String(why);
  return why.name === "Error" ? why.message : `${why.name}: ${why.message}`;
}

/** The functions in which it was thrown, innermost first, without the two of this file. */
function where(why: unknown): string {
  const stack = why instanceof Error ? (why.stack ?? "") : "";
  const functions = [...stack.matchAll(/at (\S+) \(/g)].map((found) => found[1]).slice(0, -2);
  return functions.length > 0 ? ` (in ${functions.join(", ")})` : "";
}
