/* SPDX-License-Identifier: MIT */
/*
 * Slots dw_f32 and dwg_f32 with AVX2 and FMA (contracts in kernels.h): 32 channels in four
 * registers, then 8 at a time, then a masked rest.
 */
#include "kernels/kernels.h"

#if defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i lanes(size_t n)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), index);
}

INLINE __m256 clamp(const phk_dw_f32_args *g, __m256 x)
{
    /* the second operand comes through if either is NaN */
    return _mm256_min_ps(_mm256_set1_ps(g->hi), _mm256_max_ps(_mm256_set1_ps(g->lo), x));
}

/* Channels c .. c + 8 nv - 1. */
INLINE void dw_block(const phk_dw_f32_args *g, size_t c, const int nv)
{
    __m256 sum[4];
    for (int v = 0; v < nv; v++)
        sum[v] = _mm256_setzero_ps();
    for (size_t t = 0; t < g->taps; t++) {
        const float *x = g->x[t] + c, *w = g->w[t] + c;
        for (int v = 0; v < nv; v++)
            sum[v] =
                _mm256_fmadd_ps(_mm256_loadu_ps(x + 8 * v), _mm256_loadu_ps(w + 8 * v), sum[v]);
    }
    for (int v = 0; v < nv; v++) {
        float *y = g->y + c + 8 * v;
        if (g->accumulate) sum[v] = _mm256_add_ps(sum[v], _mm256_loadu_ps(y));
        if (g->bias) sum[v] = _mm256_add_ps(sum[v], _mm256_loadu_ps(g->bias + c + 8 * v));
        _mm256_storeu_ps(y, clamp(g, sum[v]));
    }
}

INLINE void dw_rest(const phk_dw_f32_args *g, size_t c, __m256i mask)
{
    __m256 sum = _mm256_setzero_ps();
    float *y = g->y + c;
    for (size_t t = 0; t < g->taps; t++)
        sum = _mm256_fmadd_ps(_mm256_maskload_ps(g->x[t] + c, mask),
                              _mm256_maskload_ps(g->w[t] + c, mask), sum);
    if (g->accumulate) sum = _mm256_add_ps(sum, _mm256_maskload_ps(y, mask));
    if (g->bias) sum = _mm256_add_ps(sum, _mm256_maskload_ps(g->bias + c, mask));
    _mm256_maskstore_ps(y, mask, clamp(g, sum));
}

void phk_dw_f32_32_avx2(const phk_dw_f32_args *g)
{
    size_t c = 0;
    for (; g->n - c >= 32; c += 32)
        dw_block(g, c, 4);
    for (; g->n - c >= 8; c += 8)
        dw_block(g, c, 1);
    if (c < g->n) dw_rest(g, c, lanes(g->n - c));
}

INLINE void dwg_block(const phk_dwg_f32_args *g, size_t c, const int nv)
{
    __m256 sum[4];
    const float *x = g->x + c, *dy = g->dy + c;
    for (int v = 0; v < nv; v++)
        sum[v] = _mm256_setzero_ps();
    for (size_t p = 0; p < g->pixels; p++) {
        const float *xp = x + (ptrdiff_t)p * g->x_step, *dp = dy + (ptrdiff_t)p * g->dy_step;
        for (int v = 0; v < nv; v++)
            sum[v] =
                _mm256_fmadd_ps(_mm256_loadu_ps(xp + 8 * v), _mm256_loadu_ps(dp + 8 * v), sum[v]);
    }
    for (int v = 0; v < nv; v++) {
        float *out = g->g + c + 8 * v;
        _mm256_storeu_ps(out, _mm256_add_ps(sum[v], _mm256_loadu_ps(out)));
    }
}

INLINE void dwg_rest(const phk_dwg_f32_args *g, size_t c, __m256i mask)
{
    __m256 sum = _mm256_setzero_ps();
    float *out = g->g + c;
    for (size_t p = 0; p < g->pixels; p++)
        sum = _mm256_fmadd_ps(_mm256_maskload_ps(g->x + (ptrdiff_t)p * g->x_step + c, mask),
                              _mm256_maskload_ps(g->dy + (ptrdiff_t)p * g->dy_step + c, mask), sum);
    _mm256_maskstore_ps(out, mask, _mm256_add_ps(sum, _mm256_maskload_ps(out, mask)));
}

void phk_dwg_f32_32_avx2(const phk_dwg_f32_args *g)
{
    size_t c = 0;
    for (; g->n - c >= 32; c += 32)
        dwg_block(g, c, 4);
    for (; g->n - c >= 8; c += 8)
        dwg_block(g, c, 1);
    if (c < g->n) dwg_rest(g, c, lanes(g->n - c));
}

#endif
