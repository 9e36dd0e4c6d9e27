// What a policy may say beside its answer, and keep for the next cycle. Limits are those of sdk/wit/host.wit.

import * as host from "plimsoll:policy/host@0.2.0";
import { encoded } from "./utf8";

/** Lines for the record of the cycle. */
export const log = {
  /** For authors. */
  debug: (message: string) => host.log(0, message),
  /** For operators. */
  info: (message: string) => host.log(1, message),
  /** Something is odd. */
  warning: (message: string) => host.log(2, message),
  /** Something is wrong. */
  error: (message: string) => host.log(3, message),
};

/** Words for the answer about a row, beside its reason code. Answers call it where they are given words. */
export function explain(row: { readonly row: number }, code: number, why: string): void {
  host.explain(row.row, code, why);
}

/**
 * Keeps bytes or text, at most 65536 bytes, for the next cycle: `view.state` gives them back at the same hook. The last
 * call counts; without one, what was kept stays, and nothing at all forgets it.
 */
export function keep(state: Uint8Array | string): void {
  host.keep(typeof state === "string" ? encoded(state) : state);
}
