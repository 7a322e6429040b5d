/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The ABI's table of functions over a module, and in artifacts the exported function that returns it. */
#include "runtime/runtime.h"

static frit_status table_bind(const frit_artifact *a, const frit_tensor *inputs, int64_t *out_symbols, char *text,
                              uint64_t text_bytes) {
    const pf_header *h = module_of(a)->plan;
    message m = {text, text_bytes};
    if (h->symbols.count && !out_symbols) return message_set(m, FRIT_USAGE, "there is no room for the symbols: NULL");
    return bind_inputs(h, inputs, out_symbols, m);
}

static frit_status table_output_dims(const frit_artifact *a, const int64_t *symbols, uint32_t index,
                                     int64_t *out_dims) {
    return bind_output_dims(module_of(a)->plan, symbols, index, out_dims);
}

static frit_status table_check_indices(const frit_artifact *a, const frit_tensor *inputs, const int64_t *symbols,
                                       char *text, uint64_t text_bytes) {
    const pf_header *h = module_of(a)->plan;
    message m = {text, text_bytes};
    if ((h->n_inputs && !inputs) || (h->symbols.count && !symbols))
        return message_set(m, FRIT_USAGE, "there are no inputs or symbols: NULL was given");
    return bind_check_indices(h, inputs, symbols, m);
}

/* An initialiser, so that an artifact's table is constant data. */
#define TABLE_OVER(mod)                                                                                                \
    {                                                                                                                  \
        .struct_bytes = sizeof(frit_artifact), .abi = FRIT_ARTIFACT_ABI, .module = (mod), .info = describe_info,       \
        .symbol = describe_symbol, .input = describe_input, .output = describe_output, .kernel = describe_kernel,      \
        .bind = table_bind, .output_dims = table_output_dims, .memory = context_memory, .create = context_create,      \
        .run = context_run, .error = context_error, .destroy = context_destroy, .pool_create = pool_create,            \
        .pool_destroy = pool_destroy, .result_dims = context_result_dims, .check_indices = table_check_indices         \
    }

frit_artifact artifact_over(const module *mod) { return (frit_artifact)TABLE_OVER(mod); }

#ifdef FRIT_IN_ARTIFACT
extern const module frit_module; /* in the object that codegen/link writes */
static const frit_artifact table = TABLE_OVER(&frit_module);

__attribute__((visibility("default"))) frit_artifact_table_fn frit_artifact_table;
const frit_artifact *frit_artifact_table(uint32_t abi) { return abi == FRIT_ARTIFACT_ABI ? &table : NULL; }
#endif
