/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elements of buffers. A lane loop's access takes the cheapest form that its index allows: one element for all lanes, a
 * contiguous vector, or a gather. Types below a byte are read byte by byte and written by read-modify-write. */
#include "codegen/cpu/cpu_emit.h"

#include <string.h>

val buffer_address(emitter *e, buf_id b) {
    if (e->buffers[b]) return e->buffers[b];
    if (b < e->k->n_params) {
        val index = LLVMConstInt(e->i64, b, 0);
        val at = LLVMBuildInBoundsGEP2(e->entry, e->ptr, e->buffers_arg, &index, 1, "");
        e->buffers[b] = LLVMBuildLoad2(e->entry, e->ptr, at, e->k->bufs.at[b].name);
        return e->buffers[b];
    }
    /* The offset may need dims, so it is computed where everything of the entry block is at hand. */
    LLVMBuilderRef body = e->b;
    lane_state lane = e->lane;
    e->b = e->entry;
    e->lane = NO_LANES;
    dim offset = dim_add(e->k->dims, kernel_scratch(e->k, b, NULL), dim_const(e->k->dims, KERNEL_REPORT_BYTES));
    val bytes = dim_scalar(e, offset);
    e->buffers[b] = LLVMBuildInBoundsGEP2(e->b, e->i8, e->scratch_arg, &bytes, 1, e->k->bufs.at[b].name);
    e->b = body;
    e->lane = lane;
    return e->buffers[b];
}

val element_address(emitter *e, buf_id b, val offset) {
    LLVMTypeRef type = storage_type(e, e->k->bufs.at[b].dt);
    return LLVMBuildInBoundsGEP2(e->b, type, buffer_address(e, b), &offset, 1, "");
}

static unsigned alignment_of(dtype dt) {
    unsigned bits = dtype_bits(dt);
    return bits <= 8 ? 1 : bits / 8;
}

/* --- masked intrinsics: their alignment is an argument up to LLVM 21 and an attribute from 22 on --- */

typedef struct masked_call {
    const char *name;
    uint32_t n_types;
    LLVMTypeRef types[2];
    val args[4];              /* without the alignment */
    uint32_t n_args, address; /* which argument is the address */
    unsigned alignment;
} masked_call;

static val emit_masked(emitter *e, const masked_call *m) {
    unsigned id = LLVMLookupIntrinsicID(m->name, strlen(m->name));
    LLVMTypeRef types[2] = {m->types[0], m->types[1]};
    LLVMTypeRef type = LLVMIntrinsicGetType(e->ctx, id, types, m->n_types);
    val args[5];
    uint32_t n = 0;
    bool has_argument = LLVMCountParamTypes(type) == m->n_args + 1;
    for (uint32_t i = 0; i < m->n_args; i++) {
        args[n++] = m->args[i];
        if (has_argument && i == m->address) args[n++] = LLVMConstInt(e->i32, m->alignment, 0);
    }
    val fn = LLVMGetIntrinsicDeclaration(e->module, id, types, m->n_types);
    val call = LLVMBuildCall2(e->b, type, fn, args, n, "");
    if (!has_argument) {
        unsigned align = LLVMGetEnumAttributeKindForName("align", 5);
        LLVMAddCallSiteAttribute(call, m->address + 1, LLVMCreateEnumAttribute(e->ctx, align, m->alignment));
    }
    return call;
}

val masked_load(emitter *e, LLVMTypeRef vector, val address, val mask, unsigned alignment) {
    return emit_masked(e, &(masked_call){.name = "llvm.masked.load",
                                         .n_types = 2,
                                         .types = {vector, e->ptr},
                                         .args = {address, mask, LLVMConstNull(vector)},
                                         .n_args = 3,
                                         .address = 0,
                                         .alignment = alignment});
}

/* v through an empty instruction that LLVM does not look into. */
static val opaque(emitter *e, val v) {
    uint32_t n = width_of(v), bits = n * val_bits(v), each = n * 512 / bits;
    if (bits < 128) return v; /* no register of that size; such few lanes are not merged */
    if (bits > 512) {
        val parts[16];
        ASSERT(n / each <= countof(parts));
        for (uint32_t i = 0; i < n / each; i++) parts[i] = opaque(e, slice_lanes(e, v, i * each, each));
        return concat_lanes(e, n / each, parts);
    }
    LLVMTypeRef type = LLVMTypeOf(v), fn = LLVMFunctionType(type, &type, 1, 0);
    static const char constraints[] = "=v,0";
    val hide = LLVMGetInlineAsm(fn, "", 0, constraints, sizeof constraints - 1, 0, 0, LLVMInlineAsmDialectATT, 0);
    return LLVMBuildCall2(e->b, fn, hide, &v, 1, "");
}

void masked_store(emitter *e, val v, val address, val mask, unsigned alignment) {
    /* LLVM merges a truncation into a masked store on AVX-512, and makes that of one known lane a store of the element
     * before truncation, which writes past it. Hiding the truncation keeps the two apart. */
    if (e->t->has_masks && alignment < 4) v = opaque(e, v);
    emit_masked(e, &(masked_call){.name = "llvm.masked.store",
                                  .n_types = 2,
                                  .types = {LLVMTypeOf(v), e->ptr},
                                  .args = {v, address, mask},
                                  .n_args = 3,
                                  .address = 1,
                                  .alignment = alignment});
}

/* --- loads --- */

static val scalar_load(emitter *e, LLVMTypeRef type, val address, unsigned alignment) {
    val v = LLVMBuildLoad2(e->b, type, address, "");
    LLVMSetAlignment(v, alignment);
    if (e->loads_const) {
        static const char invariant[] = "invariant.load";
        unsigned kind = LLVMGetMDKindIDInContext(e->ctx, invariant, sizeof invariant - 1);
        LLVMSetMetadata(v, kind, LLVMMetadataAsValue(e->ctx, LLVMMDNodeInContext2(e->ctx, NULL, 0)));
    }
    return v;
}

static val safe_address(emitter *e, val wanted, val address) {
    val safe = splat(e, e->safe, width_of(address));
    return LLVMBuildSelect(e->b, wanted, address, safe, "");
}

static val contiguous_load(emitter *e, LLVMTypeRef type, val address, val mask, unsigned alignment) {
    LLVMTypeRef vector = LLVMVectorType(type, e->lane.width);
    if (!mask) return scalar_load(e, vector, address, alignment);
    return masked_load(e, vector, address, splat(e, mask, e->lane.width), alignment);
}

static val gather_load(emitter *e, LLVMTypeRef type, val addresses, val mask, unsigned alignment) {
    uint32_t n = e->lane.width;
    LLVMTypeRef vector = LLVMVectorType(type, n);
    val all = const_int(LLVMVectorType(e->i1, n), 1);
    bool is_native = e->t->has_masks && alignment >= 4;
    if (mask && !is_native) addresses = safe_address(e, splat(e, mask, n), addresses);
    if (!is_native) mask = NULL;
    if (!is_native) {
        val v = LLVMGetPoison(vector);
        for (uint32_t i = 0; i < n; i++) {
            val one = scalar_load(e, type, lane_at(e, addresses, i), alignment);
            v = LLVMBuildInsertElement(e->b, v, one, LLVMConstInt(e->i32, i, 0), "");
        }
        return v;
    }
    return emit_masked(e, &(masked_call){.name = "llvm.masked.gather",
                                         .n_types = 2,
                                         .types = {vector, LLVMTypeOf(addresses)},
                                         .args = {addresses, mask ? splat(e, mask, n) : all, LLVMConstNull(vector)},
                                         .n_args = 3,
                                         .address = 0,
                                         .alignment = alignment});
}

enum { CACHE_LINE = 64 };

void fetch_line(emitter *e, val address, fetch_into into) {
    enum { FOR_READING = 0, DATA = 1 };
    val args[4] = {address, const_int(e->i32, FOR_READING), const_int(e->i32, into), const_int(e->i32, DATA)};
    intrinsic(e, "llvm.prefetch", 1, &e->ptr, 4, args);
}

static void prefetch(emitter *e, buf_id b, val offset, fetch_into into) {
    LLVMTypeRef type = storage_type(e, e->k->bufs.at[b].dt);
    /* Not "inbounds": behind the last item there is no row. */
    val address = LLVMBuildGEP2(e->b, type, buffer_address(e, b), &offset, 1, "");
    unsigned bytes = e->lane.width * dtype_bits(e->k->bufs.at[b].dt) / 8;
    for (unsigned at = 0; at < bytes; at += CACHE_LINE) {
        val place = const_int(e->i64, at);
        fetch_line(e, LLVMBuildGEP2(e->b, e->i8, address, &place, 1, ""), into);
    }
}

/* Whether a buffer may be too large to stay in the second-level cache. */
static bool is_large(emitter *e, buf_id b) {
    int64_t lo, hi;
    dim_bounds(e->k->dims, kbuf_elements(e->k, b), &lo, &hi);
    return hi >= e->t->l2_bytes;
}

/* Rows that overlap and are too long to stay in L1: a row that is read again comes from L2, and is prefetched into L1 a
 * little before. */
static void prefetch_again(emitter *e, buf_id b, dim offset) {
    enum { NEAR_BYTES = 1024, ROWS_UNDER_WAY = 3 };
    unsigned bits = dtype_bits(e->k->bufs.at[b].dt);
    int64_t lo, hi;
    dim_bounds(e->k->dims, dim_sym_info(e->k->dims, e->lane.axis)->extent, &lo, &hi);
    if (hi < e->t->l1_bytes * 8ll / (ROWS_UNDER_WAY * bits)) return;
    val distance = const_int(e->i64, NEAR_BYTES * 8ll / bits);
    prefetch(e, b, LLVMBuildAdd(e->b, dim_scalar(e, offset), distance, ""), FETCH_L1);
}

/* Prefetches what later iterations of a loop around will read. The first reader of a buffer does it, as it is the one
 * that is furthest along. Where no loop says so, a row that a second lane loop reads again is in the cache, and memory
 * is idle meanwhile: the next item's row is prefetched. A lane loop that prefetches along its lanes does so for all
 * that it reads. (Prefetching in the first loop, beside the stores, or into L1 was measured to be slower.) */
static void prefetch_ahead(emitter *e, buf_id b, dim offset) {
    dim stride, rest;
    int64_t step;
    uint32_t iterations = e->prefetch_loop ? e->prefetch_loop->u.loop.prefetch : 1;
    sym_id axis = e->prefetch_loop ? e->prefetch_loop->u.loop.axis : e->item_axis;
    if (b >= e->k->n_params || e->lane.mask) return;
    if (!e->first_read[b]) e->first_read[b] = e->n_lane_loops;
    if (e->lane.prefetch) {
        val distance = const_int(e->i64, e->lane.prefetch);
        if (is_large(e, b)) prefetch(e, b, LLVMBuildAdd(e->b, dim_scalar(e, offset), distance, ""), FETCH_L1);
        return;
    }
    if (axis == SYM_NONE) return;
    if (!e->prefetch_loop && e->first_read[b] + 1 != e->n_lane_loops) return;
    if (e->prefetch_loop && e->first_read[b] != e->n_lane_loops) return;
    if (e->prefetch_loop && e->prefetched_in[b] == e->n_bodies) {
        prefetch_again(e, b, offset);
        return;
    }
    if (!dim_linear(e->k->dims, offset, axis, &stride, &rest)) return;
    if (dim_is_const(e->k->dims, stride, &step) && step == 0) return;
    e->prefetched_in[b] = e->n_bodies;
    dim distance = dim_mul(e->k->dims, stride, dim_const(e->k->dims, iterations));
    prefetch(e, b, LLVMBuildAdd(e->b, dim_scalar(e, offset), dim_scalar(e, distance), ""), FETCH_L2);
}

/* How an index runs along the lanes. */
typedef enum access_form {
    ACCESS_SAME,
    ACCESS_CONTIGUOUS,
    ACCESS_PACKED, /* contiguous elements below a byte, beginning with a byte */
    ACCESS_SPREAD
} access_form;

/* Whether the lanes' first element of `bits` begins a byte, and their last one ends one. */
static bool begins_byte(emitter *e, dim offset, unsigned bits) {
    dim stride, rest;
    if (e->lane.width * bits % 8 || !dim_linear(e->k->dims, offset, e->lane.axis, &stride, &rest)) return false;
    return dim_divides(e->k->dims, dim_const(e->k->dims, 8 / bits), rest);
}

static access_form access_of(emitter *e, dim offset, unsigned bits) {
    dim stride;
    int64_t step;
    if (!dim_varies(e, offset)) return ACCESS_SAME;
    bool is_unit = dim_is_linear(e, offset, &stride) && dim_is_const(e->k->dims, stride, &step) && step == 1;
    if (is_unit && bits >= 8) return ACCESS_CONTIGUOUS;
    return is_unit && begins_byte(e, offset, bits) ? ACCESS_PACKED : ACCESS_SPREAD;
}

/* All lanes' offsets of a spread access: i32 lanes where that is enough. */
static val spread_offsets(emitter *e, dim offset) {
    return dim_lanes(e, offset, dim_fits_i32(e, offset) ? e->i32 : e->i64);
}

/* Element of a type below a byte: the byte it is in, shifted down. */
static val packed_part(emitter *e, val byte, val offset, unsigned bits) {
    val place = LLVMBuildAnd(e->b, offset, const_int(LLVMTypeOf(offset), 8 / bits - 1), "");
    place = LLVMBuildIntCast2(e->b, place, LLVMTypeOf(byte), 0, "");
    val shift = LLVMBuildMul(e->b, place, const_int(LLVMTypeOf(byte), bits), "");
    val low = LLVMBuildLShr(e->b, byte, shift, "");
    return LLVMBuildAnd(e->b, low, const_int(LLVMTypeOf(byte), (1 << bits) - 1), "");
}

/* All lanes' elements below a byte from the bytes that hold them: words of 32 bits, each repeated for the lanes in it
 * and shifted down by what stands before them. */
static val packed_lanes(emitter *e, LLVMTypeRef type, val address, unsigned bits) {
    enum { WORD = 32, MOST_LANES = 64 };
    uint32_t n = e->lane.width, n_words = (n * bits + WORD - 1) / WORD;
    val words, index[MOST_LANES], shift[MOST_LANES];
    ASSERT(n <= MOST_LANES);
    if (n * bits < WORD) {
        val part = scalar_load(e, LLVMIntTypeInContext(e->ctx, n * bits), address, 1);
        words = splat(e, LLVMBuildZExt(e->b, part, e->i32, ""), n);
    } else {
        words = scalar_load(e, LLVMVectorType(e->i32, n_words), address, 1);
    }
    for (uint32_t i = 0; i < n; i++) {
        index[i] = const_int(e->i32, i * bits / WORD);
        shift[i] = const_int(e->i32, i * bits % WORD);
    }
    val each = LLVMBuildShuffleVector(e->b, words, LLVMGetPoison(LLVMTypeOf(words)), LLVMConstVector(index, n), "");
    val low = LLVMBuildLShr(e->b, each, LLVMConstVector(shift, n), "");
    val part = LLVMBuildAnd(e->b, low, const_int(LLVMTypeOf(low), (1 << bits) - 1), "");
    return LLVMBuildTrunc(e->b, part, LLVMVectorType(type, n), "");
}

static val byte_offset(emitter *e, val offset, unsigned bits) {
    if (bits >= 8) return offset;
    return LLVMBuildAShr(e->b, offset, const_int(LLVMTypeOf(offset), bits == 4 ? 1 : 2), "");
}

/* What memory holds at the offset; unspecified where mask (NULL: nowhere) is false. */
static val load_storage(emitter *e, buf_id b, dim offset, val mask) {
    dtype dt = e->k->bufs.at[b].dt;
    unsigned bits = dtype_bits(dt), alignment = alignment_of(dt);
    LLVMTypeRef type = storage_type(e, dt);
    access_form form = access_of(e, offset, bits);
    if (form == ACCESS_CONTIGUOUS) {
        val first = dim_scalar(e, offset);
        if (e->options->checked) check_access(e, b, dim_lanes(e, offset, e->i64), mask);
        prefetch_ahead(e, b, offset);
        return contiguous_load(e, type, element_address(e, b, first), mask, alignment);
    }
    if (form == ACCESS_PACKED && !mask && !e->options->checked)
        return packed_lanes(e, type, element_address(e, b, byte_offset(e, dim_scalar(e, offset), bits)), bits);
    val at = form == ACCESS_SAME ? dim_scalar(e, offset) : spread_offsets(e, offset);
    check_access(e, b, at, mask);
    val address = element_address(e, b, byte_offset(e, at, bits));
    val v;
    if (form == ACCESS_SPREAD || form == ACCESS_PACKED)
        v = gather_load(e, type, address, mask, alignment);
    else
        v = scalar_load(e, type, mask ? safe_address(e, any_lane(e, mask), address) : address, alignment);
    return bits < 8 ? packed_part(e, v, at, bits) : v;
}

val emit_load(emitter *e, const kx_node *x) {
    dim offset = kbuf_offset(e->k, x->ref, x->at);
    val pred = emit_pred(e, x->pred);
    /* Lanes left out of the loop may not touch memory either, unless all lanes share one element. */
    val mask = dim_varies(e, offset) || pred ? mask_and(e, pred, e->lane.mask) : NULL;
    if (e->options->checked) check_indices(e, x->ref, x->at, mask_and(e, pred, e->lane.mask));
    e->loads_const = e->k->bufs.at[x->ref].is_const;
    val v = load_storage(e, x->ref, offset, mask);
    e->loads_const = false;
    v = storage_to_reg(e, x->dt, v);
    if (!pred) return v;
    val fill = emit_expr(e, x->fill);
    bool is_zeroed = e->lane.width > 1 && dtype_bits(x->dt) >= 8 && dim_varies(e, offset) &&
                     access_of(e, offset, dtype_bits(x->dt)) == ACCESS_CONTIGUOUS;
    if (is_zeroed && LLVMIsNull(fill)) return v; /* a masked load gives zeros where it does not look */
    val parts[3] = {pred, v, fill};
    widen(e, 3, parts);
    return LLVMBuildSelect(e->b, parts[0], parts[1], parts[2], "");
}

/* --- stores --- */

static void scalar_store(emitter *e, val v, val address, unsigned alignment) {
    LLVMSetAlignment(LLVMBuildStore(e->b, v, address), alignment);
}

/* Puts one element of a type below a byte in place. */
static void packed_store(emitter *e, buf_id b, val offset, val v) {
    unsigned bits = dtype_bits(e->k->bufs.at[b].dt);
    val address = element_address(e, b, byte_offset(e, offset, bits));
    val place = LLVMBuildAnd(e->b, offset, const_int(e->i64, 8 / bits - 1), "");
    val shift = LLVMBuildMul(e->b, LLVMBuildTrunc(e->b, place, e->i8, ""), const_int(e->i8, bits), "");
    val hole = LLVMBuildNot(e->b, LLVMBuildShl(e->b, const_int(e->i8, (1 << bits) - 1), shift, ""), "");
    val kept = LLVMBuildAnd(e->b, scalar_load(e, e->i8, address, 1), hole, "");
    scalar_store(e, LLVMBuildOr(e->b, kept, LLVMBuildShl(e->b, v, shift, ""), ""), address, 1);
}

/* Lane after lane, in order. */
static void packed_stores(emitter *e, buf_id b, val offsets, val v, val mask) {
    for (uint32_t i = 0; i < e->lane.width; i++) {
        val offset = LLVMBuildIntCast2(e->b, lane_at(e, offsets, i), e->i64, 1, "");
        if (!mask) {
            packed_store(e, b, offset, lane_at(e, v, i));
            continue;
        }
        if_else branch = if_begin(e, lane_at(e, mask, i));
        packed_store(e, b, offset, lane_at(e, v, i));
        if_otherwise(e, &branch);
        if_end(e, &branch);
    }
}

/* Whether a contiguous store should bypass the caches, which saves reading each line before it is overwritten: the
 * buffer is large whatever the dims, and its vectors are aligned if its address is. */
static bool can_stream(emitter *e, buf_id b, dim offset) {
    dim stride, rest;
    unsigned bits = dtype_bits(e->k->bufs.at[b].dt);
    if (b >= e->k->n_params || e->lane.width * bits / 8 % CACHE_LINE || !kbuf_outgrows_caches(e->k, b)) return false;
    if (!dim_linear(e->k->dims, offset, e->lane.axis, &stride, &rest)) return false;
    return dim_divides(e->k->dims, dim_const(e->k->dims, CACHE_LINE * 8 / bits), rest);
}

static void streaming_store(emitter *e, buf_id b, val v, val address) {
    val base = LLVMBuildPtrToInt(e->b, buffer_address(e, b), e->i64, "");
    val low = LLVMBuildAnd(e->b, base, const_int(e->i64, CACHE_LINE - 1), "");
    if_else aligned = if_begin(e, LLVMBuildICmp(e->b, LLVMIntEQ, low, e->zero, ""));
    val store = LLVMBuildStore(e->b, v, address);
    LLVMSetAlignment(store, CACHE_LINE);
    LLVMMetadataRef one = LLVMValueAsMetadata(const_int(e->i32, 1));
    val flag = LLVMMetadataAsValue(e->ctx, LLVMMDNodeInContext2(e->ctx, &one, 1));
    LLVMSetMetadata(store, LLVMGetMDKindIDInContext(e->ctx, "nontemporal", 11), flag);
    if_otherwise(e, &aligned);
    scalar_store(e, v, address, alignment_of(e->k->bufs.at[b].dt));
    if_end(e, &aligned);
    e->has_streaming_stores = true;
}

/* Stores in a lane loop. Where several lanes write one element, the last lane wins. */
static void vector_store(emitter *e, buf_id b, dim offset, val v, val mask) {
    dtype dt = e->k->bufs.at[b].dt;
    uint32_t n = e->lane.width;
    bool is_contiguous = access_of(e, offset, dtype_bits(dt)) == ACCESS_CONTIGUOUS;
    v = splat(e, v, n);
    if (mask) mask = splat(e, mask, n);
    val offsets = is_contiguous && !e->options->checked ? NULL : splat(e, spread_offsets(e, offset), n);
    if (offsets) check_access(e, b, offsets, mask);
    if (dtype_bits(dt) < 8) {
        packed_stores(e, b, offsets, v, mask);
        return;
    }
    val address = element_address(e, b, is_contiguous ? dim_scalar(e, offset) : offsets);
    if (is_contiguous && !mask && can_stream(e, b, offset)) {
        streaming_store(e, b, v, address);
        return;
    }
    if (is_contiguous && !mask) {
        scalar_store(e, v, address, alignment_of(dt));
        return;
    }
    if (is_contiguous) {
        masked_store(e, v, address, mask, alignment_of(dt));
        return;
    }
    val all = const_int(LLVMVectorType(e->i1, n), 1);
    emit_masked(e, &(masked_call){.name = "llvm.masked.scatter",
                                  .n_types = 2,
                                  .types = {LLVMTypeOf(v), LLVMTypeOf(address)},
                                  .args = {v, address, mask ? mask : all},
                                  .n_args = 3,
                                  .address = 1,
                                  .alignment = alignment_of(dt)});
}

static void single_store(emitter *e, buf_id b, dim offset, val v) {
    dtype dt = e->k->bufs.at[b].dt;
    val at = dim_scalar(e, offset);
    check_access(e, b, at, NULL);
    if (dtype_bits(dt) < 8)
        packed_store(e, b, at, v);
    else
        scalar_store(e, v, element_address(e, b, at), alignment_of(dt));
}

void emit_store(emitter *e, buf_id b, const dim *at, val new_value, val pred) {
    dim offset = kbuf_offset(e->k, b, at);
    val v = reg_to_storage(e, e->k->bufs.at[b].dt, new_value);
    if (e->lane.width > 1) {
        val mask = mask_and(e, pred, e->lane.mask);
        check_indices(e, b, at, mask);
        vector_store(e, b, offset, v, mask);
        return;
    }
    if (!pred) {
        check_indices(e, b, at, NULL);
        single_store(e, b, offset, v);
        return;
    }
    if_else branch = if_begin(e, pred);
    check_indices(e, b, at, NULL);
    single_store(e, b, offset, v);
    if_otherwise(e, &branch);
    if_end(e, &branch);
}
