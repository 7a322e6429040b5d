/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* RNN, GRU and LSTM: the products with the inputs are done for all steps at once; the steps are written out when they
 * are few and their number is known, else they become a scan. */
#include <string.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

#define MAX_UNROLLED 4 /* a loop costs as little as writing steps out, and compiles once */

typedef enum cell_kind { CELL_RNN, CELL_GRU, CELL_LSTM } cell_kind;

/* One direction of one layer. */
typedef struct cell {
    cell_kind kind;
    uint32_t gates; /* 1, 3 or 4 */
    dim hidden;
    value_id x;           /* [S, B, gates*H]: inputs times W plus its bias */
    value_id weights;     /* [H, gates*H]: R transposed */
    value_id bias;        /* [gates*H]: the recurrent bias; VALUE_NONE */
    value_id peepholes;   /* [3*H]: input, output, forget; VALUE_NONE */
    value_id lengths;     /* [B, 1] i64; VALUE_NONE when all sequences are whole */
    const char *names[3]; /* activations f, g, h */
    double alpha[3], beta[3], clip;
    bool reverse, linear_before_reset, input_forget;
} cell;

typedef struct states {
    value_id h, c; /* [B, H]; c of LSTM only */
} states;

static value_id activated(reader *r, const cell *k, uint32_t i, value_id x) {
    static const struct {
        const char *name;
        op_code op;
        double alpha, beta;
    } known_names[] = {{"Sigmoid", OP_sigmoid, 0, 0},
                       {"Tanh", OP_tanh, 0, 0},
                       {"Relu", OP_relu, 0, 0},
                       {"Softsign", OP_softsign, 0, 0},
                       {"Softplus", OP_softplus, 0, 0},
                       {"LeakyRelu", OP_leaky_relu, 0.01, 0},
                       {"ThresholdedRelu", OP_thresholded_relu, 1, 0},
                       {"Elu", OP_elu, 1, 0},
                       {"HardSigmoid", OP_hard_sigmoid, 0.2, 0.5}};
    if (k->clip > 0) x = make_clamp(r, x, -k->clip, k->clip);
    for (size_t j = 0; j < countof(known_names); j++) {
        if (!str_equal(known_names[j].name, k->names[i])) continue;
        op_code op = known_names[j].op;
        double alpha = k->alpha[i] == k->alpha[i] ? k->alpha[i] : known_names[j].alpha; /* NaN: not given */
        double beta = k->beta[i] == k->beta[i] ? k->beta[i] : known_names[j].beta;
        if (op == OP_hard_sigmoid) return make(r, op, 1, &x, &(attr_alpha_beta){.alpha = alpha, .beta = beta});
        if (op_info_of(op)->attrs == op_info_of(OP_elu)->attrs)
            return make(r, op, 1, &x, &(attr_alpha){.alpha = alpha});
        return make1(r, op, x);
    }
    fail_node(r, FRIT_UNSUPPORTED, "the activation %.40s", k->names[i]);
    return VALUE_NONE;
}

/* Gate i of [B, gates*H]. */
static value_id gate(reader *r, const cell *k, value_id x, uint32_t i) {
    return make_slice(r, x, -1, dim_mul(r->dims, k->hidden, dimi(r, i)), k->hidden, 1);
}

static value_id peephole(reader *r, const cell *k, uint32_t i, value_id c) {
    return mul(r, make_slice(r, k->peepholes, 0, dim_mul(r->dims, k->hidden, dimi(r, i)), k->hidden, 1), c);
}

static states lstm_step(reader *r, const cell *k, value_id x, states s) {
    value_id all = add(r, x, make2(r, OP_matmul, s.h, k->weights));
    if (k->bias != VALUE_NONE) all = add(r, all, k->bias);
    value_id i = gate(r, k, all, 0), o = gate(r, k, all, 1), f = gate(r, k, all, 2), c = gate(r, k, all, 3);
    bool peeps = k->peepholes != VALUE_NONE;
    if (peeps) i = add(r, i, peephole(r, k, 0, s.c)), f = add(r, f, peephole(r, k, 2, s.c));
    i = activated(r, k, 0, i);
    f = k->input_forget ? sub(r, make_like(r, i, 1), i) : activated(r, k, 0, f);
    value_id next = add(r, mul(r, f, s.c), mul(r, i, activated(r, k, 1, c)));
    if (peeps) o = add(r, o, peephole(r, k, 1, next));
    value_id seen = activated(r, k, 2, next); /* first, so that the product joins the kernel that makes next */
    return (states){mul(r, seen, activated(r, k, 0, o)), next};
}

static states gru_step(reader *r, const cell *k, value_id x, states s) {
    /* the third gate looks at h after the reset, unless the reset comes behind the product */
    dim width = dim_mul(r->dims, k->hidden, dimi(r, k->linear_before_reset ? 3 : 2));
    value_id weights = make_slice(r, k->weights, 1, dimi(r, 0), width, 1);
    value_id product = make2(r, OP_matmul, s.h, weights);
    if (k->bias != VALUE_NONE) product = add(r, product, make_slice(r, k->bias, 0, dimi(r, 0), width, 1));
    value_id z = activated(r, k, 0, add(r, gate(r, k, x, 0), gate(r, k, product, 0)));
    value_id reset = activated(r, k, 0, add(r, gate(r, k, x, 1), gate(r, k, product, 1))), inner;
    if (k->linear_before_reset)
        inner = mul(r, reset, gate(r, k, product, 2));
    else {
        inner = make2(r, OP_matmul, mul(r, reset, s.h), gate(r, k, k->weights, 2));
        if (k->bias != VALUE_NONE) inner = add(r, inner, gate(r, k, k->bias, 2));
    }
    value_id h = activated(r, k, 1, add(r, gate(r, k, x, 2), inner));
    value_id kept = mul(r, z, s.h);
    return (states){add(r, mul(r, sub(r, make_like(r, z, 1), z), h), kept), VALUE_NONE};
}

static states rnn_step(reader *r, const cell *k, value_id x, states s) {
    value_id all = add(r, x, make2(r, OP_matmul, s.h, k->weights));
    if (k->bias != VALUE_NONE) all = add(r, all, k->bias);
    return (states){activated(r, k, 0, all), VALUE_NONE};
}

/* The next states from the products x [B, gates*H] of step t; sequences that have ended keep theirs, and give zeros. */
static states step(reader *r, const cell *k, value_id x, value_id t, states s, value_id *out_y) {
    states next = k->kind == CELL_LSTM  ? lstm_step(r, k, x, s)
                  : k->kind == CELL_GRU ? gru_step(r, k, x, s)
                                        : rnn_step(r, k, x, s);
    *out_y = next.h;
    if (k->lengths == VALUE_NONE) return next;
    value_id runs = make2(r, OP_lt, t, k->lengths);
    *out_y = make3(r, OP_select, runs, next.h, make_like(r, next.h, 0));
    next.h = make3(r, OP_select, runs, next.h, s.h);
    if (k->kind == CELL_LSTM) next.c = make3(r, OP_select, runs, next.c, s.c);
    return next;
}

/* All steps written out; y becomes [S, B, H]. */
static states unroll(reader *r, const cell *k, int64_t length, states s, value_id *out_y) {
    value_id ys[MAX_UNROLLED];
    for (int64_t i = 0; i < length && !failed(r); i++) {
        int64_t t = k->reverse ? length - 1 - i : i;
        value_id x = make_squeeze(r, make_slice(r, k->x, 0, dimi(r, t), dimi(r, 1), 1), 0);
        s = step(r, k, x, make_reshape(r, make_ints(r, 1, &t), 0, NULL), s, &ys[t]);
        ys[t] = make_unsqueeze(r, ys[t], 0);
    }
    *out_y = failed(r) ? VALUE_NONE : make_concat(r, 0, (uint32_t)length, ys);
    return s;
}

/* The steps as a scan over the products and the step numbers. */
static states scan(reader *r, const cell *k, states s, value_id *out_y) {
    uint32_t n_states = k->kind == CELL_LSTM ? 2 : 1, n = n_states + 2;
    value_id in[4] = {s.h, s.c}, first, results[3];
    in[n_states] = k->x;
    in[n_states + 1] = make_iota(r, FRIT_DT_I64, extent_of(r, k->x, 0));
    if (failed(r)) return s;
    tensor_type types[4];
    for (uint32_t i = 0; i < n; i++) types[i] = *type_of(r, in[i]);
    for (uint32_t i = n_states; i < n; i++) types[i].rank--, types[i].shape++;
    region_id body = graph_region_begin(r->g, n, types);
    const value_id *params = r->g->regions.at[body].params.at;
    states now = {params[0], n_states == 2 ? params[1] : VALUE_NONE};
    states next = step(r, k, params[n_states], params[n_states + 1], now, &results[n_states]);
    results[0] = next.h;
    if (n_states == 2) results[1] = next.c;
    graph_region_end(r->g, failed(r) ? 0 : n_states + 1, results);
    int64_t zeros[2] = {0, 0}, ways[2] = {k->reverse, k->reverse};
    attr_scan_loop a = {.n_carried = n_states,
                        .in_axes = {2, zeros},
                        .out_axes = {1, zeros},
                        .in_reverse = {2, ways},
                        .out_reverse = {1, ways}};
    if (failed(r) || graph_add_region_node(r->c, r->g, OP_scan_loop, r->loc, n, in, &a, 1, &body, &first) != FRIT_OK)
        return s;
    *out_y = first + n_states;
    return (states){first, n_states == 2 ? first + 1 : VALUE_NONE};
}

/* Slice i of the direction axis (the first) of an operand. */
static value_id of_direction(reader *r, value_id x, uint32_t i) {
    if (x == VALUE_NONE) return x;
    return make_squeeze(r, make_slice(r, x, 0, dimi(r, i), dimi(r, 1), 1), 0);
}

static void read_activations(reader *r, const call *n, cell *k, uint32_t direction) {
    static const char *const usual[][3] = {{"Tanh", "", ""}, {"Sigmoid", "Tanh", ""}, {"Sigmoid", "Tanh", "Tanh"}};
    uint32_t count = (uint32_t)k->kind + 1;
    const onnx_attr *names = attr_find(n, "activations"), *alpha = attr_find(n, "activation_alpha"),
                    *beta = attr_find(n, "activation_beta");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = direction * count + i;
        bool given = names && names->type == ATTR_STRINGS && at < names->n_strings;
        k->names[i] = given ? names->strings[at] : usual[k->kind][i];
        k->alpha[i] = alpha && at < alpha->floats.n ? alpha->floats.at[at] : __builtin_nan("");
        k->beta[i] = beta && at < beta->floats.n ? beta->floats.at[at] : __builtin_nan("");
    }
    k->clip = attr_float(n, "clip", 0);
    k->linear_before_reset = attr_int(n, "linear_before_reset", 0) != 0;
    k->input_forget = attr_int(n, "input_forget", 0) != 0;
    (void)r;
}

static cell read_cell(reader *r, const call *n, cell_kind kind, value_id x, uint32_t direction, bool reverse) {
    static const uint32_t gates[] = {1, 3, 4};
    cell k = {.kind = kind,
              .gates = gates[kind],
              .peepholes = VALUE_NONE,
              .bias = VALUE_NONE,
              .lengths = VALUE_NONE,
              .reverse = reverse};
    read_activations(r, n, &k, direction);
    k.hidden = extent_of(r, n->in[2], -1);
    dim width = dim_mul(r->dims, k.hidden, dimi(r, k.gates));
    value_id w = of_direction(r, n->in[1], direction), bias = of_direction(r, n->in[3], direction);
    k.weights = make_swap(r, of_direction(r, n->in[2], direction), 0, 1);
    k.x = make2(r, OP_matmul, x, make_swap(r, w, 0, 1));
    if (bias != VALUE_NONE) {
        k.x = add(r, k.x, make_slice(r, bias, 0, dimi(r, 0), width, 1));
        k.bias = make_slice(r, bias, 0, width, width, 1);
    }
    if (kind == CELL_LSTM) k.peepholes = of_direction(r, n->in[7], direction);
    if (has_in(n, 4)) k.lengths = make_unsqueeze(r, make_cast(r, n->in[4], FRIT_DT_I64), 1);
    return k;
}

static value_id first_state(reader *r, const call *n, uint32_t i, uint32_t direction, const cell *k, bool batch_first) {
    if (!has_in(n, i)) {
        dim shape[2] = {extent_of(r, k->x, 1), k->hidden};
        return make_broadcast(r, make_like(r, k->x, 0), 2, shape);
    }
    return of_direction(r, batch_first ? make_swap(r, n->in[i], 0, 1) : n->in[i], direction);
}

static void map_recurrent(reader *r, call *n, cell_kind kind) {
    static const char *const ways[] = {"forward", "reverse", "bidirectional", NULL};
    int way = attr_choice(r, n, "direction", "forward", ways);
    bool batch_first = attr_int(n, "layout", 0) != 0;
    uint32_t directions = way == 2 ? 2 : 1;
    value_id x = batch_first ? make_swap(r, n->in[0], 0, 1) : n->in[0], y[2], h[2], c[2];
    if (rank_of(r, x) != 3 || rank_of(r, n->in[1]) != 3 || rank_of(r, n->in[2]) != 3)
        fail_node(r, FRIT_SHAPE, "X, W and R need three axes");
    for (uint32_t i = 0; i < directions && !failed(r); i++) {
        cell k = read_cell(r, n, kind, x, i, way == 1 || i == 1);
        states s = {first_state(r, n, 5, i, &k, batch_first), VALUE_NONE};
        if (kind == CELL_LSTM) s.c = first_state(r, n, 6, i, &k, batch_first);
        int64_t length;
        bool few = dim_is_const(r->dims, extent_of(r, x, 0), &length) && length >= 1 && length <= MAX_UNROLLED;
        y[i] = VALUE_NONE;
        s = few ? unroll(r, &k, length, s, &y[i]) : scan(r, &k, s, &y[i]);
        y[i] = make_unsqueeze(r, y[i], 1), h[i] = make_unsqueeze(r, s.h, 0);
        c[i] = kind == CELL_LSTM ? make_unsqueeze(r, s.c, 0) : VALUE_NONE;
    }
    if (failed(r)) return;
    static const int64_t batch_order[] = {2, 0, 1, 3};
    value_id all = make_concat(r, 1, directions, y), last = make_concat(r, 0, directions, h);
    n->out[0] = batch_first ? make_transpose(r, all, batch_order) : all;
    n->out[1] = batch_first ? make_swap(r, last, 0, 1) : last;
    if (kind != CELL_LSTM) return;
    last = make_concat(r, 0, directions, c);
    n->out[2] = batch_first ? make_swap(r, last, 0, 1) : last;
}

void map_rnn(reader *r, call *n) { map_recurrent(r, n, CELL_RNN); }
void map_gru(reader *r, call *n) { map_recurrent(r, n, CELL_GRU); }
void map_lstm(reader *r, call *n) { map_recurrent(r, n, CELL_LSTM); }
