/* SPDX-License-Identifier: MIT */
/*
 * Shrink: y = x + bias where x < -lambd, x - bias where x > lambd, 0 between. With bias 0 it is
 * hard shrinkage, with bias = lambd soft shrinkage.
 */
#include "ops/unary.h"

/* alpha and beta of the params: lambd and bias */
static enum ph_status shrink_infer(phi_infer *c)
{
    phi_unary_params *p = c->params;
    p->alpha = phi_attr_float(c->node, "lambd", 0.5f);
    p->beta = phi_attr_float(c->node, "bias", 0.0f);
    return phi_unary_infer(c);
}

static void shrink(const void *params, int64_t n, const float *x, float *y)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    for (int64_t i = 0; i < n; i++) {
        float high = x[i] > p.alpha ? x[i] - p.beta : 0.0f;
        y[i] = x[i] < -p.alpha ? x[i] + p.beta : high;
    }
}

static void shrink_grad(const void *params, int64_t n, const float *x, const float *y,
                        const float *dy, float *dx)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float g = dy[i], high = x[i] > p.alpha ? g : 0.0f;
        dx[i] = x[i] < -p.alpha ? g : high;
    }
}

static const phi_attr_rule shrink_attrs[] = {
    {"lambd", PH_ATTR_FLOAT, 9, 0, false},
    {"bias", PH_ATTR_FLOAT, 9, 0, false},
    {0},
};

PHI_UNARY_OP(shrink, "Shrink", 9, shrink_attrs, sizeof(phi_unary_params), shrink_infer, shrink,
             shrink_grad);
