/* SPDX-License-Identifier: MIT */
/*
 * The error function in float, without branches or calls, for loops that become vector code.
 *
 * For z >= 0, erfc(z) = t exp(-z^2) p(t) with t = 1 / (1 + z / 2). p is a polynomial of degree 8,
 * fitted for the smallest largest relative error of erfc on 0 .. 11: 4.4e-8. Near 0,
 * erf(x) = x q(x^2) on |x| <= 1, q of degree 5, 4.0e-8. Evaluated in float, both stay within three
 * units in the last place, but for what rounding z^2 does to exp: z^2 / 2 units more.
 */
#ifndef PHI_ERF_F32_H
#define PHI_ERF_F32_H

#include <math.h>

#include "kernels/exp_f32.h"

/* erfc(z), z >= 0. */
static inline float phi_erfc_positive(float z)
{
    float t = 1.0f / (1.0f + 0.5f * z), p = -5.927750841e-2f;
    p = p * t + 2.855934501e-1f;
    p = p * t - 4.893107414e-1f;
    p = p * t + 2.804840803e-1f;
    p = p * t - 2.829182148e-2f;
    p = p * t + 2.033921778e-1f;
    p = p * t + 2.429254800e-1f;
    p = p * t + 2.823998034e-1f;
    p = p * t + 2.820850313e-1f;
    return t * p * phi_exp(-z * z);
}

static inline float phi_erf(float x)
{
    float s = x * x, q = -5.631419000e-4f;
    q = q * s + 4.917550614e-3f;
    q = q * s - 2.671131059e-2f;
    q = q * s + 1.128018009e-1f;
    q = q * s - 3.761232618e-1f;
    q = q * s + 1.128379122f;
    float z = fabsf(x), far = 1.0f - phi_erfc_positive(z);
    far = x < 0.0f ? -far : far;
    return z < 1.0f ? x * q : far;
}

/* Probability that a normal number is at most x: erfc(-x / sqrt(2)) / 2, with all its digits below
 * 0, where 1 + erf would lose them. */
static inline float phi_normal(float x)
{
    float half = 0.5f * phi_erfc_positive(fabsf(x) * 0.707106781186547524f);
    return x < 0.0f ? half : 1.0f - half;
}

#endif /* PHI_ERF_F32_H */
