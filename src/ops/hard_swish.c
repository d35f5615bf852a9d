/* SPDX-License-Identifier: MIT */
/*
 * HardSwish: y = x * max(0, min(1, x / 6 + 1 / 2)) (MobileNetV3, Howard 2019, sec. 5.2,
 * arXiv:1905.02244). The gradient at x = -3 is 0, at x = 3 it is 1.
 */
#include "ops/unary.h"

static void hard_swish(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++) {
        float z = x[i] * (1.0f / 6.0f) + 0.5f;
        z = z > 1.0f ? 1.0f : z;
        y[i] = x[i] * (z < 0.0f ? 0.0f : z);
    }
}

static void hard_swish_grad(const void *params, int64_t n, const float *x, const float *y,
                            const float *dy, float *dx)
{
    (void)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float slope = x[i] * (1.0f / 3.0f) + 0.5f;
        slope = x[i] >= 3.0f ? 1.0f : slope;
        dx[i] = dy[i] * (x[i] <= -3.0f ? 0.0f : slope);
    }
}

PHI_UNARY_OP(hard_swish, "HardSwish", 14, phi_unary_attrs, 0, phi_unary_infer, hard_swish,
             hard_swish_grad);
