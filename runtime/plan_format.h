/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The plan and interface of a model as bytes: what codegen/link writes from ir/plan/plan.h, what the walker executes
 * and what `frit info` reads from the file.
 *
 *     pf_header | strings | words | dims | symbols | ports | port dims | contracts | buffers | slots | kernels | phases
 *               | launches | steps | alternatives | arguments | late dims | products | indices | boxes
 *
 * All positions are byte offsets from the start of the header, all tables start 8-aligned, all indices are checked by
 * plan_check before anything foreign is walked. Little-endian, as are all machines that artifacts exist for.
 * It is the description of the ELF note (PF_NOTE_NAME, PF_NOTE_TYPE) of the artifact. */
#ifndef FRIT_RUNTIME_PLAN_FORMAT_H
#define FRIT_RUNTIME_PLAN_FORMAT_H

#include <stdint.h>

#define PF_MAGIC        "fritplan"
#define PF_VERSION      7u
#define PF_NOTE_NAME    "frit.model" /* 11 bytes with its zero: the description is 8-aligned by 4- and by 8-rounding */
#define PF_NOTE_TYPE    1u
#define PF_NOTE_RESERVE 2u /* an empty note whose program header becomes the weights' segment */
#define PF_NOTE_BYTES   24 /* of a note in front of its description */
#define PF_NONE         UINT32_MAX
#define PF_OPENBLAS     "libopenblas.so.0"
#define PF_MAX_STACK    64 /* values on the stack of a dim's program */

/* A table: count entries from offset. */
typedef struct pf_table {
    uint32_t offset, count;
} pf_table;

/* An expression. Its number is the index of its value in a context. */
typedef struct pf_dim {
    uint32_t code; /* index in words of a program as in frit_dim_code; symbols by number */
    uint32_t text; /* string */
} pf_dim;

/* Numbered as kernels want their dims (kernel_abi.h). */
typedef struct pf_symbol {
    uint32_t name;        /* string */
    uint32_t kind;        /* frit_symbol_kind */
    uint32_t input, axis; /* where the value comes from */
    int64_t lo, hi, hint;
    int64_t scale, shift; /* DIM: that dim of the input is scale * symbol + shift; scale > 0 */
    uint32_t bound;       /* COUNTED: dim over symbols that calls decide, its greatest value; else PF_NONE */
    uint32_t first_late;  /* COUNTED: in late: the n_late dims that change with it */
    uint32_t n_late;
    uint32_t why_lo, why_hi; /* strings: the place in the model that lo or hi comes from, "" when nothing narrowed it */
    uint32_t reserved;
} pf_symbol;

/* Inputs first, then outputs. */
typedef struct pf_port {
    uint32_t name; /* string */
    uint32_t dtype;
    uint32_t rank;
    uint32_t first_dim;  /* in port_dims: rank indices of dims */
    uint32_t first_room; /* the same for the memory that an output takes: first_dim, or bounds over what is counted */
    uint32_t is_host;
    uint32_t state; /* PF_NONE for plain ones */
} pf_port;

typedef enum pf_contract_kind {
    PF_AT_MOST,    /* lhs <= rhs */
    PF_EQUAL,      /* lhs == rhs */
    PF_BROADCASTS, /* lhs == rhs, or one of them is 1 */
    PF_EXPANDS     /* lhs == rhs, or lhs is 1 */
} pf_contract_kind;
typedef struct pf_contract {
    uint32_t lhs, rhs; /* dims */
    uint32_t kind;     /* pf_contract_kind */
    uint32_t text;     /* string */
    uint32_t is_late;  /* 1: a step checks it; else it is checked before the first step */
    uint32_t reserved;
} pf_contract;

typedef enum pf_buffer_kind { PF_INPUT, PF_OUTPUT, PF_CONST, PF_ARENA } pf_buffer_kind;
typedef struct pf_buffer {
    uint32_t kind;
    uint32_t index;  /* INPUT, OUTPUT: port number of its kind; ARENA: slot */
    uint32_t bytes;  /* dim */
    uint32_t name;   /* string */
    uint64_t offset; /* CONST: in the weights */
} pf_buffer;

typedef struct pf_kernel {
    uint32_t name, title; /* strings */
    uint32_t n_params;
    uint32_t first_phase, n_phases;
    uint32_t flops, bytes; /* dims, PF_NONE unknown: work of one launch, for reports and to choose threads */
    uint32_t written;      /* bit p: parameter p (p < 32) is written */
    uint32_t n_launches;
    uint32_t product_group; /* as in frit_kernel_info */
    uint32_t gemm;          /* in gemms: a library computes it, and it has no phases; PF_NONE none */
} pf_kernel;

/* A product as a BLAS takes it: C[m, n] = A[m, k] B[k, n] for every index of the batch. Rows lie ld elements apart; of
 * a turned matrix, columns do. ld is no less than the extent that it steps over; C is not turned. */
enum { PF_GEMM_MAX_BATCH = 4, PF_GEMM_MATRICES = 3 };
typedef struct pf_matrix {
    uint32_t param; /* of the kernel */
    uint32_t is_transposed;
    uint32_t offset, ld;              /* dims, in elements */
    uint32_t step[PF_GEMM_MAX_BATCH]; /* dims: elements from one product to the next, for each axis of the batch */
} pf_matrix;
typedef struct pf_gemm {
    uint32_t dtype;   /* f32 or f64 */
    uint32_t m, n, k; /* dims */
    uint32_t n_batch;
    uint32_t batch[PF_GEMM_MAX_BATCH]; /* dims, outermost first */
    uint32_t reserved;
    pf_matrix of[PF_GEMM_MATRICES]; /* A, B, C */
} pf_gemm;

typedef struct pf_phase {
    uint32_t items;    /* dim: how many parallel items; CUDA: blocks */
    uint32_t function; /* index in the artifact's table of functions */
    uint32_t name;     /* CUDA: string, the function in its image */
    uint32_t threads;  /* CUDA: of a block */
    uint32_t shared;   /* CUDA: dim, dynamic shared memory of a block; PF_NONE none */
    uint32_t image;    /* CUDA: the CONST buffer that is the cubin; PF_NONE on the CPU */
} pf_phase;

typedef enum pf_step_kind { PF_LAUNCH, PF_COPY, PF_CHOICE, PF_IF, PF_LOOP, PF_RESULT, PF_REQUIRE } pf_step_kind;
/* Lists of steps stand in a row; a list that a step contains stands behind the list that the step is in, so that
 * walking always moves on. */
typedef struct pf_step {
    uint32_t kind;
    uint32_t kernel;            /* LAUNCH */
    uint32_t first_arg, n_args; /* in args: buffers. LAUNCH: one per parameter; COPY: from, to; IF: condition;
                                   LOOP: trip count (int64), condition, each PF_NONE when absent; RESULT: an int64, or none */
    uint32_t first_alt, n_alts; /* CHOICE: in alts. IF: then, else. LOOP: body */
    uint32_t loc;               /* string */
    uint32_t trips;     /* LOOP: dim, iterations at most; PF_NONE: the operands decide. RESULT without operand: dim */
    uint32_t iteration; /* LOOP: COUNTED symbol that is the iteration's number while the body runs */
    uint32_t result;    /* LOOP: COUNTED symbol that is the number of iterations afterwards, PF_NONE none.
                          RESULT: COUNTED symbol that becomes the operand, or without one `trips` */
    uint32_t contract;  /* REQUIRE: in contracts */
    uint32_t reserved;
} pf_step;

typedef struct pf_alt {
    uint32_t lhs, rhs; /* dims: taken when lhs <= rhs; lhs PF_NONE: always */
    uint32_t first_step, n_steps;
} pf_alt;

/* Elements of an integer input that index an axis: each should lie in -extent..extent-1. */
typedef struct pf_index {
    uint32_t input;
    uint32_t extent;    /* dim, which the inputs decide */
    uint32_t first_box; /* in boxes: one for each axis of the input; PF_NONE: every element */
    uint32_t loc;       /* string: the node that indexes */
} pf_index;
/* Along one axis: start + i * step for i < size. */
typedef struct pf_box {
    uint32_t start, size; /* dims */
    int64_t step;
} pf_box;

typedef struct pf_header {
    char magic[8];
    uint32_t version;
    uint32_t header_bytes;
    uint64_t total_bytes; /* all of the above */
    /* Strings: bytes, each one 0-terminated; a string is its offset from here. String 0 is "". */
    pf_table strings;
    pf_table words;     /* int64 */
    pf_table dims;      /* pf_dim */
    pf_table symbols;   /* pf_symbol */
    pf_table ports;     /* pf_port */
    pf_table port_dims; /* uint32 */
    pf_table contracts; /* pf_contract */
    pf_table buffers;   /* pf_buffer */
    pf_table slots;     /* uint32: dim, a monotone bound of the slot's bytes */
    pf_table kernels;   /* pf_kernel */
    pf_table phases;    /* pf_phase */
    pf_table steps;     /* pf_step */
    pf_table alts;      /* pf_alt */
    pf_table args;      /* uint32: buffers */
    pf_table late;      /* uint32: dims that change when a symbol is counted */
    pf_table gemms;     /* pf_gemm */
    pf_table indices;   /* pf_index */
    pf_table boxes;     /* pf_box */
    uint32_t n_inputs, n_outputs, n_states;
    uint32_t first_step, n_steps;             /* the top list */
    uint32_t scratch;                         /* dim: bytes for each thread, a monotone bound */
    uint32_t arena;                           /* dim: bytes of all slots, for reports */
    uint32_t max_args;                        /* most arguments of one launch */
    uint32_t n_copies;                        /* that in-place planning could not avoid, for reports */
    uint32_t name, producer, target, options; /* strings */
    uint32_t cpu;          /* string: the CPU name that kernels are compiled for, as target_missing takes it; "" none */
    uint32_t is_checked;   /* 1: kernels write a kernel_report */
    uint32_t weights_file; /* string: name of the side file, "" when inside the artifact */
    uint32_t libraries;    /* string: the shared library that it needs beside libc and libm, "" none */
    uint32_t uses_amx;     /* 1: kernels use the matrix unit, for which create asks the system */
    /* The writer fills these in after linking. */
    uint64_t weights_bytes;
    uint64_t weights_position; /* in the artifact or its side file */
    int64_t weights_delta;     /* address of the weights minus that of this header; 0 for a side file */
    uint64_t weights_id;       /* content_id of the weights; a side file says it too; 0 in plans that have no file */
    uint64_t code_bytes;       /* of the artifact that are not weights: those in front of them */
    uint64_t code_id;          /* note_code_id of these: a damaged artifact is not run */
} pf_header;

/* Every byte of a file is accounted for. An artifact is code_bytes under code_id, zeros up to weights_position, and
 * weights_bytes under weights_id; or with a side file code_bytes alone. A side file is a page that begins with pf_side,
 * zeros up to PF_SIDE_BYTES, and the weights. */
#define PF_SIDE_MAGIC "fritside"
#define PF_SIDE_BYTES 4096
typedef struct pf_side {
    char magic[8];
    uint64_t weights_bytes, weights_id;
} pf_side;

static inline const void *pf_at(const pf_header *h, pf_table t) { return (const char *)h + t.offset; }
static inline const char *pf_string(const pf_header *h, uint32_t s) { return (const char *)h + h->strings.offset + s; }
#define PF_ROWS(h, T, table) ((const T *)pf_at((h), (h)->table))

#endif
