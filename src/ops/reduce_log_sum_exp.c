/* SPDX-License-Identifier: MIT */
/*
 * ReduceLogSumExp: the logarithm of the sum of e^x, one x after the other in double:
 * log(e^u + e^v) = max(u, v) + log(1 + e^-|u - v|), so that nothing overflows.
 * dL/dx = dL/dy e^(x - y).
 */
#include <math.h>

#include "ops/reduce.h"

static double log_add(double u, double v)
{
    if (u == v) return u + 0.69314718055994530942; /* infinities, too */
    return u > v ? u + log1p(exp(v - u)) : v + log1p(exp(u - v));
}
PHI_BINARY_LOOP(f64, double, double, log_add(u, v))

/* ptrs {dx, g, x, y} */
static void grad(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *dx = p[0];
    const float *g = p[1], *x = p[2], *y = p[3];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        dx[i * s[0]] = g[i * s[1]] * expf(x[i * s[2]] - y[i * s[3]]);
}

static const phi_reduce family = {
    .types = PHI_TYPES_NUMBER,
    .axes_input_since = 18,
    .kernels = {.f64 = f64},
    .start = -1,
    .floating = true,
    .grad = grad,
};

const phi_op phi_op_reduce_log_sum_exp = {
    .name = "ReduceLogSumExp",
    .attrs = phi_reduce_attrs,
    .family = &family,
    PHI_REDUCE_OP,
    .backward = phi_reduce_backward,
};
