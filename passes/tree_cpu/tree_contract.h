/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the CPU's loop trees of a contraction share: packed operands, blocks of rows, columns and k, and the epilogue. */
#ifndef FRIT_PASSES_TREE_CONTRACT_H
#define FRIT_PASSES_TREE_CONTRACT_H

#include "passes/tree/contract_parts.h"

enum { ROW_BLOCK = 96 }; /* most rows of a block */
/* Steps of k that one chain of multiply-adds runs over; chains begin at absolute multiples. */
enum { K_BLOCK = 128 };
/* The same where AMX sums: bytes of k. Its steps are sums of 64 bytes that are added, so chains are short
 * anyhow; a block costs loading and storing its sums, and two tiles of rows by two of columns of it fit the first-level
 * cache. */
enum { AMX_K_BYTES = 512, AMX_ROWS = 32, AMX_ROW_BLOCK = 256 };

/* Makes x read B of each product from its packed form, over (panel, k, column in panel), or (panel, pack, column, k in
 * pack). */
frit_status contract_use_packed(contract_cx *x, const pack_request *r);
/* The index in packed B of step kk and column `col` of a block of PANEL columns. */
const dim *contract_packed_at(const contract_cx *x, const pack_request *r, dim block, dim kk, dim col);
/* Steps of k in `bytes` bytes. */
static inline int64_t contract_steps_of(const contract_cx *x, int64_t bytes) { return bytes / 4 * x->k_pack; }
/* Columns of a panel where a block has several, else 0. */
uint32_t contract_panel(const pack_request *r);
/* tree_contract_weights.c: expands B as a formula over constants. It fits when every load is of a constant over k and
 * the columns alone and one at least differs from column to column; those are packed unless it is a trial. */
frit_status contract_weights(contract_cx *x, bool is_trial, bool *out_fit);
/* A cut into blocks along rows, columns and k. */
typedef struct blocks {
    dim row_block, row_base, n_rows; /* of rows: axis that numbers blocks, first row of the block, how many */
    dim col_block, col_base, n_cols; /* the same of columns */
    dim k_block, k_base, n_k;        /* the same of steps of k */
    int64_t rows, cols, k;           /* most of a block */
    dim row_part;                    /* AMX: a block's rows in parts (rows is then of a part), so that what is summed
                              is used while it is in the first-level cache; else 0 */
    bool rows_first;                 /* a block of rows meets all columns before the next one */
} blocks;
/* Blocks of size of a range: the axis that numbers them (0 when there is one), where one begins and how long it is. */
dim contract_block_axis(kernel *k, const char *name, dim extent, int64_t size, dim *out_base, dim *out_n);
/* Rows of a block, at most about `most`: all blocks of about the same size, a multiple of the leaf's register block. */
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

/* The CPU's tree around the matrix leaf. */
frit_status contract_leaf_tree(contract_cx *x, const pack_request *pack);

#endif
