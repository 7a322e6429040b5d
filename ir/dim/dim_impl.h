/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of ir/dim*.c share: nodes, polynomials, and memo tables. Nothing else includes this.
 *
 * Node forms (args are node ids, all canonical):
 *   CONST value | SYM sym
 *   PRODUCT  [atom ..] with coefficient `value`; at least two of {coefficient other than 1, atoms}
 *   SUM      [term ..], each a CONST, atom or PRODUCT, in dim_order, at least two
 *   FLOORDIV, MOD [dividend, divisor] | MIN, MAX [operand ..] in dim_order, at least two
 * An atom is any node that is not CONST, PRODUCT or SUM. Node 0 is the constant 0, node 1 the constant 1. */
#ifndef FRIT_IR_DIM_IMPL_H
#define FRIT_IR_DIM_IMPL_H

#include "ir/dim/dim.h"

#define DIM_ZERO      0u
#define DIM_ONE       1u
#define DIM_MAX_TERMS 256u /* a polynomial with more terms becomes DIM_BAD */

typedef struct dim_node {
    uint8_t kind; /* dim_kind */
    bool has_mod; /* PRODUCT and atoms: a MOD is among the factors */
    uint32_t depth;
    uint32_t n_args, first; /* args: table->args.at[first ..] */
    int64_t value;          /* CONST: value; PRODUCT: coefficient; SYM: symbol id */
    dim monic;              /* PRODUCT: the same product with coefficient 1; else itself */
    uint64_t hash;
    uint64_t sym_bits; /* bloom set of the symbols inside: bit id % 64 */
    /* prover memo, valid while stamp == table->stamp */
    uint32_t stamp;
    bool busy; /* its bound is being computed: recursion falls back to intervals */
    int64_t lower;
} dim_node;

typedef enum dim_op { DOP_ADD, DOP_SUB, DOP_MUL, DOP_FLOORDIV, DOP_MOD, DOP_MIN, DOP_MAX } dim_op;

typedef struct dim_memo {
    uint32_t op_stamp; /* dim_op in the low 4 bits, stamp above */
    dim a, b, result;
} dim_memo;
#define DIM_MEMO_SIZE 8192u

struct dim_table {
    arena *a;
    VEC(dim_node) nodes;
    VEC(dim) args;
    uint32_t *slots; /* hash-cons: node id + 1, 0 free; n_slots is a power of two */
    uint32_t n_slots;
    VEC(sym_info *) syms;
    VEC(sym_info) seen; /* symbol facts as of the last check, parallel to syms */
    VEC(sym_id) handed; /* symbols given out for writing since the last check */
    VEC(dim) sym_dims;
    map names;
    dim_memo *memo;  /* direct-mapped */
    uint32_t stamp;  /* bumped when a symbol's facts change */
    uint32_t fuel;   /* steps left to the query in progress */
    uint32_t probes; /* nesting of prover queries */
};

/* A polynomial under construction: coefficient and monic product, sorted by dim_order, no zero coefficients. */
typedef struct dim_term {
    int64_t coef;
    dim monic; /* DIM_ONE for the constant term */
} dim_term;
typedef struct dim_poly {
    uint32_t n, cap;
    bool bad;
    dim_term *at;
    dim_term small[10];
} dim_poly;

static inline const dim_node *dim_at(const dim_table *t, dim d) { return &t->nodes.at[d]; }
static inline const dim *dim_args(const dim_table *t, dim d) { return t->args.at + t->nodes.at[d].first; }
static inline bool dim_is_atom(const dim_table *t, dim d) {
    uint8_t k = t->nodes.at[d].kind;
    return k != DIM_CONST && k != DIM_PRODUCT && k != DIM_SUM;
}

/* dim.c */
dim dim_intern(dim_table *t, dim_kind kind, int64_t value, uint32_t n, const dim *args);
bool dim_lookup(const dim_table *t, dim_kind kind, int64_t value, uint32_t n, const dim *args, dim *out);
int dim_order(const dim_table *t, dim a, dim b); /* structural order, the same in every table */
void dim_refresh(dim_table *t);                  /* drops the memos when a symbol's facts have changed */
bool dim_recall(const dim_table *t, dim_op op, dim a, dim b, dim *out);
dim dim_remember(dim_table *t, dim_op op, dim a, dim b, dim result);

/* dim_poly.c. Polynomials live on the caller's stack; poly_of fills them. */
void poly_init(dim_poly *p);
void poly_of(dim_table *t, dim d, dim_poly *out);
void poly_add_term(dim_table *t, dim_poly *p, int64_t coef, dim monic);
void poly_add(dim_table *t, dim_poly *p, const dim_poly *q, int64_t scale); /* p += scale * q */
void poly_mul(dim_table *t, const dim_poly *p, const dim_poly *q, dim_poly *out);
dim poly_make(dim_table *t, dim_poly *p); /* canonical dim of p, after joining x floordiv n with x mod n */
/* monic == divisor * *out for products of atoms; false when divisor is not a factor. */
bool monic_divide(dim_table *t, dim monic, dim divisor, dim *out);
dim monic_mul(dim_table *t, dim a, dim b);
uint32_t monic_n_atoms(const dim_table *t, dim monic);
const dim *monic_atoms(const dim_table *t, const dim *monic); /* pointer to the atoms of *monic */
/* Integer k times the largest product that divides every term. */
dim_term poly_content(dim_table *t, const dim_poly *p);
dim dim_scale(dim_table *t, dim d, int64_t k);

/* dim_div.c: num == quot * den + *rest, splitting off what divides. */
void dim_split(dim_table *t, dim num, dim den, dim *out_quot, dim *out_rest);

/* dim_prove.c: a constant that d is never below; INT64_MIN when none is known. */
int64_t dim_lower(dim_table *t, dim d);
int64_t dim_upper(dim_table *t, dim d);

static inline int64_t floor_div_i64(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }
static inline int64_t sat_add(int64_t a, int64_t b) {
    int64_t r;
    if (!__builtin_add_overflow(a, b, &r)) return r;
    return a < 0 ? INT64_MIN : INT64_MAX;
}
static inline int64_t sat_mul(int64_t a, int64_t b) {
    int64_t r;
    if (!__builtin_mul_overflow(a, b, &r)) return r;
    return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

#endif
