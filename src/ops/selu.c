/* SPDX-License-Identifier: MIT */
/*
 * Selu (Klambauer 2017, arXiv:1706.02515): y = gamma * x where x > 0, gamma * alpha * (exp(x) - 1)
 * elsewhere. Opset 1 had shorter defaults of the two constants.
 */
#include "kernels/exp_f32.h"
#include "ops/unary.h"

/* alpha and beta of the params: alpha and gamma */
static enum ph_status selu_infer(phi_infer *c)
{
    phi_unary_params *p = c->params;
    p->alpha =
        phi_attr_float(c->node, "alpha", c->opset < 6 ? 1.6732f : 1.67326319217681884765625f);
    p->beta = phi_attr_float(c->node, "gamma", c->opset < 6 ? 1.0507f : 1.05070102214813232421875f);
    return phi_unary_infer(c);
}

static void selu(const void *params, int64_t n, const float *x, float *y)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = p.beta * (x[i] > 0.0f ? x[i] : p.alpha * phi_expm1(x[i]));
}

static void selu_grad(const void *params, int64_t n, const float *x, const float *y,
                      const float *dy, float *dx)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float slope = p.alpha * phi_exp(x[i]);
        dx[i] = p.beta * dy[i] * (x[i] > 0.0f ? 1.0f : slope);
    }
}

static const phi_attr_rule selu_attrs[] = {
    {"alpha", PH_ATTR_FLOAT, 1, 0, false},
    {"gamma", PH_ATTR_FLOAT, 1, 0, false},
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

PHI_UNARY_OP(selu, "Selu", 1, selu_attrs, sizeof(phi_unary_params), selu_infer, selu, selu_grad);
