/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Accumulators. Partials live in stack slots, which LLVM turns into registers wherever the partial touched is known
 * while compiling. The order of every combination is the one ir/kernel/kernel.h states. */
#include "codegen/cpu/cpu_emit.h"
#include "ir/op/scalar.h"

static uint32_t n_components(const emitter *e, acc_id a) { return combiner_info_of(e->k->accs.at[a].comb)->n; }

/* out[i] = component i of combine(left, right). All values have one width. */
static void combine(emitter *e, acc_id a, const val *left, const val *right, val *out) {
    const kacc *acc = &e->k->accs.at[a];
    uint32_t n = n_components(e, a);
    for (uint32_t c = 0; c < n; c++) {
        const scalar_expr *t = scalar_of_combiner(e->c->scratch, acc->comb, c);
        val nodes[SCALAR_MAX_NODES];
        dtype dts[SCALAR_MAX_NODES];
        for (uint32_t i = 0; i < t->n; i++) {
            const scalar_node *s = &t->nodes[i];
            dts[i] = s->like == SCALAR_BOOL ? FRIT_DT_BOOL : acc->dt[s->like % COMBINE_MAX];
            if (s->kind == SCALAR_INPUT)
                nodes[i] = s->input < COMBINE_MAX ? left[s->input] : right[s->input - COMBINE_MAX];
            if (s->kind == SCALAR_CONST)
                nodes[i] = splat(e, const_scalar(e, dts[i], dtype_from_f64(dts[i], s->value)), width_of(left[0]));
            if (s->kind != SCALAR_OP) continue;
            val args[3];
            for (uint32_t j = 0; j < s->n_args; j++) args[j] = nodes[s->args[j]];
            nodes[i] = emit_op(e, s->op, dts[s->args[s->op == OP_select ? 1 : 0]], args);
        }
        out[c] = nodes[t->n - 1];
    }
}

/* In memory a bool takes a byte: an address inside a vector of bits does not exist. */
static LLVMTypeRef memory_type(emitter *e, acc_id a, uint32_t component) {
    dtype dt = e->k->accs.at[a].dt[component];
    return dt == FRIT_DT_BOOL ? e->i8 : reg_type(e, dt);
}

static LLVMTypeRef partial_type(emitter *e, acc_id a, uint32_t component) {
    return vector_of(memory_type(e, a, component), e->accs[a].n);
}

static val load_partial(emitter *e, acc_id a, uint32_t component, LLVMTypeRef type, val address) {
    val v = LLVMBuildLoad2(e->b, type, address, "");
    LLVMSetAlignment(v, val_bits(v) / 8);
    if (e->k->accs.at[a].dt[component] != FRIT_DT_BOOL) return v;
    return LLVMBuildICmp(e->b, LLVMIntNE, v, LLVMConstNull(type), "");
}

static void store_partial(emitter *e, acc_id a, uint32_t component, val v, val address) {
    if (e->k->accs.at[a].dt[component] == FRIT_DT_BOOL) v = LLVMBuildZExt(e->b, v, like(v, e->i8), "");
    LLVMSetAlignment(LLVMBuildStore(e->b, v, address), val_bits(v) / 8);
}

void acc_declare(emitter *e, acc_id a) {
    const kacc *acc = &e->k->accs.at[a];
    acc_slot *s = &e->accs[a];
    bool is_private = e->lane.width > 1;
    *s = (acc_slot){.n = is_private ? e->lane.width : acc->lanes, .is_private = is_private};
    for (uint32_t c = 0; c < n_components(e, a); c++) {
        val identity = const_scalar(e, acc->dt[c], combiner_identity(acc->comb, c, acc->dt[c]));
        s->partial[c] = s->finished[c] = stack_slot(e, partial_type(e, a, c));
        store_partial(e, a, c, splat(e, identity, s->n), s->partial[c]);
        if (is_private || s->n == 1) continue;
        s->finished[c] = stack_slot(e, memory_type(e, a, c));
        store_partial(e, a, c, identity, s->finished[c]);
    }
}

static void load_all(emitter *e, acc_id a, val *out) {
    for (uint32_t c = 0; c < n_components(e, a); c++)
        out[c] = load_partial(e, a, c, partial_type(e, a, c), e->accs[a].partial[c]);
}

/* new where the mask (NULL: everywhere) holds, else old */
static val keep_masked(emitter *e, val mask, val new, val old) {
    return mask ? LLVMBuildSelect(e->b, mask, new, old, "") : new;
}

/* Partials and values side by side. */
static void update_whole(emitter *e, acc_id a, const val *values, val mask) {
    val old[COMBINE_MAX], new[COMBINE_MAX];
    load_all(e, a, old);
    combine(e, a, old, values, new);
    for (uint32_t c = 0; c < n_components(e, a); c++)
        store_partial(e, a, c, keep_masked(e, mask, new[c], old[c]), e->accs[a].partial[c]);
}

/* More lanes than partials: the lanes go in groups of n, in order. */
static void update_in_groups(emitter *e, acc_id a, const val *values, val mask) {
    uint32_t n = e->accs[a].n;
    for (uint32_t from = 0; from < e->lane.width; from += n) {
        val part[COMBINE_MAX];
        for (uint32_t c = 0; c < n_components(e, a); c++) part[c] = slice_lanes(e, values[c], from, n);
        update_whole(e, a, part, mask ? slice_lanes(e, mask, from, n) : NULL);
    }
}

/* Fewer lanes than partials: they go to the partials from `base mod n` on, which lie in memory. */
static void update_at(emitter *e, acc_id a, const val *values, val mask) {
    val old[COMBINE_MAX], new[COMBINE_MAX], at[COMBINE_MAX];
    val first = e->lane.partial ? e->lane.partial : e->lane.base;
    val place = LLVMBuildAnd(e->b, first, const_int(e->i64, (int64_t)e->accs[a].n - 1), "");
    for (uint32_t c = 0; c < n_components(e, a); c++) {
        LLVMTypeRef element = memory_type(e, a, c);
        at[c] = LLVMBuildInBoundsGEP2(e->b, element, e->accs[a].partial[c], &place, 1, "");
        old[c] = load_partial(e, a, c, vector_of(element, e->lane.width), at[c]);
    }
    combine(e, a, old, values, new);
    for (uint32_t c = 0; c < n_components(e, a); c++)
        store_partial(e, a, c, keep_masked(e, mask, new[c], old[c]), at[c]);
}

void acc_update(emitter *e, acc_id a, const val *values) {
    acc_slot *s = &e->accs[a];
    uint32_t width = e->lane.width;
    val v[COMBINE_MAX];
    val mask = e->lane.mask ? splat(e, e->lane.mask, width) : NULL;
    for (uint32_t c = 0; c < n_components(e, a); c++) v[c] = splat(e, values[c], width);
    s->is_dirty = !s->is_private && s->n > 1;
    bool is_one_partial = e->lane.axis == SYM_NONE && s->n > 1;
    if (is_one_partial) { /* outside lane loops everything goes to partial 0 */
        e->lane.base = e->lane.partial = e->zero;
        update_at(e, a, v, NULL);
    } else if (s->n == width)
        update_whole(e, a, v, mask);
    else if (s->n < width)
        update_in_groups(e, a, v, mask);
    else
        update_at(e, a, v, mask);
}

static void finish(emitter *e, acc_id a) {
    acc_slot *s = &e->accs[a];
    val v[COMBINE_MAX], low[COMBINE_MAX], high[COMBINE_MAX];
    load_all(e, a, v);
    for (uint32_t n = s->n / 2; n > 0; n /= 2) {
        for (uint32_t c = 0; c < n_components(e, a); c++) {
            low[c] = slice_lanes(e, v[c], 0, n);
            high[c] = slice_lanes(e, v[c], n, n);
        }
        combine(e, a, low, high, v);
    }
    for (uint32_t c = 0; c < n_components(e, a); c++) store_partial(e, a, c, v[c], s->finished[c]);
    s->is_dirty = false;
}

void acc_finish_all(emitter *e) {
    for (acc_id a = 0; a < e->k->accs.n; a++)
        if (e->accs[a].is_dirty) finish(e, a);
}

val acc_read(emitter *e, acc_id a, uint32_t component) {
    acc_slot *s = &e->accs[a];
    ASSERT(s->partial[component]);
    if (s->is_dirty) finish(e, a);
    LLVMTypeRef element = memory_type(e, a, component);
    LLVMTypeRef type = s->is_private ? vector_of(element, s->n) : element;
    return load_partial(e, a, component, type, s->finished[component]);
}
