/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One call: bind and check, then walk the steps of the plan. Allocates nothing. */
#include <inttypes.h>
#include <string.h>

#include "runtime/runtime.h"

static message text_of(frit_context *x) { return (message){x->text, sizeof x->text}; }

/* --- before the first step --- */

static frit_status dim_failed(frit_context *x, uint32_t dim) {
    const pf_header *h = x->plan;
    return message_set(text_of(x), FRIT_RANGE, "%s cannot be computed for these dims",
                       pf_string(h, PF_ROWS(h, pf_dim, dims)[dim].text));
}

/* Gives a counted symbol its value, and its dims theirs. */
static frit_status set_counted(frit_context *x, uint32_t symbol, int64_t value) {
    const pf_header *h = x->plan;
    const pf_symbol *s = &PF_ROWS(h, pf_symbol, symbols)[symbol];
    const uint32_t *late = PF_ROWS(h, uint32_t, late) + s->first_late;
    x->symbols[symbol] = value;
    for (uint32_t i = 0; i < s->n_late; i++)
        if (!plan_dim(h, late[i], x->symbols, &x->values[late[i]])) return dim_failed(x, late[i]);
    return FRIT_OK;
}

/* Whether the wanted symbols are those of the last call; those that the last call counted have their bounds again. */
static bool is_same_call(frit_context *x) {
    if (!x->is_bound) return false;
    const pf_symbol *symbols = PF_ROWS(x->plan, pf_symbol, symbols);
    for (uint32_t i = 0; i < x->plan->symbols.count; i++)
        if (symbols[i].kind != FRIT_SYMBOL_COUNTED && x->symbols[i] != x->wanted[i]) return false;
    return true;
}

static frit_status reset_counted(frit_context *x) {
    const pf_symbol *symbols = PF_ROWS(x->plan, pf_symbol, symbols);
    frit_status status = FRIT_OK;
    for (uint32_t i = 0; i < x->plan->symbols.count && status == FRIT_OK; i++)
        if (symbols[i].kind == FRIT_SYMBOL_COUNTED) status = set_counted(x, i, x->wanted[i]);
    return status;
}

/* Values of all dims for new symbols. Arena offsets stay: they were made for the context's greatest symbols. */
static frit_status rebind(frit_context *x) {
    const pf_header *h = x->plan;
    uint32_t n = h->symbols.count;
    if (is_same_call(x)) return reset_counted(x);
    x->is_bound = false;
    for (uint32_t i = 0; i < n; i++) {
        if (x->wanted[i] <= x->max_symbols[i]) continue;
        const char *name = pf_string(h, PF_ROWS(h, pf_symbol, symbols)[i].name);
        return message_set(text_of(x), FRIT_RANGE, "%s = %" PRId64 " is more than the %" PRId64 " of this context",
                           name, x->wanted[i], x->max_symbols[i]);
    }
    memcpy(x->symbols, x->wanted, n * sizeof *x->symbols);
    for (uint32_t i = 0; i < h->dims.count; i++)
        if (!plan_dim(h, i, x->symbols, &x->values[i])) return dim_failed(x, i);
    x->is_bound = true;
    return FRIT_OK;
}

static frit_status check_data(frit_context *x, uint32_t port, const frit_tensor *t) {
    const pf_port *p = &PF_ROWS(x->plan, pf_port, ports)[port];
    const char *kind = port < x->plan->n_inputs ? "input" : "output", *name = pf_string(x->plan, p->name);
    uintptr_t address = (uintptr_t)t->data, align = (element_bits(p->dtype) + 7) / 8;
    if (!t->data && tensor_elements(t))
        return message_set(text_of(x), FRIT_MISSING, "%s '%s': data is missing", kind, name);
    if (address % align)
        return message_set(text_of(x), FRIT_RANGE, "%s '%s': data is not aligned to %d bytes", kind, name, (int)align);
    return FRIT_OK;
}

static frit_status check_output(frit_context *x, uint32_t index, const frit_tensor *t) {
    const pf_header *h = x->plan;
    uint32_t port = h->n_inputs + index;
    const pf_port *p = &PF_ROWS(h, pf_port, ports)[port];
    frit_status status = bind_check_tensor(h, port, t, text_of(x));
    if (status != FRIT_OK) return status;
    const uint32_t *dims = PF_ROWS(h, uint32_t, port_dims) + p->first_room;
    for (uint32_t i = 0; i < p->rank; i++)
        if (t->dims[i] != x->values[dims[i]])
            return message_set(text_of(x), FRIT_SHAPE,
                               "output '%s': dim %" PRIu32 " is %" PRId64 ", should be %" PRId64, pf_string(h, p->name),
                               i, t->dims[i], x->values[dims[i]]);
    return check_data(x, port, t);
}

/* A state's input and output are one memory. */
static frit_status check_states(frit_context *x, const frit_tensor *inputs, const frit_tensor *outputs) {
    const pf_header *h = x->plan;
    const pf_port *ports = PF_ROWS(h, pf_port, ports);
    for (uint32_t i = 0; i < h->n_inputs && h->n_states; i++)
        for (uint32_t o = 0; ports[i].state != PF_NONE && o < h->n_outputs; o++)
            if (ports[h->n_inputs + o].state == ports[i].state && inputs[i].data != outputs[o].data)
                return message_set(text_of(x), FRIT_USAGE, "state '%s': input and output have to be the same memory",
                                   pf_string(h, ports[i].name));
    return FRIT_OK;
}

static void point_at_tensors(frit_context *x, const frit_tensor *inputs, const frit_tensor *outputs) {
    const pf_buffer *buffers = PF_ROWS(x->plan, pf_buffer, buffers);
    for (uint32_t i = 0; i < x->plan->buffers.count; i++) {
        const pf_buffer *b = &buffers[i];
        if (b->kind == PF_INPUT) x->pointers[i] = inputs[b->index].data;
        if (b->kind == PF_OUTPUT) x->pointers[i] = outputs[b->index].data;
    }
}

static frit_status prepare(frit_context *x, const frit_tensor *inputs, const frit_tensor *outputs) {
    const pf_header *h = x->plan;
    frit_status status = bind_inputs(h, inputs, x->wanted, text_of(x));
    if (h->n_outputs && !outputs) return message_set(text_of(x), FRIT_USAGE, "there are no outputs: NULL was given");
    if (status == FRIT_OK) status = rebind(x);
    for (uint32_t i = 0; i < h->n_inputs && status == FRIT_OK; i++) status = check_data(x, i, &inputs[i]);
    for (uint32_t i = 0; i < h->n_outputs && status == FRIT_OK; i++) status = check_output(x, i, &outputs[i]);
    if (status == FRIT_OK) status = check_states(x, inputs, outputs);
    if (status == FRIT_OK) point_at_tensors(x, inputs, outputs);
    return status;
}

/* --- the walk --- */

static frit_status walk(frit_context *x, uint32_t first, uint32_t n);

static frit_status launch(frit_context *x, const pf_step *s) {
    if (!x->trace) return x->module->backend->launch(x, s);
    x->trace->begin(x->trace->data, s->kernel);
    frit_status status = x->module->backend->launch(x, s);
    x->trace->end(x->trace->data, s->kernel);
    return status;
}

/* Host inputs are in host memory on a device too. */
static frit_status copy(frit_context *x, const uint32_t *args) {
    const backend *b = x->module->backend;
    const pf_buffer *from = &PF_ROWS(x->plan, pf_buffer, buffers)[args[0]];
    bool is_on_host = b->is_device && from->kind == PF_INPUT && PF_ROWS(x->plan, pf_port, ports)[from->index].is_host;
    uint64_t bytes = (uint64_t)x->values[from->bytes];
    return (is_on_host ? b->write : b->copy)(x, x->pointers[args[1]], x->pointers[args[0]], bytes);
}

static frit_status choose(frit_context *x, const pf_step *s) {
    const pf_alt *alts = PF_ROWS(x->plan, pf_alt, alts) + s->first_alt;
    for (uint32_t i = 0; i < s->n_alts; i++) {
        bool is_taken = alts[i].lhs == PF_NONE || x->values[alts[i].lhs] <= x->values[alts[i].rhs];
        if (is_taken) return walk(x, alts[i].first_step, alts[i].n_steps);
    }
    return FRIT_OK;
}

static frit_status branch(frit_context *x, const pf_step *s, const uint32_t *args) {
    const pf_alt *alts = PF_ROWS(x->plan, pf_alt, alts) + s->first_alt;
    uint8_t condition;
    frit_status status = x->module->backend->read(x, &condition, x->pointers[args[0]], sizeof condition);
    if (status != FRIT_OK) return status;
    const pf_alt *taken = &alts[condition ? 0 : 1];
    return walk(x, taken->first_step, taken->n_steps);
}

/* A count that the model made: within what there is room for. */
static frit_status take_count(frit_context *x, uint32_t symbol, int64_t n) {
    const pf_header *h = x->plan;
    const char *name = pf_string(h, PF_ROWS(h, pf_symbol, symbols)[symbol].name);
    if (n < 0 || n > x->wanted[symbol])
        return message_set(text_of(x), FRIT_RANGE, "%s = %" PRId64 " is outside 0..%" PRId64, name, n,
                           x->wanted[symbol]);
    return set_counted(x, symbol, n);
}

static frit_status loop(frit_context *x, const pf_step *s, const uint32_t *args) {
    const backend *b = x->module->backend;
    const pf_alt *body = PF_ROWS(x->plan, pf_alt, alts) + s->first_alt;
    int64_t n_turns = s->trips == PF_NONE ? INT64_MAX : x->values[s->trips], given = INT64_MAX, i = 0;
    frit_status status = FRIT_OK;
    if (args[0] != PF_NONE) status = b->read(x, &given, x->pointers[args[0]], sizeof given);
    if (given < n_turns) n_turns = given;
    for (; i < n_turns && status == FRIT_OK; i++) {
        uint8_t goes_on = 1;
        if (args[1] != PF_NONE) status = b->read(x, &goes_on, x->pointers[args[1]], sizeof goes_on);
        if (status != FRIT_OK || !goes_on) break;
        if (s->result != PF_NONE && i >= x->wanted[s->result])
            return message_set(text_of(x), FRIT_RANGE, "more than %" PRId64 " iterations of a loop (%s)",
                               x->wanted[s->result], pf_string(x->plan, s->loc));
        status = set_counted(x, s->iteration, i);
        if (status == FRIT_OK) status = walk(x, body->first_step, body->n_steps);
    }
    return status == FRIT_OK && s->result != PF_NONE ? take_count(x, s->result, i) : status;
}

static frit_status count(frit_context *x, const pf_step *s, const uint32_t *args) {
    int64_t n = 0;
    if (s->n_args == 0) return take_count(x, s->result, x->values[s->trips]);
    frit_status status = x->module->backend->read(x, &n, x->pointers[args[0]], sizeof n);
    return status == FRIT_OK ? take_count(x, s->result, n) : status;
}

static frit_status step(frit_context *x, const pf_step *s) {
    const uint32_t *args = PF_ROWS(x->plan, uint32_t, args) + s->first_arg;
    switch ((pf_step_kind)s->kind) {
    case PF_LAUNCH:
        return launch(x, s);
    case PF_COPY:
        return copy(x, args);
    case PF_CHOICE:
        return choose(x, s);
    case PF_IF:
        return branch(x, s, args);
    case PF_LOOP:
        return loop(x, s, args);
    case PF_RESULT:
        return count(x, s, args);
    case PF_REQUIRE:
        return bind_check_contract(x->plan, s->contract, x->symbols, text_of(x));
    }
    return FRIT_INTERNAL;
}

static frit_status walk(frit_context *x, uint32_t first, uint32_t n) {
    const pf_step *steps = PF_ROWS(x->plan, pf_step, steps) + first;
    frit_status status = FRIT_OK;
    for (uint32_t i = 0; i < n && status == FRIT_OK; i++) status = step(x, &steps[i]);
    return status;
}

frit_status context_run(frit_context *x, const frit_tensor *inputs, const frit_tensor *outputs) {
    if (!x) return FRIT_USAGE;
    x->text[0] = 0;
    frit_status status = prepare(x, inputs, outputs);
    return status == FRIT_OK ? walk(x, x->plan->first_step, x->plan->n_steps) : status;
}

frit_status context_result_dims(const frit_context *x, uint32_t index, int64_t *out_dims) {
    if (!x || !x->is_bound) return FRIT_USAGE;
    return bind_result_dims(x->plan, x->symbols, index, out_dims);
}

const char *context_error(const frit_context *x) { return x ? x->text : "there is no context"; }
