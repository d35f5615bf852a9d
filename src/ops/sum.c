/* SPDX-License-Identifier: MIT */
/* Sum: y = x0 + x1 + ..., added up in this order; broadcast from opset 8. dL/dxi = dL/dy. */
#include "ops/binary.h"
#include "graph/loop.h"
#include "ops/move.h"

static const phi_attr_rule attrs[] = {
    {.name = "consumed_inputs", .kind = PH_ATTR_INTS, .first = 1, .last = 5},
    {.name = NULL},
};

static enum ph_status add_shape(const phi_infer *c, size_t i, phi_type *out)
{
    char ta[PHI_TYPE_TEXT], tb[PHI_TYPE_TEXT];
    const phi_type *t = c->in[i];
    phi_type sum = *out;
    if (!t) return phi_op_fail(c, PH_ERR_ARG, "input %zu is left out", i);
    if (t->dtype != out->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "input %zu is %s, input 0 is %s", i,
                           ph_dtype_name(t->dtype), ph_dtype_name(out->dtype));
    bool fits = c->opset < 8 ? phi_type_equal(t, out) : phi_broadcast_types(out, t, &sum);
    if (!fits)
        return phi_op_fail(c, PH_ERR_SHAPE, "input %zu is %s, which cannot be added to %s", i,
                           phi_type_text(t, ta, sizeof ta), phi_type_text(out, tb, sizeof tb));
    *out = sum;
    return PH_OK;
}

static enum ph_status infer(phi_infer *c)
{
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    phi_type out = *c->in[0];
    st = phi_need_types(c, 0, PHI_TYPES_FLOAT);
    if (st) return st;
    for (size_t i = 1; i < c->n_in; i++) {
        st = add_shape(c, i, &out);
        if (st) return st;
    }
    c->out[0] = out;
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const phi_view *y = &e->out[0];
    phi_view sum = phi_view_broadcast(&e->in[0], &y->type);
    (void)err;
    if (e->n_in == 1) phi_copy(e->pool, y, &sum);
    for (size_t i = 1; i < e->n_in; i++) {
        phi_view x = phi_view_broadcast(&e->in[i], &y->type);
        phi_binary_apply(e->pool, y, &sum, &x, &phi_add);
        sum = *y;
    }
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    for (size_t i = 0; i < e->n_in; i++) {
        if (phi_view_absent(&e->din[i])) continue;
        if (phi_view_absent(&e->dout[0]))
            phi_zero(e->pool, &e->din[i]);
        else
            phi_unbroadcast(e->pool, &e->din[i], &e->dout[0]);
    }
    return PH_OK;
}

const phi_op phi_op_sum = {
    .name = "Sum",
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = -1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .trainable_behind = ~0u,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
