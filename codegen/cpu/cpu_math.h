/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Our own vector math: functions of float and double values, scalars or vectors of any width, as straight-line code.
 * The table is the largest error allowed, in units in the last place of the result, with or without FMA; tests/
 * test_cpu_math.c holds the code to it on 50,000 evenly spaced arguments of each of several ranges (not on all floats).
 * sin and cos: all arguments (3 beyond 2^20 in f64). Infinities, NaN, signed zeros and
 * subnormal numbers come out as in C's Annex F.
 *
 *             f32          f64
 *   exp       2            2
 *   expm1     3            3
 *   log       2            2
 *   log1p     3            3
 *   sin, cos  2            2
 *   atan      3            3
 *   atan2     4            4
 *   tanh      4            4
 *   erf       3            3
 *   pow       2            16
 *
 * Coefficients come from fit_math.py. */
#ifndef FRIT_CODEGEN_CPU_MATH_H
#define FRIT_CODEGEN_CPU_MATH_H

#include "codegen/cpu/cpu_emit.h"

/* cpu_math_exp.c */
val math_exp(emitter *e, val x);
val math_expm1(emitter *e, val x);
val math_tanh(emitter *e, val x);
val math_erf(emitter *e, val x);

/* cpu_math_log.c */
val math_log(emitter *e, val x);
val math_log1p(emitter *e, val x);
val math_pow(emitter *e, val x, val y);

/* cpu_math_trig.c */
val math_sin(emitter *e, val x);
val math_cos(emitter *e, val x);
val math_atan(emitter *e, val x);
val math_atan2(emitter *e, val y, val x);

/* cpu_math_huge.c */
#define HUGE_ANGLE 0x1p20 /* from here on angles are reduced with as many bits of 2 / pi as it takes */
/* Puts right what *r and *quadrant (i32) hold for the lanes of the doubles y beyond HUGE_ANGLE. */
void reduce_huge_angles(emitter *e, val y, val *r, val *quadrant);

/* cpu_math.c: the words the others are written in; numbers take the type of the value beside them */
bool is_double(val x);
val real(val x, double c); /* the number c in x's type */
val add(emitter *e, val x, val y);
val sub(emitter *e, val x, val y);
val mul(emitter *e, val x, val y);
val divide(emitter *e, val x, val y);
val mul_add(emitter *e, val x, val y, val z); /* x * y + z: fused where the target can */
val scaled(emitter *e, val x, double c);      /* x * c */
val magnitude(emitter *e, val x);
val with_sign_of(emitter *e, val x, val sign);
val pick(emitter *e, val cond, val x, val y);
val below(emitter *e, val x, double c);  /* x < c, false for NaN */
val above(emitter *e, val x, double c);  /* x > c, false for NaN */
val equals(emitter *e, val x, double c); /* false for NaN */
val not_a_number(emitter *e, val x);
val clamped(emitter *e, val x, double lo, double hi); /* NaN stays */
val nearest(emitter *e, val x);                       /* to an integer, ties to even */
val as_bits(emitter *e, val x);                       /* integers of the same width */
val from_bits(emitter *e, val bits);
val bits_const(val bits, int64_t c);
/* c[0] + c[1] x + ... + c[n-1] x^(n-1), Horner's rule */
val polynomial(emitter *e, val x, uint32_t n, const double *c);
/* x * 2^n for an integer-valued n in [-2000, 2000] (f32: [-250, 250]) and |x| in [0.5, 4): correct also where the
 * result is subnormal or overflows. n may be NaN where x is. */
val scale_by_power(emitter *e, val x, val n);
/* 2^n for an integer-valued n for which it is a normal number; anything for NaN. */
val power_within(emitter *e, val n);

#endif
