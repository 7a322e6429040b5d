/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the printer and the parser of kernels share: spellings of operators, loops, scopes and schedule fields. */
#ifndef FRIT_IR_KERNEL_TEXT_H
#define FRIT_IR_KERNEL_TEXT_H

#include "ir/kernel/kernel.h"

/* Binding strength of the spellings, weakest first. Binary operators associate to the left. */
enum kprec { PREC_TERNARY = 1, PREC_UNARY = 10, PREC_PRIMARY = 11 };

typedef struct kinfix {
    op_code op;
    const char *text;
    int prec;
} kinfix;
/* Longer spellings stand before their prefixes. */
static const kinfix kinfix_rows[] = {
    {OP_or, "|", 2},  {OP_xor, "^", 3},  {OP_and, "&", 4},  {OP_eq, "==", 5}, {OP_ne, "!=", 5}, {OP_le, "<=", 6},
    {OP_ge, ">=", 6}, {OP_shl, "<<", 7}, {OP_shr, ">>", 7}, {OP_lt, "<", 6},  {OP_gt, ">", 6},  {OP_add, "+", 8},
    {OP_sub, "-", 8}, {OP_mul, "*", 9},  {OP_div, "/", 9},  {OP_mod, "%", 9},
};

static const char *const kloop_names[] = {
    [KL_PAR] = "par", [KL_SEQ] = "seq", [KL_UNROLL] = "unroll", [KL_VEC] = "vec", [KL_THREAD] = "thread"};

/* One field of kschedule. */
typedef struct kschedule_field {
    const char *name;
    size_t offset;
} kschedule_field;
static const kschedule_field kschedule_fields[] = {
    {"lanes", offsetof(kschedule, lanes)},       {"unroll", offsetof(kschedule, unroll)},
    {"threads", offsetof(kschedule, threads)},   {"tile_m", offsetof(kschedule, tile_m)},
    {"tile_n", offsetof(kschedule, tile_n)},     {"tile_k", offsetof(kschedule, tile_k)},
    {"thread_m", offsetof(kschedule, thread_m)}, {"thread_n", offsetof(kschedule, thread_n)},
    {"grain", offsetof(kschedule, grain)},
};

#endif
