// Answers, put together row by row and handed over as the parallel lists of sdk/wit/hooks.wit.
//
// What a list cannot hold (a fraction of a replica, a code beyond 65535) is refused here, for it would turn into
// another number silently. What makes an answer nonsense beyond that, the host finds.

import { explain } from "./host";
import type { Candidate, Class, OfferSet, Step, Workload } from "./rows";

const U16 = 65535;
const U32 = 4294967295;

/** Answer of a scaler. A workload that it does not name keeps what it has. */
export class Replicas {
  private readonly rows: number[] = [];
  private readonly wanted: number[] = [];
  private readonly codes: number[] = [];
  /** The lists where they were given whole. */
  private whole: unknown[] | undefined;

  /** One number for every workload, in their order, with one reason code: the fast way for thousands. */
  static every(wanted: Uint32Array, code = 0): Replicas {
    if ((code & U16) !== code) refuse("code", code, U16);
    const { length } = wanted;
    const rows = new Uint32Array(length);
    for (let row = 0; row < length; row++) rows[row] = row;
    const answer = new Replicas();
    answer.whole = [rows, wanted, new Uint16Array(length).fill(code)];
    return answer;
  }

  /** This many replicas for this workload, with a reason code of your own (0: none) and words that people read. */
  set(workload: Workload, replicas: number, code = 0, why?: string): void {
    if (replicas >>> 0 !== replicas) refuse("replicas", replicas, U32);
    if ((code & U16) !== code) refuse("code", code, U16);
    this.rows.push(workload.row);
    this.wanted.push(replicas);
    this.codes.push(code);
    if (why !== undefined) explain(workload, code, why);
  }

  /** For the host. */
  lists(): unknown[] {
    if (this.whole === undefined) return [u32(this.rows), u32(this.wanted), u16(this.codes)];
    if (this.rows.length > 0) throw new TypeError("a workload has replicas twice: Replicas.every names all of them");
    return this.whole;
  }
}

/** Answer of a placement policy. */
export class Prices {
  private readonly factors = { sets: [] as number[], factors: [] as number[] };
  private readonly bans = { classes: [] as number[], sets: [] as number[], codes: [] as number[] };
  /** Bans of all classes in a set. */
  private readonly whole: { set: number; codes: Uint16Array }[] = [];
  private readonly addends = {
    classes: [] as number[],
    sets: [] as number[],
    usd: [] as number[],
    codes: [] as number[],
  };

  /** Multiplies the prices of a set: 1.1 makes it 10 % dearer. 0.001 to 1000, once for each set. */
  factor(set: OfferSet, factor: number): void {
    this.factors.sets.push(set.row);
    this.factors.factors.push(factor);
  }

  /** Never this class in this set. */
  forbid(of: Class, set: OfferSet, code = 0): void {
    if ((code & U16) !== code) refuse("code", code, U16);
    this.bans.classes.push(of.row);
    this.bans.sets.push(set.row);
    this.bans.codes.push(code);
  }

  /** Never any class in this set, with a code for every class in their order: the fast way for thousands. */
  forbidEvery(set: OfferSet, codes: Uint16Array): void {
    this.whole.push({ set: set.row, codes });
  }

  /** Adds dollars per hour and pod: positive avoids, negative prefers. Once for each class and set. */
  add(of: Class, set: OfferSet, usdPerHour: number, code = 0): void {
    if ((code & U16) !== code) refuse("code", code, U16);
    this.addends.classes.push(of.row);
    this.addends.sets.push(set.row);
    this.addends.usd.push(usdPerHour);
    this.addends.codes.push(code);
  }

  /** For the host. */
  lists(): unknown[] {
    const [factors, addends] = [this.factors, this.addends];
    return [
      ...[u32(factors.sets), f64(factors.factors)],
      ...this.banned(),
      ...[u32(addends.classes), u32(addends.sets), f64(addends.usd), u16(addends.codes)],
    ];
  }

  /** Bans one by one, then those of all classes. */
  private banned(): unknown[] {
    const single = this.bans.codes.length;
    const [first, ...others] = this.whole;
    if (first !== undefined && first.codes.length > 0 && single + others.length === 0) {
      // No classes stand for every one, and one set for all of them.
      return [new Uint32Array(), Uint32Array.of(first.set), first.codes];
    }
    const length = this.whole.reduce((sum, { codes }) => sum + codes.length, single);
    const [classes, sets, codes] = [new Uint32Array(length), new Uint32Array(length), new Uint16Array(length)];
    classes.set(this.bans.classes);
    sets.set(this.bans.sets);
    codes.set(this.bans.codes);
    let at = single;
    for (const every of this.whole) {
      for (let row = 0; row < every.codes.length; row++) classes[at + row] = row;
      sets.fill(every.set, at, at + every.codes.length);
      codes.set(every.codes, at);
      at += every.codes.length;
    }
    return [classes, sets, codes];
  }
}

/** Answer of a headroom policy. */
export class Room {
  private readonly counts: number[] = [];
  private readonly cpus: number[] = [];
  private readonly memories: number[] = [];
  private readonly codes: number[] = [];

  /** Keeps room for so many pods of this size. */
  keep(pods: number, cpuMilli: number, memoryMib: number, code = 0, why?: string): void {
    if (pods >>> 0 !== pods) refuse("pods", pods, U32);
    if (cpuMilli >>> 0 !== cpuMilli) refuse("millicores", cpuMilli, U32);
    if (memoryMib >>> 0 !== memoryMib) refuse("MiB", memoryMib, U32);
    if ((code & U16) !== code) refuse("code", code, U16);
    if (why !== undefined) explain({ row: this.counts.length }, code, why);
    this.counts.push(pods);
    this.cpus.push(cpuMilli);
    this.memories.push(memoryMib);
    this.codes.push(code);
  }

  /** For the host. */
  lists(): unknown[] {
    return [u32(this.counts), u32(this.cpus), u32(this.memories), u16(this.codes)];
  }
}

/** Answer of a disruption policy. A candidate that it does not name may go as it is. */
export class Verdicts {
  private readonly denials = { rows: [] as number[], codes: [] as number[] };
  private readonly addends = { rows: [] as number[], usd: [] as number[], codes: [] as number[] };

  /** The node stays. Once for each candidate. */
  deny(candidate: Candidate, code = 0, why?: string): void {
    if ((code & U16) !== code) refuse("code", code, U16);
    this.denials.rows.push(candidate.row);
    this.denials.codes.push(code);
    if (why !== undefined) explain(candidate, code, why);
  }

  /** Giving the node up must bring so many dollars per hour more than it must anyway. Once for each candidate. */
  add(candidate: Candidate, usdPerHour: number, code = 0, why?: string): void {
    if ((code & U16) !== code) refuse("code", code, U16);
    this.addends.rows.push(candidate.row);
    this.addends.usd.push(usdPerHour);
    this.addends.codes.push(code);
    if (why !== undefined) explain(candidate, code, why);
  }

  /** For the host. */
  lists(): unknown[] {
    const [denials, addends] = [this.denials, this.addends];
    return [u32(denials.rows), u16(denials.codes), u32(addends.rows), f64(addends.usd), u16(addends.codes)];
  }
}

/** Answer of a review policy. A step that it does not name is begun. */
export class Holds {
  private readonly rows: number[] = [];
  private readonly codes: number[] = [];

  /** The step waits for a later cycle. Once for each step. */
  hold(step: Step, code = 0, why?: string): void {
    if ((code & U16) !== code) refuse("code", code, U16);
    this.rows.push(step.row);
    this.codes.push(code);
    if (why !== undefined) explain(step, code, why);
  }

  /** For the host. */
  lists(): unknown[] {
    return [u32(this.rows), u16(this.codes)];
  }
}

const u32 = (values: number[]) => Uint32Array.from(values);
const u16 = (values: number[]) => Uint16Array.from(values);
const f64 = (values: number[]) => Float64Array.from(values);

function refuse(what: string, value: number, most: number): never {
  throw new RangeError(`${what}: a whole number from 0 to ${most} is needed, not ${value}`);
}
