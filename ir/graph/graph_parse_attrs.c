/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attributes and const payloads of the .fir form. Sizes that a text declares are never allocated before the text has
 * as many elements. */
#include <stdlib.h>
#include <string.h>

#include "ir/graph/graph_text.h"
#include "ir/op/attrs.h"

typedef VEC(int64_t) i64_vec;
typedef VEC(double) f64_vec;
typedef VEC(dim) dim_vec;

static frit_status list_next(fir_reader *r, bool is_first, bool *out_more) {
    *out_more = !fir_take(r, "]");
    if (*out_more && !is_first) TRY(fir_expect(r, ","));
    return FRIT_OK;
}

static frit_status read_ints(fir_reader *r, int_list *out) {
    i64_vec v = {0};
    TRY(fir_expect(r, "["));
    for (;;) {
        bool more = false;
        TRY(list_next(r, v.n == 0, &more));
        if (!more) break;
        int64_t x = 0;
        TRY(fir_int(r, &x));
        vec_push(r->g->a, v, x);
    }
    *out = (int_list){v.n, v.at};
    return FRIT_OK;
}

static frit_status read_floats(fir_reader *r, f64_list *out) {
    f64_vec v = {0};
    TRY(fir_expect(r, "["));
    for (;;) {
        bool more = false;
        TRY(list_next(r, v.n == 0, &more));
        if (!more) break;
        double x = 0;
        TRY(fir_f64(r, &x));
        vec_push(r->g->a, v, x);
    }
    *out = (f64_list){v.n, v.at};
    return FRIT_OK;
}

static frit_status read_dims(fir_reader *r, dim_list *out) {
    dim_vec v = {0};
    TRY(fir_expect(r, "["));
    for (;;) {
        bool more = false;
        TRY(list_next(r, v.n == 0, &more));
        if (!more) break;
        dim x = DIM_BAD;
        TRY(fir_dim(r, &x));
        vec_push(r->g->a, v, x);
    }
    *out = (dim_list){v.n, v.at};
    return FRIT_OK;
}

static frit_status read_bool(fir_reader *r, bool *out) {
    *out = fir_take_word(r, "true");
    if (*out || fir_take_word(r, "false")) return FRIT_OK;
    return fir_fail(r, FRIT_FORMAT, "expected true or false");
}

static frit_status read_enum(fir_reader *r, const attr_field *f, uint32_t *out) {
    char *word = NULL;
    TRY(fir_word(r, "a word", &word));
    size_t n = 0;
    for (; f->enum_names[n]; n++)
        if (str_equal(f->enum_names[n], word)) {
            *out = (uint32_t)n;
            return FRIT_OK;
        }
    const char *near = str_nearest(word, f->enum_names, n);
    return fir_fail(r, FRIT_FORMAT, "%s cannot be '%.40s'%s%s%s", f->name, word, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "");
}

static frit_status read_field(fir_reader *r, const attr_field *f, void *v) {
    switch (f->kind) {
    case FK_INT:
        return fir_int(r, v);
    case FK_F64:
        return fir_f64(r, v);
    case FK_BOOL:
        return read_bool(r, v);
    case FK_DTYPE:
        return fir_dtype(r, v);
    case FK_INTS:
        return read_ints(r, v);
    case FK_FLOATS:
        return read_floats(r, v);
    case FK_DIMS:
        return read_dims(r, v);
    case FK_STR: {
        char *s = NULL;
        TRY(fir_string(r, &s));
        *(const char **)v = s;
        return FRIT_OK;
    }
    case FK_ENUM:
        return read_enum(r, f, v);
    case FK_CONST:
        break;
    }
    return fir_fail(r, FRIT_FORMAT, "%s is not written as an attribute", f->name);
}

static const attr_field *field_named(const attr_type *t, const char *name) {
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (str_equal(t->fields[i].name, name)) return &t->fields[i];
    return NULL;
}

frit_status fir_attrs(fir_reader *r, op_code op, void *attrs) {
    const attr_type *t = op_info_of(op)->attrs;
    if (!fir_take(r, "{")) return FRIT_OK;
    for (bool is_first = true; !fir_take(r, "}"); is_first = false) {
        if (!is_first) TRY(fir_expect(r, ","));
        char *name = NULL;
        TRY(fir_word(r, "an attribute name", &name));
        const attr_field *f = field_named(t, name);
        if (!f) return fir_fail(r, FRIT_FORMAT, "%s has no attribute '%.40s'", op_name(op), name);
        TRY(fir_expect(r, "="));
        TRY(read_field(r, f, (char *)attrs + f->offset));
    }
    return FRIT_OK;
}

/* --- const payloads --- */

frit_status fir_const_skip(fir_reader *r) {
    fir_skip(r);
    const char *start = r->at;
    for (; *r->at && *r->at != '>' && *r->at != ')'; r->at++) {
        if (*r->at != '"') continue;
        char *ignored = NULL;
        TRY(fir_string(r, &ignored));
        r->at--;
    }
    if (*r->at) {
        r->at++;
        return FRIT_OK;
    }
    r->at = start;
    return fir_fail(r, FRIT_FORMAT, "expected dense<...>, splat(...), random(...) or file(...)");
}

static frit_status read_scalar(fir_reader *r, dtype dt, scalar *out) {
    if (dtype_kind_of(dt) == DTYPE_BOOL) {
        bool b = false;
        TRY(read_bool(r, &b));
        out->i = b;
        return FRIT_OK;
    }
    if (dtype_is_float(dt)) {
        double x = 0;
        TRY(fir_f64(r, &x));
        *out = dtype_from_f64(dt, x);
        return FRIT_OK;
    }
    fir_skip(r);
    const char *start = r->at;
    char *text = NULL, *end = NULL;
    TRY(fir_number(r, &text));
    bool is_unsigned = dtype_kind_of(dt) == DTYPE_UINT, is_ok = false;
    if (is_unsigned) {
        out->u = strtoull(text, &end, 0);
        is_ok = text[0] != '-' && !*end && (dtype_bits(dt) == 64 || out->u >> dtype_bits(dt) == 0);
    } else {
        is_ok = str_parse_i64(text, &out->i);
        int64_t hi = INT64_MAX >> (64 - dtype_bits(dt));
        is_ok = is_ok && out->i <= hi && out->i >= -hi - 1;
    }
    if (is_ok) return FRIT_OK;
    r->at = start;
    return fir_fail(r, FRIT_RANGE, "'%.40s' is not a value of %s", text, dtype_name(dt));
}

static frit_status read_hex(fir_reader *r, size_t want, const_data *out) {
    const char *p = r->at;
    size_t digits = strspn(p, "0123456789abcdef");
    if (digits != 2 * want)
        return fir_fail(r, FRIT_SHAPE, "the payload has %zu hex digits, its type needs %zu", digits, 2 * want);
    unsigned char *bytes = arena_alloc(r->g->a, want + 1);
    for (size_t i = 0; i < want; i++) {
        char pair[3] = {p[2 * i], p[2 * i + 1], 0};
        bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    r->at += digits;
    out->bytes = bytes;
    return fir_expect(r, ">");
}

static frit_status read_dense(fir_reader *r, size_t count, const_data *out) {
    out->kind = CONST_DENSE;
    TRY(fir_expect(r, "<"));
    if (fir_take(r, "0x")) return read_hex(r, dtype_bytes(out->dt, count), out);
    VEC(scalar) v = {0};
    while (!fir_take(r, ">")) {
        scalar s = {0};
        if (v.n) TRY(fir_expect(r, ","));
        TRY(read_scalar(r, out->dt, &s));
        vec_push(r->c->scratch, v, s);
    }
    if (v.n != count) return fir_fail(r, FRIT_SHAPE, "the payload has %u elements, its type needs %zu", v.n, count);
    void *bytes = arena_alloc(r->g->a, dtype_bytes(out->dt, count) + 1);
    for (uint32_t i = 0; i < v.n; i++) dtype_store(out->dt, bytes, i, v.at[i]);
    out->bytes = bytes;
    return FRIT_OK;
}

static frit_status read_payload(fir_reader *r, size_t count, const_data *out) {
    if (fir_take_word(r, "dense")) return read_dense(r, count, out);
    if (fir_take_word(r, "splat")) {
        out->kind = CONST_SPLAT;
        TRY(fir_expect(r, "("));
        TRY(read_scalar(r, out->dt, &out->splat));
        return fir_expect(r, ")");
    }
    if (fir_take_word(r, "random")) {
        out->kind = CONST_RANDOM;
        TRY(fir_expect(r, "("));
        TRY(fir_int(r, &out->seed));
        TRY(fir_expect(r, ","));
        TRY(fir_f64(r, &out->scale));
        return fir_expect(r, ")");
    }
    if (!fir_take_word(r, "file"))
        return fir_fail(r, FRIT_FORMAT, "expected dense<...>, splat(...), random(...) or file(...)");
    char *file = NULL, *key = NULL;
    TRY(fir_expect(r, "("));
    TRY(fir_string(r, &file));
    TRY(fir_expect(r, ","));
    TRY(fir_string(r, &key));
    out->kind = CONST_DENSE;
    out->file = file;
    out->key = key;
    return fir_expect(r, ")");
}

frit_status fir_const(fir_reader *r, const tensor_type *t, const_data *out) {
    *out = (const_data){.dt = t->dt};
    int64_t *dims = ARENA_ARRAY(r->g->a, int64_t, t->rank);
    int64_t count = 1;
    for (uint32_t i = 0; i < t->rank; i++) {
        bool fits = dim_is_const(r->g->dims, t->shape[i], &dims[i]) && dims[i] >= 0 && dims[i] <= INT64_C(1) << 40 &&
                    !__builtin_mul_overflow(count, dims[i], &count) && count <= INT64_C(1) << 40;
        if (!fits) return fir_fail(r, FRIT_SHAPE, "a const has constant sizes, at most 2^40 elements");
    }
    out->dims = (int_list){t->rank, dims};
    return read_payload(r, (size_t)count, out);
}
