/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the loop trees of an ATTEND group share on every target: the problem's extents, which rows stand in a block, the
 * score of a query and a key, and how a block ends.
 *
 * A block is up to QUERIES rows beside each other in the lanes, so that every statistic is an operation of lanes. A row
 * is a query of one head; heads that share their keys stand side by side, so that the keys are read once for all of
 * them: row i of a block is query i floordiv G, head i mod G of the G heads that share a key head. Keys come in blocks of KEYS that
 * begin at absolute multiples of it, so a row's bits do not depend on how many rows a call has. */
#ifndef FRIT_PASSES_ATTEND_PARTS_H
#define FRIT_PASSES_ATTEND_PARTS_H

#include "passes/tree/axes.h"
#include "passes/tree/tree.h"

enum { QUERIES = 64, KEYS = 64 }; /* rows and keys of a block */

typedef struct attend_cx {
    expander *e;
    const target *t;
    kernel *k;
    const group *gr;
    const node *n;
    dtype dt;                                 /* of the scores and sums: f32, or f64 for f64 operands */
    uint32_t rank;                            /* of q, k, v */
    dim n_queries, n_keys, n_depth, n_values; /* S, T, D, E */
    dim heads_per_key;                        /* query heads per key head */
    dim key_head;                             /* axis of the key heads */
    int64_t heads;             /* query heads whose rows stand in a block: all that share a key head, or one */
    dim block;                 /* axis of the blocks of queries */
    dim query_base, n_block;   /* first query of the block; rows in the block */
    dim key_block;             /* axis of the blocks of keys */
    dim key_base, n_key_block; /* first key of the block; keys in it */
    lane_loop lane;            /* over the rows of a block */
    buf_id qt;                 /* scaled queries of the block, in the target's own order */
    buf_id s;                  /* [key, row]: scores, then weights */
    buf_id o_tile;             /* sums of weighted values, in the target's own order */
    buf_id m, l;               /* of each row: greatest score so far, sum of weights so far */
    buf_id alpha;              /* of each row: factor of the old sums, at the end 1 / l */
    dim o_at[2], o_row;        /* index in o_tile and row of the block during the epilogue */
} attend_cx;

/* Sets x up for the group at hand. Errors: FRIT_UNSUPPORTED for operands without a head axis. */
frit_status attend_begin(attend_cx *x, expander *e, const target *t, lane_loop lane);
/* A tile of one (a) or two axes. */
buf_id attend_tile(attend_cx *x, const char *name, uint32_t rank, dim a, dim b);
/* The tiles whose order is the same everywhere: s; then m, l and alpha. */
void attend_score_tile(attend_cx *x);
void attend_row_tiles(attend_cx *x);
/* A new axis over the rows of the block; and the lane loop over one around body. */
dim attend_row_axis(attend_cx *x);
void attend_each_row(attend_cx *x, dim lane, klist body, klist *l);
/* The query of row i of the block. */
dim attend_query_of(const attend_cx *x, dim i);
/* Index of k or v: the batch axes of the domain, the key head, then key and column. */
void attend_key_at(const attend_cx *x, dim key, dim col, dim *out);
/* Index of q, or of a mask: that of row i of the block, then the column. */
void attend_query_at(const attend_cx *x, dim i, dim col, dim *out);
/* What queries are multiplied by. */
kx attend_scale(const attend_cx *x);
/* The score of key j and row i after soft-cap, mask, causal order and window; -inf where excluded. */
frit_status attend_score(attend_cx *x, dim j, dim i, kx raw, kx *out);
/* m and l before any key was seen. */
void attend_start(attend_cx *x, klist *l);
/* Zeros in o_tile over the axes of its two loops, the second along the lanes. */
void attend_clear_output(attend_cx *x, klist *l, const dim loops[2]);
/* Closes step in the loop over blocks of keys and appends it to l. */
void attend_each_key_block(attend_cx *x, klist step, klist *l);
/* 1 / l, and the group's outputs at row i and column e, over o_tile's two loops as above. */
frit_status attend_result(attend_cx *x, klist *l, dim i, dim e, const dim loops[2]);
/* Closes body in the loops over blocks: the kernel's only phase. */
void attend_end(attend_cx *x, klist body);

#endif
