/* SPDX-License-Identifier: MIT */
/*
 * Slot lrn_f32 (contract in kernels.h) over the vectors of one instruction set. Included once, by
 * isa_*.c.
 *
 * A pixel's squares lie in `room` between zeros, where a window is as many loads at neighbouring
 * addresses. Those cross vectors just stored, which they would wait for: the next pixel's squares
 * are made before this one's windows. The window of five, everybody's, is unrolled.
 */

/* x / (bias + alpha * sum)^(quarters / 4) */
INLINE vf lrn_vector(const phk_lrn_f32_args *g, vf x, vf sum, const int quarters)
{
    const vf s = v_fma(v_set(g->alpha), sum, v_set(g->bias));
    if (quarters == 4) return v_div(x, s);
    const vf root = v_sqrt(s);
    return v_div(x, quarters == 2 ? root : v_mul(root, v_sqrt(root)));
}

INLINE void lrn_squares(const float *x, size_t n, float *to)
{
    size_t c = 0;
    for (; n - c >= VL; c += VL)
        v_store(to + c, v_mul(v_load(x + c), v_load(x + c)));
    if (c == n) return;
    const vf tail = v_load_n(x + c, n - c);
    v_store_n(to + c, n - c, v_mul(tail, tail));
}

/* y of one pixel; squares: from `lo` channels below its first one. */
INLINE void lrn_pixel(const phk_lrn_f32_args *g, const float *x, const float *squares, float *y,
                      const size_t more, const int quarters)
{
    const size_t n = g->n;
    size_t c = 0;
    for (; n - c >= VL; c += VL) {
        vf sum = v_load(squares + c);
        for (size_t i = 1; i <= more; i++)
            sum = v_add(sum, v_load(squares + c + i));
        v_store(y + c, lrn_vector(g, v_load(x + c), sum, quarters));
    }
    if (c == n) return;
    vf sum = v_load_n(squares + c, n - c);
    for (size_t i = 1; i <= more; i++)
        sum = v_add(sum, v_load_n(squares + c + i, n - c));
    v_store_n(y + c, n - c, lrn_vector(g, v_load_n(x + c, n - c), sum, quarters));
}

INLINE void lrn_pixels(const phk_lrn_f32_args *g, const int quarters)
{
    const size_t more = g->lo + g->hi, size = more + g->n;
    float *room = g->room, *next = room + size;
    for (size_t i = 0; i < 2 * size; i++)
        room[i] = 0;
    if (g->pixels) lrn_squares(g->x, g->n, room + g->lo);
    for (size_t p = 0; p < g->pixels; p++) {
        const float *x = g->x + (ptrdiff_t)p * g->x_step;
        float *y = g->y + (ptrdiff_t)p * g->y_step;
        if (p + 1 < g->pixels) lrn_squares(x + g->x_step, g->n, next + g->lo);
        if (more == 4)
            lrn_pixel(g, x, room, y, 4, quarters);
        else
            lrn_pixel(g, x, room, y, more, quarters);
        float *done = room;
        room = next;
        next = done;
    }
}

void KERNEL(lrn_f32)(const phk_lrn_f32_args *args)
{
    const phk_lrn_f32_args g = *args;
    if (g.quarters == 2)
        lrn_pixels(&g, 2);
    else if (g.quarters == 3)
        lrn_pixels(&g, 3);
    else
        lrn_pixels(&g, 4);
}
