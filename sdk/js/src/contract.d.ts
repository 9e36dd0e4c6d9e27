// What of the contract (sdk/wit) reaches JavaScript as it is. Only the SDK sees it.
//
// Columns of numbers come as their bytes (build/fit.mjs sees to it), 64-bit numbers as the nearest number, read as if
// they were signed.

/** Tables of the picture. */
type Table =
  | "classes" | "sets" | "workloads" | "samples" | "candidates" | "movers" | "steps"
  | "groups" | "offers" | "nodes" | "pods" | "metrics" | "history";

/** The picture: every function of `view`, in camel case. The columns among them are named in columns.ts. */
interface Picture extends Record<Table, () => number> {
  nowMs(): number;
  seed(): number;
  cluster(): number;
  state(): Uint8Array;
  resolve(syms: number[]): string[];
  intern(text: string): number;
  [Symbol.dispose](): void;
}

declare module "plimsoll:policy/host@0.2.0" {
  export function log(level: number, message: string): void;
  export function explain(row: number, code: number, text: string): void;
  export function keep(state: Uint8Array): void;
}
