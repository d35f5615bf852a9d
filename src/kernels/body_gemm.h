/* SPDX-License-Identifier: MIT */
/*
 * Slot gemm_f32 (contract in kernels.h) over the vectors of one instruction set: a tile of MR rows
 * and NV vectors that stays in registers, one body for each height and for half its width. The
 * registers are named variables, written out by EACH_ROW: gcc 12 keeps an array of them on the stack
 * as soon as one loop over it is not unrolled. Included once, by isa_*.c.
 */

#define NR (VL * NV)

/* Epilogue and store of the vector of columns j, j + 1, ... of a row. */
INLINE void gemm_store(const phk_gemm_f32_args *g, ptrdiff_t row, size_t j, vf x)
{
    float *c = g->c + row * g->c_row + j;
    const float *add = g->add ? g->add + row * g->add_row + j : NULL;
    if (j >= g->n) return;
    const size_t n = g->n - j;
    if (n >= VL) {
        if (g->accumulate) x = v_add(x, v_load(c));
        if (g->bias) x = v_add(x, v_load(g->bias + j));
        if (add) x = v_add(x, v_load(add));
        v_store(c, v_clamp(x, g->lo, g->hi));
    } else {
        if (g->accumulate) x = v_add(x, v_load_n(c, n));
        if (g->bias) x = v_add(x, v_load_n(g->bias + j, n));
        if (add) x = v_add(x, v_load_n(add, n));
        v_store_n(c, n, v_clamp(x, g->lo, g->hi));
    }
}

/* mr rows (1 .. MR) of nv vectors (NV or half of it); both constants after inlining. */
INLINE void gemm_tile(const phk_gemm_f32_args *g, const int mr, const int nv)
{
#define DECLARE(i)                                                                                 \
    vf s##i##_0 = v_set(0), s##i##_1 = v_set(0), s##i##_2 = v_set(0), s##i##_3 = v_set(0);
    EACH_ROW(DECLARE)
#undef DECLARE
    const ptrdiff_t row = g->a_row, step = g->a_step;
    const float *b = g->b, *a0 = g->a;
    const float *a1 = mr > ROW_GROUP ? a0 + ROW_GROUP * row : a0;
    const float *a2 = mr > 2 * ROW_GROUP ? a0 + 2 * ROW_GROUP * row : a0;
#define A_OF(i) ((i / ROW_GROUP == 0 ? a0 : i / ROW_GROUP == 1 ? a1 : a2) + i % ROW_GROUP * row)
#define MULTIPLY(i)                                                                                \
    if (mr > i) {                                                                                  \
        const vf x = v_set(*(A_OF(i)));                                                            \
        s##i##_0 = v_fma(x, b0, s##i##_0);                                                         \
        if (nv > 1) s##i##_1 = v_fma(x, b1, s##i##_1);                                             \
        if (nv > 2) s##i##_2 = v_fma(x, b2, s##i##_2);                                             \
        if (nv > 3) s##i##_3 = v_fma(x, b3, s##i##_3);                                             \
    }
#define STEP                                                                                       \
    const vf b0 = v_load(b), b1 = nv > 1 ? v_load(b + VL) : b0;                                    \
    const vf b2 = nv > 2 ? v_load(b + 2 * VL) : b0, b3 = nv > 3 ? v_load(b + 3 * VL) : b0;         \
    EACH_ROW(MULTIPLY)                                                                             \
    a0 += step;                                                                                    \
    a1 += step;                                                                                    \
    a2 += step;                                                                                    \
    b += NR;
    size_t p = g->kc;
    const char *next = (const char *)g->next;
    for (size_t lines = g->next_lines < p ? g->next_lines : p; lines > 0; lines--, p--) {
        __builtin_prefetch(next);
        next += 64;
        STEP
    }
    for (; p > 0; p--) {
        STEP
    }
#undef STEP
#undef MULTIPLY
#undef A_OF
#define STORE(i)                                                                                   \
    if (mr > i) {                                                                                  \
        gemm_store(g, i, 0, s##i##_0);                                                             \
        if (nv > 1) gemm_store(g, i, VL, s##i##_1);                                                \
        if (nv > 2) gemm_store(g, i, 2 * VL, s##i##_2);                                            \
        if (nv > 3) gemm_store(g, i, 3 * VL, s##i##_3);                                            \
    }
    EACH_ROW(STORE)
#undef STORE
}

INLINE void gemm_height(const phk_gemm_f32_args *g, const int mr)
{
    if (g->n > NR / 2)
        gemm_tile(g, mr, NV);
    else
        gemm_tile(g, mr, NV / 2);
}

void GEMM_KERNEL(const phk_gemm_f32_args *g)
{
    assert(g->m >= 1 && g->m <= MR && g->n >= 1 && g->n <= NR);
    switch (g->m) {
#define HEIGHT(i)                                                                                  \
    case i:                                                                                        \
        gemm_height(g, i);                                                                         \
        break;
        EACH_HEIGHT(HEIGHT)
#undef HEIGHT
    default:
        break;
    }
}
