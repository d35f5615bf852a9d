/* SPDX-License-Identifier: MIT */
/*
 * HardSigmoid: y = max(0, min(1, alpha * x + beta)). The gradient at the two corners is 0.
 */
#include "ops/unary.h"

static enum ph_status hard_sigmoid_infer(phi_infer *c)
{
    phi_unary_params *p = c->params;
    p->alpha = phi_attr_float(c->node, "alpha", 0.2f);
    p->beta = phi_attr_float(c->node, "beta", 0.5f);
    return phi_unary_infer(c);
}

static void hard_sigmoid(const void *params, int64_t n, const float *x, float *y)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    for (int64_t i = 0; i < n; i++) {
        float z = p.alpha * x[i] + p.beta;
        z = z > 1.0f ? 1.0f : z;
        y[i] = z < 0.0f ? 0.0f : z;
    }
}

static void hard_sigmoid_grad(const void *params, int64_t n, const float *x, const float *y,
                              const float *dy, float *dx)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    (void)x;
    for (int64_t i = 0; i < n; i++) {
        float g = p.alpha * dy[i]; /* read in any case, so that there is no branch */
        g = y[i] > 0.0f ? g : 0.0f;
        dx[i] = y[i] < 1.0f ? g : 0.0f;
    }
}

static const phi_attr_rule hard_sigmoid_attrs[] = {
    {"alpha", PH_ATTR_FLOAT, 1, 0, false},
    {"beta", PH_ATTR_FLOAT, 1, 0, false},
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

PHI_UNARY_OP(hard_sigmoid, "HardSigmoid", 1, hard_sigmoid_attrs, sizeof(phi_unary_params),
             hard_sigmoid_infer, hard_sigmoid, hard_sigmoid_grad);
