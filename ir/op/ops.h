/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The operator table as C: opcodes, flags, attribute structs and their field descriptions. All from ops.def, attrs.def.
 */
#ifndef FRIT_IR_OPS_H
#define FRIT_IR_OPS_H

#include "ir/dim/dim.h"
#include "ir/op/dtype.h"

#define MAX_RANK 16 /* of a tensor */

typedef enum op_code {
#define OP(name, ...) OP_##name,
#include "ir/ops.def"
#undef OP
    N_OPS
} op_code;

enum op_flag {
    OPF_EW = 1,
    OPF_CORE = 2,
    OPF_VIEW = 4,
    OPF_COMM = 8,
    OPF_CMP = 16,
    OPF_FLT = 32,
    OPF_INTG = 64,
    OPF_LOGIC = 128,
    OPF_REGION = 256,
    OPF_NOCSE = 512,
    OPF_SLOW = 1024
};

/* Enum lists of attributes. */
#define ENUM_reduce_kind(X)  X(sum) X(prod) X(max) X(min) X(argmax) X(argmin) X(argmax_last) X(argmin_last)
#define ENUM_pad_mode(X)     X(constant) X(reflect) X(edge) X(wrap)
#define ENUM_scatter_mode(X) X(set) X(add) X(mul) X(min) X(max)
#define ENUM_random_kind(X)  X(uniform) X(normal) X(bernoulli)
#define ENUM_resize_mode(X)  X(nearest) X(linear) X(cubic)
#define ENUM_resize_coord(X)                                                                                           \
    X(half_pixel) X(half_pixel_symmetric) X(pytorch_half_pixel) X(align_corners) X(asymmetric) X(tf_crop_and_resize)
#define ENUM_resize_nearest(X) X(round_prefer_floor) X(round_prefer_ceil) X(floor) X(ceil)
/* e.g. enum reduce_kind { RK_sum, RK_prod, ... } */
#define ENUM_ROW(x) RK_##x,
typedef enum reduce_kind { ENUM_reduce_kind(ENUM_ROW) } reduce_kind;
#undef ENUM_ROW
#define ENUM_ROW(x) PM_##x,
typedef enum pad_mode { ENUM_pad_mode(ENUM_ROW) } pad_mode;
#undef ENUM_ROW
#define ENUM_ROW(x) SM_##x,
typedef enum scatter_mode { ENUM_scatter_mode(ENUM_ROW) } scatter_mode;
#undef ENUM_ROW
#define ENUM_ROW(x) RD_##x,
typedef enum random_kind { ENUM_random_kind(ENUM_ROW) } random_kind;
#undef ENUM_ROW
#define ENUM_ROW(x) RM_##x,
typedef enum resize_mode { ENUM_resize_mode(ENUM_ROW) } resize_mode;
#undef ENUM_ROW
#define ENUM_ROW(x) RC_##x,
typedef enum resize_coord { ENUM_resize_coord(ENUM_ROW) } resize_coord;
#undef ENUM_ROW
#define ENUM_ROW(x) RN_##x,
typedef enum resize_nearest { ENUM_resize_nearest(ENUM_ROW) } resize_nearest;
#undef ENUM_ROW

typedef struct int_list {
    uint32_t n;
    const int64_t *at;
} int_list;
typedef struct f64_list {
    uint32_t n;
    const double *at;
} f64_list;
typedef struct dim_list {
    uint32_t n;
    const dim *at;
} dim_list;

/* Bytes that are made when somebody wants them, in equal parts, each by itself: weights in the form that a kernel
 * streams, which go straight to the artifact. */
typedef struct const_maker {
    uint32_t n_parts;
    size_t part_bytes;
    void (*make)(const void *data, uint32_t part, void *out); /* from any thread */
    const void *data;                                         /* for make; lives as long as the plan */
} const_maker;

/* The payload of a const node. Exactly one of bytes / splat / random / maker holds the values. MADE ones are of plans
 * only, never of a graph. */
typedef enum const_kind { CONST_DENSE, CONST_SPLAT, CONST_RANDOM, CONST_MADE } const_kind;
typedef struct const_data {
    const_kind kind;
    dtype dt;
    int_list dims;     /* constant extents */
    const void *bytes; /* DENSE: packed little-endian elements; borrowed from a mapping or in the job arena */
    const char *file;  /* DENSE: where bytes came from, for the text form and side weights; NULL when inline. A parsed
                          .fir text gives file and key with bytes NULL until the driver has mapped them */
    const char *key;   /* DENSE with file: tensor name in it */
    scalar splat;      /* SPLAT: every element */
    int64_t seed;      /* RANDOM: standard normal * scale, rounded to dt (Philox, counter = element index) */
    double scale;
    const const_maker *maker; /* MADE */
} const_data;

#define ATTRS_BEGIN(name)                                                                                              \
    typedef struct attr_##name {                                                                                       \
        char unused_;
#define A_INT(s, f, d)     int64_t f;
#define A_F64(s, f, d)     double f;
#define A_BOOL(s, f, d)    bool f;
#define A_DTYPE(s, f)      dtype f;
#define A_INTS(s, f)       int_list f;
#define A_FLOATS(s, f)     f64_list f;
#define A_DIMS(s, f)       dim_list f;
#define A_STR(s, f)        const char *f;
#define A_ENUM(s, f, type) type f;
#define A_CONST(s, f)      const_data f;
#define ATTRS_END(name)                                                                                                \
    }                                                                                                                  \
    attr_##name;
#include "ir/attrs.def"
#undef ATTRS_BEGIN
#undef A_INT
#undef A_F64
#undef A_BOOL
#undef A_DTYPE
#undef A_INTS
#undef A_FLOATS
#undef A_DIMS
#undef A_STR
#undef A_ENUM
#undef A_CONST
#undef ATTRS_END

typedef enum field_kind {
    FK_INT,
    FK_F64,
    FK_BOOL,
    FK_DTYPE,
    FK_INTS,
    FK_FLOATS,
    FK_DIMS,
    FK_STR,
    FK_ENUM,
    FK_CONST
} field_kind;

/* One field of an attribute struct: everything a printer, parser or hash needs. */
typedef struct attr_field {
    const char *name;
    field_kind kind;
    uint32_t offset;
    double default_value;          /* INT, F64, BOOL */
    const char *const *enum_names; /* ENUM: NULL-terminated */
} attr_field;
typedef struct attr_type {
    const char *name;
    uint32_t bytes, n_fields;
    const attr_field *fields;
} attr_type;

typedef struct op_info {
    const char *name;
    const attr_type *attrs;
    uint8_t n_in_min, n_in_max, n_out; /* n_in_max 0: any number; n_out 0: given by the regions */
    uint16_t flags;                    /* enum op_flag */
    const char *template_text;         /* "" when none */
    const char *doc;
} op_info;
const op_info *op_info_of(op_code op);
bool op_parse(const char *name, op_code *out);
const char *op_name(op_code op);
bool op_is(op_code op, unsigned flags); /* has all of the flags */
/* A zero-filled attribute struct of op with its defaults set. */
void *attrs_new(arena *a, op_code op);

#endif
