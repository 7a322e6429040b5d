/* What the loop trees of a ROW group share: its members with their levels, and its axes. */
#ifndef FRIT_PASSES_TREE_ROW_H
#define FRIT_PASSES_TREE_ROW_H

#include "passes/lower.h"

enum { ROW_UNROLL = 4, ROW_TILE_MAX = 65536, ROW_LEVELS_MAX = 60, TAG_KEPT = 0, TAG_REDUCED = 1 };

typedef struct member {
    node_id n;
    uint32_t level; /* sweep that can compute it; a reduction's own result is ready one later */
    bool is_reduce;
    bool is_whole;   /* depends on reduced axes */
    uint64_t sweeps; /* maps of the whole domain: bit s set when sweep s needs it */
    buf_id tile;     /* KID_NONE unless placed */
    buf_id rows;     /* pipelined: its values of the last few rows, for reductions and kept maps; else KID_NONE */
    kx let;          /* kept maps: the let that holds it; placed maps: the let of the sweep at hand */
    acc_id acc;
} member;

typedef struct row_cx {
    expander *e;
    const group *gr;
    const lower_options *o;
    kernel *k;
    axis_map axes;
    member *members;
    uint32_t n_members;
    uint32_t *member_of; /* node -> member index + 1 */
    uint32_t n_levels;   /* sweeps */
    uint32_t sweep;      /* at hand */
    bool is_column, is_cuda, is_probe;
    uint32_t lanes; /* partials of an accumulator */
    /* Pipelined: */
    dim row;        /* the row at hand within its block, DIM_BAD when not pipelined */
    uint32_t ready; /* reductions of the row at hand whose accumulators hold its value are those of this level */
} row_cx;

/* ---- tree_row.c */
bool row_is_output(const row_cx *r, value_id v);
/* Elements of the reduced axes together, as an upper bound. */
int64_t row_bound(const row_cx *r);
/* The value of v, or of what a reduction n reduces, at the domain's index under r->axes. */
frit_status row_value(row_cx *r, value_id v, kx *out);
/* Appends a store of v (an output). */
frit_status row_store(row_cx *r, klist *l, value_id v);
/* Declares the accumulators of a sweep; has_lanes: they are updated in a lane loop. */
void row_declare(row_cx *r, klist *l, bool has_lanes);
/* The sweep at hand (r->sweep) at one element: reductions, placed maps, outputs. */
frit_status row_sweep_body(row_cx *r, klist *body);
/* The operand of reduction m at the domain's index; the statement that updates m's accumulator with it. */
frit_status row_reduce_operand(row_cx *r, const member *m, kx *out);
frit_status row_combine(row_cx *r, klist *body, const member *m, kx x);
/* The operand that leaves a reduction as it is; false when there is none (indices count). */
bool row_neutral(const row_cx *r, const member *m, scalar *out);
/* Maps and outputs over the kept axes that are known when the reductions below `level` are finished. */
frit_status row_keep(row_cx *r, klist *l, uint32_t level);
void row_forget(row_cx *r); /* what expressions were before may no longer hold */

/* ---- tree_row_pipe.c */
/* Whether the rows should overlap: and then the tree in which they do. */
bool row_wants_pipe(const row_cx *r);
frit_status row_pipe_tree(row_cx *r);

/* ---- tree_row_window.c */
/* Whether reduced windows are worth a block of outputs at a time: and then that tree. */
bool row_wants_window(const row_cx *r);
frit_status row_window_tree(row_cx *r);

#endif
