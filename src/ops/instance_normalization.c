/* SPDX-License-Identifier: MIT */
/* InstanceNormalization (Ulyanov 2016, arXiv:1607.08022): each channel of each image by itself. */
#include "ops/channel_norm.h"

static enum ph_status instance_norm_infer(phi_infer *c)
{
    phi_channel_norm *p = c->params;
    const phi_type *x = c->in[0];
    *p = (phi_channel_norm){.groups = x->rank > 1 && x->dims[1] > 0 ? x->dims[1] : 1,
                            .scale_each = 1,
                            .epsilon = phi_attr_float(c->node, "epsilon", 1e-5f)};
    return phi_channel_norm_infer(c, p);
}

static const phi_attr_rule instance_norm_attrs[] = {
    {"epsilon", PH_ATTR_FLOAT, 1, 0, false},
    {"consumed_inputs", PH_ATTR_INTS, 1, 5, false}, /* means nothing any more */
    {0},
};

const phi_op phi_op_instance_normalization = {
    .name = "InstanceNormalization",
    .widens = true,
    .since = 1,
    .attrs = instance_norm_attrs,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .trainable = 1u << 1 | 1u << 2,
    .params_bytes = sizeof(phi_channel_norm),
    .infer = instance_norm_infer,
    .work_bytes = phi_channel_norm_work_bytes,
    .forward = phi_channel_norm_forward,
    .backward = phi_channel_norm_backward,
};
