/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Titles of kernels. A core node keeps the place in the model that it comes from, and so does the graph that stood
 * before decompose: the place's operator there is what the node belongs to.
 *
 *    reduce div sub mul reduce div add sqrt div mul mul add, all of 'ln'     ->  layer_norm
 *    contract of 'fc1', add of 'fc1_bias'                                    ->  matmul + add */
#include "passes/plan/titles.h"

#include <string.h>

titles titles_of(arena *a, const graph *named) {
    titles t = {.a = a, .named = named, .first = {.a = a}};
    if (!named) return t;
    t.next = ARENA_ARRAY(a, uint32_t, named->nodes.n + 1u);
    for (uint32_t i = named->nodes.n; i-- > 0;) {
        const char *loc = named->locs.at[named->nodes.at[i].loc];
        uint32_t later;
        if (!*loc) continue;
        if (map_get_str(&t.first, loc, &later)) t.next[i] = later + 1;
        map_set_str(&t.first, loc, i);
    }
    return t;
}

static const char *shown_operator(op_code op) { return op == OP_attend ? "attention" : op_name(op); }

const char *titles_operator(const titles *t, const graph *g, const node *n) {
    const char *loc = g->locs.at[n->loc];
    uint32_t at;
    if (!t->named || !*loc || !map_get_str(&t->first, loc, &at)) return shown_operator(n->op);
    const char *model = NULL;
    for (uint32_t i = at + 1; i > 0; i = t->next[i - 1]) {
        op_code op = t->named->nodes.at[i - 1].op;
        if (op == n->op) return shown_operator(op);
        if (!op_is(op, OPF_CORE) && !model) model = op_name(op);
    }
    return model ? model : shown_operator(n->op);
}

typedef struct word {
    const char *text, *loc;
} word;

/* How often the n words at `at` follow each other at once, in all. */
static uint32_t count_runs(const word *at, uint32_t n, uint32_t n_left) {
    uint32_t runs = 1;
    for (; (runs + 1) * n <= n_left; runs++)
        for (uint32_t i = 0; i < n; i++)
            if (!str_equal(at[runs * n + i].text, at[i].text)) return runs;
    return runs;
}

/* Words joined by +, runs of equal ones counted: the longest run first, of the fewest words. */
static void join(strbuf *b, const word *words, uint32_t n) {
    for (uint32_t i = 0; i < n;) {
        uint32_t size = 1, runs = 1;
        for (uint32_t s = 1; s <= (n - i) / 2; s++) {
            uint32_t r = count_runs(words + i, s, n - i);
            if (r > 1 && r * s > runs * size) size = s, runs = r;
        }
        if (i) strbuf_add(b, " + ");
        if (runs > 1) strbuf_printf(b, size > 1 ? "%u x (" : "%u x ", runs);
        for (uint32_t k = 0; k < size; k++) strbuf_printf(b, "%s%s", k ? " + " : "", words[i + k].text);
        if (runs > 1 && size > 1) strbuf_addc(b, ')');
        i += runs * size;
    }
}

const char *titles_text(const titles *t, const graph *g, const group *gr) {
    strbuf b = {.a = t->a};
    word *words = ARENA_ARRAY(t->a, word, gr->nodes.n + 1u);
    uint32_t n_words = 0;
    const char *last = "";
    for (uint32_t i = 0; i < gr->nodes.n; i++) {
        const node *n = graph_node(g, gr->nodes.at[i]);
        word w = {titles_operator(t, g, n), g->locs.at[n->loc]};
        if (*w.loc) last = w.loc;
        bool is_said = false; /* one operator of the model is one word */
        for (uint32_t k = 0; k < n_words && *w.loc && t->named && !is_said; k++)
            is_said = str_equal(words[k].text, w.text) && str_equal(words[k].loc, w.loc);
        if (!is_said) words[n_words++] = w;
    }
    join(&b, words, n_words);
    if (*last) strbuf_printf(&b, " (%s)", last);
    return strbuf_text(&b);
}
