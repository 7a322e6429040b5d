/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Dims: what index algebra must simplify and prove, and random expressions against plain evaluation. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ir/dim/dim.h"

static arena job, scratch;
static cx c;
static dim_table *t;

static void setup(void) {
    arena_init(&job), arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
    t = dim_table_new(&job);
}

static void teardown(void) { arena_fini(&job), arena_fini(&scratch); }

static dim P(const char *text) {
    dim d = DIM_BAD;
    const char *cursor = text;
    ck_assert_msg(dim_parse(&c, t, &cursor, &d) == FRIT_OK, "%s: %s", text, c.message);
    ck_assert_msg(*cursor == 0, "%s: rest '%s'", text, cursor);
    return d;
}

#define IS(text, expected) ck_assert_str_eq(dim_text(&job, t, P(text)), expected)

static void bounds_are(const char *text, int64_t lo, int64_t hi) {
    int64_t l, h;
    dim_bounds(t, P(text), &l, &h);
    ck_assert_msg(l == lo && h == hi, "%s: %lld..%lld", text, (long long)l, (long long)h);
}

static void axes(void) {
    dim_axis(t, "b", P("B")), dim_axis(t, "s", P("S")), dim_axis(t, "d", P("D")), dim_axis(t, "h", P("H"));
    dim_axis(t, "i", P("64")), dim_axis(t, "j", P("64"));
}

START_TEST(canonical_text) {
    IS("S + B*S + 1 + S", "B*S + 2*S + 1");
    IS("(H + 2) floordiv 2", "H floordiv 2 + 1");
    IS("2*(S - 1) - 2*S", "-2");
    IS("max(S, 1)", "S");
    IS("min(max(S, 8), max(8, S))", "max(S, 8)");
    IS("-S + 3", "-S + 3");
    IS("\"in put\" * 2", "2*\"in put\"");
    IS("7 floordiv -2", "-4");
    IS("7 mod -2", "-1");
    IS("(S floordiv 2) floordiv 3", "S floordiv 6");
    IS("(S mod 12) mod 4", "S mod 4");
    IS("(S mod 12) floordiv 4", "(S floordiv 4) mod 3");
}
END_TEST

START_TEST(index_algebra) {
    axes();
    IS("(b*S + s) floordiv S", "b");
    IS("(b*S + s) mod S", "s");
    IS("((b*S + s)*D + d) mod D", "d");
    IS("((b*S + s)*D + d) floordiv (S*D)", "b");
    IS("(((b*S + s)*D + d) floordiv D) mod S", "s");
    IS("(h*D + d) floordiv D", "h");
    IS("(h*D + d) floordiv (H*D)", "0");
    IS("(i*64 + j) floordiv 64", "i");
    IS("(i*64 + j) mod 64", "j");
    IS("(i*64 + j) floordiv 128", "i floordiv 2");
    IS("(i*64 + j) mod 128", "j + 64*(i mod 2)");
    IS("64*((i*7) floordiv 64) + (i*7) mod 64", "7*i");
    IS("(d floordiv 16)*16 + d mod 16", "d");
    IS("(s floordiv (B*H))*B*H + (s floordiv B mod H)*B + s mod B", "s");
    IS("(s floordiv (H + 1))*(H + 1) + s mod (H + 1)", "s");
    IS("((s floordiv 4) mod 8)*4 + s mod 4", "s mod 32");
}
END_TEST

START_TEST(proofs) {
    axes();
    ck_assert(dim_lt(t, P("s"), P("S")));
    ck_assert(dim_le(t, P("s + 1"), P("S")));
    ck_assert(dim_lt(t, P("b*S + s"), P("B*S")));
    ck_assert(dim_lt(t, P("(b*S + s)*D + d"), P("B*S*D")));
    ck_assert(dim_le(t, P("S"), P("(S ceildiv 16)*16")));
    ck_assert(dim_lt(t, P("(S ceildiv 16)*16"), P("S + 16")));
    ck_assert(dim_le(t, P("S"), P("B*S")));
    ck_assert(dim_le(t, P("S"), P("S*S")));
    ck_assert(!dim_lt(t, P("S"), P("S*S")));
    ck_assert(!dim_le(t, P("B"), P("S")));
    ck_assert(dim_never_equal(t, P("2*B"), P("2*S + 1")));
    ck_assert(dim_never_equal(t, P("s"), P("S")));
    ck_assert(dim_divides(t, P("D"), P("H*D + 2*D")));
    ck_assert(!dim_divides(t, P("D"), P("H*D + 2")));
    dim_axis(t, "only", P("1")); /* an axis of one turn is 0 */
    ck_assert(dim_divides(t, P("6"), P("6 - 64*only")));
    ck_assert(dim_equal(t, P("S - 16*(S floordiv 16)"), P("S mod 16")));
    dim flat = dim_axis(t, "flat", P("B*S"));
    ck_assert(dim_lt(t, dim_floordiv(t, flat, P("S")), P("B")));
    dim_axis(t, "tile", P("S ceildiv 6"));
    bounds_are("min(S - tile*6, 6)", 1, 6);
    dim_axis(t, "in", P("min(S - tile*6, 6)"));
    ck_assert(dim_lt(t, P("tile*6 + in"), P("S")));
    dim_axis(t, "p", P("14")), dim_axis(t, "r", P("3"));
    bounds_are("p*2 + r - 1", -1, 27);
    dim p = dim_axis(t, "q", P("(S - 1) floordiv 2 + 1"));
    ck_assert(dim_le(t, dim_mul(t, p, P("2")), P("S - 1")));
}
END_TEST

/* A divisor that may be 0: by 0 there is no quotient, so its bounds are those of the other divisors. */
START_TEST(divisors_may_be_zero) {
    sym_id z, s;
    ck_assert(dim_is_sym(t, P("Z"), &z) && dim_is_sym(t, P("S"), &s));
    dim_sym_info(t, z)->lo = 0, dim_sym_info(t, z)->hi = 9;
    dim_sym_info(t, s)->lo = 0, dim_sym_info(t, s)->hi = 20;
    bounds_are("S floordiv Z", 0, 20);
    bounds_are("(-S) floordiv Z", -20, 0);
    bounds_are("S mod Z", 0, 8);
    ck_assert_uint_ne(dim_majorant(t, P("4*B*(S floordiv Z)*Z")), DIM_BAD);
    dim_sym_info(t, z)->lo = -1;
    bounds_are("S floordiv Z", INT64_MIN, INT64_MAX);
}
END_TEST

START_TEST(symbols_narrow_later) {
    int64_t lo, hi;
    sym_id s;
    dim d = P("N*2");
    dim_bounds(t, d, &lo, &hi);
    ck_assert_int_eq(hi, 131072);
    ck_assert(dim_sym_find(t, "N", &s));
    dim_sym_info(t, s)->hi = 4;
    dim_bounds(t, d, &lo, &hi);
    ck_assert_int_eq(hi, 8);
    IS("N floordiv 5", "0");
}
END_TEST

/* "lhs == rhs" or "lhs <= rhs" says this of one symbol; "" when it is not solved. */
static void solves(const char *lhs, const char *sign, const char *rhs, const char *expected) {
    dim_range r;
    dim a = P(lhs), b = P(rhs);
    bool is_solved = str_equal(sign, "==") ? dim_solve_equal(t, a, b, &r) : dim_solve_at_most(t, a, b, &r);
    const char *text = is_solved ? dim_range_text(&job, dim_sym_info(t, r.sym)->name, r.lo, r.hi) : "";
    ck_assert_msg(str_equal(text, expected), "%s %s %s: '%s', not '%s'", lhs, sign, rhs, text, expected);
}

START_TEST(relations_solved) {
    solves("64*B*S", "==", "768*B", "S = 12");
    solves("S", "==", "12", "S = 12");
    solves("2*S + 1", "<=", "1024", "S <= 511");
    solves("1024", "<=", "2*S + 1", "S >= 512");
    solves("4*S", "==", "6", "S in 2..1"); /* never */
    solves("(S + 3) floordiv 4", "==", "5", "S in 17..20");
    solves("(S + 3) floordiv 4", "<=", "5", "S <= 20");
    solves("((S - 1) floordiv 2 + 1) floordiv 2", "==", "4", "S in 15..18");
    solves("S", "==", "min(S, 512)", "S <= 512");
    solves("8*B*min(S, 512)", "==", "8*B*S", "S <= 512");
    solves("S", "==", "max(S, 16)", "S >= 16");
    solves("S", "==", "T", "");
    solves("B*S", "==", "12", "");
    solves("S mod 4", "==", "0", "");
    sym_id s;
    dim_is_sym(t, P("B"), &s);
    dim_sym_info(t, s)->lo = 0; /* with B = 0 any S will do */
    solves("64*B*S", "==", "768*B", "");
}
END_TEST

START_TEST(structure) {
    dim d = P("4*S + B*S - 3");
    ck_assert_int_eq(dim_kind_of(t, d), DIM_SUM);
    ck_assert_int_eq((int)dim_n_args(t, d), 3);
    dim scaled = dim_arg(t, d, 1);
    ck_assert_int_eq(dim_kind_of(t, scaled), DIM_PRODUCT);
    int64_t k;
    ck_assert(dim_is_const(t, dim_arg(t, scaled, 0), &k) && k == 4);
    sym_id s;
    dim coeff, rest;
    ck_assert(dim_sym_find(t, "S", &s));
    ck_assert(dim_linear(t, d, s, &coeff, &rest));
    ck_assert_str_eq(dim_text(&job, t, coeff), "B + 4");
    ck_assert_str_eq(dim_text(&job, t, rest), "-3");
    ck_assert(!dim_linear(t, P("S floordiv 3 + S"), s, &coeff, &rest));
    dim by = P("2*Q");
    ck_assert_str_eq(dim_text(&job, t, dim_subst(t, P("S floordiv 2 + min(S, 7)"), 1, &s, &by)), "Q + min(2*Q, 7)");
}
END_TEST

START_TEST(overflow_and_bad_text) {
    const char *bad[] = {"",     "(",    "1 +", "9999999999999999999", "S floordiv 0", "min(S", "4611686018427387904*4",
                         "\"\"", "S **", "\"x"};
    for (size_t i = 0; i < countof(bad); i++) {
        dim d;
        const char *cursor = bad[i];
        ck_assert_msg(dim_parse(&c, t, &cursor, &d) != FRIT_OK, "%s", bad[i]);
        ck_assert_ptr_nonnull(c.message);
        cx_clear(&c);
    }
    strbuf deep = {.a = &job};
    for (int i = 0; i < 10000; i++) strbuf_addc(&deep, '(');
    const char *cursor = strbuf_text(&deep);
    dim d;
    ck_assert_int_eq(dim_parse(&c, t, &cursor, &d), FRIT_FORMAT);
    cx_clear(&c);
    int64_t values[1] = {INT64_MAX / 2}, out;
    ck_assert_int_eq(dim_eval(&c, t, P("S*3"), values, &out), FRIT_RANGE);
    ck_assert_str_eq(c.message, "3*S: division by zero, or a value outside the 64-bit range");
    cx_clear(&c);
    ck_assert_int_eq(dim_eval(&c, t, DIM_BAD, values, &out), FRIT_RANGE);
    ck_assert_str_eq(c.message, "a dim expression leaves the 64-bit range");
}
END_TEST

/* --- random expressions --- */

static uint64_t seed;
static uint32_t draw(uint32_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

#define N_VALUES 12
static int64_t values[64];

/* What the artifact's runtime does with dim_compile's code. */
static int64_t run_code(const int64_t *code) {
    int64_t stack[256], *top = stack;
    for (;;) {
        int64_t op = *code++, b = top > stack ? top[-1] : 0, a = top > stack + 1 ? top[-2] : 0;
        if (op == DC_END) return *stack;
        if (op == DC_CONST)
            *top++ = *code++;
        else if (op == DC_SYM)
            *top++ = values[*code++];
        else {
            int64_t q = a / (b ? b : 1) - (b && a % b != 0 && (a < 0) != (b < 0));
            int64_t r = op == DC_ADD        ? a + b
                        : op == DC_MUL      ? a * b
                        : op == DC_FLOORDIV ? q
                        : op == DC_MOD      ? a - q * b
                        : op == DC_MIN      ? (a < b ? a : b)
                                            : (a > b ? a : b);
            top--, top[-1] = r;
        }
    }
}

/* A random expression and its value by plain arithmetic. Divisors are positive. */
static dim random_dim(int depth, uint32_t n_syms, int64_t *v) {
    int64_t x, y;
    if (depth == 0 || draw(6) == 0) {
        if (draw(3) == 0) return *v = (int64_t)draw(9) - 2, dim_const(t, *v);
        sym_id s = draw(n_syms);
        return *v = values[s], dim_of_sym(t, s);
    }
    uint32_t op = draw(9);
    dim a = random_dim(depth - 1, n_syms, &x), b = random_dim(depth - 1, n_syms, &y);
    switch (op) {
    case 0:
    case 1:
        return *v = x + y, dim_add(t, a, b);
    case 2:
        return *v = x - y, dim_sub(t, a, b);
    case 3:
    case 4:
        return *v = x * y, dim_mul(t, a, b);
    case 5:
        return *v = x < y ? x : y, dim_min(t, a, b);
    case 6:
        return *v = x > y ? x : y, dim_max(t, a, b);
    default:
        break;
    }
    if (draw(2))
        y = (int64_t)draw(12) + 1, b = dim_const(t, y);
    else {
        sym_id s = draw(4); /* a shape symbol: at least 1 */
        b = dim_of_sym(t, s), y = values[s];
    }
    int64_t q = x / y - (x % y != 0 && x < 0);
    return op == 7 ? (*v = q, dim_floordiv(t, a, b)) : (*v = x - q * y, dim_mod(t, a, b));
}

static void random_symbols(void) {
    const char *shapes[] = {"B", "S", "D", "H"};
    for (uint32_t i = 0; i < 4; i++) {
        dim d = dim_sym(t, shapes[i]);
        sym_id s;
        dim_is_sym(t, d, &s);
        dim_sym_info(t, s)->hi = 9;
        values[s] = (int64_t)draw(9) + 1;
    }
    for (uint32_t i = 4; i < N_VALUES; i++) {
        int64_t extent, tries = 0;
        dim e;
        do e = random_dim(2, i, &extent), tries++;
        while (extent < 1 && tries < 50);
        if (extent < 1) e = dim_const(t, extent = 3);
        dim_axis(t, "x", e);
        values[i] = (int64_t)draw((uint32_t)extent);
    }
}

static void check_expression(dim d, int64_t v) {
    int64_t out, lo, hi;
    const char *text = dim_text(&job, t, d);
    ck_assert_int_eq(dim_eval(&c, t, d, values, &out), FRIT_OK);
    ck_assert_msg(out == v, "seed %llu: %s is %lld, not %lld", (unsigned long long)seed, text, (long long)out,
                  (long long)v);
    dim_bounds(t, d, &lo, &hi);
    ck_assert_msg(lo <= v && v <= hi, "seed %llu: %s = %lld outside %lld..%lld", (unsigned long long)seed, text,
                  (long long)v, (long long)lo, (long long)hi);
    ck_assert_msg(P(text) == d, "%s reads back as %s", text, dim_text(&job, t, P(text)));
    uint32_t n_words;
    ck_assert_int_eq(run_code(dim_compile(&job, t, d, NULL, &n_words)), v);
    dim top = dim_majorant(t, d);
    if (top == DIM_BAD) return;
    ck_assert_int_eq(dim_eval(&c, t, top, values, &out), FRIT_OK);
    ck_assert_msg(out >= v, "seed %llu: majorant of %s is %lld, below %lld", (unsigned long long)seed, text,
                  (long long)out, (long long)v);
    int64_t raised[64];
    memcpy(raised, values, sizeof values);
    for (uint32_t s = 0; s < 4; s++) raised[s] += draw(3);
    ck_assert_int_eq(dim_eval(&c, t, top, raised, &hi), FRIT_OK);
    ck_assert_msg(hi >= out, "seed %llu: majorant of %s, %s, decreases", (unsigned long long)seed, text,
                  dim_text(&job, t, top));
}

/* Where d is said to grow with a symbol, it does not shrink when that rises. */
static void check_growth(dim d, int64_t v) {
    for (sym_id s = 0; s < 4; s++) {
        int64_t keep = values[s], out;
        if (!dim_grows(t, d, s)) continue;
        values[s] += 1 + draw(3);
        if (dim_eval(&c, t, d, values, &out) == FRIT_OK)
            ck_assert_msg(out >= v, "seed %llu: %s shrinks from %lld to %lld", (unsigned long long)seed,
                          dim_text(&job, t, d), (long long)v, (long long)out);
        values[s] = keep;
    }
}

static void check_claims(dim a, int64_t x, dim b, int64_t y) {
    dim quot;
    ck_assert(!dim_le(t, a, b) || x <= y);
    ck_assert(!dim_lt(t, a, b) || x < y);
    ck_assert(!dim_equal(t, a, b) || x == y);
    ck_assert(!dim_never_equal(t, a, b) || x != y);
    ck_assert(!dim_divides(t, a, b) || x == 0 || y % x == 0);
    dim_range r;
    if (dim_solve_equal(t, a, b, &r)) ck_assert((x == y) == (values[r.sym] >= r.lo && values[r.sym] <= r.hi));
    if (dim_solve_at_most(t, a, b, &r)) ck_assert((x <= y) == (values[r.sym] >= r.lo && values[r.sym] <= r.hi));
    int64_t q;
    if (dim_div_exact(t, b, a, &quot)) {
        ck_assert_int_eq(dim_eval(&c, t, quot, values, &q), FRIT_OK);
        ck_assert_int_eq(q * x, y);
    }
}

static void check_substitution(dim d) {
    int64_t by_value, keep, before;
    sym_id s = draw(4);
    dim by = random_dim(1, 4, &by_value);
    if (by_value < 1 || by_value > 9) return;
    keep = values[s], values[s] = by_value;
    frit_status status = dim_eval(&c, t, d, values, &before);
    values[s] = keep;
    /* Axes keep their extents, so only values in range of every fact may be asked for. */
    for (uint32_t i = 4; i < N_VALUES; i++)
        if (dim_depends(t, d, i)) return;
    int64_t after;
    ck_assert_int_eq(status, FRIT_OK);
    ck_assert_int_eq(dim_eval(&c, t, dim_subst(t, d, 1, &s, &by), values, &after), FRIT_OK);
    ck_assert_int_eq(after, before);
}

START_TEST(random_expressions) {
    const char *rounds = getenv("FRIT_ROUNDS");
    int n = rounds ? atoi(rounds) : 60;
    for (int round = 0; round < n; round++) {
        seed = (uint64_t)round * 7919 + 12345;
        teardown(), setup();
        random_symbols();
        dim last = dim_const(t, 1);
        int64_t last_value = 1;
        for (int i = 0; i < 60; i++) {
            int64_t v;
            dim d = random_dim(1 + (int)draw(4), N_VALUES, &v);
            if (d == DIM_BAD) continue;
            check_expression(d, v);
            check_growth(d, v);
            check_claims(d, v, last, last_value);
            check_claims(last, last_value, d, v);
            check_substitution(d);
            last = d, last_value = v;
        }
    }
}
END_TEST

int main(void) {
    Suite *s = suite_create("dim");
    TCase *k = tcase_create("dim");
    tcase_set_timeout(k, 60);
    tcase_add_checked_fixture(k, setup, teardown);
    tcase_add_test(k, canonical_text);
    tcase_add_test(k, index_algebra);
    tcase_add_test(k, proofs);
    tcase_add_test(k, divisors_may_be_zero);
    tcase_add_test(k, symbols_narrow_later);
    tcase_add_test(k, relations_solved);
    tcase_add_test(k, structure);
    tcase_add_test(k, overflow_and_bad_text);
    tcase_add_test(k, random_expressions);
    suite_add_tcase(s, k);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int n_failed = srunner_ntests_failed(r);
    srunner_free(r);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
