/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Traces: their life, the sticky failure, and what a program is framed by: dims, inputs, constants, states, outputs. */
#include "frontend/trace/trace.h"

#include <string.h>

#define MAX_CONST_ELEMENTS ((int64_t)1 << 46) /* more than any memory holds */

/* ---- life ---- */

frit_tracer *frit_tracer_create(const char *name) {
    arena job;
    arena_init(&job);
    frit_tracer *t = ARENA_NEW(&job, frit_tracer);
    t->job = job;
    arena_init(&t->scratch);
    arena_alloc(&t->scratch, 1); /* so that its first block is not freed after each operation */
    t->c = (cx){.job = &t->job, .scratch = &t->scratch};
    t->g = graph_new(&t->job, name && *name ? str_sanitize(&t->job, name) : "main", dim_table_new(&t->job));
    t->failed = (frit_value){t, VALUE_NONE};
    return t;
}

void frit_tracer_destroy(frit_tracer *t) {
    if (!t) return;
    for (uint32_t i = 0; i < t->files.n; i++) file_unmap(&t->files.at[i]);
    arena_fini(&t->scratch);
    arena job = t->job; /* holds t itself */
    arena_fini(&job);
}

/* ---- failures ---- */

frit_status frit_tracer_status(const frit_tracer *t) { return t ? t->c.status : FRIT_USAGE; }

const char *frit_error(const frit_tracer *t) {
    if (!t) return "there is no trace";
    if (t->c.status != FRIT_OK) return t->c.message;
    return t->trouble ? t->trouble : "";
}

void trace_set_trouble(frit_tracer *t, const char *message) {
    t->trouble = message ? arena_strdup(&t->job, message) : NULL;
}

frit_value *trace_fail(frit_tracer *t, const char *where, frit_status code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(&t->job, fmt, ap);
    va_end(ap);
    cx_fail(&t->c, code, where, "%s", text);
    return &t->failed;
}

graph *trace_graph(frit_tracer *t) { return t->g; }

frit_status trace_finish(frit_tracer *t) {
    if (t->c.status != FRIT_OK) return t->c.status;
    const char *open = NULL;
    for (uint32_t i = 0; i < t->states.n && !open; i++)
        if (!t->states.at[i].is_stored) open = graph_value(t->g, t->states.at[i].value->id)->name;
    if (open) {
        trace_set_trouble(t, arena_printf(&t->job, "%s: the state is never stored: call frit_store", open));
        return FRIT_MISSING;
    }
    if (t->g->outputs.n) return FRIT_OK;
    trace_set_trouble(t, arena_printf(&t->job, "%s: the program has no output: call frit_output", t->g->name));
    return FRIT_MISSING;
}

/* ---- dims: numbers as they are, expressions as 1 << 63 | tag of the tracer << 32 | id ---- */

#define DIM_HANDLE_END (-((int64_t)1 << 62)) /* every handle lies below, every number that makes sense above */

/* 30 bits that tell traces apart, so that a dim of another tracer is refused instead of misread. */
static uint64_t dim_tag(const frit_tracer *t) {
    uintptr_t p = (uintptr_t)t;
    return hash_bytes(&p, sizeof p, 0) & 0x3fffffff;
}

dim trace_dim(frit_tracer *t, frit_dim d) {
    if (d >= DIM_HANDLE_END) return dim_const(t->g->dims, d);
    uint64_t bits = (uint64_t)d;
    return (bits >> 32 & 0x3fffffff) == dim_tag(t) ? (dim)bits : DIM_BAD;
}

frit_dim trace_dim_out(frit_tracer *t, dim d) {
    int64_t n;
    if (d != DIM_BAD && dim_is_const(t->g->dims, d, &n) && n >= DIM_HANDLE_END) return n;
    return (frit_dim)((uint64_t)1 << 63 | dim_tag(t) << 32 | d);
}

static frit_dim bad_dim(frit_tracer *t) { return t ? trace_dim_out(t, DIM_BAD) : 0; }

/* How many entries of l there are to read. */
static uint32_t list_length(frit_tracer *t, frit_list l) {
    if (l.n && !l.at) cx_fail(&t->c, FRIT_USAGE, NULL, "a list of %u entries is NULL", l.n);
    return l.at ? l.n : 0;
}

dim_list trace_dims(frit_tracer *t, frit_list l) {
    uint32_t n = list_length(t, l);
    dim *at = ARENA_ARRAY(&t->scratch, dim, n + 1u);
    for (uint32_t i = 0; i < n; i++) at[i] = trace_dim(t, l.at[i]);
    return (dim_list){n, at};
}

int_list trace_ints(frit_tracer *t, frit_list l) {
    uint32_t n = list_length(t, l);
    return (int_list){n, arena_copy(&t->scratch, l.at, n * sizeof *l.at)};
}

/* The symbol of that name with that range, made when new; SYM_NONE after recording a mistake. */
static sym_id symbol(frit_tracer *t, const char *where, const char *name, const int64_t range[2]) {
    int64_t lo = range[0], hi = range[1];
    if (!name || !*name) trace_fail(t, where, FRIT_USAGE, "a dim needs a name");
    if (lo == 0 && hi == 0) lo = 1, hi = 65536;
    if (lo < 0 || hi < lo || hi > INT32_MAX)
        trace_fail(t, where, FRIT_RANGE, "dim '%s': the range %lld..%lld is not within 0..%d", name ? name : "",
                   (long long)lo, (long long)hi, INT32_MAX);
    if (!trace_is_ok(t)) return SYM_NONE;
    sym_id s;
    dim_table *dims = t->g->dims;
    bool is_old = dim_sym_find(dims, name, &s);
    dim_is_sym(dims, dim_sym(dims, name), &s);
    sym_info *info = dim_sym_info(dims, s);
    if (is_old && (info->lo != lo || info->hi != hi)) {
        trace_fail(t, where, FRIT_RANGE, "dim '%s' is in %lld..%lld already, not %lld..%lld", name, (long long)info->lo,
                   (long long)info->hi, (long long)lo, (long long)hi);
        return SYM_NONE;
    }
    info->lo = lo;
    info->hi = hi;
    return s;
}

frit_dim frit_dim_sym_at(const char *where, frit_tracer *t, const char *name, int64_t lo, int64_t hi) {
    if (!trace_is_ok(t)) return bad_dim(t);
    sym_id s = symbol(t, where, name, (int64_t[]){lo, hi});
    return s == SYM_NONE ? bad_dim(t) : trace_dim_out(t, dim_of_sym(t->g->dims, s));
}

frit_dim frit_dim_input_at(const char *where, frit_tracer *t, const char *name, int64_t lo, int64_t hi) {
    if (!trace_is_ok(t)) return bad_dim(t);
    sym_id s = SYM_NONE;
    if (name && dim_sym_find(t->g->dims, name, &s)) {
        trace_fail(t, where, FRIT_USAGE, "there is a dim '%s' already", name);
        return bad_dim(t);
    }
    s = symbol(t, where, name, (int64_t[]){lo, hi});
    frit_value *x = frit_input_at(where, t, name, FRIT_DT_I64, FRIT_EMPTY);
    if (!trace_is_ok(t) || x->id == VALUE_NONE) return bad_dim(t);
    uint32_t input = graph_value(t->g, x->id)->index;
    t->g->inputs.at[input].is_host = true;
    sym_info *info = dim_sym_info(t->g->dims, s);
    info->kind = SYM_HOST_ELEM;
    info->input = input;
    info->axis = 0;
    return trace_dim_out(t, dim_of_sym(t->g->dims, s));
}

void frit_dim_hint(frit_tracer *t, frit_dim sym, int64_t hint) {
    sym_id s;
    dim d = trace_is_ok(t) ? trace_dim(t, sym) : DIM_BAD;
    if (d != DIM_BAD && dim_is_sym(t->g->dims, d, &s)) dim_sym_info(t->g->dims, s)->hint = hint;
}

typedef dim dim_fn(dim_table *t, dim a, dim b);
static frit_dim combine(frit_tracer *t, dim_fn *fn, frit_dim a, frit_dim b) {
    if (!trace_is_ok(t)) return bad_dim(t);
    dim x = trace_dim(t, a), y = trace_dim(t, b);
    return trace_dim_out(t, x == DIM_BAD || y == DIM_BAD ? DIM_BAD : fn(t->g->dims, x, y));
}

frit_dim frit_dim_add(frit_tracer *t, frit_dim a, frit_dim b) { return combine(t, dim_add, a, b); }
frit_dim frit_dim_sub(frit_tracer *t, frit_dim a, frit_dim b) { return combine(t, dim_sub, a, b); }
frit_dim frit_dim_mul(frit_tracer *t, frit_dim a, frit_dim b) { return combine(t, dim_mul, a, b); }
frit_dim frit_dim_floordiv(frit_tracer *t, frit_dim a, frit_dim b) { return combine(t, dim_floordiv, a, b); }
frit_dim frit_dim_mod(frit_tracer *t, frit_dim a, frit_dim b) {
    return b == 0 ? bad_dim(t) : combine(t, dim_mod, a, b);
}
frit_dim frit_dim_min(frit_tracer *t, frit_dim a, frit_dim b) { return combine(t, dim_min, a, b); }
frit_dim frit_dim_max(frit_tracer *t, frit_dim a, frit_dim b) { return combine(t, dim_max, a, b); }

/* ---- values ---- */

frit_value *trace_value(frit_tracer *t, value_id id) {
    if (id == VALUE_NONE) return &t->failed;
    frit_value *x = ARENA_NEW(&t->job, frit_value);
    *x = (frit_value){t, id};
    return x;
}

frit_dtype frit_dtype_of(const frit_value *x) {
    return x && x->id != VALUE_NONE ? graph_type(x->t->g, x->id)->dt : FRIT_DT_NONE;
}

uint32_t frit_rank_of(const frit_value *x) { return x && x->id != VALUE_NONE ? graph_type(x->t->g, x->id)->rank : 0; }

frit_dim frit_dim_of(const frit_value *x, int32_t axis) {
    int64_t rank = frit_rank_of(x), at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) return x ? bad_dim(x->t) : 0;
    return trace_dim_out(x->t, graph_type(x->t->g, x->id)->shape[at]);
}

frit_value *frit_name(frit_value *x, const char *name) {
    if (!x || x->id == VALUE_NONE || !name || !*name) return x;
    value *v = &x->t->g->values.at[x->id];
    if (!v->name) v->name = arena_strdup(&x->t->job, name);
    return x;
}

/* ---- the frame of a program ---- */

static bool port_is_new(frit_tracer *t, const char *where, const char *name, bool is_input) {
    uint32_t n = is_input ? t->g->inputs.n : t->g->outputs.n;
    const port *ports = is_input ? t->g->inputs.at : t->g->outputs.at;
    const char *what = is_input ? "input" : "output";
    if (!name || !*name) trace_fail(t, where, FRIT_USAGE, "an %s needs a name", what);
    for (uint32_t i = 0; i < n && trace_is_ok(t); i++)
        if (str_equal(ports[i].name, name)) trace_fail(t, where, FRIT_USAGE, "there is an %s '%s' already", what, name);
    return trace_is_ok(t);
}

/* A dtype that tensors can have; from C anything may come. */
static bool dtype_is_known(frit_tracer *t, const char *where, frit_dtype dt) {
    switch (dt) {
#define FRIT_DTYPE_ROW(name, code, text, bits, kind) case FRIT_DT_##name:
        FRIT_DTYPE_LIST(FRIT_DTYPE_ROW)
#undef FRIT_DTYPE_ROW
        return true;
    case FRIT_DT_NONE:
        break;
    }
    trace_fail(t, where, FRIT_TYPE, "%d is no frit_dtype", (int)dt);
    return false;
}

frit_value *frit_input_at(const char *where, frit_tracer *t, const char *name, frit_dtype dt, frit_list shape) {
    if (!trace_is_ok(t) || !port_is_new(t, where, name, true) || !dtype_is_known(t, where, dt)) return trace_nothing(t);
    if (shape.n > MAX_RANK)
        return trace_fail(t, where, FRIT_SHAPE, "input '%s' has rank %u, the most is %d", name, shape.n, MAX_RANK);
    arena_mark mark = arena_save(&t->scratch);
    dim_list dims = trace_dims(t, shape);
    for (uint32_t i = 0; i < dims.n; i++) {
        bool is_bad = dims.at[i] == DIM_BAD || dim_lt(t->g->dims, dims.at[i], dim_const(t->g->dims, 0));
        if (is_bad)
            trace_fail(t, where, FRIT_SHAPE, "input '%s': dim %u is negative or no dim of this tracer", name, i);
    }
    value_id id = trace_is_ok(t) ? graph_input(t->g, name, dt, dims.n, dims.at) : VALUE_NONE;
    arena_release(&t->scratch, mark);
    return trace_value(t, id);
}

void frit_output_at(const char *where, frit_value *x, const char *name) {
    op_call k;
    if (op_begin(&k, where, "output", 1, (const frit_value *const[]){x}) && port_is_new(x->t, where, name, false))
        graph_output(x->t->g, name, x->id);
    op_end(&k, VALUE_NONE);
}

frit_value *frit_constant_at(const char *where, frit_tracer *t, frit_dtype dt, frit_list shape, const void *data) {
    op_call k;
    if (!op_begin_in(&k, where, "constant", t) || !dtype_is_known(t, where, dt)) return op_end(&k, VALUE_NONE);
    attr_const a = {.data = {.kind = CONST_DENSE, .dt = dt, .dims = trace_ints(t, shape), .bytes = data}};
    int64_t count = 1;
    for (uint32_t i = 0; i < a.data.dims.n; i++) {
        int64_t n = a.data.dims.at[i];
        if (n < 0 || __builtin_mul_overflow(count, n, &count) || count > MAX_CONST_ELEMENTS)
            return op_end(&k, op_fail(&k, FRIT_SHAPE, "dim %u must be a number of 0 or more, and not too large", i));
    }
    if (!data && count) return op_end(&k, op_fail(&k, FRIT_MISSING, "has no data"));
    return op_end(&k, op_add(&k, OP_const, 0, NULL, &a));
}

static value_id splat(op_call *k, frit_dtype dt, double v) {
    attr_const a = {.data = {.kind = CONST_SPLAT, .dt = dt}};
    if (op_ok(k)) a.data.splat = dtype_from_f64(dt, v);
    return op_add(k, OP_const, 0, NULL, &a);
}

frit_value *frit_scalar_at(const char *where, frit_tracer *t, frit_dtype dt, double v) {
    op_call k;
    bool fits = op_begin_in(&k, where, "scalar", t) && dtype_is_known(t, where, dt);
    return op_end(&k, fits ? splat(&k, dt, v) : VALUE_NONE);
}

frit_value *frit_scalar_like_at(const char *where, const frit_value *x, double v) {
    op_call k;
    bool fits = op_begin(&k, where, "scalar", 1, &x);
    return op_end(&k, fits ? splat(&k, frit_dtype_of(x), v) : VALUE_NONE);
}

const void *frit_map_file_at(const char *where, frit_tracer *t, const char *path, uint64_t *out_bytes) {
    if (out_bytes) *out_bytes = 0;
    if (!trace_is_ok(t)) return NULL;
    mapped_file f;
    if (!path || !out_bytes) {
        trace_fail(t, where, FRIT_USAGE, path ? "there is no room for the file's size: NULL" : "a file needs a path");
    } else if (file_map(&t->c, path, &f) == FRIT_OK) {
        vec_push(&t->job, t->files, f);
        *out_bytes = f.bytes;
        return f.data;
    } else if (where) {
        cx_prefix(&t->c, where);
    }
    return NULL;
}

frit_value *frit_state_at(const char *where, frit_tracer *t, const char *name, frit_dtype dt, frit_list shape) {
    frit_value *x = frit_input_at(where, t, name, dt, shape);
    if (!trace_is_ok(t) || x->id == VALUE_NONE) return trace_nothing(t);
    t->g->inputs.at[graph_value(t->g, x->id)->index].state = t->states.n;
    trace_state s = {x, false};
    vec_push(&t->job, t->states, s);
    return x;
}

/* x in the type of a state: where only a call decides whether a size is the state's, it is required to be. */
static value_id as_state(op_call *k, const tensor_type *want, value_id x) {
    const tensor_type *have = op_type(k, x);
    dim_table *dims = k->t->g->dims;
    bool fits = have->dt == want->dt && have->rank == want->rank, same = fits;
    for (uint32_t i = 0; fits && i < want->rank; i++) {
        fits = !dim_never_equal(dims, have->shape[i], want->shape[i]);
        same = same && dim_equal(dims, have->shape[i], want->shape[i]);
    }
    if (!fits) op_fail(k, FRIT_SHAPE, "the new value is not of the state's dtype and shape");
    if (same || !op_ok(k)) return x;
    return op_add(k, OP_broadcast, 1, &x, &(attr_dims){.dims = {want->rank, want->shape}});
}

void frit_store_at(const char *where, frit_value *state, frit_value *x) {
    op_call k;
    if (!op_begin(&k, where, "store", 2, (const frit_value *const[]){state, x})) {
        op_end(&k, VALUE_NONE);
        return;
    }
    frit_tracer *t = state->t;
    uint32_t s = 0;
    while (s < t->states.n && t->states.at[s].value->id != state->id) s++;
    if (s == t->states.n)
        op_fail(&k, FRIT_USAGE, "the first operand is not what frit_state gave");
    else if (t->states.at[s].is_stored)
        op_fail(&k, FRIT_USAGE, "the state is stored already");
    value_id stored = op_ok(&k) ? as_state(&k, graph_type(t->g, state->id), x->id) : VALUE_NONE;
    const char *name = graph_value(t->g, state->id)->name;
    if (op_ok(&k) && port_is_new(t, where, name, false)) {
        graph_output(t->g, name, stored);
        t->g->outputs.at[t->g->outputs.n - 1].state = s;
        t->states.at[s].is_stored = true;
    }
    op_end(&k, VALUE_NONE);
}

/* ---- operations ---- */

bool op_dtype_known(op_call *k, frit_dtype dt) { return op_ok(k) && dtype_is_known(k->t, k->where, dt); }

bool op_ok(const op_call *k) { return trace_is_ok(k->t); }

bool op_begin_in(op_call *k, const char *where, const char *name, frit_tracer *t) {
    *k = (op_call){.t = t, .where = where, .name = name};
    if (!trace_is_ok(t)) return false;
    k->loc = graph_loc(t->g, where ? where : "");
    k->mark = arena_save(&t->scratch);
    k->is_open = true;
    return true;
}

bool op_begin(op_call *k, const char *where, const char *name, uint32_t n, const frit_value *const *x) {
    frit_tracer *t = NULL;
    for (uint32_t i = 0; x && i < n && !t; i++) t = x[i] ? x[i]->t : NULL;
    if (!op_begin_in(k, where, name, t)) return false;
    for (uint32_t i = 0; i < n && op_ok(k); i++) {
        if (!x[i])
            op_fail(k, FRIT_USAGE, "operand %u is NULL", i);
        else if (x[i]->t != t)
            op_fail(k, FRIT_USAGE, "operand %u belongs to another tracer", i);
    }
    return op_ok(k);
}

value_id op_fail(op_call *k, frit_status code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(&k->t->job, fmt, ap);
    va_end(ap);
    trace_fail(k->t, k->where, code, "%s: %s", k->name, text);
    return VALUE_NONE;
}

/* Messages of inference name the place by themselves, others do not. */
static void ensure_place(const op_call *k) {
    if (k->where && !str_starts(k->t->c.message, k->where)) cx_prefix(&k->t->c, k->where);
}

value_id op_add(op_call *k, op_code op, uint32_t n, const value_id *in, const void *attrs) {
    if (!op_ok(k)) return VALUE_NONE;
    for (uint32_t i = 0; i < n; i++)
        if (in[i] == VALUE_NONE) return VALUE_NONE;
    value_id out;
    if (graph_add(&k->t->c, k->t->g, op, k->loc, n, in, attrs, &out) == FRIT_OK) return out;
    ensure_place(k);
    return VALUE_NONE;
}

value_id op_reshape(op_call *k, value_id x, uint32_t rank, const dim *shape) {
    value_id out;
    if (!op_ok(k) || x == VALUE_NONE) return VALUE_NONE;
    if (graph_reshape(&k->t->c, k->t->g, k->loc, x, rank, shape, &out) == FRIT_OK) return out;
    ensure_place(k);
    return VALUE_NONE;
}

const tensor_type *op_type(const op_call *k, value_id id) { return graph_type(k->t->g, id); }

frit_value *op_end(op_call *k, value_id id) {
    if (!k->t) return NULL;
    if (k->is_open) arena_release(&k->t->scratch, k->mark);
    k->is_open = false;
    return op_ok(k) ? trace_value(k->t, id) : &k->t->failed;
}
