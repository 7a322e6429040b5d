/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Scalar expressions of kernels. A value is computed once per statement: expressions are hash-consed, so a shared part
 * is one node. */
#include "codegen/cpu/cpu_emit.h"

void forget_values(emitter *e) { e->epoch++; }

val emit_pred(emitter *e, kx x) { return x ? emit_expr(e, x) : NULL; }

static val emit_call(emitter *e, const kx_node *n) {
    val args[3];
    for (uint32_t i = 0; i < n->n_args; i++) args[i] = emit_expr(e, n->arg[i]);
    dtype dt = kx_dtype(e->k, n->arg[n->op == OP_select ? 1 : 0]);
    if (n->op == OP_cast) {
        const attr_cast *cast = n->attrs;
        return emit_cast(e, dt, n->dt, args[0], cast ? cast->saturate : true);
    }
    if (n->op == OP_bitcast) return emit_bitcast(e, dt, n->dt, args[0]);
    widen(e, n->n_args, args);
    return emit_op(e, n->op, dt, args);
}

static val emit_node(emitter *e, const kx_node *n) {
    switch (n->kind) {
    case KX_CONST:
        return const_scalar(e, n->dt, n->value);
    case KX_INDEX:
        return dim_value(e, n->index);
    case KX_OP:
        return emit_call(e, n);
    case KX_LOAD:
        return emit_load(e, n);
    case KX_ACC:
        return acc_read(e, n->ref, n->component);
    case KX_LET:
        ASSERT(e->lets[n->ref]);
        return e->lets[n->ref];
    case KX_DEF:
    case KX_NONE:
        break;
    }
    if (e->status == FRIT_OK) e->status = FAIL(e->c, INTERNAL, e->k->name, "a definition is left in the loop tree");
    return const_scalar(e, n->dt ? n->dt : FRIT_DT_F32, (scalar){0});
}

val emit_expr(emitter *e, kx x) {
    if (e->memo_epoch[x] == e->epoch) return e->memo[x];
    kx_node n = e->k->exprs.at[x]; /* a copy: emitting may add expressions */
    val v = emit_node(e, &n);
    e->memo[x] = v;
    e->memo_epoch[x] = e->epoch;
    return v;
}
