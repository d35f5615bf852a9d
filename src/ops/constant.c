/* SPDX-License-Identifier: MIT */
/* Constant: what one of its attributes says. Sparse tensors and strings are not known here. */
#include "graph/graph.h"
#include "graph/loop.h"

static const phi_attr_rule attrs[] = {
    {.name = "value", .kind = PH_ATTR_TENSOR, .first = 1, .last = 10, .required = true},
    {.name = "value", .kind = PH_ATTR_TENSOR, .first = 11},
    {.name = "value_float", .kind = PH_ATTR_FLOAT, .first = 12},
    {.name = "value_floats", .kind = PH_ATTR_FLOATS, .first = 12},
    {.name = "value_int", .kind = PH_ATTR_INT, .first = 12},
    {.name = "value_ints", .kind = PH_ATTR_INTS, .first = 12},
    {.name = NULL},
};

typedef struct params {
    const void *data; /* the graph's; NULL: float or int below */
    float f;
    int64_t i;
} params;

static void read_list(phi_infer *c, params *p, phi_type *out)
{
    size_t n;
    if (phi_attr_has(c->node, "value_floats")) {
        p->data = phi_attr_floats(c->node, "value_floats", &n);
        *out = (phi_type){.dtype = PH_FLOAT32, .rank = 1, .dims = {(int64_t)n}};
    } else {
        p->data = phi_attr_ints(c->node, "value_ints", &n);
        *out = (phi_type){.dtype = PH_INT64, .rank = 1, .dims = {(int64_t)n}};
    }
}

static enum ph_status infer(phi_infer *c)
{
    static const char *const names[] = {"value", "value_float", "value_floats", "value_int",
                                        "value_ints"};
    params *p = c->params;
    size_t given = 0;
    for (size_t i = 0; i < PHI_COUNT(names); i++)
        given += phi_attr_has(c->node, names[i]);
    if (given != 1)
        return phi_op_fail(c, PH_ERR_ARG,
                           "%zu attributes say the value, wanted is one of value, value_float, "
                           "value_floats, value_int, value_ints",
                           given);
    if (phi_attr_has(c->node, "value")) {
        const ph_tensor *t = phi_attr_tensor(c->node, "value");
        if (!t)
            return phi_op_fail(c, PH_ERR_UNSUPPORTED, "its value is of a type that is not known");
        p->data = t->data;
        c->out[0] = t->type;
    } else if (phi_attr_has(c->node, "value_float")) {
        p->f = phi_attr_float(c->node, "value_float", 0);
        c->out[0] = (phi_type){.dtype = PH_FLOAT32};
    } else if (phi_attr_has(c->node, "value_int")) {
        p->i = phi_attr_int(c->node, "value_int", 0);
        c->out[0] = (phi_type){.dtype = PH_INT64};
    } else {
        read_list(c, p, &c->out[0]);
    }
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    const phi_type *t = &e->out[0].type;
    const void *one = t->dtype == PH_FLOAT32 ? (const void *)&p->f : (const void *)&p->i;
    (void)err;
    phi_copy_bytes(e->pool, e->out[0].data, p->data ? p->data : one,
                   t->rank > 0 && !p->data ? 0 : phi_type_bytes(t));
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)e;
    (void)err;
    return PH_OK; /* no inputs, no gradients */
}

const phi_op phi_op_constant = {
    .name = "Constant",
    .since = 1,
    .attrs = attrs,
    .min_in = 0,
    .max_in = 0,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
