/* Recording: each public call adds nodes to the program's graph, whose inference is what checks shapes and types. The
 * location of a node is the caller's "file.c:12", so that errors and reports speak of the caller's source. */
#include "frontend/trace/trace.h"

#include <stdlib.h>
#include <string.h>

#include "ir/attrs.h"
#include "ir/graph_text.h"

/* --- programs --- */

frit_program *frit_program_create(const char *name) {
    arena job;
    arena_init(&job);
    frit_program *p = ARENA_NEW(&job, frit_program);
    p->job = job;
    arena_init(&p->scratch);
    p->c = (cx){.job = &p->job, .scratch = &p->scratch};
    p->g = graph_new(&p->job, name && text_is_name(name) ? arena_strdup(&p->job, name) : "program",
                     dim_table_new(&p->job));
    return p;
}

void frit_program_destroy(frit_program *p) {
    if (!p) return;
    if (p->code) p->close_code(p->code);
    arena_fini(&p->scratch);
    arena job = p->job; /* p itself lives in it */
    arena_fini(&job);
}

const char *frit_program_error(const frit_program *p) {
    if (p->c.status == FRIT_OK) return "";
    return p->c.message ? p->c.message : frit_status_text(p->c.status);
}

const char *frit_program_text(frit_program *p) {
    if (p->c.status != FRIT_OK) return NULL;
    strbuf b = {.a = &p->job};
    graph_print(&b, p->g);
    return strbuf_text(&b);
}

/* --- one call --- */

/* A call of the public interface on its way into the graph. */
typedef struct record {
    frit_program *p;
    cx *c;
    const char *where; /* "file.c:12" */
    arena_mark mark;   /* of scratch, released at the end */
} record;

/* False when nothing may be recorded: after an error, or when the program is compiled. */
static bool record_begin(record *r, frit_program *p, const char *file, int line) {
    *r = (record){.p = p};
    if (!p || p->c.status != FRIT_OK) return false;
    r->c = &p->c;
    r->mark = arena_save(&p->scratch);
    r->where = arena_printf(&p->job, "%s:%d", file, line);
    if (!p->code) return true;
    FAIL(r->c, USAGE, r->where, "the program is compiled already; nothing can be added to it");
    return false;
}

static frit_value no_value(frit_program *p) { return (frit_value){p, VALUE_NONE}; }

static frit_value record_end(record *r, frit_status status, value_id v) {
    arena_release(&r->p->scratch, r->mark);
    return status == FRIT_OK ? (frit_value){r->p, v} : no_value(r->p);
}

static loc_id record_loc(const record *r) { return graph_loc(r->p->g, r->where); }

static frit_status check_value(const record *r, frit_value x) {
    if (x.program != r->p) return FAIL(r->c, USAGE, r->where, "a tensor of another program, or none at all");
    if (x.id >= r->p->g->values.n) return FAIL(r->c, USAGE, r->where, "not a tensor of this program");
    return FRIT_OK;
}

/* --- dims: numbers are themselves, expressions are handles below 0 --- */

enum { FIRST_HANDLE = -2 };

static int64_t handle_of(dim_table *t, dim d) {
    int64_t number;
    if (dim_is_const(t, d, &number)) return number;
    return FIRST_HANDLE - (int64_t)d;
}

static frit_status dim_of_handle(const record *r, int64_t h, dim *out) {
    *out = h >= 0 ? dim_const(r->p->g->dims, h) : (dim)(FIRST_HANDLE - h);
    bool is_fine = h >= 0 || (h <= FIRST_HANDLE && FIRST_HANDLE - h < (int64_t)DIM_BAD);
    if (!is_fine) return FAIL(r->c, USAGE, r->where, "%lld is neither a size nor a symbolic dim", (long long)h);
    return FRIT_OK;
}

static frit_status dims_of_handles(const record *r, int rank, const int64_t *dims, dim *out) {
    if (rank < 0 || rank > MAX_RANK) return FAIL(r->c, USAGE, r->where, "rank %d is not from 0 to %d", rank, MAX_RANK);
    for (int i = 0; i < rank; i++) TRY(dim_of_handle(r, dims[i], &out[i]));
    return FRIT_OK;
}

int64_t frit_dim_symbol_at(frit_program *p, const char *name, int64_t lo, int64_t hi, const char *file, int line) {
    record r;
    if (!record_begin(&r, p, file, line)) return 0;
    sym_id s;
    frit_status status = FRIT_OK;
    if (!name || !text_is_name(name))
        status = FAIL(r.c, USAGE, r.where, "a dim's name is letters, digits and _");
    else if (dim_sym_find(p->g->dims, name, &s))
        status = FAIL(r.c, USAGE, r.where, "the program has a dim '%s' already", name);
    else if (lo < 0 || lo > hi)
        status = FAIL(r.c, RANGE, r.where, "dim '%s' cannot be from %lld to %lld", name, (long long)lo, (long long)hi);
    record_end(&r, status, 0);
    if (status != FRIT_OK) return 0;
    dim d = dim_sym(p->g->dims, arena_strdup(&p->job, name));
    dim_sym_find(p->g->dims, name, &s);
    dim_sym_info(p->g->dims, s)->lo = lo;
    dim_sym_info(p->g->dims, s)->hi = hi;
    return handle_of(p->g->dims, d);
}

typedef dim dim_fn(dim_table *t, dim a, dim b);
static int64_t combine_dims(frit_program *p, dim_fn *fn, int64_t a, int64_t b) {
    record r;
    dim x, y;
    if (!record_begin(&r, p, "dims", 0)) return 0;
    r.where = "arithmetic of dims";
    if (dim_of_handle(&r, a, &x) != FRIT_OK || dim_of_handle(&r, b, &y) != FRIT_OK) return 0;
    dim d = fn(p->g->dims, x, y);
    if (d != DIM_BAD) return handle_of(p->g->dims, d);
    FAIL(r.c, RANGE, r.where, "overflow or division by zero");
    return 0;
}

int64_t frit_dim_add(frit_program *p, int64_t a, int64_t b) { return combine_dims(p, dim_add, a, b); }
int64_t frit_dim_sub(frit_program *p, int64_t a, int64_t b) { return combine_dims(p, dim_sub, a, b); }
int64_t frit_dim_mul(frit_program *p, int64_t a, int64_t b) { return combine_dims(p, dim_mul, a, b); }
int64_t frit_dim_floordiv(frit_program *p, int64_t a, int64_t b) { return combine_dims(p, dim_floordiv, a, b); }

/* --- facts --- */

static const tensor_type *type_of(frit_value x) {
    bool is_known = x.program && x.program->c.status == FRIT_OK && x.id < x.program->g->values.n;
    return is_known ? graph_type(x.program->g, x.id) : NULL;
}

int frit_dtype_of(frit_value x) {
    const tensor_type *t = type_of(x);
    return t ? (int)t->dt : FRIT_DT_NONE;
}

int frit_rank_of(frit_value x) {
    const tensor_type *t = type_of(x);
    return t ? (int)t->rank : -1;
}

int64_t frit_dim_of(frit_value x, int axis) {
    const tensor_type *t = type_of(x);
    if (!t) return 0;
    int at = axis < 0 ? axis + (int)t->rank : axis;
    if (at >= 0 && at < (int)t->rank) return handle_of(x.program->g->dims, t->shape[at]);
    FAIL(&x.program->c, USAGE, "frit_dim_of", "a tensor of rank %u has no axis %d", t->rank, axis);
    return 0;
}

frit_value frit_named(const char *name, frit_value x) {
    if (type_of(x) && name) x.program->g->values.at[x.id].name = arena_strdup(&x.program->job, name);
    return x;
}

/* --- ends of the program --- */

static frit_status check_dtype(const record *r, int dt) {
    if (dt > 0 && dt < 256 && dtype_bits((dtype)dt) != 0) return FRIT_OK;
    return FAIL(r->c, TYPE, r->where, "%d is no element type", dt);
}

static frit_status check_new_name(const record *r, const char *kind, const char *name, uint32_t n, const port *ports) {
    if (!name || !*name) return FAIL(r->c, USAGE, r->where, "an %s needs a name", kind);
    for (uint32_t i = 0; i < n; i++)
        if (str_equal(ports[i].name, name))
            return FAIL(r->c, USAGE, r->where, "there is an %s '%s' already", kind, name);
    return FRIT_OK;
}

frit_value frit_input_at(frit_program *p, const char *name, int dt, int rank, const int64_t *dims, const char *file,
                         int line) {
    record r;
    if (!record_begin(&r, p, file, line)) return no_value(p);
    dim *shape = ARENA_ARRAY(&p->job, dim, MAX_RANK);
    frit_status status = check_dtype(&r, dt);
    if (status == FRIT_OK) status = check_new_name(&r, "input", name, p->g->inputs.n, p->g->inputs.at);
    if (status == FRIT_OK) status = dims_of_handles(&r, rank, dims, shape);
    return record_end(&r, status, status == FRIT_OK ? graph_input(p->g, name, (dtype)dt, (uint32_t)rank, shape) : 0);
}

void frit_output_at(frit_program *p, const char *name, frit_value x, const char *file, int line) {
    record r;
    if (!record_begin(&r, p, file, line)) return;
    frit_status status = check_value(&r, x);
    if (status == FRIT_OK) status = check_new_name(&r, "output", name, p->g->outputs.n, p->g->outputs.at);
    if (status == FRIT_OK) graph_output(p->g, name, x.id);
    record_end(&r, status, 0);
}

static frit_status add_constant(const record *r, int dt, int rank, const int64_t *dims, const void *data,
                                value_id *out) {
    TRY(check_dtype(r, dt));
    if (rank < 0 || rank > MAX_RANK) return FAIL(r->c, USAGE, r->where, "rank %d is not from 0 to %d", rank, MAX_RANK);
    int64_t n = 1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0) return FAIL(r->c, USAGE, r->where, "a constant's dims are numbers");
        if (__builtin_mul_overflow(n, dims[i], &n) || n > (INT64_C(1) << 40))
            return FAIL(r->c, RANGE, r->where, "a constant of that size is too large");
    }
    const_data d = {.kind = CONST_DENSE, .dt = (dtype)dt, .dims = int_list_of(&r->p->job, (uint32_t)rank, dims)};
    d.bytes = arena_copy(&r->p->job, data, dtype_bytes(d.dt, (size_t)n));
    return graph_const_bytes(r->c, r->p->g, &d, out);
}

frit_value frit_constant_at(frit_program *p, const char *name, int dt, int rank, const int64_t *dims, const void *data,
                            const char *file, int line) {
    record r;
    if (!record_begin(&r, p, file, line)) return no_value(p);
    value_id v = VALUE_NONE;
    frit_status status = add_constant(&r, dt, rank, dims, data, &v);
    frit_value x = record_end(&r, status, v);
    return name ? frit_named(name, x) : x;
}

frit_value frit_number_at(frit_program *p, int dt, double x, const char *file, int line) {
    record r;
    if (!record_begin(&r, p, file, line)) return no_value(p);
    value_id v = VALUE_NONE;
    frit_status status = check_dtype(&r, dt);
    if (status == FRIT_OK) status = graph_splat(r.c, p->g, (dtype)dt, x, &v);
    return record_end(&r, status, v);
}

/* --- operators --- */

static frit_status unknown_op(const record *r, const char *name) {
    const char *names[N_OPS];
    for (int i = 0; i < N_OPS; i++) names[i] = op_name((op_code)i);
    const char *near = str_nearest(name, names, N_OPS);
    if (near) return FAIL(r->c, USAGE, r->where, "no operator '%s'; did you mean '%s'?", name, near);
    return FAIL(r->c, USAGE, r->where, "no operator '%s'", name);
}

static frit_status find_op(const record *r, const char *name, op_code *out) {
    if (!name || !op_parse(name, out)) return unknown_op(r, name ? name : "");
    if (*out == OP_const || op_is(*out, OPF_REGION))
        return FAIL(r->c, UNSUPPORTED, r->where, "operator '%s' cannot be recorded by name", name);
    return FRIT_OK;
}

static frit_status read_attributes(const record *r, op_code op, const char *text, void *attrs) {
    const char *where = arena_printf(&r->p->job, "%s: attributes", r->where);
    fir_reader reader = {.c = r->c, .where = where, .g = r->p->g};
    reader.text = reader.at = arena_printf(&r->p->job, "{%s}", text ? text : "");
    TRY(fir_attrs(&reader, op, attrs));
    fir_skip(&reader);
    if (*reader.at) return FAIL(r->c, FORMAT, r->where, "'%s': nothing may follow the attributes", text);
    return FRIT_OK;
}

static frit_status apply_op(const record *r, op_code op, const void *attrs, uint32_t n, const frit_value *in,
                            value_id *out) {
    value_id *operands = ARENA_ARRAY(r->c->scratch, value_id, n + 1u);
    for (uint32_t i = 0; i < n; i++) {
        TRY(check_value(r, in[i]));
        operands[i] = in[i].id;
    }
    return graph_add(r->c, r->p->g, op, record_loc(r), n, operands, attrs, out);
}

/* The program that the operands belong to: the first that has one. */
static frit_program *program_of(uint32_t n, const frit_value *in) {
    for (uint32_t i = 0; i < n; i++)
        if (in[i].program) return in[i].program;
    return NULL;
}

frit_value frit_apply_at(const char *name, const char *attributes, uint32_t n, const frit_value *in, const char *file,
                         int line) {
    record r;
    frit_program *p = program_of(n, in);
    if (!record_begin(&r, p, file, line)) return no_value(p);
    op_code op;
    value_id v = VALUE_NONE;
    frit_status status = find_op(&r, name, &op);
    if (status == FRIT_OK) {
        void *attrs = attrs_new(&p->job, op);
        status = read_attributes(&r, op, attributes, attrs);
        if (status == FRIT_OK) status = apply_op(&r, op, attrs, n, in, &v);
    }
    return record_end(&r, status, v);
}

frit_value frit_result_at(frit_value x, uint32_t index, const char *file, int line) {
    record r;
    if (!record_begin(&r, x.program, file, line)) return no_value(x.program);
    frit_status status = check_value(&r, x);
    const node *n = status == FRIT_OK ? graph_def(x.program->g, x.id) : NULL;
    if (status == FRIT_OK && (!n || index >= n->n_out))
        status = FAIL(r.c, USAGE, r.where, "the operator has no result %u", index);
    return record_end(&r, status, status == FRIT_OK ? n->out + index : 0);
}

/* One operand and attributes that are at hand as a struct. */
static frit_value apply_one(record *r, op_code op, const void *attrs, frit_status status, frit_value x) {
    value_id v = VALUE_NONE;
    if (status == FRIT_OK) status = apply_op(r, op, attrs, 1, &x, &v);
    return record_end(r, status, v);
}

frit_value frit_softmax_at(frit_value x, int axis, const char *file, int line) {
    record r;
    if (!record_begin(&r, x.program, file, line)) return no_value(x.program);
    attr_axis a = {.axis = axis};
    return apply_one(&r, OP_softmax, &a, FRIT_OK, x);
}

frit_value frit_cast_at(frit_value x, int dt, const char *file, int line) {
    record r;
    if (!record_begin(&r, x.program, file, line)) return no_value(x.program);
    attr_cast a = {.to = (dtype)dt, .saturate = true};
    return apply_one(&r, OP_cast, &a, check_dtype(&r, dt), x);
}

/* Fills in the one FRIT_INFERRED dim of a reshape. */
static frit_status infer_dim(const record *r, frit_value x, int rank, const int64_t *dims, dim *shape) {
    dim_table *t = r->p->g->dims;
    int open = -1;
    dim known = dim_const(t, 1);
    TRY(check_value(r, x));
    if (rank < 0 || rank > MAX_RANK) return FAIL(r->c, USAGE, r->where, "rank %d is not from 0 to %d", rank, MAX_RANK);
    for (int i = 0; i < rank; i++) {
        if (dims[i] == FRIT_INFERRED && open >= 0) return FAIL(r->c, USAGE, r->where, "only one dim can be inferred");
        if (dims[i] == FRIT_INFERRED) {
            open = i;
            continue;
        }
        TRY(dim_of_handle(r, dims[i], &shape[i]));
        known = dim_mul(t, known, shape[i]);
    }
    if (open < 0 || dim_div_exact(t, graph_n_elements(r->p->g, x.id), known, &shape[open])) return FRIT_OK;
    return FAIL(r->c, SHAPE, r->where, "reshape: %s elements do not divide by %s",
                dim_text(r->c->scratch, t, graph_n_elements(r->p->g, x.id)), dim_text(r->c->scratch, t, known));
}

frit_value frit_reshape_at(frit_value x, int rank, const int64_t *dims, const char *file, int line) {
    record r;
    if (!record_begin(&r, x.program, file, line)) return no_value(x.program);
    dim shape[MAX_RANK];
    frit_status status = infer_dim(&r, x, rank, dims, shape);
    attr_dims a = {.dims = {(uint32_t)rank, shape}};
    return apply_one(&r, OP_reshape, &a, status, x);
}

frit_value frit_broadcast_at(frit_value x, int rank, const int64_t *dims, const char *file, int line) {
    record r;
    if (!record_begin(&r, x.program, file, line)) return no_value(x.program);
    dim shape[MAX_RANK];
    frit_status status = dims_of_handles(&r, rank, dims, shape);
    attr_dims a = {.dims = {(uint32_t)rank, shape}};
    return apply_one(&r, OP_broadcast, &a, status, x);
}

frit_value frit_transpose_at(frit_value x, const int64_t *perm, const char *file, int line) {
    record r;
    if (!record_begin(&r, x.program, file, line)) return no_value(x.program);
    frit_status status = check_value(&r, x);
    attr_perm a = {.perm = {status == FRIT_OK ? graph_type(r.p->g, x.id)->rank : 0, perm}};
    return apply_one(&r, OP_transpose, &a, status, x);
}

static frit_status slice_attrs(const record *r, frit_value x, int axis, const int64_t range[3], attr_slice *out) {
    TRY(check_value(r, x));
    const tensor_type *t = graph_type(r->p->g, x.id);
    int at = axis < 0 ? axis + (int)t->rank : axis;
    if (at < 0 || at >= (int)t->rank)
        return FAIL(r->c, USAGE, r->where, "slice: rank %u has no axis %d", t->rank, axis);
    dim *starts = ARENA_ARRAY(&r->p->job, dim, MAX_RANK), *sizes = ARENA_ARRAY(&r->p->job, dim, MAX_RANK);
    int64_t *steps = ARENA_ARRAY(&r->p->job, int64_t, MAX_RANK);
    for (uint32_t i = 0; i < t->rank; i++) {
        starts[i] = dim_const(r->p->g->dims, 0);
        sizes[i] = t->shape[i];
        steps[i] = 1;
    }
    TRY(dim_of_handle(r, range[0], &starts[at]));
    TRY(dim_of_handle(r, range[1], &sizes[at]));
    steps[at] = range[2];
    *out = (attr_slice){.starts = {t->rank, starts}, .sizes = {t->rank, sizes}, .steps = {t->rank, steps}};
    return FRIT_OK;
}

frit_value frit_slice_at(frit_value x, int axis, int64_t start, int64_t size, int64_t step, const char *file,
                         int line) {
    record r;
    if (!record_begin(&r, x.program, file, line)) return no_value(x.program);
    attr_slice a = {0};
    frit_status status = slice_attrs(&r, x, axis, (const int64_t[]){start, size, step}, &a);
    return apply_one(&r, OP_slice, &a, status, x);
}

frit_value frit_reduce_at(const char *kind, frit_value x, int n_axes, const int64_t *axes, const char *file, int line) {
    record r;
    if (!record_begin(&r, x.program, file, line)) return no_value(x.program);
    bool is_fine = n_axes >= 0 && n_axes <= MAX_RANK;
    frit_status status = is_fine ? FRIT_OK : FAIL(r.c, USAGE, r.where, "%d is no number of axes", n_axes);
    attr_reduce *a = attrs_new(&r.p->job, OP_reduce);
    if (status == FRIT_OK)
        status = read_attributes(&r, OP_reduce, arena_printf(r.c->job, "kind = %s", kind ? kind : "?"), a);
    if (status == FRIT_OK) a->axes = (int_list){(uint32_t)n_axes, axes};
    return apply_one(&r, OP_reduce, a, status, x);
}
