/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Errors and the context that every pass carries. A fallible function returns frit_status; the message is recorded
 * once, where the fault is known, by FAIL; TRY passes a failure up. ASSERT is for frit's own bugs only. */
#ifndef FRIT_BASE_DIAG_H
#define FRIT_BASE_DIAG_H

#include <stdatomic.h>

#include "base/arena.h"
#include "frit_status.h"

/* State of one compile, first parameter of everything fallible. */
typedef struct cx {
    arena *job;             /* lives until the compile ends: graphs, kernels, plans, messages */
    arena *scratch;         /* analyses of one pass; the pass manager releases it after each pass */
    frit_status status;     /* first failure recorded, FRIT_OK before that */
    const char *message;    /* its one-line text "WHERE: what; what to do", in job; NULL when none */
    const atomic_int *stop; /* set by Ctrl-C; NULL when nobody can interrupt */
} cx;

/* Records the first failure (later ones keep the first text) and returns code.
 * where: what the user knows it by (file, model node, "file.c:12", dim), NULL for none. */
frit_status cx_fail(cx *c, frit_status code, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Puts "prefix: " in front of the recorded message, for a caller that knows more context (a file name). */
void cx_prefix(cx *c, const char *prefix);
void cx_clear(cx *c); /* forgets a recorded failure that the caller has dealt with */
const char *frit_status_text(frit_status code);
/* FRIT_CANCELLED (recorded) when Ctrl-C was seen, else FRIT_OK. Called between passes and between kernels. */
frit_status cx_poll(cx *c);

#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        frit_status try_status_ = (expr);                                                                              \
        if (try_status_ != FRIT_OK) return try_status_;                                                                \
    } while (0)
#define FAIL(c, code, where, ...) cx_fail((c), FRIT_##code, (where), __VA_ARGS__)

_Noreturn void assert_failed(const char *expr, const char *file, int line);
/* Where our own invariants say that control never comes; what is said instead of the condition. Does not return. */
#define UNREACHABLE(what) assert_failed("not reached: " what, __FILE__, __LINE__)
#define ASSERT(e)         ((e) ? (void)0 : assert_failed(#e, __FILE__, __LINE__))

#endif
