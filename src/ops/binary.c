/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "graph/graph.h"
#include "ops/binary.h"

const phi_attr_rule phi_binary_attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 1, .last = 6},
    {.name = "broadcast", .kind = PH_ATTR_INT, .first = 1, .last = 6},
    {.name = "consumed_inputs", .kind = PH_ATTR_INTS, .first = 1, .last = 5},
    {.name = NULL},
};

const phi_attr_rule phi_comparison_attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 1, .last = 6},
    {.name = "broadcast", .kind = PH_ATTR_INT, .first = 1, .last = 6},
    {.name = NULL},
};

/* --- Shapes ---------------------------------------------------------------------------------- */

/*
 * Opset 6 and before: `b` is stretched to the shape of `a`, and only if `broadcast` says so. Its
 * dimensions are those of `a` from `axis` on; exporters of the time also wrote 1 for some of them.
 */
static enum ph_status infer_old(phi_infer *c, const phi_type *a, const phi_type *b,
                                phi_binary_params *p)
{
    char ta[PHI_TYPE_TEXT], tb[PHI_TYPE_TEXT];
    bool fits = phi_attr_int(c->node, "broadcast", 0) != 0;
    int64_t axis = phi_attr_int(c->node, "axis", (int64_t)a->rank - b->rank);
    c->out[0] = *a;
    if (!fits && phi_type_equal(a, b)) return PH_OK;
    if (fits && phi_type_count(b) == 1) {
        p->b_one = true;
        return PH_OK;
    }
    if (axis < 0) axis += a->rank; /* opset 1 said so: -1 is the last dimension */
    fits = fits && axis >= 0 && axis <= (int64_t)a->rank - b->rank;
    for (int i = 0; fits && i < b->rank; i++)
        fits = a->dims[axis + i] == b->dims[i] || b->dims[i] == 1;
    if (!fits)
        return phi_op_fail(c, PH_ERR_SHAPE,
                           "%s and %s do not fit together (broadcast %" PRId64 ", axis %" PRId64
                           ")",
                           phi_type_text(a, ta, sizeof ta), phi_type_text(b, tb, sizeof tb),
                           phi_attr_int(c->node, "broadcast", 0), axis);
    p->b_axis = (int)axis;
    return PH_OK;
}

enum ph_status phi_binary_shape(phi_infer *c, phi_binary_params *p)
{
    char ta[PHI_TYPE_TEXT], tb[PHI_TYPE_TEXT];
    const phi_type *a = c->in[0], *b = c->in[1];
    if (!a || !b) return phi_op_fail(c, PH_ERR_ARG, "both inputs are wanted, one is left out");
    if (c->opset < 7) return infer_old(c, a, b, p);
    if (!phi_broadcast_types(a, b, &c->out[0]))
        return phi_op_fail(c, PH_ERR_SHAPE, "%s and %s cannot be broadcast together",
                           phi_type_text(a, ta, sizeof ta), phi_type_text(b, tb, sizeof tb));
    p->b_axis = c->out[0].rank - b->rank;
    return PH_OK;
}

static const phi_binary *family(const phi_node *node)
{
    return node->op->family;
}

enum ph_status phi_binary_infer(phi_infer *c)
{
    const phi_binary *k = family(c->node);
    enum ph_status st = phi_need_types(c, 0, k->types);
    if (!st) st = phi_need_types(c, 1, k->types);
    if (st) return st;
    if (c->in[0]->dtype != c->in[1]->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "inputs are %s and %s, wanted is one type for both",
                           ph_dtype_name(c->in[0]->dtype), ph_dtype_name(c->in[1]->dtype));
    st = phi_binary_shape(c, c->params);
    if (k->kernels.truth) c->out[0].dtype = PH_BOOL;
    return st;
}

/* --- Views ----------------------------------------------------------------------------------- */

/* `v` with as many dimensions as the output: its own from `axis` on, 1 elsewhere. */
static phi_view align(const phi_view *v, int rank, int axis)
{
    phi_view r = {.type = {.dtype = v->type.dtype, .rank = rank}, .data = v->data};
    for (int i = 0; i < rank; i++)
        r.type.dims[i] = 1;
    for (int i = 0; i < v->type.rank; i++) {
        r.type.dims[axis + i] = v->type.dims[i];
        r.strides[axis + i] = v->strides[i];
    }
    return r;
}

/* Input 0 or 1 (or its gradient, `v`) with the output's rank. */
static phi_view operand(const phi_exec *e, const phi_binary_params *p, size_t i, const phi_view *v)
{
    int rank = e->out[0].type.rank;
    phi_view one = *v;
    if (i == 0) return align(v, rank, rank - v->type.rank);
    if (!p->b_one) return align(v, rank, p->b_axis);
    one.type.rank = 0; /* a single element, whatever its rank */
    return align(&one, rank, 0);
}

phi_view phi_binary_stretched(const phi_exec *e, const phi_binary_params *p, size_t i)
{
    phi_view v = operand(e, p, i, &e->in[i]);
    return phi_view_broadcast(&v, &e->out[0].type);
}

/* --- Forward --------------------------------------------------------------------------------- */

enum ph_status phi_binary_run(const phi_exec *e, const phi_binary_params *p, enum phi_wide wide,
                              const phi_kernels *k, ph_error *err)
{
    phi_view a = phi_binary_stretched(e, p, 0), b = phi_binary_stretched(e, p, 1);
    if (phi_apply(e->pool, &e->out[0], 2, (const phi_view *const[]){&a, &b}, wide, k)) return PH_OK;
    return phi_fail(err, PH_ERR_ARG, e->node->name, "%s '%s': integer division by zero",
                    e->node->op_type, e->node->name);
}

enum ph_status phi_binary_forward(const phi_exec *e, ph_error *err)
{
    return phi_binary_run(e, e->params, phi_wide_of(e->in[0].type.dtype), &family(e->node)->kernels,
                          err);
}

/* --- Backward -------------------------------------------------------------------------------- */

void phi_unbroadcast(phi_pool *pool, const phi_view *din, const phi_view *g)
{
    int rank = g->type.rank;
    phi_view d = align(din, rank, rank - din->type.rank);
    if (memcmp(d.type.dims, g->type.dims, (size_t)rank * sizeof(int64_t)) == 0)
        phi_copy(pool, &d, g);
    else
        phi_sum_to(pool, &d, 1, g, NULL, 1.0);
}

static void backward_one(const phi_exec *e, size_t i, phi_run_fn *grad)
{
    phi_view d = operand(e, e->params, i, &e->din[i]);
    phi_view src[3] = {e->dout[0], phi_binary_stretched(e, e->params, 0),
                       phi_binary_stretched(e, e->params, 1)};
    int rank = d.type.rank;
    if (memcmp(d.type.dims, src[0].type.dims, (size_t)rank * sizeof(int64_t)) != 0)
        phi_sum_to(e->pool, &d, grad ? 3 : 1, src, grad, 1.0);
    else if (grad)
        phi_loop(e->pool, 4, (const phi_view *const[]){&d, &src[0], &src[1], &src[2]}, grad, NULL);
    else
        phi_copy(e->pool, &d, &src[0]);
}

enum ph_status phi_binary_backward(const phi_exec *e, ph_error *err)
{
    const phi_binary *k = family(e->node);
    (void)err;
    for (size_t i = 0; i < 2; i++) {
        if (!phi_view_absent(&e->din[i]))
            backward_one(e, i, i == 0 ? k->grad_a : k->grad_b);
    }
    return PH_OK;
}
