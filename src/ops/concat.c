/* SPDX-License-Identifier: MIT */
/* Concat: inputs one after the other along an axis; each is copied into its slice of the output. */
#include "ops/axes.h"
#include "graph/loop.h"
#include "ops/move.h"

typedef struct params {
    int axis;
} params;

/* Opset 1 has a default, 1; later ones require the attribute. */
static const phi_attr_rule attrs[] = {
    {.name = "axis", .kind = PH_ATTR_INT, .first = 1, .last = 3},
    {.name = "axis", .kind = PH_ATTR_INT, .first = 4, .required = true},
    {.name = NULL},
};

/* Input i against input 0: everything but the axis must be equal. */
static enum ph_status check_input(const phi_infer *c, size_t i, int axis)
{
    char ta[PHI_TYPE_TEXT], tb[PHI_TYPE_TEXT];
    const phi_type *a = c->in[0], *b = c->in[i];
    if (!b) return phi_op_fail(c, PH_ERR_ARG, "input %zu is left out", i);
    if (b->dtype != a->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "input %zu is %s, input 0 is %s", i,
                           ph_dtype_name(b->dtype), ph_dtype_name(a->dtype));
    bool fits = a->rank == b->rank;
    for (int d = 0; fits && d < a->rank; d++)
        fits = d == axis || a->dims[d] == b->dims[d];
    if (fits) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE,
                       "input %zu is %s, which cannot stand behind %s (input 0) along axis %d", i,
                       phi_type_text(b, tb, sizeof tb), phi_type_text(a, ta, sizeof ta), axis);
}

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    phi_type out = *c->in[0];
    st = phi_axis(c, phi_attr_int(c->node, "axis", 1), out.rank, &p->axis);
    if (st) return st;
    for (size_t i = 1; i < c->n_in; i++) {
        st = check_input(c, i, p->axis);
        if (st) return st;
        if (!phi_add_i64(out.dims[p->axis], c->in[i]->dims[p->axis], &out.dims[p->axis]))
            return phi_op_fail(c, PH_ERR_OVERFLOW, "output dimension %d does not fit into 63 bits",
                               p->axis);
    }
    c->out[0] = out;
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    int64_t start = 0;
    (void)err;
    for (size_t i = 0; i < e->n_in; i++) {
        phi_view part = phi_part(&e->out[0], &e->in[i].type, p->axis, start);
        if (part.data != e->in[i].data) /* otherwise the plan had it written there */
            phi_copy(e->pool, &part, &e->in[i]);
        start += e->in[i].type.dims[p->axis];
    }
    return PH_OK;
}

static bool as_concat(const phi_infer *c)
{
    return ((const params *)c->params)->axis == 1;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    int64_t start = 0;
    (void)err;
    for (size_t i = 0; i < e->n_in; i++) {
        const phi_type *t = &e->in[i].type;
        if (!phi_view_absent(&e->din[i])) {
            phi_view part = phi_part(&e->dout[0], t, p->axis, start);
            phi_copy(e->pool, &e->din[i], &part);
        }
        start += t->dims[p->axis];
    }
    return PH_OK;
}

const phi_op phi_op_concat = {
    .name = "Concat",
    .passes = PHI_PASSES_AXIS,
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = -1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .as_identity = phi_single_input,
    .as_concat = as_concat,
};
