/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writes a plan as the tables of runtime/plan_format.h. */
#include <string.h>

#include "codegen/link/link.h"
#include "frit_artifact.h"

/* Tables being filled. Dims and strings are entered once each. */
typedef struct encoder {
    cx *c;
    const plan *p;
    const link_images *images; /* NULL on the CPU */
    dim_table *dims;
    uint32_t *numbers;  /* symbol id -> symbol number, UINT32_MAX for loop axes and loaded indices */
    bool *is_used;      /* by symbol number */
    bool *is_counted;   /* by symbol number */
    uint32_t max_stack; /* that evaluating a dim needs */
    map dim_ids, string_ids;
    strbuf strings;
    VEC(int64_t) words;
    VEC(pf_dim) dim_rows;
    VEC(pf_symbol) symbols;
    VEC(pf_port) ports;
    VEC(uint32_t) port_dims;
    VEC(pf_contract) contracts;
    VEC(pf_buffer) buffers;
    VEC(uint32_t) slots;
    VEC(pf_kernel) kernels;
    VEC(pf_phase) phases;
    VEC(pf_step) steps;
    VEC(pf_alt) alts;
    VEC(uint32_t) args;
    VEC(uint32_t) late;
    VEC(pf_gemm) gemms;
    VEC(pf_index) indices;
    VEC(pf_box) boxes;
    VEC(uint64_t) waits; /* dim row << 32 | symbol number: the dim changes when the symbol is counted */
    uint32_t max_args;
    uint32_t first_demand; /* of the contracts: those from here on are checked by steps */
} encoder;

#define PUSH(e, table, ...) vec_push((e)->c->job, (e)->table, __VA_ARGS__)

static uint32_t add_string(encoder *e, const char *s) {
    if (!s) s = "";
    uint32_t at;
    if (map_get_str(&e->string_ids, s, &at)) return at;
    at = (uint32_t)e->strings.n;
    strbuf_addn(&e->strings, s, strlen(s) + 1);
    map_set_str(&e->string_ids, s, at);
    return at;
}

/* Enters the words of a program, and notes which symbols they read and how much stack they need. */
static void add_words(encoder *e, const int64_t *words, uint32_t n) {
    uint32_t depth = 0;
    for (uint32_t i = 0; i < n; i++) {
        PUSH(e, words, words[i]);
        if (words[i] == DC_END) continue;
        bool is_operand = words[i] == DC_CONST || words[i] == DC_SYM;
        depth = is_operand ? depth + 1 : depth - 1;
        if (depth > e->max_stack) e->max_stack = depth;
        if (!is_operand) continue;
        i++;
        PUSH(e, words, words[i]);
        if (words[i - 1] != DC_SYM) continue;
        ASSERT(words[i] != UINT32_MAX); /* an axis of a kernel means nothing out here */
        e->is_used[words[i]] = true;
        if (e->is_counted[words[i]]) PUSH(e, waits, (uint64_t)e->dim_rows.n << 32 | (uint64_t)words[i]);
    }
}

static uint32_t add_dim(encoder *e, dim d) {
    if (d == DIM_BAD) return PF_NONE;
    uint32_t row;
    if (map_get(&e->dim_ids, &d, sizeof d, &row)) return row;
    uint32_t n_words;
    const int64_t *words = dim_compile(e->c->scratch, e->dims, d, e->numbers, &n_words);
    pf_dim entry = {e->words.n, add_string(e, dim_text(e->c->scratch, e->dims, d))};
    add_words(e, words, n_words);
    row = e->dim_rows.n;
    PUSH(e, dim_rows, entry);
    map_set(&e->dim_ids, &d, sizeof d, row);
    return row;
}

/* --- the interface --- */

/* Whether dim `axis` of an input decides s: it is scale * s + shift with constants. */
static bool decides(encoder *e, const port *in, uint32_t axis, sym_id s, pf_symbol *out) {
    dim coefficient, rest;
    if (axis >= in->type.rank || !dim_linear(e->dims, in->type.shape[axis], s, &coefficient, &rest)) return false;
    return dim_is_const(e->dims, coefficient, &out->scale) && dim_is_const(e->dims, rest, &out->shift) &&
           out->scale > 0;
}

/* The place that gives s its value: the one it was declared with when that still works, else the first that does. */
static bool find_source(encoder *e, sym_id s, const sym_info *info, pf_symbol *out) {
    const graph *g = e->p->iface;
    out->kind = FRIT_SYMBOL_DIM;
    out->input = info->input, out->axis = info->axis;
    if (info->kind == SYM_HOST_ELEM) {
        out->kind = FRIT_SYMBOL_ELEMENT;
        return info->input < g->inputs.n;
    }
    if (info->kind == SYM_INPUT_DIM && info->input < g->inputs.n &&
        decides(e, &g->inputs.at[info->input], info->axis, s, out))
        return true;
    for (out->input = 0; out->input < g->inputs.n; out->input++)
        for (out->axis = 0; out->axis < g->inputs.at[out->input].type.rank; out->axis++)
            if (decides(e, &g->inputs.at[out->input], out->axis, s, out)) return true;
    return false;
}

/* A symbol that the program counts; its greatest value is that of symbols which calls decide. */
static void add_counted(encoder *e, sym_id s, pf_symbol *row) {
    const sym_info *info = dim_sym_info(e->dims, s);
    dim one = dim_const(e->dims, 1), bound = dim_const(e->dims, 0);
    if (info->kind == SYM_RESULT)
        bound =
            dim_min(e->dims, dim_sub(e->dims, dim_majorant(e->dims, info->extent), one), dim_const(e->dims, info->hi));
    row->kind = FRIT_SYMBOL_COUNTED;
    row->input = row->axis = PF_NONE, row->scale = 1;
    row->bound = add_dim(e, bound);
    row->first_late = e->late.n;
    for (uint32_t i = 0; i < e->waits.n; i++) {
        bool is_new = (uint32_t)e->waits.at[i] == e->numbers[s] && (i == 0 || e->waits.at[i] != e->waits.at[i - 1]);
        if (is_new) PUSH(e, late, (uint32_t)(e->waits.at[i] >> 32));
    }
    row->n_late = e->late.n - row->first_late;
}

/* After everything else, when it is known which symbols matter. */
static frit_status add_symbols(encoder *e) {
    for (sym_id s = 0; s < dim_n_syms(e->dims); s++) {
        if (e->numbers[s] == UINT32_MAX) continue;
        const sym_info *info = dim_sym_info(e->dims, s);
        pf_symbol row = {.name = add_string(e, info->name),
                         .lo = info->lo,
                         .hi = info->hi,
                         .hint = info->hint,
                         .bound = PF_NONE,
                         .why_lo = add_string(e, info->why_lo),
                         .why_hi = add_string(e, info->why_hi)};
        if (e->is_counted[e->numbers[s]]) {
            add_counted(e, s, &row);
        } else if (!find_source(e, s, info, &row)) {
            if (e->is_used[e->numbers[s]])
                return FAIL(e->c, MISSING, info->name, "no input's dim decides this symbol; fix it with --dim %s=N",
                            info->name);
            row.kind = FRIT_SYMBOL_UNUSED;
            row.input = row.axis = PF_NONE, row.scale = 1;
        }
        PUSH(e, symbols, row);
    }
    return FRIT_OK;
}

/* Whether the extents that the symbols give, counted ones at their greatest, are enough whatever is counted. */
static bool is_room_enough(const encoder *e, dim d) {
    for (sym_id s = 0; s < dim_n_syms(e->dims); s++) {
        bool is_counted = e->numbers[s] != UINT32_MAX && e->is_counted[e->numbers[s]];
        if (is_counted && !dim_grows(e->dims, d, s)) return false;
    }
    return true;
}

/* The dims that memory for an output is made for: its own, but a bound of those that may shrink as more is counted. */
static uint32_t add_room(encoder *e, const port *p) {
    bool is_enough = true;
    for (uint32_t i = 0; i < p->type.rank; i++) is_enough = is_enough && is_room_enough(e, p->type.shape[i]);
    if (is_enough) return e->port_dims.n - p->type.rank;
    uint32_t first = e->port_dims.n;
    for (uint32_t i = 0; i < p->type.rank; i++) {
        dim d = p->type.shape[i];
        uint32_t row = add_dim(e, is_room_enough(e, d) ? d : dim_majorant(e->dims, d));
        PUSH(e, port_dims, row);
    }
    return first;
}

static void add_port(encoder *e, const port *p) {
    pf_port row = {.name = add_string(e, p->name),
                   .dtype = p->type.dt,
                   .rank = p->type.rank,
                   .first_dim = e->port_dims.n,
                   .is_host = p->is_host,
                   .state = p->state};
    for (uint32_t i = 0; i < p->type.rank; i++) {
        uint32_t d = add_dim(e, p->type.shape[i]);
        PUSH(e, port_dims, d);
    }
    row.first_room = add_room(e, p);
    PUSH(e, ports, row);
}

static const pf_contract_kind contract_kinds[] = {[CK_AT_MOST] = PF_AT_MOST,
                                                  [CK_EQUAL] = PF_EQUAL,
                                                  [CK_BROADCASTS] = PF_BROADCASTS,
                                                  [CK_EXPANDS] = PF_EXPANDS,
                                                  [CK_ASSUMED] = PF_EQUAL};

static uint32_t count_states(const graph *g) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->inputs.n; i++) n += g->inputs.at[i].state != UINT32_MAX;
    return n;
}

static void add_contract(encoder *e, const contract *k, bool is_late) {
    pf_contract row = {.lhs = add_dim(e, k->lhs),
                       .rhs = add_dim(e, k->rhs),
                       .kind = contract_kinds[k->kind],
                       .text = add_string(e, k->text),
                       .is_late = is_late};
    PUSH(e, contracts, row);
}

static void add_interface(encoder *e) {
    const graph *g = e->p->iface;
    for (uint32_t i = 0; i < g->inputs.n; i++) add_port(e, &g->inputs.at[i]);
    for (uint32_t i = 0; i < g->outputs.n; i++) add_port(e, &g->outputs.at[i]);
    for (uint32_t i = 0; i < g->contracts.n; i++) {
        const contract *k = &g->contracts.at[i];
        if (k->region == 0 && !contract_is_counted(g, k)) add_contract(e, k, false);
    }
    e->first_demand = e->contracts.n;
    for (uint32_t i = 0; i < e->p->demands.n; i++) add_contract(e, &e->p->demands.at[i], true);
}

/* Whether the inputs of a call alone decide d. */
static bool is_early(const encoder *e, dim d) {
    for (sym_id s = 0; s < dim_n_syms(e->dims); s++)
        if (e->numbers[s] != UINT32_MAX && e->is_counted[e->numbers[s]] && dim_depends(e->dims, d, s)) return false;
    return true;
}

static bool is_equal_row(const encoder *e, const pf_index *row, const pf_index *other, uint32_t rank) {
    bool is_equal = row->input == other->input && row->extent == other->extent &&
                    (row->first_box == PF_NONE) == (other->first_box == PF_NONE);
    if (!is_equal || row->first_box == PF_NONE) return is_equal;
    return memcmp(&e->boxes.at[row->first_box], &e->boxes.at[other->first_box], rank * sizeof *e->boxes.at) == 0;
}

static void add_index(encoder *e, const index_use *u) {
    bool is_known = is_early(e, u->extent);
    for (uint32_t i = 0; u->box && i < u->rank; i++)
        is_known = is_known && is_early(e, u->box[i].start) && is_early(e, u->box[i].size);
    if (!is_known) return;
    pf_index row = {.input = u->input,
                    .extent = add_dim(e, u->extent),
                    .first_box = u->box ? e->boxes.n : PF_NONE,
                    .loc = add_string(e, u->loc)};
    for (uint32_t i = 0; u->box && i < u->rank; i++) {
        pf_box box = {add_dim(e, u->box[i].start), add_dim(e, u->box[i].size), u->box[i].step};
        PUSH(e, boxes, box);
    }
    for (uint32_t i = 0; i < e->indices.n; i++)
        if (is_equal_row(e, &row, &e->indices.at[i], u->rank)) return;
    PUSH(e, indices, row);
}

static void add_indices(encoder *e) {
    index_uses uses = index_uses_of(e->c->scratch, e->p->iface);
    for (uint32_t i = 0; i < uses.n; i++) add_index(e, &uses.at[i]);
}

/* --- buffers and kernels --- */

static const pf_buffer_kind buffer_kinds[] = {
    [PB_INPUT] = PF_INPUT, [PB_OUTPUT] = PF_OUTPUT, [PB_CONST] = PF_CONST, [PB_ARENA] = PF_ARENA};

static void add_buffers(encoder *e) {
    const plan *p = e->p;
    uint64_t *offsets = ARENA_ARRAY(e->c->scratch, uint64_t, p->consts.n + 1);
    weights_layout(p, offsets);
    for (uint32_t i = 0; i < p->bufs.n; i++) {
        const pbuf *b = &p->bufs.at[i];
        pf_buffer row = {.kind = buffer_kinds[b->kind],
                         .index = b->index,
                         .bytes = add_dim(e, b->bytes),
                         .name = add_string(e, b->name),
                         .offset = b->kind == PB_CONST ? offsets[b->index] : 0};
        PUSH(e, buffers, row);
    }
    for (uint32_t i = 0; i < p->slots.n; i++) {
        uint32_t d = add_dim(e, p->slots.at[i]);
        PUSH(e, slots, d);
    }
}

static pf_phase cpu_phase(encoder *e, kernel *k, uint32_t i) {
    return (pf_phase){
        .items = add_dim(e, kernel_items(k, i)), .function = e->phases.n, .shared = PF_NONE, .image = PF_NONE};
}

static pf_phase gpu_phase(encoder *e, uint32_t number, uint32_t i) {
    const cuda_modules *m = e->images->modules;
    cuda_phase p = m->phases[number][i];
    return (pf_phase){.items = add_dim(e, p.blocks),
                      .function = e->phases.n,
                      .name = add_string(e, p.function),
                      .threads = p.threads,
                      .shared = add_dim(e, p.shared_bytes),
                      .image = e->images->first + m->module_of[number * m->n_archs]};
}

/* The number of the product that a library computes; PF_NONE when the kernel is code. */
static uint32_t add_gemm(encoder *e, const kernel *k) {
    const kgemm *g = k->gemm;
    if (!g) return PF_NONE;
    pf_gemm row = {.dtype = k->bufs.at[g->of[GEMM_C].buf].dt,
                   .m = add_dim(e, g->m),
                   .n = add_dim(e, g->n),
                   .k = add_dim(e, g->k),
                   .n_batch = g->n_batch};
    for (uint32_t i = 0; i < g->n_batch; i++) row.batch[i] = add_dim(e, g->batch[i]);
    for (uint32_t i = 0; i < PF_GEMM_MATRICES; i++) {
        const kmatrix *from = &g->of[i];
        row.of[i] = (pf_matrix){.param = from->buf,
                                .is_transposed = from->is_transposed,
                                .offset = add_dim(e, from->offset),
                                .ld = add_dim(e, from->ld)};
        for (uint32_t b = 0; b < g->n_batch; b++) row.of[i].step[b] = add_dim(e, from->step[b]);
    }
    PUSH(e, gemms, row);
    return e->gemms.n - 1;
}

static void add_kernel(encoder *e, uint32_t number) {
    kernel *k = e->p->kernels.at[number];
    pf_kernel row = {.name = add_string(e, k->name),
                     .title = add_string(e, k->title),
                     .n_params = k->n_params,
                     .first_phase = e->phases.n,
                     .n_phases = kernel_n_functions(k),
                     .flops = add_dim(e, k->flops),
                     .bytes = add_dim(e, k->bytes),
                     .product_group = k->k_pack,
                     .gemm = add_gemm(e, k)};
    for (uint32_t i = 0; i < k->n_params && i < 32; i++) row.written |= (uint32_t)k->bufs.at[i].is_written << i;
    for (uint32_t i = 0; i < row.n_phases; i++) {
        pf_phase phase = e->images ? gpu_phase(e, number, i) : cpu_phase(e, k, i);
        PUSH(e, phases, phase);
    }
    PUSH(e, kernels, row);
}

/* --- steps --- */

static void add_list(encoder *e, const pstep_list *list, uint32_t *out_first, uint32_t *out_n);

static void add_alternatives(encoder *e, const pstep *s, pf_step *row) {
    static const uint32_t n_bodies[] = {
        [PS_LAUNCH] = 0, [PS_COPY] = 0, [PS_CHOICE] = 0, [PS_IF] = 2, [PS_LOOP] = 1, [PS_RESULT] = 0, [PS_REQUIRE] = 0};
    row->first_alt = e->alts.n;
    row->n_alts = s->n_alts + n_bodies[s->kind];
    for (uint32_t i = 0; i < row->n_alts; i++) PUSH(e, alts, (pf_alt){.lhs = PF_NONE, .rhs = PF_NONE});
    for (uint32_t i = 0; i < row->n_alts; i++) {
        bool is_choice = s->kind == PS_CHOICE;
        pf_alt alt = {.lhs = PF_NONE, .rhs = PF_NONE};
        if (is_choice && s->alts[i].lhs != DIM_BAD)
            alt.lhs = add_dim(e, s->alts[i].lhs), alt.rhs = add_dim(e, s->alts[i].rhs);
        add_list(e, is_choice ? &s->alts[i].body : &s->body[i], &alt.first_step, &alt.n_steps);
        e->alts.at[row->first_alt + i] = alt;
    }
}

static uint32_t symbol_number(const encoder *e, sym_id s) { return s == SYM_NONE ? PF_NONE : e->numbers[s]; }

static pf_step add_step(encoder *e, const pstep *s) {
    static const pf_step_kind kinds[] = {
        [PS_LAUNCH] = PF_LAUNCH, [PS_COPY] = PF_COPY,     [PS_CHOICE] = PF_CHOICE,  [PS_IF] = PF_IF,
        [PS_LOOP] = PF_LOOP,     [PS_RESULT] = PF_RESULT, [PS_REQUIRE] = PF_REQUIRE};
    bool counts = s->kind == PS_LOOP || s->kind == PS_RESULT;
    pf_step row = {.kind = kinds[s->kind],
                   .kernel = s->kind == PS_LAUNCH ? s->kernel : 0,
                   .first_arg = e->args.n,
                   .n_args = s->kind == PS_CHOICE ? 0 : s->n_args,
                   .loc = add_string(e, s->loc),
                   .trips = counts ? add_dim(e, s->trips) : PF_NONE,
                   .iteration = s->kind == PS_LOOP ? symbol_number(e, s->iteration) : PF_NONE,
                   .result = counts ? symbol_number(e, s->result) : PF_NONE,
                   .contract = s->kind == PS_REQUIRE ? e->first_demand + s->contract : PF_NONE};
    for (uint32_t i = 0; i < row.n_args; i++) PUSH(e, args, s->args[i]);
    if (s->kind == PS_LAUNCH) e->kernels.at[s->kernel].n_launches++;
    if (row.n_args > e->max_args) e->max_args = row.n_args;
    add_alternatives(e, s, &row);
    return row;
}

static void add_list(encoder *e, const pstep_list *list, uint32_t *out_first, uint32_t *out_n) {
    uint32_t first = e->steps.n;
    for (uint32_t i = 0; i < list->n; i++) PUSH(e, steps, (pf_step){0});
    for (uint32_t i = 0; i < list->n; i++) {
        pf_step row = add_step(e, &list->at[i]); /* may move the table */
        e->steps.at[first + i] = row;
    }
    *out_first = first, *out_n = list->n;
}

/* --- putting it together --- */

static pf_table append(strbuf *b, const void *rows, size_t row_bytes, uint32_t count) {
    while (b->n % 8) strbuf_addc(b, 0);
    pf_table t = {(uint32_t)b->n, count};
    if (count) strbuf_addn(b, rows, row_bytes * count);
    return t;
}
#define APPEND(b, v) append((b), (v).at, sizeof *(v).at, (v).n)

static void lay_out(encoder *e, pf_header *h, strbuf *b) {
    strbuf_addn(b, (const char *)h, sizeof *h);
    h->strings = append(b, e->strings.at, 1, (uint32_t)e->strings.n);
    h->words = APPEND(b, e->words);
    h->dims = APPEND(b, e->dim_rows);
    h->symbols = APPEND(b, e->symbols);
    h->ports = APPEND(b, e->ports);
    h->port_dims = APPEND(b, e->port_dims);
    h->contracts = APPEND(b, e->contracts);
    h->buffers = APPEND(b, e->buffers);
    h->slots = APPEND(b, e->slots);
    h->kernels = APPEND(b, e->kernels);
    h->phases = APPEND(b, e->phases);
    h->steps = APPEND(b, e->steps);
    h->alts = APPEND(b, e->alts);
    h->args = APPEND(b, e->args);
    h->late = APPEND(b, e->late);
    h->gemms = APPEND(b, e->gemms);
    h->indices = APPEND(b, e->indices);
    h->boxes = APPEND(b, e->boxes);
    while (b->n % 8) strbuf_addc(b, 0);
    h->total_bytes = b->n;
    memcpy(b->at, h, sizeof *h);
}

static const char *target_text(arena *a, const target *t) {
    switch (t->kind) {
    case TARGET_CPU:
        return arena_printf(a, "cpu %s", t->cpu);
    case TARGET_CUDA:
        return arena_printf(a, "cuda %s", t->arch);
    }
    return "";
}

frit_status plan_encode(cx *c, const plan *p, const artifact_options *o, const char *side_file, pf_header **out) {
    encoder e = {.c = c,
                 .p = p,
                 .images = o->images,
                 .dims = p->iface->dims,
                 .dim_ids = {.a = c->job},
                 .string_ids = {.a = c->job},
                 .strings = {.a = c->job}};
    add_string(&e, "");
    e.numbers = plan_number_syms(c->job, e.dims, NULL);
    e.is_used = ARENA_ARRAY(c->job, bool, dim_n_syms(e.dims) + 1);
    e.is_counted = ARENA_ARRAY(c->job, bool, dim_n_syms(e.dims) + 1);
    for (sym_id s = 0; s < dim_n_syms(e.dims); s++) {
        sym_kind kind = dim_sym_info(e.dims, s)->kind;
        if (kind == SYM_RESULT || kind == SYM_ITERATION) e.is_counted[e.numbers[s]] = true;
    }
    pf_header h = {.version = PF_VERSION,
                   .header_bytes = sizeof h,
                   .n_inputs = p->iface->inputs.n,
                   .n_outputs = p->iface->outputs.n,
                   .n_states = count_states(p->iface),
                   .n_copies = p->n_copies,
                   .name = add_string(&e, p->iface->name),
                   .producer = add_string(&e, "frit " FRIT_VERSION),
                   .target = add_string(&e, target_text(c->scratch, o->target)),
                   .options = add_string(&e, o->options),
                   .cpu = add_string(&e, o->target->kind == TARGET_CPU ? o->target->cpu : ""),
                   .is_checked = o->checked,
                   .weights_file = add_string(&e, side_file),
                   .libraries = add_string(&e, plan_calls_openblas(p) ? PF_OPENBLAS : ""),
                   .weights_bytes = weights_layout(p, NULL)};
    memcpy(h.magic, PF_MAGIC, sizeof h.magic);
    add_interface(&e);
    add_indices(&e);
    add_buffers(&e);
    for (uint32_t i = 0; i < p->kernels.n; i++) add_kernel(&e, i);
    add_list(&e, &p->steps, &h.first_step, &h.n_steps);
    h.scratch = add_dim(&e, p->scratch);
    dim arena_bytes = dim_const(e.dims, 0);
    for (uint32_t i = 0; i < p->slots.n; i++) arena_bytes = dim_add(e.dims, arena_bytes, p->slots.at[i]);
    h.arena = add_dim(&e, arena_bytes);
    h.max_args = e.max_args;
    TRY(add_symbols(&e));
    strbuf b = {.a = c->job};
    lay_out(&e, &h, &b);
    if (e.max_stack > PF_MAX_STACK) return FAIL(c, UNSUPPORTED, p->iface->name, "a shape expression is too deep");
    if (b.n > UINT32_MAX) return FAIL(c, UNSUPPORTED, p->iface->name, "the plan's tables exceed 4 GB");
    *out = arena_copy(c->job, b.at, b.n);
    return FRIT_OK;
}
