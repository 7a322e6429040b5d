/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elementwise core operators as vector code: a function op_<name> for each CORE_EW row of ops.def, bound by name in the
 * table at the end. No operand makes the code trap: division by zero and overflow are defined in ops.def. */
#include "codegen/cpu/cpu_emit.h"
#include "codegen/cpu/cpu_math.h"

typedef val op_fn(emitter *e, dtype dt, val *x);

static bool is_float(dtype dt) { return dtype_is_float(dt); }
static bool is_signed(dtype dt) { return dtype_kind_of(dt) == DTYPE_INT; }
static val zero_like(val x) { return LLVMConstNull(LLVMTypeOf(x)); }
static val choose(emitter *e, val cond, val x, val y) {
    val both[3] = {cond, x, y};
    widen(e, 3, both);
    return LLVMBuildSelect(e->b, both[0], both[1], both[2], "");
}
static val is_nan(emitter *e, val x) { return LLVMBuildFCmp(e->b, LLVMRealUNO, x, x, ""); }

/* --- comparison: bool counts as unsigned --- */

static val compare(emitter *e, dtype dt, val *x, LLVMRealPredicate real, LLVMIntPredicate with_sign,
                   LLVMIntPredicate without) {
    if (is_float(dt)) return LLVMBuildFCmp(e->b, real, x[0], x[1], "");
    return LLVMBuildICmp(e->b, is_signed(dt) ? with_sign : without, x[0], x[1], "");
}
static val op_eq(emitter *e, dtype dt, val *x) { return compare(e, dt, x, LLVMRealOEQ, LLVMIntEQ, LLVMIntEQ); }
static val op_ne(emitter *e, dtype dt, val *x) { return compare(e, dt, x, LLVMRealUNE, LLVMIntNE, LLVMIntNE); }
static val op_lt(emitter *e, dtype dt, val *x) { return compare(e, dt, x, LLVMRealOLT, LLVMIntSLT, LLVMIntULT); }
static val op_le(emitter *e, dtype dt, val *x) { return compare(e, dt, x, LLVMRealOLE, LLVMIntSLE, LLVMIntULE); }
static val op_gt(emitter *e, dtype dt, val *x) { return compare(e, dt, x, LLVMRealOGT, LLVMIntSGT, LLVMIntUGT); }
static val op_ge(emitter *e, dtype dt, val *x) { return compare(e, dt, x, LLVMRealOGE, LLVMIntSGE, LLVMIntUGE); }
static val op_isnan(emitter *e, dtype dt, val *x) {
    (void)dt;
    return is_nan(e, x[0]);
}
static val op_isinf(emitter *e, dtype dt, val *x) {
    (void)dt;
    val size = intrinsic_like(e, "llvm.fabs", 1, x);
    return LLVMBuildFCmp(e->b, LLVMRealOEQ, size, const_real(LLVMTypeOf(size), __builtin_inf()), "");
}
static val op_select(emitter *e, dtype dt, val *x) {
    (void)dt;
    return LLVMBuildSelect(e->b, x[0], x[1], x[2], "");
}

/* --- arithmetic --- */

static val op_neg(emitter *e, dtype dt, val *x) {
    return is_float(dt) ? LLVMBuildFNeg(e->b, x[0], "") : LLVMBuildNeg(e->b, x[0], "");
}
static val op_abs(emitter *e, dtype dt, val *x) {
    if (is_float(dt)) return intrinsic_like(e, "llvm.fabs", 1, x);
    if (!is_signed(dt)) return x[0];
    val is_negative = LLVMBuildICmp(e->b, LLVMIntSLT, x[0], zero_like(x[0]), "");
    return choose(e, is_negative, LLVMBuildNeg(e->b, x[0], ""), x[0]);
}
static val op_sign(emitter *e, dtype dt, val *x) {
    LLVMTypeRef type = LLVMTypeOf(x[0]);
    val zero[2] = {x[0], zero_like(x[0])};
    val one = is_float(dt) ? const_real(type, 1) : const_int(type, 1);
    val minus = is_float(dt) ? const_real(type, -1) : const_int(type, -1);
    val size = choose(e, op_gt(e, dt, zero), one, zero[1]);
    if (is_float(dt) || is_signed(dt)) size = choose(e, op_lt(e, dt, zero), minus, size);
    return is_float(dt) ? choose(e, is_nan(e, x[0]), x[0], size) : size;
}
static val op_add(emitter *e, dtype dt, val *x) {
    return is_float(dt) ? LLVMBuildFAdd(e->b, x[0], x[1], "") : LLVMBuildAdd(e->b, x[0], x[1], "");
}
static val op_sub(emitter *e, dtype dt, val *x) {
    return is_float(dt) ? LLVMBuildFSub(e->b, x[0], x[1], "") : LLVMBuildSub(e->b, x[0], x[1], "");
}
static val op_mul(emitter *e, dtype dt, val *x) {
    return is_float(dt) ? LLVMBuildFMul(e->b, x[0], x[1], "") : LLVMBuildMul(e->b, x[0], x[1], "");
}
static val op_fma(emitter *e, dtype dt, val *x) {
    (void)dt;
    return emit_fma(e, x[0], x[1], x[2]);
}

/* The divisor with 1 in the places where the machine's division would trap; *out_zero and *out_minus say which. */
static val safe_divisor(emitter *e, dtype dt, val y, val *out_zero, val *out_minus) {
    LLVMTypeRef type = LLVMTypeOf(y);
    *out_zero = LLVMBuildICmp(e->b, LLVMIntEQ, y, zero_like(y), "");
    *out_minus = is_signed(dt) ? LLVMBuildICmp(e->b, LLVMIntEQ, y, const_int(type, -1), "") : NULL;
    val bad = *out_minus ? LLVMBuildOr(e->b, *out_zero, *out_minus, "") : *out_zero;
    return choose(e, bad, const_int(type, 1), y);
}
static val op_div(emitter *e, dtype dt, val *x) {
    if (is_float(dt)) return LLVMBuildFDiv(e->b, x[0], x[1], "");
    val by_zero, by_minus, y = safe_divisor(e, dt, x[1], &by_zero, &by_minus);
    val q = is_signed(dt) ? LLVMBuildSDiv(e->b, x[0], y, "") : LLVMBuildUDiv(e->b, x[0], y, "");
    if (by_minus) q = choose(e, by_minus, LLVMBuildNeg(e->b, x[0], ""), q);
    return choose(e, by_zero, zero_like(q), q);
}
static val op_rem(emitter *e, dtype dt, val *x) {
    if (is_float(dt)) return LLVMBuildFRem(e->b, x[0], x[1], "");
    val by_zero, by_minus, y = safe_divisor(e, dt, x[1], &by_zero, &by_minus);
    if (!is_signed(dt)) return choose(e, by_zero, zero_like(y), LLVMBuildURem(e->b, x[0], y, ""));
    return LLVMBuildSRem(e->b, x[0], y, ""); /* x rem 1 is 0, which is also right for 0 and -1 */
}
static val op_mod(emitter *e, dtype dt, val *x) {
    val rest = op_rem(e, dt, x);
    if (!is_float(dt) && !is_signed(dt)) return rest;
    val zero = zero_like(rest), rest_zero[2] = {rest, zero}, divisor_zero[2] = {x[1], zero};
    val below = op_lt(e, dt, rest_zero), divisor_below = op_lt(e, dt, divisor_zero);
    val differs = LLVMBuildAnd(e->b, op_ne(e, dt, rest_zero), LLVMBuildXor(e->b, below, divisor_below, ""), "");
    val both[2] = {rest, x[1]};
    return choose(e, differs, op_add(e, dt, both), rest);
}

/* A NaN operand is the result; of equals the first. A NaN second operand first takes the place of the first one:
 * written that way round, what remains is exactly one x86 min or max, which LLVM does not merge with the test for NaN.
 */
static val first_unless_nan(emitter *e, dtype dt, val *x) {
    return is_float(dt) ? choose(e, is_nan(e, x[1]), x[1], x[0]) : x[0];
}
static val op_min(emitter *e, dtype dt, val *x) {
    val first = first_unless_nan(e, dt, x), pair[2] = {x[1], first};
    return choose(e, op_lt(e, dt, pair), x[1], first);
}
static val op_max(emitter *e, dtype dt, val *x) {
    val first = first_unless_nan(e, dt, x), pair[2] = {x[1], first};
    return choose(e, op_gt(e, dt, pair), x[1], first);
}

/* x^y by squaring for y >= 0; a negative y truncates 1 / x^-y, which is 0 but for x = 1 and -1. */
static val int_pow(emitter *e, dtype dt, val *x) {
    LLVMTypeRef type = LLVMTypeOf(x[0]);
    val one = const_int(type, 1), result = one, base = x[0];
    for (unsigned i = 0; i < dtype_bits(dt); i++) {
        val bit = LLVMBuildAnd(e->b, LLVMBuildLShr(e->b, x[1], const_int(type, i), ""), one, "");
        val is_set = LLVMBuildICmp(e->b, LLVMIntNE, bit, zero_like(bit), "");
        result = choose(e, is_set, LLVMBuildMul(e->b, result, base, ""), result);
        base = LLVMBuildMul(e->b, base, base, "");
    }
    if (!is_signed(dt)) return result;
    val is_odd = LLVMBuildICmp(e->b, LLVMIntNE, LLVMBuildAnd(e->b, x[1], one, ""), zero_like(one), "");
    val is_one = LLVMBuildICmp(e->b, LLVMIntEQ, x[0], one, "");
    val is_minus = LLVMBuildICmp(e->b, LLVMIntEQ, x[0], const_int(type, -1), "");
    val of_minus = choose(e, is_odd, const_int(type, -1), one);
    val inverse = choose(e, is_one, one, choose(e, is_minus, of_minus, zero_like(one)));
    val is_negative = LLVMBuildICmp(e->b, LLVMIntSLT, x[1], zero_like(one), "");
    return choose(e, is_negative, inverse, result);
}
static val op_pow(emitter *e, dtype dt, val *x) { return is_float(dt) ? math_pow(e, x[0], x[1]) : int_pow(e, dt, x); }

/* --- rounding --- */

static val op_sqrt(emitter *e, dtype dt, val *x) {
    (void)dt;
    return intrinsic_like(e, "llvm.sqrt", 1, x);
}
static val op_floor(emitter *e, dtype dt, val *x) {
    (void)dt;
    return intrinsic_like(e, "llvm.floor", 1, x);
}
static val op_ceil(emitter *e, dtype dt, val *x) {
    (void)dt;
    return intrinsic_like(e, "llvm.ceil", 1, x);
}
static val op_trunc(emitter *e, dtype dt, val *x) {
    (void)dt;
    return intrinsic_like(e, "llvm.trunc", 1, x);
}
static val op_round(emitter *e, dtype dt, val *x) {
    (void)dt;
    return intrinsic_like(e, "llvm.roundeven", 1, x);
}

/* --- bits --- */

static val op_not(emitter *e, dtype dt, val *x) {
    (void)dt;
    return LLVMBuildNot(e->b, x[0], "");
}
static val op_and(emitter *e, dtype dt, val *x) {
    (void)dt;
    return LLVMBuildAnd(e->b, x[0], x[1], "");
}
static val op_or(emitter *e, dtype dt, val *x) {
    (void)dt;
    return LLVMBuildOr(e->b, x[0], x[1], "");
}
static val op_xor(emitter *e, dtype dt, val *x) {
    (void)dt;
    return LLVMBuildXor(e->b, x[0], x[1], "");
}
static val op_popcount(emitter *e, dtype dt, val *x) {
    unsigned bits = dtype_bits(dt);
    val whole = bits >= 8 ? x[0] : LLVMBuildAnd(e->b, x[0], const_int(LLVMTypeOf(x[0]), (1 << bits) - 1), "");
    return intrinsic_like(e, "llvm.ctpop", 1, &whole);
}
/* Shift counts at or beyond the width (and negative ones) fill with zeros, or the sign. */
static val op_shl(emitter *e, dtype dt, val *x) {
    LLVMTypeRef type = LLVMTypeOf(x[0]);
    val limit = const_int(type, dtype_bits(dt));
    val is_within = LLVMBuildICmp(e->b, LLVMIntULT, x[1], limit, "");
    val count = choose(e, is_within, x[1], zero_like(x[1]));
    return choose(e, is_within, LLVMBuildShl(e->b, x[0], count, ""), zero_like(x[0]));
}
static val op_shr(emitter *e, dtype dt, val *x) {
    LLVMTypeRef type = LLVMTypeOf(x[0]);
    val limit = const_int(type, dtype_bits(dt)), last = const_int(type, (int64_t)val_bits(x[0]) - 1);
    val is_within = LLVMBuildICmp(e->b, LLVMIntULT, x[1], limit, "");
    if (is_signed(dt)) return LLVMBuildAShr(e->b, x[0], choose(e, is_within, x[1], last), "");
    val count = choose(e, is_within, x[1], zero_like(x[1]));
    return choose(e, is_within, LLVMBuildLShr(e->b, x[0], count, ""), zero_like(x[0]));
}

/* --- functions of cpu_math.h --- */

#define MATH(name)                                                                                                     \
    static val op_##name(emitter *e, dtype dt, val *x) {                                                               \
        (void)dt;                                                                                                      \
        return math_##name(e, x[0]);                                                                                   \
    }
MATH(exp)
MATH(expm1)
MATH(log)
MATH(log1p)
MATH(sin)
MATH(cos)
MATH(atan)
MATH(tanh)
MATH(erf)
#undef MATH
static val op_atan2(emitter *e, dtype dt, val *x) {
    (void)dt;
    return math_atan2(e, x[0], x[1]);
}

/* The larger magnitude is brought to where its square neither overflows nor loses bits by a power of two that the root
 * is divided by; what the smaller one loses there is below the rounding of the sum. At most 2 ulp. */
static val op_hypot(emitter *e, dtype dt, val *x) {
    (void)dt;
    val a = magnitude(e, x[0]), b = magnitude(e, x[1]);
    val is_less = LLVMBuildFCmp(e->b, LLVMRealOLT, a, b, "");
    val larger = pick(e, is_less, b, a), smaller = pick(e, is_less, a, b);
    bool wide = is_double(a);
    val is_large = above(e, larger, wide ? 0x1p500 : 0x1p60), is_small = below(e, larger, wide ? 0x1p-450 : 0x1p-50);
    double up = wide ? 0x1p700 : 0x1p100;
    val scale = pick(e, is_large, real(a, 1 / up), pick(e, is_small, real(a, up), real(a, 1)));
    val back = pick(e, is_large, real(a, up), pick(e, is_small, real(a, 1 / up), real(a, 1)));
    larger = mul(e, larger, scale), smaller = mul(e, smaller, scale);
    val sum = mul_add(e, larger, larger, mul(e, smaller, smaller));
    val root = mul(e, intrinsic_like(e, "llvm.sqrt", 1, &sum), back);
    val is_infinite = LLVMBuildOr(e->b, equals(e, a, __builtin_inf()), equals(e, b, __builtin_inf()), "");
    return pick(e, is_infinite, real(a, __builtin_inf()), root);
}

/* A core operator without a function above does not compile. Casts are no rows: cpu_cast.c has them. */
static op_fn *const emitters[N_OPS] = {
#define OP(...)
#define CORE_EW(name, ...) [OP_##name] = op_##name,
#include "ir/ops.def"
#undef OP
};

val emit_op(emitter *e, op_code op, dtype dt, val *x) {
    ASSERT(emitters[op]);
    val result = emitters[op](e, dt, x);
    bool is_exact = op == OP_select || op_is(op, OPF_CMP);
    return is_exact ? result : wrap_to(e, dt, result);
}
