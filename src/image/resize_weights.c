/* SPDX-License-Identifier: MIT */
/*
 * The weights of one pass of resizing: a filter, stretched by the reduction so that every input
 * pixel counts, sampled at the distances between the centres of input and output pixels, cut at the
 * image's border, normalised, and rounded to 22 bits behind the point. This is how Pillow does it
 * (Pillow documentation, "Concepts: Filters"; the widths of its filters are those of the table
 * there), step by step in double so that the bits agree.
 *
 * Filters: Keys 1981 (bicubic, a = -1/2), Duchon 1979 (Lanczos, 3 lobes), Hamming's window over a
 * sinc of one lobe.
 */
#include "image/image.h"

#include <math.h>
#include <stdlib.h>

static double sinc(double x)
{
    if (x == 0.0) return 1.0;
    x *= M_PI;
    return sin(x) / x;
}

static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
}

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double hamming(double x)
{
    x = fabs(x);
    if (x == 0.0) return 1.0;
    if (x >= 1.0) return 0.0;
    return sinc(x) * (0.54 + 0.46 * cos(x * M_PI));
}

static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

static double lanczos(double x)
{
    return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
}

/* By enum ph_filter; `radius` in pixels of the larger scale. */
static const struct {
    const char *name;
    double (*at)(double x);
    double radius;
} filters[] = {
    [PH_FILTER_BILINEAR] = {"bilinear", bilinear, 1.0},
    [PH_FILTER_NEAREST] = {"nearest", NULL, 0},
    [PH_FILTER_BOX] = {"box", box, 0.5},
    [PH_FILTER_HAMMING] = {"hamming", hamming, 1.0},
    [PH_FILTER_BICUBIC] = {"bicubic", bicubic, 2.0},
    [PH_FILTER_LANCZOS] = {"lanczos", lanczos, 3.0},
};

const char *ph_filter_name(enum ph_filter filter)
{
    return (size_t)filter < PHI_COUNT(filters) ? filters[filter].name : NULL;
}

/* The inputs that an output with its centre at `centre` sees. */
static void window(double centre, double radius, size_t n_in, uint32_t *first, uint32_t *count)
{
    const double low = centre - radius + 0.5, high = centre + radius + 0.5;
    const size_t begin = low > 0.0 ? (size_t)low : 0;
    size_t end = (size_t)high;
    if (end > n_in) end = n_in;
    *first = (uint32_t)begin;
    *count = (uint32_t)(end - begin);
}

/* Round half away from zero. */
static int32_t fixed(double x)
{
    const double scaled = x * (1 << PHI_WEIGHT_BITS);
    return (int32_t)(x < 0.0 ? scaled - 0.5 : scaled + 0.5);
}

/* values[n]: room for the weights before they are rounded. */
static void fill_output(phi_weights *w, size_t i, double centre, double stretch, double *values,
                        enum ph_filter filter)
{
    const double unstretch = 1.0 / stretch;
    int32_t *weight = w->weight + i * w->stride;
    double sum = 0.0;
    uint64_t magnitude = 0;
    for (uint32_t k = 0; k < w->count[i]; k++) {
        values[k] = filters[filter].at(((double)(k + w->first[i]) - centre + 0.5) * unstretch);
        sum += values[k];
    }
    for (uint32_t k = 0; k < w->count[i]; k++) {
        weight[k] = fixed(sum != 0.0 ? values[k] / sum : values[k]);
        magnitude += (uint64_t)llabs(weight[k]);
    }
    assert(magnitude <= (uint64_t)2 << PHI_WEIGHT_BITS);
    (void)magnitude;
}

enum ph_status phi_weights_new(const ph_allocator *mem, size_t n_in, size_t n_out, size_t begin,
                               size_t n, enum ph_filter filter, phi_weights *out, ph_error *err)
{
    const double scale = (double)n_in / (double)n_out, stretch = scale < 1.0 ? 1.0 : scale;
    const double radius = filters[filter].radius * stretch;
    phi_weights w = {.n = n, .stride = (size_t)ceil(radius) * 2 + 1};
    size_t n_weights;
    if (!phi_mul_size(n, w.stride, &n_weights)) return phi_fail_nomem(err);
    w.first = phi_calloc(mem, n, sizeof *w.first);
    w.count = phi_calloc(mem, n, sizeof *w.count);
    w.weight = phi_calloc(mem, n_weights, sizeof *w.weight);
    double *values = phi_calloc(mem, w.stride, sizeof *values);
    const bool got_all = w.first && w.count && w.weight && values;
    for (size_t i = 0; got_all && i < n; i++) {
        const double centre = ((double)(begin + i) + 0.5) * scale;
        window(centre, radius, n_in, &w.first[i], &w.count[i]);
        assert(w.count[i] <= w.stride);
        fill_output(&w, i, centre, stretch, values, filter);
    }
    phi_free(mem, values);
    *out = w;
    if (got_all) return PH_OK;
    phi_weights_free(mem, out);
    return phi_fail_nomem(err);
}

void phi_weights_free(const ph_allocator *mem, phi_weights *w)
{
    phi_free(mem, w->first);
    phi_free(mem, w->count);
    phi_free(mem, w->weight);
    *w = (phi_weights){0};
}
