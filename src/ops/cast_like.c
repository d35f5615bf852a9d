/* SPDX-License-Identifier: MIT */
/* CastLike: the numbers of the first input as the type of the second. */
#include "ops/cast.h"
#include "ops/elements.h"

static const phi_attr_rule attrs[] = {
    {.name = "saturate", .kind = PH_ATTR_INT, .first = 19},      /* float8 only */
    {.name = "round_mode", .kind = PH_ATTR_STRING, .first = 24}, /* float8e8m0 only */
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    if (!c->in[1]) return phi_op_fail(c, PH_ERR_ARG, "input 1 is left out");
    return phi_cast_infer(c, c->in[1]->dtype);
}

const phi_op phi_op_cast_like = {
    .name = "CastLike",
    .since = 15,
    .attrs = attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .infer = infer,
    .forward = phi_cast_forward,
};
