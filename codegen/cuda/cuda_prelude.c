/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Small device functions that generated kernels call. A piece is included when its name occurs in the text, or in a
 * piece that is. Where a piece uses an instruction that C++ has no word for, FRIT_EMULATE selects its definition in
 * plain C++, which the CPU emulation of tests/ compiles. */
#include "codegen/cuda/cuda_emit.h"

#include <string.h>

typedef struct piece {
    const char *name; /* identifier that asks for it */
    const char *text;
} piece;

/* Conversions of an 8-bit float by the row of its format, as in base/float.h: exponent bits, mantissa bits, bias, has
 * infinities, -0 is NaN. */
#define SMALL_FLOAT(name, row)                                                                                         \
    {name "_to_float", "static __device__ __forceinline__ float " name "_to_float(unsigned bits) "                     \
                       "{ return small_to_float(bits, " row "); }\n"},                                                 \
    {                                                                                                                  \
        "float_to_" name, "static __device__ __forceinline__ unsigned char float_to_" name                             \
                          "(double x, bool saturate) { return float_to_small(x, " row ", saturate); }\n"               \
    }

/* Later pieces may use earlier ones. */
static const piece pieces[] = {
    {"INFINITY", "#ifndef INFINITY\n"
                 "#define INFINITY __int_as_float(0x7f800000)\n"
                 "#endif\n"},
    {"NAN", "#ifndef NAN\n"
            "#define NAN __int_as_float(0x7fc00000)\n"
            "#endif\n"},
    {"maximum", "// The larger; NaN if either is.\n"
                "template <typename T> static __device__ __forceinline__ T maximum(T x, T y)\n"
                "{\n"
                "    if (x != x) return x;\n"
                "    return y > x || y != y ? y : x;\n"
                "}\n"},
    {"minimum", "// The smaller; NaN if either is.\n"
                "template <typename T> static __device__ __forceinline__ T minimum(T x, T y)\n"
                "{\n"
                "    if (x != x) return x;\n"
                "    return y < x || y != y ? y : x;\n"
                "}\n"},
    {"sign_of", "// -1, 0 or 1; NaN stays.\n"
                "template <typename T> static __device__ __forceinline__ T sign_of(T x)\n"
                "{\n"
                "    return x != x ? x : (T)((x > 0) - (x < 0));\n"
                "}\n"},
    {"is_inf", "template <typename T> static __device__ __forceinline__ bool is_inf(T x)\n"
               "{\n"
               "    return x == (T)INFINITY || x == -(T)INFINITY;\n"
               "}\n"},
    {"wrap_add",
     "// Integer arithmetic that wraps.\n"
     "static __device__ __forceinline__ int wrap_add(int x, int y) { return (int)((unsigned)x + (unsigned)y); }\n"
     "static __device__ __forceinline__ long long wrap_add(long long x, long long y)\n"
     "{\n"
     "    return (long long)((unsigned long long)x + (unsigned long long)y);\n"
     "}\n"},
    {"wrap_sub",
     "static __device__ __forceinline__ int wrap_sub(int x, int y) { return (int)((unsigned)x - (unsigned)y); }\n"
     "static __device__ __forceinline__ long long wrap_sub(long long x, long long y)\n"
     "{\n"
     "    return (long long)((unsigned long long)x - (unsigned long long)y);\n"
     "}\n"},
    {"wrap_mul",
     "static __device__ __forceinline__ int wrap_mul(int x, int y) { return (int)((unsigned)x * (unsigned)y); }\n"
     "static __device__ __forceinline__ long long wrap_mul(long long x, long long y)\n"
     "{\n"
     "    return (long long)((unsigned long long)x * (unsigned long long)y);\n"
     "}\n"},
    {"divide", "// Integer division that truncates; x / 0 is 0.\n"
               "template <typename T> static __device__ __forceinline__ T divide(T x, T y)\n"
               "{\n"
               "    if (y == 0) return 0;\n"
               "    if (y == (T)-1 && (T)-1 < (T)0) return (T)(0 - (unsigned long long)x);\n"
               "    return x / y;\n"
               "}\n"},
    {"remainder_of", "// Remainder with the dividend's sign; x rem 0 is 0.\n"
                     "template <typename T> static __device__ __forceinline__ T remainder_of(T x, T y)\n"
                     "{\n"
                     "    if (y == 0 || (y == (T)-1 && (T)-1 < (T)0)) return 0;\n"
                     "    return x % y;\n"
                     "}\n"},
    {"modulo", "// Remainder with the divisor's sign; x mod 0 is 0.\n"
               "template <typename T> static __device__ __forceinline__ T modulo(T x, T y)\n"
               "{\n"
               "    const T r = remainder_of(x, y);\n"
               "    return r != 0 && (r < 0) != (y < 0) ? r + y : r;\n"
               "}\n"},
    {"float_modulo", "// Remainder with the divisor's sign.\n"
                     "static __device__ __forceinline__ float float_modulo(float x, float y)\n"
                     "{\n"
                     "    const float r = fmodf(x, y);\n"
                     "    return r != 0 && (r < 0) != (y < 0) ? r + y : r;\n"
                     "}\n"
                     "static __device__ __forceinline__ double float_modulo(double x, double y)\n"
                     "{\n"
                     "    const double r = fmod(x, y);\n"
                     "    return r != 0 && (r < 0) != (y < 0) ? r + y : r;\n"
                     "}\n"},
    {"int_pow", "// Integer power that wraps; negative exponents truncate.\n"
                "template <typename T> static __device__ T int_pow(T x, T y)\n"
                "{\n"
                "    if (y < 0) return x == 1 ? 1 : x == (T)-1 ? (y & 1 ? (T)-1 : 1) : 0;\n"
                "    unsigned long long result = 1, base = (unsigned long long)x;\n"
                "    for (; y; y >>= 1) {\n"
                "        if (y & 1) result *= base;\n"
                "        base *= base;\n"
                "    }\n"
                "    return (T)result;\n"
                "}\n"},
    {"shift_left", "// 0 when y is at least the width.\n"
                   "template <typename T> static __device__ __forceinline__ T shift_left(T x, T y, int bits)\n"
                   "{\n"
                   "    return (unsigned long long)y >= bits ? 0 : (T)((unsigned long long)x << y);\n"
                   "}\n"},
    {"shift_right", "// The sign fills when y is at least the width.\n"
                    "template <typename T> static __device__ __forceinline__ T shift_right(T x, T y, int bits)\n"
                    "{\n"
                    "    return (unsigned long long)y >= bits ? (x < 0 ? (T)-1 : (T)0) : (T)(x >> y);\n"
                    "}\n"},
    {"popcount", "static __device__ __forceinline__ int popcount(unsigned long long x)\n"
                 "{\n"
                 "#ifdef FRIT_EMULATE\n"
                 "    return __builtin_popcountll(x);\n"
                 "#else\n"
                 "    return __popcll(x);\n"
                 "#endif\n"
                 "}\n"},
    {"to_integer", "// Truncates; out of range gives the range's ends, NaN 0. T's range is [low, high].\n"
                   "template <typename T> static __device__ __forceinline__ T to_integer(double x, T low, T high)\n"
                   "{\n"
                   "    if (x != x) return 0;\n"
                   "    if (x <= (double)low) return low;\n"
                   "    return x >= (double)high ? high : (T)x;\n"
                   "}\n"},
    {"floor_div", "// Division of indices that rounds to minus infinity.\n"
                  "static __device__ __forceinline__ index_t floor_div(index_t x, index_t y)\n"
                  "{\n"
                  "    return x / y - (x % y != 0 && (x < 0) != (y < 0));\n"
                  "}\n"},
    {"floor_mod", "static __device__ __forceinline__ index_t floor_mod(index_t x, index_t y)\n"
                  "{\n"
                  "    const index_t r = x % y;\n"
                  "    return r != 0 && (r < 0) != (y < 0) ? r + y : r;\n"
                  "}\n"},
    {"smaller", "static __device__ __forceinline__ index_t smaller(index_t x, index_t y) { return x < y ? x : y; }\n"},
    {"larger", "static __device__ __forceinline__ index_t larger(index_t x, index_t y) { return x > y ? x : y; }\n"},
    {"f16_to_float", "static __device__ __forceinline__ float f16_to_float(unsigned short bits)\n"
                     "{\n"
                     "#ifdef FRIT_EMULATE\n"
                     "    return emulate_f16_to_float(bits);\n"
                     "#else\n"
                     "    float x;\n"
                     "    asm(\"cvt.f32.f16 %0, %1;\" : \"=f\"(x) : \"h\"(bits));\n"
                     "    return x;\n"
                     "#endif\n"
                     "}\n"},
    {"float_to_f16", "static __device__ __forceinline__ unsigned short float_to_f16(float x)\n"
                     "{\n"
                     "#ifdef FRIT_EMULATE\n"
                     "    return emulate_float_to_f16(x);\n"
                     "#else\n"
                     "    unsigned short bits;\n"
                     "    asm(\"cvt.rn.f16.f32 %0, %1;\" : \"=h\"(bits) : \"f\"(x));\n"
                     "    return bits;\n"
                     "#endif\n"
                     "}\n"},
    {"round_f16", "static __device__ __forceinline__ float round_f16(float x)\n"
                  "{\n"
                  "#ifdef FRIT_EMULATE\n"
                  "    return emulate_f16_to_float(emulate_float_to_f16(x));\n"
                  "#else\n"
                  "    unsigned short bits;\n"
                  "    asm(\"cvt.rn.f16.f32 %0, %1;\" : \"=h\"(bits) : \"f\"(x));\n"
                  "    asm(\"cvt.f32.f16 %0, %1;\" : \"=f\"(x) : \"h\"(bits));\n"
                  "    return x;\n"
                  "#endif\n"
                  "}\n"},
    {"bits_of", "static __device__ __forceinline__ unsigned bits_of(float x)\n"
                "{\n"
                "    union { float f; unsigned u; } both;\n"
                "    both.f = x;\n"
                "    return both.u;\n"
                "}\n"},
    {"float_of", "static __device__ __forceinline__ float float_of(unsigned bits)\n"
                 "{\n"
                 "    union { float f; unsigned u; } both;\n"
                 "    both.u = bits;\n"
                 "    return both.f;\n"
                 "}\n"},
    {"double_bits", "static __device__ __forceinline__ long long double_bits(double x)\n"
                    "{\n"
                    "    union { double f; long long i; } both;\n"
                    "    both.f = x;\n"
                    "    return both.i;\n"
                    "}\n"},
    {"double_of", "static __device__ __forceinline__ double double_of(long long bits)\n"
                  "{\n"
                  "    union { double f; long long i; } both;\n"
                  "    both.i = bits;\n"
                  "    return both.f;\n"
                  "}\n"},
    {"bf16_to_float", "static __device__ __forceinline__ float bf16_to_float(unsigned short bits) "
                      "{ return float_of((unsigned)bits << 16); }\n"},
    {"float_to_bf16", "// To nearest, ties to even.\n"
                      "static __device__ __forceinline__ unsigned short float_to_bf16(float x)\n"
                      "{\n"
                      "    const unsigned bits = bits_of(x);\n"
                      "    if (x != x) return (unsigned short)(bits >> 16 | 64);\n"
                      "    return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);\n"
                      "}\n"},
    {"round_bf16", "static __device__ __forceinline__ float round_bf16(float x) "
                   "{ return float_of((unsigned)float_to_bf16(x) << 16); }\n"},
    {"small_to_float", "// An 8-bit float: sign, exponent field, mantissa.\n"
                       "static __device__ float small_to_float(unsigned bits, int exponent_bits, int mantissa_bits, "
                       "int bias, bool has_inf,\n"
                       "                                       bool nan_is_neg0)\n"
                       "{\n"
                       "    const unsigned all = (1u << (exponent_bits + mantissa_bits)) - 1, code = bits & all;\n"
                       "    const unsigned inf = all >> mantissa_bits << mantissa_bits;\n"
                       "    const unsigned most = has_inf ? inf - 1 : nan_is_neg0 ? all : all - 1;\n"
                       "    const float sign = bits > all ? -1.0f : 1.0f;\n"
                       "    if (nan_is_neg0 && bits == all + 1) return NAN;\n"
                       "    if (code > most) return has_inf && code == inf ? sign * INFINITY : NAN;\n"
                       "    const int exponent = code >> mantissa_bits;\n"
                       "    const unsigned mantissa = code & ((1u << mantissa_bits) - 1);\n"
                       "    const float whole = (float)(exponent ? mantissa + (1u << mantissa_bits) : mantissa);\n"
                       "    return sign * ldexpf(whole, (exponent ? exponent : 1) - bias - mantissa_bits);\n"
                       "}\n"},
    {"float_to_small",
     "// To nearest, ties to even; beyond the largest: that, infinity or NaN.\n"
     "static __device__ unsigned char float_to_small(double x, int exponent_bits, int mantissa_bits, int bias,\n"
     "                                               bool has_inf, bool nan_is_neg0, bool saturate)\n"
     "{\n"
     "    const unsigned all = (1u << (exponent_bits + mantissa_bits)) - 1, sign_bit = all + 1;\n"
     "    const unsigned inf = all >> mantissa_bits << mantissa_bits;\n"
     "    const unsigned most = has_inf ? inf - 1 : nan_is_neg0 ? all : all - 1;\n"
     "    const unsigned sign = x < 0 || (x == 0 && 1 / x < 0) ? sign_bit : 0;\n"
     "    const unsigned nan = nan_is_neg0 ? sign_bit : has_inf ? inf | 1u << (mantissa_bits - 1) : all;\n"
     "    if (x != x) return (unsigned char)nan;\n"
     "    const double a = fabs(x);\n"
     "    unsigned code = all + 1;\n"
     "    if (a <= 2e5) {\n"
     "        int e = a == 0 ? 1 - bias : ilogb(a);\n"
     "        if (e < 1 - bias) e = 1 - bias;\n"
     "        code = (unsigned)((e + bias - 1) * (1 << mantissa_bits) + (int)rint(ldexp(a, mantissa_bits - e)));\n"
     "    }\n"
     "    if (code > most) {\n"
     "        if (!saturate && !has_inf) return (unsigned char)(nan_is_neg0 ? nan : nan | sign);\n"
     "        code = saturate ? most : inf;\n"
     "    }\n"
     "    if (code == 0 && nan_is_neg0) return 0;\n"
     "    return (unsigned char)(code | sign);\n"
     "}\n"},
    SMALL_FLOAT("f8e4m3", "4, 3, 7, false, false"),
    SMALL_FLOAT("f8e5m2", "5, 2, 15, true, false"),
    SMALL_FLOAT("f8e4m3fnuz", "4, 3, 8, false, true"),
    SMALL_FLOAT("f8e5m2fnuz", "5, 2, 16, false, true"),
    {"packed_bits",
     "// Element i of integers of 4 or 2 bits, the first in the lowest bits of a byte.\n"
     "static __device__ __forceinline__ unsigned packed_bits(const unsigned char *x, long long i, int bits)\n"
     "{\n"
     "    const int each = 8 / bits;\n"
     "    return x[i / each] >> (i % each * bits) & ((1u << bits) - 1);\n"
     "}\n"},
    {"store_packed",
     "// Sets element i; threads that set its neighbours in the same word do not disturb it.\n"
     "static __device__ __forceinline__ void store_packed(unsigned char *x, long long i, int bits, unsigned v)\n"
     "{\n"
     "    const int each = 8 / bits;\n"
     "    const unsigned long long at = (unsigned long long)(x + i / each);\n"
     "    const int shift = (int)(at % 4 * 8 + i % each * bits);\n"
     "    const unsigned mask = ((1u << bits) - 1) << shift, set = v << shift & mask;\n"
     "    unsigned *const word = (unsigned *)(at - at % 4);\n"
     "#ifdef FRIT_EMULATE\n"
     "    *word = (*word & ~mask) | set;\n"
     "#else\n"
     "    atomicAnd(word, ~mask);\n"
     "    atomicOr(word, set);\n"
     "#endif\n"
     "}\n"},
    {"sign_extend", "static __device__ __forceinline__ int sign_extend(int x, int bits)\n"
                    "{\n"
                    "    return (int)((unsigned)x << (32 - bits)) >> (32 - bits);\n"
                    "}\n"},
    {"shuffle_down",
     "// The value of the thread `distance` further on in the warp; `group` has a bit for each thread taking part.\n"
     "template <typename T> static __device__ __forceinline__ T shuffle_down(unsigned group, T x, int distance)\n"
     "{\n"
     "    return __shfl_down_sync(group, x, distance);\n"
     "}\n"},
    {"shuffle_from",
     "// The value of thread `from` of the warp.\n"
     "template <typename T> static __device__ __forceinline__ T shuffle_from(unsigned group, T x, int from)\n"
     "{\n"
     "    return __shfl_sync(group, x, from);\n"
     "}\n"},
    {"warp_group", "// The threads of the warp that are in this thread's group of n, a power of two up to 32.\n"
                   "static __device__ __forceinline__ unsigned warp_group(unsigned n)\n"
                   "{\n"
                   "    const unsigned first = threadIdx.x & 31 & ~(n - 1);\n"
                   "    return n == 32 ? 0xffffffffu : ((1u << n) - 1) << first;\n"
                   "}\n"},
    {"shared_memory", "#ifndef FRIT_EMULATE\n"
                      "static __device__ __forceinline__ unsigned char *shared_memory()\n"
                      "{\n"
                      "    extern __shared__ __align__(128) unsigned char dynamic_shared[];\n"
                      "    return dynamic_shared;\n"
                      "}\n"
                      "#endif\n"},
};

bool cuda_mentions(const char *text, const char *name) {
    size_t n = strlen(name);
    for (const char *s = text; (s = strstr(s, name)); s += n) {
        bool starts = s == text || !(strchr("_", s[-1]) || (s[-1] >= 'a' && s[-1] <= 'z') ||
                                     (s[-1] >= 'A' && s[-1] <= 'Z') || (s[-1] >= '0' && s[-1] <= '9'));
        char after = s[n];
        bool ends = !(after == '_' || (after >= 'a' && after <= 'z') || (after >= 'A' && after <= 'Z') ||
                      (after >= '0' && after <= '9'));
        if (starts && ends) return true;
    }
    return false;
}

bool cuda_is_prelude_name(const char *name) {
    for (size_t i = 0; i < countof(pieces); i++)
        if (!strcmp(pieces[i].name, name)) return true;
    return false;
}

void cuda_prelude(strbuf *out, const char *text) {
    bool is_used[countof(pieces)] = {false};
    for (size_t i = countof(pieces); i-- > 0;) {
        is_used[i] = cuda_mentions(text, pieces[i].name);
        for (size_t j = i + 1; j < countof(pieces) && !is_used[i]; j++)
            is_used[i] = is_used[j] && cuda_mentions(pieces[j].text, pieces[i].name);
    }
    for (size_t i = 0; i < countof(pieces); i++) {
        if (!is_used[i]) continue;
        strbuf_add(out, pieces[i].text);
        strbuf_addc(out, '\n');
    }
}
