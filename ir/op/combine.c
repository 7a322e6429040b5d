/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table behind ir/op/combine.h, expanded from combine.def. */
#include "ir/op/combine.h"

#include <math.h>
#include <string.h>

static const combiner_info combiners[N_COMBINERS] = {
    [COMBINE_NONE] = {"none", 0, {NULL}, {NULL}, ""},
#define ARGS(...)                                                                                                      \
    { __VA_ARGS__ }
#define COMBINE(name, n, identities, combines, doc) [COMBINE_##name] = {#name, n, identities, combines, doc},
#include "ir/combine.def"
#undef COMBINE
#undef ARGS
};

const combiner_info *combiner_info_of(combiner c) {
    ASSERT((unsigned)c < N_COMBINERS);
    return &combiners[c];
}

bool combiner_parse(const char *name, combiner *out) {
    for (unsigned i = 0; i < N_COMBINERS; i++)
        if (strcmp(combiners[i].name, name) == 0) return *out = (combiner)i, true;
    return false;
}

/* The least or greatest value of dt; infinite where dt has infinities. */
static scalar extreme(dtype dt, bool highest) {
    unsigned bits = dtype_bits(dt);
    switch (dtype_kind_of(dt)) {
    case DTYPE_FLOAT:
        return dtype_convert(FRIT_DT_F64, dt, (scalar){.f = highest ? INFINITY : -INFINITY}, true);
    case DTYPE_INT:
        return (scalar){.i = highest ? INT64_MAX >> (64 - bits) : INT64_MIN >> (64 - bits)};
    case DTYPE_UINT:
        return (scalar){.u = highest ? UINT64_MAX >> (64 - bits) : 0};
    case DTYPE_BOOL:
        return (scalar){.i = highest};
    }
    return (scalar){0};
}

scalar combiner_identity(combiner c, uint32_t i, dtype dt) {
    const char *text = combiner_info_of(c)->identity[i];
    ASSERT(i < combiner_info_of(c)->n);
    if (strcmp(text, "lowest") == 0) return extreme(dt, false);
    if (strcmp(text, "highest") == 0) return extreme(dt, true);
    double v = 0;
    bool ok = str_parse_f64(text, &v);
    ASSERT(ok);
    return dtype_from_f64(dt, v);
}
