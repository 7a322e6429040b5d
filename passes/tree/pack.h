/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constant operands in the form that their kernel streams. */
#ifndef FRIT_PASSES_PACK_H
#define FRIT_PASSES_PACK_H

#include "base/diag.h"
#include "ir/op/ops.h"

/* What to pack: b[kk, col] of a constant, which is element base + k_offsets[kk] + col * col_stride of data, as panels
 * [ceil(cols / panel), n_k, panel], zero-padded; with packs of p steps of k as
 * [ceil(cols / panel), ceil(n_k / p), panel, p]. */
typedef struct pack_request {
    const const_data *data;
    const int64_t *k_offsets; /* n_k of them: k may be several axes in any order */
    int64_t base, col_stride, n_k, n_cols, panel;
    int64_t k_pack; /* steps of k that lie together in a column; 1: none do */
} pack_request;
/* The packed constant, which copies the request; the weights' own bytes have to stay. In a. */
const const_data *pack_panels(arena *a, const pack_request *r);
/* Weights of 3 x 3 windows for Winograd's F(2 x 2, 3 x 3): G g G' of each step of k and column, as [blocks of columns]
 * [16 points][panels of a block][n_k][panel], zero-padded. `of` says where tap (0, 0) of each lies. */
typedef struct pack_transformed {
    pack_request of;            /* of f32; n_k steps, panels of `of.panel` columns */
    int64_t tap_steps[2];       /* elements between taps down and across */
    int64_t n_panels, n_blocks; /* panels of a block of columns; blocks */
} pack_transformed;
const const_data *pack_winograd(arena *a, const pack_transformed *r);
/* The constant d, dense with whole bytes, with its axis `along` moved to the end. */
const const_data *pack_transposed(cx *c, const const_data *d, uint32_t along);

#endif
