/* SPDX-License-Identifier: MIT */
/* ConvInteger: convolution of (x - x_zero_point) with (w - w_zero_point), in int32. */
#include "graph/graph.h"
#include "ops/int_conv.h"
#include "ops/op_check.h"
#include "ops/quantised.h"

enum { X, W, X_ZERO, W_ZERO };

static enum ph_status conv_integer_infer(phi_infer *c)
{
    enum ph_status st = phi_int_conv_infer(c, W, c->params);
    if (!st) st = phi_need_quantum(c, X_ZERO, "x_zero_point", c->in[X]->dtype, 1);
    if (!st) st = phi_need_quantum(c, W_ZERO, "w_zero_point", c->in[W]->dtype, c->in[W]->dims[0]);
    c->out[0].dtype = PH_INT32;
    return st ? st : phi_type_check(&c->out[0], c->node->name, c->err);
}

static enum ph_status conv_integer_macs(const phi_infer *c, int64_t *macs)
{
    return phi_spatial_macs(c, &c->out[0], c->in[W], macs);
}

static size_t conv_integer_work_bytes(const phi_exec *e, bool backward)
{
    (void)backward;
    return phi_int_conv_work_bytes(e, e->params);
}

static enum ph_status conv_integer_forward(const phi_exec *e, ph_error *err)
{
    static const phi_view none = {.type = {.rank = -1}};
    const phi_view *x_zero = e->n_in > X_ZERO ? &e->in[X_ZERO] : &none;
    const phi_view *w_zero = e->n_in > W_ZERO ? &e->in[W_ZERO] : &none;
    (void)err;
    phi_int_conv(e, e->params, &e->in[W], phi_zero_at(x_zero, 0), w_zero,
                 &(phi_int_result){.dtype = PH_INT32});
    return PH_OK;
}

const phi_op phi_op_conv_integer = {
    .name = "ConvInteger",
    .since = 10,
    .attrs = phi_conv_attrs,
    .min_in = 2,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_IMAGE,
    .trainable = 1u << 1,
    .image_in = 1u << X,
    .params_bytes = sizeof(phi_volume),
    .infer = conv_integer_infer,
    .macs = conv_integer_macs,
    .work_bytes = conv_integer_work_bytes,
    .forward = conv_integer_forward,
};
