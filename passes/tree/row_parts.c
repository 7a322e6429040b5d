/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loop tree of a ROW group: reductions over some axes of a domain with the maps before, between and after them.
 *
 * Every member has a level: how many reductions, one after the other, must be finished before it can be computed. Level
 * s is one sweep over the reduced axes: it feeds the reductions whose operands have level s and stores the outputs of
 * level s.
 *
 *   softmax, row form                        par r {
 *     m[r] = max x[r, c]         level 0       acc m; vec c { m <- x }
 *     e[r, c] = exp(x - m)       level 1       acc s; vec c { e = exp(x - m); tile[c] = e; s <- e }
 *     s[r] = sum e               level 1       let i = 1 / s
 *     y[r, c] = e / s            level 2       vec c { y = tile[c] / s } }
 *
 * A map of the whole domain that several sweeps need is placed in a tile when it is costly and the row is bounded, else
 * it is computed again. When the lane loop runs along a kept axis (column form) the same sweeps are plain loops inside
 * it. The order of a reduction depends on the schedule's lanes and the reduced extents only. */
#include "passes/tree/row_parts.h"

#include "ir/graph/view_index.h"
#include "passes/tree/pack.h"

enum { COLUMN_MAX = 32 };

static bool depends_on_reduced(const row_cx *r, value_id v) {
    const dim *at = r->e->f->index[v];
    for (uint32_t i = 0; i < graph_type(r->e->f->g, v)->rank; i++)
        for (uint32_t j = 0; j < r->gr->rank; j++)
            if ((r->gr->reduced >> j & 1) && dim_depends(r->k->dims, at[i], axis_sym(r->k, r->gr->axes[j])))
                return true;
    return false;
}

member *row_member(const row_cx *r, value_id v) {
    node_id n = graph_value(r->e->f->g, v)->def;
    uint32_t i = n == NODE_NONE ? 0 : r->member_of[n];
    return i ? &r->members[i - 1] : NULL;
}

void row_each_behind(row_cx *r, value_id v, operand_fn *fn, void *data) {
    const graph *g = r->e->f->g;
    member *m = row_member(r, v);
    if (m) {
        fn(r, m, data);
        return;
    }
    const node *n = graph_def(g, v);
    /* What is stored is read, but for a view of a member, which is computed here. */
    bool is_read = r->e->f->is_stored[v] && !expander_owns(r->e, v);
    if (!n || is_read) return;
    for (uint32_t i = 0; i < n->n_in; i++) row_each_behind(r, n->in[i], fn, data);
}

static void raise_level(row_cx *r, member *m, void *data) {
    uint32_t *level = data, ready = m->level + m->is_reduce;
    (void)r;
    if (ready > *level) *level = ready;
}

static void add_sweeps(row_cx *r, member *m, void *data) {
    (void)r;
    if (m->is_whole) m->sweeps |= *(const uint64_t *)data;
}

bool row_is_output(const row_cx *r, value_id v) {
    for (uint32_t i = 0; i < r->gr->outputs.n; i++)
        if (r->gr->outputs.at[i] == v) return true;
    return false;
}

void row_find_levels(row_cx *r) {
    const graph *g = r->e->f->g;
    r->n_levels = 0;
    for (uint32_t i = 0; i < r->n_members; i++) {
        member *m = &r->members[i];
        const node *n = graph_node(g, m->n);
        m->is_reduce = n->op == OP_reduce || n->op == OP_contract;
        m->is_whole = !m->is_reduce && depends_on_reduced(r, n->out);
        m->tile = m->rows = KID_NONE;
        m->level = 0;
        for (uint32_t j = 0; j < n->n_in; j++) row_each_behind(r, n->in[j], raise_level, &m->level);
        if (m->sum) m->level = m->sum->level;
        uint32_t sweeps = m->level + (m->is_reduce || m->is_whole);
        if (sweeps > r->n_levels) r->n_levels = sweeps;
    }
}

bool row_is_one_run(const row_cx *r, uint32_t tag, uint32_t *out) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->axes.n; i++) {
        if (r->axes.runs[i].tag != tag) continue;
        *out = i;
        n++;
    }
    return n == 1;
}

int64_t row_bound(const row_cx *r) {
    int64_t lo, hi;
    dim n = dim_const(r->k->dims, 1);
    for (uint32_t i = 0; i < r->gr->rank; i++)
        if (r->gr->reduced >> i & 1) n = dim_mul(r->k->dims, n, axis_extent(r->k, r->gr->axes[i]));
    dim_bounds(r->k->dims, n, &lo, &hi);
    return hi;
}

uint32_t row_n_large(const row_cx *r, bool is_written) {
    uint32_t n = 0;
    for (buf_id b = 0; b < r->e->params.n; b++)
        n += r->k->bufs.at[b].is_written == is_written && kbuf_outgrows_caches(r->k, b);
    return n;
}

bool row_has_moments(const row_cx *r, uint32_t sweep) {
    for (uint32_t i = 0; i < r->n_members; i++)
        if (r->members[i].is_shift && r->members[i].level == sweep) return true;
    return false;
}

/* From the last member back. */
void row_place_maps(row_cx *r) {
    const graph *g = r->e->f->g;
    bool may_place = !r->is_column && row_bound(r) <= r->form->most_placed;
    for (uint32_t i = r->n_members; i-- > 0;) {
        member *m = &r->members[i];
        const node *n = graph_node(g, m->n);
        uint64_t needed = 1ull << m->level;
        if (m->is_whole) {
            if (row_is_output(r, n->out)) m->sweeps |= needed;
            if (may_place && op_is(n->op, OPF_SLOW) && (m->sweeps & (m->sweeps - 1))) {
                m->tile = 0;
                needed = m->sweeps & (~m->sweeps + 1);
            } else
                needed = m->sweeps;
        } else if (!m->is_reduce)
            continue;
        for (uint32_t j = 0; j < n->n_in; j++) row_each_behind(r, n->in[j], add_sweeps, &needed);
    }
}

/* ---- expressions */

static const dim *mapped_index(const row_cx *r, const dim *at, uint32_t rank) {
    dim *out = ARENA_ARRAY(r->k->a, dim, rank + 1u);
    for (uint32_t i = 0; i < rank; i++) out[i] = axis_map_dim(&r->axes, at[i]);
    return out;
}

/* The reduced runs, outermost first. */
static uint32_t reduced_index(const row_cx *r, dim *out) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->axes.n; i++)
        if (r->axes.runs[i].tag == TAG_REDUCED) out[n++] = r->axes.runs[i].axis;
    return n;
}

/* Index in a placed map's tile: the row's slot when rows are pipelined, then the reduced runs. */
static void tile_index(const row_cx *r, const member *m, dim *out) {
    bool has_slot = r->row != DIM_BAD;
    if (has_slot) out[0] = dim_mod(r->k->dims, r->row, r->k->bufs.at[m->tile].shape[0]);
    reduced_index(r, out + has_slot);
}

/* A reduction or kept map of the row at hand that an earlier trip of the pipeline computed. */
static kx kept_row(const row_cx *r, const member *m) {
    dim slot = dim_mod(r->k->dims, r->row, r->k->bufs.at[m->rows].shape[0]);
    return kx_load(r->k, m->rows, &slot, 0, 0);
}

static kx resolve_member(expander *e, value_id v, const dim *at, kx guard) {
    row_cx *r = e->data;
    member *m = row_member(r, v);
    (void)at;
    (void)guard;
    if (!m) return 0;
    dtype dt = graph_type(e->f->g, v)->dt;
    if (r->is_probe) return m->is_reduce ? kx_number(e->k, dt, 0) : 0;
    if (m->let) return m->let;
    if (m->rows != KID_NONE && m->level + m->is_reduce != r->fresh) return kept_row(r, m);
    if (m->is_reduce) {
        const attr_reduce *a = graph_node(e->f->g, m->n)->attrs;
        bool is_arg = graph_node(e->f->g, m->n)->op == OP_reduce && a->kind >= RK_argmax;
        return kx_cast(e->k, kx_acc(e->k, m->acc, is_arg ? 1 : 0), dt, true);
    }
    uint64_t first_sweep = m->sweeps & (~m->sweeps + 1);
    if (m->tile == KID_NONE || first_sweep >= 1ull << r->sweep) return 0;
    dim index[2 * MAX_RANK + 1];
    tile_index(r, m, index);
    return kx_load(e->k, m->tile, index, 0, 0);
}

frit_status row_value(row_cx *r, value_id v, kx *out) {
    const dim *at = mapped_index(r, r->e->f->index[v], graph_type(r->e->f->g, v)->rank);
    return expand(r->e, v, at, 0, out);
}

frit_status row_operand(row_cx *r, const node *n, uint32_t i, kx *out) {
    const dim *at = mapped_index(r, r->e->f->index[n->out], graph_type(r->e->f->g, n->out)->rank);
    return expand_operand(r->e, n, i, at, 0, out);
}

frit_status row_reduce_operand(row_cx *r, const member *m, kx *out) {
    const graph *g = r->e->f->g;
    const node *n = graph_node(g, m->n);
    if (n->op == OP_contract) {
        kx args[2];
        for (uint32_t i = 0; i < 2; i++) {
            dim at[MAX_RANK];
            contract_operand_index(n, i, r->gr->axes, at);
            TRY(expand(r->e, n->in[i], mapped_index(r, at, graph_type(g, n->in[i])->rank), 0, &args[i]));
            args[i] = kx_cast(r->k, args[i], graph_type(g, n->out)->dt, true);
        }
        *out = kx_op(r->k, OP_mul, 2, args);
        return FRIT_OK;
    }
    uint32_t rank = graph_type(g, n->in[0])->rank;
    const dim *at = r->e->f->in_index[graph_value(g, n->out)->def];
    return expand(r->e, n->in[0], mapped_index(r, at, rank), 0, out);
}

/* ---- axes */

/* All index dims of the group's expressions, with reductions replaced by constants. */
static frit_status probe_accesses(row_cx *r, dim_set *out) {
    r->is_probe = true;
    for (uint32_t i = 0; i < r->n_members; i++) {
        const node *n = graph_node(r->e->f->g, r->members[i].n);
        kx x;
        if (r->members[i].is_reduce) {
            TRY(row_reduce_operand(r, &r->members[i], &x));
            access_dims(r->k, x, out);
        }
        if (row_is_output(r, n->out)) {
            TRY(row_value(r, n->out, &x));
            if (!r->members[i].is_reduce) access_dims(r->k, x, out);
            access_add(r->k, expander_store_offset(r->e, n->out, r->e->f->index[n->out]), out);
        }
    }
    r->is_probe = false;
    row_forget(r);
    return FRIT_OK;
}

/* The axis of the tensor that n loads which runs along the domain's axis `lane` by itself, as seen before axes merge;
 * UINT32_MAX: none or several. */
static uint32_t axis_along(const row_cx *r, const kx_node *n, sym_id lane) {
    uint32_t found = UINT32_MAX, n_found = 0;
    for (uint32_t i = 0; i < n->n_at; i++) {
        dim coeff, rest;
        int64_t step;
        if (!dim_depends(r->k->dims, n->at[i], lane)) continue;
        found = i;
        n_found++;
        if (!dim_linear(r->k->dims, n->at[i], lane, &coeff, &rest) || !dim_is_const(r->k->dims, coeff, &step) ||
            step != 1)
            return UINT32_MAX;
    }
    return n_found == 1 ? found : UINT32_MAX;
}

/* Makes the parameter b, where it is a dense constant, read a copy whose axis `along` is innermost: by its strides,
 * with the same indices. Nothing for a constant that is so already. */
static frit_status transpose_constant(expander *e, buf_id b, uint32_t along) {
    const const_data *d = graph_const(e->f->g, e->params.at[b]);
    kbuf *buf = &e->k->bufs.at[b];
    int64_t inner = 1;
    if (!d || d->kind != CONST_DENSE || dtype_bits(d->dt) < 8 || !d->bytes || d->dims.n != buf->rank) return FRIT_OK;
    for (uint32_t i = along + 1; i < d->dims.n; i++) inner *= d->dims.at[i];
    if (inner <= 1) return FRIT_OK;
    dim *strides = ARENA_ARRAY(e->k->a, dim, buf->rank);
    int64_t stride = d->dims.at[along];
    strides[along] = dim_const(e->k->dims, 1);
    for (uint32_t i = buf->rank; i-- > 0;) {
        if (i == along) continue;
        strides[i] = dim_const(e->k->dims, stride);
        stride *= d->dims.at[i];
    }
    buf->strides = strides;
    e->params.at[b] = VALUE_NONE;
    e->packed.at[b] = pack_transposed(e->c, d, along);
    return FRIT_OK;
}

/* Constants that the lanes would gather get a copy in which the axis along the lanes is innermost: the buffer keeps its
 * indices and takes other strides. */
static frit_status transpose_constants(row_cx *r) {
    kernel *k = r->k;
    sym_id lane = SYM_NONE;
    for (uint32_t i = 0; i < r->gr->rank; i++)
        if (!(r->gr->reduced >> i & 1) && !dim_is_const(k->dims, r->gr->axes[i], NULL))
            lane = axis_sym(k, r->gr->axes[i]);
    for (uint32_t i = 1; lane != SYM_NONE && i < k->exprs.n; i++) {
        const kx_node *n = &k->exprs.at[i];
        if (n->kind != KX_LOAD || n->ref >= r->e->params.n || r->e->params.at[n->ref] == VALUE_NONE) continue;
        uint32_t along = axis_along(r, n, lane);
        if (along == UINT32_MAX || k->bufs.at[n->ref].strides) continue;
        TRY(transpose_constant(r->e, n->ref, along));
    }
    return FRIT_OK;
}

/* Whether what the group loads, constants aside, lies along the last kept axis and never along the last reduced one. */
static bool lies_along_kept(const row_cx *r) {
    kernel *k = r->k;
    bool is_kept = false;
    sym_id last[2] = {SYM_NONE, SYM_NONE};
    for (uint32_t i = 0; i < r->gr->rank; i++)
        if (!dim_is_const(k->dims, r->gr->axes[i], NULL)) last[r->gr->reduced >> i & 1] = axis_sym(k, r->gr->axes[i]);
    if (last[0] == SYM_NONE || last[1] == SYM_NONE) return false;
    for (uint32_t i = 1; i < k->exprs.n; i++) {
        const kx_node *n = &k->exprs.at[i];
        dim coeff[2], rest;
        if (n->kind != KX_LOAD || n->ref >= r->e->params.n || r->e->params.at[n->ref] == VALUE_NONE) continue;
        if (graph_const(r->e->f->g, r->e->params.at[n->ref])) continue;
        dim offset = kbuf_offset(k, n->ref, n->at);
        for (uint32_t j = 0; j < 2; j++)
            if (!dim_linear(k->dims, offset, last[j], &coeff[j], &rest)) coeff[j] = DIM_BAD;
        if (coeff[1] == dim_const(k->dims, 1)) return false;
        is_kept |= coeff[0] == dim_const(k->dims, 1);
    }
    return is_kept;
}

static void choose_axes(row_cx *r, const dim_set *accesses) {
    axis_map_init(&r->axes, r->k);
    for (uint32_t i = 0; i < r->gr->rank; i++)
        axis_map_add(&r->axes, r->gr->reduced >> i & 1 ? "r" : "i", r->gr->axes[i],
                     r->gr->reduced >> i & 1 ? TAG_REDUCED : TAG_KEPT);
    axis_map_merge(&r->axes, accesses, 0);
    uint32_t n_kept = 0;
    for (uint32_t i = 0; i < r->axes.n; i++) n_kept += r->axes.runs[i].tag == TAG_KEPT;
    bool ends_reduced = r->axes.n && r->axes.runs[r->axes.n - 1].tag == TAG_REDUCED;
    r->is_column =
        n_kept && (!ends_reduced || row_bound(r) <= COLUMN_MAX || (r->form->prefers_kept && lies_along_kept(r)));
    if (n_kept == r->axes.n) r->is_column = n_kept > 0;
    r->lanes = r->is_column ? 1 : r->form->row_lanes;
}

/* ---- statements */

static combiner combiner_of(const node *n) {
    static const combiner by_kind[] = {[RK_sum] = COMBINE_sum,
                                       [RK_prod] = COMBINE_prod,
                                       [RK_max] = COMBINE_max,
                                       [RK_min] = COMBINE_min,
                                       [RK_argmax] = COMBINE_argmax,
                                       [RK_argmin] = COMBINE_argmin,
                                       [RK_argmax_last] = COMBINE_argmax_last,
                                       [RK_argmin_last] = COMBINE_argmin_last};
    return n->op == OP_contract ? COMBINE_sum : by_kind[((const attr_reduce *)n->attrs)->kind];
}

void row_forget(row_cx *r) { r->e->memo = (map){.a = r->k->a}; }

frit_status row_store(row_cx *r, klist *l, value_id v) {
    kx x;
    TRY(row_value(r, v, &x));
    expander_store(r->e, l, v, mapped_index(r, r->e->f->index[v], graph_type(r->e->f->g, v)->rank), x, 0);
    return FRIT_OK;
}

bool row_neutral(const row_cx *r, const member *m, scalar *out) {
    const node *n = graph_node(r->e->f->g, m->n);
    combiner comb = combiner_of(n);
    if (combiner_info_of(comb)->n > 1) return false;
    *out = combiner_identity(comb, 0, graph_type(r->e->f->g, n->op == OP_contract ? n->out : n->in[0])->dt);
    return true;
}

frit_status row_combine(row_cx *r, klist *body, const member *m, kx x) {
    const node *n = graph_node(r->e->f->g, m->n);
    kx values[COMBINE_MAX] = {x};
    if (combiner_info_of(combiner_of(n))->n == 2) {
        dim linear = dim_const(r->k->dims, 0);
        for (uint32_t i = 0; i < r->axes.n; i++) {
            const axis_run *run = &r->axes.runs[i];
            if (run->tag != TAG_REDUCED) continue;
            linear = dim_add(r->k->dims, dim_mul(r->k->dims, linear, run->extent), run->axis);
        }
        values[1] = kx_index(r->k, linear);
    }
    kstmt_update(r->k, body, m->is_shift ? m->part : m->acc, values);
    return FRIT_OK;
}

/* Lets for the maps of kept axes, and the squares about them, that become known at this level. */
static frit_status emit_kept_maps(row_cx *r, klist *l, uint32_t level) {
    for (uint32_t i = 0; i < r->n_members; i++) {
        member *m = &r->members[i];
        if (m->is_whole || (m->is_reduce && !m->sum) || m->level + m->is_reduce != level) continue;
        kx x;
        TRY(m->sum ? r->moments->squares(r, l, m, &x) : row_value(r, graph_node(r->e->f->g, m->n)->out, &x));
        m->let = kstmt_let(r->k, l, "v", x);
        row_forget(r);
    }
    return FRIT_OK;
}

/* Outputs over the kept axes that are final at this level. */
static frit_status store_kept(row_cx *r, klist *l, uint32_t level) {
    for (uint32_t i = 0; i < r->n_members; i++) {
        const member *m = &r->members[i];
        value_id v = graph_node(r->e->f->g, m->n)->out;
        if (m->is_whole || m->level + m->is_reduce != level || !row_is_output(r, v)) continue;
        TRY(row_store(r, l, v));
    }
    return FRIT_OK;
}

frit_status row_keep(row_cx *r, klist *l, uint32_t level) {
    TRY(emit_kept_maps(r, l, level));
    return store_kept(r, l, level);
}

frit_status row_sweep_body(row_cx *r, klist *body) {
    dim index[2 * MAX_RANK + 1];
    for (uint32_t i = 0; i < r->n_members; i++) {
        member *m = &r->members[i];
        value_id v = graph_node(r->e->f->g, m->n)->out;
        bool is_first = (m->sweeps & (~m->sweeps + 1)) == 1ull << r->sweep;
        kx x;
        if (m->is_reduce && !m->sum && m->level == r->sweep) {
            TRY(row_reduce_operand(r, m, &x));
            TRY(row_combine(r, body, m, x));
        }
        if (!m->is_whole) continue;
        if (m->tile != KID_NONE && is_first) {
            TRY(row_value(r, v, &x));
            m->let = kstmt_let(r->k, body, "e", x);
            row_forget(r);
            tile_index(r, m, index);
            kstmt_store(r->k, body, m->tile, index, m->let, 0);
        }
        if (!row_is_output(r, v) || m->level != r->sweep) continue;
        TRY(row_store(r, body, v));
    }
    for (uint32_t i = 0; i < r->n_members; i++)
        if (r->members[i].tile != KID_NONE) r->members[i].let = 0;
    return FRIT_OK;
}

void row_declare(row_cx *r, klist *l, bool has_lanes) {
    for (uint32_t i = 0; i < r->n_members; i++) {
        member *m = &r->members[i];
        if (!m->is_reduce || m->level != r->sweep) continue;
        const node *n = graph_node(r->e->f->g, m->n);
        dtype dt = graph_type(r->e->f->g, n->op == OP_contract ? n->out : n->in[0])->dt;
        m->acc = kernel_acc(r->k, "acc", combiner_of(n), dt, has_lanes && !m->is_shift ? r->lanes : 1);
        kstmt_acc(r->k, l, m->acc);
    }
}

/* One walk over the reduced axes. */
static frit_status emit_sweep(row_cx *r, klist *l) {
    if (row_has_moments(r, r->sweep)) return r->moments->sweep(r, l);
    nest s = {.k = r->k};
    klist body = {0};
    uint32_t last = r->axes.n;
    bool has_lanes = false;
    for (uint32_t i = 0; i < r->axes.n; i++)
        if (r->axes.runs[i].tag == TAG_REDUCED) last = i;
    for (uint32_t i = 0; i < r->axes.n; i++) {
        if (r->axes.runs[i].tag != TAG_REDUCED) continue;
        bool is_lane = i == last && !r->is_column;
        has_lanes |= is_lane;
        nest_push_lanes(&s, is_lane ? r->form->along_row : (lane_loop){.kind = KL_SEQ}, r->axes.runs[i].axis);
    }
    row_declare(r, l, has_lanes);
    TRY(row_sweep_body(r, &body));
    nest_close(&s, body, l);
    return FRIT_OK;
}

static void make_tiles(row_cx *r) {
    dim index[2 * MAX_RANK], shape[2 * MAX_RANK];
    uint32_t n = reduced_index(r, index);
    for (uint32_t i = 0; i < n; i++) shape[i] = axis_extent(r->k, index[i]);
    for (uint32_t i = 0; i < r->n_members; i++) {
        member *m = &r->members[i];
        if (m->tile == KID_NONE) continue;
        dtype dt = graph_type(r->e->f->g, graph_node(r->e->f->g, m->n)->out)->dt;
        m->tile = kernel_local(r->k, "row", dt, KB_TILE, n, arena_copy(r->k->a, shape, (n + 1u) * sizeof *shape));
    }
}

static frit_status emit_all(row_cx *r, klist *l) {
    for (r->sweep = 0; r->sweep < r->n_levels; r->sweep++) {
        row_forget(r);
        TRY(row_keep(r, l, r->sweep));
        TRY(emit_sweep(r, l));
    }
    row_forget(r);
    return row_keep(r, l, r->n_levels);
}

frit_status row_plain_tree(row_cx *r) {
    nest s = {.k = r->k};
    klist body = {0}, top = {0};
    dim lane = DIM_BAD;
    for (uint32_t i = 0; i < r->axes.n; i++)
        if (r->axes.runs[i].tag == TAG_KEPT) lane = r->axes.runs[i].axis;
    for (uint32_t i = 0; i < r->axes.n; i++) {
        if (r->axes.runs[i].tag != TAG_KEPT || (r->is_column && r->axes.runs[i].axis == lane)) continue;
        nest_push(&s, KL_PAR, r->axes.runs[i].axis, 0, 0);
    }
    if (r->is_column) {
        dim block, inner, whole = axis_split(r->k, axis_extent(r->k, lane), r->form->column_block, &block, &inner);
        sym_id old = axis_sym(r->k, lane);
        for (uint32_t i = 0; i < r->axes.n_syms; i++)
            r->axes.by[i] = dim_subst(r->k->dims, r->axes.by[i], 1, &old, &whole);
        nest_push(&s, KL_PAR, block, 0, 0);
        nest_push_lanes(&s, r->form->along_column, inner);
    }
    make_tiles(r);
    TRY(emit_all(r, &body));
    nest_close(&s, body, &top);
    vec_push(r->k->a, r->k->phases, top.first);
    r->k->schedule = r->form->schedule;
    r->k->schedule.lanes = r->lanes;
    return FRIT_OK;
}

frit_status row_begin(row_cx *r, expander *e, const target *t, const row_form *form) {
    const group *gr = &e->f->groups.at[e->group];
    *r = (row_cx){.e = e, .gr = gr, .t = t, .form = form, .k = e->k};
    r->row = r->block = r->column = DIM_BAD;
    r->fresh = UINT32_MAX;
    r->n_members = gr->nodes.n;
    r->members = ARENA_ARRAY(e->k->a, member, gr->nodes.n + 1u);
    r->member_of = ARENA_ARRAY(e->k->a, uint32_t, e->f->g->nodes.n + 1u);
    for (uint32_t i = 0; i < gr->nodes.n; i++) {
        r->members[i].n = gr->nodes.at[i];
        r->member_of[gr->nodes.at[i]] = i + 1;
    }
    e->resolve = resolve_member;
    e->data = r;
    row_find_levels(r);
    if (r->n_levels > ROW_LEVELS_MAX)
        return FAIL(e->c, UNSUPPORTED, NULL, "more than 60 reductions in a chain in one kernel");
    dim_set accesses = {0};
    axis_map_init(&r->axes, r->k);
    TRY(probe_accesses(r, &accesses));
    choose_axes(r, &accesses);
    return r->is_column ? transpose_constants(r) : FRIT_OK;
}
