/* SPDX-License-Identifier: MIT */
/* ReduceMean: the mean, summed in double; of integers, cut off. dL/dx = dL/dy / count. */
#include "ops/reduce.h"

PHI_REDUCE_KERNELS(u + v, (uint64_t)u + (uint64_t)v)

/* ptrs {dx, g, x, y} */
static void grad(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *dx = p[0];
    const float *g = p[1];
    const float count = *(const float *)arg;
    for (int64_t i = 0; i < n; i++)
        dx[i * s[0]] = g[i * s[1]] / count;
}

static const phi_reduce family = {
    .types = PHI_TYPES_NUMBER,
    .axes_input_since = 18,
    .kernels = {.f64 = f64, .i64 = i64, .u64 = u64},
    .mean = true,
    .sum = true,
    .grad = grad,
};

const phi_op phi_op_reduce_mean = {
    .name = "ReduceMean",
    .attrs = phi_reduce_attrs,
    .family = &family,
    PHI_REDUCE_OP,
    .backward = phi_reduce_backward,
};
