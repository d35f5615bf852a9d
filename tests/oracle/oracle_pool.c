/* SPDX-License-Identifier: MIT */
/* Pooling: over windows, and over whole planes. */
#include "oracle.h"

#include <math.h>

/* Largest element of each window, padding left out; out[1] its place in x, flat. */
bool or_max_pool(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    bool reversed = or_int(n, "storage_order", 0) != 0;
    or_window axis[3];
    if (!or_windows(n, x, or_find(n, "kernel_shape")->list, axis)) return false;
    or_array *y = or_windowed(x, x->dims[1], axis), *places = or_copy(y);
    int64_t d = axis[0].in, h = axis[1].in, w = axis[2].in, outputs = or_outputs(axis);
    places->integer = true;
    for (int64_t at = 0; at < y->count; at++) {
        int64_t plane = at / outputs * d * h * w, best = -1;
        for (int64_t t = 0; t < or_taps(axis); t++) {
            int64_t from = or_reads(axis, at % outputs, t);
            if (from >= 0 && (best < 0 || x->v[plane + from] > x->v[plane + best])) best = from;
        }
        y->v[at] = best < 0 ? -(double)INFINITY : x->v[plane + best];
        if (best >= 0 && reversed) best = (best % w * h + best / w % h) * d + best / w / h;
        places->v[at] = best < 0 ? -1.0 : (double)(plane + best);
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
    or_window axis[3];
    if (!or_windows(n, x, or_find(n, "kernel_shape")->list, axis)) return false;
    or_array *y = or_windowed(x, x->dims[1], axis);
    int64_t pixels = axis[0].in * axis[1].in * axis[2].in, outputs = or_outputs(axis);
    for (int64_t at = 0; at < y->count; at++) {
        double sum = 0, magnitude = 0, inside = 0, padded = 0;
        for (int64_t t = 0; t < or_taps(axis); t++) {
            int64_t from = or_reads(axis, at % outputs, t);
            padded += from >= -1;
            if (from < 0) continue;
            double v = x->v[at / outputs * pixels + from];
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

/* (sum of |x|^p)^(1/p); the padding is zeros. */
bool or_lp_pool(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    double p = n->opset < 2 ? or_float(n, "p", 2) : (double)or_int(n, "p", 2);
    or_window axis[3];
    if (!or_windows(n, x, or_find(n, "kernel_shape")->list, axis)) return false;
    or_array *y = or_windowed(x, x->dims[1], axis);
    int64_t pixels = axis[0].in * axis[1].in * axis[2].in, outputs = or_outputs(axis);
    for (int64_t at = 0; at < y->count; at++) {
        double sum = 0;
        for (int64_t t = 0; t < or_taps(axis); t++) {
            int64_t from = or_reads(axis, at % outputs, t);
            if (from >= 0) sum += pow(fabs(x->v[at / outputs * pixels + from]), p);
        }
        y->v[at] = pow(sum, 1 / p);
        y->slack[at] = 4 * y->v[at];
    }
    out[0] = y;
    return true;
}

bool or_global_lp_pool(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    double p = n->opset < 2 ? or_float(n, "p", 2) : (double)or_int(n, "p", 2);
    int64_t dims[OR_MAX_RANK];
    for (int i = 0; i < x->rank; i++)
        dims[i] = i < 2 ? x->dims[i] : 1;
    or_array *y = or_new(x->rank, dims);
    for (int64_t i = 0; i < x->count; i++)
        y->v[i / (x->count / y->count)] += pow(fabs(x->v[i]), p);
    for (int64_t i = 0; i < y->count; i++) {
        y->v[i] = pow(y->v[i], 1 / p);
        y->slack[i] = 4 * y->v[i];
    }
    out[0] = y;
    return true;
}

/* Elements go back to where their indices say; a larger output_shape adds zeros at the ends. */
bool or_max_unpool(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *at = n->in[1], *shape = n->n_in > 2 ? n->in[2] : NULL;
    const or_attr *k = or_find(n, "kernel_shape"), *s = or_find(n, "strides");
    int64_t dims[5] = {x->dims[0], x->dims[1]}, full[5], index[OR_MAX_RANK];
    for (int i = 2; i < x->rank; i++)
        dims[i] = (x->dims[i] - 1) * s->list[i - 2] + k->list[i - 2];
    for (int i = 0; i < x->rank; i++)
        full[i] = shape ? (int64_t)shape->v[i] : dims[i];
    or_array *small = or_new(x->rank, dims), *y = or_new(x->rank, full);
    for (int64_t i = 0; i < x->count; i++)
        small->v[(int64_t)at->v[i]] = x->v[i];
    for (int64_t i = 0; i < small->count; i++) {
        or_coordinates(small, i, index);
        y->v[or_at(y, index)] = small->v[i];
    }
    or_free(small);
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
