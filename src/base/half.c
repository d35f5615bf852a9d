/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/half.h"

float phi_bf16_widen(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* 1.m 2^(e - 15); with e = 0 it is 0.m 2^-14, with e = 31 infinity or not a number. */
float phi_f16_widen(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, e = half >> 10 & 31, m = half & 1023;
    uint32_t bits = sign | (e == 31 ? 255 : e + 112) << 23 | m << 13;
    float f;
    if (e == 0) {
        f = (float)m * 0x1p-24f;
        return sign ? -f : f;
    }
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* `value` in a format of `mantissa` bits whose smallest normal number is 2^least: rounding to a
 * multiple of the last place leaves a whole number, which is the exponent and mantissa in one, up to
 * the offset of the exponent. */
static uint16_t narrow(double value, int mantissa, int least, uint16_t infinity)
{
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    const double size = fabs(value);
    int exponent;
    if (isnan(value)) return (uint16_t)(sign | infinity | 1u << (mantissa - 1));
    if (isinf(value)) return sign | infinity;
    frexp(size, &exponent); /* size in 2^(exponent - 1) .. 2^exponent */
    const int e = exponent - 1 < least || size == 0 ? least : exponent - 1;
    if (e > -least + 1) return sign | infinity;
    const uint32_t places = (uint32_t)nearbyint(ldexp(size, mantissa - e));
    const uint32_t bits = ((uint32_t)(e - least) << mantissa) + places;
    return (uint16_t)(sign | (bits < infinity ? bits : infinity));
}

uint16_t phi_f16_narrow(double value) { return narrow(value, 10, -14, 0x7c00); }
uint16_t phi_bf16_narrow(double value) { return narrow(value, 7, -126, 0x7f80); }
