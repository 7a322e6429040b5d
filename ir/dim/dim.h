/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dims: integer expressions over symbols with + * floordiv mod min max, canonical, with a small prover.
 *
 * Both tensor shapes and kernel index expressions are dims. A dim is a 32-bit id in a dim_table; expressions are
 * hash-consed after canonicalisation, so equal ids are equal expressions (and different ids are usually, not always,
 * different values: ask dim_equal). The canonical form is a polynomial: a sum of monomials with integer coefficients
 * over atoms; an atom is a symbol or a floordiv/mod/min/max whose operands are canonical. floordiv and mod round to
 * minus infinity and simplify by splitting off the part of the dividend that the divisor divides: (b*S + s) floordiv S
 * = b and mod S = s when 0 <= s < S is provable; x mod n = x when 0 <= x < n. A symbol's bounds may be symbolic (a loop
 * axis: 0 <= s <= S - 1), which is what makes index algebra provable. Overflow: constants that leave int64 while
 * building make the dim DIM_BAD, which every operation propagates and graph_verify refuses; evaluation reports
 * overflow. */
#ifndef FRIT_IR_DIM_H
#define FRIT_IR_DIM_H

#include <stdbool.h>

#include "base/diag.h"
#include "base/map.h"
#include "base/str.h"

typedef uint32_t dim;
typedef uint32_t sym_id;
typedef struct dim_table dim_table;
#define DIM_BAD  UINT32_MAX
#define SYM_NONE UINT32_MAX

typedef enum sym_kind {
    SYM_INPUT_DIM, /* bound by dim `axis` of model input `input` */
    SYM_HOST_ELEM, /* bound by element `axis` of the small integer host input `input` */
    SYM_RESULT,    /* produced by an operator at run time: 0 <= s < extent, which mentions earlier symbols only */
    SYM_ITERATION, /* number of an iteration of a loop of the plan: 0 <= s < extent when there is one */
    SYM_AXIS,      /* a loop axis of a kernel: 0 <= s < extent */
    SYM_LOADED,    /* an index loaded from a tensor inside a kernel: 0 <= s < extent (clamped when loaded) */
    SYM_FREE       /* declared in text without a binding yet */
} sym_kind;

typedef struct sym_info {
    const char *name; /* unique in the table */
    sym_kind kind;
    int64_t lo, hi; /* inclusive constant bounds; defaults 1..65536 for shape symbols */
    int64_t hint;   /* value schedules are tuned for, 0 none */
    dim extent;     /* SYM_AXIS, SYM_LOADED, SYM_RESULT, SYM_ITERATION: exclusive symbolic upper bound; else DIM_BAD */
    uint32_t input; /* SYM_INPUT_DIM, SYM_HOST_ELEM: input index; SYM_LOADED: kernel expression id; else UINT32_MAX */
    uint32_t axis;  /* SYM_INPUT_DIM: axis; SYM_HOST_ELEM: element index; else UINT32_MAX */
    const char *why_lo,
        *why_hi; /* the place in the model that lo or hi comes from; NULL: nothing in it narrowed them */
} sym_info;

dim_table *dim_table_new(arena *a);
/* Symbols. dim_sym returns the existing symbol of that name or adds one (SYM_FREE, 1..65536). */
dim dim_sym(dim_table *t, const char *name);
bool dim_sym_find(const dim_table *t, const char *name, sym_id *out);
sym_info *dim_sym_info(dim_table *t, sym_id s);
uint32_t dim_n_syms(const dim_table *t);
dim dim_of_sym(dim_table *t, sym_id s);
/* A value that s may well have, for weighing costs: its hint, else 64, within its bounds. */
int64_t dim_likely(dim_table *t, sym_id s);
/* A fresh axis (or loaded-index) symbol with 0 <= s < extent; the name is made unique by a numeric suffix. */
dim dim_axis(dim_table *t, const char *name, dim extent);
dim dim_loaded(dim_table *t, const char *name, dim extent, uint32_t expr);
/* A fresh symbol for the iterations of a loop; extent DIM_BAD: nobody knows how many there can be. */
dim dim_iteration(dim_table *t, const char *name, dim extent);

dim dim_const(dim_table *t, int64_t v);
dim dim_add(dim_table *t, dim a, dim b);
dim dim_sub(dim_table *t, dim a, dim b);
dim dim_mul(dim_table *t, dim a, dim b);
dim dim_floordiv(dim_table *t, dim a, dim b); /* DIM_BAD when b is the constant 0 */
dim dim_ceildiv(dim_table *t, dim a, dim b);
dim dim_mod(dim_table *t, dim a, dim b);
dim dim_min(dim_table *t, dim a, dim b);
dim dim_max(dim_table *t, dim a, dim b);
/* Extent of two sizes that broadcast (are equal, or one of them is 1): max(a, b) * min(a, b, 1), b where a is 1. The
 * same for more sizes in any order. */
dim dim_broadcast(dim_table *t, dim a, dim b);
dim dim_product(dim_table *t, uint32_t n, const dim *d); /* 1 for n == 0 */
dim dim_align(dim_table *t, dim a, int64_t multiple);    /* rounded up to a multiple */

/* Structure, for emitters and printers. The operands of SUM are its terms; of PRODUCT its factors. */
typedef enum dim_kind { DIM_CONST, DIM_SYM, DIM_SUM, DIM_PRODUCT, DIM_FLOORDIV, DIM_MOD, DIM_MIN, DIM_MAX } dim_kind;
dim_kind dim_kind_of(const dim_table *t, dim d);
bool dim_is_const(const dim_table *t, dim d, int64_t *out); /* out may be NULL */
bool dim_is_sym(const dim_table *t, dim d, sym_id *out);
uint32_t dim_n_args(const dim_table *t, dim d);
dim dim_arg(const dim_table *t, dim d, uint32_t i);
/* The operation `kind`, no constant or symbol, of two operands. */
dim dim_combine(dim_table *t, dim_kind kind, dim a, dim b);

/* The prover. "false" means "could not prove". */
void dim_bounds(dim_table *t, dim d, int64_t *out_lo, int64_t *out_hi); /* saturated to int64 */
bool dim_equal(dim_table *t, dim a, dim b);
bool dim_never_equal(dim_table *t, dim a, dim b); /* provably different for all values */
bool dim_le(dim_table *t, dim a, dim b);
bool dim_lt(dim_table *t, dim a, dim b);
bool dim_divides(dim_table *t, dim divisor, dim d);             /* d mod divisor == 0 always */
bool dim_div_exact(dim_table *t, dim d, dim divisor, dim *out); /* *out * divisor == d identically */
bool dim_depends(const dim_table *t, dim d, sym_id s);
/* d == coeff * s + rest with neither depending on s; false when d is not linear in s. */
bool dim_linear(dim_table *t, dim d, sym_id s, dim *out_coeff, dim *out_rest);
dim dim_subst(dim_table *t, dim d, uint32_t n, const sym_id *syms, const dim *by);

/* What a relation says about the one symbol that it depends on: lo <= symbol <= hi, INT64_MIN and INT64_MAX where it says
 * nothing, lo > hi where it never holds. */
typedef struct dim_range {
    sym_id sym;
    int64_t lo, hi;
} dim_range;
/* lhs == rhs or lhs <= rhs solved; false when it is about several symbols or not linear in one. */
bool dim_solve_equal(dim_table *t, dim lhs, dim rhs, dim_range *out);
bool dim_solve_at_most(dim_table *t, dim lhs, dim rhs, dim_range *out);
/* Whether lhs == rhs is no more than *out_lo <= *out_hi: x == min(x, y) is x <= y, x == max(x, y) is y <= x. */
bool dim_equal_as_order(dim_table *t, dim lhs, dim rhs, dim *out_lo, dim *out_hi);
/* "S = 12", "S <= 512", "S >= 2", "S in 2..512"; INT64_MIN and INT64_MAX: no bound. */
const char *dim_range_text(arena *a, const char *name, int64_t lo, int64_t hi);

/* Evaluation. values[s] is the value of symbol s (dim_n_syms entries). Errors: FRIT_RANGE on overflow or division by
 * zero. */
frit_status dim_eval(cx *c, const dim_table *t, dim d, const int64_t *values, int64_t *out);
/* Provably never smaller for a larger s, while the other symbols stay. */
bool dim_grows(dim_table *t, dim d, sym_id s);
/* A monotone majorant of d for arena sizes: replaces minus and mod by bounds, so that it never decreases in any symbol.
 */
dim dim_majorant(dim_table *t, dim d);

/* Text: "B", "4*S + 1", "(H + 2) floordiv 2", "max(S, 1)". print then parse is the identity (checked by tests). */
void dim_print(strbuf *b, const dim_table *t, dim d);
const char *dim_text(arena *a, const dim_table *t, dim d);
/* Parses at *cursor (advanced past the expression); unknown names become SYM_FREE symbols. */
frit_status dim_parse(cx *c, dim_table *t, const char **cursor, dim *out);

/* Postfix code for the artifact: a flat int64 program that runtime/ evaluates (values indexed by renumber[sym_id], or
 * by sym_id when renumber is NULL). Words: opcode, or opcode and operand for CONST and SYM; ends with DC_END. */
typedef enum dim_code { DC_END, DC_CONST, DC_SYM, DC_ADD, DC_MUL, DC_FLOORDIV, DC_MOD, DC_MIN, DC_MAX } dim_code;
const int64_t *dim_compile(arena *a, const dim_table *t, dim d, const uint32_t *renumber, uint32_t *out_words);

#endif
