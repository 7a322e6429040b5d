/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sample kernels for tests: every tests/kernels/NAME.kernel, with random buffers for some dims. */
#ifndef FRIT_TESTS_KERNEL_SAMPLES_H
#define FRIT_TESTS_KERNEL_SAMPLES_H

#include <check.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ir/kernel/kernel.h"

typedef struct sample {
    const char *path, *text;
    kernel *k;
    int64_t *syms;
    void **buffers; /* parameters, random inputs; outputs start as zeros */
    size_t *bytes;
} sample;

/* All sample files, sorted. */
static inline glob_t sample_files(void) {
    glob_t g;
    ck_assert_msg(glob("tests/kernels/*.kernel", 0, NULL, &g) == 0 && g.gl_pathc > 0, "run from the source folder");
    return g;
}

static inline void sample_read(cx *c, const char *path, sample *out) {
    mapped_file f;
    ck_assert_int_eq(file_map(c, path, &f), FRIT_OK);
    *out = (sample){.path = path, .text = arena_strndup(c->job, (const char *)f.data, f.bytes)};
    file_unmap(&f);
    ck_assert_msg(kernel_parse(c, path, out->text, c->job, &out->k) == FRIT_OK, "%s", c->message);
}

static inline uint64_t sample_random(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* turn 0: smallest dims, 1: largest, others random. */
static inline void sample_fill(cx *c, sample *s, unsigned turn) {
    kernel *k = s->k;
    uint32_t n = dim_n_syms(k->dims);
    uint64_t state = turn * 977 + strlen(s->text);
    s->syms = ARENA_ARRAY(c->job, int64_t, n + 1);
    for (sym_id i = 0; i < n; i++) {
        const sym_info *info = dim_sym_info(k->dims, i);
        int64_t span = info->hi - info->lo + 1;
        if (info->kind == SYM_AXIS || info->kind == SYM_LOADED) continue;
        s->syms[i] = turn == 0   ? info->lo
                     : turn == 1 ? info->hi
                                 : info->lo + (int64_t)(sample_random(&state) % (uint64_t)span);
    }
    s->buffers = ARENA_ARRAY(c->job, void *, k->n_params + 1);
    s->bytes = ARENA_ARRAY(c->job, size_t, k->n_params + 1);
    for (buf_id b = 0; b < k->n_params; b++) {
        const kbuf *buf = &k->bufs.at[b];
        int64_t elements;
        ck_assert_int_eq(dim_eval(c, k->dims, kbuf_elements(k, b), s->syms, &elements), FRIT_OK);
        s->bytes[b] = dtype_bytes(buf->dt, (size_t)elements);
        s->buffers[b] = arena_alloc(c->job, s->bytes[b] + 64);
        for (int64_t i = 0; i < elements && !buf->is_written; i++) {
            double x = (double)(sample_random(&state) >> 11) / 9007199254740992.0 * 4 - 2;
            if (!dtype_is_float(buf->dt)) x = floor(x * 4);
            if (buf->dt == FRIT_DT_BOOL || dtype_kind_of(buf->dt) == DTYPE_UINT) x = fabs(x);
            dtype_store(buf->dt, s->buffers[b], (size_t)i, dtype_from_f64(buf->dt, x));
        }
    }
}

/* Runs a form on copies of the buffers; returns the copies. */
typedef frit_status sample_form(cx *c, const kernel_run *r);
static inline void **sample_run(cx *c, const sample *s, sample_form *form) {
    void **copies = ARENA_ARRAY(c->job, void *, s->k->n_params + 1);
    for (buf_id b = 0; b < s->k->n_params; b++) copies[b] = arena_copy(c->job, s->buffers[b], s->bytes[b] + 64);
    kernel_run r = {.k = s->k, .buffers = copies, .syms = s->syms, .a = c->job, .checked = true};
    ck_assert_msg(form(c, &r) == FRIT_OK, "%s: %s", s->path, c->message);
    return copies;
}

/* Written parameters agree within tolerance (relative to 1 + |x|); 0: same bits. */
static inline void sample_compare(const sample *s, void *const *x, void *const *y, double tolerance) {
    for (buf_id b = 0; b < s->k->n_params; b++) {
        dtype dt = s->k->bufs.at[b].dt;
        size_t n = s->bytes[b] * 8 / dtype_bits(dt);
        for (size_t i = 0; i < n && s->k->bufs.at[b].is_written; i++) {
            double u = dtype_to_f64(dt, dtype_load(dt, x[b], i)), v = dtype_to_f64(dt, dtype_load(dt, y[b], i));
            bool same = u == v || (isnan(u) && isnan(v)) || (isfinite(u) && fabs(u - v) <= tolerance * (1 + fabs(u)));
            ck_assert_msg(same, "%s: %s[%zu] is %.9g and %.9g", s->path, s->k->bufs.at[b].name, i, u, v);
        }
    }
}

#endif
