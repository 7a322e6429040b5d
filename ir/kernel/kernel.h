/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernel IR: one description from which the CPU and the CUDA emitter both print code.
 *
 * A kernel carries three forms of itself:
 *
 *   definitions  what is computed, index by index:   MAP     name[axes] = expr
 *                                                    REDUCE  name[axes] = reduce raxes with COMBINER of exprs
 *   schedule     numbers that say where and how (lanes, tiles, threads), chosen for one target
 *   phases       the loop tree: definitions under the schedule, with explicit loops, scopes and barriers. Emitters walk
 *                only this
 *
 * Index expressions are dims over shape symbols and axis symbols (SYM_AXIS); an index loaded from a tensor is a
 * SYM_LOADED symbol whose `input` is the kx that loads it. Scalar values are kx nodes, hash-consed.
 *
 * Lane loops. KL_VEC (CPU) and KL_THREAD (CUDA) run their body for all values of the axis side by side:
 *
 *   KL_VEC     lanes L, unroll U: vectors of L consecutive axis values, U vectors an iteration, the last one masked
 *   KL_THREAD  lanes T: thread t takes axis values t, t + T, ... (exactly one when extent == T)
 *
 * Sums. An accumulator declared inside a lane loop is private to each axis value. One declared outside with lanes n
 * holds n partials: the update for axis value v goes to partial v mod n, in increasing v; the first read after the loop
 * combines them by halving (p[i] = combine(p[i], p[i + n/2]), then n/4, ...). This is the whole order of a reduction:
 * it depends on extents and schedule constants only. n is a power of two; combiners with n > 1 are commutative.
 *
 * Barriers. A loop whose body holds a KS_BARRIER may only be KL_THREAD with constant extent == lanes, or KL_SEQ or
 * KL_UNROLL with an extent equal for all threads inside one. */
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

/* One scalar expression. Fields that its kind does not name are 0. */
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

/* Memory that a kernel indexes. */
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

/* An accumulator: a running combination, one for each partial. */
typedef struct kacc {
    const char *name;      /* an identifier, unique among accumulators and lets */
    combiner comb;         /* what an update does */
    dtype dt[COMBINE_MAX]; /* type of each component */
    uint32_t lanes;        /* number of partials, 1 when private or scalar */
} kacc;

/* A named scalar, computed once where its KS_LET stands. */
typedef struct klet {
    const char *name; /* an identifier, unique among accumulators and lets */
    kx value;
} klet;

/* Form 1, a definition. A MAP has comb COMBINE_NONE, no raxes and one value. */
typedef struct kdef {
    const char *name; /* an identifier, unique in the kernel */
    uint32_t n_axes;
    const sym_id *axes; /* kept axes; SYM_AXIS, extents in the symbol */
    uint32_t n_raxes;
    const sym_id *raxes; /* reduced axes, outermost first */
    combiner comb;       /* REDUCE: what joins the values */
    uint32_t n_values;   /* components */
    kx value[COMBINE_MAX];
    buf_id out;        /* parameter buffer that component 0 is written to, KID_NONE for an internal definition */
    const dim *out_at; /* index of out for each axes value (out's rank); NULL when it is the axes themselves */
    const char *loc;   /* where it comes from, for reports; NULL unknown */
} kdef;

typedef enum kloop_kind {
    KL_PAR,    /* outermost loops of a phase: items, dealt to threads (CPU) or blocks (CUDA) in any order */
    KL_SEQ,    /* in order */
    KL_UNROLL, /* in order, written out by the compiler: the extent is constant */
    KL_VEC,    /* CPU: side by side along the vectors */
    KL_THREAD  /* CUDA: side by side along the threads of a block */
} kloop_kind;

typedef enum kstmt_kind {
    KS_LOOP,
    KS_IF,
    KS_ACC,    /* declares an accumulator */
    KS_UPDATE, /* combines values into one */
    KS_LET,    /* names a scalar */
    KS_STORE,
    KS_LEAF,   /* a matrix micro-kernel */
    KS_BARRIER /* threads of a block wait for each other, and see what the others stored */
} kstmt_kind;

/* A matrix micro-kernel.
 *
 *            kk ->                 col ->
 *          +--------+          kk +--------------+            for row < rows, for col < cols:
 *      row |   a    |           | |      b       |              s = 0
 *          +--------+           v +--------------+              for tap < n_taps (with taps), for kk < n_k, in order:
 *                                  col ->                         s = fma(a, b, s)
 *                             row +--------------+              c = accumulate ? c + s : s
 *                               | |      c       |              with a factor: c = accumulate ? fma(c, factor, s) : s
 *                               v +--------------+
 *
 * Indices of a, b and c are dims over row, col, kk (and tap) beside the axes of the loops around.
 *
 *   sizes    rows, cols and n_k are any dims; cols <= max_cols
 *   a        linear in row and in kk; does not depend on col
 *   b        linear in kk; unit stride in col; does not depend on row
 *   c        linear in row; unit stride in col; does not depend on kk
 *   reads    every element of a, b and c that is read has been written
 *   types    a and b may be narrower than c, in whose type the products and sums are made
 *   padded   n > 0: columns are computed up to the next multiple of n. b has values there (zeros by convention), c room
 *   panels   b_panel n > 0: b has unit stride in col within aligned runs of n columns only; each run is a panel
 *   streams  b_streams: the blocks of b (of each panel) follow each other in memory, and behind this one begins the one
 *            that is most likely read next, so it is worth prefetching
 *   walks    a_walks: the same of a: behind its rows stand the rows of the next block
 *
 * With k_pack n > 1, an instruction takes n steps of k at once, which lie together:
 *
 *   a        unit stride in kk
 *   b        unit stride in kk within a pack, stride n in col, linear in the number of the pack
 *   n_k      counts steps; a and b have values up to the next multiple of n, whose products are zero
 *   types    integers, whose sums do not depend on their order, or pairs of bf16 summed in f32
 *   bf16     up to 32 products may be added in the machine's order (the same for every row, column and shape);
 *            subnormal products and sums may count as zero; a holds no NaN behind n_k
 *
 * With taps (has_taps), k is two loops, and a row of a has an address for each tap:
 *
 *   a        any function of row and tap; unit stride in kk
 *   b        linear in tap too
 *   a_if     a condition on row and tap: where it is false, a counts as 0 and is not read
 *   n_k      a few thousand at most */
typedef struct kleaf {
    buf_id c, a, b;
    const dim *c_at, *a_at, *b_at; /* an index for each axis of the buffer */
    sym_id row, col, kk;           /* SYM_AXIS */
    dim rows, cols, n_k;
    uint32_t max_cols;
    uint32_t k_pack;  /* steps of k that lie together, a power of two; 0 and 1: none do */
    uint32_t b_panel; /* columns of b that lie together, a power of two; 0: all do */
    uint32_t padded;  /* columns come in multiples of it, a power of two; 0: there are cols of them */
    bool accumulate, a_walks, b_streams;
    kx accumulate_if; /* accumulate where only the run knows: a bool expression; 0: the constant decides */
    kx factor;        /* of what c holds, a number of c's type that may depend on row; 0: 1 */
    bool has_taps;
    sym_id tap; /* with taps only */
    dim n_taps; /* likewise */
    kx a_if;    /* with taps only; 0: always */
} kleaf;

typedef struct kstmt kstmt;
/* One statement of a list. */
struct kstmt {
    kstmt_kind kind;
    kstmt *next; /* following statement of the same list */
    union {
        struct {
            sym_id axis; /* its extent is the symbol's */
            kloop_kind kind;
            uint32_t lanes;    /* VEC, THREAD: axis values side by side */
            uint32_t unroll;   /* VEC: vectors an iteration */
            uint32_t prefetch; /* distance at which what lane loops read is prefetched. SEQ: iterations, into L2;
                                  VEC: axis values, into L1; 0: not at all */
            bool is_serial;    /* VEC: the vectors of an iteration go through the body one by one, not together */
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
            kx value[COMBINE_MAX]; /* a component each */
        } update;
        struct {
            let_id let; /* readable until the end of this statement list */
        } let;
        struct {
            buf_id buf;
            const dim *at; /* an index for each axis */
            kx value;      /* of the buffer's dtype */
            kx pred;       /* 0: always */
        } store;
        kleaf *leaf;
    } u;
};

/* One matrix of a library's product: element (i, j) stands at offset + i * ld + j, transposed at offset + j * ld + i;
 * ld is no less than the extent that it steps over. In elements; of shape symbols only, never of axes. */
enum { GEMM_MAX_BATCH = 4 };
typedef struct kmatrix {
    buf_id buf; /* a parameter */
    bool is_transposed;
    dim offset, ld;
    dim step[GEMM_MAX_BATCH]; /* from one product to the next along each axis of the batch */
} kmatrix;
typedef enum gemm_matrix { GEMM_A, GEMM_B, GEMM_C, N_GEMM_MATRICES } gemm_matrix;

/* A product as a BLAS takes it, for every index of the batch: C[m, n] = A[m, k] B[k, n], all of one float type. C is
 * never transposed and may hold anything before. */
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
    VEC(kstmt *) phases; /* each a nest of KL_PAR loops (possibly none); a grid barrier stands between phases */
    const kgemm *gemm;   /* a library computes it: the loop tree says what, and no code is made of it; NULL: none.
                               The text form leaves it out */
    dim flops, bytes;    /* work and unique memory traffic, for reports and cost; DIM_BAD unknown */
    dim written;         /* of bytes, those of parameters that it stores to */
    uint32_t k_pack;     /* the most steps of k that a leaf takes at once: 4 bytes, 2 bf16; 1 when none does */
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
dim kleaf_steps(dim_table *t, const kleaf *l); /* n_k up to the end of its last pack */
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

/* kernel_verify.c: the table on top of that file */
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
