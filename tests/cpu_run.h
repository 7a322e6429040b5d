/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiles sample kernels for the CPU and runs them on buffers that end where a page without access begins. */
#ifndef FRIT_TESTS_CPU_RUN_H
#define FRIT_TESTS_CPU_RUN_H

#include <sys/mman.h>
#include <unistd.h>

#include "codegen/cpu/cpu.h"
#include "kernel_samples.h"
#include "tests/quick.h"

/* Levels that tests compile for, the oldest first; those that this machine lacks are left out. */
static const char *const cpu_levels[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4", "native"};

/* Whether a test leaves out a level, said in the line that counts it; when not, *out is the target. */
static inline bool skips_level(cx *c, const char *test, const char *level, target *out) {
    bool is_between = strcmp(level, cpu_levels[0]) != 0 && strcmp(level, "native") != 0;
    const char *why = NULL;
    if (is_quick() && is_between)
        why = "it lies between the levels of quick runs";
    else if (target_cpu(c, level, out) != FRIT_OK || target_missing(out->cpu, true))
        why = "this CPU lacks it";
    cx_clear(c);
    if (why) printf("skip: %s: %s: %s\n", test, level, why);
    return why != NULL;
}

/* n bytes that end (up to alignment) at a page that may not be touched; *out_map and *out_bytes are for munmap. */
static inline void *guarded(size_t n, size_t align, void **out_map, size_t *out_bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (n + page - 1) / page * page;
    *out_bytes = whole + page;
    char *p = mmap(NULL, *out_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(p, MAP_FAILED);
    ck_assert_int_eq(mprotect(p + whole, page, PROT_NONE), 0);
    *out_map = p;
    return p + whole - (n + align - 1) / align * align;
}

typedef struct guarded_buffers {
    uint32_t n;
    void **at, **maps;
    size_t *bytes;
} guarded_buffers;

static inline guarded_buffers guard_buffers(cx *c, const sample *s) {
    guarded_buffers g = {.n = s->k->n_params + 1};
    g.at = ARENA_ARRAY(c->job, void *, g.n);
    g.maps = ARENA_ARRAY(c->job, void *, g.n);
    g.bytes = ARENA_ARRAY(c->job, size_t, g.n);
    for (uint32_t b = 0; b < s->k->n_params; b++) {
        unsigned bits = dtype_bits(s->k->bufs.at[b].dt);
        g.at[b] = guarded(s->bytes[b], bits < 8 ? 1 : bits / 8, &g.maps[b], &g.bytes[b]);
        memcpy(g.at[b], s->buffers[b], s->bytes[b]);
    }
    dim total;
    int64_t scratch;
    kernel_scratch(s->k, KID_NONE, &total);
    ck_assert_int_eq(dim_eval(c, s->k->dims, total, s->syms, &scratch), FRIT_OK);
    uint32_t last = g.n - 1;
    g.at[last] = guarded((size_t)scratch + KERNEL_REPORT_BYTES, 64, &g.maps[last], &g.bytes[last]);
    memset(g.at[last], 0xa5, (size_t)scratch + KERNEL_REPORT_BYTES); /* tiles hold garbage at first */
    memset(g.at[last], 0, KERNEL_REPORT_BYTES);
    return g;
}

static inline void unguard_buffers(const guarded_buffers *g) {
    for (uint32_t i = 0; i < g->n; i++) munmap(g->maps[i], g->bytes[i]);
}

static inline cpu_jit *cpu_compile(cx *c, kernel *k, const target *t, const cpu_options *o) {
    cpu_objects objects;
    cpu_jit *jit;
    ck_assert_msg(cpu_emit_kernels(c, 1, &k, t, o, &objects) == FRIT_OK, "%s", c->message);
    if (getenv("SHOW_IR") && objects.objects[0].ir) puts(objects.objects[0].ir);
    if (getenv("SHOW_ASM") && objects.objects[0].assembly) puts(objects.objects[0].assembly);
    ck_assert_msg(cpu_jit_load(c, &objects, &jit) == FRIT_OK, "%s", c->message);
    return jit;
}

/* Runs all phases, the items of each in `pieces` ranges, last range first. Returns the parameters; the report is
 * copied to *out_report when wanted. */
static inline void **cpu_run(cx *c, const sample *s, const cpu_jit *jit, int64_t pieces, kernel_report *out_report) {
    uint32_t n_syms;
    uint32_t *numbers = plan_number_syms(c->job, s->k->dims, &n_syms);
    int64_t *dims = ARENA_ARRAY(c->job, int64_t, n_syms + 1);
    for (sym_id i = 0; i < dim_n_syms(s->k->dims); i++)
        if (numbers[i] != UINT32_MAX) dims[numbers[i]] = s->syms[i];
    guarded_buffers g = guard_buffers(c, s);
    for (uint32_t p = 0; p < s->k->phases.n; p++) {
        int64_t items;
        ck_assert_int_eq(dim_eval(c, s->k->dims, kernel_items(s->k, p), s->syms, &items), FRIT_OK);
        frit_kernel_fn *fn = cpu_jit_phase(jit, 0, p);
        for (int64_t i = pieces; i-- > 0;) fn(g.at, dims, items * i / pieces, items * (i + 1) / pieces, g.at[g.n - 1]);
    }
    void **results = ARENA_ARRAY(c->job, void *, g.n);
    for (uint32_t b = 0; b < s->k->n_params; b++) {
        results[b] = arena_alloc(c->job, s->bytes[b] + 64);
        memcpy(results[b], g.at[b], s->bytes[b]);
    }
    if (out_report) memcpy(out_report, g.at[g.n - 1], sizeof *out_report);
    unguard_buffers(&g);
    return results;
}

#endif
