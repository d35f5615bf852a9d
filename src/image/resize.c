/* SPDX-License-Identifier: MIT */
/*
 * Resizing: two passes of weighted sums of bytes, one along rows and one along columns, each
 * rounded and clipped to bytes (resize_weights.c has the weights). Only that part is computed which
 * is asked for: the columns of a crop, and the rows that its rows depend on.
 */
#include "image/image.h"

#define STRIP 1024 /* elements of a row that are summed at a time */

static const int32_t half = (int32_t)1 << (PHI_WEIGHT_BITS - 1);

static inline uint8_t clip(int32_t sum)
{
    const int32_t x = sum >> PHI_WEIGHT_BITS;
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

/* --- Along rows ------------------------------------------------------------------------------- */

static void row_of_1(const phi_weights *w, const uint8_t *x, uint8_t *y)
{
    for (size_t i = 0; i < w->n; i++) {
        const int32_t *weight = w->weight + i * w->stride;
        const uint8_t *from = x + w->first[i];
        int32_t sum = half;
        for (uint32_t k = 0; k < w->count[i]; k++)
            sum += weight[k] * from[k];
        y[i] = clip(sum);
    }
}

static void row_of_3(const phi_weights *w, const uint8_t *x, uint8_t *y)
{
    for (size_t i = 0; i < w->n; i++, y += 3) {
        const int32_t *weight = w->weight + i * w->stride;
        const uint8_t *from = x + 3 * (size_t)w->first[i];
        int32_t r = half, g = half, b = half;
        for (uint32_t k = 0; k < w->count[i]; k++, from += 3) {
            r += weight[k] * from[0];
            g += weight[k] * from[1];
            b += weight[k] * from[2];
        }
        y[0] = clip(r);
        y[1] = clip(g);
        y[2] = clip(b);
    }
}

/* Columns begin .. begin + n - 1 of n_out, for rows y .. y + h - 1. */
static enum ph_status resize_rows(const ph_image *x, size_t n_out, size_t begin, size_t n, size_t y,
                                  size_t h, enum ph_filter filter, ph_image **out, ph_error *err)
{
    phi_weights w;
    enum ph_status st = phi_weights_new(&x->mem, x->w, n_out, begin, n, filter, &w, err);
    if (st) return st;
    st = phi_image_alloc(&x->mem, n, h, x->c, out, err);
    for (size_t i = 0; !st && i < h; i++) {
        const uint8_t *from = x->pixels + (y + i) * x->w * x->c;
        uint8_t *to = (*out)->pixels + i * n * x->c;
        if (x->c == 1)
            row_of_1(&w, from, to);
        else
            row_of_3(&w, from, to);
    }
    phi_weights_free(&x->mem, &w);
    return st;
}

/* --- Along columns ---------------------------------------------------------------------------- */

/* Sum n <= STRIP neighbouring elements over `count` rows that are `stride` apart. */
static void strip(const int32_t *weight, uint32_t count, const uint8_t *x, size_t stride, size_t n,
                  uint8_t *y)
{
    int32_t sum[STRIP];
    for (size_t i = 0; i < n; i++)
        sum[i] = half;
    for (uint32_t k = 0; k < count; k++, x += stride)
        for (size_t i = 0; i < n; i++)
            sum[i] += weight[k] * x[i];
    for (size_t i = 0; i < n; i++)
        y[i] = clip(sum[i]);
}

/* Rows of `w`, which counts input rows from `y` on: row 0 of x is input row y. */
static enum ph_status sum_columns(const ph_image *x, const phi_weights *w, size_t y, ph_image **out,
                                  ph_error *err)
{
    const size_t n = x->w * x->c;
    enum ph_status st = phi_image_alloc(&x->mem, x->w, w->n, x->c, out, err);
    for (size_t i = 0; !st && i < w->n; i++) {
        const uint8_t *from = x->pixels + (w->first[i] - y) * n;
        uint8_t *to = (*out)->pixels + i * n;
        for (size_t at = 0; at < n; at += STRIP)
            strip(w->weight + i * w->stride, w->count[i], from + at, n,
                  n - at < STRIP ? n - at : STRIP, to + at);
    }
    return st;
}

/* --- Both ------------------------------------------------------------------------------------- */

/* Input rows that the rows of `w` need. */
static void rows_needed(const phi_weights *w, size_t *y, size_t *h)
{
    const size_t last = w->n - 1; /* windows move downwards only */
    *y = w->first[0];
    *h = w->first[last] + w->count[last] - w->first[0];
}

/* A pass along rows is left out if the width stays; then only the columns of the box are taken. */
static enum ph_status along_rows(const ph_image *x, size_t w, const phi_box *box, size_t y,
                                 size_t h, enum ph_filter filter, ph_image **out, ph_error *err)
{
    if (w != x->w) return resize_rows(x, w, box->x, box->w, y, h, filter, out, err);
    return ph_image_crop(x, (int64_t)box->x, (int64_t)y, (int64_t)box->w, (int64_t)h, out, err);
}

static enum ph_status rows_first(const ph_image *x, size_t w, const phi_weights *columns,
                                 const phi_box *box, enum ph_filter filter, ph_image **out,
                                 ph_error *err)
{
    ph_image *middle;
    size_t y, h;
    rows_needed(columns, &y, &h);
    enum ph_status st = along_rows(x, w, box, y, h, filter, &middle, err);
    if (st) return st;
    st = sum_columns(middle, columns, y, out, err);
    ph_image_free(middle);
    return st;
}

static enum ph_status columns_first(const ph_image *x, size_t w, const phi_weights *columns,
                                    const phi_box *box, enum ph_filter filter, ph_image **out,
                                    ph_error *err)
{
    ph_image *middle;
    enum ph_status st = sum_columns(x, columns, 0, &middle, err);
    if (st) return st;
    st = along_rows(middle, w, box, 0, box->h, filter, out, err);
    ph_image_free(middle);
    return st;
}

/* --- Nearest ---------------------------------------------------------------------------------- */

/* The input pixel under the centre of each output pixel. The place is summed up step by step, as in
 * Pillow: multiplying would round differently. */
static void nearest_places(size_t n_in, size_t n_out, size_t begin, size_t n, size_t *place)
{
    const double step = (double)n_in / (double)n_out;
    double at = step * 0.5;
    for (size_t i = 0; i < begin + n; i++, at += step) {
        const size_t p = (size_t)at;
        if (i >= begin) place[i - begin] = p < n_in ? p : n_in - 1;
    }
}

static void copy_nearest(const ph_image *x, const size_t *column, const size_t *row, ph_image *y)
{
    uint8_t *to = y->pixels;
    for (size_t i = 0; i < y->h; i++)
        for (size_t k = 0; k < y->w; k++, to += x->c)
            memcpy(to, x->pixels + (row[i] * x->w + column[k]) * x->c, x->c);
}

static enum ph_status nearest(const ph_image *x, size_t w, size_t h, const phi_box *box,
                              ph_image **out, ph_error *err)
{
    size_t *column = phi_calloc(&x->mem, box->w, sizeof *column);
    size_t *row = phi_calloc(&x->mem, box->h, sizeof *row);
    enum ph_status st = column && row ? PH_OK : phi_fail_nomem(err);
    if (!st) st = phi_image_alloc(&x->mem, box->w, box->h, x->c, out, err);
    if (!st) {
        nearest_places(x->w, w, box->x, box->w, column);
        nearest_places(x->h, h, box->y, box->h, row);
        copy_nearest(x, column, row, *out);
    }
    phi_free(&x->mem, column);
    phi_free(&x->mem, row);
    return st;
}

/* --- The whole -------------------------------------------------------------------------------- */

/* Pillow 13 (its pull request 9549): columns first if the height shrinks, by more than twice as
 * many pixels as the width. */
static bool columns_come_first(const ph_image *x, size_t w, size_t h)
{
    return h < x->h && (int64_t)(x->h - h) > 2 * ((int64_t)x->w - (int64_t)w);
}

enum ph_status phi_image_resize_part(const ph_image *x, size_t w, size_t h, enum ph_filter filter,
                                     const phi_box *box, ph_image **out, ph_error *err)
{
    if (filter == PH_FILTER_NEAREST) return nearest(x, w, h, box, out, err);
    if (h == x->h) return along_rows(x, w, box, box->y, box->h, filter, out, err);
    phi_weights columns;
    enum ph_status st = phi_weights_new(&x->mem, x->h, h, box->y, box->h, filter, &columns, err);
    if (st) return st;
    st = columns_come_first(x, w, h) ? columns_first(x, w, &columns, box, filter, out, err)
                                     : rows_first(x, w, &columns, box, filter, out, err);
    phi_weights_free(&x->mem, &columns);
    return st;
}

enum ph_status ph_image_resize(const ph_image *image, int64_t width, int64_t height,
                               enum ph_filter filter, ph_image **out, ph_error *err)
{
    if (!ph_filter_name(filter))
        return phi_fail(err, PH_ERR_ARG, NULL, "filter %d: there is none", (int)filter);
    if (width < 1 || height < 1 || width > INT32_MAX || height > INT32_MAX)
        return phi_fail(err, PH_ERR_ARG, NULL, "resizing to %lld x %lld: wanted 1 or more each way",
                        (long long)width, (long long)height);
    const phi_box all = {0, 0, (size_t)width, (size_t)height};
    return phi_image_resize_part(image, all.w, all.h, filter, &all, out, err);
}
