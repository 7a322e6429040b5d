/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* frit compile MODEL -o OUT.so */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "driver/cli.h"
#include "driver/model_dims.h"
#include "driver/report.h"

/* Says at once what would make writing fail at the end. */
static frit_status check_output(cx *c, const char *path) {
    if (path_is_dir(path)) return FAIL(c, IO, path, "is a directory, a file name is needed");
    const char *folder = path_dirname(c->scratch, path);
    if (!path_is_dir(folder)) return FAIL(c, IO, path, "the folder '%s' does not exist", folder);
    if (access(folder, W_OK))
        return FAIL(c, IO, path, "the folder '%s' cannot be written: %s", folder, strerror(errno));
    return FRIT_OK;
}

/* The artifact appears by a rename, which only a plain file allows. */
static frit_status check_artifact(cx *c, const args *a) {
    if (!args_has(a, OPT_OUTPUT))
        return FAIL(c, USAGE, NULL, "-o OUT.so is missing; usage: frit compile MODEL -o OUT.so");
    const char *path = args_text(a, OPT_OUTPUT);
    if (str_equal(path, "-"))
        return FAIL(c, USAGE, "-o -", "a shared object is a file: it cannot go to standard output");
    return path_is_special(path) ? FAIL(c, IO, path, "is not a regular file") : FRIT_OK;
}

/* Files that a compile writes, and the model: no two may be one file. */
typedef VEC(const char *) path_vec;

static frit_status add_path(cx *c, path_vec *paths, const char *path) {
    TRY(check_output(c, path));
    for (uint32_t i = 0; i < paths->n; i++)
        if (!path_is_special(path) && path_same(c->scratch, path, paths->at[i]))
            return FAIL(c, USAGE, path, i ? "two outputs would be written to this file" : "this is the model itself");
    vec_push(c->scratch, *paths, path);
    return FRIT_OK;
}

static frit_status check_outputs(cx *c, const args *a) {
    TRY(check_artifact(c, a));
    path_vec paths = {0};
    vec_push(c->scratch, paths, a->files[0]);
    TRY(add_path(c, &paths, args_text(a, OPT_OUTPUT)));
    const char *header = args_text(a, OPT_EMIT_HEADER);
    if (header && !str_equal(header, "-")) TRY(add_path(c, &paths, header));
    for (uint32_t i = 0; i < a->options[OPT_REPORT].n; i++) {
        const char *path = a->options[OPT_REPORT].at[i];
        if (*path && !str_equal(path, "-")) TRY(add_path(c, &paths, path));
    }
    return FRIT_OK;
}

static bool is_file(const char *path) { return *path && !str_equal(path, "-") && !path_is_special(path); }

static void note_written(cx *c, path_vec *written, const char *path) {
    if (is_file(path)) vec_push(c->job, *written, path);
}

/* What the user gave beside the names of outputs, as he could give it again. */
static const char *given_flags(cx *c, const args *a) {
    strbuf b = {.a = c->job};
    for (int i = 0; i < N_OPTIONS; i++) {
        bool is_output = i == OPT_OUTPUT || i == OPT_REPORT || i == OPT_EMIT_HEADER;
        for (uint32_t k = 0; k < a->options[i].n && !is_output; k++)
            strbuf_printf(&b, "%s%s", b.n ? " " : "", args_spelling(c->job, (opt_id)i, a->options[i].at[k]));
    }
    return strbuf_text(&b);
}

/* written: the files that are there. */
static frit_status write_outputs(cx *c, const args *a, const compile_options *o, const compiled *m, path_vec *written) {
    const char *header = args_text(a, OPT_EMIT_HEADER), *artifact = args_text(a, OPT_OUTPUT);
    TRY(compile_write(c, m, o, artifact));
    note_written(c, written, artifact);
    if (o->side_weights) note_written(c, written, arena_printf(c->job, "%s.weights", artifact));
    if (header) {
        strbuf b = {.a = c->job};
        header_print(&b, m, header);
        TRY(cli_write_text(c, header, strbuf_text(&b)));
        note_written(c, written, header);
    }
    report_head head = {a->files[0], given_flags(c, a)};
    const report *r = args_has(a, OPT_REPORT) ? report_new(c, m, &head) : NULL;
    for (uint32_t i = 0; i < a->options[OPT_REPORT].n; i++) {
        TRY(report_write(c, r, a->options[OPT_REPORT].at[i]));
        note_written(c, written, a->options[OPT_REPORT].at[i]);
    }
    return FRIT_OK;
}

/* All outputs or none: what was written before one failed goes. */
static frit_status write_all(cx *c, const args *a, const compile_options *o, const compiled *m) {
    path_vec written = {0};
    frit_status status = write_outputs(c, a, o, m, &written);
    for (uint32_t i = 0; status != FRIT_OK && i < written.n; i++) unlink(written.at[i]);
    return status;
}

/* What the model itself demands of its dims: "  only works with seq = 12, from /att/Reshape_4". */
static void say_bounds(arena *a, const graph *g) {
    for (sym_id s = 0; s < dim_n_syms(g->dims); s++) {
        const sym_info *info = dim_sym_info(g->dims, s);
        const char *low = model_dims_bound(a, info, true), *high = model_dims_bound(a, info, false);
        if ((!low && !high) || !model_dims_is_given(g, s)) continue;
        if (low) fprintf(stderr, "  only works with %s\n", str_printable(arena_strdup(a, low)));
        if (high && info->lo != info->hi)
            fprintf(stderr, "  only works with %s\n", str_printable(arena_strdup(a, high)));
    }
}

/* "bert.so: 418 MiB, 86 kernels, 1.3 s" for who looks at a terminal. */
static void say_result(cx *c, const compiled *m, const cli_watch *w, const char *path) {
    struct stat s;
    if (!w->is_terminal || stat(path, &s)) return;
    double seconds = 0;
    for (uint32_t i = 0; i < w->times.n; i++) seconds += w->times.at[i].seconds;
    cli_clear_progress(w);
    fprintf(stderr, "%s: %s, %u kernel%s, %.2g s\n", path, report_bytes(c->scratch, (double)s.st_size),
            m->plan->kernels.n, m->plan->kernels.n == 1 ? "" : "s", seconds);
    say_bounds(c->scratch, m->plan->iface);
}

/* What was asked for and is slow on this CPU. */
static void note_types(const compiled *m, const compile_options *o, const cli_watch *w) {
    const target *t = &m->target;
    if (!o->lowers_to_bf16 || t->kind != TARGET_CPU || t->has_bf16_dot || t->has_amx) return;
    cli_clear_progress(w);
    fprintf(
        stderr,
        "frit: note: %s has no instruction for products of bf16 (AVX512-BF16 or AMX): weights take half the memory, "
        "but products half the speed of f32 at most\n",
        t->cpu);
}

static frit_status compile(cx *c, const args *a, const compile_options *o, const cli_watch *w) {
    graph *g;
    compiled m;
    TRY(compile_read(c, a->files[0], o, &g));
    frit_status status = compile_graph(c, g, o, &m);
    if (status != FRIT_OK) {
        cx_prefix(c, a->files[0]);
        return status;
    }
    TRY(cli_check_dump(c, w));
    TRY(write_all(c, a, o, &m));
    note_types(&m, o, w);
    say_result(c, &m, w, args_text(a, OPT_OUTPUT));
    return FRIT_OK;
}

frit_status cmd_compile(cx *c, const args *a) {
    cli_watch w;
    compile_options o;
    TRY(check_outputs(c, a));
    TRY(cli_compile_options(c, a, &w, &o));
    frit_status status = compile(c, a, &o, &w);
    cli_clear_progress(&w);
    TRY(status);
    if (args_has(a, OPT_TIME_PASSES)) cli_print_times(&w);
    return FRIT_OK;
}
