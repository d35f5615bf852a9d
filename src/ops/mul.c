/* SPDX-License-Identifier: MIT */
/* Mul: y = a * b. dL/da = b dL/dy, dL/db = a dL/dy, summed over what was broadcast. */
#include "ops/affine.h"
#include "ops/binary.h"

PHI_BINARY_WRAPPING(u *v)

/* ptrs {y, g, a, b}: y = g * p[other] */
static void grad(int other, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0];
    const float *g = p[1], *x = p[other];
    if (s[0] == 1 && s[1] == 1 && s[other] == 1)
        for (int64_t i = 0; i < n; i++)
            y[i] = g[i] * x[i];
    else
        for (int64_t i = 0; i < n; i++)
            y[i * s[0]] = g[i * s[1]] * x[i * s[other]];
}

static void grad_a(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    (void)arg;
    grad(3, n, p, s);
}

static void grad_b(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    (void)arg;
    grad(2, n, p, s);
}

static const phi_binary mul = {.types = PHI_TYPES_NUMBER,
                               .kernels = {PHI_KERNELS_WRAPPING},
                               .grad_a = grad_a,
                               .grad_b = grad_b};

const phi_op phi_op_mul = {
    .name = "Mul",
    .since = 1,
    .attrs = phi_binary_attrs,
    .family = &mul,
    PHI_BINARY_OP,
    .trainable_behind = 3,
    .backward = phi_binary_backward,
    .as_affine = phi_mul_as_affine,
};
