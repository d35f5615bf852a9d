/* SPDX-License-Identifier: MIT */
/*
 * Celu (Barron 2017, arXiv:1704.07483): y = max(0, x) + min(0, alpha * (exp(x / alpha) - 1)).
 */
#include "kernels/exp_f32.h"
#include "ops/op_check.h"
#include "ops/unary.h"

static enum ph_status celu_infer(phi_infer *c)
{
    phi_unary_params *p = c->params;
    p->alpha = phi_attr_float(c->node, "alpha", 1.0f);
    if (!(p->alpha != 0.0f))
        return phi_op_fail(c, PH_ERR_ARG, "alpha is %g, wanted a number other than 0",
                           (double)p->alpha);
    return phi_unary_infer(c);
}

/* The second term is below 0 where x is, whatever the sign of alpha. */
static void celu(const void *params, int64_t n, const float *x, float *y)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    for (int64_t i = 0; i < n; i++) {
        float low = p.alpha * phi_expm1(x[i] / p.alpha);
        y[i] = x[i] < 0.0f ? low : x[i];
    }
}

static void celu_grad(const void *params, int64_t n, const float *x, const float *y,
                      const float *dy, float *dx)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float g = dy[i], slope = phi_exp(x[i] / p.alpha);
        dx[i] = x[i] < 0.0f ? slope * g : g;
    }
}

static const phi_attr_rule celu_attrs[] = {
    {"alpha", PH_ATTR_FLOAT, 12, 0, false},
    {0},
};

PHI_UNARY_OP(celu, "Celu", 12, celu_attrs, sizeof(phi_unary_params), celu_infer, celu, celu_grad);
