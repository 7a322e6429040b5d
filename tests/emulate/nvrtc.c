/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* NVRTC without CUDA, as libnvrtc.so.13: a cubin is the text itself (tests/emulate/image.h), for the driver of
 * tests/emulate/driver.c. With FRIT_EMULATED_TEXTS=DIR each text is left there too, as TAG.cu, so that the driver can
 * compile all of them together. May be called from several threads. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/emulate/image.h"

typedef int result;
enum { SUCCESS = 0, INVALID_INPUT = 3 };
typedef struct program {
    char *text;
} program;

result nvrtcVersion(int *major, int *minor) {
    *major = 13, *minor = 0;
    return SUCCESS;
}

const char *nvrtcGetErrorString(result r) { return r == SUCCESS ? "success" : "invalid input"; }

result nvrtcCreateProgram(program **out, const char *source, const char *name, int n_headers,
                          const char *const *headers, const char *const *include_names) {
    (void)name, (void)headers, (void)include_names;
    if (n_headers) return INVALID_INPUT;
    *out = malloc(sizeof **out);
    (*out)->text = strdup(source);
    return SUCCESS;
}

result nvrtcCompileProgram(program *p, int n_options, const char *const *options) {
    const char *dir = getenv("FRIT_EMULATED_TEXTS");
    char tag[IMAGE_TAG_BYTES], path[4000], written[4100];
    (void)n_options, (void)options;
    if (!dir) return SUCCESS;
    image_tag(p->text, tag);
    snprintf(path, sizeof path, "%s/%s.cu", dir, tag);
    if (access(path, F_OK) == 0) return SUCCESS;
    snprintf(written, sizeof written, "%s.%d.%p.tmp", path, (int)getpid(), (void *)p);
    FILE *f = fopen(written, "w");
    if (!f) return INVALID_INPUT;
    fputs(p->text, f);
    fclose(f);
    return rename(written, path) == 0 ? SUCCESS : INVALID_INPUT;
}

result nvrtcGetCUBINSize(const program *p, size_t *out) {
    *out = strlen(IMAGE_MAGIC) + strlen(p->text) + 1;
    return SUCCESS;
}

result nvrtcGetCUBIN(const program *p, char *out) {
    memcpy(out, IMAGE_MAGIC, strlen(IMAGE_MAGIC));
    memcpy(out + strlen(IMAGE_MAGIC), p->text, strlen(p->text) + 1);
    return SUCCESS;
}

result nvrtcGetProgramLogSize(const program *p, size_t *out) {
    (void)p;
    *out = 0;
    return SUCCESS;
}

result nvrtcGetProgramLog(const program *p, char *out) {
    (void)p, (void)out;
    return INVALID_INPUT;
}

result nvrtcDestroyProgram(program **p) {
    free((*p)->text);
    free(*p);
    *p = NULL;
    return SUCCESS;
}
