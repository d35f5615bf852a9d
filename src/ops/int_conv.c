/* SPDX-License-Identifier: MIT */
/*
 * Each output pixel is a row of what its window reads, widened and less the zero point (so that the
 * padding is 0), times the packed weights [taps * c/g, k/g] of each group.
 */
#include "ops/int_conv.h"

#include "ops/op_check.h"
#include "ops/quantised.h"

enum ph_status phi_int_conv_infer(phi_infer *c, size_t w, phi_volume *v)
{
    const phi_type *x = c->in[0], *weights = c->in[w];
    phi_spatial s;
    enum ph_status st = phi_need_int8(c, 0);
    if (!st) st = phi_need_int8(c, w);
    if (!st) st = phi_spatial_weights(c, x, weights);
    if (st) return st;
    st = phi_spatial_read(c, x, &weights->dims[2], &s);
    *v = (phi_volume){.n = x->dims[0], .c = x->dims[1], .k = weights->dims[0]};
    if (!st) st = phi_spatial_groups(c, x, weights, &v->groups);
    if (!st) st = phi_spatial_place(c, &s, false);
    if (st) return st;
    memcpy(v->side, s.side, sizeof s.side);
    c->out[0] = *x;
    c->out[0].dims[1] = v->k;
    for (int i = 0; i < s.n; i++)
        c->out[0].dims[2 + i] = s.side[PHI_SIDES - s.n + i].out;
    return PH_OK;
}

typedef struct int_conv {
    const phi_volume *v;
    const phi_int_result *result;
    int64_t x_zero, cg, kg, taps, rows_a_task;
    enum ph_dtype x_type;
    const uint8_t *x; /* [n,in...,c], either type */
    char *y;          /* [n,out...,k] */
    int16_t *weights; /* [groups, taps * cg, kg] */
    int16_t *row;     /* [threads, taps * cg] */
} int_conv;

static int_conv int_conv_of(const phi_exec *e, const phi_volume *v)
{
    int_conv j = {.v = v, .cg = v->c / v->groups, .kg = v->k / v->groups, .taps = 1};
    for (int i = 0; i < PHI_SIDES; i++)
        j.taps *= v->side[i].kernel;
    j.x_type = e->in[0].type.dtype;
    return j;
}

size_t phi_int_conv_work_bytes(const phi_exec *e, const phi_volume *v)
{
    const int_conv j = int_conv_of(e, v);
    const size_t row = (size_t)(j.taps * j.cg) * sizeof(int16_t);
    size_t rows, weights;
    if (!phi_mul_size(row, phi_pool_threads(e->pool), &rows) ||
        !phi_mul_size(row, (size_t)v->k, &weights))
        return SIZE_MAX;
    size_t bytes = phi_add_aligned(0, (size_t)v->k * sizeof(float));
    return phi_add_aligned(phi_add_aligned(bytes, weights), rows);
}

static void pack_weights(const int_conv *j, const phi_view *w, const phi_view *w_zero)
{
    for (int64_t k = 0; k < j->v->k; k++) {
        int64_t zero = phi_zero_at(w_zero, k), group = k / j->kg;
        int16_t *to = j->weights + group * j->taps * j->cg * j->kg + k % j->kg;
        const char *from = (const char *)w->data + k * j->cg * j->taps;
        for (int64_t c = 0; c < j->cg; c++)
            for (int64_t t = 0; t < j->taps; t++) {
                int16_t v;
                phi_int_widen(w->type.dtype, from + c * j->taps + t, 1, 1, zero, &v);
                to[(t * j->cg + c) * j->kg] = v;
            }
    }
}

/* The pixel that output pixel `o` reads through tap `t`, or -1 in the padding. */
static int64_t pixel_of(const phi_volume *v, int64_t o, int64_t t)
{
    int64_t at = 0, step = 1;
    for (int i = PHI_SIDES - 1; i >= 0; i--) {
        const phi_side *s = &v->side[i];
        int64_t pos = o % s->out * s->stride - s->begin + t % s->kernel * s->dilation;
        if (pos < 0 || pos >= s->in) return -1;
        o /= s->out;
        t /= s->kernel;
        at += pos * step;
        step *= s->in;
    }
    return o * step + at; /* what is left of o is the image */
}

static void conv_pixel(const int_conv *j, int64_t o, int16_t *row)
{
    const size_t size = ph_dtype_size(j->result->dtype);
    for (int64_t g = 0; g < j->v->groups; g++) {
        for (int64_t t = 0; t < j->taps; t++) {
            int64_t from = pixel_of(j->v, o, t);
            if (from >= 0)
                phi_int_widen(j->x_type, j->x + from * j->v->c + g * j->cg, j->cg, 1, j->x_zero,
                              row + t * j->cg);
            else
                memset(row + t * j->cg, 0, (size_t)j->cg * sizeof *row);
        }
        phi_int_result r = *j->result;
        if (r.bias) r.bias += g * j->kg;
        if (r.multiplier) r.multiplier += g * j->kg;
        phi_int_row(&r, j->taps * j->cg, row, j->weights + g * j->taps * j->cg * j->kg, j->kg, 0,
                    j->kg, j->y + (size_t)(o * j->v->k + g * j->kg) * size);
    }
}

static void conv_task(void *arg, size_t task, size_t thread)
{
    const int_conv *j = arg;
    int64_t o = (int64_t)task * j->rows_a_task, pixels = phi_volume_pixels_out(j->v);
    int64_t end = o + j->rows_a_task < pixels ? o + j->rows_a_task : pixels;
    for (; o < end; o++)
        conv_pixel(j, o, j->row + (int64_t)thread * j->taps * j->cg);
}

void phi_int_conv(const phi_exec *e, const phi_volume *v, const phi_view *w, int64_t x_zero,
                  const phi_view *w_zero, const phi_int_result *result)
{
    int_conv j = int_conv_of(e, v);
    char *work = (char *)e->work + phi_add_aligned(0, (size_t)v->k * sizeof(float));
    int64_t pixels = phi_volume_pixels_out(v);
    if (pixels == 0) return;
    j.weights = (int16_t *)(void *)work;
    work += phi_add_aligned(0, (size_t)(v->k * j.taps * j.cg) * sizeof(int16_t));
    j.row = (int16_t *)(void *)work;
    j.result = result;
    j.x_zero = x_zero;
    j.x = e->in[0].data;
    j.y = e->out[0].data;
    pack_weights(&j, w, w_zero);
    j.rows_a_task = phi_rows_a_task(v->k * j.taps * j.cg);
    phi_pool_run(e->pool, (size_t)((pixels + j.rows_a_task - 1) / j.rows_a_task), conv_task, &j);
}
