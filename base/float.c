/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Narrow floats, computed from the format's row alone. A code without its sign counts upwards with the magnitude:
 * (exponent field << mantissa_bits) + mantissa, so that rounding up past a power of two carries by itself. */
#include "base/float.h"

#include <math.h>

const float_format float_f16 = {5, 10, 15, true, true, false, false};
const float_format float_bf16 = {8, 7, 127, true, true, false, false};
const float_format float_f8e4m3 = {4, 3, 7, false, true, false, false};
const float_format float_f8e5m2 = {5, 2, 15, true, true, false, false};
const float_format float_f8e4m3fnuz = {4, 3, 8, false, true, true, false};
const float_format float_f8e5m2fnuz = {5, 2, 16, false, true, true, false};
const float_format float_f8e8m0 = {8, 0, 127, false, true, false, true};
const float_format float_f4e2m1 = {2, 1, 1, false, false, false, false};

static uint32_t all_ones(const float_format *f) { return (1u << (f->exponent_bits + f->mantissa_bits)) - 1; }
static uint32_t sign_bit(const float_format *f) { return f->is_unsigned ? 0 : all_ones(f) + 1; }
static uint32_t inf_code(const float_format *f) { return all_ones(f) >> f->mantissa_bits << f->mantissa_bits; }

static uint32_t max_code(const float_format *f) {
    if (f->has_inf) return inf_code(f) - 1;
    return f->has_nan && !f->nan_is_neg0 ? all_ones(f) - 1 : all_ones(f);
}

/* The quiet NaN. A format without NaN gives zero, as numpy's does. */
static uint32_t nan_bits(const float_format *f, bool negative) {
    if (!f->has_nan) return 0;
    if (f->nan_is_neg0) return sign_bit(f);
    uint32_t code = f->has_inf ? inf_code(f) | 1u << (f->mantissa_bits - 1) : all_ones(f);
    return negative ? code | sign_bit(f) : code;
}

/* Code of the finite magnitude a > 0, rounded to nearest even, not yet limited to max_code. */
static uint32_t magnitude_code(const float_format *f, double a) {
    int lowest = f->is_unsigned ? -f->bias : 1 - f->bias; /* exponent of the smallest normal */
    int e;
    frexp(a, &e);
    e -= 1; /* a = 1.xxx * 2^e */
    if (e < lowest) e = lowest;
    if (e > f->bias + 1) return all_ones(f) + 1;
    double scaled = ldexp(a, f->mantissa_bits - e), whole = floor(scaled);
    int64_t code = (e + f->bias - 1) * ((int64_t)1 << f->mantissa_bits) + (int64_t)whole;
    double rest = scaled - whole;
    if (rest > 0.5 || (rest == 0.5 && (code & 1))) code++;
    return code < 0 ? 0 : (uint32_t)code; /* below zero only in e8m0, which has no zero */
}

uint32_t float_encode(const float_format *f, double x, bool saturate) {
    bool negative = signbit(x);
    if (isnan(x) || (f->is_unsigned && negative && x != 0)) return nan_bits(f, negative);
    double a = fabs(x);
    uint32_t code = isinf(a) ? all_ones(f) + 1 : a == 0 ? 0 : magnitude_code(f, a);
    if (code > max_code(f)) {
        if (!saturate && !f->has_inf && f->has_nan) return nan_bits(f, negative);
        code = !saturate && f->has_inf ? inf_code(f) : max_code(f);
    }
    if (code == 0 && f->nan_is_neg0) return 0;
    return negative ? code | sign_bit(f) : code;
}

double float_decode(const float_format *f, uint32_t bits) {
    uint32_t code = bits & all_ones(f);
    bool negative = bits & sign_bit(f);
    if (f->nan_is_neg0 && negative && code == 0) return NAN;
    if (code > max_code(f)) return f->has_inf && code == inf_code(f) ? (negative ? -INFINITY : INFINITY) : NAN;
    int exponent = (int)(code >> f->mantissa_bits);
    uint32_t mantissa = code & ((1u << f->mantissa_bits) - 1);
    bool is_normal = exponent != 0 || f->is_unsigned;
    double whole = mantissa + (is_normal ? (double)(1u << f->mantissa_bits) : 0);
    double a = ldexp(whole, (is_normal ? exponent : 1) - f->bias - f->mantissa_bits);
    return negative ? -a : a;
}
