/* SPDX-License-Identifier: MIT */
/*
 * LogSoftmax: y = x - log(sum of exp(x) over a group) (softmax_axis.h).
 * The largest x of the group is taken off first, so that nothing overflows.
 */
#include "ops/softmax_axis.h"

static enum ph_status log_softmax_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_softmax_forward(e, true);
}

static enum ph_status log_softmax_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_softmax_backward(e, true);
}

static const phi_attr_rule log_softmax_attrs[] = {
    {"axis", PH_ATTR_INT, 1, 0, false},
    {0},
};

const phi_op phi_op_log_softmax = {
    .name = "LogSoftmax",
    .widens = true,
    .since = 1,
    .attrs = log_softmax_attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_softmax_params),
    .infer = phi_softmax_infer,
    .forward = log_softmax_forward,
    .backward = log_softmax_backward,
    .passes = PHI_PASSES_AXIS,
};
