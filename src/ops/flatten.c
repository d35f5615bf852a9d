/* SPDX-License-Identifier: MIT */
/* Flatten: to two dimensions; those before `axis` make the first, the others the second. */
#include <inttypes.h>

#include "ops/move.h"

static const phi_attr_rule attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 1},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    const phi_type *in = c->in[0];
    int64_t axis = phi_attr_int(c->node, "axis", 1);
    int64_t lowest = c->opset >= 11 ? -in->rank : 0;
    if (axis < lowest || axis > in->rank) /* the rank itself is allowed: everything goes first */
        return phi_op_fail(c, PH_ERR_ARG,
                           "axis %" PRId64 " is not in %" PRId64 " .. %d for %d dimensions", axis,
                           lowest, in->rank, in->rank);
    if (axis < 0) axis += in->rank;
    phi_type out = {.dtype = in->dtype, .rank = 2, .dims = {1, 1}};
    for (int i = 0; i < in->rank; i++)
        if (!phi_mul_i64(out.dims[i >= axis], in->dims[i], &out.dims[i >= axis]))
            return phi_op_fail(c, PH_ERR_OVERFLOW, "a dimension of the output exceeds 63 bits");
    c->out[0] = out;
    return PH_OK;
}

const phi_op phi_op_flatten = {
    .name = "Flatten",
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .infer = infer,
    .forward = phi_move_forward,
    .backward = phi_move_backward,
    .as_identity = phi_same_type,
};
