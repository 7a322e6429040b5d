/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Conversions between f32/f64 and the narrow floats, by the OCP / IEEE rules: round to nearest even; the f8 "saturate"
 * variants clamp to the largest finite. One row per format, so that a new one is a row. */
#ifndef FRIT_BASE_FLOAT_H
#define FRIT_BASE_FLOAT_H

#include <stdbool.h>
#include <stdint.h>

/* Layout of a narrow binary float. */
typedef struct float_format {
    uint8_t exponent_bits, mantissa_bits;
    int16_t bias;
    bool has_inf;     /* all-ones exponent, zero mantissa is infinity */
    bool has_nan;     /* f4e2m1 has none */
    bool nan_is_neg0; /* FNUZ: the only NaN is the pattern of -0 */
    bool is_unsigned; /* e8m0 */
} float_format;
extern const float_format float_f16, float_bf16, float_f8e4m3, float_f8e5m2, float_f8e4m3fnuz, float_f8e5m2fnuz,
    float_f8e8m0, float_f4e2m1;

uint32_t float_encode(const float_format *f, double x, bool saturate); /* bits, round to nearest even */
double float_decode(const float_format *f, uint32_t bits);

#endif
