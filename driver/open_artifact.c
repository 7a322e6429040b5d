/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Commands that run an artifact also take a model: it is compiled to a file that lives until it is loaded. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/cli.h"
#include "runtime/loader.h"

/* Whether path is something to load: an ELF file, or one that is not there, which the loader says best. */
static bool is_artifact(cx *c, const char *path) {
    cx trial = {.job = c->job, .scratch = c->scratch};
    mapped_file f;
    if (file_map(&trial, path, &f) != FRIT_OK) return true;
    bool is_elf = note_is_elf(&f);
    file_unmap(&f);
    return is_elf;
}

note_trust cli_trust(const args *a) { return args_has(a, OPT_TRUST) ? NOTE_TRUST_WEIGHTS : NOTE_TRUST_NOTHING; }

/* For any dims: what --dim says to these commands is the size of the call. */
static frit_status compile_to(cx *c, const args *a, const char *path, const char *out_path) {
    cli_watch w;
    compile_options o;
    args of_compile = *a;
    of_compile.options[OPT_DIM].n = 0;
    TRY(cli_compile_options(c, &of_compile, &w, &o));
    frit_status status = compile_file(c, path, &o, out_path);
    cli_clear_progress(&w);
    return status;
}

/* A folder of this process's own for a file called model.so. */
static frit_status make_folder(cx *c, char **out_folder, const char **out_so) {
    const char *root = getenv("TMPDIR");
    char *folder = arena_printf(c->job, "%s/frit-XXXXXX", root && *root ? root : "/tmp");
    if (!mkdtemp(folder)) return FAIL(c, IO, folder, "cannot be made: %s", strerror(errno));
    *out_folder = folder;
    *out_so = arena_printf(c->job, "%s/model.so", folder);
    return FRIT_OK;
}

/* What is loaded stays when its file is gone. */
static void remove_folder(const char *folder, const char *so) {
    unlink(so);
    rmdir(folder);
}

frit_status cli_open_artifact(cx *c, const args *a, const char *path, loaded_artifact *out) {
    char *folder;
    const char *so;
    if (is_artifact(c, path)) return loader_open(c, path, cli_trust(a), out);
    TRY(make_folder(c, &folder, &so));
    if (isatty(2))
        fprintf(stderr, "frit: compiling %s for this run; frit compile %s -o FILE.so keeps it\n", path, path);
    frit_status status = compile_to(c, a, path, so);
    if (status == FRIT_OK) status = loader_open(c, so, NOTE_TRUST_WEIGHTS, out); /* written just now */
    remove_folder(folder, so);
    return status;
}

frit_status cli_open_graph(cx *c, graph *g, const compile_options *o, loaded_artifact *out) {
    char *folder;
    const char *so;
    compiled m;
    TRY(compile_graph(c, g, o, &m));
    TRY(make_folder(c, &folder, &so));
    frit_status status = compile_write(c, &m, o, so);
    if (status == FRIT_OK) status = loader_open(c, so, NOTE_TRUST_WEIGHTS, out);
    remove_folder(folder, so);
    return status;
}
