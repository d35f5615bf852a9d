/* SPDX-License-Identifier: MIT */
/*
 * Gather: the elements of an axis that the indices say, in their order and shape. The axis of the
 * input becomes the dimensions of the indices in the output.
 */
#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/indices.h"
#include "ops/move.h"

typedef struct params {
    int axis;
} params;

static const phi_attr_rule attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 1},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    enum ph_status st = phi_need_input(c);
    if (!st) st = phi_need_indices(c, 1);
    if (!st) st = phi_axis(c, phi_attr_int(c->node, "axis", 0), c->in[0]->rank, &p->axis);
    if (st) return st;
    const phi_type *x = c->in[0], *at = c->in[1];
    phi_type out = {.dtype = x->dtype, .rank = x->rank - 1 + at->rank};
    if (out.rank > PH_MAX_RANK)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                           "output has %d dimensions, at most %d are possible", out.rank,
                           PH_MAX_RANK);
    for (int i = 0; i < out.rank; i++)
        out.dims[i] = i < p->axis              ? x->dims[i]
                      : i < p->axis + at->rank ? at->dims[i - p->axis]
                                               : x->dims[i - at->rank + 1];
    c->out[0] = out;
    return PH_OK;
}

/* `v` without its `n` dimensions from `axis` on. */
static phi_view without(const phi_view *v, int axis, int n)
{
    phi_view r = *v;
    r.type.rank -= n;
    for (int i = axis; i < r.type.rank; i++) {
        r.type.dims[i] = v->type.dims[i + n];
        r.strides[i] = v->strides[i + n];
    }
    return r;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    const phi_view *x = &e->in[0], *at = &e->in[1], *y = &e->out[0];
    const int64_t n = x->type.dims[p->axis], size = (int64_t)ph_dtype_size(x->type.dtype);
    const int64_t count = phi_type_count(&at->type);
    phi_view to = without(y, p->axis, at->type.rank), from = without(x, p->axis, 1);
    int64_t index[PH_MAX_RANK];
    for (int64_t i = 0; i < count; i++) {
        int64_t at_offset = 0, y_offset = 0;
        phi_unravel(i, at->type.rank, at->type.dims, index);
        for (int d = 0; d < at->type.rank; d++) {
            at_offset += index[d] * at->strides[d];
            y_offset += index[d] * y->strides[p->axis + d];
        }
        const int64_t k = phi_index_at(at, at_offset, n);
        if (k < 0) return phi_index_fail(e, n, err);
        to.data = (char *)y->data + y_offset * size;
        from.data = (char *)x->data + k * x->strides[p->axis] * size;
        phi_copy(e->pool, &to, &from);
    }
    return PH_OK;
}

const phi_op phi_op_gather = {
    .name = "Gather",
    .since = 1,
    .attrs = attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
};
