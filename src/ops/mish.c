/* SPDX-License-Identifier: MIT */
/*
 * Mish (Misra 2019, arXiv:1908.08681): y = x * tanh(log(1 + exp(x))). With e = exp(x), the tangent
 * is (e^2 + 2 e) / (e^2 + 2 e + 2), which is 1 to a float from x = 12 on.
 */
#include "kernels/exp_f32.h"
#include "ops/unary.h"

/* tanh(log(1 + exp(x))) */
static inline float gate(float x)
{
    float e = phi_exp(x > 20.0f ? 20.0f : x), m = e * (e + 2.0f);
    return m / (m + 2.0f);
}

static void mish(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] * gate(x[i]);
}

static void mish_grad(const void *params, int64_t n, const float *x, const float *y,
                      const float *dy, float *dx)
{
    (void)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float t = gate(x[i]);
        dx[i] = dy[i] * (t + x[i] * (1.0f - t * t) * phi_sigmoid(x[i]));
    }
}

PHI_UNARY_OP(mish, "Mish", 18, phi_unary_attrs, 0, phi_unary_infer, mish, mish_grad);
