/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where the operands of a leaf lie: base and strides, and addresses of rows and columns. */
#include "codegen/cpu/cpu_leaf.h"

enum { MAX_STRIDES = 4 };

void leaf_refuse(emitter *e, const char *why) {
    if (e->status == FRIT_OK) e->status = FAIL(e->c, UNSUPPORTED, e->k->name, "matrix leaf: %s", why);
}

/* An offset as a function of the number of the pack in place of the step. */
static dim by_packs(emitter *e, dim offset, const kleaf *l) {
    dim first = dim_mul(e->k->dims, dim_of_sym(e->k->dims, l->kk), dim_const(e->k->dims, l->k_pack));
    return dim_subst(e->k->dims, offset, 1, &l->kk, &first);
}

leaf_operand leaf_operand_of(emitter *e, buf_id buf, const dim *at, const kleaf *l) {
    dim offset = kbuf_offset(e->k, buf, at), stride;
    if (l->k_pack > 1) offset = by_packs(e, offset, l);
    const sym_id syms[MAX_STRIDES] = {l->row, l->kk, l->col, l->tap};
    val strides[MAX_STRIDES] = {NULL};
    bool has_panels = buf == l->b && l->b_panel;
    for (int i = 0; i < (l->has_taps ? MAX_STRIDES : MAX_STRIDES - 1); i++) {
        dim rest = offset;
        if (has_panels && syms[i] == l->col) continue;
        if (!dim_linear(e->k->dims, offset, syms[i], &stride, &rest)) {
            leaf_refuse(e, "an index is not linear");
            return (leaf_operand){.buf = buf, .base = e->zero, .row = e->zero, .kk = e->zero, .in_memory = e->i8};
        }
        strides[i] = dim_scalar(e, stride);
        offset = rest;
    }
    dim zero = dim_const(e->k->dims, 0), first = offset;
    if (has_panels) first = dim_subst(e->k->dims, offset, 1, &l->col, &zero);
    return (leaf_operand){.buf = buf,
                          .base = dim_scalar(e, first),
                          .panel_at = has_panels ? offset : DIM_BAD,
                          .row = strides[0],
                          .kk = strides[1],
                          .tap = strides[3],
                          .in_memory = storage_type(e, e->k->bufs.at[buf].dt)};
}

leaf_operand leaf_operand_by_taps(emitter *e, const kleaf *l) {
    dim stride, rest, offset = kbuf_offset(e->k, l->a, l->a_at);
    if (l->k_pack > 1) offset = by_packs(e, offset, l);
    if (!dim_linear(e->k->dims, offset, l->kk, &stride, &rest)) {
        leaf_refuse(e, "an index is not linear");
        stride = dim_const(e->k->dims, 0);
    }
    return (leaf_operand){
        .buf = l->a, .kk = dim_scalar(e, stride), .in_memory = storage_type(e, e->k->bufs.at[l->a].dt)};
}

val leaf_b_base(emitter *e, const leaf *f, val col) {
    if (!f->l->b_panel) return plus(e, f->b.base, times(e, col, number(e, f->k_pack)));
    forget_values(e);
    e->syms[f->l->col] = col;
    val base = dim_scalar(e, f->b.panel_at);
    e->syms[f->l->col] = NULL;
    forget_values(e);
    return base;
}

val leaf_c_address(emitter *e, const leaf *f, val row, val col) {
    return element_address(e, f->c.buf, plus(e, plus(e, f->c.base, times(e, row, f->c.row)), col));
}

val leaf_a_address(emitter *e, const leaf *f, val row, val tap) {
    const kleaf *l = f->l;
    if (!f->n_taps) return element_address(e, f->a.buf, plus(e, f->a.base, times(e, row, f->a.row)));
    forget_values(e);
    e->syms[l->row] = row;
    e->syms[l->tap] = tap;
    e->syms[l->kk] = e->zero;
    val first = dim_scalar(e, kbuf_offset(e->k, l->a, l->a_at)), address = element_address(e, l->a, first);
    val is_read = emit_pred(e, l->a_if);
    if (e->options->checked) {
        val is_used = LLVMBuildICmp(e->b, LLVMIntSGT, f->n_k, e->zero, "");
        if (is_read) is_used = LLVMBuildAnd(e->b, is_used, is_read, "");
        check_access(e, l->a, first, is_used);
        val last = plus(e, first, times(e, minus(e, f->n_k, number(e, 1)), f->a.kk));
        check_access(e, l->a, last, is_used);
    }
    if (is_read) address = LLVMBuildSelect(e->b, is_read, address, f->zeros, "");
    e->syms[l->row] = e->syms[l->tap] = e->syms[l->kk] = NULL;
    forget_values(e);
    return address;
}
