/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files: read-only mappings, writing by temporary name and rename, and paths that may not leave a folder. */
#ifndef FRIT_BASE_FILE_H
#define FRIT_BASE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/diag.h"

/* A read-only mapping of a whole file. data is valid (non-NULL) even for an empty file. */
typedef struct mapped_file {
    const char *path;
    const uint8_t *data;
    size_t bytes;
} mapped_file;
typedef VEC(mapped_file) mapped_files;

/* Maps path. Errors: FRIT_IO with the path and the reason (directory, missing, unreadable). */
frit_status file_map(cx *c, const char *path, mapped_file *out);
void file_unmap(mapped_file *f);

/* Output that appears under its name only when complete. On any failure, or if never committed, nothing is left. */
typedef struct file_writer {
    FILE *stream;
    const char *path; /* final name */
    char *temporary;  /* name in the same folder, registered for removal at a fatal signal */
    int slot;         /* index in the removal table, -1 none */
} file_writer;
frit_status file_begin(cx *c, const char *path, file_writer *out);
frit_status file_write(cx *c, file_writer *w, const void *data, size_t bytes);
frit_status file_commit(cx *c, file_writer *w); /* flush, fsync-less close, rename; checks every error */
void file_abort(file_writer *w);                /* closes and removes; no-op after commit */
void file_remove_temporaries(void);             /* async-signal-safe: unlinks all registered temporaries */

/* The file of a relative name, taken from the untrusted file `file`, in the folder of that. Where `file` is a link, as
 * in caches that keep contents apart from names, the folder of its target will do as well. out: resolved, in c->job.
 * Errors: FRIT_FORMAT when name is absolute, holds "..", or resolves (links followed) to anywhere else; FRIT_IO when
 * there is no such file. */
frit_status path_beside(cx *c, const char *file, const char *name, char **out);
char *path_dirname(arena *a, const char *path);
const char *path_basename(const char *path);
bool path_is_dir(const char *path);
bool path_is_special(const char *path); /* a FIFO, device or socket */
/* Whether both name one file, which need not exist yet. */
bool path_same(arena *a, const char *path, const char *other);
frit_status path_make_dir(cx *c, const char *path); /* mkdir -p */

#endif
