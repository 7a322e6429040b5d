/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the loop trees of a ROW group share on every target: its members with their levels, its axes, its sweeps, and the
 * plain tree of one row after the other. */
#ifndef FRIT_PASSES_ROW_PARTS_H
#define FRIT_PASSES_ROW_PARTS_H

#include "passes/tree/axes.h"
#include "passes/tree/tree.h"

enum { ROW_LEVELS_MAX = 60, TAG_KEPT = 0, TAG_REDUCED = 1 };

typedef struct member member;
struct member {
    node_id n;       /* what it computes */
    uint32_t level;  /* sweep that can compute it; a reduction's own result is ready one later */
    bool is_reduce;  /* a reduction, else a map */
    bool is_whole;   /* depends on reduced axes */
    uint64_t sweeps; /* maps of the whole domain: bit s set when sweep s needs it */
    buf_id tile;     /* KID_NONE unless placed */
    buf_id rows;     /* pipelined: its values of the last few rows, for reductions and kept maps; else KID_NONE */
    kx let;          /* kept maps: the let that holds it; placed maps: the let of the sweep at hand */
    acc_id acc;      /* reductions: the accumulator */
    /* Moments (tree_row_moments.c): */
    member *sum;   /* squares about a kept value, made in the sweep of this sum of the same operand; else NULL */
    bool is_shift; /* a sum with such squares */
    acc_id part;   /* of a shift: the sum of the block at hand */
    kx mean;       /* of a shift: the mean of the block at hand */
    buf_id means;  /* of a shift: means of the row's blocks, if there are several */
};

typedef struct row_cx row_cx;

/* How a target runs rows. */
typedef struct row_form {
    lane_loop along_row;    /* the loop over the last reduced axis, in row form */
    lane_loop along_column; /* the loop over the last kept axis, in column form */
    uint32_t row_lanes;     /* partials of an accumulator in row form */
    int64_t column_block;   /* kept elements of an item, in column form */
    int64_t most_placed;    /* elements of the longest row of which a map is placed in a tile */
    bool prefers_kept;      /* column form wherever what is loaded lies along the kept axis */
    kschedule schedule;     /* of the plain tree, but for its lanes */
} row_form;

/* How sums with squares about them are taken in one sweep (tree_cpu/tree_row_moments.c). */
typedef struct row_moments {
    /* The sweep at hand, which has moments, over whole rows. */
    frit_status (*sweep)(row_cx *r, klist *l);
    /* The squares of the finished row, all of whose operands are known. */
    frit_status (*squares)(row_cx *r, klist *l, const member *m, kx *out);
} row_moments;

/* A ROW group while its tree is written. */
struct row_cx {
    expander *e;                /* of the kernel at hand */
    const group *gr;            /* that it computes */
    const target *t;            /* that the tree is for */
    const row_form *form;       /* of that target */
    const row_moments *moments; /* NULL: none were looked for */
    kernel *k;
    axis_map axes;       /* of the domain, merged; its runs are tagged kept or reduced */
    member *members;     /* in topological order */
    uint32_t n_members;  /* how many */
    uint32_t *member_of; /* node -> member index + 1 */
    uint32_t n_levels;   /* sweeps */
    uint32_t sweep;      /* at hand */
    bool is_column;      /* the lanes run along the last kept axis */
    bool is_probe;       /* expressions are only looked at: reductions are constants */
    uint32_t lanes;      /* partials of an accumulator */
    uint32_t prefetch;   /* elements that lane loops prefetch ahead, 0: none */
    /* Rows in blocks, for moments; else DIM_BAD: */
    dim block;  /* its number; 0 for the only one */
    dim column; /* in the block */
    /* Pipelined: */
    dim row;        /* the row at hand within its block, DIM_BAD when not pipelined */
    uint32_t fresh; /* values of the row at hand known at this level are not among the kept rows yet */
};

/* Sets r up for the group at hand, with its members, levels and axes. r has to stay where it is: e->data points at it.
 * Errors: FRIT_UNSUPPORTED for more than ROW_LEVELS_MAX reductions in a chain. */
frit_status row_begin(row_cx *r, expander *e, const target *t, const row_form *form);
/* Which sweeps need which maps; costly ones of several sweeps get a tile. */
void row_place_maps(row_cx *r);
/* The plain tree: one row after the other, or columns side by side. */
frit_status row_plain_tree(row_cx *r);
bool row_is_output(const row_cx *r, value_id v);
/* Elements of the reduced axes together, as an upper bound. */
int64_t row_bound(const row_cx *r);
/* Whether one run has the tag: then it is run *out. */
bool row_is_one_run(const row_cx *r, uint32_t tag, uint32_t *out);
member *row_member(const row_cx *r, value_id v); /* that computes v; NULL: none */
/* Calls fn for each member that v, an operand of a member, is made of: v traced through free nodes. */
typedef void operand_fn(row_cx *r, member *m, void *data);
void row_each_behind(row_cx *r, value_id v, operand_fn *fn, void *data);
/* The value of v, or operand i of the elementwise member n, at the domain's index under r->axes. */
frit_status row_value(row_cx *r, value_id v, kx *out);
frit_status row_operand(row_cx *r, const node *n, uint32_t i, kx *out);
/* Appends a store of v (an output). */
frit_status row_store(row_cx *r, klist *l, value_id v);
/* Sets the members' levels and the number of sweeps. */
void row_find_levels(row_cx *r);
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
/* Tensors that no cache holds, whatever the dims: those that the group reads or those that it writes. */
uint32_t row_n_large(const row_cx *r, bool is_written);
bool row_has_moments(const row_cx *r, uint32_t sweep);

#endif
