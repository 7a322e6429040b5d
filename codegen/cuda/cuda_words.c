/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The words that CUDA text is written in: types, numbers, parentheses, and values as memory holds them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/cuda/cuda_emit.h"

/* --- types --- */

typedef struct type_row {
    dtype dt;
    const char *value_type, *storage_type;
} type_row;
static const type_row type_rows[] = {
    {FRIT_DT_F64, "double", "double"},
    {FRIT_DT_F32, "float", "float"},
    {FRIT_DT_F16, "float", "unsigned short"},
    {FRIT_DT_BF16, "float", "unsigned short"},
    {FRIT_DT_I64, "long long", "long long"},
    {FRIT_DT_I32, "int", "int"},
    {FRIT_DT_I16, "int", "short"},
    {FRIT_DT_I8, "int", "signed char"},
    {FRIT_DT_U64, "unsigned long long", "unsigned long long"},
    {FRIT_DT_U32, "unsigned", "unsigned"},
    {FRIT_DT_U16, "unsigned", "unsigned short"},
    {FRIT_DT_U8, "unsigned", "unsigned char"},
    {FRIT_DT_BOOL, "bool", "unsigned char"},
    {FRIT_DT_F8E4M3, "float", "unsigned char"},
    {FRIT_DT_F8E5M2, "float", "unsigned char"},
    {FRIT_DT_F8E4M3FNUZ, "float", "unsigned char"},
    {FRIT_DT_F8E5M2FNUZ, "float", "unsigned char"},
    {FRIT_DT_I4, "int", "unsigned char"},
    {FRIT_DT_U4, "unsigned", "unsigned char"},
    {FRIT_DT_I2, "int", "unsigned char"},
    {FRIT_DT_U2, "unsigned", "unsigned char"},
};

static const type_row *type_of(dtype dt) {
    for (size_t i = 0; i < countof(type_rows); i++)
        if (type_rows[i].dt == dt) return &type_rows[i];
    return NULL;
}

bool cuda_is_supported(dtype dt) { return type_of(dt) != NULL; }
const char *cuda_value_type(dtype dt) { return type_of(dt) ? type_of(dt)->value_type : "void"; }
const char *cuda_storage_type(dtype dt) { return type_of(dt) ? type_of(dt)->storage_type : NULL; }

frit_status cuda_unsupported(cemit *e, const char *what) {
    return FAIL(e->c, UNSUPPORTED, e->k->title, "not supported on CUDA yet: %s", what);
}

/* --- text --- */

const char *cuda_paren(cemit *e, ctext x, int prec) {
    return x.prec >= prec ? x.text : arena_printf(e->a, "(%s)", x.text);
}

ctext cuda_primary(const char *text) { return (ctext){text, CP_PRIMARY}; }

/* The shortest text that reads back as the same float. */
static const char *float_text(cemit *e, double x) {
    char s[40];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, x);
        if (strtof(s, NULL) == (float)x) break;
    }
    return arena_printf(e->a, "%s%sf", s, strpbrk(s, ".e") ? "" : ".0");
}

ctext cuda_number(cemit *e, dtype dt, scalar v) {
    const char *text;
    if (dt == FRIT_DT_BOOL) return cuda_primary(v.i ? "true" : "false");
    if (dtype_is_float(dt)) {
        if (isnan(v.f)) return cuda_primary("NAN");
        if (isinf(v.f)) return (ctext){v.f < 0 ? "-INFINITY" : "INFINITY", CP_UNARY};
        text = dt == FRIT_DT_F64 ? str_from_f64(e->a, v.f) : float_text(e, v.f);
        if (dt == FRIT_DT_F64 && !strpbrk(text, ".e")) text = arena_printf(e->a, "%s.0", text);
    } else if (dtype_kind_of(dt) == DTYPE_UINT) {
        text = arena_printf(e->a, "%llu%s", (unsigned long long)v.u, dt == FRIT_DT_U64 ? "ull" : "u");
    } else if (v.i == INT64_MIN) {
        text = "-9223372036854775807ll - 1";
        return (ctext){text, CP_ADD};
    } else if (dt == FRIT_DT_I32 && v.i == INT32_MIN) {
        return (ctext){"-2147483647 - 1", CP_ADD};
    } else {
        text = arena_printf(e->a, "%lld%s", (long long)v.i, dt == FRIT_DT_I64 ? "ll" : "");
    }
    return (ctext){text, *text == '-' ? CP_UNARY : CP_PRIMARY};
}

ctext cuda_infix(cemit *e, ctext x, const char *op, ctext y, int prec) {
    return (ctext){arena_printf(e->a, "%s %s %s", cuda_paren(e, x, prec), op, cuda_paren(e, y, prec + 1)), prec};
}

/* --- narrow types, memory --- */

ctext cuda_small_code(cemit *e, dtype dt, ctext x, bool saturate) {
    return cuda_primary(arena_printf(e->a, "float_to_%s(%s, %s)", dtype_name(dt), x.text, saturate ? "true" : "false"));
}

ctext cuda_low_bits(cemit *e, dtype dt, ctext x) {
    unsigned bits = dtype_bits(dt);
    if (dtype_kind_of(dt) == DTYPE_INT)
        return cuda_primary(arena_printf(e->a, "sign_extend((int)%s, %u)", cuda_paren(e, x, CP_UNARY), bits));
    return (ctext){arena_printf(e->a, "(unsigned)%s & %uu", cuda_paren(e, x, CP_UNARY), (1u << bits) - 1), CP_BITAND};
}

ctext cuda_loaded(cemit *e, dtype dt, const char *place) {
    if (dt == FRIT_DT_F16) return cuda_primary(arena_printf(e->a, "f16_to_float(%s)", place));
    if (dt == FRIT_DT_BF16) return cuda_primary(arena_printf(e->a, "bf16_to_float(%s)", place));
    if (dt == FRIT_DT_BOOL) return (ctext){arena_printf(e->a, "%s != 0", place), CP_EQUAL};
    if (dtype_is_float(dt) && dtype_bits(dt) == 8)
        return cuda_primary(arena_printf(e->a, "%s_to_float(%s)", dtype_name(dt), place));
    return cuda_primary(place);
}

/* x is a value of the type: an infinity is one where the type has it. */
const char *cuda_stored(cemit *e, dtype dt, ctext x) {
    if (dt == FRIT_DT_F16) return arena_printf(e->a, "float_to_f16(%s)", x.text);
    if (dt == FRIT_DT_BF16) return arena_printf(e->a, "float_to_bf16(%s)", x.text);
    if (dtype_is_float(dt) && dtype_bits(dt) == 8) return cuda_small_code(e, dt, x, false).text;
    return x.text;
}
