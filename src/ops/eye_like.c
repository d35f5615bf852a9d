/* SPDX-License-Identifier: MIT */
/* EyeLike: ones on the diagonal `k` (0: the main one, above it if positive), in the input's shape.
 */
#include <inttypes.h>

#include "graph/loop.h"
#include "ops/elements.h"
#include "ops/move.h"

static const phi_attr_rule attrs[] = {
    {.name = "dtype", .kind = PH_ATTR_INT, .first = 9},
    {.name = "k", .kind = PH_ATTR_INT, .first = 9},
    {.name = NULL},
};

typedef struct params {
    int64_t k;
} params;

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    char text[PHI_TYPE_TEXT];
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    const int64_t dtype = phi_attr_int(c->node, "dtype", c->in[0]->dtype);
    if (c->in[0]->rank != 2)
        return phi_op_fail(c, PH_ERR_SHAPE, "input is %s, wanted are 2 dimensions",
                           phi_type_text(c->in[0], text, sizeof text));
    if (dtype <= 0 || dtype >= 32 || !phi_types_have(PHI_TYPES_ALL, (enum ph_dtype)dtype))
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "dtype %" PRId64 " is not supported", dtype);
    p->k = phi_attr_int(c->node, "k", 0);
    c->out[0] = *c->in[0];
    c->out[0].dtype = (enum ph_dtype)dtype;
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    const phi_view *y = &e->out[0];
    const int64_t size = (int64_t)ph_dtype_size(y->type.dtype);
    const phi_room one = {.u64 = {1}};
    (void)err;
    phi_zero(e->pool, y);
    for (int64_t i = 0; i < y->type.dims[0]; i++) {
        int64_t j;
        if (!phi_add_i64(i, p->k, &j) || j < 0 || j >= y->type.dims[1]) continue;
        phi_narrow(y->type.dtype, PHI_U64, 1, &one,
                   (char *)y->data + (i * y->strides[0] + j * y->strides[1]) * size, 1);
    }
    return PH_OK;
}

const phi_op phi_op_eye_like = {
    .name = "EyeLike",
    .since = 9,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .shape_only = true,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
};
