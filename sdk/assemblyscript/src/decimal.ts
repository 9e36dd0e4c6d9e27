// The number that is nearest to a decimal fraction. The standard library's `parseFloat` is off by one in the last place
// now and then, and then a policy would not answer as its twin in another language does.
//
// Works on whole numbers of any length, without hurry.

/** Beyond these powers of ten a number is too large or nothing. */
const LARGEST = 310;
const SMALLEST = -345;

/** Digits (of any length, without a point) times a power of ten. Infinity where it is too large. */
export function nearest(digits: string, exponent: i32): f64 {
  const above = new Natural();
  for (let i = 0; i < digits.length; i++) above.times(10, digits.charCodeAt(i) - 0x30);
  if (above.isZero || exponent + digits.length < SMALLEST) return 0;
  if (exponent > LARGEST) return Infinity;
  const below = new Natural();
  below.times(1, 1);
  for (let i = 0; i < exponent; i++) above.times(10, 0);
  for (let i = exponent; i < 0; i++) below.times(10, 0);
  return quotient(above, below);
}

/** The double nearest to a fraction; of two that are as near, the even one. */
function quotient(above: Natural, below: Natural): f64 {
  // With 64 bits of quotient and what is left of it, rounding sees all that it needs.
  let scale = 64 - (above.bits - below.bits);
  above.shift(max(scale, 0));
  below.shift(max(-scale, 0));
  let bits: u64 = 0;
  if (above.compare(below.shifted(64)) >= 0) {
    below.shift(1);
    scale -= 1;
  }
  for (let bit = 63; bit >= 0; bit--) {
    const part = below.shifted(bit);
    if (above.compare(part) < 0) continue;
    above.minus(part);
    bits |= <u64>1 << bit;
  }
  // A double has 53 bits, and fewer below its smallest normal number: its last bit is worth 2 to the -1074th at least.
  const drop = max(11, -1074 + scale);
  if (drop > 64) return 0;
  const kept = drop == 64 ? 0 : bits >> drop;
  const half = <u64>1 << (drop - 1);
  const rest = drop == 64 ? bits : bits & ((half << 1) - 1);
  const up = rest > half || (rest == half && (!above.isZero || (kept & 1) == 1));
  return power(<f64>(kept + (up ? 1 : 0)), drop - scale);
}

/** A number times a power of two, in two steps, since one alone may be too large or too small. */
function power(value: f64, exponent: i32): f64 {
  const first = exponent / 2;
  return value * two(first) * two(exponent - first);
}

function two(exponent: i32): f64 {
  return reinterpret<f64>(<u64>(exponent + 1023) << 52);
}

/** A whole number from 0 on, of any length; lowest digits first, to the base 2 to the 32nd. */
@final
class Natural {
  private digits: u32[] = [];

  get isZero(): bool {
    return this.digits.length == 0;
  }

  /** How many bits it has. */
  get bits(): i32 {
    const length = this.digits.length;
    return length == 0 ? 0 : length * 32 - <i32>clz(this.digits[length - 1]);
  }

  /** Multiplies it and adds something. */
  times(factor: u32, plus: u32): void {
    let carry: u64 = plus;
    for (let i = 0; i < this.digits.length; i++) {
      carry += <u64>this.digits[i] * factor;
      this.digits[i] = <u32>carry;
      carry >>= 32;
    }
    if (carry > 0) this.digits.push(<u32>carry);
  }

  /** Multiplies it by a power of two. */
  shift(bits: i32): void {
    for (; bits >= 32; bits -= 32) this.digits.unshift(0);
    this.times(<u32>1 << bits, 0);
  }

  shifted(bits: i32): Natural {
    const copy = new Natural();
    copy.digits = this.digits.slice(0);
    copy.shift(bits);
    return copy;
  }

  /** Less than 0, 0 or more, as it is less than the other, the same or more. */
  compare(other: Natural): i32 {
    if (this.digits.length != other.digits.length) return this.digits.length - other.digits.length;
    for (let i = this.digits.length - 1; i >= 0; i--) {
      if (this.digits[i] != other.digits[i]) return this.digits[i] < other.digits[i] ? -1 : 1;
    }
    return 0;
  }

  /** Takes away what is not more than it is. */
  minus(other: Natural): void {
    let borrowed: u64 = 0;
    for (let i = 0; i < this.digits.length; i++) {
      const taken = borrowed + (i < other.digits.length ? other.digits[i] : 0);
      const digit: u64 = this.digits[i];
      this.digits[i] = <u32>(digit - taken);
      borrowed = digit < taken ? 1 : 0;
    }
    while (this.digits.length > 0 && this.digits[this.digits.length - 1] == 0) this.digits.pop();
  }
}
