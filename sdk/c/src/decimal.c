// Amounts as decimal text and back, exactly rounded, by long arithmetic.
//
// Slow and short on purpose: configurations hold a handful of numbers and explanations a few. No exponents when
// writing.

#include "text.h"

/// A long whole number, least limb first. Room for what 400 digits and the smallest double need.
enum { LIMBS = 144, LONGEST = 400 };
typedef struct {
    uint32_t limbs[LIMBS];
    uint32_t len;
} whole;

static void push(whole *n, uint32_t limb) {
    if (limb == 0) return;
    if (n->len == LIMBS) __builtin_trap();
    n->limbs[n->len++] = limb;
}

static void multiply_add(whole *n, uint32_t factor, uint32_t addend) {
    uint64_t carry = addend;
    for (uint32_t i = 0; i < n->len; i++) {
        carry += (uint64_t)n->limbs[i] * factor;
        n->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    push(n, (uint32_t)carry);
}

static uint32_t divide(whole *n, uint32_t divisor) {
    uint64_t rest = 0;
    for (uint32_t i = n->len; i-- > 0;) {
        rest = rest << 32 | n->limbs[i];
        n->limbs[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    while (n->len > 0 && n->limbs[n->len - 1] == 0) n->len--;
    return (uint32_t)rest;
}

static void shift_left(whole *n, uint32_t bits) {
    for (; bits >= 16; bits -= 16) multiply_add(n, 1u << 16, 0);
    multiply_add(n, 1u << bits, 0);
}

static uint32_t bit_length(const whole *n) {
    return n->len == 0 ? 0 : n->len * 32 - (uint32_t)__builtin_clz(n->limbs[n->len - 1]);
}

/// Halves it so many times and rounds to the nearest, ties to even; `more` says that it was cut off before.
static void shift_right_rounded(whole *n, uint32_t bits, bool more) {
    for (; bits > 16; bits -= 16) more = divide(n, 1u << 16) != 0 || more;
    if (bits == 0) return;
    uint32_t cut = divide(n, 1u << bits), half = cut >> (bits - 1);
    more = more || (cut & ((1u << (bits - 1)) - 1)) != 0;
    uint32_t odd = n->len > 0 ? n->limbs[0] & 1 : 0;
    if (half != 0 && (more || odd != 0)) multiply_add(n, 1, 1);
}

static uint64_t low_bits(const whole *n) {
    uint64_t low = n->len > 0 ? n->limbs[0] : 0;
    return n->len > 1 ? low | (uint64_t)n->limbs[1] << 32 : low;
}

static double of_bits(uint64_t bits) {
    double value;
    __builtin_memcpy(&value, &bits, 8);
    return value;
}

static uint64_t bits_of(double value) {
    uint64_t bits;
    __builtin_memcpy(&bits, &value, 8);
    return bits;
}

/// The double nearest to n * 2^exponent and a bit `more`. False where it is beyond the largest.
static bool nearest(whole *n, int32_t exponent, bool more, double *value) {
    int32_t length = (int32_t)bit_length(n);
    // 53 bits, fewer where the last one would stand below 2^-1074.
    int32_t drop = length - 53;
    if (drop + exponent < -1074) drop = -1074 - exponent;
    if (drop > 0) {
        shift_right_rounded(n, (uint32_t)drop, more);
    } else {
        shift_left(n, (uint32_t)-drop);
    }
    uint64_t mantissa = low_bits(n);
    int32_t last = drop + exponent;
    if (mantissa >> 53 != 0) {
        mantissa >>= 1;
        last++;
    }
    if (mantissa >> 52 == 0) {
        *value = of_bits(mantissa);
        return true;
    }
    if (last + 1075 > 2046) return false;
    *value = of_bits((uint64_t)(last + 1075) << 52 | (mantissa & ((1ull << 52) - 1)));
    return true;
}

static bool is_digit(pl_text text, uint32_t at) {
    return at < text.len && text.data[at] >= '0' && text.data[at] <= '9';
}

static bool is_either(pl_text text, uint32_t at, char one, char other) {
    return at < text.len && (text.data[at] == one || text.data[at] == other);
}

bool pl_read_amount(pl_text text, double *value) {
    if (text.len > LONGEST) return false;
    whole n;
    n.len = 0;
    uint32_t at = is_either(text, 0, '-', '-') ? 1 : 0;
    bool negative = at == 1;
    if (!is_digit(text, at) || (text.data[at] == '0' && is_digit(text, at + 1))) return false;
    for (; is_digit(text, at); at++) multiply_add(&n, 10, (uint32_t)(text.data[at] - '0'));
    int32_t ten = 0;
    if (is_either(text, at, '.', '.')) {
        at++;
        if (!is_digit(text, at)) return false;
        for (; is_digit(text, at); at++, ten--) multiply_add(&n, 10, (uint32_t)(text.data[at] - '0'));
    }
    if (is_either(text, at, 'e', 'E')) {
        bool below = is_either(text, at + 1, '-', '-');
        at += is_either(text, at + 1, '+', '-') ? 2 : 1;
        if (!is_digit(text, at)) return false;
        int32_t exponent = 0;
        for (; is_digit(text, at); at++) {
            if (exponent < 10000) exponent = exponent * 10 + (text.data[at] - '0');
        }
        ten += below ? -exponent : exponent;
    }
    if (at != text.len) return false;
    // So far outside, the number is zero or none, and needs no more limbs than there are.
    if (n.len > 0 && ten > 310) return false;
    double magnitude = 0;
    if (n.len > 0 && ten >= -800) {
        bool more = false;
        int32_t two = 0;
        for (; ten > 0; ten--) multiply_add(&n, 10, 0);
        if (ten < 0) {
            // So many bits more that 66 are left after dividing.
            two = 66 - ten * 10 / 3 + 1;
            shift_left(&n, (uint32_t)two);
            for (; ten < 0; ten++) more = divide(&n, 10) != 0 || more;
        }
        if (!nearest(&n, -two, more, &magnitude)) return false;
    }
    *value = negative ? -magnitude : magnitude;
    return true;
}

void pl_write_amount_(pl_writing *writing, double value, uint32_t digits) {
    uint64_t bits = bits_of(value), mantissa = bits & ((1ull << 52) - 1);
    int32_t exponent = (int32_t)(bits >> 52 & 0x7ff);
    if (exponent == 0x7ff) {
        pl_write(writing, "%s", mantissa != 0 ? "nan" : bits >> 63 != 0 ? "-inf" : "inf");
        return;
    }
    if (exponent > 0) mantissa |= 1ull << 52;
    int32_t two = (exponent > 0 ? exponent : 1) - 1075;
    whole n;
    n.len = 0;
    multiply_add(&n, 0, (uint32_t)(mantissa >> 32));
    shift_left(&n, 32);
    multiply_add(&n, 1, (uint32_t)mantissa);
    for (uint32_t i = 0; i < digits; i++) multiply_add(&n, 10, 0);
    if (two >= 0) {
        shift_left(&n, (uint32_t)two);
    } else {
        shift_right_rounded(&n, (uint32_t)-two, false);
    }
    // The largest double has 309 digits before the point.
    char text[320];
    uint32_t first = sizeof text;
    for (uint32_t written = 0; n.len > 0 || written <= digits; written++) {
        if (written == digits && digits > 0) text[--first] = '.';
        text[--first] = (char)('0' + divide(&n, 10));
    }
    if (bits >> 63 != 0) text[--first] = '-';
    pl_write_bytes_(writing, text + first, sizeof text - first);
}
