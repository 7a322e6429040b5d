/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What --checked adds: a look at each access and at each index that a kernel loads. Code leaves at the first failure
 * with a report; indices stay clamped, so nothing outside is touched before. */
#include "codegen/cpu/cpu_emit.h"

#include <stddef.h>

static void report_field(emitter *e, size_t field, val v) {
    val at = LLVMConstInt(e->i64, field, 0);
    LLVMBuildStore(e->b, v, LLVMBuildInBoundsGEP2(e->b, e->i8, e->scratch_arg, &at, 1, ""));
}

static void emit_trap(emitter *e, kernel_failure kind, buf_id b, val offset, val elements) {
    report_field(e, offsetof(kernel_report, failed), const_int(e->i64, kind));
    report_field(e, offsetof(kernel_report, kernel), const_int(e->i64, e->number));
    report_field(e, offsetof(kernel_report, param), const_int(e->i64, b));
    report_field(e, offsetof(kernel_report, offset), offset);
    report_field(e, offsetof(kernel_report, elements), elements);
    LLVMBuildRetVoid(e->b);
}

/* The first offset that is wrong, for the report. */
static val first_outside(emitter *e, val offset, val outside) {
    if (width_of(offset) == 1) return offset;
    val worst = LLVMBuildSelect(e->b, outside, offset, const_int(LLVMTypeOf(offset), INT64_MIN), "");
    return intrinsic_like(e, "llvm.vector.reduce.smax", 1, &worst);
}

/* Leaves the function with a report where `outside` is true in a lane of mask (NULL: all). at: what was outside. */
static void leave_where(emitter *e, kernel_failure kind, buf_id b, val outside, val mask, val at, val elements) {
    if (mask) {
        val both[2] = {outside, mask};
        widen(e, 2, both);
        outside = LLVMBuildAnd(e->b, both[0], both[1], "");
    }
    val each = splat(e, at, width_of(outside));
    LLVMBasicBlockRef trap = new_block(e, "outside"), fine = new_block(e, "inside");
    LLVMBuildCondBr(e->b, any_lane(e, outside), trap, fine);
    LLVMPositionBuilderAtEnd(e->b, trap);
    emit_trap(e, kind, b, first_outside(e, each, outside), elements);
    LLVMPositionBuilderAtEnd(e->b, fine);
}

void check_access(emitter *e, buf_id b, val offset, val mask) {
    if (!e->options->checked) return;
    val elements = dim_scalar(e, kbuf_span(e->k, b));
    val pair[2] = {LLVMBuildIntCast2(e->b, offset, like(offset, e->i64), 1, ""), elements};
    widen(e, 2, pair);
    val outside = LLVMBuildICmp(e->b, LLVMIntUGE, pair[0], pair[1], "");
    leave_where(e, KERNEL_OUTSIDE, b, outside, mask, pair[0], elements);
}

/* --- indices that were loaded --- */

typedef struct index_check {
    emitter *e;
    buf_id b;
    val mask;
} index_check;

static const kx_node *op_node(const emitter *e, kx x, op_code op) {
    const kx_node *n = &e->k->exprs.at[x];
    return n->kind == KX_OP && n->op == op ? n : NULL;
}

/* The index that s clamps, as kx_as_index wrote it: max(min(select(v < 0, v + n, v), n - 1), 0). 0 when s does not.
 * out_given: v. */
static kx clamped_by(const emitter *e, const sym_info *s, kx *out_given) {
    const kx_node *top = s->kind == SYM_LOADED ? op_node(e, s->input, OP_max) : NULL;
    const kx_node *least = top ? op_node(e, top->arg[0], OP_min) : NULL;
    if (!least) return 0;
    const kx_node *wrapped = op_node(e, least->arg[0], OP_select);
    *out_given = wrapped ? wrapped->arg[2] : least->arg[0];
    return least->arg[0];
}

static void check_symbol(void *data, sym_id s) {
    index_check *k = data;
    emitter *e = k->e;
    const sym_info info = *dim_sym_info(e->k->dims, s); /* a copy: emitting may add symbols */
    kx given = 0, before = clamped_by(e, &info, &given);
    if (!before) return;
    val pair[2] = {emit_expr(e, before), emit_expr(e, info.input)}, v = emit_expr(e, given);
    widen(e, 2, pair);
    val outside = LLVMBuildICmp(e->b, LLVMIntNE, pair[0], pair[1], "");
    leave_where(e, KERNEL_INDEX, k->b, outside, k->mask, v, dim_scalar(e, info.extent));
}

void check_indices(emitter *e, buf_id b, const dim *at, val mask) {
    if (!e->options->checked) return;
    index_check k = {e, b, mask};
    for (uint32_t i = 0; i < e->k->bufs.at[b].rank; i++) kx_visit_dim(e->k->dims, at[i], check_symbol, &k);
}
