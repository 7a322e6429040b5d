/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The cursor of the kernel reader: blanks, words, names, numbers, dims, and finding what is declared. */
#include "ir/kernel/kernel_parse.h"

#include <stdlib.h>
#include <string.h>

frit_status kparse_fail(kparser *p, const char *fmt, ...) {
    int n = 1;
    for (const char *s = p->start; s < p->at; s++) n += *s == '\n';
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(p->c->scratch, fmt, ap);
    va_end(ap);
    return FAIL(p->c, FORMAT, p->where, "line %d: %s at '%.24s'", n, text, p->at);
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool kparse_is_name(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

/* White space, and comments from "--" to the end of the line. */
void kparse_space(kparser *p) {
    for (;;) {
        if (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r')
            p->at++;
        else if (p->at[0] == '-' && p->at[1] == '-')
            p->at += strcspn(p->at, "\n");
        else
            return;
    }
}

bool kparse_peek(kparser *p, const char *text) {
    kparse_space(p);
    return !strncmp(p->at, text, strlen(text));
}

bool kparse_take(kparser *p, const char *text) {
    if (!kparse_peek(p, text)) return false;
    p->at += strlen(text);
    return true;
}

bool kparse_word(kparser *p, const char *word) {
    if (!kparse_peek(p, word) || kparse_is_name(p->at[strlen(word)])) return false;
    p->at += strlen(word);
    return true;
}

frit_status kparse_expect(kparser *p, const char *text) {
    return kparse_take(p, text) ? FRIT_OK : kparse_fail(p, "expected '%s'", text);
}

frit_status kparse_name(kparser *p, const char **out) {
    kparse_space(p);
    if (!is_letter(*p->at)) return kparse_fail(p, "expected a name");
    size_t n = 0;
    while (kparse_is_name(p->at[n])) n++;
    *out = arena_strndup(p->c->scratch, p->at, n);
    p->at += n;
    return FRIT_OK;
}

frit_status kparse_i64(kparser *p, int64_t *out) {
    kparse_space(p);
    size_t n = *p->at == '-';
    while (p->at[n] >= '0' && p->at[n] <= '9') n++;
    if (!str_parse_i64(arena_strndup(p->c->scratch, p->at, n), out)) return kparse_fail(p, "expected a number");
    p->at += n;
    return FRIT_OK;
}

frit_status kparse_u32(kparser *p, uint32_t *out) {
    int64_t v;
    TRY(kparse_i64(p, &v));
    if (v < 0 || v > INT32_MAX) return kparse_fail(p, "number out of range");
    *out = (uint32_t)v;
    return FRIT_OK;
}

frit_status kparse_dtype(kparser *p, dtype *out) {
    const char *name;
    TRY(kparse_name(p, &name));
    return dtype_parse(name, out) ? FRIT_OK : kparse_fail(p, "'%s' is no dtype", name);
}

frit_status kparse_dim(kparser *p, dim *out) {
    TRY(dim_parse(p->c, p->k->dims, &p->at, out));
    if (*out == DIM_BAD) return kparse_fail(p, "a dim that cannot be computed");
    if (dim_n_syms(p->k->dims) > p->n_syms)
        return kparse_fail(p, "symbol '%s' is not declared", dim_sym_info(p->k->dims, p->n_syms)->name);
    return FRIT_OK;
}

frit_status kparse_dims(kparser *p, uint32_t n, dim *out) {
    for (uint32_t i = 0; i < n; i++) {
        if (i) TRY(kparse_expect(p, ","));
        TRY(kparse_dim(p, &out[i]));
    }
    return FRIT_OK;
}

bool kparse_find_buffer(const kparser *p, const char *name, buf_id *out) {
    for (*out = 0; *out < p->k->bufs.n; ++*out)
        if (!strcmp(p->k->bufs.at[*out].name, name)) return true;
    return false;
}

bool kparse_find_def(const kparser *p, const char *name, def_id *out) {
    for (*out = 0; *out < p->k->defs.n; ++*out)
        if (!strcmp(p->k->defs.at[*out].name, name)) return true;
    return false;
}

bool kparse_find_acc(const kparser *p, const char *name, acc_id *out) {
    for (*out = 0; *out < p->k->accs.n; ++*out)
        if (!strcmp(p->k->accs.at[*out].name, name)) return true;
    return false;
}

bool kparse_find_let(const kparser *p, const char *name, let_id *out) {
    for (*out = 0; *out < p->k->lets.n; ++*out)
        if (!strcmp(p->k->lets.at[*out].name, name)) return true;
    return false;
}

/* A name of dims, quoted where it is no identifier. */
frit_status kparse_sym_name(kparser *p, const char **out) {
    kparse_space(p);
    strbuf b = {.a = p->k->a};
    if (*p->at == '"') {
        for (p->at++; *p->at && *p->at != '"'; p->at++) {
            if (*p->at == '\\' && p->at[1]) p->at++;
            strbuf_addc(&b, *p->at);
        }
        TRY(kparse_expect(p, "\""));
    } else {
        while (kparse_is_name(*p->at) || *p->at == '.') strbuf_addc(&b, *p->at++);
    }
    if (!b.n) return kparse_fail(p, "expected the name of a symbol");
    *out = strbuf_text(&b);
    return FRIT_OK;
}

/* The id of a symbol that is declared already and is an axis. */
frit_status kparse_axis(kparser *p, sym_id *out) {
    const char *name;
    TRY(kparse_sym_name(p, &name));
    if (!dim_sym_find(p->k->dims, name, out)) return kparse_fail(p, "axis '%s' is not declared", name);
    if (dim_sym_info(p->k->dims, *out)->kind != SYM_AXIS) return kparse_fail(p, "'%s' is no axis", name);
    return FRIT_OK;
}

frit_status kparse_combiner(kparser *p, combiner *out) {
    const char *name;
    TRY(kparse_name(p, &name));
    if (!combiner_parse(name, out) || *out == COMBINE_NONE) return kparse_fail(p, "'%s' is no combiner", name);
    return FRIT_OK;
}
