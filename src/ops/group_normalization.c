/* SPDX-License-Identifier: MIT */
/*
 * GroupNormalization (Wu 2018, arXiv:1803.08494). Scale and bias belong to groups in opset 18, to
 * channels from opset 21 on.
 */
#include "ops/channel_norm.h"

static enum ph_status group_norm_infer(phi_infer *c)
{
    phi_channel_norm *p = c->params;
    const phi_type *x = c->in[0];
    int64_t groups = phi_attr_int(c->node, "num_groups", 1);
    if (groups < 1)
        return phi_op_fail(c, PH_ERR_ARG, "num_groups is %lld, wanted at least 1",
                           (long long)groups);
    if (phi_attr_int(c->node, "stash_type", 1) != 1)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                           "stash_type is %lld, only 1 (float32) is "
                           "supported",
                           (long long)phi_attr_int(c->node, "stash_type", 1));
    *p = (phi_channel_norm){
        .groups = groups, .scale_each = 1, .epsilon = phi_attr_float(c->node, "epsilon", 1e-5f)};
    if (c->opset < 21 && x->rank > 1 && x->dims[1] >= groups) p->scale_each = x->dims[1] / groups;
    return phi_channel_norm_infer(c, p);
}

static const phi_attr_rule group_norm_attrs[] = {
    {"epsilon", PH_ATTR_FLOAT, 18, 0, false},
    {"num_groups", PH_ATTR_INT, 18, 0, true},
    {"stash_type", PH_ATTR_INT, 21, 0, false},
    {0},
};

const phi_op phi_op_group_normalization = {
    .name = "GroupNormalization",
    .widens = true,
    .since = 18,
    .attrs = group_norm_attrs,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .trainable = 1u << 1 | 1u << 2,
    .params_bytes = sizeof(phi_channel_norm),
    .infer = group_norm_infer,
    .work_bytes = phi_channel_norm_work_bytes,
    .forward = phi_channel_norm_forward,
    .backward = phi_channel_norm_backward,
};
