/* SPDX-License-Identifier: MIT */
/* ReduceLogSum: the logarithm of the sum. dL/dx = dL/dy e^-y. */
#include <math.h>

#include "ops/reduce.h"

PHI_BINARY_LOOP(f64, double, double, u + v)

/* ptrs {dx, g, x, y} */
static void grad(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *dx = p[0];
    const float *g = p[1], *y = p[3];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        dx[i * s[0]] = g[i * s[1]] * expf(-y[i * s[3]]);
}

static const phi_reduce family = {
    .types = PHI_TYPES_NUMBER,
    .axes_input_since = 18,
    .kernels = {.f64 = f64},
    .end = PHI_END_LOG,
    .floating = true,
    .sum = true,
    .grad = grad,
};

const phi_op phi_op_reduce_log_sum = {
    .name = "ReduceLogSum",
    .attrs = phi_reduce_attrs,
    .family = &family,
    PHI_REDUCE_OP,
    .backward = phi_reduce_backward,
};
