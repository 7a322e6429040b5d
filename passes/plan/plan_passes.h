/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Passes over a plan whose steps are in order: copies where memory cannot be used in place, then arena slots. */
#ifndef FRIT_PASSES_PLAN_PASSES_H
#define FRIT_PASSES_PLAN_PASSES_H

#include "ir/plan/plan.h"

/* ---- plan_device.c: copies in the arena of host inputs that steps use as data, and of outputs of elements smaller
 * than a byte, for GPUs. Errors: FRIT_UNSUPPORTED for states that are either. */
frit_status plan_device(cx *c, plan *p);
/* ---- plan_states.c: state outputs that would destroy what is still read get a buffer of their own and a copy at the
 * end.
 */
void plan_states(plan *p);
/* What a step does to a buffer, the steps inside it included. */
typedef struct plan_touches {
    bool reads, writes;
} plan_touches;
plan_touches plan_step_touches(const plan *p, const pstep *s, pbuf_id b);
/* Everything in the list that used `from` uses `to`. */
void plan_rename(plan *p, pstep_list l, pbuf_id from, pbuf_id to);
/* Element by element: the kernel has one store, to `out`, and reads `in` only at the index that it stores to, which is
 * never computed from data. */
bool plan_is_elementwise(const kernel *k, buf_id in, buf_id out);
/* ---- plan_memory.c: assigns arena slots by life; sets slots, scratch. */
frit_status plan_memory(cx *c, plan *p);

#endif
