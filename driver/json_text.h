/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* JSON for the commands that have --json, by jansson. */
#ifndef FRIT_DRIVER_JSON_TEXT_H
#define FRIT_DRIVER_JSON_TEXT_H

#include <jansson.h>

#include "base/diag.h"

/* Text of a file as a JSON string; what is no UTF-8 is given as str_printable shows it. */
json_t *json_text(arena *a, const char *s);
/* A whole number when it is one that JSON can hold, else a real; null for NaN and infinities. */
json_t *json_amount(double x);
/* Prints and frees root. Errors: FRIT_MEMORY. */
frit_status json_print(cx *c, json_t *root);

#endif
