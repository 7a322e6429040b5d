/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The text form of dims. Precedence: a sum of products; floordiv, ceildiv and mod bind like *, left to right. A name
 * that is no identifier, or a word of the language, stands in double quotes. */
#include <ctype.h>
#include <string.h>

#include "ir/dim/dim_impl.h"

static const char *const words[] = {"floordiv", "ceildiv", "mod", "min", "max"};

static bool is_name_start(char ch) { return isalpha((unsigned char)ch) || ch == '_'; }
static bool is_name_char(char ch) { return isalnum((unsigned char)ch) || ch == '_' || ch == '.'; }

static bool is_plain(const char *name) {
    for (size_t i = 0; i < countof(words); i++)
        if (strcmp(name, words[i]) == 0) return false;
    if (!is_name_start(name[0])) return false;
    while (is_name_char(*name)) name++;
    return *name == 0;
}

static void print_name(strbuf *b, const char *name) {
    if (is_plain(name)) {
        strbuf_add(b, name);
        return;
    }
    strbuf_addc(b, '"');
    for (; *name; name++) {
        if (*name == '"' || *name == '\\') strbuf_addc(b, '\\');
        strbuf_addc(b, *name);
    }
    strbuf_addc(b, '"');
}

static void print_in(strbuf *b, const dim_table *t, dim d, bool parens) {
    if (parens) strbuf_addc(b, '(');
    dim_print(b, t, d);
    if (parens) strbuf_addc(b, ')');
}

static bool is_division(dim_kind k) { return k == DIM_FLOORDIV || k == DIM_MOD; }

static void print_product(strbuf *b, const dim_table *t, dim d, int64_t coef) {
    bool first = coef == 1 || coef == -1;
    if (coef == -1) strbuf_addc(b, '-');
    if (!first) strbuf_printf(b, "%lld", (long long)coef);
    for (uint32_t i = 0; i < dim_at(t, d)->n_args; i++) {
        dim x = dim_args(t, d)[i];
        if (!first) strbuf_addc(b, '*');
        first = false;
        print_in(b, t, x, is_division(dim_kind_of(t, x)));
    }
}

/* A term after the first: its sign, then its size. */
static void print_next_term(strbuf *b, const dim_table *t, dim d) {
    const dim_node *x = dim_at(t, d);
    bool negative = (x->kind == DIM_CONST || x->kind == DIM_PRODUCT) && x->value < 0 && x->value != INT64_MIN;
    strbuf_add(b, negative ? " - " : " + ");
    if (!negative)
        dim_print(b, t, d);
    else if (x->kind == DIM_CONST)
        strbuf_printf(b, "%lld", -(long long)x->value);
    else
        print_product(b, t, d, -x->value);
}

static void print_division(strbuf *b, const dim_table *t, dim d, const char *word) {
    const dim *args = dim_args(t, d);
    dim_kind left = dim_kind_of(t, args[0]), right = dim_kind_of(t, args[1]);
    print_in(b, t, args[0], left == DIM_SUM || is_division(left) || left == DIM_PRODUCT);
    strbuf_printf(b, " %s ", word);
    print_in(b, t, args[1], right == DIM_SUM || is_division(right) || right == DIM_PRODUCT);
}

static void print_call(strbuf *b, const dim_table *t, dim d, const char *word) {
    strbuf_printf(b, "%s(", word);
    for (uint32_t i = 0; i < dim_at(t, d)->n_args; i++) {
        if (i > 0) strbuf_add(b, ", ");
        dim_print(b, t, dim_args(t, d)[i]);
    }
    strbuf_addc(b, ')');
}

void dim_print(strbuf *b, const dim_table *t, dim d) {
    if (d == DIM_BAD) {
        strbuf_add(b, "bad");
        return;
    }
    const dim_node *x = dim_at(t, d);
    switch ((dim_kind)x->kind) {
    case DIM_CONST:
        strbuf_printf(b, "%lld", (long long)x->value);
        return;
    case DIM_SYM:
        print_name(b, t->syms.at[x->value]->name);
        return;
    case DIM_PRODUCT:
        print_product(b, t, d, x->value);
        return;
    case DIM_FLOORDIV:
        print_division(b, t, d, "floordiv");
        return;
    case DIM_MOD:
        print_division(b, t, d, "mod");
        return;
    case DIM_MIN:
        print_call(b, t, d, "min");
        return;
    case DIM_MAX:
        print_call(b, t, d, "max");
        return;
    case DIM_SUM:
        break;
    }
    dim_print(b, t, dim_args(t, d)[0]);
    for (uint32_t i = 1; i < x->n_args; i++) print_next_term(b, t, dim_args(t, d)[i]);
}

const char *dim_text(arena *a, const dim_table *t, dim d) {
    strbuf b = {.a = a};
    dim_print(&b, t, d);
    return strbuf_text(&b);
}

/* --- parsing --- */

#define MAX_DEPTH 100

typedef struct dim_parser {
    cx *c;
    dim_table *t;
    const char *start, *at;
    int depth;
} dim_parser;

static frit_status parse_sum(dim_parser *p, dim *out);

static void skip_space(dim_parser *p) {
    while (isspace((unsigned char)*p->at)) p->at++;
}

static frit_status syntax(dim_parser *p, const char *what) {
    return FAIL(p->c, FORMAT, NULL, "dim expression: %s at '%.24s'", what, p->at);
}

static bool take_char(dim_parser *p, char ch) {
    skip_space(p);
    if (*p->at != ch) return false;
    p->at++;
    return true;
}

static bool take_word(dim_parser *p, const char *word) {
    skip_space(p);
    size_t n = strlen(word);
    if (strncmp(p->at, word, n) != 0 || is_name_char(p->at[n])) return false;
    p->at += n;
    return true;
}

static frit_status parse_number(dim_parser *p, dim *out) {
    size_t n = 0;
    while (isdigit((unsigned char)p->at[n])) n++;
    int64_t v;
    if (!str_parse_i64(arena_strndup(p->c->scratch, p->at, n), &v)) return syntax(p, "a number out of range");
    p->at += n;
    *out = dim_const(p->t, v);
    return FRIT_OK;
}

static frit_status parse_quoted(dim_parser *p, dim *out) {
    strbuf name = {.a = p->c->scratch};
    for (p->at++; *p->at && *p->at != '"'; p->at++) {
        if (*p->at == '\\' && p->at[1]) p->at++;
        strbuf_addc(&name, *p->at);
    }
    if (*p->at != '"') return syntax(p, "a quote without its end");
    p->at++;
    if (name.n == 0) return syntax(p, "an empty name");
    *out = dim_sym(p->t, strbuf_text(&name));
    return FRIT_OK;
}

static frit_status parse_name(dim_parser *p, dim *out) {
    size_t n = 0;
    while (is_name_char(p->at[n])) n++;
    *out = dim_sym(p->t, arena_strndup(p->c->scratch, p->at, n));
    p->at += n;
    return FRIT_OK;
}

/* The operands of min or max, the word itself taken. */
static frit_status parse_call(dim_parser *p, dim_kind kind, dim *out) {
    if (!take_char(p, '(')) return syntax(p, "expected (");
    TRY(parse_sum(p, out));
    while (take_char(p, ',')) {
        dim next;
        TRY(parse_sum(p, &next));
        *out = kind == DIM_MIN ? dim_min(p->t, *out, next) : dim_max(p->t, *out, next);
    }
    return take_char(p, ')') ? FRIT_OK : syntax(p, "expected , or )");
}

static frit_status parse_factor(dim_parser *p, dim *out) {
    skip_space(p);
    if (take_char(p, '-')) {
        if (p->depth > MAX_DEPTH) return syntax(p, "nested too deep");
        p->depth++;
        TRY(parse_factor(p, out));
        p->depth--;
        *out = dim_sub(p->t, DIM_ZERO, *out);
        return FRIT_OK;
    }
    if (take_char(p, '(')) {
        TRY(parse_sum(p, out));
        return take_char(p, ')') ? FRIT_OK : syntax(p, "expected )");
    }
    if (isdigit((unsigned char)*p->at)) return parse_number(p, out);
    if (*p->at == '"') return parse_quoted(p, out);
    if (take_word(p, "min")) return parse_call(p, DIM_MIN, out);
    if (take_word(p, "max")) return parse_call(p, DIM_MAX, out);
    if (is_name_start(*p->at)) return parse_name(p, out);
    return syntax(p, "expected a number, name or (");
}

typedef dim binary_fn(dim_table *t, dim a, dim b);

static binary_fn *take_product_operator(dim_parser *p) {
    if (take_char(p, '*')) return dim_mul;
    if (take_word(p, "floordiv")) return dim_floordiv;
    if (take_word(p, "ceildiv")) return dim_ceildiv;
    if (take_word(p, "mod")) return dim_mod;
    return NULL;
}

static frit_status parse_product(dim_parser *p, dim *out) {
    TRY(parse_factor(p, out));
    for (binary_fn *apply; (apply = take_product_operator(p));) {
        dim next;
        TRY(parse_factor(p, &next));
        *out = apply(p->t, *out, next);
    }
    return FRIT_OK;
}

static frit_status parse_sum(dim_parser *p, dim *out) {
    if (p->depth > MAX_DEPTH) return syntax(p, "nested too deep");
    p->depth++;
    TRY(parse_product(p, out));
    for (;;) {
        const char *before = p->at;
        bool minus = take_char(p, '-');
        if (!minus && !take_char(p, '+')) {
            p->at = before;
            break;
        }
        dim next;
        TRY(parse_product(p, &next));
        *out = minus ? dim_sub(p->t, *out, next) : dim_add(p->t, *out, next);
    }
    p->depth--;
    return FRIT_OK;
}

frit_status dim_parse(cx *c, dim_table *t, const char **cursor, dim *out) {
    dim_parser p = {.c = c, .t = t, .start = *cursor, .at = *cursor};
    TRY(parse_sum(&p, out));
    if (*out == DIM_BAD)
        return FAIL(c, RANGE, NULL, "dim expression '%.40s' divides by zero or leaves the 64-bit range",
                    arena_strndup(c->scratch, *cursor, (size_t)(p.at - *cursor)));
    *cursor = p.at;
    return FRIT_OK;
}
