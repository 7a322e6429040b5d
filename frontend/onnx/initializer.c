/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* TensorProto as constant payloads: raw bytes and 4- and 8-byte fields as they lie in the file, the rest unpacked. */
#include <string.h>

#include "frontend/onnx/model.h"
#include "ir/op/attrs.h"

/* One row per TensorProto.DataType: its dtype, and the *_data field it uses without raw_data (4 float, 5 int32, 7
 * int64, 10 double, 11 uint64) with that field's bytes an element (0: varint). */
typedef struct type_row {
    const char *name;
    dtype dt;
    uint8_t field, bytes;
} type_row;
static const type_row types[] = {
    [1] = {"FLOAT", FRIT_DT_F32, 4, 4},
    [2] = {"UINT8", FRIT_DT_U8, 5, 0},
    [3] = {"INT8", FRIT_DT_I8, 5, 0},
    [4] = {"UINT16", FRIT_DT_U16, 5, 0},
    [5] = {"INT16", FRIT_DT_I16, 5, 0},
    [6] = {"INT32", FRIT_DT_I32, 5, 0},
    [7] = {"INT64", FRIT_DT_I64, 7, 0},
    [ONNX_STRING] = {"STRING", FRIT_DT_NONE, 6, 0},
    [9] = {"BOOL", FRIT_DT_BOOL, 5, 0},
    [10] = {"FLOAT16", FRIT_DT_F16, 5, 0},
    [11] = {"DOUBLE", FRIT_DT_F64, 10, 8},
    [12] = {"UINT32", FRIT_DT_U32, 11, 0},
    [13] = {"UINT64", FRIT_DT_U64, 11, 0},
    [ONNX_COMPLEX64] = {"COMPLEX64", FRIT_DT_NONE, 4, 4},
    [ONNX_COMPLEX128] = {"COMPLEX128", FRIT_DT_NONE, 10, 8},
    [16] = {"BFLOAT16", FRIT_DT_BF16, 5, 0},
    [17] = {"FLOAT8E4M3FN", FRIT_DT_F8E4M3, 5, 0},
    [18] = {"FLOAT8E4M3FNUZ", FRIT_DT_F8E4M3FNUZ, 5, 0},
    [19] = {"FLOAT8E5M2", FRIT_DT_F8E5M2, 5, 0},
    [20] = {"FLOAT8E5M2FNUZ", FRIT_DT_F8E5M2FNUZ, 5, 0},
    [21] = {"UINT4", FRIT_DT_U4, 5, 0},
    [22] = {"INT4", FRIT_DT_I4, 5, 0},
    [23] = {"FLOAT4E2M1", FRIT_DT_F4E2M1, 5, 0},
    [24] = {"FLOAT8E8M0", FRIT_DT_F8E8M0, 5, 0},
    [25] = {"UINT2", FRIT_DT_U2, 5, 0},
    [26] = {"INT2", FRIT_DT_I2, 5, 0},
};

dtype onnx_dtype(int32_t type) { return type > 0 && (size_t)type < countof(types) ? types[type].dt : FRIT_DT_NONE; }

const char *onnx_type_name(int32_t type) {
    bool known = type > 0 && (size_t)type < countof(types) && types[type].name;
    return known ? types[type].name : "UNKNOWN";
}

static frit_status lies(cx *c, const weight_files *files, const onnx_tensor *t, const char *what) {
    return FAIL(c, FORMAT, files->model_path, "tensor '%s' %s", t->name, what);
}

/* Number of elements. Errors: negative dims, or more than memory could hold. */
static frit_status count_elements(cx *c, const weight_files *files, const onnx_tensor *t, size_t *out) {
    int64_t n = 1;
    for (uint32_t i = 0; i < t->dims.n; i++)
        if (t->dims.at[i] < 0 || __builtin_mul_overflow(n, t->dims.at[i], &n) || n > (int64_t)1 << 46)
            return lies(c, files, t, "has impossible dims");
    *out = (size_t)n;
    return FRIT_OK;
}

static frit_status map_external(cx *c, weight_files *files, const char *name, wire_bytes *out) {
    for (uint32_t i = 0; i < files->names.n; i++)
        if (str_equal(files->names.at[i], name))
            return *out = (wire_bytes){files->files.at[i].data, files->files.at[i].bytes}, FRIT_OK;
    char *path;
    mapped_file f;
    TRY(path_beside(c, files->model_path, name, &path));
    TRY(file_map(c, path, &f));
    vec_push(c->job, files->files, f);
    vec_push(c->job, files->names, name);
    *out = (wire_bytes){f.data, f.bytes};
    return FRIT_OK;
}

/* The bytes of external data, checked against the file's end. */
static frit_status external_bytes(cx *c, weight_files *files, const onnx_tensor *t, size_t want, wire_bytes *out) {
    wire_bytes whole;
    if (!t->location || !*t->location) return lies(c, files, t, "is external but names no file");
    frit_status status = map_external(c, files, t->location, &whole);
    if (status != FRIT_OK) {
        cx_prefix(c,
                  arena_printf(c->job, "%s: tensor '%s' lies in a file beside the model", files->model_path, t->name));
        return status;
    }
    if (t->has_size && t->n_bytes != want) return lies(c, files, t, "has external data of the wrong length");
    if (t->offset > whole.n || whole.n - t->offset < want)
        return lies(c, files, t, arena_printf(c->job, "lies beyond the end of '%s'", t->location));
    *out = (wire_bytes){whole.at + t->offset, want};
    return FRIT_OK;
}

/* Elements given one by one in a *_data field; 4-bit and 2-bit types come packed, a byte each. */
static frit_status unpack_typed(cx *c, const weight_files *files, const onnx_tensor *t, size_t count, void *to) {
    const type_row *row = &types[t->type];
    unsigned bits = dtype_bits(row->dt);
    size_t unit = bits < 8 ? 1 : bits / 8, n = dtype_bytes(row->dt, count) / unit, filled = 0;
    for (uint32_t i = 0; i < t->typed.n; i++) {
        const wire_field *f = &t->typed.at[i];
        if (f->number != row->field || wire_count(f, row->bytes) < 0)
            return lies(c, files, t, "has data of another type");
        wire_list l = wire_elements(f, row->bytes);
        for (uint64_t v; wire_element(&l, &v); filled++) {
            if (filled == n) return lies(c, files, t, "has more data than its dims say");
            memcpy((char *)to + filled * unit, &v, unit);
        }
    }
    return filled == n ? FRIT_OK : lies(c, files, t, "has less data than its dims say");
}

/* A bool byte other than 0 or 1 would be undefined later. */
static const void *clean_bools(cx *c, const uint8_t *bytes, size_t n) {
    size_t i = 0;
    while (i < n && bytes[i] <= 1) i++;
    if (i == n) return bytes;
    uint8_t *copy = arena_copy(c->job, bytes, n);
    for (; i < n; i++) copy[i] = copy[i] != 0;
    return copy;
}

frit_status weight_read(cx *c, weight_files *files, const onnx_tensor *t, const_data *out) {
    dtype dt = onnx_dtype(t->type);
    if (dt == FRIT_DT_NONE)
        return FAIL(c, UNSUPPORTED, files->model_path, "tensor '%s' is of type %s", t->name, onnx_type_name(t->type));
    size_t count = 0;
    TRY(count_elements(c, files, t, &count));
    if (t->dims.n > 16) return lies(c, files, t, "has more than 16 axes");
    size_t want = dtype_bytes(dt, count);
    *out = (const_data){.kind = CONST_DENSE, .dt = dt, .dims = int_list_of(c->job, t->dims.n, t->dims.at)};
    wire_bytes bytes = t->raw;
    const type_row *row = &types[t->type];
    bool in_place = t->typed.n == 1 && t->typed.at[0].type == WIRE_BYTES && row->bytes &&
                    row->bytes == dtype_bits(dt) / 8 && t->typed.at[0].number == row->field;
    if (t->is_external)
        TRY(external_bytes(c, files, t, want, &bytes));
    else if (!t->has_raw && in_place)
        bytes = t->typed.at[0].bytes;
    else if (!t->has_raw) {
        void *unpacked = NULL;
        /* A varint takes a byte at least: what cannot be there is not allocated for. */
        size_t held = 0;
        for (uint32_t i = 0; i < t->typed.n; i++)
            held += t->typed.at[i].type == WIRE_BYTES ? t->typed.at[i].bytes.n : 1;
        if (want / 8 > held) return lies(c, files, t, "has less data than its dims say");
        unpacked = arena_alloc(c->job, want + 1);
        TRY(unpack_typed(c, files, t, count, unpacked));
        bytes = (wire_bytes){unpacked, want};
    }
    if (bytes.n != want) return lies(c, files, t, "has data of another length than its dims say");
    out->bytes = dt == FRIT_DT_BOOL ? clean_bools(c, bytes.at, bytes.n) : bytes.at;
    if (!out->bytes) out->bytes = "";
    return FRIT_OK;
}

void weight_files_close(weight_files *files) {
    for (uint32_t i = 0; i < files->files.n; i++) file_unmap(&files->files.at[i]);
    files->files.n = files->names.n = 0;
}
