/* SPDX-License-Identifier: MIT */
/* The plain kernels of slots lines_*_f32; contracts in kernels.h. */
#include "kernels/kernels.h"

void phk_lines_in_f32_scalar(const phk_lines_in_f32_args *g)
{
    for (size_t e = 0; e < g->products; e++)
        for (size_t j = 0; j < g->n; j++) {
            float sum = 0;
            for (size_t i = 0; i < g->lines; i++)
                sum += g->matrix[e * g->ld + i] * g->x[i][j];
            g->v[e * g->slab + j] = sum;
        }
}

/* Line l of the sum over products; `m` are those of an element. */
static float sum_of(const phk_lines_out_f32_args *g, const float *m, size_t l)
{
    float sum = 0;
    for (size_t p = 0; p < g->pairs; p++, m += 2 * g->slab)
        sum += g->powers[p * 6 + l] * (l % 2 ? m[0] - m[g->slab] : m[0] + m[g->slab]);
    if (g->zero && l == 0) sum += *m;
    if (l + 1 == g->most) sum += m[g->zero ? g->slab : 0];
    return sum;
}

void phk_lines_out_f32_scalar(const phk_lines_out_f32_args *g)
{
    for (size_t l = 0; l < g->lines; l++)
        for (size_t i = 0; i < g->pixels; i++)
            for (size_t j = 0; j < g->n; j++) {
                float x = sum_of(g, g->m + i * g->m_row + j, l);
                if (g->bias) x += g->bias[j];
                if (g->add)
                    x += g->add[(ptrdiff_t)l * g->add_line + (ptrdiff_t)i * g->add_pixel +
                                (ptrdiff_t)j];
                x = x < g->lo ? g->lo : x;
                g->y[(ptrdiff_t)l * g->y_line + (ptrdiff_t)i * g->y_pixel + (ptrdiff_t)j] =
                    x > g->hi ? g->hi : x;
            }
}
