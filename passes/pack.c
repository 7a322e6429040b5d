/* Constant matrices in the order that the matrix micro-kernel streams them: panels of `panel` columns, each n_k rows of
 * contiguous columns; columns beyond the last are zero. */
#include "passes/lower.h"

#include <string.h>

static void pack_one(const pack_request *r, int64_t p, const uint8_t *src, size_t bytes, uint8_t *dst) {
    int64_t first = p * r->panel, n = r->n_cols - first < r->panel ? r->n_cols - first : r->panel;
    for (int64_t k = 0; k < r->n_k; k++, dst += (size_t)r->panel * bytes) {
        const uint8_t *row = src + (size_t)(r->base + k * r->k_stride + first * r->col_stride) * bytes;
        if (r->col_stride == 1) {
            memcpy(dst, row, (size_t)n * bytes);
            continue;
        }
        for (int64_t j = 0; j < n; j++)
            memcpy(dst + (size_t)j * bytes, row + (size_t)(j * r->col_stride) * bytes, bytes);
    }
}

frit_status pack_panels(cx *c, const pack_request *r, const const_data **out) {
    size_t bytes = dtype_bits(r->data->dt) / 8;
    int64_t n_panels = (r->n_cols + r->panel - 1) / r->panel;
    size_t panel_bytes = (size_t)(r->n_k * r->panel) * bytes;
    uint8_t *packed = arena_alloc_aligned(c->job, (size_t)n_panels * panel_bytes, 64);
    for (int64_t p = 0; p < n_panels; p++) pack_one(r, p, r->data->bytes, bytes, packed + (size_t)p * panel_bytes);
    int64_t *dims = ARENA_ARRAY(c->job, int64_t, 3);
    dims[0] = n_panels;
    dims[1] = r->n_k;
    dims[2] = r->panel;
    const_data *d = ARENA_NEW(c->job, const_data);
    *d = (const_data){.kind = CONST_DENSE, .dt = r->data->dt, .dims = {3, dims}, .bytes = packed};
    *out = d;
    return FRIT_OK;
}
