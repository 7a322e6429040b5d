/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every golden of tests/golden that names passes, in process: its output is what stands there, and it computes what its
 * input computes, by the evaluator, on random inputs under several sizes. FRIT_BLESS=1 rewrites the expected halves;
 * FRIT_GOLDEN=TEXT picks files by name. */
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/eval/eval.h"
#include "passes/pipeline.h"
#include "passes/rewrite/canonicalize.h"
#include "tests/quick.h"

enum { MAX_FILES = 2000, TRIALS = 5, SPECIAL_TRIAL = 4, MUTANTS = 25, SERIES = 6 };

static arena job, scratch;
static cx c;
static char *files[MAX_FILES];
static int n_files;
static uint64_t seed;
static bool is_finite, has_finite_results; /* of the golden at hand: see finite_line, finite_results_line */

static void setup(void) {
    arena_init(&job);
    arena_init(&scratch);
    c = (cx){.job = &job, .scratch = &scratch};
}

static void teardown(void) {
    arena_fini(&scratch);
    arena_fini(&job);
}

static uint64_t random_bits(void) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed >> 11;
}

static char *read_file(const char *path) {
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *text = arena_alloc(&job, (size_t)n + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)n, f), (size_t)n);
    fclose(f);
    return text;
}

static void write_file(const char *path, const char *input, const char *expected) {
    FILE *f = fopen(path, "wb");
    ck_assert_msg(f != NULL, "%s", path);
    fprintf(f, "%s\n---\n%s", input, expected);
    fclose(f);
    printf("blessed %s\n", path);
}

/* --- random inputs --- */

/* Values for the symbols that inputs bind: small, and in odd trials all as equal as their ranges allow. */
static int64_t *random_symbols(const graph *g, int trial) {
    uint32_t n = dim_n_syms(g->dims);
    int64_t *values = ARENA_ARRAY(&job, int64_t, n + 1), same = 1 + (int64_t)(random_bits() % 5);
    for (uint32_t s = 0; s < n; s++) {
        const sym_info *info = dim_sym_info(g->dims, s);
        int64_t v = trial % 2 ? same : info->lo + (int64_t)(random_bits() % 6);
        values[s] = v < info->lo ? info->lo : v > info->hi ? info->hi : v;
    }
    return values;
}

static scalar random_element(dtype dt, bool with_specials) {
    static const double specials[] = {INFINITY, -INFINITY, NAN, -0.0, 0};
    scalar s = {0};
    switch (dtype_kind_of(dt)) {
    case DTYPE_FLOAT:
        if (with_specials && random_bits() % 5 == 0)
            return dtype_from_f64(dt, specials[random_bits() % countof(specials)]);
        s = dtype_from_f64(dt, (double)(random_bits() % 4001) / 1000 - 2);
        break;
    case DTYPE_INT:
    case DTYPE_UINT:
        s.u = random_bits() % 3;
        break;
    case DTYPE_BOOL:
        s.i = random_bits() % 2;
        break;
    }
    return s;
}

static tensor random_input(const graph *g, uint32_t i, const int64_t *syms, bool with_specials) {
    const port *p = &g->inputs.at[i];
    tensor t;
    int64_t shape[MAX_RANK];
    for (uint32_t k = 0; k < p->type.rank; k++)
        ck_assert_int_eq(dim_eval(&c, g->dims, p->type.shape[k], syms, &shape[k]), FRIT_OK);
    ck_assert_int_eq(tensor_alloc(&c, &job, p->type.dt, p->type.rank, shape, &t), FRIT_OK);
    for (int64_t k = 0; k < tensor_count(&t); k++)
        dtype_store(t.dt, t.data, (size_t)k, random_element(t.dt, with_specials));
    for (uint32_t s = 0; s < dim_n_syms(g->dims); s++) {
        const sym_info *info = dim_sym_info(g->dims, s);
        if (info->kind == SYM_HOST_ELEM && info->input == i)
            dtype_store(t.dt, t.data, info->axis, (scalar){.i = syms[s]});
    }
    return t;
}

/* The line of a golden that tells what its pass assumes. Such a golden is not run on infinities and NaN: scores of
 * attention are finite, and zeros of padding are multiplied. */
static const char finite_line[] = "# assumes: finite";
/* Elements that are infinite or NaN before its passes are not compared either. */
static const char finite_results_line[] = "# assumes: finite results";

static void read_assumptions(const char *text) {
    is_finite = strstr(text, finite_line) != NULL;
    has_finite_results = strstr(text, finite_results_line) != NULL;
}

/* A few roundings of the narrowest float type that values of g have: sums that round to it may round to neighbours. */
static double rounding_step(const graph *g) {
    double step = 1e-5;
    for (uint32_t i = 0; i < g->values.n; i++) {
        dtype dt = graph_type(g, i)->dt;
        if (dtype_is_float(dt) && dtype_bits(dt) < 32) step = fmax(step, dt == FRIT_DT_F16 ? 2e-3 : 2e-2);
    }
    return step;
}

/* Equal to within a few roundings; NaN is NaN on both sides. */
static void compare(const char *file, const graph *g, uint32_t output, const tensor *x, const tensor *y) {
    const char *name = g->outputs.at[output].name;
    ck_assert_msg(x->dt == y->dt && x->rank == y->rank && tensor_count(x) == tensor_count(y), "%s: type of %s", file,
                  name);
    bool is_float = dtype_is_float(x->dt);
    double step = rounding_step(g);
    for (int64_t i = 0; i < tensor_count(x); i++) {
        double a = dtype_to_f64(x->dt, dtype_load(x->dt, x->data, (size_t)i));
        double b = dtype_to_f64(y->dt, dtype_load(y->dt, y->data, (size_t)i));
        bool same = a == b || (isnan(a) && isnan(b)) || (has_finite_results && !isfinite(a)) ||
                    (is_float && isfinite(a) && fabs(a - b) <= step * (1 + fabs(a)));
        ck_assert_msg(same, "%s: %s[%lld] is %.9g before the passes, %.9g after", file, name, (long long)i, a, b);
    }
}

/* True when the trial could be run: sizes that break a contract are no fault. */
static bool same_values(const char *file, const graph *before, const graph *after, int trial) {
    const int64_t *syms = random_symbols(before, trial);
    uint32_t n = before->inputs.n, m = before->outputs.n;
    tensor *in = ARENA_ARRAY(&job, tensor, n + 1), *x = ARENA_ARRAY(&job, tensor, m + 1),
           *y = ARENA_ARRAY(&job, tensor, m + 1);
    for (uint32_t i = 0; i < n; i++) in[i] = random_input(before, i, syms, trial == SPECIAL_TRIAL && !is_finite);
    cx_clear(&c);
    if (eval_graph(&c, before, &job, in, x) != FRIT_OK) return false;
    frit_status s = eval_graph(&c, after, &job, in, y);
    ck_assert_msg(s == FRIT_OK, "%s: after the passes: %s", file, c.message);
    for (uint32_t i = 0; i < m; i++) compare(file, before, i, &x[i], &y[i]);
    return true;
}

/* --- goldens --- */

static char *header(const char *text, const char *key) {
    const char *line = strstr(text, key);
    return line ? arena_strndup(&job, line + strlen(key), strcspn(line + strlen(key), "\n")) : NULL;
}

/* The text without its leading # lines. */
static const char *body_of(const char *text) {
    while (*text == '#') text += strcspn(text, "\n") + 1;
    return text;
}

/* Constants that live in a file which is not there cannot be evaluated. */
static bool lacks_data(const graph *g) {
    for (uint32_t i = 0; i < g->nodes.n; i++) {
        const const_data *d = g->nodes.at[i].op == OP_const ? graph_const(g, g->nodes.at[i].out) : NULL;
        if (d && d->file && !d->bytes) return true;
    }
    return false;
}

/* Nothing in g has more elements than a test can evaluate. */
static bool is_small(const graph *g) {
    for (uint32_t i = 0; i < g->values.n; i++) {
        double n = 1;
        const tensor_type *t = graph_type(g, i);
        for (uint32_t k = 0; k < t->rank; k++) {
            int64_t d = 8;
            dim_is_const(g->dims, t->shape[k], &d);
            n *= (double)d;
        }
        if (n > 20000) return false;
    }
    return !lacks_data(g);
}

static const char *outcome(const char *file, const char *passes, const graph *g, bool is_error) {
    graph *out = NULL;
    pipeline_options o = {.is_verified = true};
    frit_status s = pipeline_run_list(&c, g, passes, &o, &out);
    if (is_error) {
        ck_assert_msg(s != FRIT_OK, "%s: no error", file);
        return arena_printf(&job, "%s\n", c.message);
    }
    ck_assert_msg(s == FRIT_OK, "%s: %s", file, c.message);
    strbuf b = {.a = &job};
    graph_print(&b, out);
    seed = 0x9e3779b97f4a7c15u;
    int done = 0;
    for (int trial = 0; trial < TRIALS; trial++) done += same_values(file, g, out, trial);
    ck_assert_msg(done > 0 || lacks_data(g), "%s: no trial could be run: %s", file, c.message);
    graph *again = NULL;
    cx_clear(&c);
    s = graph_parse(&c, file, strbuf_text(&b), &again);
    ck_assert_msg(s == FRIT_OK, "%s\n%s", c.message, strbuf_text(&b));
    strbuf b2 = {.a = &job};
    graph_print(&b2, again);
    ck_assert_str_eq(strbuf_text(&b), strbuf_text(&b2));
    return strbuf_text(&b);
}

START_TEST(golden) {
    const char *file = files[_i];
    char *text = read_file(file), *split = strstr(text, "\n---\n");
    ck_assert_msg(split != NULL, "%s: no line ---", file);
    *split = 0;
    read_assumptions(text);
    char *passes = header(text, "# run: "), *exit_code = header(text, "# exit: ");
    if (!passes) return;
    graph *g = NULL;
    frit_status s = graph_parse(&c, "INPUT", body_of(text), &g);
    ck_assert_msg(s == FRIT_OK, "%s: %s", file, c.message);
    const char *printed = outcome(file, passes, g, exit_code != NULL), *expected = split + 5;
    if (getenv("FRIT_BLESS") && strcmp(printed, expected) != 0) {
        write_file(file, text, printed);
        return;
    }
    bool same =
        exit_code ? strstr(expected, strtok(arena_strdup(&job, printed), "\n")) != NULL : !strcmp(printed, expected);
    ck_assert_msg(same, "%s differs (repeat: FRIT_GOLDEN=%s CK_FORK=no; bless: FRIT_BLESS=1)\n%s", file, file, printed);
}
END_TEST

/* Replaces a few numbers and words of text by others of it: often a valid program that nobody thought of. */
static char *mutated(const char *text) {
    char *copy = arena_strdup(&job, text);
    size_t n = strlen(copy);
    for (uint64_t k = 0; k < 1 + random_bits() % 3; k++) {
        size_t at = random_bits() % n, from = random_bits() % n;
        if (random_bits() % 2) {
            while (at < n && !(copy[at] >= '0' && copy[at] <= '9')) at++;
            if (at < n) copy[at] = (char)('0' + random_bits() % 5);
        } else if (at < n) {
            copy[at] = text[from];
        }
    }
    return copy;
}

/* A seed that a golden keeps whichever others there are. */
static uint64_t seed_of(const char *file, int series) {
    uint64_t h = 0xcbf29ce484222325u + (uint64_t)series * 0x9e3779b97f4a7c15u;
    for (const char *s = file + strlen(GOLDEN_DIR); *s; s++) h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h | 1;
}

/* Mutants parse and run through every pass, or are refused with a message; what runs computes the same. */
static void try_mutant(const char *mutant, int trial) {
    static const char *const lossy[] = {"raise_narrow", "cast_pairs"}; /* change results on purpose: --exact-casts */
    pipeline_options o = {.is_verified = true, .n_disabled = countof(lossy), .disabled = lossy};
    graph *g = NULL, *out = NULL;
    cx_clear(&c);
    frit_status s = graph_parse(&c, "INPUT", mutant, &g);
    if (s == FRIT_OK) s = graph_verify(&c, g);
    ck_assert_msg(s == FRIT_OK || c.message, "no message");
    ck_assert_msg(s != FRIT_INTERNAL, "%s\n%s", c.message, mutant);
    if (s != FRIT_OK) return;
    s = pipeline_run(&c, g, &o, &out);
    ck_assert_msg(s != FRIT_INTERNAL, "%s\n%s", c.message, mutant);
    if (s == FRIT_OK && is_small(g)) same_values(mutant, g, out, trial);
}

/* FRIT_SERIES=N tries N series of mutants. */
START_TEST(mutants_survive_all_passes) {
    const char *file = files[_i], *asked = getenv("FRIT_SERIES");
    char *text = read_file(file), *split = strstr(text, "\n---\n");
    if (split) *split = 0;
    read_assumptions(text);
    int n_series = asked ? atoi(asked) : is_quick() ? 1 : SERIES;
    for (int series = 0; series < n_series; series++) {
        seed = seed_of(file, series);
        for (int i = 0; i < MUTANTS; i++) try_mutant(mutated(body_of(text)), i % TRIALS);
    }
}
END_TEST

START_TEST(every_rule_fires) {
    uint32_t *fired = ARENA_ARRAY(&job, uint32_t, rule_count());
    for (int i = 0; i < n_files; i++) {
        char *text = read_file(files[i]), *split = strstr(text, "\n---\n");
        if (!split || !strstr(files[i], "/canonicalize/")) continue;
        *split = 0;
        graph *g = NULL, *out = NULL;
        ck_assert_int_eq(graph_parse(&c, "INPUT", body_of(text), &g), FRIT_OK);
        ck_assert_int_eq(canonicalize_counted(&c, g, fired, &out), FRIT_OK);
    }
    for (uint32_t i = 0; i < rule_count() && !getenv("FRIT_GOLDEN"); i++)
        ck_assert_msg(fired[i] > 0, "no golden of tests/golden/canonicalize makes rule %s fire", rule_name(i));
}
END_TEST

START_TEST(rows_are_in_order) { ck_assert_msg(pipeline_check_order(&c) == FRIT_OK, "%s", c.message); }
END_TEST

START_TEST(unknown_pass_is_named) {
    ck_assert_int_eq(pipeline_check_name(&c, "decompos"), FRIT_USAGE);
    ck_assert_str_eq(c.message, "'decompos' is not a pass; did you mean 'decompose'?");
}
END_TEST

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list_folder(const char *folder) {
    DIR *d = opendir(folder);
    const char *only = getenv("FRIT_GOLDEN");
    for (struct dirent *e; d && (e = readdir(d)) && n_files < MAX_FILES;) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        size_t n = strlen(path);
        if (e->d_name[0] == '.') continue;
        if (e->d_type == DT_DIR)
            list_folder(path);
        else if (n > 2 && !strcmp(path + n - 2, ".t") && (!only || strstr(path, only)))
            files[n_files++] = strdup(path);
    }
    if (d) closedir(d);
}

int main(void) {
    list_folder(GOLDEN_DIR);
    qsort(files, (size_t)n_files, sizeof *files, by_name);
    Suite *s = suite_create("passes");
    TCase *t = tcase_create("goldens");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, golden, 0, n_files);
    tcase_add_loop_test(t, mutants_survive_all_passes, 0, n_files);
    tcase_add_test(t, every_rule_fires);
    tcase_add_test(t, rows_are_in_order);
    tcase_add_test(t, unknown_pass_is_named);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    for (int i = 0; i < n_files; i++) free(files[i]);
    return failed != 0;
}
