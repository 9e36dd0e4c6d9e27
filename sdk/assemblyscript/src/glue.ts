// What the exported functions are made of: build/build.mjs writes one pair for each hook, which calls these.

import { Lists } from "./answers";
import { Config } from "./config";
import * as contract from "./contract";
import { declined } from "./host";
import { bytesOf, textAt, written } from "./memory";

export { cabi_realloc } from "./memory";

/** Where a result lies for the host: one byte, and from the fifth on pointers and lengths, nine pairs at most. */
const RESULT: usize = memory.data(4 + 9 * 8, 4);

/** The configuration that the host hands over. */
export function given(pointer: usize, bytes: usize): Config {
  return new Config(textAt(pointer, bytes));
}

/** Result of `configure`. */
export function configured(config: Config): usize {
  return failed(config.refusal());
}

/** Result of a question. Lets go of the picture, which is only lent. */
export function answered<A>(answer: A, picture: i32): usize {
  contract.drop(picture);
  if (declined === null) answer.put(new Lists(RESULT + 4));
  return failed(declined);
}

function failed(why: string | null): usize {
  store<u8>(RESULT, why === null ? 0 : 1);
  if (why !== null) new Lists(RESULT + 4).addRaw(bytesOf(why), written);
  return RESULT;
}
