/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The report as JSON: see docs/CLI.md. */
#include <stdlib.h>

#include "driver/info.h"
#include "driver/json_text.h"
#include "driver/model_dims.h"
#include "driver/report.h"

enum { JSON_VERSION = 1 };

static void put(json_t *to, const char *key, json_t *x) { json_object_set_new(to, key, x); }

static json_t *formula(const report *r, dim d) {
    return d == DIM_BAD ? json_null() : json_text(r->a, dim_text(r->a, r->p->iface->dims, d));
}

static json_t *tensors_json(const report *r) {
    static const char *const kinds[] = {
        [PB_INPUT] = "input", [PB_OUTPUT] = "output", [PB_CONST] = "weights", [PB_ARENA] = "arena"};
    json_t *list = json_array();
    for (pbuf_id i = 0; i < r->p->bufs.n; i++) {
        const pbuf *b = &r->p->bufs.at[i];
        json_t *one = json_object(), *shape = json_array();
        for (uint32_t d = 0; d < b->rank; d++) json_array_append_new(shape, formula(r, b->shape[d]));
        put(one, "name", json_text(r->a, report_buffer_name(r, i)));
        put(one, "kind", json_string(kinds[b->kind]));
        put(one, "dtype", json_text(r->a, dtype_name(b->dt)));
        put(one, "dims", shape);
        put(one, "bytes", json_amount(report_buffer_bytes(r, i)));
        put(one, "slot", b->kind == PB_ARENA ? json_integer(b->index) : json_null());
        bool is_used = b->first != UINT32_MAX;
        put(one, "first_step", is_used ? json_integer(b->first) : json_null());
        put(one, "last_step", is_used ? json_integer(b->last) : json_null());
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *holds_json(const report *r, const plan_holds *h) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < h->n; i++) {
        json_t *one = json_object();
        put(one, "operator", json_string(op_name(h->at[i].op)));
        put(one, "model_operator", json_string(h->at[i].model_op));
        put(one, "node", json_text(r->a, h->at[i].loc));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *kernels_json(const report *r) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->p->kernels.n; i++) {
        const report_kernel *k = &r->kernels[i];
        json_t *one = json_object();
        put(one, "name", json_text(r->a, k->k->name));
        put(one, "title", json_text(r->a, k->k->title ? k->k->title : ""));
        put(one, "holds", holds_json(r, k->holds));
        put(one, "launches", json_integer(k->n_launches));
        put(one, "phases", json_integer(kernel_n_functions(k->k)));
        put(one, "library", k->k->gemm ? json_string(PF_OPENBLAS) : json_null());
        put(one, "flops", json_amount(k->flops));
        put(one, "bytes_read", json_amount(k->bytes - k->written));
        put(one, "bytes_written", json_amount(k->written));
        put(one, "flops_formula", formula(r, k->k->flops));
        put(one, "bytes_formula", formula(r, k->k->bytes));
        put(one, "predicted_ms", json_amount(k->ms));
        put(one, "bound", json_string(k->is_memory_bound ? "memory" : "arithmetic"));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *steps_json(const report *r) {
    static const char *const kinds[] = {[PS_LAUNCH] = "launch", [PS_COPY] = "copy", [PS_CHOICE] = "choice",
                                        [PS_IF] = "if",         [PS_LOOP] = "loop", [PS_RESULT] = "count"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->steps.n; i++) {
        const pstep *s = r->steps.at[i];
        json_t *one = json_object(), *reads = json_array(), *writes = json_array();
        for (uint32_t k = 0; k < s->n_args; k++)
            if (s->args[k] < r->p->bufs.n)
                json_array_append_new(report_writes(r, s, k) ? writes : reads, json_integer(s->args[k]));
        put(one, "kind", json_string(kinds[s->kind]));
        put(one, "kernel", s->kind == PS_LAUNCH ? json_integer(s->kernel) : json_null());
        put(one, "reads", reads);
        put(one, "writes", writes);
        put(one, "runs", json_boolean(r->runs.at[i]));
        json_array_append_new(list, one);
    }
    return list;
}

/* Steps that repeat at once. */
static json_t *folds_json(const report *r) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->folds.n; i++) {
        json_t *one = json_object();
        put(one, "first_step", json_integer(r->folds.at[i].first));
        put(one, "steps", json_integer(r->folds.at[i].n_steps));
        put(one, "times", json_integer(r->folds.at[i].n_times));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *stops_json(const report *r) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->p->stops.n; i++) {
        const plan_stop *s = &r->p->stops.at[i];
        json_t *one = json_object();
        put(one, "tensor", json_text(r->a, s->value));
        put(one, "writer", json_integer(s->writer));
        put(one, "reader", json_integer(s->reader));
        put(one, "why", json_text(r->a, s->why));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *memory_json(const report *r) {
    json_t *memory = json_object(), *slots = json_array();
    for (uint32_t i = 0; i < r->p->slots.n; i++) {
        json_t *one = json_object();
        put(one, "offset", json_amount(r->slot_at[i]));
        put(one, "bytes", json_amount(r->slot_bytes[i]));
        put(one, "formula", formula(r, r->p->slots.at[i]));
        json_array_append_new(slots, one);
    }
    put(memory, "weights_bytes", json_amount(r->weights_bytes));
    put(memory, "arena_bytes", json_amount(r->arena_bytes));
    put(memory, "arena_formula", formula(r, plan_arena_bytes(r->p)));
    put(memory, "most_in_use_bytes", json_amount(r->live_bytes));
    put(memory, "scratch_bytes_per_thread", json_amount(r->scratch_bytes));
    put(memory, "slots", slots);
    return memory;
}

static json_t *totals_json(const report *r) {
    const report_total *all = &r->total;
    json_t *totals = json_object();
    put(totals, "launches", json_integer(all->n_launches));
    put(totals, "copies", json_integer(all->n_copies));
    put(totals, "flops", json_amount(all->flops));
    put(totals, "bytes_read", json_amount(all->bytes - all->written));
    put(totals, "bytes_written", json_amount(all->written));
    put(totals, "bytes_floor", json_amount(r->ideal.floor));
    put(totals, "bytes_products", json_amount(r->ideal.products));
    put(totals, "products", json_integer(r->ideal.n_products));
    put(totals, "predicted_ms", json_amount(all->ms));
    return totals;
}

static json_t *symbols_json(const report *r) {
    dim_table *t = r->p->iface->dims;
    json_t *list = json_array();
    for (sym_id s = 0; s < dim_n_syms(t); s++) {
        const sym_info *info = dim_sym_info(t, s);
        if (!model_dims_is_told(r->p->iface, s)) continue;
        json_t *one = json_object();
        put(one, "name", json_text(r->a, info->name));
        put(one, "lo", json_integer(info->lo));
        put(one, "hi", json_integer(info->hi));
        put(one, "value", json_integer(r->values[s]));
        put(one, "lo_from", info->why_lo ? json_text(r->a, info->why_lo) : json_null());
        put(one, "hi_from", info->why_hi ? json_text(r->a, info->why_hi) : json_null());
        json_array_append_new(list, one);
    }
    return list;
}

frit_status report_print_json(cx *c, strbuf *b, const report *r) {
    json_t *root = json_object();
    const target *t = &r->m->target;
    put(root, "version", json_integer(JSON_VERSION));
    put(root, "name", json_text(r->a, r->p->iface->name));
    put(root, "target", json_text(r->a, t->kind == TARGET_CUDA ? t->arch : t->cpu));
    put(root, "file", json_text(r->a, r->head.file));
    put(root, "options", json_text(r->a, r->head.flags));
    put(root, "producer", json_string("frit " FRIT_VERSION));
    put(root, "machine", json_text(r->a, info_machine(r->a)));
    put(root, "nodes_read", json_integer(r->m->model->nodes.n));
    put(root, "symbols", symbols_json(r));
    put(root, "kernels", kernels_json(r));
    put(root, "steps", steps_json(r));
    put(root, "tensors", tensors_json(r));
    put(root, "folds", folds_json(r));
    put(root, "stops", stops_json(r));
    put(root, "memory", memory_json(r));
    put(root, "totals", totals_json(r));
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(root);
    if (!text) return FAIL(c, MEMORY, NULL, "no memory for the JSON text");
    strbuf_add(b, text);
    strbuf_addc(b, '\n');
    free(text);
    return FRIT_OK;
}
