/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The mapping functions that rows of onnx_ops.def name, by the file that defines them, and what those files share. */
#ifndef FRIT_FRONTEND_ONNX_MAPPERS_H
#define FRIT_FRONTEND_ONNX_MAPPERS_H

#include "frontend/onnx/reader.h"

/* Every map_<fn> of the table. */
#define ROW(domain, name, since, until, op, attrs, fn) map_fn map_##fn;
#include "frontend/onnx/onnx_ops.def"
#undef ROW

/* ops_elementwise.c */
value_id make_flat2d(reader *r, value_id x, int64_t axis);

/* ops_shape.c */
bool ints_of(reader *r, const call *n, const char *name, uint32_t i, int_list *out);
bool dims_of(reader *r, const call *n, const char *name, uint32_t i, dim_list *out);
value_id make_floats(reader *r, uint32_t n, const double *v);

/* ops_conv.c: pads of a sliding window, with auto_pad worked out. */
typedef struct window_call {
    uint32_t n; /* spatial axes */
    int64_t sizes[MAX_RANK], strides[MAX_RANK], dilations[MAX_RANK], pads[2 * MAX_RANK];
} window_call;
bool window_of(reader *r, const call *n, value_id x, value_id weights, window_call *out);

/* ops_attention.c */
typedef struct attention {
    value_id q, k, v; /* four axes [B, H, S, D], past included */
    value_id mask;    /* bool, or a number added to the scores; VALUE_NONE */
    value_id sink;    /* [H] or [1]: one more term of each softmax's sum, as a score; VALUE_NONE */
    dim past;         /* length of the past */
    double scale;     /* 0: 1 / sqrt of the size of a head */
    double softcap;
    bool causal;
} attention;
/* The attention; written out where scores are wanted: 0 scaled, 1 capped, 2 masked, 3 after softmax. */
value_id make_attention(reader *r, const attention *a, int64_t stage, value_id *out_scores);
/* The node's scale, or what stands for it: 1 / sqrt of the size of q's heads, 0 where that is not known. */
double attention_scale(reader *r, const call *n, value_id q);
value_id split_heads(reader *r, value_id x, int64_t heads); /* [B, S, H*D] as [B, H, S, D]; four axes stay */
value_id join_heads(reader *r, value_id x);                 /* [B, H, S, D] as [B, S, H*D] */
value_id repeat_heads(reader *r, value_id x, value_id q);   /* each query head with its own keys or values */
value_id count_along(reader *r, dim extent, int64_t axis);  /* i64 0..extent-1 along that of four axes */
value_id scalar_of_dim(reader *r, dim d);                   /* an i64 scalar */
value_id join_masks(reader *r, value_id a, value_id b);     /* bools by and; a bool chooses b or -inf */

/* ops_matmul.c: quantisation */
dtype wide_of(const reader *r, value_id x);
/* A scale or zero point spread over x: a number, one per slice along axis, or one per block of `block` along it. */
value_id spread(reader *r, value_id p, value_id x, int64_t axis, int64_t block);
/* scaled + zero rounded and clamped into dt. zero may be VALUE_NONE. */
value_id quantised(reader *r, value_id scaled, value_id zero, dtype dt, bool saturate);
/* (x - zero) * scale in f32 or wider; zero may be VALUE_NONE. */
value_id dequantised(reader *r, value_id x, value_id scale, value_id zero, const int64_t axis_block[2]);
/* x as u8 between its own smallest and largest element (DynamicQuantizeLinear). */
value_id quantised_dynamically(reader *r, value_id x, value_id *out_scale, value_id *out_zero);
/* An integer operand of a product as i32 with its zero point taken off. rows: a 1-D zero point has one entry a row of x
 * (the last axis but one), else one a column. */
value_id centred(reader *r, value_id x, value_id zero, bool rows);

#endif
