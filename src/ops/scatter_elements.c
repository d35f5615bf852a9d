/* SPDX-License-Identifier: MIT */
/*
 * ScatterElements, and Scatter, its name before opset 11: y = x, but y[at[i][j]][j] = u[i][j] for
 * axis 0 and alike for others, or combined with what is there (`reduction`).
 */
#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/indices.h"
#include "ops/scatter.h"

static const phi_attr_rule attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 9},
    {.name = "reduction", .kind = PH_ATTR_STRING, .first = 16},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    phi_scatter_params *p = c->params;
    enum ph_status st = phi_scatter_infer(c, p);
    if (!st) st = phi_axis(c, phi_attr_int(c->node, "axis", 0), c->in[0]->rank, &p->axis);
    if (!st) st = phi_check_beside(c, c->in[1], p->axis);
    if (st) return st;
    phi_type want = *c->in[1];
    want.dtype = c->in[2]->dtype;
    if (phi_type_equal(&want, c->in[2])) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "indices and updates have different shapes");
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const phi_scatter_params *p = e->params;
    const phi_view *at = &e->in[1], *y = &e->out[0];
    const int64_t n = y->type.dims[p->axis], count = phi_type_count(&at->type);
    int64_t index[PH_MAX_RANK];
    phi_copy(e->pool, y, &e->in[0]);
    for (int64_t i = 0; i < count; i++) {
        int64_t to = 0;
        phi_unravel(i, at->type.rank, at->type.dims, index);
        index[p->axis] = phi_index_at(at, i, n);
        if (index[p->axis] < 0) return phi_index_fail(e, n, err);
        for (int d = 0; d < y->type.rank; d++)
            to += index[d] * y->strides[d];
        phi_scatter_one(e, to, i);
    }
    return PH_OK;
}

#define SCATTER(onnx, from, to)                                                                    \
    {                                                                                              \
        .name = onnx, .since = from, .until = to, .attrs = attrs, .min_in = 3, .max_in = 3,        \
        .min_out = 1, .max_out = 1, .layout = PHI_LAYOUT_PLAIN,                                    \
        .params_bytes = sizeof(phi_scatter_params), .infer = infer, .forward = forward             \
    }

const phi_op phi_op_scatter_elements = SCATTER("ScatterElements", 11, 0);
const phi_op phi_op_scatter = SCATTER("Scatter", 9, 10);
