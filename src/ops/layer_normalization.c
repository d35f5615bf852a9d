/* SPDX-License-Identifier: MIT */
/* LayerNormalization (Ba 2016, arXiv:1607.06450): over the dimensions from `axis` on. */
#include "ops/row_norm.h"

static enum ph_status layer_norm_infer(phi_infer *c)
{
    return phi_row_norm_infer(c, PHI_ROW_DEVIATION);
}

static const phi_attr_rule layer_norm_attrs[] = {
    {"axis", PH_ATTR_INT, 17, 0, false},
    {"epsilon", PH_ATTR_FLOAT, 17, 0, false},
    {"stash_type", PH_ATTR_INT, 17, 0, false},
    {0},
};

const phi_op phi_op_layer_normalization = {
    .name = "LayerNormalization",
    .widens = true,
    .since = 17,
    .attrs = layer_norm_attrs,
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 3,
    .layout = PHI_LAYOUT_ANY,
    .trainable = 1u << 1 | 1u << 2,
    .params_bytes = sizeof(phi_row_norm),
    .infer = layer_norm_infer,
    .forward = phi_row_norm_forward,
};
