/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernel IR: one description from which the CPU and the CUDA emitter both print code.
 *
 * A kernel carries three forms of itself (KERNELS in docs/ARCHITECTURE.md):
 *   definitions  what is computed, index by index: MAP  name[axes] = expr, REDUCE name[axes] = reduce raxes with COMB
 * of exprs schedule     data that says where and how (lanes, tiles, threads), chosen for one target phases       the
 * loop tree: definitions under the schedule, explicit loops, scopes and barriers; emitters walk only this
 *
 * Index expressions are dims over shape symbols and axis symbols (SYM_AXIS); an index loaded from a tensor is a
 * SYM_LOADED symbol whose `input` is the kx that loads it. Scalar values are kx nodes, hash-consed.
 *
 * Lane loops. KL_VEC (CPU) and KL_THREAD (CUDA) run their body for all values of the axis side by side:
 *   KL_VEC, lanes L, unroll U: vectors of L consecutive axis values, U vectors a step, the last one masked;
 *   KL_THREAD, lanes T: thread t takes axis values t, t + T, ... (exactly one when extent == T).
 * An accumulator declared inside a lane loop is private to each axis value. One declared outside with lanes n holds n
 * partials: the update for axis value v goes to partial v mod n, in increasing v; the first read after the loop
 * combines them by halving (p[i] = combine(p[i], p[i + n/2]), then n/4, ...). This is the whole order of a reduction:
 * it depends on extents and schedule constants only. n is a power of two; combiners with n > 1 are commutative. A loop
 * whose body holds a KS_BARRIER may only be KL_THREAD with constant extent == lanes, or KL_SEQ / KL_UNROLL with an
 * extent equal for all threads inside one. */
#ifndef FRIT_IR_KERNEL_H
#define FRIT_IR_KERNEL_H

#include "ir/op/combine.h"
#include "ir/op/ops.h"

typedef uint32_t kx; /* scalar expression; 0 is "none" */
typedef uint32_t buf_id;
typedef uint32_t acc_id;
typedef uint32_t let_id;
typedef uint32_t def_id;
#define KID_NONE UINT32_MAX

typedef enum kx_kind {
    KX_NONE,
    KX_CONST, /* value */
    KX_INDEX, /* a dim as an i64 number */
    KX_OP,    /* elementwise CORE op of arg[0..n_args); cast and bitcast: dt is the result type */
    KX_LOAD,  /* buf[at..] where pred (if any) holds, else fill; memory is not touched where pred is false */
    KX_DEF,   /* component of definition def at [at..] (definition form only) */
    KX_ACC,   /* component of a finished accumulator */
    KX_LET    /* a named scalar */
} kx_kind;

typedef struct kx_node {
    kx_kind kind;
    dtype dt;           /* of the value */
    op_code op;         /* OP */
    uint32_t n_args;    /* OP: 1..3 */
    kx arg[3];          /* OP */
    const void *attrs;  /* OP cast: attr_cast (saturate); else NULL */
    scalar value;       /* CONST */
    dim index;          /* INDEX */
    uint32_t ref;       /* LOAD: buf_id; DEF: def_id; ACC: acc_id; LET: let_id */
    uint32_t component; /* DEF, ACC */
    uint32_t n_at;      /* LOAD, DEF */
    const dim *at;      /* LOAD, DEF: one index per axis, each inside the extent wherever pred holds */
    kx pred, fill;      /* LOAD: both or neither */
} kx_node;

typedef enum kbuf_scope {
    KB_ARENA, /* a parameter: input, output, constant or arena memory */
    KB_TILE,  /* CPU: cache-resident scratch of the thread; CUDA: shared memory of the block */
    KB_REG    /* CUDA: registers of a thread, constant shape, indexed by unrolled axes only; CPU: as TILE */
} kbuf_scope;

typedef struct kbuf {
    const char *name; /* an identifier, unique in the kernel */
    dtype dt;
    kbuf_scope scope;
    bool is_written; /* ARENA: stored to by this kernel */
    bool is_const;   /* ARENA: a constant that nobody ever writes, so that loads may move across any store */
    uint32_t rank;
    const dim *shape;   /* extents */
    const dim *strides; /* in elements; NULL for row-major contiguous */
} kbuf;

typedef struct kacc {
    const char *name;
    combiner comb;
    dtype dt[COMBINE_MAX]; /* type of each component */
    uint32_t lanes;        /* number of partials, 1 when private or scalar */
} kacc;

typedef struct klet {
    const char *name;
    kx value;
} klet;

/* Form 1. A MAP has comb COMBINE_NONE, no raxes and one value. */
typedef struct kdef {
    const char *name;
    uint32_t n_axes;
    const sym_id *axes; /* kept axes; SYM_AXIS, extents in the symbol */
    uint32_t n_raxes;
    const sym_id *raxes; /* reduced axes, outermost first */
    combiner comb;
    uint32_t n_values; /* components */
    kx value[COMBINE_MAX];
    buf_id out;        /* parameter buffer that component 0 is written to, KID_NONE for an internal definition */
    const dim *out_at; /* index of out for each axes value (out's rank); NULL when it is the axes themselves */
    const char *loc;   /* where it comes from, for reports; NULL unknown */
} kdef;

typedef enum kloop_kind { KL_PAR, KL_SEQ, KL_UNROLL, KL_VEC, KL_THREAD } kloop_kind;
typedef enum kstmt_kind { KS_LOOP, KS_IF, KS_ACC, KS_UPDATE, KS_LET, KS_STORE, KS_LEAF, KS_BARRIER } kstmt_kind;

/* A matrix micro-kernel: for row < rows, col < cols: s = 0; for k < n_k in order: s = fma(a, b, s); c = accumulate ? c
 * + s : s, with a factor c = accumulate ? fma(c, factor, s) : s. Index lists are over the symbols row, col, kk beside
 * the loops around. a is linear in row and kk; b is linear in kk with unit stride in col; c is linear in row with unit
 * stride in col. Every element of a, b and c that is read has been written. Where padded says a number of columns,
 * there are more than cols: as many as multiples of it take, and they are computed like the others; b has values there
 * (zeros, by habit), c has room. rows, cols and n_k may be any dims; cols <= max_cols. b streams when its blocks lie
 * one after another in memory: where this one ends, the block begins that will most likely be read next; a walks when
 * those are the rows behind this block's. With b_panel, b has unit stride in col only within aligned runs of that many
 * columns: it consists of panels, each of which streams by itself. group > 1: groups of that many steps of k lie
 * together, for instructions that take them at once: a has unit stride in kk; b has it within a group, stride `group`
 * in col, and is linear in the number of the group. n_k counts steps; a and b have values up to n_k rounded up to
 * groups, and the products there are zero. For integers, whose sums do not depend on the order, and for pairs of bf16
 * summed in f32, where the products of up to 32 steps may be added in an order of the machine's (the same for every
 * row, column and shape), products and sums that are subnormal may count as zero, and what a holds behind n_k is no
 * NaN. a and b may be narrower than c, in which the products and sums are made. With taps, k is two loops: for tap <
 * n_taps, for k < n_k. Then a is linear in kk only and any function of row and tap (an address is computed for each row
 * of a register tile and each tap), b is linear in tap too, and where a_if is false (it depends on row and tap, not on
 * col and kk) a counts as 0 and is not read; a then has unit stride in kk and n_k is at most a few thousand. */
typedef struct kleaf {
    buf_id c, a, b;
    const dim *c_at, *a_at, *b_at;
    sym_id row, col, kk;
    dim rows, cols, n_k;
    uint32_t max_cols;
    uint32_t group;   /* steps of k that lie together, a power of two; 0 and 1: none do */
    uint32_t b_panel; /* columns of b that lie together, a power of two; 0: all do */
    uint32_t padded;  /* columns come in multiples of it, a power of two; 0: there are cols of them */
    bool accumulate, a_walks, b_streams;
    kx accumulate_if; /* run-time form of accumulate: bool expression, 0 when the constant decides */
    kx factor;        /* of what c holds, a number of c's type that may depend on row; 0: 1 */
    bool has_taps;
    sym_id tap; /* with taps only */
    dim n_taps;
    kx a_if; /* 0: always */
} kleaf;

typedef struct kstmt kstmt;
struct kstmt {
    kstmt_kind kind;
    kstmt *next; /* following statement of the same list */
    union {
        struct {
            sym_id axis; /* its extent is the symbol's */
            kloop_kind kind;
            uint32_t lanes, unroll; /* VEC, THREAD: lanes; VEC: unroll */
            uint32_t ahead; /* how far ahead memory that is read along lanes is asked for: SEQ: in trips, into L2; VEC:
                               in axis values, into L1; 0: not at all */
            bool
                is_singly; /* VEC: the vectors of a step take turns in the body, instead of going through it together */
            kstmt *body;
        } loop;
        struct {
            kx cond; /* bool, the same for all lanes unless inside a lane loop */
            kstmt *body, *orelse;
        } branch;
        struct {
            acc_id acc; /* becomes the identity here; readable until the end of this statement list */
        } acc;
        struct {
            acc_id acc;
            kx value[COMBINE_MAX];
        } update;
        struct {
            let_id let;
        } let;
        struct {
            buf_id buf;
            const dim *at;
            kx value;
            kx pred; /* 0: always */
        } store;
        kleaf *leaf;
    } u;
};

/* One matrix of a library's product: element (i, j) stands at offset + i * ld + j, when turned at offset + j * ld + i;
 * ld is no less than the extent that it steps over. In elements; of shape symbols only, never of axes. */
enum { GEMM_MAX_BATCH = 4 };
typedef struct kmatrix {
    buf_id buf; /* a parameter */
    bool is_turned;
    dim offset, ld;
    dim step[GEMM_MAX_BATCH]; /* from one product to the next along each axis of the batch */
} kmatrix;
typedef enum gemm_matrix { GEMM_A, GEMM_B, GEMM_C, N_GEMM_MATRICES } gemm_matrix;

/* A product as a BLAS takes it, for every index of the batch: C[m, n] = A[m, k] B[k, n], all of one float type. C is
 * never turned and may hold anything before. */
typedef struct kgemm {
    kmatrix of[N_GEMM_MATRICES];
    dim m, n, k;
    uint32_t n_batch;
    dim batch[GEMM_MAX_BATCH]; /* extents, outermost first */
} kgemm;

/* Form 2: numbers only; 0 means "not used". Printed, parsed and tunable by name. */
typedef struct kschedule {
    bool is_cuda;
    uint32_t lanes, unroll;          /* vector lanes and vectors per step of lane loops */
    uint32_t threads;                /* CUDA block size */
    uint32_t tile_m, tile_n, tile_k; /* contract and attend tiles */
    uint32_t thread_m, thread_n;     /* CUDA plain-thread register tile */
    uint32_t grain;                  /* elements per parallel item of an elementwise kernel */
} kschedule;

typedef struct kernel {
    arena *a;
    const char *name;   /* an identifier, unique in the plan */
    const char *title;  /* one line for people: "softmax(scores + mask)" */
    dim_table *dims;    /* shared with the graph; emitters only read it */
    VEC(kx_node) exprs; /* exprs.at[0] is KX_NONE */
    map expr_ids;
    VEC(kbuf) bufs; /* parameters (KB_ARENA) first, in argument order, then locals */
    uint32_t n_params;
    VEC(kacc) accs;
    VEC(klet) lets;
    VEC(kdef) defs;
    kschedule schedule;
    VEC(kstmt *) phases;    /* each a nest of KL_PAR loops (possibly none); a grid barrier stands between phases */
    const kgemm *gemm;      /* a library computes it: the loop tree says what, and no code is made of it; NULL: none.
                               The text form leaves it out */
    dim flops, bytes;       /* work and unique memory traffic, for reports and cost; DIM_BAD unknown */
    dim written;            /* of bytes, those of parameters that it stores to */
    uint32_t product_group; /* the most steps that a leaf takes at once: 4 bytes, 2 bf16; 1 when none does */
} kernel;

/* kernel.c: building */
kernel *kernel_new(arena *a, const char *name, dim_table *dims);
buf_id kernel_param(kernel *k, const char *name, dtype dt, uint32_t rank, const dim *shape, bool is_written);
buf_id kernel_local(kernel *k, const char *name, dtype dt, kbuf_scope scope, uint32_t rank, const dim *shape);
kx kx_const(kernel *k, dtype dt, scalar v);
kx kx_number(kernel *k, dtype dt, double v);
kx kx_index(kernel *k, dim d); /* i64 */
/* op on args (their dtype); folds constants and identities that are exact (x * 1, select(true, ..), cast to same). */
kx kx_op(kernel *k, op_code op, uint32_t n, const kx *args);
kx kx_cast(kernel *k, kx x, dtype to, bool saturate);
kx kx_bitcast(kernel *k, kx x, dtype to);
kx kx_load(kernel *k, buf_id b, const dim *at, kx pred, kx fill); /* at: rank of b entries; pred 0 for always */
kx kx_def(kernel *k, def_id d, uint32_t component, const dim *at);
kx kx_acc(kernel *k, acc_id a, uint32_t component);
kx kx_let(kernel *k, let_id l);
/* bool: lo <= d < hi, with the parts that are provable left out; 0 when always true. */
kx kx_in_range(kernel *k, dim d, dim lo, dim hi);
kx kx_and(kernel *k, kx a, kx b); /* 0 counts as true */
/* The index value of an integer expression, wrapped when negative and clamped to [0, extent): a SYM_LOADED dim. */
dim kx_as_index(kernel *k, kx value, dim extent, const char *name);
/* The SYM_LOADED dim whose value is an i64 expression known to lie in [0, extent). */
dim kx_loaded(kernel *k, kx value, dim extent, const char *name);
/* A copy of x with axis symbols replaced and definitions replaced by the callback's result (0 keeps them). */
typedef kx kx_subst_def_fn(kernel *k, def_id d, uint32_t component, const dim *at, void *data);
kx kx_subst(kernel *k, kx x, uint32_t n, const sym_id *syms, const dim *by, kx_subst_def_fn *fn, void *data);
dtype kx_dtype(const kernel *k, kx x);
bool kx_depends(const kernel *k, kx x, sym_id s); /* on the axis, through indices and loaded symbols too */
/* Calls fn for every occurrence of a symbol in d. */
void kx_visit_dim(dim_table *t, dim d, void (*fn)(void *, sym_id), void *data);

acc_id kernel_acc(kernel *k, const char *name, combiner comb, dtype dt, uint32_t lanes);
let_id kernel_let(kernel *k, const char *name, kx value);
def_id kernel_def(kernel *k, const kdef *def); /* copies def and its lists; the name is made unique */
/* Statements; lists are built with klist. */
typedef struct klist {
    kstmt *first, *last;
} klist;
kstmt *kstmt_loop(kernel *k, klist *l, kloop_kind kind, sym_id axis, uint32_t lanes, uint32_t unroll);
kstmt *kstmt_if(kernel *k, klist *l, kx cond);
void kstmt_acc(kernel *k, klist *l, acc_id acc);
void kstmt_update(kernel *k, klist *l, acc_id acc, const kx *values);
kx kstmt_let(kernel *k, klist *l, const char *name, kx value); /* returns the KX_LET */
void kstmt_store(kernel *k, klist *l, buf_id b, const dim *at, kx value, kx pred);
kleaf *kstmt_leaf(kernel *k, klist *l);
void kstmt_barrier(kernel *k, klist *l);
/* Sets the body of a loop, or the branch taken when the condition holds (klist_close_else: when not). */
void klist_close(kstmt *loop_or_if, const klist *body);
void klist_close_else(kstmt *branch, const klist *body);

/* kernel_seal.c: renumbers the buffers so that parameters come first, each kind in the order in which it was added.
 * Called once, when the kernel is complete; parameters and locals may be added in any order before. */
void kernel_seal(kernel *k);

/* Facts */
dim kleaf_cols(dim_table *t, const kleaf *l);  /* with those that padded adds */
dim kleaf_steps(dim_table *t, const kleaf *l); /* n_k up to the end of its last group */
uint32_t kernel_n_functions(const kernel *k);  /* that a back end makes: one for each phase, none for a library's */
dim kernel_items(kernel *k, uint32_t phase);   /* product of the phase's PAR extents */
dim kbuf_offset(kernel *k, buf_id b, const dim *at); /* element offset */
dim kbuf_elements(kernel *k, buf_id b);
/* Whether the buffer takes 32 MiB or more whatever the dims: no cache keeps it until it is read. */
bool kbuf_outgrows_caches(kernel *k, buf_id b);
/* Elements from the first to the last: more than those of the shape where strides leave gaps. */
dim kbuf_span(kernel *k, buf_id b);
dim kbuf_stride(kernel *k, buf_id b, uint32_t axis); /* in elements */
/* Byte offset of each TILE (and CPU REG) buffer in a thread's scratch, 64-byte aligned, and their total; constants or
 * dims. */
dim kernel_scratch(kernel *k, buf_id b, dim *out_total);
/* The symbols that the kernel mentions, ascending: shape symbols, axes and loaded indices. */
const sym_id *kernel_syms(const kernel *k, arena *a, uint32_t *out_n);
/* 32 bytes that are equal for kernels that generate the same code: everything but names and titles. */
void kernel_digest(const kernel *k, uint8_t out[32]);

/* kernel_cost.c: sets flops and bytes from the loop tree. */
void kernel_cost(kernel *k, arena *scratch);

/* kernel_text.c: all three forms; print then parse is the identity */
void kernel_print(strbuf *b, const kernel *k);
frit_status kernel_parse(cx *c, const char *where, const char *text, arena *a, kernel **out);

/* kernel_verify.c: the invariants listed at the top of that file */
frit_status kernel_verify(cx *c, const kernel *k);
/* The accesses and stores of a valid kernel that the prover could not settle, one line each (out may be NULL). */
frit_status kernel_unproven(cx *c, const kernel *k, strbuf *out, uint32_t *out_n);

/* kernel_interp.c: runs a form on concrete buffers. syms: value of each shape symbol. */
typedef struct kernel_run {
    const kernel *k;
    void *const *buffers; /* one per parameter */
    const int64_t *syms;  /* dim_n_syms entries; axis entries are ignored */
    arena *a;
    bool checked; /* refuse any access outside its buffer with FRIT_RANGE */
} kernel_run;
frit_status kernel_run_defs(cx *c, const kernel_run *r);
frit_status kernel_run_tree(cx *c, const kernel_run *r);

#endif
