/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Finds the functions of the CUDA driver. */
#include "runtime/cuda_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef struct wanted {
    size_t offset; /* of the field in cuda_api */
    const char *symbol;
} wanted;

static const wanted functions[] = {
#define CUDA_WANTED(field, symbol, parameters) {offsetof(cuda_api, field), symbol},
    CUDA_FUNCTIONS(CUDA_WANTED)
#undef CUDA_WANTED
};

bool cuda_api_open(cuda_api *out, char *text, size_t room) {
    *out = (cuda_api){.library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)};
    if (!out->library) {
        snprintf(text, room, "no NVIDIA driver on this machine (libcuda.so.1 was not found); it needs a GPU");
        return false;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *f = dlsym(out->library, functions[i].symbol);
        if (!f) {
            snprintf(text, room, "the NVIDIA driver is too old: it has no %s", functions[i].symbol);
            cuda_api_close(out);
            return false;
        }
        memcpy((char *)out + functions[i].offset, &f, sizeof f);
    }
    cuda_result r = out->init(0);
    if (r == 0) return true;
    snprintf(text, room, "the NVIDIA driver cannot start: %s", cuda_api_text(out, r));
    cuda_api_close(out);
    return false;
}

void cuda_api_close(cuda_api *api) {
    if (api->library) dlclose(api->library);
    api->library = NULL;
}

const char *cuda_api_text(const cuda_api *api, cuda_result result) {
    const char *text = NULL;
    api->error_text(result, &text);
    return text ? text : "unknown error";
}
