/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the commands share: compile options from the command line, and somebody who watches a compile for the user. */
#ifndef FRIT_DRIVER_CLI_H
#define FRIT_DRIVER_CLI_H

#include "driver/cmds.h"
#include "driver/compile.h"
#include "runtime/loader.h"

/* One finished stage, for --time-passes. */
typedef struct cli_time {
    const char *stage;
    double seconds;
} cli_time;

/* Shows progress on a terminal, prints the graph that --dump-after asks for, and notes times. */
typedef struct cli_watch {
    arena *a;
    const char *dump_after; /* NULL none */
    bool has_dumped;
    bool is_terminal; /* stderr is one */
    VEC(cli_time) times;
} cli_watch;

/* Compile options from those of the command line; what the command does not take has its default. In c->job; w may be
 * NULL. Errors: FRIT_USAGE; FRIT_UNSUPPORTED for what is not built yet; those of reading --const files. */
frit_status cli_compile_options(cx *c, const args *a, cli_watch *w, compile_options *out);
/* A tensor from a .npy file or a TensorProto .pb. */
frit_status cli_read_const(cx *c, const char *path, const_data *out);
/* FRIT_USAGE when the passes are through and the one of --dump-after was not among them. */
frit_status cli_check_dump(cx *c, const cli_watch *w);
void cli_clear_progress(const cli_watch *w);
void cli_print_times(const cli_watch *w); /* to stderr */

/* open_artifact.c: path's artifact, loaded: the file itself where it is one, else what the model in it compiles to,
 * with the compile options that the command takes. Errors: those of loader_open and compile_file. */
frit_status cli_open_artifact(cx *c, const args *a, const char *path, loaded_artifact *out);
note_trust cli_trust(const args *a); /* what --trust says */
/* g compiled by way of a file, for code that only runs from one. */
frit_status cli_open_graph(cx *c, graph *g, const compile_options *o, loaded_artifact *out);

/* header.c: a C header of the model's interface; path gives its names. */
void header_print(strbuf *b, const compiled *m, const char *path);
/* Writes text to path, "-" is stdout. */
frit_status cli_write_text(cx *c, const char *path, const char *text);

#endif
