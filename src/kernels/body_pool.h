/* SPDX-License-Identifier: MIT */
/*
 * Slot max_f32 (contract in kernels.h) over the vectors of one instruction set. Included once, by
 * isa_*.c.
 */

INLINE void max_block(const phk_max_f32_args *g, size_t c, const int nv)
{
    vf best[4];
    for (int v = 0; v < nv; v++)
        best[v] = v_load(g->x[0] + c + VL * v);
    for (size_t t = 1; t < g->taps; t++)
        for (int v = 0; v < nv; v++)
            best[v] = v_max_nan(best[v], v_load(g->x[t] + c + VL * v));
    for (int v = 0; v < nv; v++)
        v_store(g->y + c + VL * v, best[v]);
}

void KERNEL(max_f32)(const phk_max_f32_args *args)
{
    const phk_max_f32_args g = *args;
    size_t c = 0;
    for (; g.n - c >= 4 * VL; c += 4 * VL)
        max_block(&g, c, 4);
    for (; g.n - c >= VL; c += VL)
        max_block(&g, c, 1);
    if (c == g.n) return;
    vf best = v_load_n(g.x[0] + c, g.n - c);
    for (size_t t = 1; t < g.taps; t++)
        best = v_max_nan(best, v_load_n(g.x[t] + c, g.n - c));
    v_store_n(g.y + c, g.n - c, best);
}
