/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Decompositions into contract: matmul, einsum; and rope. A contract has no broadcasting: an operand whose batch axis
 * has extent 1 loses that axis instead, so that nothing is repeated. */
#include <string.h>

#include "ir/op/einsum.h"
#include "passes/decompose/decompose.h"

/* An operand under construction: a value and one label per axis. */
typedef struct labelled {
    value_id v;
    uint32_t rank;
    char labels[MAX_RANK + 1];
} labelled;

static bool is_one(const build *b, dim d) {
    int64_t v = 0;
    return dim_is_const(b->g->dims, d, &v) && v == 1;
}

/* x without the axes that drop[] marks (all of extent 1). */
static void drop_axes(build *b, labelled *x, const bool *drop) {
    if (!build_ok(b)) return;
    const tensor_type *t = build_type(b, x->v);
    dim shape[MAX_RANK];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < t->rank; i++) {
        if (drop[i]) continue;
        x->labels[rank] = x->labels[i];
        shape[rank++] = t->shape[i];
    }
    x->labels[rank] = 0;
    x->rank = rank;
    x->v = build_reshape(b, x->v, rank, shape);
}

enum { M_LABEL = 'm', K_LABEL = 'k', N_LABEL = 'n' };

/* Labels of a matmul operand: batch axes A, B, .. counted from the right, then the two of the matrix. */
static labelled matmul_operand(const build *b, value_id v, char row, char column) {
    labelled x = {.v = v, .rank = build_rank(b, v)};
    for (uint32_t i = 0; i + 2 < x.rank; i++) x.labels[i] = (char)('A' + (x.rank - 3 - i));
    if (x.rank > 1) x.labels[x.rank - 2] = row;
    x.labels[x.rank - 1] = x.rank > 1 ? column : K_LABEL;
    return x;
}

/* Drops batch axes of extent 1 that the other operand has with another extent. */
static void drop_broadcast(build *b, labelled *x, value_id other) {
    const tensor_type *t = build_type(b, x->v), *o = build_type(b, other);
    bool drop[MAX_RANK] = {false};
    for (uint32_t i = 0; i + 2 < t->rank; i++) {
        uint32_t from_right = t->rank - 1 - i;
        bool has = from_right < o->rank;
        drop[i] = has && is_one(b, t->shape[i]) && !is_one(b, o->shape[o->rank - 1 - from_right]);
    }
    drop_axes(b, x, drop);
}

void decompose_matmul(decomposition *d) {
    build *b = &d->b;
    labelled x = matmul_operand(b, d->in[0], M_LABEL, K_LABEL), y = matmul_operand(b, d->in[1], K_LABEL, N_LABEL);
    uint32_t rx = x.rank, ry = y.rank, batch = 0;
    char out[MAX_RANK + 1] = "";
    uint32_t wide = rx > ry ? rx : ry;
    for (uint32_t i = wide > 2 ? wide - 2 : 0; i-- > 0;) out[batch++] = (char)('A' + i);
    if (rx > 1) out[batch++] = M_LABEL;
    if (ry > 1) out[batch++] = N_LABEL;
    drop_broadcast(b, &x, d->in[1]);
    drop_broadcast(b, &y, d->in[0]);
    d->out[0] = build_contract(b, x.v, y.v, x.labels, y.labels, out);
}

/* --- einsum --- */

/* Letters for the labels of an equation, in order of first use. */
typedef struct letters {
    uint32_t n;
    char of[EINSUM_LABELS]; /* 0 when not used */
} letters;

static char letter_of(build *b, letters *l, uint8_t label) {
    if (l->of[label]) return l->of[label];
    if (l->n == 52) {
        build_fail(b, FRIT_UNSUPPORTED, "einsum with more than 52 different axes");
        return 'A';
    }
    uint32_t i = l->n++;
    return l->of[label] = (char)(i < 26 ? 'a' + i : 'A' + i - 26);
}

/* Sums out the second of two equal labels: the diagonal as a masked sum. */
static void take_diagonal(build *b, labelled *x, uint32_t first, uint32_t second) {
    const tensor_type *t = build_type(b, x->v);
    value_id i = build_iota(b, FRIT_DT_I64, first, x->rank, t->shape[first]);
    value_id j = build_iota(b, FRIT_DT_I64, second, x->rank, t->shape[second]);
    value_id kept = build_select(b, build_op2(b, OP_eq, i, j), x->v, build_like(b, x->v, 0));
    int64_t axis = second;
    x->v = build_reduce(b, RK_sum, kept, 1, &axis);
    memmove(x->labels + second, x->labels + second + 1, x->rank - second);
    x->rank--;
}

static void take_diagonals(build *b, labelled *x) {
    for (uint32_t i = 0; i < x->rank && build_ok(b); i++) {
        const char *again = strchr(x->labels + i + 1, x->labels[i]);
        if (!again) continue;
        take_diagonal(b, x, i, (uint32_t)(again - x->labels));
        i--; /* a label may stand three times */
    }
}

/* Sums out labels that neither `keep` nor another operand has. */
static void sum_private(build *b, labelled *x, const char *keep) {
    int64_t axes[MAX_RANK];
    uint32_t n = 0, rank = 0;
    char labels[MAX_RANK + 1];
    for (uint32_t i = 0; i < x->rank; i++) {
        if (strchr(keep, x->labels[i]))
            labels[rank++] = x->labels[i];
        else
            axes[n++] = i;
    }
    labels[rank] = 0;
    x->v = build_reduce(b, RK_sum, x->v, n, axes);
    x->rank = rank;
    memcpy(x->labels, labels, sizeof x->labels);
}

/* Letters that the output or operands first.. need. */
static void needed(const labelled *x, uint32_t first, uint32_t n, const char *out, char *keep) {
    size_t at = strlen(strcpy(keep, out));
    for (uint32_t i = first; i < n; i++)
        for (uint32_t k = 0; k < x[i].rank; k++)
            if (!memchr(keep, x[i].labels[k], at)) keep[at++] = x[i].labels[k];
    keep[at] = 0;
}

static void contract_pair(build *b, labelled *x, const labelled *y, const char *keep) {
    char out[2 * MAX_RANK + 1];
    uint32_t rank = 0;
    for (uint32_t i = 0; i < x->rank; i++)
        if (strchr(keep, x->labels[i])) out[rank++] = x->labels[i];
    for (uint32_t i = 0; i < y->rank; i++)
        if (strchr(keep, y->labels[i]) && !strchr(x->labels, y->labels[i])) out[rank++] = y->labels[i];
    out[rank] = 0;
    if (rank > MAX_RANK) {
        build_fail(b, FRIT_UNSUPPORTED, "einsum with an intermediate of rank %u", rank);
        return;
    }
    x->v = build_contract(b, x->v, y->v, x->labels, y->labels, out);
    x->rank = rank;
    memcpy(x->labels, out, rank + 1);
}

/* Extent-1 axes of "..." that another operand has wider. */
static void drop_einsum_broadcast(build *b, const einsum_spec *s, const value_id *in, uint32_t operand, labelled *x) {
    bool drop[MAX_RANK] = {false};
    const tensor_type *t = build_type(b, in[operand]);
    for (uint32_t i = 0; i < t->rank; i++) {
        if (s->in[operand].labels[i] < EINSUM_ELLIPSIS || !is_one(b, t->shape[i])) continue;
        for (uint32_t o = 0; o < s->n_in; o++)
            for (uint32_t k = 0; k < s->in[o].rank; k++)
                drop[i] = drop[i] || (s->in[o].labels[k] == s->in[operand].labels[i] &&
                                      !is_one(b, build_type(b, in[o])->shape[k]));
    }
    drop_axes(b, x, drop);
}

static void transpose_to(build *b, labelled *x, const char *out) {
    int64_t perm[MAX_RANK];
    for (uint32_t i = 0; i < x->rank && build_ok(b); i++) perm[i] = strchr(x->labels, out[i]) - x->labels;
    x->v = build_transpose(b, x->v, perm);
}

void decompose_einsum(decomposition *d) {
    const attr_einsum *a = d->attrs;
    build *b = &d->b;
    cx *c = b->c;
    uint32_t *ranks = ARENA_ARRAY(c->scratch, uint32_t, d->n_in);
    for (uint32_t i = 0; i < d->n_in; i++) ranks[i] = build_rank(b, d->in[i]);
    einsum_spec s;
    b->status = einsum_parse(c, c->scratch, a->equation ? a->equation : "", d->n_in, ranks, &s);
    if (!build_ok(b)) return;
    letters l = {0};
    labelled *x = ARENA_ARRAY(c->scratch, labelled, d->n_in);
    char out[MAX_RANK + 1] = "", keep[EINSUM_LABELS + 1];
    for (uint32_t i = 0; i < s.out.rank; i++) out[i] = letter_of(b, &l, s.out.labels[i]);
    for (uint32_t i = 0; i < d->n_in; i++) {
        x[i] = (labelled){.v = d->in[i], .rank = ranks[i]};
        for (uint32_t k = 0; k < ranks[i]; k++) x[i].labels[k] = letter_of(b, &l, s.in[i].labels[k]);
        drop_einsum_broadcast(b, &s, d->in, i, &x[i]);
        take_diagonals(b, &x[i]);
    }
    for (uint32_t i = 0; i < d->n_in && build_ok(b); i++) {
        labelled acc = x[0];
        needed(x, i + 1, d->n_in, out, keep);
        if (i == 0) {
            sum_private(b, &x[0], keep);
            continue;
        }
        char here[EINSUM_LABELS + 1];
        strcpy(here, keep);
        for (uint32_t k = 0; k < acc.rank; k++)
            if (!strchr(here, acc.labels[k])) strncat(here, &acc.labels[k], 1);
        sum_private(b, &x[i], here);
        contract_pair(b, &x[0], &x[i], keep);
    }
    if (!build_ok(b)) return;
    transpose_to(b, &x[0], out);
    d->out[0] = x[0].v;
}

/* --- rope --- */

/* The rotated part as two halves of pairs, and how they go back together. */
void decompose_rope(decomposition *d) {
    const attr_rope *a = d->attrs;
    build *b = &d->b;
    dim_table *t = b->g->dims;
    value_id x = d->in[0], cosine = d->in[1], sine = d->in[2];
    uint32_t rank = d->types[0].rank, last = rank - 1;
    dim half = dim_const(t, a->rotary_dim / 2), second = a->interleaved ? dim_const(t, 1) : half;
    int64_t step = a->interleaved ? 2 : 1;
    value_id x1 = build_slice_axis(b, x, last, dim_const(t, 0), half, step);
    value_id x2 = build_slice_axis(b, x, last, second, half, step);
    value_id y1 = build_sub(b, build_mul(b, x1, cosine), build_mul(b, x2, sine));
    value_id y2 = build_add(b, build_mul(b, x2, cosine), build_mul(b, x1, sine));
    if (!build_ok(b)) return;
    dim shape[MAX_RANK + 1];
    memcpy(shape, d->types[0].shape, rank * sizeof *shape);
    value_id parts[3] = {y1, y2, VALUE_NONE};
    uint32_t n = 2;
    if (a->interleaved) {
        if (rank == MAX_RANK) {
            build_fail(b, FRIT_UNSUPPORTED, "interleaved rope of rank %u", rank);
            return;
        }
        shape[last] = half;
        shape[rank] = dim_const(t, 1);
        value_id pair[2] = {build_reshape(b, y1, rank + 1, shape), build_reshape(b, y2, rank + 1, shape)};
        value_id both = build_node(b, OP_concat, 2, pair, &(attr_axis){.axis = rank});
        shape[last] = dim_const(t, a->rotary_dim);
        parts[0] = build_reshape(b, both, rank, shape);
        n = 1;
    }
    dim rest = dim_sub(t, d->types[0].shape[last], dim_const(t, a->rotary_dim));
    if (!dim_equal(t, rest, dim_const(t, 0)))
        parts[n++] = build_slice_axis(b, x, last, dim_const(t, a->rotary_dim), rest, 1);
    d->out[0] = n == 1 ? parts[0] : build_node(b, OP_concat, n, parts, &(attr_axis){.axis = last});
}
