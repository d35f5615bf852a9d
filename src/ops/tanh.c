/* SPDX-License-Identifier: MIT */
/*
 * Tanh: y = tanh(x).
 */
#include <math.h>

#include "ops/unary.h"

static void tanh_each(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = tanhf(x[i]);
}

static void tanh_grad(const void *params, int64_t n, const float *x, const float *y,
                      const float *dy, float *dx)
{
    (void)params, (void)x;
    for (int64_t i = 0; i < n; i++)
        dx[i] = dy[i] * (1.0f - y[i] * y[i]);
}

static enum ph_status tanh_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_forward(e, tanh_each);
}

static enum ph_status tanh_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_backward(e, tanh_grad);
}

static const phi_attr_rule tanh_attrs[] = {
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

const phi_op phi_op_tanh = {
    .name = "Tanh",
    .since = 1,
    .attrs = tanh_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .infer = phi_unary_infer,
    .forward = tanh_forward,
    .backward = tanh_backward,
};
