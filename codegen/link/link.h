/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a plan and the code of its kernels to a shared object. What the file holds: include/frit_artifact.h for its
 * users, runtime/plan_format.h for its tables. */
#ifndef FRIT_CODEGEN_LINK_LINK_H
#define FRIT_CODEGEN_LINK_LINK_H

#include "base/file.h"
#include "base/target.h"
#include "codegen/code.h"
#include "ir/plan/plan.h"
#include "runtime/plan_format.h"

/* The cubins of a CUDA artifact, stored as constants behind the weights. */
typedef struct link_images {
    const cuda_modules *modules;
    uint32_t first; /* plan buffer of module 0; the others follow */
} link_images;
/* Adds the cubins of modules (one architecture) to the plan's constants. */
void link_add_images(plan *p, const cuda_modules *modules, link_images *out);

typedef struct artifact_options {
    const target *target;
    bool side_weights;         /* weights go to PATH.weights instead of into the artifact */
    bool checked;              /* kernels were compiled with --checked */
    const link_images *images; /* CUDA; NULL on the CPU */
    const char *options;       /* flags that changed the numbers, for frit info; NULL none */
} artifact_options;

/* artifact.c: links and writes the artifact; path appears only when complete. The bytes depend on the plan, the objects
 * and the options only, not on path (but for the name of a side file) or time. Errors: FRIT_IO naming the file,
 * FRIT_UNSUPPORTED when the plan or its code needs something that an artifact cannot have. */
frit_status artifact_write(cx *c, const plan *p, const cpu_objects *objects, const artifact_options *o,
                           const char *path);

/* plan_encode.c: the plan as the runtime reads it, in c->job. Function f of the runtime's table is phase f counted over
 * all kernels in order. side_file: name of the file of weights, "" for none. Errors: FRIT_MISSING for a symbol that no
 * input decides. */
frit_status plan_encode(cx *c, const plan *p, const artifact_options *o, const char *side_file, pf_header **out);

/* plan_indices.c: the elements of inputs that index an axis of something: each is in -extent..extent-1 */
typedef struct index_box {
    dim start, size; /* along one axis: start + i * step for i < size */
    int64_t step;
} index_box;
typedef struct index_use {
    uint32_t input;
    dim extent;
    uint32_t rank;        /* of the input */
    const index_box *box; /* rank of them; NULL: every element */
    const char *loc;      /* of the node that indexes */
} index_use;
typedef VEC(index_use) index_uses;
index_uses index_uses_of(arena *a, const graph *g);

/* const_bytes.c: the weights of a plan, each at a multiple of WEIGHT_ALIGN */
enum { WEIGHT_ALIGN = 64 };
uint64_t weights_layout(const plan *p, uint64_t *out_offsets); /* total bytes; out_offsets: consts.n, may be NULL */
/* Streams the weights, padding included, to w; *out_id is their content_id. */
frit_status weights_write(cx *c, const plan *p, file_writer *w, uint64_t *out_id);
/* The same into memory of weights_layout bytes, for plans that run in this process. */
frit_status weights_copy(cx *c, const plan *p, void *out);

/* elf_object.c: the relocatable file that ties runtime, plan and kernels together */
typedef struct elf_bytes {
    const void *bytes;
    size_t n_bytes;
} elf_bytes;
typedef struct module_object {
    uint16_t machine; /* EM_X86_64, EM_AARCH64 */
    const pf_header *plan;
    const char *backend; /* symbol of the runtime's backend */
    uint32_t n_functions;
    const char *const *functions; /* symbols */
} module_object;
elf_bytes elf_module_object(arena *a, const module_object *m);

/* stub_library.c: shared libraries without code that say which symbols of libc and libm artifacts may use, and which of
 * OpenBLAS those may that call it */
typedef enum stub_library { STUB_LIBC, STUB_LIBM, STUB_OPENBLAS, N_STUB_LIBRARIES } stub_library;
elf_bytes stub_library_bytes(arena *a, stub_library which, uint16_t machine);

#endif
