/* SPDX-License-Identifier: MIT */
/* RMSNormalization (Zhang 2019, arXiv:1910.07467): over the dimensions from `axis` on. */
#include "ops/row_norm.h"

static enum ph_status rms_norm_infer(phi_infer *c)
{
    return phi_row_norm_infer(c, PHI_ROW_SQUARES);
}

static const phi_attr_rule rms_norm_attrs[] = {
    {"axis", PH_ATTR_INT, 23, 0, false},
    {"epsilon", PH_ATTR_FLOAT, 23, 0, false},
    {"stash_type", PH_ATTR_INT, 23, 0, false},
    {0},
};

const phi_op phi_op_rms_normalization = {
    .name = "RMSNormalization",
    .widens = true,
    .since = 23,
    .attrs = rms_norm_attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .trainable = 1u << 1,
    .params_bytes = sizeof(phi_row_norm),
    .infer = rms_norm_infer,
    .forward = phi_row_norm_forward,
};
