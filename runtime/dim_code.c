/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Evaluates the postfix programs of dims. Programs come from frit (or passed plan_check), so the stack needs no test.
 */
#include "runtime/runtime.h"

static bool floor_divide(int64_t a, int64_t b, int64_t *out) {
    if (b == 0 || (a == INT64_MIN && b == -1)) return false;
    *out = a / b - (a % b != 0 && (a < 0) != (b < 0));
    return true;
}

static bool apply(int64_t op, int64_t a, int64_t b, int64_t *out) {
    int64_t quotient;
    switch (op) {
    case FRIT_DIM_ADD:
        return !__builtin_add_overflow(a, b, out);
    case FRIT_DIM_MUL:
        return !__builtin_mul_overflow(a, b, out);
    case FRIT_DIM_FLOORDIV:
        return floor_divide(a, b, out);
    case FRIT_DIM_MOD:
        if (!floor_divide(a, b, &quotient)) return false;
        *out = a - quotient * b;
        return true;
    case FRIT_DIM_MIN:
        *out = a < b ? a : b;
        return true;
    case FRIT_DIM_MAX:
        *out = a > b ? a : b;
        return true;
    default:
        return false; /* op is a word of a program, not of the enum */
    }
}

bool dim_code_run(const int64_t *code, const int64_t *symbols, int64_t *out) {
    int64_t stack[PF_MAX_STACK];
    int n = 0;
    for (; *code != FRIT_DIM_END; code++) {
        if (*code == FRIT_DIM_CONST) {
            stack[n++] = *++code;
        } else if (*code == FRIT_DIM_SYMBOL) {
            stack[n++] = symbols[*++code];
        } else {
            n--;
            if (!apply(*code, stack[n - 1], stack[n], &stack[n - 1])) return false;
        }
    }
    *out = stack[0];
    return true;
}

bool plan_dim(const pf_header *h, uint32_t dim, const int64_t *symbols, int64_t *out) {
    const pf_dim *d = &PF_ROWS(h, pf_dim, dims)[dim];
    return dim_code_run(PF_ROWS(h, int64_t, words) + d->code, symbols, out);
}
