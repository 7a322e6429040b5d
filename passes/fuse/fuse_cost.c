/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What fusion weighs: what is free, how values are used, and which MAP groups are better computed by each of their users
 * than stored. */
#include "passes/fuse/fuse_impl.h"

#include "ir/graph/view_index.h"

/* Work on one element in operations: an addition is 1, what only moves elements 0 to 2. The bounds are chosen, not
 * measured one by one. */
enum {
    COST_SLOW = 10,     /* an exp, a tanh, a division, a square root */
    COST_INLINE = 4,    /* most that is computed again at every point of a larger domain, or at each tap of a window */
    COST_OPERAND = 3,   /* most in an operand of a product, which reads each element many times */
    COST_WEIGHTS = 8,   /* the same where all of it is computed from constants: a product unpacks a block at a time */
    COST_DUPLICATE = 2, /* most that several kernels compute, each for itself */
    COST_MASK = 8,      /* most in the mask of an attend, which would gather a stored one */
    COST_MOST = GROUP_MOST_NODES * COST_SLOW /* most that one kernel takes from others, together */
};

bool fuse_is_movement(op_code op) {
    return op == OP_concat || op == OP_pad || op == OP_window || op == OP_gather || op == OP_gather_elements ||
           op == OP_gather_nd;
}

bool fuse_is_free(const node *n) {
    return view_is_plain(n) || n->op == OP_const || n->op == OP_iota || n->op == OP_from_dims;
}

static uint32_t op_cost(op_code op) {
    if (fuse_is_movement(op)) return op == OP_concat ? 2 : op == OP_gather ? 1 : 0;
    if (op == OP_cast || op == OP_bitcast) return 1;
    bool is_slow = op_is(op, OPF_SLOW) || op == OP_div || op == OP_sqrt; /* a division is one instruction, a slow one */
    return is_slow ? COST_SLOW : 1;
}

use_list *fuse_list_uses(const fuse_cx *x) {
    use_list *users = ARENA_ARRAY(x->f->a, use_list, x->g->values.n + 1u);
    for (uint32_t i = 0; i < x->g->nodes.n; i++) {
        const node *n = graph_node(x->g, i);
        for (uint32_t j = 0; j < n->n_in; j++) {
            vec_push(x->f->a, users[n->in[j]].nodes, i);
            vec_push(x->f->a, users[n->in[j]].operands, j);
        }
    }
    for (uint32_t r = 0; r < x->g->regions.n; r++)
        for (uint32_t i = 0; i < x->g->regions.at[r].results.n; i++)
            users[x->g->regions.at[r].results.at[i]].is_result = true;
    return users;
}

/* user node `u` of group U reads v: is the domain of U (with all its axes) larger than v? */
static bool user_grows(const fuse_cx *x, uint32_t U, value_id v) {
    const group *gr = &x->f->groups.at[U];
    dim points = dim_const(x->g->dims, 1);
    for (uint32_t i = 0; i < gr->rank; i++) {
        sym_id s;
        if (dim_is_sym(x->g->dims, gr->axes[i], &s))
            points = dim_mul(x->g->dims, points, dim_sym_info(x->g->dims, s)->extent);
    }
    return !dim_le(x->g->dims, points, graph_n_elements(x->g, v));
}

static bool is_data_operand(const node *u, uint32_t i) { return u->op == OP_contract || (u->op == OP_attend && i < 3); }

void fuse_collect_uses(fuse_cx *x, const use_list *users, value_id v, uint32_t from, uses_of *out) {
    if (users[v].is_result) out->in_memory = true;
    for (uint32_t i = 0; i < users[v].nodes.n; i++) {
        const node *u = graph_node(x->g, users[v].nodes.at[i]);
        if (view_is_plain(u)) {
            fuse_collect_uses(x, users, u->out, from, out);
            continue;
        }
        uint32_t U = x->f->group_of[users[v].nodes.at[i]];
        if (U == from) continue;
        bool is_apart = U == GROUP_NONE || x->f->groups.at[U].kind >= GROUP_STAGE ||
                        x->f->groups.at[U].region != x->f->groups.at[from].region;
        if (is_apart) {
            out->in_memory = true;
            continue;
        }
        if (u->op != OP_attend || users[v].operands.at[i] < 3) out->elsewhere = true;
        if (is_data_operand(u, users[v].operands.at[i]))
            out->as_operand = true;
        else if (user_grows(x, U, v))
            out->grows = true;
        if (out->n_groups == 0 || out->only != U) out->n_groups++;
        out->only = U;
    }
}

bool fuse_feeds_windows(const fuse_cx *x, const use_list *users, value_id v, bool in_window) {
    for (uint32_t i = 0; i < users[v].nodes.n; i++) {
        const node *u = graph_node(x->g, users[v].nodes.at[i]);
        bool overlaps = false;
        if (u->op == OP_window) {
            const attr_window *w = u->attrs;
            for (uint32_t j = 0; j < w->axes.n; j++) overlaps = overlaps || w->sizes.at[j] > w->strides.at[j];
        }
        if (in_window && u->op == OP_contract) return true;
        bool is_view = view_is_plain(u) || overlaps;
        if (is_view && fuse_feeds_windows(x, users, u->out, in_window || overlaps)) return true;
    }
    return false;
}

void fuse_outputs(fuse_cx *x, const use_list *users, uint32_t id, uses_of *out) {
    group *gr = &x->f->groups.at[id];
    gr->outputs.n = 0;
    *out = (uses_of){0};
    for (uint32_t i = 0; i < gr->nodes.n; i++) {
        const node *n = graph_node(x->g, gr->nodes.at[i]);
        for (uint32_t j = 0; j < n->n_out; j++) {
            uses_of u = {0};
            fuse_collect_uses(x, users, n->out + j, id, &u);
            if (!u.n_groups && !u.in_memory && gr->kind < GROUP_STAGE) continue;
            vec_push(x->f->a, gr->outputs, n->out + j);
            out->in_memory |= u.in_memory;
            out->as_operand |= u.as_operand;
            out->grows |= u.grows;
            out->elsewhere |= u.elsewhere;
            if (u.n_groups) {
                out->n_groups += out->n_groups && out->only == u.only ? u.n_groups - 1 : u.n_groups;
                out->only = u.only;
            }
        }
    }
}

/* ---- dissolving MAP groups into their users */

/* The last value is narrower than what it is made of: a product that would read it more than once reads fewer bytes. */
static bool narrows(const graph *g, const group *gr) {
    const node *n = graph_node(g, gr->nodes.at[gr->nodes.n - 1]);
    return n->op == OP_cast && dtype_bits(graph_type(g, n->out)->dt) < dtype_bits(graph_type(g, n->in[0])->dt);
}

/* v is a constant, or made from constants by members of the group, views and what has dissolved. */
static bool is_of_constants(const fuse_cx *x, uint32_t id, value_id v) {
    const node *n = graph_def(x->g, v);
    uint32_t owner = fuse_group_of(x->f, v);
    if (graph_const(x->g, v)) return true;
    if (!n || n->n_in == 0 || (owner != id && owner != GROUP_NONE)) return false;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!is_of_constants(x, id, n->in[i])) return false;
    return true;
}

/* Whether the group's expression moves into its users. Never where it has to lie in memory, or gives several values, or
 * stores fewer bytes than it reads to a product; else by what it costs, the first row that fits:
 *
 *   reads windows                              cost <= COST_INLINE
 *   a mask of attention only                   cost <= COST_MASK, no concat
 *   an operand of a product, of constants      cost <= COST_WEIGHTS, no concat
 *   an operand of a product                    cost <= COST_OPERAND, no concat
 *   read by several kernels                    cost <= COST_DUPLICATE, no concat
 *   read by one, at no more points than it has elements    cost <= COST_MOST, unless the group is full
 *   read by one                                cost <= COST_INLINE */
static bool should_dissolve(const graph *g, const group *gr, const uses_of *u, uint32_t cost, bool is_window,
                            bool has_concat) {
    if (gr->kind != GROUP_MAP || gr->outputs.n > 1 || u->in_memory || !u->n_groups) return false;
    if (u->as_operand && narrows(g, gr)) return false;
    if (is_window) return cost <= COST_INLINE;
    /* attend has its queries along the vectors: a stored mask would be gathered, a formula is a few operations */
    if (!u->elsewhere) return cost <= COST_MASK && !has_concat;
    if (u->as_operand) return cost <= (u->of_constants ? COST_WEIGHTS : COST_OPERAND) && !has_concat;
    if (u->n_groups > 1) return cost <= COST_DUPLICATE && !has_concat;
    return (!u->grows && cost <= COST_MOST && !fuse_is_full(gr)) || cost <= COST_INLINE;
}

/* Without fusion only what a product reads goes into it: windows, which stored are many times their tensor, and
 * operands widened for its sums. */
static bool is_of_product(const graph *g, const group *gr, const uses_of *u) {
    const node *n = graph_node(g, gr->anchor);
    bool is_widened =
        n->op == OP_cast && dtype_bits(graph_type(g, n->out)->dt) > dtype_bits(graph_type(g, n->in[0])->dt);
    return u->as_operand && (n->op == OP_window || is_widened);
}

void fuse_dissolve(fuse_cx *x, const use_list *users) {
    for (uint32_t id = 0; id < x->f->groups.n; id++) {
        group *gr = &x->f->groups.at[id];
        bool is_window = false, has_concat = false;
        for (uint32_t i = 0; i < gr->nodes.n; i++) {
            op_code op = graph_node(x->g, gr->nodes.at[i])->op;
            x->cost[id] += op_cost(op);
            is_window |= op == OP_window;
            has_concat |= op == OP_concat;
        }
        uses_of u;
        fuse_outputs(x, users, id, &u);
        u.of_constants = gr->outputs.n == 1 && is_of_constants(x, id, gr->outputs.at[0]);
        if (x->o->is_unfused && !is_of_product(x->g, gr, &u)) continue;
        if (!should_dissolve(x->g, gr, &u, x->cost[id], is_window, has_concat)) continue;
        if (!is_window && gr->outputs.n == 1 && fuse_feeds_windows(x, users, gr->outputs.at[0], false)) continue;
        gr->is_dissolved = true;
        for (uint32_t i = 0; i < gr->nodes.n; i++) x->f->group_of[gr->nodes.at[i]] = GROUP_NONE;
        if (u.n_groups == 1) x->cost[u.only] += x->cost[id];
    }
}
