/* SPDX-License-Identifier: MIT */
#include "graph/graph.h"
#include "graph/loop.h"

static bool any(const phi_view *views, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!phi_view_absent(&views[i])) return true;
    return false;
}

enum ph_status phi_backward(const phi_op *op, const phi_exec *e, ph_error *err)
{
    if (!any(e->din, e->n_in)) return PH_OK;
    if (any(e->dout, e->n_out)) return op->backward(e, err);
    for (size_t i = 0; i < e->n_in; i++)
        if (!phi_view_absent(&e->din[i])) phi_zero(e->pool, &e->din[i]);
    return PH_OK;
}
