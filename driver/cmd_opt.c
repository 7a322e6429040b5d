/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit opt FILE.fir -p PASS,...: text in, text out. `lower` as the last pass prints the plan and its kernels. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "driver/cli.h"
#include "passes/plan/cases.h"

static void print_graph(cx *c, const graph *g) {
    strbuf b = {.a = c->job};
    graph_print(&b, g);
    fputs(strbuf_text(&b), stdout);
}

static frit_status print_plan(cx *c, graph *g, size_case *equal_sizes, const compile_options *o) {
    target t;
    plan *p;
    if (o->is_cuda)
        TRY(target_cuda(c, "sm_90a", &t));
    else
        TRY(target_cpu(c, o->cpu ? o->cpu : "x86-64-v3", &t)); /* a fixed one: the text is the same on every machine */
    lower_options options = {.t = &t, .calls_openblas = o->calls_openblas};
    TRY(lower_cases(c, g, equal_sizes, &options, &p));
    strbuf b = {.a = c->job};
    plan_print(&b, p);
    for (uint32_t i = 0; i < p->kernels.n; i++) {
        strbuf_addc(&b, '\n');
        kernel_print(&b, p->kernels.at[i]);
    }
    fputs(strbuf_text(&b), stdout);
    return FRIT_OK;
}

static void after(void *data, const char *pass, const graph *g, double seconds) {
    const compile_watch *tell = data;
    tell->done(tell->data, pass, seconds);
    tell->graph(tell->data, pass, g);
}

frit_status cmd_opt(cx *c, const args *a) {
    cli_watch w;
    compile_options o;
    TRY(cli_compile_options(c, a, &w, &o));
    w.is_terminal = false;
    char *list = arena_strdup(c->job, args_has(a, OPT_PASSES) ? args_text(a, OPT_PASSES) : "");
    size_t n = strlen(list);
    bool is_lowered = str_equal(list, "lower") || str_ends(list, ",lower");
    if (is_lowered) list[n - strlen("lower")] = 0;
    graph *g;
    TRY(compile_read(c, a->files[0], &o, &g));
    pipeline_options p = {.is_verified = true, .after = after, .data = &o.watch};
    size_case equal_sizes = {0};
    if (is_lowered) TRY(case_of_equal_sizes(c, g, &equal_sizes));
    frit_status status = pipeline_run_list(c, g, list, &p, &g);
    if (status == FRIT_OK && equal_sizes.g) status = pipeline_run_list(c, equal_sizes.g, list, &p, &equal_sizes.g);
    if (status != FRIT_OK) {
        if (status != FRIT_USAGE) cx_prefix(c, a->files[0]);
        return status;
    }
    TRY(cli_check_dump(c, &w));
    if (args_has(a, OPT_TIME_PASSES)) cli_print_times(&w);
    if (args_has(a, OPT_PLAIN)) TRY(graph_plain(c, g, &g));
    if (is_lowered) return print_plan(c, g, &equal_sizes, &o);
    print_graph(c, g);
    return FRIT_OK;
}
