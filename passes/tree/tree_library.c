/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A product that OpenBLAS computes. Rows, columns and k are what tree_contract makes of the contraction's axes; where
 * all three matrices lie in memory with strides in both directions, one of them 1, the kernel becomes a call:
 *
 *   par outer, row { seq col { acc s; seq k { s += a * b }; store c[row, col] = s } }     gemm m x n x k, batch outer
 *
 * The tree says what is computed, for costs, checks and the interpreter; kgemm says it as a BLAS takes it. A row or
 * column that is several axes which no one stride joins keeps its last axis, the others are counted to the batch. What
 * has no such form even then is a kernel of frit's own. */
#include "passes/tree/contract_parts.h"

#include "ir/graph/view_index.h"

/* Where element (row, column) of a matrix stands: offset + row * row_stride + column * col_stride. */
typedef struct strided {
    buf_id buf;
    dim row_stride, col_stride, offset;
} strided;

typedef struct outside_cx {
    dim_table *t;
    bool is_outside;
} outside_cx;

static void note_local(void *data, sym_id s) {
    outside_cx *o = data;
    sym_kind kind = dim_sym_info(o->t, s)->kind;
    if (kind == SYM_AXIS || kind == SYM_LOADED) o->is_outside = false;
}

/* Whether d can be computed outside of the kernel: it mentions no axis and nothing loaded. */
static bool is_outside(dim_table *t, dim d) {
    outside_cx o = {t, true};
    kx_visit_dim(t, d, note_local, &o);
    return o.is_outside;
}

static bool is_one(dim_table *t, dim d) { return dim_equal(t, d, dim_const(t, 1)); }

/* The matrix of n_rows x n_cols by a leading dimension; false when neither direction has unit stride or rows overlap.
 * The stride of an axis of extent 1 is nobody's concern. */
static bool find_leading(dim_table *t, const strided *s, dim n_rows, dim n_cols, kmatrix *out) {
    bool is_plain = is_one(t, s->col_stride) || is_one(t, n_cols);
    if (!is_plain && !is_one(t, s->row_stride) && !is_one(t, n_rows)) return false;
    dim over = is_plain ? n_cols : n_rows, n_steps = is_plain ? n_rows : n_cols;
    out->buf = s->buf;
    out->is_transposed = !is_plain;
    out->ld = is_one(t, n_steps) ? over : is_plain ? s->row_stride : s->col_stride;
    return dim_le(t, over, out->ld);
}

/* Takes the batch out of a matrix's offset. */
static bool find_steps(contract_cx *x, dim offset, kmatrix *out) {
    dim_table *t = x->k->dims;
    for (uint32_t i = 0; i < x->n_outer; i++) {
        if (!dim_linear(t, offset, axis_sym(x->k, x->outer[i]), &out->step[i], &offset)) return false;
        if (!is_outside(t, out->step[i])) return false;
    }
    out->offset = offset;
    return is_outside(t, offset) && is_outside(t, out->ld);
}

/* The matrix of the result, whose offset expander_store would write to. */
static bool find_result(contract_cx *x, const dim *at, strided *out) {
    kernel *k = x->k;
    value_id v = x->n->out;
    const placement_list *places = &x->e->f->placements[v];
    if (!expander_owns(x->e, v)) return false;
    for (uint32_t i = 0; i < places->n; i++)
        if (places->at[i].by == x->e->group) return false;
    dim offset = expander_store_offset(x->e, v, at);
    if (!dim_linear(k->dims, offset, axis_sym(k, x->row), &out->row_stride, &offset)) return false;
    if (!dim_linear(k->dims, offset, axis_sym(k, x->col), &out->col_stride, &out->offset)) return false;
    out->buf = expander_param(x->e, x->e->f->stored_as[v], true);
    return true;
}

/* C of m x n from A and B. Where C's columns are those of B but its rows lie together, it is the transposed product. */
static bool find_gemm(contract_cx *x, const strided *c, kgemm *out) {
    dim_table *t = x->k->dims;
    strided a = {x->a.buf, x->a.own_coeff, x->a.k_coeff, x->a.rest};
    strided b = {x->b.buf, x->b.k_coeff, x->b.own_coeff, x->b.rest};
    *out = (kgemm){.m = x->n_rows, .n = x->n_cols, .k = x->n_k, .n_batch = x->n_outer};
    kmatrix *of = out->of;
    if (!find_leading(t, &a, out->m, out->k, &of[GEMM_A]) || !find_leading(t, &b, out->k, out->n, &of[GEMM_B]) ||
        !find_leading(t, c, out->m, out->n, &of[GEMM_C]))
        return false;
    for (uint32_t i = 0; i < x->n_outer; i++) out->batch[i] = axis_extent(x->k, x->outer[i]);
    if (!find_steps(x, a.offset, &of[GEMM_A]) || !find_steps(x, b.offset, &of[GEMM_B]) ||
        !find_steps(x, c->offset, &of[GEMM_C]))
        return false;
    if (!of[GEMM_C].is_transposed) return true;
    kmatrix left = of[GEMM_B], right = of[GEMM_A]; /* C' = B' A' */
    left.is_transposed = !left.is_transposed;
    right.is_transposed = !right.is_transposed;
    of[GEMM_A] = left, of[GEMM_B] = right;
    of[GEMM_C].is_transposed = false;
    out->m = x->n_cols, out->n = x->n_rows;
    return true;
}

/* The loops that say what is computed. */
static void define(contract_cx *x, const dim *at) {
    kernel *k = x->k;
    klist top = {0}, body = {0}, step = {0};
    nest outside = {.k = k}, columns = {.k = k}, sum = {.k = k};
    for (uint32_t i = 0; i < x->n_outer; i++) nest_push(&outside, KL_PAR, x->outer[i], 0, 0);
    nest_push(&outside, KL_PAR, x->row, 0, 0);
    nest_push(&columns, KL_SEQ, x->col, 0, 0);
    nest_push(&sum, KL_SEQ, x->kk, 0, 0);
    acc_id s = kernel_acc(k, "s", COMBINE_sum, x->dt, 1);
    kx factors[2] = {x->a.x, x->b.x}, product = kx_op(k, OP_mul, 2, factors);
    kstmt_update(k, &step, s, &product);
    kstmt_acc(k, &body, s);
    nest_close(&sum, step, &body);
    expander_store(x->e, &body, x->n->out, at, kx_acc(k, s, 0), 0);
    klist rows = {0};
    nest_close(&columns, body, &rows);
    nest_close(&outside, rows, &top);
    vec_push(k->a, k->phases, top.first);
}

/* All but the last axis of the rows and of the columns become axes of the batch. */
static void split_axes(const contract_cx *x, uint8_t *tags) {
    bool has_row = false, has_col = false;
    for (uint32_t i = x->gr->rank; i-- > 0;) {
        bool *has = tags[i] == TAG_ROW ? &has_row : tags[i] == TAG_COL ? &has_col : NULL;
        if (!has || is_one(x->k->dims, axis_extent(x->k, x->gr->axes[i]))) continue;
        if (*has) tags[i] = TAG_OUTER;
        *has = true;
    }
}

/* The offsets at which the three matrices are touched, over the axes as they are. */
static frit_status list_accesses(contract_cx *x, dim_set *out) {
    for (uint32_t i = 0; i < 2; i++) {
        dim at[MAX_RANK];
        kx element;
        contract_operand_index(x->n, i, x->all_axes, at);
        TRY(expand(x->e, x->n->in[i], at, 0, &element));
        access_dims(x->k, element, out);
    }
    if (expander_owns(x->e, x->n->out))
        access_add(x->k, expander_store_offset(x->e, x->n->out, x->e->f->index[x->n->out]), out);
    return FRIT_OK;
}

/* Builds e->k as a call when it can be one; else e->k is left half made. */
static frit_status call_tree(expander *e, const target *t, bool is_split, bool *out_done) {
    contract_cx x;
    uint8_t tags[2 * MAX_RANK];
    *out_done = false;
    if (!contract_begin(&x, e, t, tags)) return FRIT_OK;
    if (is_split) split_axes(&x, tags);
    dim_set accesses = {0};
    TRY(list_accesses(&x, &accesses));
    contract_flatten(&x, tags, &accesses);
    if (x.n_outer > GEMM_MAX_BATCH) return FRIT_OK;
    TRY(contract_operand(&x, 1 - x.b_operand, 0, &x.a));
    TRY(contract_operand(&x, x.b_operand, 0, &x.b));
    contract_find_direct(&x, &x.a, x.row, false);
    contract_find_direct(&x, &x.b, x.col, false);
    if (!x.a.is_direct || !x.b.is_direct) return FRIT_OK;
    dim at[MAX_RANK];
    for (uint32_t i = 0; i < graph_type(e->f->g, x.n->out)->rank; i++)
        at[i] = axis_map_dim(&x.axes, e->f->index[x.n->out][i]);
    strided c;
    kgemm g;
    if (!find_result(&x, at, &c) || !find_gemm(&x, &c, &g)) return FRIT_OK;
    define(&x, at);
    e->k->gemm = arena_copy(e->k->a, &g, sizeof g);
    *out_done = true;
    return FRIT_OK;
}

frit_status tree_library(expander *e, const target *t, bool *out_done) {
    *out_done = false;
    for (int is_split = 0; is_split < 2 && !*out_done; is_split++) {
        expander trial;
        expander_init(&trial, e->c, e->f, kernel_new(e->k->a, "trial", e->k->dims), e->group);
        TRY(call_tree(&trial, t, is_split, out_done));
        if (*out_done) TRY(call_tree(e, t, is_split, out_done));
    }
    return FRIT_OK;
}
