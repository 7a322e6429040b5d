/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The words that vector math is written in. */
#include "codegen/cpu/cpu_math.h"

#include <math.h>

bool is_double(val x) { return val_bits(x) == 64; }
val real(val x, double c) { return const_real(LLVMTypeOf(x), c); }
val add(emitter *e, val x, val y) { return LLVMBuildFAdd(e->b, x, y, ""); }
val sub(emitter *e, val x, val y) { return LLVMBuildFSub(e->b, x, y, ""); }
val mul(emitter *e, val x, val y) { return LLVMBuildFMul(e->b, x, y, ""); }
val divide(emitter *e, val x, val y) { return LLVMBuildFDiv(e->b, x, y, ""); }
val mul_add(emitter *e, val x, val y, val z) { return emit_fma(e, x, y, z); }
val scaled(emitter *e, val x, double c) { return mul(e, x, real(x, c)); }
val magnitude(emitter *e, val x) { return intrinsic_like(e, "llvm.fabs", 1, &x); }
val pick(emitter *e, val cond, val x, val y) { return LLVMBuildSelect(e->b, cond, x, y, ""); }
val below(emitter *e, val x, double c) { return LLVMBuildFCmp(e->b, LLVMRealOLT, x, real(x, c), ""); }
val above(emitter *e, val x, double c) { return LLVMBuildFCmp(e->b, LLVMRealOGT, x, real(x, c), ""); }
val equals(emitter *e, val x, double c) { return LLVMBuildFCmp(e->b, LLVMRealOEQ, x, real(x, c), ""); }
val not_a_number(emitter *e, val x) { return LLVMBuildFCmp(e->b, LLVMRealUNO, x, x, ""); }
val nearest(emitter *e, val x) { return intrinsic_like(e, "llvm.roundeven", 1, &x); }

val with_sign_of(emitter *e, val x, val sign) {
    val args[2] = {x, sign};
    return intrinsic_like(e, "llvm.copysign", 2, args);
}

/* The operand order makes NaN the result of both comparisons' "else". */
val clamped(emitter *e, val x, double lo, double hi) {
    val y = pick(e, above(e, x, hi), real(x, hi), x);
    return pick(e, below(e, y, lo), real(x, lo), y);
}

val as_bits(emitter *e, val x) { return LLVMBuildBitCast(e->b, x, like(x, is_double(x) ? e->i64 : e->i32), ""); }
val from_bits(emitter *e, val bits) {
    return LLVMBuildBitCast(e->b, bits, like(bits, val_bits(bits) == 64 ? e->f64 : e->f32), "");
}
val bits_const(val bits, int64_t c) { return const_int(LLVMTypeOf(bits), c); }

val polynomial(emitter *e, val x, uint32_t n, const double *c) {
    val p = real(x, c[n - 1]);
    for (uint32_t i = n - 1; i-- > 0;) p = mul_add(e, p, x, real(x, c[i]));
    return p;
}

/* AVX-512's own instruction, one register at a time; NULL where the target or the width has none. */
static val scale_natively(emitter *e, val x, val n) {
    uint32_t per_register = is_double(x) ? 8 : 16, width = width_of(x);
    if (!e->t->has_masks || width < per_register) return NULL;
    const char *name = is_double(x) ? "llvm.x86.avx512.mask.scalef.pd.512" : "llvm.x86.avx512.mask.scalef.ps.512";
    enum { MAX_PARTS = 128, CURRENT_ROUNDING = 4 };
    val parts[MAX_PARTS];
    uint32_t n_parts = width / per_register;
    if (n_parts > MAX_PARTS) return NULL;
    for (uint32_t i = 0; i < n_parts; i++) {
        val part = slice_lanes(e, x, i * per_register, per_register);
        val power = slice_lanes(e, n, i * per_register, per_register);
        val mask = const_int(is_double(x) ? e->i8 : e->i16, -1);
        val args[5] = {part, power, part, mask, const_int(e->i32, CURRENT_ROUNDING)};
        parts[i] = intrinsic(e, name, 0, NULL, 5, args);
    }
    return concat_lanes(e, n_parts, parts);
}

static val power_of_two(emitter *e, val exponent) {
    bool wide = val_bits(exponent) == 64;
    val biased = LLVMBuildAdd(e->b, exponent, bits_const(exponent, wide ? 1023 : 127), "");
    return from_bits(e, LLVMBuildShl(e->b, biased, bits_const(exponent, wide ? 52 : 23), ""));
}

/* n, an integer, as an integer: adding 1.5 * 2^23 (2^52) leaves it in the last bits. Anything for NaN. */
static val whole_of(emitter *e, val n) {
    val magic = real(n, is_double(n) ? 0x1.8p52 : 0x1.8p23);
    return LLVMBuildSub(e->b, as_bits(e, add(e, n, magic)), as_bits(e, magic), "");
}

/* Two factors whose exponents add up to n: only the second product can round. */
val scale_by_power(emitter *e, val x, val n) {
    val native = scale_natively(e, x, n);
    if (native) return native;
    val whole = whole_of(e, n);
    val half = LLVMBuildAShr(e->b, whole, bits_const(whole, 1), "");
    val rest = LLVMBuildSub(e->b, whole, half, "");
    return mul(e, mul(e, x, power_of_two(e, half)), power_of_two(e, rest));
}

val power_within(emitter *e, val n) {
    val native = scale_natively(e, real(n, 1), n);
    return native ? native : power_of_two(e, whole_of(e, n));
}
