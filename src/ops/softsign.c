/* SPDX-License-Identifier: MIT */
/*
 * Softsign: y = x / (1 + |x|).
 */
#include <math.h>

#include "ops/unary.h"

static void softsign(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] / (1.0f + fabsf(x[i]));
}

static void softsign_grad(const void *params, int64_t n, const float *x, const float *y,
                          const float *dy, float *dx)
{
    (void)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float d = 1.0f + fabsf(x[i]);
        dx[i] = dy[i] / d / d;
    }
}

PHI_UNARY_OP(softsign, "Softsign", 1, phi_unary_attrs, 0, phi_unary_infer, softsign, softsign_grad);
