/* SPDX-License-Identifier: MIT */
/*
 * MeanVarianceNormalization: y = (x - mean) / (sqrt(var) + 1e-9) over the given axes, by default
 * all but the channels of images.
 */
#include "ops/axes.h"
#include "ops/op_check.h"
#include "ops/row_norm.h"

static enum ph_status mvn_infer(phi_infer *c)
{
    static const int64_t images[] = {0, 2, 3};
    phi_row_norm *p = c->params;
    size_t n;
    const int64_t *axes = phi_attr_ints(c->node, "axes", &n);
    if (n == 0) axes = images, n = PHI_COUNT(images);
    *p = (phi_row_norm){.kind = PHI_ROW_MVN, .epsilon = 1e-9};
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    c->out[0] = *c->in[0];
    return st ? st : phi_axes_mask(c, n, axes, c->in[0]->rank, &p->group);
}

static const phi_attr_rule mvn_attrs[] = {
    {"axes", PH_ATTR_INTS, 9, 0, false},
    {0},
};

const phi_op phi_op_mean_variance_normalization = {
    .name = "MeanVarianceNormalization",
    .widens = true,
    .since = 9,
    .attrs = mvn_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_row_norm),
    .infer = mvn_infer,
    .forward = phi_row_norm_forward,
};
