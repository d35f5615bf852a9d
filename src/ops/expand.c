/* SPDX-License-Identifier: MIT */
/* Expand: the input broadcast with a shape, to a shape that holds both. */
#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/binary.h"
#include "ops/move.h"

static enum ph_status infer(phi_infer *c)
{
    char from[PHI_TYPE_TEXT], to[PHI_TYPE_TEXT];
    phi_ints shape;
    enum ph_status st = phi_need_input(c);
    if (!st) st = phi_ints_read(c, "shape", 1, 1, &shape);
    if (!st) st = phi_shape_check(c, &shape);
    if (st) return st;
    phi_type wanted = {.dtype = c->in[0]->dtype, .rank = (int)shape.n};
    memcpy(wanted.dims, shape.at, sizeof wanted.dims);
    if (phi_broadcast_types(c->in[0], &wanted, &c->out[0])) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "%s cannot be broadcast with %s",
                       phi_type_text(c->in[0], from, sizeof from),
                       phi_dims_text(wanted.rank, wanted.dims, to, sizeof to));
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const phi_view x = phi_view_broadcast(&e->in[0], &e->out[0].type);
    (void)err;
    phi_copy(e->pool, &e->out[0], &x);
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_unbroadcast(e->pool, &e->din[0], &e->dout[0]);
    return PH_OK;
}

const phi_op phi_op_expand = {
    .name = "Expand",
    .since = 8,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .as_identity = phi_same_type,
};
