/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The floating-point control word: kernels are made for round-to-nearest, no flush to zero, no traps. */
#ifndef FRIT_RUNTIME_FP_STATE_H
#define FRIT_RUNTIME_FP_STATE_H

#include <stdint.h>

#if defined(__x86_64__)
static inline uint32_t fp_enter(void) {
    uint32_t before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(0x1f80); /* all exceptions masked, nearest, denormals kept */
    return before;
}
/* Puts back control and sticky flags: a call leaves no trace. */
static inline void fp_leave(uint32_t before) { __builtin_ia32_ldmxcsr(before); }
#elif defined(__aarch64__)
static inline uint32_t fp_enter(void) {
    uint64_t before, plain = 0;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" ::"r"(plain));
    return (uint32_t)before;
}
static inline void fp_leave(uint32_t before) {
    uint64_t wide = before;
    __asm__ volatile("msr fpcr, %0" ::"r"(wide));
}
#endif

#endif
