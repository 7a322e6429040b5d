/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit opt MODEL -p PASS,...: text in, text out. Every stage of a compile can be seen here, made with compile's options:
 *
 *    -p decompose,fold      the graph after these passes
 *    -p core                the graph after all that compile applies
 *    -p core,fuse           its groups, and why each two of them are two
 *    -p core,lower          the plan and the kernels
 *    -p core,emit           the CUDA C of the kernels, with --target=cuda
 */
#include <stdio.h>
#include <string.h>

#include "driver/cli.h"
#include "passes/plan/cases.h"

typedef enum opt_stage { STAGE_GRAPH, STAGE_FUSE, STAGE_LOWER, STAGE_EMIT } opt_stage;
static const char *const stage_names[] = {"", "fuse", "lower", "emit"};

/* What -p says. */
typedef struct opt_list {
    bool is_core;       /* it begins with `core` */
    const char *passes; /* by name, behind that */
    opt_stage stage;    /* to print */
} opt_list;

static opt_list parse_list(cx *c, const char *given) {
    opt_list l = {0};
    const char *begin = given + strspn(given, ", ");
    size_t n = strlen(begin), core = strlen("core");
    while (n && strchr(", ", begin[n - 1])) n--;
    char *text = arena_strndup(c->job, begin, n);
    for (opt_stage s = STAGE_FUSE; s <= STAGE_EMIT; s++) {
        size_t m = strlen(stage_names[s]);
        bool is_last = n >= m && str_equal(text + n - m, stage_names[s]) && (n == m || strchr(", ", text[n - m - 1]));
        if (!is_last) continue;
        l.stage = s;
        text[n - m] = 0;
    }
    l.is_core = !strncmp(text, "core", core) && (!text[core] || strchr(", ", text[core]));
    l.passes = text + (l.is_core ? core : 0);
    return l;
}

/* `core` and the stages where passes are wanted. */
static frit_status check_places(cx *c, const char *passes) {
    for (const char *p = passes; *p; p += strspn(p, ", ")) {
        size_t n = strcspn(p, ", ");
        const char *word = arena_strndup(c->scratch, p, n);
        p += n;
        if (str_equal(word, "core")) return FAIL(c, USAGE, NULL, "-p: 'core' stands first, before any pass");
        for (opt_stage s = STAGE_FUSE; s <= STAGE_EMIT; s++)
            if (str_equal(word, stage_names[s]))
                return FAIL(c, USAGE, NULL, "-p: '%s' is the stage to print and stands last", word);
    }
    return FRIT_OK;
}

/* Options that choose among the passes of compile choose nothing where passes are named. */
static frit_status check_list(cx *c, const args *a, const opt_list *l) {
    static const opt_id choosing[] = {OPT_PRECISION, OPT_EXACT_CASTS, OPT_DISABLE};
    for (size_t i = 0; i < countof(choosing) && !l->is_core; i++)
        if (args_has(a, choosing[i]))
            return FAIL(c, USAGE, NULL,
                        "--%s chooses among the passes of -p core; here the passes are named one by one",
                        option_rows[choosing[i]].name);
    if (l->stage == STAGE_EMIT && !str_equal(args_text(a, OPT_TARGET), "cuda"))
        return FAIL(c, USAGE, NULL,
                    "-p emit prints CUDA C and needs --target=cuda; a CPU's kernels become machine code, which "
                    "objdump -d shows in a compiled model");
    return FRIT_OK;
}

/* --- the stages --- */

/* g, and the case of equal sizes that compile makes beside it. Where no stage behind the graph is printed, it is made
 * only as part of `core`. */
static frit_status run_passes(cx *c, const opt_list *l, const compile_options *o, graph **g, size_case *k) {
    pipeline_options p;
    compile_pipeline(c, o, &p);
    p.is_verified = true;
    if (l->is_core)
        TRY(passes_of_cases(c, *g, &p, g, k));
    else if (l->stage != STAGE_GRAPH)
        TRY(case_of_equal_sizes(c, *g, k));
    TRY(pipeline_run_list(c, *g, l->passes, &p, g));
    return k->g ? pipeline_run_list(c, k->g, l->passes, &p, &k->g) : FRIT_OK;
}

static frit_status print_groups(cx *c, graph *g, const lower_options *o, strbuf *b) {
    const fuse_options how = lower_fuse_options(o);
    fusion *f;
    TRY(fuse_graph(c, g, &how, &f));
    fuse_notes(f);
    fuse_print(b, f);
    return FRIT_OK;
}

static frit_status print_fusion(cx *c, graph *g, const size_case *k, const lower_options *o, strbuf *b) {
    if (k->g) {
        strbuf_add(b, "-- for calls in which the sizes are equal that the program broadcasts\n");
        TRY(print_groups(c, k->g, o, b));
        strbuf_add(b, "\n-- for any call\n");
    }
    return print_groups(c, g, o, b);
}

static frit_status print_plan(cx *c, const plan *p, opt_stage stage, strbuf *b) {
    if (stage == STAGE_LOWER) plan_print(b, p);
    for (uint32_t i = 0; i < p->kernels.n; i++) {
        if (stage == STAGE_LOWER || i) strbuf_addc(b, '\n');
        if (stage == STAGE_EMIT)
            TRY(cuda_emit_text(c, p->kernels.at[i], b));
        else
            kernel_print(b, p->kernels.at[i]);
    }
    return FRIT_OK;
}

static frit_status print_stage(cx *c, graph *g, size_case *k, const opt_list *l, const compile_options *o) {
    target t;
    lower_options options;
    plan *p;
    strbuf b = {.a = c->job};
    if (l->stage == STAGE_GRAPH) {
        graph_print(&b, g);
    } else {
        TRY(compile_target(c, o, &t));
        compile_lowering(o, &t, &options);
        if (l->stage == STAGE_FUSE) {
            TRY(print_fusion(c, g, k, &options, &b));
        } else {
            TRY(lower_cases(c, g, k, &options, &p));
            TRY(print_plan(c, p, l->stage, &b));
        }
    }
    fputs(strbuf_text(&b), stdout);
    return FRIT_OK;
}

frit_status cmd_opt(cx *c, const args *a) {
    cli_watch w;
    compile_options o;
    TRY(cli_compile_options(c, a, &w, &o));
    w.is_terminal = false;
    if (!o.cpu && !o.is_cuda) o.cpu = "x86-64-v3"; /* a fixed one: the text is the same on every machine */
    const char *given = args_text(a, OPT_PASSES);
    opt_list l = parse_list(c, given ? given : "");
    TRY(check_places(c, l.passes));
    TRY(check_list(c, a, &l));
    graph *g;
    size_case equal_sizes = {0};
    TRY(compile_read(c, a->files[0], &o, &g));
    frit_status status = run_passes(c, &l, &o, &g, &equal_sizes);
    if (status != FRIT_OK) {
        if (status != FRIT_USAGE) cx_prefix(c, a->files[0]);
        return status;
    }
    TRY(cli_check_dump(c, &w));
    if (args_has(a, OPT_TIME_PASSES)) cli_print_times(&w);
    if (args_has(a, OPT_PLAIN)) TRY(graph_plain(c, g, &g));
    if (args_has(a, OPT_PLAIN) && equal_sizes.g) TRY(graph_plain(c, equal_sizes.g, &equal_sizes.g));
    return print_stage(c, g, &equal_sizes, &l, &o);
}
