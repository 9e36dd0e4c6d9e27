// What a policy may say beside its answer, and keep for the next cycle. Limits are those of sdk/wit/host.wit.

import * as contract from "./contract";
import { bytesOf, written } from "./memory";
import { Row } from "./rows";

/** Lines for the record of the cycle. */
export namespace log {
  /** For authors. */
  export function debug(message: string): void { line(0, message); }
  /** For operators. */
  export function info(message: string): void { line(1, message); }
  /** Something is odd. */
  export function warning(message: string): void { line(2, message); }
  /** Something is wrong. */
  export function error(message: string): void { line(3, message); }
}

function line(level: u32, message: string): void {
  contract.log(level, bytesOf(message), written);
}

/** Words for the answer about a row, beside its reason code. Answers call it where they are given words. */
export function explain(row: Row, code: u16, why: string): void {
  explainRow(row.row, code, why);
}

/** The same for the number of a row. */
export function explainRow(row: u32, code: u16, why: string): void {
  contract.explain(row, code, bytesOf(why), written);
}

/**
 * Keeps a text, at most 65536 bytes, for the next cycle: `view.stateText` gives it back at the same hook. The last call
 * counts; without one, what was kept stays, and nothing at all forgets it.
 */
export function keep(state: string): void {
  contract.keep(bytesOf(state), written);
}

/** The same for bytes and `view.state`. */
export function keepBytes(state: StaticArray<u8>): void {
  contract.keep(changetype<usize>(state), state.length);
}

/** Why the policy cannot answer, where it said so. */
export let declined: string | null = null;

/** Says that the policy cannot answer: the built-in default answers instead, and what is returned is not looked at. */
export function decline(why: string): void {
  declined = why;
}

/** What the language calls where something is thrown: a mistake in the policy, which the host counts as a fault. */
export function abort(message: string | null, file: string | null, atLine: u32, column: u32): void {
  const what = message === null ? "aborted" : message;
  log.error(file === null ? what : `${what} (${file}:${atLine}:${column})`);
  unreachable();
}
