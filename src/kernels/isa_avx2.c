/* SPDX-License-Identifier: MIT */
/*
 * All kernels for AVX2 with FMA: 16 registers of 8 floats. The bodies are in body_*.h, written over
 * the few operations defined here.
 */
#include "kernels/kernels.h"

#if defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define KERNEL(name) phk_##name##_avx2
#define GEMM_KERNEL phk_gemm_f32_6x16_avx2

/* --- Vectors of VL floats; the `n` forms touch only the first n (1 .. VL) ----------------------- */

#define VL 8
typedef __m256 vf;

INLINE __m256i lanes(size_t n)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), index);
}

INLINE vf v_set(float x)
{
    return _mm256_set1_ps(x);
}
INLINE vf v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
INLINE vf v_load_n(const float *p, size_t n)
{
    return _mm256_maskload_ps(p, lanes(n));
}
INLINE void v_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}
INLINE void v_store_n(float *p, size_t n, vf x)
{
    _mm256_maskstore_ps(p, lanes(n), x);
}
INLINE vf v_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}
INLINE vf v_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}
INLINE vf v_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}
INLINE vf v_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}
INLINE vf v_sqrt(vf x)
{
    return _mm256_sqrt_ps(x);
}
/* a * b + c and c - a * b, rounded once */
INLINE vf v_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}
INLINE vf v_fnma(vf a, vf b, vf c)
{
    return _mm256_fnmadd_ps(a, b, c);
}
/* min(max(x, lo), hi); the second operand comes through if either is NaN */
INLINE vf v_clamp(vf x, vf lo, vf hi)
{
    return _mm256_min_ps(hi, _mm256_max_ps(lo, x));
}

/* The larger one, where NaN is larger than everything. max_ps has its second operand through if
 * either is NaN; a first one that is comes back by the blend. */
INLINE vf v_max_nan(vf a, vf b)
{
    return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}

/* --- The tile: 6 rows of 2 vectors in 12 registers, two for B, the rest for elements of A -------- */

#define MR 6
#define NV 2
#define ROW_GROUP 3 /* rows of one base pointer: base + index * {0, 1, 2} */
#define ROW_NUMBERS 0, 1, 2, 3, 4, 5
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define EACH_HEIGHT(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6)

#include "kernels/body_gemm.h"
#include "kernels/body_depthwise.h"
#include "kernels/body_lrn.h"
#include "kernels/body_peak.h"
#include "kernels/body_pool.h"
#include "kernels/body_strassen.h"
#include "kernels/body_line_winograd.h"
#include "kernels/body_winograd.h"

#endif
