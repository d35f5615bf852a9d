/* SPDX-License-Identifier: MIT */
/*
 * Slots wino*_f32 (contracts in kernels.h, the transforms' matrices in winograd.c) over the vectors
 * of one instruction set: channels side by side, one tile of the image at a time. Included once, by
 * isa_*.c.
 */

#define P 0.70710678118654752440f /* the points are 0, +-P, +-Q and infinity; P Q = 1 */
#define Q 1.41421356237309504880f

/* --- One-dimensional transforms: out[i * step] from the vectors of `d` --------------------------- */

/* 4 values, points 0, 1, -1, infinity. */
INLINE void wino_in_4(const vf *d, const int step, vf *out)
{
    const vf d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
    out[0] = v_sub(d0, d2);
    out[step] = v_add(d2, d1);
    out[2 * step] = v_sub(d2, d1);
    out[3 * step] = v_sub(d3, d1);
}

/* 6 values, points 0, P, -P, Q, -Q, infinity. */
INLINE void wino_in_6(const vf *d, const int step, vf *out)
{
    const vf d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    const vf d5 = d[5 * step], p = v_set(P), q = v_set(Q), half = v_set(0.5f), two = v_set(2);
    const vf even_p = v_fnma(two, d2, d4), odd_p = v_fnma(two, d1, d3);
    const vf even_q = v_fnma(half, d2, d4), odd_q = v_fnma(half, d1, d3);
    out[0] = v_fnma(v_set(2.5f), d2, v_add(d0, d4));
    out[step] = v_fma(p, odd_p, even_p);
    out[2 * step] = v_fnma(p, odd_p, even_p);
    out[3 * step] = v_fma(q, odd_q, even_q);
    out[4 * step] = v_fnma(q, odd_q, even_q);
    out[5 * step] = v_fnma(v_set(2.5f), d3, v_add(d1, d5));
}

INLINE void wino_out_4_2(const vf *d, const int step, vf *out, const int out_step)
{
    const vf d1 = d[step], d2 = d[2 * step];
    out[0] = v_add(d[0], v_add(d1, d2));
    out[out_step] = v_add(d[3 * step], v_sub(d1, d2));
}

/* m = 2 or 4 results */
INLINE void wino_out_6(const vf *d, const int step, vf *out, const int out_step, const int m)
{
    const vf d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    const vf even_p = v_add(d1, d2), odd_p = v_sub(d1, d2);
    const vf even_q = v_add(d3, d4), odd_q = v_sub(d3, d4);
    const vf odd = v_fma(v_set(P), odd_p, v_mul(v_set(Q), odd_q));
    out[0] = v_add(d[0], v_add(even_p, even_q));
    if (m == 2) {
        out[out_step] = v_add(d[5 * step], odd);
    } else {
        out[out_step] = odd;
        out[2 * out_step] = v_fma(v_set(0.5f), even_p, v_mul(v_set(2), even_q));
        out[3 * out_step] = v_add(
            d[5 * step], v_fma(v_set(0.5f * P), odd_p, v_mul(v_set(2 * Q), odd_q)));
    }
}

/* --- Tiles ---------------------------------------------------------------------------------------- */

/* Channels c .. c + n - 1 (n <= VL) of an a x a tile. */
INLINE void wino_in_tile(const phk_wino_in_f32_args *g, size_t c, size_t n, const int a)
{
    vf t[36];
    for (int i = 0; i < a * a; i++)
        t[i] = n == VL ? v_load(g->x[i] + c) : v_load_n(g->x[i] + c, n);
    for (int j = 0; j < a; j++) { /* columns, then rows */
        if (a == 4)
            wino_in_4(t + j, a, t + j);
        else
            wino_in_6(t + j, a, t + j);
    }
    for (int i = 0; i < a; i++) {
        if (a == 4)
            wino_in_4(t + i * a, 1, t + i * a);
        else
            wino_in_6(t + i * a, 1, t + i * a);
    }
    for (int i = 0; i < a * a; i++) {
        float *v = g->v + (size_t)i * g->slab + c;
        if (n == VL)
            v_store(v, t[i]);
        else
            v_store_n(v, n, t[i]);
    }
}

INLINE void wino_in(const phk_wino_in_f32_args *args, const int a)
{
    const phk_wino_in_f32_args g = *args;
    size_t c = 0;
    for (; g.n - c >= VL; c += VL)
        wino_in_tile(&g, c, VL, a);
    if (c < g.n) wino_in_tile(&g, c, g.n - c, a);
}

/* Epilogue and store of one pixel's channels c .. c + n - 1. */
INLINE void wino_store(const phk_wino_out_f32_args *g, size_t row, size_t col, size_t c, size_t n,
                       vf x)
{
    float *y = g->y + (ptrdiff_t)row * g->y_row + (ptrdiff_t)col * g->y_col + c;
    const float *add =
        g->add ? g->add + (ptrdiff_t)row * g->add_row + (ptrdiff_t)col * g->add_col + c : NULL;
    if (n == VL) {
        if (g->bias) x = v_add(x, v_load(g->bias + c));
        if (add) x = v_add(x, v_load(add));
        v_store(y, v_clamp(x, v_set(g->lo), v_set(g->hi)));
    } else {
        if (g->bias) x = v_add(x, v_load_n(g->bias + c, n));
        if (add) x = v_add(x, v_load_n(add, n));
        v_store_n(y, n, v_clamp(x, v_set(g->lo), v_set(g->hi)));
    }
}

/* Channels c .. of a tile: a x a products to m x m pixels. Products have VL readable channels. */
INLINE void wino_out_tile(const phk_wino_out_f32_args *g, size_t c, size_t n, const int a,
                          const int m)
{
    vf t[24], y[16]; /* [m][a], [m][m] */
    for (int j = 0; j < a; j++) {
        vf d[6];
        for (int i = 0; i < a; i++)
            d[i] = v_load(g->m + (size_t)(i * a + j) * g->slab + c);
        if (a == 4)
            wino_out_4_2(d, 1, t + j, a);
        else
            wino_out_6(d, 1, t + j, a, m);
    }
    for (int i = 0; i < m; i++) {
        if (a == 4)
            wino_out_4_2(t + i * a, 1, y + i * m, 1);
        else
            wino_out_6(t + i * a, 1, y + i * m, 1, m);
    }
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++)
            if ((size_t)i < g->rows && (size_t)j < g->cols)
                wino_store(g, (size_t)i, (size_t)j, c, n, y[i * m + j]);
}

/* Works on a copy of the arguments, which the compiler knows no store can change. */
INLINE void wino_out(const phk_wino_out_f32_args *args, const int a, const int m)
{
    const phk_wino_out_f32_args g = *args;
    size_t c = 0;
    for (; g.n - c >= VL; c += VL)
        wino_out_tile(&g, c, VL, a, m);
    if (c < g.n) wino_out_tile(&g, c, g.n - c, a, m);
}

void KERNEL(wino4_in_f32)(const phk_wino_in_f32_args *g)
{
    wino_in(g, 4);
}
void KERNEL(wino6_in_f32)(const phk_wino_in_f32_args *g)
{
    wino_in(g, 6);
}
void KERNEL(wino4_out2_f32)(const phk_wino_out_f32_args *g)
{
    wino_out(g, 4, 2);
}
void KERNEL(wino6_out2_f32)(const phk_wino_out_f32_args *g)
{
    wino_out(g, 6, 2);
}
void KERNEL(wino6_out4_f32)(const phk_wino_out_f32_args *g)
{
    wino_out(g, 6, 4);
}

#undef P
#undef Q
