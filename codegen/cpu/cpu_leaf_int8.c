/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The step of a matrix micro-kernel over bytes: acc[j] += a0 b0[j] + a1 b1[j] + a2 b2[j] + a3 b3[j], where the four
 * bytes of a and of every b[j] are the bytes of one 32-bit lane and one side is unsigned, the other signed.
 *
 *   VNNI      vpdpbusd, which is just this
 *   others    the even and the odd bytes as 16-bit numbers, two vpmaddwd: products of a u8 by an i8 and their pairwise
 *             sums fit (vpmaddubsw would saturate)
 *
 * All forms are exact, so results are the same bits on every machine. */
#include "codegen/cpu/cpu_leaf.h"

/* <lanes x i32> as what parameter i of a function of this type wants: LLVM has had these bytes as i32 and as i8. */
static val as_parameter(emitter *e, LLVMTypeRef fn, unsigned i, val x) {
    LLVMTypeRef types[8];
    LLVMGetParamTypes(fn, types);
    return LLVMBuildBitCast(e->b, x, types[i], "");
}

val leaf_call_x86(emitter *e, const char *name, unsigned n, const val *args) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    val fn = LLVMGetIntrinsicDeclaration(e->module, id, NULL, 0), given[3];
    LLVMTypeRef type = LLVMIntrinsicGetType(e->ctx, id, NULL, 0);
    for (unsigned i = 0; i < n; i++) given[i] = as_parameter(e, type, i, args[i]);
    return LLVMBuildCall2(e->b, type, fn, given, n, "");
}

static val dot_vnni(emitter *e, unsigned bits, val acc, val u, val s) {
    const char *name = bits == 512   ? "llvm.x86.avx512.vpdpbusd.512"
                       : bits == 256 ? "llvm.x86.avx512.vpdpbusd.256"
                                     : "llvm.x86.avx512.vpdpbusd.128";
    return leaf_call_x86(e, name, 3, (val[]){acc, u, s});
}

/* Bytes 0 and 2, or 1 and 3, of every lane as two 16-bit numbers. */
static val half_of(emitter *e, val x, uint32_t lanes, bool is_odd, bool is_signed) {
    LLVMTypeRef wide = vector_of(e->i16, 2 * lanes);
    val v = LLVMBuildBitCast(e->b, x, wide, ""), eight = const_int(wide, 8);
    if (!is_odd) v = LLVMBuildShl(e->b, v, eight, "");
    return is_signed ? LLVMBuildAShr(e->b, v, eight, "") : LLVMBuildLShr(e->b, v, eight, "");
}

static val dot_wide(emitter *e, unsigned bits, val acc, val u, val s) {
    const char *name = bits == 512   ? "llvm.x86.avx512.pmaddw.d.512"
                       : bits == 256 ? "llvm.x86.avx2.pmadd.wd"
                                     : "llvm.x86.sse2.pmadd.wd";
    uint32_t lanes = bits / 32;
    for (int odd = 0; odd < 2; odd++) {
        val halves[2] = {half_of(e, u, lanes, odd, false), half_of(e, s, lanes, odd, true)};
        acc = LLVMBuildAdd(e->b, acc, leaf_call_x86(e, name, 2, halves), "");
    }
    return acc;
}

val emit_byte_dot(emitter *e, bool a_is_signed, val a, val b, val acc) {
    uint32_t width = width_of(b), lanes = e->t->vector_bytes / 4;
    val parts[16];
    ASSERT(width % lanes == 0 && width / lanes <= countof(parts));
    for (uint32_t i = 0; i < width / lanes; i++) {
        val wide_a = splat(e, a, lanes), some_b = slice_lanes(e, b, i * lanes, lanes);
        val u = a_is_signed ? some_b : wide_a, s = a_is_signed ? wide_a : some_b;
        val sum = slice_lanes(e, acc, i * lanes, lanes);
        unsigned bits = e->t->vector_bytes * 8;
        parts[i] = e->t->has_vnni ? dot_vnni(e, bits, sum, u, s) : dot_wide(e, bits, sum, u, s);
    }
    return width == lanes ? parts[0] : concat_lanes(e, width / lanes, parts);
}
