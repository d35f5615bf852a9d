/* SPDX-License-Identifier: MIT */
/*
 * Upsample, the older Resize: position x of the output is x / scale of the input, rounded down or
 * between its neighbours. Scales are attributes for two sides of an image in opset 1, a list in
 * opset 7, an input in opset 9; from opset 10 on it is called Resize.
 */
#include "ops/op_check.h"
#include "ops/resample.h"

static enum ph_status read_scales(phi_infer *c, size_t *n, double scales[2 * PH_MAX_RANK])
{
    if (c->opset >= 9) return phi_resample_floats(c, 1, "scales", n, scales);
    if (c->n_in > 1) return phi_op_fail(c, PH_ERR_ARG, "%zu inputs before opset 9", c->n_in);
    if (c->opset < 7) {
        scales[0] = scales[1] = 1;
        scales[2] = (double)phi_attr_float(c->node, "height_scale", 1);
        scales[3] = (double)phi_attr_float(c->node, "width_scale", 1);
        *n = 4;
        return PH_OK;
    }
    const float *list = phi_attr_floats(c->node, "scales", n);
    for (size_t i = 0; i < *n && i < 2 * PH_MAX_RANK; i++)
        scales[i] = (double)list[i];
    return PH_OK;
}

static enum ph_status upsample_infer(phi_infer *c)
{
    phi_resample *r = c->params;
    double scales[2 * PH_MAX_RANK];
    size_t n;
    const char *mode = phi_attr_string(c->node, "mode", "nearest");
    bool linear = strcmp(mode, c->opset < 7 ? "bilinear" : "linear") == 0;
    if (!linear && strcmp(mode, "nearest") != 0)
        return phi_op_fail(c, PH_ERR_ARG, "mode is '%s', wanted nearest or %s", mode,
                           c->opset < 7 ? "bilinear" : "linear");
    enum ph_status st = read_scales(c, &n, scales);
    if (st) return st;
    if (n != (size_t)c->in[0]->rank)
        return phi_op_fail(c, PH_ERR_SHAPE, "%zu scales for %d dimensions", n, c->in[0]->rank);
    *r = (phi_resample){.mode = linear ? PHI_LINEAR : PHI_NEAREST,
                        .coordinates = PHI_ASYMMETRIC,
                        .nearest = PHI_NEAREST_SIMPLE};
    for (size_t i = 0; i < n; i++)
        r->axis[i].scale = scales[i];
    return phi_resample_infer(c, r, false);
}

static const phi_attr_rule upsample_attrs[] = {
    {"mode", PH_ATTR_STRING, 1, 0, false},
    {"height_scale", PH_ATTR_FLOAT, 1, 6, true},
    {"width_scale", PH_ATTR_FLOAT, 1, 6, true},
    {"scales", PH_ATTR_FLOATS, 7, 8, true},
    {0},
};

const phi_op phi_op_upsample = {
    .name = "Upsample",
    .widens = true,
    .since = 1,
    .until = 9,
    .attrs = upsample_attrs,
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_resample),
    .infer = upsample_infer,
    .work_bytes = phi_resample_work_bytes,
    .pack_bytes = phi_resample_pack_bytes,
    .pack = phi_resample_pack,
    .forward = phi_resample_forward,
    .backward = phi_resample_backward,
};
