/* SPDX-License-Identifier: MIT */
/* Resize and Upsample: every output element from its definition, all axes at once. */
#include "oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct side {
    int64_t in, out;
    double scale, start, end;
    bool resized;
} side;

typedef struct job {
    const or_node *n;
    const or_array *x;
    const char *mode, *where, *nearest;
    bool antialias, exclude;
    double a;
    side side[OR_MAX_RANK];
} job;

/* The place in the input of position `o`, as ONNX's Operators.md has it. */
static double place(const job *j, const side *s, int64_t o)
{
    double x = (double)o, in = (double)s->in, length = s->scale * in;
    if (!strcmp(j->where, "align_corners")) return length == 1 ? 0 : x * (in - 1) / (length - 1);
    if (!strcmp(j->where, "asymmetric")) return x / s->scale;
    if (!strcmp(j->where, "tf_half_pixel_for_nn")) return (x + 0.5) / s->scale;
    if (!strcmp(j->where, "tf_crop_and_resize")) {
        double span = (s->end - s->start) * (in - 1);
        return s->start * (in - 1) + (length == 1 ? span / 2 : x * span / (length - 1));
    }
    if (!strcmp(j->where, "pytorch_half_pixel") && s->out == 1) return 0;
    double x_original = (x + 0.5) / s->scale - 0.5;
    if (!strcmp(j->where, "half_pixel_symmetric"))
        x_original = in / 2 * (1 - (double)s->out / length) + (x + 0.5) / s->scale - 0.5;
    return x_original;
}

static double kernel(const job *j, double d)
{
    double a = j->a;
    d = fabs(d);
    if (!strcmp(j->mode, "linear")) return d < 1 ? 1 - d : 0;
    if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
    if (d < 2) return a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
    return 0;
}

static int64_t nearest(const job *j, const side *s, double x)
{
    double below = floor(x), half = below + 0.5;
    if (x == below) return (int64_t)x;
    if (!strcmp(j->nearest, "floor")) return (int64_t)below;
    if (!strcmp(j->nearest, "ceil")) return (int64_t)ceil(x);
    if (!strcmp(j->nearest, "simple")) return (int64_t)(s->scale < 1 ? ceil(x) : below);
    if (!strcmp(j->nearest, "round_prefer_ceil")) return (int64_t)(x < half ? below : ceil(x));
    return (int64_t)(x <= half ? below : ceil(x));
}

#define MOST 64
typedef struct taps {
    int n;
    bool outside;
    int64_t at[MOST];
    double w[MOST];
} taps;

static int64_t into(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static taps taps_of(const job *j, const side *s, int64_t o)
{
    taps t = {.n = 1, .at = {o}, .w = {1}};
    if (!s->resized) return t;
    double x = place(j, s, o), sum = 0, squeeze = j->antialias && s->scale < 1 ? s->scale : 1;
    t.outside = !strcmp(j->where, "tf_crop_and_resize") && (x < 0 || x > (double)(s->in - 1));
    if (!strcmp(j->mode, "nearest")) {
        t.at[0] = into(nearest(j, s, x), s->in);
        return t;
    }
    t.n = 0;
    for (int64_t i = (int64_t)floor(x - 2 / squeeze) - 1; i <= (int64_t)ceil(x + 2 / squeeze) + 1;
         i++) {
        double w = kernel(j, ((double)i - x) * squeeze);
        if (w == 0.0 || (j->exclude && (i < 0 || i >= s->in))) continue;
        if (t.n == MOST) abort();
        t.at[t.n] = into(i, s->in);
        t.w[t.n++] = w;
        sum += w;
    }
    for (int k = 0; k < t.n && (j->antialias || j->exclude); k++)
        t.w[k] /= sum;
    return t;
}

/* Sum over the taps of dimension d and those behind it. */
static double weigh(const job *j, const taps *t, int d, int64_t flat, double *magnitude)
{
    if (d == j->x->rank) {
        *magnitude = fabs(j->x->v[flat]);
        return j->x->v[flat];
    }
    double sum = 0, total = 0;
    for (int k = 0; k < t[d].n; k++) {
        double m;
        sum += t[d].w[k] * weigh(j, t, d + 1, flat * j->x->dims[d] + t[d].at[k], &m);
        total += fabs(t[d].w[k]) * m;
    }
    *magnitude = total;
    return sum;
}

static or_array *resize(job *j)
{
    const or_array *x = j->x;
    double outside = or_float(j->n, "extrapolation_value", 0), terms = 1;
    bool near = !strcmp(j->mode, "nearest");
    int64_t dims[OR_MAX_RANK], index[OR_MAX_RANK];
    for (int d = 0; d < x->rank; d++)
        dims[d] = j->side[d].out;
    or_array *y = or_new(x->rank, dims);
    taps **table = malloc((size_t)x->rank * sizeof *table + 1);
    for (int d = 0; d < x->rank; d++) {
        table[d] = malloc((size_t)dims[d] * sizeof **table + 1);
        for (int64_t o = 0; o < dims[d]; o++)
            table[d][o] = taps_of(j, &j->side[d], o);
    }
    for (int64_t i = 0; i < y->count; i++) {
        taps t[OR_MAX_RANK];
        double magnitude;
        or_coordinates(y, i, index);
        bool out = false;
        terms = 1;
        for (int d = 0; d < x->rank; d++) {
            t[d] = table[d][index[d]];
            out |= t[d].outside;
            terms += t[d].n;
        }
        y->v[i] = out ? outside : weigh(j, t, 0, 0, &magnitude);
        y->slack[i] = near ? 0 : out ? 4 * fabs(outside) : or_sum_slack(3 * terms, magnitude);
    }
    for (int d = 0; d < x->rank; d++)
        free(table[d]);
    free(table);
    return y;
}

static const or_array *filled(const or_node *n, int i)
{
    return i < n->n_in && n->in[i] && n->in[i]->count ? n->in[i] : NULL;
}

/* Sizes of the axes that the lists are about. */
static void set_sides(job *j, const or_array *scales, const or_array *sizes, const or_array *roi)
{
    const or_attr *axes = or_find(j->n, "axes");
    const char *policy = or_string(j->n, "keep_aspect_ratio_policy", "stretch");
    int n = axes ? axes->n : j->x->rank;
    double least = HUGE_VAL, most = 0;
    for (int k = 0; k < n; k++) {
        int64_t d = axes ? axes->list[k] : k;
        side *s = &j->side[d < 0 ? d + j->x->rank : d];
        s->scale = scales ? scales->v[k] : sizes->v[k] / (double)s->in;
        s->out = scales ? (int64_t)floor((double)s->in * s->scale + 1e-6) : (int64_t)sizes->v[k];
        s->start = roi ? roi->v[k] : 0;
        s->end = roi ? roi->v[n + k] : 1;
        least = fmin(least, s->scale);
        most = fmax(most, s->scale);
        s->resized = true;
    }
    for (int d = 0; d < j->x->rank; d++) {
        side *s = &j->side[d];
        if (s->resized && sizes && strcmp(policy, "stretch") != 0) {
            s->scale = !strcmp(policy, "not_larger") ? least : most;
            s->out = (int64_t)floor(s->scale * (double)s->in + 0.5);
        }
        if (s->out == s->in && s->scale == 1 && s->start == 0 && s->end == 1) s->resized = false;
    }
}

bool or_resize(const or_node *n, or_array **out)
{
    bool new = n->opset >= 11, upsample = n->op[0] == 'U';
    job j = {.n = n,
             .x = n->in[0],
             .mode = or_string(n, "mode", "nearest"),
             .where =
                 or_string(n, "coordinate_transformation_mode", new ? "half_pixel" : "asymmetric"),
             .nearest = or_string(n, "nearest_mode", new ? "round_prefer_floor" : "simple"),
             .antialias = or_int(n, "antialias", 0) != 0,
             .exclude = or_int(n, "exclude_outside", 0) != 0,
             .a = or_float(n, "cubic_coeff_a", -0.75)};
    if (!strcmp(j.mode, "bilinear")) j.mode = "linear";
    for (int d = 0; d < j.x->rank; d++)
        j.side[d] = (side){.in = j.x->dims[d], .out = j.x->dims[d], .scale = 1, .end = 1};
    if (upsample && n->opset < 9) {
        double h = or_float(n, "height_scale", 1), w = or_float(n, "width_scale", 1);
        or_array *scales = or_new(1, (int64_t[]){4});
        memcpy(scales->v, (double[]){1, 1, h, w}, 4 * sizeof(double));
        set_sides(&j, scales, NULL, NULL);
        or_free(scales);
    } else {
        bool crop = !strcmp(j.where, "tf_crop_and_resize");
        set_sides(&j, filled(n, new ? 2 : 1), new ? filled(n, 3) : NULL,
                  crop ? filled(n, 1) : NULL);
    }
    for (int d = 0; d < j.x->rank; d++)
        if (j.side[d].out < 1) return false;
    out[0] = resize(&j);
    return true;
}
