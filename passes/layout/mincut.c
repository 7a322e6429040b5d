/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Maximum flow by Dinic's method: breadth-first levels from the source, then blocking flows along them by walking edge
 * by edge, without recursion. */
#include "passes/layout/mincut.h"

#include <string.h>

void cut_init(cut_graph *g, arena *a) {
    *g = (cut_graph){.a = a};
    for (uint32_t i = 0; i < CUT_FIRST_FREE; i++) cut_vertex(g);
}

uint32_t cut_vertex(cut_graph *g) {
    vec_push(g->a, g->first, UINT32_MAX);
    return g->first.n - 1;
}

static void half_edge(cut_graph *g, uint32_t from, uint32_t to, int64_t capacity) {
    const cut_edge e = {.to = to, .next = g->first.at[from], .left = capacity};
    g->first.at[from] = g->edges.n;
    vec_push(g->a, g->edges, e);
}

void cut_edge_add(cut_graph *g, uint32_t from, uint32_t to, int64_t capacity) {
    if (from == to || capacity <= 0) return;
    half_edge(g, from, to, capacity < CUT_NEVER ? capacity : CUT_NEVER);
    half_edge(g, to, from, 0);
}

/* One run's side arrays. */
typedef struct flow {
    cut_graph *g;
    uint32_t *level; /* vertex -> distance from the source, UINT32_MAX unreached */
    uint32_t *at;    /* vertex -> next edge to try in this round */
    uint32_t *path;  /* edges walked */
    uint32_t *queue;
} flow;

/* Levels from `root` along edges with capacity left: forwards, or backwards into the root. */
static void find_levels(flow *f, uint32_t root, bool backwards) {
    cut_graph *g = f->g;
    uint32_t n = 0, done = 0;
    memset(f->level, 0xff, g->first.n * sizeof *f->level);
    f->level[root] = 0;
    f->queue[n++] = root;
    while (done < n) {
        uint32_t v = f->queue[done++];
        for (uint32_t e = g->first.at[v]; e != UINT32_MAX; e = g->edges.at[e].next) {
            uint32_t w = g->edges.at[e].to;
            bool is_open = g->edges.at[backwards ? e ^ 1u : e].left > 0;
            if (!is_open || f->level[w] != UINT32_MAX) continue;
            f->level[w] = f->level[v] + 1;
            f->queue[n++] = w;
        }
    }
}

static void push_path(flow *f, uint32_t n) {
    cut_graph *g = f->g;
    int64_t least = CUT_NEVER;
    for (uint32_t i = 0; i < n; i++)
        if (g->edges.at[f->path[i]].left < least) least = g->edges.at[f->path[i]].left;
    for (uint32_t i = 0; i < n; i++) {
        g->edges.at[f->path[i]].left -= least;
        g->edges.at[f->path[i] ^ 1u].left += least;
    }
}

/* Fills every shortest path: walks forward along the levels, and back where an end is dead. */
static void block(flow *f) {
    cut_graph *g = f->g;
    uint32_t v = CUT_SOURCE, n = 0;
    memcpy(f->at, g->first.at, g->first.n * sizeof *f->at);
    for (;;) {
        if (v == CUT_SINK) {
            push_path(f, n);
            v = CUT_SOURCE;
            n = 0;
            continue;
        }
        uint32_t e = f->at[v];
        if (e == UINT32_MAX) {
            if (n == 0) return;
            v = g->edges.at[f->path[--n] ^ 1u].to;
            f->at[v] = g->edges.at[f->at[v]].next;
            continue;
        }
        uint32_t w = g->edges.at[e].to;
        if (g->edges.at[e].left > 0 && f->level[w] == f->level[v] + 1) {
            f->path[n++] = e;
            v = w;
        } else {
            f->at[v] = g->edges.at[e].next;
        }
    }
}

const bool *cut_solve(cut_graph *g) {
    const uint32_t n = g->first.n;
    flow f = {.g = g};
    f.level = ARENA_ARRAY(g->a, uint32_t, n);
    f.at = ARENA_ARRAY(g->a, uint32_t, n);
    f.path = ARENA_ARRAY(g->a, uint32_t, n);
    f.queue = ARENA_ARRAY(g->a, uint32_t, n);
    for (;;) {
        find_levels(&f, CUT_SOURCE, false);
        if (f.level[CUT_SINK] == UINT32_MAX) break;
        block(&f);
    }
    find_levels(&f, CUT_SINK, true);
    bool *is_sink = ARENA_ARRAY(g->a, bool, n);
    for (uint32_t i = 0; i < n; i++) is_sink[i] = i != CUT_SOURCE && f.level[i] != UINT32_MAX;
    return is_sink;
}
