/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Index expressions (dims) as code: scalars in i64; per lane as vectors, in i32 where every part provably fits. */
#include "codegen/cpu/cpu_emit.h"

val sym_value(emitter *e, sym_id s) {
    const sym_info *info = dim_sym_info(e->k->dims, s);
    if (info->kind == SYM_LOADED) return emit_expr(e, info->input);
    if (s == e->lane.axis) return e->lane.base;
    if (e->syms[s]) return e->syms[s];
    ASSERT(info->kind != SYM_AXIS); /* an axis has a value inside its loop only */
    val index = LLVMConstInt(e->i64, e->sym_numbers[s], 0);
    val at = LLVMBuildInBoundsGEP2(e->entry, e->i64, e->dims_arg, &index, 1, "");
    e->syms[s] = LLVMBuildLoad2(e->entry, e->i64, at, info->name);
    return e->syms[s];
}

/* True when a loaded index inside d differs between lanes. */
static bool loaded_varies(emitter *e, dim d) {
    const dim_table *t = e->k->dims;
    sym_id s;
    if (dim_is_const(t, d, NULL)) return false;
    if (dim_is_sym(t, d, &s)) return dim_sym_info(e->k->dims, s)->kind == SYM_LOADED && width_of(sym_value(e, s)) > 1;
    for (uint32_t i = 0; i < dim_n_args(t, d); i++)
        if (loaded_varies(e, dim_arg(t, d, i))) return true;
    return false;
}

bool dim_varies(emitter *e, dim d) {
    if (e->lane.width == 1) return false;
    return dim_depends(e->k->dims, d, e->lane.axis) || loaded_varies(e, d);
}

bool dim_is_linear(emitter *e, dim d, dim *out_stride) {
    dim rest;
    if (!dim_linear(e->k->dims, d, e->lane.axis, out_stride, &rest)) return false;
    return !loaded_varies(e, rest) && !loaded_varies(e, *out_stride);
}

bool dim_fits_i32(emitter *e, dim d) {
    int64_t lo, hi;
    dim_bounds(e->k->dims, d, &lo, &hi);
    if (lo < INT32_MIN || hi > INT32_MAX) return false;
    if (dim_is_const(e->k->dims, d, NULL) || dim_is_sym(e->k->dims, d, NULL)) return true;
    for (uint32_t i = 0; i < dim_n_args(e->k->dims, d); i++)
        if (!dim_fits_i32(e, dim_arg(e->k->dims, d, i))) return false;
    return true;
}

/* Facts that make a division cheap. */
typedef struct division {
    bool is_natural; /* dividend >= 0 and divisor > 0: rounding to zero is rounding down */
    bool is_small;   /* |dividend| < 2^52: a double quotient, cut, is exact */
    bool may_be_by_zero;
    int64_t divisor_log; /* divisor == 1 << divisor_log, -1 unknown */
} division;

static division division_facts(emitter *e, dim d) {
    int64_t lo, hi, divisor_lo, divisor_hi, constant;
    const int64_t limit = INT64_C(1) << 52;
    dim_bounds(e->k->dims, dim_arg(e->k->dims, d, 0), &lo, &hi);
    dim_bounds(e->k->dims, dim_arg(e->k->dims, d, 1), &divisor_lo, &divisor_hi);
    division f = {.is_natural = lo >= 0 && divisor_lo > 0,
                  .is_small = hi < limit && lo > -limit,
                  .may_be_by_zero = divisor_lo <= 0,
                  .divisor_log = -1};
    bool is_power = dim_is_const(e->k->dims, dim_arg(e->k->dims, d, 1), &constant) && constant > 0 &&
                    (constant & (constant - 1)) == 0;
    if (is_power) f.divisor_log = __builtin_ctzll((unsigned long long)constant);
    return f;
}

/* floor(x / y) for y > 0, which is what dims divide by. Division by 0, possible only through hostile dims, is by 1. */
static val floor_divide(emitter *e, const division *f, val x, val y) {
    LLVMTypeRef type = LLVMTypeOf(x);
    if (f->divisor_log >= 0) return LLVMBuildAShr(e->b, x, const_int(type, f->divisor_log), "");
    if (f->may_be_by_zero) {
        val is_zero = LLVMBuildICmp(e->b, LLVMIntEQ, y, LLVMConstNull(type), "");
        y = LLVMBuildSelect(e->b, is_zero, const_int(type, 1), y, "");
    }
    if (f->is_natural && f->is_small && width_of(x) > 1 && !LLVMIsConstant(y)) {
        LLVMTypeRef real = like(x, e->f64);
        val q = LLVMBuildFDiv(e->b, LLVMBuildSIToFP(e->b, x, real, ""), LLVMBuildSIToFP(e->b, y, real, ""), "");
        return LLVMBuildFPToSI(e->b, q, type, "");
    }
    if (f->is_natural) return LLVMBuildUDiv(e->b, x, y, "");
    val q = LLVMBuildSDiv(e->b, x, y, ""), rest = LLVMBuildSub(e->b, x, LLVMBuildMul(e->b, q, y, ""), "");
    val below = LLVMBuildICmp(e->b, LLVMIntSLT, LLVMBuildXor(e->b, rest, y, ""), LLVMConstNull(type), "");
    val has_rest = LLVMBuildICmp(e->b, LLVMIntNE, rest, LLVMConstNull(type), "");
    val down = LLVMBuildAnd(e->b, below, has_rest, "");
    return LLVMBuildAdd(e->b, q, LLVMBuildSExt(e->b, down, type, ""), "");
}

static val floor_modulo(emitter *e, const division *f, val x, val y) {
    if (f->divisor_log >= 0)
        return LLVMBuildAnd(e->b, x, const_int(LLVMTypeOf(x), (INT64_C(1) << f->divisor_log) - 1), "");
    return LLVMBuildSub(e->b, x, LLVMBuildMul(e->b, floor_divide(e, f, x, y), y, ""), "");
}

static val combine_args(emitter *e, dim d, uint32_t n, const val *args) {
    val v = args[0];
    dim_kind kind = dim_kind_of(e->k->dims, d);
    if (kind == DIM_FLOORDIV || kind == DIM_MOD) {
        division f = division_facts(e, d);
        return kind == DIM_MOD ? floor_modulo(e, &f, v, args[1]) : floor_divide(e, &f, v, args[1]);
    }
    for (uint32_t i = 1; i < n; i++) {
        val pair[2] = {v, args[i]};
        if (kind == DIM_SUM) v = LLVMBuildNSWAdd(e->b, v, args[i], "");
        if (kind == DIM_PRODUCT) v = LLVMBuildNSWMul(e->b, v, args[i], "");
        if (kind == DIM_MIN) v = intrinsic_like(e, "llvm.smin", 2, pair);
        if (kind == DIM_MAX) v = intrinsic_like(e, "llvm.smax", 2, pair);
    }
    return v;
}

static val dim_from(emitter *e, dim d, LLVMTypeRef element, uint32_t width);

static val dim_parts(emitter *e, dim d, LLVMTypeRef element, uint32_t width) {
    uint32_t n = dim_n_args(e->k->dims, d);
    val *args = ARENA_ARRAY(e->c->scratch, val, n);
    for (uint32_t i = 0; i < n; i++) args[i] = dim_from(e, dim_arg(e->k->dims, d, i), element, width);
    return combine_args(e, d, n, args);
}

/* d in `width` lanes of the element type; with width 1 every symbol has one value, the lane axis that of lane 0. */
static val dim_from(emitter *e, dim d, LLVMTypeRef element, uint32_t width) {
    int64_t constant;
    sym_id s;
    if (dim_is_const(e->k->dims, d, &constant)) return const_int(vector_of(element, width), constant);
    if (width > 1 && !dim_varies(e, d)) {
        val v = dim_from(e, d, e->i64, 1);
        return splat(e, LLVMBuildIntCast2(e->b, v, element, 1, ""), width);
    }
    if (!dim_is_sym(e->k->dims, d, &s)) return dim_parts(e, d, element, width);
    val v = LLVMBuildIntCast2(e->b, sym_value(e, s), like(sym_value(e, s), element), 1, "");
    if (width == 1 || s != e->lane.axis) return v;
    return LLVMBuildNSWAdd(e->b, splat(e, v, width), iota(e, element, width), "");
}

val dim_scalar(emitter *e, dim d) { return dim_from(e, d, e->i64, 1); }

val dim_lanes(emitter *e, dim d, LLVMTypeRef element) {
    dim stride;
    uint32_t width = e->lane.width;
    if (!dim_varies(e, d) || !dim_is_linear(e, d, &stride)) return dim_from(e, d, element, width);
    val first = LLVMBuildIntCast2(e->b, dim_scalar(e, d), element, 1, "");
    val step = LLVMBuildIntCast2(e->b, dim_scalar(e, stride), element, 1, "");
    val along = LLVMBuildMul(e->b, splat(e, step, width), iota(e, element, width), "");
    return LLVMBuildAdd(e->b, splat(e, first, width), along, "");
}

val dim_value(emitter *e, dim d) {
    if (!dim_varies(e, d)) return dim_scalar(e, d);
    if (!dim_fits_i32(e, d)) return dim_lanes(e, d, e->i64);
    val v = dim_lanes(e, d, e->i32);
    return LLVMBuildSExt(e->b, v, like(v, e->i64), "");
}
