/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loads an artifact after a look at its note, so that what dlopen would say cryptically, or do fatally, is said first.
 */
#include "runtime/loader.h"

#include <dlfcn.h>
#include <string.h>

/* why: of dlopen, which names the library that is missing. */
static frit_status load_failed(cx *c, const char *path, const pf_header *h, const char *why) {
    bool is_openblas = strcmp(pf_string(h, h->libraries), PF_OPENBLAS) == 0 && strstr(why, PF_OPENBLAS);
    if (is_openblas)
        return FAIL(c, TARGET, path,
                    "needs " PF_OPENBLAS " (Debian's package libopenblas0), as --blas=openblas asked: %s", why);
    return FAIL(c, FORMAT, path, "cannot be loaded: %s", why);
}

frit_status loader_open(cx *c, const char *path, note_trust trust, loaded_artifact *out) {
    *out = (loaded_artifact){0};
    TRY(note_read(c, path, trust, &out->note));
    if (!out->note.is_native) return FAIL(c, TARGET, path, "is made for %s, not for this machine", out->note.machine);
    /* Without a slash dlopen would search the library path. */
    const char *name = strchr(path, '/') ? path : arena_printf(c->job, "./%s", path);
    out->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!out->handle) return load_failed(c, path, out->note.plan, dlerror());
    void *symbol = dlsym(out->handle, FRIT_ARTIFACT_SYMBOL);
    frit_artifact_table_fn *entry;
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from object to function pointers */
    out->table = symbol ? entry(FRIT_ARTIFACT_ABI) : NULL;
    if (out->table) return FRIT_OK;
    loader_close(out);
    return FAIL(c, UNSUPPORTED, path, "speaks another version of the artifact interface; compile it again");
}

void loader_close(loaded_artifact *a) {
    if (a->handle) dlclose(a->handle);
    a->handle = NULL, a->table = NULL;
}
