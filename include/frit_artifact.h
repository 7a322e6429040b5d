/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The interface of a compiled model (an artifact): all that is needed to run one from C, C++ or through FFI.
 *
 * An artifact is an ELF shared object that exports one function, frit_artifact_table. Its table says what the model
 * takes and gives, and creates contexts: a context is the memory and the threads of one caller, and runs one call at a
 * time; different contexts of one artifact run at the same time.
 *
 *     void *so = dlopen("./mlp.so", RTLD_NOW);
 *     frit_artifact_table_fn *table = (frit_artifact_table_fn *)dlsym(so, FRIT_ARTIFACT_SYMBOL);
 *     const frit_artifact *a = table(FRIT_ARTIFACT_ABI);                    // NULL: another major version
 *     int64_t x_dims[2] = {8, 64}, y_dims[2], symbols[16];
 *     frit_tensor x = {x_data, FRIT_DT_F32, 2, x_dims, NULL}, y = {y_data, FRIT_DT_F32, 2, y_dims, NULL};
 *     char message[256];
 *     a->bind(a, &x, symbols, message, sizeof message);                     // B = 8; says what does not fit
 *     a->output_dims(a, symbols, 0, y_dims);
 *     frit_options options = {.struct_bytes = sizeof options, .max_symbols = symbols};
 *     frit_context *context;
 *     a->create(a, &options, &context, message, sizeof message);
 *     if (a->run(context, &x, &y) != FRIT_OK) puts(a->error(context));
 *     a->destroy(context);
 *
 * Ownership: everything reached from the table lives as long as the library is open. Tensors, their data and dims
 * belong to the caller and are only used during the call. A context belongs to the caller, who destroys it; the library
 * must stay open until then. Strings are UTF-8.
 * Growth: every struct but frit_tensor begins with its size and only ever grows at the end. Structs that an artifact
 * fills in are filled up to the struct_bytes that the caller set; structs that a caller passes count as zero beyond
 * theirs. struct_bytes = 0 is FRIT_USAGE everywhere: it was forgotten.
 * Errors: functions return FRIT_OK or a code of frit_status.h; text goes to message (cut to message_bytes, always
 * terminated; NULL when not wanted) or to the context. */
#ifndef FRIT_ARTIFACT_H
#define FRIT_ARTIFACT_H

#include <stdint.h>

#include "frit_dtype.h"
#include "frit_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FRIT_ARTIFACT_ABI    1
#define FRIT_ARTIFACT_SYMBOL "frit_artifact_table"
#define FRIT_MAX_RANK        16
#define FRIT_NO_INDEX        UINT32_MAX

/* A tensor in caller's memory. Row-major unless strides says otherwise. This struct never changes. */
typedef struct frit_tensor {
    void *data;             /* aligned to the element size; on a CUDA artifact device memory, but host inputs on host */
    int32_t dtype;          /* frit_dtype */
    int32_t rank;           /* 0..FRIT_MAX_RANK */
    const int64_t *dims;    /* rank extents; may be NULL for rank 0 */
    const int64_t *strides; /* in elements; NULL: row-major. Anything not row-major is refused by this version */
} frit_tensor;

/* How a symbol gets its value at each call. */
typedef enum frit_symbol_kind {
    FRIT_SYMBOL_DIM,     /* solved from dim `axis` of input `input` */
    FRIT_SYMBOL_ELEMENT, /* element `axis` (row-major) of the integer host input `input` */
    FRIT_SYMBOL_UNUSED,  /* nothing depends on it; always lo */
    FRIT_SYMBOL_COUNTED /* counted while the model runs (how many elements are not zero): bind gives its greatest value,
                           outputs get room for whatever is counted, and result_dims tells the true dims afterwards */
} frit_symbol_kind;

/* A dim or host value that may differ from call to call. */
typedef struct frit_symbol {
    uint32_t struct_bytes;
    uint32_t kind;               /* frit_symbol_kind */
    const char *name;            /* "B", "tokens.1" */
    int64_t lo, hi, hint;        /* inclusive range that every call is checked against; value tuned for, 0 none */
    uint32_t input, axis;        /* where its value comes from */
    const char *why_lo, *why_hi; /* the place in the model that lo or hi comes from, "" when nothing narrowed it. Absent
                                    (struct_bytes) in artifacts of frit 0.1 */
} frit_symbol;

/* An input or output. */
typedef struct frit_port {
    uint32_t struct_bytes;
    int32_t dtype;
    const char *name;
    uint32_t rank;
    uint32_t is_host;                      /* 1: always read on the host, by bind too; a small integer tensor */
    uint32_t state;                        /* number of the state that it belongs to, else FRIT_NO_INDEX: the caller
                                              passes the same memory as the state's input and as its output */
    uint32_t reserved;                     /* 0 */
    const char *dim_text[FRIT_MAX_RANK];   /* "B", "2*S + 1", "64" */
    const int64_t *program[FRIT_MAX_RANK]; /* the same as postfix code over symbol values: see frit_dim_code */
} frit_port;

/* Words of a dim's program; CONST is followed by its value, SYMBOL by a symbol number. floordiv and mod round down. */
typedef enum frit_dim_code {
    FRIT_DIM_END,
    FRIT_DIM_CONST,
    FRIT_DIM_SYMBOL,
    FRIT_DIM_ADD,
    FRIT_DIM_MUL,
    FRIT_DIM_FLOORDIV,
    FRIT_DIM_MOD,
    FRIT_DIM_MIN,
    FRIT_DIM_MAX
} frit_dim_code;

/* One of the artifact's kernels, for reports. */
typedef struct frit_kernel_info {
    uint32_t struct_bytes;
    uint32_t n_launches;       /* places of the plan that launch it */
    const char *name, *title;  /* "softmax_3", "softmax(scores + mask)" */
    const char *flops, *bytes; /* work and least memory traffic of one launch as dim expressions, "" unknown */
    const int64_t *flops_program, *bytes_program; /* NULL unknown */
    uint32_t product_group; /* steps that its matrix products take at once: 4 of bytes, 2 of bf16, else 1 */
    uint32_t reserved;
} frit_kernel_info;

/* The artifact as a whole. */
typedef struct frit_artifact_info {
    uint32_t struct_bytes;
    uint32_t n_symbols, n_inputs, n_outputs, n_states, n_kernels;
    const char *name;     /* the model's name */
    const char *producer; /* "frit 0.1.0" */
    const char *target;   /* "cpu x86-64-v4", "cuda sm_90a" */
    const char *options;  /* flags that changed the numbers, "--fast-math", "" none */
    uint64_t weights_bytes;
    const char *weights_file; /* name of the side file beside the artifact, "" when they are inside it */
    const char *libraries;    /* the shared library that it needs beside libc and libm, "libopenblas.so.0", "" none */
} frit_artifact_info;

/* Threads to work on. One pool may serve any number of contexts and artifacts at the same time. */
typedef struct frit_pool {
    uint32_t struct_bytes;
    uint32_t n_threads; /* how many calls of fn can run at once, the caller's thread included; at least 1 */
    void *state;        /* passed to parallel */
    /* Calls fn(data, i) once for every i < n (n <= n_threads), in any order and on any threads, and returns when all
     * have returned. Has to be callable from several threads at once. */
    void (*parallel)(void *state, uint32_t n, void (*fn)(void *data, uint32_t i), void *data);
} frit_pool;

/* Told around each launch, on the thread that called run: for measuring. It may not touch the context. */
typedef struct frit_trace {
    uint32_t struct_bytes;
    uint32_t reserved; /* 0 */
    void *data;
    void (*begin)(void *data, uint32_t kernel);
    void (*end)(void *data, uint32_t kernel);
} frit_trace;

/* What a context is made for. All zero but struct_bytes and max_symbols is a good start. */
typedef struct frit_options {
    uint32_t struct_bytes;
    uint32_t n_threads;           /* 0: as many as affinity and the cgroup's quota allow, or as pool has */
    const int64_t *max_symbols;   /* greatest value of each symbol in calls of this context, COUNTED ones as bind gives
                                     them; NULL: its hi */
    void *memory;                 /* context_bytes bytes aligned to 64 for everything; NULL: create allocates them */
    uint64_t memory_bytes;        /* size of memory */
    const frit_pool *pool;        /* outlives the context; NULL: the context starts n_threads - 1 threads of its own */
    const void *weights;          /* replaces the artifact's weights, in the same packed layout; NULL: its own */
    uint64_t weights_bytes;       /* size of weights, must be the artifact's */
    const frit_trace *trace;      /* outlives the context; NULL: none */
    void *stream;                 /* CUDA: CUstream that run queues its work on, NULL: the default stream */
    void *device_memory;          /* CUDA: device_bytes of device memory; NULL: create allocates them */
    uint64_t device_memory_bytes; /* size of device_memory */
    uint32_t check_weights; /* 1: create reads the artifact's own weights and fails with FRIT_FORMAT when a byte of
                                     them is not as frit wrote it; 0: they are mapped and read when they are used */
    uint32_t reserved;      /* 0 */
} frit_options;

/* What a context of some options takes. */
typedef struct frit_memory {
    uint32_t struct_bytes;
    uint32_t n_threads;     /* that the context would use */
    uint64_t context_bytes; /* all of it: what create allocates, or wants as options.memory */
    uint64_t arena_bytes;   /* of that, for tensors between kernels (on a CUDA artifact: of device_bytes) */
    uint64_t scratch_bytes; /* of that, for all threads together */
    uint64_t device_bytes;  /* CUDA: device memory, weights included; 0 on the CPU */
    uint64_t n_stacks;      /* threads that create would start; each has a stack of stack_bytes beside the context */
    uint64_t stack_bytes;
} frit_memory;

typedef struct frit_context frit_context;
typedef struct frit_artifact frit_artifact;

struct frit_artifact {
    uint32_t struct_bytes;
    uint32_t abi;       /* FRIT_ARTIFACT_ABI */
    const void *module; /* the artifact's own */

    /* Facts. They fail with FRIT_RANGE for an index that is too large. */
    frit_status (*info)(const frit_artifact *a, frit_artifact_info *out);
    frit_status (*symbol)(const frit_artifact *a, uint32_t index, frit_symbol *out);
    frit_status (*input)(const frit_artifact *a, uint32_t index, frit_port *out);
    frit_status (*output)(const frit_artifact *a, uint32_t index, frit_port *out);
    frit_status (*kernel)(const frit_artifact *a, uint32_t index, frit_kernel_info *out);

    /* Solves the symbols from inputs (n_inputs tensors; data is read for host inputs only) and checks dtypes, ranks,
     * dims, ranges and contracts; the message names the input and dim that broke one. out_symbols: n_symbols values. */
    frit_status (*bind)(const frit_artifact *a, const frit_tensor *inputs, int64_t *out_symbols, char *message,
                        uint64_t message_bytes);
    /* Dims of an output for given symbols (rank values). */
    frit_status (*output_dims)(const frit_artifact *a, const int64_t *symbols, uint32_t index, int64_t *out_dims);
    frit_status (*memory)(const frit_artifact *a, const frit_options *options, frit_memory *out, char *message,
                          uint64_t message_bytes);

    frit_status (*create)(const frit_artifact *a, const frit_options *options, frit_context **out, char *message,
                          uint64_t message_bytes);
    /* One call: binds, checks, computes. inputs: n_inputs, outputs: n_outputs tensors; dims of outputs must be those
     * of output_dims. Outputs may not overlap inputs or each other (states excepted). Allocates nothing, takes no lock,
     * and makes no system call but waking threads that sleep. On failure outputs are unspecified. On CUDA it returns
     * when the work is queued; host inputs have been read by then. */
    frit_status (*run)(frit_context *context, const frit_tensor *inputs, const frit_tensor *outputs);
    const char *(*error)(const frit_context *context); /* why the last run failed, "" when it did not */
    void (*destroy)(frit_context *context);            /* NULL is fine; memory of the caller is not freed */

    /* A pool of n_threads (0: as many as allowed) that any artifact can use; NULL when memory or threads lack.
     * Its threads spin shortly for work, then sleep. */
    frit_pool *(*pool_create)(uint32_t n_threads);
    void (*pool_destroy)(frit_pool *pool);

    /* Dims that output `index` really had in the last run (rank values): those of output_dims, but for COUNTED symbols.
     * The elements lie at the beginning of the memory given, in row-major order of these dims. Absent (struct_bytes)
     * in artifacts of before there were COUNTED symbols. */
    frit_status (*result_dims)(const frit_context *context, uint32_t index, int64_t *out_dims);

    /* Whether the elements of inputs that the model uses as indices (token ids) are indices of what they index: else
     * FRIT_RANGE, and the message names input, position, value and range. run does not look: in place of an index
     * outside it takes the nearest one inside; negative ones count from the end. Indices that the model computes are not
     * known here; code compiled with --checked reports them. inputs, with data on the host, and symbols as of bind.
     * Absent (struct_bytes) in artifacts of before 0.2. */
    frit_status (*check_indices)(const frit_artifact *a, const frit_tensor *inputs, const int64_t *symbols,
                                 char *message, uint64_t message_bytes);
};

/* The exported function. NULL when this artifact does not speak the asked-for version. */
typedef const frit_artifact *frit_artifact_table_fn(uint32_t abi);

#ifdef __cplusplus
}
#endif
#endif
