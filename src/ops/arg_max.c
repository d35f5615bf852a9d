/* SPDX-License-Identifier: MIT */
/* ArgMax: the index of the largest element along an axis. */
#include "ops/arg_extreme.h"

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_arg_forward(e, 1);
}

const phi_op phi_op_arg_max = {.name = "ArgMax", PHI_ARG_OP, .forward = forward};
