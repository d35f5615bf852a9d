/* SPDX-License-Identifier: MIT */
/*
 * GatherND: each row of the indices is the beginning of a coordinate in the data, behind
 * `batch_dims` dimensions that both have alike; what it names, an element or a part, stands in its
 * place.
 */
#include "graph/loop.h"
#include "ops/indices.h"
#include "ops/move.h"

typedef struct params {
    int batch, depth; /* dimensions that are alike; numbers of a row */
} params;

static const phi_attr_rule attrs[] = {
    {.name = "batch_dims", .kind = PH_ATTR_INT, .first = 12},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    char tx[PHI_TYPE_TEXT], ta[PHI_TYPE_TEXT];
    enum ph_status st = phi_need_input(c);
    if (!st) st = phi_need_indices(c, 1);
    if (st) return st;
    const phi_type *x = c->in[0], *at = c->in[1];
    const int64_t batch = phi_attr_int(c->node, "batch_dims", 0);
    const int64_t depth = at->rank > 0 ? at->dims[at->rank - 1] : 0;
    bool fits =
        batch >= 0 && batch < x->rank && batch < at->rank && depth >= 1 && depth <= x->rank - batch;
    for (int i = 0; i < batch && fits; i++)
        fits = x->dims[i] == at->dims[i];
    if (!fits)
        return phi_op_fail(c, PH_ERR_SHAPE, "indices %s do not fit to %s with batch_dims %lld",
                           phi_type_text(at, ta, sizeof ta), phi_type_text(x, tx, sizeof tx),
                           (long long)batch);
    p->batch = (int)batch;
    p->depth = (int)depth;
    const int behind = x->rank - p->batch - p->depth;
    phi_type out = {.dtype = x->dtype, .rank = at->rank - 1 + behind};
    if (out.rank > PH_MAX_RANK)
        return phi_op_fail(c, PH_ERR_UNSUPPORTED,
                           "output has %d dimensions, at most %d are possible", out.rank,
                           PH_MAX_RANK);
    for (int i = 0; i < out.rank; i++)
        out.dims[i] =
            i < at->rank - 1 ? at->dims[i] : x->dims[i - (at->rank - 1) + p->batch + p->depth];
    c->out[0] = out;
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    const phi_view *x = &e->in[0], *at = &e->in[1];
    const int64_t size = (int64_t)ph_dtype_size(x->type.dtype);
    int64_t rows = 1, rows_a_batch = 1, batch_stride = 1, part = size, offset;
    for (int i = 0; i < at->type.rank - 1; i++) {
        rows *= at->type.dims[i];
        if (i >= p->batch) rows_a_batch *= at->type.dims[i];
    }
    for (int i = p->batch + p->depth; i < x->type.rank; i++)
        part *= x->type.dims[i];
    for (int i = p->batch; i < x->type.rank; i++) /* strides of single elements say nothing */
        batch_stride *= x->type.dims[i];
    for (int64_t r = 0; r < rows; r++) {
        offset = r / rows_a_batch * batch_stride;
        for (int d = 0; d < p->depth; d++) {
            const int64_t n = x->type.dims[p->batch + d];
            const int64_t i = phi_index_at(at, r * p->depth + d, n);
            if (i < 0) return phi_index_fail(e, n, err);
            offset += i * x->strides[p->batch + d];
        }
        memcpy((char *)e->out[0].data + r * part, (const char *)x->data + offset * size,
               (size_t)part);
    }
    return PH_OK;
}

const phi_op phi_op_gather_nd = {
    .name = "GatherND",
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
