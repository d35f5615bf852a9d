/* SPDX-License-Identifier: MIT */
/*
 * GlobalMaxPool: the largest pixel of each channel. As in MaxPool, not-a-number counts as larger
 * than every number, and the gradient goes to the first of equals.
 */
#include "ops/global_pool.h"

static bool is_larger(float a, float b)
{
    return a > b || (a != a && b == b);
}

static void max_block(const phi_global_block *b)
{
    float best[PHI_GLOBAL_BLOCK];
    memcpy(best, b->x, (size_t)b->n * sizeof *best);
    for (int64_t p = 1; p < b->pixels; p++) {
        const float *x = b->x + p * b->pitch;
        for (int64_t k = 0; k < b->n; k++)
            best[k] = is_larger(x[k], best[k]) ? x[k] : best[k];
    }
    memcpy(b->y, best, (size_t)b->n * sizeof *best);
}

static void route_block(const phi_global_block *b)
{
    float best[PHI_GLOBAL_BLOCK];
    int64_t where[PHI_GLOBAL_BLOCK] = {0};
    memcpy(best, b->x, (size_t)b->n * sizeof *best);
    for (int64_t p = 0; p < b->pixels; p++) {
        const float *x = b->x + p * b->pitch;
        memset(b->dx + p * b->pitch, 0, (size_t)b->n * sizeof *b->dx);
        for (int64_t k = 0; k < b->n; k++) {
            bool larger = is_larger(x[k], best[k]);
            where[k] = larger ? p : where[k];
            best[k] = larger ? x[k] : best[k];
        }
    }
    for (int64_t k = 0; k < b->n; k++)
        b->dx[where[k] * b->pitch + k] = b->dy[k];
}

static enum ph_status global_max_pool_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_global_forward(e, max_block);
}

static enum ph_status global_max_pool_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_global_backward(e, route_block);
}

static const phi_attr_rule global_max_pool_attrs[] = {{0}};

const phi_op phi_op_global_max_pool = {
    .name = "GlobalMaxPool",
    .widens = true,
    .since = 1,
    .attrs = global_max_pool_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .slices = true,
    .by_image = true,
    .infer = phi_global_infer,
    .forward = global_max_pool_forward,
    .backward = global_max_pool_backward,
};
