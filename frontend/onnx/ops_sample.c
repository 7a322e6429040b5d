/* Sampling at computed positions: GridSample, AffineGrid, RoiAlign. Every tap is a gather from the flattened image. */
#include <math.h>

#include "frontend/onnx/mappers.h"
#include "ir/attrs.h"

enum { PAD_ZEROS, PAD_BORDER, PAD_REFLECTION };
enum { MODE_LINEAR, MODE_NEAREST, MODE_CUBIC };
#define MAX_SPATIAL 3
#define MAX_TAPS    4

static value_id dim_float(reader *r, dim d, dtype dt) {
    return make_cast(r, make_reshape(r, make_from_dims(r, 1, &d), 0, NULL), dt);
}

/* One tap along one axis: where it reads (integral, i64), whether that lies inside, and its weight; all [N, P]. */
typedef struct tap {
    value_id at, inside, weight;
} tap;

typedef struct sampler {
    int mode, padding;
    bool align;
    uint32_t n, n_taps;       /* spatial axes; taps an axis */
    dim extents[MAX_SPATIAL]; /* of the image */
    tap taps[MAX_SPATIAL][MAX_TAPS];
} sampler;

/* x folded back at both borders until it lies between them. */
static value_id reflect(reader *r, const sampler *s, value_id x, value_id extent) {
    value_id half = make_like(r, x, s->align ? 0 : 0.5), lo = make1(r, OP_neg, half);
    value_id span = s->align ? sub(r, extent, make_like(r, x, 1)) : extent; /* between the borders */
    value_id period = mul(r, span, make_like(r, x, 2));
    value_id y = make2(r, OP_mod, make1(r, OP_abs, sub(r, x, lo)), period);
    y = make3(r, OP_select, make2(r, OP_gt, y, span), sub(r, period, y), y);
    return add(r, y, lo);
}

static value_id clamp_to(reader *r, value_id x, value_id extent) {
    value_id last = sub(r, extent, make_like(r, x, 1));
    return make2(r, OP_min, make2(r, OP_max, x, make_like(r, x, 0)), last);
}

/* Keys' cubic weights with a = -0.75 for the four taps around a position at fraction f. */
static value_id cubic_weight(reader *r, value_id f, uint32_t k) {
    value_id d = make1(r, OP_abs, sub(r, f, make_like(r, f, (double)k - 1))); /* distance to the tap */
    double a = -0.75;
    bool inner = k == 1 || k == 2;
    value_id c3 = make_like(r, f, inner ? a + 2 : a), c2 = make_like(r, f, inner ? -(a + 3) : -5 * a);
    value_id c1 = make_like(r, f, inner ? 0 : 8 * a), c0 = make_like(r, f, inner ? 1 : -4 * a);
    return add(r, mul(r, add(r, mul(r, add(r, mul(r, c3, d), c2), d), c1), d), c0);
}

/* The taps of axis i around positions x [N, P], in image coordinates. */
static void make_taps(reader *r, sampler *s, uint32_t i, value_id x) {
    value_id extent = dim_float(r, s->extents[i], dtype_of(r, x));
    value_id base = make1(r, s->mode == MODE_NEAREST ? OP_round : OP_floor, x), fraction = sub(r, x, base);
    for (uint32_t k = 0; k < s->n_taps; k++) {
        double shift = s->mode == MODE_CUBIC ? (double)k - 1 : (double)k;
        value_id at = add(r, base, make_like(r, x, shift)), one = make_like(r, x, 1);
        tap *t = &s->taps[i][k];
        t->weight = s->mode == MODE_NEAREST ? one
                    : s->mode == MODE_CUBIC ? cubic_weight(r, fraction, k)
                                            : (k ? fraction : sub(r, one, fraction));
        value_id below = make2(r, OP_lt, at, extent), above = make2(r, OP_ge, at, make_like(r, x, 0));
        t->inside = s->padding == PAD_ZEROS ? make2(r, OP_and, below, above) : VALUE_NONE;
        if (s->padding == PAD_REFLECTION) at = reflect(r, s, at, extent);
        t->at = make_cast(r, clamp_to(r, at, extent), FRIT_DT_I64);
    }
}

/* Sum over all combinations of taps of weight * image [N, C, flat] at them; the result is [N, C, P]. */
static value_id gather_taps(reader *r, const sampler *s, value_id flat) {
    uint32_t combinations = 1;
    for (uint32_t i = 0; i < s->n; i++) combinations *= s->n_taps;
    value_id sum = VALUE_NONE;
    for (uint32_t c = 0; c < combinations && !failed(r); c++) {
        value_id index = VALUE_NONE, weight = VALUE_NONE, inside = VALUE_NONE;
        for (uint32_t i = 0, rest = c; i < s->n; i++, rest /= s->n_taps) {
            const tap *t = &s->taps[i][rest % s->n_taps];
            value_id extent = make_reshape(r, make_from_dims(r, 1, &s->extents[i]), 0, NULL);
            index = i ? add(r, mul(r, index, extent), t->at) : t->at;
            weight = i ? mul(r, weight, t->weight) : t->weight;
            if (t->inside != VALUE_NONE) inside = i ? make2(r, OP_and, inside, t->inside) : t->inside;
        }
        if (inside != VALUE_NONE) weight = make3(r, OP_select, inside, weight, make_like(r, weight, 0));
        dim shape[3] = {extent_of(r, flat, 0), extent_of(r, flat, 1), extent_of(r, index, 1)};
        value_id places = make_broadcast(r, make_unsqueeze(r, index, 1), 3, shape);
        value_id pixels = make(r, OP_gather_elements, 2, (value_id[]){flat, places}, &(attr_axis){.axis = 2});
        value_id part = mul(r, pixels, make_cast(r, make_unsqueeze(r, weight, 1), dtype_of(r, flat)));
        sum = c ? add(r, sum, part) : part;
    }
    return sum;
}

/* Grid coordinates -1..1 as image coordinates. */
static value_id denormalised(reader *r, const sampler *s, value_id x, dim extent) {
    value_id size = dim_float(r, extent, dtype_of(r, x)), one = make_like(r, x, 1), half = make_like(r, x, 0.5);
    value_id up = add(r, x, one);
    if (s->align) return mul(r, mul(r, up, half), sub(r, size, one));
    return mul(r, sub(r, mul(r, up, size), one), half);
}

void map_grid_sample(reader *r, call *n) {
    static const char *const modes[] = {"linear", "nearest", "cubic", NULL}, *const old_modes[] = {"bilinear",
                                                                                                   "nearest", "bicubic",
                                                                                                   NULL};
    static const char *const paddings[] = {"zeros", "border", "reflection", NULL};
    value_id x = n->in[0], grid = n->in[1];
    sampler s = {.n = rank_of(r, x) - 2, .align = attr_int(n, "align_corners", 0) != 0};
    s.mode =
        n->version < 20 ? attr_choice(r, n, "mode", "bilinear", old_modes) : attr_choice(r, n, "mode", "linear", modes);
    s.padding = attr_choice(r, n, "padding_mode", "zeros", paddings);
    s.n_taps = s.mode == MODE_NEAREST ? 1 : s.mode == MODE_LINEAR ? 2 : 4;
    if (x == VALUE_NONE || rank_of(r, x) < 3 || s.n > MAX_SPATIAL || rank_of(r, grid) != s.n + 2) {
        fail_node(r, FRIT_SHAPE, "needs an image and a grid of one to three spatial axes");
        return;
    }
    dim out[MAX_RANK] = {extent_of(r, x, 0), extent_of(r, x, 1)}, points = dimi(r, 1), pixels = dimi(r, 1);
    for (uint32_t i = 0; i < s.n; i++) {
        out[2 + i] = extent_of(r, grid, 1 + i), s.extents[i] = extent_of(r, x, 2 + i);
        points = dim_mul(r->dims, points, out[2 + i]), pixels = dim_mul(r->dims, pixels, s.extents[i]);
    }
    dim line[3] = {out[0], points, dimi(r, s.n)}, flat[3] = {out[0], out[1], pixels};
    grid = make_reshape(r, grid, 3, line);
    for (uint32_t i = 0; i < s.n; i++) { /* the grid names its axes last first */
        value_id at = make_squeeze(r, make_slice(r, grid, 2, dimi(r, s.n - 1 - i), dimi(r, 1), 1), 2);
        make_taps(r, &s, i, denormalised(r, &s, at, s.extents[i]));
    }
    n->out[0] = make_reshape(r, gather_taps(r, &s, make_reshape(r, x, 3, flat)), s.n + 2, out);
}

/* theta [N, k, k+1] applied to the grid of an image of the given size: [N, size.., k]. */
void map_affine_grid(reader *r, call *n) {
    value_id theta = n->in[0], columns[MAX_SPATIAL + 1];
    dim_list size;
    bool align = attr_int(n, "align_corners", 0) != 0;
    if (theta == VALUE_NONE || !want_dims(r, n, 1, &size)) return;
    uint32_t k = size.n - 2;
    if (size.n < 4 || k > MAX_SPATIAL || rank_of(r, theta) != 3) {
        fail_node(r, FRIT_SHAPE, "needs theta of three axes and a size of four or five");
        return;
    }
    dtype dt = dtype_of(r, theta);
    dim grid[MAX_SPATIAL + 1], flat[2] = {dim_product(r->dims, k, size.at + 2), dimi(r, 1)};
    for (uint32_t i = 0; i < k; i++) {
        value_id step = make_iota_nd(r, dt, k, size.at + 2, i), extent = dim_float(r, size.at[2 + i], dt);
        value_id one = make_splat(r, dt, 1), two = make_splat(r, dt, 2);
        value_id along = align ? quotient(r, mul(r, step, two), sub(r, extent, one))
                               : quotient(r, add(r, mul(r, step, two), one), extent);
        columns[k - 1 - i] = make_reshape(r, sub(r, along, one), 2, flat);
    }
    columns[k] = make_broadcast(r, make_splat(r, dt, 1), 2, flat);
    value_id points = make_concat(r, 1, k + 1, columns); /* [P, k+1] */
    value_id y = make2(r, OP_matmul, points, make_swap(r, theta, 1, 2));
    dim out[MAX_RANK] = {extent_of(r, theta, 0)};
    for (uint32_t i = 0; i < k; i++) grid[i] = size.at[2 + i], out[1 + i] = grid[i];
    out[1 + k] = dimi(r, k);
    n->out[0] = make_reshape(r, y, k + 2, out);
}
