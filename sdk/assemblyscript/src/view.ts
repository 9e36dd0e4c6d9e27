// The picture that a policy is shown: tables of rows, the same as whole columns, and what was kept.
//
// Tables that a hook does not see are empty. Nothing here changes the picture.

import { Column, Columns, Keyed } from "./columns";
import * as contract from "./contract";
import { Dictionary } from "./dictionary";
import { bytesOf, listAt, OUT, textOf, written } from "./memory";
import {
  Candidate, Class, Group, Metric, Moment, Mover, Node, Offer, OfferSet, Pod, Sample, Step, Workload,
} from "./rows";

/** Rows, one after the other: `for (let i = 0; i < table.length; i++) table[i]`. */
@final
export class Table<R> {
  constructor(
    private readonly view: View,
    private readonly first: u32,
    /** How many there are. */
    readonly length: i32,
  ) {}

  /** The row at a place. */
  @operator("[]")
  at(place: i32): R {
    if (<u32>place >= <u32>this.length) throw new RangeError("there is no such row");
    return instantiate<R>(this.view, this.first + place);
  }
}

/** See the top of the file. */
@final
export class View extends Columns {
  private dictionary: Dictionary;
  private worded: StaticArray<bool> = new StaticArray<bool>(Column.COUNT);

  /** Made by the SDK, for one evaluation. */
  constructor(picture: i32) {
    super(picture);
    this.dictionary = new Dictionary(picture);
  }

  /** When the picture was taken: milliseconds since 1970-01-01T00:00:00Z. The only time there is. */
  get nowMs(): u64 { return contract.nowMs(this.picture); }
  /** Recorded random number of the cycle. The only randomness there is. */
  get seed(): u64 { return contract.seed(this.picture); }
  /** Name of the cluster. */
  get cluster(): string { return this.word(contract.cluster(this.picture)); }

  /** What this policy kept at the same hook in the last cycle that had an answer of it; empty where nothing was. */
  get state(): StaticArray<u8> {
    contract.state(this.picture, OUT);
    return listAt<u8>(OUT);
  }

  /** The same as text. */
  get stateText(): string {
    return textOf(this.state);
  }

  /** Classes of demand (hooks placement and headroom). */
  get classes(): Table<Class> { return new Table(this, 0, contract.classes(this.picture)); }
  /** Offer sets (hooks placement and headroom). */
  get sets(): Table<OfferSet> { return new Table(this, 0, contract.sets(this.picture)); }
  /** Workloads that may be scaled (hook scaler). */
  get workloads(): Table<Workload> { return new Table(this, 0, contract.workloads(this.picture)); }
  /** Past values of their metrics (hook scaler). */
  get samples(): Table<Sample> { return new Table(this, 0, contract.samples(this.picture)); }
  /** Nodes that could be given up (hook disruption). */
  get candidates(): Table<Candidate> { return new Table(this, 0, contract.candidates(this.picture)); }
  /** Pods that would have to move for them, in their order (hook disruption). */
  get movers(): Table<Mover> { return new Table(this, 0, contract.movers(this.picture)); }
  /** Steps of the plan that begin something (hook review). */
  get steps(): Table<Step> { return new Table(this, 0, contract.steps(this.picture)); }
  /** Groups, sorted by name. */
  get groups(): Table<Group> { return new Table(this, 0, contract.groups(this.picture)); }
  /** What can be bought in them. */
  get offers(): Table<Offer> { return new Table(this, 0, contract.offers(this.picture)); }
  /** Nodes, sorted by name. */
  get nodes(): Table<Node> { return new Table(this, 0, contract.nodes(this.picture)); }
  /** Pods, sorted by namespace and name. */
  get pods(): Table<Pod> { return new Table(this, 0, contract.pods(this.picture)); }
  /** Every figure that is known about a workload. */
  get metrics(): Table<Metric> { return new Table(this, 0, contract.metrics(this.picture)); }
  /** Demand of recent cycles, oldest first. */
  get history(): Table<Moment> { return new Table(this, 0, contract.history(this.picture)); }

  /** Number that stands for a text in the columns of this evaluation, to compare labels fast. */
  sym(text: string): u32 {
    return contract.intern(this.picture, bytesOf(text), written);
  }

  /** Text of a sym. */
  word(sym: u32): string {
    this.dictionary.learn([sym]);
    return this.dictionary.word(sym);
  }

  /** Text of a row of a column, all words of which are fetched at once. */
  text(which: Column, column: StaticArray<u32>, row: u32): string {
    if (!this.worded[which]) {
      this.dictionary.learn(column);
      this.worded[which] = true;
    }
    return this.dictionary.word(column[row]);
  }

  /** The same of a column by key. */
  textByKey(column: Keyed, row: u32): string {
    if (!column.worded) {
      this.dictionary.learn(column.rows);
      column.worded = true;
    }
    return this.dictionary.word(column.rows[row]);
  }
}

/** Rows of a table that is in the order of another one: those that belong to one row of it. */
export function within<R>(view: View, ownerOf: StaticArray<u32>, owner: u32): Table<R> {
  const first = firstFrom(ownerOf, owner);
  return new Table<R>(view, first, firstFrom(ownerOf, owner + 1) - first);
}

/** The first row whose owner is not before this one. */
function firstFrom(ownerOf: StaticArray<u32>, owner: u32): i32 {
  let low = 0;
  let high = ownerOf.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ownerOf[middle] < owner) low = middle + 1;
    else high = middle;
  }
  return low;
}
