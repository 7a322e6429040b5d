/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "passes/tree/map_parts.h"

/* A group that only copies has no nodes: its value is computed elsewhere, at an index of its own. */
static const dim *output_index(const expander *e, value_id v) {
    const group *gr = &e->f->groups.at[e->group];
    return gr->nodes.n ? e->f->index[v] : gr->axes;
}

frit_status map_begin(map_cx *m, expander *e, bool is_flat) {
    const group *gr = &e->f->groups.at[e->group];
    kernel *k = e->k;
    dim_set accesses = {0};
    *m = (map_cx){.e = e, .n_outs = gr->outputs.n, .outs = ARENA_ARRAY(k->a, map_output, gr->outputs.n + 1u)};
    for (uint32_t i = 0; i < gr->outputs.n; i++) {
        value_id v = gr->outputs.at[i];
        m->outs[i].v = v;
        TRY(expand(e, v, output_index(e, v), 0, &m->outs[i].x));
        access_dims(k, m->outs[i].x, &accesses);
        access_add(k, expander_store_offset(e, v, output_index(e, v)), &accesses);
    }
    axis_map_init(&m->axes, k);
    for (uint32_t i = 0; i < gr->rank; i++) axis_map_add(&m->axes, "i", gr->axes[i], 0);
    axis_map_merge(&m->axes, &accesses, is_flat);
    return FRIT_OK;
}

void map_store(const map_cx *m, klist *body) {
    expander *e = m->e;
    for (uint32_t i = 0; i < m->n_outs; i++) {
        dim at[MAX_RANK];
        uint32_t rank = graph_type(e->f->g, m->outs[i].v)->rank;
        const dim *index = output_index(e, m->outs[i].v);
        for (uint32_t j = 0; j < rank; j++) at[j] = axis_map_dim(&m->axes, index[j]);
        expander_store(e, body, m->outs[i].v, at, axis_map_kx(&m->axes, m->outs[i].x), 0);
    }
}

void map_replace_inner(map_cx *m, dim whole) {
    kernel *k = m->axes.k;
    sym_id inner = axis_sym(k, m->axes.runs[m->axes.n - 1].axis);
    for (uint32_t i = 0; i < m->axes.n_syms; i++) m->axes.by[i] = dim_subst(k->dims, m->axes.by[i], 1, &inner, &whole);
}
