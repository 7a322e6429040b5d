/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Puts a finished kernel's parameters in front of its locals: builders meet outputs and constants late. */
#include "ir/kernel/kernel.h"

static void seal_list(kstmt *s, const buf_id *to) {
    for (; s; s = s->next) {
        if (s->kind == KS_LOOP) seal_list(s->u.loop.body, to);
        if (s->kind == KS_STORE) s->u.store.buf = to[s->u.store.buf];
        if (s->kind == KS_IF) {
            seal_list(s->u.branch.body, to);
            seal_list(s->u.branch.orelse, to);
        }
        if (s->kind != KS_LEAF) continue;
        kleaf *l = s->u.leaf;
        l->a = to[l->a];
        l->b = to[l->b];
        l->c = to[l->c];
    }
}

void kernel_seal(kernel *k) {
    uint32_t n = k->bufs.n, next[2] = {0, k->n_params};
    buf_id *to = ARENA_ARRAY(k->a, buf_id, n + 1u);
    kbuf *ordered = ARENA_ARRAY(k->a, kbuf, n + 1u);
    for (uint32_t i = 0; i < n; i++) {
        to[i] = next[k->bufs.at[i].scope != KB_ARENA]++;
        ordered[to[i]] = k->bufs.at[i];
    }
    for (uint32_t i = 0; i < n; i++) k->bufs.at[i] = ordered[i];
    for (uint32_t i = 0; i < k->exprs.n; i++)
        if (k->exprs.at[i].kind == KX_LOAD) k->exprs.at[i].ref = to[k->exprs.at[i].ref];
    for (uint32_t i = 0; i < k->defs.n; i++)
        if (k->defs.at[i].out != KID_NONE) k->defs.at[i].out = to[k->defs.at[i].out];
    for (uint32_t i = 0; i < k->phases.n; i++) seal_list(k->phases.at[i], to);
    k->expr_ids = (map){.a = k->a}; /* expressions made from here on are new */
}
