/* SPDX-License-Identifier: MIT */
/*
 * Slots fma_f32 and read_f32 with AVX2 and FMA: 12 chains of 8 lanes hide an FMA's latency of 4 or
 * 5 cycles on two or three pipes. Named registers, for the reason that gemm's kernel gives.
 */
#include "kernels/kernels.h"

#if defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>

#define EACH_CHAIN(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
enum { CHAINS = 12, LANES = 8, N = CHAINS * LANES };

void phk_fma_f32_12x8_avx2(const phk_fma_f32_args *g)
{
    const __m256 a = _mm256_set1_ps(g->a), b = _mm256_set1_ps(g->b);
#define LOAD(i) __m256 x##i = _mm256_loadu_ps(g->x + LANES * i);
    EACH_CHAIN(LOAD)
#undef LOAD
    for (size_t r = g->rounds; r > 0; r--) {
#define STEP(i) x##i = _mm256_fmadd_ps(x##i, a, b);
        EACH_CHAIN(STEP)
#undef STEP
    }
#define STORE(i) _mm256_storeu_ps(g->x + LANES * i, x##i);
    EACH_CHAIN(STORE)
#undef STORE
}

void phk_read_f32_12x8_avx2(const phk_read_f32_args *g)
{
    const float *p = g->x;
    size_t n = g->n;
#define ZERO(i) __m256 s##i = _mm256_setzero_ps();
    EACH_CHAIN(ZERO)
#undef ZERO
    for (; n >= N; n -= N, p += N) {
#define ADD(i) s##i = _mm256_add_ps(s##i, _mm256_loadu_ps(p + LANES * i));
        EACH_CHAIN(ADD)
#undef ADD
    }
    float sum[LANES], rest = 0;
    for (; n > 0; n--)
        rest += *p++;
#define JOIN(i)                                                                                    \
    _mm256_storeu_ps(sum, s##i);                                                                   \
    for (int k = 0; k < LANES; k++)                                                                \
        rest += sum[k];
    EACH_CHAIN(JOIN)
#undef JOIN
    *g->sum = rest;
}

#endif
