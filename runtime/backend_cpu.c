/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Launches on the CPU: the items of each phase are dealt to threads in equal runs. Which thread computes an item
 * changes nothing in it, so results do not depend on the number of threads. */
#include <stdatomic.h>
#include <string.h>

#include "runtime/fp_state.h"
#include "runtime/runtime.h"

/* A thread is worth waking for this much work; the rates are a plain core's. */
enum { NS_PER_THREAD = 4000, FLOPS_PER_NS = 16, BYTES_PER_NS = 8, COPY_ITEM_BYTES = 1 << 16 };

/* One phase in progress. */
typedef struct phase_job {
    const frit_context *x;
    frit_kernel_fn *function;
    int64_t items;
    uint32_t n_parts;
} phase_job;

static void run_part(void *data, uint32_t part) {
    const phase_job *j = data;
    const frit_context *x = j->x;
    int64_t each = j->items / j->n_parts, extra = j->items % j->n_parts, i = part;
    int64_t begin = each * i + (i < extra ? i : extra), end = begin + each + (i < extra);
    uint32_t before = fp_enter();
    j->function(x->args, x->symbols, begin, end, x->scratch + x->scratch_bytes * part);
    fp_leave(before);
}

/* Threads that estimated work pays for; all when it is unknown. */
static uint32_t worthwhile(const frit_context *x, const pf_kernel *k) {
    if (x->n_threads == 1 || k->flops == PF_NONE || k->bytes == PF_NONE) return x->n_threads;
    int64_t compute = x->values[k->flops] / FLOPS_PER_NS, memory = x->values[k->bytes] / BYTES_PER_NS;
    int64_t n = (compute > memory ? compute : memory) / NS_PER_THREAD + 1;
    return n < x->n_threads ? (uint32_t)n : x->n_threads;
}

frit_status cpu_outside(frit_context *x, const pf_step *s, const kernel_report *r) {
    const pf_header *h = x->plan;
    const pf_kernel *k = &PF_ROWS(h, pf_kernel, kernels)[s->kernel];
    message m = {x->text, sizeof x->text};
    if (r->failed == KERNEL_INDEX)
        return message_set(m, FRIT_RANGE, "kernel %s: an index is %lld, but %lld..%lld are allowed (%s)",
                           pf_string(h, k->name), (long long)r->offset, -(long long)r->elements,
                           (long long)r->elements - 1, pf_string(h, s->loc));
    return message_set(m, FRIT_INTERNAL, "kernel %s, buffer %lld: access of element %lld of %lld (%s)",
                       pf_string(h, k->name), (long long)r->param, (long long)r->offset, (long long)r->elements,
                       pf_string(h, s->loc));
}

static frit_status checked_failure(frit_context *x, const pf_step *s) {
    for (uint32_t t = 0; t < x->n_threads; t++) {
        const kernel_report *r = (const void *)(x->scratch + x->scratch_bytes * t);
        if (r->failed) return cpu_outside(x, s, r);
    }
    return FRIT_OK;
}

frit_status cpu_launch(frit_context *x, const pf_step *s) {
    const pf_header *h = x->plan;
    const pf_kernel *k = &PF_ROWS(h, pf_kernel, kernels)[s->kernel];
    const uint32_t *args = PF_ROWS(h, uint32_t, args) + s->first_arg;
    for (uint32_t i = 0; i < s->n_args; i++) x->args[i] = x->pointers[args[i]];
    if (h->is_checked)
        for (uint32_t t = 0; t < x->n_threads; t++) memset(x->scratch + x->scratch_bytes * t, 0, KERNEL_REPORT_BYTES);

    uint32_t n_threads = worthwhile(x, k);
    const pf_phase *phases = PF_ROWS(h, pf_phase, phases) + k->first_phase;
    for (uint32_t i = 0; i < k->n_phases; i++) {
        phase_job j = {x, x->module->functions[phases[i].function], x->values[phases[i].items], n_threads};
        if (j.items <= 0) continue;
        if (j.items < j.n_parts) j.n_parts = (uint32_t)j.items;
        if (j.n_parts == 1)
            run_part(&j, 0);
        else
            x->pool->parallel(x->pool->state, j.n_parts, run_part, &j);
    }
    return h->is_checked ? checked_failure(x, s) : FRIT_OK;
}

/* A large copy in progress. */
typedef struct copy_job {
    char *to;
    const char *from;
    uint64_t bytes;
    uint32_t n_parts;
} copy_job;

static void copy_part(void *data, uint32_t part) {
    const copy_job *j = data;
    uint64_t each = (j->bytes / j->n_parts + 63) & ~(uint64_t)63, begin = each * part;
    if (begin >= j->bytes) return;
    uint64_t n = j->bytes - begin < each ? j->bytes - begin : each;
    memcpy(j->to + begin, j->from + begin, n);
}

frit_status cpu_copy(frit_context *x, void *to, const void *from, uint64_t bytes) {
    if (to == from || bytes == 0) return FRIT_OK;
    uint64_t n = bytes / COPY_ITEM_BYTES;
    copy_job j = {to, from, bytes, n < x->n_threads ? (uint32_t)n : x->n_threads};
    if (j.n_parts > 1)
        x->pool->parallel(x->pool->state, j.n_parts, copy_part, &j);
    else
        memmove(to, from, bytes);
    return FRIT_OK;
}

frit_status cpu_read(frit_context *x, void *host, const void *from, uint64_t bytes) {
    (void)x;
    memcpy(host, from, bytes);
    return FRIT_OK;
}

frit_status cpu_write(frit_context *x, void *to, const void *host, uint64_t bytes) {
    (void)x;
    memcpy(to, host, bytes);
    return FRIT_OK;
}

const backend backend_cpu = {.launch = cpu_launch, .copy = cpu_copy, .read = cpu_read, .write = cpu_write};
