/* SPDX-License-Identifier: MIT */
/*
 * Sigmoid: y = 1 / (1 + exp(-x)).
 */
#include <math.h>

#include "ops/unary.h"

/* exp(-x) overflows to infinity below -88, which makes the quotient 0: right to a float. */
static void sigmoid(const void *params, int64_t n, const float *x, float *y)
{
    (void)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = 1.0f / (1.0f + expf(-x[i]));
}

static void sigmoid_grad(const void *params, int64_t n, const float *x, const float *y,
                         const float *dy, float *dx)
{
    (void)params, (void)x;
    for (int64_t i = 0; i < n; i++)
        dx[i] = dy[i] * (y[i] * (1.0f - y[i]));
}

static enum ph_status sigmoid_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_forward(e, sigmoid);
}

static enum ph_status sigmoid_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_backward(e, sigmoid_grad);
}

static const phi_attr_rule sigmoid_attrs[] = {
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

const phi_op phi_op_sigmoid = {
    .name = "Sigmoid",
    .since = 1,
    .attrs = sigmoid_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .infer = phi_unary_infer,
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
};
