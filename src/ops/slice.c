/* SPDX-License-Identifier: MIT */
/*
 * Slice: from each listed axis every `step`-th element from `start` to before `end`, as numpy's
 * x[start:end:step]. Attributes before opset 10, then inputs; steps came with the inputs.
 */
#include <inttypes.h>

#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/move.h"

typedef struct params {
    int64_t start[PH_MAX_RANK], step[PH_MAX_RANK];
} params;

static const phi_attr_rule attrs[] = {
    {.name = "starts", .kind = PH_ATTR_INTS, .first = 1, .last = 9, .required = true},
    {.name = "ends", .kind = PH_ATTR_INTS, .first = 1, .last = 9, .required = true},
    {.name = "axes", .kind = PH_ATTR_INTS, .first = 1, .last = 9},
    {.name = NULL},
};

enum { DATA, STARTS, ENDS, AXES, STEPS };

typedef struct lists {
    phi_ints starts, ends, axes, steps;
} lists;

static enum ph_status read_lists(const phi_infer *c, lists *l)
{
    enum ph_status st = phi_ints_read(c, "starts", STARTS, 10, &l->starts);
    if (!st) st = phi_ints_read(c, "ends", ENDS, 10, &l->ends);
    if (!st) st = phi_ints_read(c, "axes", AXES, 10, &l->axes);
    l->steps = (phi_ints){.n = 0};
    if (!st && c->opset >= 10) st = phi_ints_read(c, "steps", STEPS, 10, &l->steps);
    if (st) return st;
    const size_t n = l->starts.n;
    if (l->starts.given && l->ends.given && l->ends.n == n && (!l->axes.given || l->axes.n == n) &&
        (!l->steps.given || l->steps.n == n))
        return PH_OK;
    return phi_op_fail(c, PH_ERR_ARG,
                       "%zu starts, %zu ends, %zu axes, %zu steps; as many of each are wanted", n,
                       l->ends.n, l->axes.n, l->steps.n);
}

static int64_t clamp(int64_t i, int64_t lo, int64_t hi)
{
    return i < lo ? lo : i > hi ? hi : i;
}

/* numpy's rules for an axis of size n: the first element and how many there are. */
static int64_t cut(int64_t n, int64_t start, int64_t end, int64_t *step, int64_t *first)
{
    const bool back = *step < 0;
    const int64_t stride = !back ? *step : *step == INT64_MIN ? INT64_MAX : -*step;
    if (start < 0) start += n;
    if (end < 0) end += n;
    start = back ? clamp(start, -1, n - 1) : clamp(start, 0, n);
    end = back ? clamp(end, -1, n - 1) : clamp(end, 0, n);
    const int64_t reach = back ? start - end : end - start;
    const int64_t count = reach <= 0 ? 0 : (reach - 1) / stride + 1;
    *first = count ? start : 0;
    if (count <= 1) *step = 1; /* nothing to step over */
    return count;
}

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    lists l;
    uint32_t mask;
    enum ph_status st = phi_need_input(c);
    if (!st) st = read_lists(c, &l);
    if (st) return st;
    phi_type out = *c->in[DATA];
    for (int i = 0; i < PH_MAX_RANK; i++)
        p->step[i] = 1;
    for (size_t i = 0; i < l.starts.n && !l.axes.given; i++)
        l.axes.at[i] = (int64_t)i;
    st = phi_axes_mask(c, l.starts.n, l.axes.at, out.rank, &mask);
    for (size_t i = 0; i < l.starts.n && !st; i++) {
        int axis = 0;
        st = phi_axis(c, l.axes.at[i], out.rank, &axis);
        if (st) return st;
        if (l.steps.given) p->step[axis] = l.steps.at[i];
        if (p->step[axis] == 0) return phi_op_fail(c, PH_ERR_ARG, "axis %d has the step 0", axis);
        out.dims[axis] =
            cut(out.dims[axis], l.starts.at[i], l.ends.at[i], &p->step[axis], &p->start[axis]);
    }
    c->out[0] = out;
    return st;
}

/* What the slice takes of `v`, a view of the type of the input. */
static phi_view taken(const phi_exec *e, const phi_view *v)
{
    const params *p = e->params;
    phi_view r = {.type = e->out[0].type, .data = v->data};
    int64_t offset = 0;
    for (int i = 0; i < r.type.rank; i++) {
        offset += p->start[i] * v->strides[i];
        r.strides[i] = v->strides[i] * p->step[i];
    }
    if (phi_type_count(&r.type) > 0)
        r.data = (char *)v->data + offset * (int64_t)ph_dtype_size(r.type.dtype);
    return r;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const phi_view x = taken(e, &e->in[DATA]);
    (void)err;
    phi_copy(e->pool, &e->out[0], &x);
    return PH_OK;
}

static enum ph_status backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_zero(e->pool, &e->din[DATA]);
    const phi_view dx = taken(e, &e->din[DATA]);
    phi_copy(e->pool, &dx, &e->dout[0]);
    return PH_OK;
}

/* All of every axis, from the front. */
static bool as_identity(const phi_infer *c)
{
    const params *p = c->params;
    for (int i = 0; i < c->in[DATA]->rank; i++)
        if (c->in[DATA]->dims[i] > 1 && p->step[i] != 1) return false;
    return phi_type_equal(c->in[DATA], &c->out[0]);
}

const phi_op phi_op_slice = {
    .name = "Slice",
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 5,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .as_identity = as_identity,
};
