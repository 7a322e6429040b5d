/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The whole road from a model to machine code: used by the command line, the tests, the tracer and the JIT.
 *
 *   read     ONNX or .fir -> graph                 frontend/, ir/graph/graph_parse.c
 *   passes   graph -> core graph                   passes/pipeline.def
 *   lower    core graph -> kernels and plan        passes/plan/lower.h
 *   emit     kernels -> objects                    codegen/cpu
 *   link     objects, plan, weights -> artifact    codegen/link
 */
#ifndef FRIT_DRIVER_COMPILE_H
#define FRIT_DRIVER_COMPILE_H

#include "base/target.h"
#include "codegen/cpu/cpu.h"
#include "codegen/cuda/cuda.h"
#include "codegen/link/link.h"
#include "frontend/onnx/onnx.h"
#include "ir/plan/plan.h"
#include "passes/pipeline.h"
#include "passes/plan/lower.h"

/* Who wants to know how far a compile is; all functions may be NULL. */
typedef struct compile_watch {
    void *data;
    void (*stage)(void *data, const char *stage);                /* a stage begins: "read", a pass, "lower", ... */
    void (*kernels)(void *data, uint32_t done, uint32_t n);      /* from a compiling thread, one at a time */
    void (*done)(void *data, const char *stage, double seconds); /* it ended well */
    void (*graph)(void *data, const char *pass, const graph *g); /* after "read" and after each pass */
} compile_watch;

/* All zero: for this machine's CPU, every pass, all cores. */
typedef struct compile_options {
    const char *cpu;           /* NULL: native */
    bool is_cuda;              /* code for a GPU instead */
    const char *arch;          /* of the GPU, NULL: sm_90a */
    const onnx_options *model; /* what is known of the model's inputs; NULL: nothing */
    uint32_t n_disabled;
    const char *const *disabled; /* passes to leave out */
    bool lowers_to_bf16;         /* products in bf16, sums in f32 */
    bool is_unfused;             /* a kernel for each node, sums in f64: what frit compare holds a model against */
    bool has_direct_convs;       /* convolutions as plain sums of products only */
    bool checked;                /* bounds checks on every access */
    bool calls_openblas;         /* products call OpenBLAS; such code only runs from a file */
    bool side_weights;           /* PATH.weights beside the artifact */
    uint32_t n_threads;          /* to compile on, 0: all cores */
    compile_watch watch;
} compile_options;

/* What came out, all of it in the job arena. */
typedef struct compiled {
    target target;
    graph *model, *core; /* as read, after the passes */
    const graph *named;  /* the model's operators as far as they are recognised: before decompose */
    plan *plan;
    cpu_objects objects;
    cuda_modules modules; /* CUDA */
    link_images images;   /* CUDA: where modules stand among the plan's constants */
    bool is_checked;      /* kernels report accesses outside their buffers */
} compiled;

/* What the options say to each stage; out lives as long as o. */
frit_status compile_target(cx *c, const compile_options *o, target *out);
void compile_pipeline(cx *c, const compile_options *o, pipeline_options *out);
void compile_lowering(const compile_options *o, const target *t, lower_options *out);

/* Reads a model: .fir text by its name, anything else as ONNX. Errors: those of the readers; FRIT_UNSUPPORTED naming
 * the format when the file is of another known kind. */
frit_status compile_read(cx *c, const char *path, const compile_options *o, graph **out);
/* Graph to plan, without code: objects stay empty. */
frit_status compile_plan(cx *c, graph *g, const compile_options *o, compiled *out);
/* Graph to objects. g may be a model or a core graph. */
frit_status compile_graph(cx *c, graph *g, const compile_options *o, compiled *out);
/* Writes the artifact; nothing is left at path when that fails. */
frit_status compile_write(cx *c, const compiled *m, const compile_options *o, const char *path);
/* The four together. */
frit_status compile_file(cx *c, const char *path, const compile_options *o, const char *out_path);
/* Ends the life of the files that a graph's weights lie in. */
void compile_unmap(mapped_files *files);
/* NULL, "f32" or "bf16". Errors: FRIT_UNSUPPORTED for what is not built, FRIT_USAGE for what there is not. */
frit_status compile_precision(cx *c, const char *name, compile_options *o);
const char *compile_backends(arena *a); /* "LLVM 22.1.0", for --version */

#endif
