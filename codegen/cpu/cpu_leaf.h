/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the matrix micro-kernels share. */
#ifndef FRIT_CODEGEN_CPU_LEAF_H
#define FRIT_CODEGEN_CPU_LEAF_H

#include <string.h>

#include "codegen/cpu/cpu_emit.h"

/* An operand: its first element and how far apart its elements are, in elements of the buffer; a step of k is a pack
 * when there are packs. */
typedef struct leaf_operand {
    buf_id buf;
    val base, row, kk, tap; /* i64; NULL for a direction it does not have */
    dim panel_at;           /* b in panels: its first element as a function of col; base is that of col 0 */
    LLVMTypeRef in_memory;
} leaf_operand;

typedef struct leaf {
    const kleaf *l;
    LLVMTypeRef element, lane; /* of c; of a and b: an element, or the i32 that holds a pack */
    leaf_operand a, b, c;
    val rows, cols, n_k; /* n_k: steps, or packs of them */
    val n_taps;          /* NULL without taps */
    val zeros;           /* what a counts as where the leaf says so; NULL when it never does */
    int64_t k_pack;
    val share;      /* bytes of b's next block that a step of k prefetches for each row; NULL: none */
    val accumulate; /* i1 */
    uint32_t lanes, max_width, block_bytes; /* block_bytes: of a row of the widest register block */
} leaf;

enum { LINE_BYTES = 64 };

/* Arithmetic on i64: indices and addresses do not wrap. */
static inline val number(emitter *e, int64_t n) { return const_int(e->i64, n); }
static inline val plus(emitter *e, val x, val y) { return LLVMBuildNSWAdd(e->b, x, y, ""); }
static inline val minus(emitter *e, val x, val y) { return LLVMBuildNSWSub(e->b, x, y, ""); }
static inline val times(emitter *e, val x, val y) { return LLVMBuildNSWMul(e->b, x, y, ""); }

/* cpu_leaf_address.c */
void leaf_refuse(emitter *e, const char *why); /* the leaf has no code */
/* The offset of an operand split into base and strides over the leaf's own symbols. */
leaf_operand leaf_operand_of(emitter *e, buf_id buf, const dim *at, const kleaf *l);
leaf_operand leaf_operand_by_taps(emitter *e, const kleaf *l); /* a with taps: only its stride in kk is known before */
val leaf_b_base(emitter *e, const leaf *f, val col);           /* b's first element in a column */
/* Where a's row begins at this tap (zero without taps): zeros where the leaf says that it counts as such. */
val leaf_a_address(emitter *e, const leaf *f, val row, val tap);
val leaf_c_address(emitter *e, const leaf *f, val row, val col);

/* cpu_leaf_amx.c: the leaf on the matrix unit. Bytes of few rows stay with vectors, which are as fast there and give
 * the same sums; sums of bf16 would not be the same. */
bool leaf_takes_amx(const emitter *e, const kleaf *l);
void emit_leaf_amx(emitter *e, const leaf *f);

/* cpu_leaf_int8.c: acc + the sums over packs of four bytes. a: i32; b, acc: vectors of i32, of whole registers. The
 * side that is not signed is unsigned. */
val emit_byte_dot(emitter *e, bool a_is_signed, val a, val b, val acc);
/* Calls an intrinsic of x86 that is not overloaded; arguments are bitcast to what it takes. */
val leaf_call_x86(emitter *e, const char *name, unsigned n, const val *args);

/* cpu_leaf_bf16.c: acc + the sums of pairs of products. a: i32 that holds two bf16; b: a vector of such; acc: f32. */
val emit_pair_dot(emitter *e, val a, val b, val acc);

#endif
