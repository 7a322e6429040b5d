/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lays out, creates and destroys contexts. A context is one block; context_layout is the only place that knows its
 * size, so that what `frit info` promises and what create takes are the same sum. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/par.h"
#include "base/target.h"
#include "runtime/runtime.h"

enum { ALIGN = 64 };

#define TOO_LARGE "the greatest extent of a result cannot be computed"

static bool is_usable(const frit_pool *p) { return p->struct_bytes >= sizeof *p && p->parallel && p->n_threads; }

/* Whether the trace can be told of launches. */
static bool is_told(const frit_trace *t) { return t->struct_bytes >= sizeof *t && t->begin && t->end; }

frit_status options_known(const frit_options *given, frit_options *out, message m) {
    *out = (frit_options){0};
    if (!given) return FRIT_OK;
    if (given->struct_bytes < sizeof given->struct_bytes)
        return message_set(m, FRIT_USAGE, "struct_bytes of the options is not set: it is sizeof(frit_options)");
    size_t n = given->struct_bytes < sizeof *out ? given->struct_bytes : sizeof *out;
    memcpy(out, given, n);
    if (out->pool && !is_usable(out->pool))
        return message_set(m, FRIT_USAGE, "the pool given has no struct_bytes, no function or no threads");
    if (out->trace && !is_told(out->trace))
        return message_set(m, FRIT_USAGE, "the trace given has no struct_bytes, or lacks a function");
    return FRIT_OK;
}

/* Appends bytes to *total at the next multiple of ALIGN; false on overflow. */
static bool place(uint64_t *total, uint64_t bytes, uint64_t *out_offset) {
    uint64_t start = (*total + (ALIGN - 1)) & ~(uint64_t)(ALIGN - 1);
    if (start < *total || __builtin_add_overflow(start, bytes, total)) return false;
    *out_offset = start;
    return *total <= INT64_MAX;
}

/* A dim that is a size in bytes. */
static frit_status plan_bytes(const pf_header *h, uint32_t dim, const int64_t *symbols, uint64_t *out, message m) {
    int64_t bytes;
    if (!plan_dim(h, dim, symbols, &bytes) || bytes < 0)
        return message_set(m, FRIT_MEMORY, "memory for these dims cannot be addressed; give smaller greatest dims");
    *out = (uint64_t)bytes;
    return FRIT_OK;
}

frit_status arena_layout(const pf_header *h, const int64_t *symbols, uint64_t *out_offsets, uint64_t *out_bytes,
                         message m) {
    const uint32_t *slots = PF_ROWS(h, uint32_t, slots);
    uint64_t total = 0;
    for (uint32_t i = 0; i < h->slots.count; i++) {
        uint64_t bytes = 0, offset;
        frit_status status = plan_bytes(h, slots[i], symbols, &bytes, m);
        if (status != FRIT_OK) return status;
        if (!place(&total, bytes, &offset)) return message_set(m, FRIT_MEMORY, "the arena would exceed 2^63 bytes");
        if (out_offsets) out_offsets[i] = offset;
    }
    *out_bytes = total;
    return FRIT_OK;
}

static uint32_t count_threads(const frit_options *o) {
    uint32_t n = o->n_threads;
    if (o->pool && (n == 0 || n > o->pool->n_threads)) n = o->pool->n_threads;
    if (n == 0) n = par_default_threads();
    return n < 1 ? 1 : n > POOL_MAX_THREADS ? POOL_MAX_THREADS : n;
}

/* The greatest symbols: the caller's, or the ends of their ranges, read one by one where there is no context yet. */
static bool greatest_symbols(const pf_header *h, const frit_options *o, int64_t *out) {
    const pf_symbol *symbols = PF_ROWS(h, pf_symbol, symbols);
    if (o->max_symbols && h->symbols.count) memcpy(out, o->max_symbols, h->symbols.count * sizeof *out);
    for (uint32_t i = 0; i < h->symbols.count; i++) {
        if (!o->max_symbols) out[i] = symbols[i].hi;
        if (symbols[i].kind == FRIT_SYMBOL_UNUSED) out[i] = symbols[i].lo;
    }
    return o->max_symbols || bind_counted(h, out);
}

/* The parts that do not depend on dims. */
static bool place_tables(const pf_header *h, layout *l) {
    uint64_t total = sizeof(frit_context);
    bool fits = place(&total, 3 * (uint64_t)h->symbols.count * sizeof(int64_t), &l->symbols);
    uint64_t n_values = h->dims.count > h->slots.count ? h->dims.count : h->slots.count; /* see point_at_buffers */
    fits = fits && place(&total, n_values * sizeof(int64_t), &l->values);
    fits = fits && place(&total, (uint64_t)h->buffers.count * sizeof(void *), &l->pointers);
    fits = fits && place(&total, (uint64_t)h->max_args * sizeof(void *), &l->args);
    fits = fits && place(&total, l->has_pool ? pool_bytes(l->n_threads) : 0, &l->pool);
    l->total_bytes = total;
    return fits;
}

frit_status context_layout(const module *mod, const frit_options *o, layout *out, message m) {
    const pf_header *h = mod->plan;
    bool is_device = mod->backend && mod->backend->is_device;
    *out = (layout){.n_threads = is_device ? 1 : count_threads(o)};
    out->has_pool = out->n_threads > 1 && !o->pool;
    int64_t *ends = o->max_symbols ? NULL : memory_new((h->symbols.count + 1) * sizeof *ends);
    if (!o->max_symbols && !ends) return message_set(m, FRIT_MEMORY, "no memory");
    frit_status status = FRIT_OK;
    if (ends && !greatest_symbols(h, o, ends)) status = message_set(m, FRIT_RANGE, "%s", TOO_LARGE);
    const int64_t *greatest = ends ? ends : o->max_symbols;
    if (status == FRIT_OK) status = plan_bytes(h, h->scratch, greatest, &out->scratch_bytes, m);
    if (status == FRIT_OK) status = arena_layout(h, greatest, NULL, &out->arena_bytes, m);
    memory_free(ends);
    if (status != FRIT_OK) return status;

    out->scratch_bytes = (out->scratch_bytes + KERNEL_REPORT_BYTES + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
    if (is_device) {
        uint64_t dims_bytes = (uint64_t)h->symbols.count * sizeof(int64_t);
        bool fits = place(&out->device_bytes, out->arena_bytes, &out->arena) &&
                    place(&out->device_bytes, h->weights_bytes, &out->arena) &&
                    place(&out->device_bytes, dims_bytes, &out->arena);
        if (!fits) return message_set(m, FRIT_MEMORY, "a context for these dims would exceed 2^63 bytes");
        out->scratch_bytes = 0;
    }
    uint64_t scratch_total;
    bool fits = place_tables(h, out) && !__builtin_mul_overflow(out->scratch_bytes, out->n_threads, &scratch_total) &&
                place(&out->total_bytes, scratch_total, &out->scratch) &&
                place(&out->total_bytes, is_device ? 0 : out->arena_bytes, &out->arena);
    return fits ? FRIT_OK : message_set(m, FRIT_MEMORY, "a context for these dims would exceed 2^63 bytes");
}

frit_status context_memory(const frit_artifact *a, const frit_options *options, frit_memory *out, char *text,
                           uint64_t text_bytes) {
    message m = {text, text_bytes};
    frit_options o;
    layout l;
    if (!out) return message_set(m, FRIT_USAGE, "there is no room for the result: NULL");
    frit_status status = options_known(options, &o, m);
    if (status == FRIT_OK) status = context_layout(module_of(a), &o, &l, m);
    if (status != FRIT_OK) return status;
    frit_memory memory = {.struct_bytes = sizeof memory,
                          .n_threads = l.n_threads,
                          .context_bytes = l.total_bytes,
                          .arena_bytes = l.arena_bytes,
                          .scratch_bytes = l.scratch_bytes * l.n_threads,
                          .device_bytes = l.device_bytes,
                          .n_stacks = l.has_pool ? l.n_threads - 1 : 0,
                          .stack_bytes = POOL_STACK_BYTES};
    uint32_t room = out->struct_bytes;
    if (room < sizeof room) return message_set(m, FRIT_USAGE, "struct_bytes of the result is not set");
    memcpy(out, &memory, room < sizeof memory ? room : sizeof memory);
    out->struct_bytes = room;
    return FRIT_OK;
}

static frit_status check_machine(const pf_header *h, message m) {
    const char *cpu = pf_string(h, h->cpu);
    const char *missing = *cpu ? target_missing(cpu, h->uses_amx) : NULL;
    if (!missing && h->uses_amx && !target_ask_for_amx())
        return message_set(m, FRIT_TARGET,
                           "the system does not let this process use the matrix unit (AMX): %s; compile with "
                           "--cpu=icelake-server",
                           strerror(errno));
    if (!missing) return FRIT_OK;
    return message_set(m, FRIT_TARGET, "this CPU has no %s, which code for %s needs; compile with --cpu=native here",
                       missing, cpu);
}

static frit_status take_memory(const frit_options *o, const layout *l, void **out, message m) {
    char given[AMOUNT_TEXT], needed[AMOUNT_TEXT];
    amount_text(l->total_bytes, needed);
    if (!o->memory) {
        *out = memory_new(l->total_bytes);
        return *out ? FRIT_OK : message_set(m, FRIT_MEMORY, "no memory for a context of %s", needed);
    }
    *out = o->memory;
    if (o->memory_bytes < l->total_bytes)
        return message_set(m, FRIT_MEMORY, "the memory given has %s, needed are %s",
                           amount_text(o->memory_bytes, given), needed);
    bool is_aligned = (uintptr_t)o->memory % ALIGN == 0;
    return is_aligned ? FRIT_OK : message_set(m, FRIT_USAGE, "the memory given is not aligned to %d bytes", ALIGN);
}

/* Puts the parts of x at their places in its own block. */
static void place_parts(frit_context *x, const layout *l) {
    char *block = (char *)x;
    uint32_t n_symbols = x->plan->symbols.count;
    x->symbols = (int64_t *)(void *)(block + l->symbols);
    x->wanted = x->symbols + n_symbols;
    x->max_symbols = x->wanted + n_symbols;
    x->values = (int64_t *)(void *)(block + l->values);
    x->pointers = (void **)(void *)(block + l->pointers);
    x->args = (void **)(void *)(block + l->args);
    x->scratch = block + l->scratch;
    x->scratch_bytes = l->scratch_bytes;
    if (!x->arena) x->arena = block + l->arena;
}

/* Addresses of weights and arena buffers; inputs and outputs get theirs at each call. The place of the dims' values,
 * which come with the first call, holds the offsets of the slots meanwhile. */
static frit_status point_at_buffers(frit_context *x, message m) {
    const pf_header *h = x->plan;
    const pf_buffer *buffers = PF_ROWS(h, pf_buffer, buffers);
    uint64_t total, *offsets = (uint64_t *)(void *)x->values;
    frit_status status = arena_layout(h, x->max_symbols, offsets, &total, m);
    if (status != FRIT_OK) return status;
    for (uint32_t i = 0; i < h->buffers.count; i++) {
        const pf_buffer *b = &buffers[i];
        if (b->kind == PF_CONST) x->pointers[i] = (char *)(uintptr_t)x->weights + b->offset;
        if (b->kind == PF_ARENA) x->pointers[i] = x->arena + offsets[b->index];
    }
    return FRIT_OK;
}

static frit_status fill_context(frit_context *x, const frit_options *o, const layout *l, message m) {
    const backend *b = x->module->backend;
    place_parts(x, l);
    if (!greatest_symbols(x->plan, o, x->max_symbols)) return message_set(m, FRIT_RANGE, "%s", TOO_LARGE);
    frit_status status = weights_find(x, o, m);
    if (status == FRIT_OK && b->create) status = b->create(x, o, m);
    if (status == FRIT_OK) status = point_at_buffers(x, m);
    if (status != FRIT_OK || x->n_threads == 1) return status;
    if (o->pool)
        x->pool = o->pool;
    else
        x->pool = x->own_pool = pool_start((char *)x + l->pool, x->n_threads);
    return FRIT_OK;
}

frit_status context_create(const frit_artifact *a, const frit_options *options, frit_context **out, char *text,
                           uint64_t text_bytes) {
    message m = {text, text_bytes};
    frit_options o;
    if (!out) return message_set(m, FRIT_USAGE, "there is no room for the context: NULL");
    *out = NULL;
    layout l;
    frit_status status = options_known(options, &o, m);
    if (status == FRIT_OK) status = check_machine(module_of(a)->plan, m);
    if (status == FRIT_OK) status = context_layout(module_of(a), &o, &l, m);
    if (status != FRIT_OK) return status;
    void *memory = NULL;
    status = take_memory(&o, &l, &memory, m);
    if (status != FRIT_OK) return status;

    frit_context *x = memory;
    *x = (frit_context){.module = module_of(a),
                        .plan = module_of(a)->plan,
                        .trace = o.trace,
                        .own_memory = o.memory ? NULL : memory,
                        .stream = o.stream,
                        .n_threads = l.n_threads};
    status = fill_context(x, &o, &l, m);
    if (status != FRIT_OK) {
        context_destroy(x);
        return status;
    }
    *out = x;
    return FRIT_OK;
}

void context_destroy(frit_context *x) {
    if (!x) return;
    if (x->own_pool) pool_stop(x->own_pool);
    if (x->module->backend->destroy) x->module->backend->destroy(x);
    weights_release(x);
    memory_free(x->own_memory);
}
