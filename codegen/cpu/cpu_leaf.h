/* What the files of the matrix micro-kernels share. */
#ifndef FRIT_CODEGEN_CPU_LEAF_H
#define FRIT_CODEGEN_CPU_LEAF_H

#include <string.h>

#include "codegen/cpu/cpu_emit.h"

/* cpu_leaf_int8.c: acc + the sums over groups of four bytes. a: i32; b, acc: vectors of i32, of whole registers. The
 * side that is not signed is unsigned. */
val emit_byte_dot(emitter *e, bool a_is_signed, val a, val b, val acc);
/* Calls an intrinsic of x86 that is not overloaded; arguments are bitcast to what it takes. */
val leaf_call_x86(emitter *e, const char *name, unsigned n, const val *args);

/* cpu_leaf_bf16.c: acc + the sums of pairs of products. a: i32 that holds two bf16; b: a vector of such; acc: f32. */
val emit_pair_dot(emitter *e, val a, val b, val acc);

#endif
