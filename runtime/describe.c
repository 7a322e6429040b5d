/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Answers what a model takes and gives, from its plan. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/runtime.h"

frit_status message_set(message m, frit_status code, const char *format, ...) {
    if (!m.at || !m.bytes) return code;
    va_list ap;
    va_start(ap, format);
    vsnprintf(m.at, m.bytes, format, ap);
    va_end(ap);
    return code;
}

const char *amount_text(uint64_t n_bytes, char out[AMOUNT_TEXT]) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double scaled = (double)n_bytes / 1024;
    int unit = 0;
    for (; scaled >= 1000 && unit < 5; unit++) scaled /= 1024;
    if (n_bytes < 10240)
        snprintf(out, AMOUNT_TEXT, "%llu bytes", (unsigned long long)n_bytes);
    else
        snprintf(out, AMOUNT_TEXT, "%llu bytes (%.1f %s)", (unsigned long long)n_bytes, scaled, units[unit]);
    return out;
}

const char *element_text(uint32_t dtype) {
    switch (dtype) {
#define FRIT_DTYPE_ROW(name, code, text, bits, kind)                                                                   \
    case code:                                                                                                         \
        return text;
        FRIT_DTYPE_LIST(FRIT_DTYPE_ROW)
#undef FRIT_DTYPE_ROW
    default:
        return "?";
    }
}

uint32_t element_bits(uint32_t dtype) {
    switch (dtype) {
#define FRIT_DTYPE_ROW(name, code, text, bits, kind)                                                                   \
    case code:                                                                                                         \
        return bits;
        FRIT_DTYPE_LIST(FRIT_DTYPE_ROW)
#undef FRIT_DTYPE_ROW
    default:
        return 0;
    }
}

/* Gives the caller as much of from as its struct_bytes says it knows. */
static frit_status fill(void *out, const void *from, uint32_t bytes) {
    uint32_t room;
    if (!out) return FRIT_USAGE;
    memcpy(&room, out, sizeof room);
    if (room < sizeof room) return FRIT_USAGE;
    if (bytes > room) bytes = room;
    memcpy((char *)out + sizeof room, (const char *)from + sizeof room, bytes - sizeof room);
    return FRIT_OK;
}

static const int64_t *program_of(const pf_header *h, uint32_t dim) {
    return PF_ROWS(h, int64_t, words) + PF_ROWS(h, pf_dim, dims)[dim].code;
}

static const char *text_of(const pf_header *h, uint32_t dim) {
    return pf_string(h, PF_ROWS(h, pf_dim, dims)[dim].text);
}

frit_status describe_info(const frit_artifact *a, frit_artifact_info *out) {
    const pf_header *h = module_of(a)->plan;
    frit_artifact_info info = {.struct_bytes = sizeof info,
                               .n_symbols = h->symbols.count,
                               .n_inputs = h->n_inputs,
                               .n_outputs = h->n_outputs,
                               .n_states = h->n_states,
                               .n_kernels = h->kernels.count,
                               .name = pf_string(h, h->name),
                               .producer = pf_string(h, h->producer),
                               .target = pf_string(h, h->target),
                               .options = pf_string(h, h->options),
                               .weights_bytes = h->weights_bytes,
                               .weights_file = pf_string(h, h->weights_file),
                               .libraries = pf_string(h, h->libraries)};
    return fill(out, &info, sizeof info);
}

frit_status describe_symbol(const frit_artifact *a, uint32_t index, frit_symbol *out) {
    const pf_header *h = module_of(a)->plan;
    if (index >= h->symbols.count) return FRIT_RANGE;
    const pf_symbol *s = &PF_ROWS(h, pf_symbol, symbols)[index];
    frit_symbol symbol = {.struct_bytes = sizeof symbol,
                          .kind = s->kind,
                          .name = pf_string(h, s->name),
                          .lo = s->lo,
                          .hi = s->hi,
                          .hint = s->hint,
                          .input = s->input,
                          .axis = s->axis,
                          .why_lo = pf_string(h, s->why_lo),
                          .why_hi = pf_string(h, s->why_hi)};
    return fill(out, &symbol, sizeof symbol);
}

static frit_status describe_port(const pf_header *h, uint32_t index, frit_port *out) {
    const pf_port *p = &PF_ROWS(h, pf_port, ports)[index];
    frit_port port = {.struct_bytes = sizeof port,
                      .dtype = (int32_t)p->dtype,
                      .name = pf_string(h, p->name),
                      .rank = p->rank,
                      .is_host = p->is_host,
                      .state = p->state};
    const uint32_t *dims = PF_ROWS(h, uint32_t, port_dims) + p->first_dim;
    for (uint32_t i = 0; i < p->rank; i++) {
        port.dim_text[i] = text_of(h, dims[i]);
        port.program[i] = program_of(h, dims[i]);
    }
    return fill(out, &port, sizeof port);
}

frit_status describe_input(const frit_artifact *a, uint32_t index, frit_port *out) {
    const pf_header *h = module_of(a)->plan;
    return index < h->n_inputs ? describe_port(h, index, out) : FRIT_RANGE;
}

frit_status describe_output(const frit_artifact *a, uint32_t index, frit_port *out) {
    const pf_header *h = module_of(a)->plan;
    return index < h->n_outputs ? describe_port(h, h->n_inputs + index, out) : FRIT_RANGE;
}

frit_status describe_kernel(const frit_artifact *a, uint32_t index, frit_kernel_info *out) {
    const pf_header *h = module_of(a)->plan;
    if (index >= h->kernels.count) return FRIT_RANGE;
    const pf_kernel *k = &PF_ROWS(h, pf_kernel, kernels)[index];
    bool has_flops = k->flops != PF_NONE, has_bytes = k->bytes != PF_NONE;
    frit_kernel_info info = {.struct_bytes = sizeof info,
                             .n_launches = k->n_launches,
                             .name = pf_string(h, k->name),
                             .title = pf_string(h, k->title),
                             .flops = has_flops ? text_of(h, k->flops) : "",
                             .bytes = has_bytes ? text_of(h, k->bytes) : "",
                             .flops_program = has_flops ? program_of(h, k->flops) : NULL,
                             .bytes_program = has_bytes ? program_of(h, k->bytes) : NULL,
                             .product_group = k->product_group};
    return fill(out, &info, sizeof info);
}
