/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Steps of control flow. An if becomes a branch over two sub-plans that copy what they give to the same buffers; a loop
 * becomes a sub-plan that is repeated. Values carried from iteration to iteration have one buffer, which the steps before the
 * loop fill and the last steps of each iteration write again; a kernel writes it directly where nothing reads the old value
 * after that kernel has begun.
 *
 *    %h, %y = scan_loop %h0, %x region(%h1, %x1) { %s = add %h1, %x1  yield %s, %s }
 *  becomes
 *    copy(h0, h)      loop i < S { add(h, x, h, y) } */
#include <string.h>

#include "ir/op/attrs.h"
#include "passes/plan/lower_steps.h"
#include "passes/plan/plan_passes.h"

static void push(lower_cx *x, region_id r, pstep s) { vec_push(x->p->a, x->steps[r], s); }

/* Whether the kernel of step s may write `to` in place of `from` while it reads `to`. */
static bool may_overwrite(const plan *p, const pstep *s, pbuf_id from, pbuf_id to) {
    buf_id out = KID_NONE, in = KID_NONE;
    for (uint32_t i = 0; i < s->n_args; i++) {
        if (s->args[i] == from) out = i;
        if (s->args[i] == to) in = i;
    }
    return in == KID_NONE || plan_is_elementwise(p->kernels.at[s->kernel], in, out);
}

/* Whether `from`, written by one launch of the list, can be `to` itself: nothing reads the old `to` from then on. */
static bool can_be(const lower_cx *x, const step_vec *l, pbuf_id from, pbuf_id to) {
    const plan *p = x->p;
    uint32_t i = 0;
    if (p->bufs.at[from].kind != PB_ARENA || from == to) return false;
    while (i < l->n && !plan_step_touches(p, &l->at[i], from).writes) i++;
    if (i == l->n || l->at[i].kind != PS_LAUNCH || !may_overwrite(p, &l->at[i], from, to)) return false;
    for (i++; i < l->n; i++) {
        plan_touches t = plan_step_touches(p, &l->at[i], to);
        if (t.reads || t.writes || plan_step_touches(p, &l->at[i], from).writes) return false;
    }
    return true;
}

/* ---- steps around and inside regions */

static bool is_within(const lower_cx *x, region_id r, const node *n) {
    for (uint32_t k = 0; k < n->n_regions; k++)
        if (graph_is_within(x->g, r, n->regions[k])) return true;
    return false;
}

static frit_status place_value(lower_cx *x, value_id v, region_id r) {
    bool has_memory = x->f->is_stored[v] || graph_const(x->g, v);
    return has_memory ? lower_place_writer(x, lower_buffer(x, v), r) : FRIT_OK;
}

/* All that the steps inside node n wait for and that stands in n's own region. */
static frit_status place_outside(lower_cx *x, const node *n) {
    const graph *g = x->g;
    for (uint32_t i = 0; i < g->contracts.n; i++) {
        const contract *k = &g->contracts.at[i];
        if (is_within(x, k->region, n)) TRY(lower_place_counts(x, 2, (dim[]){k->lhs, k->rhs}, n->region));
    }
    for (uint32_t i = 0; i < n->n_in; i++) TRY(place_value(x, n->in[i], n->region));
    for (uint32_t id = 0; id < x->f->groups.n; id++) {
        const group *gr = &x->f->groups.at[id];
        if (gr->is_dissolved || !is_within(x, gr->region, n)) continue;
        if (gr->kind == GROUP_REGION) {
            const node *inner = graph_node(g, gr->anchor);
            for (uint32_t i = 0; i < inner->n_in; i++) TRY(place_value(x, inner->in[i], n->region));
        } else if (x->kernel_of[id] != UINT32_MAX) {
            TRY(lower_place_needs(x, id, n->region));
        }
    }
    for (region_id r = 1; r < g->regions.n; r++) {
        const region *reg = &g->regions.at[r];
        for (uint32_t i = 0; is_within(x, r, n) && i < reg->results.n; i++)
            TRY(place_value(x, reg->results.at[i], n->region));
    }
    return FRIT_OK;
}

static frit_status place_inside(lower_cx *x, region_id r) {
    lower_place_demands(x, r);
    for (uint32_t id = 0; id < x->f->groups.n; id++)
        if (x->f->groups.at[id].region == r) TRY(lower_place_group(x, id));
    return FRIT_OK;
}

static pstep_list steps_of(const lower_cx *x, region_id r) { return (pstep_list){x->steps[r].n, x->steps[r].at}; }

/* ---- if */

/* Result i of branch r goes to the node's: written there directly when a kernel of the branch makes it. */
static void give(lower_cx *x, region_id r, value_id result, pbuf_id to) {
    pbuf_id from = lower_buffer(x, result);
    bool is_own = graph_value(x->g, result)->region == r;
    const region *reg = &x->g->regions.at[r];
    uint32_t n_given = 0;
    for (uint32_t i = 0; i < reg->results.n; i++) n_given += reg->results.at[i] == result;
    if (is_own && n_given == 1 && can_be(x, &x->steps[r], from, to))
        plan_rename(x->p, steps_of(x, r), from, to);
    else
        push(x, r, lower_copy(x, from, to));
}

/* The last steps of branch k: symbols that stand for what the branches differ in are what this one has. */
static frit_status place_extents(lower_cx *x, const node *n, uint32_t k) {
    dim extents[2];
    for (sym_id s = 0; s < dim_n_syms(x->g->dims); s++) {
        if (dim_sym_info(x->g->dims, s)->kind != SYM_RESULT || !if_counts(x->g, n, s, extents)) continue;
        TRY(lower_place_counts(x, 1, &extents[k], n->regions[k]));
        push(x, n->regions[k],
             (pstep){.kind = PS_RESULT, .trips = extents[k], .result = s, .loc = x->g->locs.at[n->loc]});
        if (k == 1) x->is_counted[s] = true;
    }
    return FRIT_OK;
}

static frit_status place_if(lower_cx *x, const node *n) {
    for (uint32_t k = 0; k < 2; k++) {
        region_id r = n->regions[k];
        TRY(place_inside(x, r));
        for (uint32_t i = 0; i < n->n_out; i++)
            give(x, r, x->g->regions.at[r].results.at[i], lower_buffer(x, n->out + i));
        TRY(place_extents(x, n, k));
    }
    pbuf_id *args = ARENA_ARRAY(x->p->a, pbuf_id, 1);
    args[0] = lower_buffer(x, n->in[0]);
    push(x, n->region,
         (pstep){.kind = PS_IF,
                 .n_args = 1,
                 .args = args,
                 .body = {steps_of(x, n->regions[0]), steps_of(x, n->regions[1])},
                 .trips = DIM_BAD,
                 .loc = x->g->locs.at[n->loc]});
    lower_place_demands(x, n->region);
    return FRIT_OK;
}

/* ---- loops */

/* What while and scan_loop have in common. */
typedef struct loop_form {
    const node *n;
    region_id body;
    uint32_t n_carried;
    uint32_t first_in;     /* operand that is the first carried value */
    uint32_t first_result; /* the body's result that is */
} loop_form;

/* Which carried value of the loop v is a parameter for, n_carried when it is none. */
static uint32_t carried_index(const lower_cx *x, const loop_form *l, value_id v) {
    const region *body = &x->g->regions.at[l->body];
    uint32_t i = 0;
    while (i < l->n_carried && body->params.at[l->first_in + i] != v) i++;
    return i;
}

/* The last steps of an iteration: the new carried values take the places of the old ones, all at the same time. */
static void carry(lower_cx *x, const loop_form *l) {
    const region *body = &x->g->regions.at[l->body];
    pbuf_id *from = ARENA_ARRAY(x->p->a, pbuf_id, l->n_carried + 1u);
    for (uint32_t i = 0; i < l->n_carried; i++) {
        value_id v = body->results.at[l->first_result + i];
        uint32_t old = carried_index(x, l, v);
        from[i] = lower_buffer(x, v);
        if (old == l->n_carried || old == i) continue;
        from[i] = lower_buffer_like(x, v); /* another's old value, out of the way first */
        push(x, l->body, lower_copy(x, lower_buffer(x, v), from[i]));
    }
    for (uint32_t i = 0; i < l->n_carried; i++) {
        pbuf_id to = lower_buffer(x, l->n->out + i);
        value_id v = body->results.at[l->first_result + i];
        uint32_t n_used = 0;
        for (uint32_t k = 0; k < l->first_result + l->n_carried; k++) n_used += body->results.at[k] == v;
        bool is_own = graph_value(x->g, v)->region == l->body && n_used == 1;
        if (from[i] == to) continue;
        if (is_own && can_be(x, &x->steps[l->body], from[i], to))
            plan_rename(x->p, steps_of(x, l->body), from[i], to);
        else
            push(x, l->body, lower_copy(x, from[i], to));
    }
}

static bool const_truth(const graph *g, value_id v, bool *out) {
    scalar s = {0};
    const const_data *d = graph_const(g, v);
    if (!d || !const_is_splat(d, &s)) return false;
    *out = s.i != 0;
    return true;
}

/* A while's limits: its trip count and its condition, which the body renews. */
static frit_status limit_while(lower_cx *x, const loop_form *l, pbuf_id *args, pstep *s) {
    const graph *g = x->g;
    const node *n = l->n;
    const attr_while *a = n->attrs;
    value_id next = g->regions.at[l->body].results.at[0];
    scalar trips = {0};
    bool truth = false, is_certain = const_truth(g, n->in[1], &truth) && truth;
    bool stays = x->f->alias[next].kind == ALIAS_TRUE || (const_truth(g, next, &truth) && truth);
    if (!is_certain || !stays) {
        args[1] = lower_buffer_like(x, n->in[1]);
        push(x, n->region, lower_copy(x, lower_buffer(x, n->in[1]), args[1]));
        if (x->f->alias[next].kind != ALIAS_TRUE) push(x, l->body, lower_copy(x, lower_buffer(x, next), args[1]));
    }
    const const_data *d = graph_const(g, n->in[0]);
    if (d && const_is_splat(d, &trips))
        s->trips = trips.i == INT64_MAX ? DIM_BAD : dim_const(g->dims, trips.i);
    else
        args[0] = lower_buffer(x, n->in[0]);
    if (a->trips.n == 0) return FRIT_OK;
    sym_id counted;
    if (dim_is_sym(g->dims, a->trips.at[0], &counted) && dim_sym_info(g->dims, counted)->kind == SYM_RESULT) {
        s->result = counted;
        x->is_counted[counted] = true;
        return FRIT_OK;
    }
    if (is_certain && stays && (s->trips == DIM_BAD || !dim_equal(g->dims, s->trips, a->trips.at[0])))
        s->trips = a->trips.at[0]; /* the trip count is made from dims */
    if (is_certain && stays) return FRIT_OK;
    return FAIL(x->c, UNSUPPORTED, s->loc, "a loop that may end early collects results of a fixed extent");
}

static frit_status place_loop(lower_cx *x, const loop_form *l) {
    const node *n = l->n;
    pbuf_id *args = ARENA_ARRAY(x->p->a, pbuf_id, 2);
    sym_id iteration = SYM_NONE;
    args[0] = args[1] = UINT32_MAX;
    dim_is_sym(x->g->dims, x->f->iteration[graph_value(x->g, n->out)->def], &iteration);
    pstep s = {.kind = PS_LOOP,
               .n_args = 2,
               .args = args,
               .trips = DIM_BAD,
               .iteration = iteration,
               .result = SYM_NONE,
               .loc = x->g->locs.at[n->loc]};
    for (uint32_t i = 0; i < l->n_carried; i++)
        push(x, n->region, lower_copy(x, lower_buffer(x, n->in[l->first_in + i]), lower_buffer(x, n->out + i)));
    TRY(place_inside(x, l->body));
    if (n->op == OP_while)
        TRY(limit_while(x, l, args, &s));
    else
        s.trips = dim_sym_info(x->g->dims, iteration)->extent;
    carry(x, l);
    s.body[0] = steps_of(x, l->body);
    push(x, n->region, s);
    lower_place_demands(x, n->region);
    return FRIT_OK;
}

frit_status lower_place_region(lower_cx *x, uint32_t id) {
    const node *n = graph_node(x->g, x->f->groups.at[id].anchor);
    TRY(place_outside(x, n));
    if (n->op == OP_if) return place_if(x, n);
    loop_form l = {.n = n, .body = n->regions[0]};
    if (n->op == OP_while) {
        l.n_carried = (uint32_t)((const attr_while *)n->attrs)->n_carried;
        l.first_in = 2, l.first_result = 1;
    } else {
        l.n_carried = (uint32_t)((const attr_scan_loop *)n->attrs)->n_carried;
    }
    return place_loop(x, &l);
}
