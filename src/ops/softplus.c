/* SPDX-License-Identifier: MIT */
/*
 * Softplus: y = log(1 + exp(x)), computed as max(x, 0) + log(1 + exp(-|x|)).
 */
#include <math.h>

#include "kernels/exp_f32.h"
#include "ops/unary.h"

static void softplus(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = (x[i] < 0.0f ? 0.0f : x[i]) + log1pf(phi_exp(-fabsf(x[i])));
}

static void softplus_grad(const void *params, int64_t n, const float *x, const float *y,
                          const float *dy, float *dx)
{
    (void)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        dx[i] = dy[i] * phi_sigmoid(x[i]);
    }
}

PHI_UNARY_OP(softplus, "Softplus", 1, phi_unary_attrs, 0, phi_unary_infer, softplus, softplus_grad);
