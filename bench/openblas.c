/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which kernels an OpenBLAS has picked for this CPU. It knows CPUs by family and model: one that is newer than itself gets
 * kernels of the lowest level that it has (Prescott: SSE3), a sixth of the speed. */
#include "bench/peers.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

/* Cores whose kernels have fused multiply-adds on vectors of 32 bytes or more. */
static const char *const modern_cores[] = {"Haswell",        "Zen",          "Excavator", "SkylakeX", "Cooperlake",
                                           "SapphireRapids", "GraniteRapids"};

int openblas_core_suits(const char *core, uint32_t vector_bytes) {
    for (size_t i = 0; i < sizeof modern_cores / sizeof *modern_cores; i++)
        if (strcmp(modern_cores[i], core) == 0) return 1;
    return vector_bytes <= 16;
}

static uint32_t widest_vector(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return 64;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 32 : 16;
#else
    return 16;
#endif
}

const char *openblas_kernels(void) {
    static char text[256];
    snprintf(text, sizeof text, "OpenBLAS, its kernels for %s", openblas_get_corename());
    return text;
}

int openblas_knows_cpu(void) { return openblas_core_suits(openblas_get_corename(), widest_vector()); }
