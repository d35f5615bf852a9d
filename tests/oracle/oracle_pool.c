/* SPDX-License-Identifier: MIT */
/* Pooling: over windows, and over whole planes. */
#include "oracle.h"

#include <math.h>
#include <string.h>

static or_array *pooled(const or_array *x, const or_window *h, const or_window *w)
{
    int64_t dims[4] = {x->dims[0], x->dims[1], h->out, w->out};
    if (x->rank == 3) dims[2] = w->out;
    return or_new(x->rank, dims);
}

/* Largest element of each window, padding left out; out[1] its place in x, flat. */
bool or_max_pool(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    bool column_major = or_int(n, "storage_order", 0) != 0;
    or_window axis[2];
    if (!or_windows(n, x, or_find(n, "kernel_shape")->list, axis)) return false;
    const or_window h = axis[0], w = axis[1];
    or_array *y = pooled(x, &h, &w), *places = pooled(x, &h, &w);
    places->integer = true;

    int64_t at = 0;
    for (int64_t plane = 0; plane < x->dims[0] * x->dims[1]; plane++)
        for (int64_t oh = 0; oh < h.out; oh++)
            for (int64_t ow = 0; ow < w.out; ow++, at++) {
                double best = -(double)INFINITY;
                int64_t best_h = -1, best_w = -1;
                for (int64_t r = 0; r < h.k; r++)
                    for (int64_t s = 0; s < w.k; s++) {
                        int64_t ih = oh * h.stride + r * h.dilation - h.pad_begin;
                        int64_t iw = ow * w.stride + s * w.dilation - w.pad_begin;
                        if (ih < 0 || ih >= h.in || iw < 0 || iw >= w.in) continue;
                        double v = x->v[(plane * h.in + ih) * w.in + iw];
                        if (best_h < 0 || v > best) best = v, best_h = ih, best_w = iw;
                    }
                y->v[at] = best;
                int64_t in_plane = column_major ? best_w * h.in + best_h : best_h * w.in + best_w;
                places->v[at] = best_h < 0 ? -1.0 : (double)(plane * h.in * w.in + in_plane);
            }
    out[0] = y;
    if (n->n_out > 1)
        out[1] = places;
    else
        or_free(places);
    return true;
}

/* Mean of each window over the elements of the image, or, with count_include_pad, over the window's
 * elements that lie within the padded image. */
bool or_average_pool(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    bool include_pad = or_int(n, "count_include_pad", 0) != 0;
    or_window axis[2];
    if (!or_windows(n, x, or_find(n, "kernel_shape")->list, axis)) return false;
    const or_window h = axis[0], w = axis[1];
    or_array *y = pooled(x, &h, &w);

    int64_t at = 0;
    for (int64_t plane = 0; plane < x->dims[0] * x->dims[1]; plane++)
        for (int64_t oh = 0; oh < h.out; oh++)
            for (int64_t ow = 0; ow < w.out; ow++, at++) {
                double sum = 0, magnitude = 0, inside = 0, padded = 0;
                for (int64_t r = 0; r < h.k; r++)
                    for (int64_t s = 0; s < w.k; s++) {
                        int64_t ih = oh * h.stride + r * h.dilation - h.pad_begin;
                        int64_t iw = ow * w.stride + s * w.dilation - w.pad_begin;
                        if (ih < h.in + h.pad_end && iw < w.in + w.pad_end) padded += 1;
                        if (ih < 0 || ih >= h.in || iw < 0 || iw >= w.in) continue;
                        double v = x->v[(plane * h.in + ih) * w.in + iw];
                        sum += v;
                        magnitude += fabs(v);
                        inside += 1;
                    }
                double divisor = include_pad ? padded : inside;
                y->v[at] = sum / divisor;
                y->slack[at] = or_sum_slack(inside, magnitude / divisor);
            }
    out[0] = y;
    return true;
}

static or_array *one_per_plane(const or_array *x)
{
    int64_t dims[OR_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        dims[i] = i < 2 ? x->dims[i] : 1;
    return or_new(x->rank, dims);
}

bool or_global_average_pool(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    or_array *y = one_per_plane(x);
    int64_t size = x->count / y->count;
    for (int64_t i = 0; i < y->count; i++) {
        double sum = 0, magnitude = 0;
        for (int64_t j = 0; j < size; j++) {
            sum += x->v[i * size + j];
            magnitude += fabs(x->v[i * size + j]);
        }
        y->v[i] = sum / (double)size;
        y->slack[i] = or_sum_slack((double)size, magnitude / (double)size);
    }
    out[0] = y;
    return true;
}

bool or_global_max_pool(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    or_array *y = one_per_plane(x);
    int64_t size = x->count / y->count;
    for (int64_t i = 0; i < y->count; i++) {
        double best = x->v[i * size];
        for (int64_t j = 1; j < size; j++)
            best = fmax(best, x->v[i * size + j]);
        y->v[i] = best;
    }
    out[0] = y;
    return true;
}
