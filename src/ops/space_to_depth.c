/* SPDX-License-Identifier: MIT */
/* SpaceToDepth: blocks of pixels become channels: [n, c, b h, b w] to [n, b b c, h, w]; the block's
 * row and column stand before the channel. */
#include "graph/graph.h"
#include "graph/loop.h"
#include "ops/blocks.h"

static const phi_attr_rule attrs[] = {
    {.name = "blocksize", .kind = PH_ATTR_INT, .first = 1, .required = true},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    phi_block_params *p = c->params;
    enum ph_status st = phi_block_infer(c, p);
    if (st) return st;
    const phi_type *x = c->in[0];
    const int64_t b = p->size;
    if (x->dims[2] % b != 0 || x->dims[3] % b != 0)
        return phi_op_fail(c, PH_ERR_SHAPE, "%lld x %lld pixels are no blocks of %lld x %lld",
                           (long long)x->dims[2], (long long)x->dims[3], (long long)b,
                           (long long)b);
    c->out[0] = *x;
    c->out[0].dims[2] = x->dims[2] / b;
    c->out[0].dims[3] = x->dims[3] / b;
    if (phi_mul_i64(x->dims[1], b * b, &c->out[0].dims[1])) return PH_OK;
    return phi_op_fail(c, PH_ERR_OVERFLOW, "the output does not fit into 63 bits");
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_block_copy(e->pool, e->params, &e->out[0], &e->in[0], false);
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_block_copy(e->pool, e->params, &e->dout[0], &e->din[0], true);
    return PH_OK;
}

const phi_op phi_op_space_to_depth = {
    .name = "SpaceToDepth",
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(phi_block_params),
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
