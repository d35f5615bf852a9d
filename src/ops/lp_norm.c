/* SPDX-License-Identifier: MIT */
#include "ops/lp_norm.h"

#include <math.h>

enum ph_status phi_lp_read(const phi_infer *c, double *p)
{
    *p = c->opset < 2 ? (double)phi_attr_float(c->node, "p", 2)
                      : (double)phi_attr_int(c->node, "p", 2);
    if (*p > 0 && isfinite(*p)) return PH_OK;
    return phi_op_fail(c, PH_ERR_ARG, "p is %g, wanted above 0", *p);
}

double phi_lp_power(double p, double x)
{
    return p == 2 ? x * x : p == 1 ? fabs(x) : pow(fabs(x), p);
}

void phi_lp_add(double p, int64_t n, const float *x, double *sum)
{
    for (int64_t i = 0; i < n; i++)
        sum[i] += phi_lp_power(p, (double)x[i]);
}

double phi_lp_root(double p, double sum)
{
    return p == 2 ? sqrt(sum) : p == 1 ? sum : pow(sum, 1 / p);
}
