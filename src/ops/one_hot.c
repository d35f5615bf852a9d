/* SPDX-License-Identifier: MIT */
/*
 * OneHot: a new axis of `depth` elements, "on" where the index says and "off" elsewhere. Indices
 * count from the end if negative; one that is outside has no "on".
 */
#include <inttypes.h>

#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/elements.h"

typedef struct params {
    int axis;
} params;

static const phi_attr_rule attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 9},
    {.name = NULL},
};

enum { INDICES, DEPTH, VALUES };

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    const ph_tensor *t;
    phi_room room;
    int64_t step;
    enum ph_status st = phi_need_types(c, INDICES, PHI_TYPES_NUMBER);
    if (!st) st = phi_need_types(c, DEPTH, PHI_TYPES_NUMBER);
    if (!st) st = phi_need_types(c, VALUES, PHI_TYPES_ALL);
    if (!st) st = phi_known_input(c, DEPTH, "depth", &t);
    if (st) return st;
    const phi_type *at = c->in[INDICES];
    if (t->count != 1 || c->in[VALUES]->rank != 1 || c->in[VALUES]->dims[0] != 2)
        return phi_op_fail(c, PH_ERR_SHAPE, "wanted are one depth and two values");
    if (at->rank == PH_MAX_RANK)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "output has more than %d dimensions",
                           PH_MAX_RANK);
    const int64_t depth =
        *(const int64_t *)phi_widen(t->type.dtype, PHI_I64, 1, t->data, 1, &room, &step);
    if (depth < 1) return phi_op_fail(c, PH_ERR_ARG, "depth is %" PRId64, depth);
    st = phi_axis(c, phi_attr_int(c->node, "axis", -1), at->rank + 1, &p->axis);
    c->out[0] = (phi_type){.dtype = c->in[VALUES]->dtype, .rank = at->rank + 1};
    for (int i = 0; i <= at->rank; i++)
        c->out[0].dims[i] = i < p->axis ? at->dims[i] : i == p->axis ? depth : at->dims[i - 1];
    return st;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    const phi_view *at = &e->in[INDICES], *y = &e->out[0];
    const int64_t size = (int64_t)ph_dtype_size(y->type.dtype), depth = y->type.dims[p->axis];
    const int64_t at_size = (int64_t)ph_dtype_size(at->type.dtype), inner = y->strides[p->axis];
    const int64_t count = phi_type_count(&at->type);
    phi_view off = {.type = y->type, .data = e->in[VALUES].data}; /* one element stretched */
    phi_room room;
    int64_t step;
    (void)err;
    phi_copy(e->pool, y, &off);
    for (int64_t i = 0; i < count; i++) {
        int64_t k = *(const int64_t *)phi_widen(
            at->type.dtype, PHI_I64, 1, (const char *)at->data + i * at_size, 1, &room, &step);
        if (k < 0) k += depth;
        if (k < 0 || k >= depth) continue;
        memcpy((char *)y->data + (i / inner * inner * depth + k * inner + i % inner) * size,
               (const char *)e->in[VALUES].data + size, (size_t)size);
    }
    return PH_OK;
}

const phi_op phi_op_one_hot = {
    .name = "OneHot",
    .since = 9,
    .attrs = attrs,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
};
