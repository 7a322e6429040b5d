/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types, vectors, intrinsics and control flow: the vocabulary of the other files. */
#include <string.h>

#include "codegen/cpu/cpu_emit.h"

LLVMTypeRef reg_type(const emitter *e, dtype dt) {
    unsigned bits = dtype_bits(dt);
    switch (dtype_kind_of(dt)) {
    case DTYPE_BOOL:
        return e->i1;
    case DTYPE_FLOAT:
        return bits == 64 ? e->f64 : e->f32;
    case DTYPE_INT:
    case DTYPE_UINT:
        return bits == 64 ? e->i64 : bits == 32 ? e->i32 : bits == 16 ? e->i16 : e->i8;
    }
    return e->i8;
}

static bool is_vector(val v) { return LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind; }

LLVMTypeRef vector_of(LLVMTypeRef element, uint32_t n) { return n == 1 ? element : LLVMVectorType(element, n); }
uint32_t width_of(val v) { return is_vector(v) ? LLVMGetVectorSize(LLVMTypeOf(v)) : 1; }
LLVMTypeRef element_type(val v) { return is_vector(v) ? LLVMGetElementType(LLVMTypeOf(v)) : LLVMTypeOf(v); }
LLVMTypeRef like(val v, LLVMTypeRef element) { return is_vector(v) ? LLVMVectorType(element, width_of(v)) : element; }

bool is_real(val v) {
    LLVMTypeKind kind = LLVMGetTypeKind(element_type(v));
    return kind == LLVMFloatTypeKind || kind == LLVMDoubleTypeKind;
}

unsigned val_bits(val v) {
    LLVMTypeRef t = element_type(v);
    if (LLVMGetTypeKind(t) == LLVMIntegerTypeKind) return LLVMGetIntTypeWidth(t);
    return LLVMGetTypeKind(t) == LLVMDoubleTypeKind ? 64 : 32;
}

static val const_splat(LLVMTypeRef type, val element) {
    if (LLVMGetTypeKind(type) != LLVMVectorTypeKind) return element;
    enum { MAX_WIDTH = 1024 };
    val lanes[MAX_WIDTH];
    uint32_t n = LLVMGetVectorSize(type);
    ASSERT(n <= MAX_WIDTH);
    for (uint32_t i = 0; i < n; i++) lanes[i] = element;
    return LLVMConstVector(lanes, n);
}

static LLVMTypeRef element_of(LLVMTypeRef type) {
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? LLVMGetElementType(type) : type;
}

val const_int(LLVMTypeRef type, int64_t v) { return const_splat(type, LLVMConstInt(element_of(type), (uint64_t)v, 1)); }
val const_real(LLVMTypeRef type, double v) { return const_splat(type, LLVMConstReal(element_of(type), v)); }

val const_scalar(const emitter *e, dtype dt, scalar v) {
    LLVMTypeRef type = reg_type(e, dt);
    if (dtype_is_float(dt)) return LLVMConstReal(type, v.f);
    return LLVMConstInt(type, v.u, 1);
}

val splat(emitter *e, val v, uint32_t n) {
    if (n == 1 || is_vector(v)) return v;
    LLVMTypeRef type = LLVMVectorType(LLVMTypeOf(v), n);
    if (LLVMIsConstant(v)) return const_splat(type, v);
    val one = LLVMBuildInsertElement(e->b, LLVMGetPoison(type), v, LLVMConstInt(e->i32, 0, 0), "");
    val zeros = LLVMConstNull(LLVMVectorType(e->i32, n));
    return LLVMBuildShuffleVector(e->b, one, LLVMGetPoison(type), zeros, "");
}

void widen(emitter *e, uint32_t n, val *v) {
    uint32_t width = 1;
    for (uint32_t i = 0; i < n; i++)
        if (width_of(v[i]) > width) width = width_of(v[i]);
    for (uint32_t i = 0; i < n; i++) v[i] = splat(e, v[i], width);
}

/* <first, first + 1, ...> */
static val counting(LLVMTypeRef element, uint32_t first, uint32_t n) {
    if (n == 1) return LLVMConstInt(element, first, 0);
    enum { MAX_WIDTH = 1024 };
    val lanes[MAX_WIDTH];
    ASSERT(n <= MAX_WIDTH);
    for (uint32_t i = 0; i < n; i++) lanes[i] = LLVMConstInt(element, first + i, 0);
    return LLVMConstVector(lanes, n);
}

val iota(const emitter *e, LLVMTypeRef element, uint32_t n) {
    (void)e;
    return counting(element, 0, n);
}

val lane_at(emitter *e, val v, uint32_t i) {
    if (!is_vector(v)) return v;
    return LLVMBuildExtractElement(e->b, v, LLVMConstInt(e->i32, i, 0), "");
}

val slice_lanes(emitter *e, val v, uint32_t from, uint32_t n) {
    if (n == width_of(v)) return v;
    if (n == 1) return lane_at(e, v, from);
    return LLVMBuildShuffleVector(e->b, v, LLVMGetPoison(LLVMTypeOf(v)), counting(e->i32, from, n), "");
}

val concat_lanes(emitter *e, uint32_t n, const val *parts) {
    if (n == 1) return parts[0];
    uint32_t half = n / 2, width = width_of(parts[0]);
    ASSERT((n & (n - 1)) == 0); /* lane counts are powers of two */
    if (width == 1) {
        val v = LLVMGetPoison(LLVMVectorType(LLVMTypeOf(parts[0]), n));
        for (uint32_t i = 0; i < n; i++) v = LLVMBuildInsertElement(e->b, v, parts[i], LLVMConstInt(e->i32, i, 0), "");
        return v;
    }
    val low = concat_lanes(e, half, parts), high = concat_lanes(e, half, parts + half);
    return LLVMBuildShuffleVector(e->b, low, high, counting(e->i32, 0, n * width), "");
}

val intrinsic(emitter *e, const char *name, uint32_t n_types, LLVMTypeRef *types, uint32_t n_args, val *args) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    ASSERT(id != 0);
    val fn = LLVMGetIntrinsicDeclaration(e->module, id, types, n_types);
    LLVMTypeRef type = LLVMIntrinsicGetType(e->ctx, id, types, n_types);
    return LLVMBuildCall2(e->b, type, fn, args, n_args, "");
}

val intrinsic_like(emitter *e, const char *name, uint32_t n_args, val *args) {
    LLVMTypeRef type = LLVMTypeOf(args[0]);
    return intrinsic(e, name, 1, &type, n_args, args);
}

val any_lane(emitter *e, val mask) {
    if (!is_vector(mask)) return mask;
    return intrinsic_like(e, "llvm.vector.reduce.or", 1, &mask);
}

val mask_and(emitter *e, val a, val b) {
    if (!a) return b;
    if (!b) return a;
    val both[2] = {a, b};
    widen(e, 2, both);
    return LLVMBuildAnd(e->b, both[0], both[1], "");
}

val stack_slot(emitter *e, LLVMTypeRef type) {
    val slot = LLVMBuildAlloca(e->entry, type, "");
    LLVMSetAlignment(slot, 64);
    return slot;
}

LLVMBasicBlockRef new_block(emitter *e, const char *name) { return LLVMAppendBasicBlockInContext(e->ctx, e->fn, name); }

/* Loops are emitted rotated, guard first, so that what does not change can be moved in front of the body even if it may
 * not be computed for an empty loop. */
count_loop loop_begin(emitter *e, val begin, val end, val step) {
    count_loop l = {.body = new_block(e, "loop"), .exit = new_block(e, "done"), .end = end, .step = step};
    LLVMBasicBlockRef ahead = new_block(e, "ahead");
    LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, begin, end, ""), ahead, l.exit);
    LLVMPositionBuilderAtEnd(e->b, ahead);
    LLVMBuildBr(e->b, l.body);
    LLVMPositionBuilderAtEnd(e->b, l.body);
    l.index = LLVMBuildPhi(e->b, e->i64, "i");
    LLVMAddIncoming(l.index, &begin, &ahead, 1);
    return l;
}

void loop_end(emitter *e, const count_loop *l) {
    val next = LLVMBuildNSWAdd(e->b, l->index, l->step, "");
    LLVMBasicBlockRef from = LLVMGetInsertBlock(e->b);
    LLVMAddIncoming(l->index, &next, &from, 1);
    LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, next, l->end, ""), l->body, l->exit);
    LLVMPositionBuilderAtEnd(e->b, l->exit);
}

if_else if_begin(emitter *e, val cond) {
    LLVMBasicBlockRef then = new_block(e, "then");
    if_else i = {.orelse = new_block(e, "else"), .exit = new_block(e, "endif")};
    LLVMBuildCondBr(e->b, cond, then, i.orelse);
    LLVMPositionBuilderAtEnd(e->b, then);
    return i;
}

void if_otherwise(emitter *e, const if_else *i) {
    LLVMBuildBr(e->b, i->exit);
    LLVMPositionBuilderAtEnd(e->b, i->orelse);
}

void if_end(emitter *e, const if_else *i) {
    LLVMBuildBr(e->b, i->exit);
    LLVMPositionBuilderAtEnd(e->b, i->exit);
}

val emit_fma(emitter *e, val a, val b, val c) {
    val args[3] = {a, b, c};
    widen(e, 3, args);
    if (e->t->has_fma) return intrinsic_like(e, "llvm.fma", 3, args);
    return LLVMBuildFAdd(e->b, LLVMBuildFMul(e->b, args[0], args[1], ""), args[2], "");
}

const char *cpu_symbol(arena *a, const kernel *k, uint32_t phase) { return arena_printf(a, "%s.%u", k->name, phase); }
