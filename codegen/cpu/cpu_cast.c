/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Conversions between element types, by the rules of dtype_convert. */
#include "codegen/cpu/cpu_emit.h"

static bool is_unsigned(dtype dt) { return dtype_kind_of(dt) == DTYPE_UINT || dt == FRIT_DT_BOOL; }

/* float_to_int for types of 8 and 16 bits: bounds as floats, then i32, whose low bits are the result. (LLVM takes
 * vectors apart for its saturating conversion to these.) NaN fails a comparison and becomes the bound, or 0 before it.
 */
static val float_to_short(emitter *e, dtype to, val x) {
    LLVMTypeRef type = LLVMTypeOf(x);
    unsigned bits = dtype_bits(to);
    double top = is_unsigned(to) ? (1u << bits) - 1 : (1u << (bits - 1)) - 1;
    val lo = const_real(type, is_unsigned(to) ? 0 : -top - 1), hi = const_real(type, top);
    if (!is_unsigned(to)) {
        val is_number = LLVMBuildFCmp(e->b, LLVMRealORD, x, x, "");
        x = LLVMBuildSelect(e->b, is_number, x, LLVMConstNull(type), "");
    }
    x = LLVMBuildSelect(e->b, LLVMBuildFCmp(e->b, LLVMRealOGT, x, lo, ""), x, lo, "");
    x = LLVMBuildSelect(e->b, LLVMBuildFCmp(e->b, LLVMRealOLT, x, hi, ""), x, hi, "");
    val whole = LLVMBuildFPToSI(e->b, x, like(x, e->i32), "");
    return LLVMBuildTrunc(e->b, whole, like(x, reg_type(e, to)), "");
}

/* Truncates, saturates at the ends of `to`, and gives 0 for NaN. Types below a byte get the low bits of the i32. */
static val float_to_int(emitter *e, dtype to, val x) {
    bool is_narrow = dtype_bits(to) < 8;
    if (dtype_bits(to) == 8 || dtype_bits(to) == 16) return float_to_short(e, to, x);
    LLVMTypeRef types[2] = {like(x, is_narrow ? e->i32 : reg_type(e, to)), LLVMTypeOf(x)};
    const char *name = is_unsigned(to) && !is_narrow ? "llvm.fptoui.sat" : "llvm.fptosi.sat";
    val whole = intrinsic(e, name, 2, types, 1, &x);
    return is_narrow ? wrap_to(e, to, LLVMBuildTrunc(e->b, whole, like(x, e->i8), "")) : whole;
}

/* Rounds to odd in f32, so that the following rounding to a narrower type sees on which side of a tie x lies. */
static val to_f32_odd(emitter *e, val x) {
    LLVMTypeRef single = like(x, e->f32), integer = like(x, e->i32);
    val near = LLVMBuildFPTrunc(e->b, x, single, "");
    val back = LLVMBuildFPExt(e->b, near, LLVMTypeOf(x), "");
    val size_args[2] = {x, back};
    val size = intrinsic_like(e, "llvm.fabs", 1, &size_args[0]),
        size_back = intrinsic_like(e, "llvm.fabs", 1, &size_args[1]);
    val is_inexact = LLVMBuildFCmp(e->b, LLVMRealONE, x, back, "");
    val is_above = LLVMBuildFCmp(e->b, LLVMRealOGT, size_back, size, "");
    val bits = LLVMBuildBitCast(e->b, near, integer, "");
    val cut = LLVMBuildSub(e->b, bits, LLVMBuildZExt(e->b, is_above, integer, ""), ""); /* towards zero */
    val odd = LLVMBuildOr(e->b, cut, const_int(integer, 1), "");
    return LLVMBuildBitCast(e->b, LLVMBuildSelect(e->b, is_inexact, odd, bits, ""), single, "");
}

static val float_to_float(emitter *e, dtype to, val x, bool saturate) {
    unsigned bits = dtype_bits(to);
    if (bits < 32) {
        bool f16_by_hardware = to == FRIT_DT_F16 && e->t->has_f16c && val_bits(x) == 64;
        val source = f16_by_hardware ? to_f32_odd(e, x) : x;
        return narrow_decode(e, to, narrow_encode(e, to, source, bits == 8 && saturate));
    }
    unsigned from_bits = val_bits(x);
    if (bits == from_bits) return x;
    LLVMTypeRef type = like(x, bits == 64 ? e->f64 : e->f32);
    return bits > from_bits ? LLVMBuildFPExt(e->b, x, type, "") : LLVMBuildFPTrunc(e->b, x, type, "");
}

/* Straight to f32 or f64, one rounding; through f64 to narrower types, as dtype_convert does. */
static val int_to_float(emitter *e, dtype from, dtype to, val x, bool saturate) {
    LLVMTypeRef real = like(x, to == FRIT_DT_F32 ? e->f32 : e->f64);
    val y = is_unsigned(from) ? LLVMBuildUIToFP(e->b, x, real, "") : LLVMBuildSIToFP(e->b, x, real, "");
    return dtype_bits(to) < 32 ? float_to_float(e, to, y, saturate) : y;
}

val emit_cast(emitter *e, dtype from, dtype to, val x, bool saturate) {
    if (from == to) return x;
    bool from_float = dtype_is_float(from), to_float = dtype_is_float(to);
    if (to == FRIT_DT_BOOL) {
        val zero = LLVMConstNull(LLVMTypeOf(x));
        return from_float ? LLVMBuildFCmp(e->b, LLVMRealUNE, x, zero, "") : LLVMBuildICmp(e->b, LLVMIntNE, x, zero, "");
    }
    if (from_float) return to_float ? float_to_float(e, to, x, saturate) : float_to_int(e, to, x);
    if (to_float) return int_to_float(e, from, to, x, saturate);
    val y = LLVMBuildIntCast2(e->b, x, like(x, reg_type(e, to)), !is_unsigned(from), "");
    return wrap_to(e, to, y);
}

val emit_bitcast(emitter *e, dtype from, dtype to, val x) {
    if (from == to) return x;
    val bits = reg_to_storage(e, from, x);
    return storage_to_reg(e, to, LLVMBuildBitCast(e->b, bits, like(bits, storage_type(e, to)), ""));
}
