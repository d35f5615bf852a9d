/* SPDX-License-Identifier: MIT */
/*
 * Slots fma_f32 and read_f32 in plain loops, which compilers turn into the instructions that every
 * machine of the family has. Without FMA among them a multiply-add is two roundings.
 */
#include "kernels/kernels.h"

enum { CHAINS = 8, LANES = 4, N = CHAINS * LANES };

void phk_fma_f32_8x4_scalar(const phk_fma_f32_args *g)
{
    float x[N];
    const float a = g->a, b = g->b;
    memcpy(x, g->x, sizeof x);
    for (size_t r = g->rounds; r > 0; r--)
        for (int i = 0; i < N; i++)
            x[i] = x[i] * a + b;
    memcpy(g->x, x, sizeof x);
}

void phk_read_f32_8x4_scalar(const phk_read_f32_args *g)
{
    float sum[N] = {0};
    const float *x = g->x;
    size_t n = g->n;
    for (; n >= N; n -= N, x += N)
        for (int i = 0; i < N; i++)
            sum[i] += x[i];
    for (; n > 0; n--)
        sum[0] += *x++;
    *g->sum = 0;
    for (int i = 0; i < N; i++)
        *g->sum += sum[i];
}
