/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* raise_quantized: products of dequantised 8-bit integers become products of the integers.
 *
 *    %x = mul(sub(cast %q : u8, %zq), %sq)   %w = mul(cast %k : i8, %sk)   %y = contract %x, %w : f32[M, N]
 *  becomes
 *    %p = contract %q, %k : i32[M, N]        %y = mul(cast(sub(%p, mul(%zq, sums of %k over k))), mul(%sq, %sk))
 *
 * and so without scales, in i32 (MatMulInteger, ConvInteger). Nothing is known of QuantizeLinear here: casts,
 * subtractions and multiplications are followed through views, from whichever front end they come. With zero points a,
 * b
 *
 *    sum (x - a)(y - b) = sum x y - a sum y - b sum x + K a b
 *
 * where sums of constants are constants. Beyond the edges of padded images stands the zero point. u8 by u8 and i8 by i8
 * become u8 by i8 by moving one of them by 128. Integer sums are exact: results in f32 are closer to the real ones than
 * before, and requantisation of dequantised values multiplies by the reciprocal of a constant scale instead of dividing
 * (within one quantum). Products in i32 keep their bits.
 *
 * Expects core operators; leaves constants for canonicalize_core to fold. */
#include "passes/kit/narrow.h"

#include <math.h>
#include <string.h>

#include "passes/kit/pattern.h"
#include "passes/pipeline.h"

/* Products of two centred bytes are at most 255 * 255; this many of them fit in an i32. */
enum { MAX_STEPS = INT32_MAX / (255 * 255) };

typedef struct raiser {
    bool *is_scaled; /* old value: follows from a dequantised value by sums, scales and bounds */
} raiser;

/* One operand of a product being rebuilt. */
typedef struct side {
    narrow x;
    const char *labels;
    dtype dt;
    value_id q;             /* new graph, without views */
    const const_data *data; /* q's, when it is a constant at hand */
    int64_t moved;          /* what was added to q and its zero point */
    value_id zero;          /* new graph, i32, over the result; VALUE_NONE: none */
} side;

static bool k_fits(const graph *g, const node *n) {
    const attr_contract *a = n->attrs;
    dim steps = dim_const(g->dims, 1);
    int64_t lo, hi;
    for (uint32_t i = 0; a->lhs[i]; i++)
        if (!strchr(a->out, a->lhs[i])) steps = dim_mul(g->dims, steps, graph_type(g, n->in[0])->shape[i]);
    dim_bounds(g->dims, steps, &lo, &hi);
    return hi <= MAX_STEPS;
}

/* q with every element moved by 128 into the other type of a byte. */
static void flip(build *b, side *s) {
    dtype to = s->dt == FRIT_DT_U8 ? FRIT_DT_I8 : FRIT_DT_U8;
    s->moved = s->dt == FRIT_DT_U8 ? -128 : 128;
    s->dt = to;
    if (!s->data || s->data->kind != CONST_DENSE || !s->data->bytes) {
        value_id bits = s->q;
        attr_cast as_u8 = {.to = FRIT_DT_U8}, as_new = {.to = to};
        if (to == FRIT_DT_I8) bits = build_op2(b, OP_xor, bits, build_like(b, bits, 128));
        bits = build_node(b, OP_bitcast, 1, &bits, to == FRIT_DT_I8 ? &as_new : &as_u8);
        s->q = to == FRIT_DT_I8 ? bits : build_op2(b, OP_xor, bits, build_like(b, bits, 128));
        s->data = NULL;
        return;
    }
    size_t n = (size_t)const_count(s->data);
    const uint8_t *from = s->data->bytes;
    uint8_t *bytes = arena_alloc(b->g->a, n);
    for (size_t i = 0; i < n; i++) bytes[i] = from[i] ^ 0x80;
    const_data *d = ARENA_NEW(b->g->a, const_data);
    *d = (const_data){.dt = to, .dims = s->data->dims, .bytes = bytes};
    if (build_ok(b)) b->status = graph_const_bytes(b->c, b->g, d, &s->q);
    s->data = d;
}

/* The zero point over the result, moved as its bytes were. */
static value_id zero_over(graph_rewriter *r, build *b, const side *s, const char *out) {
    value_id zero = VALUE_NONE;
    double number = 0;
    if (s->x.zero.v != VALUE_NONE) zero = narrow_param_over(r, b, &s->x, &s->x.zero, FRIT_DT_I32, s->labels, out);
    bool is_number = zero == VALUE_NONE || pattern_number(r->from, s->x.zero.v, &number);
    if (is_number)
        return number + (double)s->moved == 0 ? VALUE_NONE : build_splat(b, FRIT_DT_I32, number + (double)s->moved);
    return s->moved ? build_add(b, zero, build_splat(b, FRIT_DT_I32, (double)s->moved)) : zero;
}

/* q's sums over the summed axes, over the result. viewed: q under its views. */
static value_id sums_over(build *b, const side *s, value_id viewed, const char *out) {
    char kept[MAX_RANK + 1] = "";
    int64_t axes[MAX_RANK];
    uint32_t n = 0, n_kept = 0;
    for (uint32_t i = 0; s->labels[i]; i++) {
        if (strchr(out, s->labels[i]))
            kept[n_kept++] = s->labels[i];
        else
            axes[n++] = i;
    }
    kept[n_kept] = 0;
    value_id sums = s->data ? narrow_constant_sums(b, &s->x, s->data, s->labels, out) : VALUE_NONE;
    if (sums == VALUE_NONE) sums = build_reduce(b, RK_sum, build_cast(b, viewed, FRIT_DT_I32), n, axes);
    return narrow_align(b, sums, kept, out);
}

/* q under its views, beyond edges its zero point. */
static value_id viewed(graph_rewriter *r, build *b, const side *s) {
    value_id fill = s->zero;
    if (fill != VALUE_NONE && s->x.zero.v != VALUE_NONE && !s->x.zero.is_single) fill = VALUE_NONE;
    return narrow_views(r, b, &s->x, s->q, fill == VALUE_NONE ? fill : build_cast(b, fill, s->dt));
}

/* The product of (q - zero) of both sides. */
static value_id integer_product(graph_rewriter *r, build *b, const node *n, side *s) {
    const attr_contract *a = n->attrs;
    value_id q[2];
    for (uint32_t i = 0; i < 2; i++) {
        s[i].zero = zero_over(r, b, &s[i], a->out);
        q[i] = viewed(r, b, &s[i]);
    }
    value_id y = build_contract(b, q[0], q[1], a->lhs, a->rhs, a->out);
    for (uint32_t i = 0; i < 2; i++)
        if (s[i].zero != VALUE_NONE)
            y = build_sub(b, y, build_mul(b, s[i].zero, sums_over(b, &s[1 - i], q[1 - i], a->out)));
    if (s[0].zero == VALUE_NONE || s[1].zero == VALUE_NONE) return y;
    dim steps = dim_const(b->g->dims, 1);
    for (uint32_t i = 0; a->lhs[i]; i++)
        if (!strchr(a->out, a->lhs[i])) steps = dim_mul(b->g->dims, steps, graph_type(r->from, n->in[0])->shape[i]);
    value_id count = build_of_dim(b, FRIT_DT_I32, steps);
    return build_add(b, y, build_mul(b, build_mul(b, s[0].zero, s[1].zero), count));
}

static bool find_sides(graph_rewriter *r, const node *n, side *s) {
    const attr_contract *a = n->attrs;
    dtype dt = graph_type(r->from, n->out)->dt;
    bool is_float = dt == FRIT_DT_F32, is_integer = dt == FRIT_DT_I32;
    if (n->op != OP_contract || (!is_float && !is_integer) || (is_float && !k_fits(r->from, n))) return false;
    for (uint32_t i = 0; i < 2; i++) {
        s[i].labels = i ? a->rhs : a->lhs;
        if (graph_type(r->from, n->in[i])->dt != dt) return false;
        if (!narrow_find(r->from, n->in[i], s[i].labels, a->out, &s[i].x)) return false;
        s[i].q = r->map[s[i].x.q];
        s[i].dt = graph_type(r->from, s[i].x.q)->dt;
        s[i].data = graph_const(r->from, s[i].x.q);
    }
    return true;
}

/* Which of two sides of one type moves: a constant whose zero point becomes 0 by it, else the one that is not constant,
 * because the sums of the other are then known. */
static uint32_t flipped_side(const graph *g, const side *s) {
    uint32_t constant = s[0].data ? 0 : 1;
    double zero = 0;
    if (s[constant].x.zero.v != VALUE_NONE && !pattern_number(g, s[constant].x.zero.v, &zero)) zero = -1;
    return zero == (s[constant].dt == FRIT_DT_U8 ? 128 : -128) ? constant : 1 - constant;
}

static value_id raise_product(graph_rewriter *r, build *b, const node *n) {
    const attr_contract *a = n->attrs;
    side s[2] = {0};
    if (!find_sides(r, n, s)) return VALUE_NONE;
    if (s[0].dt == s[1].dt) flip(b, &s[flipped_side(r->from, s)]);
    value_id y = integer_product(r, b, n, s);
    if (graph_type(r->from, n->out)->dt == FRIT_DT_I32) return y;
    y = build_cast(b, y, FRIT_DT_F32);
    value_id scale = VALUE_NONE;
    for (uint32_t i = 0; i < 2; i++) {
        if (s[i].x.scale.v == VALUE_NONE) continue;
        value_id one = narrow_param_over(r, b, &s[i].x, &s[i].x.scale, FRIT_DT_F32, s[i].labels, a->out);
        scale = scale == VALUE_NONE ? one : build_mul(b, scale, one);
    }
    return scale == VALUE_NONE ? y : build_mul(b, y, scale);
}

/* round(x / c) as round(x * (1 / c)), for a constant c whose reciprocal is a normal number. */
static value_id raise_division(graph_rewriter *r, build *b, const node *rounding) {
    const raiser *state = r->data;
    double c = 0;
    const node *n = graph_def(r->from, rounding->in[0]);
    if (!n || n->op != OP_div || !state->is_scaled[n->in[0]]) return VALUE_NONE;
    bool is_scalar = graph_type(r->from, n->in[1])->rank == 0;
    if (graph_type(r->from, n->out)->dt != FRIT_DT_F32 || !is_scalar || !pattern_number(r->from, n->in[1], &c))
        return VALUE_NONE;
    if (!isnormal((float)c) || !isnormal((float)(1 / c))) return VALUE_NONE;
    value_id scaled = build_mul(b, r->map[n->in[0]], build_like(b, r->map[n->in[1]], 1 / c));
    return build_op1(b, OP_round, scaled);
}

static bool is_byte(dtype dt) { return dt == FRIT_DT_U8 || dt == FRIT_DT_I8; }

/* Whether n's result is a dequantised number, or sums and bounds of such. */
static bool stays_scaled(const graph *g, const raiser *x, const node *n) {
    bool follows = n->op == OP_add || n->op == OP_sub || n->op == OP_mul || n->op == OP_max || n->op == OP_min ||
                   n->op == OP_reshape || n->op == OP_transpose;
    bool is_scaled = n->op == OP_cast && is_byte(graph_type(g, n->in[0])->dt);
    for (uint32_t i = 0; i < n->n_in && follows; i++) is_scaled = is_scaled || x->is_scaled[n->in[i]];
    return is_scaled;
}

static frit_status rewrite_node(graph_rewriter *r, const node *n, bool *out_done) {
    raiser *x = r->data;
    build b = {.c = r->c, .g = r->to, .loc = n->loc};
    if (op_is(n->op, OPF_REGION) || n->n_out != 1) return FRIT_OK;
    value_id y = raise_product(r, &b, n);
    x->is_scaled[n->out] = y != VALUE_NONE || stays_scaled(r->from, x, n);
    if (n->op == OP_round) y = raise_division(r, &b, n);
    if (y != VALUE_NONE) {
        r->map[n->out] = y;
        *out_done = true;
    }
    return b.status;
}

frit_status pass_raise_quantized(cx *c, const graph *g, graph **out) {
    graph *raised = NULL;
    raiser data = {.is_scaled = ARENA_ARRAY(c->scratch, bool, g->values.n + 1u)};
    TRY(graph_rewrite(c, g, rewrite_node, &data, &raised));
    return graph_sweep(c, raised, out);
}
