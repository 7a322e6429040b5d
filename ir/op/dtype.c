/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Element types: facts from FRIT_DTYPE_LIST, and one element loaded, stored and converted. */
#include "ir/op/dtype.h"

#include <math.h>
#include <string.h>

#include "base/diag.h"
#include "base/float.h"

typedef struct dtype_row {
    const char *name;
    uint8_t bits;
    dtype_kind kind;
} dtype_row;

static const dtype_row rows[] = {
#define FRIT_DTYPE_ROW(name, code, text, bits, kind) [code] = {text, bits, DTYPE_##kind},
    FRIT_DTYPE_LIST(FRIT_DTYPE_ROW)
#undef FRIT_DTYPE_ROW
};

static const dtype_row *row_of(dtype dt) {
    ASSERT((unsigned)dt < countof(rows) && rows[dt].name);
    return &rows[dt];
}

const char *dtype_name(dtype dt) { return dt == FRIT_DT_NONE ? "none" : row_of(dt)->name; }

bool dtype_parse(const char *s, dtype *out) {
    for (unsigned i = 0; i < countof(rows); i++) {
        if (!rows[i].name || strcmp(rows[i].name, s) != 0) continue;
        *out = (dtype)i;
        return true;
    }
    return false;
}

unsigned dtype_bits(dtype dt) { return row_of(dt)->bits; }
dtype_kind dtype_kind_of(dtype dt) { return row_of(dt)->kind; }
bool dtype_is_float(dtype dt) { return row_of(dt)->kind == DTYPE_FLOAT; }
bool dtype_is_integer(dtype dt) { return row_of(dt)->kind == DTYPE_INT || row_of(dt)->kind == DTYPE_UINT; }

bool dtype_is_byte_pair(dtype a, dtype b) {
    return (a == FRIT_DT_U8 && b == FRIT_DT_I8) || (a == FRIT_DT_I8 && b == FRIT_DT_U8);
}

uint32_t dtype_k_pack(dtype a, dtype b) {
    if (dtype_is_byte_pair(a, b)) return 4;
    return a == FRIT_DT_BF16 && b == FRIT_DT_BF16 ? 2 : 1;
}

dtype dtype_of_products(dtype a, dtype b) {
    if (dtype_is_byte_pair(a, b)) return FRIT_DT_I32;
    return dtype_k_pack(a, b) == 2 ? FRIT_DT_F32 : a;
}

dtype dtype_compute(dtype dt) {
    if (row_of(dt)->bits >= 32) return dt;
    switch (row_of(dt)->kind) {
    case DTYPE_FLOAT:
        return FRIT_DT_F32;
    case DTYPE_INT:
        return FRIT_DT_I32;
    case DTYPE_UINT:
        return FRIT_DT_U32;
    case DTYPE_BOOL:
        return FRIT_DT_BOOL;
    }
    return dt;
}

size_t dtype_bytes(dtype dt, size_t n) {
    unsigned bits = dtype_bits(dt);
    return bits >= 8 ? n * (bits / 8) : (n * bits + 7) / 8;
}

/* The layout of a float narrower than 32 bits; NULL for every other type. */
static const float_format *narrow_format(dtype dt) {
    static const float_format *const formats[countof(rows)] = {
        [FRIT_DT_F16] = &float_f16,
        [FRIT_DT_BF16] = &float_bf16,
        [FRIT_DT_F8E4M3] = &float_f8e4m3,
        [FRIT_DT_F8E5M2] = &float_f8e5m2,
        [FRIT_DT_F8E4M3FNUZ] = &float_f8e4m3fnuz,
        [FRIT_DT_F8E5M2FNUZ] = &float_f8e5m2fnuz,
        [FRIT_DT_F8E8M0] = &float_f8e8m0,
        [FRIT_DT_F4E2M1] = &float_f4e2m1,
    };
    return formats[dt];
}

/* The element's bits, zero-extended. Only little-endian hosts are supported, as artifacts are. */
static uint64_t load_bits(unsigned bits, const void *base, size_t index) {
    const uint8_t *p = base;
    if (bits < 8) {
        size_t per_byte = 8 / bits;
        return (uint64_t)p[index / per_byte] >> (index % per_byte * bits) & ((1u << bits) - 1);
    }
    uint64_t v = 0;
    memcpy(&v, p + index * (bits / 8), bits / 8);
    return v;
}

static void store_bits(unsigned bits, void *base, size_t index, uint64_t v) {
    uint8_t *p = base;
    if (bits < 8) {
        size_t per_byte = 8 / bits;
        unsigned shift = (unsigned)(index % per_byte * bits), mask = ((1u << bits) - 1) << shift;
        p[index / per_byte] = (uint8_t)((p[index / per_byte] & ~mask) | ((unsigned)v << shift & mask));
        return;
    }
    memcpy(p + index * (bits / 8), &v, bits / 8);
}

static int64_t sign_extend(uint64_t v, unsigned bits) {
    unsigned shift = 64 - bits;
    return (int64_t)(v << shift) >> shift;
}

static double decode_float(dtype dt, uint64_t bits) {
    const float_format *narrow = narrow_format(dt);
    if (narrow) return float_decode(narrow, (uint32_t)bits);
    if (dt == FRIT_DT_F64) {
        double d;
        memcpy(&d, &bits, sizeof d);
        return d;
    }
    uint32_t low = (uint32_t)bits;
    float f;
    memcpy(&f, &low, sizeof f);
    return f;
}

static uint64_t encode_float(dtype dt, double x, bool saturate) {
    const float_format *narrow = narrow_format(dt);
    if (narrow) return float_encode(narrow, x, saturate);
    uint64_t bits = 0;
    if (dt == FRIT_DT_F64) {
        memcpy(&bits, &x, sizeof x);
        return bits;
    }
    float f = (float)x;
    memcpy(&bits, &f, sizeof f);
    return bits;
}

scalar dtype_load(dtype dt, const void *base, size_t index) {
    const dtype_row *row = row_of(dt);
    uint64_t bits = load_bits(row->bits, base, index);
    switch (row->kind) {
    case DTYPE_FLOAT:
        return (scalar){.f = decode_float(dt, bits)};
    case DTYPE_INT:
        return (scalar){.i = sign_extend(bits, row->bits)};
    case DTYPE_UINT:
        return (scalar){.u = bits};
    case DTYPE_BOOL:
        return (scalar){.i = bits != 0};
    }
    return (scalar){0};
}

void dtype_store(dtype dt, void *base, size_t index, scalar v) {
    const dtype_row *row = row_of(dt);
    uint64_t bits = row->kind == DTYPE_FLOAT ? encode_float(dt, v.f, false) : v.u;
    if (row->kind == DTYPE_BOOL) bits = v.i != 0;
    store_bits(row->bits, base, index, bits);
}

static scalar float_to_int(double x, const dtype_row *to) {
    bool is_signed = to->kind == DTYPE_INT;
    double top = ldexp(1.0, to->bits - is_signed), bottom = is_signed ? -top : 0;
    if (isnan(x)) return (scalar){0};
    x = trunc(x);
    if (x >= top) return (scalar){.u = UINT64_MAX >> (64 - to->bits + is_signed)};
    if (x <= bottom) x = bottom;
    return is_signed ? (scalar){.i = (int64_t)x} : (scalar){.u = (uint64_t)x};
}

static scalar int_to_float(dtype to, bool is_unsigned, scalar v, bool saturate) {
    /* Straight to f32: a detour through double would round twice. */
    if (to == FRIT_DT_F32) return (scalar){.f = is_unsigned ? (float)v.u : (float)v.i};
    return dtype_convert(FRIT_DT_F64, to, (scalar){.f = is_unsigned ? (double)v.u : (double)v.i}, saturate);
}

scalar dtype_convert(dtype from, dtype to, scalar v, bool saturate) {
    const dtype_row *f = row_of(from), *t = row_of(to);
    if (t->kind == DTYPE_BOOL) return (scalar){.i = f->kind == DTYPE_FLOAT ? v.f != 0 : v.i != 0};
    if (t->kind == DTYPE_FLOAT && f->kind == DTYPE_FLOAT) {
        bool is_f8 = t->bits == 8;
        return (scalar){.f = decode_float(to, encode_float(to, v.f, is_f8 && saturate))};
    }
    if (t->kind == DTYPE_FLOAT) return int_to_float(to, f->kind == DTYPE_UINT, v, saturate);
    if (f->kind == DTYPE_FLOAT && t->bits >= 8) return float_to_int(v.f, t);
    if (f->kind == DTYPE_FLOAT) v = float_to_int(v.f, row_of(FRIT_DT_I32));
    if (t->kind == DTYPE_INT) return (scalar){.i = sign_extend(v.u, t->bits)};
    return (scalar){.u = v.u & UINT64_MAX >> (64 - t->bits)};
}

scalar dtype_from_f64(dtype dt, double x) { return dtype_convert(FRIT_DT_F64, dt, (scalar){.f = x}, true); }

double dtype_to_f64(dtype dt, scalar v) {
    switch (row_of(dt)->kind) {
    case DTYPE_FLOAT:
        return v.f;
    case DTYPE_INT:
    case DTYPE_BOOL:
        return (double)v.i;
    case DTYPE_UINT:
        return (double)v.u;
    }
    return 0;
}
