/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the loop trees of a contraction share on every target: its axes flattened to rows, columns and k, its operands
 * over them, and whether it has a matrix form at all. */
#ifndef FRIT_PASSES_CONTRACT_PARTS_H
#define FRIT_PASSES_CONTRACT_PARTS_H

#include "passes/tree/axes.h"
#include "passes/tree/pack.h"
#include "passes/tree/tree.h"

enum { PANEL = 64 };     /* columns of a block */
enum { AMX_PANEL = 32 }; /* columns of a packed panel for AMX */
/* What an axis of the domain is to the matrix. */
enum tag {
    TAG_OUTER, /* of the batch: every product of two matrices has its own */
    TAG_ROW,   /* of A and the result */
    TAG_COL,   /* of B and the result */
    TAG_K      /* summed */
};

typedef struct operand {
    kx x;                         /* value over the flattened axes */
    dtype dt;                     /* in which the leaf reads it */
    bool is_direct;               /* a load that the leaf can read in place: what follows is set */
    buf_id buf;                   /* that it loads from */
    const dim *at;                /* index of buf */
    dim k_coeff, own_coeff, rest; /* its offset: k_coeff * k + own_coeff * (row or column) + rest */
} operand;

/* One of the products that share A: all alike but for the constant that is B. */
typedef struct sibling {
    const node *n;
    buf_id b;      /* its packed B; unused when there is one product */
    buf_id c_tile; /* where its tile of the result is summed */
} sibling;

/* A contraction while its tree is written. */
typedef struct contract_cx {
    expander *e;                    /* of the kernel at hand, or of one that is thrown away */
    const target *t;                /* that the tree is for */
    kernel *k;                      /* e's */
    const group *gr;                /* that the kernel computes */
    const node *n;                  /* its anchor */
    axis_map axes;                  /* rows, cols and k flattened to one run each; outer axes as they are */
    dim row, col, kk;               /* flattened axes (over whole extents) */
    dim n_rows, n_cols, n_k;        /* their extents */
    uint32_t n_outer;               /* axes of the batch ... */
    dim outer[MAX_RANK];            /* ... outermost first */
    operand a, b;                   /* over row or column, and kk */
    dtype dt;                       /* of the result */
    uint32_t k_pack;                /* steps of k that the leaf takes at once: 4 bytes, 2 bf16, else 1 */
    uint32_t n_siblings;            /* products, the anchor's included */
    sibling siblings[MAX_SIBLINGS]; /* the anchor first */
    dim c_at[2];                    /* index in the C tile during the epilogue */
    dim all_axes[2 * MAX_RANK];     /* the domain's axes and the summed ones, unflattened */
    uint32_t n_axes;                /* of them */
    uint32_t b_operand;             /* which operand of the node is B */
    bool is_packed;                 /* B is a constant that is packed while compiling */
    bool has_weights;               /* B is a formula over constants that are packed: tree_contract_weights.c */
    bool weights_fit;               /* found so while it is expanded */
    bool is_trial;                  /* nothing is packed yet */
    uint32_t n_weights;             /* constants of it that differ from column to column */
    uint32_t fill_unroll;           /* vectors of a step when a tile is filled */
    int64_t weights_run; /* steps of k over which one of the constants of a formula stays the same; 1: none does */
} contract_cx;

/* What all trees of a contraction begin with: x over the group's anchor, its axes listed and tagged (tags: one for each
 * axis of the result). Returns the side that the columns belong to (1 left, 2 right, and b_operand says it, too), 0
 * when there are none. */
unsigned contract_begin(contract_cx *x, expander *e, const target *t, uint8_t *tags);
/* Flattens the axes by their tags: rows, columns and k to one axis each, the outer ones where all of accesses stay
 * linear (NULL: always). */
void contract_flatten(contract_cx *x, const uint8_t *tags, const dim_set *accesses);
/* Whether op is a load that is linear in k and in its own axis, and how; needs_unit: with unit stride in its own. */
void contract_find_direct(contract_cx *x, operand *op, dim own, bool needs_unit);
/* Sets up operand i (of the node) over the flattened axes where guard holds. */
frit_status contract_operand(contract_cx *x, uint32_t i, kx guard, operand *out);
/* Maps all axes as they are, by tag: outer, rows, columns, k. */
void contract_add_axes(const contract_cx *x, const uint8_t *tags, axis_map *out);

/* Whether AMX computes the leaf. */
static inline bool contract_has_amx(const contract_cx *x) { return x->k_pack > 1 && x->t->has_amx; }

/* Tries whether B is a formula over constants that can be packed: contract_weights of the CPU. */
typedef frit_status contract_formula_fn(contract_cx *x, bool is_trial, bool *out_fit);
/* Whether the contraction has a matrix form, and whether B can be packed (*pack says how). as_formula: NULL where the
 * target's trees take no formulas. x->e and x->k are left as they are. */
frit_status contract_analyse(contract_cx *x, contract_formula_fn *as_formula, pack_request *pack, bool *out_is_matrix);
/* Makes the group at hand a ROW group: the whole contraction as a reduction over k. */
void contract_become_row(contract_cx *x);

#endif
