// Words by sym: fetched in batches, made texts when they are first read, and kept.
//
// A table of its own instead of a Map: with a hundred thousand words a Map leaves more behind than it holds, and
// nothing is freed.

import * as contract from "./contract";
import { listAt, OUT, textAt } from "./memory";

/** Places to begin with; a power of two, as it must be. */
const PLACES = 64;

/** See the top of the file. */
@final
export class Dictionary {
  private count: i32 = 0;
  /** Sym at each place; 0 where the place is free. */
  private syms: StaticArray<u32> = new StaticArray<u32>(PLACES);
  /** Where the host put pointer and length of its word. */
  private fetched: StaticArray<usize> = new StaticArray<usize>(PLACES);
  /** Its text, as soon as somebody has read it. */
  private texts: StaticArray<string | null> = new StaticArray<string | null>(PLACES);

  constructor(private readonly picture: i32) {}

  /** Fetches the words of a column that are not there. */
  learn(column: StaticArray<u32>): void {
    const asked: u32[] = [];
    let last: u32 = 0;
    for (let row = 0; row < column.length; row++) {
      const sym = unchecked(column[row]);
      // Neighbours are often alike.
      if (sym == last) continue;
      last = sym;
      if (sym != 0 && this.added(sym)) asked.push(sym);
    }
    if (asked.length == 0) return;
    contract.resolve(this.picture, asked.dataStart, asked.length, OUT);
    const words = changetype<usize>(listAt<usize>(OUT));
    for (let at = 0; at < asked.length; at++) this.fetched[this.place(asked[at])] = words + 8 * at;
  }

  /** Text of a sym that was learnt. */
  word(sym: u32): string {
    if (sym == 0) return "";
    const place = this.place(sym);
    const known = this.texts[place];
    if (known !== null) return known;
    const word = this.fetched[place];
    const text = textAt(load<usize>(word), load<usize>(word, 4));
    this.texts[place] = text;
    return text;
  }

  /** Makes a place for a sym; false where it has one. */
  private added(sym: u32): bool {
    const place = this.place(sym);
    if (this.syms[place] == sym) return false;
    this.syms[place] = sym;
    if (++this.count * 4 > this.syms.length * 3) this.grow();
    return true;
  }

  /** The place of a sym, or the free one where it belongs. */
  private place(sym: u32): i32 {
    const mask = this.syms.length - 1;
    let place = (sym * 0x9e3779b1) & mask;
    while (unchecked(this.syms[place]) != 0 && unchecked(this.syms[place]) != sym) place = (place + 1) & mask;
    return place;
  }

  private grow(): void {
    const syms = this.syms;
    const fetched = this.fetched;
    const texts = this.texts;
    this.syms = new StaticArray<u32>(2 * syms.length);
    this.fetched = new StaticArray<usize>(2 * syms.length);
    this.texts = new StaticArray<string | null>(2 * syms.length);
    for (let old = 0; old < syms.length; old++) {
      if (syms[old] == 0) continue;
      const place = this.place(syms[old]);
      this.syms[place] = syms[old];
      this.fetched[place] = fetched[old];
      this.texts[place] = texts[old];
    }
  }
}
