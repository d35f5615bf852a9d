/* SPDX-License-Identifier: MIT */
/*
 * All kernels for NEON on 64-bit Arm: 32 registers of 4 floats. The bodies are in body_*.h, written
 * over the few operations defined here.
 */
#include "kernels/kernels.h"

#if defined(__aarch64__) && defined(__ARM_NEON)

#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))
#define KERNEL(name) phk_##name##_neon
#define GEMM_KERNEL phk_gemm_f32_6x16_neon

/* --- Vectors of VL floats; the `n` forms touch only the first n (1 .. VL) ----------------------- */

#define VL 4
typedef float32x4_t vf;

INLINE vf v_set(float x)
{
    return vdupq_n_f32(x);
}
INLINE vf v_load(const float *p)
{
    return vld1q_f32(p);
}
/* Pairs and single lanes, not a loop: gcc makes a call of memcpy of one, over which no vector register
 * is kept, and then holds sums of the tile on the stack. */
INLINE vf v_load_n(const float *p, size_t n)
{
    const float32x2_t zero = vdup_n_f32(0);
    if (n >= VL) return vld1q_f32(p);
    const float32x2_t low = n >= 2 ? vld1_f32(p) : vld1_lane_f32(p, zero, 0);
    return vcombine_f32(low, n == 3 ? vld1_lane_f32(p + 2, zero, 0) : zero);
}
INLINE void v_store(float *p, vf x)
{
    vst1q_f32(p, x);
}
INLINE void v_store_n(float *p, size_t n, vf x)
{
    if (n >= VL) {
        vst1q_f32(p, x);
        return;
    }
    if (n & 2) vst1_f32(p, vget_low_f32(x));
    if (n & 1) vst1_lane_f32(p + (n & 2), n & 2 ? vget_high_f32(x) : vget_low_f32(x), 0);
}
INLINE vf v_add(vf a, vf b)
{
    return vaddq_f32(a, b);
}
INLINE vf v_sub(vf a, vf b)
{
    return vsubq_f32(a, b);
}
INLINE vf v_mul(vf a, vf b)
{
    return vmulq_f32(a, b);
}
INLINE vf v_div(vf a, vf b)
{
    return vdivq_f32(a, b);
}
INLINE vf v_sqrt(vf x)
{
    return vsqrtq_f32(x);
}
/* a * b + c and c - a * b, rounded once */
INLINE vf v_fma(vf a, vf b, vf c)
{
    return vfmaq_f32(c, a, b);
}
INLINE vf v_fnma(vf a, vf b, vf c)
{
    return vfmsq_f32(c, a, b);
}
/* min(max(x, lo), hi), where either operand's NaN is the result */
INLINE vf v_clamp(vf x, vf lo, vf hi)
{
    return vminq_f32(hi, vmaxq_f32(lo, x));
}

/* The larger one, where NaN is larger than everything. */
INLINE vf v_max_nan(vf a, vf b)
{
    return vmaxq_f32(a, b);
}

/* --- The tile: 6 rows of 4 vectors in 24 registers, four for B, one for an element of A ---------- */

#define MR 6
#define NV 4
#define ROW_GROUP 3
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
