/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What ./dev test --quick asks of a test: fewer cases, of every kind. */
#ifndef FRIT_TESTS_QUICK_H
#define FRIT_TESTS_QUICK_H

#include <stdbool.h>
#include <stdlib.h>

static inline bool is_quick(void) {
    const char *quick = getenv("QUICK");
    return quick && *quick;
}

#endif
