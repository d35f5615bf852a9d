/* SPDX-License-Identifier: MIT */
/*
 * GlobalAveragePool: the mean of each channel over its pixels, summed in double (NiN, Lin 2013,
 * sec. 3.2, arXiv:1312.4400).
 */
#include "ops/global_pool.h"

static void mean_block(const phi_global_block *b)
{
    double sum[PHI_GLOBAL_BLOCK] = {0};
    for (int64_t p = 0; p < b->pixels; p++) {
        const float *x = b->x + p * b->pitch;
        for (int64_t k = 0; k < b->n; k++)
            sum[k] += (double)x[k];
    }
    for (int64_t k = 0; k < b->n; k++)
        b->y[k] = (float)(sum[k] / (double)b->pixels);
}

static void spread_block(const phi_global_block *b)
{
    float part[PHI_GLOBAL_BLOCK];
    for (int64_t k = 0; k < b->n; k++)
        part[k] = b->dy[k] / (float)b->pixels;
    for (int64_t p = 0; p < b->pixels; p++)
        memcpy(b->dx + p * b->pitch, part, (size_t)b->n * sizeof *part);
}

static enum ph_status global_average_pool_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_global_forward(e, mean_block);
}

static enum ph_status global_average_pool_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_global_backward(e, spread_block);
}

static const phi_attr_rule global_average_pool_attrs[] = {{0}};

const phi_op phi_op_global_average_pool = {
    .name = "GlobalAveragePool",
    .widens = true,
    .since = 1,
    .attrs = global_average_pool_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .slices = true,
    .by_image = true,
    .infer = phi_global_infer,
    .forward = global_average_pool_forward,
    .backward = global_average_pool_backward,
};
