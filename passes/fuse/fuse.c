/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Fusion by dependence: which nodes share a kernel.
 *
 *   1. Nodes are visited in order. Views, constants and index sources belong to no group: they are free, and every user
 *      expands them. Any other node joins the group of an operand when it is evaluated at that group's own index (found
 *      by following views forwards) and no cycle between groups appears; else it starts a group of its own.
 *
 *        elementwise, gather, concat, pad, window   a CONTRACT, ATTEND, ROW or MAP group of an operand; else a new MAP
 *        reduce                                     the MAP or ROW group of its operand; else a new ROW
 *        contract                                   that of a sibling; else a new CONTRACT, or a LIBRARY alone
 *        attend, scan, top-k, scatter, if, loops    a new group
 *
 *      Siblings are contracts of one left operand with constant matrices of equal shapes (Q, K and V; gate and up):
 *      they are computed tile by tile side by side, so that an epilogue may use several.
 *   2. A MAP group whose expression is cheap where its users need it dissolves into them (fuse_cost.c).
 *   3. What other groups or the caller read is stored (fuse_store.c).
 *
 * Nodes of different regions never share a kernel; fuse_regions.c says what stands around them.
 *
 *   %s = add %x, %r                     group 0  ROW over [B, S | D]: %s %m %d %v %n     stores %s, %n
 *   %n = layer_norm pieces of %s        group 1  CONTRACT: %p %b %g                      stores %g
 *   %g = gelu(%n @ w + b) */
#include "passes/fuse/fuse_impl.h"

#include <string.h>

#include "ir/graph/view_index.h"

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

static void push_writer(fuse_cx *x, value_id v) {
    uint32_t p = fuse_group_of(x->f, view_base(x->g, v));
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

/* Index at which group id computes v (or its reference), NULL when it does not. */
static const dim *index_in_group(const fuse_cx *x, uint32_t id, value_id v) {
    if (v == x->reference[id]) return x->f->groups.at[id].axes;
    return fuse_group_of(x->f, v) == id ? x->f->index[v] : NULL;
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
                if (!dim_equal(g->dims, known[i], index[i])) return fuse_group_of(x->f, v) != id;
            return true;
        }
        const node *n = graph_def(g, v);
        if (!view_is_plain(n)) break;
        view_index(g, n, index, next, NULL);
        v = n->in[0];
        memcpy(index, next, graph_type(g, v)->rank * sizeof *index);
    }
    uint32_t other = fuse_group_of(x->f, v);
    return other == GROUP_NONE || !reaches(x, other, id);
}

/* What node n waits for beside its operands must not need group id. */
static bool needs_fit(fuse_cx *x, uint32_t id, const node *n) {
    const value_list *also = &x->f->also_needs[graph_value(x->g, n->out)->def];
    for (uint32_t i = 0; i < also->n; i++) {
        uint32_t other = fuse_group_of(x->f, also->at[i]);
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
            uint32_t p = fuse_group_of(x->f, view_base(x->g, n->in[i]));
            dim index[MAX_RANK + 1] = {0};
            if (p == GROUP_NONE || x->f->groups.at[p].kind != order[k]) continue;
            if (x->f->groups.at[p].region != n->region || fuse_is_full(&x->f->groups.at[p])) continue;
            if (!find_index(x, p, n, index)) continue;
            group_join(x, p, id, keep_index(x, graph_type(x->g, n->out)->rank, index));
            return true;
        }
    }
    return false;
}

static void place_elementwise(fuse_cx *x, node_id id) {
    const node *n = graph_node(x->g, id);
    if (op_is(n->op, OPF_EW) && !x->o->is_unfused && join_operand_group(x, id, n)) return;
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
    for (uint32_t gi = x->o->is_unfused ? 0 : x->f->groups.n; gi-- > 0;) {
        const dim *index = index_in_group(x, gi, operand);
        group *gr = &x->f->groups.at[gi];
        if (!index || !a->axes.n || gr->region != n->region || !needs_fit(x, gi, n)) continue;
        uint64_t bits = reduced_axes(x, gr, a, index);
        if (!row_fits(gr, bits)) continue;
        if (gr->kind == GROUP_MAP && graph_node(x->g, gr->anchor)->op == OP_window) continue;
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
    if (op_is(n->op, OPF_EW) || fuse_is_movement(n->op)) {
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

frit_status fuse_graph(cx *c, graph *g, const fuse_options *o, fusion **out) {
    arena *a = c->job;
    fusion *f = ARENA_NEW(a, fusion);
    *f = (fusion){.g = g, .a = a, .is_unfused = o->is_unfused};
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
    const use_list *users = fuse_list_uses(&x);
    fuse_free_widenings(&x, users);
    fuse_dissolve(&x, users);
    fuse_store(&x, users);
    for (uint32_t i = 0; i < g->regions.at[0].results.n; i++) fuse_want_memory(f, g->regions.at[0].results.at[i]);
    TRY(fuse_region_memory(c, f));
    *out = f;
    return FRIT_OK;
}
