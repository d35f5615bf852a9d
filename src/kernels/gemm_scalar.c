/* SPDX-License-Identifier: MIT */
/*
 * The plain kernel of slot gemm_f32 (contract in kernels.h): what the others must match. Products
 * are rounded before they are added; a kernel with fused multiply-adds differs in the last bits.
 */
#include "kernels/kernels.h"

#define MR 4
#define NR 8

/* Rows row .. row + m - 1, m <= MR. */
static void multiply(const phk_gemm_f32_args *g, size_t row, size_t m, float sum[MR][NR])
{
    const float *b = g->b;
    for (size_t t = 0; t < g->taps; t++) {
        const float *a[MR] = {NULL};
        const ptrdiff_t step = g->rows ? 1 : g->a_step;
        for (size_t i = 0; i < m; i++)
            a[i] = g->rows ? g->rows[t * g->rows_ld + row + i]
                           : g->a + (ptrdiff_t)(row + i) * g->a_row;
        for (size_t p = 0; p < g->kc; p++, b += NR)
            for (size_t i = 0; i < m; i++) {
                const float x = a[i][(ptrdiff_t)p * step];
                for (size_t j = 0; j < NR; j++)
                    sum[i][j] += x * b[j];
            }
    }
}

static float finish(const phk_gemm_f32_args *g, float x, const float *c, ptrdiff_t i, size_t j)
{
    if (g->accumulate) x += g->from ? g->from[i * g->from_row + (ptrdiff_t)j] : *c;
    if (g->bias) x += g->bias[j];
    if (g->add) x += g->add[i * g->add_row + (ptrdiff_t)j];
    x = x < g->lo ? g->lo : x;
    return x > g->hi ? g->hi : x;
}

void phk_gemm_f32_4x8_scalar(const phk_gemm_f32_args *g)
{
    assert(g->m >= 1 && g->n >= 1 && g->n <= NR && g->taps >= 1 && (g->rows || g->taps == 1));
    for (size_t row = 0; row < g->m; row += MR) {
        const size_t m = g->m - row < MR ? g->m - row : MR;
        float sum[MR][NR] = {{0}};
        multiply(g, row, m, sum);
        for (size_t i = 0; i < m; i++) {
            const ptrdiff_t at = (ptrdiff_t)(g->order ? g->order[row + i] : row + i);
            float *c = g->c + at * g->c_row;
            for (size_t j = 0; j < g->n; j++)
                c[j] = finish(g, sum[i][j], &c[j], at, j);
        }
    }
}
