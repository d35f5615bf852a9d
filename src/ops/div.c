/* SPDX-License-Identifier: MIT */
/*
 * Div: y = a / b; integers are divided towards zero, the smallest number by -1 wraps to itself.
 * dL/da = dL/dy / b, dL/db = -dL/dy (a / b) / b, summed over what was broadcast.
 */
#include "ops/affine.h"
#include "ops/binary.h"

PHI_BINARY_FLOATS(u / v)
PHI_BINARY_NOT_ZERO(i64, int64_t, v == -1 ? (int64_t)(0 - (uint64_t)u) : u / v)
PHI_BINARY_NOT_ZERO(u64, uint64_t, u / v)

/* ptrs {y, g, a, b} */
static void grad_a(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0];
    const float *g = p[1], *b = p[3];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        y[i * s[0]] = g[i * s[1]] / b[i * s[3]];
}

static void grad_b(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0];
    const float *g = p[1], *a = p[2], *b = p[3];
    (void)arg;
    for (int64_t i = 0; i < n; i++) {
        float d = b[i * s[3]];
        y[i * s[0]] = -g[i * s[1]] * (a[i * s[2]] / d) / d;
    }
}

static const phi_binary quotient = {
    .types = PHI_TYPES_NUMBER, .kernels = {PHI_KERNELS_ALL}, .grad_a = grad_a, .grad_b = grad_b};

const phi_op phi_op_div = {
    .name = "Div",
    .since = 1,
    .attrs = phi_binary_attrs,
    .family = &quotient,
    PHI_BINARY_OP,
    .trainable_behind = 3,
    .backward = phi_binary_backward,
    .as_affine = phi_div_as_affine,
};
