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

#endif
