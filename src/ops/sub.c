/* SPDX-License-Identifier: MIT */
/* Sub: y = a - b. dL/da = dL/dy, dL/db = -dL/dy, summed over what was broadcast. */
#include "ops/affine.h"
#include "ops/binary.h"

PHI_BINARY_WRAPPING(u - v)

static void grad_b(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0]; /* p {y, g, a, b} */
    const float *g = p[1];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        y[i * s[0]] = -g[i * s[1]];
}

static const phi_binary sub = {
    .types = PHI_TYPES_NUMBER, .kernels = {PHI_KERNELS_WRAPPING}, .grad_b = grad_b};

const phi_op phi_op_sub = {
    .name = "Sub",
    .since = 1,
    .attrs = phi_binary_attrs,
    .family = &sub,
    PHI_BINARY_OP,
    .trainable_behind = 3,
    .backward = phi_binary_backward,
    .as_affine = phi_sub_as_affine,
};
