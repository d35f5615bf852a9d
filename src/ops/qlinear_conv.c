/* SPDX-License-Identifier: MIT */
/*
 * QLinearConv: ConvInteger plus bias, as
 *     y = saturate(round(sum * (x_scale * w_scale / y_scale)) + y_zero_point)
 * The sum is exact; the factor and the product with it are floats, as in ONNX Runtime.
 */
#include "graph/graph.h"
#include "ops/int_conv.h"
#include "ops/op_check.h"
#include "ops/quantised.h"

enum { X, X_SCALE, X_ZERO, W, W_SCALE, W_ZERO, Y_SCALE, Y_ZERO, BIAS };

static enum ph_status check_bias(const phi_infer *c, int64_t k)
{
    char text[PHI_TYPE_TEXT];
    if (c->n_in <= BIAS || !c->in[BIAS]) return PH_OK;
    const phi_type *b = c->in[BIAS];
    enum ph_status st = phi_need_dtype(c, BIAS, PH_INT32);
    if (st || (b->rank == 1 && b->dims[0] == k)) return st;
    return phi_op_fail(c, PH_ERR_SHAPE, "bias has shape %s, %lld output channels want [%lld]",
                       phi_dims_text(b->rank, b->dims, text, sizeof text), (long long)k,
                       (long long)k);
}

static enum ph_status qlinear_conv_infer(phi_infer *c)
{
    phi_volume *v = c->params;
    enum ph_status st = phi_int_conv_infer(c, W, v);
    if (!st) st = phi_need_int8(c, Y_ZERO);
    if (!st) st = phi_need_quantum(c, X_SCALE, "x_scale", PH_UNDEFINED, 1);
    if (!st) st = phi_need_quantum(c, X_ZERO, "x_zero_point", c->in[X]->dtype, 1);
    if (!st) st = phi_need_quantum(c, W_SCALE, "w_scale", PH_UNDEFINED, v->k);
    if (!st) st = phi_need_quantum(c, W_ZERO, "w_zero_point", c->in[W]->dtype, v->k);
    if (!st) st = phi_need_quantum(c, Y_SCALE, "y_scale", PH_UNDEFINED, 1);
    if (!st) st = phi_need_quantum(c, Y_ZERO, "y_zero_point", c->in[Y_ZERO]->dtype, 1);
    if (!st) st = check_bias(c, v->k);
    if (st) return st;
    c->out[0].dtype = c->in[Y_ZERO]->dtype;
    return phi_type_check(&c->out[0], c->node->name, c->err);
}

static enum ph_status qlinear_conv_macs(const phi_infer *c, int64_t *macs)
{
    return phi_spatial_macs(c, &c->out[0], c->in[W], macs);
}

static size_t qlinear_conv_work_bytes(const phi_exec *e, bool backward)
{
    (void)backward;
    return phi_int_conv_work_bytes(e, e->params);
}

static enum ph_status qlinear_conv_forward(const phi_exec *e, ph_error *err)
{
    const phi_volume *v = e->params;
    const bool biased = e->n_in > BIAS && !phi_view_absent(&e->in[BIAS]);
    float *multiplier = e->work;
    (void)err;
    for (int64_t k = 0; k < v->k; k++)
        multiplier[k] = phi_scale_at(&e->in[X_SCALE], 0) * phi_scale_at(&e->in[W_SCALE], k) /
                        phi_scale_at(&e->in[Y_SCALE], 0);
    const phi_int_result result = {.dtype = e->out[0].type.dtype,
                                   .bias = biased ? e->in[BIAS].data : NULL,
                                   .multiplier = multiplier,
                                   .zero = phi_zero_at(&e->in[Y_ZERO], 0)};
    phi_int_conv(e, v, &e->in[W], phi_zero_at(&e->in[X_ZERO], 0), &e->in[W_ZERO], &result);
    return PH_OK;
}

const phi_op phi_op_qlinear_conv = {
    .name = "QLinearConv",
    .since = 10,
    .attrs = phi_conv_attrs,
    .min_in = 8,
    .max_in = 9,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_IMAGE,
    .trainable = 1u << 3 | 1u << 8,
    .image_in = 1u << X,
    .params_bytes = sizeof(phi_volume),
    .infer = qlinear_conv_infer,
    .macs = qlinear_conv_macs,
    .work_bytes = qlinear_conv_work_bytes,
    .forward = qlinear_conv_forward,
};
