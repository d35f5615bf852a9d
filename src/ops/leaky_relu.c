/* SPDX-License-Identifier: MIT */
/*
 * LeakyRelu: y = x where x >= 0, alpha * x elsewhere. The gradient at 0 is alpha.
 */
#include "ops/unary.h"

typedef struct leaky_relu_params {
    float alpha;
} leaky_relu_params;

static enum ph_status leaky_relu_infer(phi_infer *c)
{
    leaky_relu_params *p = c->params;
    p->alpha = phi_attr_float(c->node, "alpha", 0.01f);
    return phi_unary_infer(c);
}

static void leaky_relu(const void *params, int64_t n, const float *x, float *y)
{
    const float alpha = ((const leaky_relu_params *)params)->alpha;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] >= 0.0f ? x[i] : alpha * x[i];
}

static void leaky_relu_grad(const void *params, int64_t n, const float *x, const float *y,
                            const float *dy, float *dx)
{
    const float alpha = ((const leaky_relu_params *)params)->alpha;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float g = dy[i]; /* read in any case, so that there is no branch */
        dx[i] = x[i] > 0.0f ? g : alpha * g;
    }
}

static enum ph_status leaky_relu_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_forward(e, leaky_relu);
}

static enum ph_status leaky_relu_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_backward(e, leaky_relu_grad);
}

static const phi_attr_rule leaky_relu_attrs[] = {
    {"alpha", PH_ATTR_FLOAT, 1, 0, false},
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

const phi_op phi_op_leaky_relu = {
    .name = "LeakyRelu",
    .since = 1,
    .attrs = leaky_relu_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(leaky_relu_params),
    .infer = leaky_relu_infer,
    .forward = leaky_relu_forward,
    .backward = leaky_relu_backward,
};
