/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA kernels on the CPU: their text compiled by the system's C++ compiler behind tests/emulate/cuda.h, and run. */
#ifndef FRIT_TESTS_CUDA_EMULATED_H
#define FRIT_TESTS_CUDA_EMULATED_H

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codegen/cuda/cuda.h"
#include "tests/emulate/source.h"

static inline void emulated_begin(strbuf *b) {
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    emulate_source_begin(f);
    fclose(f);
    strbuf_addn(b, text, n);
    free(text);
}

/* Adds k's text as number `number` of the source. */
static inline frit_status emulated_add(cx *c, strbuf *b, const kernel *k, size_t number) {
    strbuf text = {.a = c->job};
    char *source = NULL;
    size_t n = 0;
    TRY(cuda_emit_text(c, k, &text));
    FILE *f = open_memstream(&source, &n);
    emulate_source_add(f, strbuf_text(&text), arena_printf(c->job, "%zu", number));
    fclose(f);
    strbuf_addn(b, source, n);
    free(source);
    return FRIT_OK;
}

/* The compiled source, to be closed by dlclose; NULL with a message. FRIT_KEEP=FILE keeps the C++ text there. */
static inline void *emulated_compile(cx *c, const char *source) {
    const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", *keep = getenv("FRIT_KEEP");
    static unsigned number; /* a name that is open already would be that library again */
    char *cpp = arena_printf(c->job, "%s/frit_cuda_%d_%u.cpp", dir, (int)getpid(), ++number);
    char *so = arena_printf(c->job, "%s/frit_cuda_%d_%u.so", dir, (int)getpid(), number);
    const char *path = keep ? keep : cpp;
    FILE *f = fopen(path, "w");
    if (!f) return cx_fail(c, FRIT_IO, path, "cannot be written"), NULL;
    fputs(source, f);
    fclose(f);
    char *command = arena_printf(c->job, EMULATE_COMPILER " -o %s %s", so, path);
    if (system(command) != 0) return cx_fail(c, FRIT_INTERNAL, path, "does not compile: %s", command), NULL;
    void *library = dlopen(so, RTLD_NOW);
    if (!library) cx_fail(c, FRIT_INTERNAL, so, "%s", dlerror());
    if (!keep) unlink(cpp);
    unlink(so);
    return library;
}

typedef int emulated_fn(long long blocks, unsigned threads, void **params);

/* A kernel's argument: a copy of exactly its bytes, with pages that nobody may touch on both sides. */
typedef struct emulated_buffer {
    void *of; /* the memory that it is a copy of */
    size_t n_bytes;
    char *map, *at;
    size_t map_bytes;
} emulated_buffer;

enum { EMULATED_PAGE = 4096, EMULATED_MAX_BUFFERS = 64 };

static inline void emulated_map(emulated_buffer *b, bool at_end) {
    size_t room = (b->n_bytes + EMULATED_PAGE - 1) / EMULATED_PAGE * EMULATED_PAGE;
    b->map_bytes = room + 2 * EMULATED_PAGE;
    b->map = mmap(NULL, b->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    b->at = b->map + EMULATED_PAGE + (at_end ? room - b->n_bytes : 0);
    if (room) mprotect(b->map + EMULATED_PAGE, room, PROT_READ | PROT_WRITE);
    memcpy(b->at, b->of, b->n_bytes);
}

static const char *emulated_kernel; /* that runs */

static inline void emulated_fault(int signal_number) {
    char text[300];
    int n = snprintf(text, sizeof text, "signal %d: kernel %s touches memory outside its buffers\n", signal_number,
                     emulated_kernel);
    if (write(2, text, (size_t)n) < 0) _exit(2);
    _exit(1);
}

/* All phases of k over params; NULL, or why not. */
static inline const char *emulated_phases(cx *c, void *library, size_t number, const kernel *k, const int64_t *syms,
                                          void **params) {
    for (uint32_t p = 0; p < k->phases.n; p++) {
        cuda_phase phase = cuda_phase_of(k, p, c->job);
        int64_t blocks;
        emulated_fn *run;
        if (dim_eval(c, k->dims, phase.blocks, syms, &blocks) != FRIT_OK) return c->message;
        *(void **)&run = dlsym(library, arena_printf(c->job, "run_%zu_%s", number, phase.function));
        if (!run) return "the compiled text has no such phase";
        if (run(blocks, phase.threads, params) != 0) return "threads wait for ever";
    }
    return NULL;
}

/* A copy of each buffer, one for those at the same address; NULL, or why not. */
static inline const char *emulated_copies(cx *c, const kernel *k, const int64_t *syms, void **buffers, bool at_end,
                                          emulated_buffer *out, uint32_t *which) {
    for (uint32_t i = 0; i < k->n_params; i++) {
        int64_t n;
        if (dim_eval(c, k->dims, kbuf_elements((kernel *)(uintptr_t)k, i), syms, &n) != FRIT_OK) return c->message;
        out[i] = (emulated_buffer){.of = buffers[i], .n_bytes = dtype_bytes(k->bufs.at[i].dt, n > 0 ? (size_t)n : 0)};
        which[i] = i;
        for (uint32_t j = 0; j < i && which[i] == i; j++)
            if (buffers[j] == buffers[i]) which[i] = j;
        emulated_buffer *first = &out[which[i]];
        if (out[i].n_bytes > first->n_bytes) first->n_bytes = out[i].n_bytes;
    }
    for (uint32_t i = 0; i < k->n_params; i++)
        if (which[i] == i) emulated_map(&out[i], at_end);
    return NULL;
}

/* Runs all phases of kernel number `number` of the library; NULL, or why not. Each argument ends right before a page
 * that nobody may touch, or begins right behind one. */
static inline const char *emulated_run_at(cx *c, void *library, size_t number, const kernel *k, const int64_t *syms,
                                          void **buffers, bool at_end, bool is_kept) {
    uint32_t n_numbers, which[EMULATED_MAX_BUFFERS];
    emulated_buffer copies[EMULATED_MAX_BUFFERS];
    const uint32_t *numbers = plan_number_syms(c->job, k->dims, &n_numbers);
    long long *dims = ARENA_ARRAY(c->job, long long, n_numbers + 1);
    for (sym_id i = 0; i < dim_n_syms(k->dims); i++)
        if (numbers[i] != UINT32_MAX) dims[numbers[i]] = syms[i];
    if (k->n_params > EMULATED_MAX_BUFFERS) return "too many buffers";
    const char *why = emulated_copies(c, k, syms, buffers, at_end, copies, which);
    if (why) return why;
    void **params = ARENA_ARRAY(c->job, void *, k->n_params + 1u);
    for (uint32_t i = 0; i < k->n_params; i++) params[i] = &copies[which[i]].at;
    params[k->n_params] = &dims;
    emulated_kernel = k->name;
    signal(SIGSEGV, emulated_fault);
    signal(SIGBUS, emulated_fault);
    why = emulated_phases(c, library, number, k, syms, params);
    for (uint32_t i = 0; i < k->n_params; i++) {
        const emulated_buffer *b = &copies[i];
        if (which[i] != i) continue;
        bool is_written = false;
        for (uint32_t j = i; j < k->n_params; j++) is_written |= which[j] == i && k->bufs.at[j].is_written;
        if (is_kept && is_written) memcpy(b->of, b->at, b->n_bytes);
        munmap(b->map, b->map_bytes);
    }
    return why;
}

static inline const char *emulated_run(cx *c, void *library, size_t number, const kernel *k, const int64_t *syms,
                                       void **buffers) {
    const char *why = emulated_run_at(c, library, number, k, syms, buffers, false, false);
    return why ? why : emulated_run_at(c, library, number, k, syms, buffers, true, true);
}

#endif
