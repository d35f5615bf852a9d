/* SPDX-License-Identifier: MIT */
/*
 * Softmax: y = exp(x) / sum of exp(x) over a group (softmax_axis.h).
 * The largest x of the group is taken off first, so that nothing overflows.
 */
#include "ops/softmax_axis.h"

static enum ph_status softmax_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_softmax_forward(e, false);
}

static enum ph_status softmax_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_softmax_backward(e, false);
}

static const phi_attr_rule softmax_attrs[] = {
    {"axis", PH_ATTR_INT, 1, 0, false},
    {0},
};

const phi_op phi_op_softmax = {
    .name = "Softmax",
    .widens = true,
    .since = 1,
    .attrs = softmax_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_softmax_params),
    .infer = phi_softmax_infer,
    .forward = softmax_forward,
    .backward = softmax_backward,
    .passes = PHI_PASSES_AXIS,
};
