/* SPDX-License-Identifier: MIT */
/* The plain kernels of slots wino*_f32 (contracts in kernels.h): products with the very matrices,
 * some channels side by side. */
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/winograd.h"

#define SIDE_BY_SIDE 8 /* channels */
typedef float channels[SIDE_BY_SIDE];
typedef channels tile[PHI_WINO_MAX * PHI_WINO_MAX];

/* t = L d R for each channel: L [rows][a], d [a][a] and R = L's transpose. */
static void both_sides(const float *l, size_t rows, size_t a, tile d, tile t)
{
    tile half;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < a; j++) {
            channels sum = {0};
            for (size_t p = 0; p < a; p++)
                for (size_t k = 0; k < SIDE_BY_SIDE; k++)
                    sum[k] += l[i * a + p] * d[p * a + j][k];
            memcpy(half[i * a + j], sum, sizeof sum);
        }
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < rows; j++) {
            channels sum = {0};
            for (size_t p = 0; p < a; p++)
                for (size_t k = 0; k < SIDE_BY_SIDE; k++)
                    sum[k] += half[i * a + p][k] * l[j * a + p];
            memcpy(t[i * rows + j], sum, sizeof sum);
        }
}

/* How many channels there are from c on, of those side by side. */
static size_t some(size_t n, size_t c)
{
    return n - c < SIDE_BY_SIDE ? n - c : SIDE_BY_SIDE;
}

/* A variant's sizes are no constants here: loops copied for each would be 15 kB. */
static void wino_in(const phk_wino_in_f32_args *g, const phi_wino *v)
{
    const size_t a = v->a;
    tile d = {0}, t;
    for (size_t c = 0; c < g->n; c += SIDE_BY_SIDE) {
        const size_t bytes = some(g->n, c) * sizeof(float);
        for (size_t i = 0; i < a * a; i++)
            memcpy(d[i], g->x[i] + c, bytes);
        both_sides(v->input, a, a, d, t);
        for (size_t i = 0; i < a * a; i++)
            memcpy(g->v + i * g->slab + c, t[i], bytes);
    }
}

static void finish(const phk_wino_out_f32_args *g, size_t i, size_t j, size_t c, const float *t)
{
    const ptrdiff_t row = (ptrdiff_t)i, col = (ptrdiff_t)j;
    const float *add = g->add ? g->add + row * g->add_row + col * g->add_col : NULL;
    float *y = g->y + row * g->y_row + col * g->y_col;
    for (size_t k = 0; k < some(g->n, c); k++) {
        float x = t[k];
        if (g->bias) x += g->bias[c + k];
        if (add) x += add[c + k];
        x = x < g->lo ? g->lo : x;
        y[c + k] = x > g->hi ? g->hi : x;
    }
}

static void wino_out(const phk_wino_out_f32_args *g, const phi_wino *v)
{
    const size_t a = v->a, m = v->m;
    tile d = {0}, t;
    for (size_t c = 0; c < g->n; c += SIDE_BY_SIDE) {
        for (size_t i = 0; i < a * a; i++)
            memcpy(d[i], g->m + i * g->slab + c, some(g->n, c) * sizeof(float));
        both_sides(v->output, m, a, d, t);
        for (size_t i = 0; i < g->rows; i++)
            for (size_t j = 0; j < g->cols; j++)
                finish(g, i, j, c, t[i * m + j]);
    }
}

void phk_wino4_in_f32_scalar(const phk_wino_in_f32_args *g)
{
    wino_in(g, &phi_wino_f2x3);
}
void phk_wino5_in_f32_scalar(const phk_wino_in_f32_args *g)
{
    wino_in(g, &phi_wino_f2x3s2);
}
void phk_wino6_in_f32_scalar(const phk_wino_in_f32_args *g)
{
    wino_in(g, &phi_wino_f4x3);
}
void phk_wino8_in_f32_scalar(const phk_wino_in_f32_args *g)
{
    wino_in(g, &phi_wino_f6x3);
}
void phk_wino4_out2_f32_scalar(const phk_wino_out_f32_args *g)
{
    wino_out(g, &phi_wino_f2x3);
}
void phk_wino5_out2_f32_scalar(const phk_wino_out_f32_args *g)
{
    wino_out(g, &phi_wino_f2x3s2);
}
void phk_wino6_out2_f32_scalar(const phk_wino_out_f32_args *g)
{
    wino_out(g, &phi_wino_f2x5);
}
void phk_wino6_out4_f32_scalar(const phk_wino_out_f32_args *g)
{
    wino_out(g, &phi_wino_f4x3);
}
void phk_wino8_out4_f32_scalar(const phk_wino_out_f32_args *g)
{
    wino_out(g, &phi_wino_f4x5);
}
void phk_wino8_out6_f32_scalar(const phk_wino_out_f32_args *g)
{
    wino_out(g, &phi_wino_f6x3);
}
