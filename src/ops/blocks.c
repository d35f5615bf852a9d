/* SPDX-License-Identifier: MIT */
#include "ops/blocks.h"

#include <inttypes.h>

#include "graph/loop.h"

enum ph_status phi_block_infer(phi_infer *c, phi_block_params *p)
{
    char text[PHI_TYPE_TEXT];
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    if (c->in[0]->rank != 4)
        return phi_op_fail(c, PH_ERR_SHAPE, "input is %s, wanted is [n,c,h,w]",
                           phi_type_text(c->in[0], text, sizeof text));
    p->size = phi_attr_int(c->node, "blocksize", 0);
    if (p->size < 1 || p->size > INT32_MAX)
        return phi_op_fail(c, PH_ERR_ARG, "blocksize is %" PRId64, p->size);
    return PH_OK;
}

static phi_view six(const phi_view *v, const int64_t *dims, const int64_t *strides)
{
    phi_view r = {.type = {.dtype = v->type.dtype, .rank = 6}, .data = v->data};
    memcpy(r.type.dims, dims, 6 * sizeof *dims);
    memcpy(r.strides, strides, 6 * sizeof *strides);
    return r;
}

void phi_block_copy(phi_pool *pool, const phi_block_params *p, const phi_view *deep,
                    const phi_view *wide, bool to_wide)
{
    const int64_t b = p->size, c = wide->type.dims[1], *sd = deep->strides, *sw = wide->strides;
    const int64_t dims[6] = {deep->type.dims[0], c, deep->type.dims[2], b, deep->type.dims[3], b};
    const int64_t of_channel = p->channels_first ? b * b : 1, of_place = p->channels_first ? 1 : c;
    const int64_t s_deep[6] = {sd[0], sd[1] * of_channel, sd[2], sd[1] * of_place * b,
                               sd[3], sd[1] * of_place};
    const int64_t s_wide[6] = {sw[0], sw[1], sw[2] * b, sw[2], sw[3] * b, sw[3]};
    const phi_view d = six(deep, dims, s_deep), w = six(wide, dims, s_wide);
    phi_copy(pool, to_wide ? &w : &d, to_wide ? &d : &w);
}
