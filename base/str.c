/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text building and parsing. Numbers are read and written in the C locale whatever the host program has set. */
#define _GNU_SOURCE /* strtod_l */
#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(strbuf *b, size_t extra) {
    size_t need = b->n + extra + 1;
    if (need <= b->cap) return;
    size_t cap = b->cap ? b->cap * 2 : 64;
    if (cap < need) cap = need;
    b->at = arena_grow(b->a, b->at, b->cap, cap);
    b->cap = cap;
}

void strbuf_printf(strbuf *b, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n > 0) {
        reserve(b, (size_t)n);
        vsnprintf(b->at + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

void strbuf_addn(strbuf *b, const char *s, size_t n) {
    if (!n) return;
    reserve(b, n);
    memcpy(b->at + b->n, s, n);
    b->n += n;
    b->at[b->n] = 0;
}

void strbuf_add(strbuf *b, const char *s) { strbuf_addn(b, s, strlen(s)); }

void strbuf_addc(strbuf *b, char c) { strbuf_addn(b, &c, 1); }

const char *strbuf_text(const strbuf *b) { return b->at ? b->at : ""; }

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* glibc hands out its built-in object for "C": nothing is allocated and nothing needs freeing. */
static locale_t c_locale(void) { return newlocale(LC_ALL_MASK, "C", (locale_t)0); }

bool str_parse_i64(const char *s, int64_t *out) {
    const char *digits = s + (*s == '-' || *s == '+');
    bool is_hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    if (is_space(*s) || digits[0] < '0' || digits[0] > '9') return false;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, is_hex ? 16 : 10);
    if (errno || end == s || *end) return false;
    *out = v;
    return true;
}

bool str_parse_f64(const char *s, double *out) {
    if (is_space(*s)) return false;
    char *end;
    double v = strtod_l(s, &end, c_locale());
    if (end == s || *end) return false;
    *out = v;
    return true;
}

bool str_equal(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

bool str_starts(const char *s, const char *prefix) { return strncmp(s, prefix, strlen(prefix)) == 0; }

bool str_ends(const char *s, const char *suffix) {
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

enum { LONGEST_WORD = 64 }; /* longer words get no suggestion */

static size_t min_of(size_t a, size_t b) { return a < b ? a : b; }

/* Levenshtein distance, one row at a time; both at most LONGEST_WORD long. */
static size_t edit_distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b), row[LONGEST_WORD + 1];
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = min_of(change, min_of(row[j], row[j - 1]) + 1);
        }
    }
    return row[m];
}

const char *str_nearest(const char *word, const char *const *candidates, size_t n) {
    size_t length = strlen(word);
    if (length > LONGEST_WORD) return NULL;
    size_t best = length / 3 + (length < 3) + 1; /* short words: one letter may differ */
    const char *nearest = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!candidates[i] || strlen(candidates[i]) > LONGEST_WORD) continue;
        size_t d = edit_distance(word, candidates[i]);
        if (d < best) best = d, nearest = candidates[i];
    }
    return nearest;
}

const char *str_list(arena *a, const char *const *words, size_t n) {
    enum { MOST_LISTED = 20 };
    if (n == 0) return "none";
    strbuf b = {.a = a};
    for (size_t i = 0; i < n && i < MOST_LISTED; i++) strbuf_printf(&b, "%s%s", i ? ", " : "", words[i]);
    if (n > MOST_LISTED) strbuf_add(&b, ", ...");
    return strbuf_text(&b);
}

char *str_sanitize(arena *a, const char *word) {
    char *s = arena_strdup(a, word);
    for (char *p = s; *p; p++) {
        char c = *p;
        bool keep = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("._-", c);
        if (!keep) *p = '_';
    }
    return s;
}

/* Bytes of the UTF-8 character at p (RFC 3629: no overlong forms, surrogates or values past 10FFFF), 0 when there is
 * none. */
static size_t utf8_length(const unsigned char *p) {
    if (p[0] < 0x80) return 1;
    size_t n = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    bool is_wrong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
                    (p[0] == 0xf4 && p[1] > 0x8f);
    return is_wrong ? 0 : n;
}

/* C0 and C1 control characters, delete, and Unicode's own ends of lines. */
static bool is_control(const unsigned char *p) {
    return p[0] < ' ' || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0) ||
           (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9));
}

char *str_printable(char *text) {
    for (unsigned char *p = (unsigned char *)text; *p;) {
        size_t n = utf8_length(p);
        if (n == 0 || is_control(p)) memset(p, '?', n + !n);
        p += n + !n;
    }
    return text;
}

static char *shortest(arena *a, double x, bool as_f32) {
    if (isnan(x)) return arena_strdup(a, "nan");
    if (isinf(x)) return arena_strdup(a, x < 0 ? "-inf" : "inf");
    locale_t host = uselocale(c_locale());
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        double back = strtod(text, NULL);
        if (back == x || (as_f32 && (float)back == (float)x)) break;
    }
    uselocale(host);
    return arena_strdup(a, text);
}

char *str_from_f64(arena *a, double x) { return shortest(a, x, false); }
char *str_from_f32(arena *a, float x) { return shortest(a, (double)x, true); }
