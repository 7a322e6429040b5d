/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parser of einsum equations; see einsum.h for the labels. Spaces are ignored anywhere. */
#include "ir/op/einsum.h"

#include <string.h>

typedef struct term_text {
    char letters[MAX_RANK + 1]; /* 0-terminated */
    uint32_t n;
    int ellipsis; /* index of the letter that "..." stands before, -1 none */
} term_text;

static frit_status fail(cx *c, const char *equation, const char *what) {
    return FAIL(c, FORMAT, NULL, "einsum \"%.200s\": %s", equation, what);
}

static bool is_letter(char x) { return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z'); }
static uint8_t label_of(char x) { return (uint8_t)(x <= 'Z' ? x - 'A' : x - 'a' + 26); }

/* Reads up to ',', '-' or the end. */
static frit_status read_term(cx *c, const char *equation, const char **p, term_text *t) {
    *t = (term_text){.ellipsis = -1};
    for (; **p && **p != ',' && **p != '-'; ++*p) {
        if (**p == ' ' || **p == '\t') continue;
        if (!strncmp(*p, "...", 3)) {
            if (t->ellipsis >= 0) return fail(c, equation, "two \"...\" in one term");
            t->ellipsis = (int)t->n;
            *p += 2;
            continue;
        }
        if (!is_letter(**p)) return fail(c, equation, "labels are letters");
        if (t->n == MAX_RANK) return fail(c, equation, "a term has too many labels");
        t->letters[t->n++] = **p;
    }
    return FRIT_OK;
}

/* Labels of a term whose "..." stands for n_dots axes. */
static void expand(const term_text *t, uint32_t n_dots, einsum_term *out) {
    out->rank = 0;
    for (uint32_t i = 0; i <= t->n; i++) {
        if ((int)i == t->ellipsis)
            for (uint32_t k = 0; k < n_dots; k++)
                out->labels[out->rank++] = (uint8_t)(EINSUM_ELLIPSIS + n_dots - 1 - k);
        if (i < t->n) out->labels[out->rank++] = label_of(t->letters[i]);
    }
}

static void implicit_output(const einsum_spec *s, uint32_t n_dots, einsum_term *out) {
    uint32_t count[EINSUM_LABELS] = {0};
    for (uint32_t i = 0; i < s->n_in; i++)
        for (uint32_t k = 0; k < s->in[i].rank; k++) count[s->in[i].labels[k]]++;
    out->rank = 0;
    for (uint32_t k = n_dots; k-- > 0;) out->labels[out->rank++] = (uint8_t)(EINSUM_ELLIPSIS + k);
    for (uint8_t l = 0; l < EINSUM_ELLIPSIS && out->rank < MAX_RANK; l++)
        if (count[l] == 1) out->labels[out->rank++] = l;
}

static frit_status check_output(cx *c, const char *equation, const einsum_spec *s) {
    bool known[EINSUM_LABELS] = {false}, seen[EINSUM_LABELS] = {false};
    for (uint32_t i = 0; i < s->n_in; i++)
        for (uint32_t k = 0; k < s->in[i].rank; k++) known[s->in[i].labels[k]] = true;
    for (uint32_t k = 0; k < s->out.rank; k++) {
        uint8_t l = s->out.labels[k];
        if (seen[l]) return fail(c, equation, "the output repeats a label");
        if (!known[l]) return fail(c, equation, "the output has a label that no operand has");
        seen[l] = true;
    }
    return FRIT_OK;
}

static frit_status read_inputs(cx *c, const char *equation, const char **p, const uint32_t *ranks, einsum_spec *s,
                               uint32_t *out_dots) {
    for (uint32_t i = 0; i < s->n_in; i++) {
        term_text t;
        TRY(read_term(c, equation, p, &t));
        bool fits = t.ellipsis >= 0 ? t.n <= ranks[i] : t.n == ranks[i];
        if (!fits || ranks[i] > MAX_RANK)
            return FAIL(c, SHAPE, NULL, "einsum \"%.200s\": operand %u has rank %u, its term has %u labels", equation,
                        i, ranks[i], t.n);
        uint32_t dots = ranks[i] - t.n;
        if (t.ellipsis >= 0 && dots > *out_dots) *out_dots = dots;
        expand(&t, dots, &s->in[i]);
        bool is_last = i + 1 == s->n_in;
        if (!is_last && **p != ',') return fail(c, equation, "has fewer terms than operands");
        if (!is_last) ++*p;
    }
    return **p == ',' ? fail(c, equation, "has more terms than operands") : FRIT_OK;
}

frit_status einsum_parse(cx *c, arena *a, const char *equation, uint32_t n_in, const uint32_t *ranks,
                         einsum_spec *out) {
    *out = (einsum_spec){.n_in = n_in, .in = ARENA_ARRAY(a, einsum_term, n_in)};
    const char *p = equation;
    uint32_t dots = 0;
    TRY(read_inputs(c, equation, &p, ranks, out, &dots));
    if (*p == 0) {
        implicit_output(out, dots, &out->out);
        return FRIT_OK;
    }
    if (p[0] != '-' || p[1] != '>') return fail(c, equation, "expected \"->\"");
    p += 2;
    term_text t;
    TRY(read_term(c, equation, &p, &t));
    if (*p) return fail(c, equation, "text after the output");
    if (t.n + (t.ellipsis >= 0 ? dots : 0) > MAX_RANK) return fail(c, equation, "the output has too many axes");
    expand(&t, t.ellipsis >= 0 ? dots : 0, &out->out);
    return check_output(c, equation, out);
}
