/* Recorded programs meet the compiler: the part of frit.h that sees both ends. */
#include <string.h>

#include "driver/jit.h"
#include "frontend/trace/trace.h"

/* What a program was compiled to, and the context of frit_program_run. */
typedef struct program_code {
    compiled m;
    jit *code; /* NULL until it is wanted in this process */
    frit_context *context;
    int64_t *max_symbols; /* that the context was made for */
    int64_t *symbols;     /* of the call at hand */
    uint32_t n_symbols;
} program_code;

static void close_code(void *data) {
    program_code *k = data;
    if (k->context) jit_artifact(k->code)->destroy(k->context);
    jit_close(k->code);
}

/* Options as this version knows them: what the caller's struct does not have is zero. */
static compile_options options_of(const frit_compile_options *given) {
    frit_compile_options o = {0};
    if (given) memcpy(&o, given, given->struct_bytes < sizeof o ? given->struct_bytes : sizeof o);
    return (compile_options){.cpu = o.cpu, .checked = o.checked != 0, .n_threads = o.n_threads};
}

static frit_status compile_program(frit_program *p, const frit_compile_options *given) {
    TRY(p->c.status);
    if (p->code) return FRIT_OK;
    if (p->g->outputs.n == 0) return FAIL(&p->c, USAGE, p->g->name, "the program has no output");
    program_code *k = ARENA_NEW(&p->job, program_code);
    compile_options o = options_of(given);
    TRY(graph_verify(&p->c, p->g));
    TRY(compile_graph(&p->c, p->g, &o, &k->m));
    p->code = k;
    p->close_code = close_code;
    return FRIT_OK;
}

static frit_status load_program(frit_program *p, const frit_compile_options *given) {
    TRY(compile_program(p, given));
    program_code *k = p->code;
    return k->code ? FRIT_OK : jit_compiled(&p->c, &k->m, &k->code);
}

const frit_artifact *frit_program_compile(frit_program *p, const frit_compile_options *options) {
    if (load_program(p, options) != FRIT_OK) return NULL;
    return jit_artifact(((program_code *)p->code)->code);
}

frit_status frit_program_save(frit_program *p, const frit_compile_options *options, const char *path) {
    TRY(compile_program(p, options));
    compile_options o = options_of(options);
    return compile_write(&p->c, &((program_code *)p->code)->m, &o, path);
}

/* A context that is large enough for k->symbols. */
static frit_status make_context(frit_program *p, program_code *k) {
    const frit_artifact *a = jit_artifact(k->code);
    bool fits = k->context != NULL;
    for (uint32_t i = 0; i < k->n_symbols; i++) {
        fits = fits && k->symbols[i] <= k->max_symbols[i];
        if (k->symbols[i] > k->max_symbols[i]) k->max_symbols[i] = k->symbols[i];
    }
    if (fits) return FRIT_OK;
    if (k->context) a->destroy(k->context);
    k->context = NULL;
    char message[512];
    frit_options options = {.struct_bytes = sizeof options, .max_symbols = k->max_symbols};
    frit_status status = a->create(a, &options, &k->context, message, sizeof message);
    return status == FRIT_OK ? FRIT_OK : cx_fail(&p->c, status, NULL, "%s", message);
}

/* A call that does not fit is reported, but the program stays usable: the next call may fit. */
static frit_status run_program(frit_program *p, const frit_tensor *inputs, const frit_tensor *outputs) {
    program_code *k = p->code;
    const frit_artifact *a = jit_artifact(k->code);
    frit_artifact_info info = {.struct_bytes = sizeof info};
    TRY(a->info(a, &info));
    if (!k->symbols) {
        k->n_symbols = info.n_symbols;
        k->symbols = ARENA_ARRAY(&p->job, int64_t, info.n_symbols + 1u);
        k->max_symbols = ARENA_ARRAY(&p->job, int64_t, info.n_symbols + 1u);
    }
    char message[512];
    frit_status status = a->bind(a, inputs, k->symbols, message, sizeof message);
    if (status != FRIT_OK) return cx_fail(&p->c, status, NULL, "%s", message);
    TRY(make_context(p, k));
    status = a->run(k->context, inputs, outputs);
    return status == FRIT_OK ? FRIT_OK : cx_fail(&p->c, status, NULL, "%s", a->error(k->context));
}

frit_status frit_program_run(frit_program *p, const frit_tensor *inputs, const frit_tensor *outputs) {
    if (p->code && p->c.status != FRIT_OK) cx_clear(&p->c); /* what an earlier call was told */
    TRY(load_program(p, NULL));
    return run_program(p, inputs, outputs);
}

frit_status frit_compile_file(const char *model, const char *path, const frit_compile_options *options, char *message,
                              uint64_t message_bytes) {
    arena job, scratch;
    arena_init(&job);
    arena_init(&scratch);
    cx c = {.job = &job, .scratch = &scratch};
    compile_options o = options_of(options);
    frit_status status = compile_file(&c, model, &o, path);
    if (message && message_bytes) {
        const char *text = status == FRIT_OK ? "" : c.message ? c.message : frit_status_text(status);
        size_t n = strlen(text) < message_bytes - 1 ? strlen(text) : (size_t)message_bytes - 1;
        memcpy(message, text, n);
        message[n] = 0;
    }
    arena_fini(&scratch);
    arena_fini(&job);
    return status;
}
