/* SPDX-License-Identifier: MIT */
/* Identity: y = x, for any type, between any two layouts: also the plan's step that changes one. */
#include "graph/loop.h"
#include "ops/move.h"

static enum ph_status infer(phi_infer *c)
{
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    c->out[0] = *c->in[0];
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_copy(e->pool, &e->out[0], &e->in[0]);
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_copy(e->pool, &e->din[0], &e->dout[0]);
    return PH_OK;
}

static bool as_identity(const phi_infer *c)
{
    (void)c;
    return true;
}

const phi_op phi_op_identity = {
    .name = "Identity",
    .since = 1,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .as_identity = as_identity,
};
