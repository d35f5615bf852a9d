/* SPDX-License-Identifier: MIT */
/*
 * Tile: the input over and over, `repeats` times along each axis; in opset 1 `tiles` times along
 * one. The output is seen with two dimensions for a repeated axis, how often and where in the
 * input, so that it is one copy of a view in which "how often" does not move.
 */
#include <inttypes.h>

#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/move.h"

typedef struct params {
    int64_t repeats[PH_MAX_RANK];
} params;

static enum ph_status one_number(const phi_infer *c, size_t i, const char *what, int64_t *out)
{
    char text[PHI_TYPE_TEXT];
    const ph_tensor *t;
    enum ph_status st = phi_known_input(c, i, what, &t);
    if (st) return st;
    *out = 0;
    if (t->count == 1 && t->type.dtype == PH_INT64)
        *out = *(const int64_t *)t->data;
    else if (t->count == 1 && t->type.dtype == PH_FLOAT32 && *(const float *)t->data >= 0 &&
             *(const float *)t->data <= 1e9f)
        *out = (int64_t) * (const float *)t->data; /* opset 1 has them in the data's type */
    else
        return phi_op_fail(c, PH_ERR_TYPE, "input %zu (%s) is %s, wanted is one int64", i, what,
                           phi_type_text(&t->type, text, sizeof text));
    return PH_OK;
}

static enum ph_status read_repeats(const phi_infer *c, params *p)
{
    const int rank = c->in[0]->rank;
    phi_ints list;
    int64_t axis, times;
    int at = 0;
    for (int i = 0; i < PH_MAX_RANK; i++)
        p->repeats[i] = 1;
    if (c->opset < 6) {
        enum ph_status st = one_number(c, 1, "tiles", &times);
        if (!st) st = one_number(c, 2, "axis", &axis);
        if (!st) st = phi_axis(c, axis, rank, &at);
        if (!st) p->repeats[at] = times;
        return st;
    }
    enum ph_status st = phi_ints_read(c, "repeats", 1, 6, &list);
    if (st) return st;
    if (list.n != (size_t)rank)
        return phi_op_fail(c, PH_ERR_ARG, "%zu repeats for %d dimensions", list.n, rank);
    memcpy(p->repeats, list.at, (size_t)rank * sizeof *list.at);
    return PH_OK;
}

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    int split = 0;
    enum ph_status st = phi_need_input(c);
    if (!st) st = read_repeats(c, p);
    if (st) return st;
    c->out[0] = *c->in[0];
    for (int i = 0; i < c->in[0]->rank; i++) {
        int64_t *d = &c->out[0].dims[i];
        split += p->repeats[i] != 1 && *d != 1;
        if (p->repeats[i] < 0)
            return phi_op_fail(c, PH_ERR_ARG, "axis %d is repeated %" PRId64 " times", i,
                               p->repeats[i]);
        if (!phi_mul_i64(*d, p->repeats[i], d))
            return phi_op_fail(c, PH_ERR_OVERFLOW, "output dimension %d does not fit into 63 bits",
                               i);
    }
    if (c->in[0]->rank + split <= PH_MAX_RANK) return PH_OK;
    return phi_op_fail(c, PH_ERR_UNSUPPORTED, "%d axes of %d are repeated, at most %d together",
                       split, c->in[0]->rank, PH_MAX_RANK);
}

/* `x`, of the type of the input, and `y`, of that of the output, under one shape: the input's, with
 * a dimension of the repeats before each that is repeated; x has stride 0 there. */
static void align(const phi_exec *e, phi_view *x, phi_view *y)
{
    const params *p = e->params;
    const phi_view in = *x, out = *y;
    x->type.rank = 0;
    for (int i = 0; i < in.type.rank; i++) {
        const int64_t n = in.type.dims[i], times = p->repeats[i];
        if (times != 1) {
            x->type.dims[x->type.rank] = times;
            x->strides[x->type.rank] = 0;
            y->strides[x->type.rank++] = out.strides[i] * n;
            if (n == 1) continue;
        }
        x->type.dims[x->type.rank] = n;
        x->strides[x->type.rank] = in.strides[i];
        y->strides[x->type.rank++] = out.strides[i];
    }
    const enum ph_dtype dtype = y->type.dtype;
    y->type = x->type;
    y->type.dtype = dtype;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    phi_view x = e->in[0], y = e->out[0];
    (void)err;
    align(e, &x, &y);
    phi_copy(e->pool, &y, &x);
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    (void)err;
    if (phi_view_absent(&e->din[0])) return PH_OK; /* opset 1 has floats beside it */
    phi_view dx = e->din[0], dy = e->dout[0];
    align(e, &dx, &dy);
    for (int i = 0, at = 0; i < e->in[0].type.rank; i++) { /* summed: one element in dx */
        if (p->repeats[i] != 1) dx.type.dims[at++] = 1;
        if (p->repeats[i] == 1 || e->in[0].type.dims[i] != 1) at++;
    }
    phi_sum_to(e->pool, &dx, 1, &dy, NULL, 1.0);
    return PH_OK;
}

const phi_op phi_op_tile = {
    .name = "Tile",
    .since = 1,
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
