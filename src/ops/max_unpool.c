/* SPDX-License-Identifier: MIT */
/*
 * MaxUnpool: each element of x goes where MaxPool's Indices say it came from, all else is 0.
 * Indices number the elements of a tensor of the size that the pooling's attributes imply, which
 * lies at the beginning of each dimension of a larger output_shape. Where two go to one place the
 * last counts.
 */
#include <inttypes.h>

#include "graph/graph.h"
#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/op_check.h"
#include "ops/spatial.h"

typedef struct max_unpool_params {
    int64_t dims[PH_MAX_RANK]; /* of the tensor that indices number */
    int64_t count;
} max_unpool_params;

static enum ph_status implied_size(const phi_infer *c, const phi_spatial *s, max_unpool_params *p)
{
    const phi_type *x = c->in[0];
    p->dims[0] = x->dims[0];
    p->dims[1] = x->dims[1];
    for (int i = 0; i < s->n; i++) {
        const phi_side *a = &s->side[PHI_SIDES - s->n + i];
        int64_t size;
        if (!phi_mul_i64(a->in - 1, a->stride, &size) || !phi_add_i64(size, a->kernel, &size))
            return phi_op_fail(c, PH_ERR_OVERFLOW, "a dimension does not fit into 63 bits");
        p->dims[2 + i] = size - a->begin - a->end;
        if (a->in < 1 || p->dims[2 + i] < 1)
            return phi_op_fail(c, PH_ERR_SHAPE, "dimension %d would have %lld elements", 2 + i,
                               (long long)p->dims[2 + i]);
    }
    return PH_OK;
}

static enum ph_status max_unpool_infer(phi_infer *c)
{
    max_unpool_params *p = c->params;
    char text[PHI_TYPE_TEXT];
    phi_spatial s;
    phi_ints shape;
    const phi_type *x = c->in[0], *at = c->in[1];
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (!st) st = phi_need_dtype(c, 1, PH_INT64);
    if (!st) st = phi_spatial_read(c, x, NULL, &s);
    if (!st) st = phi_ints_read(c, "output_shape", 2, 1, &shape);
    if (!st) st = implied_size(c, &s, p);
    if (st) return st;
    if (at->rank != x->rank || memcmp(at->dims, x->dims, (size_t)x->rank * sizeof *at->dims) != 0)
        return phi_op_fail(c, PH_ERR_SHAPE, "indices have shape %s, not the input's",
                           phi_dims_text(at->rank, at->dims, text, sizeof text));
    c->out[0] = *x;
    memcpy(c->out[0].dims, p->dims, (size_t)x->rank * sizeof *p->dims);
    st = phi_type_check(&c->out[0], c->node->name, c->err);
    if (st) return st;
    p->count = phi_type_count(&c->out[0]);
    if (!shape.given) return PH_OK;
    if (shape.n != (size_t)x->rank)
        return phi_op_fail(c, PH_ERR_SHAPE, "output_shape has %zu numbers, the input %d dimensions",
                           shape.n, x->rank);
    for (int i = 0; i < x->rank; i++) {
        if (shape.at[i] < p->dims[i])
            return phi_op_fail(c, PH_ERR_SHAPE,
                               "output_shape[%d] is %" PRId64 ", the pooling's input had %" PRId64,
                               i, shape.at[i], p->dims[i]);
        c->out[0].dims[i] = shape.at[i];
    }
    return phi_type_check(&c->out[0], c->node->name, c->err);
}

static enum ph_status max_unpool_forward(const phi_exec *e, ph_error *err)
{
    const max_unpool_params *p = e->params;
    const float *x = e->in[0].data;
    const int64_t *at = e->in[1].data, count = phi_type_count(&e->in[0].type);
    const int rank = e->in[0].type.rank;
    float *y = e->out[0].data;
    phi_zero(e->pool, &e->out[0]);
    for (int64_t i = 0; i < count; i++) {
        int64_t index[PH_MAX_RANK], to = 0;
        if (at[i] < 0 || at[i] >= p->count)
            return phi_fail(err, PH_ERR_ARG, e->node->name,
                            "MaxUnpool '%s': index %" PRId64 ", there are %" PRId64 " elements",
                            e->node->name, at[i], p->count);
        phi_unravel(at[i], rank, p->dims, index);
        for (int d = 0; d < rank; d++)
            to += index[d] * e->out[0].strides[d];
        y[to] = x[i];
    }
    return PH_OK;
}

static const phi_attr_rule max_unpool_attrs[] = {
    {"kernel_shape", PH_ATTR_INTS, 9, 0, true},
    {"strides", PH_ATTR_INTS, 9, 0, false},
    {"pads", PH_ATTR_INTS, 9, 0, false},
    {0},
};

const phi_op phi_op_max_unpool = {
    .name = "MaxUnpool",
    .widens = true,
    .since = 9,
    .attrs = max_unpool_attrs,
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .params_bytes = sizeof(max_unpool_params),
    .infer = max_unpool_infer,
    .forward = max_unpool_forward,
};
