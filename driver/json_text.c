/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* JSON for the commands that have --json. */
#include "driver/json_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

json_t *json_text(arena *a, const char *s) {
    json_t *text = json_string(s);
    return text ? text : json_string(str_printable(arena_strdup(a, s)));
}

json_t *json_amount(double x) {
    if (isnan(x) || isinf(x)) return json_null();
    return x == floor(x) && fabs(x) < 0x1p53 ? json_integer((json_int_t)x) : json_real(x);
}

frit_status json_print(cx *c, json_t *root) {
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    if (!text) return FAIL(c, MEMORY, NULL, "no memory for the JSON text");
    puts(text);
    free(text);
    return FRIT_OK;
}
