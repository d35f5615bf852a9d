/* SPDX-License-Identifier: MIT */
/*
 * Sigmoid: y = 1 / (1 + exp(-x)). exp(-x) is infinity below -88, which makes the quotient 0: right
 * to a float.
 */
#include "kernels/exp_f32.h"
#include "ops/unary.h"

static void sigmoid(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = phi_sigmoid(x[i]);
}

static void sigmoid_grad(const void *params, int64_t n, const float *x, const float *y,
                         const float *dy, float *dx)
{
    (void)params;
    (void)x;
    for (int64_t i = 0; i < n; i++) {
        dx[i] = dy[i] * (y[i] * (1.0f - y[i]));
    }
}

PHI_UNARY_OP(sigmoid, "Sigmoid", 1, phi_unary_attrs, 0, phi_unary_infer, sigmoid, sigmoid_grad);
