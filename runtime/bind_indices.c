/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Token ids and the like: elements of inputs that index an axis of a tensor. Kernels clamp them; this says which is
 * wrong. */
#include <inttypes.h>
#include <stdio.h>

#include "runtime/runtime.h"

/* The elements of an input that index something, and how many there are to index. */
typedef struct index_range {
    const frit_tensor *t;
    int64_t start[FRIT_MAX_RANK], size[FRIT_MAX_RANK], step[FRIT_MAX_RANK];
    int64_t extent;
} index_range;

/* False where a dim cannot be computed or the elements would lie outside of the input. */
static bool range_of(const pf_header *h, const pf_index *k, const frit_tensor *t, const int64_t *symbols,
                     index_range *out) {
    *out = (index_range){.t = t};
    const pf_box *boxes = k->first_box == PF_NONE ? NULL : PF_ROWS(h, pf_box, boxes) + k->first_box;
    for (int32_t i = 0; i < t->rank; i++) {
        out->size[i] = t->dims[i], out->step[i] = 1;
        if (!boxes) continue;
        out->step[i] = boxes[i].step;
        int64_t last;
        bool is_known = plan_dim(h, boxes[i].start, symbols, &out->start[i]) &&
                        plan_dim(h, boxes[i].size, symbols, &out->size[i]) &&
                        !__builtin_mul_overflow(out->size[i] - 1, out->step[i], &last) &&
                        !__builtin_add_overflow(last, out->start[i], &last);
        bool is_empty = is_known && out->size[i] <= 0;
        bool is_inside = is_known && out->start[i] >= 0 && out->start[i] < t->dims[i] && last >= 0 && last < t->dims[i];
        if (!is_known || (!is_empty && !is_inside)) return false;
    }
    return plan_dim(h, k->extent, symbols, &out->extent);
}

/* Position of element number n of the range, and its place in memory. */
static int64_t position_of(const index_range *r, int64_t n, int64_t at[FRIT_MAX_RANK]) {
    int64_t offset = 0, stride = 1;
    for (int32_t i = r->t->rank - 1; i >= 0; i--) {
        at[i] = r->start[i] + n % r->size[i] * r->step[i];
        n /= r->size[i];
        offset += at[i] * stride;
        stride *= r->t->dims[i];
    }
    return offset;
}

enum { POSITION_TEXT = 96 };

/* "[1, 3]" */
static void position_text(const index_range *r, const int64_t *at, char out[POSITION_TEXT]) {
    int n = snprintf(out, POSITION_TEXT, "[");
    for (int32_t i = 0; i < r->t->rank && n < POSITION_TEXT; i++)
        n += snprintf(out + n, (size_t)(POSITION_TEXT - n), i ? ", %" PRId64 : "%" PRId64, at[i]);
    if (n < POSITION_TEXT) snprintf(out + n, (size_t)(POSITION_TEXT - n), "]");
}

static frit_status index_failed(const pf_header *h, const pf_index *k, const index_range *r, const int64_t *at,
                                int64_t value, message m) {
    const char *name = pf_string(h, PF_ROWS(h, pf_port, ports)[k->input].name), *loc = pf_string(h, k->loc);
    char position[POSITION_TEXT], where[POSITION_TEXT] = "";
    position_text(r, at, position);
    if (*loc) snprintf(where, sizeof where, " (%.90s)", loc);
    if (r->extent <= 0)
        return message_set(m, FRIT_RANGE, "input '%s': element %s is %" PRId64 ", but there is nothing to index%s",
                           name, position, value, where);
    return message_set(m, FRIT_RANGE,
                       "input '%s': element %s is %" PRId64 ", which is outside what it indexes: %" PRId64 "..%" PRId64
                       " are allowed%s",
                       name, position, value, -r->extent, r->extent - 1, where);
}

static frit_status check_one(const pf_header *h, const pf_index *k, const frit_tensor *inputs, const int64_t *symbols,
                             message m) {
    const frit_tensor *t = &inputs[k->input];
    const char *name = pf_string(h, PF_ROWS(h, pf_port, ports)[k->input].name);
    index_range r;
    int64_t count = 1, at[FRIT_MAX_RANK];
    if (!range_of(h, k, t, symbols, &r))
        return message_set(m, FRIT_RANGE, "input '%s': what it indexes cannot be computed for these dims", name);
    for (int32_t i = 0; i < t->rank; i++) count = r.size[i] <= 0 ? 0 : count * r.size[i];
    if (count && !t->data) return message_set(m, FRIT_MISSING, "input '%s': data is missing", name);
    for (int64_t n = 0; n < count; n++) {
        int64_t value = bind_integer((uint32_t)t->dtype, t->data, position_of(&r, n, at));
        if (value < -r.extent || value >= r.extent) return index_failed(h, k, &r, at, value, m);
    }
    return FRIT_OK;
}

frit_status bind_check_indices(const pf_header *h, const frit_tensor *inputs, const int64_t *symbols, message m) {
    const pf_index *indices = PF_ROWS(h, pf_index, indices);
    frit_status status = FRIT_OK;
    for (uint32_t i = 0; i < h->indices.count && status == FRIT_OK; i++)
        status = check_one(h, &indices[i], inputs, symbols, m);
    return status;
}
