/* frit in a C program: record tensor operations as you would write them, then compile what was recorded and run it in
 * this process, or save it as a shared object. Link with -lfrit.
 *
 *     frit_program *p = frit_program_create("mlp");
 *     int64_t B = frit_dim_symbol(p, "B", 1, 512);                  // a dim that is known only when running
 *     frit_value x = frit_input(p, "x", FRIT_DT_F32, 2, (int64_t[]){B, 64});
 *     frit_value w = frit_constant(p, "w", FRIT_DT_F32, 2, (int64_t[]){64, 10}, weights);
 *     frit_output(p, "y", frit_softmax(frit_matmul(x, w), -1));
 *     const frit_artifact *a = frit_program_compile(p, NULL);
 *     if (!a) { puts(frit_program_error(p)); exit(1); }             // "mlp.c:12: matmul: inner sizes 64 and 65 differ"
 *     ...                                                           // a is used as frit_artifact.h says, or simply:
 *     frit_program_run(p, (frit_tensor[]){x_tensor}, (frit_tensor[]){y_tensor});
 *     frit_program_destroy(p);
 *
 * Ownership: a program owns all that is recorded into it and all that it returns, until it is destroyed. Data of
 * constants is copied. A program is used by one thread at a time; different programs by different threads.
 * Errors: shapes and types are inferred at each call. The first error is kept with the caller's file and line; from
 * then on recording does nothing, so that a program may be written as a formula and checked once, at the end. Dims are
 * int64_t: 0 and more are numbers, negative ones are handles of symbolic expressions, to be used with their program
 * only. Growth: structs begin with their size and count as zero beyond it. */
#ifndef FRIT_H
#define FRIT_H

#include "frit_artifact.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct frit_program frit_program;

/* A tensor of a program being recorded. Passed by value; never freed. */
typedef struct frit_value {
    frit_program *program;
    uint32_t id;
} frit_value;

/* How to compile. NULL or all zero but struct_bytes: for this machine, on all cores. */
typedef struct frit_compile_options {
    uint32_t struct_bytes;
    uint32_t n_threads; /* to compile on, 0: all cores; the code does not depend on it */
    const char *cpu;    /* "native", "x86-64-v3", ...; NULL: native */
    uint32_t checked;   /* 1: check each access of memory when running */
    uint32_t reserved;  /* 0 */
} frit_compile_options;

/* --- programs --- */

/* name: an identifier. Never NULL: a program that runs out of memory ends the process with a line, like frit itself. */
frit_program *frit_program_create(const char *name);
void frit_program_destroy(frit_program *p); /* NULL is fine */
/* The first error, "" when there was none. */
const char *frit_program_error(const frit_program *p);
/* What was recorded, in the text form that `frit compile` and `frit opt` read. NULL after an error. */
const char *frit_program_text(frit_program *p);
/* Compiles into this process; afterwards nothing can be recorded. NULL after an error. The same pointer when called
 * again. */
const frit_artifact *frit_program_compile(frit_program *p, const frit_compile_options *options);
/* Compiles (when that was not done) and calls; outputs have the dims that the artifact's output_dims says. */
frit_status frit_program_run(frit_program *p, const frit_tensor *inputs, const frit_tensor *outputs);
/* Writes a shared object, as `frit compile` does. */
frit_status frit_program_save(frit_program *p, const frit_compile_options *options, const char *path);
/* Compiles a model file to a shared object. message: where text of an error goes, may be NULL. */
frit_status frit_compile_file(const char *model, const char *path, const frit_compile_options *options, char *message,
                              uint64_t message_bytes);
const char *frit_status_text(frit_status code);

/* --- recording. Each is a macro that adds the caller's file and line. --- */

#define frit_dim_symbol(p, name, lo, hi)       frit_dim_symbol_at((p), (name), (lo), (hi), __FILE__, __LINE__)
#define frit_input(p, name, dtype, rank, dims) frit_input_at((p), (name), (dtype), (rank), (dims), __FILE__, __LINE__)
#define frit_output(p, name, x)                frit_output_at((p), (name), (x), __FILE__, __LINE__)
/* data: row-major elements, packed. name may be NULL. */
#define frit_constant(p, name, dtype, rank, dims, data)                                                                \
    frit_constant_at((p), (name), (dtype), (rank), (dims), (data), __FILE__, __LINE__)
#define frit_number(p, dtype, x) frit_number_at((p), (dtype), (x), __FILE__, __LINE__) /* a constant of rank 0 */
/* Any operator of docs/IR.md on any number of tensors, with its attributes as they stand in the text form:
 * frit_apply("max_pool", "sizes = [2, 2], strides = [2, 2]", x). Gives the first result. */
#define frit_apply(op, attributes, ...)                                                                                \
    frit_apply_at((op), (attributes), (uint32_t)(sizeof((frit_value[]){__VA_ARGS__}) / sizeof(frit_value)),            \
                  (frit_value[]){__VA_ARGS__}, __FILE__, __LINE__)
/* The index-th result of the operator whose first result is x. */
#define frit_result(x, index) frit_result_at((x), (index), __FILE__, __LINE__)
/* Gives x a name for texts, reports and error messages; returns x. */
frit_value frit_named(const char *name, frit_value x);

/* Facts */
int frit_dtype_of(frit_value x);             /* frit_dtype; FRIT_DT_NONE after an error */
int frit_rank_of(frit_value x);              /* -1 after an error */
int64_t frit_dim_of(frit_value x, int axis); /* negative axes count from the end; 0 after an error */

/* Arithmetic of dims */
int64_t frit_dim_add(frit_program *p, int64_t a, int64_t b);
int64_t frit_dim_sub(frit_program *p, int64_t a, int64_t b);
int64_t frit_dim_mul(frit_program *p, int64_t a, int64_t b);
int64_t frit_dim_floordiv(frit_program *p, int64_t a, int64_t b);

/* Elementwise; shapes broadcast as numpy's do. */
#define frit_neg(x)          frit_apply("neg", "", x)
#define frit_abs(x)          frit_apply("abs", "", x)
#define frit_sqrt(x)         frit_apply("sqrt", "", x)
#define frit_exp(x)          frit_apply("exp", "", x)
#define frit_log(x)          frit_apply("log", "", x)
#define frit_tanh(x)         frit_apply("tanh", "", x)
#define frit_erf(x)          frit_apply("erf", "", x)
#define frit_relu(x)         frit_apply("relu", "", x)
#define frit_sigmoid(x)      frit_apply("sigmoid", "", x)
#define frit_silu(x)         frit_apply("silu", "", x)
#define frit_gelu(x)         frit_apply("gelu", "", x)
#define frit_add(x, y)       frit_apply("add", "", x, y)
#define frit_sub(x, y)       frit_apply("sub", "", x, y)
#define frit_mul(x, y)       frit_apply("mul", "", x, y)
#define frit_div(x, y)       frit_apply("div", "", x, y)
#define frit_pow(x, y)       frit_apply("pow", "", x, y)
#define frit_min(x, y)       frit_apply("min", "", x, y)
#define frit_max(x, y)       frit_apply("max", "", x, y)
#define frit_less(x, y)      frit_apply("lt", "", x, y)
#define frit_equal(x, y)     frit_apply("eq", "", x, y)
#define frit_select(c, x, y) frit_apply("select", "", c, x, y) /* c ? x : y */

/* Products, normalisation */
#define frit_matmul(x, y)          frit_apply("matmul", "", x, y)
#define frit_softmax(x, axis)      frit_softmax_at((x), (axis), __FILE__, __LINE__)
#define frit_attend(q, k, v)       frit_apply("attend", "", q, k, v) /* softmax(q k^T / sqrt(D)) v over [.., H, S, D] */
#define frit_einsum(equation, ...) frit_apply("einsum", "equation = \"" equation "\"", __VA_ARGS__)

/* Shapes. One dim of frit_reshape may be FRIT_INFERRED. perm, axes: one number per axis. */
#define FRIT_INFERRED                 INT64_MIN
#define frit_cast(x, dtype)           frit_cast_at((x), (dtype), __FILE__, __LINE__)
#define frit_reshape(x, rank, dims)   frit_reshape_at((x), (rank), (dims), __FILE__, __LINE__)
#define frit_broadcast(x, rank, dims) frit_broadcast_at((x), (rank), (dims), __FILE__, __LINE__)
#define frit_transpose(x, perm)       frit_transpose_at((x), (perm), __FILE__, __LINE__)
/* size elements of axis from start on, every step-th. */
#define frit_slice(x, axis, start, size, step) frit_slice_at((x), (axis), (start), (size), (step), __FILE__, __LINE__)
/* kind: "sum", "prod", "max", "min", "argmax", "argmin". The axes are removed. */
#define frit_reduce(kind, x, n_axes, axes) frit_reduce_at((kind), (x), (n_axes), (axes), __FILE__, __LINE__)

int64_t frit_dim_symbol_at(frit_program *p, const char *name, int64_t lo, int64_t hi, const char *file, int line);
frit_value frit_input_at(frit_program *p, const char *name, int dtype, int rank, const int64_t *dims, const char *file,
                         int line);
void frit_output_at(frit_program *p, const char *name, frit_value x, const char *file, int line);
frit_value frit_constant_at(frit_program *p, const char *name, int dtype, int rank, const int64_t *dims,
                            const void *data, const char *file, int line);
frit_value frit_number_at(frit_program *p, int dtype, double x, const char *file, int line);
frit_value frit_apply_at(const char *op, const char *attributes, uint32_t n, const frit_value *in, const char *file,
                         int line);
frit_value frit_result_at(frit_value x, uint32_t index, const char *file, int line);
frit_value frit_softmax_at(frit_value x, int axis, const char *file, int line);
frit_value frit_cast_at(frit_value x, int dtype, const char *file, int line);
frit_value frit_reshape_at(frit_value x, int rank, const int64_t *dims, const char *file, int line);
frit_value frit_broadcast_at(frit_value x, int rank, const int64_t *dims, const char *file, int line);
frit_value frit_transpose_at(frit_value x, const int64_t *perm, const char *file, int line);
frit_value frit_slice_at(frit_value x, int axis, int64_t start, int64_t size, int64_t step, const char *file, int line);
frit_value frit_reduce_at(const char *kind, frit_value x, int n_axes, const int64_t *axes, const char *file, int line);

#ifdef __cplusplus
}
#endif
#endif
