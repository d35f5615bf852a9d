/* SPDX-License-Identifier: MIT */
/* ReduceL2: the root of the sum of squares. dL/dx = dL/dy x / y. */
#include "ops/reduce.h"

PHI_BINARY_LOOP(f64, double, double, u + v * v)

/* ptrs {dx, g, x, y} */
static void grad(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *dx = p[0];
    const float *g = p[1], *x = p[2], *y = p[3];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        dx[i * s[0]] = y[i * s[3]] > 0.0f ? g[i * s[1]] * x[i * s[2]] / y[i * s[3]] : 0.0f;
}

static const phi_reduce family = {
    .types = PHI_TYPES_NUMBER,
    .axes_input_since = 18,
    .kernels = {.f64 = f64},
    .end = PHI_END_ROOT,
    .floating = true,
    .sum = true,
    .term = phi_reduce_square,
    .grad = grad,
};

const phi_op phi_op_reduce_l2 = {
    .name = "ReduceL2",
    .attrs = phi_reduce_attrs,
    .family = &family,
    PHI_REDUCE_OP,
    .backward = phi_reduce_backward,
};
