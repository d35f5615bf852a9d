/* SPDX-License-Identifier: MIT */
/*
 * Resize: to other sizes, or by scales, along some axes: nearest, linear or cubic, with or without
 * antialiasing. What the words of its attributes mean is in resample.h.
 *
 * Inputs: x, scales in opset 10; x, roi, scales, sizes from opset 11 on.
 */
#include <math.h>

#include "ops/axes.h"
#include "ops/op_check.h"
#include "ops/resample.h"

/* The place of an attribute's word in a list that ends in NULL. */
static enum ph_status read_word(const phi_infer *c, const char *name, const char *fallback,
                                const char *const *words, int *out)
{
    const char *word = phi_attr_string(c->node, name, fallback);
    for (int i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = i;
            return PH_OK;
        }
    return phi_op_fail(c, PH_ERR_ARG, "%s is '%s', which is none of its words", name, word);
}

static enum ph_status read_words(const phi_infer *c, phi_resample *r)
{
    static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
    static const char *const coordinates[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
        "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize", NULL};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                          "ceil", NULL};
    int mode = 0, where = PHI_ASYMMETRIC, which = PHI_NEAREST_SIMPLE;
    enum ph_status st = read_word(c, "mode", "nearest", modes, &mode);
    if (!st && c->opset >= 11)
        st = read_word(c, "coordinate_transformation_mode", "half_pixel", coordinates, &where);
    if (!st && c->opset >= 11)
        st = read_word(c, "nearest_mode", "round_prefer_floor", nearest, &which);
    r->mode = (enum phi_resample_mode)mode;
    r->coordinates = (enum phi_coordinates)where;
    r->nearest = (enum phi_nearest)which;
    return st;
}

/* The axes that the lists speak of: all, or those of the attribute. */
static enum ph_status read_axes(const phi_infer *c, size_t *n, int axes[PH_MAX_RANK])
{
    size_t listed;
    const int64_t *list = phi_attr_ints(c->node, "axes", &listed);
    uint32_t mask;
    int rank = c->in[0]->rank;
    *n = listed ? listed : (size_t)rank;
    enum ph_status st = phi_axes_mask(c, listed, list, rank, &mask);
    if (st) return st;
    for (size_t i = 0; i < *n; i++)
        axes[i] = listed ? (int)(list[i] < 0 ? list[i] + rank : list[i]) : (int)i;
    return PH_OK;
}

static enum ph_status check_length(const phi_infer *c, const char *what, size_t got, size_t want)
{
    if (got == want) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "%s has %zu numbers, wanted %zu", what, got, want);
}

/* Sizes, and the scales that they make. A policy takes one scale for all axes. */
static enum ph_status use_sizes(const phi_infer *c, phi_resample *r, size_t n, const int *axes,
                                const double *sizes)
{
    static const char *const policies[] = {"stretch", "not_larger", "not_smaller", NULL};
    int policy = 0;
    double one = 0;
    enum ph_status st = read_word(c, "keep_aspect_ratio_policy", "stretch", policies, &policy);
    if (st) return st;
    for (size_t i = 0; i < n; i++) {
        phi_resample_axis *a = &r->axis[axes[i]];
        int64_t in = c->in[0]->dims[axes[i]];
        if (!(sizes[i] >= 0 && sizes[i] < 9e18))
            return phi_op_fail(c, PH_ERR_ARG, "the size of dimension %d is %.0f", axes[i],
                               sizes[i]);
        a->out = (int64_t)sizes[i];
        a->scale = in ? sizes[i] / (double)in : 1;
        if (i == 0 || (policy == 1 ? a->scale < one : a->scale > one)) one = a->scale;
    }
    for (size_t i = 0; i < n && policy > 0; i++) {
        phi_resample_axis *a = &r->axis[axes[i]];
        double out = floor(one * (double)c->in[0]->dims[axes[i]] + 0.5);
        if (!(out < 9e18)) return phi_op_fail(c, PH_ERR_OVERFLOW, "a size does not fit");
        a->scale = one;
        a->out = (int64_t)out;
    }
    return PH_OK;
}

static enum ph_status read_roi(const phi_infer *c, phi_resample *r, size_t n, const int *axes)
{
    double roi[2 * PH_MAX_RANK];
    size_t found;
    if (r->coordinates != PHI_TF_CROP_AND_RESIZE) return PH_OK;
    enum ph_status st = phi_resample_floats(c, 1, "roi", &found, roi);
    if (!st) st = check_length(c, "roi", found, 2 * n);
    for (size_t i = 0; i < n && !st; i++) {
        r->axis[axes[i]].roi_start = roi[i];
        r->axis[axes[i]].roi_end = roi[n + i];
    }
    return st;
}

static enum ph_status resize_infer(phi_infer *c)
{
    phi_resample *r = c->params;
    double scales[2 * PH_MAX_RANK], sizes[2 * PH_MAX_RANK];
    size_t n_axes = 0, n_scales, n_sizes = 0;
    int axes[PH_MAX_RANK], rank = c->in[0]->rank;
    enum ph_status st = read_words(c, r);
    if (!st) st = read_axes(c, &n_axes, axes);
    if (!st) st = phi_resample_floats(c, c->opset < 11 ? 1 : 2, "scales", &n_scales, scales);
    if (!st && c->opset >= 11) st = phi_resample_floats(c, 3, "sizes", &n_sizes, sizes);
    if (st) return st;
    if ((n_scales > 0) == (n_sizes > 0) && rank > 0)
        return phi_op_fail(c, PH_ERR_ARG, "%s",
                           n_sizes ? "scales and sizes exclude each other"
                                   : "neither scales nor sizes are given");
    r->antialias = phi_attr_int(c->node, "antialias", 0) != 0 && r->mode != PHI_NEAREST;
    r->exclude_outside = phi_attr_int(c->node, "exclude_outside", 0) != 0;
    r->cubic_a = phi_attr_float(c->node, "cubic_coeff_a", -0.75f);
    r->extrapolation = phi_attr_float(c->node, "extrapolation_value", 0);
    for (int i = 0; i < rank; i++)
        r->axis[i] = (phi_resample_axis){.out = c->in[0]->dims[i], .scale = 1, .roi_end = 1};
    st = check_length(c, n_sizes ? "sizes" : "scales", n_sizes ? n_sizes : n_scales, n_axes);
    for (size_t i = 0; i < n_scales && !st; i++)
        r->axis[axes[i]].scale = scales[i];
    if (!st && n_sizes) st = use_sizes(c, r, n_axes, axes, sizes);
    if (!st) st = read_roi(c, r, n_axes, axes);
    return st ? st : phi_resample_infer(c, r, n_sizes > 0);
}

static const phi_attr_rule resize_attrs[] = {
    {"mode", PH_ATTR_STRING, 10, 0, false},
    {"coordinate_transformation_mode", PH_ATTR_STRING, 11, 0, false},
    {"cubic_coeff_a", PH_ATTR_FLOAT, 11, 0, false},
    {"exclude_outside", PH_ATTR_INT, 11, 0, false},
    {"extrapolation_value", PH_ATTR_FLOAT, 11, 0, false},
    {"nearest_mode", PH_ATTR_STRING, 11, 0, false},
    {"antialias", PH_ATTR_INT, 18, 0, false},
    {"axes", PH_ATTR_INTS, 18, 0, false},
    {"keep_aspect_ratio_policy", PH_ATTR_STRING, 18, 0, false},
    {0},
};

const phi_op phi_op_resize = {
    .name = "Resize",
    .widens = true,
    .since = 10,
    .attrs = resize_attrs,
    .min_in = 1,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_resample),
    .infer = resize_infer,
    .work_bytes = phi_resample_work_bytes,
    .pack_bytes = phi_resample_pack_bytes,
    .pack = phi_resample_pack,
    .forward = phi_resample_forward,
    .backward = phi_resample_backward,
};
