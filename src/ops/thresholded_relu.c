/* SPDX-License-Identifier: MIT */
/*
 * ThresholdedRelu (Konda 2014, arXiv:1402.3337): y = x where x > alpha, 0 elsewhere.
 */
#include "ops/unary.h"

static enum ph_status thresholded_relu_infer(phi_infer *c)
{
    phi_unary_params *p = c->params;
    p->alpha = phi_attr_float(c->node, "alpha", 1.0f);
    return phi_unary_infer(c);
}

static void thresholded_relu(const void *params, int64_t n, const float *x, float *y)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] <= p.alpha ? 0.0f : x[i];
}

static void thresholded_relu_grad(const void *params, int64_t n, const float *x, const float *y,
                                  const float *dy, float *dx)
{
    const phi_unary_params p = *(const phi_unary_params *)params;
    (void)y;
    for (int64_t i = 0; i < n; i++) {
        float g = dy[i]; /* read in any case, so that there is no branch */
        dx[i] = x[i] > p.alpha ? g : 0.0f;
    }
}

static const phi_attr_rule thresholded_relu_attrs[] = {
    {"alpha", PH_ATTR_FLOAT, 10, 0, false},
    {0},
};

PHI_UNARY_OP(thresholded_relu, "ThresholdedRelu", 10, thresholded_relu_attrs,
             sizeof(phi_unary_params), thresholded_relu_infer, thresholded_relu,
             thresholded_relu_grad);
