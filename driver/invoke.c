/* Opening and calling artifacts through the ABI, as any other host would. */
#include "driver/invoke.h"

#include <dlfcn.h>
#include <string.h>

enum { MESSAGE_BYTES = 512 };

frit_status artifact_open(cx *c, const char *path, open_artifact *out) {
    *out = (open_artifact){0};
    mapped_file f; /* dlopen's own words for a missing file or a folder are poor */
    TRY(file_map(c, path, &f));
    file_unmap(&f);
    /* Without a slash dlopen would search the library path. */
    const char *name = strchr(path, '/') ? path : arena_printf(c->scratch, "./%s", path);
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) return FAIL(c, FORMAT, path, "cannot be loaded: %s", dlerror());
    frit_artifact_table_fn *table = NULL;
    void *symbol = dlsym(library, FRIT_ARTIFACT_SYMBOL);
    memcpy(&table, &symbol, sizeof table); /* the one way from object to function pointer that ISO C leaves */
    const frit_artifact *a = table ? table(FRIT_ARTIFACT_ABI) : NULL;
    if (!a) {
        dlclose(library);
        if (table) return FAIL(c, FORMAT, path, "speaks another version of the artifact interface; compile it again");
        return FAIL(c, FORMAT, path, "was not written by frit compile");
    }
    *out = (open_artifact){library, a};
    return FRIT_OK;
}

void artifact_close(open_artifact *o) {
    if (o->library) dlclose(o->library);
    *o = (open_artifact){0};
}

static frit_tensor as_argument(const tensor *t) {
    return (frit_tensor){t->data, (int32_t)t->dt, (int32_t)t->rank, t->shape, NULL};
}

/* What a call needs to know of the model, and its tensors as the ABI wants them. */
typedef struct call {
    const frit_artifact *a;
    frit_artifact_info info;
    frit_tensor *inputs, *outputs;
    int64_t *symbols;
    char message[MESSAGE_BYTES];
} call;

static frit_status describe(cx *c, call *k, const tensor *inputs) {
    k->info.struct_bytes = sizeof k->info;
    if (k->a->info(k->a, &k->info) != FRIT_OK) return FAIL(c, FORMAT, NULL, "the artifact does not describe itself");
    k->inputs = ARENA_ARRAY(c->job, frit_tensor, k->info.n_inputs + 1u);
    k->outputs = ARENA_ARRAY(c->job, frit_tensor, k->info.n_outputs + 1u);
    k->symbols = ARENA_ARRAY(c->job, int64_t, k->info.n_symbols + 1u);
    for (uint32_t i = 0; i < k->info.n_inputs; i++) k->inputs[i] = as_argument(&inputs[i]);
    return FRIT_OK;
}

static frit_status alloc_outputs(cx *c, call *k, tensor *outputs) {
    for (uint32_t i = 0; i < k->info.n_outputs; i++) {
        frit_port p = {.struct_bytes = sizeof p};
        int64_t dims[FRIT_MAX_RANK] = {0};
        if (k->a->output(k->a, i, &p) != FRIT_OK || k->a->output_dims(k->a, k->symbols, i, dims) != FRIT_OK)
            return FAIL(c, RANGE, NULL, "the extents of output %u are too large", i);
        TRY(tensor_alloc(c, c->job, (dtype)p.dtype, p.rank, dims, &outputs[i]));
        k->outputs[i] = as_argument(&outputs[i]);
    }
    return FRIT_OK;
}

frit_status artifact_call(cx *c, const frit_artifact *a, const tensor *inputs, uint32_t n_threads, tensor *outputs) {
    call k = {.a = a};
    TRY(describe(c, &k, inputs));
    frit_status status = a->bind(a, k.inputs, k.symbols, k.message, sizeof k.message);
    if (status != FRIT_OK) return cx_fail(c, status, NULL, "%s", k.message);
    TRY(alloc_outputs(c, &k, outputs));
    frit_options options = {.struct_bytes = sizeof options, .n_threads = n_threads, .max_symbols = k.symbols};
    frit_context *context = NULL;
    status = a->create(a, &options, &context, k.message, sizeof k.message);
    if (status != FRIT_OK) return cx_fail(c, status, NULL, "%s", k.message);
    status = a->run(context, k.inputs, k.outputs);
    if (status != FRIT_OK) cx_fail(c, status, NULL, "%s", a->error(context));
    a->destroy(context);
    return status;
}
