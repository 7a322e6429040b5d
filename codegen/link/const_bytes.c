/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The weights of a plan as one run of bytes. Mapped ones are written straight from their mapping, those that are packed
 * for a kernel are made a few panels at a time on all cores: no weight is in memory as a whole. */
#include <string.h>

#include "base/hash.h"
#include "base/par.h"
#include "codegen/link/link.h"
#include "ir/eval/eval.h"

static uint64_t const_data_bytes(const const_data *d) {
    uint64_t n = 1;
    for (uint32_t i = 0; i < d->dims.n; i++) n *= (uint64_t)d->dims.at[i];
    return dtype_bytes(d->dt, n);
}

uint64_t weights_layout(const plan *p, uint64_t *out_offsets) {
    uint64_t total = 0;
    for (uint32_t i = 0; i < p->consts.n; i++) {
        total = (total + WEIGHT_ALIGN - 1) / WEIGHT_ALIGN * WEIGHT_ALIGN;
        if (out_offsets) out_offsets[i] = total;
        total += const_data_bytes(p->consts.at[i]);
    }
    return total;
}

/* The bytes of one constant; those that are not dense are made in scratch. */
static frit_status const_bytes(cx *c, const const_data *d, const void **out) {
    *out = d->bytes;
    if (d->kind == CONST_DENSE) return FRIT_OK;
    tensor t;
    TRY(eval_const(c, c->scratch, d, &t));
    *out = t.data;
    return FRIT_OK;
}

/* Of a constant that is made, at a time: a part at least. */
enum { CHUNK_BYTES = 8 << 20 };

typedef struct chunk {
    const const_maker *maker;
    uint32_t first; /* part */
    char *at;
} chunk;

static void make_part(void *data, uint32_t item, uint32_t thread) {
    const chunk *k = data;
    (void)thread;
    k->maker->make(k->maker->data, k->first + item, k->at + item * k->maker->part_bytes);
}

typedef frit_status sink_fn(cx *c, void *data, uint64_t offset, const void *bytes, size_t n);

static frit_status visit_made(cx *c, const const_maker *m, uint64_t offset, sink_fn *sink, void *data) {
    size_t most = m->part_bytes < CHUNK_BYTES ? CHUNK_BYTES / (m->part_bytes + !m->part_bytes) : 1;
    chunk k = {.maker = m};
    k.at = arena_alloc_aligned(c->scratch, (most < m->n_parts ? most : m->n_parts) * m->part_bytes, WEIGHT_ALIGN);
    for (; k.first < m->n_parts; k.first += (uint32_t)most) {
        uint32_t n = m->n_parts - k.first < most ? m->n_parts - k.first : (uint32_t)most;
        par_for(n, 0, make_part, &k);
        TRY(sink(c, data, offset + k.first * m->part_bytes, k.at, n * m->part_bytes));
        TRY(cx_poll(c));
    }
    return FRIT_OK;
}

static frit_status visit_const(cx *c, const const_data *d, uint64_t offset, sink_fn *sink, void *data) {
    if (d->kind == CONST_MADE) return visit_made(c, d->maker, offset, sink, data);
    const void *bytes = NULL;
    TRY(const_bytes(c, d, &bytes));
    return sink(c, data, offset, bytes, (size_t)const_data_bytes(d));
}

static frit_status weights_visit(cx *c, const plan *p, sink_fn *sink, void *data) {
    uint64_t *offsets = ARENA_ARRAY(c->job, uint64_t, p->consts.n + 1);
    weights_layout(p, offsets);
    frit_status status = FRIT_OK;
    for (uint32_t i = 0; i < p->consts.n && status == FRIT_OK; i++) {
        arena_mark mark = arena_save(c->scratch);
        status = visit_const(c, p->consts.at[i], offsets[i], sink, data);
        arena_release(c->scratch, mark);
        if (status == FRIT_OK) status = cx_poll(c);
    }
    return status;
}

/* A file being written from its current position on. */
typedef struct stream {
    file_writer *w;
    uint64_t written;
    content_hash hash; /* of all so far */
} stream;

static frit_status stream_sink(cx *c, void *data, uint64_t offset, const void *bytes, size_t n) {
    stream *s = data;
    static const char zeros[WEIGHT_ALIGN];
    size_t n_padding = (size_t)(offset - s->written);
    TRY(file_write(c, s->w, zeros, n_padding));
    TRY(file_write(c, s->w, bytes, n));
    s->written = offset + n;
    content_add(&s->hash, zeros, n_padding);
    content_add(&s->hash, bytes, n);
    return FRIT_OK;
}

frit_status weights_write(cx *c, const plan *p, file_writer *w, uint64_t *out_id) {
    stream s = {.w = w};
    content_init(&s.hash);
    TRY(weights_visit(c, p, stream_sink, &s));
    *out_id = content_done(&s.hash);
    return FRIT_OK;
}

static frit_status memory_sink(cx *c, void *data, uint64_t offset, const void *bytes, size_t n) {
    (void)c;
    if (n) memcpy((char *)data + offset, bytes, n);
    return FRIT_OK;
}

frit_status weights_copy(cx *c, const plan *p, void *out) { return weights_visit(c, p, memory_sink, out); }
