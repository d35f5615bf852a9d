/* SPDX-License-Identifier: MIT */
/* Sub: y = a - b. dL/da = dL/dy, dL/db = -dL/dy, summed over what was broadcast. */
#include "ops/binary.h"

PHI_BINARY_KERNELS(sub, SUB)
static phi_binary_fn *const kernels[PHI_BINARY_TYPES] = PHI_BINARY_TABLE(sub);

static void grad_b(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    float *y = p[0]; /* p {y, g, a, b} */
    const float *g = p[1];
    (void)arg;
    for (int64_t i = 0; i < n; i++)
        y[i * s[0]] = -g[i * s[1]];
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    return phi_binary_forward(e, kernels, err);
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_binary_backward(e, NULL, grad_b);
}

const phi_op phi_op_sub = {
    .name = "Sub",
    .since = 1,
    .attrs = phi_binary_attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_binary_params),
    .infer = phi_binary_infer,
    .forward = forward,
    .backward = backward,
};
