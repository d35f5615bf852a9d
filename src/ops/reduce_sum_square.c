/* SPDX-License-Identifier: MIT */
/* ReduceSumSquare: the sum of squares. dL/dx = 2 x dL/dy. */
#include "ops/reduce.h"

PHI_REDUCE_KERNELS(u + v * v, (uint64_t)u + (uint64_t)v * (uint64_t)v)

/* ptrs {dx, g, x, y} */
static void grad(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *dx = p[0];
    const float *g = p[1], *x = p[2];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        dx[i * s[0]] = 2.0f * x[i * s[2]] * g[i * s[1]];
}

static const phi_reduce family = {
    .types = PHI_TYPES_NUMBER,
    .axes_input_since = 18,
    .kernels = {.f64 = f64, .i64 = i64, .u64 = u64},
    .sum = true,
    .term = phi_reduce_square,
    .grad = grad,
};

const phi_op phi_op_reduce_sum_square = {
    .name = "ReduceSumSquare",
    .attrs = phi_reduce_attrs,
    .family = &family,
    PHI_REDUCE_OP,
    .backward = phi_reduce_backward,
};
