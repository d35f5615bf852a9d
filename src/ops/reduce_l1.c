/* SPDX-License-Identifier: MIT */
/* ReduceL1: the sum of absolute values. dL/dx = dL/dy sign(x). */
#include <math.h>

#include "ops/reduce.h"

PHI_BINARY_LOOP(f64, double, double, u + fabs(v))
PHI_BINARY_LOOP(i64, int64_t, int64_t, (uint64_t)u + (v < 0 ? 0 - (uint64_t)v : (uint64_t)v))
PHI_BINARY_LOOP(u64, uint64_t, uint64_t, u + v)

/* ptrs {result, x} */
static void term(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0];
    const float *x = p[1];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        y[i * s[0]] = fabsf(x[i * s[1]]);
}

/* ptrs {dx, g, x, y} */
static void grad(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *dx = p[0];
    const float *g = p[1], *x = p[2];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        dx[i * s[0]] = x[i * s[2]] > 0.0f ? g[i * s[1]] : x[i * s[2]] < 0.0f ? -g[i * s[1]] : 0.0f;
}

static const phi_reduce family = {
    .types = PHI_TYPES_NUMBER,
    .axes_input_since = 18,
    .kernels = {.f64 = f64, .i64 = i64, .u64 = u64},
    .sum = true,
    .term = term,
    .grad = grad,
};

const phi_op phi_op_reduce_l1 = {
    .name = "ReduceL1",
    .attrs = phi_reduce_attrs,
    .family = &family,
    PHI_REDUCE_OP,
    .backward = phi_reduce_backward,
};
