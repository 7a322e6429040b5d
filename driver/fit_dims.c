/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Values of symbols that a model's demands allow: total == past + new is kept by choosing total. A demand is taken for
 * linear in the symbol that is changed, and looked at again with the new value. */
#include "driver/model_dims.h"

enum { MAX_ROUNDS = 16 };

/* The value of a symbol, `now` before, with which a demand holds that changes by slope for each step of it. */
static bool step_to(const fit_miss *m, int64_t slope, int64_t now, int64_t *out) {
    if (slope == 0 || m->by == INT64_MIN) return false;
    int64_t missing = -m->by, steps = missing / slope;
    bool is_exact = missing % slope == 0;
    if (!is_exact && !m->is_order) return false;
    if (!is_exact) steps += (missing < 0) == (slope < 0) ? 1 : -1;
    return !__builtin_add_overflow(now, steps, out);
}

/* Whether changing symbol s alone makes a demand hold; *out is its value then. */
static bool solve_for(const fit_problem *p, uint32_t demand, const fit_miss *m, uint32_t s, int64_t *out) {
    int64_t before = p->values[s], slope = 0;
    if (!p->is_free[s] || p->lo[s] == p->hi[s]) return false;
    p->values[s] = before + 1;
    fit_miss next = p->miss(p->data, demand, p->values);
    bool can = next.is_known && !__builtin_sub_overflow(next.by, m->by, &slope) && step_to(m, slope, before, out) &&
               *out >= p->lo[s] && *out <= p->hi[s];
    if (can) {
        p->values[s] = *out;
        can = p->miss(p->data, demand, p->values).holds;
    }
    p->values[s] = before;
    return can;
}

/* A symbol that grows is taken first: a least value is no hint to go below others. */
static bool fit_demand(const fit_problem *p, uint32_t demand) {
    fit_miss m = p->miss(p->data, demand, p->values);
    if (!m.is_known || m.holds) return false;
    uint32_t best = p->n_symbols;
    int64_t best_value = 0, found;
    for (uint32_t s = 0; s < p->n_symbols; s++) {
        if (!solve_for(p, demand, &m, s, &found)) continue;
        bool grows = found > p->values[s];
        if (best == p->n_symbols || (grows && best_value < p->values[best])) best = s, best_value = found;
    }
    if (best == p->n_symbols) return false;
    p->values[best] = best_value;
    return true;
}

void fit_dims(const fit_problem *p) {
    bool any = true;
    for (int round = 0; any && round < MAX_ROUNDS; round++) {
        any = false;
        for (uint32_t i = 0; i < p->n_demands; i++) any |= fit_demand(p, i);
    }
}
