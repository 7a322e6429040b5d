/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* NumPy's .npy format, versions 1 to 3 (numpy/lib/format.py): a magic string, the length of a header, the header as a
 * Python dict with the keys descr, fortran_order and shape, then the elements. */
#include "driver/npy.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

enum { MAGIC_BYTES = 6, PREFIX_BYTES = 10, ALIGN = 64 };
static const char magic[] = "\x93NUMPY";

/* What NumPy calls a type; narrow types have a name only for us. Row: dtype, descr written, kinds accepted. The size in
 * the file is that of the descr. */
typedef struct npy_type {
    dtype dt;
    const char *descr; /* as written */
    const char *also;  /* kinds that may stand in the file beside that of descr */
} npy_type;
static const npy_type npy_types[] = {
    {FRIT_DT_F64, "<f8", ""},           {FRIT_DT_F32, "<f4", ""},
    {FRIT_DT_F16, "<f2", ""},           {FRIT_DT_BF16, "<V2", "uif"},
    {FRIT_DT_F8E4M3, "|V1", "uif"},     {FRIT_DT_F8E5M2, "|V1", "uif"},
    {FRIT_DT_F8E4M3FNUZ, "|V1", "uif"}, {FRIT_DT_F8E5M2FNUZ, "|V1", "uif"},
    {FRIT_DT_F8E8M0, "|V1", "uif"},     {FRIT_DT_F4E2M1, "|V1", "uif"},
    {FRIT_DT_I64, "<i8", ""},           {FRIT_DT_I32, "<i4", ""},
    {FRIT_DT_I16, "<i2", ""},           {FRIT_DT_I8, "|i1", ""},
    {FRIT_DT_I4, "|V1", "ui"},          {FRIT_DT_I2, "|V1", "ui"},
    {FRIT_DT_U64, "<u8", ""},           {FRIT_DT_U32, "<u4", ""},
    {FRIT_DT_U16, "<u2", ""},           {FRIT_DT_U8, "|u1", ""},
    {FRIT_DT_U4, "|V1", "ui"},          {FRIT_DT_U2, "|V1", "ui"},
    {FRIT_DT_BOOL, "|b1", ""},
};

static const npy_type *type_row(dtype dt) {
    for (size_t i = 0; i < countof(npy_types); i++)
        if (npy_types[i].dt == dt) return &npy_types[i];
    return NULL;
}

static uint32_t file_size_of(const npy_type *t) { return (uint32_t)(t->descr[2] - '0'); }

/* --- the header --- */

typedef struct npy_header {
    char order, kind; /* of descr: '<' '|' '=' '>', and 'f' 'i' 'u' 'b' 'V' */
    uint32_t size;    /* bytes of an element in the file */
    bool is_fortran;
    uint32_t rank;
    int64_t shape[MAX_RANK];
} npy_header;

/* The text behind 'key': in the header, NULL when it is missing. */
static const char *value_of(const char *header, const char *key) {
    const char *at = strstr(header, key);
    if (!at) return NULL;
    at += strlen(key);
    return at + strspn(at, "'\": ");
}

static bool parse_descr(const char *header, npy_header *out) {
    const char *at = value_of(header, "'descr'");
    if (!at || strlen(at) < 3 || !strchr("<|=>", at[0])) return false;
    out->order = at[0], out->kind = at[1];
    out->size = 0;
    for (at += 2; *at >= '0' && *at <= '9' && out->size < 1000; at++)
        out->size = out->size * 10 + (uint32_t)(*at - '0');
    return (*at == '\'' || *at == '"') && out->size > 0;
}

static bool parse_shape(const char *header, npy_header *out) {
    const char *at = value_of(header, "'shape'");
    if (!at || *at++ != '(') return false;
    for (;;) {
        at += strspn(at, " ,");
        if (*at == ')') return true;
        if (*at < '0' || *at > '9' || out->rank == MAX_RANK) return false;
        int64_t n = 0;
        for (; *at >= '0' && *at <= '9'; at++)
            if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *at - '0', &n)) return false;
        at += *at == 'L'; /* Python 2 */
        out->shape[out->rank++] = n;
    }
}

static bool parse_header(const char *text, npy_header *out) {
    *out = (npy_header){0};
    const char *order = value_of(text, "'fortran_order'");
    out->is_fortran = order && str_starts(order, "True");
    return order && parse_descr(text, out) && parse_shape(text, out);
}

/* The header's text in scratch and where the elements begin; false when f is no .npy. */
static bool find_header(cx *c, const mapped_file *f, const char **out_text, size_t *out_data) {
    if (f->bytes < PREFIX_BYTES || memcmp(f->data, magic, MAGIC_BYTES) != 0) return false;
    uint32_t n = (uint32_t)f->data[8] | (uint32_t)f->data[9] << 8, start = PREFIX_BYTES;
    if (f->data[6] >= 2) {
        if (f->bytes < PREFIX_BYTES + 2) return false;
        n |= (uint32_t)f->data[10] << 16 | (uint32_t)f->data[11] << 24;
        start += 2;
    }
    if (n > f->bytes - start) return false;
    *out_text = arena_strndup(c->scratch, (const char *)f->data + start, n);
    *out_data = (size_t)start + n;
    return true;
}

/* --- elements --- */

/* NumPy's name of what the file holds, as .astype takes it. */
static const char *numpy_name(arena *a, char kind, uint32_t size) {
    const char *word = kind == 'f' ? "float" : kind == 'i' ? "int" : kind == 'u' ? "uint" : NULL;
    if (kind == 'b') return "bool";
    return word ? arena_printf(a, "%s%" PRIu32, word, 8 * size) : arena_printf(a, "'%c%" PRIu32 "'", kind, size);
}

static frit_status wrong_type(cx *c, const char *path, const npy_header *h, dtype declared) {
    const npy_type *t = type_row(declared);
    const char *holds = numpy_name(c->scratch, h->kind, h->size);
    if (h->kind == 'U' || h->kind == 'S')
        return FAIL(c, TYPE, path,
                    "holds texts; a model takes numbers, such as the token ids that a tokenizer makes of them");
    if (!t) return FAIL(c, TYPE, path, "holds elements of type %s, which no tensor has", holds);
    if (t->descr[1] == 'V')
        return FAIL(c, TYPE, path, "holds %s, should hold %s, %" PRIu32 " byte%s an element", holds,
                    dtype_name(declared), file_size_of(t), file_size_of(t) == 1 ? "" : "s");
    const char *wanted = numpy_name(c->scratch, t->descr[1], file_size_of(t));
    return FAIL(c, TYPE, path, "holds %s, should hold %s; save it with .astype('%s')", holds, wanted, wanted);
}

static frit_status choose_type(cx *c, const char *path, const npy_header *h, dtype declared, const npy_type **out) {
    for (size_t i = 0; i < countof(npy_types) && declared == FRIT_DT_NONE; i++) {
        const npy_type *t = &npy_types[i];
        if (h->kind != 'V' && t->descr[1] == h->kind && file_size_of(t) == h->size) declared = t->dt;
    }
    const npy_type *t = type_row(declared);
    bool fits = t && file_size_of(t) == h->size && (t->descr[1] == h->kind || strchr(t->also, h->kind));
    if (!fits) return wrong_type(c, path, h, declared);
    if (h->order == '>' && h->size > 1)
        return FAIL(c, UNSUPPORTED, path, "is big-endian; save it with .astype(x.dtype.newbyteorder('<'))");
    *out = t;
    return FRIT_OK;
}

/* Column-major elements of n bytes each to row-major. */
static void transpose(const uint8_t *from, uint8_t *to, const tensor *t, uint32_t n) {
    int64_t index[MAX_RANK] = {0}, count = tensor_count(t);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = 0;
        for (uint32_t d = t->rank; d-- > 0;) at = at * t->shape[d] + index[d];
        memcpy(to + (size_t)i * n, from + (size_t)at * n, n);
        for (uint32_t d = t->rank; d-- > 0 && ++index[d] == t->shape[d];) index[d] = 0;
    }
}

/* Elements of one byte each to packed ones. */
static void pack(const uint8_t *from, tensor *t) {
    uint32_t bits = dtype_bits(t->dt), per_byte = 8 / bits;
    uint8_t *to = t->data, mask = (uint8_t)((1u << bits) - 1);
    memset(to, 0, dtype_bytes(t->dt, (size_t)tensor_count(t)));
    for (size_t i = 0; i < (size_t)tensor_count(t); i++)
        to[i / per_byte] = (uint8_t)(to[i / per_byte] | (from[i] & mask) << i % per_byte * bits);
}

/* Packed elements to one byte each, signed ones with their sign. */
static uint8_t *unpack(arena *a, const tensor *t) {
    uint32_t bits = dtype_bits(t->dt), per_byte = 8 / bits;
    size_t n = (size_t)tensor_count(t);
    uint8_t *to = arena_alloc(a, n + 1), mask = (uint8_t)((1u << bits) - 1);
    const uint8_t *from = t->data;
    for (size_t i = 0; i < n; i++) {
        uint32_t x = from[i / per_byte] >> i % per_byte * bits & mask;
        bool is_negative = dtype_kind_of(t->dt) == DTYPE_INT && x >> (bits - 1);
        to[i] = (uint8_t)(is_negative ? x | (uint32_t)~mask : x);
    }
    return to;
}

static frit_status read_elements(cx *c, const char *path, const mapped_file *f, size_t start, const npy_header *h,
                                 const npy_type *type, tensor *out) {
    *out = (tensor){.dt = type->dt, .rank = h->rank};
    int64_t count = 1;
    for (uint32_t i = 0; i < h->rank; i++) {
        out->shape[i] = h->shape[i];
        if (__builtin_mul_overflow(count, h->shape[i], &count)) count = INT64_MAX;
    }
    size_t have = (f->bytes - start) / h->size;
    if (count < 0 || (uint64_t)count > have)
        return FAIL(c, FORMAT, path, "is cut short: %zu of %" PRId64 " elements are there", have, count);
    size_t n_bytes = (size_t)count * h->size;
    const uint8_t *from = f->data + start;
    out->data = arena_alloc_aligned(c->job, n_bytes + ALIGN, ALIGN);
    uint8_t *row_major = dtype_bits(type->dt) < 8 ? arena_alloc(c->scratch, n_bytes + 1) : out->data;
    if (h->is_fortran && h->rank > 1)
        transpose(from, row_major, out, h->size);
    else
        memcpy(row_major, from, n_bytes);
    if (row_major != out->data) pack(row_major, out);
    for (size_t i = 0; type->dt == FRIT_DT_BOOL && i < n_bytes; i++) row_major[i] = row_major[i] != 0;
    return FRIT_OK;
}

static frit_status read_mapped(cx *c, const char *path, const mapped_file *f, dtype declared, tensor *out) {
    const char *text = NULL;
    size_t start = 0;
    npy_header h;
    const npy_type *type = NULL;
    bool has_header = find_header(c, f, &text, &start);
    const char *descr = has_header ? value_of(text, "'descr'") : NULL;
    if (descr && (str_starts(descr, "|O") || str_starts(descr, "O")))
        return FAIL(c, TYPE, path,
                    "holds Python objects, not numbers; save numpy.array(x, dtype='float32') or the like");
    if (descr && *descr == '[') return FAIL(c, TYPE, path, "holds records; save each field by itself");
    if (!has_header || !parse_header(text, &h))
        return FAIL(c, FORMAT, path, "is not a .npy file, or its header is damaged");
    TRY(choose_type(c, path, &h, declared, &type));
    return read_elements(c, path, f, start, &h, type, out);
}

frit_status npy_read(cx *c, const char *path, dtype declared, tensor *out) {
    mapped_file f;
    TRY(file_map(c, path, &f));
    frit_status status = read_mapped(c, path, &f, declared, out);
    file_unmap(&f);
    return status;
}

/* --- writing --- */

/* Prefix and header of a version 1 file, padded so that the elements begin at a multiple of ALIGN. */
static void add_header(strbuf *b, const tensor *t, const npy_type *type) {
    strbuf text = {.a = b->a};
    strbuf_printf(&text, "{'descr': '%s', 'fortran_order': False, 'shape': (", type->descr);
    for (uint32_t i = 0; i < t->rank; i++)
        strbuf_printf(&text, "%s%" PRId64 "%s", i ? ", " : "", t->shape[i], t->rank == 1 ? "," : "");
    strbuf_add(&text, "), }");
    while ((PREFIX_BYTES + text.n + 1) % ALIGN) strbuf_addc(&text, ' ');
    strbuf_addc(&text, '\n');
    strbuf_addn(b, magic, MAGIC_BYTES);
    strbuf_addn(b, "\x01\x00", 2);
    strbuf_addc(b, (char)(text.n & 0xff));
    strbuf_addc(b, (char)(text.n >> 8));
    strbuf_addn(b, text.at, text.n);
}

frit_status npy_write(cx *c, const char *path, const tensor *t) {
    const npy_type *type = type_row(t->dt);
    ASSERT(type);
    strbuf header = {.a = c->scratch};
    add_header(&header, t, type);
    size_t n_bytes = (size_t)tensor_count(t) * file_size_of(type);
    const void *elements = dtype_bits(t->dt) < 8 ? unpack(c->scratch, t) : t->data;
    file_writer w;
    TRY(file_begin(c, path, &w));
    frit_status status = file_write(c, &w, header.at, header.n);
    if (status == FRIT_OK) status = file_write(c, &w, elements, n_bytes);
    if (status == FRIT_OK) status = file_commit(c, &w);
    file_abort(&w);
    return status;
}
