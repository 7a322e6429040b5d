/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* libfrit: tensor programs in C. A tracer records operations; what it recorded is compiled in this process, or
 * saved as a shared object that runs without frit.
 *
 *     frit_tracer *t = frit_tracer_create("mlp");
 *     frit_dim batch = frit_dim_sym(t, "batch", 1, 512);               // differs from call to call
 *     frit_value *x = frit_input(t, "x", FRIT_DT_F32, FRIT_LIST(batch, 64));
 *     frit_value *w = frit_constant(t, FRIT_DT_F32, FRIT_LIST(64, 10), w_data);
 *     frit_output(frit_softmax(frit_matmul(x, w), -1), "y");
 *
 *     frit_model *m;
 *     if (frit_compile(t, NULL, &m) != FRIT_OK) puts(frit_error(t));   // "mlp.c:5: matmul: inner sizes .. differ"
 *     int64_t x_dims[2] = {8, 64}, y_dims[2] = {8, 10};
 *     frit_tensor in = {x_data, FRIT_DT_F32, 2, x_dims, NULL}, out = {y_data, FRIT_DT_F32, 2, y_dims, NULL};
 *     if (frit_run(m, &in, &out) != FRIT_OK) puts(frit_model_error(m));
 *     frit_save(t, NULL, "mlp.so");                                    // the artifact of frit_artifact.h
 *     frit_model_destroy(m);
 *     frit_tracer_destroy(t);
 *
 * Ownership: a tracer owns its values and texts; they live until frit_tracer_destroy. Data of constants is the caller's
 * and is read until then too; all other arguments are copied during the call. A model owns itself and outlives its
 * tracer. Destroying NULL is fine. One thread at a time for a tracer and for a model; different ones are independent.
 * Errors: the types and shapes of a result are inferred at the call. The first mistake is kept with the caller's file
 * and line, its call returns a value that stands for the failure, and whatever uses that, or the tracer, does nothing;
 * so a program may check once, at the end. NULL in place of a tracer or a value is such a failure.
 * Every operation is a function NAME_at whose first argument is the place in the caller's source; the macro NAME fills
 * it in. Languages without macros call NAME_at with a text of theirs, or NULL. */
#ifndef FRIT_H
#define FRIT_H

#include <stdbool.h>

#include "frit_artifact.h"

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

typedef struct frit_tracer frit_tracer;
typedef struct frit_value frit_value; /* a tensor that a tracer computes */
typedef struct frit_model frit_model; /* a compiled trace */

/* An extent: a number, or what a function below made from symbols; == compares. Where a position is meant, a negative
 * number counts from the end. */
typedef int64_t frit_dim;

/* n numbers or dims: FRIT_LIST(batch, 64), FRIT_EMPTY (the shape of a scalar). Write it where it is passed: it lasts as
 * long as the block around it, in C++ as the call. */
typedef struct frit_list {
    uint32_t n;
    const frit_dim *at;
} frit_list;
#ifdef __cplusplus
static inline frit_list frit_list_of(std::initializer_list<frit_dim> l) {
    frit_list out = {(uint32_t)l.size(), l.begin()};
    return out;
}
#define FRIT_LIST(...) (frit_list_of({__VA_ARGS__}))
#define FRIT_EMPTY     (frit_list_of({}))
#else
#define FRIT_LIST(...)                                                                                                 \
    ((frit_list){sizeof((const frit_dim[]){__VA_ARGS__}) / sizeof(frit_dim), (const frit_dim[]){__VA_ARGS__}})
#define FRIT_EMPTY ((frit_list){0, (const frit_dim *)0})
#endif

/* ---- traces ---- */

frit_tracer *frit_tracer_create(const char *name); /* name of the function; NULL: "main" */
void frit_tracer_destroy(frit_tracer *t);
frit_status frit_tracer_status(const frit_tracer *t); /* of the first mistake; FRIT_OK when there was none */
/* Text of the first mistake, else of the last failed frit_compile, frit_save or frit_text; "" when there was none. */
const char *frit_error(const frit_tracer *t);
const char *frit_status_text(frit_status code);
/* The program as .fir text; NULL on failure. is_plain leaves out where things come from (source locations, files), so
 * that equal programs give equal text. */
const char *frit_text(frit_tracer *t, bool is_plain);

/* ---- dims ---- */

/* A dim that every call of the model may choose in lo..hi; both 0: 1..65536. One of the inputs has to show it as a dim
 * of its own. The same name with the same range is the same dim. */
frit_dim frit_dim_sym_at(const char *where, frit_tracer *t, const char *name, int64_t lo, int64_t hi);
/* The same, given to each call as the one element of a host input i64[] of that name. */
frit_dim frit_dim_input_at(const char *where, frit_tracer *t, const char *name, int64_t lo, int64_t hi);
/* The value of a symbol that schedules are tuned for. */
void frit_dim_hint(frit_tracer *t, frit_dim sym, int64_t hint);
/* Arithmetic; floordiv and mod round down. Overflow and division by 0 are reported where the dim is used. */
frit_dim frit_dim_add(frit_tracer *t, frit_dim a, frit_dim b);
frit_dim frit_dim_sub(frit_tracer *t, frit_dim a, frit_dim b);
frit_dim frit_dim_mul(frit_tracer *t, frit_dim a, frit_dim b);
frit_dim frit_dim_floordiv(frit_tracer *t, frit_dim a, frit_dim b);
frit_dim frit_dim_mod(frit_tracer *t, frit_dim a, frit_dim b);
frit_dim frit_dim_min(frit_tracer *t, frit_dim a, frit_dim b);
frit_dim frit_dim_max(frit_tracer *t, frit_dim a, frit_dim b);

/* ---- values ---- */

/* What was inferred. Of a failed value: FRIT_DT_NONE, rank 0, dim 0. */
frit_dtype frit_dtype_of(const frit_value *x);
uint32_t frit_rank_of(const frit_value *x);
frit_dim frit_dim_of(const frit_value *x, int32_t axis); /* axis may count from the end */
frit_value *frit_name(frit_value *x, const char *name);  /* for reports and texts; keeps an earlier name; returns x */

/* ---- inputs, constants, states, outputs ---- */

/* Names are unique among inputs and among outputs. Order of recording is order in the interface. */
frit_value *frit_input_at(const char *where, frit_tracer *t, const char *name, frit_dtype dt, frit_list shape);
void frit_output_at(const char *where, frit_value *x, const char *name);
/* Row-major data, packed; extents must be numbers. */
frit_value *frit_constant_at(const char *where, frit_tracer *t, frit_dtype dt, frit_list shape, const void *data);
frit_value *frit_scalar_at(const char *where, frit_tracer *t, frit_dtype dt, double v); /* rank 0 */
frit_value *frit_scalar_like_at(const char *where, const frit_value *x, double v);      /* of x's dtype */
/* What a .npy file holds, copied. */
frit_value *frit_constant_npy_at(const char *where, frit_tracer *t, const char *path);
/* Maps a file as long as the tracer lives, for constants that lie in it. NULL on failure. */
const void *frit_map_file_at(const char *where, frit_tracer *t, const char *path, uint64_t *out_bytes);
/* A tensor that calls hand on to each other: an input and, once frit_store was called, an output of that name, for
 * which the caller passes the same memory. */
frit_value *frit_state_at(const char *where, frit_tracer *t, const char *name, frit_dtype dt, frit_list shape);
void frit_store_at(const char *where, frit_value *state, frit_value *x);

/* ---- elementwise; operands broadcast as in numpy ---- */

/* frit_add(x, y), frit_exp(x), frit_select(cond, x, y), frit_clip(x, lo, hi), frit_elu(x, alpha) and the others: one
 * function for each elementwise operator of docs/IR.md. Lies beside this file where frit is installed, in build/include
 * where it is built. */
#include "frit_ops.h"

frit_value *frit_cast_at(const char *where, frit_value *x, frit_dtype to); /* x itself when it is of that type */
frit_value *frit_bitcast_at(const char *where, frit_value *x, frit_dtype to);

/* Any operator of docs/IR.md by name, with attributes as they stand in the text form, NULL for none:
 * frit_apply("lrn", "size = 3, alpha = 0.01", 1, &x). Gives the first result. */
frit_value *frit_apply_at(const char *where, const char *op, const char *attributes, uint32_t n, frit_value *const *x);
/* The index-th result of the operator whose first result is x. */
frit_value *frit_result_at(const char *where, frit_value *x, uint32_t index);

/* ---- views: they cost nothing when fused ---- */

frit_value *frit_reshape_at(const char *where, frit_value *x, frit_list shape); /* one -1: what is left over */
frit_value *frit_transpose_at(const char *where, frit_value *x, frit_list perm);
frit_value *frit_broadcast_at(const char *where, frit_value *x, frit_list shape);
frit_value *frit_flatten_at(const char *where, frit_value *x, int32_t axis); /* to two axes: before axis, the rest */
frit_value *frit_squeeze_at(const char *where, frit_value *x, int32_t axis); /* removes an axis of extent 1 */
frit_value *frit_unsqueeze_at(const char *where, frit_value *x, int32_t axis);
/* size elements of one axis from start on. */
frit_value *frit_slice_at(const char *where, frit_value *x, int32_t axis, frit_dim start, frit_dim size);
/* Of every axis: x[starts + i * steps], sizes elements. */
frit_value *frit_strided_at(const char *where, frit_value *x, frit_list starts, frit_list sizes, frit_list steps);
frit_value *frit_concat_at(const char *where, int32_t axis, uint32_t n, frit_value *const *x);
typedef enum frit_pad_mode { FRIT_PAD_CONSTANT, FRIT_PAD_REFLECT, FRIT_PAD_EDGE, FRIT_PAD_WRAP } frit_pad_mode;
typedef struct frit_pad_options {
    frit_pad_mode mode;
    double fill; /* CONSTANT */
} frit_pad_options;
/* lo and hi elements more on each axis; negative: fewer. */
frit_value *frit_pad_at(const char *where, frit_value *x, frit_list lo, frit_list hi, const frit_pad_options *o);

/* ---- made from nothing ---- */

frit_value *frit_iota_at(const char *where, frit_tracer *t, frit_dtype dt, frit_list shape, int32_t axis);
frit_value *frit_from_dims_at(const char *where, frit_tracer *t, frit_list dims); /* i64[n] */
typedef enum frit_random_kind { FRIT_UNIFORM, FRIT_NORMAL, FRIT_BERNOULLI } frit_random_kind;
typedef struct frit_random_options {
    frit_random_kind kind;
    int64_t seed; /* the same seed gives the same numbers */
    double a, b;  /* UNIFORM: from a to b; NORMAL: mean, deviation; BERNOULLI: chance. Both 0: 0 and 1; chance 0.5 */
} frit_random_options;
frit_value *frit_random_at(const char *where, frit_tracer *t, frit_dtype dt, frit_list shape,
                           const frit_random_options *o);

/* ---- movement by data ---- */

/* Indices: negative ones count from the end. One outside of its axis is taken for the nearest inside; the artifact's
 * check_indices says which inputs hold such, and models compiled with is_checked report those that they compute. */

frit_value *frit_gather_at(const char *where, frit_value *x, frit_value *index, int32_t axis);
frit_value *frit_gather_elements_at(const char *where, frit_value *x, frit_value *index, int32_t axis);
frit_value *frit_gather_nd_at(const char *where, frit_value *x, frit_value *index, int32_t batch_dims);
typedef enum frit_scatter_mode { FRIT_SET, FRIT_ADD, FRIT_MUL, FRIT_MIN, FRIT_MAX } frit_scatter_mode;
typedef struct frit_scatter_options {
    int32_t axis;           /* of scatter_elements */
    frit_scatter_mode mode; /* how an update meets what is there; duplicates in index order */
} frit_scatter_options;
frit_value *frit_scatter_elements_at(const char *where, frit_value *x, frit_value *index, frit_value *updates,
                                     const frit_scatter_options *o);
frit_value *frit_scatter_nd_at(const char *where, frit_value *x, frit_value *index, frit_value *updates,
                               const frit_scatter_options *o);
typedef struct frit_topk_options {
    uint32_t axis_from_end; /* 0: the last axis, 1: the one before it, ... */
    bool is_smallest;
} frit_topk_options;
/* The k largest of an axis in order; out_indices (i64) may be NULL. */
frit_value *frit_topk_at(const char *where, frit_value *x, frit_dim k, const frit_topk_options *o,
                         frit_value **out_indices);
frit_value *frit_nonzero_at(const char *where, frit_value *x);                                     /* i64 [rank, n] */
frit_value *frit_update_at(const char *where, frit_value *x, frit_value *block, frit_list starts); /* x with block */

/* ---- reductions ---- */

typedef enum frit_reduction { FRIT_REDUCE_SUM, FRIT_REDUCE_PROD, FRIT_REDUCE_MAX, FRIT_REDUCE_MIN } frit_reduction;
/* keep: the axes stay, with extent 1. */
frit_value *frit_reduce_at(const char *where, frit_value *x, frit_reduction kind, frit_list axes, bool keep);
frit_value *frit_mean_at(const char *where, frit_value *x, frit_list axes, bool keep);
frit_value *frit_argmax_at(const char *where, frit_value *x, int32_t axis); /* i64; the first of equal ones */
frit_value *frit_argmin_at(const char *where, frit_value *x, int32_t axis);
typedef struct frit_scan_options {
    bool exclusive, reverse;
} frit_scan_options;
frit_value *frit_scan_at(const char *where, frit_value *x, frit_reduction kind, int32_t axis,
                         const frit_scan_options *o); /* running sums and the like */

/* ---- products, normalisation, attention; options may be NULL, and zero in them is the default ---- */

frit_value *frit_matmul_at(const char *where, frit_value *x, frit_value *y); /* as numpy's */
frit_value *frit_einsum_at(const char *where, const char *equation, uint32_t n, frit_value *const *x);
frit_value *frit_softmax_at(const char *where, frit_value *x, int32_t axis);
frit_value *frit_log_softmax_at(const char *where, frit_value *x, int32_t axis);
typedef struct frit_norm_options {
    uint32_t n_axes; /* how many of the last axes are normalised together, 0: one */
    double eps;      /* 0: 1e-5 */
} frit_norm_options;
frit_value *frit_layer_norm_at(const char *where, frit_value *x, frit_value *scale, frit_value *bias,
                               const frit_norm_options *o); /* bias may be NULL */
frit_value *frit_rms_norm_at(const char *where, frit_value *x, frit_value *scale, const frit_norm_options *o);
/* parameters: scale, bias, mean, variance, one element a channel (axis 1). eps 0: 1e-5 */
frit_value *frit_batch_norm_at(const char *where, frit_value *x, frit_value *const parameters[4], double eps);
typedef struct frit_group_norm_options {
    uint32_t groups; /* 0: one */
    double eps;      /* 0: 1e-5 */
} frit_group_norm_options;
frit_value *frit_group_norm_at(const char *where, frit_value *x, frit_value *scale, frit_value *bias,
                               const frit_group_norm_options *o);
frit_value *frit_instance_norm_at(const char *where, frit_value *x, frit_value *scale, frit_value *bias, double eps);
typedef struct frit_lrn_options {
    uint32_t size;            /* channels, 0: one */
    double alpha, beta, bias; /* 0: 1e-4, 0.75, 1 */
} frit_lrn_options;
frit_value *frit_lrn_at(const char *where, frit_value *x, const frit_lrn_options *o);
typedef struct frit_attend_options {
    frit_value *mask; /* bool (true: seen) or added to the scores; NULL: none */
    double scale;     /* 0: 1 / sqrt(D) */
    bool causal;
    double softcap; /* 0: none */
    int32_t window; /* how many keys back are seen, 0: all */
} frit_attend_options;
/* q [.., H, S, D], k [.., G, T, D], v [.., G, T, E] with G dividing H: [.., H, S, E]. */
frit_value *frit_attend_at(const char *where, frit_value *q, frit_value *k, frit_value *v,
                           const frit_attend_options *o);
typedef struct frit_rope_options {
    bool interleaved;
    int32_t rotary_dim; /* 0: the whole last axis */
} frit_rope_options;
frit_value *frit_rope_at(const char *where, frit_value *x, frit_value *cosines, frit_value *sines,
                         const frit_rope_options *o);

/* ---- convolution and pooling over [N, C, spatial..]; lists left empty are ones, pads zeros ---- */

typedef struct frit_conv_options {
    frit_list strides, dilations; /* one per spatial axis */
    frit_list pads;               /* before each spatial axis, then behind each */
    frit_list output_pads;        /* of conv_transpose */
    uint32_t groups;              /* 0: one */
} frit_conv_options;
frit_value *frit_conv_at(const char *where, frit_value *x, frit_value *weight, frit_value *bias,
                         const frit_conv_options *o); /* bias may be NULL */
frit_value *frit_conv_transpose_at(const char *where, frit_value *x, frit_value *weight, frit_value *bias,
                                   const frit_conv_options *o);
typedef struct frit_pool_options {
    frit_list sizes; /* one per spatial axis */
    frit_list strides, dilations, pads;
    bool ceil;      /* extents round up */
    bool count_pad; /* avg_pool: padding counts in the mean */
} frit_pool_options;
/* out_indices (i64, flat) may be NULL. */
frit_value *frit_max_pool_at(const char *where, frit_value *x, const frit_pool_options *o, frit_value **out_indices);
frit_value *frit_avg_pool_at(const char *where, frit_value *x, const frit_pool_options *o);
typedef enum frit_resize_mode { FRIT_NEAREST, FRIT_LINEAR, FRIT_CUBIC } frit_resize_mode;
typedef struct frit_resize_options {
    frit_resize_mode mode;
    bool align_corners;
} frit_resize_options;
frit_value *frit_resize_at(const char *where, frit_value *x, frit_list shape, const frit_resize_options *o);

/* ---- compiling ---- */

/* A model's input that becomes a constant. */
typedef struct frit_model_const {
    const char *name;
    frit_tensor value; /* of the dtype and dims that the model declares */
} frit_model_const;

/* How to compile. All zero but struct_bytes is a good start. The struct grows at its end: fields that the caller's does
 * not have count as zero. */
typedef struct frit_compile_options {
    uint32_t struct_bytes;   /* sizeof(frit_compile_options); 0 is refused */
    uint32_t n_threads;      /* to compile on, 0: all that are there */
    const char *cpu;         /* "x86-64-v3", a CPU's name as LLVM spells it; NULL: this machine's */
    const char *target;      /* "cpu", or "cuda", which only files can be compiled for; NULL: "cpu" */
    const char *arch;        /* with "cuda": "sm_90a"; NULL: that */
    const char *precision;   /* "f32", or "bf16": products of bf16 where the model asks for f32; NULL: "f32" */
    const char *report;      /* file for the report: .json, .html, text for any other; NULL: none */
    const char *const *dims; /* n_dims texts as --dim takes them: "seq=128", "seq=1..512@128", "a=b", "old:new" */
    const frit_model_const *consts; /* n_consts inputs; for ONNX models */
    uint32_t n_dims, n_consts;
    bool is_checked;     /* every access of memory and every index is checked at run time */
    bool side_weights;   /* files: weights go to PATH.weights */
    bool calls_openblas; /* as --blas=openblas, for files only: refused where the code is for this process */
} frit_compile_options;

/* Compiles for this process. On failure *out is NULL and frit_error(t) says why. */
frit_status frit_compile(frit_tracer *t, const frit_compile_options *o, frit_model **out);
/* Writes the artifact. It gives the same bits as one from a model file that holds the same program. */
frit_status frit_save(frit_tracer *t, const frit_compile_options *o, const char *path);

/* A model that exists: a file (ONNX, or .fir text by its name), or the bytes of one. */
typedef struct frit_source {
    const char *path;  /* the file; with bytes: what messages call it, and beside what its external data lies. NULL with
                          bytes: "model", an ONNX model */
    const void *bytes; /* NULL: those of the file. Only read during the call */
    uint64_t n_bytes;
} frit_source;
/* Compiles it for this process: a model that owns itself, as frit_compile gives it. On failure *out is NULL; message gets
 * the text, cut to message_bytes, and may be NULL.
 *
 *     frit_source source = {.bytes = onnx, .n_bytes = n};                          // or {.path = "digits.onnx"}
 *     const char *dims[] = {"batch=1..64@8"};
 *     frit_compile_options o = {.struct_bytes = sizeof o, .dims = dims, .n_dims = 1};
 *     char message[512];
 *     frit_model *m;
 *     if (frit_compile_model(&source, &o, &m, message, sizeof message) != FRIT_OK) return puts(message);
 *     int64_t in_dims[4] = {8, 1, 8, 8}, out_dims[2] = {8, 10};
 *     frit_tensor in = {pixels, FRIT_DT_F32, 4, in_dims, NULL}, out = {logits, FRIT_DT_F32, 2, out_dims, NULL};
 *     if (frit_run(m, &in, &out) != FRIT_OK) puts(frit_model_error(m));
 *     frit_model_destroy(m); */
frit_status frit_compile_model(const frit_source *source, const frit_compile_options *o, frit_model **out,
                               char *message, uint64_t message_bytes);
/* A model file (ONNX or .fir text) to an artifact, without a tracer. message as above. */
frit_status frit_compile_file(const char *model, const frit_compile_options *o, const char *path, char *message,
                              uint64_t message_bytes);
void frit_model_destroy(frit_model *m);
/* The whole interface of frit_artifact.h: contexts for several threads, memory and pools of the caller. */
const frit_artifact *frit_model_artifact(const frit_model *m);
/* One call on the caller's memory, with a context of the model's own that grows with the dims it meets. */
frit_status frit_run(frit_model *m, const frit_tensor *inputs, const frit_tensor *outputs);
const char *frit_model_error(const frit_model *m); /* why the last frit_run failed, "" when it did not */

#ifdef __cplusplus
}
#endif

#include "frit_here.h"

#endif
