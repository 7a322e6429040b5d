/* What the files of the matrix micro-kernels share. */
#ifndef FRIT_CODEGEN_CPU_LEAF_H
#define FRIT_CODEGEN_CPU_LEAF_H

#include <string.h>

#include "codegen/cpu/cpu_emit.h"

/* cpu_leaf_int8.c: acc + the sums over groups of four bytes. a: i32; b, acc: vectors of i32, of whole registers. The
 * side that is not signed is unsigned. */
val emit_byte_dot(emitter *e, bool a_is_signed, val a, val b, val acc);

#endif
