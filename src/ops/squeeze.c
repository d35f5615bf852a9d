/* SPDX-License-Identifier: MIT */
/* Squeeze: leave out dimensions of size 1, all of them or those of `axes`. */
#include <inttypes.h>

#include "ops/axes.h"
#include "ops/move.h"

static const phi_attr_rule attrs[] = {
    {.name = "axes", .kind = PH_ATTR_INTS, .first = 1, .last = 12},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    char text[PHI_TYPE_TEXT];
    phi_ints axes;
    uint32_t mask;
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    const phi_type *in = c->in[0];
    st = phi_ints_read(c, "axes", 1, 13, &axes);
    if (st) return st;
    st = phi_axes_mask(c, axes.n, axes.at, in->rank, &mask);
    if (st) return st;
    phi_type out = {.dtype = in->dtype};
    for (int i = 0; i < in->rank; i++) {
        bool chosen = axes.given ? mask >> i & 1 : in->dims[i] == 1;
        if (chosen && in->dims[i] != 1)
            return phi_op_fail(c, PH_ERR_SHAPE, "axis %d of %s has size %" PRId64 ", wanted is 1",
                               i, phi_type_text(in, text, sizeof text), in->dims[i]);
        if (!chosen) out.dims[out.rank++] = in->dims[i];
    }
    c->out[0] = out;
    return PH_OK;
}

const phi_op phi_op_squeeze = {
    .name = "Squeeze",
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
