/* SPDX-License-Identifier: MIT */
/* The plain kernels of slots wino*_f32 (contracts in kernels.h): products with the very matrices. */
#include "kernels/kernels.h"
#include "kernels/winograd.h"

/* t = L d R for a channel: L [rows][a], d [a][a] and R = L's transpose. */
static void both_sides(const float *l, size_t rows, size_t a, const float *d, float *t)
{
    float half[PHI_WINO_MAX * PHI_WINO_MAX];
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < a; j++) {
            half[i * a + j] = 0;
            for (size_t p = 0; p < a; p++)
                half[i * a + j] += l[i * a + p] * d[p * a + j];
        }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < rows; j++) {
            t[i * rows + j] = 0;
            for (size_t p = 0; p < a; p++)
                t[i * rows + j] += half[i * a + p] * l[j * a + p];
        }
}

static void wino_in(const phk_wino_in_f32_args *g, const float *matrix, size_t a)
{
    float d[PHI_WINO_MAX * PHI_WINO_MAX], t[PHI_WINO_MAX * PHI_WINO_MAX];
    for (size_t c = 0; c < g->n; c++) {
        for (size_t i = 0; i < a * a; i++)
            d[i] = g->x[i][c];
        both_sides(matrix, a, a, d, t);
        for (size_t i = 0; i < a * a; i++)
            g->v[i * g->slab + c] = t[i];
    }
}

static void wino_out(const phk_wino_out_f32_args *g, const float *matrix, size_t a, size_t m)
{
    float d[PHI_WINO_MAX * PHI_WINO_MAX], t[PHI_WINO_MAX * PHI_WINO_MAX];
    for (size_t c = 0; c < g->n; c++) {
        for (size_t i = 0; i < a * a; i++)
            d[i] = g->m[i * g->slab + c];
        both_sides(matrix, m, a, d, t);
        for (size_t i = 0; i < g->rows; i++)
            for (size_t j = 0; j < g->cols; j++) {
                float x = t[i * m + j];
                const ptrdiff_t row = (ptrdiff_t)i, col = (ptrdiff_t)j;
                if (g->bias) x += g->bias[c];
                if (g->add) x += g->add[row * g->add_row + col * g->add_col + (ptrdiff_t)c];
                x = x < g->lo ? g->lo : x;
                g->y[row * g->y_row + col * g->y_col + (ptrdiff_t)c] = x > g->hi ? g->hi : x;
            }
    }
}

void phk_wino4_in_f32_scalar(const phk_wino_in_f32_args *g)
{
    wino_in(g, phi_wino_f2x3.input, 4);
}
void phk_wino6_in_f32_scalar(const phk_wino_in_f32_args *g)
{
    wino_in(g, phi_wino_f4x3.input, 6);
}
void phk_wino4_out2_f32_scalar(const phk_wino_out_f32_args *g)
{
    wino_out(g, phi_wino_f2x3.output, 4, 2);
}
void phk_wino6_out2_f32_scalar(const phk_wino_out_f32_args *g)
{
    wino_out(g, phi_wino_f2x5.output, 6, 2);
}
void phk_wino6_out4_f32_scalar(const phk_wino_out_f32_args *g)
{
    wino_out(g, phi_wino_f4x3.output, 6, 4);
}
