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

INLINE void dw_line(const phk_dwrow_f32_args *g, const float *x, const float *w, size_t n,
                    const int np, vf *sum)
{
    for (size_t j = 0; j < g->taps_w; j++, x += g->x_col, w += g->w_col) {
        const vf tap = dw_load(w, n);
        for (int q = 0; q < np; q++)
            sum[q] = v_fma(dw_load(x + q * g->x_step, n), tap, sum[q]);
    }
}

INLINE void dw_store(const phk_dwrow_f32_args *g, size_t p, size_t c, size_t n, vf sum)
{
    float *y = g->y + (ptrdiff_t)p * g->y_step + c;
    if (g->bias) sum = v_add(sum, dw_load(g->bias + c, n));
    sum = v_clamp(sum, v_set(g->lo), v_set(g->hi));
    if (n == VL)
        v_store(y, sum);
    else
        v_store_n(y, n, sum);
}

/* Channels c .. c + n - 1 (n <= VL) of pixels p .. p + np - 1. */
INLINE void dw_pixels(const phk_dwrow_f32_args *g, size_t p, size_t c, size_t n, const int np)
{
    vf sum[4];
    const float *x = g->x + (ptrdiff_t)p * g->x_step + c, *w = g->w + c;
    for (int q = 0; q < np; q++)
        sum[q] = v_set(0);
    for (size_t i = 0; i < g->taps_h; i++, x += g->x_row, w += g->w_row)
        dw_line(g, x, w, n, np, sum);
    for (int q = 0; q < np; q++)
        dw_store(g, p + (size_t)q, c, n, sum[q]);
}

INLINE void dw_run(const phk_dwrow_f32_args *g, size_t p, const int np)
{
    size_t c = 0;
    for (; g->n - c >= VL; c += VL)
        dw_pixels(g, p, c, VL, np);
    if (c < g->n) dw_pixels(g, p, c, g->n - c, np);
}

/* Four pixels at a time, all channels of them, so that memory is walked through once. */
INLINE void dw_row(const phk_dwrow_f32_args *g)
{
    size_t p = 0;
    for (; g->pixels - p >= 4; p += 4)
        dw_run(g, p, 4);
    for (; p < g->pixels; p++)
        dw_run(g, p, 1);
}

/* --- The same for up to three lines of three taps, the next pixel one or two further ------------- */

/* Columns of th pixels times column j of the taps, for nv vectors of channels. */
INLINE void dw_column(const vf *x, const vf *w, const int j, const int th, const int nv, vf *sum)
{
    for (int v = 0; v < nv; v++) {
        sum[v] = v_mul(x[v], w[j * nv + v]);
        if (th > 1) sum[v] = v_fma(x[nv + v], w[(3 + j) * nv + v], sum[v]);
        if (th > 2) sum[v] = v_fma(x[2 * nv + v], w[(6 + j) * nv + v], sum[v]);
    }
}

INLINE void dw_add(const vf *a, const vf *b, const int nv, vf *sum)
{
    for (int v = 0; v < nv; v++)
        sum[v] = v_add(a[v], b[v]);
}

INLINE void dw_load_column(const phk_dwrow_f32_args *g, const float *x, size_t n, const int th,
                           const int nv, vf *out)
{
    for (int i = 0; i < th; i++)
        for (int v = 0; v < nv; v++)
            out[i * nv + v] = dw_load(x + i * g->x_row + v * VL, n);
}

/*
 * nv vectors of channels from c on (n <= VL of each) of pixels p .. p + np - 1. Each column of pixels
 * is read once; what it gives to the pixels that see it is added up column by column: `next` and
 * `after` are what is there already for the pixel to come and the one behind it.
 */
INLINE void dw_walk(const phk_dwrow_f32_args *g, size_t p, size_t np, size_t c, size_t n,
                    const int nv, const int th, const int stride)
{
    vf w[9 * 2], x[3 * 2], next[2], after[2], sum[2];
    const float *at = g->x + (ptrdiff_t)p * g->x_step + c;
    const bool cut_last = g->cut_last && p + np == g->pixels;
    for (int i = 0; i < 3 * th; i++)
        for (int v = 0; v < nv; v++)
            w[i * nv + v] = dw_load(g->w + i / 3 * g->w_row + i % 3 * g->w_col + c + v * VL, n);
    for (int v = 0; v < nv; v++)
        next[v] = after[v] = v_set(0);
    if (!(g->cut_first && p == 0)) {
        dw_load_column(g, at, n, th, nv, x);
        dw_column(x, w, 0, th, nv, next);
    }
    at += g->x_col;
    if (stride == 1) {
        dw_load_column(g, at, n, th, nv, x);
        dw_column(x, w, 1, th, nv, sum);
        dw_add(next, sum, nv, next);
        dw_column(x, w, 0, th, nv, after);
        at += g->x_col;
    }
    for (const size_t end = p + np - cut_last; p < end; p++) {
        if (stride == 2) {
            dw_load_column(g, at, n, th, nv, x);
            dw_column(x, w, 1, th, nv, sum);
            dw_add(next, sum, nv, next);
            at += g->x_col;
        }
        dw_load_column(g, at, n, th, nv, x);
        at += g->x_col;
        dw_column(x, w, 2, th, nv, sum);
        for (int v = 0; v < nv; v++)
            dw_store(g, p, c + (size_t)v * VL, n, v_add(next[v], sum[v]));
        if (stride == 1) {
            dw_column(x, w, 1, th, nv, sum);
            dw_add(after, sum, nv, next);
            dw_column(x, w, 0, th, nv, after);
        } else {
            dw_column(x, w, 0, th, nv, next);
        }
    }
    if (!cut_last) return;
    if (stride == 2) {
        dw_load_column(g, at, n, th, nv, x);
        dw_column(x, w, 1, th, nv, sum);
        dw_add(next, sum, nv, next);
    }
    for (int v = 0; v < nv; v++)
        dw_store(g, p, c + (size_t)v * VL, n, next[v]);
}

#define TILE 16 /* input pixels, more or less, walked along before the next channels: their lines stay
                 * in the cache */

INLINE void dw_walk_row(const phk_dwrow_f32_args *args, const int th, const int stride)
{
    const phk_dwrow_f32_args g = *args; /* a copy, which the compiler knows no store can change */
    /* Pixels so far apart that they share few sets of the cache: whole lines of it at a time. */
    const bool aliased = VL < 16 && g.x_col % 256 == 0;
    const size_t most = TILE / (size_t)stride, n_tiles = (g.pixels + most - 1) / most;
    const size_t width = (g.pixels + n_tiles - 1) / n_tiles;
    for (size_t p = 0; p < g.pixels; p += width) {
        const size_t np = g.pixels - p < width ? g.pixels - p : width;
        size_t c = 0;
        for (; aliased && g.n - c >= 2 * VL; c += 2 * VL)
            dw_walk(&g, p, np, c, VL, 2, th, stride);
        for (; g.n - c >= VL; c += VL)
            dw_walk(&g, p, np, c, VL, 1, th, stride);
        if (c < g.n) dw_walk(&g, p, np, c, g.n - c, 1, th, stride);
    }
}

INLINE void dw_three(const phk_dwrow_f32_args *g, const int stride)
{
    if (g->taps_h == 3)
        dw_walk_row(g, 3, stride);
    else if (g->taps_h == 2)
        dw_walk_row(g, 2, stride);
    else
        dw_walk_row(g, 1, stride);
}

void KERNEL(dwrow_f32)(const phk_dwrow_f32_args *g)
{
    const bool cuts = phk_dwrow_cuts(g->taps_h, g->taps_w, g->x_step, g->x_col);
    assert(cuts || (!g->cut_first && !g->cut_last));
    if (!cuts || g->taps_h == 0 || g->pixels == 0) {
        const phk_dwrow_f32_args all = *g;
        dw_row(&all);
    } else if (g->x_step == g->x_col) {
        dw_three(g, 1);
    } else {
        dw_three(g, 2);
    }
}

#undef TILE

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
