/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loops over fewer, longer axes: the axes of a domain, merged where every access stays linear, and nests of loops over
 * them. */
#ifndef FRIT_PASSES_AXES_H
#define FRIT_PASSES_AXES_H

#include "ir/graph/graph.h"
#include "ir/kernel/kernel.h"

/* Axes that one loop each will run over: runs of the domain's axes merged where every access stays linear. */
typedef struct axis_run {
    dim axis; /* the merged axis symbol */
    dim extent;
    uint32_t tag; /* axes with different tags never merge */
} axis_run;
typedef struct axis_map {
    kernel *k;
    uint32_t n;
    axis_run runs[2 * MAX_RANK]; /* outermost first; extents of 1 are dropped */
    uint32_t n_syms;
    sym_id syms[2 * MAX_RANK]; /* the domain's axis symbols and what stands for them */
    dim by[2 * MAX_RANK];
} axis_map;
typedef struct dim_set {
    VEC(dim) dims;
    map seen;
} dim_set;
void axis_map_init(axis_map *m, kernel *k);
void axis_map_add(axis_map *m, const char *name, dim axis, uint32_t tag); /* one axis symbol of the domain, in order */
/* Merges neighbours of equal tag where all dims of accesses (of the unmapped axes) stay linear; always when the tag's
 * bit is set in force. */
void axis_map_merge(axis_map *m, const dim_set *accesses, uint32_t force);
dim axis_map_dim(const axis_map *m, dim d);
kx axis_map_kx(const axis_map *m, kx x);
/* Every index dim that evaluating x computes: buffer offsets, index values, those of loaded indices. */
void access_dims(kernel *k, kx x, dim_set *out);
void access_add(kernel *k, dim d, dim_set *out);
dim axis_extent(kernel *k, dim axis); /* of an axis symbol */
sym_id axis_sym(kernel *k, dim axis);
/* Whether an index loaded from a tensor changes along axis a or b of offset: then offset is linear in neither, though
 * the loaded index looks like a plain symbol. */
bool loaded_follows(kernel *k, dim offset, dim a, dim b);
/* Cuts a range of `extent` values into blocks of `size`: returns block * size + inner over two new axes. */
dim axis_split(kernel *k, dim extent, int64_t size, dim *out_block, dim *out_inner);
/* Loops inside each other, outermost pushed first. */
typedef struct nest {
    kernel *k;
    uint32_t n;
    kstmt *loops[4 * MAX_RANK];
} nest;
/* A loop whose iterations run side by side: vectors on the CPU, threads of a block on CUDA. */
typedef struct lane_loop {
    kloop_kind kind; /* KL_VEC or KL_THREAD */
    uint32_t lanes;  /* elements of a vector; threads */
    uint32_t unroll; /* vectors of a step */
} lane_loop;
/* Nothing for a constant axis: the block axis of a range that is one block. */
void nest_push(nest *s, kloop_kind kind, dim axis, uint32_t lanes, uint32_t unroll);
void nest_push_lanes(nest *s, lane_loop l, dim axis);
/* Closes the loops around body and appends them (or the body itself when there are none) to l. */
void nest_close(nest *s, klist body, klist *l);

#endif
