/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Facts of a plan. */
#include "ir/plan/plan.h"

dim plan_arena_bytes(plan *p) {
    dim total = dim_const(p->iface->dims, 0);
    for (uint32_t i = 0; i < p->slots.n; i++) total = dim_add(p->iface->dims, total, p->slots.at[i]);
    return total;
}

bool plan_calls_openblas(const plan *p) {
    for (uint32_t i = 0; i < p->kernels.n; i++)
        if (p->kernels.at[i]->gemm) return true;
    return false;
}

uint32_t *plan_number_syms(arena *a, dim_table *t, uint32_t *out_n) {
    uint32_t n = dim_n_syms(t), next = 0;
    uint32_t *numbers = ARENA_ARRAY(a, uint32_t, n + 1);
    for (sym_id s = 0; s < n; s++) {
        sym_kind kind = dim_sym_info(t, s)->kind;
        numbers[s] = kind == SYM_AXIS || kind == SYM_LOADED ? UINT32_MAX : next++;
    }
    if (out_n) *out_n = next;
    return numbers;
}
