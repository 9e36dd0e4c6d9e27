// Reads JSON, strictly, as far as configurations need it: an object whose values are numbers, true or false, texts,
// lists of texts, or objects of numbers. Other values are read over, so that their field can be refused by name.
//
// Writes nothing.

import { nearest } from "./decimal";

/** What a value is. */
export enum Kind { Other, Number, Flag, Text, Texts, Numbers }

/** A field of the object. */
@final
export class JsonField {
  kind: Kind = Kind.Other;
  number: f64 = 0;
  flag: bool = false;
  text: string = "";
  texts: string[] = [];
  numbers: Map<string, f64> = new Map();
  /** The value as it stands there. */
  source: string = "";
  /** Whether somebody asked for it. */
  asked: bool = false;

  constructor(readonly name: string) {}
}

/** Deeper nesting is refused. */
const DEPTH = 32;

/** See the top of the file. `mistake` says what is wrong, and where; null where nothing is. */
@final
export class Json {
  readonly fields: JsonField[] = [];
  private readonly byName: Map<string, JsonField> = new Map<string, JsonField>();
  mistake: string | null = null;
  private at: i32 = 0;

  constructor(private readonly json: string) {
    this.space();
    if (this.peek() != 0x7b) this.wrong("an object is needed");
    else this.object(null, 0);
    this.space();
    if (this.at < json.length) this.wrong("there is more behind the object");
  }

  /** Fields of the whole (`owner` is null), or an object as the value of a field, of numbers as far as it can be. */
  private object(owner: JsonField | null, depth: i32): void {
    this.at++;
    if (owner) owner.kind = Kind.Numbers;
    this.space();
    if (this.took(0x7d)) return;
    while (this.mistake === null) {
      this.space();
      const name = this.text();
      this.space();
      if (!this.took(0x3a)) return this.wrong("a colon is needed");
      const field = new JsonField(name);
      this.value(field, depth + 1);
      if (owner === null) this.add(field);
      else if (field.kind == Kind.Number) owner.numbers.set(name, field.number);
      else owner.kind = Kind.Other;
      this.space();
      if (this.took(0x7d)) return;
      if (!this.took(0x2c)) return this.wrong("a comma or the end of the object is needed");
    }
  }

  private add(field: JsonField): void {
    if (this.named(field.name)) this.wrong(`${field.name} stands there twice`);
    this.fields.push(field);
    this.byName.set(field.name, field);
  }

  /** The field of this name. */
  named(name: string): JsonField | null {
    return this.byName.has(name) ? this.byName.get(name) : null;
  }

  private value(into: JsonField, depth: i32): void {
    if (depth > DEPTH) return this.wrong("it is nested too deeply");
    this.space();
    const begin = this.at;
    const first = this.peek();
    if (first == 0x7b) this.object(into, depth);
    else if (first == 0x5b) this.list(into, depth);
    else if (first == 0x22) {
      into.kind = Kind.Text;
      into.text = this.text();
    } else if (first == 0x2d || isDigit(first)) {
      into.kind = Kind.Number;
      into.number = this.number();
    } else if (this.word("true") || this.word("false")) {
      into.kind = Kind.Flag;
      into.flag = first == 0x74;
    } else if (!this.word("null")) this.wrong("a value is needed");
    into.source = this.json.substring(begin, this.at);
  }

  private list(into: JsonField, depth: i32): void {
    this.at++;
    into.kind = Kind.Texts;
    this.space();
    if (this.took(0x5d)) return;
    while (this.mistake === null) {
      const entry = new JsonField("");
      this.value(entry, depth + 1);
      if (entry.kind == Kind.Text) into.texts.push(entry.text);
      else into.kind = Kind.Other;
      this.space();
      if (this.took(0x5d)) return;
      if (!this.took(0x2c)) return this.wrong("a comma or the end of the list is needed");
    }
  }

  private text(): string {
    if (!this.took(0x22)) {
      this.wrong("a text is needed");
      return "";
    }
    let text = "";
    let begin = this.at;
    while (this.at < this.json.length) {
      const unit = this.peek();
      if (unit == 0x22) {
        text += this.json.substring(begin, this.at++);
        return text;
      }
      if (unit < 0x20) break;
      this.at++;
      if (unit != 0x5c) continue;
      text += this.json.substring(begin, this.at - 1) + this.escaped();
      begin = this.at;
    }
    this.wrong("the text does not end");
    return text;
  }

  /** What a backslash stands before. */
  private escaped(): string {
    const unit = this.peek();
    this.at++;
    const plain = `"\\/bfnrt`.indexOf(String.fromCharCode(unit));
    if (plain >= 0) return `"\\/\b\f\n\r\t`.charAt(plain);
    let code = 0;
    let digits = unit == 0x75 ? 0 : 4;
    while (digits < 4 && isHex(this.peek())) {
      code = (code << 4) | hex(this.peek());
      digits++;
      this.at++;
    }
    if (unit != 0x75 || digits < 4) this.wrong("a backslash stands before something else");
    return String.fromCharCode(code);
  }

  private number(): f64 {
    const negative = this.took(0x2d);
    const leading = this.peek() == 0x30;
    let digits = this.digits();
    if (leading && digits.length > 1) this.wrong("a number does not begin with 0");
    let exponent = 0;
    if (this.took(0x2e)) {
      const fraction = this.digits();
      digits += fraction;
      exponent = -fraction.length;
    }
    if (this.took(0x65) || this.took(0x45)) {
      const down = this.took(0x2d);
      if (!down) this.took(0x2b);
      const given = this.digits();
      // More digits say no more than that it is far too many.
      const power = given.length > 6 ? 999999 : I32.parseInt(given, 10);
      exponent += down ? -power : power;
    }
    const value = nearest(digits, exponent);
    if (value == Infinity) this.wrong("a number is too large");
    return negative ? -value : value;
  }

  private digits(): string {
    const begin = this.at;
    while (isDigit(this.peek())) this.at++;
    if (this.at == begin) this.wrong("a digit is needed");
    return this.json.substring(begin, this.at);
  }

  private word(word: string): bool {
    if (!this.json.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  private space(): void {
    for (let unit = this.peek(); unit == 0x20 || (unit >= 0x09 && unit <= 0x0d); unit = this.peek()) {
      if (unit == 0x0b || unit == 0x0c) return;
      this.at++;
    }
  }

  private took(unit: i32): bool {
    if (this.peek() != unit) return false;
    this.at++;
    return true;
  }

  /** The code unit here; -1 at the end. */
  private peek(): i32 {
    return this.at < this.json.length ? this.json.charCodeAt(this.at) : -1;
  }

  private wrong(what: string): void {
    if (this.mistake === null) this.mistake = `${what}, at character ${this.at + 1}`;
  }
}

function isDigit(unit: i32): bool {
  return unit >= 0x30 && unit <= 0x39;
}

function isHex(unit: i32): bool {
  return isDigit(unit) || ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x66);
}

function hex(unit: i32): i32 {
  return isDigit(unit) ? unit - 0x30 : (unit | 0x20) - 0x61 + 10;
}
