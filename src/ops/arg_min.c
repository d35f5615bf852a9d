/* SPDX-License-Identifier: MIT */
/* ArgMin: the index of the smallest element along an axis. */
#include "ops/arg_extreme.h"

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_arg_forward(e, -1);
}

const phi_op phi_op_arg_min = {.name = "ArgMin", PHI_ARG_OP, .forward = forward};
