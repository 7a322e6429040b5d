/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Decomposition of random: Philox 4x32-10 in 64-bit integer arithmetic on an iota of element numbers; the definition
 * (which word makes which number) stands at the top of ir/eval/eval_random.c, and integers agree with it bit for bit.
 */
#include <math.h>

#include "passes/decompose/decompose.h"

/* Four 32-bit words of the state, held in u64. */
typedef struct words {
    value_id w[4];
} words;

static value_id number(build *b, uint64_t v) {
    value_id out = VALUE_NONE;
    const_data d = {.kind = CONST_SPLAT, .dt = FRIT_DT_U64, .splat = {.u = v}};
    if (build_ok(b)) b->status = graph_const_bytes(b->c, b->g, &d, &out);
    return out;
}

static value_id low_half(build *b, value_id x) { return build_op2(b, OP_and, x, number(b, UINT32_MAX)); }
static value_id high_half(build *b, value_id x) { return build_op2(b, OP_shr, x, number(b, 32)); }
static value_id xor3(build *b, value_id x, value_id y, uint32_t key) {
    return build_op2(b, OP_xor, build_op2(b, OP_xor, x, y), number(b, key));
}

static words philox_words(build *b, value_id index, uint64_t seed) {
    words s = {{low_half(b, index), high_half(b, index), number(b, 0), number(b, 0)}};
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        value_id p0 = build_mul(b, s.w[0], number(b, 0xD2511F53)), p1 = build_mul(b, s.w[2], number(b, 0xCD9E8D57));
        words next = {{xor3(b, high_half(b, p1), s.w[1], k0), low_half(b, p1), xor3(b, high_half(b, p0), s.w[3], k1),
                       low_half(b, p0)}};
        s = next;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    return s;
}

/* The integer that unit() of the evaluator scales by 2^-bits. */
static value_id unit_integer(build *b, bool is_double, value_id hi, value_id lo) {
    if (!is_double) return build_op2(b, OP_shr, hi, number(b, 8));
    value_id top = build_op2(b, OP_shl, build_op2(b, OP_shr, hi, number(b, 5)), number(b, 26));
    return build_add(b, top, build_op2(b, OP_shr, lo, number(b, 6)));
}

static value_id unit(build *b, bool is_double, value_id integer) {
    if (is_double) return build_mul(b, build_cast(b, integer, FRIT_DT_F64), build_splat(b, FRIT_DT_F64, 0x1p-53));
    value_id small = build_cast(b, integer, FRIT_DT_I32); /* 24 bits */
    return build_mul(b, build_cast(b, small, FRIT_DT_F32), build_splat(b, FRIT_DT_F32, 0x1p-24));
}

static value_id normal(build *b, value_id u, value_id v) {
    value_id tail = build_op1(b, OP_log, build_sub(b, build_like(b, u, 1), u));
    value_id radius = build_op1(b, OP_sqrt, build_mul(b, build_like(b, u, -2), tail));
    return build_mul(b, radius, build_op1(b, OP_cos, build_mul(b, v, build_like(b, u, 6.28318530717958647692))));
}

/* u < a, as integers: exact whatever type a would be rounded to. */
static value_id bernoulli(build *b, bool is_double, value_id integer, double a) {
    double bound = ceil(ldexp(a, is_double ? 53 : 24));
    uint64_t least = bound > 0 ? bound < 0x1p60 ? (uint64_t)bound : UINT64_MAX : 0;
    return build_op2(b, OP_lt, integer, number(b, least));
}

void decompose_random(decomposition *d) {
    const attr_random *a = d->attrs;
    build *b = &d->b;
    bool is_double = a->to == FRIT_DT_F64;
    dim n = dim_product(b->g->dims, a->dims.n, a->dims.at);
    attr_iota flat = {.dims = dim_list_of(b->g->a, 1, &n), .to = FRIT_DT_U64};
    value_id index = build_node(b, OP_iota, 0, NULL, &flat);
    words r = philox_words(b, index, (uint64_t)a->seed);
    value_id integer = unit_integer(b, is_double, r.w[0], r.w[1]), x = VALUE_NONE;
    if (a->kind == RD_bernoulli) {
        x = bernoulli(b, is_double, integer, a->a);
    } else {
        bool is_normal = a->kind == RD_normal;
        x = unit(b, is_double, integer);
        if (is_normal) x = normal(b, x, unit(b, is_double, unit_integer(b, is_double, r.w[2], r.w[3])));
        x = build_mul(b, x, build_like(b, x, is_normal ? a->b : a->b - a->a));
        x = build_add(b, x, build_like(b, x, a->a));
    }
    d->out[0] = build_cast(b, build_reshape(b, x, a->dims.n, a->dims.at), a->to);
}
