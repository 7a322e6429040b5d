/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Floats narrower than 32 bits, from their row in base/float.c alone: the same rules as float_decode and float_encode,
 * as vector code without branches. A code is a pattern without its sign: it counts upwards with the magnitude. */
#include "codegen/cpu/cpu_emit.h"

static const float_format *format_of(dtype dt) {
    static const float_format *const formats[] = {
        [FRIT_DT_F16] = &float_f16,
        [FRIT_DT_BF16] = &float_bf16,
        [FRIT_DT_F8E4M3] = &float_f8e4m3,
        [FRIT_DT_F8E5M2] = &float_f8e5m2,
        [FRIT_DT_F8E4M3FNUZ] = &float_f8e4m3fnuz,
        [FRIT_DT_F8E5M2FNUZ] = &float_f8e5m2fnuz,
        [FRIT_DT_F8E8M0] = &float_f8e8m0,
        [FRIT_DT_F4E2M1] = &float_f4e2m1,
    };
    ASSERT((size_t)dt < countof(formats) && formats[dt]);
    return formats[dt];
}

static int64_t all_ones(const float_format *f) { return (INT64_C(1) << (f->exponent_bits + f->mantissa_bits)) - 1; }
static int64_t inf_code(const float_format *f) { return all_ones(f) >> f->mantissa_bits << f->mantissa_bits; }
static int64_t max_code(const float_format *f) {
    if (f->has_inf) return inf_code(f) - 1;
    return f->has_nan && !f->nan_is_neg0 ? all_ones(f) - 1 : all_ones(f);
}
/* Code of the quiet NaN; that of the FNUZ formats is the sign bit alone. */
static int64_t nan_code(const float_format *f) {
    if (!f->has_nan) return 0;
    if (f->nan_is_neg0) return all_ones(f) + 1;
    return f->has_inf ? inf_code(f) | (INT64_C(1) << (f->mantissa_bits - 1)) : all_ones(f);
}

static val and_const(emitter *e, val x, int64_t m) { return LLVMBuildAnd(e->b, x, const_int(LLVMTypeOf(x), m), ""); }
static val shift_left(emitter *e, val x, int64_t n) { return LLVMBuildShl(e->b, x, const_int(LLVMTypeOf(x), n), ""); }
static val shift_right(emitter *e, val x, int64_t n) { return LLVMBuildLShr(e->b, x, const_int(LLVMTypeOf(x), n), ""); }
static val compare(emitter *e, LLVMIntPredicate p, val x, int64_t y) {
    return LLVMBuildICmp(e->b, p, x, const_int(LLVMTypeOf(x), y), "");
}
static val choose(emitter *e, val cond, val x, val y) { return LLVMBuildSelect(e->b, cond, x, y, ""); }
static val power_of_two(LLVMTypeRef real, int exponent) { return const_real(real, __builtin_ldexp(1.0, exponent)); }

/* code (i32) -> float, without sign and without the codes above max_code. */
static val decode_magnitude(emitter *e, const float_format *f, val code) {
    LLVMTypeRef real = like(code, e->f32);
    enum { F32_BIAS = 127, F32_MANTISSA = 23 };
    int64_t rebias = (int64_t)(F32_BIAS - f->bias) << F32_MANTISSA;
    val shifted = shift_left(e, code, F32_MANTISSA - f->mantissa_bits);
    val normal = LLVMBuildBitCast(e->b, LLVMBuildAdd(e->b, shifted, const_int(LLVMTypeOf(code), rebias), ""), real, "");
    val is_small = compare(e, LLVMIntULT, code, INT64_C(1) << f->mantissa_bits);
    if (f->is_unsigned) return choose(e, is_small, power_of_two(real, -f->bias), normal);
    val whole = LLVMBuildSIToFP(e->b, code, real, "");
    val small = LLVMBuildFMul(e->b, whole, power_of_two(real, 1 - f->bias - f->mantissa_bits), "");
    return choose(e, is_small, small, normal);
}

static val decode_any(emitter *e, const float_format *f, val bits) {
    val wide = LLVMBuildZExt(e->b, bits, like(bits, e->i32), "");
    LLVMTypeRef real = like(bits, e->f32);
    val code = and_const(e, wide, all_ones(f));
    val x = decode_magnitude(e, f, code);
    if (f->has_inf) x = choose(e, compare(e, LLVMIntEQ, code, inf_code(f)), const_real(real, __builtin_inf()), x);
    val nan = const_real(real, __builtin_nan(""));
    if (f->has_inf)
        x = choose(e, compare(e, LLVMIntUGT, code, inf_code(f)), nan, x);
    else if (f->has_nan && !f->nan_is_neg0)
        x = choose(e, compare(e, LLVMIntEQ, code, all_ones(f)), nan, x);
    if (f->is_unsigned) return x;
    int sign_at = f->exponent_bits + f->mantissa_bits;
    val sign = shift_left(e, and_const(e, wide, INT64_C(1) << sign_at), 31 - sign_at);
    val with_sign = LLVMBuildOr(e->b, LLVMBuildBitCast(e->b, x, LLVMTypeOf(wide), ""), sign, "");
    x = LLVMBuildBitCast(e->b, with_sign, real, "");
    if (!f->nan_is_neg0) return x;
    return choose(e, compare(e, LLVMIntEQ, wide, nan_code(f)), nan, x);
}

val narrow_decode(emitter *e, dtype dt, val bits) {
    if (dt == FRIT_DT_BF16) {
        val wide = LLVMBuildZExt(e->b, bits, like(bits, e->i32), "");
        return LLVMBuildBitCast(e->b, shift_left(e, wide, 16), like(bits, e->f32), "");
    }
    if (dt == FRIT_DT_F16 && e->t->has_f16c)
        return LLVMBuildFPExt(e->b, LLVMBuildBitCast(e->b, bits, like(bits, e->f16), ""), like(bits, e->f32), "");
    return decode_any(e, format_of(dt), bits);
}

/* The source float type of an encode. */
typedef struct source {
    LLVMTypeRef real, integer; /* in the shape of the value */
    int mantissa, bias;
} source;

/* Magnitude bits of the source -> code rounded to nearest even, not yet limited to max_code. */
static val encode_magnitude(emitter *e, const float_format *f, const source *s, val magnitude) {
    int shift = s->mantissa - f->mantissa_bits;
    val odd = and_const(e, shift_right(e, magnitude, shift), 1);
    val bump = LLVMBuildAdd(e->b, odd, const_int(s->integer, (INT64_C(1) << (shift - 1)) - 1), "");
    val rounded = shift_right(e, LLVMBuildAdd(e->b, magnitude, bump, ""), shift);
    int64_t rebias = (int64_t)(s->bias - f->bias) << f->mantissa_bits;
    val normal = LLVMBuildSub(e->b, rounded, const_int(s->integer, rebias), "");
    if (rebias == 0) return normal;
    int lowest = f->is_unsigned ? -f->bias : 1 - f->bias; /* exponent of the smallest normal */
    int64_t least = (int64_t)(lowest + s->bias) << s->mantissa;
    /* Adding a power of two whose last place is the smallest subnormal rounds there. */
    val magic = power_of_two(s->real, s->mantissa + lowest - f->mantissa_bits);
    val sum = LLVMBuildFAdd(e->b, LLVMBuildBitCast(e->b, magnitude, s->real, ""), magic, "");
    val small = LLVMBuildSub(e->b, LLVMBuildBitCast(e->b, sum, s->integer, ""),
                             LLVMBuildBitCast(e->b, magic, s->integer, ""), "");
    if (f->is_unsigned) /* its code 0 is a normal number */
        small = const_int(s->integer, 0);
    return choose(e, compare(e, LLVMIntULT, magnitude, least), small, normal);
}

static val encode_any(emitter *e, const float_format *f, val x, bool saturate) {
    bool is_double = val_bits(x) == 64;
    source s = {.real = LLVMTypeOf(x),
                .integer = like(x, is_double ? e->i64 : e->i32),
                .mantissa = is_double ? 52 : 23,
                .bias = is_double ? 1023 : 127};
    val bits = LLVMBuildBitCast(e->b, x, s.integer, "");
    val magnitude = and_const(e, bits, is_double ? INT64_MAX : INT32_MAX);
    val code = encode_magnitude(e, f, &s, magnitude);
    int64_t beyond = saturate ? max_code(f) : f->has_inf ? inf_code(f) : f->has_nan ? nan_code(f) : max_code(f);
    code = choose(e, compare(e, LLVMIntSGT, code, max_code(f)), const_int(s.integer, beyond), code);
    val is_nan = LLVMBuildFCmp(e->b, LLVMRealUNO, x, x, "");
    val sign = shift_right(e, bits, is_double ? 63 : 31);
    if (f->is_unsigned) { /* negative numbers have no code */
        val is_negative = LLVMBuildFCmp(e->b, LLVMRealOLT, x, const_real(s.real, 0), "");
        is_nan = LLVMBuildOr(e->b, is_nan, is_negative, "");
        return choose(e, is_nan, const_int(s.integer, nan_code(f)), code);
    }
    sign = shift_left(e, sign, f->exponent_bits + f->mantissa_bits);
    val nan = const_int(s.integer, nan_code(f));
    if (f->nan_is_neg0) {
        val is_zero = compare(e, LLVMIntEQ, code, 0);
        val signed_code = choose(e, is_zero, code, LLVMBuildOr(e->b, code, sign, ""));
        return choose(e, is_nan, nan, signed_code);
    }
    if (f->has_nan) return LLVMBuildOr(e->b, choose(e, is_nan, nan, code), sign, "");
    return choose(e, is_nan, nan, LLVMBuildOr(e->b, code, sign, ""));
}

/* The high half of an f32, rounded to nearest even; what overflows carries into infinity by itself. */
static val encode_bf16(emitter *e, val x) {
    val bits = LLVMBuildBitCast(e->b, x, like(x, e->i32), "");
    val odd = and_const(e, shift_right(e, bits, 16), 1);
    val bump = LLVMBuildAdd(e->b, odd, const_int(LLVMTypeOf(bits), 0x7fff), "");
    val rounded = LLVMBuildAdd(e->b, bits, bump, "");
    val nan = LLVMBuildOr(e->b, and_const(e, bits, INT32_MIN), const_int(LLVMTypeOf(bits), 0x7fc00000), "");
    return shift_right(e, choose(e, LLVMBuildFCmp(e->b, LLVMRealUNO, x, x, ""), nan, rounded), 16);
}

val narrow_encode(emitter *e, dtype dt, val x, bool saturate) {
    LLVMTypeRef storage = like(x, storage_type(e, dt));
    bool is_single = val_bits(x) == 32;
    if (dt == FRIT_DT_BF16 && is_single && !saturate) return LLVMBuildTrunc(e->b, encode_bf16(e, x), storage, "");
    if (dt == FRIT_DT_F16 && is_single && e->t->has_f16c && !saturate)
        return LLVMBuildBitCast(e->b, LLVMBuildFPTrunc(e->b, x, like(x, e->f16), ""), storage, "");
    return LLVMBuildTrunc(e->b, encode_any(e, format_of(dt), x, saturate), storage, "");
}

LLVMTypeRef storage_type(const emitter *e, dtype dt) {
    unsigned bits = dtype_bits(dt);
    if (bits >= 32 || dtype_is_integer(dt)) return reg_type(e, dt);
    return bits == 16 ? e->i16 : e->i8;
}

val storage_to_reg(emitter *e, dtype dt, val bits) {
    unsigned n = dtype_bits(dt);
    if (dt == FRIT_DT_BOOL) return compare(e, LLVMIntNE, bits, 0);
    if (dtype_is_float(dt)) return n < 32 ? narrow_decode(e, dt, bits) : bits;
    return n < 8 ? wrap_to(e, dt, bits) : bits;
}

val reg_to_storage(emitter *e, dtype dt, val x) {
    unsigned n = dtype_bits(dt);
    if (dt == FRIT_DT_BOOL) return LLVMBuildZExt(e->b, x, like(x, e->i8), "");
    if (dtype_is_float(dt)) return n < 32 ? narrow_encode(e, dt, x, false) : x;
    return n < 8 ? and_const(e, x, (1 << n) - 1) : x;
}

val wrap_to(emitter *e, dtype dt, val x) {
    unsigned bits = dtype_bits(dt);
    if (dtype_is_float(dt)) return bits < 32 ? narrow_decode(e, dt, narrow_encode(e, dt, x, false)) : x;
    if (bits >= 8 || dt == FRIT_DT_BOOL) return x;
    val shift = const_int(LLVMTypeOf(x), 8 - (int64_t)bits), up = LLVMBuildShl(e->b, x, shift, "");
    return dtype_kind_of(dt) == DTYPE_INT ? LLVMBuildAShr(e->b, up, shift, "") : LLVMBuildLShr(e->b, up, shift, "");
}
