/* SPDX-License-Identifier: MIT */
/*
 * AVX-512's intrinsics made of AVX2's by SIMDe, put before isa_avx512.c by -DPINHOLE_EMULATE_AVX512=ON:
 * the kernels' masks, tails and tiles run on machines without these instructions. For tests alone.
 */
#ifndef AVX512_ON_AVX2_H
#define AVX512_ON_AVX2_H

#if defined(__AVX512F__)
#error this file is for compilers told to make no AVX-512 instructions
#endif

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

/* What SIMDe 0.7 lacks. Memory behind a zero of the mask is not touched, as the guard pages see. */
static inline __m512 masked_load(__mmask16 mask, const void *from)
{
    const float *p = from;
    float x[16] = {0};
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) x[i] = p[i];
    return _mm512_loadu_ps(x);
}

static inline void masked_store(void *to, __mmask16 mask, __m512 v)
{
    float *p = to, x[16];
    _mm512_storeu_ps(x, v);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) p[i] = x[i];
}

#undef _mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_ps
#define _mm512_maskz_loadu_ps masked_load
#define _mm512_mask_storeu_ps masked_store

/* what isa_avx512.c asks for */
#define __AVX512F__ 1
#define __AVX512DQ__ 1
#define __AVX512VL__ 1

#endif /* AVX512_ON_AVX2_H */
