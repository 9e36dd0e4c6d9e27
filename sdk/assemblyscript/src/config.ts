// Reads the operator's configuration: each field is asked for by name, with its preset. Values of the wrong type are
// refused, and so are fields that nobody asked for: a misspelt field is not ignored.
//
// The first mistake counts; after one, the presets are given.

import { Json, JsonField, Kind } from "./json";

/** See the top of the file. */
@final
export class Config {
  private json: Json;
  private known: string[] = [];
  private mistake: string | null = null;

  /** Made by the SDK. */
  constructor(json: string) {
    this.json = new Json(json);
    const mistake = this.json.mistake;
    if (mistake !== null) this.refuse(`the configuration is not as it should be: ${mistake}`);
  }

  /** A number. */
  number(name: string, preset: f64, from: f64 = -Infinity, to: f64 = Infinity): f64 {
    const field = this.ask(name);
    if (field === null) return preset;
    if (field.kind == Kind.Number && field.number >= from && field.number <= to) return field.number;
    this.unfit(field, `a number${from > -Infinity || to < Infinity ? ` from ${short(from)} to ${short(to)}` : ""}`);
    return preset;
  }

  /** A whole number, from 0 to 4294967295 where no bounds are given. */
  whole<T>(name: string, preset: T, from: i64 = 0, to: i64 = 4294967295): T {
    const field = this.ask(name);
    if (field === null) return preset;
    const given = field.number;
    if (field.kind == Kind.Number && given == Math.floor(given) && given >= <f64>from && given <= <f64>to) {
      return <T>(<i64>given);
    }
    this.unfit(field, `a whole number from ${from} to ${to}`);
    return preset;
  }

  /** true or false. */
  flag(name: string, preset: bool): bool {
    const field = this.ask(name);
    if (field === null) return preset;
    if (field.kind == Kind.Flag) return field.flag;
    this.unfit(field, "true or false");
    return preset;
  }

  /** A text. */
  text(name: string, preset: string): string {
    const field = this.ask(name);
    if (field === null) return preset;
    if (field.kind == Kind.Text) return field.text;
    this.unfit(field, "a text");
    return preset;
  }

  /** A list of texts. */
  texts(name: string, preset: string[]): string[] {
    const field = this.ask(name);
    if (field === null) return preset;
    if (field.kind == Kind.Texts) return field.texts;
    this.unfit(field, "a list of texts");
    return preset;
  }

  /** Numbers by name: an object of numbers. */
  numbers(name: string, preset: Map<string, f64>): Map<string, f64> {
    const field = this.ask(name);
    if (field === null) return preset;
    if (field.kind == Kind.Numbers) return field.numbers;
    this.unfit(field, "an object of numbers");
    return preset;
  }

  /** Refuses the configuration. */
  refuse(why: string): void {
    if (this.mistake === null) this.mistake = why;
  }

  /** What is wrong with it, once all fields were asked for. */
  refusal(): string | null {
    for (let i = 0; i < this.json.fields.length; i++) {
      const field = this.json.fields[i];
      if (field.asked || this.mistake !== null) continue;
      const known = this.known.length > 0 ? this.known.join(", ") : "none";
      this.refuse(`there is no field "${field.name}"; known are: ${known}`);
    }
    return this.mistake;
  }

  private ask(name: string): JsonField | null {
    this.known.push(name);
    const field = this.json.named(name);
    if (field) field.asked = true;
    return field;
  }

  private unfit(field: JsonField, wanted: string): void {
    this.refuse(`${field.name} must be ${wanted}, not ${field.source}`);
  }
}

/** A number as people write it. */
function short(value: f64): string {
  return value == Math.floor(value) && abs(value) < 1e15 ? (<i64>value).toString() : value.toString();
}
