/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fusion by dependence: which nodes share a kernel.
 *
 *   1. Every node that computes joins the group of an operand when it is evaluated at that group's own index (found by
 *      following views forwards) and no cycle between groups appears; else it starts a group of its own. Views,
 * constants and index sources belong to no group: they are free, and every user expands them.
    A contract with a constant matrix joins the group of another one of the same left operand and shapes: they
 *      are siblings (Q, K, V; gate and up), computed tile by tile side by side, so an epilogue may use several.
 *   2. A MAP group whose expression is cheap where its users need it dissolves into them.
 *      A contract that a library computes stands alone (GROUP_LIBRARY), and nothing dissolves into it.
 *   3. What other groups or the caller read is stored; a value only seen through one reshape or transpose is stored in
 * that form.
 *   Nodes of different regions never share a kernel; fuse_regions.c says what stands around them.
 *
 *   %s = add %x, %r                          group 0 ROW over [B, S | D]: %s %m %d %v %n    stored: %s, %n
 *   %n = layer_norm pieces of %s             group 1 CONTRACT: %p %b %g                     stored: %g
 *   %g = gelu(%n @ w + b)
 */
#include "passes/fuse/fuse.h"

#include <string.h>

#include "ir/graph/view_index.h"

typedef struct fuse_cx {
    cx *c;
    fusion *f;
    graph *g;
    const fuse_options *o;
    value_id *reference; /* group -> value whose index is the domain's axes without being a member; VALUE_NONE none */
    uint32_t *stamp;     /* group -> last search that saw it */
    uint32_t search;     /* number of the search at hand */
    uint32_t *cost;      /* group -> scalar work of one element, prologues included */
    VEC(uint32_t) work;
} fuse_cx;

enum {
    COST_TRANSCENDENTAL = 10,
    COST_INLINE = 4,
    COST_OPERAND = 3,
    COST_DUPLICATE = 2,
    COST_MASK = 8,
    COST_WEIGHTS = 8,
    COST_MOST = 2560
};

static bool is_movement(op_code op) {
    return op == OP_concat || op == OP_pad || op == OP_window || op == OP_gather || op == OP_gather_elements ||
           op == OP_gather_nd;
}

bool fuse_is_free(const node *n) {
    return view_is_plain(n) || n->op == OP_const || n->op == OP_iota || n->op == OP_from_dims;
}

static uint32_t group_of_value(const fuse_cx *x, value_id v) {
    node_id n = graph_value(x->g, v)->def;
    return n == NODE_NONE ? GROUP_NONE : x->f->group_of[n];
}

/* ---- groups */

static uint32_t group_add(fuse_cx *x, group_kind kind, node_id anchor, const tensor_type *domain) {
    static const char *const names[] = {"i", "j", "k", "l", "m", "n", "p", "q"};
    group new_group = {.kind = kind, .region = graph_node(x->g, anchor)->region, .anchor = anchor};
    new_group.rank = domain ? domain->rank : 0;
    dim *axes = ARENA_ARRAY(x->f->a, dim, new_group.rank + 1u);
    for (uint32_t i = 0; i < new_group.rank; i++)
        axes[i] = dim_axis(x->g->dims, names[i % countof(names)], domain->shape[i]);
    new_group.axes = axes;
    vec_push(x->f->a, x->f->groups, new_group);
    return x->f->groups.n - 1;
}

static void group_join(fuse_cx *x, uint32_t id, node_id n, const dim *index) {
    vec_push(x->f->a, x->f->groups.at[id].nodes, n);
    x->f->group_of[n] = id;
    const node *info = graph_node(x->g, n);
    for (uint32_t i = 0; i < info->n_out; i++) x->f->index[info->out + i] = index;
}

static bool is_full(const group *gr) { return gr->nodes.n >= GROUP_MOST_NODES; }

static void push_writer(fuse_cx *x, value_id v) {
    uint32_t p = group_of_value(x, view_base(x->g, v));
    if (p != GROUP_NONE && x->stamp[p] != x->search) vec_push(x->f->a, x->work, p);
}

/* Whether group from needs, through any chain of groups, a value of group to. */
static bool reaches(fuse_cx *x, uint32_t from, uint32_t to) {
    x->search++;
    x->work.n = 0;
    vec_push(x->f->a, x->work, from);
    while (x->work.n) {
        uint32_t id = x->work.at[--x->work.n];
        if (id == to) return true;
        if (x->stamp[id] == x->search) continue;
        x->stamp[id] = x->search;
        const group *gr = &x->f->groups.at[id];
        for (uint32_t i = 0; i < gr->nodes.n; i++) {
            const node *n = graph_node(x->g, gr->nodes.at[i]);
            const value_list *also = &x->f->also_needs[gr->nodes.at[i]];
            for (uint32_t j = 0; j < n->n_in; j++) push_writer(x, n->in[j]);
            for (uint32_t j = 0; j < also->n; j++) push_writer(x, also->at[j]);
        }
    }
    return false;
}

/* ---- indices */

static bool same_shape(const graph *g, const tensor_type *a, const tensor_type *b) {
    if (a->rank != b->rank) return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (!dim_equal(g->dims, a->shape[i], b->shape[i])) return false;
    return true;
}

/* Index at which group id computes v (or its reference), NULL when it does not. */
static const dim *index_in_group(const fuse_cx *x, uint32_t id, value_id v) {
    if (v == x->reference[id]) return x->f->groups.at[id].axes;
    return group_of_value(x, v) == id ? x->f->index[v] : NULL;
}

/* Index of v implied by the group's index of the value that v views through reshapes, transposes and broadcasts that
 * change nothing. False when there is none. */
static bool forward_to(const fuse_cx *x, uint32_t id, value_id v, dim *out) {
    const graph *g = x->g;
    const dim *known = index_in_group(x, id, v);
    const tensor_type *type = graph_type(g, v);
    if (known) {
        memcpy(out, known, type->rank * sizeof *out);
        return true;
    }
    const node *n = graph_def(g, v);
    if (!view_is_plain(n) || n->op == OP_slice) return false;
    dim in[MAX_RANK];
    if (!forward_to(x, id, n->in[0], in)) return false;
    if (n->op == OP_transpose) {
        const attr_perm *p = n->attrs;
        for (uint32_t i = 0; i < type->rank; i++) out[i] = in[p->perm.at[i]];
        return true;
    }
    if (n->op == OP_reshape) {
        reshape_index(g->dims, graph_type(g, n->in[0]), type, in, out);
        return true;
    }
    if (!same_shape(g, graph_type(g, n->in[0]), type)) return false;
    memcpy(out, in, type->rank * sizeof *out);
    return true;
}

/* Follows v back through plain views from index at; whatever group id computes on the way must be wanted where it is
 * computed. Movement nodes and foreign groups must not depend on the group. */
static bool operand_fits(fuse_cx *x, uint32_t id, value_id v, const dim *at) {
    const graph *g = x->g;
    dim index[MAX_RANK], next[MAX_RANK];
    memcpy(index, at, graph_type(g, v)->rank * sizeof *index);
    for (;;) {
        const dim *known = index_in_group(x, id, v);
        if (known) {
            for (uint32_t i = 0; i < graph_type(g, v)->rank; i++)
                if (!dim_equal(g->dims, known[i], index[i])) return group_of_value(x, v) != id;
            return true;
        }
        const node *n = graph_def(g, v);
        if (!view_is_plain(n)) break;
        view_index(g, n, index, next, NULL);
        v = n->in[0];
        memcpy(index, next, graph_type(g, v)->rank * sizeof *index);
    }
    uint32_t other = group_of_value(x, v);
    return other == GROUP_NONE || !reaches(x, other, id);
}

/* What node n waits for beside its operands must not need group id. */
static bool needs_fit(fuse_cx *x, uint32_t id, const node *n) {
    const value_list *also = &x->f->also_needs[graph_value(x->g, n->out)->def];
    for (uint32_t i = 0; i < also->n; i++) {
        uint32_t other = group_of_value(x, also->at[i]);
        if (other != GROUP_NONE && reaches(x, other, id)) return false;
    }
    return true;
}

static bool fits_at(fuse_cx *x, uint32_t id, const node *n, const dim *index) {
    const tensor_type *result = graph_type(x->g, n->out);
    if (!needs_fit(x, id, n)) return false;
    for (uint32_t i = 0; i < n->n_in; i++) {
        dim at[MAX_RANK];
        broadcast_index(x->g, graph_type(x->g, n->in[i]), result, index, at);
        if (!operand_fits(x, id, n->in[i], at)) return false;
    }
    return true;
}

/* Finds the index at which elementwise node n would be computed in group id. */
static bool find_index(fuse_cx *x, uint32_t id, const node *n, dim *out) {
    const tensor_type *result = graph_type(x->g, n->out);
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (!same_shape(x->g, graph_type(x->g, n->in[i]), result)) continue;
        if (forward_to(x, id, n->in[i], out) && fits_at(x, id, n, out)) return true;
    }
    const group *gr = &x->f->groups.at[id];
    if (result->rank != gr->rank) return false;
    for (uint32_t i = 0; i < gr->rank; i++) {
        sym_id s;
        if (!dim_is_sym(x->g->dims, gr->axes[i], &s)) return false;
        if (!dim_equal(x->g->dims, dim_sym_info(x->g->dims, s)->extent, result->shape[i])) return false;
    }
    memcpy(out, gr->axes, gr->rank * sizeof *out);
    return fits_at(x, id, n, out);
}

static const dim *keep_index(const fuse_cx *x, uint32_t rank, const dim *index) {
    return arena_copy(x->f->a, index, (rank + 1u) * sizeof *index);
}

/* ---- placing nodes */

/* An operand's group that n may join as one more elementwise member, best kind first. */
static bool join_operand_group(fuse_cx *x, node_id id, const node *n) {
    static const group_kind order[] = {GROUP_CONTRACT, GROUP_ATTEND, GROUP_ROW, GROUP_MAP};
    for (uint32_t k = 0; k < countof(order); k++) {
        for (uint32_t i = 0; i < n->n_in; i++) {
            uint32_t p = group_of_value(x, view_base(x->g, n->in[i]));
            dim index[MAX_RANK + 1] = {0};
            if (p == GROUP_NONE || x->f->groups.at[p].kind != order[k]) continue;
            if (x->f->groups.at[p].region != n->region || is_full(&x->f->groups.at[p])) continue;
            if (!find_index(x, p, n, index)) continue;
            group_join(x, p, id, keep_index(x, graph_type(x->g, n->out)->rank, index));
            return true;
        }
    }
    return false;
}

static void place_elementwise(fuse_cx *x, node_id id) {
    const node *n = graph_node(x->g, id);
    if (op_is(n->op, OPF_EW) && join_operand_group(x, id, n)) return;
    uint32_t own = group_add(x, GROUP_MAP, id, graph_type(x->g, n->out));
    group_join(x, own, id, x->f->groups.at[own].axes);
}

/* Bits of the group's axes that reduce n sums over when its operand is computed at index; 0 when they are not all axes.
 */
static uint64_t reduced_axes(const fuse_cx *x, const group *gr, const attr_reduce *a, const dim *index) {
    uint64_t bits = 0;
    for (uint32_t i = 0; i < a->axes.n; i++) {
        uint64_t bit = 0;
        for (uint32_t j = 0; j < gr->rank; j++)
            if (gr->axes[j] == index[a->axes.at[i]]) bit = 1ull << j;
        if (!bit) return 0;
        bits |= bit;
    }
    (void)x;
    return bits;
}

static void reduce_join(fuse_cx *x, uint32_t id, node_id n, const dim *in_index) {
    const attr_reduce *a = graph_node(x->g, n)->attrs;
    uint32_t rank = graph_type(x->g, graph_node(x->g, n)->in[0])->rank, kept = 0;
    dim index[MAX_RANK + 1];
    for (uint32_t i = 0; i < rank; i++) {
        bool is_reduced = false;
        for (uint32_t j = 0; j < a->axes.n; j++) is_reduced |= (uint32_t)a->axes.at[j] == i;
        if (!is_reduced) index[kept++] = in_index[i];
    }
    index[kept] = 0;
    x->f->in_index[n] = arena_copy(x->f->a, in_index, rank * sizeof *in_index);
    group_join(x, id, n, keep_index(x, kept, index));
}

/* Whether the reduce over the domain with these bits may live in group gr. */
static bool row_fits(const group *gr, uint64_t bits) {
    return bits && ((gr->kind == GROUP_MAP && !gr->is_dissolved) || (gr->kind == GROUP_ROW && gr->reduced == bits));
}

static void place_reduce(fuse_cx *x, node_id id) {
    const node *n = graph_node(x->g, id);
    const attr_reduce *a = n->attrs;
    value_id operand = n->in[0];
    /* the groups it may join: the one that computes its operand, or one that has reduced the same operand */
    for (uint32_t gi = x->f->groups.n; gi-- > 0;) {
        const dim *index = index_in_group(x, gi, operand);
        group *gr = &x->f->groups.at[gi];
        if (!index || !a->axes.n || gr->region != n->region || !needs_fit(x, gi, n)) continue;
        uint64_t bits = reduced_axes(x, gr, a, index);
        if (!row_fits(gr, bits)) continue;
        if (gr->kind == GROUP_MAP && is_movement(graph_node(x->g, gr->anchor)->op) &&
            graph_node(x->g, gr->anchor)->op == OP_window)
            continue;
        gr->kind = GROUP_ROW;
        gr->reduced = bits;
        reduce_join(x, gi, id, index);
        return;
    }
    uint32_t own = group_add(x, GROUP_ROW, id, graph_type(x->g, operand));
    x->reference[own] = operand;
    group *gr = &x->f->groups.at[own];
    gr->reduced = reduced_axes(x, gr, a, gr->axes);
    reduce_join(x, own, id, gr->axes);
}

/* The matrix of a product that is packed while compiling, NULL when n is none: [K, N] or [N, K] of f32 constants. */
static const const_data *constant_matrix(const fuse_cx *x, const node *n) {
    const attr_contract *a = n->attrs;
    const const_data *d = graph_const(x->g, n->in[1]);
    if (!d || d->kind != CONST_DENSE || d->dt != FRIT_DT_F32 || graph_type(x->g, n->out)->dt != d->dt) return NULL;
    size_t n_out = strlen(a->out);
    if (strlen(a->rhs) != 2 || n_out < 2) return NULL;
    char col = a->out[n_out - 1], k = a->rhs[0] == col ? a->rhs[1] : a->rhs[0];
    int64_t n_cols = 0;
    dim_is_const(x->g->dims, graph_type(x->g, n->out)->shape[n_out - 1], &n_cols);
    bool is_matrix = strchr(a->rhs, col) && !strchr(a->lhs, col) && strchr(a->lhs, k) && !strchr(a->out, k);
    return is_matrix && n_cols >= MIN_PRODUCT_COLS ? d : NULL;
}

/* The group of a product that n can be computed beside. n needs nothing that the group does not read already, so no
 * cycle appears. */
static uint32_t sibling_group(const fuse_cx *x, const node *n) {
    const attr_contract *a = n->attrs;
    if (!x->o->has_siblings || !constant_matrix(x, n)) return GROUP_NONE;
    for (uint32_t id = 0; id < x->f->groups.n; id++) {
        const group *gr = &x->f->groups.at[id];
        if (gr->kind != GROUP_CONTRACT || gr->region != n->region) continue;
        const node *m = graph_node(x->g, gr->anchor);
        const attr_contract *b = m->attrs;
        if (m->in[0] != n->in[0] || !constant_matrix(x, m)) continue;
        if (strcmp(a->lhs, b->lhs) != 0 || strcmp(a->rhs, b->rhs) != 0 || strcmp(a->out, b->out) != 0) continue;
        if (!same_shape(x->g, graph_type(x->g, n->out), graph_type(x->g, m->out))) continue;
        uint32_t n_products = 0;
        for (uint32_t i = 0; i < gr->nodes.n; i++) n_products += graph_node(x->g, gr->nodes.at[i])->op == OP_contract;
        if (n_products < MAX_SIBLINGS) return id;
    }
    return GROUP_NONE;
}

/* Whether v, behind views, is or can be a tensor in memory whose elements lie as a matrix. Windows overlap: stored,
 * they would be many times their tensor. */
static bool may_be_matrix(const fuse_cx *x, value_id v) {
    v = view_base(x->g, v);
    const node *n = graph_def(x->g, v);
    const const_data *d = graph_const(x->g, v);
    if (d) return x->f->is_stored[v];
    if (!n) return true;
    if (fuse_is_free(n)) return false;
    const group *gr = &x->f->groups.at[x->f->group_of[graph_value(x->g, v)->def]];
    for (uint32_t i = 0; i < gr->nodes.n; i++)
        if (graph_node(x->g, gr->nodes.at[i])->op == OP_window) return false;
    return true;
}

/* The last axis of the result that is not 1 is an operand's own: the columns of a matrix. */
static bool has_columns(const graph *g, const node *n) {
    const attr_contract *a = n->attrs;
    const tensor_type *t = graph_type(g, n->out);
    uint32_t last = t->rank;
    while (last && dim_equal(g->dims, t->shape[last - 1], dim_const(g->dims, 1))) last--;
    return last && (!strchr(a->lhs, a->out[last - 1]) || !strchr(a->rhs, a->out[last - 1]));
}

/* Whether a library computes n: then it is a kernel of its own between whole tensors. */
static bool is_library_product(const fuse_cx *x, const node *n) {
    dtype dt = graph_type(x->g, n->out)->dt;
    if (!x->o->calls_openblas || (dt != FRIT_DT_F32 && dt != FRIT_DT_F64) || !has_columns(x->g, n)) return false;
    for (uint32_t i = 0; i < 2; i++)
        if (graph_type(x->g, n->in[i])->dt != dt || !may_be_matrix(x, n->in[i])) return false;
    return true;
}

static void place_contract(fuse_cx *x, node_id id) {
    const node *n = graph_node(x->g, id);
    if (is_library_product(x, n)) {
        uint32_t library = group_add(x, GROUP_LIBRARY, id, graph_type(x->g, n->out));
        group_join(x, library, id, x->f->groups.at[library].axes);
        return;
    }
    uint32_t own = sibling_group(x, n);
    if (own == GROUP_NONE) own = group_add(x, GROUP_CONTRACT, id, graph_type(x->g, n->out));
    group_join(x, own, id, x->f->groups.at[own].axes);
}

static void place_node(fuse_cx *x, node_id id) {
    const node *n = graph_node(x->g, id);
    if (fuse_is_free(n)) return;
    if (op_is(n->op, OPF_REGION)) {
        group_join(x, group_add(x, GROUP_REGION, id, NULL), id, NULL);
        return;
    }
    if (op_is(n->op, OPF_EW) || is_movement(n->op)) {
        place_elementwise(x, id);
    } else if (n->op == OP_reduce) {
        place_reduce(x, id);
    } else if (n->op == OP_contract) {
        place_contract(x, id);
    } else {
        group_kind kind = n->op == OP_attend ? GROUP_ATTEND : GROUP_STAGE;
        uint32_t own = group_add(x, kind, id, graph_type(x->g, n->out));
        group_join(x, own, id, kind == GROUP_STAGE ? NULL : x->f->groups.at[own].axes);
    }
}

/* ---- dissolving MAP groups into their users */

typedef struct uses_of {
    uint32_t n_groups; /* distinct user groups */
    uint32_t only;     /* the user when there is one */
    bool as_operand;   /* of a contract or attend (its data operands, not a mask) */
    bool elsewhere;    /* as anything but a mask of an attend */
    bool in_memory;    /* a stage, the caller or a view that must exist */
    bool grows;        /* some user evaluates it at more points than it has elements */
    bool of_constants; /* all of it is computed from constants: weights, dequantised; a product packs what it reads */
} uses_of;

static uint32_t op_cost(op_code op) {
    if (is_movement(op)) return op == OP_concat ? 2 : op == OP_gather ? 1 : 0;
    if (op == OP_cast || op == OP_bitcast) return 1;
    bool is_slow = op_is(op, OPF_SLOW) || op == OP_div || op == OP_sqrt; /* a division is one instruction, a slow one */
    return is_slow ? COST_TRANSCENDENTAL : 1;
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

/* Adds the uses that the plain views of v and v itself have. users[v] lists (node, operand) pairs. */
typedef struct use_list {
    VEC(uint32_t) nodes;
    VEC(uint32_t) operands;
    bool is_result; /* of a region: outputs */
} use_list;

static void collect_uses(fuse_cx *x, const use_list *users, value_id v, uint32_t from, uses_of *out) {
    if (users[v].is_result) out->in_memory = true;
    for (uint32_t i = 0; i < users[v].nodes.n; i++) {
        const node *u = graph_node(x->g, users[v].nodes.at[i]);
        if (view_is_plain(u)) {
            collect_uses(x, users, u->out, from, out);
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

/* Whether a contraction reads v through windows that overlap: then it reads every element many times, in place if it is
 * in memory as it is. */
static bool feeds_windows(const fuse_cx *x, const use_list *users, value_id v, bool in_window) {
    for (uint32_t i = 0; i < users[v].nodes.n; i++) {
        const node *u = graph_node(x->g, users[v].nodes.at[i]);
        bool overlaps = false;
        if (u->op == OP_window) {
            const attr_window *w = u->attrs;
            for (uint32_t j = 0; j < w->axes.n; j++) overlaps = overlaps || w->sizes.at[j] > w->strides.at[j];
        }
        if (in_window && u->op == OP_contract) return true;
        bool is_view = view_is_plain(u) || overlaps;
        if (is_view && feeds_windows(x, users, u->out, in_window || overlaps)) return true;
    }
    return false;
}

/* The last value is narrower than what it is made of: a product that would read it more than once reads fewer bytes. */
static bool narrows(const graph *g, const group *gr) {
    const node *n = graph_node(g, gr->nodes.at[gr->nodes.n - 1]);
    return n->op == OP_cast && dtype_bits(graph_type(g, n->out)->dt) < dtype_bits(graph_type(g, n->in[0])->dt);
}

/* v is a constant, or made from constants by members of the group, views and what has dissolved. */
static bool is_of_constants(const fuse_cx *x, uint32_t id, value_id v) {
    const node *n = graph_def(x->g, v);
    uint32_t owner = group_of_value(x, v);
    if (graph_const(x->g, v)) return true;
    if (!n || n->n_in == 0 || (owner != id && owner != GROUP_NONE)) return false;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!is_of_constants(x, id, n->in[i])) return false;
    return true;
}

static bool should_dissolve(const graph *g, const group *gr, const uses_of *u, uint32_t cost, bool is_window,
                            bool has_concat) {
    if (gr->kind != GROUP_MAP || gr->outputs.n > 1 || u->in_memory || !u->n_groups) return false;
    if (u->as_operand && narrows(g, gr)) return false;
    if (is_window) return cost <= COST_INLINE;
    /* attend has its queries along the vectors: a stored mask would be gathered, a formula is a few operations */
    if (!u->elsewhere) return cost <= COST_MASK && !has_concat;
    if (u->as_operand) return cost <= (u->of_constants ? COST_WEIGHTS : COST_OPERAND) && !has_concat;
    if (u->n_groups > 1) return cost <= COST_DUPLICATE && !has_concat;
    return (!u->grows && cost <= COST_MOST && !is_full(gr)) || cost <= COST_INLINE;
}

static use_list *list_uses(const fuse_cx *x) {
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

/* Members read outside their group, in order; and the uses of all of them together. */
static void group_outputs(fuse_cx *x, const use_list *users, uint32_t id, uses_of *out) {
    group *gr = &x->f->groups.at[id];
    gr->outputs.n = 0;
    *out = (uses_of){0};
    for (uint32_t i = 0; i < gr->nodes.n; i++) {
        const node *n = graph_node(x->g, gr->nodes.at[i]);
        for (uint32_t j = 0; j < n->n_out; j++) {
            uses_of u = {0};
            collect_uses(x, users, n->out + j, id, &u);
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

static void dissolve_maps(fuse_cx *x, const use_list *users) {
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
        group_outputs(x, users, id, &u);
        u.of_constants = gr->outputs.n == 1 && is_of_constants(x, id, gr->outputs.at[0]);
        if (!should_dissolve(x->g, gr, &u, x->cost[id], is_window, has_concat)) continue;
        if (!is_window && gr->outputs.n == 1 && feeds_windows(x, users, gr->outputs.at[0], false)) continue;
        gr->is_dissolved = true;
        for (uint32_t i = 0; i < gr->nodes.n; i++) x->f->group_of[gr->nodes.at[i]] = GROUP_NONE;
        if (u.n_groups == 1) x->cost[u.only] += x->cost[id];
    }
}

/* ---- dequantisation */

/* The byte value of group id that v is computed from by a cast and constants alone, v being one of its members. */
static value_id widened_from(const fuse_cx *x, uint32_t id, value_id v) {
    for (const node *n = graph_def(x->g, v); n && group_of_value(x, v) == id; n = graph_def(x->g, v)) {
        if (n->op == OP_cast) {
            bool is_narrow = dtype_bits(graph_type(x->g, n->in[0])->dt) <= 8;
            return is_narrow && group_of_value(x, n->in[0]) == id ? n->in[0] : VALUE_NONE;
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

/* Bytes that a group widens again for others are what it stores: the widening becomes free, for each user to expand. */
static void free_widenings(fuse_cx *x, const use_list *users) {
    for (uint32_t id = 0; id < x->f->groups.n; id++) {
        if (x->f->groups.at[id].kind == GROUP_STAGE) continue;
        for (uint32_t i = x->f->groups.at[id].nodes.n; i-- > 0;) {
            value_id v = graph_node(x->g, x->f->groups.at[id].nodes.at[i])->out, from = widened_from(x, id, v);
            uses_of u = {0};
            if (from == VALUE_NONE) continue;
            collect_uses(x, users, v, id, &u);
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

/* ---- storage */

/* Whether the places of v's parts in w wait for a count: v is what a loop collects turn by turn, and data says how many
 * turns there are. Only the first extent of w, on which no stride depends, may mention that. */
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
        if (moves_last && !users[w].is_result && !feeds_windows(x, users, w, false)) break;
        if (!places_wait(x, v, w)) best = w;
    }
    return best;
}

static void store_outputs(fuse_cx *x, const use_list *users) {
    for (uint32_t id = 0; id < x->f->groups.n; id++) {
        group *gr = &x->f->groups.at[id];
        uses_of u;
        if (gr->is_dissolved) continue;
        group_outputs(x, users, id, &u);
        for (uint32_t i = 0; i < gr->outputs.n; i++) {
            value_id v = gr->outputs.at[i];
            bool stays = gr->kind == GROUP_STAGE || (gr->kind == GROUP_REGION && !fuse_is_collected(x->g, v));
            value_id w = stays ? v : sink_view(x, users, v);
            x->f->stored_as[v] = w;
            x->f->is_stored[w] = true;
        }
    }
}

frit_status fuse_graph(cx *c, graph *g, const fuse_options *o, fusion **out) {
    arena *a = c->job;
    fusion *f = ARENA_NEW(a, fusion);
    *f = (fusion){.g = g, .a = a};
    f->group_of = ARENA_ARRAY(a, uint32_t, g->nodes.n + 1u);
    memset(f->group_of, 0xff, (g->nodes.n + 1u) * sizeof *f->group_of);
    f->index = ARENA_ARRAY(a, const dim *, g->values.n + 1u);
    f->in_index = ARENA_ARRAY(a, const dim *, g->nodes.n + 1u);
    f->is_stored = ARENA_ARRAY(a, bool, g->values.n + 1u);
    f->stored_as = ARENA_ARRAY(a, value_id, g->values.n + 1u);
    for (uint32_t v = 0; v < g->values.n; v++) {
        const const_data *d = graph_const(g, v);
        f->stored_as[v] = v;
        f->is_stored[v] =
            !graph_def(g, v) ||
            (d && d->kind != CONST_SPLAT &&
             !(d->kind == CONST_DENSE && dim_equal(g->dims, graph_n_elements(g, v), dim_const(g->dims, 1))));
    }
    uint32_t most = g->nodes.n + g->regions.at[0].results.n + 1u;
    fuse_cx x = {.c = c, .f = f, .g = g, .o = o};
    x.reference = ARENA_ARRAY(a, value_id, most);
    memset(x.reference, 0xff, most * sizeof *x.reference);
    x.stamp = ARENA_ARRAY(a, uint32_t, most);
    x.cost = ARENA_ARRAY(a, uint32_t, most);
    TRY(fuse_regions(c, f));
    for (region_id r = 0; r < g->regions.n; r++) {
        const region *body = &g->regions.at[r];
        for (uint32_t i = 0; i < body->nodes.n && (r == 0 || f->owner[r] != NODE_NONE); i++) {
            TRY(cx_poll(c));
            place_node(&x, body->nodes.at[i]);
        }
    }
    const use_list *users = list_uses(&x);
    free_widenings(&x, users);
    dissolve_maps(&x, users);
    store_outputs(&x, users);
    for (uint32_t i = 0; i < g->regions.at[0].results.n; i++) fuse_want_memory(f, g->regions.at[0].results.at[i]);
    TRY(fuse_region_memory(c, f));
    *out = f;
    return FRIT_OK;
}
