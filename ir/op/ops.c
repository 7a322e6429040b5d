/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tables behind ir/op/ops.h, expanded from ops.def and attrs.def. */
#include "ir/op/ops.h"

#include <stddef.h>
#include <string.h>

#include "ir/op/op_flags.h"

/* Names of each enum list of attributes, NULL-terminated. */
#define ENUM_ROW(x)   #x,
#define ENUM_NAMES(e) static const char *const names_##e[] = {ENUM_##e(ENUM_ROW) NULL};
ENUM_NAMES(reduce_kind)
ENUM_NAMES(pad_mode)
ENUM_NAMES(scatter_mode)
ENUM_NAMES(random_kind)
ENUM_NAMES(resize_mode)
ENUM_NAMES(resize_coord)
ENUM_NAMES(resize_nearest)
#undef ENUM_ROW

/* Field tables; each ends with an empty row so that a struct without fields has one too. */
#define FIELD(s, f, kind, d, names) {#f, kind, (uint32_t)offsetof(attr_##s, f), (d), names},
#define ATTRS_BEGIN(name)           static const attr_field fields_##name[] = {
#define A_INT(s, f, d)              FIELD(s, f, FK_INT, d, NULL)
#define A_F64(s, f, d)              FIELD(s, f, FK_F64, d, NULL)
#define A_BOOL(s, f, d)             FIELD(s, f, FK_BOOL, d, NULL)
#define A_DTYPE(s, f)               FIELD(s, f, FK_DTYPE, 0, NULL)
#define A_INTS(s, f)                FIELD(s, f, FK_INTS, 0, NULL)
#define A_FLOATS(s, f)              FIELD(s, f, FK_FLOATS, 0, NULL)
#define A_DIMS(s, f)                FIELD(s, f, FK_DIMS, 0, NULL)
#define A_STR(s, f)                 FIELD(s, f, FK_STR, 0, NULL)
#define A_ENUM(s, f, type)          FIELD(s, f, FK_ENUM, 0, names_##type)
#define A_CONST(s, f)               FIELD(s, f, FK_CONST, 0, NULL)
#define ATTRS_END(name)                                                                                                \
    { NULL, FK_INT, 0, 0, NULL }                                                                                       \
    }                                                                                                                  \
    ;                                                                                                                  \
    static const attr_type type_##name = {#name, sizeof(attr_##name), (uint32_t)countof(fields_##name) - 1,            \
                                          fields_##name};
#include "ir/attrs.def"

static const op_info ops[N_OPS] = {
#define OP(name, attrs, lo, hi, n_out, flags, template, doc)                                                           \
    [OP_##name] = {#name, &type_##attrs, lo, hi, n_out, (uint16_t)(flags), template, doc},
#include "ir/ops.def"
#undef OP
};

const op_info *op_info_of(op_code op) {
    ASSERT((unsigned)op < N_OPS);
    return &ops[op];
}

bool op_parse(const char *name, op_code *out) {
    for (unsigned i = 0; i < N_OPS; i++) {
        if (strcmp(ops[i].name, name) != 0) continue;
        *out = (op_code)i;
        return true;
    }
    return false;
}

const char *op_name(op_code op) { return op_info_of(op)->name; }

bool op_is(op_code op, unsigned flags) { return (op_info_of(op)->flags & flags) == flags; }

static void set_default(const attr_field *f, void *at) {
    switch (f->kind) {
    case FK_INT:
        *(int64_t *)at = (int64_t)f->default_value;
        break;
    case FK_F64:
        *(double *)at = f->default_value;
        break;
    case FK_BOOL:
        *(bool *)at = f->default_value != 0;
        break;
    case FK_DTYPE:
    case FK_INTS:
    case FK_FLOATS:
    case FK_DIMS:
    case FK_STR:
    case FK_ENUM:
    case FK_CONST:
        break;
    }
}

void *attrs_new(arena *a, op_code op) {
    const attr_type *type = op_info_of(op)->attrs;
    char *attrs = arena_alloc(a, type->bytes);
    for (uint32_t i = 0; i < type->n_fields; i++) set_default(&type->fields[i], attrs + type->fields[i].offset);
    return attrs;
}
