/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of foreign operators, and the mapping of rows that need no function of their own. */
#include <stdlib.h>
#include <string.h>

#include "frontend/onnx/mappers.h"
#include "ir/op/attrs.h"

enum { LAST = INT32_MAX };
static const onnx_row rows[] = {
#define ROW(domain, name, since, until, op, attrs, fn) {#name, domain, since, until, OP_##op, attrs, map_##fn},
#include "frontend/onnx/onnx_ops.def"
#undef ROW
};

const onnx_row *onnx_row_find(const char *domain, const char *name, int64_t version) {
    for (size_t i = 0; i < countof(rows); i++) {
        if (strcmp(rows[i].name, name) != 0 || strcmp(rows[i].domain, domain) != 0) continue;
        if (version < 0 || (version >= rows[i].since && version <= rows[i].until)) return &rows[i];
    }
    return NULL;
}

/* Sets field `ours` of attrs from the node's attribute `theirs`, or from the default's text. */
static void set_field(reader *r, const call *n, void *attrs, const char *theirs, const char *ours,
                      const char *otherwise) {
    const attr_type *type = op_info_of(n->row->op)->attrs;
    for (uint32_t i = 0; i < type->n_fields; i++) {
        const attr_field *f = &type->fields[i];
        void *at = (char *)attrs + f->offset;
        if (strcmp(f->name, ours) != 0) continue;
        if (f->kind == FK_F64)
            *(double *)at = attr_float(n, theirs, *otherwise ? atof(otherwise) : f->default_value);
        else if (f->kind == FK_INT)
            *(int64_t *)at = attr_int(n, theirs, *otherwise ? atoll(otherwise) : (int64_t)f->default_value);
        else if (f->kind == FK_BOOL)
            *(bool *)at = attr_int(n, theirs, *otherwise ? atoll(otherwise) : f->default_value != 0) != 0;
        else if (f->kind == FK_INTS)
            attr_ints(n, theirs, at);
        else if (f->kind == FK_DTYPE)
            *(dtype *)at = attr_dtype(r, n, theirs, FRIT_DT_NONE);
        else if (f->kind == FK_STR)
            *(const char **)at = attr_text(n, theirs, otherwise);
        else
            UNREACHABLE("a mapping of an attribute of this kind");
        return;
    }
    UNREACHABLE("a mapping names a field of the operator");
}

/* The attributes that the row's text "theirs=ours:default ..." describes. */
static const void *row_attrs(reader *r, const call *n) {
    void *attrs = attrs_new(r->c->job, n->row->op);
    char *text = arena_strdup(r->c->job, n->row->attrs), *rest = text;
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        char *otherwise = strchr(word, ':'), *ours = strchr(word, '=');
        if (otherwise) *otherwise++ = 0;
        if (ours) *ours++ = 0;
        set_field(r, n, attrs, word, ours ? ours : word, otherwise ? otherwise : "");
    }
    return attrs;
}

void map_simple(reader *r, call *n) {
    const op_info *info = op_info_of(n->row->op);
    value_id first = make(r, n->row->op, n->n_in, n->in, row_attrs(r, n));
    for (uint32_t i = 0; i < info->n_out && i < n->n_out && first != VALUE_NONE; i++) n->out[i] = first + i;
}
