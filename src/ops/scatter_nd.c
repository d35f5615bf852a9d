/* SPDX-License-Identifier: MIT */
/*
 * ScatterND: y = x, but each row of the indices is the beginning of a coordinate whose element, or
 * part, an update replaces or is combined with (`reduction`).
 */
#include "graph/loop.h"
#include "ops/indices.h"
#include "ops/scatter.h"

static const phi_attr_rule attrs[] = {
    {.name = "reduction", .kind = PH_ATTR_STRING, .first = 16},
    {.name = NULL},
};

static enum ph_status infer(phi_infer *c)
{
    char tx[PHI_TYPE_TEXT], ta[PHI_TYPE_TEXT], tu[PHI_TYPE_TEXT];
    enum ph_status st = phi_scatter_infer(c, c->params);
    if (st) return st;
    const phi_type *x = c->in[0], *at = c->in[1], *u = c->in[2];
    const int64_t depth = at->rank > 0 ? at->dims[at->rank - 1] : 0;
    bool fits = depth >= 1 && depth <= x->rank && u->rank == at->rank - 1 + x->rank - (int)depth;
    for (int i = 0; fits && i < u->rank; i++)
        fits = u->dims[i] ==
               (i < at->rank - 1 ? at->dims[i] : x->dims[i - (at->rank - 1) + (int)depth]);
    if (fits) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "data %s, indices %s and updates %s do not fit together",
                       phi_type_text(x, tx, sizeof tx), phi_type_text(at, ta, sizeof ta),
                       phi_type_text(u, tu, sizeof tu));
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const phi_view *at = &e->in[1], *y = &e->out[0];
    const int depth = (int)at->type.dims[at->type.rank - 1];
    const int64_t rows = phi_type_count(&at->type) / depth;
    int64_t part = 1;
    phi_copy(e->pool, y, &e->in[0]);
    for (int i = depth; i < y->type.rank; i++)
        part *= y->type.dims[i];
    for (int64_t r = 0; r < rows; r++) {
        int64_t to = 0;
        for (int d = 0; d < depth; d++) {
            const int64_t n = y->type.dims[d], i = phi_index_at(at, r * depth + d, n);
            if (i < 0) return phi_index_fail(e, n, err);
            to += i * y->strides[d];
        }
        for (int64_t i = 0; i < part; i++)
            phi_scatter_one(e, to + i, r * part + i);
    }
    return PH_OK;
}

const phi_op phi_op_scatter_nd = {
    .name = "ScatterND",
    .since = 11,
    .attrs = attrs,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .params_bytes = sizeof(phi_scatter_params),
    .infer = infer,
    .forward = forward,
};
