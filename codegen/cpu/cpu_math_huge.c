/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reduction of large angles by the method of Payne and Hanek ("Radian reduction for trigonometric functions", 1983): of
 * 2 / pi only the bits that decide the place within one turn are multiplied. One scalar function per module, called for
 * the lanes that need it. */
#include <math.h>

#include "codegen/cpu/cpu_math.h"

/* Bits of 2 / pi after the binary point, behind 64 zero bits so that no index is negative. */
static const uint32_t two_over_pi[] = {
    0x00000000, 0x00000000, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab,
    0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484,
    0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f, 0xef2f118b,
    0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea,
    0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20, 0x9af4361d, 0xa9e39161, 0x5ee61b08};

enum { PAD_BITS = 64, LIMBS = 6, MANTISSA_BITS = 52, EXPONENT_BIAS = 1023 };
static const char function_name[] = "reduce_angle";

static val op2(emitter *e, LLVMOpcode op, val x, val y) { return LLVMBuildBinOp(e->b, op, x, y, ""); }
static val number(emitter *e, int64_t n) { return const_int(e->i64, n); }
static val right(emitter *e, val x, int64_t n) { return op2(e, LLVMLShr, x, number(e, n)); }
static val low_half(emitter *e, val x) { return op2(e, LLVMAnd, x, number(e, UINT32_MAX)); }

static val table_of(emitter *e) {
    val words[countof(two_over_pi)];
    for (size_t i = 0; i < countof(two_over_pi); i++) words[i] = LLVMConstInt(e->i32, two_over_pi[i], 0);
    val init = LLVMConstArray2(e->i32, words, countof(two_over_pi));
    val table = LLVMAddGlobal(e->module, LLVMTypeOf(init), "two_over_pi");
    LLVMSetInitializer(table, init);
    LLVMSetGlobalConstant(table, 1);
    LLVMSetLinkage(table, LLVMPrivateLinkage);
    return table;
}

/* LIMBS pieces of 32 bits of 2 / pi from bit `first` on, most significant first. */
static void window(emitter *e, val first, val *out) {
    val table = table_of(e), word = right(e, first, 5), shift = op2(e, LLVMAnd, first, number(e, 31));
    val words[LIMBS + 1];
    for (int i = 0; i <= LIMBS; i++) {
        val at = op2(e, LLVMAdd, word, number(e, i));
        val w = LLVMBuildLoad2(e->b, e->i32, LLVMBuildInBoundsGEP2(e->b, e->i32, table, &at, 1, ""), "");
        words[i] = LLVMBuildZExt(e->b, w, e->i64, "");
    }
    for (int i = 0; i < LIMBS; i++) {
        val both = op2(e, LLVMOr, op2(e, LLVMShl, words[i], number(e, 32)), words[i + 1]);
        out[i] = right(e, op2(e, LLVMShl, both, shift), 32);
    }
}

/* The fraction of m * 0.t[0]t[1].. : its first and its second 64 bits. */
static void fraction_of_product(emitter *e, val m, const val *t, val *out_high, val *out_low) {
    val m_low = low_half(e, m), m_high = right(e, m, 32), carry = number(e, 0), limb[LIMBS];
    for (int i = LIMBS; i-- > 0;) {
        val a = op2(e, LLVMMul, m_low, t[i]);
        val b = i + 1 < LIMBS ? op2(e, LLVMMul, m_high, t[i + 1]) : number(e, 0);
        val sum = op2(e, LLVMAdd, op2(e, LLVMAdd, low_half(e, a), low_half(e, b)), carry);
        limb[i] = low_half(e, sum);
        carry = op2(e, LLVMAdd, op2(e, LLVMAdd, right(e, a, 32), right(e, b, 32)), right(e, sum, 32));
    }
    *out_high = op2(e, LLVMOr, op2(e, LLVMShl, limb[0], number(e, 32)), limb[1]);
    *out_low = op2(e, LLVMOr, op2(e, LLVMShl, limb[2], number(e, 32)), limb[3]);
}

/* void reduce_angle(double y, double *r, int32_t *quadrant) for finite |y| >= 2^20. */
static void emit_body(emitter *e, val fn) {
    val y = LLVMGetParam(fn, 0), bits = LLVMBuildBitCast(e->b, y, e->i64, "");
    val exponent = op2(e, LLVMAnd, right(e, bits, MANTISSA_BITS), number(e, 0x7ff));
    val fraction = op2(e, LLVMAnd, bits, number(e, (INT64_C(1) << MANTISSA_BITS) - 1));
    val m = op2(e, LLVMOr, fraction, number(e, INT64_C(1) << MANTISSA_BITS)); /* |y| = m * 2^(exponent - 1075) */
    val t[LIMBS], high, low;
    window(e, op2(e, LLVMAdd, exponent, number(e, PAD_BITS - 2 - EXPONENT_BIAS - MANTISSA_BITS)), t);
    fraction_of_product(e, m, t, &high, &low); /* the place within one turn */
    val quadrant = right(e, op2(e, LLVMAdd, high, number(e, INT64_C(1) << 61)), 62);
    val rest = op2(e, LLVMSub, high, op2(e, LLVMShl, quadrant, number(e, 62)));
    val place =
        add(e, LLVMBuildSIToFP(e->b, rest, e->f64, ""), scaled(e, LLVMBuildUIToFP(e->b, low, e->f64, ""), 0x1p-64));
    val r = mul_add(e, place, real(place, 2 * M_PI * 0x1p-64), scaled(e, place, 2.4492935982947064e-16 * 0x1p-64));
    val is_negative = LLVMBuildICmp(e->b, LLVMIntSLT, bits, number(e, 0), "");
    r = pick(e, is_negative, LLVMBuildFNeg(e->b, r, ""), r);
    quadrant = pick(e, is_negative, LLVMBuildNeg(e->b, quadrant, ""), quadrant);
    LLVMBuildStore(e->b, r, LLVMGetParam(fn, 1));
    LLVMBuildStore(e->b, LLVMBuildTrunc(e->b, quadrant, e->i32, ""), LLVMGetParam(fn, 2));
    LLVMBuildRetVoid(e->b);
}

static val reduction(emitter *e, LLVMTypeRef *out_type) {
    LLVMTypeRef params[3] = {e->f64, e->ptr, e->ptr};
    *out_type = LLVMFunctionType(LLVMVoidTypeInContext(e->ctx), params, 3, 0);
    val fn = LLVMGetNamedFunction(e->module, function_name);
    if (fn) return fn;
    fn = LLVMAddFunction(e->module, function_name, *out_type);
    LLVMSetLinkage(fn, LLVMInternalLinkage);
    LLVMBasicBlockRef here = LLVMGetInsertBlock(e->b);
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->ctx, fn, "entry"));
    emit_body(e, fn);
    LLVMPositionBuilderAtEnd(e->b, here);
    return fn;
}

/* Lane after lane, by way of memory. */
static void reduce_lanes(emitter *e, val y, val y_at, val r_at, val quadrant_at) {
    LLVMTypeRef type;
    val fn = reduction(e, &type);
    count_loop l = loop_begin(e, e->zero, number(e, width_of(y)), number(e, 1));
    val one = LLVMBuildLoad2(e->b, e->f64, LLVMBuildInBoundsGEP2(e->b, e->f64, y_at, &l.index, 1, ""), "");
    val size = magnitude(e, one);
    val is_huge = LLVMBuildFCmp(e->b, LLVMRealOGE, size, real(one, HUGE_ANGLE), "");
    if_else huge = if_begin(e, LLVMBuildAnd(e->b, is_huge, below(e, size, INFINITY), ""));
    val args[3] = {one, LLVMBuildInBoundsGEP2(e->b, e->f64, r_at, &l.index, 1, ""),
                   LLVMBuildInBoundsGEP2(e->b, e->i32, quadrant_at, &l.index, 1, "")};
    LLVMBuildCall2(e->b, type, fn, args, 3, "");
    if_otherwise(e, &huge);
    if_end(e, &huge);
    loop_end(e, &l);
}

void reduce_huge_angles(emitter *e, val y, val *r, val *quadrant) {
    val y_at = stack_slot(e, LLVMTypeOf(y)), r_at = stack_slot(e, LLVMTypeOf(*r));
    val quadrant_at = stack_slot(e, LLVMTypeOf(*quadrant));
    LLVMBuildStore(e->b, *r, r_at);
    LLVMBuildStore(e->b, *quadrant, quadrant_at);
    val is_huge = LLVMBuildFCmp(e->b, LLVMRealOGE, magnitude(e, y), real(y, HUGE_ANGLE), "");
    if_else any = if_begin(e, any_lane(e, is_huge));
    LLVMBuildStore(e->b, y, y_at);
    reduce_lanes(e, y, y_at, r_at, quadrant_at);
    if_otherwise(e, &any);
    if_end(e, &any);
    *r = LLVMBuildLoad2(e->b, LLVMTypeOf(*r), r_at, "");
    *quadrant = LLVMBuildLoad2(e->b, LLVMTypeOf(*quadrant), quadrant_at, "");
}
