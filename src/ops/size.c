/* SPDX-License-Identifier: MIT */
/* Size: how many elements its input has. */
#include "ops/move.h"

static enum ph_status infer(phi_infer *c)
{
    c->out[0] = (phi_type){.dtype = PH_INT64};
    return phi_need_input(c);
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    *(int64_t *)e->out[0].data = phi_type_count(&e->in[0].type);
    return PH_OK;
}

const phi_op phi_op_size = {
    .name = "Size",
    .since = 1,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .shape_only = true,
    .infer = infer,
    .forward = forward,
};
