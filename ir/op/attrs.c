/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Copies and keys of attribute structs. One switch over field kinds serves every operator. */
#include "ir/op/attrs.h"

#include <string.h>

enum { INLINE_KEY_BYTES = 4096, SPLAT_SCAN = 64 };

void key_add(key_buf *k, const void *p, size_t n) {
    if (k->n + n > k->cap) {
        size_t cap = (k->n + n) * 2 + 64;
        k->at = arena_grow(k->a, k->at, k->cap, cap);
        k->cap = cap;
    }
    if (n) memcpy(k->at + k->n, p, n);
    k->n += n;
}

void key_add_u32(key_buf *k, uint32_t x) { key_add(k, &x, sizeof x); }

int_list int_list_of(arena *a, uint32_t n, const int64_t *v) {
    return (int_list){n, n ? arena_copy(a, v, n * sizeof *v) : NULL};
}

int_list int_list_fill(arena *a, uint32_t n, int64_t v) {
    int64_t *at = ARENA_ARRAY(a, int64_t, n);
    for (uint32_t i = 0; i < n; i++) at[i] = v;
    return (int_list){n, at};
}

dim_list dim_list_of(arena *a, uint32_t n, const dim *v) {
    return (dim_list){n, n ? arena_copy(a, v, n * sizeof *v) : NULL};
}

static void const_copy(arena *a, const_data *d) {
    d->dims = int_list_of(a, d->dims.n, d->dims.at);
    if (d->file) d->file = arena_strdup(a, d->file);
    if (d->key) d->key = arena_strdup(a, d->key);
}

static void field_copy(arena *a, const attr_field *f, void *base) {
    void *p = (char *)base + f->offset;
    switch (f->kind) {
    case FK_INT:
    case FK_F64:
    case FK_BOOL:
    case FK_DTYPE:
    case FK_ENUM:
        return;
    case FK_INTS: {
        int_list *l = p;
        *l = int_list_of(a, l->n, l->at);
        return;
    }
    case FK_FLOATS: {
        f64_list *l = p;
        if (l->n) l->at = arena_copy(a, l->at, l->n * sizeof *l->at);
        return;
    }
    case FK_DIMS: {
        dim_list *l = p;
        *l = dim_list_of(a, l->n, l->at);
        return;
    }
    case FK_STR: {
        const char **s = p;
        if (*s) *s = arena_strdup(a, *s);
        return;
    }
    case FK_CONST:
        const_copy(a, p);
        return;
    }
}

void *attrs_copy(arena *a, op_code op, const void *attrs) {
    const attr_type *t = op_info_of(op)->attrs;
    void *copy = arena_copy(a, attrs, t->bytes);
    for (uint32_t i = 0; i < t->n_fields; i++) field_copy(a, &t->fields[i], copy);
    return copy;
}

static void key_add_str(key_buf *k, const char *s) {
    uint32_t n = s ? (uint32_t)strlen(s) + 1 : 0;
    key_add_u32(k, n);
    key_add(k, s, n);
}

static void key_add_const(key_buf *k, const const_data *d) {
    key_add_u32(k, d->kind);
    key_add_u32(k, d->dt);
    key_add_u32(k, d->dims.n);
    key_add(k, d->dims.at, d->dims.n * sizeof *d->dims.at);
    switch (d->kind) {
    case CONST_SPLAT:
        key_add(k, &d->splat, sizeof d->splat);
        return;
    case CONST_RANDOM:
        key_add(k, &d->seed, sizeof d->seed);
        key_add(k, &d->scale, sizeof d->scale);
        return;
    case CONST_DENSE:
    case CONST_MADE:
        break;
    }
    key_add_str(k, d->file);
    key_add_str(k, d->key);
    size_t bytes = dtype_bytes(d->dt, (size_t)const_count(d));
    bool is_inline = !d->file && bytes <= INLINE_KEY_BYTES;
    if (is_inline)
        key_add(k, d->bytes, bytes);
    else
        key_add(k, &d->bytes, sizeof d->bytes);
}

static void key_add_field(key_buf *k, const attr_field *f, const void *base) {
    const void *p = (const char *)base + f->offset;
    switch (f->kind) {
    case FK_INT:
    case FK_F64:
        key_add(k, p, 8);
        return;
    case FK_BOOL:
        key_add_u32(k, *(const bool *)p);
        return;
    case FK_DTYPE:
    case FK_ENUM:
        key_add(k, p, sizeof(int));
        return;
    case FK_INTS: {
        const int_list *l = p;
        key_add_u32(k, l->n);
        key_add(k, l->at, l->n * sizeof *l->at);
        return;
    }
    case FK_FLOATS: {
        const f64_list *l = p;
        key_add_u32(k, l->n);
        key_add(k, l->at, l->n * sizeof *l->at);
        return;
    }
    case FK_DIMS: {
        const dim_list *l = p;
        key_add_u32(k, l->n);
        key_add(k, l->at, l->n * sizeof *l->at);
        return;
    }
    case FK_STR:
        key_add_str(k, *(const char *const *)p);
        return;
    case FK_CONST:
        key_add_const(k, p);
        return;
    }
}

void attrs_key(key_buf *k, op_code op, const void *attrs) {
    const attr_type *t = op_info_of(op)->attrs;
    for (uint32_t i = 0; i < t->n_fields; i++) key_add_field(k, &t->fields[i], attrs);
}

bool attrs_equal(arena *scratch, op_code op, const void *x, const void *y) {
    key_buf kx = {.a = scratch}, ky = {.a = scratch};
    attrs_key(&kx, op, x);
    attrs_key(&ky, op, y);
    return kx.n == ky.n && (kx.n == 0 || !memcmp(kx.at, ky.at, kx.n));
}

int64_t const_count(const const_data *d) {
    int64_t n = 1;
    for (uint32_t i = 0; i < d->dims.n; i++) n *= d->dims.at[i];
    return n;
}

bool const_is_splat(const const_data *d, scalar *out) {
    if (d->kind == CONST_SPLAT) {
        *out = d->splat;
        return true;
    }
    int64_t n = const_count(d);
    if (d->kind == CONST_RANDOM || n < 1 || n > SPLAT_SCAN) return false;
    scalar first = dtype_load(d->dt, d->bytes, 0);
    for (int64_t i = 1; i < n; i++) {
        scalar s = dtype_load(d->dt, d->bytes, (size_t)i);
        if (memcmp(&s, &first, sizeof s)) return false;
    }
    *out = first;
    return true;
}
