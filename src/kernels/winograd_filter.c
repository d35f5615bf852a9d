/* SPDX-License-Identifier: MIT */
/*
 * Winograd's filters, G g G'. In double, as errors made here are in every output; sixteen filters
 * at a time, side by side, so that each line of the result is written at once and loops run over
 * neighbours.
 */
#include <string.h>

#include "kernels/winograd.h"

#define SIDE_BY_SIDE 16
typedef double side_by_side[SIDE_BY_SIDE];

/*
 * x [r] at distance `from` to G x [n_filters] at distance `to`. First and last row of every G take
 * the first and the last of x; the others come in pairs that differ in the sign of the odd columns,
 * so that a pair is a sum and a difference. With stride 2 there is a sum and what is between.
 */
static void filter_line(const phi_wino *v, const side_by_side *x, size_t from, side_by_side *t,
                        size_t to)
{
    memcpy(t[0], x[0], sizeof *t);
    memcpy(t[(v->n_filters - 1) * to], x[(v->r - 1) * from], sizeof *t);
    if (v->stride == 2) {
        memcpy(t[2 * to], x[from], sizeof *t);
        for (size_t k = 0; k < SIDE_BY_SIDE; k++)
            t[to][k] = x[0][k] + x[2 * from][k];
        return;
    }
    for (size_t i = 1; i + 1 < v->a; i += 2) {
        const double *f = v->filter + (i + 1) * v->r;
        side_by_side even, odd;
        for (size_t k = 0; k < SIDE_BY_SIDE; k++) {
            even[k] = f[0] * x[0][k] + f[2] * x[2 * from][k];
            odd[k] = f[1] * x[from][k];
        }
        for (size_t k = 0; k < SIDE_BY_SIDE && v->r == 5; k++) {
            even[k] += f[4] * x[4 * from][k];
            odd[k] += f[3] * x[3 * from][k];
        }
        for (size_t k = 0; k < SIDE_BY_SIDE; k++) {
            t[i * to][k] = even[k] - odd[k];
            t[(i + 1) * to][k] = even[k] + odd[k];
        }
    }
}

/* t = G g G' for filters side by side: g [r][r], t [n_filters][n_filters] at distance `slab`, `n`
 * of each. */
static void transform_filters(const phi_wino *v, const side_by_side *g, size_t n, float *t,
                              size_t slab)
{
    side_by_side half[PHI_WINO_MAX * 5], line[PHI_WINO_MAX]; /* [n_filters][r], [n_filters] */
    const size_t r = v->r;
    for (size_t j = 0; j < r; j++)
        filter_line(v, g + j, r, half + j, r);
    for (size_t i = 0; i < v->n_filters; i++) {
        filter_line(v, half + i * r, 1, line, 1);
        for (size_t j = 0; j < v->n_filters; j++, t += slab) {
            if (n == SIDE_BY_SIDE)
                for (size_t k = 0; k < SIDE_BY_SIDE; k++)
                    t[k] = (float)line[j][k];
            else
                for (size_t k = 0; k < n; k++)
                    t[k] = (float)line[j][k];
        }
    }
}

/* One channel of `n` filters, `row` floats apart, side by side; the rest zero. */
static void take_filters(const float *w, size_t row, size_t n, size_t taps, side_by_side *g)
{
    for (size_t k = 0; k < n; k++)
        for (size_t t = 0; t < taps; t++)
            g[t][k] = (double)w[k * row + t];
    for (size_t k = n; k < SIDE_BY_SIDE; k++)
        for (size_t t = 0; t < taps; t++)
            g[t][k] = 0;
}

void phi_wino_filters(const phi_wino *v, const float *w, size_t row, size_t n, size_t nr, float *t,
                      size_t slab)
{
    side_by_side g[25];
    for (size_t k = 0; k < nr; k += SIDE_BY_SIDE) {
        const size_t room = nr - k < SIDE_BY_SIDE ? nr - k : SIDE_BY_SIDE;
        const size_t real = k >= n ? 0 : n - k < room ? n - k : room;
        take_filters(w + k * row, row, real, v->r * v->r, g);
        transform_filters(v, g, room, t + k, slab);
    }
}
