/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Arena slots: buffers whose lives do not overlap share one. A slot is as large as the largest of its buffers for the
 * dims at hand, so offsets stay exact max-plus expressions; which buffers share is decided once, by upper bounds. */
#include "passes/plan/plan_passes.h"

typedef struct slot {
    dim bytes;
    uint32_t free_after; /* last step that uses its newest buffer */
    int64_t bound;
} slot;

static int64_t bound_of(dim_table *t, dim d) {
    int64_t lo, hi;
    dim_bounds(t, d, &lo, &hi);
    return hi;
}

static void note_use(plan *p, pbuf_id b, uint32_t step) {
    pbuf *buf = &p->bufs.at[b];
    if (buf->first == UINT32_MAX) buf->first = step;
    buf->last = step;
}

static void find_lives(plan *p, const pstep_list *l, uint32_t *step);

/* A loop's steps run again: what is needed before or after them, or from iteration to iteration, lives through all of them. */
static void find_lives_in_loop(plan *p, const pstep *s, uint32_t *step) {
    uint32_t n = p->bufs.n, begin = *step;
    pbuf *before = arena_copy(p->a, p->bufs.at, n * sizeof *before);
    for (uint32_t j = 0; j < s->n_args; j++)
        if (s->args[j] != UINT32_MAX) note_use(p, s->args[j], begin);
    (*step)++;
    find_lives(p, &s->body[0], step);
    uint32_t end = (*step)++;
    for (uint32_t i = 0; i < n; i++) {
        bool is_used = p->bufs.at[i].first != UINT32_MAX && p->bufs.at[i].last >= begin;
        if (is_used && before[i].first != UINT32_MAX) p->bufs.at[i].last = end;
    }
}

static void find_lives(plan *p, const pstep_list *l, uint32_t *step) {
    for (uint32_t i = 0; i < l->n; i++) {
        const pstep *s = &l->at[i];
        if (s->kind == PS_LOOP) {
            find_lives_in_loop(p, s, step);
            continue;
        }
        for (uint32_t j = 0; j < s->n_args; j++) note_use(p, s->args[j], *step);
        (*step)++;
        for (uint32_t j = 0; j < s->n_alts; j++) find_lives(p, &s->alts[j].body, step);
        find_lives(p, &s->body[0], step);
        find_lives(p, &s->body[1], step);
    }
}

/* What a loop's body writes first and others read after the loop (what it collects) lives from the loop's first step.
 */
static void stretch_over_loops(plan *p, const pstep_list *l, uint32_t *step) {
    for (uint32_t i = 0; i < l->n; i++) {
        const pstep *s = &l->at[i];
        uint32_t begin = (*step)++;
        for (uint32_t j = 0; j < s->n_alts; j++) stretch_over_loops(p, &s->alts[j].body, step);
        stretch_over_loops(p, &s->body[0], step);
        stretch_over_loops(p, &s->body[1], step);
        if (s->kind != PS_LOOP) continue;
        uint32_t end = (*step)++;
        for (uint32_t b = 0; b < p->bufs.n; b++) {
            pbuf *buf = &p->bufs.at[b];
            bool comes_out = buf->first != UINT32_MAX && buf->first > begin && buf->first < end && buf->last > end;
            if (comes_out) buf->first = begin;
        }
    }
}

static void renumber(plan *p, pstep_list l, const pbuf_id *numbers) {
    for (uint32_t i = 0; i < l.n; i++) {
        pstep *s = &l.at[i];
        pbuf_id *args = ARENA_ARRAY(p->a, pbuf_id, s->n_args + 1u);
        for (uint32_t k = 0; k < s->n_args; k++) args[k] = s->args[k] == UINT32_MAX ? UINT32_MAX : numbers[s->args[k]];
        s->args = args;
        for (uint32_t k = 0; k < s->n_alts; k++) renumber(p, s->alts[k].body, numbers);
        for (uint32_t k = 0; k < 2; k++) renumber(p, s->body[k], numbers);
    }
}

/* Buffers of the arena that no step uses, as where a branch computes right into its result, have no slot: they go. */
static void drop_unused(plan *p) {
    pbuf_id *numbers = ARENA_ARRAY(p->a, pbuf_id, p->bufs.n + 1u);
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->bufs.n; i++) {
        const pbuf *b = &p->bufs.at[i];
        numbers[i] = n;
        if (b->kind != PB_ARENA || b->first != UINT32_MAX) p->bufs.at[n++] = *b;
    }
    if (n < p->bufs.n) renumber(p, p->steps, numbers);
    p->bufs.n = n;
}

/* The free slot whose bound fits best: the smallest that is large enough, else the largest. */
static uint32_t best_slot(const slot *slots, uint32_t n, uint32_t first, int64_t bound) {
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < n; i++) {
        if (slots[i].free_after >= first) continue;
        if (best == UINT32_MAX) {
            best = i;
            continue;
        }
        bool fits = slots[i].bound >= bound, best_fits = slots[best].bound >= bound;
        bool is_better =
            fits ? !best_fits || slots[i].bound < slots[best].bound : !best_fits && slots[i].bound > slots[best].bound;
        if (is_better) best = i;
    }
    return best;
}

/* Room for either of two sizes: the greater one, or their sum where it would be the maximum of too many to be written.
 */
static dim room_for(dim_table *t, dim a, dim b) {
    dim most = dim_max(t, a, b);
    return most != DIM_BAD ? most : dim_add(t, a, b);
}

static void plan_scratch(plan *p) {
    dim_table *t = p->iface->dims;
    p->scratch = dim_const(t, 0);
    for (uint32_t i = 0; i < p->kernels.n; i++) {
        dim total;
        kernel_scratch(p->kernels.at[i], KID_NONE, &total);
        p->scratch = room_for(t, p->scratch, dim_majorant(t, total));
    }
    p->scratch = dim_align(t, p->scratch, 64);
}

frit_status plan_memory(cx *c, plan *p) {
    dim_table *t = p->iface->dims;
    uint32_t step = 0, n_slots = 0;
    for (uint32_t i = 0; i < p->bufs.n; i++) p->bufs.at[i].first = p->bufs.at[i].last = UINT32_MAX;
    find_lives(p, &p->steps, &step);
    uint32_t again = 0;
    stretch_over_loops(p, &p->steps, &again);
    drop_unused(p);
    slot *slots = ARENA_ARRAY(c->scratch, slot, p->bufs.n + 1u);
    for (uint32_t s = 0; s < step; s++) {
        for (uint32_t i = 0; i < p->bufs.n; i++) {
            pbuf *b = &p->bufs.at[i];
            if (b->kind != PB_ARENA || b->first != s) continue;
            dim bytes = dim_align(t, dim_majorant(t, b->bytes), 64);
            int64_t bound = bound_of(t, bytes);
            uint32_t best = best_slot(slots, n_slots, b->first, bound);
            if (best == UINT32_MAX) {
                best = n_slots++;
                slots[best].bytes = dim_const(t, 0);
            }
            slots[best].bytes = room_for(t, slots[best].bytes, bytes);
            slots[best].bound = bound_of(t, slots[best].bytes);
            slots[best].free_after = b->last;
            b->index = best;
        }
    }
    p->slots.n = 0;
    for (uint32_t i = 0; i < n_slots; i++) vec_push(p->a, p->slots, slots[i].bytes);
    plan_scratch(p);
    return FRIT_OK;
}
