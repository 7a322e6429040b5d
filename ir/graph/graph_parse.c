/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The parser of the .fir form: recursive descent over hostile text. Names must be defined before use and once, regions
 * nest at most MAX_DEPTH deep, and types that the text states must be the inferred ones. Nodes are interned like any
 * other, so that a text with a node twice reads as a graph with it once. */
#include <string.h>

#include "ir/graph/graph_text.h"
#include "ir/op/attrs.h"

enum { MAX_DEPTH = 32, MAX_LIST = 65536 };

typedef VEC(value_id) value_vec;
typedef VEC(char *) text_vec;

/* A host element symbol declared before its input is known. */
typedef struct host_sym {
    sym_id sym;
    char *input;
    int64_t element;
} host_sym;

/* A parameter or result of the signature. */
typedef struct signature_port {
    char *id; /* as written, e.g. "x#1" */
    char *name;
    tensor_type type;
    bool is_host;
    uint32_t state;
} signature_port;
typedef VEC(signature_port) port_vec;

typedef struct parser {
    fir_reader r;
    map names; /* value text -> value id, VALUE_NONE when out of scope */
    VEC(char *) scope;
    VEC(host_sym) hosts;
    uint32_t depth;
} parser;

/* Reads %name: *out_id tells values apart, *out_name is the model's name, NULL for a number. */
static frit_status read_value(parser *p, char **out_id, char **out_name) {
    fir_reader *r = &p->r;
    TRY(fir_expect(r, "%"));
    if (*r->at >= '0' && *r->at <= '9') {
        int64_t number = 0;
        char *digits = NULL;
        const char *start = r->at;
        TRY(fir_word(r, "a number", &digits));
        *out_name = NULL;
        *out_id = arena_printf(r->c->scratch, "%%%s", digits);
        if (str_parse_i64(digits, &number)) return FRIT_OK;
        r->at = start;
        return fir_fail(r, FRIT_FORMAT, "'%%%.40s': a name does not begin with a digit", digits);
    }
    TRY(fir_name(r, "a value name", out_name));
    *out_id = *out_name;
    if (*r->at != '#') return FRIT_OK;
    r->at++;
    char *digits = NULL;
    TRY(fir_word(r, "a number", &digits));
    *out_id = arena_printf(r->c->scratch, "%%%s#%s", *out_name, digits);
    return FRIT_OK;
}

static frit_status define(parser *p, char *id, char *name, value_id v) {
    uint32_t old = VALUE_NONE;
    if (map_get_str(&p->names, id, &old) && old != VALUE_NONE)
        return fir_fail(&p->r, FRIT_FORMAT, "'%.80s' is defined twice", id);
    map_set_str(&p->names, id, v);
    vec_push(p->r.c->scratch, p->scope, id);
    value *val = &p->r.g->values.at[v];
    if (name && !val->name) val->name = name;
    return FRIT_OK;
}

static frit_status use(parser *p, value_id *out) {
    fir_skip(&p->r);
    const char *start = p->r.at;
    char *id = NULL, *name = NULL;
    TRY(read_value(p, &id, &name));
    if (map_get_str(&p->names, id, out) && *out != VALUE_NONE) return FRIT_OK;
    p->r.at = start;
    return fir_fail(&p->r, FRIT_MISSING, "'%%%.80s' is not defined before its use", id[0] == '%' ? id + 1 : id);
}

static frit_status use_list(parser *p, value_vec *out) {
    fir_skip(&p->r);
    if (*p->r.at != '%') return FRIT_OK;
    do {
        value_id v = VALUE_NONE;
        TRY(use(p, &v));
        if (out->n == MAX_LIST) return fir_fail(&p->r, FRIT_RANGE, "more than %d operands", MAX_LIST);
        vec_push(p->r.c->scratch, *out, v);
    } while (fir_take(&p->r, ","));
    return FRIT_OK;
}

static bool same_type(const graph *g, const tensor_type *x, const tensor_type *y) {
    bool same = x->dt == y->dt && x->rank == y->rank;
    for (uint32_t i = 0; same && i < x->rank; i++) same = dim_equal(g->dims, x->shape[i], y->shape[i]);
    return same;
}

static const char *type_text(const graph *g, const tensor_type *t) {
    strbuf b = {.a = g->a};
    strbuf_printf(&b, "%s[", dtype_name(t->dt));
    for (uint32_t i = 0; i < t->rank; i++)
        strbuf_printf(&b, "%s%s", i ? ", " : "", dim_text(g->a, g->dims, t->shape[i]));
    strbuf_addc(&b, ']');
    return strbuf_text(&b);
}

/* The ": type, type" behind a node, when there. */
static frit_status check_types(parser *p, const node *n) {
    if (!fir_take(&p->r, ":")) return FRIT_OK;
    for (uint32_t i = 0; i < n->n_out; i++) {
        if (i) TRY(fir_expect(&p->r, ","));
        fir_skip(&p->r);
        const char *start = p->r.at;
        tensor_type t;
        TRY(fir_type(&p->r, &t));
        const tensor_type *have = graph_type(p->r.g, n->out + i);
        if (same_type(p->r.g, &t, have)) continue;
        p->r.at = start;
        return fir_fail(&p->r, FRIT_SHAPE, "%s gives %s, the text says %s", op_name(n->op), type_text(p->r.g, have),
                        type_text(p->r.g, &t));
    }
    return FRIT_OK;
}

static frit_status read_loc(fir_reader *r, loc_id *out) {
    *out = 0;
    if (!fir_take_word(r, "loc")) return FRIT_OK;
    char *text = NULL;
    TRY(fir_expect(r, "("));
    TRY(fir_string(r, &text));
    *out = graph_loc(r->g, text);
    return fir_expect(r, ")");
}

static frit_status read_op(fir_reader *r, op_code *out) {
    fir_skip(r);
    const char *start = r->at;
    char *word = NULL;
    TRY(fir_word(r, "an operator", &word));
    if (op_parse(word, out)) return FRIT_OK;
    const char *names[N_OPS];
    for (uint32_t i = 0; i < N_OPS; i++) names[i] = op_name((op_code)i);
    const char *near = str_nearest(word, names, N_OPS);
    r->at = start;
    return fir_fail(r, FRIT_FORMAT, "'%.40s' is not an operator%s%s%s", word, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "");
}

static frit_status read_body(parser *p, const char *last, value_vec *out_results);

static frit_status read_require(parser *p) {
    fir_reader *r = &p->r;
    dim lhs = DIM_BAD, rhs = DIM_BAD;
    char *text = "";
    TRY(fir_dim(r, &lhs));
    uint32_t kind = N_CONTRACT_KINDS;
    while (kind > 0 && !fir_take(r, contract_signs[kind - 1])) kind--; /* longer ones first where one begins another */
    if (kind == 0) return fir_expect(r, "<=");
    TRY(fir_dim(r, &rhs));
    fir_skip(r);
    if (*r->at == '"') TRY(fir_string(r, &text));
    r->g->is_case |= kind == CK_ASSUMED + 1u;
    graph_add_contract(r->g, &(contract){lhs, rhs, (contract_kind)(kind - 1), text, r->g->at});
    return FRIT_OK;
}

/* What a region demands when it runs. */
static frit_status read_demands(parser *p) {
    if (!fir_take_word(&p->r, "where")) return FRIT_OK;
    do {
        if (!fir_take_word(&p->r, "require")) return fir_fail(&p->r, FRIT_FORMAT, "expected 'require'");
        TRY(read_require(p));
    } while (fir_take(&p->r, ","));
    return FRIT_OK;
}

/* region(%p: type, ...) [where require ...] { nodes yield ... } */
static frit_status read_region(parser *p, region_id *out) {
    fir_reader *r = &p->r;
    if (p->depth == MAX_DEPTH) return fir_fail(r, FRIT_RANGE, "regions nest more than %d deep", MAX_DEPTH);
    VEC(tensor_type) types = {0};
    text_vec ids = {0}, names = {0};
    TRY(fir_expect(r, "("));
    while (!fir_take(r, ")")) {
        char *id = NULL, *name = NULL;
        tensor_type t;
        if (types.n) TRY(fir_expect(r, ","));
        TRY(read_value(p, &id, &name));
        TRY(fir_expect(r, ":"));
        TRY(fir_type(r, &t));
        vec_push(r->c->scratch, types, t);
        vec_push(r->c->scratch, ids, id);
        vec_push(r->c->scratch, names, name);
    }
    uint32_t scope = p->scope.n;
    *out = graph_region_begin(r->g, types.n, types.at);
    for (uint32_t i = 0; i < types.n; i++) TRY(define(p, ids.at[i], names.at[i], r->g->regions.at[*out].params.at[i]));
    value_vec results = {0};
    TRY(read_demands(p));
    p->depth++;
    TRY(fir_expect(r, "{"));
    TRY(read_body(p, "yield", &results));
    p->depth--;
    graph_region_end(r->g, results.n, results.at);
    while (p->scope.n > scope) map_set_str(&p->names, p->scope.at[--p->scope.n], VALUE_NONE);
    return FRIT_OK;
}

/* Where a node's text goes on behind its regions, types and location are read ahead to know the location first. */
static frit_status read_regions(parser *p, uint32_t *out_n, const region_id **out) {
    VEC(region_id) regions = {0};
    while (fir_take_word(&p->r, "region")) {
        region_id id = REGION_NONE;
        TRY(read_region(p, &id));
        vec_push(p->r.c->scratch, regions, id);
    }
    *out_n = regions.n;
    *out = regions.at;
    return FRIT_OK;
}

/* Skips ": types" without reading dims, so that the location behind is known when the node is made. */
static frit_status peek_loc(parser *p, loc_id *out) {
    fir_reader *r = &p->r;
    const char *start = r->at;
    if (fir_take(r, ":")) {
        do {
            char *word = NULL;
            TRY(fir_word(r, "an element type", &word));
            if (!fir_take(r, "[")) continue;
            for (bool quoted = false; *r->at && (quoted || *r->at != ']'); r->at++) quoted ^= *r->at == '"';
            TRY(fir_expect(r, "]"));
        } while (fir_take(r, ","));
    }
    TRY(read_loc(r, out));
    r->at = start;
    return FRIT_OK;
}

static frit_status read_const(parser *p, void *attrs) {
    const char *payload = p->r.at;
    TRY(fir_const_skip(&p->r));
    const char *behind = p->r.at;
    tensor_type t;
    TRY(fir_expect(&p->r, ":"));
    TRY(fir_type(&p->r, &t));
    p->r.at = payload;
    TRY(fir_const(&p->r, &t, &((attr_const *)attrs)->data));
    p->r.at = behind;
    return FRIT_OK;
}

/* op operands {attributes} regions : types loc */
static frit_status read_node(parser *p, value_id *out_first) {
    fir_reader *r = &p->r;
    op_code op = N_OPS;
    TRY(read_op(r, &op));
    fir_skip(r);
    const char *start = r->at;
    void *attrs = attrs_new(r->g->a, op);
    value_vec in = {0};
    if (op == OP_const)
        TRY(read_const(p, attrs));
    else
        TRY(use_list(p, &in));
    TRY(fir_attrs(r, op, attrs));
    uint32_t n_regions = 0;
    const region_id *regions = NULL;
    TRY(read_regions(p, &n_regions, &regions));
    loc_id loc = 0;
    TRY(peek_loc(p, &loc));
    cx inner = {.job = r->c->job, .scratch = r->c->scratch};
    frit_status s = graph_add_region_node(&inner, r->g, op, loc, in.n, in.at, attrs, n_regions, regions, out_first);
    if (s != FRIT_OK) {
        r->at = start;
        return fir_fail(r, s, "%s", inner.message ? inner.message : op_name(op));
    }
    return FRIT_OK;
}

static frit_status read_statement(parser *p) {
    fir_reader *r = &p->r;
    text_vec ids = {0}, names = {0};
    fir_skip(r);
    bool has_results = *r->at == '%';
    while (has_results) {
        char *id = NULL, *name = NULL;
        if (ids.n == MAX_LIST) return fir_fail(r, FRIT_RANGE, "more than %d results", MAX_LIST);
        TRY(read_value(p, &id, &name));
        vec_push(r->c->scratch, ids, id);
        vec_push(r->c->scratch, names, name);
        if (!fir_take(r, ",")) break;
    }
    if (has_results) TRY(fir_expect(r, "="));
    value_id first = VALUE_NONE;
    TRY(read_node(p, &first));
    node n = {0}; /* a node without results exists only as the last one added */
    n = first < r->g->values.n ? *graph_def(r->g, first) : r->g->nodes.at[r->g->nodes.n - 1];
    if (ids.n != n.n_out)
        return fir_fail(r, FRIT_FORMAT, "%s gives %u results, the text names %u", op_name(n.op), n.n_out, ids.n);
    TRY(check_types(p, &n));
    loc_id loc = 0;
    TRY(read_loc(r, &loc));
    for (uint32_t i = 0; i < ids.n; i++) TRY(define(p, ids.at[i], names.at[i], n.out + i));
    return FRIT_OK;
}

static frit_status read_body(parser *p, const char *last, value_vec *out_results) {
    while (!fir_take_word(&p->r, last)) {
        fir_skip(&p->r);
        bool is_end = !*p->r.at || *p->r.at == '}';
        if (is_end) return fir_fail(&p->r, FRIT_FORMAT, "expected an operator or '%s'", last);
        TRY(read_statement(p));
    }
    TRY(use_list(p, out_results));
    return fir_expect(&p->r, "}");
}

/* --- signature --- */

static frit_status read_ports(parser *p, port_vec *out) {
    fir_reader *r = &p->r;
    TRY(fir_expect(r, "("));
    while (!fir_take(r, ")")) {
        signature_port q = {.state = UINT32_MAX};
        if (out->n == MAX_LIST) return fir_fail(r, FRIT_RANGE, "more than %d of them", MAX_LIST);
        if (out->n) TRY(fir_expect(r, ","));
        TRY(read_value(p, &q.id, &q.name));
        if (!q.name) return fir_fail(r, FRIT_FORMAT, "inputs and outputs have names, not numbers");
        TRY(fir_expect(r, ":"));
        TRY(fir_type(r, &q.type));
        q.is_host = fir_take_word(r, "host");
        if (fir_take_word(r, "state")) {
            int64_t state = 0;
            TRY(fir_int(r, &state));
            if (state < 0 || state >= MAX_LIST) return fir_fail(r, FRIT_RANGE, "no such state");
            q.state = (uint32_t)state;
        }
        vec_push(r->c->scratch, *out, q);
    }
    return FRIT_OK;
}

/* [= %input[i] | = result] in LO..HI [@HINT] */
static frit_status read_sym(parser *p, sym_id s) {
    fir_reader *r = &p->r;
    sym_info *info = dim_sym_info(r->g->dims, s);
    if (fir_take(r, "=")) {
        if (fir_take_word(r, "result")) {
            info->kind = SYM_RESULT;
        } else {
            host_sym h = {.sym = s};
            char *id = NULL;
            TRY(read_value(p, &id, &h.input));
            TRY(fir_expect(r, "["));
            TRY(fir_int(r, &h.element));
            TRY(fir_expect(r, "]"));
            vec_push(r->c->scratch, p->hosts, h);
        }
    }
    if (fir_take_word(r, "in")) {
        TRY(fir_int(r, &info->lo));
        TRY(fir_expect(r, ".."));
        TRY(fir_int(r, &info->hi));
        if (info->lo > info->hi) return fir_fail(r, FRIT_RANGE, "the range of '%.80s' is empty", info->name);
    }
    return fir_take(r, "@") ? fir_int(r, &info->hint) : FRIT_OK;
}

static frit_status read_where(parser *p) {
    fir_reader *r = &p->r;
    if (!fir_take_word(r, "where")) return FRIT_OK;
    do {
        if (fir_take_word(r, "require")) {
            TRY(read_require(p));
            continue;
        }
        dim d = DIM_BAD;
        sym_id s = SYM_NONE;
        TRY(fir_dim(r, &d));
        if (!dim_is_sym(r->g->dims, d, &s)) return fir_fail(r, FRIT_FORMAT, "expected a symbol");
        TRY(read_sym(p, s));
    } while (fir_take(r, ","));
    return FRIT_OK;
}

/* Moves over the two port lists to the where clause or the body, so that ranges are known before dims are read. */
static frit_status skip_ports(fir_reader *r) {
    for (;;) {
        fir_skip(r);
        char *ignored = NULL;
        bool is_where = !strncmp(r->at, "where", 5) && !text_is_name_char(r->at[5]);
        if (!*r->at || *r->at == '{' || is_where) return FRIT_OK;
        if (*r->at == '"')
            TRY(fir_string(r, &ignored));
        else if (text_is_name_char(*r->at))
            TRY(fir_word(r, "a word", &ignored));
        else
            r->at += r->at[0] == '%' && r->at[1] != '"' && r->at[1] ? 2 : 1; /* %where is a name */
    }
}

static frit_status bind_host_syms(parser *p) {
    fir_reader *r = &p->r;
    for (uint32_t i = 0; i < p->hosts.n; i++) {
        const host_sym *h = &p->hosts.at[i];
        sym_info *info = dim_sym_info(r->g->dims, h->sym);
        value_id v = VALUE_NONE;
        bool known = h->input && map_get_str(&p->names, h->input, &v) && v != VALUE_NONE;
        if (!known || h->element < 0 || h->element > INT32_MAX)
            return fir_fail(r, FRIT_MISSING, "'%.80s' is bound to an element of no input", info->name);
        info->kind = SYM_HOST_ELEM;
        info->input = graph_value(r->g, v)->index;
        info->axis = (uint32_t)h->element;
    }
    return FRIT_OK;
}

static frit_status add_inputs(parser *p, const port_vec *ports) {
    graph *g = p->r.g;
    for (uint32_t i = 0; i < ports->n; i++) {
        const signature_port *q = &ports->at[i];
        value_id v = graph_input(g, q->name, q->type.dt, q->type.rank, q->type.shape);
        g->inputs.at[i].is_host = q->is_host;
        g->inputs.at[i].state = q->state;
        TRY(define(p, q->id, q->name, v));
    }
    return bind_host_syms(p);
}

static frit_status add_outputs(parser *p, const port_vec *ports, const value_vec *results) {
    graph *g = p->r.g;
    if (ports->n != results->n)
        return fir_fail(&p->r, FRIT_FORMAT, "returns %u values, the signature has %u", results->n, ports->n);
    for (uint32_t i = 0; i < ports->n; i++) {
        const signature_port *q = &ports->at[i];
        const tensor_type *have = graph_type(g, results->at[i]);
        if (!same_type(g, have, &q->type))
            return fir_fail(&p->r, FRIT_SHAPE, "output '%.80s' is %s, the signature says %s", q->name,
                            type_text(g, have), type_text(g, &q->type));
        graph_output(g, q->name, results->at[i]);
        g->outputs.at[i].state = q->state;
    }
    return FRIT_OK;
}

frit_status graph_parse(cx *c, const char *where, const char *text, graph **out) {
    dim_table *dims = dim_table_new(c->job);
    parser p = {.r = {.c = c, .where = where, .text = text, .at = text, .g = graph_new(c->job, "main", dims)}};
    fir_reader *r = &p.r;
    p.names.a = c->scratch;
    char *name = NULL;
    if (!fir_take_word(r, "func")) return fir_fail(r, FRIT_FORMAT, "expected 'func'");
    TRY(fir_expect(r, "@"));
    TRY(fir_name(r, "a function name", &name));
    r->g->name = name;
    const char *ports_at = r->at;
    TRY(skip_ports(r));
    TRY(read_where(&p));
    const char *body_at = r->at;
    r->at = ports_at;
    port_vec inputs = {0}, outputs = {0};
    TRY(read_ports(&p, &inputs));
    TRY(fir_expect(r, "->"));
    TRY(read_ports(&p, &outputs));
    TRY(add_inputs(&p, &inputs));
    fir_skip(r);
    if (*r->at != '{' && !fir_take_word(r, "where")) return fir_fail(r, FRIT_FORMAT, "expected 'where' or '{'");
    r->at = body_at;
    TRY(fir_expect(r, "{"));
    value_vec results = {0};
    TRY(read_body(&p, "return", &results));
    TRY(add_outputs(&p, &outputs, &results));
    fir_skip(r);
    if (*r->at) return fir_fail(r, FRIT_FORMAT, "text after the function");
    *out = r->g;
    return FRIT_OK;
}
