/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The reader behind kernel_parse: a cursor over text (kernel_parse_cursor.c), shared by kernel_parse.c (declarations,
 * the kernel), kernel_parse_stmt.c and kernel_parse_expr.c. Text is hostile: every name, type and count is checked
 * before building. */
#ifndef FRIT_IR_KERNEL_PARSE_H
#define FRIT_IR_KERNEL_PARSE_H

#include "ir/kernel/kernel_text.h"

typedef struct kparser {
    cx *c;
    const char *where; /* file, for messages */
    const char *start, *at;
    kernel *k;
    VEC(kx) temps;   /* $1, $2 ... of the statement at hand */
    uint32_t depth;  /* nesting of expressions and statements */
    uint32_t n_syms; /* symbols declared so far: a dim that adds one mentions an unknown name */
} kparser;

enum { KPARSE_MAX_DEPTH = 2000, KPARSE_MAX_RANK = 16, KPARSE_MAX_AXES = 32 };

/* kernel_parse_cursor.c */

/* FRIT_FORMAT with file and line. */
frit_status kparse_fail(kparser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void kparse_space(kparser *p);
bool kparse_take(kparser *p, const char *text); /* punctuation */
bool kparse_is_name(char c);                    /* a letter, a digit or _ */
bool kparse_word(kparser *p, const char *word); /* a whole word */
bool kparse_peek(kparser *p, const char *text);
frit_status kparse_expect(kparser *p, const char *text);
frit_status kparse_name(kparser *p, const char **out); /* an identifier */
frit_status kparse_u32(kparser *p, uint32_t *out);
frit_status kparse_i64(kparser *p, int64_t *out);
frit_status kparse_dtype(kparser *p, dtype *out);
frit_status kparse_dim(kparser *p, dim *out); /* over declared symbols */
/* "[d, ...": n dims; the closing bracket stays. */
frit_status kparse_dims(kparser *p, uint32_t n, dim *out);
bool kparse_find_buffer(const kparser *p, const char *name, buf_id *out);
bool kparse_find_def(const kparser *p, const char *name, def_id *out);
bool kparse_find_acc(const kparser *p, const char *name, acc_id *out);
bool kparse_find_let(const kparser *p, const char *name, let_id *out);
frit_status kparse_sym_name(kparser *p, const char **out); /* of a symbol, quoted where it is no identifier */
frit_status kparse_axis(kparser *p, sym_id *out);          /* the name of an axis that is declared */
frit_status kparse_combiner(kparser *p, combiner *out);

/* kernel_parse_stmt.c */
frit_status kparse_list(kparser *p, klist *out); /* statements up to "}" */

/* kernel_parse_expr.c */
frit_status kparse_expr(kparser *p, kx *out);
frit_status kparse_values(kparser *p, uint32_t n, kx *out); /* "(v0, v1)" or "v0" */
frit_status kparse_temps(kparser *p);         /* "$1 = ..": what the statement or definition uses several times */
frit_status kparse_bool(kparser *p, kx *out); /* an expression that must be a bool */

#endif
