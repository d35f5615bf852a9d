/* SPDX-License-Identifier: MIT */
/*
 * HardSigmoid: y = max(0, min(1, alpha * x + beta)). The gradient at the two corners is 0.
 */
#include "ops/unary.h"

typedef struct hard_sigmoid_params {
    float alpha, beta;
} hard_sigmoid_params;

static enum ph_status hard_sigmoid_infer(phi_infer *c)
{
    hard_sigmoid_params *p = c->params;
    p->alpha = phi_attr_float(c->node, "alpha", 0.2f);
    p->beta = phi_attr_float(c->node, "beta", 0.5f);
    return phi_unary_infer(c);
}

static void hard_sigmoid(const void *params, int64_t n, const float *x, float *y)
{
    const hard_sigmoid_params p = *(const hard_sigmoid_params *)params;
    for (int64_t i = 0; i < n; i++) {
        float z = p.alpha * x[i] + p.beta;
        z = z > 1.0f ? 1.0f : z;
        y[i] = z < 0.0f ? 0.0f : z;
    }
}

static void hard_sigmoid_grad(const void *params, int64_t n, const float *x, const float *y,
                              const float *dy, float *dx)
{
    const hard_sigmoid_params p = *(const hard_sigmoid_params *)params;
    (void)x;
    for (int64_t i = 0; i < n; i++) {
        float g = p.alpha * dy[i]; /* read in any case, so that there is no branch */
        g = y[i] > 0.0f ? g : 0.0f;
        dx[i] = y[i] < 1.0f ? g : 0.0f;
    }
}

static enum ph_status hard_sigmoid_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_forward(e, hard_sigmoid);
}

static enum ph_status hard_sigmoid_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_backward(e, hard_sigmoid_grad);
}

static const phi_attr_rule hard_sigmoid_attrs[] = {
    {"alpha", PH_ATTR_FLOAT, 1, 0, false},
    {"beta", PH_ATTR_FLOAT, 1, 0, false},
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

const phi_op phi_op_hard_sigmoid = {
    .name = "HardSigmoid",
    .since = 1,
    .attrs = hard_sigmoid_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(hard_sigmoid_params),
    .infer = hard_sigmoid_infer,
    .forward = hard_sigmoid_forward,
    .backward = hard_sigmoid_backward,
};
