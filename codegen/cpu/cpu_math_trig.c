/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* sin, cos, atan, atan2. */
#include <math.h>

#include "codegen/cpu/cpu_math.h"

/* pi / 2 in parts. The short ones have 33 bits, so that products with quadrant numbers below 2^20 are exact. */
static const double half_pi = M_PI_2, half_pi_lo = 6.123233995736766036e-17, half_pi_least = -1.4973849048591698e-33;
static const double half_pi_1 = 0x1.921fb544p+0, half_pi_2 = 0x1.0b4611a6p-34, half_pi_3 = 0x1.3198a2e037073p-69;

/* x = q pi / 2 + r, |r| <= pi / 4 and a bit. Good to the last place of a float up to |x| = 2^50 with FMA; of a double
 * up to 2^30; without FMA up to 2^20. */
typedef struct angle {
    val r;        /* in x's type */
    val quadrant; /* i32 */
} angle;

static angle reduce_angle(emitter *e, val x) {
    LLVMTypeRef type = LLVMTypeOf(x);
    val y = is_double(x) ? x : LLVMBuildFPExt(e->b, x, like(x, e->f64), "");
    val q = nearest(e, scaled(e, y, M_2_PI)), r;
    if (e->t->has_fma) {
        r = mul_add(e, q, real(y, -half_pi), y);
        r = mul_add(e, q, real(y, -half_pi_lo), r);
        r = mul_add(e, q, real(y, -half_pi_least), r); /* near multiples of pi / 2 the first two cancel */
    } else {
        r = sub(e, y, scaled(e, q, half_pi_1));
        r = sub(e, r, scaled(e, q, half_pi_2));
        r = sub(e, r, scaled(e, q, half_pi_3));
    }
    /* q mod 4, while still a double: conversions of large ones would saturate. */
    val quarter = scaled(e, q, 0.25);
    val q4 = sub(e, q, scaled(e, intrinsic_like(e, "llvm.floor", 1, &quarter), 4));
    LLVMTypeRef types[2] = {like(x, e->i32), LLVMTypeOf(q4)};
    angle a = {.quadrant = intrinsic(e, "llvm.fptosi.sat", 2, types, 1, &q4)};
    reduce_huge_angles(e, y, &r, &a.quadrant);
    a.r = is_double(x) ? r : LLVMBuildFPTrunc(e->b, r, type, "");
    return a;
}

/* sin(r + quadrant pi / 2) */
static val sin_from(emitter *e, const angle *a, val quadrant) {
    static const double sin_f32[] = {-0.166666552, 0.00833218824, -0.000195180939},
                        cos_f32[] = {0.0416666456, -0.00138873095, 2.44323273e-05};
    static const double sin_f64[] = {-0.1666666666666663,    0.0083333333333218407,   -0.00019841269829358525,
                                     2.7557313538512121e-06, -2.5050734388737001e-08, 1.5895433250761021e-10},
                        cos_f64[] = {0.041666666666666595,    -0.0013888888888873325, 2.4801587288983695e-05,
                                     -2.7557314210084445e-07, 2.0875704272908508e-09, -1.1358683459374993e-11};
    val r = a->r, z = mul(e, r, r);
    bool wide = is_double(r);
    val s = wide ? polynomial(e, z, countof(sin_f64), sin_f64) : polynomial(e, z, countof(sin_f32), sin_f32);
    val c = wide ? polynomial(e, z, countof(cos_f64), cos_f64) : polynomial(e, z, countof(cos_f32), cos_f32);
    s = mul_add(e, mul(e, s, z), r, r);
    c = mul_add(e, c, mul(e, z, z), mul_add(e, z, real(z, -0.5), real(z, 1)));
    val odd = LLVMBuildAnd(e->b, quadrant, bits_const(quadrant, 1), "");
    val is_odd = LLVMBuildICmp(e->b, LLVMIntNE, odd, bits_const(quadrant, 0), "");
    val two = LLVMBuildAnd(e->b, quadrant, bits_const(quadrant, 2), "");
    val is_turned = LLVMBuildICmp(e->b, LLVMIntNE, two, bits_const(quadrant, 0), "");
    val y = pick(e, is_odd, c, s);
    return pick(e, is_turned, LLVMBuildFNeg(e->b, y, ""), y);
}

val math_sin(emitter *e, val x) {
    angle a = reduce_angle(e, x);
    return pick(e, equals(e, x, 0), x, sin_from(e, &a, a.quadrant));
}

val math_cos(emitter *e, val x) {
    angle a = reduce_angle(e, x);
    return sin_from(e, &a, LLVMBuildAdd(e->b, a.quadrant, bits_const(a.quadrant, 1), ""));
}

/* atan(y / x) for y, x >= 0. Turning by pi / 4 or pi / 2 brings the quotient under tan(pi / 8); a turn is a quotient of
 * other numbers, so there is one division in all. */
static val atan_quotient(emitter *e, val y, val x) {
    static const double single[] = {-0.333329469, 0.199776143, -0.138765514, 0.0804980174};
    static const double twice[] = {-0.33333333333333193,  0.19999999999952187,  -0.14285714280054582,
                                   0.1111111077633174,    -0.09090897552048538, 0.076920565441807628,
                                   -0.066630621763545311, 0.05847583445708858,  -0.050379208273750191,
                                   0.038029248815220781,  -0.017868368622703482};
    const double tan_eighth = 0.41421356237309504880, tan_three_eighths = 2.4142135623730950488;
    val is_steep = LLVMBuildFCmp(e->b, LLVMRealOGT, y, scaled(e, x, tan_three_eighths), "");
    val is_middle = LLVMBuildFCmp(e->b, LLVMRealOGT, y, scaled(e, x, tan_eighth), "");
    val top = pick(e, is_steep, LLVMBuildFNeg(e->b, x, ""), pick(e, is_middle, sub(e, y, x), y));
    val bottom = pick(e, is_steep, y, pick(e, is_middle, add(e, y, x), x));
    val base = pick(e, is_steep, real(x, M_PI_2), pick(e, is_middle, real(x, M_PI_4), real(x, 0)));
    bool wide = is_double(x);
    val base_lo = scaled(e, base, wide ? 3.8981718325193755e-17 : -2.7827534e-08); /* what base lacks, relative to it */
    val t = divide(e, top, bottom), z = mul(e, t, t);
    val p = wide ? polynomial(e, z, countof(twice), twice) : polynomial(e, z, countof(single), single);
    return add(e, base, add(e, base_lo, mul_add(e, mul(e, p, z), t, t)));
}

val math_atan(emitter *e, val x) {
    val size = magnitude(e, x);
    val turn = atan_quotient(e, size, real(x, 1));
    turn = pick(e, equals(e, size, INFINITY), real(x, M_PI_2), turn);
    return with_sign_of(e, turn, x);
}

val math_atan2(emitter *e, val y, val x) {
    val up = magnitude(e, y), along = magnitude(e, x);
    /* Two infinities are as far as each other; two zeros point along the axis. */
    val both = LLVMBuildAnd(e->b, equals(e, up, INFINITY), equals(e, along, INFINITY), "");
    val none = LLVMBuildAnd(e->b, equals(e, up, 0), equals(e, along, 0), "");
    val one = real(x, 1);
    up = pick(e, both, one, up);
    along = pick(e, LLVMBuildOr(e->b, both, none, ""), one, along);
    val is_vertical = LLVMBuildFCmp(e->b, LLVMRealOGT, up, along, "");
    val longer = pick(e, is_vertical, up, along), shorter = pick(e, is_vertical, along, up);
    /* Keeps sums and products of the two within range. */
    bool wide = is_double(x);
    val is_large = above(e, longer, wide ? 0x1p1000 : 0x1p120);
    val is_small = below(e, longer, wide ? 0x1p-900 : 0x1p-80);
    val factor =
        pick(e, is_large, real(x, wide ? 0x1p-60 : 0x1p-20), pick(e, is_small, real(x, wide ? 0x1p200 : 0x1p60), one));
    val turn = atan_quotient(e, mul(e, shorter, factor), mul(e, longer, factor));
    val is_infinite = equals(e, longer, INFINITY);
    turn = pick(e, is_infinite, real(x, 0), turn);
    turn = pick(e, is_vertical, sub(e, real(x, M_PI_2), turn), turn);
    val bits = as_bits(e, x);
    val is_left = LLVMBuildICmp(e->b, LLVMIntSLT, bits, bits_const(bits, 0), "");
    turn = pick(e, is_left, sub(e, real(x, M_PI), turn), turn);
    turn = with_sign_of(e, turn, y);
    val is_bad = LLVMBuildFCmp(e->b, LLVMRealUNO, x, y, "");
    return pick(e, is_bad, real(x, NAN), turn);
}
