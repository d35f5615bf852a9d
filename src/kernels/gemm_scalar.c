/* SPDX-License-Identifier: MIT */
/*
 * The plain kernel of slot gemm_f32 (contract in kernels.h): what the others must match. Products
 * are rounded before they are added; a kernel with fused multiply-adds differs in the last bits.
 */
#include "kernels/kernels.h"

#define MR 4
#define NR 8

static void multiply(const phk_gemm_f32_args *g, float sum[MR][NR])
{
    for (size_t p = 0; p < g->kc; p++) {
        const float *b = g->b + p * NR;
        for (size_t i = 0; i < g->m; i++) {
            float a = g->a[(ptrdiff_t)i * g->a_row + (ptrdiff_t)p * g->a_step];
            for (size_t j = 0; j < NR; j++)
                sum[i][j] += a * b[j];
        }
    }
}

static float finish(const phk_gemm_f32_args *g, float x, const float *c, size_t i, size_t j)
{
    if (g->accumulate) x += *c;
    if (g->bias) x += g->bias[j];
    if (g->add) x += g->add[(ptrdiff_t)i * g->add_row + (ptrdiff_t)j];
    x = x < g->lo ? g->lo : x;
    return x > g->hi ? g->hi : x;
}

void phk_gemm_f32_4x8_scalar(const phk_gemm_f32_args *g)
{
    float sum[MR][NR] = {{0}};
    assert(g->m >= 1 && g->m <= MR && g->n >= 1 && g->n <= NR);
    multiply(g, sum);
    for (size_t i = 0; i < g->m; i++) {
        float *c = g->c + (ptrdiff_t)i * g->c_row;
        for (size_t j = 0; j < g->n; j++)
            c[j] = finish(g, sum[i][j], &c[j], i, j);
    }
}
