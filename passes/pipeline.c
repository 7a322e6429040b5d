/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The pass manager over passes/pipeline.def. */
#include "passes/pipeline.h"

#include <string.h>

#include "base/clock.h"

static const pass_row rows[] = {
#define PASS(name, doc) {#name, doc, pass_##name},
#define BEFORE(a, b, reason)
#include "passes/pipeline.def"
#undef PASS
#undef BEFORE
};

static const char *const on_request[] = {
#define PASS(name, doc)
#define BEFORE(a, b, reason)
#define ON_REQUEST(name) #name,
#include "passes/pipeline.def"
#undef PASS
#undef BEFORE
};

typedef struct order_row {
    const char *first, *second, *reason;
} order_row;
static const order_row orders[] = {
#define PASS(name, doc)
#define BEFORE(a, b, reason) {#a, #b, reason},
#include "passes/pipeline.def"
#undef PASS
#undef BEFORE
    {NULL, NULL, NULL},
};

uint32_t pipeline_count(void) { return (uint32_t)countof(rows); }
const pass_row *pipeline_row(uint32_t i) { return &rows[i]; }

static uint32_t row_named(const char *name, size_t n) {
    uint32_t i = 0;
    while (i < countof(rows) && !(strlen(rows[i].name) == n && !memcmp(rows[i].name, name, n))) i++;
    return i;
}

frit_status pipeline_check_name(cx *c, const char *name) {
    if (row_named(name, strlen(name)) < countof(rows)) return FRIT_OK;
    const char *names[countof(rows)];
    for (uint32_t i = 0; i < countof(rows); i++) names[i] = rows[i].name;
    const char *near = str_nearest(name, names, countof(rows));
    if (near) return FAIL(c, USAGE, NULL, "'%.80s' is not a pass; did you mean '%s'?", name, near);
    strbuf all = {.a = c->scratch};
    for (uint32_t i = 0; i < countof(rows); i++) strbuf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    return FAIL(c, USAGE, NULL, "'%.80s' is not a pass; there are %s", name, strbuf_text(&all));
}

frit_status pipeline_check_order(cx *c) {
    for (const order_row *o = orders; o->first; o++) {
        uint32_t a = row_named(o->first, strlen(o->first)), b = row_named(o->second, strlen(o->second));
        bool holds = a < b && b < countof(rows);
        if (!holds) return FAIL(c, INTERNAL, NULL, "%s must run before %s: %s", o->first, o->second, o->reason);
    }
    return FRIT_OK;
}

static frit_status run_pass(cx *c, const pass_row *row, const pipeline_options *o, graph **g) {
    TRY(cx_poll(c));
    double start = seconds_now();
    arena_mark mark = arena_save(c->scratch);
    graph *next = NULL;
    frit_status s = row->run(c, *g, &next);
    if (s == FRIT_OK && o->is_verified) {
        s = graph_verify(c, next);
        if (s != FRIT_OK) cx_prefix(c, row->name);
    }
    arena_release(c->scratch, mark);
    TRY(s);
    *g = next;
    if (o->after) o->after(o->data, row->name, next, seconds_now() - start);
    return FRIT_OK;
}

static bool is_among(const char *name, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_equal(names[i], name)) return true;
    return false;
}

static bool is_wanted(const pipeline_options *o, const char *name) {
    if (is_among(name, o->disabled, o->n_disabled)) return false;
    return !is_among(name, on_request, countof(on_request)) || is_among(name, o->requested, o->n_requested);
}

frit_status pipeline_run(cx *c, const graph *g, const pipeline_options *o, graph **out) {
    TRY(pipeline_check_order(c));
    graph *now = (graph *)(uintptr_t)g; /* passes only read it */
    for (uint32_t i = 0; i < countof(rows); i++)
        if (is_wanted(o, rows[i].name)) TRY(run_pass(c, &rows[i], o, &now));
    *out = now;
    return FRIT_OK;
}

frit_status pipeline_run_list(cx *c, const graph *g, const char *list, const pipeline_options *o, graph **out) {
    graph *now = (graph *)(uintptr_t)g;
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ", ");
        if (n) {
            char *name = arena_strndup(c->job, p, n);
            TRY(pipeline_check_name(c, name));
            TRY(run_pass(c, &rows[row_named(name, n)], o, &now));
        }
        p += n + (p[n] != 0);
    }
    *out = now;
    return FRIT_OK;
}
