/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A 3 x 3 convolution by Winograd's F(2 x 2, 3 x 3): what winograd_find.c learns of it and tree_contract_winograd.c
 * lays out. */
#ifndef FRIT_PASSES_WINOGRAD_H
#define FRIT_PASSES_WINOGRAD_H

#include "passes/tree_cpu/tree_contract.h"

enum { SIDE = 4, OUT = 2, TAPS = 3, POINTS = SIDE * SIDE }; /* of a tile: inputs, outputs; of the window; products */

typedef struct image_axis {
    uint32_t own, tap; /* places in all_axes: of the result's axis and the window's */
    dim at;            /* the result's axis in x->axes */
    dim n, n_tiles;    /* its extent; tiles along it */
} image_axis;

typedef struct winograd {
    contract_cx *x;
    image_axis axes[2];
    uint32_t channel;           /* place in all_axes */
    dim c;                      /* the channel's axis in x->axes */
    int64_t n_c, n_cols;        /* extents */
    int64_t tiles;              /* most of a block */
    int64_t cols, panel;        /* columns of m, a multiple of a packed panel's */
    int64_t span, n_col_blocks; /* blocks of cols columns of an item, and all of them */
    dim block, base, n;         /* of tiles: axis, first, how many */
    dim span_axis, col_block;   /* of the item; the block of columns at hand */
    dim col_block_axis;         /* within the span, a constant when there is one */
    buf_id v, m, packed;
    kx y[OUT][OUT]; /* sums of the tile at hand */
    kx result;      /* of them, what the epilogue is computed from */
} winograd;

/* winograd_find.c: whether the contraction is such a convolution and the transforms pay; on success *w has its axes and
 * how tiles and columns are cut. x is left as it is. */
frit_status winograd_find(winograd *w, const pack_request *pack, const uint8_t *tags, bool *out_fits);

#endif
