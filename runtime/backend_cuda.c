/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Launches on an NVIDIA GPU: cubins from the weights' segment, the caller's stream, plain launches in plan order.
 *
 * Device memory of a context, one block:   arena | weights | value of each symbol (what kernels read their dims from)
 * run only queues work; reading a result back is the caller's, on the same stream. */
#include <inttypes.h>
#include <string.h>

#include "runtime/cuda_api.h"
#include "runtime/runtime.h"

enum { SHARED_WITHOUT_ASKING = 48 * 1024 };

/* Allocated once by create, freed by destroy. */
typedef struct cuda_state {
    cuda_api api;
    int device;
    bool has_primary;    /* the device's primary context is held */
    cuda_pointer memory; /* own block, 0 when the caller gave it */
    cuda_pointer dims;   /* of the symbols */
    int64_t *uploaded;   /* symbols that the device has; INT64_MIN before the first */
    void **params;       /* addresses of a launch's arguments, then of dims */
    void **modules;      /* by plan buffer; NULL for buffers that are no image */
    void **functions;    /* by phase */
} cuda_state;

static message text_of(frit_context *x) { return (message){x->text, sizeof x->text}; }

static frit_status failed(const cuda_state *s, message m, const char *what, cuda_result r) {
    return message_set(m, FRIT_DEVICE, "%s: %s", what, cuda_api_text(&s->api, r));
}

static uint64_t align64(uint64_t n) { return (n + 63) & ~(uint64_t)63; }

/* The caller's context if one is current, else the primary one of the first GPU. */
static frit_status enter_context(cuda_state *s, message m) {
    void *current = NULL;
    cuda_result r = s->api.context_current(&current);
    if (r == 0 && current) {
        r = s->api.context_device(&s->device);
        return r ? failed(s, m, "CUDA context", r) : FRIT_OK;
    }
    r = s->api.device_get(&s->device, 0);
    if (r) return message_set(m, FRIT_TARGET, "no GPU: %s", cuda_api_text(&s->api, r));
    r = s->api.primary_retain(&current, s->device);
    if (r) return failed(s, m, "CUDA context", r);
    s->has_primary = true;
    r = s->api.context_set(current);
    return r ? failed(s, m, "CUDA context", r) : FRIT_OK;
}

/* "cuda sm_90a" runs on compute capability 9.0 only ("a"), "sm_80" on 8.x from 8.0. */
static frit_status check_device(const cuda_state *s, const pf_header *h, message m) {
    const char *target = pf_string(h, h->target), *arch = strstr(target, "sm_");
    int major = 0, minor = 0, number = 0;
    s->api.device_attribute(&major, CUDA_ATTRIBUTE_MAJOR, s->device);
    s->api.device_attribute(&minor, CUDA_ATTRIBUTE_MINOR, s->device);
    for (arch = arch ? arch + 3 : ""; *arch >= '0' && *arch <= '9'; arch++) number = number * 10 + (*arch - '0');
    bool is_exact = *arch == 'a',
         fits = number / 10 == major && (is_exact ? number % 10 == minor : number % 10 <= minor);
    if (fits) return FRIT_OK;
    return message_set(m, FRIT_TARGET, "compiled for %s, this GPU is sm_%d%d; compile with --arch=sm_%d%d", target,
                       major, minor, major, minor);
}

static frit_status load_image(frit_context *x, cuda_state *s, uint32_t image, message m) {
    if (s->modules[image]) return FRIT_OK;
    const pf_buffer *b = &PF_ROWS(x->plan, pf_buffer, buffers)[image];
    cuda_result r = s->api.module_load(&s->modules[image], (const char *)x->weights + b->offset);
    if (r == 0) return FRIT_OK;
    s->modules[image] = NULL;
    return message_set(m, FRIT_TARGET, "the GPU's driver refuses the kernels (%s); it may be too old for %s",
                       cuda_api_text(&s->api, r), pf_string(x->plan, x->plan->target));
}

static frit_status load_functions(frit_context *x, cuda_state *s, message m) {
    const pf_header *h = x->plan;
    const pf_phase *phases = PF_ROWS(h, pf_phase, phases);
    for (uint32_t i = 0; i < h->phases.count; i++) {
        frit_status status = load_image(x, s, phases[i].image, m);
        if (status != FRIT_OK) return status;
        cuda_result r =
            s->api.module_function(&s->functions[i], s->modules[phases[i].image], pf_string(h, phases[i].name));
        if (r) return failed(s, m, pf_string(h, phases[i].name), r);
    }
    return FRIT_OK;
}

/* Places arena, weights and dims on the device and sends the weights there. */
static frit_status fill_device(frit_context *x, cuda_state *s, const frit_options *o, message m) {
    const pf_header *h = x->plan;
    layout l;
    char given[AMOUNT_TEXT], needed[AMOUNT_TEXT];
    frit_status status = context_layout(x->module, o, &l, m);
    if (status != FRIT_OK) return status;
    cuda_pointer block = (cuda_pointer)(uintptr_t)o->device_memory;
    if (block && o->device_memory_bytes < l.device_bytes)
        return message_set(m, FRIT_MEMORY, "the device memory given has %s, needed are %s",
                           amount_text(o->device_memory_bytes, given), amount_text(l.device_bytes, needed));
    bool has_memory = block || l.device_bytes == 0; /* the driver refuses to allocate nothing */
    cuda_result r = has_memory ? 0 : s->api.memory_alloc(&s->memory, l.device_bytes);
    if (r)
        return message_set(m, FRIT_MEMORY, "no %s on the GPU: %s", amount_text(l.device_bytes, needed),
                           cuda_api_text(&s->api, r));
    if (!block) block = s->memory;
    cuda_pointer weights = block + align64(l.arena_bytes);
    s->dims = weights + align64(h->weights_bytes);
    if (h->weights_bytes) r = s->api.copy_to(weights, x->weights, h->weights_bytes, x->stream);
    if (r == 0) r = s->api.stream_wait(x->stream);
    if (r) return failed(s, m, "weights", r);
    x->arena = (char *)(uintptr_t)block;
    x->weights = (const void *)(uintptr_t)weights;
    return FRIT_OK;
}

static cuda_state *state_new(const pf_header *h) {
    uint64_t n = (uint64_t)h->max_args + 1 + h->buffers.count + h->phases.count + h->symbols.count;
    cuda_state *s = memory_new(sizeof *s + n * sizeof(void *));
    if (!s) return NULL;
    memset(s, 0, sizeof *s + n * sizeof(void *));
    s->params = (void **)(void *)(s + 1);
    s->modules = s->params + h->max_args + 1;
    s->functions = s->modules + h->buffers.count;
    s->uploaded = (int64_t *)(void *)(s->functions + h->phases.count);
    for (uint32_t i = 0; i < h->symbols.count; i++) s->uploaded[i] = INT64_MIN;
    return s;
}

static frit_status cuda_create(frit_context *x, const frit_options *o, message m) {
    cuda_state *s = state_new(x->plan);
    if (!s) return message_set(m, FRIT_MEMORY, "no memory");
    x->device = s;
    char why[160];
    if (!cuda_api_open(&s->api, why, sizeof why)) return message_set(m, FRIT_TARGET, "%s", why);
    frit_status status = enter_context(s, m);
    if (status == FRIT_OK) status = check_device(s, x->plan, m);
    if (status == FRIT_OK) status = load_functions(x, s, m);
    return status == FRIT_OK ? fill_device(x, s, o, m) : status;
}

static void cuda_destroy(frit_context *x) {
    cuda_state *s = x->device;
    if (!s) return;
    if (s->api.library) {
        s->api.stream_wait(x->stream);
        for (uint32_t i = 0; i < x->plan->buffers.count; i++)
            if (s->modules[i]) s->api.module_unload(s->modules[i]);
        if (s->memory) s->api.memory_free(s->memory);
        if (s->has_primary) s->api.primary_release(s->device);
        cuda_api_close(&s->api);
    }
    memory_free(s);
    x->device = NULL;
}

/* The symbols of this call, when the device has others. */
static frit_status send_symbols(frit_context *x, cuda_state *s) {
    uint64_t bytes = x->plan->symbols.count * sizeof *x->symbols;
    if (!bytes || memcmp(s->uploaded, x->symbols, bytes) == 0) return FRIT_OK;
    memcpy(s->uploaded, x->symbols, bytes);
    cuda_result r = s->api.copy_to(s->dims, s->uploaded, bytes, x->stream);
    return r ? failed(s, text_of(x), "dims", r) : FRIT_OK;
}

static frit_status launch_phase(frit_context *x, cuda_state *s, const pf_step *step, uint32_t phase) {
    const pf_header *h = x->plan;
    const pf_phase *p = &PF_ROWS(h, pf_phase, phases)[phase];
    int64_t blocks = x->values[p->items], shared = p->shared == PF_NONE ? 0 : x->values[p->shared];
    if (blocks <= 0) return FRIT_OK;
    if (blocks > INT32_MAX)
        return message_set(text_of(x), FRIT_RANGE, "kernel %s: too many blocks", pf_string(h, p->name));
    cuda_result r = 0;
    if (shared > SHARED_WITHOUT_ASKING)
        r = s->api.function_set(s->functions[phase], CUDA_FUNCTION_SHARED_BYTES, (int)shared);
    for (uint32_t i = 0; i < step->n_args; i++) s->params[i] = &x->args[i];
    s->params[step->n_args] = &s->dims;
    if (r == 0)
        r = s->api.launch(s->functions[phase], (unsigned)blocks, 1, 1, p->threads, 1, 1, (unsigned)shared, x->stream,
                          s->params, NULL);
    return r ? failed(s, text_of(x), pf_string(h, p->name), r) : FRIT_OK;
}

static frit_status cuda_launch(frit_context *x, const pf_step *step) {
    const pf_header *h = x->plan;
    cuda_state *s = x->device;
    const pf_kernel *k = &PF_ROWS(h, pf_kernel, kernels)[step->kernel];
    const uint32_t *args = PF_ROWS(h, uint32_t, args) + step->first_arg;
    for (uint32_t i = 0; i < step->n_args; i++) x->args[i] = x->pointers[args[i]];
    frit_status status = send_symbols(x, s);
    for (uint32_t i = 0; i < k->n_phases && status == FRIT_OK; i++)
        status = launch_phase(x, s, step, k->first_phase + i);
    return status;
}

static frit_status cuda_copy(frit_context *x, void *to, const void *from, uint64_t bytes) {
    cuda_state *s = x->device;
    if (to == from || bytes == 0) return FRIT_OK;
    cuda_result r = s->api.copy_within((cuda_pointer)(uintptr_t)to, (cuda_pointer)(uintptr_t)from, bytes, x->stream);
    return r ? failed(s, text_of(x), "copy", r) : FRIT_OK;
}

static frit_status cuda_read(frit_context *x, void *host, const void *from, uint64_t bytes) {
    cuda_state *s = x->device;
    cuda_result r = s->api.copy_from(host, (cuda_pointer)(uintptr_t)from, bytes, x->stream);
    if (r == 0) r = s->api.stream_wait(x->stream);
    return r ? failed(s, text_of(x), "read", r) : FRIT_OK;
}

static frit_status cuda_write(frit_context *x, void *to, const void *host, uint64_t bytes) {
    cuda_state *s = x->device;
    cuda_result r = bytes ? s->api.copy_to((cuda_pointer)(uintptr_t)to, host, bytes, x->stream) : 0;
    if (r == 0) r = s->api.stream_wait(x->stream);
    return r ? failed(s, text_of(x), "write", r) : FRIT_OK;
}

const backend backend_cuda = {.is_device = true,
                              .create = cuda_create,
                              .destroy = cuda_destroy,
                              .launch = cuda_launch,
                              .copy = cuda_copy,
                              .read = cuda_read,
                              .write = cuda_write};
