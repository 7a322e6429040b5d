/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads tensors from files of either kind. */
#include <string.h>

#include "base/file.h"
#include "driver/file_kind.h"
#include "driver/npy.h"
#include "frontend/onnx/onnx.h"

enum { ALIGN = 64, MAGIC_BYTES = 6 };

static frit_status is_npy(cx *c, const char *path, bool *out) {
    mapped_file f;
    TRY(file_map(c, path, &f));
    *out = f.bytes >= MAGIC_BYTES && memcmp(f.data, "\x93NUMPY", MAGIC_BYTES) == 0;
    const char *mistake = *out ? NULL : file_mistake_of_tensor(&f);
    file_unmap(&f);
    return mistake ? FAIL(c, FORMAT, path, "%s", mistake) : FRIT_OK;
}

static frit_status tensor_proto_read(cx *c, const char *path, dtype declared, tensor *out) {
    const_data d;
    const char *name;
    TRY(onnx_read_tensor(c, path, &d, &name));
    if (declared != FRIT_DT_NONE && d.dt != declared)
        return FAIL(c, TYPE, path, "holds %s, should hold %s", dtype_name(d.dt), dtype_name(declared));
    if (d.dims.n > MAX_RANK) return FAIL(c, SHAPE, path, "has more than %d dims", MAX_RANK);
    tensor t;
    TRY(eval_const(c, c->job, &d, &t));
    size_t n_bytes = dtype_bytes(t.dt, (size_t)tensor_count(&t));
    *out = t;
    out->data = arena_alloc_aligned(c->job, n_bytes + ALIGN, ALIGN);
    memcpy(out->data, t.data, n_bytes);
    return FRIT_OK;
}

frit_status tensor_file_read(cx *c, const char *path, dtype declared, tensor *out) {
    bool npy = false;
    TRY(is_npy(c, path, &npy));
    return npy ? npy_read(c, path, declared, out) : tensor_proto_read(c, path, declared, out);
}
