/* SPDX-License-Identifier: MIT */
/* Random nodes of Resize and Upsample. */
#include "draw_sheet.h"

#include <math.h>
#include <string.h>

static void give_floats(sheet *s, int n, const double *values)
{
    or_array *a = or_new(1, (int64_t[]){n});
    for (int i = 0; i < n; i++)
        a->v[i] = (double)(float)values[i];
    s->c->constant |= 1u << s->c->node.n_in;
    s->c->known |= 1u << s->c->node.n_in;
    s->c->node.in[s->c->node.n_in++] = a;
}

/* A scale of a side: usual ones, and any, but none so near to a whole number of pixels that float
 * and double round to different ones. */
static double draw_scale(sheet *s, int64_t in)
{
    static const double usual[] = {1, 2, 2, 3, 4, 0.5, 1.5};
    for (;;) {
        double scale =
            draw_chance(&s->r, 60) ? usual[draw_int(&s->r, 0, 6)] : draw_uniform(&s->r, 0.3, 3.5);
        double out = scale * (double)in, whole = floor(out + 0.5);
        if (out >= 1 && out < 40 && (out == whole || fabs(out - whole) > 1e-3)) return scale;
    }
}

/* Which axes change: of images the sides mostly, of others up to two. */
static int draw_axes(sheet *s, int rank, int64_t *axes)
{
    int n = 0;
    if (rank >= 3 && draw_chance(&s->r, 70)) {
        for (int i = 2; i < rank; i++)
            axes[n++] = i;
        return n;
    }
    for (int i = 0; i < rank && n < 2; i++)
        if (draw_chance(&s->r, 60)) axes[n++] = i;
    if (!n) axes[n++] = rank - 1;
    return n;
}

static int draw_shape(sheet *s, int64_t *dims)
{
    int rank = draw_chance(&s->r, 70) ? 4 : (int)draw_int(&s->r, 1, 5);
    do
        for (int i = 0; i < rank; i++)
            dims[i] = i == 0 && rank > 1 ? draw_int(&s->r, 1, 2) : draw_int(&s->r, 1, 9);
    while (product(rank, dims) * 16 > s->budget);
    return rank;
}

void draw_upsample(sheet *s)
{
    or_node *n = &s->c->node;
    int64_t dims[5], axes[5];
    double scales[5] = {1, 1, 1, 1, 1};
    int rank = draw_shape(s, dims);
    bool linear = draw_chance(&s->r, 50);
    n->opset = rank == 4 && draw_chance(&s->r, 30) ? 1 : 9;
    int n_axes = n->opset == 1 ? 2 : draw_axes(s, rank, axes);
    if (n->opset == 1) axes[0] = 2, axes[1] = 3;
    for (int i = 0; i < n_axes; i++)
        do
            scales[axes[i]] = draw_scale(s, dims[axes[i]]);
        while (scales[axes[i]] < 1);
    give(s, rank, dims, -1, 1);
    if (n->opset == 9) {
        give_floats(s, rank, scales);
    } else {
        or_set_float(n, "height_scale", scales[2]);
        or_set_float(n, "width_scale", scales[3]);
    }
    or_set_string(n, "mode", !linear ? "nearest" : n->opset == 1 ? "bilinear" : "linear");
    s->c->exact = !linear;
}

/* How to resample, for opset 11 on. */
static void draw_manner(sheet *s, const char *mode)
{
    static const char *const where[] = {"half_pixel", "pytorch_half_pixel", "align_corners",
                                        "asymmetric", "tf_crop_and_resize", "half_pixel_symmetric"};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                          "ceil"};
    or_node *n = &s->c->node;
    draw_rng *r = &s->r;
    or_set_string(n, "mode", mode);
    if (draw_chance(r, 85))
        or_set_string(n, "coordinate_transformation_mode",
                      where[draw_int(r, 0, n->opset >= 19 ? 5 : 4)]);
    else if (n->opset < 13)
        or_set_string(n, "coordinate_transformation_mode", "tf_half_pixel_for_nn");
    if (draw_chance(r, 70)) or_set_string(n, "nearest_mode", nearest[draw_int(r, 0, 3)]);
    if (draw_chance(r, 30)) or_set_float(n, "extrapolation_value", draw_uniform(r, 1, 2));
    if (draw_chance(r, 30)) or_set_int(n, "exclude_outside", 1);
    if (draw_chance(r, 30)) or_set_float(n, "cubic_coeff_a", -0.5);
    if (n->opset >= 18 && mode[0] != 'n' && draw_chance(r, 50)) or_set_int(n, "antialias", 1);
}

void draw_resize(sheet *s)
{
    or_node *n = &s->c->node;
    draw_rng *r = &s->r;
    int64_t dims[5], axes[5], sizes[5], all[5];
    double scales[5] = {1, 1, 1, 1, 1}, roi[10] = {0};
    int rank = draw_shape(s, dims), n_axes = draw_axes(s, rank, axes), n_listed = rank;
    const char *mode = (const char *[]){"nearest", "linear", "cubic"}[draw_int(r, 0, 2)];
    n->opset = (int)ONE_OF(r, 10, 11, 13, 18, 19, 19);
    if (n->opset == 10 && mode[0] == 'c') mode = "linear";
    for (int i = 0; i < n_axes; i++)
        scales[axes[i]] = draw_scale(s, dims[axes[i]]);
    give(s, rank, dims, -1, 1);
    s->c->exact = mode[0] == 'n';
    if (n->opset == 10) {
        or_set_string(n, "mode", mode);
        give_floats(s, rank, scales);
        return;
    }
    draw_manner(s, mode);
    for (int i = 0; i < rank; i++)
        all[i] = i;
    if (n->opset >= 18 && draw_chance(r, 40)) {
        n_listed = n_axes;
        memcpy(all, axes, sizeof axes);
        if (draw_chance(r, 30)) all[0] -= rank;
        or_set_ints(n, "axes", n_axes, all);
    }
    for (int i = 0; i < n_listed; i++) {
        int64_t d = all[i] < 0 ? all[i] + rank : all[i];
        sizes[i] = (int64_t)floor(scales[d] * (double)dims[d]);
        roi[i] = draw_uniform(r, -0.2, 0.3);
        roi[n_listed + i] = draw_uniform(r, 0.7, 1.1);
        scales[i] = scales[d]; /* d >= i: axes rise */
        if (dims[d] == sizes[i] && draw_chance(r, 70)) roi[i] = 0, roi[n_listed + i] = 1;
    }
    const char *where = or_string(n, "coordinate_transformation_mode", "");
    if (!strcmp(where, "tf_crop_and_resize"))
        give_floats(s, 2 * n_listed, roi);
    else
        leave_out(s);
    if (draw_chance(r, 50)) {
        give_floats(s, n_listed, scales);
        return;
    }
    leave_out(s);
    give_integers(s, n_listed, sizes);
    if (n->opset >= 18 && draw_chance(r, 30))
        or_set_string(n, "keep_aspect_ratio_policy",
                      draw_chance(r, 50) ? "not_larger" : "not_smaller");
}
