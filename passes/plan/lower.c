/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Core graph -> plan: fuse, build one kernel per group, order them by what they read, give every value a place. */
#include "passes/plan/lower.h"

#include <string.h>

#include "passes/plan/choose_tree.h"
#include "passes/plan/lower_steps.h"
#include "passes/plan/plan_passes.h"

static dim value_bytes(const graph *g, value_id v) {
    dim_table *t = g->dims;
    const tensor_type *type = graph_type(g, v);
    dim n = dim_product(t, type->rank, type->shape);
    unsigned bits = dtype_bits(type->dt);
    if (bits >= 8) return dim_mul(t, n, dim_const(t, bits / 8));
    return dim_ceildiv(t, n, dim_const(t, 8 / bits));
}

static pbuf_id buffer_add(lower_cx *x, pbuf buf) {
    buf.first = buf.last = UINT32_MAX;
    vec_push(x->p->a, x->p->bufs, buf);
    return x->p->bufs.n - 1;
}

pbuf_id lower_buffer_like(lower_cx *x, value_id v) {
    const tensor_type *t = graph_type(x->g, v);
    return buffer_add(
        x, (pbuf){.kind = PB_ARENA, .dt = t->dt, .rank = t->rank, .shape = t->shape, .bytes = value_bytes(x->g, v)});
}

pbuf_id lower_buffer(lower_cx *x, value_id v) {
    if (x->buf_of[v]) return x->buf_of[v] - 1;
    if (x->f->carried[v] != VALUE_NONE) {
        pbuf_id shared = lower_buffer(x, x->f->carried[v]);
        x->buf_of[v] = shared + 1;
        return shared;
    }
    const graph *g = x->g;
    const value *info = graph_value(g, v);
    const region *body = &g->regions.at[0];
    pbuf buf = {.name = info->name,
                .kind = PB_ARENA,
                .dt = info->type.dt,
                .rank = info->type.rank,
                .shape = info->type.shape,
                .bytes = value_bytes(g, v)};
    const const_data *d = graph_const(g, v);
    bool is_computed = d && x->f->copied_by[v] != GROUP_NONE; /* a result of the program */
    if (d && !is_computed) {
        buf.kind = PB_CONST;
        buf.data = d;
        buf.index = x->p->consts.n;
        vec_push(x->p->a, x->p->consts, d);
    } else if (info->def == NODE_NONE && info->region == 0 && x->f->copied_by[v] == GROUP_NONE) {
        buf.kind = PB_INPUT;
        buf.index = info->index;
    } else {
        for (uint32_t i = body->results.n; i-- > 0;) {
            if (body->results.at[i] != v) continue;
            buf.kind = PB_OUTPUT;
            buf.index = i;
        }
    }
    pbuf_id id = buffer_add(x, buf);
    x->buf_of[v] = id + 1;
    return id;
}

static pbuf_id buffer_of_param(lower_cx *x, const expander *e, uint32_t i) {
    if (e->params.at[i] != VALUE_NONE) return lower_buffer(x, e->params.at[i]);
    const const_data *d = e->packed.at[i];
    const kbuf *b = &e->k->bufs.at[i];
    pbuf buf = {.name = b->name,
                .kind = PB_CONST,
                .index = x->p->consts.n,
                .dt = b->dt,
                .rank = b->rank,
                .shape = b->shape,
                .data = d};
    dim_table *t = x->g->dims;
    dim bits = dim_mul(t, dim_product(t, b->rank, b->shape), dim_const(t, dtype_bits(b->dt)));
    buf.bytes = dim_ceildiv(t, bits, dim_const(t, 8));
    vec_push(x->p->a, x->p->consts, d);
    return buffer_add(x, buf);
}

/* "softmax_12"-like: the operator that a reader would look for, and the group's number. */
static const char *kernel_name(const lower_cx *x, uint32_t id) {
    const group *gr = &x->f->groups.at[id];
    const char *op = gr->anchor == NODE_NONE ? "copy" : op_name(graph_node(x->g, gr->anchor)->op);
    return arena_printf(x->p->a, "%s_%u", op, x->o->first_kernel + x->p->kernels.n);
}

static frit_status build_kernel(lower_cx *x, uint32_t id) {
    const group *gr = &x->f->groups.at[id];
    plan *p = x->p;
    kernel *k = kernel_new(p->a, kernel_name(x, id), x->g->dims);
    k->title = titles_text(&x->titles, x->g, gr);
    expander e;
    expander_init(&e, x->c, x->f, k, id);
    frit_status status = choose_tree(&e, x->o);
    if (status != FRIT_OK) {
        cx_prefix(x->c, k->title);
        return status;
    }
    if (k->gemm) {
        k->name = arena_printf(p->a, "openblas_%u", x->o->first_kernel + p->kernels.n);
        k->title = arena_printf(p->a, "OpenBLAS: %s", k->title);
    }
    kernel_seal(k);
    kernel_cost(k, x->c->scratch);
    pbuf_id *args = ARENA_ARRAY(p->a, pbuf_id, k->n_params + 1u);
    for (uint32_t i = 0; i < k->n_params; i++) args[i] = buffer_of_param(x, &e, i);
    x->kernel_of[id] = p->kernels.n;
    x->step_of[id] = (pstep){.kind = PS_LAUNCH,
                             .kernel = p->kernels.n,
                             .n_args = k->n_params,
                             .args = args,
                             .loc = gr->anchor == NODE_NONE ? "" : x->g->locs.at[graph_node(x->g, gr->anchor)->loc]};
    vec_push(p->a, p->kernels, k);
    return FRIT_OK;
}

static void note_writer(lower_cx *x, pbuf_id b, uint32_t id) {
    if (b < x->n_writers) x->writer[b] = id;
}

static void find_writers(lower_cx *x) {
    x->n_writers = x->p->bufs.n;
    x->writer = ARENA_ARRAY(x->p->a, uint32_t, x->n_writers + 1u);
    memset(x->writer, 0xff, (x->n_writers + 1u) * sizeof *x->writer);
    for (uint32_t id = 0; id < x->f->groups.n; id++) {
        if (x->kernel_of[id] == UINT32_MAX) continue;
        const kernel *k = x->p->kernels.at[x->kernel_of[id]];
        for (uint32_t i = 0; i < k->n_params; i++)
            if (k->bufs.at[i].is_written) note_writer(x, x->step_of[id].args[i], id);
    }
    for (uint32_t id = 0; id < x->f->groups.n; id++) { /* what regions give is theirs, whoever stores into it */
        const group *gr = &x->f->groups.at[id];
        if (gr->kind != GROUP_REGION) continue;
        const node *n = graph_node(x->g, gr->anchor);
        for (uint32_t i = 0; i < n->n_out; i++) {
            value_id w = x->f->stored_as[n->out + i];
            if (x->buf_of[w]) note_writer(x, x->buf_of[w] - 1, id);
        }
    }
}

/* The group whose steps, in region r, hold those of group w; GROUP_NONE when w's own region is outside of r. */
static uint32_t seen_from(const lower_cx *x, uint32_t w, region_id r) {
    region_id at = x->f->groups.at[w].region;
    while (at != r) {
        if (at == 0 || x->f->owner[at] == NODE_NONE) return GROUP_NONE;
        w = x->f->group_of[x->f->owner[at]];
        at = x->f->groups.at[w].region;
    }
    return w;
}

/* Group w and what it needs, when region r sees it; groups around r stand already. One that is being placed is the loop
 * around the reader, whose carried values it reads. */
static frit_status place_seen(lower_cx *x, uint32_t w, region_id r) {
    uint32_t seen = seen_from(x, w, r);
    if (seen == GROUP_NONE) return FRIT_OK;
    return x->f->groups.at[seen].kind == GROUP_REGION && x->state[seen] == 1 ? FRIT_OK : lower_place_group(x, seen);
}

frit_status lower_place_writer(lower_cx *x, pbuf_id b, region_id r) {
    if (b >= x->n_writers || x->writer[b] == GROUP_NONE) return FRIT_OK;
    return place_seen(x, x->writer[b], r);
}

pstep lower_copy(lower_cx *x, pbuf_id from, pbuf_id to) {
    pbuf_id *args = ARENA_ARRAY(x->p->a, pbuf_id, 2);
    args[0] = from, args[1] = to;
    return (pstep){.kind = PS_COPY, .n_args = 2, .args = args, .loc = ""};
}

/* Whether k can be checked: the steps that count its symbols are placed. */
static bool is_decided(const lower_cx *x, const contract *k) {
    for (sym_id s = 0; s < dim_n_syms(x->g->dims); s++) {
        bool waits = dim_sym_info(x->g->dims, s)->kind == SYM_RESULT && !x->is_counted[s];
        if (waits && contract_mentions(x->g, k, s)) return false;
    }
    return true;
}

void lower_place_demands(lower_cx *x, region_id r) {
    for (uint32_t i = 0; i < x->g->contracts.n; i++) {
        const contract *k = &x->g->contracts.at[i];
        bool is_early = r == 0 && !contract_is_counted(x->g, k); /* checked before the first step */
        if (k->region != r || is_early || x->is_demanded[i] || !is_decided(x, k)) continue;
        x->is_demanded[i] = true;
        pstep s = {.kind = PS_REQUIRE, .contract = x->p->demands.n, .trips = DIM_BAD, .result = SYM_NONE, .loc = ""};
        vec_push(x->p->a, x->p->demands, *k);
        vec_push(x->p->a, x->steps[r], s);
    }
}

/* The step that gives a symbol its value, before the first kernel that computes with it. */
frit_status lower_place_count(lower_cx *x, sym_id s, region_id r) {
    node_id by = x->is_counted[s] ? NODE_NONE : graph_counter(x->g, s);
    if (by == NODE_NONE || x->f->group_of[by] == GROUP_NONE) return FRIT_OK; /* counted already, or dead */
    const node *n = graph_node(x->g, by);
    if (n->op != OP_nonzero) return place_seen(x, x->f->group_of[by], r);
    if (seen_from(x, x->f->group_of[by], r) == GROUP_NONE) return FRIT_OK; /* placed by what is around r */
    if (n->region != r) return place_seen(x, x->f->group_of[by], r);
    x->is_counted[s] = true;
    pbuf_id *args = ARENA_ARRAY(x->p->a, pbuf_id, 1);
    args[0] = lower_buffer(x, n->in[1]);
    TRY(lower_place_writer(x, args[0], r));
    pstep count = {
        .kind = PS_RESULT, .n_args = 1, .args = args, .trips = DIM_BAD, .result = s, .loc = x->g->locs.at[n->loc]};
    vec_push(x->p->a, x->steps[r], count);
    lower_place_demands(x, r);
    return FRIT_OK;
}

frit_status lower_place_counts(lower_cx *x, uint32_t n, const dim *extents, region_id r) {
    dim_table *t = x->g->dims;
    for (sym_id s = 0; s < dim_n_syms(t); s++) {
        bool is_mentioned = false;
        if (dim_sym_info(t, s)->kind != SYM_RESULT) continue;
        for (uint32_t i = 0; i < n; i++) is_mentioned |= dim_depends(t, extents[i], s);
        if (is_mentioned) TRY(lower_place_count(x, s, r));
    }
    return FRIT_OK;
}

frit_status lower_place_needs(lower_cx *x, uint32_t id, region_id r) {
    const pstep *s = &x->step_of[id];
    for (uint32_t i = 0; i < s->n_args; i++)
        if (x->writer[s->args[i]] != id) TRY(lower_place_writer(x, s->args[i], r));
    uint32_t n_syms;
    const sym_id *syms = kernel_syms(x->p->kernels.at[s->kernel], x->c->scratch, &n_syms);
    for (uint32_t i = 0; i < n_syms; i++)
        if (dim_sym_info(x->g->dims, syms[i])->kind == SYM_RESULT) TRY(lower_place_count(x, syms[i], r));
    return FRIT_OK;
}

/* Depth first: the groups that write what this one reads come before it. */
frit_status lower_place_group(lower_cx *x, uint32_t id) {
    bool is_region = x->f->groups.at[id].kind == GROUP_REGION;
    if (x->state[id] == 2 || (!is_region && x->kernel_of[id] == UINT32_MAX)) return FRIT_OK;
    if (x->state[id] == 1) return FAIL(x->c, INTERNAL, NULL, "fusion made a cycle through kernel %u", x->kernel_of[id]);
    x->state[id] = 1;
    region_id r = x->f->groups.at[id].region;
    if (is_region) {
        TRY(lower_place_region(x, id));
    } else {
        TRY(lower_place_needs(x, id, r));
        vec_push(x->p->a, x->steps[r], x->step_of[id]);
    }
    x->state[id] = 2;
    return FRIT_OK;
}

/* Outputs that no kernel writes: an input, a constant, or an output listed twice. */
static void copy_outputs(lower_cx *x) {
    const region *body = &x->g->regions.at[0];
    for (uint32_t i = 0; i < body->results.n; i++) {
        value_id v = body->results.at[i];
        pbuf_id from = lower_buffer(x, v);
        const pbuf *b = &x->p->bufs.at[from];
        if (b->kind == PB_OUTPUT && b->index == i) continue;
        pbuf out = *b;
        out.kind = PB_OUTPUT;
        out.index = i;
        out.data = NULL;
        pstep copy = lower_copy(x, from, buffer_add(x, out));
        vec_push(x->p->a, x->steps[0], copy);
    }
}

/* Whether no output of the group has any elements: then there is nothing to do. */
static bool writes_nothing(const graph *g, const group *gr) {
    for (uint32_t i = 0; i < gr->outputs.n; i++)
        if (!graph_is_empty(g, gr->outputs.at[i])) return false;
    return true;
}

/* The symbols that extents of the program's results need, whether or not a kernel computes with them. */
static frit_status place_counts_of_outputs(lower_cx *x) {
    const graph *g = x->g;
    for (uint32_t i = 0; i < g->outputs.n; i++) {
        const tensor_type *t = graph_type(g, g->regions.at[0].results.at[i]);
        TRY(lower_place_counts(x, t->rank, t->shape, 0));
    }
    return FRIT_OK;
}

/* Offsets are computed in 64 bits, sums of several of them included. */
enum { MOST_ELEMENTS_LOG2 = 48 };

static frit_status check_sizes(cx *c, const graph *g) {
    const int64_t most = INT64_C(1) << MOST_ELEMENTS_LOG2;
    for (uint32_t v = 0; v < g->values.n; v++) {
        const tensor_type *t = graph_type(g, v);
        int64_t n = 1, extent;
        for (uint32_t i = 0; i < t->rank; i++) {
            if (!dim_is_const(g->dims, t->shape[i], &extent)) continue;
            if (__builtin_mul_overflow(n, extent, &n) || n > most)
                return FAIL(c, RANGE, graph_value(g, v)->name, "a tensor of more than 2^%d elements is too large",
                            MOST_ELEMENTS_LOG2);
        }
    }
    return FRIT_OK;
}

/* What the report tells of each kernel and of each boundary between two. */
static void add_notes(lower_cx *x) {
    plan *p = x->p;
    fuse_notes(x->f);
    p->holds.n = 0;
    for (uint32_t id = 0; id < x->f->groups.n; id++) { /* kernels were built in the order of their groups */
        const group *gr = &x->f->groups.at[id];
        if (x->kernel_of[id] == UINT32_MAX) continue;
        plan_node *nodes = ARENA_ARRAY(p->a, plan_node, gr->held.n + 1u);
        for (uint32_t i = 0; i < gr->held.n; i++) {
            const node *n = graph_node(x->g, gr->held.at[i]);
            nodes[i] = (plan_node){n->op, titles_operator(&x->titles, x->g, n), x->g->locs.at[n->loc]};
        }
        vec_push(p->a, p->holds, (plan_holds){gr->held.n, nodes});
    }
    for (uint32_t i = 0; i < x->f->stops.n; i++) {
        const fusion_stop *s = &x->f->stops.at[i];
        if (x->kernel_of[s->writer] == UINT32_MAX || x->kernel_of[s->reader] == UINT32_MAX) continue;
        plan_stop stop = {fuse_value_label(x->f, s->value), x->kernel_of[s->writer], x->kernel_of[s->reader], s->why};
        vec_push(p->a, p->stops, stop);
    }
}

/* Results of regions have buffers whether or not a kernel reads them. */
static void make_region_buffers(lower_cx *x) {
    for (uint32_t id = 0; id < x->f->groups.n; id++) {
        const group *gr = &x->f->groups.at[id];
        if (gr->kind != GROUP_REGION) continue;
        const node *n = graph_node(x->g, gr->anchor);
        for (uint32_t i = 0; i < n->n_out; i++) lower_buffer(x, x->f->stored_as[n->out + i]);
    }
}

fuse_options lower_fuse_options(const lower_options *o) {
    bool is_cpu = o->t->kind == TARGET_CPU;
    return (fuse_options){.has_siblings = is_cpu && !o->is_unfused,
                          .calls_openblas = is_cpu && o->calls_openblas,
                          .is_unfused = o->is_unfused};
}

frit_status lower_graph(cx *c, graph *g, const lower_options *o, plan **out) {
    plan *p = ARENA_NEW(c->job, plan);
    *p = (plan){.a = c->job, .iface = g};
    lower_cx x = {.c = c, .g = g, .p = p, .o = o, .titles = titles_of(c->job, o->named)};
    TRY(check_sizes(c, g));
    const fuse_options how = lower_fuse_options(o);
    TRY(fuse_graph(c, g, &how, &x.f));
    uint32_t n = x.f->groups.n;
    x.buf_of = ARENA_ARRAY(p->a, pbuf_id, g->values.n + 1u);
    x.kernel_of = ARENA_ARRAY(p->a, uint32_t, n + 1u);
    memset(x.kernel_of, 0xff, (n + 1u) * sizeof *x.kernel_of);
    x.step_of = ARENA_ARRAY(p->a, pstep, n + 1u);
    x.state = ARENA_ARRAY(p->a, uint8_t, n + 1u);
    x.steps = ARENA_ARRAY(p->a, step_vec, g->regions.n + 1u);
    x.is_counted = ARENA_ARRAY(p->a, bool, dim_n_syms(g->dims) + 1u);
    x.is_demanded = ARENA_ARRAY(p->a, bool, g->contracts.n + 1u);
    for (uint32_t id = 0; id < n; id++) {
        const group *gr = &x.f->groups.at[id];
        TRY(cx_poll(c));
        if (gr->is_dissolved || gr->kind == GROUP_REGION) continue;
        if (!writes_nothing(g, gr)) TRY(build_kernel(&x, id));
    }
    make_region_buffers(&x);
    find_writers(&x);
    for (uint32_t id = 0; id < n; id++)
        if (x.f->groups.at[id].region == 0) TRY(lower_place_group(&x, id));
    TRY(place_counts_of_outputs(&x));
    copy_outputs(&x);
    p->steps = (pstep_list){x.steps[0].n, x.steps[0].at};
    add_notes(&x);
    if (o->t->kind == TARGET_CUDA) TRY(plan_device(c, p));
    plan_states(p);
    TRY(plan_memory(c, p));
    *out = p;
    return FRIT_OK;
}
