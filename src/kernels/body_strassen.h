/* SPDX-License-Identifier: MIT */
/*
 * Slots halves_*_f32 (contracts in kernels.h) over the vectors of one instruction set. Included
 * once, by isa_*.c.
 */

INLINE vf some_load(const float *p, size_t n)
{
    return n == VL ? v_load(p) : v_load_n(p, n);
}
INLINE void some_store(float *p, size_t n, vf x)
{
    if (n == VL)
        v_store(p, x);
    else
        v_store_n(p, n, x);
}

/* Channels c .. c + n - 1, n <= VL. */
INLINE void strassen_sums(const phk_halves_in_f32_args *g, size_t c, size_t n)
{
    const vf x11 = some_load(g->x11 + c, n), x12 = some_load(g->x12 + c, n);
    const vf x21 = some_load(g->x21 + c, n), x22 = some_load(g->x22 + c, n);
    const vf v0 = v_add(x21, x22), v1 = v_sub(v0, x11);
    float *v = g->v + c;
    some_store(v, n, v0);
    some_store(v + g->slab, n, v1);
    some_store(v + 2 * g->slab, n, v_sub(x11, x21));
    some_store(v + 3 * g->slab, n, v_sub(x12, v1));
    if (g->n_v == 4) return;
    some_store(v + 4 * g->slab, n, x11);
    some_store(v + 5 * g->slab, n, x12);
    some_store(v + 6 * g->slab, n, x22);
    if (g->n_v == 8) some_store(v + 7 * g->slab, n, x21);
}

void KERNEL(halves_in_f32)(const phk_halves_in_f32_args *args)
{
    const phk_halves_in_f32_args g = *args;
    size_t c = 0;
    for (; g.n - c >= VL; c += VL)
        strassen_sums(&g, c, VL);
    if (c < g.n) strassen_sums(&g, c, g.n - c);
}

/* Columns j .. j + n - 1 of row i. */
INLINE void strassen_finish(const phk_halves_out_f32_args *g, size_t i, size_t j, size_t n)
{
    const size_t at = i * g->ld + j;
    const vf w = some_load(g->w + at, n);
    some_store(g->x + at, n, v_add(some_load(g->x + at, n), w));
    if (i >= g->rows) return;
    vf y = v_add(some_load(g->z + at, n), w);
    if (g->bias) y = v_add(y, some_load(g->bias + j, n));
    if (g->add) y = v_add(y, some_load(g->add + (ptrdiff_t)i * g->add_row + j, n));
    some_store(g->y + (ptrdiff_t)i * g->y_row + j, n, v_clamp(y, v_set(g->lo), v_set(g->hi)));
}

void KERNEL(halves_out_f32)(const phk_halves_out_f32_args *args)
{
    const phk_halves_out_f32_args g = *args;
    for (size_t i = 0; i < g.x_rows; i++) {
        size_t j = 0;
        for (; g.n - j >= VL; j += VL)
            strassen_finish(&g, i, j, VL);
        if (j < g.n) strassen_finish(&g, i, j, g.n - j);
    }
}
