/* SPDX-License-Identifier: MIT */
/* GlobalLpPool: (sum of |x|^p)^(1/p) over the pixels of each channel. */
#include "ops/global_pool.h"
#include "ops/lp_norm.h"

static enum ph_status global_lp_pool_infer(phi_infer *c)
{
    enum ph_status st = phi_lp_read(c, c->params);
    return st ? st : phi_global_infer(c);
}

static void norm_block(const phi_global_block *b)
{
    const double p = *(const double *)b->params;
    double sum[PHI_GLOBAL_BLOCK] = {0};
    for (int64_t i = 0; i < b->pixels; i++)
        phi_lp_add(p, b->n, b->x + i * b->pitch, sum);
    for (int64_t k = 0; k < b->n; k++)
        b->y[k] = (float)phi_lp_root(p, sum[k]);
}

static enum ph_status global_lp_pool_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_global_forward(e, norm_block);
}

static const phi_attr_rule global_lp_pool_attrs[] = {
    {"p", PH_ATTR_FLOAT, 1, 1, false},
    {"p", PH_ATTR_INT, 2, 0, false},
    {0},
};

const phi_op phi_op_global_lp_pool = {
    .name = "GlobalLpPool",
    .widens = true,
    .since = 1,
    .attrs = global_lp_pool_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .slices = true,
    .by_image = true,
    .params_bytes = sizeof(double),
    .infer = global_lp_pool_infer,
    .forward = global_lp_pool_forward,
};
