/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Equal layers of a model: steps that repeat at once with the same operators, shapes and amounts of work.
 *
 *    g  a b c  a b c  a b c  z        drawn: g, a b c (x 3), z
 *
 * Names and weights differ between layers, so that kernels are told apart by their operators (the title without the
 * place in the model), the types of what they read and write, and their FLOPs and bytes. */
#include <string.h>

#include "driver/report.h"

const char *report_operators_of(arena *a, const char *title) {
    const char *place = title ? strstr(title, " (") : NULL;
    for (const char *next = place; next && next[1]; next = strstr(next + 1, " (")) place = next;
    bool has_place = place && str_ends(title, ")") && !strchr(place, '+');
    return !title ? "" : has_place ? arena_strndup(a, title, (size_t)(place - title)) : title;
}

const char *report_operators(const report *r, const kernel *k) { return report_operators_of(r->a, k->title); }

static const char *signature(const report *r, uint32_t number) {
    const pstep *s = r->steps.at[number];
    strbuf b = {.a = r->a};
    if (s->kind != PS_LAUNCH) return arena_printf(r->a, "step %u", number);
    const report_kernel *k = &r->kernels[s->kernel];
    strbuf_printf(&b, "%s|%.9g|%.9g|%.9g", report_operators(r, k->k), k->flops, k->bytes, k->written);
    for (uint32_t i = 0; i < s->n_args; i++)
        strbuf_printf(&b, "|%d %s", report_writes(r, s, i), report_shape(r, &r->p->bufs.at[s->args[i]]));
    return strbuf_text(&b);
}

static uint32_t count_runs(const uint32_t *at, uint32_t n, uint32_t n_left) {
    uint32_t runs = 1;
    while ((runs + 1) * n <= n_left && !memcmp(at + runs * n, at, n * sizeof *at)) runs++;
    return runs;
}

/* The repetition from here on that covers the most steps, of the fewest steps each; n_times 1 when there is none. */
static report_fold longest_fold(const uint32_t *classes, uint32_t first, uint32_t n) {
    report_fold best = {first, 1, 1};
    for (uint32_t size = 1; size <= (n - first) / 2; size++) {
        uint32_t runs = count_runs(classes + first, size, n - first);
        if (runs > 1 && runs * size > best.n_times * best.n_steps) best = (report_fold){first, size, runs};
    }
    return best;
}

void report_fold_steps(report *r) {
    uint32_t n = r->steps.n;
    map seen = {.a = r->a};
    uint32_t *classes = ARENA_ARRAY(r->a, uint32_t, n + 1u);
    r->drawn = ARENA_ARRAY(r->a, uint32_t, n + 1u);
    r->times = ARENA_ARRAY(r->a, uint32_t, n + 1u);
    for (uint32_t i = 0; i < n; i++) {
        const char *text = signature(r, i);
        if (!map_get_str(&seen, text, &classes[i])) map_set_str(&seen, text, classes[i] = i);
    }
    for (uint32_t at = 0; at < n;) {
        report_fold f = longest_fold(classes, at, n);
        for (uint32_t i = 0; i < f.n_steps * f.n_times; i++) {
            r->drawn[at + i] = at + i % f.n_steps;
            r->times[at + i] = f.n_times;
        }
        if (f.n_times > 1) vec_push(r->a, r->folds, f);
        at += f.n_steps * f.n_times;
    }
}

bool report_is_drawn(const report *r, const report_kernel *k) {
    return !k->n_launches || r->drawn[k->first_step] == k->first_step;
}

double report_call_ms(const report *r, const report_kernel *k) {
    return k->n_launches ? k->ms * k->n_launches * r->times[k->first_step] : 0;
}
