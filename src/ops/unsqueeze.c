/* SPDX-License-Identifier: MIT */
/* Unsqueeze: put in dimensions of size 1; `axes` counts in the output's dimensions. */
#include "ops/axes.h"
#include "ops/move.h"

static const phi_attr_rule attrs[] = {
    {.name = "axes", .kind = PH_ATTR_INTS, .first = 1, .last = 12, .required = true},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    phi_ints axes;
    uint32_t mask;
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    const phi_type *in = c->in[0];
    st = phi_ints_read(c, "axes", 1, 13, &axes);
    if (st) return st;
    if (!axes.given) return phi_op_fail(c, PH_ERR_ARG, "the axes are missing");
    if (axes.n + (size_t)in->rank > PH_MAX_RANK)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                           "output has %zu dimensions, at most %d are possible",
                           axes.n + (size_t)in->rank, PH_MAX_RANK);
    phi_type out = {.dtype = in->dtype, .rank = in->rank + (int)axes.n};
    st = phi_axes_mask(c, axes.n, axes.at, out.rank, &mask);
    if (st) return st;
    for (int i = 0, from = 0; i < out.rank; i++)
        out.dims[i] = mask >> i & 1 ? 1 : in->dims[from++];
    c->out[0] = out;
    return PH_OK;
}

const phi_op phi_op_unsqueeze = {
    .name = "Unsqueeze",
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .infer = infer,
    .forward = phi_move_forward,
    .backward = phi_move_backward,
    .as_identity = phi_same_type,
};
