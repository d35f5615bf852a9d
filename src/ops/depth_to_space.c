/* SPDX-License-Identifier: MIT */
/*
 * DepthToSpace: the channels become blocks of pixels: [n, b b c, h, w] to [n, c, b h, b w]; mode
 * DCR has the block's row and column before the channel, CRD behind it.
 */
#include "graph/graph.h"
#include "graph/loop.h"
#include "ops/blocks.h"

static const phi_attr_rule attrs[] = {
    {.name = "blocksize", .kind = PH_ATTR_INT, .first = 1, .required = true},
    {.name = "mode", .kind = PH_ATTR_STRING, .first = 11},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    phi_block_params *p = c->params;
    enum ph_status st = phi_block_infer(c, p);
    if (st) return st;
    const char *mode = phi_attr_string(c->node, "mode", "DCR");
    p->channels_first = strcmp(mode, "CRD") == 0;
    if (!p->channels_first && strcmp(mode, "DCR") != 0)
        return phi_op_fail(c, PH_ERR_ARG, "mode is '%s', wanted is DCR or CRD", mode);
    const phi_type *x = c->in[0];
    const int64_t b = p->size;
    if (x->dims[1] % (b * b) != 0)
        return phi_op_fail(c, PH_ERR_SHAPE, "%lld channels cannot become blocks of %lld x %lld",
                           (long long)x->dims[1], (long long)b, (long long)b);
    c->out[0] = *x;
    c->out[0].dims[1] = x->dims[1] / (b * b);
    if (phi_mul_i64(x->dims[2], b, &c->out[0].dims[2]) &&
        phi_mul_i64(x->dims[3], b, &c->out[0].dims[3]))
        return PH_OK;
    return phi_op_fail(c, PH_ERR_OVERFLOW, "the output does not fit into 63 bits");
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_block_copy(e->pool, e->params, &e->in[0], &e->out[0], true);
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_block_copy(e->pool, e->params, &e->din[0], &e->dout[0], false);
    return PH_OK;
}

const phi_op phi_op_depth_to_space = {
    .name = "DepthToSpace",
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
