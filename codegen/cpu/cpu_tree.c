/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loop trees as LLVM functions, one per phase: parallel loops become a range of items, lane loops become vectors. */
#include "codegen/cpu/cpu_emit.h"

#include <string.h>

static void emit_list(emitter *e, const kstmt *s);

static dim extent_of(emitter *e, sym_id axis) { return dim_sym_info(e->k->dims, axis)->extent; }

/* --- lane loops --- */

/* One iteration of a lane loop: `width` axis values from base on. */
static void emit_lanes(emitter *e, const kstmt *s, uint32_t width, val base, val mask) {
    e->lane = (lane_state){
        .axis = s->u.loop.axis, .width = width, .base = base, .mask = mask, .prefetch = s->u.loop.prefetch};
    e->n_bodies++;
    emit_list(e, s->u.loop.body);
    e->lane = NO_LANES;
    forget_values(e);
}

/* True when the list updates an accumulator that was declared before it and has several partials. */
static bool updates_partials(const emitter *e, const kstmt *s) {
    for (; s; s = s->next) {
        if (s->kind == KS_UPDATE && e->accs[s->u.update.acc].partial[0] && e->k->accs.at[s->u.update.acc].lanes > 1)
            return true;
        if (s->kind == KS_LOOP && updates_partials(e, s->u.loop.body)) return true;
        if (s->kind == KS_IF && (updates_partials(e, s->u.branch.body) || updates_partials(e, s->u.branch.orelse)))
            return true;
    }
    return false;
}

static uint32_t floor_power_of_two(uint32_t n) {
    while (n & (n - 1)) n &= n - 1;
    return n ? n : 1;
}

/* Lanes that go through the body at a time when a loop is serial: a vector, or several that fill a cache line. */
static uint32_t serial_width(const emitter *e, uint32_t lanes, uint32_t width) {
    enum { CACHE_LINE = 64 };
    uint32_t n = e->t->vector_bytes < CACHE_LINE ? lanes * (CACHE_LINE / e->t->vector_bytes) : lanes;
    return n < width ? n : width;
}

/* Whole iterations of `width` values from `from` on; returns where they end. */
static val emit_iterations(emitter *e, const kstmt *s, uint32_t width, val from, val extent) {
    val end = LLVMBuildAnd(e->b, extent, const_int(e->i64, -(int64_t)width), "");
    count_loop l = loop_begin(e, from, end, const_int(e->i64, width));
    uint32_t each = s->u.loop.is_serial ? serial_width(e, s->u.loop.lanes, width) : width;
    for (uint32_t i = 0; i < width; i += each) {
        val at = const_int(e->i64, i);
        if (each < width) e->lane.partial = at;
        emit_lanes(e, s, each, i ? LLVMBuildNSWAdd(e->b, l.index, at, "") : l.index, NULL);
    }
    loop_end(e, &l);
    return end;
}

static void emit_tail(emitter *e, const kstmt *s, uint32_t width, val from, val extent) {
    if_else some = if_begin(e, LLVMBuildICmp(e->b, LLVMIntSLT, from, extent, ""));
    val left = LLVMBuildTrunc(e->b, LLVMBuildSub(e->b, extent, from, ""), e->i32, "");
    val lanes = iota(e, e->i32, width);
    emit_lanes(e, s, width, from, LLVMBuildICmp(e->b, LLVMIntULT, lanes, splat(e, left, width), ""));
    if_otherwise(e, &some);
    if_end(e, &some);
}

/* Iterations of lanes * unroll values, then of lanes, then one masked. A loop that updates partials leaves the middle
 * part out: its tail is one wide masked iteration, so that each partial keeps its place in a register. */
static void emit_vector_loop(emitter *e, const kstmt *s, uint32_t lanes) {
    dim d = extent_of(e, s->u.loop.axis);
    int64_t lo, hi;
    e->n_lane_loops++;
    dim_bounds(e->k->dims, d, &lo, &hi);
    uint32_t unroll = floor_power_of_two(s->u.loop.unroll);
    while (unroll > 1 && (int64_t)lanes * (unroll / 2) >= hi) unroll /= 2;
    uint32_t wide = lanes * unroll;
    bool is_whole = updates_partials(e, s->u.loop.body);
    uint32_t tail = is_whole ? wide : lanes;
    val extent = dim_scalar(e, d), from = e->zero;
    if (hi >= wide) from = emit_iterations(e, s, wide, from, extent);
    if (tail < wide && !dim_divides(e->k->dims, dim_const(e->k->dims, wide), d))
        from = emit_iterations(e, s, lanes, from, extent);
    if (!dim_divides(e->k->dims, dim_const(e->k->dims, tail), d)) emit_tail(e, s, tail, from, extent);
    acc_finish_all(e);
}

/* --- other loops --- */

static void emit_count_loop(emitter *e, const kstmt *s, bool has_lanes) {
    sym_id axis = s->u.loop.axis;
    const kstmt *around = e->prefetch_loop;
    if (s->u.loop.prefetch) e->prefetch_loop = s;
    count_loop l = loop_begin(e, e->zero, dim_scalar(e, extent_of(e, axis)), const_int(e->i64, 1));
    e->syms[axis] = l.index;
    if (has_lanes) e->lane = (lane_state){.axis = axis, .width = 1, .base = l.index};
    emit_list(e, s->u.loop.body);
    if (has_lanes) e->lane = NO_LANES;
    e->syms[axis] = NULL;
    e->prefetch_loop = around;
    forget_values(e);
    loop_end(e, &l);
    if (has_lanes || e->lane.axis == SYM_NONE) acc_finish_all(e);
}

enum { MAX_UNROLLED = 64 }; /* iterations of a KL_UNROLL loop that are written out */

static bool emit_unrolled(emitter *e, const kstmt *s) {
    int64_t n;
    if (!dim_is_const(e->k->dims, extent_of(e, s->u.loop.axis), &n) || n > MAX_UNROLLED) return false;
    for (int64_t i = 0; i < n; i++) {
        e->syms[s->u.loop.axis] = const_int(e->i64, i);
        emit_list(e, s->u.loop.body);
    }
    e->syms[s->u.loop.axis] = NULL;
    return true;
}

static void emit_loop(emitter *e, const kstmt *s) {
    bool is_inside_lanes = e->lane.axis != SYM_NONE;
    switch (s->u.loop.kind) {
    case KL_UNROLL:
        if (emit_unrolled(e, s)) return;
        break;
    case KL_VEC:
    case KL_THREAD:
        if (is_inside_lanes) break;
        if (s->u.loop.kind == KL_VEC && s->u.loop.lanes > 1)
            emit_vector_loop(e, s, floor_power_of_two(s->u.loop.lanes));
        else
            emit_count_loop(e, s, true);
        return;
    case KL_PAR:
    case KL_SEQ:
        break;
    }
    emit_count_loop(e, s, false);
}

/* --- other statements --- */

static void emit_list_masked(emitter *e, const kstmt *list, val mask) {
    if (!list) return;
    val outer = e->lane.mask;
    e->lane.mask = mask_and(e, splat(e, mask, e->lane.width), outer);
    if_else any = if_begin(e, any_lane(e, e->lane.mask));
    emit_list(e, list);
    if_otherwise(e, &any);
    if_end(e, &any);
    e->lane.mask = outer;
    forget_values(e);
}

static void emit_branch(emitter *e, const kstmt *s) {
    val cond = emit_expr(e, s->u.branch.cond);
    if (width_of(cond) > 1) {
        emit_list_masked(e, s->u.branch.body, cond);
        emit_list_masked(e, s->u.branch.orelse, LLVMBuildNot(e->b, cond, ""));
        return;
    }
    if_else i = if_begin(e, cond);
    emit_list(e, s->u.branch.body);
    forget_values(e);
    if_otherwise(e, &i);
    emit_list(e, s->u.branch.orelse);
    if_end(e, &i);
}

static void emit_update(emitter *e, const kstmt *s) {
    acc_id a = s->u.update.acc;
    val values[COMBINE_MAX];
    for (uint32_t i = 0; i < combiner_info_of(e->k->accs.at[a].comb)->n; i++)
        values[i] = emit_expr(e, s->u.update.value[i]);
    acc_update(e, a, values);
}

static void emit_statement(emitter *e, const kstmt *s) {
    switch (s->kind) {
    case KS_LOOP:
        emit_loop(e, s);
        return;
    case KS_IF:
        emit_branch(e, s);
        return;
    case KS_ACC:
        acc_declare(e, s->u.acc.acc);
        return;
    case KS_UPDATE:
        emit_update(e, s);
        return;
    case KS_LET:
        e->lets[s->u.let.let] = emit_expr(e, e->k->lets.at[s->u.let.let].value);
        return;
    case KS_STORE:
        emit_store(e, s->u.store.buf, s->u.store.at, emit_expr(e, s->u.store.value), emit_pred(e, s->u.store.pred));
        return;
    case KS_LEAF:
        emit_leaf(e, s->u.leaf);
        return;
    case KS_BARRIER: /* one thread runs an item from start to end */
        return;
    }
}

static void emit_list(emitter *e, const kstmt *s) {
    for (; s && e->status == FRIT_OK; s = s->next) {
        forget_values(e);
        emit_statement(e, s);
    }
}

/* --- functions --- */

static const LLVMAttributeIndex ON_FUNCTION = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;

static void set_string_attribute(emitter *e, const char *name, const char *text) {
    LLVMAttributeRef a = LLVMCreateStringAttribute(e->ctx, name, (unsigned)strlen(name), text, (unsigned)strlen(text));
    LLVMAddAttributeAtIndex(e->fn, ON_FUNCTION, a);
}

static void set_attribute(emitter *e, LLVMAttributeIndex where, const char *name) {
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddAttributeAtIndex(e->fn, where, LLVMCreateEnumAttribute(e->ctx, kind, 0));
}

enum { ARG_BUFFERS, ARG_DIMS, ARG_BEGIN, ARG_END, ARG_SCRATCH, N_ARGS };

static void begin_function(emitter *e, uint32_t phase) {
    LLVMTypeRef params[N_ARGS] = {e->ptr, e->ptr, e->i64, e->i64, e->ptr};
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->ctx), params, N_ARGS, 0);
    const char *name = cpu_symbol(e->c->scratch, e->k, phase);
    e->fn = LLVMAddFunction(e->module, name, type);
    LLVMSetVisibility(e->fn, LLVMHiddenVisibility);
    set_attribute(e, ON_FUNCTION, "nounwind");
    for (uint32_t i = 0; i < N_ARGS; i++)
        if (i != ARG_BEGIN && i != ARG_END) set_attribute(e, i + 1, "noalias");
    set_attribute(e, ARG_BUFFERS + 1, "readonly");
    set_attribute(e, ARG_DIMS + 1, "readonly");
    const char *width = e->t->vector_bytes == 64 ? "512" : e->t->vector_bytes == 32 ? "256" : "128";
    set_string_attribute(e, "prefer-vector-width", width);
    set_string_attribute(e, "min-legal-vector-width", width);
    LLVMPositionBuilderAtEnd(e->entry, new_block(e, "entry"));
    LLVMPositionBuilderAtEnd(e->b, new_block(e, "body"));
    e->buffers_arg = LLVMGetParam(e->fn, ARG_BUFFERS);
    e->dims_arg = LLVMGetParam(e->fn, ARG_DIMS);
    e->scratch_arg = LLVMGetParam(e->fn, ARG_SCRATCH);
    LLVMTypeRef safe = LLVMVectorType(e->i64, 8);
    e->safe = stack_slot(e, safe);
    LLVMBuildStore(e->entry, LLVMConstNull(safe), e->safe);
}

static void end_function(emitter *e, LLVMBasicBlockRef body) {
    if (e->has_streaming_stores) intrinsic(e, "llvm.x86.sse.sfence", 0, NULL, 0, NULL);
    if (e->amx_rows) emit_amx_release(e);
    LLVMBuildRetVoid(e->b);
    LLVMBuildBr(e->entry, body);
}

/* The parallel axes of a phase, outermost first, and what they enclose. */
typedef struct par_nest {
    VEC(sym_id) axes;
    const kstmt *body;
} par_nest;

static par_nest nest_of(emitter *e, const kstmt *s) {
    par_nest n = {.body = s};
    for (; s && s->kind == KS_LOOP && s->u.loop.kind == KL_PAR && !s->next; s = s->u.loop.body) {
        vec_push(e->c->scratch, n.axes, s->u.loop.axis);
        n.body = s->u.loop.body;
    }
    return n;
}

/* The axis values of item `begin` go to slots, which the loop counts up like an odometer. */
static void start_odometer(emitter *e, const par_nest *n, val *slots) {
    val rest = LLVMGetParam(e->fn, ARG_BEGIN);
    for (uint32_t i = n->axes.n; i-- > 0;) {
        slots[i] = stack_slot(e, e->i64);
        val extent = dim_scalar(e, extent_of(e, n->axes.at[i]));
        val above = i ? LLVMBuildUDiv(e->b, rest, extent, "") : e->zero;
        LLVMBuildStore(e->b, i ? LLVMBuildSub(e->b, rest, LLVMBuildMul(e->b, above, extent, ""), "") : rest, slots[i]);
        rest = above;
    }
}

static void turn_odometer(emitter *e, const par_nest *n, const val *slots) {
    val carry = const_int(e->i64, 1);
    for (uint32_t i = n->axes.n; i-- > 0;) {
        val next = LLVMBuildAdd(e->b, e->syms[n->axes.at[i]], carry, "");
        if (i == 0) {
            LLVMBuildStore(e->b, next, slots[i]);
            return;
        }
        val is_full = LLVMBuildICmp(e->b, LLVMIntEQ, next, dim_scalar(e, extent_of(e, n->axes.at[i])), "");
        LLVMBuildStore(e->b, LLVMBuildSelect(e->b, is_full, e->zero, next, ""), slots[i]);
        carry = LLVMBuildZExt(e->b, is_full, e->i64, "");
    }
}

static void emit_items(emitter *e, const par_nest *n) {
    val begin = LLVMGetParam(e->fn, ARG_BEGIN), end = LLVMGetParam(e->fn, ARG_END);
    val *slots = ARENA_ARRAY(e->c->scratch, val, n->axes.n);
    if_else some = if_begin(e, LLVMBuildICmp(e->b, LLVMIntSLT, begin, end, "")); /* no item: extents may be 0 */
    start_odometer(e, n, slots);
    count_loop l = loop_begin(e, begin, end, const_int(e->i64, 1));
    for (uint32_t i = 0; i < n->axes.n; i++)
        e->syms[n->axes.at[i]] = LLVMBuildLoad2(e->b, e->i64, slots[i], dim_sym_info(e->k->dims, n->axes.at[i])->name);
    emit_list(e, n->body);
    turn_odometer(e, n, slots);
    loop_end(e, &l);
    if_otherwise(e, &some);
    if_end(e, &some);
}

static void emit_phase(emitter *e, uint32_t phase) {
    memset(e->buffers, 0, sizeof(val) * e->k->bufs.n);
    memset(e->syms, 0, sizeof(val) * dim_n_syms(e->k->dims));
    memset(e->accs, 0, sizeof(acc_slot) * e->k->accs.n);
    memset(e->first_read, 0, sizeof *e->first_read * e->k->bufs.n);
    memset(e->prefetched_in, 0, sizeof *e->prefetched_in * e->k->bufs.n);
    e->lane = NO_LANES;
    e->n_lane_loops = 0;
    e->n_bodies = 0;
    e->prefetch_loop = NULL;
    e->has_streaming_stores = false;
    e->amx_rows = 0;
    forget_values(e);
    begin_function(e, phase);
    LLVMBasicBlockRef body = LLVMGetInsertBlock(e->b);
    par_nest n = nest_of(e, e->k->phases.at[phase]);
    e->item_axis = n.axes.n ? n.axes.at[n.axes.n - 1] : SYM_NONE;
    emit_items(e, &n);
    end_function(e, body);
}

frit_status emit_kernel(emitter *e) {
    arena *a = e->c->scratch;
    e->buffers = ARENA_ARRAY(a, val, e->k->bufs.n);
    e->syms = ARENA_ARRAY(a, val, dim_n_syms(e->k->dims));
    e->lets = ARENA_ARRAY(a, val, e->k->lets.n);
    e->accs = ARENA_ARRAY(a, acc_slot, e->k->accs.n);
    e->first_read = ARENA_ARRAY(a, uint32_t, e->k->bufs.n);
    e->prefetched_in = ARENA_ARRAY(a, uint32_t, e->k->bufs.n);
    e->memo = ARENA_ARRAY(a, val, e->k->exprs.n);
    e->memo_epoch = ARENA_ARRAY(a, uint32_t, e->k->exprs.n);
    e->b = LLVMCreateBuilderInContext(e->ctx);
    e->entry = LLVMCreateBuilderInContext(e->ctx);
    for (uint32_t i = 0; i < e->k->phases.n && e->status == FRIT_OK; i++) emit_phase(e, i);
    LLVMDisposeBuilder(e->b);
    LLVMDisposeBuilder(e->entry);
    return e->status;
}
