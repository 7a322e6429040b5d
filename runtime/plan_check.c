/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Checks a plan from a file that may be damaged or made to do harm, before anything follows its offsets. */
#include <string.h>

#include "runtime/loader.h"
#include "runtime/runtime.h"

static bool table_fits(pf_table t, uint64_t row_bytes, uint64_t n_bytes) {
    return t.offset >= sizeof(pf_header) && t.offset % 8 == 0 && t.offset + (uint64_t)t.count * row_bytes <= n_bytes;
}

static const char *check_tables(const pf_header *h, uint64_t n_bytes) {
    bool all = table_fits(h->strings, 1, n_bytes) && table_fits(h->words, sizeof(int64_t), n_bytes) &&
               table_fits(h->dims, sizeof(pf_dim), n_bytes) && table_fits(h->symbols, sizeof(pf_symbol), n_bytes) &&
               table_fits(h->ports, sizeof(pf_port), n_bytes) && table_fits(h->port_dims, sizeof(uint32_t), n_bytes) &&
               table_fits(h->contracts, sizeof(pf_contract), n_bytes) &&
               table_fits(h->buffers, sizeof(pf_buffer), n_bytes) && table_fits(h->slots, sizeof(uint32_t), n_bytes) &&
               table_fits(h->kernels, sizeof(pf_kernel), n_bytes) && table_fits(h->phases, sizeof(pf_phase), n_bytes) &&
               table_fits(h->steps, sizeof(pf_step), n_bytes) && table_fits(h->alts, sizeof(pf_alt), n_bytes) &&
               table_fits(h->args, sizeof(uint32_t), n_bytes) && table_fits(h->late, sizeof(uint32_t), n_bytes) &&
               table_fits(h->gemms, sizeof(pf_gemm), n_bytes) && table_fits(h->indices, sizeof(pf_index), n_bytes) &&
               table_fits(h->boxes, sizeof(pf_box), n_bytes);
    if (!all) return "a table lies outside the plan";
    bool has_end = h->strings.count && pf_string(h, h->strings.count - 1)[0] == 0 && pf_string(h, 0)[0] == 0;
    return has_end ? NULL : "the strings have no end";
}

static bool is_string(const pf_header *h, uint32_t s) { return s < h->strings.count; }
static bool is_dim(const pf_header *h, uint32_t d) { return d < h->dims.count; }
static bool is_dim_or_none(const pf_header *h, uint32_t d) { return d == PF_NONE || is_dim(h, d); }
static bool is_range(uint32_t first, uint32_t n, pf_table t) { return (uint64_t)first + n <= t.count; }

/* The program that starts at word `at` and ends before word `limit`: operands exist, the stack neither runs dry nor
 * over, one value is left. */
static bool check_program(const pf_header *h, uint64_t at, uint64_t limit) {
    const int64_t *words = PF_ROWS(h, int64_t, words);
    int depth = 0;
    for (; at < limit; at++) {
        int64_t op = words[at];
        if (op == FRIT_DIM_END) return depth == 1;
        if (op < FRIT_DIM_END || op > FRIT_DIM_MAX) return false;
        bool is_operand = op == FRIT_DIM_CONST || op == FRIT_DIM_SYMBOL;
        depth += is_operand ? 1 : -1;
        if (depth < 1 || depth > PF_MAX_STACK) return false;
        if (!is_operand) continue;
        if (++at >= limit) return false;
        bool is_known = op == FRIT_DIM_CONST || (words[at] >= 0 && words[at] < (int64_t)h->symbols.count);
        if (!is_known) return false;
    }
    return false;
}

/* Programs stand one behind the other in the order of the dims. */
static const char *check_dims(const pf_header *h) {
    const pf_dim *dims = PF_ROWS(h, pf_dim, dims);
    for (uint32_t i = 0; i < h->dims.count; i++) {
        uint64_t limit = i + 1 < h->dims.count ? dims[i + 1].code : h->words.count;
        if (limit > h->words.count || !check_program(h, dims[i].code, limit)) return "a dim's program is broken";
        if (!is_string(h, dims[i].text)) return "a dim's text is missing";
    }
    return NULL;
}

static bool is_integer_code(uint32_t dtype) {
    return (dtype >= FRIT_DT_I64 && dtype <= FRIT_DT_I8) || (dtype >= FRIT_DT_U64 && dtype <= FRIT_DT_U8) ||
           dtype == FRIT_DT_BOOL;
}

static bool check_counted(const pf_header *h, const pf_symbol *s) {
    if (!is_dim(h, s->bound) || !is_range(s->first_late, s->n_late, h->late)) return false;
    const uint32_t *late = PF_ROWS(h, uint32_t, late) + s->first_late;
    for (uint32_t i = 0; i < s->n_late; i++)
        if (!is_dim(h, late[i])) return false;
    return true;
}

static bool is_counted(const pf_header *h, uint32_t symbol) {
    return symbol < h->symbols.count && PF_ROWS(h, pf_symbol, symbols)[symbol].kind == FRIT_SYMBOL_COUNTED;
}

static const char *check_symbols(const pf_header *h) {
    const pf_symbol *symbols = PF_ROWS(h, pf_symbol, symbols);
    const pf_port *ports = PF_ROWS(h, pf_port, ports);
    for (uint32_t i = 0; i < h->symbols.count; i++) {
        const pf_symbol *s = &symbols[i];
        if (!is_string(h, s->name) || !is_string(h, s->why_lo) || !is_string(h, s->why_hi))
            return "a symbol's name is missing";
        if (s->kind == FRIT_SYMBOL_UNUSED) continue;
        if (s->kind == FRIT_SYMBOL_COUNTED) {
            if (!check_counted(h, s)) return "a counted symbol is broken";
            continue;
        }
        if (s->kind > FRIT_SYMBOL_COUNTED || s->input >= h->n_inputs) return "a symbol has no source";
        const pf_port *p = &ports[s->input];
        bool has_source =
            s->kind == FRIT_SYMBOL_ELEMENT ? is_integer_code(p->dtype) : s->axis < p->rank && s->scale > 0;
        if (!has_source) return "a symbol's source does not exist";
    }
    return NULL;
}

static const char *check_ports(const pf_header *h) {
    if ((uint64_t)h->n_inputs + h->n_outputs != h->ports.count) return "inputs and outputs are miscounted";
    const pf_port *ports = PF_ROWS(h, pf_port, ports);
    const uint32_t *port_dims = PF_ROWS(h, uint32_t, port_dims);
    for (uint32_t i = 0; i < h->ports.count; i++) {
        const pf_port *p = &ports[i];
        if (!is_string(h, p->name) || !element_bits(p->dtype)) return "an input or output has no name or type";
        if (p->rank > FRIT_MAX_RANK || !is_range(p->first_dim, p->rank, h->port_dims) ||
            !is_range(p->first_room, p->rank, h->port_dims))
            return "an input or output has no dims";
        for (uint32_t d = 0; d < p->rank; d++)
            if (!is_dim(h, port_dims[p->first_dim + d]) || !is_dim(h, port_dims[p->first_room + d]))
                return "an input or output has a dim that does not exist";
    }
    return NULL;
}

static bool check_box(const pf_header *h, const pf_index *k, uint32_t rank) {
    if (k->first_box == PF_NONE) return true;
    if (!is_range(k->first_box, rank, h->boxes)) return false;
    const pf_box *boxes = PF_ROWS(h, pf_box, boxes) + k->first_box;
    for (uint32_t i = 0; i < rank; i++)
        if (!is_dim(h, boxes[i].start) || !is_dim(h, boxes[i].size)) return false;
    return true;
}

static const char *check_indices(const pf_header *h) {
    const pf_index *indices = PF_ROWS(h, pf_index, indices);
    const pf_port *ports = PF_ROWS(h, pf_port, ports);
    for (uint32_t i = 0; i < h->indices.count; i++) {
        const pf_index *k = &indices[i];
        bool is_fine = k->input < h->n_inputs && is_integer_code(ports[k->input].dtype) && is_dim(h, k->extent) &&
                       is_string(h, k->loc) && check_box(h, k, ports[k->input].rank);
        if (!is_fine) return "what an input indexes is broken";
    }
    return NULL;
}

static const char *check_contracts(const pf_header *h) {
    const pf_contract *contracts = PF_ROWS(h, pf_contract, contracts);
    for (uint32_t i = 0; i < h->contracts.count; i++) {
        const pf_contract *k = &contracts[i];
        bool is_fine =
            is_dim(h, k->lhs) && is_dim(h, k->rhs) && is_string(h, k->text) && k->kind <= PF_EXPANDS && k->is_late <= 1;
        if (!is_fine) return "a contract is broken";
    }
    return NULL;
}

static const char *check_buffers(const pf_header *h) {
    const uint32_t limits[] = {h->n_inputs, h->n_outputs, UINT32_MAX, h->slots.count};
    const pf_buffer *buffers = PF_ROWS(h, pf_buffer, buffers);
    for (uint32_t i = 0; i < h->buffers.count; i++) {
        const pf_buffer *b = &buffers[i];
        bool is_fine = b->kind <= PF_ARENA && b->index < limits[b->kind] && is_dim(h, b->bytes) &&
                       is_string(h, b->name) && b->offset <= h->weights_bytes;
        if (!is_fine) return "a buffer is broken";
    }
    const uint32_t *slots = PF_ROWS(h, uint32_t, slots);
    for (uint32_t i = 0; i < h->slots.count; i++)
        if (!is_dim(h, slots[i])) return "a slot of the arena has no size";
    return NULL;
}

/* The product that a library computes in place of kernel k: of existing dims and parameters. */
static bool check_gemm(const pf_header *h, const pf_kernel *k) {
    if (k->gemm == PF_NONE) return true;
    if (k->gemm >= h->gemms.count || k->n_phases) return false;
    const pf_gemm *g = &PF_ROWS(h, pf_gemm, gemms)[k->gemm];
    bool is_fine = (g->dtype == FRIT_DT_F32 || g->dtype == FRIT_DT_F64) && is_dim(h, g->m) && is_dim(h, g->n) &&
                   is_dim(h, g->k) && g->n_batch <= PF_GEMM_MAX_BATCH;
    for (uint32_t b = 0; is_fine && b < g->n_batch; b++) is_fine = is_dim(h, g->batch[b]);
    for (uint32_t i = 0; i < PF_GEMM_MATRICES; i++) {
        const pf_matrix *m = &g->of[i];
        is_fine = is_fine && m->param < k->n_params && is_dim(h, m->offset) && is_dim(h, m->ld);
        for (uint32_t b = 0; is_fine && b < g->n_batch; b++) is_fine = is_dim(h, m->step[b]);
    }
    return is_fine;
}

static const char *check_kernels(const pf_header *h) {
    const pf_kernel *kernels = PF_ROWS(h, pf_kernel, kernels);
    for (uint32_t i = 0; i < h->kernels.count; i++) {
        const pf_kernel *k = &kernels[i];
        bool is_fine = is_string(h, k->name) && is_string(h, k->title) && is_dim_or_none(h, k->flops) &&
                       is_dim_or_none(h, k->bytes) && is_range(k->first_phase, k->n_phases, h->phases);
        if (!is_fine) return "a kernel is broken";
        if (!check_gemm(h, k)) return "a kernel's library call is broken";
    }
    const pf_phase *phases = PF_ROWS(h, pf_phase, phases);
    const pf_buffer *buffers = PF_ROWS(h, pf_buffer, buffers);
    for (uint32_t i = 0; i < h->phases.count; i++) {
        const pf_phase *p = &phases[i];
        bool has_image = p->image == PF_NONE || (p->image < h->buffers.count && buffers[p->image].kind == PF_CONST);
        bool is_fine = is_dim(h, p->items) && p->function < h->phases.count && is_string(h, p->name) &&
                       is_dim_or_none(h, p->shared) && has_image;
        if (!is_fine) return "a kernel's phase is broken";
    }
    return NULL;
}

static bool check_args(const pf_header *h, const pf_step *s) {
    const uint32_t *args = PF_ROWS(h, uint32_t, args) + s->first_arg;
    for (uint32_t i = 0; i < s->n_args; i++) {
        bool may_lack = s->kind == PF_LOOP && args[i] == PF_NONE;
        if (args[i] >= h->buffers.count && !may_lack) return false;
    }
    return true;
}

static bool check_alts(const pf_header *h, uint32_t step) {
    const pf_step *s = &PF_ROWS(h, pf_step, steps)[step];
    const pf_alt *alts = PF_ROWS(h, pf_alt, alts) + s->first_alt;
    for (uint32_t i = 0; i < s->n_alts; i++) {
        const pf_alt *a = &alts[i];
        bool is_plain = a->lhs == PF_NONE || (is_dim(h, a->lhs) && is_dim(h, a->rhs));
        bool moves_on = a->n_steps == 0 || a->first_step > step;
        if (!is_plain || !moves_on || !is_range(a->first_step, a->n_steps, h->steps)) return false;
    }
    return true;
}

/* Symbols that a step counts, and the dim that limits it; the contract that it checks. */
static bool check_counts(const pf_header *h, const pf_step *s) {
    if (s->kind == PF_REQUIRE) return s->contract < h->contracts.count;
    if (s->kind == PF_RESULT) return is_counted(h, s->result) && (s->n_args || is_dim(h, s->trips));
    if (s->kind != PF_LOOP) return true;
    return is_dim_or_none(h, s->trips) && is_counted(h, s->iteration) &&
           (s->result == PF_NONE || is_counted(h, s->result));
}

static const char *check_steps(const pf_header *h) {
    static const uint32_t n_args[] = {
        [PF_LAUNCH] = 0, [PF_COPY] = 2, [PF_CHOICE] = 0, [PF_IF] = 1, [PF_LOOP] = 2, [PF_RESULT] = 0, [PF_REQUIRE] = 0};
    static const uint32_t n_alts[] = {
        [PF_LAUNCH] = 0, [PF_COPY] = 0, [PF_CHOICE] = 1, [PF_IF] = 2, [PF_LOOP] = 1, [PF_RESULT] = 0, [PF_REQUIRE] = 0};
    if (!is_range(h->first_step, h->n_steps, h->steps)) return "the steps are missing";
    const pf_step *steps = PF_ROWS(h, pf_step, steps);
    const pf_kernel *kernels = PF_ROWS(h, pf_kernel, kernels);
    for (uint32_t i = 0; i < h->steps.count; i++) {
        const pf_step *s = &steps[i];
        if (s->kind > PF_REQUIRE || !is_range(s->first_arg, s->n_args, h->args) ||
            !is_range(s->first_alt, s->n_alts, h->alts) || !is_string(h, s->loc))
            return "a step is broken";
        bool is_launch = s->kind == PF_LAUNCH;
        if (is_launch && (s->kernel >= h->kernels.count || s->n_args != kernels[s->kernel].n_params))
            return "a step launches a kernel that does not exist";
        if (s->n_args < n_args[s->kind] || s->n_alts < n_alts[s->kind] || s->n_args > h->max_args)
            return "a step lacks operands";
        if (!check_args(h, s) || !check_alts(h, i) || !check_counts(h, s))
            return "a step names something that does not exist";
    }
    return NULL;
}

static const char *check_header(const pf_header *h, uint64_t n_bytes) {
    if (n_bytes < sizeof *h || memcmp(h->magic, PF_MAGIC, sizeof h->magic) != 0) return "it has no plan";
    if (h->version != PF_VERSION || h->header_bytes != sizeof *h) return "its plan is of another version of frit";
    return h->total_bytes <= n_bytes ? NULL : "its plan is cut short";
}

static const char *check_texts(const pf_header *h) {
    bool all = is_string(h, h->name) && is_string(h, h->producer) && is_string(h, h->target) &&
               is_string(h, h->options) && is_string(h, h->cpu) && is_string(h, h->weights_file) &&
               is_string(h, h->libraries);
    if (!all || !is_dim(h, h->scratch) || !is_dim_or_none(h, h->arena)) return "its header is broken";
    return strchr(pf_string(h, h->weights_file), '/') ? "its weights file is in another folder" : NULL;
}

typedef const char *check_fn(const pf_header *h);

const char *plan_check(const pf_header *h, uint64_t n_bytes) {
    const char *fault = check_header(h, n_bytes);
    if (!fault) fault = check_tables(h, h->total_bytes);
    static check_fn *const checks[] = {check_texts,     check_dims,    check_ports,   check_symbols, check_indices,
                                       check_contracts, check_buffers, check_kernels, check_steps};
    for (size_t i = 0; !fault && i < sizeof checks / sizeof *checks; i++) fault = checks[i](h);
    return fault;
}
