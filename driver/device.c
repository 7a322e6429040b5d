/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Host tensors for CUDA artifacts: a copy of each on the GPU, fetched back after the run. */
#include "driver/session.h"

enum { MAX_TEXT = 200 };

/* One tensor and its copy. */
typedef struct placed {
    void *host;
    cuda_pointer at;
    size_t n_bytes;
    bool is_input;
} placed;

struct device {
    arena *a;
    cuda_api api;
    int number;
    VEC(placed) tensors;
};

static frit_status fail(cx *c, const device *d, const char *what, cuda_result r) {
    return FAIL(c, DEVICE, NULL, "%s: %s", what, cuda_api_text(&d->api, r));
}

frit_status device_open(cx *c, device **out) {
    device *d = ARENA_NEW(c->job, device);
    char text[MAX_TEXT];
    void *context = NULL;
    d->a = c->job;
    if (!cuda_api_open(&d->api, text, sizeof text)) return FAIL(c, TARGET, NULL, "%s", text);
    cuda_result r = d->api.device_get(&d->number, 0);
    if (r == 0) r = d->api.primary_retain(&context, d->number);
    if (r == 0) r = d->api.context_set(context);
    if (r) {
        frit_status status = fail(c, d, "no GPU", r);
        cuda_api_close(&d->api);
        return status;
    }
    *out = d;
    return FRIT_OK;
}

frit_status device_place(cx *c, device *d, frit_tensor *t, size_t n_bytes, bool is_input) {
    placed p = {.host = t->data, .n_bytes = n_bytes, .is_input = is_input};
    cuda_result r = d->api.memory_alloc(&p.at, n_bytes ? n_bytes : 1);
    if (r) return fail(c, d, "memory for a tensor", r);
    vec_push(d->a, d->tensors, p);
    if (is_input && n_bytes) r = d->api.copy_to(p.at, p.host, n_bytes, NULL);
    if (r == 0) r = d->api.stream_wait(NULL);
    t->data = (void *)(uintptr_t)p.at;
    return r ? fail(c, d, "copying an input to the GPU", r) : FRIT_OK;
}

frit_status device_fetch(cx *c, device *d) {
    cuda_result r = 0;
    for (uint32_t i = 0; i < d->tensors.n && r == 0; i++) {
        const placed *p = &d->tensors.at[i];
        if (!p->is_input && p->n_bytes) r = d->api.copy_from(p->host, p->at, p->n_bytes, NULL);
    }
    if (r == 0) r = d->api.stream_wait(NULL);
    return r ? fail(c, d, "the GPU", r) : FRIT_OK;
}

void device_close(device *d) {
    if (!d) return;
    for (uint32_t i = 0; i < d->tensors.n; i++) d->api.memory_free(d->tensors.at[i].at);
    d->api.primary_release(d->number);
    cuda_api_close(&d->api);
}
