/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tokens of the .fir form. The text is 0-terminated and may hold anything. */
#include <ctype.h>
#include <string.h>

#include "ir/graph/graph_text.h"

frit_status fir_fail(fir_reader *r, frit_status code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    const char *text = arena_vprintf(r->c->job, fmt, ap);
    va_end(ap);
    unsigned line = 1, column = 1;
    for (const char *p = r->text; p < r->at; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    const char *where = arena_printf(r->c->job, "%s:%u:%u", r->where, line, column);
    return cx_fail(r->c, code, where, "%s", text);
}

void fir_skip(fir_reader *r) {
    for (;;) {
        while (isspace((unsigned char)*r->at)) r->at++;
        if (r->at[0] != '-' || r->at[1] != '-') return;
        while (*r->at && *r->at != '\n') r->at++;
    }
}

bool fir_take(fir_reader *r, const char *symbol) {
    fir_skip(r);
    size_t n = strlen(symbol);
    if (strncmp(r->at, symbol, n)) return false;
    r->at += n;
    return true;
}

bool fir_take_word(fir_reader *r, const char *word) {
    fir_skip(r);
    size_t n = strlen(word);
    if (strncmp(r->at, word, n) || text_is_name_char(r->at[n])) return false;
    r->at += n;
    return true;
}

frit_status fir_expect(fir_reader *r, const char *symbol) {
    if (fir_take(r, symbol)) return FRIT_OK;
    int n = 0;
    while (n < 20 && r->at[n] && !isspace((unsigned char)r->at[n])) n++;
    return fir_fail(r, FRIT_FORMAT, "expected '%s', found '%.*s'", symbol, n, r->at);
}

frit_status fir_word(fir_reader *r, const char *what, char **out) {
    fir_skip(r);
    size_t n = 0;
    while (text_is_name_char(r->at[n])) n++;
    if (n == 0) return fir_fail(r, FRIT_FORMAT, "expected %s", what);
    *out = arena_strndup(r->g->a, r->at, n);
    r->at += n;
    return FRIT_OK;
}

static int hex_digit(char ch) {
    if (ch >= '0' && ch <= '9') return ch - '0';
    if (ch >= 'a' && ch <= 'f') return ch - 'a' + 10;
    return ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
}

/* One escape after the backslash. */
static frit_status read_escape(fir_reader *r, strbuf *b) {
    char ch = *r->at;
    if (ch == '"' || ch == '\\') {
        strbuf_addc(b, ch);
        r->at++;
        return FRIT_OK;
    }
    int hi = ch == 'x' ? hex_digit(r->at[1]) : -1, lo = hi >= 0 ? hex_digit(r->at[2]) : -1;
    if (lo < 0 || (hi == 0 && lo == 0)) return fir_fail(r, FRIT_FORMAT, "unknown escape in a string");
    strbuf_addc(b, (char)(hi * 16 + lo));
    r->at += 3;
    return FRIT_OK;
}

frit_status fir_string(fir_reader *r, char **out) {
    TRY(fir_expect(r, "\""));
    strbuf b = {.a = r->g->a};
    while (*r->at != '"') {
        if (!*r->at) return fir_fail(r, FRIT_FORMAT, "a string is not closed");
        if (*r->at != '\\') {
            strbuf_addc(&b, *r->at++);
            continue;
        }
        r->at++;
        TRY(read_escape(r, &b));
    }
    r->at++;
    *out = arena_strdup(r->g->a, strbuf_text(&b));
    return FRIT_OK;
}

frit_status fir_name(fir_reader *r, const char *what, char **out) {
    fir_skip(r);
    return *r->at == '"' ? fir_string(r, out) : fir_word(r, what, out);
}

frit_status fir_number(fir_reader *r, char **out) {
    fir_skip(r);
    const char *p = r->at;
    if (*p == '-' || *p == '+') p++;
    while (isalnum((unsigned char)*p) || (*p == '.' && p[1] != '.') ||
           ((*p == '-' || *p == '+') && (p[-1] | 32) == 'e'))
        p++;
    if (p == r->at) return fir_fail(r, FRIT_FORMAT, "expected a number");
    *out = arena_strndup(r->g->a, r->at, (size_t)(p - r->at));
    r->at = p;
    return FRIT_OK;
}

frit_status fir_int(fir_reader *r, int64_t *out) {
    const char *start = r->at;
    char *text = NULL;
    TRY(fir_number(r, &text));
    if (str_parse_i64(text, out)) return FRIT_OK;
    r->at = start;
    return fir_fail(r, FRIT_FORMAT, "'%.40s' is not an integer of 64 bits", text);
}

frit_status fir_f64(fir_reader *r, double *out) {
    const char *start = r->at;
    char *text = NULL;
    TRY(fir_number(r, &text));
    if (str_parse_f64(text, out)) return FRIT_OK;
    r->at = start;
    return fir_fail(r, FRIT_FORMAT, "'%.40s' is not a number", text);
}

frit_status fir_dim(fir_reader *r, dim *out) {
    fir_skip(r);
    const char *start = r->at;
    cx inner = {.job = r->c->job, .scratch = r->c->scratch};
    if (dim_parse(&inner, r->g->dims, &r->at, out) != FRIT_OK) {
        r->at = start;
        return fir_fail(r, inner.status, "%s", inner.message ? inner.message : "not a dim");
    }
    if (*out == DIM_BAD) return fir_fail(r, FRIT_RANGE, "the dim overflows 64 bits");
    return FRIT_OK;
}

frit_status fir_dtype(fir_reader *r, dtype *out) {
    fir_skip(r);
    const char *start = r->at;
    char *word = NULL;
    TRY(fir_word(r, "an element type", &word));
    if (dtype_parse(word, out) && *out != FRIT_DT_NONE) return FRIT_OK;
    r->at = start;
    return fir_fail(r, FRIT_FORMAT, "'%.40s' is not an element type", word);
}

frit_status fir_type(fir_reader *r, tensor_type *out) {
    *out = (tensor_type){0};
    TRY(fir_dtype(r, &out->dt));
    dim *shape = ARENA_ARRAY(r->g->a, dim, MAX_RANK);
    out->shape = shape;
    if (!fir_take(r, "[")) return FRIT_OK;
    while (!fir_take(r, "]")) {
        if (out->rank == MAX_RANK) return fir_fail(r, FRIT_SHAPE, "more than %d axes", MAX_RANK);
        if (out->rank) TRY(fir_expect(r, ","));
        dim d = DIM_BAD;
        TRY(fir_dim(r, &d));
        if (dim_lt(r->g->dims, d, dim_const(r->g->dims, 0)))
            return fir_fail(r, FRIT_RANGE, "a size is negative: %s", dim_text(r->g->a, r->g->dims, d));
        shape[out->rank++] = d;
    }
    return FRIT_OK;
}
