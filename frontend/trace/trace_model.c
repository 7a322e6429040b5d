/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recording of products, normalisation, attention, convolution and pooling. */
#include "frontend/trace/trace.h"

static const double default_eps = 1e-5;
static double eps_or_default(double eps) { return eps != 0 ? eps : default_eps; }

/* A node whose last operand may be absent. */
static frit_value *record(const char *where, op_code op, uint32_t n, const frit_value *const *x, const void *attrs) {
    op_call k;
    value_id in[5] = {0};
    if (!op_begin(&k, where, op_name(op), n, x)) return op_end(&k, VALUE_NONE);
    for (uint32_t i = 0; i < n; i++) in[i] = x[i]->id;
    return op_end(&k, op_add(&k, op, n, in, attrs));
}

frit_value *frit_matmul_at(const char *where, frit_value *x, frit_value *y) {
    return record(where, OP_matmul, 2, (const frit_value *const[]){x, y}, NULL);
}

frit_value *frit_softmax_at(const char *where, frit_value *x, int32_t axis) {
    return record(where, OP_softmax, 1, (const frit_value *const[]){x}, &(attr_axis){.axis = axis});
}

frit_value *frit_log_softmax_at(const char *where, frit_value *x, int32_t axis) {
    return record(where, OP_log_softmax, 1, (const frit_value *const[]){x}, &(attr_axis){.axis = axis});
}

/* ---- normalisation ---- */

static attr_norm last_axes(const frit_norm_options *o) {
    return (attr_norm){.axis = -(int64_t)(o && o->n_axes ? o->n_axes : 1), .eps = eps_or_default(o ? o->eps : 0)};
}

frit_value *frit_layer_norm_at(const char *where, frit_value *x, frit_value *scale, frit_value *bias,
                               const frit_norm_options *o) {
    attr_norm a = last_axes(o);
    return record(where, OP_layer_norm, bias ? 3 : 2, (const frit_value *const[]){x, scale, bias}, &a);
}

frit_value *frit_rms_norm_at(const char *where, frit_value *x, frit_value *scale, const frit_norm_options *o) {
    attr_norm a = last_axes(o);
    return record(where, OP_rms_norm, 2, (const frit_value *const[]){x, scale}, &a);
}

frit_value *frit_batch_norm_at(const char *where, frit_value *x, frit_value *const parameters[4], double eps) {
    const frit_value *in[5] = {x};
    for (int i = 0; i < 4 && parameters; i++) in[i + 1] = parameters[i];
    return record(where, OP_batch_norm, 5, in, &(attr_norm){.axis = 1, .eps = eps_or_default(eps)});
}

frit_value *frit_group_norm_at(const char *where, frit_value *x, frit_value *scale, frit_value *bias,
                               const frit_group_norm_options *o) {
    attr_group_norm a = {.groups = o && o->groups ? o->groups : 1, .eps = eps_or_default(o ? o->eps : 0)};
    return record(where, OP_group_norm, 3, (const frit_value *const[]){x, scale, bias}, &a);
}

frit_value *frit_instance_norm_at(const char *where, frit_value *x, frit_value *scale, frit_value *bias, double eps) {
    return record(where, OP_instance_norm, 3, (const frit_value *const[]){x, scale, bias},
                  &(attr_norm){.axis = 1, .eps = eps_or_default(eps)});
}

frit_value *frit_lrn_at(const char *where, frit_value *x, const frit_lrn_options *o) {
    attr_lrn a = {.size = 1, .alpha = 1e-4, .beta = 0.75, .bias = 1};
    if (o && o->size) a.size = o->size;
    if (o && o->alpha != 0) a.alpha = o->alpha;
    if (o && o->beta != 0) a.beta = o->beta;
    if (o && o->bias != 0) a.bias = o->bias;
    return record(where, OP_lrn, 1, (const frit_value *const[]){x}, &a);
}

/* ---- attention ---- */

frit_value *frit_attend_at(const char *where, frit_value *q, frit_value *k, frit_value *v,
                           const frit_attend_options *o) {
    attr_attend a = {0};
    if (o) a = (attr_attend){.scale = o->scale, .causal = o->causal, .softcap = o->softcap, .window = o->window};
    const frit_value *mask = o ? o->mask : NULL;
    return record(where, OP_attend, mask ? 4 : 3, (const frit_value *const[]){q, k, v, mask}, &a);
}

frit_value *frit_rope_at(const char *where, frit_value *x, frit_value *cosines, frit_value *sines,
                         const frit_rope_options *o) {
    attr_rope a = {.interleaved = o && o->interleaved, .rotary_dim = o ? o->rotary_dim : 0};
    return record(where, OP_rope, 3, (const frit_value *const[]){x, cosines, sines}, &a);
}

/* ---- convolution and pooling ---- */

/* A node over values that op_begin has seen. */
static frit_value *finish(op_call *k, op_code op, uint32_t n, const frit_value *const *x, const void *attrs) {
    value_id in[3] = {0};
    for (uint32_t i = 0; i < n; i++) in[i] = x[i]->id;
    return op_end(k, op_add(k, op, n, in, attrs));
}

frit_value *frit_conv_at(const char *where, frit_value *x, frit_value *weight, frit_value *bias,
                         const frit_conv_options *o) {
    op_call k;
    const frit_value *in[3] = {x, weight, bias};
    uint32_t n = bias ? 3 : 2;
    if (!op_begin(&k, where, "conv", n, in)) return op_end(&k, VALUE_NONE);
    attr_conv a = {.groups = 1};
    if (o) {
        a = (attr_conv){.strides = trace_ints(k.t, o->strides),
                        .pads = trace_ints(k.t, o->pads),
                        .dilations = trace_ints(k.t, o->dilations),
                        .groups = o->groups ? o->groups : 1};
    }
    return finish(&k, OP_conv, n, in, &a);
}

frit_value *frit_conv_transpose_at(const char *where, frit_value *x, frit_value *weight, frit_value *bias,
                                   const frit_conv_options *o) {
    op_call k;
    const frit_value *in[3] = {x, weight, bias};
    uint32_t n = bias ? 3 : 2;
    if (!op_begin(&k, where, "conv_transpose", n, in)) return op_end(&k, VALUE_NONE);
    attr_conv_transpose a = {.groups = 1};
    if (o) {
        a = (attr_conv_transpose){.strides = trace_ints(k.t, o->strides),
                                  .pads = trace_ints(k.t, o->pads),
                                  .dilations = trace_ints(k.t, o->dilations),
                                  .output_pads = trace_ints(k.t, o->output_pads),
                                  .groups = o->groups ? o->groups : 1};
    }
    return finish(&k, OP_conv_transpose, n, in, &a);
}

static attr_pool pool_attrs(frit_tracer *t, const frit_pool_options *o) {
    if (!o) return (attr_pool){0};
    return (attr_pool){.sizes = trace_ints(t, o->sizes),
                       .strides = trace_ints(t, o->strides),
                       .pads = trace_ints(t, o->pads),
                       .dilations = trace_ints(t, o->dilations),
                       .count_pad = o->count_pad,
                       .ceil = o->ceil};
}

frit_value *frit_max_pool_at(const char *where, frit_value *x, const frit_pool_options *o, frit_value **out_indices) {
    op_call k;
    value_id first = VALUE_NONE;
    if (op_begin(&k, where, "max_pool", 1, (const frit_value *const[]){x})) {
        attr_pool a = pool_attrs(k.t, o);
        first = op_add(&k, OP_max_pool, 1, &x->id, &a);
    }
    frit_value *values = op_end(&k, first);
    if (out_indices) *out_indices = k.t && first != VALUE_NONE ? trace_value(k.t, first + 1) : trace_nothing(k.t);
    return values;
}

frit_value *frit_avg_pool_at(const char *where, frit_value *x, const frit_pool_options *o) {
    op_call k;
    if (!op_begin(&k, where, "avg_pool", 1, (const frit_value *const[]){x})) return op_end(&k, VALUE_NONE);
    attr_pool a = pool_attrs(k.t, o);
    return op_end(&k, op_add(&k, OP_avg_pool, 1, &x->id, &a));
}

frit_value *frit_resize_at(const char *where, frit_value *x, frit_list shape, const frit_resize_options *o) {
    op_call k;
    if (!op_begin(&k, where, "resize", 1, (const frit_value *const[]){x})) return op_end(&k, VALUE_NONE);
    if (o && o->mode > FRIT_CUBIC)
        return op_end(&k, op_fail(&k, FRIT_USAGE, "%d is no frit_resize_mode", (int)o->mode));
    attr_resize a = {.out = trace_dims(k.t, shape),
                     .mode = o ? (resize_mode)o->mode : RM_nearest,
                     .coord = o && o->align_corners ? RC_align_corners : RC_half_pixel,
                     .cubic = -0.75};
    return op_end(&k, op_add(&k, OP_resize, 1, &x->id, &a));
}
_Static_assert((int)FRIT_CUBIC == (int)RM_cubic && (int)FRIT_LINEAR == (int)RM_linear, "resize modes");
