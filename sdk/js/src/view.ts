// The picture that a policy is shown: tables of rows, the same as whole columns, and what was kept.
//
// Tables that a hook does not see are empty. Nothing here changes the picture.

import { ColumnsOfPicture, Dictionary, type Columns } from "./columns";
import {
  beginnings, Candidate, Class, Group, Metric, Moment, Mover, Node, Offer, OfferSet, Pod, Row, rowsOf, Sample, Step,
  Workload,
} from "./rows";
import { decoded } from "./utf8";

/** For loops that must be fast, every column is a property, named as in view.wit: `view.workloadReplicas[row]`. */
export interface View extends Columns {}

/** See the top of the file. */
export class View extends ColumnsOfPicture {
  /** For the rows. */
  readonly dictionary: Dictionary;
  readonly #tables = new Map<Table, unknown>();
  #moversBegin: Uint32Array | undefined;
  #samplesBegin: Uint32Array | undefined;

  /** Made by the SDK, for one evaluation. */
  constructor(picture: Picture) {
    super(picture);
    this.dictionary = new Dictionary(this, picture);
  }

  /** When the picture was taken: milliseconds since 1970-01-01T00:00:00Z. The only time there is. */
  get nowMs(): number {
    return this.picture.nowMs();
  }

  /** Recorded random number of the cycle, 0 to 2 to the 64th, as near as a number comes to it. The only randomness. */
  get seed(): number {
    const seed = this.picture.seed();
    return seed < 0 ? seed + 2 ** 64 : seed;
  }

  /** Name of the cluster. */
  get cluster(): string {
    return this.word(this.picture.cluster());
  }

  /** What this policy kept at the same hook in the last cycle that had an answer of it; empty where nothing was. */
  get state(): Uint8Array {
    return this.picture.state();
  }

  /** The same as text. */
  get stateText(): string {
    return decoded(this.state);
  }

  /** Classes of demand (hooks placement and headroom). */
  get classes(): readonly Class[] { return this.#table("classes", Class); }
  /** Offer sets (hooks placement and headroom). */
  get sets(): readonly OfferSet[] { return this.#table("sets", OfferSet); }
  /** Workloads that may be scaled (hook scaler). */
  get workloads(): readonly Workload[] { return this.#table("workloads", Workload); }
  /** Past values of their metrics (hook scaler). */
  get samples(): readonly Sample[] { return this.#table("samples", Sample); }
  /** Nodes that could be given up (hook disruption). */
  get candidates(): readonly Candidate[] { return this.#table("candidates", Candidate); }
  /** Pods that would have to move for them, in their order (hook disruption). */
  get movers(): readonly Mover[] { return this.#table("movers", Mover); }
  /** Steps of the plan that begin something (hook review). */
  get steps(): readonly Step[] { return this.#table("steps", Step); }
  /** Groups, sorted by name. */
  get groups(): readonly Group[] { return this.#table("groups", Group); }
  /** What can be bought in them. */
  get offers(): readonly Offer[] { return this.#table("offers", Offer); }
  /** Nodes, sorted by name. */
  get nodes(): readonly Node[] { return this.#table("nodes", Node); }
  /** Pods, sorted by namespace and name. */
  get pods(): readonly Pod[] { return this.#table("pods", Pod); }
  /** Every figure that is known about a workload. */
  get metrics(): readonly Metric[] { return this.#table("metrics", Metric); }
  /** Demand of recent cycles, oldest first. */
  get history(): readonly Moment[] { return this.#table("history", Moment); }

  /** Number that stands for a text in the columns of this evaluation, to compare labels fast. */
  sym(text: string): number {
    return this.picture.intern(text);
  }

  /** Text of a sym. */
  word(sym: number): string {
    this.dictionary.learn(Uint32Array.of(sym));
    return this.dictionary.words[sym];
  }

  /** Pods that would have to move for a candidate row. */
  moversOf(row: number): readonly Mover[] {
    const begins = (this.#moversBegin ??= beginnings(this.moverCandidate, this.candidates.length));
    return this.movers.slice(begins[row], begins[row + 1]);
  }

  /** Past values of a workload row. */
  samplesOf(row: number): readonly Sample[] {
    const begins = (this.#samplesBegin ??= beginnings(this.sampleWorkload, this.workloads.length));
    return this.samples.slice(begins[row], begins[row + 1]);
  }

  #table<R extends Row>(table: Table, type: { readonly prototype: R }): readonly R[] {
    let rows = this.#tables.get(table) as readonly R[] | undefined;
    if (rows === undefined) this.#tables.set(table, (rows = rowsOf(type, this, this.picture[table]())));
    return rows;
  }
}
