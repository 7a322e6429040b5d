/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* oneDNN's matmul primitive with weights in the format that it likes best. Works with oneDNN 2.x and 3.x: they differ
 * in how a primitive is described. Threads are left to OMP_NUM_THREADS, which the bench sets to 1. */
#include "bench/peers.h"

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>
#include <oneapi/dnnl/dnnl_version.h>
#include <stdio.h>
#include <stdlib.h>

struct onednn_matmul {
    dnnl_data_type_t type, b_type, c_type; /* of a, b and c */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    dnnl_memory_t a, b, c; /* a holds the rounded input, b the packed weights */
};

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t memory_desc;

static int plain_desc(dnnl_memory_desc_t *out, const int64_t shape[2], dnnl_data_type_t type, dnnl_format_tag_t tag) {
    const dnnl_dims_t dims = {shape[0], shape[1]};
    return dnnl_memory_desc_create_with_tag(out, 2, dims, type, tag) != dnnl_success;
}

static int describe(onednn_matmul *p, int64_t m, int64_t n, int64_t k) {
    const int64_t a_dims[2] = {m, k}, b_dims[2] = {k, n}, c_dims[2] = {m, n};
    dnnl_memory_desc_t a = NULL, b = NULL, c = NULL;
    const int failed = plain_desc(&a, a_dims, p->type, dnnl_ab) ||
                       plain_desc(&b, b_dims, p->b_type, dnnl_format_tag_any) ||
                       plain_desc(&c, c_dims, p->c_type, dnnl_ab) ||
                       dnnl_matmul_primitive_desc_create(&p->desc, p->engine, a, b, NULL, c, NULL) != dnnl_success;
    dnnl_memory_desc_destroy(a);
    dnnl_memory_desc_destroy(b);
    dnnl_memory_desc_destroy(c);
    return failed;
}
#else
typedef const dnnl_memory_desc_t *memory_desc;

static int plain_desc(dnnl_memory_desc_t *out, const int64_t shape[2], dnnl_data_type_t type, dnnl_format_tag_t tag) {
    const dnnl_dims_t dims = {shape[0], shape[1]};
    return dnnl_memory_desc_init_by_tag(out, 2, dims, type, tag) != dnnl_success;
}

static int describe(onednn_matmul *p, int64_t m, int64_t n, int64_t k) {
    const int64_t a_dims[2] = {m, k}, b_dims[2] = {k, n}, c_dims[2] = {m, n};
    dnnl_memory_desc_t a, b, c;
    dnnl_matmul_desc_t matmul;
    return plain_desc(&a, a_dims, p->type, dnnl_ab) || plain_desc(&b, b_dims, p->b_type, dnnl_format_tag_any) ||
           plain_desc(&c, c_dims, p->c_type, dnnl_ab) ||
           dnnl_matmul_desc_init(&matmul, &a, &b, NULL, &c) != dnnl_success ||
           dnnl_primitive_desc_create(&p->desc, &matmul, NULL, p->engine, NULL) != dnnl_success;
}
#endif

static int add_memory(onednn_matmul *p, dnnl_query_t what, dnnl_memory_t *out) {
    memory_desc desc = dnnl_primitive_desc_query_md(p->desc, what, 0);
    return dnnl_memory_create(out, desc, p->engine, DNNL_MEMORY_ALLOCATE) != dnnl_success;
}

/* Brings plain f32 numbers into the type and the format of one of the primitive's memories. */
static int load(onednn_matmul *p, const int64_t *dims, const float *numbers, dnnl_memory_t into) {
#if DNNL_VERSION_MAJOR >= 3
    dnnl_memory_desc_t desc = NULL;
    memory_desc to, from;
    if (plain_desc(&desc, dims, dnnl_f32, dnnl_ab)) return 1;
    from = desc;
#else
    dnnl_memory_desc_t desc;
    memory_desc to = NULL;
    memory_desc from = &desc;
    if (plain_desc(&desc, dims, dnnl_f32, dnnl_ab)) return 1;
#endif
    (void)dnnl_memory_get_memory_desc(into, &to);
    dnnl_memory_t plain = NULL;
    dnnl_primitive_desc_t reorder_desc = NULL;
    dnnl_primitive_t reorder = NULL;
    int failed =
        dnnl_memory_create(&plain, from, p->engine, (void *)(uintptr_t)numbers) != dnnl_success ||
        dnnl_reorder_primitive_desc_create(&reorder_desc, from, p->engine, to, p->engine, NULL) != dnnl_success ||
        dnnl_primitive_create(&reorder, reorder_desc) != dnnl_success;
    if (!failed) {
        const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, plain}, {DNNL_ARG_TO, into}};
        failed = dnnl_primitive_execute(reorder, p->stream, 2, arguments) != dnnl_success ||
                 dnnl_stream_wait(p->stream) != dnnl_success;
    }
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(reorder_desc);
    dnnl_memory_destroy(plain);
#if DNNL_VERSION_MAJOR >= 3
    dnnl_memory_desc_destroy(desc);
#endif
    return failed;
}

onednn_matmul *onednn_matmul_new(const int64_t mnk[3], onednn_types types, const float *a, const float *b) {
    const int64_t a_dims[2] = {mnk[0], mnk[2]}, b_dims[2] = {mnk[2], mnk[1]};
    onednn_matmul *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->type = types == ONEDNN_BYTES ? dnnl_u8 : types == ONEDNN_BF16 ? dnnl_bf16 : dnnl_f32;
    p->b_type = types == ONEDNN_BYTES ? dnnl_s8 : p->type;
    p->c_type = types == ONEDNN_BYTES ? dnnl_s32 : dnnl_f32;
    if (dnnl_engine_create(&p->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags) != dnnl_success ||
        describe(p, mnk[0], mnk[1], mnk[2]) || dnnl_primitive_create(&p->primitive, p->desc) != dnnl_success ||
        add_memory(p, dnnl_query_src_md, &p->a) || add_memory(p, dnnl_query_weights_md, &p->b) ||
        add_memory(p, dnnl_query_dst_md, &p->c) || load(p, a_dims, a, p->a) || load(p, b_dims, b, p->b)) {
        onednn_matmul_free(p);
        return NULL;
    }
    return p;
}

int onednn_matmul_run(onednn_matmul *p, void *c) {
    if (dnnl_memory_set_data_handle(p->c, c) != dnnl_success) return 1;
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, p->a}, {DNNL_ARG_WEIGHTS, p->b}, {DNNL_ARG_DST, p->c}};
    return dnnl_primitive_execute(p->primitive, p->stream, 3, arguments) != dnnl_success ||
           dnnl_stream_wait(p->stream) != dnnl_success;
}

void onednn_matmul_free(onednn_matmul *p) {
    if (!p) return;
    dnnl_memory_destroy(p->a);
    dnnl_memory_destroy(p->b);
    dnnl_memory_destroy(p->c);
    dnnl_primitive_destroy(p->primitive);
    dnnl_primitive_desc_destroy(p->desc);
    dnnl_stream_destroy(p->stream);
    dnnl_engine_destroy(p->engine);
    free(p);
}

const char *onednn_kernels(void) {
    static char text[128];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d, its kernels for %s", v->major, v->minor, v->patch,
             dnnl_cpu_isa2str(dnnl_get_effective_cpu_isa()));
    return text;
}
