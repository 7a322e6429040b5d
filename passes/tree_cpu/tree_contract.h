/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the loop trees of a contraction share: its axes flattened to rows, columns and k, and its operands over them. */
#ifndef FRIT_PASSES_TREE_CONTRACT_H
#define FRIT_PASSES_TREE_CONTRACT_H

#include "passes/tree/axes.h"
#include "passes/tree/pack.h"
#include "passes/tree/tree.h"

enum { PANEL = 64, ROW_BLOCK = 96 }; /* columns of a tile; most rows of a block */
/* Steps of k that one chain of multiply-adds runs over; chains begin at absolute multiples. */
enum { K_BLOCK = 128 };
/* The same where the matrix unit sums: bytes of k. Its steps are sums of 64 bytes that are added, so chains are short
 * anyhow; a block costs loading and storing its sums, and two tiles of rows by two of columns of it fit the first-level
 * cache. */
enum { AMX_K_BYTES = 512, AMX_PANEL = 32, AMX_ROWS = 32, AMX_ROW_BLOCK = 256 };
enum tag { TAG_OUTER, TAG_ROW, TAG_COL, TAG_K }; /* what an axis of the domain is to the matrix */

typedef struct operand {
    kx x;     /* value over the flattened axes */
    dtype dt; /* in which the leaf reads it */
    bool is_direct;
    buf_id buf;
    const dim *at; /* index of buf */
    dim k_coeff, own_coeff, rest;
} operand;

/* One of the products that share A: all alike but for the constant that is B. */
typedef struct sibling {
    const node *n;
    buf_id b;      /* its packed B; unused when there is one product */
    buf_id c_tile; /* where its tile of the result is summed */
} sibling;

typedef struct contract_cx {
    expander *e;
    const lower_options *o;
    kernel *k;
    const group *gr;
    const node *n;
    axis_map axes;           /* rows, cols and k flattened to one run each; outer axes as they are */
    dim row, col, kk;        /* flattened axes (over whole extents) */
    dim n_rows, n_cols, n_k; /* their extents */
    uint32_t n_outer;
    dim outer[MAX_RANK];
    operand a, b;
    dtype dt;        /* of the result */
    uint32_t k_pack; /* steps of k that the leaf takes at once: 4 bytes, 2 bf16, else 1 */
    uint32_t n_siblings;
    sibling siblings[MAX_SIBLINGS]; /* the anchor first */
    dim c_at[2];                    /* index in the C tile during the epilogue */
    dim all_axes[2 * MAX_RANK];     /* the domain's axes and the summed ones, unflattened */
    uint32_t n_axes;                /* of them */
    uint32_t b_operand;             /* which operand of the node is B */
    bool is_packed;
    bool has_weights;     /* B is a formula over constants that are packed: tree_contract_weights.c */
    bool weights_fit;     /* found so while it is expanded */
    bool is_trial;        /* nothing is packed yet */
    uint32_t n_weights;   /* constants of it that differ from column to column */
    uint32_t fill_unroll; /* vectors of a step when a tile is filled */
    int64_t weights_run;  /* steps of k over which one of the constants of a formula stays the same; 1: none does */
} contract_cx;

/* What all trees of a contraction begin with: x over the group's anchor, its axes listed and tagged (tags: one for each
 * axis of the result). Returns the side that the columns belong to (1 left, 2 right, and b_operand says it, too), 0
 * when there are none. */
unsigned contract_begin(contract_cx *x, expander *e, const lower_options *o, uint8_t *tags);
/* Flattens the axes by their tags: rows, columns and k to one axis each, the outer ones where all of accesses stay
 * linear (NULL: always). */
void contract_flatten(contract_cx *x, const uint8_t *tags, const dim_set *accesses);
/* Whether op is a load that is linear in k and in its own axis, and how; needs_unit: with unit stride in its own. */
void contract_find_direct(contract_cx *x, operand *op, dim own, bool needs_unit);
/* Sets up operand i (of the node) over the flattened axes where guard holds. */
frit_status contract_operand(contract_cx *x, uint32_t i, kx guard, operand *out);
/* Makes x read B of each product from its packed form, over (panel, k, column in panel), or (panel, group, column, k in
 * group). */
frit_status contract_use_packed(contract_cx *x, const pack_request *r);
/* The index in packed B of step kk and column `col` of a block of PANEL columns. */
const dim *contract_packed_at(const contract_cx *x, const pack_request *r, dim block, dim kk, dim col);
/* Whether the matrix unit computes the leaf. */
static inline bool contract_has_amx(const contract_cx *x) { return x->k_pack > 1 && x->o->t->has_amx; }
/* Steps of k in `bytes` bytes. */
static inline int64_t contract_steps_of(const contract_cx *x, int64_t bytes) { return bytes / 4 * x->k_pack; }
/* Columns of a panel where a block has several, else 0. */
uint32_t contract_panel(const pack_request *r);
/* tree_contract_weights.c: expands B as a formula over constants. It fits when every load is of a constant over k and
 * the columns alone and one at least differs from column to column; those are packed unless it is a trial. */
frit_status contract_weights(contract_cx *x, bool is_trial, bool *out_fit);
/* Maps all axes as they are, by tag: outer, rows, columns, k. */
void contract_add_axes(const contract_cx *x, const uint8_t *tags, axis_map *out);

/* A cut into blocks along rows, columns and k. */
typedef struct blocks {
    dim row_block, row, row_base, n_rows; /* par axis, rows in block as dims */
    dim col_block, n_cols, col_base;
    dim k_block, k_base, n_k;
    int64_t rows, cols, k; /* block sizes */
    dim row_part;          /* the matrix unit: a block's rows in parts (rows is then of a part), so that what is summed
                              is used while it is in the first-level cache; else 0 */
    bool rows_first;       /* a block of rows meets all columns before the next one */
} blocks;
/* Blocks of size of a range: the axis that numbers them (0 when there is one), where one begins and how long it is. */
dim contract_block_axis(kernel *k, const char *name, dim extent, int64_t size, dim *out_base, dim *out_n);
/* Rows of a block, at most about `most`: all blocks of about the same size, a multiple of the leaf's tiles. */
int64_t contract_rows_of_block(const contract_cx *x, dim n_rows, int64_t most);
/* The loops over blocks. Where all of a packed B stays in the cache, or a block of a large A (rows_first), the columns
 * of a block of rows follow each other, A is read from memory once and rows of the result are written whole; else a
 * panel of B serves all rows before the next one. pack: NULL when B is not packed. */
void contract_push_blocks(nest *s, const blocks *b, const pack_request *pack);
/* for row { vec col { outputs } } over what the C tile holds. */
frit_status contract_epilogue(contract_cx *x, klist *l, const blocks *b);
/* tree_contract_taps.c: the CPU's tree where A is read in place though it is not one matrix: windows, strides, borders.
 * B has been found to be packable. Not done: A is nothing of the kind, nothing was changed. */
frit_status contract_taps_tree(contract_cx *x, const pack_request *pack, const uint8_t *tags, bool *out_done);
/* tree_contract_winograd.c: the CPU's tree of a 3 x 3 convolution with stride 1 where transforming tiles of the image
 * and the weights saves enough work. B has been found to be packable. Not done: nothing was changed. */
frit_status contract_winograd_tree(contract_cx *x, const pack_request *pack, const uint8_t *tags, bool *out_done);

/* The CPU's tree around the matrix leaf; the CUDA tree of a block of threads. */
frit_status contract_leaf_tree(contract_cx *x, const pack_request *pack);
frit_status contract_thread_tree(contract_cx *x);

#endif
