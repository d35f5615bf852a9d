/* SPDX-License-Identifier: MIT */
/* The plain kernels of slots halves_*_f32; contracts in kernels.h. */
#include "kernels/kernels.h"

void phk_halves_in_f32_scalar(const phk_halves_in_f32_args *g)
{
    for (size_t c = 0; c < g->n; c++) {
        const float x11 = g->x11[c], x12 = g->x12[c], x21 = g->x21[c], x22 = g->x22[c];
        const float v0 = x21 + x22, v1 = v0 - x11;
        const float v[8] = {v0, v1, x11 - x21, x12 - v1, x11, x12, x22, x21};
        for (size_t i = 0; i < g->n_v; i++)
            g->v[i * g->slab + c] = v[i];
    }
}

static float finish(const phk_halves_out_f32_args *g, size_t i, size_t j)
{
    float x = g->z[i * g->ld + j] + g->w[i * g->ld + j];
    if (g->bias) x += g->bias[j];
    if (g->add) x += g->add[(ptrdiff_t)i * g->add_row + (ptrdiff_t)j];
    x = x < g->lo ? g->lo : x;
    return x > g->hi ? g->hi : x;
}

void phk_halves_out_f32_scalar(const phk_halves_out_f32_args *g)
{
    for (size_t i = 0; i < g->x_rows; i++)
        for (size_t j = 0; j < g->n; j++) {
            if (i < g->rows) g->y[(ptrdiff_t)i * g->y_row + (ptrdiff_t)j] = finish(g, i, j);
            g->x[i * g->ld + j] += g->w[i * g->ld + j];
        }
}
