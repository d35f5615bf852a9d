/* SPDX-License-Identifier: MIT */
/*
 * LeakyRelu: y = x where x >= 0, alpha * x elsewhere. The gradient at 0 is alpha.
 */
#include "ops/unary.h"

static enum ph_status leaky_relu_infer(phi_infer *c)
{
    phi_unary_params *p = c->params;
    p->alpha = phi_attr_float(c->node, "alpha", 0.01f);
    return phi_unary_infer(c);
}

static void leaky_relu(const void *params, int64_t n, const float *x, float *y)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] >= 0.0f ? x[i] : p.alpha * x[i];
}

static void leaky_relu_grad(const void *params, int64_t n, const float *x, const float *y,
                            const float *dy, float *dx)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float g = dy[i]; /* read in any case, so that there is no branch */
        dx[i] = x[i] > 0.0f ? g : p.alpha * g;
    }
}

static const phi_attr_rule leaky_relu_attrs[] = {
    {"alpha", PH_ATTR_FLOAT, 1, 0, false},
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

PHI_UNARY_OP(leaky_relu, "LeakyRelu", 1, leaky_relu_attrs, sizeof(phi_unary_params),
             leaky_relu_infer, leaky_relu, leaky_relu_grad);
