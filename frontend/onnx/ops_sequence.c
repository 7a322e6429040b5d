/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sequences of tensors, followed while reading: positions and lengths must be known then. */
#include <string.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

#define MAX_SEQUENCE 4096u

/* A new sequence of n values, to be filled in through *out_at; NULL when too long. */
static sequence *sequence_new(reader *r, uint32_t n, value_id **out_at) {
    if (n > MAX_SEQUENCE) fail_node(r, FRIT_UNSUPPORTED, "a sequence of more than %u tensors", MAX_SEQUENCE);
    if (failed(r)) return NULL;
    sequence *s = ARENA_NEW(r->c->job, sequence);
    *out_at = ARENA_ARRAY(r->c->job, value_id, n + 1);
    *s = (sequence){n, *out_at};
    return s;
}

static const sequence *sequence_in(reader *r, const call *n, uint32_t i) {
    if (n->in_seq[i]) return n->in_seq[i];
    if (!failed(r)) fail_node(r, FRIT_UNSUPPORTED, "operand %u is no sequence that is known while reading", i);
    return NULL;
}

/* A position in 0..limit from operand i, which may count from the end; `otherwise` when it is left out. */
static bool position(reader *r, const call *n, uint32_t i, const sequence *s, int64_t limit, int64_t *at) {
    int_list given;
    if (!has_in(n, i)) return *at >= 0 && *at <= limit;
    if (!want_ints(r, n, i, &given) || given.n != 1) return false;
    *at = given.at[0] < 0 ? given.at[0] + s->n : given.at[0];
    if (*at >= 0 && *at <= limit) return true;
    fail_node(r, FRIT_RANGE, "position %lld in a sequence of %u", (long long)given.at[0], s->n);
    return false;
}

void map_sequence_empty(reader *r, call *n) {
    value_id *at;
    n->out_seq[0] = sequence_new(r, 0, &at);
}

void map_sequence_construct(reader *r, call *n) {
    value_id *at;
    n->out_seq[0] = sequence_new(r, n->n_in, &at);
    for (uint32_t i = 0; i < n->n_in && !failed(r); i++) at[i] = n->in[i];
}

void map_sequence_at(reader *r, call *n) {
    const sequence *s = sequence_in(r, n, 0);
    int64_t at = -1;
    if (s && position(r, n, 1, s, (int64_t)s->n - 1, &at)) n->out[0] = s->at[at];
}

void map_sequence_insert(reader *r, call *n) {
    const sequence *s = sequence_in(r, n, 0);
    int64_t at = s ? s->n : 0;
    value_id *to;
    if (!s || !position(r, n, 2, s, s->n, &at)) return;
    n->out_seq[0] = sequence_new(r, s->n + 1, &to);
    for (uint32_t i = 0; i <= s->n && !failed(r); i++) to[i] = i == at ? n->in[1] : s->at[i - (i > at)];
}

void map_sequence_erase(reader *r, call *n) {
    const sequence *s = sequence_in(r, n, 0);
    int64_t at = s ? (int64_t)s->n - 1 : 0;
    value_id *to;
    if (!s || !position(r, n, 1, s, (int64_t)s->n - 1, &at)) return;
    n->out_seq[0] = sequence_new(r, s->n - 1, &to);
    for (uint32_t i = 0; i + 1 < s->n && !failed(r); i++) to[i] = s->at[i + (i >= at)];
}

void map_sequence_length(reader *r, call *n) {
    const sequence *s = sequence_in(r, n, 0);
    int64_t count = s ? s->n : 0;
    if (s) n->out[0] = make_reshape(r, make_ints(r, 1, &count), 0, NULL);
}

/* Parts of `split` elements each (a number), of the sizes listed, or of one element each. */
void map_split_to_sequence(reader *r, call *n) {
    value_id x = n->in[0], *to;
    int64_t axis = attr_int(n, "axis", 0), extent;
    int_list split = {0};
    if (x == VALUE_NONE || !norm_axis(r, &axis, rank_of(r, x)) || (has_in(n, 1) && !want_ints(r, n, 1, &split))) return;
    bool is_list = has_in(n, 1) && rank_of(r, n->in[1]) == 1;
    int64_t each = split.n == 1 ? split.at[0] : 1;
    if (!dim_is_const(r->dims, extent_of(r, x, axis), &extent) || each < 1) {
        fail_node(r, FRIT_UNSUPPORTED, "parts of an axis of unknown extent");
        return;
    }
    int64_t count = is_list ? split.n : (extent + each - 1) / each, start = 0;
    n->out_seq[0] = sequence_new(r, count > MAX_SEQUENCE ? UINT32_MAX : (uint32_t)count, &to);
    for (int64_t i = 0; i < count && !failed(r); i++) {
        int64_t size = is_list ? split.at[i] : extent - start < each ? extent - start : each;
        to[i] = make_slice(r, x, axis, dimi(r, start), dimi(r, size), 1);
        if (!has_in(n, 1) && !attr_int(n, "keepdims", 1)) to[i] = make_squeeze(r, to[i], axis);
        start += size;
    }
}

void map_concat_from_sequence(reader *r, call *n) {
    const sequence *s = sequence_in(r, n, 0);
    int64_t axis = attr_int(n, "axis", 0);
    value_id parts[MAX_SEQUENCE];
    bool is_new = attr_int(n, "new_axis", 0) != 0;
    if (!s || s->n == 0 || !norm_axis(r, &axis, rank_of(r, s->at[0]) + is_new)) return;
    for (uint32_t i = 0; i < s->n; i++) parts[i] = is_new ? make_unsqueeze(r, s->at[i], axis) : s->at[i];
    n->out[0] = make_concat(r, axis, s->n, parts);
}

/* The body once for each position of the first sequence; operands that are tensors are the same for all. */
void map_sequence_map(reader *r, call *n) {
    const onnx_attr *body = attr_find(n, "body");
    const sequence *s = sequence_in(r, n, 0);
    if (!s || !body || body->type != ATTR_GRAPH || body->g->outputs.n > 16 || n->n_in > 16) {
        if (!failed(r)) fail_node(r, FRIT_UNSUPPORTED, "a body of unlikely form");
        return;
    }
    value_id in[16], results[16], *to[16];
    uint32_t n_out = body->g->outputs.n;
    for (uint32_t k = 0; k < n_out; k++) n->out_seq[k] = sequence_new(r, s->n, &to[k]);
    for (uint32_t i = 0; i < s->n && !failed(r); i++) {
        for (uint32_t k = 0; k < n->n_in; k++) {
            const sequence *q = n->in_seq[k];
            if (q && q->n != s->n) fail_node(r, FRIT_SHAPE, "sequences of %u and %u tensors", s->n, q->n);
            in[k] = q && i < q->n ? q->at[i] : n->in[k];
        }
        read_subgraph(r, n->f, body->g, n->n_in, in, results);
        for (uint32_t k = 0; k < n_out && !failed(r); k++) to[k][i] = results[k];
    }
}
