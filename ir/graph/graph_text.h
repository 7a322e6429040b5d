/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the printer and the parser of .fir share. Private to ir/graph/graph_text.c, ir/graph_parse*.c, ir/op/ir_doc.c
 * and the tracer, which takes attributes as text. */
#ifndef FRIT_IR_GRAPH_TEXT_H
#define FRIT_IR_GRAPH_TEXT_H

#include "ir/graph/graph.h"

/* Names are letters, digits, _ and . and begin with a letter or _; any other text stands in double quotes, in which
 * \" \\ and \xHH are escapes. */
static inline bool text_is_name_char(char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' || ch == '.';
}
bool text_is_name(const char *s);
extern const char *const contract_signs[N_CONTRACT_KINDS]; /* "<=", ... between the sides of a contract */
void text_quote(strbuf *b, const char *s);

/* A reader of .fir text. Errors are FRIT_FORMAT at WHERE:LINE:COLUMN. */
typedef struct fir_reader {
    cx *c;
    const char *where, *text;
    const char *at; /* next unread character */
    graph *g;
} fir_reader;

/* graph_lex.c: tokens. All skip leading blanks and comments (-- to the end of the line). */
frit_status fir_fail(fir_reader *r, frit_status code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void fir_skip(fir_reader *r);
bool fir_take(fir_reader *r, const char *symbol);    /* punctuation; false when something else is next */
bool fir_take_word(fir_reader *r, const char *word); /* a whole word */
frit_status fir_expect(fir_reader *r, const char *symbol);
frit_status fir_word(fir_reader *r, const char *what, char **out); /* letters, digits, _ and . */
frit_status fir_string(fir_reader *r, char **out);                 /* "..." */
frit_status fir_name(fir_reader *r, const char *what, char **out); /* word or string */
frit_status fir_number(fir_reader *r, char **out);                 /* the text of a number, inf or nan */
frit_status fir_int(fir_reader *r, int64_t *out);
frit_status fir_f64(fir_reader *r, double *out);
frit_status fir_dim(fir_reader *r, dim *out);
frit_status fir_dtype(fir_reader *r, dtype *out);
frit_status fir_type(fir_reader *r, tensor_type *out); /* f32[B, 64]; shape in the graph's arena */

/* graph_parse_attrs.c */
frit_status fir_attrs(fir_reader *r, op_code op, void *attrs); /* {name = value, ...}; may be absent */
/* The payload of a const, whose type stands behind it: first skipped, then read with the type known. */
frit_status fir_const_skip(fir_reader *r);
frit_status fir_const(fir_reader *r, const tensor_type *t, const_data *out);

#endif
