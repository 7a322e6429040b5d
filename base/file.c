/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files over POSIX. The table of temporaries is the one process-wide object of base: a signal handler has to find
 * them without being told where they are. */
#define _GNU_SOURCE /* realpath, O_CLOEXEC */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

/* --- mapping --- */

frit_status file_map(cx *c, const char *path, mapped_file *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (fd < 0) return FAIL(c, IO, path, "%s", strerror(errno));
    struct stat st;
    frit_status status = FRIT_OK;
    void *data = NULL;
    if (fstat(fd, &st))
        status = FAIL(c, IO, path, "%s", strerror(errno));
    else if (S_ISDIR(st.st_mode))
        status = FAIL(c, IO, path, "is a directory, a file is needed");
    else if (!S_ISREG(st.st_mode))
        status = FAIL(c, IO, path, "is not a regular file");
    else if (st.st_size > 0) {
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) status = FAIL(c, IO, path, "cannot be mapped: %s", strerror(errno));
    }
    close(fd);
    TRY(status);
    static const uint8_t nothing[1] = {0};
    *out = (mapped_file){arena_strdup(c->job, path), data ? data : nothing, (size_t)st.st_size};
    return FRIT_OK;
}

void file_unmap(mapped_file *f) {
    if (f->bytes) munmap((void *)(uintptr_t)f->data, f->bytes);
    *f = (mapped_file){0};
}

/* --- writing --- */

enum { N_SLOTS = 32 };
enum slot_state { SLOT_FREE, SLOT_CLAIMED, SLOT_LIVE };
typedef struct temporary_slot {
    atomic_int state; /* enum slot_state; path is read by others only while SLOT_LIVE */
    char path[PATH_MAX];
} temporary_slot;
static temporary_slot slots[N_SLOTS];
static atomic_uint n_temporaries; /* makes names unique within the process */

static int slot_claim(const char *path) {
    if (strlen(path) >= PATH_MAX) return -1;
    for (int i = 0; i < N_SLOTS; i++) {
        int expected = SLOT_FREE;
        if (!atomic_compare_exchange_strong(&slots[i].state, &expected, SLOT_CLAIMED)) continue;
        memcpy(slots[i].path, path, strlen(path) + 1);
        atomic_store(&slots[i].state, SLOT_LIVE);
        return i;
    }
    return -1;
}

static void slot_release(int slot) {
    if (slot >= 0) atomic_store(&slots[slot].state, SLOT_FREE);
}

void file_remove_temporaries(void) {
    for (int i = 0; i < N_SLOTS; i++)
        if (atomic_load(&slots[i].state) == SLOT_LIVE) unlink(slots[i].path);
}

/* Opens a fresh temporary next to path. */
static frit_status open_temporary(cx *c, const char *path, file_writer *w) {
    char *folder = path_dirname(c->job, path);
    for (int attempt = 0; attempt < 100; attempt++) {
        unsigned serial = atomic_fetch_add(&n_temporaries, 1);
        w->temporary = arena_printf(c->job, "%s/.frit-%ld-%u.tmp", folder, (long)getpid(), serial);
        w->slot = slot_claim(w->temporary); /* before the file exists: a signal in between finds nothing to unlink */
        int fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            w->stream = fdopen(fd, "wb");
            return FRIT_OK;
        }
        slot_release(w->slot);
        w->slot = -1;
        if (errno != EEXIST) break;
    }
    return FAIL(c, IO, path, "cannot be written: %s", strerror(errno));
}

frit_status file_begin(cx *c, const char *path, file_writer *out) {
    *out = (file_writer){.slot = -1};
    if (!*path) return FAIL(c, IO, NULL, "the output path is empty");
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode)) return FAIL(c, IO, path, "is a directory, an output file is needed");
    char real[PATH_MAX];
    out->path = arena_strdup(c->job, exists && realpath(path, real) ? real : path); /* write through a symlink */
    if (exists && !S_ISREG(st.st_mode)) {
        out->stream = fopen(path, "wbe"); /* a device or pipe cannot be renamed over */
    } else {
        TRY(open_temporary(c, out->path, out));
    }
    if (out->stream) return FRIT_OK;
    frit_status status = FAIL(c, IO, path, "cannot be written: %s", strerror(errno));
    file_abort(out);
    return status;
}

frit_status file_write(cx *c, file_writer *w, const void *data, size_t bytes) {
    if (bytes == 0 || fwrite(data, 1, bytes, w->stream) == bytes) return FRIT_OK;
    return FAIL(c, IO, w->path, "cannot be written: %s", strerror(errno));
}

frit_status file_commit(cx *c, file_writer *w) {
    errno = 0;
    bool failed = ferror(w->stream) || fflush(w->stream);
    int reason = errno;
    if (fclose(w->stream) && !failed) failed = true, reason = errno;
    w->stream = NULL;
    if (!failed && w->temporary && rename(w->temporary, w->path)) failed = true, reason = errno;
    if (!failed) {
        slot_release(w->slot);
        w->temporary = NULL;
        w->slot = -1;
        return FRIT_OK;
    }
    frit_status status = FAIL(c, IO, w->path, "cannot be written: %s", reason ? strerror(reason) : "write error");
    file_abort(w);
    return status;
}

void file_abort(file_writer *w) {
    if (w->stream) fclose(w->stream);
    if (w->temporary) unlink(w->temporary);
    slot_release(w->slot);
    *w = (file_writer){.slot = -1};
}

/* --- paths --- */

char *path_dirname(arena *a, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return arena_strdup(a, ".");
    return slash == path ? arena_strdup(a, "/") : arena_strndup(a, path, (size_t)(slash - path));
}

const char *path_basename(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool path_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Where a file of that name is or would be: its folder without links, and its own name. */
static bool real_place(arena *a, const char *path, const char **out) {
    char real[PATH_MAX];
    if (realpath(path, real)) return *out = arena_strdup(a, real), true;
    if (!realpath(path_dirname(a, path), real)) return false;
    *out = arena_printf(a, "%s/%s", real, path_basename(path));
    return true;
}

bool path_same(arena *a, const char *path, const char *other) {
    const char *first, *second;
    return real_place(a, path, &first) && real_place(a, other, &second) && str_equal(first, second);
}

bool path_is_special(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static bool has_dotdot(const char *name) {
    for (const char *p = name; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') return true;
        p += n + (p[n] == '/');
    }
    return false;
}

/* Whether the resolved path lies in the folder, resolved too, or below. */
static bool is_below(const char *real, const char *real_folder) {
    size_t n = strlen(real_folder);
    return n == 1 || (strncmp(real, real_folder, n) == 0 && real[n] == '/');
}

frit_status path_beside(cx *c, const char *file, const char *name, char **out) {
    const char *folder = path_dirname(c->job, file);
    if (!*name) return FAIL(c, FORMAT, folder, "the file name is empty");
    if (*name == '/' || has_dotdot(name)) return FAIL(c, FORMAT, name, "names a file outside the model's folder");
    char *joined = arena_printf(c->job, "%s/%s", folder, name);
    char real_folder[PATH_MAX], real_file[PATH_MAX], real[PATH_MAX];
    if (!realpath(folder, real_folder)) return FAIL(c, IO, folder, "%s", strerror(errno));
    if (!realpath(joined, real)) return FAIL(c, IO, joined, "%s", strerror(errno));
    bool is_fine = is_below(real, real_folder);
    if (!is_fine && realpath(file, real_file)) is_fine = is_below(real, path_dirname(c->job, real_file));
    if (!is_fine)
        return FAIL(c, FORMAT, name, "is a link to a file outside the model's folder; copy that file into the folder");
    *out = arena_strdup(c->job, real); /* the checked path itself: later changes of links do not matter */
    return FRIT_OK;
}

frit_status path_make_dir(cx *c, const char *path) {
    char *copy = arena_strdup(c->job, path);
    for (char *p = copy + 1;; p++) {
        if (*p && *p != '/') continue;
        char end = *p;
        *p = 0;
        if (*copy && mkdir(copy, 0777) && errno != EEXIST) return FAIL(c, IO, copy, "%s", strerror(errno));
        *p = end;
        if (!end) break;
    }
    return path_is_dir(path) ? FRIT_OK : FAIL(c, IO, path, "is not a directory");
}
