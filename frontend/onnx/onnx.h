/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ONNX models to graphs: opsets 7 to 27, local functions, external data, symbolic dims, shape arithmetic. */
#ifndef FRIT_FRONTEND_ONNX_ONNX_H
#define FRIT_FRONTEND_ONNX_ONNX_H

#include "base/file.h"
#include "ir/eval/eval.h"

/* --const NAME=FILE: the model input NAME becomes this constant. */
typedef struct onnx_const {
    const char *name;
    const_data data;
} onnx_const;

/* --dim: what is asked of a model's dim. */
typedef enum onnx_dim_kind {
    ONNX_DIM_RANGE,   /* NAME=LO..HI@HINT: its range; lo == hi makes it that number */
    ONNX_DIM_RENAMED, /* NAME:OTHER: it is called OTHER, which is no other dim's name */
    ONNX_DIM_TIED     /* NAME=OTHER: it is the dim OTHER */
} onnx_dim_kind;
typedef struct onnx_dim_option {
    onnx_dim_kind kind;
    const char *name;     /* as the model calls it; of a range also what it is renamed or tied to */
    const char *other;    /* RENAMED, TIED */
    int64_t lo, hi, hint; /* RANGE; hint 0: none */
} onnx_dim_option;

/* One operator of a model, by name and opset. */
typedef struct onnx_operator {
    const char *name;  /* "Conv", "com.microsoft.Gelu"; "Upsample of opset 9" where another opset's is supported */
    const char *first; /* the first node that is one */
    uint32_t n_nodes;
    bool is_supported;
} onnx_operator;
typedef VEC(onnx_operator) onnx_operators;

typedef struct onnx_options {
    uint32_t n_consts;
    const onnx_const *consts;
    uint32_t n_dims;
    const onnx_dim_option *dims;
    bool refuse_host_dims; /* integer inputs that decide extents need a const too, instead of becoming symbols */
    bool check_only;       /* list unsupported operators only: *out stays NULL */
    /* When an input must be constant (FRIT_MISSING), its name is stored here if not NULL, so that the caller can add a
     * const and read again. */
    const char **out_wanted;
    onnx_operators *out_operators; /* receives all operators of the model, also when some are refused; NULL: none */
    const void *bytes;             /* the model's bytes, which last as long as the graph; NULL: the file holds them */
    size_t n_bytes;
    mapped_files
        *out_files; /* receives the files that weights lie in, to be unmapped after the graph; NULL: they stay */
} onnx_options;

/* Reads a model. Weights stay in the mapped files. options may be NULL.
 * Errors: FRIT_IO, FRIT_FORMAT (malformed), FRIT_UNSUPPORTED (all operators at once), FRIT_MISSING (an input decides
 * a rank or an axis: the message asks for --const), FRIT_SHAPE and FRIT_TYPE (the model contradicts itself). */
frit_status onnx_read(cx *c, const char *path, const onnx_options *options, graph **out);
/* Reads a file that is one TensorProto (the test suite's inputs). *out_name is "" when it has none. */
frit_status onnx_read_tensor(cx *c, const char *path, const_data *out, const char **out_name);

#endif
