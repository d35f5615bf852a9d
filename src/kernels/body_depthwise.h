/* SPDX-License-Identifier: MIT */
/*
 * Slots dw_f32, dwrow_f32 and dwg_f32 (contracts in kernels.h) over the vectors of one instruction
 * set. Included once, by isa_*.c.
 */

/* --- One pixel, any list of taps ------------------------------------------------------------------ */

/* Channels c .. c + nv VL - 1. */
INLINE void dw_block(const phk_dw_f32_args *g, size_t c, const int nv)
{
    vf sum[4];
    for (int v = 0; v < nv; v++)
        sum[v] = v_set(0);
    for (size_t t = 0; t < g->taps; t++) {
        const float *x = g->x[t] + c, *w = g->w[t] + c;
        for (int v = 0; v < nv; v++)
            sum[v] = v_fma(v_load(x + VL * v), v_load(w + VL * v), sum[v]);
    }
    for (int v = 0; v < nv; v++) {
        float *y = g->y + c + VL * v;
        if (g->accumulate) sum[v] = v_add(sum[v], v_load(y));
        if (g->bias) sum[v] = v_add(sum[v], v_load(g->bias + c + VL * v));
        v_store(y, v_clamp(sum[v], v_set(g->lo), v_set(g->hi)));
    }
}

/* The last n channels. */
INLINE void dw_rest(const phk_dw_f32_args *g, size_t c, size_t n)
{
    vf sum = v_set(0);
    float *y = g->y + c;
    for (size_t t = 0; t < g->taps; t++)
        sum = v_fma(v_load_n(g->x[t] + c, n), v_load_n(g->w[t] + c, n), sum);
    if (g->accumulate) sum = v_add(sum, v_load_n(y, n));
    if (g->bias) sum = v_add(sum, v_load_n(g->bias + c, n));
    v_store_n(y, n, v_clamp(sum, v_set(g->lo), v_set(g->hi)));
}

void KERNEL(dw_f32)(const phk_dw_f32_args *g)
{
    size_t c = 0;
    for (; g->n - c >= 4 * VL; c += 4 * VL)
        dw_block(g, c, 4);
    for (; g->n - c >= VL; c += VL)
        dw_block(g, c, 1);
    if (c < g->n) dw_rest(g, c, g->n - c);
}

/* --- A run of pixels that see all their taps ------------------------------------------------------ */

INLINE vf dw_load(const float *p, size_t n)
{
    return n == VL ? v_load(p) : v_load_n(p, n);
}

/* One line of three taps for np pixels; neighbours share what they read if `dense`. */
INLINE void dw_line3(const phk_dwrow_f32_args *g, const float *x, const float *w, size_t n,
                     const int np, const bool dense, vf *sum)
{
    const vf w0 = dw_load(w, n), w1 = dw_load(w + g->w_col, n), w2 = dw_load(w + 2 * g->w_col, n);
    if (dense) {
        vf a = dw_load(x, n), b = dw_load(x + g->x_col, n);
        x += 2 * g->x_col;
        for (int q = 0; q < np; q++, x += g->x_col) {
            const vf next = dw_load(x, n);
            sum[q] = v_fma(next, w2, v_fma(b, w1, v_fma(a, w0, sum[q])));
            a = b;
            b = next;
        }
        return;
    }
    for (int q = 0; q < np; q++, x += g->x_step) {
        sum[q] = v_fma(dw_load(x, n), w0, sum[q]);
        sum[q] = v_fma(dw_load(x + g->x_col, n), w1, sum[q]);
        sum[q] = v_fma(dw_load(x + 2 * g->x_col, n), w2, sum[q]);
    }
}

INLINE void dw_line(const phk_dwrow_f32_args *g, const float *x, const float *w, size_t n,
                    const int np, vf *sum)
{
    for (size_t j = 0; j < g->taps_w; j++, x += g->x_col, w += g->w_col) {
        const vf tap = dw_load(w, n);
        for (int q = 0; q < np; q++)
            sum[q] = v_fma(dw_load(x + q * g->x_step, n), tap, sum[q]);
    }
}

/* Channels c .. c + n - 1 (n <= VL) of pixels p .. p + np - 1. */
INLINE void dw_pixels(const phk_dwrow_f32_args *g, size_t p, size_t c, size_t n, const int np,
                      const bool three, const bool dense)
{
    vf sum[4];
    const float *x = g->x + (ptrdiff_t)p * g->x_step + c, *w = g->w + c;
    for (int q = 0; q < np; q++)
        sum[q] = v_set(0);
    for (size_t i = 0; i < g->taps_h; i++, x += g->x_row, w += g->w_row) {
        if (three)
            dw_line3(g, x, w, n, np, dense, sum);
        else
            dw_line(g, x, w, n, np, sum);
    }
    float *y = g->y + (ptrdiff_t)p * g->y_step + c;
    for (int q = 0; q < np; q++, y += g->y_step) {
        vf v = sum[q];
        if (g->bias) v = v_add(v, dw_load(g->bias + c, n));
        v = v_clamp(v, v_set(g->lo), v_set(g->hi));
        if (n == VL)
            v_store(y, v);
        else
            v_store_n(y, n, v);
    }
}

INLINE void dw_run(const phk_dwrow_f32_args *g, size_t p, const int np, const bool three,
                   const bool dense)
{
    size_t c = 0;
    for (; g->n - c >= VL; c += VL)
        dw_pixels(g, p, c, VL, np, three, dense);
    if (c < g->n) dw_pixels(g, p, c, g->n - c, np, three, dense);
}

/* Four pixels at a time, all channels of them, so that memory is walked through once. Works on a
 * copy of the arguments, which the compiler knows no store can change. */
INLINE void dw_row(const phk_dwrow_f32_args *args, const bool three, const bool dense)
{
    const phk_dwrow_f32_args g = *args;
    size_t p = 0;
    for (; g.pixels - p >= 4; p += 4)
        dw_run(&g, p, 4, three, dense);
    for (; p < g.pixels; p++)
        dw_run(&g, p, 1, three, dense);
}

void KERNEL(dwrow_f32)(const phk_dwrow_f32_args *g)
{
    if (g->taps_w == 3 && g->x_step == g->x_col)
        dw_row(g, true, true);
    else if (g->taps_w == 3)
        dw_row(g, true, false);
    else
        dw_row(g, false, false);
}

/* --- The weight gradient -------------------------------------------------------------------------- */

INLINE void dwg_block(const phk_dwg_f32_args *g, size_t c, const int nv)
{
    vf sum[4];
    const float *x = g->x + c, *dy = g->dy + c;
    for (int v = 0; v < nv; v++)
        sum[v] = v_set(0);
    for (size_t p = 0; p < g->pixels; p++) {
        const float *xp = x + (ptrdiff_t)p * g->x_step, *dp = dy + (ptrdiff_t)p * g->dy_step;
        for (int v = 0; v < nv; v++)
            sum[v] = v_fma(v_load(xp + VL * v), v_load(dp + VL * v), sum[v]);
    }
    for (int v = 0; v < nv; v++) {
        float *out = g->g + c + VL * v;
        v_store(out, v_add(sum[v], v_load(out)));
    }
}

INLINE void dwg_rest(const phk_dwg_f32_args *g, size_t c, size_t n)
{
    vf sum = v_set(0);
    float *out = g->g + c;
    for (size_t p = 0; p < g->pixels; p++)
        sum = v_fma(v_load_n(g->x + (ptrdiff_t)p * g->x_step + c, n),
                    v_load_n(g->dy + (ptrdiff_t)p * g->dy_step + c, n), sum);
    v_store_n(out, n, v_add(sum, v_load_n(out, n)));
}

void KERNEL(dwg_f32)(const phk_dwg_f32_args *g)
{
    size_t c = 0;
    for (; g->n - c >= 4 * VL; c += 4 * VL)
        dwg_block(g, c, 4);
    for (; g->n - c >= VL; c += VL)
        dwg_block(g, c, 1);
    if (c < g->n) dwg_rest(g, c, g->n - c);
}
