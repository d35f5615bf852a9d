/* SPDX-License-Identifier: MIT */
/* The plain kernel of slot lrn_f32; contract in kernels.h. */
#include <math.h>

#include "kernels/kernels.h"

/* y = x / s^(quarters / 4); y holds s. */
static void divide(int quarters, size_t n, const float *x, float *y)
{
    for (size_t c = 0; c < n && quarters == 2; c++)
        y[c] = x[c] / sqrtf(y[c]);
    for (size_t c = 0; c < n && quarters == 3; c++)
        y[c] = x[c] / (sqrtf(y[c]) * sqrtf(sqrtf(y[c])));
    for (size_t c = 0; c < n && quarters == 4; c++)
        y[c] = x[c] / y[c];
}

void phk_lrn_f32_scalar(const phk_lrn_f32_args *g)
{
    float *squares = g->room + g->lo;
    memset(g->room, 0, g->lo * sizeof *g->room);
    memset(squares + g->n, 0, g->hi * sizeof *g->room);
    for (size_t p = 0; p < g->pixels; p++) {
        const float *x = g->x + (ptrdiff_t)p * g->x_step;
        float *y = g->y + (ptrdiff_t)p * g->y_step;
        for (size_t c = 0; c < g->n; c++)
            squares[c] = x[c] * x[c];
        memcpy(y, g->room, g->n * sizeof *y);
        for (size_t i = 1; i <= g->lo + g->hi; i++)
            for (size_t c = 0; c < g->n; c++)
                y[c] += g->room[c + i];
        for (size_t c = 0; c < g->n; c++)
            y[c] = g->bias + g->alpha * y[c];
        divide(g->quarters, g->n, x, y);
    }
}
