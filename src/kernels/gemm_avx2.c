/* SPDX-License-Identifier: MIT */
/*
 * Slot gemm_f32 with AVX2 and FMA (contract in kernels.h): a 6x16 tile in 12 of the 16 registers,
 * two for a row of B, the rest for broadcast elements of A. One body per tile height and per half
 * tile. The registers are named variables, written out by EACH_ROW: gcc 12 keeps an array of them
 * on the stack as soon as one loop over it is not unrolled.
 */
#include "kernels/kernels.h"

#if defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>

#define MR 6
#define NR 16
#define INLINE static inline __attribute__((always_inline))

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

/* The first n (0 .. 8) lanes. */
INLINE __m256i lanes(size_t n)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), index);
}

/* Epilogue and store of 8 columns from column j on. */
INLINE void store8(const phk_gemm_f32_args *g, float *c, size_t j, __m256 x)
{
    if (g->accumulate) x = _mm256_add_ps(x, _mm256_loadu_ps(c + j));
    if (g->bias) x = _mm256_add_ps(x, _mm256_loadu_ps(g->bias + j));
    /* the second operand comes through if either is NaN */
    x = _mm256_min_ps(_mm256_set1_ps(g->hi), _mm256_max_ps(_mm256_set1_ps(g->lo), x));
    _mm256_storeu_ps(c + j, x);
}

/* The same for the lanes of `mask`; masked loads and stores touch nothing beyond them. */
INLINE void store_part(const phk_gemm_f32_args *g, float *c, size_t j, __m256 x, __m256i mask)
{
    if (g->accumulate) x = _mm256_add_ps(x, _mm256_maskload_ps(c + j, mask));
    if (g->bias) x = _mm256_add_ps(x, _mm256_maskload_ps(g->bias + j, mask));
    x = _mm256_min_ps(_mm256_set1_ps(g->hi), _mm256_max_ps(_mm256_set1_ps(g->lo), x));
    _mm256_maskstore_ps(c + j, mask, x);
}

/* mr rows (1 .. 6) of nv (1, 2) vectors; both constants after inlining. Two base pointers with
 * three rows each keep all addresses within x86's base + index * {1, 2}. */
INLINE void tile(const phk_gemm_f32_args *g, const int mr, const int nv)
{
#define DECLARE(i) __m256 s##i##0 = _mm256_setzero_ps(), s##i##1 = _mm256_setzero_ps();
    EACH_ROW(DECLARE)
#undef DECLARE
    const float *a0 = g->a, *a3 = g->a + 3 * (mr > 3 ? g->a_row : 0), *b = g->b;
    const ptrdiff_t row = g->a_row, step = g->a_step;
    for (size_t p = g->kc; p > 0; p--) {
        const __m256 b0 = _mm256_load_ps(b);
        const __m256 b1 = nv > 1 ? _mm256_load_ps(b + 8) : b0;
#define MULTIPLY(i)                                                                                \
    if (mr > i) {                                                                                  \
        const __m256 x = _mm256_broadcast_ss((i < 3 ? a0 : a3) + i % 3 * row);                     \
        s##i##0 = _mm256_fmadd_ps(x, b0, s##i##0);                                                 \
        if (nv > 1) s##i##1 = _mm256_fmadd_ps(x, b1, s##i##1);                                     \
    }
        EACH_ROW(MULTIPLY)
#undef MULTIPLY
        a0 += step;
        a3 += step;
        b += NR;
    }
    const size_t left = g->n - 8 * (size_t)(nv - 1); /* columns of the last vector */
    const __m256i mask = lanes(left);
#define STORE(i)                                                                                   \
    if (mr > i) {                                                                                  \
        float *c = g->c + i * g->c_row;                                                            \
        if (nv > 1) store8(g, c, 0, s##i##0);                                                      \
        if (left == 8)                                                                             \
            store8(g, c, 8 * (nv - 1), nv > 1 ? s##i##1 : s##i##0);                                \
        else                                                                                       \
            store_part(g, c, 8 * (nv - 1), nv > 1 ? s##i##1 : s##i##0, mask);                      \
    }
    EACH_ROW(STORE)
#undef STORE
}

INLINE void tile_of(const phk_gemm_f32_args *g, const int mr)
{
    if (g->n > 8)
        tile(g, mr, 2);
    else
        tile(g, mr, 1);
}

void phk_gemm_f32_6x16_avx2(const phk_gemm_f32_args *g)
{
    assert(g->m >= 1 && g->m <= MR && g->n >= 1 && g->n <= NR);
    switch (g->m) {
    case 6:
        tile_of(g, 6);
        break;
    case 5:
        tile_of(g, 5);
        break;
    case 4:
        tile_of(g, 4);
        break;
    case 3:
        tile_of(g, 3);
        break;
    case 2:
        tile_of(g, 2);
        break;
    case 1:
        tile_of(g, 1);
        break;
    default:
        break;
    }
}

#endif
