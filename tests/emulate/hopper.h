/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// What tests/gpu/spike/hopper.cu has for sm_90a, on the CPU: barriers with phases, copies of boxes, products of a
// warpgroup. A copy lands at once, so that one that comes too early overwrites what others still read; a product reads its
// operands when it is waited for, so that a stage that is given back too early shows.
#ifndef FRIT_TESTS_EMULATE_HOPPER_H
#define FRIT_TESTS_EMULATE_HOPPER_H

#include "tests/emulate/cuda.h"

// In the 8 bytes of a barrier.
struct emulate_barrier {
    unsigned char phase, count;
    short pending;
    int n_bytes;
};

// In the 128 bytes of a map: a row-major matrix of 16-bit elements, and the box that one copy takes.
struct emulate_map {
    const unsigned short *data;
    int rows, columns, box_rows, box_columns;
};

struct emulate_product {
    float *c;
    unsigned a_at, b_at, b_slab, group;
    int is_added;
};

enum { EMULATE_MAX_PRODUCTS = 64 };
struct emulate_products {
    emulate_product of[EMULATE_MAX_PRODUCTS];
    unsigned n, n_groups;
};
static emulate_products emulate_under_way[1024]; // of a thread

static unsigned first_tile() { return 0; }

static emulate_barrier *emulate_barrier_at(unsigned at) { return (emulate_barrier *)(emulate_shared + at); }

static void emulate_check_phase(emulate_barrier *b) {
    if (b->pending || b->n_bytes) return;
    b->phase ^= 1;
    b->pending = b->count;
}

static void barrier_init(unsigned at, unsigned count) {
    *emulate_barrier_at(at) = {0, (unsigned char)count, (short)count, 0};
}

static void barrier_publish() {}

static void barrier_expect(unsigned at, unsigned n_bytes) {
    emulate_barrier *b = emulate_barrier_at(at);
    b->pending--;
    b->n_bytes += (int)n_bytes;
    emulate_check_phase(b);
}

static void barrier_arrive(unsigned at) { barrier_expect(at, 0); }

static void barrier_wait(unsigned at, unsigned parity) {
    emulate_thread *t = &emulate_threads[emulate_self];
    t->phase = &emulate_barrier_at(at)->phase;
    t->passed = (unsigned char)parity;
    if (*t->phase == parity) emulate_wait(AT_PHASE, 0);
}

static unsigned emulate_swizzle(unsigned at) { return at ^ (at >> 7 & 7) << 4; }

static void copy_box(unsigned to, const void *map, int x, int y, unsigned barrier) {
    const emulate_map *m = (const emulate_map *)map;
    if (to % 1024) abort();
    for (int i = 0; i < m->box_rows; i++)
        for (int j = 0; j < m->box_columns; j++) {
            const bool is_inside = y + i < m->rows && x + j < m->columns;
            const unsigned short e = is_inside ? m->data[(long long)(y + i) * m->columns + x + j] : 0;
            memcpy(emulate_shared + emulate_swizzle(to + (unsigned)(i * 128 + j * 2)), &e, 2);
        }
    emulate_barrier *b = emulate_barrier_at(barrier);
    b->n_bytes -= m->box_rows * m->box_columns * 2;
    emulate_check_phase(b);
}

template <int n> static void registers_fewer() {}

template <int n> static void registers_more() {}

static void warpgroup_begin(float (&)[128]) {}

static void warpgroup_mma(float (&c)[128], unsigned a_at, unsigned b_at, unsigned b_slab, int is_added) {
    emulate_products *p = &emulate_under_way[emulate_self];
    if (p->n == EMULATE_MAX_PRODUCTS) abort();
    p->of[p->n++] = {c, a_at, b_at, b_slab, p->n_groups, is_added};
}

static void warpgroup_commit() { emulate_under_way[emulate_self].n_groups++; }

static float emulate_operand(unsigned at) {
    unsigned short e;
    memcpy(&e, emulate_shared + emulate_swizzle(at), 2);
    return emulate_half(e, 0);
}

static void emulate_multiply(const emulate_product *p) {
    const unsigned g = (threadIdx.x & 31) / 4, t = threadIdx.x & 3, warp = threadIdx.x % 128 / 32;
    for (unsigned r = 0; r < 128; r++) {
        const unsigned m = warp * 16 + g + r / 2 % 2 * 8, n = r / 4 * 8 + t * 2 + r % 2;
        double sum = p->is_added ? p->c[r] : 0;
        for (unsigned k = 0; k < 16; k++)
            sum += (double)emulate_operand(p->a_at + m * 128 + k * 2) *
                   emulate_operand(p->b_at + n / 64 * p->b_slab + k * 128 + n % 64 * 2);
        p->c[r] = (float)sum;
    }
}

template <int n> static void warpgroup_wait(float (&)[128]) {
    emulate_products *p = &emulate_under_way[emulate_self];
    unsigned done = 0;
    while (done < p->n && p->of[done].group + n < p->n_groups) emulate_multiply(&p->of[done++]);
    memmove(p->of, p->of + done, (p->n -= done) * sizeof p->of[0]);
}

#endif
