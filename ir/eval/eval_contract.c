/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products: contract, matmul and einsum through one labelled product of two operands, and attention. */
#include <math.h>
#include <string.h>

#include "ir/eval/eval_ops.h"
#include "ir/op/einsum.h"

#define MAX_LABELS 32

/* A tensor whose axes carry labels: f64 when is_float, else 64-bit integers that wrap. Labels are any numbers that
 * agree between operands; EINSUM_ELLIPSIS + k is the k-th broadcast axis from the right. */
typedef struct labelled {
    bool is_float;
    uint32_t rank;
    uint8_t label[MAX_LABELS];
    int64_t shape[MAX_LABELS];
    double *f;
    uint64_t *u;
} labelled;

static labelled labelled_new(eval_cx *e, const tensor *t, const uint8_t *labels) {
    labelled x = {.is_float = dtype_is_float(t->dt), .rank = t->rank};
    for (uint32_t i = 0; i < t->rank; i++) {
        x.label[i] = labels[i];
        x.shape[i] = t->shape[i];
    }
    if (x.is_float)
        x.f = load_f64(e, t);
    else
        x.u = load_u64(e, t);
    return x;
}

/* Sum of the strides of x's axes with that label (a repeated label is a diagonal), and their extent in *extent unless
 * it is 1 beside a longer one. False when extents disagree. */
static bool label_stride(const labelled *x, uint8_t label, int64_t *extent, int64_t *out_stride) {
    int64_t stride = 1, sum = 0;
    for (uint32_t i = x->rank; i-- > 0;) {
        if (x->label[i] == label) {
            if (x->shape[i] != 1 && *extent != 1 && x->shape[i] != *extent) return false;
            if (x->shape[i] != 1) *extent = x->shape[i], sum += stride;
        }
        stride *= x->shape[i];
    }
    *out_stride = sum;
    return true;
}

static bool has_label(uint32_t n, const uint8_t *labels, uint8_t label) {
    return n && memchr(labels, label, n) != NULL;
}

/* Adds the axis of label to w at the strides of a and b. */
static frit_status label_axis(eval_cx *e, const node *n, const labelled *a, const labelled *b, uint8_t label, walk *w) {
    int64_t extent = 1, sa, sb;
    if (!label_stride(a, label, &extent, &sa) || !label_stride(b, label, &extent, &sb))
        return FAIL(e->c, SHAPE, node_where(e, n), "%s: extents of one label disagree", op_name(n->op));
    walk_axis(w, extent, sa, sb, 0);
    return FRIT_OK;
}

/* One output element: the sum over the points of red, its last axis as a plain loop. */
static double dot_f64(const double *a, const double *b, walk *red) {
    f64_sum sum = {0};
    uint32_t last = red->n - 1;
    int64_t extent = red->extent[last], sa = red->stride[0][last], sb = red->stride[1][last];
    red->n--;
    for (bool more = walk_start(red) && extent > 0; more; more = walk_next(red)) {
        const double *p = a + red->off[0], *q = b + red->off[1];
        for (int64_t i = 0; i < extent; i++) sum_add(&sum, p[i * sa] * q[i * sb]);
    }
    red->n++;
    return sum_value(&sum);
}

static uint64_t dot_u64(const uint64_t *a, const uint64_t *b, walk *red) {
    uint64_t sum = 0;
    for (bool more = walk_start(red); more; more = walk_next(red)) sum += a[red->off[0]] * b[red->off[1]];
    return sum;
}

/* Product of a and b with the given result labels; all other labels are summed. */
static frit_status product(eval_cx *e, const node *n, const labelled *a, const labelled *b, uint32_t n_out,
                           const uint8_t *out_labels, labelled *out) {
    walk kept = {0}, red = {0};
    *out = (labelled){.is_float = a->is_float, .rank = n_out};
    for (uint32_t i = 0; i < n_out; i++) {
        out->label[i] = out_labels[i];
        if (!has_label(a->rank, a->label, out_labels[i]) && !has_label(b->rank, b->label, out_labels[i]))
            return FAIL(e->c, SHAPE, node_where(e, n), "%s: a result label is in no operand", op_name(n->op));
        TRY(label_axis(e, n, a, b, out_labels[i], &kept));
        out->shape[i] = kept.extent[i];
    }
    uint8_t seen[2 * MAX_LABELS];
    uint32_t n_seen = 0;
    for (uint32_t i = 0; i < a->rank + b->rank; i++) {
        uint8_t label = i < a->rank ? a->label[i] : b->label[i - a->rank];
        if (has_label(n_out, out_labels, label) || has_label(n_seen, seen, label)) continue;
        seen[n_seen++] = label;
        TRY(label_axis(e, n, a, b, label, &red));
    }
    if (red.n == 0) walk_axis(&red, 1, 0, 0, 0);
    tensor size; /* checks the size of the intermediate */
    TRY(tensor_alloc(e->c, e->c->scratch, FRIT_DT_U64, n_out <= MAX_RANK ? n_out : 0, out->shape, &size));
    if (n_out > MAX_RANK) return FAIL(e->c, SHAPE, node_where(e, n), "%s: rank %u", op_name(n->op), n_out);
    out->f = out->is_float ? size.data : NULL;
    out->u = out->is_float ? NULL : size.data;
    int64_t to = 0;
    for (bool more = walk_start(&kept); more; more = walk_next(&kept), to++) {
        if (out->is_float)
            out->f[to] = dot_f64(a->f + kept.off[0], b->f + kept.off[1], &red);
        else
            out->u[to] = dot_u64(a->u + kept.off[0], b->u + kept.off[1], &red);
    }
    return FRIT_OK;
}

static frit_status labelled_store(eval_cx *e, const node *n, const labelled *x, dtype dt, tensor *out) {
    TRY(result_alloc(e, n, 0, dt, x->rank, x->shape, out));
    int64_t count = tensor_count(out);
    for (int64_t i = 0; i < count; i++) {
        if (x->is_float)
            store_f64(out, i, x->f[i]);
        else
            store_u64(out, i, x->u[i]);
    }
    return FRIT_OK;
}

static frit_status run_contract(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_contract *at = n->attrs;
    if (!at->lhs || !at->rhs || !at->out || strlen(at->lhs) != in[0].rank || strlen(at->rhs) != in[1].rank ||
        strlen(at->out) > MAX_RANK)
        return FAIL(e->c, SHAPE, node_where(e, n), "contract: one label for each axis");
    labelled a = labelled_new(e, &in[0], (const uint8_t *)at->lhs);
    labelled b = labelled_new(e, &in[1], (const uint8_t *)at->rhs), y;
    TRY(product(e, n, &a, &b, (uint32_t)strlen(at->out), (const uint8_t *)at->out, &y));
    dtype dt = dtype_of_products(in[0].dt, in[1].dt);
    return labelled_store(e, n, &y, result_dtype(e, n, dt), out);
}
const eval_row row_contract = {.run = run_contract};

enum { LABEL_M, LABEL_K, LABEL_N };

/* Labels of a matmul operand: ellipsis labels for batch axes, then the two given ones (1-D: only k). */
static void matmul_labels(uint32_t rank, uint8_t second_last, uint8_t last, uint8_t *out) {
    for (uint32_t i = 0; i + 2 < rank; i++) out[i] = (uint8_t)(EINSUM_ELLIPSIS + rank - 3 - i);
    if (rank > 1) out[rank - 2] = second_last;
    out[rank - 1] = rank > 1 ? last : LABEL_K;
}

static frit_status run_matmul(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    uint8_t la[MAX_RANK], lb[MAX_RANK], lo[MAX_RANK];
    if (in[0].rank == 0 || in[1].rank == 0) return FAIL(e->c, SHAPE, node_where(e, n), "matmul: a scalar operand");
    matmul_labels(in[0].rank, LABEL_M, LABEL_K, la);
    matmul_labels(in[1].rank, LABEL_K, LABEL_N, lb);
    labelled a = labelled_new(e, &in[0], la), b = labelled_new(e, &in[1], lb), y;
    uint32_t longest = in[0].rank > in[1].rank ? in[0].rank : in[1].rank, n_out = 0;
    for (uint32_t i = 0; i + 2 < longest; i++) lo[n_out++] = (uint8_t)(EINSUM_ELLIPSIS + longest - 3 - i);
    if (in[0].rank > 1) lo[n_out++] = LABEL_M;
    if (in[1].rank > 1) lo[n_out++] = LABEL_N;
    if (in[0].shape[in[0].rank - 1] != in[1].shape[in[1].rank > 1 ? in[1].rank - 2 : 0])
        return FAIL(e->c, SHAPE, node_where(e, n), "matmul: inner extents differ");
    TRY(product(e, n, &a, &b, n_out, lo, &y));
    return labelled_store(e, n, &y, result_dtype(e, n, in->dt), out);
}
const eval_row row_matmul = {.run = run_matmul};

/* ---- einsum ---- */

/* Labels that the product so far has to keep: those of the result and of operands from next on. */
static uint32_t labels_needed(const labelled *a, const labelled *b, uint32_t n_rest, const labelled *rest,
                              const einsum_term *result, uint8_t *out) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->rank + b->rank && n < MAX_LABELS; i++) {
        uint8_t label = i < a->rank ? a->label[i] : b->label[i - a->rank];
        bool is_needed = has_label(result->rank, result->labels, label);
        for (uint32_t k = 0; k < n_rest; k++) is_needed |= has_label(rest[k].rank, rest[k].label, label);
        if (is_needed && !has_label(n, out, label)) out[n++] = label;
    }
    return n;
}

/* Multiplies operands from the left, keeping after each the labels that are still needed. */
static frit_status run_einsum(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const char *equation = ((const attr_einsum *)n->attrs)->equation;
    arena *a = e->c->scratch;
    uint32_t *ranks = ARENA_ARRAY(a, uint32_t, n->n_in);
    for (uint32_t k = 0; k < n->n_in; k++) ranks[k] = in[k].rank;
    einsum_spec spec;
    TRY(einsum_parse(e->c, a, equation ? equation : "", n->n_in, ranks, &spec));
    labelled *terms = ARENA_ARRAY(a, labelled, n->n_in);
    for (uint32_t k = 0; k < n->n_in; k++) terms[k] = labelled_new(e, &in[k], spec.in[k].labels);
    tensor one;
    TRY(tensor_alloc(e->c, a, in->dt, 0, NULL, &one));
    if (dtype_is_float(in->dt))
        store_f64(&one, 0, 1);
    else
        store_u64(&one, 0, 1);
    labelled acc = labelled_new(e, &one, NULL);
    for (uint32_t k = 0; k < n->n_in; k++) {
        uint8_t kept[MAX_LABELS];
        uint32_t n_kept = labels_needed(&acc, &terms[k], n->n_in - k - 1, terms + k + 1, &spec.out, kept);
        bool is_last = k + 1 == n->n_in;
        labelled next;
        TRY(product(e, n, &acc, &terms[k], is_last ? spec.out.rank : n_kept, is_last ? spec.out.labels : kept, &next));
        acc = next;
    }
    return labelled_store(e, n, &acc, result_dtype(e, n, in->dt), out);
}
const eval_row row_einsum = {.run = run_einsum};

/* ---- attention ---- */

/* One head of one batch item: q [S, D], k [T, D], v [T, E] -> o [S, E]. */
typedef struct attention {
    const attr_attend *at;
    int64_t S, T, D, E;
    double scale;
    bool is_f64, is_choice; /* of the type that compiled code computes in; of a mask of bool */
    const double *q, *k, *v;
    const double *mask;     /* added to the score, or 0 where it does not count; NULL without */
    int64_t mask_s, mask_t; /* its strides */
    double *score;          /* T of them */
} attention;

/* Query i is at position i + (T - S): causal excludes later keys, a window those that lie `window` or more before. */
static bool sees(const attention *a, int64_t i, int64_t j) {
    int64_t ahead = j - (i + a->T - a->S), window = a->at->window;
    if (a->at->causal && ahead > 0) return false;
    return window <= 0 || -ahead < window;
}

static double rounded(const attention *a, double x) { return a->is_f64 ? x : (double)(float)x; }

/* Soft-capping comes before the mask, which therefore excludes whatever the cap. The masked score is rounded as compiled
 * code rounds it: beside a mask of -3e38 nothing of a score is left. */
static double score_of(const attention *a, int64_t i, int64_t j) {
    if (!sees(a, i, j)) return -INFINITY;
    double s = 0;
    for (int64_t d = 0; d < a->D; d++) s += a->q[i * a->D + d] * a->k[j * a->D + d];
    s *= a->scale;
    if (a->at->softcap > 0) s = a->at->softcap * tanh(s / a->at->softcap);
    if (!a->mask) return s;
    double m = a->mask[i * a->mask_s + j * a->mask_t];
    if (a->is_choice) return m != 0 ? s : -INFINITY;
    return rounded(a, s + m);
}

/* A weight that is 0 in compiled code is 0, so that beside a value of infinity it gives NaN. */
static double weight_of(const attention *a, double x) {
    double weight = exp(x);
    return rounded(a, weight) == 0 ? 0 : weight;
}

static void attend_row(const attention *a, int64_t i, tensor *out, int64_t to) {
    double max = -INFINITY, sum = 0, masked = a->at->masked_nan && a->T > 0 ? NAN : 0;
    bool is_masked = true;
    for (int64_t j = 0; j < a->T; j++) {
        a->score[j] = score_of(a, i, j);
        is_masked &= a->score[j] == -INFINITY;
        if (a->score[j] > max) max = a->score[j]; /* the weight of NaN is NaN by itself */
    }
    double base = max == -INFINITY ? 0 : max;
    for (int64_t j = 0; j < a->T; j++) sum += a->score[j] = weight_of(a, a->score[j] - base);
    for (int64_t d = 0; d < a->E; d++) {
        double o = 0;
        for (int64_t j = 0; j < a->T; j++)
            if (sees(a, i, j)) o += a->score[j] * a->v[j * a->E + d];
        store_f64(out, to + d, is_masked ? o + masked : o / sum);
    }
}

static bool attend_fits(const tensor *q, const tensor *k, const tensor *v) {
    if (q->rank < 3 || k->rank != q->rank || v->rank != q->rank) return false;
    const int64_t *qs = q->shape + q->rank - 3, *ks = k->shape + q->rank - 3, *vs = v->shape + q->rank - 3;
    return ks[0] == vs[0] && ks[1] == vs[1] && ks[2] == qs[2] && (ks[0] > 0 ? qs[0] % ks[0] == 0 : qs[0] == 0);
}

static frit_status run_attend(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const tensor *q = &in[0], *k = &in[1], *v = &in[2], *mask = n->n_in > 3 ? &in[3] : NULL;
    if (!attend_fits(q, k, v)) return FAIL(e->c, SHAPE, node_where(e, n), "attend: q, k and v do not fit");
    uint32_t lead = q->rank - 3;
    int64_t H = q->shape[lead], G = k->shape[lead], S = q->shape[lead + 1], T = k->shape[lead + 1];
    int64_t D = q->shape[lead + 2], E = v->shape[lead + 2], shape[MAX_RANK], m_strides[MAX_RANK] = {0};
    int64_t k_shape[MAX_RANK], k_strides[MAX_RANK], v_shape[MAX_RANK], v_strides[MAX_RANK];
    memcpy(shape, q->shape, sizeof shape);
    memcpy(k_shape, q->shape, sizeof k_shape);
    memcpy(v_shape, q->shape, sizeof v_shape);
    memcpy(k_shape + lead, k->shape + lead, 3 * sizeof *k_shape);
    memcpy(v_shape + lead, v->shape + lead, 3 * sizeof *v_shape);
    shape[lead + 2] = T;
    bool fits = broadcast_strides(k, q->rank, k_shape, k_strides) && broadcast_strides(v, q->rank, v_shape, v_strides);
    if (!fits || (mask && !broadcast_strides(mask, q->rank, shape, m_strides)))
        return FAIL(e->c, SHAPE, node_where(e, n), "attend: the mask or the batch does not broadcast");
    shape[lead + 2] = E;
    TRY(result_alloc(e, n, 0, q->dt, q->rank, shape, out));
    const double *qf = load_f64(e, q), *kf = load_f64(e, k), *vf = load_f64(e, v);
    const double *mf = mask ? load_f64(e, mask) : NULL;
    const attr_attend *at = n->attrs;
    double scale = at->scale != 0 ? at->scale : 1 / sqrt((double)(D ? D : 1)); /* scores over no columns are 0 */
    attention a = {.at = at, .S = S, .T = T, .D = D, .E = E, .scale = scale};
    a.is_f64 = q->dt == FRIT_DT_F64;
    a.is_choice = mask && mask->dt == FRIT_DT_BOOL;
    a.mask_s = m_strides[lead + 1];
    a.mask_t = m_strides[lead + 2];
    a.score = ARENA_ARRAY(e->c->scratch, double, T + 1);
    walk w = {0};
    int64_t to = 0, item = 0;
    for (uint32_t i = 0; i < lead; i++) {
        walk_axis(&w, q->shape[i], k_strides[i], v_strides[i], m_strides[i]);
    }
    for (bool more = walk_start(&w); more; more = walk_next(&w)) {
        for (int64_t h = 0; h < H; h++, item++) {
            a.q = qf + item * S * D;
            a.k = kf + w.off[0] + h / (H / G) * T * D;
            a.v = vf + w.off[1] + h / (H / G) * T * E;
            a.mask = mf ? mf + w.off[2] + h * m_strides[lead] : NULL;
            for (int64_t i = 0; i < S; i++, to += E) attend_row(&a, i, out, to);
        }
    }
    return FRIT_OK;
}
const eval_row row_attend = {.run = run_attend};

/* Rotates pairs of the first rotary_dim (0: all) elements of the last axis by the angles whose cosines and sines are
 * given: pairs (i, i + half), or (2 i, 2 i + 1) when interleaved. */
static frit_status run_rope(eval_cx *e, const node *n, const tensor *in, tensor *out) {
    const attr_rope *at = n->attrs;
    const tensor *x = &in[0];
    int64_t D = x->rank ? x->shape[x->rank - 1] : 0, rotary = at->rotary_dim ? at->rotary_dim : D, half = rotary / 2;
    int64_t shape[MAX_RANK], cs[MAX_RANK], ss[MAX_RANK], xs[MAX_RANK];
    memcpy(shape, x->shape, sizeof shape);
    if (x->rank) shape[x->rank - 1] = half;
    if (!x->rank || rotary < 0 || rotary > D || rotary % 2 || !broadcast_strides(&in[1], x->rank, shape, cs) ||
        !broadcast_strides(&in[2], x->rank, shape, ss))
        return FAIL(e->c, SHAPE, node_where(e, n), "rope: the angles do not fit");
    TRY(result_like(e, n, x->dt, x, out));
    strides_of(x->rank, x->shape, xs);
    const double *xf = load_f64(e, x), *cos_at = load_f64(e, &in[1]), *sin_at = load_f64(e, &in[2]);
    int64_t count = tensor_count(x);
    for (int64_t i = 0; i < count; i++) copy_element(x->dt, out->data, i, x->data, i);
    walk w = {0};
    for (uint32_t i = 0; i + 1 < x->rank; i++) walk_axis(&w, shape[i], cs[i], ss[i], xs[i]);
    walk_axis(&w, half, cs[x->rank - 1], ss[x->rank - 1], at->interleaved ? 2 : 1);
    for (bool more = walk_start(&w); more; more = walk_next(&w)) {
        int64_t i = w.off[2], j = i + (at->interleaved ? 1 : half);
        double c = cos_at[w.off[0]], s = sin_at[w.off[1]];
        store_f64(out, i, xf[i] * c - xf[j] * s);
        store_f64(out, j, xf[i] * s + xf[j] * c);
    }
    return FRIT_OK;
}
const eval_row row_rope = {.run = run_rope};
