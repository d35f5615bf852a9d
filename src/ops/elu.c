/* SPDX-License-Identifier: MIT */
/*
 * Elu (Clevert 2015, arXiv:1511.07289): y = x where x >= 0, alpha * (exp(x) - 1) below.
 */
#include "kernels/exp_f32.h"
#include "ops/unary.h"

static enum ph_status elu_infer(phi_infer *c)
{
    phi_unary_params *p = c->params;
    p->alpha = phi_attr_float(c->node, "alpha", 1.0f);
    return phi_unary_infer(c);
}

static void elu(const void *params, int64_t n, const float *x, float *y)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] < 0.0f ? p.alpha * phi_expm1(x[i]) : x[i];
}

static void elu_grad(const void *params, int64_t n, const float *x, const float *y, const float *dy,
                     float *dx)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float g = dy[i], slope = p.alpha * phi_exp(x[i]);
        dx[i] = x[i] < 0.0f ? slope * g : g;
    }
}

static const phi_attr_rule elu_attrs[] = {
    {"alpha", PH_ATTR_FLOAT, 1, 0, false},
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

PHI_UNARY_OP(elu, "Elu", 1, elu_attrs, sizeof(phi_unary_params), elu_infer, elu, elu_grad);
