/* SPDX-License-Identifier: MIT */
/*
 * AveragePool: the mean of each window, without the padding unless count_include_pad is set. What a
 * window of ceil_mode reaches beyond the padded input never counts. The mean of nothing is
 * not-a-number.
 */
#include "ops/op_check.h"
#include "ops/pool_window.h"

static enum ph_status average_pool_infer(phi_infer *c)
{
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    return st ? st
              : phi_window_infer(c, c->params, phi_attr_int(c->node, "count_include_pad", 0) != 0);
}

/* The number that the sum over a window is divided by. */
static float divisor(const phi_pooling *p, const phi_window_place *at)
{
    float count = 1;
    for (int i = 0; i < PHI_SIDES; i++)
        count *= (float)(p->w->include_pad ? at->taps[i].counted : at->taps[i].n);
    return count;
}

static void add(float *restrict sum, const float *restrict x, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        sum[k] += x[k];
}

/* Row by row, so that rounding errors grow with the sides of the window, not with its area. */
static void mean_window(const phi_pooling *p, const phi_window_place *at)
{
    const phi_taps *t = at->taps;
    const float *x = (const float *)p->x + at->x, count = divisor(p, at);
    float sum[PHI_POOL_BLOCK] = {0}, row[PHI_POOL_BLOCK], *y = (float *)p->y + at->y;
    for (int64_t i = 0; i < t[0].n; i++)
        for (int64_t j = 0; j < t[1].n && t[2].n > 0; j++) {
            memcpy(row, x + phi_window_pixel(p, at, i, j, 0) * p->x_pitch, (size_t)at->n * sizeof *row);
            for (int64_t k = 1; k < t[2].n; k++)
                add(row, x + phi_window_pixel(p, at, i, j, k) * p->x_pitch, at->n);
            add(sum, row, at->n);
        }
    for (int64_t k = 0; k < at->n; k++)
        y[k] = sum[k] / count;
}

static enum ph_status average_pool_forward(const phi_exec *e, ph_error *err)
{
    phi_pooling p = phi_pooling_of(e);
    (void)err;
    p.fn = mean_window;
    phi_pooling_forward(&p, e->pool);
    return PH_OK;
}

/* Share dy of a window out to its positions in the image. */
static void spread_window(const phi_pooling *p, const phi_window_place *at)
{
    const phi_taps *t = at->taps;
    float part[PHI_POOL_BLOCK], count = divisor(p, at);
    for (int64_t k = 0; k < at->n; k++)
        part[k] = p->dy[at->y + k] / count;
    for (int64_t i = 0; i < t[0].n; i++)
        for (int64_t j = 0; j < t[1].n; j++)
            for (int64_t k = 0; k < t[2].n; k++)
                add(p->dx + at->x + phi_window_pixel(p, at, i, j, k) * p->c, part, at->n);
}

static enum ph_status average_pool_backward(const phi_exec *e, ph_error *err)
{
    phi_pooling p = phi_pooling_of(e);
    (void)err;
    p.fn = spread_window;
    return phi_pooling_backward(e, &p);
}

static const phi_attr_rule average_pool_attrs[] = {
    {"kernel_shape", PH_ATTR_INTS, 1, 0, true},
    {"strides", PH_ATTR_INTS, 1, 0, false},
    {"pads", PH_ATTR_INTS, 1, 0, false},
    {"auto_pad", PH_ATTR_STRING, 1, 0, false},
    {"count_include_pad", PH_ATTR_INT, 7, 0, false},
    {"ceil_mode", PH_ATTR_INT, 10, 0, false},
    {"dilations", PH_ATTR_INTS, 19, 0, false},
    {0},
};

const phi_op phi_op_average_pool = {
    .name = "AveragePool",
    .widens = true,
    .since = 1,
    .attrs = average_pool_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1,
    .slices = true,
    .by_image = true,
    .params_bytes = sizeof(phi_window),
    .infer = average_pool_infer,
    .forward = average_pool_forward,
    .backward = average_pool_backward,
};
