/* SPDX-License-Identifier: MIT */
#include "graph/graph.h"
#include "ops/formula.h"

static const phi_formula *family(const phi_node *node)
{
    return node->op->family;
}

enum ph_status phi_formula_infer(phi_infer *c)
{
    enum ph_status st = phi_need_types(c, 0, family(c->node)->types);
    if (st) return st;
    c->out[0] = *c->in[0];
    if (family(c->node)->kernels.truth) c->out[0].dtype = PH_BOOL;
    return PH_OK;
}

enum ph_status phi_formula_forward(const phi_exec *e, ph_error *err)
{
    const phi_view *x = &e->in[0];
    (void)err;
    phi_apply(e->pool, &e->out[0], 1, &x, phi_wide_of(x->type.dtype), &family(e->node)->kernels);
    return PH_OK;
}

enum ph_status phi_formula_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    return phi_unary_backward(e, family(e->node)->grad);
}
