/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weights that a formula over constants gives: dequantised ones. They stay as narrow as the model stores them; what the
 * formula reads is packed in the order in which a block of B is filled, columns of a block side by side:
 *
 *   q: i8[K, N], s: f32[K / 32, N]      bt[kk, col] = f32(q[kk, col]) * s[kk floordiv 32, col]
 *   q' [N / 64, K, 64], s' [N / 64, K / 32, 64]: one run of memory for each block of columns
 *
 * So a product of few rows reads its weights as a stream, and filling takes a few instructions a vector. */
#include "passes/tree_cpu/tree_contract.h"

enum { WEIGHTS_UNROLL = 4 };

/* What reading one constant over k means. */
typedef struct steps {
    int64_t *offsets; /* of each step, in elements, the column's share left out */
    int64_t run;      /* aligned runs of so many steps read one element: a power of two */
} steps;

static void note_other(void *data, sym_id s) {
    sym_id *own = data;
    if (s != own[0]) own[1] = s;
}

/* Whether d depends on no symbol but s. */
static bool depends_on_only(contract_cx *x, dim d, sym_id s) {
    sym_id found[2] = {s, SYM_NONE};
    kx_visit_dim(x->k->dims, d, note_other, found);
    return found[1] == SYM_NONE;
}

/* The longest aligned runs, in steps, over which the offsets stay the same. */
static int64_t equal_run(const int64_t *offsets, int64_t n) {
    int64_t run = 1;
    while (run < n) run *= 2;
    for (int64_t i = 1; i < n; i++)
        while (run > 1 && i % run != 0 && offsets[i] != offsets[i - 1]) run /= 2;
    return run;
}

static frit_status read_steps(contract_cx *x, dim offset, int64_t n_k, steps *out) {
    cx *c = x->e->c;
    sym_id kk = axis_sym(x->k, x->kk);
    int64_t *values = ARENA_ARRAY(c->scratch, int64_t, dim_n_syms(x->k->dims) + 1u);
    out->offsets = ARENA_ARRAY(c->scratch, int64_t, (size_t)n_k + 1u);
    for (int64_t i = 0; i < n_k; i++) {
        values[kk] = i;
        TRY(dim_eval(c, x->k->dims, offset, values, &out->offsets[i]));
    }
    out->run = equal_run(out->offsets, n_k);
    return FRIT_OK;
}

static dim offset_of(kernel *k, const const_data *d, const dim *at) {
    dim offset = dim_const(k->dims, 0);
    for (uint32_t i = 0; i < d->dims.n; i++)
        offset = dim_add(k->dims, dim_mul(k->dims, offset, dim_const(k->dims, d->dims.at[i])), at[i]);
    return offset;
}

/* The packed form of what reading the constant at `offset` looks at. */
static kx load_packed(contract_cx *x, const const_data *d, const steps *s, pack_request r) {
    kernel *k = x->k;
    dim_table *t = k->dims;
    int64_t n = (r.n_k + s->run - 1) / s->run;
    int64_t *offsets = ARENA_ARRAY(x->e->c->scratch, int64_t, (size_t)n + 1u);
    for (int64_t i = 0; i < n; i++) offsets[i] = s->offsets[i * s->run];
    r.data = d;
    r.k_offsets = offsets;
    r.n_k = n;
    const const_data *packed = pack_panels(x->e->c->job, &r);
    dim shape[3], panel = dim_const(t, r.panel);
    for (uint32_t i = 0; i < 3; i++) shape[i] = dim_const(t, packed->dims.at[i]);
    buf_id b = expander_packed(x->e, packed, 3, arena_copy(k->a, shape, sizeof shape));
    dim at[3] = {dim_floordiv(t, x->col, panel), dim_floordiv(t, x->kk, dim_const(t, s->run)),
                 dim_mod(t, x->col, panel)};
    return kx_load(k, b, at, 0, 0);
}

/* A load of the formula, 0: as it stands. Sets weights_fit to false where it is not one of constants over k and the
 * column alone. */
static kx load_weights(expander *e, value_id v, const dim *at, kx guard) {
    contract_cx *x = e->data;
    kernel *k = x->k;
    const const_data *d = graph_const(e->f->g, v);
    pack_request r = {.panel = PANEL, .k_pack = 1};
    steps s = {0};
    dim stride, rest;
    x->weights_fit = x->weights_fit && d && d->kind == CONST_DENSE && d->bytes && !guard;
    if (!x->weights_fit) return 0;
    bool is_linear = dim_linear(k->dims, offset_of(k, d, at), axis_sym(k, x->col), &stride, &rest) &&
                     dim_is_const(k->dims, stride, &r.col_stride) && dim_is_const(k->dims, x->n_k, &r.n_k) &&
                     dim_is_const(k->dims, x->n_cols, &r.n_cols) && depends_on_only(x, rest, axis_sym(k, x->kk));
    x->weights_fit = is_linear && read_steps(x, rest, r.n_k, &s) == FRIT_OK;
    if (!x->weights_fit || r.col_stride == 0) return 0;
    x->n_weights++;
    if (s.run > 1 && (x->weights_run == 1 || s.run < x->weights_run)) x->weights_run = s.run;
    /* Several vectors at once of less than bytes would be packed and unpacked on their way to registers. */
    if (dtype_bits(d->dt) < 8) x->fill_unroll = 1;
    return x->is_trial ? 0 : load_packed(x, d, &s, r);
}

frit_status contract_weights(contract_cx *x, bool is_trial, bool *out_fit) {
    expander *e = x->e;
    e->load = load_weights;
    e->data = x;
    e->memo = (map){.a = x->k->a};
    x->weights_fit = true;
    x->is_trial = is_trial;
    x->n_weights = 0;
    x->weights_run = 1;
    x->fill_unroll = WEIGHTS_UNROLL;
    frit_status status = contract_operand(x, x->b_operand, 0, &x->b);
    e->load = NULL;
    e->data = NULL;
    *out_fit = x->weights_fit && x->n_weights > 0;
    if (!*out_fit) x->fill_unroll = 1;
    return status;
}
