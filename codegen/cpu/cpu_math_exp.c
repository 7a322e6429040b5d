/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* exp and what is made of it: expm1, tanh, erf. */
#include <math.h>

#include "codegen/cpu/cpu_math.h"

/* ln 2 in two parts: the first has so few bits that its product with an exponent is exact. */
static const double ln2_hi_f32 = 0x1.62e4p-1, ln2_lo_f32 = 0x1.7f7d1cf79abcap-20;
static const double ln2_hi_f64 = 0x1.62e42fefa3800p-1, ln2_lo_f64 = 0x1.ef35793c76730p-45;

/* x = n ln 2 + r with |r| <= ln 2 / 2 */
static val reduce(emitter *e, val x, val *out_n) {
    bool wide = is_double(x);
    val n = nearest(e, scaled(e, x, M_LOG2E));
    val r = mul_add(e, n, real(x, wide ? -ln2_hi_f64 : -ln2_hi_f32), x);
    *out_n = n;
    return mul_add(e, n, real(x, wide ? -ln2_lo_f64 : -ln2_lo_f32), r);
}

/* (e^r - 1 - r) / r^2 for the reduced r: enough for e^r, and enough for e^r - 1 */
static val exp_series(emitter *e, val r) {
    static const double single[] = {0.5, 0.166665763, 0.0416663736, 0.00836320501, 0.00139411655};
    static const double twice[] = {0.50000000000000011,    0.16666666666666674,    0.04166666666662399,
                                   0.0083333333333221616,  0.0013888888917282616,  0.00019841269886732509,
                                   2.4801521188952156e-05, 2.7557242171860087e-06, 2.7620139317545766e-07,
                                   2.5110113457963379e-08};
    return is_double(r) ? polynomial(e, r, countof(twice), twice) : polynomial(e, r, countof(single), single);
}
static val expm1_series(emitter *e, val r) {
    static const double single[] = {0.5, 0.166666672, 0.041666463, 0.00833328627, 0.00139336882, 0.000199076414};
    static const double twice[] = {0.5,
                                   0.16666666666666671,
                                   0.041666666666666685,
                                   0.0083333333333261116,
                                   0.0013888888888874324,
                                   0.00019841269874902161,
                                   2.4801587347520679e-05,
                                   2.755725529685939e-06,
                                   2.7557252737162282e-07,
                                   2.5105259978694242e-08,
                                   2.0921648387043386e-09};
    return is_double(r) ? polynomial(e, r, countof(twice), twice) : polynomial(e, r, countof(single), single);
}

/* --- exp of floats with AVX-512 --- */

enum { TABLE_LANES = 16, CURRENT_ROUNDING = 4 };

/* 2^(j/16) */
static val sixteenth_powers(emitter *e) {
    val powers[TABLE_LANES];
    for (int j = 0; j < TABLE_LANES; j++) powers[j] = LLVMConstReal(e->f32, exp2(j / 16.0));
    return LLVMConstVector(powers, TABLE_LANES);
}

/* One register: x = n ln 2 + r with n a multiple of 1/16, so |r| <= ln 2 / 32 and e^x = 2^floor(n) 2^(j/16) e^r, where
 * j is in the last four bits of n and vscalef takes the floor itself. r is cut to [-1, 1], which keeps it a number: for
 * infinite, huge and NaN x it is then n alone that decides, and vscalef gives infinity, 0 or NaN. The multiplier ports
 * limit this code, and this form needs 8 of their operations where exponent, clamps and a longer series take 11. */
static val exp_by_table(emitter *e, val x) {
    LLVMTypeRef integers = like(x, e->i32);
    val all = const_int(e->i16, -1), rounding = const_int(e->i32, CURRENT_ROUNDING);
    enum { TO_SIXTEENTHS = 0x48, LESSER_SIZE_WITH_ITS_SIGN = 2 };
    val y = scaled(e, x, M_LOG2E);
    val round_args[5] = {y, const_int(e->i32, TO_SIXTEENTHS), y, all, rounding};
    val n = intrinsic(e, "llvm.x86.avx512.mask.rndscale.ps.512", 0, NULL, 5, round_args);
    val r = mul_add(e, n, real(x, -ln2_hi_f32), x);
    r = mul_add(e, n, real(x, -ln2_lo_f32), r);
    val cut_args[6] = {r, real(x, 1), const_int(e->i32, LESSER_SIZE_WITH_ITS_SIGN), r, all, rounding};
    r = intrinsic(e, "llvm.x86.avx512.mask.range.ps.512", 0, NULL, 6, cut_args);
    val index = LLVMBuildBitCast(e->b, add(e, n, real(x, 0x1.8p19)), integers, ""); /* its last place is 1/16 */
    val table_args[2] = {sixteenth_powers(e), index};
    val power = intrinsic(e, "llvm.x86.avx512.permvar.sf.512", 0, NULL, 2, table_args);
    val series = mul_add(e, r, real(x, 0.166670591), real(x, 0.500009775));
    val above_one = mul_add(e, mul(e, r, r), series, r);
    val p = mul_add(e, power, above_one, power);
    val scale_args[5] = {p, n, p, all, rounding};
    return intrinsic(e, "llvm.x86.avx512.mask.scalef.ps.512", 0, NULL, 5, scale_args);
}

/* Register by register; fewer lanes, down to a scalar, take a whole register, so that an argument has one result. */
static val exp_by_registers(emitter *e, val x) {
    uint32_t width = width_of(x), n_parts = width / TABLE_LANES;
    if (n_parts == 0) {
        val lanes[TABLE_LANES];
        for (uint32_t i = 0; i < TABLE_LANES; i++) lanes[i] = lane_at(e, x, i < width ? i : 0);
        return slice_lanes(e, exp_by_table(e, concat_lanes(e, TABLE_LANES, lanes)), 0, width);
    }
    val *parts = ARENA_ARRAY(e->c->scratch, val, n_parts);
    for (uint32_t i = 0; i < n_parts; i++) parts[i] = exp_by_table(e, slice_lanes(e, x, i * TABLE_LANES, TABLE_LANES));
    return concat_lanes(e, n_parts, parts);
}

val math_exp(emitter *e, val x) {
    val n;
    if (e->t->has_masks && !is_double(x)) return exp_by_registers(e, x);
    val y = is_double(x) ? clamped(e, x, -800, 800) : clamped(e, x, -110, 100);
    val r = reduce(e, y, &n);
    val p = mul_add(e, mul_add(e, exp_series(e, r), r, real(r, 1)), r, real(r, 1));
    return scale_by_power(e, p, n);
}

/* e^x for |x| < 80, or NaN */
static val exp_within(emitter *e, val x) {
    val n;
    if (e->t->has_masks && !is_double(x)) return exp_by_registers(e, x);
    val r = reduce(e, x, &n);
    val p = mul_add(e, mul_add(e, exp_series(e, r), r, real(r, 1)), r, real(r, 1));
    return mul(e, p, power_within(e, n));
}

/* 2^n (e^r - 1) + (2^n - 1), both with half the power so that n = 128 does not overflow on the way. */
val math_expm1(emitter *e, val x) {
    val n, y = is_double(x) ? clamped(e, x, -60, 710) : clamped(e, x, -30, 89);
    val r = reduce(e, y, &n);
    val small = mul_add(e, mul(e, r, r), expm1_series(e, r), r);
    val power = power_within(e, sub(e, n, real(x, 1)));
    val large = mul_add(e, small, power, sub(e, power, real(x, 0.5)));
    val result = add(e, large, large);
    result = pick(e, equals(e, n, 0), small, result); /* the power is 1/2 there */
    return pick(e, equals(e, x, 0), x, result);       /* keeps -0 */
}

/* t / (t + 2) with t = e^2|x| - 1 */
val math_tanh(emitter *e, val x) {
    val size = magnitude(e, x);
    val t = math_expm1(e, clamped(e, add(e, size, size), 0, is_double(x) ? 44 : 20));
    return with_sign_of(e, divide(e, t, add(e, t, real(x, 2))), x);
}

/* Below 1 an odd polynomial; above it 1 - e^-p, where the polynomial p is -log(erfc(x)). */
val math_erf(emitter *e, val x) {
    static const double odd_f32[] = {1.12837911,    -0.376122355,  0.112793788,
                                     -0.0266868733, 0.00488746632, -0.000550296041},
                        log_f32[] = {0.000256449217, 1.12742603,    0.637600243,    0.103566587,
                                     -0.0220517796,  0.00299946708, -0.000191494662};
    static const double odd_f64[] = {1.1283791670955126,      -0.37612638903183343,    0.1128379167093695,
                                     -0.026866170641959147,   0.0052239775967360368,   -0.0008548325485011292,
                                     0.00012055280497096814,  -1.4924465652220284e-05, 1.6444150744428561e-06,
                                     -1.6183992559823882e-07, 1.3616705080266492e-08,  -7.6078220751130548e-10},
                        log_f64[] = {1.2112102606556988e-07,  1.128377855331572,       0.6366261865749383,
                                     0.1027539148142997,      -0.019092631619018054,   -0.00025551717877752612,
                                     0.0017342379989847172,   -0.00060219496146138643, 9.8697515180084801e-06,
                                     9.5241491534477934e-05,  -5.8960208656758434e-05, 2.2559105234661763e-05,
                                     -6.3127794771613724e-06, 1.3184183085050547e-06,  -1.9359165750576888e-07,
                                     1.5208417840303439e-08,  8.2899509314095676e-10,  -4.2799425524208234e-10,
                                     5.9522178462957643e-11,  -4.1864364469599328e-12, 1.2555905609031141e-13};
    bool wide = is_double(x);
    val size = clamped(e, magnitude(e, x), 0, wide ? 6 : 4), square = mul(e, size, size);
    val p = wide ? polynomial(e, square, countof(odd_f64), odd_f64) : polynomial(e, square, countof(odd_f32), odd_f32);
    val q = wide ? polynomial(e, size, countof(log_f64), log_f64) : polynomial(e, size, countof(log_f32), log_f32);
    val far = sub(e, real(x, 1), exp_within(e, LLVMBuildFNeg(e->b, q, "")));
    return with_sign_of(e, pick(e, below(e, size, 1), mul(e, p, size), far), x);
}
