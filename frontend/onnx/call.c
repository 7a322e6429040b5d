/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attributes of a node: looked up in the node, or, where the node refers to an attribute of the function it stands in,
 * in the call of that function and its defaults. */
#include "frontend/onnx/reader.h"

static const onnx_attr *find_in(const onnx_node *in, const char *name) {
    for (uint32_t i = 0; i < in->attrs.n; i++)
        if (str_equal(in->attrs.at[i].name, name)) return &in->attrs.at[i];
    return NULL;
}

/* What `name` is in the call of function frame f: NULL when the caller gives none and there is no default. */
static const onnx_attr *resolve(const frame *f, const char *name) {
    for (; f->function; f = f->caller) {
        const onnx_attr *given = find_in(f->call, name);
        if (given && !given->ref) return given;
        if (!given) {
            for (uint32_t i = 0; i < f->function->defaults.n; i++)
                if (str_equal(f->function->defaults.at[i].name, name)) return &f->function->defaults.at[i];
            return NULL;
        }
        name = given->ref;
    }
    return NULL;
}

const onnx_attr *attr_find(const call *n, const char *name) {
    const onnx_attr *a = find_in(n->node, name);
    return a && a->ref ? resolve(n->f, a->ref) : a;
}

static const onnx_attr *attr_of_type(const call *n, const char *name, onnx_attr_type type) {
    const onnx_attr *a = attr_find(n, name);
    if (!a || a->type == type) return a;
    if (a->type != ATTR_NONE) *n->out_mistyped = a; /* without a type: an empty list in files of old versions */
    return NULL;
}

int64_t attr_int(const call *n, const char *name, int64_t otherwise) {
    const onnx_attr *a = attr_of_type(n, name, ATTR_INT);
    return a ? a->i : otherwise;
}

double attr_float(const call *n, const char *name, double otherwise) {
    const onnx_attr *a = attr_of_type(n, name, ATTR_FLOAT);
    return a ? a->f : otherwise;
}

const char *attr_text(const call *n, const char *name, const char *otherwise) {
    const onnx_attr *a = attr_of_type(n, name, ATTR_STRING);
    return a ? a->s : otherwise;
}

bool attr_ints(const call *n, const char *name, int_list *out) {
    const onnx_attr *a = attr_of_type(n, name, ATTR_INTS);
    *out = (int_list){0};
    if (!a) return false;
    *out = a->ints;
    return true;
}

dtype attr_dtype(reader *r, const call *n, const char *name, dtype otherwise) {
    const onnx_attr *a = attr_of_type(n, name, ATTR_INT);
    if (!a) return otherwise;
    dtype dt = a->i > 0 && a->i < 64 ? onnx_dtype((int32_t)a->i) : FRIT_DT_NONE;
    if (dt != FRIT_DT_NONE) return dt;
    fail_node(r, FRIT_UNSUPPORTED, "%s asks for type %s", name,
              onnx_type_name(a->i > 0 && a->i < 64 ? (int32_t)a->i : 0));
    return otherwise;
}

int attr_choice(reader *r, const call *n, const char *name, const char *otherwise, const char *const *choices) {
    const char *text = attr_text(n, name, otherwise);
    for (int i = 0; choices[i]; i++)
        if (str_equal(choices[i], text)) return i;
    fail_node(r, FRIT_UNSUPPORTED, "%s is '%.40s'", name, text);
    return 0;
}
