/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The extent of sizes that broadcast against each other: max(n, m) * min(n, m, 1). Where all are equal or 1 that is the
 * one that is not 1, and 0 beside 1 stays 0. Sizes that cannot be zero need no min.
 *
 * The extent of three sizes is that of one of them and the extent of the other two, so its parts are taken apart
 * again and the same sizes give the same dim in every order. */
#include "ir/dim/dim_impl.h"

#define MAX_PARTS 32u

typedef struct part_list {
    uint32_t n;
    dim at[MAX_PARTS];
} part_list;

static bool has_part(const part_list *l, dim d) {
    for (uint32_t i = 0; i < l->n; i++)
        if (l->at[i] == d) return true;
    return false;
}

static void add_part(part_list *l, dim d) {
    if (!has_part(l, d) && l->n < MAX_PARTS) l->at[l->n++] = d;
}

static bool is_of(const dim_table *t, dim d, dim_kind kind) { return dim_kind_of(t, d) == kind; }

static void add_args(const dim_table *t, part_list *l, dim d) {
    for (uint32_t i = 0; i < dim_n_args(t, d); i++) add_part(l, dim_arg(t, d, i));
}

/* max(a, b): the same without zeros. max(a, b) * min(a, b, 1): with them. */
static bool take_apart(dim_table *t, dim d, part_list *l) {
    part_list most = {0}, least = {0};
    bool all_positive = is_of(t, d, DIM_MAX);
    if (all_positive) add_args(t, &most, d);
    for (uint32_t i = 0; i < most.n; i++) all_positive = all_positive && dim_le(t, DIM_ONE, most.at[i]);
    bool is_product = is_of(t, d, DIM_PRODUCT) && dim_n_args(t, d) == 2;
    for (uint32_t i = 0; is_product && i < 2; i++) {
        dim x = dim_arg(t, d, i);
        if (is_of(t, x, DIM_MAX)) add_args(t, &most, x);
        if (is_of(t, x, DIM_MIN)) add_args(t, &least, x);
    }
    bool fits = all_positive || (most.n && has_part(&least, DIM_ONE));
    for (uint32_t i = 0; i < least.n; i++) fits = fits && (least.at[i] == DIM_ONE || has_part(&most, least.at[i]));
    for (uint32_t i = 0; fits && i < most.n; i++) add_part(l, most.at[i]);
    return fits;
}

/* A part that is never 1: whatever is 1 beside it takes its size, zero included. */
static dim never_one(dim_table *t, const part_list *l) {
    dim found = DIM_BAD;
    for (uint32_t i = 0; i < l->n; i++) {
        if (!dim_never_equal(t, l->at[i], DIM_ONE)) continue;
        if (dim_is_const(t, l->at[i], NULL)) return l->at[i];
        if (found == DIM_BAD) found = l->at[i];
    }
    return found;
}

dim dim_broadcast(dim_table *t, dim a, dim b) {
    if (a == DIM_BAD || b == DIM_BAD) return DIM_BAD;
    if (a == b || b == DIM_ONE) return a;
    if (a == DIM_ONE) return b;
    part_list l = {0};
    if (!take_apart(t, a, &l)) add_part(&l, a);
    if (!take_apart(t, b, &l)) add_part(&l, b);
    if (l.n == MAX_PARTS) return DIM_BAD;
    dim only = never_one(t, &l);
    if (only != DIM_BAD) return only;
    dim most = l.at[0], least = DIM_ONE;
    for (uint32_t i = 0; i < l.n; i++) most = dim_max(t, most, l.at[i]), least = dim_min(t, least, l.at[i]);
    return dim_mul(t, most, least);
}
