/* SPDX-License-Identifier: MIT */
/*
 * Slots lines_*_f32 (contracts in kernels.h) over the vectors of one instruction set. Included
 * once, by isa_*.c, behind body_strassen.h.
 */

/* Elements j .. of all products: four vectors of a line at a time, or one of n. */
INLINE void lines_sums(const phk_lines_in_f32_args *g, size_t j, const bool four, size_t n)
{
    for (size_t e = 0; e < g->products; e++) {
        const float *row = g->matrix + e * g->ld;
        vf s0 = v_set(0), s1 = s0, s2 = s0, s3 = s0;
        for (size_t i = 0; i < g->lines; i++) {
            const float *x = g->x[i] + j;
            const vf by = v_set(row[i]);
            s0 = v_fma(by, four ? v_load(x) : some_load(x, n), s0);
            if (!four) continue;
            s1 = v_fma(by, v_load(x + VL), s1);
            s2 = v_fma(by, v_load(x + 2 * VL), s2);
            s3 = v_fma(by, v_load(x + 3 * VL), s3);
        }
        float *v = g->v + e * g->slab + j;
        some_store(v, four ? VL : n, s0);
        if (!four) continue;
        v_store(v + VL, s1);
        v_store(v + 2 * VL, s2);
        v_store(v + 3 * VL, s3);
    }
}

void KERNEL(lines_in_f32)(const phk_lines_in_f32_args *args)
{
    const phk_lines_in_f32_args g = *args;
    size_t j = 0;
    for (; g.n - j >= 4 * VL; j += 4 * VL)
        lines_sums(&g, j, true, VL);
    for (; j < g.n; j += VL)
        lines_sums(&g, j, false, g.n - j < VL ? g.n - j : VL);
}

/* A vector of a pixel, all lines: m are the products, y, bias and add where its elements are. */
INLINE void lines_finish(const phk_lines_out_f32_args *g, const float *m, float *y,
                         ptrdiff_t y_line, const float *bias, const float *add, ptrdiff_t add_line)
{
    const float *power = g->powers;
    vf y0 = v_set(0), y1 = y0, y2 = y0, y3 = y0, y4 = y0, y5 = y0;
    for (size_t p = 0; p < g->pairs; p++, m += 2 * g->slab, power += 6) {
        const vf plus = v_load(m), minus = v_load(m + g->slab);
        const vf even = v_add(plus, minus), odd = v_sub(plus, minus);
        y0 = v_add(y0, even);
        y1 = v_fma(v_set(power[1]), odd, y1);
        y2 = v_fma(v_set(power[2]), even, y2);
        y3 = v_fma(v_set(power[3]), odd, y3);
        y4 = v_fma(v_set(power[4]), even, y4);
        y5 = v_fma(v_set(power[5]), odd, y5);
    }
    if (g->zero) {
        y0 = v_add(y0, v_load(m));
        m += g->slab;
    }
    if (g->most == 4)
        y3 = v_add(y3, v_load(m));
    else
        y5 = v_add(y5, v_load(m));
    const vf b = bias ? v_load(bias) : v_set(0), lo = v_set(g->lo), hi = v_set(g->hi);
#define STORE(l)                                                                                   \
    if (l >= g->lines) return;                                                                     \
    y##l = v_add(y##l, b);                                                                         \
    if (add) y##l = v_add(y##l, v_load(add + l * add_line));                                       \
    v_store(y + l * y_line, v_clamp(y##l, lo, hi));
    STORE(0)
    STORE(1)
    STORE(2)
    STORE(3)
    STORE(4)
    STORE(5)
#undef STORE
}

/* The last elements of a row go through a whole vector in memory. */
void KERNEL(lines_out_f32)(const phk_lines_out_f32_args *args)
{
    const phk_lines_out_f32_args g = *args;
    float some_bias[VL], some_add[6 * VL], some_y[6 * VL];
    for (size_t i = 0; i < g.pixels; i++)
        for (size_t j = 0; j < g.n; j += VL) {
            const bool whole = g.n - j >= VL;
            const float *bias = g.bias ? g.bias + j : NULL;
            const float *add = g.add ? g.add + (ptrdiff_t)i * g.add_pixel + j : NULL;
            float *y = g.y + (ptrdiff_t)i * g.y_pixel + j;
            const size_t n = whole ? 0 : g.n - j;
            if (!whole) {
                if (bias) v_store(some_bias, v_load_n(bias, n));
                for (size_t l = 0; add && l < g.lines; l++)
                    v_store(some_add + l * VL, v_load_n(add + (ptrdiff_t)l * g.add_line, n));
            }
            lines_finish(&g, g.m + i * g.m_row + j, whole ? y : some_y, whole ? g.y_line : VL,
                         bias && !whole ? some_bias : bias, add && !whole ? some_add : add,
                         whole ? g.add_line : VL);
            for (size_t l = 0; !whole && l < g.lines; l++)
                v_store_n(y + (ptrdiff_t)l * g.y_line, n, v_load(some_y + l * VL));
        }
}
