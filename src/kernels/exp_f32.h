/* SPDX-License-Identifier: MIT */
/*
 * exp and exp - 1 in float, without branches, calls or tables, so that loops over them become
 * vector code on any instruction set, and with the same bits on all.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) - 1 is a polynomial (that of Cephes' expf, Moshier
 * 1989). Off by at most 1.5 units in the last place, where the result is not subnormal.
 */
#ifndef PHI_EXP_F32_H
#define PHI_EXP_F32_H

#include <stdint.h>
#include <string.h>

static inline float phi_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t phi_to_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* Not-a-number goes through; beyond the clamp, exp is infinity or 0. Returns exp(r) - 1, and 2^n as
 * the product of two floats. */
static inline float phi_exp_parts(float x, float *scale_a, float *scale_b)
{
    const float round = 12582912.0f; /* 1.5 * 2^23: the sum's last bits are an integer */
    x = x < -104.0f ? -104.0f : x;
    x = x > 89.0f ? 89.0f : x;
    float shifted = x * 1.44269504088896341f + round, n = shifted - round;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    /* 2^n = 2^a 2^b with a = floor(n / 2): exponents that floats have, even if n is not one. The
     * numbers are kept positive by 1024. */
    uint32_t m = phi_to_bits(shifted) - phi_to_bits(round) + 1024u;
    uint32_t a = m >> 1, b = m - a;
    *scale_a = phi_from_bits((a - 512u + 127u) << 23);
    *scale_b = phi_from_bits((b - 512u + 127u) << 23);
    return p * (r * r) + r;
}

static inline float phi_exp(float x)
{
    float a, b, q = phi_exp_parts(x, &a, &b);
    return (q + 1.0f) * a * b;
}

/* Exact to a few units in the last place near 0, too. For x <= 88. */
static inline float phi_expm1(float x)
{
    float a, b, q = phi_exp_parts(x, &a, &b), scale = a * b;
    return q * scale + (scale - 1.0f);
}

static inline float phi_sigmoid(float x)
{
    return 1.0f / (1.0f + phi_exp(-x));
}

#endif /* PHI_EXP_F32_H */
