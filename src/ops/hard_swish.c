/* SPDX-License-Identifier: MIT */
/*
 * HardSwish: y = x * max(0, min(1, x / 6 + 1 / 2)) (MobileNetV3, Howard 2019, sec. 5.2,
 * arXiv:1905.02244). The gradient at x = -3 is 0, at x = 3 it is 1.
 */
#include "ops/unary.h"

static void hard_swish(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++) {
        float z = x[i] * (1.0f / 6.0f) + 0.5f;
        z = z > 1.0f ? 1.0f : z;
        y[i] = x[i] * (z < 0.0f ? 0.0f : z);
    }
}

static void hard_swish_grad(const void *params, int64_t n, const float *x, const float *y,
                            const float *dy, float *dx)
{
    (void)params, (void)y;
    for (int64_t i = 0; i < n; i++) {
        float slope = x[i] * (1.0f / 3.0f) + 0.5f;
        slope = x[i] >= 3.0f ? 1.0f : slope;
        dx[i] = dy[i] * (x[i] <= -3.0f ? 0.0f : slope);
    }
}

static enum ph_status hard_swish_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_forward(e, hard_swish);
}

static enum ph_status hard_swish_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_backward(e, hard_swish_grad);
}

static const phi_attr_rule hard_swish_attrs[] = {{0}};

const phi_op phi_op_hard_swish = {
    .name = "HardSwish",
    .since = 14,
    .attrs = hard_swish_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .infer = phi_unary_infer,
    .forward = hard_swish_forward,
    .backward = hard_swish_backward,
};
