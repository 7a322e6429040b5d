/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit info --json: see docs/CLI.md. */
#include "driver/info.h"
#include "driver/json_text.h"

enum { JSON_VERSION = 2 }; /* 2: predicted_ms is for one thread */

static json_t *ports_json(arena *a, uint32_t n, const frit_port *ports) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++) {
        const frit_port *p = &ports[i];
        json_t *dims = json_array(), *one = json_object();
        for (uint32_t d = 0; d < p->rank; d++) json_array_append_new(dims, json_text(a, p->dim_text[d]));
        json_object_set_new(one, "name", json_text(a, p->name));
        json_object_set_new(one, "dtype", json_text(a, dtype_name((dtype)p->dtype)));
        json_object_set_new(one, "dims", dims);
        json_object_set_new(one, "host", json_boolean(p->is_host));
        json_object_set_new(one, "state", p->state == FRIT_NO_INDEX ? json_null() : json_integer(p->state));
        json_array_append_new(list, one);
    }
    return list;
}

/* The place in the model that a bound comes from. */
static json_t *from_json(arena *a, const char *why) { return why && *why ? json_text(a, why) : json_null(); }

static json_t *symbols_json(arena *a, const info_subject *s) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->facts.info.n_symbols; i++) {
        const frit_symbol *y = &s->facts.symbols[i];
        if (y->kind >= FRIT_SYMBOL_UNUSED) continue;
        json_t *symbol = json_object();
        json_object_set_new(symbol, "name", json_text(a, y->name));
        json_object_set_new(symbol, "lo", json_integer(y->lo));
        json_object_set_new(symbol, "hi", json_integer(y->hi));
        json_object_set_new(symbol, "lo_from", from_json(a, y->why_lo));
        json_object_set_new(symbol, "hi_from", from_json(a, y->why_hi));
        json_object_set_new(symbol, "hint", y->hint ? json_integer(y->hint) : json_null());
        json_object_set_new(symbol, "value", json_integer(s->symbols[i]));
        json_array_append_new(list, symbol);
    }
    return list;
}

static json_t *memory_json(arena *a, const info_subject *s) {
    const frit_memory *m = &s->memory;
    json_t *memory = json_object();
    uint32_t d = s->plan->arena;
    const char *formula = d == PF_NONE ? "" : pf_string(s->plan, PF_ROWS(s->plan, pf_dim, dims)[d].text);
    json_object_set_new(memory, "threads", json_integer(m->n_threads));
    json_object_set_new(memory, "context_bytes", json_integer((json_int_t)m->context_bytes));
    json_object_set_new(memory, "arena_bytes", json_integer((json_int_t)m->arena_bytes));
    json_object_set_new(memory, "arena_formula", json_text(a, formula));
    json_object_set_new(memory, "scratch_bytes", json_integer((json_int_t)m->scratch_bytes));
    json_object_set_new(memory, "stacks", json_integer((json_int_t)m->n_stacks));
    json_object_set_new(memory, "stack_bytes", json_integer((json_int_t)m->stack_bytes));
    return memory;
}

static json_t *kernels_json(arena *a, const info_subject *s) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->facts.info.n_kernels; i++) {
        const info_kernel *k = &s->kernels[i];
        json_t *kernel = json_object();
        json_object_set_new(kernel, "name", json_text(a, k->facts.name));
        json_object_set_new(kernel, "title", json_text(a, k->facts.title));
        json_object_set_new(kernel, "launches", json_integer(k->facts.n_launches));
        json_object_set_new(kernel, "flops", json_amount(k->flops));
        json_object_set_new(kernel, "bytes", json_amount(k->bytes));
        json_object_set_new(kernel, "flops_formula", json_text(a, k->facts.flops));
        json_object_set_new(kernel, "bytes_formula", json_text(a, k->facts.bytes));
        json_object_set_new(kernel, "predicted_ms", json_amount(k->predicted_ms));
        json_array_append_new(list, kernel);
    }
    return list;
}

static json_t *operators_json(arena *a, const info_subject *s) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < s->operators.n; i++) {
        const onnx_operator *o = &s->operators.at[i];
        json_t *op = json_object();
        json_object_set_new(op, "name", json_text(a, o->name));
        json_object_set_new(op, "nodes", json_integer(o->n_nodes));
        json_object_set_new(op, "supported", json_boolean(o->is_supported));
        json_array_append_new(list, op);
    }
    return list;
}

static json_t *libraries_json(arena *a, const char *name) {
    json_t *list = json_array();
    if (*name) json_array_append_new(list, json_text(a, name));
    return list;
}

static void add_plan(arena *a, const info_subject *s, json_t *root) {
    const frit_artifact_info *info = &s->facts.info;
    json_object_set_new(root, "name", json_text(a, info->name));
    json_object_set_new(root, "producer", json_text(a, info->producer));
    json_object_set_new(root, "target", json_text(a, info->target));
    json_object_set_new(root, "options", json_text(a, info->options));
    json_object_set_new(root, "libraries", libraries_json(a, info->libraries));
    json_object_set_new(root, "inputs", ports_json(a, info->n_inputs, s->facts.inputs));
    json_object_set_new(root, "outputs", ports_json(a, info->n_outputs, s->facts.outputs));
    json_object_set_new(root, "symbols", symbols_json(a, s));
    json_object_set_new(root, "weights_bytes", json_integer((json_int_t)info->weights_bytes));
    json_object_set_new(root, "weights_file", json_text(a, info->weights_file));
    json_object_set_new(root, "memory", memory_json(a, s));
    json_object_set_new(root, "copies", json_integer(s->plan->n_copies));
    json_object_set_new(root, "kernels", kernels_json(a, s));
    json_object_set_new(root, "predicted_ms", json_amount(s->predicted_ms));
}

frit_status info_print_json(cx *c, const info_subject *s) {
    arena *a = c->scratch;
    json_t *root = json_object();
    json_object_set_new(root, "version", json_integer(JSON_VERSION));
    json_object_set_new(root, "file", json_text(a, s->path));
    json_object_set_new(root, "kind", json_text(a, s->kind));
    if (*s->machine) json_object_set_new(root, "machine", json_text(a, s->machine));
    if (s->file_bytes) json_object_set_new(root, "file_bytes", json_integer((json_int_t)s->file_bytes));
    if (s->operators.n) json_object_set_new(root, "operators", operators_json(a, s));
    json_object_set_new(root, "refusal", s->refusal ? json_text(a, s->refusal) : json_null());
    if (s->plan) add_plan(a, s, root);
    return json_print(c, root);
}
