/* SPDX-License-Identifier: MIT */
/*
 * Swish (Ramachandran 2017, arXiv:1710.05941), also called SiLU: y = x / (1 + exp(-alpha * x)).
 */
#include "kernels/exp_f32.h"
#include "ops/unary.h"

static enum ph_status swish_infer(phi_infer *c)
{
    phi_unary_params *p = c->params;
    p->alpha = phi_attr_float(c->node, "alpha", 1.0f);
    return phi_unary_infer(c);
}

static void swish(const void *params, int64_t n, const float *x, float *y)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] * phi_sigmoid(p.alpha * x[i]);
}

static void swish_grad(const void *params, int64_t n, const float *x, const float *y,
                       const float *dy, float *dx)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float s = phi_sigmoid(p.alpha * x[i]);
        dx[i] = dy[i] * (s + p.alpha * x[i] * s * (1.0f - s));
    }
}

static const phi_attr_rule swish_attrs[] = {
    {"alpha", PH_ATTR_FLOAT, 24, 0, false},
    {0},
};

PHI_UNARY_OP(swish, "Swish", 24, swish_attrs, sizeof(phi_unary_params), swish_infer, swish,
             swish_grad);
