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

frit_status cli_open_artifact(cx *c, const args *a, const char *path, loaded_artifact *out) {
    if (is_artifact(c, path)) return loader_open(c, path, cli_trust(a), out);
    const char *root = getenv("TMPDIR");
    char *folder = arena_printf(c->job, "%s/frit-XXXXXX", root && *root ? root : "/tmp");
    if (!mkdtemp(folder)) return FAIL(c, IO, folder, "cannot be made: %s", strerror(errno));
    const char *so = arena_printf(c->job, "%s/model.so", folder);
    if (isatty(2))
        fprintf(stderr, "frit: compiling %s for this run; frit compile %s -o FILE.so keeps it\n", path, path);
    frit_status status = compile_to(c, a, path, so);
    if (status == FRIT_OK) status = loader_open(c, so, NOTE_TRUST_WEIGHTS, out); /* written just now */
    unlink(so);                                                                  /* what is loaded stays */
    rmdir(folder);
    return status;
}
