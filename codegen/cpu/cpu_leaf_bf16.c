/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The step of a matrix micro-kernel over bf16: acc[j] += a1 b1[j], then += a0 b0[j], where a0 and a1 (b0 and b1) are
 * the low and the high half of a 32-bit lane.
 *
 *   AVX512-BF16   vdpbf16ps, which is just this with subnormals as zeros
 *   others        a bf16 is the high half of the f32 of its value: two fused multiply-adds */
#include "codegen/cpu/cpu_leaf.h"

static val dot_native(emitter *e, unsigned bits, val acc, val a, val b) {
    const char *name = bits == 512   ? "llvm.x86.avx512bf16.dpbf16ps.512"
                       : bits == 256 ? "llvm.x86.avx512bf16.dpbf16ps.256"
                                     : "llvm.x86.avx512bf16.dpbf16ps.128";
    return leaf_call_x86(e, name, 3, (val[]){acc, a, b});
}

/* The high or the low bf16 of every lane as f32. */
static val half_of(emitter *e, val x, bool is_high) {
    LLVMTypeRef type = LLVMTypeOf(x);
    val bits =
        is_high ? LLVMBuildAnd(e->b, x, const_int(type, -65536), "") : LLVMBuildShl(e->b, x, const_int(type, 16), "");
    return LLVMBuildBitCast(e->b, bits, like(x, e->f32), "");
}

val emit_pair_dot(emitter *e, val a, val b, val acc) {
    uint32_t width = width_of(b), lanes = e->t->vector_bytes / 4;
    if (!e->t->has_bf16_dot || width % lanes) {
        acc = emit_fma(e, half_of(e, a, true), half_of(e, b, true), acc);
        return emit_fma(e, half_of(e, a, false), half_of(e, b, false), acc);
    }
    val parts[16], wide_a = splat(e, a, lanes);
    ASSERT(width / lanes <= countof(parts));
    for (uint32_t i = 0; i < width / lanes; i++) {
        val sum = slice_lanes(e, acc, i * lanes, lanes);
        parts[i] = dot_native(e, e->t->vector_bytes * 8, sum, wide_a, slice_lanes(e, b, i * lanes, lanes));
    }
    return width == lanes ? parts[0] : concat_lanes(e, width / lanes, parts);
}
