/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What fusion stores: of values that a group narrows the narrow form, and a value that is only seen through a reshape or
 * a transpose in that form. */
#include "passes/fuse/fuse_impl.h"

/* The byte value of group id that v is computed from by a cast and constants alone, v being one of its members. */
static value_id widened_from(const fuse_cx *x, uint32_t id, value_id v) {
    for (const node *n = graph_def(x->g, v); n && fuse_group_of(x->f, v) == id; n = graph_def(x->g, v)) {
        if (n->op == OP_cast) {
            bool is_narrow = dtype_bits(graph_type(x->g, n->in[0])->dt) <= 8;
            return is_narrow && fuse_group_of(x->f, n->in[0]) == id ? n->in[0] : VALUE_NONE;
        }
        bool is_scale = (n->op == OP_mul || n->op == OP_sub) &&
                        same_shape(x->g, graph_type(x->g, n->in[0]), graph_type(x->g, n->out));
        if (!is_scale || !graph_const(x->g, n->in[1])) return VALUE_NONE;
        v = n->in[0];
    }
    return VALUE_NONE;
}

static void leave_group(fuse_cx *x, uint32_t id, node_id n) {
    group *gr = &x->f->groups.at[id];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < gr->nodes.n; i++)
        if (gr->nodes.at[i] != n) gr->nodes.at[kept++] = gr->nodes.at[i];
    gr->nodes.n = kept;
    x->f->group_of[n] = GROUP_NONE;
}

void fuse_free_widenings(fuse_cx *x, const use_list *users) {
    for (uint32_t id = 0; id < x->f->groups.n; id++) {
        if (x->f->groups.at[id].kind == GROUP_STAGE) continue;
        for (uint32_t i = x->f->groups.at[id].nodes.n; i-- > 0;) {
            value_id v = graph_node(x->g, x->f->groups.at[id].nodes.at[i])->out, from = widened_from(x, id, v);
            uses_of u = {0};
            if (from == VALUE_NONE) continue;
            fuse_collect_uses(x, users, v, id, &u);
            bool is_wanted = u.n_groups && !u.in_memory;
            while (is_wanted && v != from) {
                const node *n = graph_def(x->g, v);
                leave_group(x, id, graph_value(x->g, v)->def);
                v = n->in[0];
            }
            if (i > x->f->groups.at[id].nodes.n) i = x->f->groups.at[id].nodes.n;
        }
    }
}

/* Whether the places of v's parts in w wait for a count: v is what a loop collects iteration by iteration, and data says how
 * many there are. Only the first extent of w, on which no stride depends, may mention that. */
static bool places_wait(const fuse_cx *x, value_id v, value_id w) {
    const tensor_type *from = graph_type(x->g, v), *to = graph_type(x->g, w);
    dim_table *t = x->g->dims;
    for (sym_id s = 0; s < dim_n_syms(t) && fuse_is_collected(x->g, v); s++) {
        if (dim_sym_info(t, s)->kind != SYM_RESULT || !dim_depends(t, from->shape[0], s)) continue;
        for (uint32_t i = 1; i < to->rank; i++)
            if (dim_depends(t, to->shape[i], s)) return true;
    }
    return false;
}

/* The view to store in place of v: followed while its only use is a reshape, or a transpose that keeps the last axis
 * (or ends at the caller, or is read many times over by windows). */
static value_id sink_view(const fuse_cx *x, const use_list *users, value_id v) {
    value_id best = v, w = v;
    while (users[w].nodes.n == 1 && !users[w].is_result) {
        const node *n = graph_node(x->g, users[w].nodes.at[0]);
        if ((n->op != OP_reshape && n->op != OP_transpose) || n->region != graph_value(x->g, v)->region) break;
        w = n->out;
        bool moves_last = false;
        if (n->op == OP_transpose) {
            const attr_perm *p = n->attrs;
            moves_last = p->perm.n && (uint32_t)p->perm.at[p->perm.n - 1] != p->perm.n - 1;
        }
        if (moves_last && !users[w].is_result && !fuse_feeds_windows(x, users, w, false)) break;
        if (!places_wait(x, v, w)) best = w;
    }
    return best;
}

void fuse_store(fuse_cx *x, const use_list *users) {
    for (uint32_t id = 0; id < x->f->groups.n; id++) {
        group *gr = &x->f->groups.at[id];
        uses_of u;
        if (gr->is_dissolved) continue;
        fuse_outputs(x, users, id, &u);
        for (uint32_t i = 0; i < gr->outputs.n; i++) {
            value_id v = gr->outputs.at[i];
            bool stays = gr->kind == GROUP_STAGE || (gr->kind == GROUP_REGION && !fuse_is_collected(x->g, v));
            value_id w = stays ? v : sink_view(x, users, v);
            x->f->stored_as[v] = w;
            x->f->is_stored[w] = true;
        }
    }
}
