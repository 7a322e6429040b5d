/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* CUDA text to cubins. libnvrtc is opened when first needed (a toolkit's or the pinned wheel's), with prototypes of our
 * own: building frit needs no CUDA header, compiling for CUDA needs no GPU. Equal kernels are compiled once; texts
 * compile in parallel, and the result does not depend on how. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/par.h"
#include "codegen/cuda/cuda.h"

typedef struct nvrtc_program nvrtc_program;
typedef int nvrtc_result; /* 0 is success */
enum { NVRTC_SUCCESS = 0 };

typedef struct nvrtc_library {
    void *handle;
    const char *path;
    nvrtc_result (*version)(int *major, int *minor);
    const char *(*error_string)(nvrtc_result r);
    nvrtc_result (*create)(nvrtc_program **p, const char *source, const char *name, int n_headers,
                           const char *const *headers, const char *const *include_names);
    nvrtc_result (*compile)(nvrtc_program *p, int n_options, const char *const *options);
    nvrtc_result (*cubin_size)(nvrtc_program *p, size_t *out);
    nvrtc_result (*cubin)(nvrtc_program *p, char *out);
    nvrtc_result (*log_size)(nvrtc_program *p, size_t *out);
    nvrtc_result (*log)(nvrtc_program *p, char *out);
    nvrtc_result (*destroy)(nvrtc_program **p);
    nvrtc_result (*n_archs)(int *out); /* optional */
    nvrtc_result (*archs)(int *out);   /* optional */
} nvrtc_library;

/* --- finding it --- */

static const char *const file_names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
static const char *const folders[] = {"/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib",
                                      "/opt/cuda/lib64", "/usr/lib/x86_64-linux-gnu"};

static void *open_in(cx *c, const char *folder, const char **out_path) {
    for (size_t i = 0; i < countof(file_names); i++) {
        const char *path = folder ? arena_printf(c->job, "%s/%s", folder, file_names[i]) : file_names[i];
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        *out_path = path;
        if (handle) return handle;
    }
    return NULL;
}

static void *open_library(cx *c, const cuda_options *o, const char **out_path) {
    *out_path = o->nvrtc;
    if (o->nvrtc) return dlopen(o->nvrtc, RTLD_NOW | RTLD_LOCAL);
    void *handle = NULL;
    for (size_t i = 0; o->places && o->places[i] && !handle; i++) handle = open_in(c, o->places[i], out_path);
    if (!handle) handle = open_in(c, NULL, out_path); /* where the loader looks */
    for (size_t i = 0; i < countof(folders) && !handle; i++) handle = open_in(c, folders[i], out_path);
    return handle;
}

typedef struct symbol_row {
    const char *name;
    size_t offset;
    bool is_optional;
} symbol_row;
static const symbol_row symbol_rows[] = {
    {"nvrtcVersion", offsetof(nvrtc_library, version), false},
    {"nvrtcGetErrorString", offsetof(nvrtc_library, error_string), false},
    {"nvrtcCreateProgram", offsetof(nvrtc_library, create), false},
    {"nvrtcCompileProgram", offsetof(nvrtc_library, compile), false},
    {"nvrtcGetCUBINSize", offsetof(nvrtc_library, cubin_size), false},
    {"nvrtcGetCUBIN", offsetof(nvrtc_library, cubin), false},
    {"nvrtcGetProgramLogSize", offsetof(nvrtc_library, log_size), false},
    {"nvrtcGetProgramLog", offsetof(nvrtc_library, log), false},
    {"nvrtcDestroyProgram", offsetof(nvrtc_library, destroy), false},
    {"nvrtcGetNumSupportedArchs", offsetof(nvrtc_library, n_archs), true},
    {"nvrtcGetSupportedArchs", offsetof(nvrtc_library, archs), true},
};

static frit_status load(cx *c, const cuda_options *o, nvrtc_library *out) {
    *out = (nvrtc_library){0};
    out->handle = open_library(c, o, &out->path);
    if (!out->handle && o->nvrtc) return FAIL(c, MISSING, o->nvrtc, "cannot be opened as libnvrtc: %s", dlerror());
    if (!out->handle)
        return FAIL(c, MISSING, "libnvrtc",
                    "not found in %s and the loader's folders; install a CUDA toolkit or name the file with --nvrtc",
                    folders[0]);
    for (size_t i = 0; i < countof(symbol_rows); i++) {
        void *address = dlsym(out->handle, symbol_rows[i].name);
        if (!address && !symbol_rows[i].is_optional)
            return FAIL(c, MISSING, out->path, "has no function %s", symbol_rows[i].name);
        memcpy((char *)out + symbol_rows[i].offset, &address, sizeof address);
    }
    return FRIT_OK;
}

frit_status cuda_nvrtc_version(cx *c, const cuda_options *o, int *out_major, int *out_minor) {
    nvrtc_library lib;
    TRY(load(c, o, &lib));
    nvrtc_result r = lib.version(out_major, out_minor);
    if (r != NVRTC_SUCCESS) return FAIL(c, INTERNAL, lib.path, "%s", lib.error_string(r));
    return FRIT_OK;
}

/* --- compiling one text --- */

/* What one thread makes of one text; memory of its own, copied to the job arena afterwards. */
typedef struct unit {
    const char *text, *arch, *name;
    arena a;
    void *cubin;
    size_t n_bytes;
    const char *error; /* NULL: well */
} unit;

typedef struct compile_cx {
    cx *c;
    const nvrtc_library *lib;
    VEC(unit *) units;
} compile_cx;

/* Compilers differ in what is fast by default; bits must not: no contraction, no flushing, exact division and root. */
static const char *const fixed_options[] = {"--std=c++17", "--fmad=false", "--ftz=false", "--prec-div=true",
                                            "--prec-sqrt=true"};

static nvrtc_result build(const nvrtc_library *lib, unit *u, nvrtc_program *p) {
    const char *options[countof(fixed_options) + 1];
    memcpy(options, fixed_options, sizeof fixed_options);
    options[countof(fixed_options)] = arena_printf(&u->a, "--gpu-architecture=%s", u->arch);
    nvrtc_result r = lib->compile(p, (int)countof(options), options);
    size_t n = 0;
    if (r != NVRTC_SUCCESS) {
        if (lib->log_size(p, &n) == NVRTC_SUCCESS && n > 1) {
            char *log = arena_alloc(&u->a, n + 1);
            if (lib->log(p, log) == NVRTC_SUCCESS) u->error = log;
        }
        return r;
    }
    r = lib->cubin_size(p, &u->n_bytes);
    if (r != NVRTC_SUCCESS) return r;
    u->cubin = arena_alloc(&u->a, u->n_bytes + 1);
    return lib->cubin(p, u->cubin);
}

static void compile_unit(void *data, uint32_t item, uint32_t thread) {
    const compile_cx *x = data;
    unit *u = x->units.at[item];
    nvrtc_program *p = NULL;
    (void)thread;
    if (x->c->stop && atomic_load(x->c->stop)) return;
    nvrtc_result r = x->lib->create(&p, u->text, arena_printf(&u->a, "%s.cu", u->name), 0, NULL, NULL);
    if (r == NVRTC_SUCCESS) r = build(x->lib, u, p);
    if (r != NVRTC_SUCCESS && !u->error) u->error = arena_strdup(&u->a, x->lib->error_string(r));
    if (p) x->lib->destroy(&p);
}

/* --- compiling a plan --- */

/* "sm_90a" -> 90; 0 when it is none. */
static int arch_number(const char *arch) {
    int64_t v;
    if (!str_starts(arch, "sm_")) return 0;
    size_t n = strspn(arch + 3, "0123456789");
    char digits[8] = {0};
    if (n == 0 || n >= sizeof digits || strlen(arch + 3 + n) > 1) return 0;
    memcpy(digits, arch + 3, n);
    return str_parse_i64(digits, &v) ? (int)v : 0;
}

static frit_status check_arch(cx *c, const nvrtc_library *lib, const char *arch) {
    int number = arch_number(arch), n = 0;
    if (!number) return FAIL(c, TARGET, arch, "is no GPU architecture; write one as sm_90a");
    if (!lib->n_archs || !lib->archs || lib->n_archs(&n) != NVRTC_SUCCESS || n <= 0) return FRIT_OK;
    int *known = ARENA_ARRAY(c->scratch, int, n);
    if (lib->archs(known) != NVRTC_SUCCESS) return FRIT_OK;
    strbuf list = {.a = c->scratch};
    for (int i = 0; i < n; i++) {
        if (known[i] == number) return FRIT_OK;
        strbuf_printf(&list, i ? ", sm_%d" : "sm_%d", known[i]);
    }
    return FAIL(c, TARGET, arch, "is not known to %s, which knows %s", lib->path, strbuf_text(&list));
}

/* The first kernel with the digest of kernel number i. */
static uint32_t first_like(map *seen, const plan *p, uint32_t i) {
    uint8_t key[32];
    uint32_t first = i;
    kernel_digest(p->kernels.at[i], key);
    if (!map_get(seen, key, sizeof key, &first)) map_set(seen, key, sizeof key, i);
    return first;
}

static void add_unit(compile_cx *x, const char *text, const char *arch, const char *name) {
    unit *u = ARENA_NEW(x->c->job, unit);
    *u = (unit){.text = text, .arch = arch, .name = name};
    arena_init(&u->a);
    vec_push(x->c->job, x->units, u);
}

static frit_status finish_unit(cx *c, unit *u, cuda_module *out) {
    if (u->error) return FAIL(c, INTERNAL, u->name, "NVRTC refuses the generated text:\n%s", u->error);
    if (!u->cubin) return FAIL(c, CANCELLED, NULL, "interrupted");
    *out = (cuda_module){
        .text = u->text, .arch = u->arch, .cubin = arena_copy(c->job, u->cubin, u->n_bytes), .n_bytes = u->n_bytes};
    return FRIT_OK;
}

static frit_status finish(compile_cx *x, cuda_modules *out) {
    frit_status status = FRIT_OK;
    out->n_modules = x->units.n;
    out->modules = ARENA_ARRAY(x->c->job, cuda_module, x->units.n + 1);
    for (uint32_t i = 0; i < x->units.n; i++) {
        if (status == FRIT_OK) status = finish_unit(x->c, x->units.at[i], &out->modules[i]);
        arena_fini(&x->units.at[i]->a);
    }
    return status;
}

static const cuda_phase *phases_of(cx *c, const kernel *k) {
    cuda_phase *out = ARENA_ARRAY(c->job, cuda_phase, k->phases.n + 1);
    for (uint32_t i = 0; i < k->phases.n; i++) out[i] = cuda_phase_of(k, i, c->job);
    return out;
}

frit_status cuda_compile(cx *c, const plan *p, const cuda_options *o, cuda_modules *out) {
    static const char *const default_archs[] = {"sm_90a", NULL};
    const char *const *archs = o->archs && o->archs[0] ? o->archs : default_archs;
    nvrtc_library lib;
    *out = (cuda_modules){.n_kernels = p->kernels.n};
    TRY(load(c, o, &lib));
    for (; archs[out->n_archs]; out->n_archs++) TRY(check_arch(c, &lib, archs[out->n_archs]));
    compile_cx x = {.c = c, .lib = &lib};
    map seen = {.a = c->job};
    uint32_t *module_of = ARENA_ARRAY(c->job, uint32_t, p->kernels.n * (size_t)out->n_archs + 1);
    uint32_t *same_as = ARENA_ARRAY(c->job, uint32_t, p->kernels.n + 1);
    const cuda_phase **phases = ARENA_ARRAY(c->job, const cuda_phase *, p->kernels.n + 1);
    out->module_of = module_of;
    out->phases = phases;
    for (uint32_t i = 0; i < p->kernels.n; i++) {
        strbuf text = {.a = c->job};
        TRY(cx_poll(c));
        same_as[i] = first_like(&seen, p, i);
        phases[i] = same_as[i] == i ? phases_of(c, p->kernels.at[i]) : phases[same_as[i]];
        if (same_as[i] == i) TRY(cuda_emit_text(c, p->kernels.at[i], &text));
        for (uint32_t arch = 0; arch < out->n_archs; arch++) {
            module_of[i * out->n_archs + arch] =
                same_as[i] == i ? x.units.n : module_of[same_as[i] * out->n_archs + arch];
            if (same_as[i] == i) add_unit(&x, strbuf_text(&text), archs[arch], p->kernels.at[i]->name);
        }
    }
    par_for(x.units.n, o->n_threads, compile_unit, &x);
    return finish(&x, out);
}
