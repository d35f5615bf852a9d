/* SPDX-License-Identifier: MIT */
/* The plain kernels of slots dw_f32, dwrow_f32 and dwg_f32; contracts in kernels.h. */
#include "kernels/kernels.h"

static float finish(const phk_dw_f32_args *g, float x, size_t c)
{
    if (g->accumulate) x += g->y[c];
    if (g->bias) x += g->bias[c];
    x = x < g->lo ? g->lo : x;
    return x > g->hi ? g->hi : x;
}

#define BLOCK 16 /* channels whose sums fit into any machine's registers */

void phk_dw_f32_scalar(const phk_dw_f32_args *g)
{
    for (size_t c0 = 0; c0 < g->n; c0 += BLOCK) {
        size_t n = g->n - c0 < BLOCK ? g->n - c0 : BLOCK;
        float sum[BLOCK] = {0};
        for (size_t t = 0; t < g->taps; t++) {
            const float *x = g->x[t] + c0, *w = g->w[t] + c0;
            for (size_t c = 0; c < n; c++)
                sum[c] += x[c] * w[c];
        }
        for (size_t c = 0; c < n; c++)
            g->y[c0 + c] = finish(g, sum[c], c0 + c);
    }
}

void phk_dwrow_f32_scalar(const phk_dwrow_f32_args *g)
{
    for (size_t p = 0; p < g->pixels; p++) {
        const float *x = g->x + (ptrdiff_t)p * g->x_step;
        float *y = g->y + (ptrdiff_t)p * g->y_step;
        for (size_t c = 0; c < g->n; c++) {
            float sum = 0;
            for (size_t t = 0; t < g->taps_h * g->taps_w; t++) {
                const ptrdiff_t i = (ptrdiff_t)(t / g->taps_w), j = (ptrdiff_t)(t % g->taps_w);
                if (g->cut_first && p == 0 && j == 0) continue;
                if (g->cut_last && p + 1 == g->pixels && j + 1 == (ptrdiff_t)g->taps_w) continue;
                sum += x[i * g->x_row + j * g->x_col + (ptrdiff_t)c] *
                       g->w[i * g->w_row + j * g->w_col + (ptrdiff_t)c];
            }
            if (g->bias) sum += g->bias[c];
            sum = sum < g->lo ? g->lo : sum;
            y[c] = sum > g->hi ? g->hi : sum;
        }
    }
}

void phk_dwg_f32_scalar(const phk_dwg_f32_args *g)
{
    for (size_t c0 = 0; c0 < g->n; c0 += BLOCK) {
        size_t n = g->n - c0 < BLOCK ? g->n - c0 : BLOCK;
        float sum[BLOCK] = {0};
        for (size_t p = 0; p < g->pixels; p++) {
            const float *x = g->x + (ptrdiff_t)p * g->x_step + c0;
            const float *dy = g->dy + (ptrdiff_t)p * g->dy_step + c0;
            for (size_t c = 0; c < n; c++)
                sum[c] += x[c] * dy[c];
        }
        for (size_t c = 0; c < n; c++)
            g->g[c0 + c] += sum[c];
    }
}
