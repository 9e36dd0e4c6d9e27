// Answers, put together row by row and handed over as the parallel lists of sdk/wit/hooks.wit.
//
// What makes an answer nonsense, the host finds.

import { explain, explainRow } from "./host";
import { Candidate, Class, OfferSet, Step, Workload } from "./rows";

/** Writes lists for the host, one after the other: pointer and length. */
@final
export class Lists {
  constructor(private at: usize) {}

  add<T>(list: T[]): void {
    this.addRaw(list.dataStart, list.length);
  }

  addRaw(pointer: usize, length: usize): void {
    store<usize>(this.at, pointer);
    store<usize>(this.at, length, 4);
    this.at += 8;
  }
}

/** Answer of a scaler. A workload that it does not name keeps what it has. */
@final
export class Replicas {
  private rows: u32[] = [];
  private wanted: u32[] = [];
  private codes: u16[] = [];
  /** Where every workload was answered at once. */
  private all: StaticArray<u32> | null = null;
  private code: u16 = 0;

  /** One number for every workload, in their order, with one reason code: the fast way for thousands. */
  static every(wanted: StaticArray<u32>, code: u16 = 0): Replicas {
    const answer = new Replicas();
    answer.all = wanted;
    answer.code = code;
    return answer;
  }

  /** This many replicas for this workload, with a reason code of your own (0: none). */
  set(workload: Workload, replicas: u32, code: u16 = 0): void {
    this.rows.push(workload.row);
    this.wanted.push(replicas);
    this.codes.push(code);
  }

  /** The same with words that people read. */
  setBecause(workload: Workload, replicas: u32, code: u16, why: string): void {
    explain(workload, code, why);
    this.set(workload, replicas, code);
  }

  /** For the host. */
  put(lists: Lists): void {
    const all = this.all;
    if (all === null) {
      lists.add(this.rows);
      lists.add(this.wanted);
      lists.add(this.codes);
      return;
    }
    if (this.rows.length > 0) throw new Error("a workload has replicas twice: Replicas.every names all of them");
    const length = all.length;
    // No rows stand for every one, and one code for all of them.
    const codes = new StaticArray<u16>(min(length, 1));
    codes.fill(this.code);
    lists.addRaw(0, 0);
    lists.addRaw(changetype<usize>(all), length);
    lists.addRaw(changetype<usize>(codes), codes.length);
  }
}

/** Answer of a placement policy. */
@final
export class Prices {
  private factorSets: u32[] = [];
  private factors: f64[] = [];
  private banClasses: u32[] = [];
  private banSets: u32[] = [];
  private banCodes: u16[] = [];
  /** The first set in which no class may be, with the codes. */
  private every: StaticArray<u16> | null = null;
  private everySet: u32[] = [];
  private addClasses: u32[] = [];
  private addSets: u32[] = [];
  private addUsd: f64[] = [];
  private addCodes: u16[] = [];

  /** Multiplies the prices of a set: 1.1 makes it 10 % dearer. 0.001 to 1000, once for each set. */
  factor(set: OfferSet, factor: f64): void {
    this.factorSets.push(set.row);
    this.factors.push(factor);
  }

  /** Never this class in this set. */
  forbid(pods: Class, set: OfferSet, code: u16 = 0): void {
    this.banClasses.push(pods.row);
    this.banSets.push(set.row);
    this.banCodes.push(code);
  }

  /** Never any class in this set, with a code for every class in their order: the fast way for thousands. */
  forbidEvery(set: OfferSet, codes: StaticArray<u16>): void {
    if (this.every !== null) return this.forbidAll(set.row, codes);
    this.every = codes;
    this.everySet.push(set.row);
  }

  private forbidAll(set: u32, codes: StaticArray<u16>): void {
    const before = this.banCodes.length;
    this.banClasses.length = before + codes.length;
    this.banSets.length = before + codes.length;
    this.banCodes.length = before + codes.length;
    const classes = this.banClasses.dataStart + (<usize>before << 2);
    const sets = this.banSets.dataStart + (<usize>before << 2);
    const length = codes.length;
    for (let row = 0; row < length; row++) {
      store<u32>(classes + (<usize>row << 2), row);
      store<u32>(sets + (<usize>row << 2), set);
    }
    memory.copy(this.banCodes.dataStart + (<usize>before << 1), changetype<usize>(codes), <usize>length << 1);
  }

  /** Adds dollars per hour and pod: positive avoids, negative prefers. Once for each class and set. */
  add(pods: Class, set: OfferSet, usdPerHour: f64, code: u16 = 0): void {
    this.addClasses.push(pods.row);
    this.addSets.push(set.row);
    this.addUsd.push(usdPerHour);
    this.addCodes.push(code);
  }

  /** For the host. */
  put(lists: Lists): void {
    lists.add(this.factorSets);
    lists.add(this.factors);
    const every = this.every;
    if (every !== null && every.length > 0 && this.banCodes.length == 0) {
      // No classes stand for every one, and one set for all of them.
      lists.addRaw(0, 0);
      lists.add(this.everySet);
      lists.addRaw(changetype<usize>(every), every.length);
    } else {
      if (every !== null) this.forbidAll(this.everySet[0], every);
      lists.add(this.banClasses);
      lists.add(this.banSets);
      lists.add(this.banCodes);
    }
    lists.add(this.addClasses);
    lists.add(this.addSets);
    lists.add(this.addUsd);
    lists.add(this.addCodes);
  }
}

/** Answer of a headroom policy. */
@final
export class Room {
  private counts: u32[] = [];
  private cpus: u32[] = [];
  private memories: u32[] = [];
  private codes: u16[] = [];

  /** Keeps room for so many pods of this size. */
  keep(pods: u32, cpuMilli: u32, memoryMib: u32, code: u16 = 0): void {
    this.counts.push(pods);
    this.cpus.push(cpuMilli);
    this.memories.push(memoryMib);
    this.codes.push(code);
  }

  /** The same with words that people read. */
  keepBecause(pods: u32, cpuMilli: u32, memoryMib: u32, code: u16, why: string): void {
    explainRow(this.counts.length, code, why);
    this.keep(pods, cpuMilli, memoryMib, code);
  }

  /** For the host. */
  put(lists: Lists): void {
    lists.add(this.counts);
    lists.add(this.cpus);
    lists.add(this.memories);
    lists.add(this.codes);
  }
}

/** Answer of a disruption policy. A candidate that it does not name may go as it is. */
@final
export class Verdicts {
  private denied: u32[] = [];
  private denialCodes: u16[] = [];
  private addCandidates: u32[] = [];
  private addUsd: f64[] = [];
  private addCodes: u16[] = [];

  /** The node stays. Once for each candidate. */
  deny(candidate: Candidate, code: u16 = 0): void {
    this.denied.push(candidate.row);
    this.denialCodes.push(code);
  }

  /** The same with words that people read. */
  denyBecause(candidate: Candidate, code: u16, why: string): void {
    explain(candidate, code, why);
    this.deny(candidate, code);
  }

  /** Giving the node up must bring so many dollars per hour more than it must anyway. Once for each candidate. */
  add(candidate: Candidate, usdPerHour: f64, code: u16 = 0): void {
    this.addCandidates.push(candidate.row);
    this.addUsd.push(usdPerHour);
    this.addCodes.push(code);
  }

  /** For the host. */
  put(lists: Lists): void {
    lists.add(this.denied);
    lists.add(this.denialCodes);
    lists.add(this.addCandidates);
    lists.add(this.addUsd);
    lists.add(this.addCodes);
  }
}

/** Answer of a review policy. A step that it does not name is begun. */
@final
export class Holds {
  private rows: u32[] = [];
  private codes: u16[] = [];

  /** The step waits for a later cycle. Once for each step. */
  hold(step: Step, code: u16 = 0): void {
    this.rows.push(step.row);
    this.codes.push(code);
  }

  /** The same with words that people read. */
  holdBecause(step: Step, code: u16, why: string): void {
    explain(step, code, why);
    this.hold(step, code);
  }

  /** For the host. */
  put(lists: Lists): void {
    lists.add(this.rows);
    lists.add(this.codes);
  }
}
