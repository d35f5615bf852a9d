/* SPDX-License-Identifier: MIT */
/* GatherElements: y[i][j] = x[at[i][j]][j] for axis 0, and alike for others; y has the shape of at.
 */
#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/indices.h"
#include "ops/move.h"

typedef struct params {
    int axis;
} params;

static const phi_attr_rule attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 11},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    enum ph_status st = phi_need_input(c);
    if (!st) st = phi_need_indices(c, 1);
    if (!st) st = phi_axis(c, phi_attr_int(c->node, "axis", 0), c->in[0]->rank, &p->axis);
    if (!st) st = phi_check_beside(c, c->in[1], p->axis);
    if (st) return st;
    c->out[0] = *c->in[1];
    c->out[0].dtype = c->in[0]->dtype;
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    const phi_view *x = &e->in[0], *at = &e->in[1], *y = &e->out[0];
    const int64_t n = x->type.dims[p->axis], count = phi_type_count(&y->type);
    const int64_t size = (int64_t)ph_dtype_size(x->type.dtype);
    int64_t index[PH_MAX_RANK];
    for (int64_t i = 0; i < count; i++) {
        int64_t from = 0;
        phi_unravel(i, y->type.rank, y->type.dims, index);
        index[p->axis] = phi_index_at(at, i, n);
        if (index[p->axis] < 0) return phi_index_fail(e, n, err);
        for (int d = 0; d < x->type.rank; d++)
            from += index[d] * x->strides[d];
        memcpy((char *)y->data + i * size, (const char *)x->data + from * size, (size_t)size);
    }
    return PH_OK;
}

const phi_op phi_op_gather_elements = {
    .name = "GatherElements",
    .since = 11,
    .attrs = attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
};
