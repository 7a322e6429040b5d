/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* log, log1p, and pow through them. */
#include <math.h>

#include "codegen/cpu/cpu_math.h"

static const double ln2_hi_f32 = 0x1.62e4p-1, ln2_lo_f32 = 0x1.7f7d1cf79abcap-20;
static const double ln2_hi_f64 = 0x1.62e42fefa3800p-1, ln2_lo_f64 = 0x1.ef35793c76730p-45;

/* A positive finite x as 2^n * m with m in [sqrt(1/2), sqrt(2)); n is a whole number in x's type. */
typedef struct split {
    val n, m;
} split;

static split split_power(emitter *e, val x) {
    bool wide = is_double(x);
    int bits = wide ? 52 : 23;
    val is_small = below(e, x, wide ? 0x1p-1022 : 0x1p-126);
    val normal = pick(e, is_small, scaled(e, x, wide ? 0x1p54 : 0x1p25), x);
    val pattern = as_bits(e, normal);
    /* Subtracting the pattern of sqrt(1/2) makes the exponent count from there. */
    val origin = bits_const(pattern, wide ? 0x3fe6a09e667f3bcd : 0x3f3504f3);
    val up = LLVMBuildSub(e->b, pattern, origin, "");
    val exponent = LLVMBuildAShr(e->b, up, bits_const(pattern, bits), "");
    val m = from_bits(e, LLVMBuildSub(e->b, pattern, LLVMBuildShl(e->b, exponent, bits_const(pattern, bits), ""), ""));
    if (wide) exponent = LLVMBuildTrunc(e->b, exponent, like(x, e->i32), ""); /* AVX2 converts only these */
    val n = LLVMBuildSIToFP(e->b, exponent, LLVMTypeOf(x), "");
    val shift = pick(e, is_small, real(x, wide ? -54 : -25), real(x, 0));
    return (split){add(e, n, shift), m};
}

/* log(1 + f) + n ln 2 for 1 + f in [sqrt(1/2), sqrt(2)] */
static val log_reduced(emitter *e, val f, val n) {
    static const double series[] = {0.333333254, -0.250002801, 0.200018793, -0.166434869,
                                    0.141902328, -0.129434213, 0.127989441, -0.0830543935};
    static const double of_square[] = {0.6666666666666734,  0.39999999999416658, 0.28571428742022026,
                                       0.22222198605834911, 0.18183562806247577, 0.15314086060304333,
                                       0.14795620764433515};
    val half = scaled(e, mul(e, f, f), 0.5), low;
    bool wide = is_double(f);
    if (wide) { /* with s = f / (2 + f): log(1 + f) = 2 s + s z R(z) = f - half + s (half + z R(z)), z = s s */
        val s = divide(e, f, add(e, f, real(f, 2))), z = mul(e, s, s);
        val tail = mul(e, z, polynomial(e, z, countof(of_square), of_square));
        low = mul_add(e, s, add(e, half, tail), scaled(e, n, ln2_lo_f64));
    } else {
        val cube = mul(e, mul(e, f, f), f);
        low = mul_add(e, cube, polynomial(e, f, countof(series), series), scaled(e, n, ln2_lo_f32));
    }
    val high = scaled(e, n, wide ? ln2_hi_f64 : ln2_hi_f32);
    return add(e, high, sub(e, f, sub(e, half, low)));
}

/* result, with log's values at 0, infinity, below 0 and NaN put in for the argument x */
static val log_special(emitter *e, val x, val result) {
    result = pick(e, equals(e, x, 0), real(x, -INFINITY), result);
    result = pick(e, equals(e, x, INFINITY), x, result);
    val is_bad = LLVMBuildFCmp(e->b, LLVMRealULT, x, real(x, 0), "");
    return pick(e, is_bad, real(x, NAN), result);
}

val math_log(emitter *e, val x) {
    split s = split_power(e, x);
    return log_special(e, x, log_reduced(e, sub(e, s.m, real(x, 1)), s.n));
}

/* u = 1 + x has lost c = x - (u - 1); scaled by 2^-n it is added to what u leaves. */
val math_log1p(emitter *e, val x) {
    val one = real(x, 1), u = add(e, x, one);
    split s = split_power(e, u);
    val from_x = sub(e, x, sub(e, u, one)), from_one = sub(e, one, sub(e, u, x));
    val lost = pick(e, above(e, x, 1), from_one, from_x);
    val f = add(e, sub(e, s.m, one), mul(e, divide(e, lost, u), s.m));
    val result = log_special(e, u, log_reduced(e, f, s.n));
    return pick(e, below(e, magnitude(e, x), is_double(x) ? 0x1p-54 : 0x1p-25), x, result);
}

/* A number as an unevaluated sum. */
typedef struct pair {
    val hi, lo;
} pair;

/* x * y exactly, by Dekker's splitting where there is no FMA. */
static pair exact_product(emitter *e, val x, val y) {
    val hi = mul(e, x, y);
    if (e->t->has_fma) return (pair){hi, mul_add(e, x, y, LLVMBuildFNeg(e->b, hi, ""))};
    val xs = scaled(e, x, 0x1.0000002p27), ys = scaled(e, y, 0x1.0000002p27);
    val xh = sub(e, xs, sub(e, xs, x)), yh = sub(e, ys, sub(e, ys, y));
    val xl = sub(e, x, xh), yl = sub(e, y, yh);
    val lo = sub(e, mul(e, xh, yh), hi);
    lo = add(e, add(e, lo, mul(e, xh, yl)), add(e, mul(e, xl, yh), mul(e, xl, yl)));
    return (pair){hi, lo};
}

static pair fast_sum(emitter *e, val big, val small) { /* |big| >= |small| */
    val hi = add(e, big, small);
    return (pair){hi, sub(e, small, sub(e, hi, big))};
}

/* log of a positive double to about 60 bits: s = f / (2 + f) as a pair, the rest of the series in double. */
static pair log_pair(emitter *e, val x) {
    static const double of_square[] = {0.6666666666666734,  0.39999999999416658, 0.28571428742022026,
                                       0.22222198605834911, 0.18183562806247577, 0.15314086060304333,
                                       0.14795620764433515};
    split p = split_power(e, x);
    val f = sub(e, p.m, real(x, 1)), d = add(e, f, real(x, 2));
    val d_lost = sub(e, f, sub(e, d, real(x, 2)));
    val s = divide(e, f, d);
    pair back = exact_product(e, s, d);
    val rest = sub(e, sub(e, sub(e, f, back.hi), back.lo), mul(e, s, d_lost));
    val s_lo = divide(e, rest, d), z = mul(e, s, s);
    val tail = mul(e, mul(e, s, z), polynomial(e, z, countof(of_square), of_square));
    val high = scaled(e, p.n, ln2_hi_f64), low = scaled(e, p.n, ln2_lo_f64);
    val two_s = add(e, s, s);
    pair sum = fast_sum(e, high, two_s); /* n ln 2 is 0 or larger than 2 s */
    val is_plain = equals(e, p.n, 0);
    val sum_lo = pick(e, is_plain, real(x, 0), sum.lo);
    val small = add(e, add(e, low, sum_lo), add(e, add(e, s_lo, s_lo), tail));
    return fast_sum(e, sum.hi, small);
}

/* |x|^y for doubles by e^(y log |x|), both factors as pairs. */
static val pow_of_size(emitter *e, val size, val y) {
    pair l = log_pair(e, size);
    val is_end = LLVMBuildOr(e->b, equals(e, size, 0), equals(e, size, INFINITY), "");
    val at_end = pick(e, equals(e, size, 0), real(size, -INFINITY), real(size, INFINITY));
    val hi = pick(e, is_end, at_end, l.hi);
    val rough = mul(e, y, hi);
    val is_inside = below(e, magnitude(e, rough), 800);
    /* Inside, a larger y can only meet log 1 = 0; the limit keeps the splitting of the product from overflowing. */
    val factor = pick(e, is_inside, clamped(e, y, -0x1p900, 0x1p900), real(y, 0));
    pair product = exact_product(e, factor, pick(e, is_inside, hi, real(y, 0)));
    val lo = mul_add(e, factor, l.lo, product.lo);
    val power = math_exp(e, pick(e, is_inside, product.hi, rough));
    val correction = mul(e, power, pick(e, is_inside, lo, real(lo, 0)));
    val is_finite = below(e, power, INFINITY);
    return pick(e, is_finite, add(e, power, correction), power);
}

/* The signs and exceptions of C's pow. */
static val pow_double(emitter *e, val x, val y) {
    val size = magnitude(e, x);
    val result = pow_of_size(e, size, y);
    val whole = intrinsic_like(e, "llvm.trunc", 1, &y), half = scaled(e, y, 0.5);
    val half_whole = intrinsic_like(e, "llvm.trunc", 1, &half);
    val is_whole = LLVMBuildFCmp(e->b, LLVMRealOEQ, whole, y, "");
    val is_even = LLVMBuildFCmp(e->b, LLVMRealOEQ, half_whole, half, "");
    val is_odd = LLVMBuildAnd(e->b, is_whole, LLVMBuildNot(e->b, is_even, ""), "");
    val signed_result = with_sign_of(e, result, x);
    result = pick(e, is_odd, signed_result, result);
    val is_below = LLVMBuildAnd(e->b, below(e, x, 0), above(e, x, -INFINITY), "");
    val is_bad = LLVMBuildAnd(e->b, is_below, LLVMBuildNot(e->b, is_whole, ""), "");
    result = pick(e, is_bad, real(x, NAN), result);
    val y_infinite = equals(e, magnitude(e, y), INFINITY);
    val is_unit = LLVMBuildAnd(e->b, equals(e, size, 1), y_infinite, "");
    val is_one = LLVMBuildOr(e->b, equals(e, x, 1), LLVMBuildOr(e->b, equals(e, y, 0), is_unit, ""), "");
    val is_nan = LLVMBuildFCmp(e->b, LLVMRealUNO, x, y, "");
    result = pick(e, is_nan, add(e, x, y), result);
    return pick(e, is_one, real(x, 1), result);
}

val math_pow(emitter *e, val x, val y) {
    if (is_double(x)) return pow_double(e, x, y);
    LLVMTypeRef wide = like(x, e->f64);
    val result = pow_double(e, LLVMBuildFPExt(e->b, x, wide, ""), LLVMBuildFPExt(e->b, y, wide, ""));
    return LLVMBuildFPTrunc(e->b, result, LLVMTypeOf(x), "");
}
