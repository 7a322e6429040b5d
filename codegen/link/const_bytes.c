/* The weights of a plan as one run of bytes: mapped ones are written straight from their mapping. */
#include <string.h>

#include "base/map.h"
#include "codegen/link/link.h"
#include "ir/eval.h"

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

typedef frit_status sink_fn(cx *c, void *data, uint64_t offset, const void *bytes, size_t n);

static frit_status weights_visit(cx *c, const plan *p, sink_fn *sink, void *data) {
    uint64_t *offsets = ARENA_ARRAY(c->job, uint64_t, p->consts.n + 1);
    weights_layout(p, offsets);
    frit_status status = FRIT_OK;
    for (uint32_t i = 0; i < p->consts.n && status == FRIT_OK; i++) {
        const const_data *d = p->consts.at[i];
        arena_mark mark = arena_save(c->scratch);
        const void *bytes = NULL;
        status = const_bytes(c, d, &bytes);
        if (status == FRIT_OK) status = sink(c, data, offsets[i], bytes, (size_t)const_data_bytes(d));
        arena_release(c->scratch, mark);
        if (status == FRIT_OK) status = cx_poll(c);
    }
    return status;
}

/* A file being written from its current position on. */
typedef struct stream {
    file_writer *w;
    uint64_t written;
    uint64_t *id; /* hash of all so far, NULL when nobody asks */
} stream;

static frit_status stream_sink(cx *c, void *data, uint64_t offset, const void *bytes, size_t n) {
    stream *s = data;
    static const char zeros[WEIGHT_ALIGN];
    TRY(file_write(c, s->w, zeros, (size_t)(offset - s->written)));
    TRY(file_write(c, s->w, bytes, n));
    s->written = offset + n;
    if (s->id) *s->id = hash_bytes(bytes, n, *s->id);
    return FRIT_OK;
}

frit_status weights_write(cx *c, const plan *p, file_writer *w, uint64_t *out_id) {
    stream s = {.w = w, .id = out_id};
    if (out_id) *out_id = 0;
    return weights_visit(c, p, stream_sink, &s);
}

static frit_status memory_sink(cx *c, void *data, uint64_t offset, const void *bytes, size_t n) {
    (void)c;
    if (n) memcpy((char *)data + offset, bytes, n);
    return FRIT_OK;
}

frit_status weights_copy(cx *c, const plan *p, void *out) { return weights_visit(c, p, memory_sink, out); }
