/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inside of the runtime: what a loaded model is, and the parts that create and run contexts of it.
 *
 * In reading order: dim_code.c evaluates dims, bind.c solves symbols and checks a call, bind_indices.c its token ids, describe.c answers questions,
 * context.c lays out and fills a context, walk.c runs the plan, backend_*.c are where steps reach the machine, pool.c
 * are the threads, weights.c finds side files, table.c is the exported function. loader.c and plan_check.c are for
 * hosts and are not linked into artifacts. */
#ifndef FRIT_RUNTIME_RUNTIME_H
#define FRIT_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include "frit_artifact.h"
#include "runtime/kernel_abi.h"
#include "runtime/plan_format.h"

typedef struct backend backend;

/* A model in memory: an artifact, or a plan that was compiled into this process. */
typedef struct module {
    const pf_header *plan;            /* checked or trusted */
    frit_kernel_fn *const *functions; /* CPU: by pf_phase.function */
    const backend *backend;
    const void *weights; /* NULL: the plan's header says where they are */
} module;

static inline const module *module_of(const frit_artifact *a) { return (const module *)a->module; }

/* Where a function may leave its one line of text. */
typedef struct message {
    char *at; /* NULL: not wanted */
    uint64_t bytes;
} message;

/* describe.c */
frit_status message_set(message m, frit_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));
frit_status describe_info(const frit_artifact *a, frit_artifact_info *out);
frit_status describe_symbol(const frit_artifact *a, uint32_t index, frit_symbol *out);
frit_status describe_input(const frit_artifact *a, uint32_t index, frit_port *out);
frit_status describe_output(const frit_artifact *a, uint32_t index, frit_port *out);
frit_status describe_kernel(const frit_artifact *a, uint32_t index, frit_kernel_info *out);
const char *element_text(uint32_t dtype); /* "f32"; "?" for an unknown code */
uint32_t element_bits(uint32_t dtype);    /* 0 for an unknown code */

/* dim_code.c. False on overflow or division by zero. */
bool dim_code_run(const int64_t *code, const int64_t *symbols, int64_t *out);
bool plan_dim(const pf_header *h, uint32_t dim, const int64_t *symbols, int64_t *out);

/* describe.c: "123 bytes", "1288490189 bytes (1.2 GiB)"; gives out */
enum { AMOUNT_TEXT = 48 };
const char *amount_text(uint64_t n_bytes, char out[AMOUNT_TEXT]);

/* bind.c */
frit_status bind_inputs(const pf_header *h, const frit_tensor *inputs, int64_t *out_symbols, message m);
/* Checks one tensor of a call: dtype, rank, order in memory and, when data is needed, address. */
frit_status bind_check_tensor(const pf_header *h, uint32_t port, const frit_tensor *t, message m);
/* Whether a contract of pf_contract_kind holds for the values of its sides. */
bool bind_contract_holds(uint32_t kind, int64_t lhs, int64_t rhs);
frit_status bind_check_contract(const pf_header *h, uint32_t contract, const int64_t *symbols, message m);
/* Greatest values of counted symbols for the values of the others, in place. False on overflow. */
bool bind_counted(const pf_header *h, int64_t *symbols);
/* Dims of the memory that an output takes, and of what it holds in the end. */
frit_status bind_output_dims(const pf_header *h, const int64_t *symbols, uint32_t index, int64_t *out_dims);
frit_status bind_result_dims(const pf_header *h, const int64_t *symbols, uint32_t index, int64_t *out_dims);
int64_t tensor_elements(const frit_tensor *t); /* -1 on overflow */
/* An element of an integer type, given by its code. */
int64_t bind_integer(uint32_t dtype, const void *data, int64_t index);

/* bind_indices.c: whether the inputs' elements that index something lie inside. inputs: bound, with data on the host. */
frit_status bind_check_indices(const pf_header *h, const frit_tensor *inputs, const int64_t *symbols, message m);

/* A context: one block of memory, in this order. The last three begin at multiples of 64. */
struct frit_context {
    const module *module;
    const pf_header *plan;
    const frit_trace *trace; /* NULL none */
    const frit_pool *pool;   /* own, the caller's, or NULL when n_threads is 1 */
    frit_pool *own_pool;     /* in this block; NULL none */
    void *own_memory;        /* this block when create allocated it */
    const void *weights;
    const void *mapped_weights; /* mapping of a side file, NULL none */
    void *device;               /* state of the backend */
    void *stream;
    uint32_t n_threads;
    bool is_bound;    /* symbols and values belong together */
    int64_t *symbols; /* of the last call */
    int64_t *wanted;  /* of the call being checked */
    int64_t *max_symbols;
    int64_t *values;        /* of every dim at symbols */
    void **pointers;        /* address of every buffer */
    void **args;            /* of the launch in progress */
    char *scratch;          /* n_threads times scratch_bytes */
    uint64_t scratch_bytes; /* of one thread, its kernel_report included */
    char *arena;
    char text[256]; /* why the last run failed */
};

/* Sizes and places of the parts of a context. */
typedef struct layout {
    uint32_t n_threads;
    bool has_pool;                                                  /* of its own */
    uint64_t symbols, values, pointers, args, pool, scratch, arena; /* offsets */
    uint64_t scratch_bytes;                                         /* of one thread */
    uint64_t arena_bytes, total_bytes, device_bytes;
} layout;

/* context.c */
/* Options as this version knows them: what the caller's struct does not have is zero. NULL gives all zero. FRIT_USAGE
 * where struct_bytes is not set, or a pool or a trace is not usable. */
frit_status options_known(const frit_options *given, frit_options *out, message m);
frit_status context_layout(const module *mod, const frit_options *options, layout *out, message m);
/* Byte offset of each arena slot for symbols (out: slots.count values, may be NULL) and the sum. */
frit_status arena_layout(const pf_header *h, const int64_t *symbols, uint64_t *out_offsets, uint64_t *out_bytes,
                         message m);
frit_status context_memory(const frit_artifact *a, const frit_options *options, frit_memory *out, char *text,
                           uint64_t text_bytes);
frit_status context_create(const frit_artifact *a, const frit_options *options, frit_context **out, char *text,
                           uint64_t text_bytes);
void context_destroy(frit_context *x);

/* walk.c */
frit_status context_run(frit_context *x, const frit_tensor *inputs, const frit_tensor *outputs);
const char *context_error(const frit_context *x);
frit_status context_result_dims(const frit_context *x, uint32_t index, int64_t *out_dims);

/* How steps reach the machine. The walker itself knows neither threads nor devices. */
struct backend {
    bool is_device; /* arena and weights lie in device memory; no scratch */
    frit_status (*create)(frit_context *x, const frit_options *options, message m); /* NULL: nothing to do */
    void (*destroy)(frit_context *x);                                               /* NULL: nothing to do */
    frit_status (*launch)(frit_context *x, const pf_step *s);
    frit_status (*copy)(frit_context *x, void *to, const void *from, uint64_t bytes);
    /* Reads or writes a few bytes of a buffer, after everything launched before. */
    frit_status (*read)(frit_context *x, void *host, const void *from, uint64_t bytes);
    frit_status (*write)(frit_context *x, void *to, const void *host, uint64_t bytes);
};
extern const backend backend_cpu; /* backend_cpu.c */
extern const backend
    backend_openblas;              /* backend_openblas.c, in artifacts only: the CPU's, but for a library's products */
extern const backend backend_cuda; /* backend_cuda.c */
/* backend_cpu.c, for backends that are mostly it */
frit_status cpu_launch(frit_context *x, const pf_step *s);
frit_status cpu_copy(frit_context *x, void *to, const void *from, uint64_t bytes);
frit_status cpu_read(frit_context *x, void *host, const void *from, uint64_t bytes);
frit_status cpu_write(frit_context *x, void *to, const void *host, uint64_t bytes);
/* What --checked says of step s, whose parameter was to be accessed at an element outside of it. */
frit_status cpu_outside(frit_context *x, const pf_step *s, const kernel_report *r);

/* pool.c. A pool lives in memory of pool_bytes aligned to 64; pool_start gives NULL when no thread could be started. */
uint64_t pool_bytes(uint32_t n_threads);
frit_pool *pool_start(void *memory, uint32_t n_threads);
void pool_stop(frit_pool *face);
frit_pool *pool_create(uint32_t n_threads);
void pool_destroy(frit_pool *face);
enum { POOL_STACK_BYTES = 1 << 20, POOL_MAX_THREADS = 1024 };

/* weights.c */
frit_status weights_find(frit_context *x, const frit_options *options, message m);
void weights_release(frit_context *x);

/* memory.c: the only place of an artifact that allocates. Aligned to 64; NULL when there is none. */
void *memory_new(uint64_t bytes);
void memory_free(void *p);

/* table.c: the table over a module, which it keeps pointing at */
frit_artifact artifact_over(const module *mod);

#endif
