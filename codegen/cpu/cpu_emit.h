/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside the CPU emitter: state, and what its files offer each other. Reading order: cpu_values (types, vectors,
 * loops), cpu_dims (indices), cpu_memory and cpu_narrow (elements in memory), cpu_ops, cpu_cast, cpu_math (operators),
 * cpu_acc (reductions), cpu_expr (expressions), cpu_leaf (matrix micro-kernels), cpu_tree (statements), cpu_machine
 * (LLVM's passes and code generator), cpu (all kernels of a plan).
 *
 * How values look. A scalar of element type T is an LLVM scalar of register type reg(T): bool is i1, floats narrower
 * than 32 bits are float holding an exactly representable number, i4 and u2 and the like are i8 already wrapped, the
 * rest is itself. Inside a lane loop a value that depends on the lane is a vector <width x reg(T)>, one that does not
 * stays scalar and is splat where the two meet. `width` is lanes * unroll in the main loop: LLVM splits such wide
 * vectors into registers, which is the unrolling. */
#ifndef FRIT_CODEGEN_CPU_EMIT_H
#define FRIT_CODEGEN_CPU_EMIT_H

#include <llvm-c/Core.h>

#include "base/float.h"
#include "codegen/cpu/cpu.h"

typedef LLVMValueRef val;

/* The lane loop being emitted. */
typedef struct lane_state {
    sym_id axis;    /* SYM_NONE outside lane loops */
    uint32_t width; /* axis values side by side; 1: values are scalars */
    val base;       /* i64: axis value of lane 0 */
    val partial;    /* i64: base where the partials are counted from, which they take modulo their number; NULL: base */
    val mask;       /* <width x i1>: lanes that take part, at least one; NULL: all */
    uint32_t
        prefetch; /* distance in axis values at which loads along the lanes are prefetched into L1; 0: not at all */
} lane_state;

/* A live accumulator. */
typedef struct acc_slot {
    uint32_t n;                /* partials: width of the lane loop when private */
    bool is_private;           /* declared inside the current lane loop */
    bool is_dirty;             /* `finished` is older than `partial` */
    val partial[COMBINE_MAX];  /* stack slot of n elements; NULL when not live */
    val finished[COMBINE_MAX]; /* stack slot of the combined value; the partial itself when n == 1 or private */
} acc_slot;

typedef struct emitter {
    cx *c;
    const target *t;
    const cpu_options *options;
    kernel *k;
    uint32_t number; /* of the kernel in the plan */
    const uint32_t *sym_numbers;

    LLVMContextRef ctx;
    LLVMModuleRef module;
    LLVMBuilderRef b;
    LLVMTypeRef i1, i8, i16, i32, i64, f16, f32, f64, ptr;
    LLVMValueRef zero; /* i64 0 */

    /* of the function being emitted */
    val fn;
    LLVMBuilderRef entry; /* appends to the entry block: stack slots, addresses, dims */
    val buffers_arg, dims_arg, scratch_arg;
    val safe;     /* a readable 64-byte slot for loads that must not happen */
    val *buffers; /* per buf: address, NULL until used */
    val *syms;    /* per symbol: i64 value, NULL until known */
    val *lets;
    acc_slot *accs;
    lane_state lane;
    sym_id item_axis;           /* innermost parallel axis, SYM_NONE without */
    uint32_t n_lane_loops;      /* lane loops begun in this phase */
    uint32_t *first_read;       /* per buf: the first lane loop that read it along its lanes, 0: none */
    const kstmt *prefetch_loop; /* the loop around that prefetches into L2, NULL: none */
    uint32_t n_bodies;          /* bodies of lane loops emitted in this phase */
    uint32_t *prefetched_in;    /* per buf: the body that prefetched it last, 0: none */
    bool loads_const;           /* the buffer being loaded from never changes */
    bool has_streaming_stores;  /* stores that need a fence before others may read them */
    val *memo;                  /* per kx: value within the current statement */
    uint32_t *memo_epoch;
    uint32_t epoch;
    bool uses_amx;    /* the matrix unit */
    int64_t amx_rows; /* rows of its registers as this phase has configured them, 0: it has not */
    frit_status status;
} emitter;

#define NO_LANES ((lane_state){.axis = SYM_NONE, .width = 1})

/* cpu_values.c */
LLVMTypeRef reg_type(const emitter *e, dtype dt);
LLVMTypeRef vector_of(LLVMTypeRef element, uint32_t n); /* the element itself when n == 1 */
uint32_t width_of(val v);
LLVMTypeRef element_type(val v);
unsigned val_bits(val v);
bool is_real(val v);                                           /* float or double elements */
LLVMTypeRef like(val v, LLVMTypeRef element);                  /* element in the shape of v */
val const_int(LLVMTypeRef type, int64_t v);                    /* splat when type is a vector */
val const_real(LLVMTypeRef type, double v);                    /* the same */
val const_scalar(const emitter *e, dtype dt, scalar v);        /* in register form */
val splat(emitter *e, val v, uint32_t n);                      /* a vector is returned as it is */
void widen(emitter *e, uint32_t n, val *v);                    /* splats the scalars if any of v[0..n) is a vector */
val iota(const emitter *e, LLVMTypeRef element, uint32_t n);   /* <0, 1, ... n-1> */
val slice_lanes(emitter *e, val v, uint32_t from, uint32_t n); /* scalar when n == 1 */
val concat_lanes(emitter *e, uint32_t n, const val *parts);
val lane_at(emitter *e, val v, uint32_t i); /* scalar; v itself when scalar */
/* Calls an intrinsic overloaded on n_types types. */
val intrinsic(emitter *e, const char *name, uint32_t n_types, LLVMTypeRef *types, uint32_t n_args, val *args);
val intrinsic_like(emitter *e, const char *name, uint32_t n_args, val *args); /* overloaded on args[0]'s type alone */
val any_lane(emitter *e, val mask);                                           /* i1 */
val mask_and(emitter *e, val a, val b); /* NULL is all lanes; scalars are splat when they meet vectors */
val stack_slot(emitter *e, LLVMTypeRef type);
LLVMBasicBlockRef new_block(emitter *e, const char *name);
/* A counting loop i = begin, begin + step, ... while i < end; body code goes between the calls. */
typedef struct count_loop {
    LLVMBasicBlockRef body, exit;
    val index, end, step;
} count_loop;
count_loop loop_begin(emitter *e, val begin, val end, val step);
void loop_end(emitter *e, const count_loop *l);
/* if (cond) { ... } [else { ... }] */
typedef struct if_else {
    LLVMBasicBlockRef orelse, exit;
} if_else;
if_else if_begin(emitter *e, val cond);
void if_otherwise(emitter *e, const if_else *i);
void if_end(emitter *e, const if_else *i);
val emit_fma(emitter *e, val a, val b, val c); /* one rounding where the target has FMA, else two */
/* The function of a phase, "softmax_3.0": what perf and debuggers show; no name of C has a dot. */
const char *cpu_symbol(arena *a, const kernel *k, uint32_t phase);

/* cpu_dims.c */
val sym_value(emitter *e, sym_id s);                   /* i64; a vector for a loaded index that depends on the lane */
bool dim_varies(emitter *e, dim d);                    /* depends on the lane */
val dim_scalar(emitter *e, dim d);                     /* i64, at lane 0 */
val dim_lanes(emitter *e, dim d, LLVMTypeRef element); /* <width x element> */
val dim_value(emitter *e, dim d);                      /* i64 scalar, or vector when it varies */
bool dim_fits_i32(emitter *e, dim d);                  /* it and every part of it, for all values of the symbols */
/* d = base at lane 0 + stride * lane with stride the same for all lanes; false when it is not of that form. */
bool dim_is_linear(emitter *e, dim d, dim *out_stride);

/* cpu_memory.c */
val buffer_address(emitter *e, buf_id b);
/* Address of element `offset` (i64, or a vector of offsets: a vector of addresses) of a byte-addressed type. */
val element_address(emitter *e, buf_id b, val offset);
val masked_load(emitter *e, LLVMTypeRef vector, val address, val mask, unsigned alignment); /* 0 outside the mask */
void masked_store(emitter *e, val v, val address, val mask, unsigned alignment);
val emit_load(emitter *e, const kx_node *x);
void emit_store(emitter *e, buf_id b, const dim *at, val new_value, val pred);
typedef enum fetch_into { FETCH_L2 = 2, FETCH_L1 } fetch_into; /* LLVM's locality */
/* Prefetches the line at an address. Never faults, so the address may lie anywhere. */
void fetch_line(emitter *e, val address, fetch_into into);
/* cpu_checks.c: with --checked, leaves the function when a lane of mask (NULL: all) is outside: an offset of its buffer;
 * an index that was loaded, and clamped, of its axis. at: as of a load or store of b. */
void check_access(emitter *e, buf_id b, val offset, val mask);
void check_indices(emitter *e, buf_id b, const dim *at, val mask);

/* cpu_narrow.c: bits <-> register form for floats narrower than 32 bits; the f16 ones use F16C where there is any */
val narrow_decode(emitter *e, dtype dt, val bits);             /* integers of the storage width -> float */
val narrow_encode(emitter *e, dtype dt, val x, bool saturate); /* float or double -> integers of storage width */
val storage_to_reg(emitter *e, dtype dt, val bits);            /* what memory holds -> register form */
val reg_to_storage(emitter *e, dtype dt, val x);
LLVMTypeRef storage_type(const emitter *e, dtype dt); /* i8 for types below a byte */
val wrap_to(emitter *e, dtype dt, val x);             /* brings the result of arithmetic back into dt */

/* cpu_cast.c */
val emit_cast(emitter *e, dtype from, dtype to, val x, bool saturate);
val emit_bitcast(emitter *e, dtype from, dtype to, val x);

/* cpu_ops.c */
/* One elementwise core operator other than casts on operands of dt (select: of the arms), already of one width. */
val emit_op(emitter *e, op_code op, dtype dt, val *x);

/* cpu_acc.c */
void acc_declare(emitter *e, acc_id a);
void acc_update(emitter *e, acc_id a, const val *values);
void acc_finish_all(emitter *e); /* combines the partials of every dirty accumulator */
val acc_read(emitter *e, acc_id a, uint32_t component);

/* cpu_expr.c */
val emit_expr(emitter *e, kx x);
val emit_pred(emitter *e, kx x); /* NULL when x is 0 */
void forget_values(emitter *e);  /* a new statement: nothing computed before may be reused */

/* cpu_leaf.c, cpu_leaf_amx.c */
void emit_leaf(emitter *e, const kleaf *l);
void emit_amx_release(emitter *e); /* ends what the leaves of a phase have begun */

/* cpu_tree.c */
frit_status emit_kernel(emitter *e); /* all phases into e->module */

#endif
