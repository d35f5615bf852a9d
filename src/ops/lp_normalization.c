/* SPDX-License-Identifier: MIT */
/* LpNormalization: y = x / (sum of |x|^p)^(1/p) along an axis; 0 where the norm is 0. */
#include "ops/axes.h"
#include "ops/op_check.h"
#include "ops/row_norm.h"

static enum ph_status lp_norm_infer(phi_infer *c)
{
    phi_row_norm *p = c->params;
    int axis = 0;
    int64_t power = phi_attr_int(c->node, "p", 2);
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (!st) st = phi_axis(c, phi_attr_int(c->node, "axis", -1), c->in[0]->rank, &axis);
    if (st) return st;
    if (power != 1 && power != 2)
        return phi_op_fail(c, PH_ERR_ARG, "p is %lld, wanted 1 or 2", (long long)power);
    *p = (phi_row_norm){.kind = PHI_ROW_LP, .group = UINT32_C(1) << axis, .p = (double)power};
    c->out[0] = *c->in[0];
    return PH_OK;
}

static const phi_attr_rule lp_norm_attrs[] = {
    {"axis", PH_ATTR_INT, 1, 0, false},
    {"p", PH_ATTR_INT, 1, 0, false},
    {0},
};

const phi_op phi_op_lp_normalization = {
    .name = "LpNormalization",
    .widens = true,
    .since = 1,
    .attrs = lp_norm_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_row_norm),
    .infer = lp_norm_infer,
    .forward = phi_row_norm_forward,
};
