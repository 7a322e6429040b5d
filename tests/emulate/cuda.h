/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
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

#include <utility>

#define FRIT_EMULATE 1
#define __global__   static
#define __device__
#define __shared__      static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __align__(n) __attribute__((aligned(n)))
#undef INFINITY
#undef NAN
#define INFINITY __builtin_inff()
#define NAN      __builtin_nanf("")

struct emulate_index {
    unsigned x, y, z;
};
struct ulonglong2 {
    unsigned long long x, y;
};
static emulate_index threadIdx, blockIdx;

enum emulate_state { READY, AT_BARRIER, AT_CLUSTER, AT_WARP, AT_PHASE, DONE };
// A copy on its way from global to shared memory.
struct emulate_copy {
    unsigned to;
    const void *from;
    int n_bytes;
    unsigned group; // number of the commit that takes it
};
enum { EMULATE_MAX_COPIES = 4096, EMULATE_OFFER_WORDS = 8 };
struct emulate_thread {
    ucontext_t context;
    emulate_state state;
    unsigned group;             // AT_WARP: the threads of the warp that are waited for
    const unsigned char *phase; // AT_PHASE: a number that is to become another one than `passed`
    unsigned char passed;
    uint64_t slot;                           // what a shuffle offers
    unsigned offers[2][EMULATE_OFFER_WORDS]; // what the thread brings to its warp's last two common instructions
    unsigned n_offers;
    emulate_copy *copies; // a ring of EMULATE_MAX_COPIES, oldest first
    unsigned first_copy, n_copies, n_groups;
    char *stack;
};
enum { EMULATE_MAX_CLUSTER = 8, EMULATE_MAX_THREADS = 1024 * EMULATE_MAX_CLUSTER, EMULATE_STACK = 128 * 1024 };
static emulate_thread emulate_threads[EMULATE_MAX_THREADS]; // of a cluster's blocks, one after the other
static ucontext_t emulate_scheduler;
static void (*emulate_body)(void **);
static void **emulate_params;
static unsigned emulate_n, emulate_self;               // threads of the cluster, and which of them runs
static unsigned emulate_of_block, emulate_first_block; // threads of a block, and the cluster's first block
alignas(128) static unsigned char emulate_shared_of[EMULATE_MAX_CLUSTER][256 * 1024];
#define emulate_shared emulate_shared_of[emulate_self / emulate_of_block]

static unsigned char *shared_memory() { return emulate_shared; }

static void emulate_wait(emulate_state state, unsigned group) {
    emulate_thread *t = &emulate_threads[emulate_self];
    t->state = state;
    t->group = group;
    swapcontext(&t->context, &emulate_scheduler);
}

static void __syncthreads() { emulate_wait(AT_BARRIER, 0); }

static void __syncwarp(unsigned group) { emulate_wait(AT_WARP, group); }

template <typename T> static T emulate_shuffle(unsigned group, T x, unsigned lane) {
    const unsigned self = emulate_self;
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

template <typename T> static T __shfl_xor_sync(unsigned group, T x, unsigned distance) {
    return emulate_shuffle(group, x, (threadIdx.x & 31) ^ distance);
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

// Brings n words to an instruction that the whole warp executes together; returns which of `offers` all have filled. A
// thread is at most one such instruction ahead of another, so two sets suffice.
static unsigned emulate_offer(const unsigned *words, unsigned n) {
    emulate_thread *t = &emulate_threads[emulate_self];
    const unsigned turn = t->n_offers++ & 1;
    memcpy(t->offers[turn], words, n * sizeof *words);
    emulate_wait(AT_WARP, 0xffffffffu);
    return turn;
}

static const unsigned *emulate_offer_of(unsigned lane, unsigned turn) {
    return emulate_threads[(emulate_self & ~31u) + lane].offers[turn];
}

// The bf16 in half `half` of a word.
static float emulate_half(unsigned word, unsigned half) {
    const unsigned bits = half ? word & 0xffff0000u : word << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// Register i of lane 4 g + t gets elements 2 t and 2 t + 1 of row g of matrix i, whose rows' places are lanes 8 i to
// 8 i + 7's.
static void load_matrices(unsigned *r, unsigned at) {
    const unsigned lane = threadIdx.x & 31, turn = emulate_offer(&at, 1);
    for (unsigned i = 0; i < 4; i++)
        memcpy(&r[i], emulate_shared + *emulate_offer_of(8 * i + lane / 4, turn) + lane % 4 * 4, 4);
}

static void load_matrices_turned(unsigned *r, unsigned at) {
    const unsigned lane = threadIdx.x & 31, turn = emulate_offer(&at, 1);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned e = 0; e < 2; e++)
            memcpy((char *)&r[i] + 2 * e,
                   emulate_shared + *emulate_offer_of(8 * i + lane % 4 * 2 + e, turn) + lane / 4 * 2, 2);
}

// a[m, k] stands in lane 4 (m mod 8) + k mod 8 / 2, register m / 8 + 2 (k / 8), half k mod 2; b[k, n] in lane 4 n +
// k mod 8 / 2, register k / 8, half k mod 2; c[m, n] in lane 4 (m mod 8) + n / 2, register 2 (m / 8) + n mod 2. The
// hardware's order of the sum is its own; here it is exact to one rounding.
static void mma_bf16(float *c, const unsigned *a, const unsigned *b) {
    const unsigned lane = threadIdx.x & 31;
    unsigned words[6];
    memcpy(words, a, 4 * sizeof *a);
    memcpy(words + 4, b, 2 * sizeof *b);
    const unsigned turn = emulate_offer(words, 6);
    for (unsigned r = 0; r < 4; r++) {
        const unsigned m = lane / 4 + r / 2 * 8, n = lane % 4 * 2 + r % 2;
        double sum = c[r];
        for (unsigned k = 0; k < 16; k++) {
            const unsigned *of_a = emulate_offer_of(m % 8 * 4 + k % 8 / 2, turn);
            const unsigned *of_b = emulate_offer_of(n * 4 + k % 8 / 2, turn);
            sum += (double)emulate_half(of_a[m / 8 + k / 8 * 2], k % 2) * emulate_half(of_b[4 + k / 8], k % 2);
        }
        c[r] = (float)sum;
    }
}

static void mma_bf16_first(float *c, const unsigned *a, const unsigned *b) {
    c[0] = c[1] = c[2] = c[3] = 0;
    mma_bf16(c, a, b);
}

static unsigned pack_bf16(float lo, float hi) {
    unsigned bits[2], r = 0;
    memcpy(&bits[0], &lo, sizeof lo);
    memcpy(&bits[1], &hi, sizeof hi);
    for (unsigned i = 0; i < 2; i++) {
        const bool is_nan = (bits[i] & 0x7fffffffu) > 0x7f800000u;
        r |= (is_nan ? 0x7fffu : (bits[i] + 0x7fff + (bits[i] >> 16 & 1)) >> 16) << 16 * i;
    }
    return r;
}

static void emulate_copy_16(void *to, const void *from, const void *global) {
    if ((uintptr_t)global % 16) abort();
    memcpy(to, from, 16);
}

static void load_kept(unsigned *r, const void *at) { emulate_copy_16(r, at, at); }

static void load_once(unsigned *r, const void *at) { emulate_copy_16(r, at, at); }

static unsigned load_word_once(const void *at) { return *(const unsigned *)at; }

static void store_kept(void *at, const unsigned *r) { emulate_copy_16(at, r, at); }

static void store_once(void *at, const unsigned *r) { emulate_copy_16(at, r, at); }

static float low_bf16(unsigned word) { return emulate_half(word, 0); }

static float high_bf16(unsigned word) { return emulate_half(word, 1); }

static float low_f16(unsigned word) { return emulate_f16_to_float((unsigned short)word); }

static float exp2_quick(float x) { return exp2f(x); }

static float reciprocal_quick(float x) { return 1 / x; }

static float rsqrtf(float x) { return 1 / sqrtf(x); }

static float __uint_as_float(unsigned bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static unsigned nibbles_of(unsigned word) { return (word & 0x000f000fu) | 0x43004300u; }

static unsigned fma_bf16x2(unsigned a, unsigned b, unsigned c) {
    return pack_bf16(fmaf(low_bf16(a), low_bf16(b), low_bf16(c)), fmaf(high_bf16(a), high_bf16(b), high_bf16(c)));
}

// Only the second half waits: what a block does between them happens before the others arrive.
static void cluster_arrive() {}

static void cluster_wait() { emulate_wait(AT_CLUSTER, 0); }

static float load_of_cluster(unsigned at, unsigned rank) {
    float x;
    memcpy(&x, emulate_shared_of[rank] + at, sizeof x);
    return x;
}

// What an asynchronous copy will overwrite is NaN until the thread waits for it: a read before that, or of what stood
// there, shows in the result.
static void copy_async(unsigned to, const void *from, int n_bytes) {
    emulate_thread *t = &emulate_threads[emulate_self];
    if (to % 16 || to + 16 > sizeof emulate_shared || (uintptr_t)from % 16 || t->n_copies == EMULATE_MAX_COPIES)
        abort();
    if (!t->copies) t->copies = (emulate_copy *)malloc(EMULATE_MAX_COPIES * sizeof *t->copies);
    memset(emulate_shared + to, 0xff, 16);
    t->copies[(t->first_copy + t->n_copies++) % EMULATE_MAX_COPIES] = {to, from, n_bytes, t->n_groups};
}

static void copy_async_commit() { emulate_threads[emulate_self].n_groups++; }

template <int n> static void copy_async_wait() {
    emulate_thread *t = &emulate_threads[emulate_self];
    while (t->n_copies && t->copies[t->first_copy].group + n < t->n_groups) {
        const emulate_copy *x = &t->copies[t->first_copy];
        memcpy(emulate_shared + x->to, x->from, (size_t)x->n_bytes);
        memset(emulate_shared + x->to + x->n_bytes, 0, (size_t)(16 - x->n_bytes));
        t->first_copy = (t->first_copy + 1) % EMULATE_MAX_COPIES;
        t->n_copies--;
    }
}

static void emulate_entry() {
    emulate_body(emulate_params);
    emulate_threads[emulate_self].state = DONE;
    swapcontext(&emulate_threads[emulate_self].context, &emulate_scheduler);
}

static void emulate_resume(unsigned i) {
    emulate_self = i;
    threadIdx.x = i % emulate_of_block;
    blockIdx.x = emulate_first_block + i / emulate_of_block;
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

// Lets those threads of a warp on that nothing holds back; false when none could go on.
static bool emulate_warp_step(unsigned first) {
    bool moved = false, may_pass[32] = {};
    for (unsigned lane = 0; lane < 32 && first + lane < emulate_n; lane++) {
        const emulate_thread *t = &emulate_threads[first + lane];
        may_pass[lane] = t->state == READY || (t->state == AT_PHASE && *t->phase != t->passed) ||
                         (t->state == AT_WARP && emulate_warp_is_complete(first + lane));
    }
    for (unsigned lane = 0; lane < 32; lane++) {
        if (!may_pass[lane]) continue;
        emulate_resume(first + lane);
        moved = true;
    }
    return moved;
}

// Lets the threads on that wait at a barrier of their block, or of the cluster, when no thread of it is elsewhere; false
// when there are none.
static bool emulate_pass_barrier(emulate_state barrier, unsigned first, unsigned n) {
    bool moved = false;
    for (unsigned i = first; i < first + n; i++)
        if (emulate_threads[i].state != barrier && emulate_threads[i].state != DONE) return false;
    for (unsigned i = first; i < first + n; i++) {
        if (emulate_threads[i].state != barrier) continue;
        emulate_threads[i].state = READY;
        moved = true;
    }
    return moved;
}

// Each warp runs as far as it can before the next one does, in odd blocks from the last warp to the first: what a
// missing barrier allows happens. False when no thread could go on.
static bool emulate_step() {
    const unsigned n_warps = (emulate_n + 31) / 32,
                   is_backwards = emulate_first_block * emulate_of_block / emulate_n % 2;
    bool moved = false;
    for (unsigned i = 0; i < n_warps; i++) {
        const unsigned warp = is_backwards ? n_warps - 1 - i : i;
        while (emulate_warp_step(warp * 32)) moved = true;
    }
    for (unsigned first = 0; !moved && first < emulate_n; first += emulate_of_block)
        moved = emulate_pass_barrier(AT_BARRIER, first, emulate_of_block);
    return moved || emulate_pass_barrier(AT_CLUSTER, 0, emulate_n);
}

// When the code is unloaded, its threads' stacks go.
__attribute__((destructor)) static void emulate_end(void) {
    for (unsigned i = 0; i < EMULATE_MAX_THREADS; i++) {
        free(emulate_threads[i].stack);
        free(emulate_threads[i].copies);
    }
}

template <typename... A> constexpr unsigned emulate_count(void (*)(A...)) { return sizeof...(A); }

template <typename... A, size_t... I>
static void emulate_apply(void (*kernel)(A...), void **params, std::index_sequence<I...>) {
    kernel(*(A *)params[I]...);
}

// params: the addresses of the kernel's arguments.
template <typename... A> static void emulate_call(void (*kernel)(A...), void **params) {
    emulate_apply(kernel, params, std::index_sequence_for<A...>());
}

// `blocks` blocks, `cluster` at a time; threads of a block: a multiple of 32 when that is more than one. 0, or 1 when
// threads wait for each other for ever. Blocks of a cluster have only shared_memory() for themselves, not __shared__.
static int emulate_launch(void (*body)(void **), long long blocks, unsigned threads, void **params,
                          unsigned cluster = 1) {
    emulate_body = body;
    emulate_params = params;
    emulate_of_block = threads;
    emulate_n = threads * cluster;
    for (long long block = 0; block < blocks; block += cluster) {
        emulate_first_block = (unsigned)block;
        memset(emulate_shared_of, 0x7f, cluster * sizeof emulate_shared_of[0]);
        for (unsigned i = 0; i < emulate_n; i++) {
            emulate_thread *t = &emulate_threads[i];
            if (!t->stack) t->stack = (char *)malloc(EMULATE_STACK);
            getcontext(&t->context);
            t->context.uc_stack.ss_sp = t->stack;
            t->context.uc_stack.ss_size = EMULATE_STACK;
            t->context.uc_link = NULL;
            makecontext(&t->context, emulate_entry, 0);
            t->state = READY;
            t->n_offers = t->first_copy = t->n_copies = t->n_groups = 0;
        }
        while (emulate_step()) {
        }
        for (unsigned i = 0; i < emulate_n; i++)
            if (emulate_threads[i].state != DONE) return 1;
    }
    return 0;
}

#endif
