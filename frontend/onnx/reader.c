/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The reader: model structs to graph. Inputs and their dims, initializers, nodes through the rows of onnx_ops.def,
 * local functions inlined, subgraphs on demand. */
#include "frontend/onnx/reader.h"

#include <string.h>

#include "ir/op/attrs.h"

#define MAX_CALLS     (1 << 14) /* of functions and subgraphs in all: calls that call twice grow without adding a node */
#define MAX_NESTED    48        /* function calls and subgraphs inside each other */
#define MAX_NODES     250000    /* values after inlining: beyond it functions have exploded */
#define OLDEST_OPSET  1
#define NEWEST_OPSET  27
#define MIN_CALL_ARGS 16u

void fail_node(reader *r, frit_status code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(r->c->job, fmt, ap);
    va_end(ap);
    cx_fail(r->c, code, r->where ? r->where : r->path, "%s", text);
}

/* --- names --- */

static bool scope_find(const scope *s, const char *name, value_id *out) {
    for (; s; s = s->outer)
        if (map_get_str(&s->values, name, out)) return true;
    return false;
}

static void scope_bind(reader *r, scope *s, const char *name, value_id v) {
    value_id before;
    if (map_get_str(&s->values, name, &before)) {
        fail_node(r, FRIT_FORMAT, "value '%s' is defined twice", name);
        return;
    }
    map_set_str(&s->values, name, v);
    if (v != VALUE_NONE && !r->g->values.at[v].name) r->g->values.at[v].name = name;
}

static const sequence *scope_sequence(const reader *r, const scope *s, const char *name) {
    uint32_t i;
    for (; s; s = s->outer)
        if (map_get_str(&s->sequences, name, &i)) return r->sequences.at[i];
    return NULL;
}

static void scope_bind_sequence(reader *r, scope *s, const char *name, const sequence *q) {
    map_set_str(&s->sequences, name, r->sequences.n);
    vec_push(r->c->job, r->sequences, q);
}

/* An empty scope inside outer (NULL: none). */
static scope scope_new(const reader *r, scope *outer) {
    return (scope){.outer = outer, .values = {.a = r->c->job}, .sequences = {.a = r->c->job}};
}

static value_id scope_get(reader *r, const scope *s, const char *name) {
    value_id v = VALUE_NONE;
    if (scope_find(s, name, &v) || failed(r)) return v;
    if (scope_sequence(r, s, name)) {
        fail_node(r, FRIT_UNSUPPORTED, "'%s' is a sequence where only a tensor can be", name);
        return VALUE_NONE;
    }
    uint32_t type;
    if (map_get_str(&r->unreadable, name, &type)) {
        fail_node(r, FRIT_UNSUPPORTED, "tensor '%s' is of type %s", name, onnx_type_name((int32_t)type));
        return VALUE_NONE;
    }
    fail_node(r, FRIT_FORMAT, "value '%s' is used before it is computed, or is no tensor that frit knows", name);
    return VALUE_NONE;
}

/* --- opsets and rows --- */

/* The version that sets import of a domain; false when they do not. */
static bool find_version(const onnx_opsets *sets, const char *domain, int64_t *out) {
    for (uint32_t i = 0; i < sets->n; i++)
        if (str_equal(sets->at[i].domain, domain)) return *out = sets->at[i].version, true;
    return false;
}

/* Domains other than the standard one have one version only so far. */
static int64_t version_of(const onnx_opsets *sets, const char *domain) {
    int64_t version;
    return find_version(sets, domain, &version) ? version : 1;
}

static const char *function_key(reader *r, const char *domain, const char *name, const char *overload) {
    return arena_printf(r->c->job, "%s\n%s\n%s", domain, name, overload);
}

static void index_functions(reader *r) {
    for (uint32_t i = 0; i < r->model.functions.n; i++) {
        const onnx_function *f = &r->model.functions.at[i];
        map_set_str(&r->functions, function_key(r, f->domain, f->name, f->overload), i);
    }
}

static const onnx_function *function_of(reader *r, const onnx_node *n) {
    uint32_t i;
    if (r->model.functions.n == 0) return NULL;
    if (!map_get_str(&r->functions, function_key(r, n->domain, n->op, n->overload), &i)) return NULL;
    return &r->model.functions.at[i];
}

static const char *node_name(const onnx_node *n) { return *n->name ? n->name : n->outputs.n ? n->outputs.at[0] : ""; }

/* --- unsupported operators, all at once --- */

typedef struct census {
    reader *r;
    map counts; /* operator and its opset -> index */
    onnx_operators ops;
    bool *seen;               /* functions already visited */
    const onnx_node *dubious; /* a standard operator of which it is not said what opset it is of; NULL none */
} census;

static void count_nodes(census *k, uint32_t n, const onnx_node *nodes, const onnx_opsets *sets);

static void count_one(census *k, const onnx_node *n, const onnx_opsets *sets) {
    arena *a = k->r->c->job;
    int64_t version = 1;
    if (!find_version(sets, n->domain, &version) && !*n->domain && !k->dubious) k->dubious = n;
    bool is_supported = onnx_row_find(n->domain, n->op, version) != NULL;
    const char *op = *n->domain ? arena_printf(a, "%s.%s", n->domain, n->op) : n->op;
    bool is_old = !is_supported && onnx_row_find(n->domain, n->op, -1);
    if (is_old) op = arena_printf(a, "%s of opset %lld", op, (long long)version);
    uint32_t i;
    if (map_get_str(&k->counts, op, &i)) {
        k->ops.at[i].n_nodes++;
        return;
    }
    map_set_str(&k->counts, op, k->ops.n);
    const char *first = node_name(n);
    vec_push(a, k->ops, (onnx_operator){op, first, 1, is_supported});
}

static void count_nodes(census *k, uint32_t n, const onnx_node *nodes, const onnx_opsets *sets) {
    for (uint32_t i = 0; i < n; i++) {
        const onnx_node *x = &nodes[i];
        const onnx_function *f = function_of(k->r, x);
        if (!f) count_one(k, x, sets);
        for (uint32_t j = 0; j < x->attrs.n; j++) {
            const onnx_graph *g = x->attrs.at[j].g;
            if (g) count_nodes(k, g->nodes.n, g->nodes.at, sets);
        }
        size_t index = f ? (size_t)(f - k->r->model.functions.at) : 0;
        if (!f || k->seen[index]) continue;
        k->seen[index] = true;
        count_nodes(k, f->nodes.n, f->nodes.at, &f->opsets);
    }
}

static frit_status refuse_unsupported(reader *r) {
    arena *a = r->c->job;
    census k = {.r = r, .counts = {.a = a}, .seen = ARENA_ARRAY(a, bool, r->model.functions.n + 1)};
    count_nodes(&k, r->model.graph->nodes.n, r->model.graph->nodes.at, &r->model.opsets);
    if (r->options->out_operators) *r->options->out_operators = k.ops;
    if (k.dubious) /* what it means depends on the opset: a guess could compute something else */
        return FAIL(r->c, FORMAT, r->path, "does not say which opset '%s' (%s) is of; export it with its opset imports",
                    node_name(k.dubious), k.dubious->op);
    strbuf b = {.a = a};
    uint32_t n_refused = 0;
    for (uint32_t i = 0; i < k.ops.n; i++) {
        const onnx_operator *o = &k.ops.at[i];
        if (o->is_supported) continue;
        strbuf_printf(&b, "%s%s (%u node%s, first '%s')", n_refused++ ? ", " : "", o->name, o->n_nodes,
                      o->n_nodes == 1 ? "" : "s", o->first);
    }
    if (n_refused == 0) return FRIT_OK;
    return FAIL(r->c, UNSUPPORTED, r->path, "%u operator%s not supported: %s", n_refused,
                n_refused == 1 ? " is" : "s are", strbuf_text(&b));
}

/* --- inputs --- */

static frit_status read_input(reader *r, scope *s, const onnx_value_info *info) {
    const onnx_const *given = asked_const(r, info->name);
    value_id v;
    if (info->kind != ONNX_TENSOR)
        return FAIL(r->c, UNSUPPORTED, info->name, "the input is a %s; only tensors can be inputs",
                    info->kind == ONNX_SEQUENCE   ? "sequence"
                    : info->kind == ONNX_OPTIONAL ? "optional"
                                                  : "value without type");
    dtype dt = onnx_dtype(info->type);
    if (dt == FRIT_DT_NONE)
        return FAIL(r->c, UNSUPPORTED, info->name, "the input is of type %s", onnx_type_name(info->type));
    if (given) {
        TRY(asked_check_const(r, info, &given->data));
        TRY(graph_const_bytes(r->c, r->g, &given->data, &v));
        scope_bind(r, s, info->name, v);
        return r->c->status;
    }
    if (!info->has_shape) return FAIL(r->c, UNSUPPORTED, info->name, "the model does not say the rank of this input");
    if (info->dims.n > MAX_RANK)
        return FAIL(r->c, UNSUPPORTED, info->name, "the input has more than %d axes", MAX_RANK);
    dim shape[MAX_RANK];
    asked_shape(r, info, shape);
    scope_bind(r, s, info->name, graph_input(r->g, info->name, dt, info->dims.n, shape));
    return r->c->status;
}

/* --- initializers --- */

static value_id constant(reader *r, const onnx_tensor *t) {
    const_data d;
    value_id v = VALUE_NONE;
    if (failed(r) || weight_read(r->c, &r->files, t, &d) != FRIT_OK) return VALUE_NONE;
    if (*t->name) d.file = t->is_external ? t->location : r->path, d.key = t->name;
    return graph_const_bytes(r->c, r->g, &d, &v) == FRIT_OK ? v : VALUE_NONE;
}

static void read_initializers(reader *r, scope *s, const onnx_graph *g) {
    if (g->n_sparse) fail_node(r, FRIT_UNSUPPORTED, "the model has sparse weights");
    for (uint32_t i = 0; i < g->initializers.n && !failed(r); i++) {
        const onnx_tensor *t = &g->initializers.at[i];
        bool is_replaced = !s->outer && asked_const(r, t->name);
        if (is_replaced) continue;
        if (onnx_dtype(t->type) == FRIT_DT_NONE) {
            map_set_str(&r->unreadable, t->name, (uint32_t)t->type); /* refused where it is used */
            continue;
        }
        scope_bind(r, s, t->name, constant(r, t));
    }
}

/* --- nodes --- */

static void read_node(reader *r, const frame *f, const onnx_node *n);

static void read_nodes(reader *r, const frame *f) {
    tail *t = f->rest;
    while (t->n && !failed(r)) {
        t->n--;
        read_node(r, f, t->nodes++);
    }
}

static tail tail_of_graph(const reader *r, const onnx_graph *g) {
    const char **names = ARENA_ARRAY(r->c->job, const char *, g->outputs.n + 1);
    for (uint32_t i = 0; i < g->outputs.n; i++) names[i] = g->outputs.at[i].name;
    return (tail){g->nodes.n, g->outputs.n, g->nodes.at, names};
}

uint32_t tail_results(reader *r, const frame *f, const char **out_names) {
    uint32_t n = 0;
    value_id found;
    for (uint32_t i = 0; i < f->rest->n_results; i++) {
        const char *name = f->rest->results[i];
        bool is_new = !scope_find(f->names, name, &found) && !scope_sequence(r, f->names, name);
        for (uint32_t k = 0; k < n; k++) is_new = is_new && !str_equal(out_names[k], name);
        if (is_new) out_names[n++] = name;
    }
    return n;
}

void read_tail(reader *r, const call *n, const value_id *values, uint32_t n_names, const char *const *names,
               value_id *out) {
    scope inner = scope_new(r, n->f->names);
    tail rest = *n->f->rest;
    frame f = *n->f;
    f.names = &inner, f.rest = &rest;
    for (uint32_t i = 0; i < n->n_out && !failed(r); i++)
        if (*n->node->outputs.at[i]) scope_bind(r, &inner, n->node->outputs.at[i], values[i]);
    read_nodes(r, &f);
    for (uint32_t i = 0; i < n_names && !failed(r); i++) out[i] = scope_get(r, &inner, names[i]);
}

void end_tail(reader *r, call *n, uint32_t n_names, const char *const *names, value_id first) {
    for (uint32_t i = 0; i < n_names && !failed(r); i++) scope_bind(r, n->f->names, names[i], first + i);
    n->f->rest->n = 0;
    n->n_out = 0; /* the node's own results have been used up */
}

static bool enter(reader *r) {
    bool is_fine = r->n_calls++ < MAX_CALLS && r->depth++ < MAX_NESTED && r->g->values.n < MAX_NODES;
    if (is_fine) return true;
    fail_node(r, FRIT_UNSUPPORTED, "functions or subgraphs are nested too deep or grow too large");
    return false;
}

static void call_function(reader *r, const frame *f, const onnx_function *fn, call *n) {
    for (const frame *k = f; k; k = k->caller)
        if (k->function == fn) fail_node(r, FRIT_FORMAT, "function %s calls itself", fn->name);
    if (n->n_in > fn->inputs.n || n->n_out > fn->outputs.n)
        fail_node(r, FRIT_FORMAT, "function %s takes %u operands and gives %u results", fn->name, fn->inputs.n,
                  fn->outputs.n);
    if (failed(r) || !enter(r)) return;
    scope names = scope_new(r, NULL);
    tail rest = {fn->nodes.n, fn->outputs.n, fn->nodes.at, (const char *const *)fn->outputs.at};
    frame body = {.caller = f, .function = fn, .call = n->node, .opsets = &fn->opsets, .names = &names, .rest = &rest};
    for (uint32_t i = 0; i < fn->inputs.n; i++) {
        if (i < n->n_in && n->in_seq[i])
            scope_bind_sequence(r, &names, fn->inputs.at[i], n->in_seq[i]);
        else
            scope_bind(r, &names, fn->inputs.at[i], i < n->n_in ? n->in[i] : VALUE_NONE);
    }
    read_nodes(r, &body);
    for (uint32_t i = 0; i < n->n_out && !failed(r); i++) {
        n->out_seq[i] = scope_sequence(r, &names, fn->outputs.at[i]);
        if (!n->out_seq[i]) n->out[i] = scope_get(r, &names, fn->outputs.at[i]);
    }
    r->depth--;
}

void read_subgraph(reader *r, const frame *f, const onnx_graph *g, uint32_t n_in, const value_id *in, value_id *out) {
    if (n_in != g->inputs.n) fail_node(r, FRIT_FORMAT, "a subgraph takes %u values, not %u", g->inputs.n, n_in);
    if (failed(r) || !enter(r)) return;
    scope names = scope_new(r, f->names);
    tail rest = tail_of_graph(r, g);
    frame inner = *f;
    inner.names = &names, inner.rest = &rest;
    const char *where = r->where;
    loc_id loc = r->loc;
    for (uint32_t i = 0; i < n_in; i++) scope_bind(r, &names, g->inputs.at[i].name, in[i]);
    read_initializers(r, &names, g);
    read_nodes(r, &inner);
    if (!failed(r)) r->where = where, r->loc = loc;
    for (uint32_t i = 0; i < g->outputs.n && !failed(r); i++) out[i] = scope_get(r, &names, g->outputs.at[i].name);
    r->depth--;
}

/* Operands of a node as values, in a list long enough for every operator to look at its optional ones. */
static void bind_operands(reader *r, const frame *f, const onnx_node *x, call *n) {
    uint32_t n_in = x->inputs.n, n_out = x->outputs.n;
    value_id *in = ARENA_ARRAY(r->c->job, value_id, n_in + MIN_CALL_ARGS);
    const sequence **in_seq = ARENA_ARRAY(r->c->job, const sequence *, n_in + MIN_CALL_ARGS);
    n->out = ARENA_ARRAY(r->c->job, value_id, n_out + MIN_CALL_ARGS);
    n->out_seq = ARENA_ARRAY(r->c->job, const sequence *, n_out + MIN_CALL_ARGS);
    for (uint32_t i = 0; i < n_in + MIN_CALL_ARGS; i++) {
        in[i] = VALUE_NONE;
        if (i >= n_in || !*x->inputs.at[i]) continue;
        in_seq[i] = scope_sequence(r, f->names, x->inputs.at[i]);
        if (!in_seq[i]) in[i] = scope_get(r, f->names, x->inputs.at[i]);
    }
    for (uint32_t i = 0; i < n_out + MIN_CALL_ARGS; i++) n->out[i] = VALUE_NONE;
    n->in = in, n->in_seq = in_seq, n->n_in = n_in, n->n_out = n_out;
    while (n->n_in > 0 && in[n->n_in - 1] == VALUE_NONE && !in_seq[n->n_in - 1]) n->n_in--;
}

static void set_location(reader *r, const onnx_node *x) {
    const char *name = node_name(x);
    r->where = arena_printf(r->c->job, "%s (%s)", name, x->op);
    r->loc = graph_loc(r->g, *name ? name : x->op);
}

static void read_node(reader *r, const frame *f, const onnx_node *x) {
    set_location(r, x);
    const char *where = r->where;
    loc_id loc = r->loc;
    const onnx_attr *mistyped = NULL;
    call n = {.node = x, .f = f, .version = version_of(f->opsets, x->domain), .out_mistyped = &mistyped};
    bind_operands(r, f, x, &n);
    if (failed(r)) return;
    const onnx_function *fn = function_of(r, x);
    n.row = fn ? NULL : onnx_row_find(x->domain, x->op, n.version);
    if (fn)
        call_function(r, f, fn, &n);
    else if (n.row)
        n.row->map(r, &n);
    else
        fail_node(r, FRIT_UNSUPPORTED, "the operator is not supported");
    if (failed(r)) return;
    r->where = where, r->loc = loc;
    if (mistyped) fail_node(r, FRIT_FORMAT, "attribute '%s' is of a type that %s does not take", mistyped->name, x->op);
    for (uint32_t i = 0; i < n.n_out; i++) {
        if (!*x->outputs.at[i]) continue;
        if (n.out_seq[i]) {
            scope_bind_sequence(r, f->names, x->outputs.at[i], n.out_seq[i]);
            continue;
        }
        if (n.out[i] == VALUE_NONE)
            fail_node(r, FRIT_UNSUPPORTED, "result %u ('%s') is not supported", i, x->outputs.at[i]);
        scope_bind(r, f->names, x->outputs.at[i], n.out[i]);
    }
}

/* --- the whole model --- */

static frit_status check_opset(reader *r) {
    int64_t version;
    if (!find_version(&r->model.opsets, "", &version) || (version >= OLDEST_OPSET && version <= NEWEST_OPSET))
        return FRIT_OK;
    return FAIL(r->c, UNSUPPORTED, r->path, "is of opset %lld; frit reads opsets up to %d: export it for one of them",
                (long long)version, NEWEST_OPSET);
}

static void read_outputs(reader *r, const scope *names, const onnx_graph *g) {
    map seen = {.a = r->c->job};
    for (uint32_t i = 0; i < g->outputs.n && !failed(r); i++) {
        const char *name = g->outputs.at[i].name;
        value_id v = scope_get(r, names, name);
        uint32_t before;
        if (map_get_str(&seen, name, &before))
            fail_node(r, FRIT_FORMAT, "two outputs are named '%s'", name);
        else if (v == VALUE_NONE)
            fail_node(r, FRIT_UNSUPPORTED, "output '%s' has no value", name);
        else
            graph_output(r->g, name, v);
        map_set_str(&seen, name, i);
    }
}

static frit_status read_model(reader *r) {
    const onnx_graph *g = r->model.graph;
    scope names = scope_new(r, NULL);
    tail rest = tail_of_graph(r, g);
    frame top = {.opsets = &r->model.opsets, .names = &names, .rest = &rest};
    map weights = {.a = r->c->job}; /* before IR version 4 they are listed among the inputs too */
    uint32_t ignored;
    for (uint32_t i = 0; i < g->initializers.n; i++) map_set_str(&weights, g->initializers.at[i].name, i);
    for (uint32_t i = 0; i < g->inputs.n; i++)
        if (!map_get_str(&weights, g->inputs.at[i].name, &ignored) || asked_const(r, g->inputs.at[i].name))
            TRY(read_input(r, &names, &g->inputs.at[i]));
    TRY(asked_check_dims(r));
    read_initializers(r, &names, g);
    read_nodes(r, &top);
    if (!failed(r)) r->where = NULL, r->loc = 0;
    if (!failed(r)) read_outputs(r, &names, g);
    return r->c->status;
}

static frit_status open_and_read(reader *r, graph **out) {
    wire_bytes whole = {r->options->bytes, r->options->n_bytes};
    if (!whole.at) {
        mapped_file file;
        TRY(file_map(r->c, r->path, &file));
        vec_push(r->c->job, r->files.files, file);
        vec_push(r->c->job, r->files.names, "");
        whole = (wire_bytes){file.data, file.bytes};
    }
    TRY(model_parse(r->c, r->path, whole, &r->model));
    TRY(check_opset(r));
    index_functions(r);
    TRY(refuse_unsupported(r));
    TRY(asked_check_consts(r));
    if (r->options->check_only) return FRIT_OK;
    r->dims = dim_table_new(r->c->job);
    r->g =
        graph_new(r->c->job, str_sanitize(r->c->job, *r->model.graph->name ? r->model.graph->name : "main"), r->dims);
    TRY(read_model(r));
    *out = r->g;
    return FRIT_OK;
}

frit_status onnx_read(cx *c, const char *path, const onnx_options *options, graph **out) {
    static const onnx_options defaults;
    reader r = {.c = c,
                .path = path,
                .options = options ? options : &defaults,
                .files = {.model_path = path},
                .functions = {.a = c->job},
                .unreadable = {.a = c->job}};
    *out = NULL;
    frit_status status = open_and_read(&r, out);
    if (status != FRIT_OK || !*out) weight_files_close(&r.files);
    if (r.options->out_files) *r.options->out_files = r.files.files;
    return status;
}

frit_status onnx_read_tensor(cx *c, const char *path, const_data *out, const char **out_name) {
    mapped_file file;
    onnx_tensor t;
    weight_files files = {.model_path = path};
    TRY(file_map(c, path, &file));
    frit_status status = model_parse_tensor(c, path, (wire_bytes){file.data, file.bytes}, &t);
    if (status == FRIT_OK) status = weight_read(c, &files, &t, out);
    if (status == FRIT_OK)
        *out_name = t.name;
    else
        weight_files_close(&files), file_unmap(&file);
    return status;
}
