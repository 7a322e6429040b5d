/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* oneDNN's convolution with bias and ReLU, in the formats that it likes best for image, weights and result: the
 * yardstick of bench_conv.py, which loads this file as a library. One such convolution is a conv_peer; reorders between
 * its formats and plain channels-last images happen outside of what is timed. Works with oneDNN 2.x and 3.x. */
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>
#include <stdlib.h>
#include <string.h>

/* Sizes as ONNX gives them; all images are channels-last. */
typedef struct conv_shape {
    int64_t batch, channels, height, width, out_channels, out_height, out_width, groups;
    int64_t kernel[2], strides[2], dilations[2], pads[4]; /* pads: top, left, bottom, right */
} conv_shape;

typedef struct conv_peer {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    dnnl_memory_t x, w, b, y; /* as the primitive wants them */
    dnnl_exec_arg_t arguments[4];
    dnnl_dims_t x_dims, w_dims, b_dims, y_dims;
    int n_w_dims;
} conv_peer;

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t desc_box; /* owned */
typedef const_dnnl_memory_desc_t desc_view;
static desc_view view(const desc_box *d) { return *d; }
static void drop(desc_box *d) { dnnl_memory_desc_destroy(*d); }
static int box(desc_box *out, int n, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(out, n, dims, dnnl_f32, tag) != dnnl_success;
}
#else
typedef dnnl_memory_desc_t desc_box;
typedef const dnnl_memory_desc_t *desc_view;
static desc_view view(const desc_box *d) { return d; }
static void drop(desc_box *d) { (void)d; }
static int box(desc_box *out, int n, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(out, n, dims, dnnl_f32, tag) != dnnl_success;
}
#endif

static int create_desc(conv_peer *p, const conv_shape *s, const desc_box d[4], dnnl_primitive_attr_t attr) {
    const dnnl_dims_t strides = {s->strides[0], s->strides[1]};
    const dnnl_dims_t dilations = {s->dilations[0] - 1, s->dilations[1] - 1};
    const dnnl_dims_t before = {s->pads[0], s->pads[1]}, after = {s->pads[2], s->pads[3]};
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_convolution_forward_primitive_desc_create(
               &p->desc, p->engine, dnnl_forward_inference, dnnl_convolution_direct, view(&d[0]), view(&d[1]),
               view(&d[2]), view(&d[3]), strides, dilations, before, after, attr) != dnnl_success;
#else
    dnnl_convolution_desc_t op;
    return dnnl_dilated_convolution_forward_desc_init(&op, dnnl_forward_inference, dnnl_convolution_direct, view(&d[0]),
                                                      view(&d[1]), view(&d[2]), view(&d[3]), strides, dilations, before,
                                                      after) != dnnl_success ||
           dnnl_primitive_desc_create(&p->desc, &op, attr, p->engine, NULL) != dnnl_success;
#endif
}

static int add_relu(dnnl_primitive_attr_t *out) {
    dnnl_post_ops_t ops = NULL;
    if (dnnl_primitive_attr_create(out) != dnnl_success || dnnl_post_ops_create(&ops) != dnnl_success) return 1;
#if DNNL_VERSION_MAJOR >= 3
    int failed = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0) != dnnl_success;
#else
    int failed = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0) != dnnl_success;
#endif
    failed |= dnnl_primitive_attr_set_post_ops(*out, ops) != dnnl_success;
    dnnl_post_ops_destroy(ops);
    return failed;
}

static int describe(conv_peer *p, const conv_shape *s) {
    desc_box d[4];
    memset(d, 0, sizeof d);
    dnnl_primitive_attr_t attr = NULL;
    const int failed = box(&d[0], 4, p->x_dims, dnnl_format_tag_any) ||
                       box(&d[1], p->n_w_dims, p->w_dims, dnnl_format_tag_any) || box(&d[2], 1, p->b_dims, dnnl_a) ||
                       box(&d[3], 4, p->y_dims, dnnl_format_tag_any) || add_relu(&attr) || create_desc(p, s, d, attr);
    for (int i = 0; i < 4; i++) drop(&d[i]);
    dnnl_primitive_attr_destroy(attr);
    return failed;
}

static int add_memory(conv_peer *p, dnnl_query_t what, dnnl_memory_t *out) {
    return dnnl_memory_create(out, dnnl_primitive_desc_query_md(p->desc, what, 0), p->engine, DNNL_MEMORY_ALLOCATE) !=
           dnnl_success;
}

/* Copies between plain memory of a format and a memory of the primitive. */
static int move(conv_peer *p, float *plain, int n, const dnnl_dims_t dims, dnnl_format_tag_t tag, dnnl_memory_t inner,
                int is_in) {
    desc_box desc;
    memset(&desc, 0, sizeof desc);
    dnnl_memory_t outer = NULL;
    dnnl_primitive_desc_t how = NULL;
    dnnl_primitive_t reorder = NULL;
#if DNNL_VERSION_MAJOR >= 3
    const_dnnl_memory_desc_t inner_desc = NULL;
#else
    const dnnl_memory_desc_t *inner_desc = NULL;
#endif
    int failed =
        box(&desc, n, dims, tag) || dnnl_memory_get_memory_desc(inner, &inner_desc) != dnnl_success ||
        dnnl_memory_create(&outer, view(&desc), p->engine, plain) != dnnl_success ||
        dnnl_reorder_primitive_desc_create(&how, is_in ? view(&desc) : inner_desc, p->engine,
                                           is_in ? inner_desc : view(&desc), p->engine, NULL) != dnnl_success ||
        dnnl_primitive_create(&reorder, how) != dnnl_success;
    if (!failed) {
        const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, is_in ? outer : inner},
                                             {DNNL_ARG_TO, is_in ? inner : outer}};
        failed = dnnl_primitive_execute(reorder, p->stream, 2, arguments) != dnnl_success ||
                 dnnl_stream_wait(p->stream) != dnnl_success;
    }
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(how);
    dnnl_memory_destroy(outer);
    drop(&desc);
    return failed;
}

static void set_dims(conv_peer *p, const conv_shape *s) {
    int64_t per_group = s->channels / s->groups, outs = s->out_channels / s->groups;
    const dnnl_dims_t x = {s->batch, s->channels, s->height, s->width};
    const dnnl_dims_t y = {s->batch, s->out_channels, s->out_height, s->out_width};
    const dnnl_dims_t plain = {s->out_channels, per_group, s->kernel[0], s->kernel[1]};
    const dnnl_dims_t grouped = {s->groups, outs, per_group, s->kernel[0], s->kernel[1]};
    memcpy(p->x_dims, x, sizeof x);
    memcpy(p->y_dims, y, sizeof y);
    memcpy(p->w_dims, s->groups == 1 ? plain : grouped, sizeof plain);
    p->n_w_dims = s->groups == 1 ? 4 : 5;
    p->b_dims[0] = s->out_channels;
}

void conv_peer_free(conv_peer *p) {
    if (!p) return;
    dnnl_memory_destroy(p->x);
    dnnl_memory_destroy(p->w);
    dnnl_memory_destroy(p->b);
    dnnl_memory_destroy(p->y);
    dnnl_primitive_destroy(p->primitive);
    dnnl_primitive_desc_destroy(p->desc);
    dnnl_stream_destroy(p->stream);
    dnnl_engine_destroy(p->engine);
    free(p);
}

/* x: channels-last image, w: OIHW, b: bias. NULL where oneDNN refuses. */
conv_peer *conv_peer_new(const conv_shape *s, float *x, float *w, float *b) {
    conv_peer *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    set_dims(p, s);
    if (dnnl_engine_create(&p->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags) != dnnl_success || describe(p, s) ||
        dnnl_primitive_create(&p->primitive, p->desc) != dnnl_success || add_memory(p, dnnl_query_src_md, &p->x) ||
        dnnl_memory_create(&p->b, dnnl_primitive_desc_query_md(p->desc, dnnl_query_weights_md, 1), p->engine,
                           DNNL_MEMORY_ALLOCATE) != dnnl_success ||
        add_memory(p, dnnl_query_weights_md, &p->w) || add_memory(p, dnnl_query_dst_md, &p->y) ||
        move(p, x, 4, p->x_dims, dnnl_nhwc, p->x, 1) || move(p, b, 1, p->b_dims, dnnl_a, p->b, 1) ||
        move(p, w, p->n_w_dims, p->w_dims, s->groups == 1 ? dnnl_oihw : dnnl_goihw, p->w, 1)) {
        conv_peer_free(p);
        return NULL;
    }
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, p->x}, {DNNL_ARG_WEIGHTS, p->w}, {DNNL_ARG_BIAS, p->b}, {DNNL_ARG_DST, p->y}};
    memcpy(p->arguments, arguments, sizeof arguments);
    return p;
}

int conv_peer_run(conv_peer *p) {
    return dnnl_primitive_execute(p->primitive, p->stream, 4, p->arguments) != dnnl_success ||
           dnnl_stream_wait(p->stream) != dnnl_success;
}

/* The result as a channels-last image. */
int conv_peer_result(conv_peer *p, float *y) { return move(p, y, 4, p->y_dims, dnnl_nhwc, p->y, 0); }

/* oneDNN's name of the implementation. */
const char *conv_peer_name(const conv_peer *p) {
    const char *name = "";
    dnnl_primitive_desc_query(p->desc, dnnl_query_impl_info_str, 0, &name);
    return name;
}

void conv_peer_version(int *major, int *minor) {
    *major = dnnl_version()->major;
    *minor = dnnl_version()->minor;
}
