/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Solves the symbols of a call from its inputs and checks everything that must hold, so that kernels need no checks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/runtime.h"

static const pf_port *port_at(const pf_header *h, uint32_t port) { return &PF_ROWS(h, pf_port, ports)[port]; }

static const char *role(const pf_header *h, uint32_t port) { return port < h->n_inputs ? "input" : "output"; }

static const char *port_name(const pf_header *h, uint32_t port) { return pf_string(h, port_at(h, port)->name); }

static const char *dim_text_of(const pf_header *h, uint32_t dim) {
    return pf_string(h, PF_ROWS(h, pf_dim, dims)[dim].text);
}

int64_t tensor_elements(const frit_tensor *t) {
    int64_t n = 1;
    bool is_empty = false;
    for (int32_t i = 0; i < t->rank; i++) is_empty |= t->dims[i] == 0;
    for (int32_t i = 0; i < t->rank && !is_empty; i++)
        if (__builtin_mul_overflow(n, t->dims[i], &n)) return -1;
    return is_empty ? 0 : n;
}

/* Strides of axes with one element say nothing, nor do those of an empty tensor. */
static bool is_row_major(const frit_tensor *t) {
    if (!t->strides) return true;
    int64_t expected = 1;
    bool is_plain = true;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        if (t->dims[i] == 0) return true;
        is_plain &= t->dims[i] == 1 || t->strides[i] == expected;
        expected *= t->dims[i];
    }
    return is_plain;
}

enum { SHAPE_TEXT = 96 };

static void add_dim(char *out, size_t *n, bool is_first, const char *text) {
    int written = snprintf(out + *n, SHAPE_TEXT - *n, is_first ? "%s" : ", %s", text);
    *n += (size_t)(written < 0 ? 0 : written);
    if (*n >= SHAPE_TEXT) *n = SHAPE_TEXT - 1;
}

/* ": [1, 8, 8] for [batch, 1, 8, 8]": what a call gave and what the port declares; cut where it does not fit. */
static void shapes_text(const pf_header *h, uint32_t port, const frit_tensor *t, char out[2 * SHAPE_TEXT]) {
    char given[SHAPE_TEXT] = "", wanted[SHAPE_TEXT] = "", number[24];
    const pf_port *p = port_at(h, port);
    const uint32_t *dims = PF_ROWS(h, uint32_t, port_dims) + p->first_dim;
    size_t n_given = 0, n_wanted = 0;
    for (int32_t i = 0; t->dims && i < t->rank; i++) {
        snprintf(number, sizeof number, "%" PRId64, t->dims[i]);
        add_dim(given, &n_given, i == 0, number);
    }
    for (uint32_t i = 0; i < p->rank; i++) add_dim(wanted, &n_wanted, i == 0, dim_text_of(h, dims[i]));
    snprintf(out, 2 * SHAPE_TEXT, ": [%.80s] for [%.80s]", given, wanted);
}

frit_status bind_check_tensor(const pf_header *h, uint32_t port, const frit_tensor *t, message m) {
    const pf_port *p = port_at(h, port);
    const char *kind = role(h, port), *name = pf_string(h, p->name);
    if (t->dtype != (int32_t)p->dtype)
        return message_set(m, FRIT_TYPE, "%s '%s': is %s, should be %s", kind, name, element_text((uint32_t)t->dtype),
                           element_text(p->dtype));
    char shapes[2 * SHAPE_TEXT];
    if (t->rank != (int32_t)p->rank) {
        shapes_text(h, port, t, shapes);
        return message_set(m, FRIT_SHAPE, "%s '%s': has %" PRId32 " dims, should have %" PRIu32 "%s", kind, name,
                           t->rank, p->rank, shapes);
    }
    if (t->rank && !t->dims) return message_set(m, FRIT_MISSING, "%s '%s': dims are missing", kind, name);
    for (int32_t i = 0; i < t->rank; i++)
        if (t->dims[i] < 0)
            return message_set(m, FRIT_SHAPE, "%s '%s': dim %" PRId32 " is %" PRId64, kind, name, i, t->dims[i]);
    if (tensor_elements(t) < 0) return message_set(m, FRIT_RANGE, "%s '%s': too many elements", kind, name);
    if (!is_row_major(t))
        return message_set(m, FRIT_UNSUPPORTED, "%s '%s': is not row-major; copy it first", kind, name);
    return FRIT_OK;
}

int64_t bind_integer(uint32_t dtype, const void *data, int64_t index) {
    uint32_t bytes = element_bits(dtype) / 8;
    const char *at = (const char *)data + (size_t)index * bytes;
    int64_t wide = 0;
    memcpy(&wide, at, bytes);
    switch (dtype) {
    case FRIT_DT_I32:
        return (int32_t)wide;
    case FRIT_DT_I16:
        return (int16_t)wide;
    case FRIT_DT_I8:
        return (int8_t)wide;
    default:
        return wide; /* i64, and the unsigned and bool types as they are */
    }
}

static frit_status solve_dim(const pf_header *h, const pf_symbol *s, const frit_tensor *inputs, int64_t *out,
                             message m) {
    int64_t d = inputs[s->input].dims[s->axis], rest;
    bool fits = !__builtin_sub_overflow(d, s->shift, &rest) && rest % s->scale == 0;
    if (fits) {
        *out = rest / s->scale;
        return FRIT_OK;
    }
    uint32_t dim = PF_ROWS(h, uint32_t, port_dims)[port_at(h, s->input)->first_dim + s->axis];
    return message_set(m, FRIT_SHAPE, "input '%s': dim %" PRIu32 " is %" PRId64 ", which is not %s for a whole %s",
                       port_name(h, s->input), s->axis, d, dim_text_of(h, dim), pf_string(h, s->name));
}

static frit_status solve_element(const pf_header *h, const pf_symbol *s, const frit_tensor *inputs, int64_t *out,
                                 message m) {
    const frit_tensor *t = &inputs[s->input];
    if (tensor_elements(t) <= (int64_t)s->axis || !t->data)
        return message_set(m, FRIT_SHAPE, "input '%s': element %" PRIu32 " is needed to know %s",
                           port_name(h, s->input), s->axis, pf_string(h, s->name));
    *out = bind_integer((uint32_t)t->dtype, t->data, s->axis);
    return FRIT_OK;
}

static frit_status check_range(const pf_header *h, const pf_symbol *s, int64_t value, message m) {
    if (value >= s->lo && value <= s->hi) return FRIT_OK;
    const char *what = s->kind == FRIT_SYMBOL_DIM ? "dim" : "element";
    bool is_low = value < s->lo;
    const char *why = pf_string(h, is_low ? s->why_lo : s->why_hi);
    if (*why) /* the model's own bound; "=" where there is one value only */
        return message_set(m, FRIT_RANGE,
                           "input '%s', %s %" PRIu32 ": %s = %" PRId64
                           " does not fit: this model only works with %s %s "
                           "%" PRId64 ", from %s",
                           port_name(h, s->input), what, s->axis, pf_string(h, s->name), value, pf_string(h, s->name),
                           s->lo == s->hi ? "="
                           : is_low       ? ">="
                                          : "<=",
                           is_low ? s->lo : s->hi, why);
    return message_set(m, FRIT_RANGE,
                       "input '%s': %s %" PRIu32 " makes %s = %" PRId64 ", which is not in %" PRId64 "..%" PRId64,
                       port_name(h, s->input), what, s->axis, pf_string(h, s->name), value, s->lo, s->hi);
}

bool bind_counted(const pf_header *h, int64_t *symbols) {
    const pf_symbol *rows = PF_ROWS(h, pf_symbol, symbols);
    for (uint32_t i = 0; i < h->symbols.count; i++) {
        if (rows[i].kind != FRIT_SYMBOL_COUNTED) continue;
        if (!plan_dim(h, rows[i].bound, symbols, &symbols[i])) return false;
        if (symbols[i] < 0) symbols[i] = 0;
    }
    return true;
}

static frit_status solve_symbols(const pf_header *h, const frit_tensor *inputs, int64_t *out, message m) {
    const pf_symbol *symbols = PF_ROWS(h, pf_symbol, symbols);
    for (uint32_t i = 0; i < h->symbols.count; i++) {
        const pf_symbol *s = &symbols[i];
        out[i] = s->lo;
        if (s->kind == FRIT_SYMBOL_UNUSED || s->kind == FRIT_SYMBOL_COUNTED) continue;
        frit_status status =
            s->kind == FRIT_SYMBOL_DIM ? solve_dim(h, s, inputs, &out[i], m) : solve_element(h, s, inputs, &out[i], m);
        if (status == FRIT_OK) status = check_range(h, s, out[i], m);
        if (status != FRIT_OK) return status;
    }
    return bind_counted(h, out) ? FRIT_OK
                                : message_set(m, FRIT_RANGE, "the greatest extent of a result cannot be computed");
}

/* Whether the text of a dim is a number. */
static bool is_number(const char *text) { return text[0] >= '0' && text[0] <= '9' && !strpbrk(text, "*+ "); }

static frit_status check_dims(const pf_header *h, uint32_t port, const frit_tensor *t, const int64_t *symbols,
                              message m) {
    const pf_port *p = port_at(h, port);
    const uint32_t *dims = PF_ROWS(h, uint32_t, port_dims) + p->first_dim;
    for (uint32_t i = 0; i < p->rank; i++) {
        int64_t expected;
        if (!plan_dim(h, dims[i], symbols, &expected))
            return message_set(m, FRIT_RANGE, "%s '%s': dim %" PRIu32 " (%s) cannot be computed", role(h, port),
                               port_name(h, port), i, dim_text_of(h, dims[i]));
        if (t->dims[i] == expected) continue;
        const char *text = dim_text_of(h, dims[i]);
        char shapes[2 * SHAPE_TEXT];
        shapes_text(h, port, t, shapes);
        return message_set(m, FRIT_SHAPE, "%s '%s': dim %" PRIu32 " is %" PRId64 ", should be %s%s%" PRId64 "%s",
                           role(h, port), port_name(h, port), i, t->dims[i], is_number(text) ? "" : text,
                           is_number(text) ? "" : " = ", expected, shapes);
    }
    return FRIT_OK;
}

bool bind_contract_holds(uint32_t kind, int64_t lhs, int64_t rhs) {
    bool is_one = (kind >= PF_BROADCASTS && lhs == 1) || (kind == PF_BROADCASTS && rhs == 1);
    return is_one || (kind == PF_AT_MOST ? lhs <= rhs : lhs == rhs);
}

static frit_status contract_failed(const pf_header *h, const pf_contract *k, int64_t lhs, int64_t rhs, message m) {
    const char *what = pf_string(h, k->text), *left = dim_text_of(h, k->lhs), *right = dim_text_of(h, k->rhs);
    if (is_number(left) && is_number(right)) return message_set(m, FRIT_SHAPE, "%s", what); /* it says it all */
    if (k->kind < PF_BROADCASTS)
        return message_set(m, FRIT_SHAPE, "%s: %s = %" PRId64 " should be %s %s = %" PRId64, what, left, lhs,
                           k->kind == PF_EQUAL ? "equal to" : "at most", right, rhs);
    return message_set(m, FRIT_SHAPE,
                       "%s %s%s%" PRId64 " and %s%s%" PRId64 " do not broadcast: they must be equal or %s 1", what,
                       is_number(left) ? "" : left, is_number(left) ? "" : " = ", lhs, is_number(right) ? "" : right,
                       is_number(right) ? "" : " = ", rhs, k->kind == PF_BROADCASTS ? "one of them" : "the first");
}

frit_status bind_check_contract(const pf_header *h, uint32_t contract, const int64_t *symbols, message m) {
    const pf_contract *k = &PF_ROWS(h, pf_contract, contracts)[contract];
    int64_t lhs, rhs;
    bool known = plan_dim(h, k->lhs, symbols, &lhs) && plan_dim(h, k->rhs, symbols, &rhs);
    if (!known)
        return message_set(m, FRIT_RANGE, "%s: %s cannot be computed", pf_string(h, k->text), dim_text_of(h, k->lhs));
    return bind_contract_holds(k->kind, lhs, rhs) ? FRIT_OK : contract_failed(h, k, lhs, rhs, m);
}

/* The contracts that inputs decide. */
static frit_status check_contracts(const pf_header *h, const int64_t *symbols, message m) {
    frit_status status = FRIT_OK;
    for (uint32_t i = 0; i < h->contracts.count && status == FRIT_OK; i++)
        if (!PF_ROWS(h, pf_contract, contracts)[i].is_late) status = bind_check_contract(h, i, symbols, m);
    return status;
}

frit_status bind_inputs(const pf_header *h, const frit_tensor *inputs, int64_t *out_symbols, message m) {
    frit_status status = FRIT_OK;
    if (h->n_inputs && !inputs) return message_set(m, FRIT_USAGE, "there are no inputs: NULL was given");
    for (uint32_t i = 0; i < h->n_inputs && status == FRIT_OK; i++) status = bind_check_tensor(h, i, &inputs[i], m);
    if (status == FRIT_OK) status = solve_symbols(h, inputs, out_symbols, m);
    for (uint32_t i = 0; i < h->n_inputs && status == FRIT_OK; i++)
        status = check_dims(h, i, &inputs[i], out_symbols, m);
    return status == FRIT_OK ? check_contracts(h, out_symbols, m) : status;
}

static frit_status dims_from(const pf_header *h, const int64_t *symbols, const pf_port *p, uint32_t first,
                             int64_t *out_dims) {
    if ((h->symbols.count && !symbols) || (p->rank && !out_dims)) return FRIT_USAGE;
    const uint32_t *dims = PF_ROWS(h, uint32_t, port_dims) + first;
    for (uint32_t i = 0; i < p->rank; i++)
        if (!plan_dim(h, dims[i], symbols, &out_dims[i]) || out_dims[i] < 0) return FRIT_RANGE;
    return FRIT_OK;
}

frit_status bind_output_dims(const pf_header *h, const int64_t *symbols, uint32_t index, int64_t *out_dims) {
    if (index >= h->n_outputs) return FRIT_RANGE;
    const pf_port *p = port_at(h, h->n_inputs + index);
    return dims_from(h, symbols, p, p->first_room, out_dims);
}

frit_status bind_result_dims(const pf_header *h, const int64_t *symbols, uint32_t index, int64_t *out_dims) {
    if (index >= h->n_outputs) return FRIT_RANGE;
    const pf_port *p = port_at(h, h->n_inputs + index);
    return dims_from(h, symbols, p, p->first_dim, out_dims);
}
