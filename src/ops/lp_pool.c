/* SPDX-License-Identifier: MIT */
/*
 * LpPool: (sum of |x|^p)^(1/p) over each window; the padding counts as zeros.
 */
#include <math.h>

#include "ops/lp_norm.h"
#include "ops/op_check.h"
#include "ops/pool_window.h"

typedef struct lp_pool_params {
    phi_window window; /* first, for pool_window.h */
    double p;
} lp_pool_params;

static enum ph_status lp_pool_infer(phi_infer *c)
{
    lp_pool_params *p = c->params;
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (!st) st = phi_lp_read(c, &p->p);
    return st ? st : phi_window_infer(c, &p->window, true);
}

static void lp_window(const phi_pooling *p, const phi_window_place *at)
{
    const lp_pool_params *params = (const lp_pool_params *)(const void *)p->w;
    const phi_taps *t = at->taps;
    double sum[PHI_POOL_BLOCK] = {0};
    float *y = (float *)p->y + at->y;
    for (int64_t i = 0; i < t[0].n; i++)
        for (int64_t j = 0; j < t[1].n; j++)
            for (int64_t k = 0; k < t[2].n; k++)
                phi_lp_add(params->p, at->n,
                           (const float *)p->x + at->x + phi_window_pixel(p, at, i, j, k) * p->x_pitch,
                           sum);
    for (int64_t k = 0; k < at->n; k++)
        y[k] = (float)phi_lp_root(params->p, sum[k]);
}

static enum ph_status lp_pool_forward(const phi_exec *e, ph_error *err)
{
    phi_pooling p = phi_pooling_of(e);
    (void)err;
    p.fn = lp_window;
    phi_pooling_forward(&p, e->pool);
    return PH_OK;
}

static const phi_attr_rule lp_pool_attrs[] = {
    {"kernel_shape", PH_ATTR_INTS, 1, 1, false},
    {"kernel_shape", PH_ATTR_INTS, 2, 0, true},
    {"strides", PH_ATTR_INTS, 1, 0, false},
    {"pads", PH_ATTR_INTS, 1, 0, false},
    {"auto_pad", PH_ATTR_STRING, 1, 0, false},
    {"p", PH_ATTR_FLOAT, 1, 1, false},
    {"p", PH_ATTR_INT, 2, 0, false},
    {"ceil_mode", PH_ATTR_INT, 18, 0, false},
    {"dilations", PH_ATTR_INTS, 18, 0, false},
    {0},
};

const phi_op phi_op_lp_pool = {
    .name = "LpPool",
    .widens = true,
    .since = 1,
    .attrs = lp_pool_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .slices = true,
    .by_image = true,
    .params_bytes = sizeof(lp_pool_params),
    .infer = lp_pool_infer,
    .forward = lp_pool_forward,
};
