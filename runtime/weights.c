/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Where the weights are: given by the caller, inside the artifact, or in a side file next to it, mapped read-only so
 * that processes and contexts share its pages. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "runtime/runtime.h"

enum { PATH_BYTES = 4096 };

/* The side file lies in the folder of the library that holds the plan. */
static bool side_path(const pf_header *h, char *out) {
    Dl_info here;
    if (!dladdr(h, &here) || !here.dli_fname) return false;
    const char *slash = strrchr(here.dli_fname, '/');
    int n_folder = slash ? (int)(slash - here.dli_fname) + 1 : 0;
    int n = snprintf(out, PATH_BYTES, "%.*s%s", n_folder, here.dli_fname, pf_string(h, h->weights_file));
    return n > 0 && n < PATH_BYTES;
}

static frit_status map_side(frit_context *x, int fd, const char *path, message m) {
    const pf_header *h = x->plan;
    struct stat st;
    uint64_t bytes = PF_SIDE_BYTES + h->weights_bytes;
    if (fstat(fd, &st)) return message_set(m, FRIT_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != bytes)
        return message_set(m, FRIT_FORMAT, "%s: is not the weights file of this artifact", path);
    void *at = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) return message_set(m, FRIT_IO, "%s: cannot be mapped: %s", path, strerror(errno));
    x->mapped_weights = at;
    const pf_side *side = at;
    bool is_ours = memcmp(side->magic, PF_SIDE_MAGIC, sizeof side->magic) == 0 &&
                   side->weights_bytes == h->weights_bytes && side->weights_id == h->weights_id;
    if (!is_ours) return message_set(m, FRIT_FORMAT, "%s: is not the weights file of this artifact", path);
    x->weights = (const char *)at + PF_SIDE_BYTES;
    return FRIT_OK;
}

/* Points x at its weights. */
static frit_status find(frit_context *x, const frit_options *o, message m) {
    char given[AMOUNT_TEXT], needed[AMOUNT_TEXT];
    const pf_header *h = x->plan;
    if (o->weights && o->weights_bytes != h->weights_bytes)
        return message_set(m, FRIT_SHAPE, "the weights given have %s, needed are %s",
                           amount_text(o->weights_bytes, given), amount_text(h->weights_bytes, needed));
    x->weights = o->weights ? o->weights : x->module->weights;
    if (x->weights || h->weights_bytes == 0) return FRIT_OK;
    if (!h->weights_file) {
        x->weights = (const char *)h + h->weights_delta;
        return FRIT_OK;
    }
    char path[PATH_BYTES];
    if (!side_path(h, path)) return message_set(m, FRIT_IO, "the folder of the weights file is not known");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return message_set(m, FRIT_IO, "%s: %s", path, strerror(errno));
    frit_status status = map_side(x, fd, path, m);
    close(fd);
    return status;
}

/* Weights that the caller brings, and those of a plan in this process, are what their owner says. */
frit_status weights_find(frit_context *x, const frit_options *o, message m) {
    const pf_header *h = x->plan;
    frit_status status = find(x, o, m);
    bool is_checked = status == FRIT_OK && o->check_weights && h->weights_bytes && !o->weights && !x->module->weights;
    if (!is_checked || content_id(x->weights, h->weights_bytes) == h->weights_id) return status;
    const char *file = pf_string(h, h->weights_file);
    return message_set(m, FRIT_FORMAT,
                       "%s%sthe weights are not those that frit wrote; copy them again or compile the model again",
                       file, *file ? ": " : "");
}

void weights_release(frit_context *x) {
    if (x->mapped_weights) munmap((void *)(uintptr_t)x->mapped_weights, PF_SIDE_BYTES + x->plan->weights_bytes);
}
