/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The CUDA driver, opened when first needed: libcuda.so.1 comes with the GPU's driver, never with an artifact.
 * Prototypes are our own, so that no CUDA header is needed to build frit. */
#ifndef FRIT_RUNTIME_CUDA_API_H
#define FRIT_RUNTIME_CUDA_API_H

#include <stdbool.h>
#include <stddef.h>

typedef int cuda_result; /* CUresult, 0 is success */
typedef unsigned long long cuda_pointer;

/* Row: CUDA_FUNCTION(field, symbol, parameters). */
#define CUDA_FUNCTIONS(X)                                                                                              \
    X(init, "cuInit", (unsigned))                                                                                      \
    X(driver_version, "cuDriverGetVersion", (int *))                                                                   \
    X(error_text, "cuGetErrorString", (cuda_result, const char **))                                                    \
    X(device_get, "cuDeviceGet", (int *, int))                                                                         \
    X(device_attribute, "cuDeviceGetAttribute", (int *, int, int))                                                     \
    X(context_current, "cuCtxGetCurrent", (void **))                                                                   \
    X(context_device, "cuCtxGetDevice", (int *))                                                                       \
    X(context_set, "cuCtxSetCurrent", (void *))                                                                        \
    X(primary_retain, "cuDevicePrimaryCtxRetain", (void **, int))                                                      \
    X(primary_release, "cuDevicePrimaryCtxRelease_v2", (int))                                                          \
    X(module_load, "cuModuleLoadData", (void **, const void *))                                                        \
    X(module_unload, "cuModuleUnload", (void *))                                                                       \
    X(module_function, "cuModuleGetFunction", (void **, void *, const char *))                                         \
    X(function_set, "cuFuncSetAttribute", (void *, int, int))                                                          \
    X(memory_alloc, "cuMemAlloc_v2", (cuda_pointer *, size_t))                                                         \
    X(memory_free, "cuMemFree_v2", (cuda_pointer))                                                                     \
    X(copy_to, "cuMemcpyHtoDAsync_v2", (cuda_pointer, const void *, size_t, void *))                                   \
    X(copy_from, "cuMemcpyDtoHAsync_v2", (void *, cuda_pointer, size_t, void *))                                       \
    X(copy_within, "cuMemcpyDtoDAsync_v2", (cuda_pointer, cuda_pointer, size_t, void *))                               \
    X(stream_wait, "cuStreamSynchronize", (void *))                                                                    \
    X(launch, "cuLaunchKernel",                                                                                        \
      (void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **))

typedef struct cuda_api {
    void *library; /* handle of dlopen */
#define CUDA_FIELD(field, symbol, parameters) cuda_result(*field) parameters;
    CUDA_FUNCTIONS(CUDA_FIELD)
#undef CUDA_FIELD
} cuda_api;

enum { CUDA_ATTRIBUTE_MAJOR = 75, CUDA_ATTRIBUTE_MINOR = 76, CUDA_FUNCTION_SHARED_BYTES = 8 };

/* Opens the driver. False when there is none or it is too old, with the reason in text (room bytes). */
bool cuda_api_open(cuda_api *out, char *text, size_t room);
void cuda_api_close(cuda_api *api);
/* What result means, never NULL. */
const char *cuda_api_text(const cuda_api *api, cuda_result result);

#endif
