/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text: a builder on an arena, number parsing that refuses junk, and 'did you mean'. */
#ifndef FRIT_BASE_STR_H
#define FRIT_BASE_STR_H

#include <stdbool.h>

#include "base/arena.h"

/* A growing, always 0-terminated text. Zero-initialise with the arena set: strbuf b = {.a = arena}. */
typedef struct strbuf {
    arena *a;
    char *at; /* NULL until the first append; use strbuf_text */
    size_t n, cap;
} strbuf;

void strbuf_printf(strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_add(strbuf *b, const char *s);
void strbuf_addn(strbuf *b, const char *s, size_t n);
void strbuf_addc(strbuf *b, char c);
const char *strbuf_text(const strbuf *b); /* never NULL */

bool str_parse_i64(const char *s, int64_t *out); /* whole string, decimal or 0x; false on junk or overflow */
bool str_parse_f64(const char *s, double *out);
bool str_equal(const char *a, const char *b); /* NULL equals NULL only */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* The candidate nearest to word by edit distance when near enough to suggest (at most a third of its length), else
 * NULL. */
const char *str_nearest(const char *word, const char *const *candidates, size_t n);
/* "a, b, c", the first few of many. */
const char *str_list(arena *a, const char *const *words, size_t n);
/* word with every character outside [A-Za-z0-9._-] replaced by '_': output file names, symbol names. */
char *str_sanitize(arena *a, const char *word);
/* Shortest decimal text that reads back as exactly x ("1", "0.1", "1e-05", "inf", "nan"). */
/* Makes of text from a file one line that steers no terminal: control characters and what is not UTF-8 become '?'. */
char *str_printable(char *text);
char *str_from_f64(arena *a, double x);
char *str_from_f32(arena *a, float x); /* that rounds to exactly x in f32 */

#endif
