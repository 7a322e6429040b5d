// CUDA on the CPU: blocks one after the other, the threads of a block as fibers that switch at barriers and shuffles.
// Generated kernels are compiled behind this header; FRIT_EMULATE selects the plain definitions of their prelude.
#ifndef FRIT_TESTS_EMULATE_CUDA_H
#define FRIT_TESTS_EMULATE_CUDA_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define FRIT_EMULATE 1
#define __global__   static
#define __device__
#define __shared__      static
#define __forceinline__ inline
#define __launch_bounds__(n)
#define __align__(n) __attribute__((aligned(n)))
#undef INFINITY
#undef NAN
#define INFINITY __builtin_inff()
#define NAN      __builtin_nanf("")

struct emulate_index {
    unsigned x, y, z;
};
static emulate_index threadIdx, blockIdx;

enum emulate_state { READY, AT_BARRIER, AT_WARP, DONE };
struct emulate_thread {
    ucontext_t context;
    emulate_state state;
    unsigned group; // AT_WARP: the threads of the warp that are waited for
    uint64_t slot;  // what a shuffle offers
    char *stack;
};
enum { EMULATE_MAX_THREADS = 1024, EMULATE_STACK = 128 * 1024 };
static emulate_thread emulate_threads[EMULATE_MAX_THREADS];
static ucontext_t emulate_scheduler;
static void (*emulate_body)(void **, const long long *);
static void **emulate_buffers;
static const long long *emulate_dims;
static unsigned emulate_n;
alignas(128) static unsigned char emulate_shared[256 * 1024];

static unsigned char *shared_memory() { return emulate_shared; }

static void emulate_wait(emulate_state state, unsigned group) {
    emulate_thread *t = &emulate_threads[threadIdx.x];
    t->state = state;
    t->group = group;
    swapcontext(&t->context, &emulate_scheduler);
}

static void __syncthreads() { emulate_wait(AT_BARRIER, 0); }

static void __syncwarp(unsigned group) { emulate_wait(AT_WARP, group); }

template <typename T> static T emulate_shuffle(unsigned group, T x, unsigned lane) {
    const unsigned self = threadIdx.x;
    uint64_t bits = 0;
    memcpy(&bits, &x, sizeof x);
    emulate_threads[self].slot = bits;
    emulate_wait(AT_WARP, group);
    bits = emulate_threads[(self & ~31u) + (lane < 32 ? lane : self & 31)].slot;
    emulate_wait(AT_WARP, group);
    memcpy(&x, &bits, sizeof x);
    return x;
}

template <typename T> static T __shfl_down_sync(unsigned group, T x, unsigned distance) {
    return emulate_shuffle(group, x, (threadIdx.x & 31) + distance);
}

template <typename T> static T __shfl_sync(unsigned group, T x, unsigned from) {
    return emulate_shuffle(group, x, from & 31);
}

static float emulate_f16_to_float(unsigned short bits) {
    _Float16 h;
    memcpy(&h, &bits, sizeof h);
    return (float)h;
}

static unsigned short emulate_float_to_f16(float x) {
    const _Float16 h = (_Float16)x;
    unsigned short bits;
    memcpy(&bits, &h, sizeof bits);
    return bits;
}

static void emulate_entry() {
    emulate_body(emulate_buffers, emulate_dims);
    emulate_threads[threadIdx.x].state = DONE;
    swapcontext(&emulate_threads[threadIdx.x].context, &emulate_scheduler);
}

static void emulate_resume(unsigned i) {
    threadIdx.x = i;
    emulate_threads[i].state = READY;
    swapcontext(&emulate_scheduler, &emulate_threads[i].context);
}

// All threads of the group of thread i wait for each other.
static bool emulate_warp_is_complete(unsigned i) {
    const unsigned group = emulate_threads[i].group;
    for (unsigned lane = 0; lane < 32; lane++) {
        const unsigned j = (i & ~31u) + lane;
        if (!(group >> lane & 1) || j >= emulate_n) continue;
        if (emulate_threads[j].state == DONE) continue;
        if (emulate_threads[j].state != AT_WARP || emulate_threads[j].group != group) return false;
    }
    return true;
}

// Lets threads on that nothing holds back; false when none could go on.
static bool emulate_step() {
    bool moved = false;
    bool may_pass[EMULATE_MAX_THREADS];
    for (unsigned i = 0; i < emulate_n; i++) {
        const emulate_state s = emulate_threads[i].state;
        may_pass[i] = s == READY || (s == AT_WARP && emulate_warp_is_complete(i));
    }
    for (unsigned i = 0; i < emulate_n; i++) {
        if (!may_pass[i]) continue;
        emulate_resume(i);
        moved = true;
    }
    if (moved) return true;
    for (unsigned i = 0; i < emulate_n; i++)
        if (emulate_threads[i].state == AT_WARP) return false; // waits for threads at another place
    for (unsigned i = 0; i < emulate_n; i++) {
        if (emulate_threads[i].state != AT_BARRIER) continue;
        emulate_resume(i);
        moved = true;
    }
    return moved;
}

// When the code is unloaded, its threads' stacks go.
__attribute__((destructor)) static void emulate_end(void) {
    for (unsigned i = 0; i < EMULATE_MAX_THREADS; i++) free(emulate_threads[i].stack);
}

// 0, or 1 when threads wait for each other for ever.
static int emulate_launch(void (*body)(void **, const long long *), long long blocks, unsigned threads, void **buffers,
                          const long long *dims) {
    emulate_body = body;
    emulate_buffers = buffers;
    emulate_dims = dims;
    emulate_n = threads;
    for (long long block = 0; block < blocks; block++) {
        blockIdx.x = (unsigned)block;
        memset(emulate_shared, 0x7f, sizeof emulate_shared);
        for (unsigned i = 0; i < threads; i++) {
            emulate_thread *t = &emulate_threads[i];
            if (!t->stack) t->stack = (char *)malloc(EMULATE_STACK);
            getcontext(&t->context);
            t->context.uc_stack.ss_sp = t->stack;
            t->context.uc_stack.ss_size = EMULATE_STACK;
            t->context.uc_link = NULL;
            makecontext(&t->context, emulate_entry, 0);
            t->state = READY;
        }
        while (emulate_step()) {
        }
        for (unsigned i = 0; i < threads; i++)
            if (emulate_threads[i].state != DONE) return 1;
    }
    return 0;
}

#endif
