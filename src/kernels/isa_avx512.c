/* SPDX-License-Identifier: MIT */
/*
 * All kernels for AVX-512 (F, BW, DQ, VL): 32 registers of 16 floats. The bodies are in body_*.h,
 * written over the few operations defined here.
 */
#include "kernels/kernels.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__)

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))
#define KERNEL(name) phk_##name##_avx512
#define GEMM_KERNEL phk_gemm_f32_14x32_avx512

/* --- Vectors of VL floats; the `n` forms touch only the first n (1 .. VL) ----------------------- */

#define VL 16
typedef __m512 vf;

INLINE __mmask16 lanes(size_t n)
{
    return (__mmask16)((1u << n) - 1u);
}

INLINE vf v_set(float x)
{
    return _mm512_set1_ps(x);
}
INLINE vf v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
INLINE vf v_load_n(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(lanes(n), p);
}
INLINE void v_store(float *p, vf x)
{
    _mm512_storeu_ps(p, x);
}
INLINE void v_store_n(float *p, size_t n, vf x)
{
    _mm512_mask_storeu_ps(p, lanes(n), x);
}
INLINE vf v_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}
INLINE vf v_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}
INLINE vf v_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}
INLINE vf v_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}
INLINE vf v_sqrt(vf x)
{
    return _mm512_sqrt_ps(x);
}
/* a * b + c and c - a * b, rounded once */
INLINE vf v_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}
INLINE vf v_fnma(vf a, vf b, vf c)
{
    return _mm512_fnmadd_ps(a, b, c);
}
/* min(max(x, lo), hi); the second operand comes through if either is NaN */
INLINE vf v_clamp(vf x, vf lo, vf hi)
{
    return _mm512_min_ps(hi, _mm512_max_ps(lo, x));
}

/* The larger one, where NaN is larger than everything. max_ps has its second operand through if
 * either is NaN; a first one that is comes back by the mask. */
INLINE vf v_max_nan(vf a, vf b)
{
    return _mm512_mask_mov_ps(_mm512_max_ps(a, b), _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
}

/* --- The tile: 14 rows of 2 vectors in 28 registers, two for B; A's elements come with the
 * multiply-add, broadcast from memory ------------------------------------------------------------- */

#define MR 14
#define NV 2
#define ROW_GROUP 5 /* rows of one base pointer: base + index * {0, 1, 2, 3, 4} */
#define ROW_NUMBERS 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
#define EACH_ROW(DO)                                                                               \
    DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13)
#define EACH_HEIGHT(DO)                                                                            \
    DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14)

#include "kernels/body_gemm.h"
#include "kernels/body_depthwise.h"
#include "kernels/body_lrn.h"
#include "kernels/body_peak.h"
#include "kernels/body_pool.h"
#include "kernels/body_strassen.h"
#include "kernels/body_line_winograd.h"
#include "kernels/body_winograd.h"

#endif
