/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Timelines: launches on the caller's track, and beneath them, on each thread's own, the parts that it worked on. */
#include "driver/bench_trace.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "driver/bench.h"
#include "driver/cli.h"
#include "driver/json_text.h"
#include "runtime/runtime.h"

enum { MOST_JOBS = 20000, PID = 1 };

/* --- noting --- */

typedef struct noted_job {
    thread_watch *w;
    thread_part *parts; /* NULL: there is no room */
    void (*fn)(void *data, uint32_t i);
    void *data;
} noted_job;

static void noted_part(void *data, uint32_t i) {
    const noted_job *j = data;
    double begin = seconds_now();
    j->fn(j->data, i);
    if (j->parts) j->parts[i] = (thread_part){(uintptr_t)pthread_self(), j->w->kernel, begin, seconds_now()};
}

static void parallel(void *state, uint32_t n, void (*fn)(void *data, uint32_t i), void *data) {
    thread_watch *w = state;
    noted_job j = {w, w->n_jobs < w->n_most_jobs ? w->parts + (size_t)w->n_jobs * w->face.n_threads : NULL, fn, data};
    if (j.parts) w->n_jobs++;
    w->inner->parallel(w->inner->state, n, noted_part, &j);
}

bool thread_watch_open(cx *c, uint32_t n_threads, thread_watch *out) {
    *out = (thread_watch){.n_most_jobs = MOST_JOBS, .inner = pool_create(n_threads)};
    if (!out->inner) return false;
    out->face = (frit_pool){sizeof out->face, out->inner->n_threads, out, parallel};
    out->parts = ARENA_ARRAY(c->job, thread_part, (size_t)MOST_JOBS * out->face.n_threads);
    return true;
}

void thread_watch_reset(thread_watch *w) {
    memset(w->parts, 0, (size_t)w->n_jobs * w->face.n_threads * sizeof *w->parts);
    w->n_jobs = 0;
}

void thread_watch_close(thread_watch *w) {
    if (w->inner) pool_destroy(w->inner);
    w->inner = NULL;
}

/* --- shares --- */

/* The threads of a call in the order in which they first worked; the caller is 0. */
typedef struct tracks {
    uint32_t n;
    uintptr_t *ids;
    double *busy; /* seconds */
    double begin, end;
} tracks;

static uint32_t track_of(tracks *t, uintptr_t id, uint32_t most) {
    uint32_t i = 0;
    while (i < t->n && t->ids[i] != id) i++;
    if (i == t->n && t->n < most) t->ids[t->n++] = id;
    return i < most ? i : 0;
}

static bool is_last_run(const bench *b, const span *s) { return s->run + 1 == b->spans.run; }

/* Seconds that jobs take of a launch: what is left of it the caller works on alone. */
static double in_jobs(const thread_watch *w, const span *s) {
    double sum = 0;
    for (uint32_t j = 0; w && j < w->n_jobs; j++) {
        const thread_part *first = &w->parts[(size_t)j * w->face.n_threads];
        double begin = 0, end = 0;
        for (uint32_t i = 0; i < w->face.n_threads; i++) {
            const thread_part *p = &first[i];
            if (!p->thread || p->begin < s->begin || p->end > s->end) continue;
            if (begin == 0 || p->begin < begin) begin = p->begin;
            if (p->end > end) end = p->end;
        }
        sum += end - begin;
    }
    return sum;
}

static tracks tracks_of(cx *c, const bench *b) {
    const thread_watch *w = b->spans.threads;
    uint32_t most = b->n_threads;
    tracks t = {.ids = ARENA_ARRAY(c->scratch, uintptr_t, most + 1u),
                .busy = ARENA_ARRAY(c->scratch, double, most + 1u)};
    t.ids[t.n++] = (uintptr_t)pthread_self();
    for (uint32_t i = 0; w && i < w->n_jobs * w->face.n_threads; i++) {
        const thread_part *p = &w->parts[i];
        if (p->thread) t.busy[track_of(&t, p->thread, most)] += p->end - p->begin;
    }
    for (uint32_t i = 0; i < b->spans.all.n; i++) {
        const span *s = &b->spans.all.at[i];
        if (!is_last_run(b, s)) continue;
        if (t.begin == 0) t.begin = s->begin;
        t.end = s->end;
        t.busy[0] += s->end - s->begin - in_jobs(w, s);
    }
    return t;
}

/* --- events --- */

static json_t *event(const char *phase, uint32_t track, json_t *name) {
    json_t *e = json_object();
    json_object_set_new(e, "name", name);
    json_object_set_new(e, "ph", json_string(phase));
    json_object_set_new(e, "pid", json_integer(PID));
    json_object_set_new(e, "tid", json_integer(track + 1));
    return e;
}

static void add_name(json_t *events, const char *kind, uint32_t track, json_t *name) {
    json_t *e = event("M", track, json_string(kind)), *details = json_object();
    json_object_set_new(details, "name", name);
    json_object_set_new(e, "args", details);
    json_array_append_new(events, e);
}

static json_t *work(const char *name, uint32_t track, double begin, double end, double origin, arena *a) {
    json_t *e = event("X", track, json_text(a, name));
    json_object_set_new(e, "ts", json_real((begin - origin) * 1e6));
    json_object_set_new(e, "dur", json_real((end - begin) * 1e6));
    return e;
}

static double share_of(const tracks *t, uint32_t i) {
    return t->end > t->begin ? 100 * t->busy[i] / (t->end - t->begin) : 0;
}

static const char *track_name(arena *a, const tracks *t, uint32_t i) {
    return i ? arena_printf(a, "worker %u, busy %.0f %%", i, share_of(t, i))
             : arena_printf(a, "caller, busy %.0f %%", share_of(t, i));
}

static void add_launches(cx *c, const bench *b, const tracks *t, json_t *events) {
    for (uint32_t i = 0; i < b->spans.all.n; i++) {
        const span *s = &b->spans.all.at[i];
        if (!is_last_run(b, s)) continue;
        json_t *e = work(b->kernels[s->kernel].name, 0, s->begin, s->end, t->begin, c->scratch),
               *details = json_object();
        json_object_set_new(details, "title", json_text(c->scratch, b->kernels[s->kernel].title));
        json_object_set_new(details, "flops", json_amount(bench_flops(b, s->kernel)));
        json_object_set_new(details, "bytes", json_amount(bench_bytes(b, s->kernel)));
        json_object_set_new(details, "percent_of_limit", json_amount(bench_percent_of_limit(b, s->kernel)));
        json_object_set_new(e, "args", details);
        json_array_append_new(events, e);
    }
}

static void add_parts(cx *c, const bench *b, tracks *t, json_t *events) {
    const thread_watch *w = b->spans.threads;
    for (uint32_t i = 0; w && i < w->n_jobs * w->face.n_threads; i++) {
        const thread_part *p = &w->parts[i];
        if (!p->thread) continue;
        const char *name = arena_printf(c->scratch, "part of %s", b->kernels[p->kernel].name);
        json_array_append_new(events,
                              work(name, track_of(t, p->thread, b->n_threads), p->begin, p->end, t->begin, c->scratch));
    }
}

frit_status bench_write_trace(cx *c, const bench *b, const char *path) {
    json_t *events = json_array(), *root = json_object(), *shares = json_array();
    tracks t = tracks_of(c, b);
    add_name(events, "process_name", 0, json_text(c->scratch, b->path));
    for (uint32_t i = 0; i < t.n; i++) {
        add_name(events, "thread_name", i, json_text(c->scratch, track_name(c->scratch, &t, i)));
        json_array_append_new(shares, json_real(share_of(&t, i)));
    }
    add_launches(c, b, &t, events);
    add_parts(c, b, &t, events);
    json_object_set_new(root, "traceEvents", events);
    json_object_set_new(root, "busyPercent", shares);
    char *text = json_dumps(root, JSON_REAL_PRECISION(9));
    json_decref(root);
    if (!text) return FAIL(c, MEMORY, path, "no memory for the trace");
    frit_status status = cli_write_text(c, path, text);
    free(text);
    return status;
}
