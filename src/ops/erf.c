/* SPDX-License-Identifier: MIT */
/*
 * Erf: y = 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.
 */
#include "kernels/erf_f32.h"
#include "ops/unary.h"

static void erf_each(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = phi_erf(x[i]);
}

static void erf_grad(const void *params, int64_t n, const float *x, const float *y, const float *dy,
                     float *dx)
{
    (void)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        dx[i] = dy[i] * (1.12837916709551257f * phi_exp(-x[i] * x[i])); /* 2 / sqrt(pi) */
    }
}

PHI_UNARY_OP(erf, "Erf", 9, phi_unary_attrs, 0, phi_unary_infer, erf_each, erf_grad);
