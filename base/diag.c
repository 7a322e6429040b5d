/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recording of the first failure of a compile, and assertion of our own bugs. */
#include "base/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { LONGEST_MESSAGE = 4096 };

/* A message is one line of bounded length, whatever the names in a hostile file hold. An empty path is shown as such.
 */
static const char *one_line(arena *a, const char *where, const char *what) {
    const char *shown = where && !*where ? "''" : where;
    char *text = shown ? arena_printf(a, "%s: %s", shown, what) : arena_strdup(a, what);
    size_t n = strlen(text);
    if (n > LONGEST_MESSAGE) memcpy(text + LONGEST_MESSAGE - 3, "...", 4);
    return str_printable(text);
}

frit_status cx_fail(cx *c, frit_status code, const char *where, const char *fmt, ...) {
    if (c->status != FRIT_OK) return code;
    va_list ap;
    va_start(ap, fmt);
    char *what = arena_vprintf(c->job, fmt, ap);
    va_end(ap);
    c->status = code;
    c->message = one_line(c->job, where, what);
    return code;
}

void cx_prefix(cx *c, const char *prefix) {
    if (c->message) c->message = one_line(c->job, prefix, c->message);
}

void cx_clear(cx *c) {
    c->status = FRIT_OK;
    c->message = NULL;
}

frit_status cx_poll(cx *c) {
    if (!c->stop || !atomic_load_explicit(c->stop, memory_order_relaxed)) return FRIT_OK;
    return FAIL(c, CANCELLED, NULL, "interrupted");
}

_Noreturn void assert_failed(const char *expr, const char *file, int line) {
    fprintf(stderr, "frit: internal error at %s:%d: '%s' does not hold; please report it with the model\n", file, line,
            expr);
    abort();
}

const char *frit_status_text(frit_status code) {
    static const char *const texts[] = {
#define STATUS_TEXT(name, text) [FRIT_##name] = text,
        FRIT_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    };
    return (size_t)code < countof(texts) ? texts[code] : "unknown status";
}
