/* SPDX-License-Identifier: MIT */
/*
 * Tanh: y = tanh(x).
 */
#include <math.h>

#include "ops/unary.h"

static void tanh_each(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = tanhf(x[i]);
}

static void tanh_grad(const void *params, int64_t n, const float *x, const float *y,
                      const float *dy, float *dx)
{
    (void)params;
    (void)x;
    for (int64_t i = 0; i < n; i++) {
        dx[i] = dy[i] * (1.0f - y[i] * y[i]);
    }
}

PHI_UNARY_OP(tanh, "Tanh", 1, phi_unary_attrs, 0, phi_unary_infer, tanh_each, tanh_grad);
