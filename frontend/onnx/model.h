/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An ONNX model as plain structs: what the file says, checked for form and not yet for meaning. Strings are terminated
 * copies; tensors point into the file. */
#ifndef FRIT_FRONTEND_ONNX_MODEL_H
#define FRIT_FRONTEND_ONNX_MODEL_H

#include "base/file.h"
#include "frontend/onnx/wire.h"
#include "ir/op/ops.h"

/* TensorProto.DataType of types without a dtype. */
enum { ONNX_STRING = 8, ONNX_COMPLEX64 = 14, ONNX_COMPLEX128 = 15 };

typedef struct onnx_tensor {
    const char *name; /* "" when none */
    int32_t type;     /* TensorProto.DataType */
    int_list dims;
    bool has_raw, is_external;
    wire_bytes raw;
    VEC(wire_field) typed;     /* the *_data field in pieces */
    VEC(wire_bytes) strings;   /* string_data */
    const char *location;      /* external: path relative to the model */
    uint64_t offset, n_bytes;  /* external */
    bool has_offset, has_size; /* external */
} onnx_tensor;

typedef struct onnx_graph onnx_graph;

/* Exactly one of the value fields is meant, by type (AttributeProto.AttributeType). */
typedef enum onnx_attr_type {
    ATTR_NONE,
    ATTR_FLOAT,
    ATTR_INT,
    ATTR_STRING,
    ATTR_TENSOR,
    ATTR_GRAPH,
    ATTR_FLOATS,
    ATTR_INTS,
    ATTR_STRINGS,
    ATTR_TENSORS,
    ATTR_GRAPHS,
    ATTR_OTHER /* sparse tensors, type protos: no operator that is supported has them */
} onnx_attr_type;
typedef struct onnx_attr {
    const char *name;
    const char *ref; /* of the enclosing function's attribute it takes its value from; NULL when it has its own */
    onnx_attr_type type;
    double f;
    int64_t i;
    const char *s; /* STRING */
    onnx_tensor *t;
    onnx_graph *g;
    f64_list floats;
    int_list ints;
    uint32_t n_strings;
    const char *const *strings;
} onnx_attr;

typedef struct onnx_node {
    const char *name, *op, *domain; /* domain "" is ai.onnx */
    const char *overload;
    VEC(const char *) inputs; /* "" when left out */
    VEC(const char *) outputs;
    VEC(onnx_attr) attrs;
} onnx_node;

typedef struct onnx_dim {
    int64_t value;     /* 0 when not given as a number */
    const char *param; /* NULL when not named */
} onnx_dim;
typedef enum onnx_kind { ONNX_NO_TYPE, ONNX_TENSOR, ONNX_SEQUENCE, ONNX_OPTIONAL, ONNX_OTHER } onnx_kind;
typedef struct onnx_value_info {
    const char *name;
    onnx_kind kind;
    int32_t type; /* TENSOR: element type */
    bool has_shape;
    VEC(onnx_dim) dims;
} onnx_value_info;

struct onnx_graph {
    const char *name;
    VEC(onnx_node) nodes;
    VEC(onnx_value_info) inputs;
    VEC(onnx_value_info) outputs;
    VEC(onnx_tensor) initializers;
    uint32_t n_sparse; /* sparse initializers, which are refused */
};

typedef struct onnx_opset {
    const char *domain;
    int64_t version;
} onnx_opset;
typedef VEC(onnx_opset) onnx_opsets;

typedef struct onnx_function {
    const char *name, *domain, *overload;
    VEC(const char *) inputs;
    VEC(const char *) outputs;
    VEC(onnx_attr) defaults; /* attributes with a default value */
    VEC(onnx_node) nodes;
    onnx_opsets opsets;
} onnx_function;

typedef struct onnx_model {
    int64_t ir_version;
    onnx_opsets opsets;
    onnx_graph *graph; /* never NULL */
    VEC(onnx_function) functions;
} onnx_model;

/* model.c. path is for messages. Errors: FRIT_FORMAT. */
frit_status model_parse(cx *c, const char *path, wire_bytes file, onnx_model *out);
/* A file that is one TensorProto, as the ONNX test suite's inputs are. */
frit_status model_parse_tensor(cx *c, const char *path, wire_bytes file, onnx_tensor *out);

/* initializer.c: tensors as constants. */
dtype onnx_dtype(int32_t type); /* FRIT_DT_NONE for strings, complex and unknown ones */
const char *onnx_type_name(int32_t type);
/* The constant's payload. Dense bytes are borrowed from the file where it stores them as memory does. external maps the
 * files of external data, each once; folder is where they are looked for. */
typedef struct weight_files {
    const char *model_path;
    mapped_files files;      /* the model itself and those of external data */
    VEC(const char *) names; /* of external data, parallel to files; "" for the model */
} weight_files;
frit_status weight_read(cx *c, weight_files *files, const onnx_tensor *t, const_data *out);
void weight_files_close(weight_files *files);

#endif
