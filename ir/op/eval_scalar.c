/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise operators on scalars. Floats compute in f64 (libm) and are rounded once by the caller; integers compute
 * on 64-bit patterns and are wrapped by the caller. Model operators have formulas of their own, not the templates of
 * ops.def: this is what the templates are checked against. */
#include "ir/op/eval_scalar.h"

#include <math.h>
#include <string.h>

#include "ir/op/op_flags.h"

/* One row of the table: names of the operands in scope are x, y, z (floats) and i, j, k (integers). */
#define BODY(type, expr)                                                                                               \
    {                                                                                                                  \
        const double x = a->x, y = a->y, z = a->z;                                                                     \
        const int64_t i = a->i, j = a->j, k = a->k;                                                                    \
        (void)x, (void)y, (void)z, (void)i, (void)j, (void)k;                                                          \
        return (type)(expr);                                                                                           \
    }
#define REAL(name, expr)                                                                                               \
    static double real_##name(const ew_args *a) BODY(double, expr) const ew_row ew_##name = {.real = real_##name};
#define BITS(name, expr)                                                                                               \
    static int64_t bits_##name(const ew_args *a) BODY(int64_t, expr) const ew_row ew_##name = {.integer = bits_##name};
#define BOTH(name, expr, int_expr)                                                                                     \
    static double real_##name(const ew_args *a) BODY(double, expr) static int64_t bits_##name(const ew_args *a)        \
        BODY(int64_t, int_expr) const ew_row ew_##name = {.real = real_##name, .integer = bits_##name};

static double alpha_of(const ew_args *a) { return ((const attr_alpha *)a->attrs)->alpha; }
static double alpha2_of(const ew_args *a) { return ((const attr_alpha_beta *)a->attrs)->alpha; }
static double beta_of(const ew_args *a) { return ((const attr_alpha_beta *)a->attrs)->beta; }

/* ---- helpers on integers: defined for every pair of operands ---- */

static bool less(const ew_args *a, int64_t i, int64_t j) { return a->is_unsigned ? (uint64_t)i < (uint64_t)j : i < j; }
static int64_t wrap_add(int64_t i, int64_t j) { return (int64_t)((uint64_t)i + (uint64_t)j); }
static int64_t wrap_neg(int64_t i) { return (int64_t)(0 - (uint64_t)i); }
static int64_t wrap_mul(int64_t i, int64_t j) { return (int64_t)((uint64_t)i * (uint64_t)j); }

static int64_t int_div(const ew_args *a) {
    if (a->j == 0) return 0;
    if (a->is_unsigned) return (int64_t)((uint64_t)a->i / (uint64_t)a->j);
    return a->j == -1 ? wrap_neg(a->i) : a->i / a->j;
}

static int64_t int_rem(const ew_args *a) {
    if (a->j == 0) return 0;
    if (a->is_unsigned) return (int64_t)((uint64_t)a->i % (uint64_t)a->j);
    return a->j == -1 ? 0 : a->i % a->j;
}

static int64_t int_mod(const ew_args *a) {
    int64_t rem = int_rem(a);
    bool differs = !a->is_unsigned && rem != 0 && (rem < 0) != (a->j < 0);
    return differs ? rem + a->j : rem;
}

/* Negative exponents truncate 1 / i^-j: 0 except for 1 and -1. */
static int64_t int_pow(const ew_args *a) {
    int64_t base = a->i;
    if (!a->is_unsigned && a->j < 0) return base == 1 ? 1 : base == -1 ? (a->j & 1 ? -1 : 1) : 0;
    int64_t result = 1;
    for (uint64_t power = (uint64_t)a->j; power; power >>= 1) {
        if (power & 1) result = wrap_mul(result, base);
        base = wrap_mul(base, base);
    }
    return result;
}

static int64_t int_shl(const ew_args *a) {
    return (uint64_t)a->j >= a->bits ? 0 : (int64_t)((uint64_t)a->i << (unsigned)a->j);
}

static int64_t int_shr(const ew_args *a) {
    bool is_beyond = (uint64_t)a->j >= a->bits;
    if (a->is_unsigned) return is_beyond ? 0 : (int64_t)((uint64_t)a->i >> (unsigned)a->j);
    return a->i >> (is_beyond ? 63 : (unsigned)a->j);
}

static int64_t int_not(const ew_args *a) { return a->dt == FRIT_DT_BOOL ? !a->i : ~a->i; }

static int64_t int_popcount(const ew_args *a) {
    uint64_t mask = a->bits < 64 ? (UINT64_C(1) << a->bits) - 1 : UINT64_MAX;
    return __builtin_popcountll((uint64_t)a->i & mask);
}

/* ---- helpers on floats ---- */

static double real_smaller(double x, double y) { return isnan(x) ? x : isnan(y) ? y : y < x ? y : x; }
static double real_larger(double x, double y) { return isnan(x) ? x : isnan(y) ? y : y > x ? y : x; }
static double floor_mod(double x, double y) {
    double rem = fmod(x, y);
    return rem != 0 && (rem < 0) != (y < 0) ? rem + y : rem;
}
static double single_fma(const ew_args *a) {
    if (a->dt == FRIT_DT_F32) return fmaf((float)a->x, (float)a->y, (float)a->z);
    return fma(a->x, a->y, a->z);
}
static double logistic(double x) { return 1 / (1 + exp(-x)); }
static double log_one_plus_exp(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double clip01(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
static double shrink(double x, double lambd, double bias) { return x < -lambd ? x + bias : x > lambd ? x - bias : 0; }
static double tanh_gelu(double x) {
    const double sqrt_2_over_pi = 0.79788456080286535588;
    return 0.5 * x * (1 + tanh(sqrt_2_over_pi * (x + 0.044715 * x * x * x)));
}

/* ---- core ---- */

BOTH(neg, -x, wrap_neg(i))
BOTH(abs, fabs(x), !a->is_unsigned && i < 0 ? wrap_neg(i) : i)
BOTH(sign, isnan(x) ? x : (x > 0) - (x < 0), less(a, 0, i) - less(a, i, 0))
REAL(sqrt, sqrt(x))
REAL(exp, exp(x))
REAL(expm1, expm1(x))
REAL(log, log(x))
REAL(log1p, log1p(x))
REAL(sin, sin(x))
REAL(cos, cos(x))
REAL(atan, atan(x))
REAL(tanh, tanh(x))
REAL(erf, erf(x))
REAL(floor, floor(x))
REAL(ceil, ceil(x))
REAL(trunc, trunc(x))
REAL(round, rint(x))
BITS(not, int_not(a))
REAL(isnan, isnan(x) != 0)
REAL(isinf, isinf(x) != 0)
BITS(popcount, int_popcount(a))
BOTH(add, x + y, wrap_add(i, j))
BOTH(sub, x - y, wrap_add(i, wrap_neg(j)))
BOTH(mul, x *y, wrap_mul(i, j))
BOTH(div, x / y, int_div(a))
BOTH(mod, floor_mod(x, y), int_mod(a))
BOTH(rem, fmod(x, y), int_rem(a))
BOTH(pow, pow(x, y), int_pow(a))
REAL(atan2, atan2(x, y))
REAL(hypot, hypot(x, y))
BOTH(min, real_smaller(x, y), less(a, j, i) ? j : i)
BOTH(max, real_larger(x, y), less(a, i, j) ? j : i)
BITS(and, i &j)
BITS(or, i | j)
BITS(xor, i ^ j)
BITS(shl, int_shl(a))
BITS(shr, int_shr(a))
BOTH(eq, x == y, i == j)
BOTH(ne, x != y, i != j)
BOTH(lt, x < y, less(a, i, j))
BOTH(le, x <= y, !less(a, j, i))
BOTH(gt, x > y, less(a, j, i))
BOTH(ge, x >= y, !less(a, i, j))
REAL(fma, single_fma(a))

static scalar any_cast(const void *attrs, dtype dt, const scalar *in) {
    const attr_cast *cast = attrs;
    return dtype_convert(dt, cast->to, in[0], cast->saturate);
}
const ew_row ew_cast = {.any = any_cast, .is_cast = true};

static scalar any_bitcast(const void *attrs, dtype dt, const scalar *in) {
    uint64_t raw[1] = {0};
    dtype_store(dt, raw, 0, in[0]);
    return dtype_load(((const attr_cast *)attrs)->to, raw, 0);
}
const ew_row ew_bitcast = {.any = any_bitcast, .is_cast = true};

static scalar any_select(const void *attrs, dtype dt, const scalar *in) {
    (void)attrs, (void)dt;
    return in[0].i ? in[1] : in[2];
}
const ew_row ew_select = {.any = any_select};

/* ---- model ---- */

BOTH(relu, real_larger(x, 0), less(a, i, 0) ? 0 : i)
REAL(sigmoid, logistic(x))
REAL(silu, x *logistic(x))
REAL(gelu, 0.5 * x * erfc(-x * M_SQRT1_2))
REAL(gelu_tanh, tanh_gelu(x))
REAL(leaky_relu, x < 0 ? alpha_of(a) * x : x)
BOTH(prelu, x < 0 ? y * x : x, less(a, i, 0) ? wrap_mul(i, j) : i)
REAL(elu, x < 0 ? alpha_of(a) * expm1(x) : x)
REAL(celu, x < 0 ? alpha_of(a) * expm1(x / alpha_of(a)) : x)
REAL(selu, beta_of(a) * (x > 0 ? x : alpha2_of(a) * expm1(x)))
REAL(hard_sigmoid, clip01(alpha2_of(a) * x + beta_of(a)))
REAL(hard_swish, x *clip01(x / 6 + 0.5))
REAL(softplus, log_one_plus_exp(x))
REAL(softsign, x / (1 + fabs(x)))
REAL(mish, x *tanh(log_one_plus_exp(x)))
REAL(thresholded_relu, x > alpha_of(a) ? x : 0)
REAL(swish, x *logistic(alpha_of(a) * x))
REAL(shrink, shrink(x, alpha2_of(a), beta_of(a)))
BOTH(clip, real_smaller(real_larger(x, y), z), less(a, k, less(a, i, j) ? j : i) ? k : less(a, i, j) ? j : i)
REAL(reciprocal, 1 / x)
REAL(rsqrt, 1 / sqrt(x))
BOTH(square, x *x, wrap_mul(i, i))
REAL(tan, tan(x))
REAL(asin, asin(x))
REAL(acos, acos(x))
REAL(sinh, sinh(x))
REAL(cosh, cosh(x))
REAL(asinh, asinh(x))
REAL(acosh, acosh(x))
REAL(atanh, atanh(x))

/* ---- by operator: a missing row of an elementwise one fails the link ---- */

#define OP(name, ...) extern const ew_row ew_##name;
#include "ir/ops.def"
#undef OP
static const ew_row *const rows[N_OPS] = {
#define OP(name, attrs, lo, hi, n_out, flags, ...) [OP_##name] = (flags)&EW ? &ew_##name : NULL,
#include "ir/ops.def"
#undef OP
};

const ew_row *ew_row_of(op_code op) {
    ASSERT(rows[op]);
    return rows[op];
}

scalar scalar_wrap(dtype dt, int64_t v) {
    unsigned bits = dtype_bits(dt);
    scalar s = {.i = v};
    dtype_kind kind = dtype_kind_of(dt);
    if (kind == DTYPE_BOOL)
        s.i = v != 0;
    else if (kind == DTYPE_UINT && bits < 64)
        s.u = (uint64_t)v & ((UINT64_C(1) << bits) - 1);
    else if (bits < 64)
        s.i = (int64_t)((uint64_t)v << (64 - bits)) >> (64 - bits);
    return s;
}

scalar ew_apply(const ew_row *row, const ew_args *fixed, bool is_cmp, const scalar *in, uint32_t n_in) {
    dtype dt = fixed->dt;
    if (row->any) return row->any(fixed->attrs, dt, in);
    ew_args a = *fixed;
    if (row->integer && !dtype_is_float(dt)) {
        a.i = in[0].i;
        a.j = n_in > 1 ? in[1].i : 0;
        a.k = n_in > 2 ? in[2].i : 0;
        int64_t v = row->integer(&a);
        return is_cmp ? (scalar){.i = v} : scalar_wrap(dt, v);
    }
    a.x = dtype_to_f64(dt, in[0]);
    a.y = n_in > 1 ? dtype_to_f64(dt, in[1]) : 0;
    a.z = n_in > 2 ? dtype_to_f64(dt, in[2]) : 0;
    double v = row->real(&a);
    if (is_cmp) return (scalar){.i = v != 0};
    return dtype_is_float(dt) ? dtype_from_f64(dt, v) : dtype_convert(FRIT_DT_F64, dt, (scalar){.f = v}, true);
}

ew_args ew_args_of(dtype dt, const void *attrs) {
    bool is_unsigned = dtype_kind_of(dt) == DTYPE_UINT;
    return (ew_args){.dt = dt, .is_unsigned = is_unsigned, .bits = dtype_bits(dt), .attrs = attrs};
}

scalar eval_scalar(op_code op, const void *attrs, dtype dt, const scalar *in) {
    ew_args a = ew_args_of(dt, attrs);
    return ew_apply(ew_row_of(op), &a, op_is(op, OPF_CMP), in, op_info_of(op)->n_in_max);
}
