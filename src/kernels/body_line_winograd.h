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
    for (; g.n - j >= VL; j += VL)
        lines_sums(&g, j, false, VL);
    if (j < g.n) lines_sums(&g, j, false, g.n - j);
}

/* n elements from j on of pixel i, of all lines; rows: 4 or 6. */
INLINE void lines_finish(const phk_lines_out_f32_args *g, size_t i, size_t j, size_t n,
                         const size_t rows)
{
    const float *m = g->m + i * g->m_row + j, *power = g->powers;
    vf y0 = v_set(0), y1 = y0, y2 = y0, y3 = y0, y4 = y0, y5 = y0;
    for (size_t p = 0; p < g->pairs; p++, m += 2 * g->slab, power += rows) {
        const vf plus = v_load(m), minus = v_load(m + g->slab);
        const vf even = v_add(plus, minus), odd = v_sub(plus, minus);
        y0 = v_add(y0, even);
        y1 = v_fma(v_set(power[1]), odd, y1);
        y2 = v_fma(v_set(power[2]), even, y2);
        y3 = v_fma(v_set(power[3]), odd, y3);
        if (rows == 4) continue;
        y4 = v_fma(v_set(power[4]), even, y4);
        y5 = v_fma(v_set(power[5]), odd, y5);
    }
    if (g->zero) {
        y0 = v_add(y0, v_load(m));
        m += g->slab;
    }
    if (rows == 4)
        y3 = v_add(y3, v_load(m));
    else
        y5 = v_add(y5, v_load(m));
    const vf bias = g->bias ? some_load(g->bias + j, n) : v_set(0);
    const vf lo = v_set(g->lo), hi = v_set(g->hi);
    float *y = g->y + (ptrdiff_t)i * g->y_pixel + j;
    const float *add = g->add ? g->add + (ptrdiff_t)i * g->add_pixel + j : NULL;
#define STORE(l)                                                                                   \
    if (l >= g->lines) return;                                                                     \
    y##l = v_add(y##l, bias);                                                                      \
    if (add) y##l = v_add(y##l, some_load(add + l * g->add_line, n));                              \
    some_store(y + l * g->y_line, n, v_clamp(y##l, lo, hi));
    STORE(0)
    STORE(1)
    STORE(2)
    STORE(3)
    if (rows == 4) return;
    STORE(4)
    STORE(5)
#undef STORE
}

INLINE void lines_out(const phk_lines_out_f32_args *args, const size_t rows)
{
    const phk_lines_out_f32_args g = *args;
    for (size_t i = 0; i < g.pixels; i++) {
        size_t j = 0;
        for (; g.n - j >= VL; j += VL)
            lines_finish(&g, i, j, VL, rows);
        if (j < g.n) lines_finish(&g, i, j, g.n - j, rows);
    }
}

void KERNEL(lines_out4_f32)(const phk_lines_out_f32_args *g)
{
    lines_out(g, 4);
}

void KERNEL(lines_out6_f32)(const phk_lines_out_f32_args *g)
{
    lines_out(g, 6);
}
