/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Turns LLD's free-form complaints into one recorded error. */
#include "codegen/link/lld.h"

#include <stdbool.h>
#include <string.h>

#include "codegen/link/lld_shim.h"

enum { MESSAGE_BYTES = 4096 };

/* The first line that says "error", without the "ld.lld: error: " that LLD puts in front; else the first line. */
static const char *first_complaint(arena *a, const char *text) {
    const char *error = strstr(text, "error: ");
    const char *line = error ? error + strlen("error: ") : text;
    size_t n = strcspn(line, "\n");
    return n ? arena_strndup(a, line, n) : "no reason given";
}

frit_status lld_link(cx *c, const char *output, const char *const *args, size_t n_args) {
    char messages[MESSAGE_BYTES];
    enum lld_outcome outcome = lld_shim_run(args, n_args, messages, sizeof messages);
    if (outcome == LLD_DONE) return FRIT_OK;
    const char *why = first_complaint(c->scratch, messages);
    bool is_output = strstr(why, "cannot open output file") || strstr(why, "failed to write output") ||
                     strstr(why, "failed to write to the output");
    if (is_output) return FAIL(c, IO, output, "cannot be written: %s", why);
    if (outcome == LLD_BROKEN) return FAIL(c, INTERNAL, output, "the linker crashed: %s", why);
    return FAIL(c, INTERNAL, output, "linking failed: %s", why);
}
