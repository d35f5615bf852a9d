/* SPDX-License-Identifier: MIT */
/* The plain kernel of slot max_f32; contract in kernels.h. */
#include "kernels/kernels.h"

/* without || and &&, which would be branches */
static float larger(float a, float b)
{
    return (b > a) | ((b != b) & (a == a)) ? b : a;
}

void phk_max_f32_scalar(const phk_max_f32_args *g)
{
    memcpy(g->y, g->x[0], g->n * sizeof *g->y);
    for (size_t t = 1; t < g->taps; t++)
        for (size_t c = 0; c < g->n; c++)
            g->y[c] = larger(g->y[c], g->x[t][c]);
}
