/* SPDX-License-Identifier: MIT */
/* Shape: the dimensions of its input, or those from `start` to before `end` (opset 15). */
#include "graph/graph.h"
#include "ops/move.h"

typedef struct params {
    int start;
} params;

static const phi_attr_rule attrs[] = {
    {.name = "start", .kind = PH_ATTR_INT, .first = 15},
    {.name = "end", .kind = PH_ATTR_INT, .first = 15},
    {.name = NULL},
};

/* An index of 0 .. rank, counted from the end if negative, as near as possible. */
static int clamp(int64_t index, int rank)
{
    if (index < 0) index += rank;
    return index < 0 ? 0 : index > rank ? rank : (int)index;
}

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    const int rank = c->in[0]->rank;
    p->start = clamp(phi_attr_int(c->node, "start", 0), rank);
    const int end = clamp(phi_attr_int(c->node, "end", rank), rank);
    c->out[0] =
        (phi_type){.dtype = PH_INT64, .rank = 1, .dims = {end > p->start ? end - p->start : 0}};
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    int64_t *y = e->out[0].data;
    (void)err;
    for (int64_t i = 0; i < e->out[0].type.dims[0]; i++)
        y[i] = e->in[0].type.dims[p->start + i];
    return PH_OK;
}

const phi_op phi_op_shape = {
    .name = "Shape",
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .shape_only = true,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
};
