/* SPDX-License-Identifier: MIT */
/*
 * Slots wino*_f32 (contracts in kernels.h, the transforms' matrices in winograd_variants.c) over
 * the vectors of one instruction set: channels side by side, one tile of the image at a time.
 * Included once, by isa_*.c.
 */

#define P 0.70710678118654752440f /* the points are 0, +-P, +-Q and infinity; P Q = 1 */
#define Q 1.41421356237309504880f

/* --- One-dimensional transforms, by parts that have little in common -------------------------- */

/*
 * Of `a` values, parts of two results each (one, at the end of an odd number): part 0 are the first
 * and the last, part p those of a pair of points +-, 2 p - 1 and 2 p. wino_at says where they are.
 */
INLINE int wino_parts(const int a)
{
    return (a + 1) / 2;
}
INLINE int wino_results(const int a, const int part)
{
    return 2 * part + 1 < a ? 2 : 1;
}
INLINE int wino_at(const int a, const int part, const int second)
{
    return part == 0 ? second * (a - 1) : 2 * part - 1 + second;
}

/* 4 values, points 0, 1, -1, infinity. */
INLINE void wino_in_4(const vf *d, const int part, vf *out)
{
    out[0] = part == 0 ? v_sub(d[0], d[2]) : v_add(d[2], d[1]);
    out[1] = part == 0 ? v_sub(d[3], d[1]) : v_sub(d[2], d[1]);
}

/* 5 values of stride 2: of 0, 2 and 4 points 0, 1, infinity; 1 and 3 as they are. */
INLINE void wino_in_5(const vf *d, const int part, vf *out)
{
    if (part == 0) {
        out[0] = v_sub(d[0], d[2]);
        out[1] = v_sub(d[4], d[2]);
    } else {
        out[0] = part == 1 ? d[2] : d[3];
        out[1] = d[1];
    }
}

/* 6 values, points 0, P, -P, Q, -Q, infinity. */
INLINE void wino_in_6(const vf *d, const int part, vf *out)
{
    if (part == 0) {
        out[0] = v_fnma(v_set(2.5f), d[2], v_add(d[0], d[4]));
        out[1] = v_fnma(v_set(2.5f), d[3], v_add(d[1], d[5]));
    } else {
        const vf point = v_set(part == 1 ? P : Q), square = v_set(part == 1 ? 2 : 0.5f);
        const vf even = v_fnma(square, d[2], d[4]), odd = v_fnma(square, d[1], d[3]);
        out[0] = v_fma(point, odd, even);
        out[1] = v_fnma(point, odd, even);
    }
}

/* 8 values, points 0, 1, -1, 1/2, -1/2, 2, -2, infinity. */
INLINE void wino_in_8(const vf *d, const int part, vf *out)
{
    if (part == 0) {
        out[0] = v_fma(v_set(5.25f), v_sub(d[4], d[2]), v_sub(d[0], d[6]));
        out[1] = v_fma(v_set(5.25f), v_sub(d[3], d[5]), v_sub(d[7], d[1]));
    } else if (part == 1) {
        const vf even = v_fnma(v_set(4.25f), d[4], v_add(d[2], d[6]));
        const vf odd = v_fnma(v_set(4.25f), d[3], v_add(d[1], d[5]));
        out[0] = v_add(even, odd);
        out[1] = v_sub(even, odd);
    } else {
        const vf point = v_set(part == 2 ? 0.5f : 2), first = v_set(part == 2 ? 4 : 0.25f);
        const vf middle = v_set(part == 2 ? 5 : 1.25f);
        const vf even = v_fma(first, d[2], v_fnma(middle, d[4], d[6]));
        const vf odd = v_fma(first, d[1], v_fnma(middle, d[3], d[5]));
        out[0] = v_fma(point, odd, even);
        out[1] = v_fnma(point, odd, even);
    }
}

/* The results of one parity, m / 2 of them: 0, 2 .. or 1, 3 .. */
INLINE void wino_out_4(const vf *d, const int odd, vf *out)
{
    out[0] = odd ? v_add(d[3], v_sub(d[1], d[2])) : v_add(d[0], v_add(d[1], d[2]));
}

INLINE void wino_out_5(const vf *d, const int odd, vf *out)
{
    out[0] = v_add(d[1], odd ? v_add(d[3], d[4]) : v_add(d[0], d[2]));
}

INLINE void wino_out_6(const vf *d, const int odd, const int m, vf *out)
{
    if (!odd) {
        const vf p = v_add(d[1], d[2]), q = v_add(d[3], d[4]);
        out[0] = v_add(d[0], v_add(p, q));
        if (m == 4) out[1] = v_fma(v_set(0.5f), p, v_mul(v_set(2), q));
    } else {
        const vf p = v_sub(d[1], d[2]), q = v_sub(d[3], d[4]);
        const vf sum = v_fma(v_set(P), p, v_mul(v_set(Q), q));
        out[0] = m == 2 ? v_add(d[5], sum) : sum;
        if (m == 4) out[1] = v_add(d[5], v_fma(v_set(0.5f * P), p, v_mul(v_set(2 * Q), q)));
    }
}

/* a + x p + y q, for points whose powers x and y are */
INLINE vf wino_sum(vf a, vf p, vf q, const float x, const float y)
{
    return v_fma(v_set(y), q, v_fma(v_set(x), p, a));
}

/* The same; m is 4 or 6. */
INLINE void wino_out_8(const vf *d, const int odd, const int m, vf *out)
{
    if (!odd) {
        const vf p = v_add(d[1], d[2]), q = v_add(d[3], d[4]), s = v_add(d[5], d[6]);
        out[0] = v_add(d[0], v_add(p, v_add(q, s)));
        out[1] = wino_sum(p, q, s, 0.25f, 4);
        if (m == 6) out[2] = wino_sum(p, q, s, 0.0625f, 16);
    } else {
        const vf p = v_sub(d[1], d[2]), q = v_sub(d[3], d[4]), s = v_sub(d[5], d[6]);
        out[0] = wino_sum(p, q, s, 0.5f, 2);
        out[1] = wino_sum(p, q, s, 0.125f, 8);
        if (m == 6) out[2] = wino_sum(p, q, s, 0.03125f, 32);
        out[m / 2 - 1] = v_add(d[7], out[m / 2 - 1]);
    }
}

/* --- Tiles ------------------------------------------------------------------------------------ */

INLINE void wino_in_line(const vf *d, const int a, const int part, vf *out)
{
    if (a == 4)
        wino_in_4(d, part, out);
    else if (a == 5)
        wino_in_5(d, part, out);
    else if (a == 8)
        wino_in_8(d, part, out);
    else
        wino_in_6(d, part, out);
}

INLINE void wino_out_line(const vf *d, const int a, const int m, const int odd, vf *out)
{
    if (a == 4)
        wino_out_4(d, odd, out);
    else if (a == 5)
        wino_out_5(d, odd, out);
    else if (a == 8)
        wino_out_8(d, odd, m, out);
    else
        wino_out_6(d, odd, m, out);
}

/*
 * VL channels from c on of a tile of a x a pixels. Two lines of the result at a time, which stay in
 * registers: the tile is read once for each part, which costs less than storing what is between.
 */
INLINE void wino_in_tile(const phk_wino_in_f32_args *g, size_t c, const int a)
{
    for (int part = 0; part < wino_parts(a); part++) {
        vf half[2][8]; /* [2][a] */
        for (int j = 0; j < a; j++) {
            vf d[8], two[2];
            for (int i = 0; i < a; i++)
                d[i] = v_load(g->x[i * a + j] + c);
            wino_in_line(d, a, part, two);
            half[0][j] = two[0];
            half[1][j] = two[1];
        }
        for (int i = 0; i < wino_results(a, part); i++)
            for (int k = 0; k < wino_parts(a); k++) {
                float *v = g->v + (size_t)(wino_at(a, part, i) * a) * g->slab + c;
                vf two[2];
                wino_in_line(half[i], a, k, two);
                for (int j = 0; j < wino_results(a, k); j++)
                    v_store(v + (size_t)wino_at(a, k, j) * g->slab, two[j]);
            }
    }
}

/* The last channels, fewer than VL: by way of copies that are as wide as vectors. */
static void wino_in_rest(const phk_wino_in_f32_args *g, size_t c, int elements,
                         phk_wino_in_f32_fn *kernel)
{
    float x[64][VL], v[64][VL];
    const float *at[64];
    for (int i = 0; i < elements; i++) {
        v_store(x[i], v_load_n(g->x[i] + c, g->n - c));
        at[i] = x[i];
    }
    kernel(&(phk_wino_in_f32_args){.n = VL, .x = at, .v = v[0], .slab = VL});
    for (int i = 0; i < elements; i++)
        v_store_n(g->v + (size_t)i * g->slab + c, g->n - c, v_load(v[i]));
}

INLINE void wino_in(const phk_wino_in_f32_args *args, const int a, phk_wino_in_f32_fn *kernel)
{
    const phk_wino_in_f32_args g = *args;
    size_t c = 0;
    for (; g.n - c >= VL; c += VL)
        wino_in_tile(&g, c, a);
    if (c < g.n) wino_in_rest(&g, c, a * a, kernel);
}

/* Epilogue and store of VL channels of one pixel. */
INLINE void wino_store(const phk_wino_out_f32_args *g, size_t row, size_t col, size_t c, vf x)
{
    if (g->bias) x = v_add(x, v_load(g->bias + c));
    if (g->add)
        x = v_add(x,
                  v_load(g->add + (ptrdiff_t)row * g->add_row + (ptrdiff_t)col * g->add_col + c));
    v_store(g->y + (ptrdiff_t)row * g->y_row + (ptrdiff_t)col * g->y_col + c,
            v_clamp(x, v_set(g->lo), v_set(g->hi)));
}

/* VL channels of a tile: a x a products to m x m pixels, every other line at a time. */
INLINE void wino_out_tile(const phk_wino_out_f32_args *g, size_t c, const int a, const int m)
{
    for (int odd = 0; odd < 2; odd++) {
        vf half[3][8]; /* [m / 2][a] */
        for (int j = 0; j < a; j++) {
            vf d[8], line[3];
            for (int i = 0; i < a; i++)
                d[i] = v_load(g->m + (size_t)(i * a + j) * g->slab + c);
            wino_out_line(d, a, m, odd, line);
            for (int i = 0; i < m / 2; i++)
                half[i][j] = line[i];
        }
        for (int i = 0; i < m / 2 && (size_t)(2 * i + odd) < g->rows; i++)
            for (int k = 0; k < 2; k++) {
                vf line[3];
                wino_out_line(half[i], a, m, k, line);
                for (int j = 0; j < m / 2; j++)
                    if ((size_t)(2 * j + k) < g->cols)
                        wino_store(g, (size_t)(2 * i + odd), (size_t)(2 * j + k), c, line[j]);
            }
    }
}

/* The last channels, as above; products have VL readable channels. */
static void wino_out_rest(const phk_wino_out_f32_args *g, size_t c, phk_wino_out_f32_fn *kernel)
{
    const size_t n = g->n - c;
    float y[36][VL], add[36][VL], bias[VL];
    phk_wino_out_f32_args rest = *g;
    rest.n = VL;
    rest.m = g->m + c;
    rest.y = y[0];
    rest.y_row = rest.add_row = (ptrdiff_t)(g->cols * VL);
    rest.y_col = rest.add_col = VL;
    if (g->bias) {
        v_store(bias, v_load_n(g->bias + c, n));
        rest.bias = bias;
    }
    if (g->add) rest.add = add[0];
    for (size_t i = 0; i < g->rows * g->cols && g->add; i++)
        v_store(add[i], v_load_n(g->add + (ptrdiff_t)(i / g->cols) * g->add_row +
                                     (ptrdiff_t)(i % g->cols) * g->add_col + c,
                                 n));
    kernel(&rest);
    for (size_t i = 0; i < g->rows * g->cols; i++)
        v_store_n(g->y + (ptrdiff_t)(i / g->cols) * g->y_row + (ptrdiff_t)(i % g->cols) * g->y_col +
                      c,
                  n, v_load(y[i]));
}

/* Works on a copy of the arguments, which the compiler knows no store can change. */
INLINE void wino_out(const phk_wino_out_f32_args *args, const int a, const int m,
                     phk_wino_out_f32_fn *kernel)
{
    const phk_wino_out_f32_args g = *args;
    size_t c = 0;
    for (; g.n - c >= VL; c += VL)
        wino_out_tile(&g, c, a, m);
    if (c < g.n) wino_out_rest(&g, c, kernel);
}

void KERNEL(wino4_in_f32)(const phk_wino_in_f32_args *g)
{
    wino_in(g, 4, KERNEL(wino4_in_f32));
}
void KERNEL(wino5_in_f32)(const phk_wino_in_f32_args *g)
{
    wino_in(g, 5, KERNEL(wino5_in_f32));
}
void KERNEL(wino6_in_f32)(const phk_wino_in_f32_args *g)
{
    wino_in(g, 6, KERNEL(wino6_in_f32));
}
void KERNEL(wino8_in_f32)(const phk_wino_in_f32_args *g)
{
    wino_in(g, 8, KERNEL(wino8_in_f32));
}
void KERNEL(wino4_out2_f32)(const phk_wino_out_f32_args *g)
{
    wino_out(g, 4, 2, KERNEL(wino4_out2_f32));
}
void KERNEL(wino5_out2_f32)(const phk_wino_out_f32_args *g)
{
    wino_out(g, 5, 2, KERNEL(wino5_out2_f32));
}
void KERNEL(wino6_out2_f32)(const phk_wino_out_f32_args *g)
{
    wino_out(g, 6, 2, KERNEL(wino6_out2_f32));
}
void KERNEL(wino6_out4_f32)(const phk_wino_out_f32_args *g)
{
    wino_out(g, 6, 4, KERNEL(wino6_out4_f32));
}
void KERNEL(wino8_out4_f32)(const phk_wino_out_f32_args *g)
{
    wino_out(g, 8, 4, KERNEL(wino8_out4_f32));
}
void KERNEL(wino8_out6_f32)(const phk_wino_out_f32_args *g)
{
    wino_out(g, 8, 6, KERNEL(wino8_out6_f32));
}

#undef P
#undef Q
