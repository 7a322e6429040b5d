/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ModelProto, GraphProto, NodeProto .. into the structs of model.h. One function per message; unknown fields are
 * skipped, as protocol buffers ask. Messages nest at most MAX_NESTING deep. */
#include "frontend/onnx/model.h"

#include <string.h>

#define MAX_NESTING 64

typedef struct model_reader {
    cx *c;
    const char *path;
    int depth;
} model_reader;

static frit_status malformed(model_reader *m, const char *what) {
    return FAIL(m->c, FORMAT, m->path, "not a valid ONNX file: %s is malformed or cut off", what);
}

static frit_status read_graph(model_reader *m, wire_bytes message, onnx_graph *out);
static frit_status read_tensor(model_reader *m, wire_bytes message, onnx_tensor *out);

/* Walks the fields of a message: for (each field f of r) .. then FINISH, which reports a malformed message. */
#define FINISH(m, r, what)                                                                                             \
    do {                                                                                                               \
        if ((r).bad) return malformed((m), (what));                                                                    \
        return FRIT_OK;                                                                                                \
    } while (0)

static const char *text_of(model_reader *m, const wire_field *f) {
    if (f->type != WIRE_BYTES) return "";
    return arena_strndup(m->c->job, (const char *)f->bytes.at, strnlen((const char *)f->bytes.at, f->bytes.n));
}

static frit_status expect_bytes(model_reader *m, const wire_field *f, const char *what) {
    return f->type == WIRE_BYTES ? FRIT_OK : malformed(m, what);
}

static double float_bits(uint64_t bits) {
    uint32_t low = (uint32_t)bits;
    float x;
    memcpy(&x, &low, sizeof x);
    return x;
}

/* Appends the integers of f to a list that grows in place. */
static frit_status add_ints(model_reader *m, const wire_field *f, int_list *list) {
    int64_t n = wire_count(f, 0);
    if (n < 0) return malformed(m, "a list of integers");
    int64_t *at = arena_grow(m->c->job, list->at, list->n * sizeof *at, (list->n + (size_t)n) * sizeof *at);
    wire_list l = wire_elements(f, 0);
    for (uint64_t v; wire_element(&l, &v);) at[list->n++] = (int64_t)v;
    list->at = at;
    return FRIT_OK;
}

static frit_status add_floats(model_reader *m, const wire_field *f, f64_list *list) {
    int64_t n = wire_count(f, 4);
    if (n < 0) return malformed(m, "a list of floats");
    double *at = arena_grow(m->c->job, list->at, list->n * sizeof *at, (list->n + (size_t)n) * sizeof *at);
    wire_list l = wire_elements(f, 4);
    for (uint64_t v; wire_element(&l, &v);) at[list->n++] = float_bits(v);
    list->at = at;
    return FRIT_OK;
}

static frit_status read_external_entry(model_reader *m, wire_bytes message, onnx_tensor *t) {
    const char *key = "", *value = "";
    bool has_zero = false;
    wire_reader r = wire_open(message);
    for (wire_field f; wire_next(&r, &f);) {
        if (f.number == 1) key = text_of(m, &f);
        if (f.number == 2) value = text_of(m, &f);
        has_zero |= f.type == WIRE_BYTES && memchr(f.bytes.at, 0, f.bytes.n);
    }
    int64_t number = 0;
    if (has_zero) return FAIL(m->c, FORMAT, m->path, "external data: '%.200s' holds a zero byte", value);
    if (str_equal(key, "location")) t->location = value;
    bool is_offset = str_equal(key, "offset"), is_size = str_equal(key, "length");
    if ((is_offset || is_size) && (!str_parse_i64(value, &number) || number < 0))
        return FAIL(m->c, FORMAT, m->path, "external data has the %s '%.32s'", key, value);
    if (is_offset) t->offset = (uint64_t)number, t->has_offset = true;
    if (is_size) t->n_bytes = (uint64_t)number, t->has_size = true;
    FINISH(m, r, "an external data entry");
}

static frit_status read_tensor_field(model_reader *m, const wire_field *f, onnx_tensor *t) {
    switch (f->number) {
    case 1:
        return add_ints(m, f, &t->dims);
    case 2:
        t->type = (int32_t)f->value;
        return FRIT_OK;
    case 3:
        return FAIL(m->c, UNSUPPORTED, m->path, "a tensor in segments");
    case 4:
    case 5:
    case 7:
    case 10:
    case 11:
        vec_push(m->c->job, t->typed, *f);
        return FRIT_OK;
    case 6:
        TRY(expect_bytes(m, f, "a string"));
        vec_push(m->c->job, t->strings, f->bytes);
        return FRIT_OK;
    case 8:
        t->name = text_of(m, f);
        return FRIT_OK;
    case 9:
        TRY(expect_bytes(m, f, "raw tensor data"));
        t->has_raw = true, t->raw = f->bytes;
        return FRIT_OK;
    case 13:
        TRY(expect_bytes(m, f, "an external data entry"));
        return read_external_entry(m, f->bytes, t);
    case 14:
        t->is_external = f->value == 1;
        return FRIT_OK;
    default:
        return FRIT_OK;
    }
}

static frit_status read_tensor(model_reader *m, wire_bytes message, onnx_tensor *out) {
    *out = (onnx_tensor){.name = ""};
    wire_reader r = wire_open(message);
    for (wire_field f; wire_next(&r, &f);) TRY(read_tensor_field(m, &f, out));
    FINISH(m, r, "a tensor");
}

/* Files of old ONNX versions leave the attribute's type out. */
static void guess_type(onnx_attr *a, uint32_t field) {
    static const onnx_attr_type types[] = {[2] = ATTR_FLOAT, [3] = ATTR_INT,    [4] = ATTR_STRING, [5] = ATTR_TENSOR,
                                           [6] = ATTR_GRAPH, [7] = ATTR_FLOATS, [8] = ATTR_INTS,   [9] = ATTR_STRINGS};
    if (a->type == ATTR_NONE && field < countof(types)) a->type = types[field];
}

static frit_status read_attr_field(model_reader *m, const wire_field *f, onnx_attr *a) {
    if (f->number >= 4 && f->number <= 6) TRY(expect_bytes(m, f, "an attribute"));
    switch (f->number) {
    case 1:
        a->name = text_of(m, f);
        break;
    case 2:
        a->f = float_bits(f->value);
        break;
    case 3:
        a->i = (int64_t)f->value;
        break;
    case 4:
        a->s = text_of(m, f);
        break;
    case 5:
        a->t = ARENA_NEW(m->c->job, onnx_tensor);
        return read_tensor(m, f->bytes, a->t);
    case 6:
        a->g = ARENA_NEW(m->c->job, onnx_graph);
        return read_graph(m, f->bytes, a->g);
    case 7:
        return add_floats(m, f, &a->floats);
    case 8:
        return add_ints(m, f, &a->ints);
    case 9: {
        const char **at =
            arena_grow(m->c->job, (const void *)a->strings, a->n_strings * sizeof *at, (a->n_strings + 1) * sizeof *at);
        at[a->n_strings++] = text_of(m, f);
        a->strings = at;
        break;
    }
    case 20:
        a->type = f->value >= ATTR_FLOAT && f->value <= ATTR_GRAPHS ? (onnx_attr_type)f->value : ATTR_OTHER;
        break;
    case 21:
        a->ref = text_of(m, f);
        break;
    default:
        break;
    }
    return FRIT_OK;
}

static frit_status read_attr(model_reader *m, wire_bytes message, onnx_attr *out) {
    *out = (onnx_attr){.name = "", .s = ""};
    wire_reader r = wire_open(message);
    uint32_t value_field = 0;
    for (wire_field f; wire_next(&r, &f);) {
        TRY(read_attr_field(m, &f, out));
        if (f.number >= 2 && f.number <= 9) value_field = f.number;
    }
    guess_type(out, value_field);
    if (out->ref && !*out->ref) out->ref = NULL;
    if ((out->type == ATTR_TENSOR && !out->t) || (out->type == ATTR_GRAPH && !out->g))
        if (!out->ref) return malformed(m, "an attribute");
    FINISH(m, r, "an attribute");
}

static const char *domain_of(model_reader *m, const wire_field *f) {
    const char *domain = text_of(m, f);
    return str_equal(domain, "ai.onnx") ? "" : domain;
}

static frit_status read_node(model_reader *m, wire_bytes message, onnx_node *out) {
    *out = (onnx_node){.name = "", .op = "", .domain = "", .overload = ""};
    wire_reader r = wire_open(message);
    for (wire_field f; wire_next(&r, &f);) {
        if (f.number <= 8) TRY(expect_bytes(m, &f, "a node"));
        onnx_attr a;
        switch (f.number) {
        case 1:
            vec_push(m->c->job, out->inputs, text_of(m, &f));
            break;
        case 2:
            vec_push(m->c->job, out->outputs, text_of(m, &f));
            break;
        case 3:
            out->name = text_of(m, &f);
            break;
        case 4:
            out->op = text_of(m, &f);
            break;
        case 5:
            TRY(read_attr(m, f.bytes, &a));
            vec_push(m->c->job, out->attrs, a);
            break;
        case 7:
            out->domain = domain_of(m, &f);
            break;
        case 8:
            out->overload = text_of(m, &f);
            break;
        default:
            break;
        }
    }
    FINISH(m, r, "a node");
}

static frit_status read_dim(model_reader *m, wire_bytes message, onnx_dim *out) {
    *out = (onnx_dim){0};
    wire_reader r = wire_open(message);
    for (wire_field f; wire_next(&r, &f);) {
        if (f.number == 1) out->value = (int64_t)f.value;
        if (f.number == 2) out->param = text_of(m, &f);
    }
    FINISH(m, r, "a dim");
}

static frit_status read_shape(model_reader *m, wire_bytes message, onnx_value_info *out) {
    out->has_shape = true;
    wire_reader r = wire_open(message);
    for (wire_field f; wire_next(&r, &f);) {
        onnx_dim d;
        if (f.number != 1) continue;
        TRY(expect_bytes(m, &f, "a dim"));
        TRY(read_dim(m, f.bytes, &d));
        vec_push(m->c->job, out->dims, d);
    }
    FINISH(m, r, "a shape");
}

static frit_status read_tensor_type(model_reader *m, wire_bytes message, onnx_value_info *out) {
    wire_reader r = wire_open(message);
    for (wire_field f; wire_next(&r, &f);) {
        if (f.number == 1) out->type = (int32_t)f.value;
        if (f.number != 2) continue;
        TRY(expect_bytes(m, &f, "a shape"));
        TRY(read_shape(m, f.bytes, out));
    }
    FINISH(m, r, "a type");
}

static frit_status read_type(model_reader *m, wire_bytes message, onnx_value_info *out) {
    wire_reader r = wire_open(message);
    for (wire_field f; wire_next(&r, &f);) {
        switch (f.number) {
        case 1:
            TRY(expect_bytes(m, &f, "a type"));
            out->kind = ONNX_TENSOR;
            TRY(read_tensor_type(m, f.bytes, out));
            break;
        case 4:
            out->kind = ONNX_SEQUENCE;
            break;
        case 9:
            out->kind = ONNX_OPTIONAL;
            break;
        case 5:
        case 7:
        case 8:
            out->kind = ONNX_OTHER;
            break;
        default:
            break;
        }
    }
    FINISH(m, r, "a type");
}

static frit_status read_value_info(model_reader *m, wire_bytes message, onnx_value_info *out) {
    *out = (onnx_value_info){.name = ""};
    wire_reader r = wire_open(message);
    for (wire_field f; wire_next(&r, &f);) {
        if (f.number == 1) out->name = text_of(m, &f);
        if (f.number != 2) continue;
        TRY(expect_bytes(m, &f, "a type"));
        TRY(read_type(m, f.bytes, out));
    }
    FINISH(m, r, "a value's description");
}

static frit_status read_graph_field(model_reader *m, const wire_field *f, onnx_graph *g) {
    arena *a = m->c->job;
    onnx_node node;
    onnx_value_info info;
    onnx_tensor tensor;
    if (f->number <= 15) TRY(expect_bytes(m, f, "a graph"));
    switch (f->number) {
    case 1:
        TRY(read_node(m, f->bytes, &node));
        vec_push(a, g->nodes, node);
        break;
    case 2:
        g->name = text_of(m, f);
        break;
    case 5:
        TRY(read_tensor(m, f->bytes, &tensor));
        vec_push(a, g->initializers, tensor);
        break;
    case 11:
        TRY(read_value_info(m, f->bytes, &info));
        vec_push(a, g->inputs, info);
        break;
    case 12:
        TRY(read_value_info(m, f->bytes, &info));
        vec_push(a, g->outputs, info);
        break;
    case 15:
        g->n_sparse++;
        break;
    default:
        break;
    }
    return FRIT_OK;
}

static frit_status read_graph(model_reader *m, wire_bytes message, onnx_graph *out) {
    *out = (onnx_graph){.name = ""};
    if (++m->depth > MAX_NESTING) return FAIL(m->c, FORMAT, m->path, "graphs nested more than %d deep", MAX_NESTING);
    wire_reader r = wire_open(message);
    for (wire_field f; wire_next(&r, &f);) TRY(read_graph_field(m, &f, out));
    m->depth--;
    FINISH(m, r, "a graph");
}

static frit_status read_opset(model_reader *m, const wire_field *f, onnx_opsets *out) {
    TRY(expect_bytes(m, f, "an opset import"));
    onnx_opset set = {.domain = ""};
    wire_reader r = wire_open(f->bytes);
    for (wire_field g; wire_next(&r, &g);) {
        if (g.number == 1) set.domain = domain_of(m, &g);
        if (g.number == 2) set.version = (int64_t)g.value;
    }
    vec_push(m->c->job, *out, set);
    FINISH(m, r, "an opset import");
}

static frit_status read_function_field(model_reader *m, const wire_field *f, onnx_function *out) {
    arena *a = m->c->job;
    onnx_node node;
    onnx_attr attr;
    if (f->number <= 13) TRY(expect_bytes(m, f, "a function"));
    switch (f->number) {
    case 1:
        out->name = text_of(m, f);
        break;
    case 4:
        vec_push(a, out->inputs, text_of(m, f));
        break;
    case 5:
        vec_push(a, out->outputs, text_of(m, f));
        break;
    case 7:
        TRY(read_node(m, f->bytes, &node));
        vec_push(a, out->nodes, node);
        break;
    case 9:
        return read_opset(m, f, &out->opsets);
    case 10:
        out->domain = domain_of(m, f);
        break;
    case 11:
        TRY(read_attr(m, f->bytes, &attr));
        vec_push(a, out->defaults, attr);
        break;
    case 13:
        out->overload = text_of(m, f);
        break;
    default:
        break;
    }
    return FRIT_OK;
}

static frit_status read_function(model_reader *m, wire_bytes message, onnx_function *out) {
    *out = (onnx_function){.name = "", .domain = "", .overload = ""};
    wire_reader r = wire_open(message);
    for (wire_field f; wire_next(&r, &f);) TRY(read_function_field(m, &f, out));
    FINISH(m, r, "a function");
}

static frit_status read_model_field(model_reader *m, const wire_field *f, onnx_model *out) {
    onnx_function function;
    switch (f->number) {
    case 1:
        out->ir_version = (int64_t)f->value;
        return FRIT_OK;
    case 7:
        TRY(expect_bytes(m, f, "the graph"));
        out->graph = ARENA_NEW(m->c->job, onnx_graph);
        return read_graph(m, f->bytes, out->graph);
    case 8:
        return read_opset(m, f, &out->opsets);
    case 25:
        TRY(expect_bytes(m, f, "a function"));
        TRY(read_function(m, f->bytes, &function));
        vec_push(m->c->job, out->functions, function);
        return FRIT_OK;
    default:
        return FRIT_OK;
    }
}

frit_status model_parse(cx *c, const char *path, wire_bytes file, onnx_model *out) {
    model_reader m = {.c = c, .path = path};
    *out = (onnx_model){0};
    wire_reader r = wire_open(file);
    for (wire_field f; wire_next(&r, &f);) TRY(read_model_field(&m, &f, out));
    if (r.bad) return malformed(&m, "the model");
    if (!out->graph) return FAIL(c, FORMAT, path, "not an ONNX model: it holds no graph");
    return FRIT_OK;
}

frit_status model_parse_tensor(cx *c, const char *path, wire_bytes file, onnx_tensor *out) {
    model_reader m = {.c = c, .path = path};
    return read_tensor(&m, file, out);
}
