/* SPDX-License-Identifier: MIT */
/* ConstantOfShape: a tensor of the shape that the input says, filled with one value. */
#include "ops/axes.h"
#include "graph/loop.h"

typedef struct params {
    size_t size;
    unsigned char value[16]; /* one element */
} params;

static const phi_attr_rule attrs[] = {
    {.name = "value", .kind = PH_ATTR_TENSOR, .first = 9},
    {.name = NULL},
};

static enum ph_status read_value(phi_infer *c, params *p, phi_type *out)
{
    char text[PHI_TYPE_TEXT];
    const ph_tensor *t = phi_attr_tensor(c->node, "value");
    out->dtype = PH_FLOAT32; /* zero, unless the attribute says otherwise */
    if (phi_attr_has(c->node, "value")) {
        if (!t)
            return phi_op_fail(c, PH_ERR_UNSUPPORTED, "its value is of a type that is not known");
        if (t->count != 1)
            return phi_op_fail(c, PH_ERR_ARG, "value is %s, wanted is one element",
                               phi_type_text(&t->type, text, sizeof text));
        out->dtype = t->type.dtype;
        memcpy(p->value, t->data, ph_dtype_size(out->dtype));
    }
    p->size = ph_dtype_size(out->dtype);
    return PH_OK;
}

static enum ph_status infer(phi_infer *c)
{
    phi_ints shape;
    phi_type out = {.rank = 0};
    enum ph_status st = phi_ints_read(c, "shape", 0, 1, &shape);
    if (st) return st;
    st = phi_shape_check(c, &shape);
    if (st) return st;
    out.rank = (int)shape.n;
    memcpy(out.dims, shape.at, sizeof out.dims);
    st = read_value(c, c->params, &out);
    if (st) return st;
    c->out[0] = out;
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    phi_view one = {.type = e->out[0].type}; /* one element stretched to the whole shape */
    unsigned char value[16];
    (void)err;
    memcpy(value, p->value, sizeof value);
    one.data = value;
    phi_copy(e->pool, &e->out[0], &one);
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)e;
    (void)err;
    return PH_OK; /* its only input is a list of integers */
}

const phi_op phi_op_constant_of_shape = {
    .name = "ConstantOfShape",
    .since = 9,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
