/* CUDA kernels on the CPU: their text compiled by the system's C++ compiler behind tests/emulate/cuda.h, and run. */
#ifndef FRIT_TESTS_CUDA_EMULATED_H
#define FRIT_TESTS_CUDA_EMULATED_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codegen/cuda/cuda.h"

static inline void emulated_begin(strbuf *b) {
    strbuf_add(b, "#include \"tests/emulate/cuda.h\"\n"
                  "struct any_pointer {\n"
                  "    void *p;\n"
                  "    template <typename T> operator T *() const { return (T *)p; }\n"
                  "};\n");
}

/* Adds k's text in a namespace of its own, and functions run_NUMBER_PHASE with one signature for all kernels. */
static inline frit_status emulated_add(cx *c, strbuf *b, const kernel *k, size_t number) {
    static const char linkage[] = "extern \"C\" ";
    strbuf text = {.a = c->job};
    TRY(cuda_emit_text(c, k, &text));
    strbuf_printf(b, "namespace k%zu {\n", number);
    const char *s = strbuf_text(&text);
    for (const char *at; (at = strstr(s, linkage)); s = at + strlen(linkage)) strbuf_addn(b, s, (size_t)(at - s));
    strbuf_add(b, s);
    strbuf_add(b, "}\n");
    for (uint32_t p = 0; p < k->phases.n; p++) {
        strbuf_printf(b, "static void body_%zu_%u(void **p, const long long *dims)\n{\n    k%zu::%s(", number, p,
                      number, cuda_phase_of(k, p, c->job).function);
        for (buf_id i = 0; i < k->n_params; i++) strbuf_printf(b, "any_pointer{p[%u]}, ", i);
        strbuf_add(b, "dims);\n}\n");
        strbuf_printf(
            b,
            "extern \"C\" int run_%zu_%u(long long blocks, unsigned threads, void **p, const long long *dims)\n"
            "{\n    return emulate_launch(body_%zu_%u, blocks, threads, p, dims);\n}\n",
            number, p, number, p);
    }
    return FRIT_OK;
}

/* The compiled source, to be closed by dlclose; NULL with a message. FRIT_KEEP=FILE keeps the C++ text there. */
static inline void *emulated_compile(cx *c, const char *source) {
    const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", *keep = getenv("FRIT_KEEP");
    char *cpp = arena_printf(c->job, "%s/frit_cuda_%d.cpp", dir, (int)getpid());
    char *so = arena_printf(c->job, "%s/frit_cuda_%d.so", dir, (int)getpid());
    const char *path = keep ? keep : cpp;
    FILE *f = fopen(path, "w");
    if (!f) return cx_fail(c, FRIT_IO, path, "cannot be written"), NULL;
    fputs(source, f);
    fclose(f);
    char *command = arena_printf(
        c->job, "c++ -std=c++17 -O1 -w -fPIC -shared -ffp-contract=off -I" FRIT_SOURCE " -o %s %s", so, path);
    if (system(command) != 0) return cx_fail(c, FRIT_INTERNAL, path, "does not compile: %s", command), NULL;
    void *library = dlopen(so, RTLD_NOW);
    if (!library) cx_fail(c, FRIT_INTERNAL, so, "%s", dlerror());
    if (!keep) unlink(cpp);
    unlink(so);
    return library;
}

typedef int emulated_fn(long long blocks, unsigned threads, void **p, const long long *dims);

/* Runs all phases of kernel number `number` of the library; NULL, or why not. */
static inline const char *emulated_run(cx *c, void *library, size_t number, const kernel *k, const int64_t *syms,
                                       void **buffers) {
    uint32_t n_numbers;
    const uint32_t *numbers = plan_number_syms(c->job, k->dims, &n_numbers);
    long long *dims = ARENA_ARRAY(c->job, long long, n_numbers + 1);
    for (sym_id i = 0; i < dim_n_syms(k->dims); i++)
        if (numbers[i] != UINT32_MAX) dims[numbers[i]] = syms[i];
    for (uint32_t p = 0; p < k->phases.n; p++) {
        cuda_phase phase = cuda_phase_of(k, p, c->job);
        int64_t blocks;
        emulated_fn *run;
        if (dim_eval(c, k->dims, phase.blocks, syms, &blocks) != FRIT_OK) return c->message;
        *(void **)&run = dlsym(library, arena_printf(c->job, "run_%zu_%u", number, p));
        if (!run) return "the compiled text has no such phase";
        if (run(blocks, phase.threads, buffers, dims) != 0) return "threads wait for ever";
    }
    return NULL;
}

#endif
